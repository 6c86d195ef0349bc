"""Graphs in a few lines, for cases and tests of what the compiler does with them.

A line is a layer::

    Load
    Train after Load | each=Load.item attempts=3 on=EC2 gpu=1 image=train:1
    Score after Train | each=Train.model pipelined takes=12.5

Behind the bar stand, in any order: ``each`` (what the layer fans out over; ``Load.item[0]`` for one dimension of many),
``pipelined``, ``optional``, ``hook`` (``entry``, ``submission``, ``retry``), ``attempts``, ``delay``, ``backoff``,
``jitter``, ``max_concurrency``, ``splits_per_job``, ``splits_at_once``, ``tolerated_failures``, ``local_concurrency``,
``on`` (``FARGATE``, ``EC2``, ``Lambda``, ``Auto``), ``queue``, ``share``, ``priority``, ``role``, ``concurrency`` (on
AWS Lambda), ``timeout``, ``summary``, ``takes`` (seconds), and the fields
of a container, as in ``cpu=2 memory=4096 spot secrets=TOKEN:arn:aws:...``. Those that only targets know are JSON:
``user='"1000"'``. Volumes are maps of their arguments:
``volumes='[{"file_system": "fs-0123abcd", "mount": "/mnt/a"}]'``. In these, in images, tags, secrets and variables
of the environment ``var.NAME`` is a variable, and ``var.NAME=TEXT`` one with a default.

A line that begins with ``flow`` has the options of the whole flow: ``flow Report | timeout=60 schedule='rate(1 day)'``,
with ``ends`` for its own time limit.
``network=subnet-1,subnet-2/sg-1`` is that of a layer on AWS Lambda, or of all functions of a flow; ``$name`` in the
place of ids is a list of the deployment. The planner has ``planner_memory``, ``planner_timeout`` and
``planner_image``; ``planner_on=FARGATE`` or ``EC2`` makes it a job, with ``planner_cpu`` and ``planner_share``.
Further such lines begin further flows, which follow the first.
"""

from __future__ import annotations

import builtins
import json
import re
import shlex
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.graph import Dimension, Graph, LayerNode, Retry, Trigger
from laminar_codegen.ir.placement import USUAL, Container, Network, PlannerSettings, Target, container_of, network_of
from laminar_codegen.planning.profile import LayerTimes, Profile
from laminar_codegen.problems import Location
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.target import BatchTarget
from laminar_codegen.targets.planners import planner_of
from laminar_codegen.triggers.expressions import ExpressionInZone
from laminar_runtime import ListVariable, Variable, _records
from laminar_runtime.configurations import networks, planners
from laminar_runtime.configurations.containers import Container as Configured
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.layers import ForEach
from laminar_runtime.configurations.volumes import EFS, Host

__all__ = ["durations_in", "graph_in", "graphs_in", "profile_of", "repeat_lines"]

_NUMBERS = {"cpu", "attempts", "delay", "backoff", "jitter", "concurrency", "timeout", "takes", "memory", "gpu"}
_NUMBERS |= {"ephemeral_storage", "priority", "ends", "max_concurrency", "local_concurrency", "tolerated_failures"}
_NUMBERS |= {"splits_per_job", "splits_at_once"}
_NUMBERS |= {"planner_memory", "planner_timeout", "planner_cpu"}
_CONTAINER = {field.name for field in attrs.fields(Container)}
_PAIRS = {"secrets", "log_options", "environment"}
#: The fields of containers that only targets know. Their values are JSON.
_FURTHER = _records.plain(Configured()).keys() - _CONTAINER
_OF_LAYER = {"each", "pipelined", "optional", "hook", "attempts", "delay", "backoff", "jitter", "on", "concurrency"}
_OF_LAYER |= {"timeout", "summary", "takes", "calls", "initialised", *_CONTAINER, *_FURTHER}
_OF_LAYER |= {"queue", "share", "priority", "role", "failures", "network"}
_OF_LAYER |= {"max_concurrency", "local_concurrency", "tolerated_failures", "splits_per_job", "splits_at_once"}
_OF_FLOW = {"timeout", "summary", "schedule", "timezone", "encryption", "key", "in_memory", "linked", "ends"}
_OF_FLOW |= {
    "network",
    "planner_memory",
    "planner_timeout",
    "planner_image",
    "planner_on",
    "planner_cpu",
    "planner_share",
}


def graph_in(text: str) -> Graph:
    """Return the only graph of a text.

    Args:
        text: The graph, in the notation of this module.
    """
    (graph,) = graphs_in(text)
    return graph


