"""Writes a random flow as Python: the one text that every run takes it from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from tests.support.random_flows.spec import CALL_TROUBLES, PARAMETERS, FlowSpec, Hook, LayerSpec, Over, Read

__all__ = ["HEADER", "guard_of", "source_of"]

HEADER = """\
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
"""

#: The results of entry hooks, besides that of `ready`.
_ENTRIES = {
    "always": "True",
    "never": "False",
    "flag": "parameters.flag % 2 == 0",
    "value": "number({seen}) % 3 != 0",
    "finished": "all(layer.state.finished for layer in ({layers}))",
    "unfinished": "not all(layer.state.finished for layer in ({layers}))",
    "spares": 'self.name not in ("L1", "L3")',
}

#: The actions of the other hooks.
_DEEDS = {
    "submission": {
        "index": "self.configuration.container.memory = 1024 * (1 + self.index % 3)",
        "attempt": "self.configuration.container.cpu = self.attempt",
        "value": "self.configuration.container.memory = 1000 + number({seen}) % 5000",
        "command": 'self.configuration.container.command = f"python main.py --split {{self.index}}"',
        "more": "self.configuration.container.memory += 700",
        "reads": "self.prepared = {seen}",
    },
    "execution": {"reads": "self.prepared = {seen}"},
    "retry": {
        "double": "self.configuration.container.memory *= 2",
        "cpu": "self.configuration.container.cpu += 1",
        "first": "self.configuration.container.memory += 1024 * (self.index == 0)",
        "value": "self.configuration.container.memory = 1000 + number({seen}) % 5000",
        "reads": "self.prepared = {seen}",
    },
}

#: What generators do after the event. Of the container of a split that was submitted it is for nobody.
_AFTER = {
    "submission": "self.configuration.container.memory = 1",
    "execution": "self.after = number({seen})",
    "retry": "pass",
}


def source_of(spec: FlowSpec) -> str:
    """Return the text of the classes of a flow, which need the names of `behaviour`, ``world`` and ``LAMBDA``."""
    return "".join(f"{line}\n" for line in _lines(spec))


def guard_of(spec: FlowSpec) -> str:
    """Return the lines that run the flow where the file is run."""
    return f"if flow := {spec.name}():\n    flow()\n"


def _lines(spec: FlowSpec) -> Iterator[str]:
    names = [spec.name] if spec.bases == 1 else [f"{spec.name}{number}" for number in range(spec.bases)]
    for position, name in enumerate(names):
        yield f"class {name}(Flow):"
        yield "    pass"
        for number, hook in enumerate(spec.hooks if position == 0 else ()):
            yield from _indent(_hook(hook, f"flow_{hook.kind}_{number}", ""))
    for layer in map(spec.layer, spec.order):
        yield from _layer(spec, layer, names[layer.flow % len(names)])
    if spec.bases > 1:
        yield f"class {spec.name}({', '.join(names)}):"
        yield "    pass"


def _layer(spec: FlowSpec, layer: LayerSpec, flow: str) -> Iterator[str]:
    own = [
        line
        for number, hook in enumerate(layer.hooks)
        for line in _hook(hook, f"{hook.kind}_{number}", _trouble(spec, layer, hook.kind))
    ]
    base = "Layer"
    if layer.inherits and own:
        base = f"{layer.name}Hooks"
        yield f"class {base}(Layer):"
        yield from _indent(own)
        own = []
    yield f"@{flow}.register({', '.join(_configuration(spec, layer))})"
    yield f"class {layer.name}({base}):"
    yield from _indent(own)
    yield from _indent(_call(spec, layer))


def _configuration(spec: FlowSpec, layer: LayerSpec) -> Iterator[str]:
    cpu, memory = layer.container
    yield f"container=Container(cpu={cpu}, memory={memory})"
    if layer.over:
        (first, *rest), pipelined = layer.over, layer.pipelined
        if any((trouble.layer, trouble.where) == (layer.name, "plan") for trouble in spec.troubles):
            first, pipelined = attrs.evolve(first, index=99), False
        known = {"max_concurrency": layer.limit, "tolerated_failures": layer.tolerated}
        if not layer.on_lambda:
            known["splits_per_job"] = layer.per_job
        how = "".join(f", {name}={value}" for name, value in known.items() if value is not None and not pipelined)
        how += ", pipelined=True" if pipelined else ""
        yield f"foreach=ForEach(parameters=[{', '.join(map(_parameter, [first, *rest]))}]{how})"
    if layer.attempts > 1:
        yield f"retry=Retry(attempts={layer.attempts}, delay=0, jitter=0)"
    if layer.on_lambda:
        yield "executor=LAMBDA"
    if layer.catch:
        yield f"catch=Catch({', '.join(layer.catch)})"


def _parameter(over: Over) -> str:
    return f'Parameter("{over.layer}", "{over.attribute}", index={over.index})'


def _call(spec: FlowSpec, layer: LayerSpec) -> Iterator[str]:
    yield f"def __call__(self{_arguments(layer.reads)}) -> None:"
    yield "    world.note(self)"
    yield "    self.tried = self.attempt"
    yield f"    self.seen = [self.name, self.index, self.splits, {_reading(layer.reads)}]"
    yield "    self.value = number(self.seen)"
    yield "    self.one = -self.value"
    yield "    if self.value % 2:"
    yield "        self.odd = self.value"
    if layer.widths:
        yield f"    self.shard(items=items(self, {layer.widths}))"
    if layer.failures:
        failures = [(failure.index, failure.attempts, failure.error) for failure in layer.failures]
        yield f"    fail(self, {failures})"
    if layer.picky:
        yield "    pick(self)"
    for where in CALL_TROUBLES:
        if line := _trouble(spec, layer, where):
            yield f"    {line}"
    yield "    self.rest = number([self.value])"


def _hook(hook: Hook, name: str, trouble: str) -> Iterator[str]:
    seen = _reading(hook.reads)
    yield f"@hooks.{hook.kind}"
    yield f"def {name}(self{_arguments(hook.reads)}):"
    if trouble:
        yield f"    {trouble}"
    if hook.kind == "entry":
        layers = "".join(f"{_variable(read.layer)}, " for read in hook.reads if read.layer != PARAMETERS)
        yield f"    return ready(self) and {_ENTRIES[hook.does].format(seen=seen, layers=layers)}"
        return
    yield f"    {_DEEDS[hook.kind][hook.does].format(seen=seen)}"
    if hook.generator:
        yield "    yield"
        yield f"    {_AFTER[hook.kind].format(seen=seen)}"


def _trouble(spec: FlowSpec, layer: LayerSpec, where: str) -> str:
    for trouble in spec.troubles:
        if (trouble.layer, trouble.where) == (layer.name, where):
            return f"trouble(world, self, {trouble.index}, ends={where == 'exit'})"
    return ""


def _arguments(reads: Sequence[Read]) -> str:
    return "".join(f', {_variable(read.layer)}: "{read.layer}"' for read in reads)


def _reading(reads: Sequence[Read]) -> str:
    return f"[{', '.join(f'look({_variable(read.layer)}, {_names(read)})' for read in reads)}]"


def _names(read: Read) -> str:
    return ", ".join(f'"{name}"' for name in read.names)


def _variable(layer: str) -> str:
    return layer.lower()


def _indent(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"    {line}"