def graphs_in(text: str) -> tuple[Graph, ...]:
    """Return the graphs of a text.

    Args:
        text: The graphs, in the notation of this module.
    """
    flows: list[tuple[str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("flow "):
            flows.append((f"{line}@{number}", []))
        elif line.strip():
            if not flows:
                flows.append(("flow Report@0", []))
            flows[-1][1].append(f"{line}@{number}")
    several = len(flows) > 1
    return tuple(_graph(head, lines, linked=place > 0, several=several) for place, (head, lines) in enumerate(flows))


def repeat_lines(text: str, times: int) -> str:
    r"""Return a text in which lines stand many times: for what depends on how many layers there are.

    Args:
        text: A graph. A line with ``#`` is repeated, with a number in its place, or with the next one in the place of
            ``#+1``. ``P*`` stands for all ``P#``.
        times: The number of repetitions.

    Example:
        >>> repeat_lines("P#\nD after P*", 3)
        'P0\nP1\nP2\nD after P0, P1, P2'
    """
    lines = [
        line.replace("#+1", str(number + 1)).replace("#", str(number))
        for line in text.splitlines()
        for number in range(times if "#" in line else 1)
    ]
    every = range(times)
    return re.sub(r"(\w+)\*", lambda found: ", ".join(f"{found[1]}{number}" for number in every), "\n".join(lines))


def durations_in(text: str) -> dict[str, float]:
    """Return the seconds that the layers of a text take, of those that say it.

    Args:
        text: The graph.
    """
    found = {}
    for line in text.splitlines():
        name, _, options = _parts(f"{line}@0", _OF_LAYER | _OF_FLOW)
        if "takes" in options:
            found[name.partition(" after ")[0]] = float(options["takes"])
    return found


def profile_of(seconds: Mapping[str, float]) -> Profile:
    """Return the profile that somebody would write by hand.

    Args:
        seconds: The seconds of layers.
    """
    return Profile({name: LayerTimes(takes) for name, takes in seconds.items()})


def _graph(head: str, lines: list[str], *, linked: bool, several: bool) -> Graph:
    name, place, options = _parts(head.removeprefix("flow "), _OF_FLOW)
    schedule = options.get("schedule")
    kind = options.get("encryption")
    network = _network(options.get("network"))
    return Graph(
        flow=name,
        location=Location("flow.py", place),
        summary=options.get("summary", ""),
        layers=tuple(attrs.evolve(one, executor=one.executor.in_network(network)) for one in map(_layer, lines)),
        in_memory=options.get("in_memory", False),
        timeout=options.get("timeout", 3600),
        prefix=labels.prefix(name) if several else "",
        linked=options.get("linked", linked),
        triggers=() if schedule is None else (_schedule(schedule, options.get("timezone", "UTC")),),
        time_limit=options.get("ends"),
        encryption=NO_ENCRYPTION if kind is None else Encryption(kind, options.get("key")),
        planner=_planner(options, network),
    )


def _planner(options: Mapping[str, Any], network: Network | None) -> PlannerSettings:
    image = options.get("planner_image")
    variable = Variable(image[1:]) if image is not None and image.startswith("$") else image
    asked = {"memory": options.get("planner_memory"), "timeout": options.get("planner_timeout"), "image": variable}
    if "planner_on" in options:
        jobs = {"platform": options["planner_on"], "cpu": options.get("planner_cpu")}
        asked = {**asked, **jobs, "share_identifier": options.get("planner_share")}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return planner_of((planners.AWS.Batch if "planner_on" in options else planners.AWS.Lambda)(**given), network)


def _network(text: str | None) -> Network | None:
    if text is None:
        return None
    one, other = (_ids(part) for part in text.split("/"))
    return network_of(networks.Network(one, other))


def _ids(text: str) -> list[str] | ListVariable:
    return ListVariable(text[1:]) if text.startswith("$") else [item for item in text.split(",") if item]


def _schedule(expression: str, timezone: str) -> Trigger:
    return Trigger("schedule", ExpressionInZone(expression, timezone))


def _parts(line: str, names: AbstractSet[str]) -> tuple[str, int, dict[str, Any]]:
    """Return the name of a layer, with what follows ``after`` in it, the number of the line, and the options."""
    line, _, number = line.rpartition("@")
    name, _, rest = line.partition("|")
    options = dict(_option(word) for word in shlex.split(rest))
    if unknown := options.keys() - names:
        raise ValueError(f"{line}: no option is named {', '.join(sorted(unknown))}")
    return name.strip(), int(number), options


def _option(word: str) -> tuple[str, Any]:
    name, given, value = word.partition("=")
    if not given:
        return name, True
    if name in _NUMBERS:
        return name, float(value) if "." in value or value == "inf" else int(value)
    return name, value


def _layer(line: str) -> LayerNode:
    name, place, options = _parts(line, _OF_LAYER)
    name, _, after = name.partition(" after ")
    foreach = tuple(map(_dimension, filter(None, options.get("each", "").split(","))))
    named = {part.strip() for part in after.split(",") if part.strip()} | {item.layer for item in foreach}
    hooks = tuple((kind, f"ask_{kind}") for kind in options.get("hook", "").split(",") if kind)
    return LayerNode(
        name=name,
        location=Location("flow.py", place),
        summary=options.get("summary", ""),
        depends=tuple(sorted(named)),
        hints=(),
        hooks=hooks,
        container=_container(options),
        foreach=foreach,
        retry=Retry(
            options.get("attempts", 1),
            options.get("delay", 0.1),
            options.get("backoff", 2),
            options.get("jitter", 0),
            tuple(map(_failure, filter(None, options.get("failures", "").split(",")))),
        ),
        executor=_target(options),
        optional=options.get("optional", False),
        calls=options.get("calls", "__call__"),
        initialised=options.get("initialised", False),
        pipelined=options.get("pipelined", False),
        fan_out=_records.copy(
            ForEach(),
            max_concurrency=options.get("max_concurrency"),
            tolerated_failures=options.get("tolerated_failures"),
            splits_per_job=options.get("splits_per_job"),
            splits_at_once=options.get("splits_at_once", 1),
        ),
        local_concurrency=options.get("local_concurrency"),
        alternative=_function({"timeout": 900, **options}) if options.get("on") == "Auto" else None,
    )


def _failure(text: str) -> type[BaseException] | int | str:
    known = getattr(builtins, text, None)
    return known if isinstance(known, type) else int(text) if text.isdecimal() else text


def _dimension(text: str) -> Dimension:
    layer, _, attribute = text.partition(".")
    attribute, indexed, index = attribute.partition("[")
    return Dimension(layer, attribute, int(index.rstrip("]")) if indexed else None)


def _container(options: Mapping[str, Any]) -> Container:
    given = {name: value for name, value in options.items() if name in _CONTAINER}
    for name in _PAIRS & given.keys():
        pairs = sorted(pair.split(":", 1) for pair in given[name].split(";"))
        given[name] = tuple((key, _reference(value)) for key, value in pairs)
    if "image" in given:
        given["image"] = _reference(given["image"])
    if "command" in given:
        given["command"] = tuple(given["command"].split())
    further = {name: json.loads(value) for name, value in options.items() if name in _FURTHER}
    if "volumes" in further:
        further["volumes"] = [_volume(fields) for fields in further["volumes"]]
    if "tags" in further:
        further["tags"] = {key: _variable(value) for key, value in further["tags"].items()}
    for name in {"properties", "registry_credentials", "user"} & further.keys():
        further[name] = _with_variables(further[name])
    return attrs.evolve(USUAL, more=container_of(Configured(**further)).more, **given)


def _volume(fields: Mapping[str, Any]) -> EFS | Host:
    given = {name: _variable(value) for name, value in fields.items()}
    return Host(**given) if "source" in given else EFS(**given)


def _variable(value: Any) -> Any:
    """Return the variable that a text names, or a value as it is."""
    if not (isinstance(value, str) and value.startswith("var.")):
        return value
    name, given, default = value.removeprefix("var.").partition("=")
    return Variable(name, default=default) if given else Variable(name)


def _with_variables(value: Any) -> Any:
    """Return a value with variables in the places of the texts that name them."""
    if isinstance(value, dict):
        return {key: _with_variables(item) for key, item in value.items()}
    return [*map(_with_variables, value)] if isinstance(value, list) else _variable(value)


def _reference(value: str) -> str | Input:
    found = _variable(value)
    return Input.of(found) if isinstance(found, Variable) else value


def _function(options: Mapping[str, Any]) -> Target:
    return LambdaTarget(
        options.get("concurrency", 100),
        options.get("timeout"),
        options.get("role"),
        _network(options.get("network")),
    )


def _target(options: Mapping[str, Any]) -> Target:
    if options.get("on") == "Lambda":
        return _function(options)
    return BatchTarget(
        "FARGATE" if options.get("on") == "Auto" else options.get("on", "FARGATE"),
        options.get("timeout"),
        options.get("queue"),
        options.get("share"),
        options.get("priority", 0),
        options.get("role"),
    )
