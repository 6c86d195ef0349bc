"""Deploys what documents declare: evaluates blocks in order, and makes each resource by calls of the API.

What depends on a resource that could not be made is left out; the rest is made, and all problems are reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.document.configuration import Block, Configuration
from laminar_codegen.rehearsal.document.data_sources import DATA_SOURCES
from laminar_codegen.rehearsal.document.errors import DocumentError, EvaluationError, ExpressionError
from laminar_codegen.rehearsal.document.evaluation import Scope, evaluate_json
from laminar_codegen.rehearsal.document.given import Given, provide, read_value
from laminar_codegen.rehearsal.document.kinds import Account, Making
from laminar_codegen.rehearsal.document.names import Labels, Unrehearsed
from laminar_codegen.rehearsal.document.order import in_order
from laminar_codegen.rehearsal.document.parsing import parse_expression
from laminar_codegen.rehearsal.document.resources import KINDS
from laminar_codegen.rehearsal.document.types import convert
from laminar_codegen.rehearsal.document.values import as_flag, as_number, as_text, pairs

__all__ = ["Deployed", "Resource", "deploy_configuration"]

#: Arguments that Terraform reads itself.
_META = frozenset({"//", "count", "dynamic", "for_each", "lifecycle"})


@attrs.frozen(eq=False)
class Resource:
    """A resource that was made.

    Args:
        type: Its type.
        address: What Terraform calls it.
        place: Where it stands, as messages say it.
        attributes: Its arguments, evaluated, and what AWS says of it.
    """

    type: str
    address: str
    place: str
    attributes: Mapping[str, Any]


@attrs.frozen(eq=False)
class Deployed:
    """What was deployed.

    Args:
        resources: The resources, in the order in which they were made.
        outputs: The values of the outputs.
    """

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]


def deploy_configuration(
    configuration: Configuration, given: Given, account: Account, warn: Callable[[str], object]
) -> Deployed:
    """Deploy what documents declare.

    Args:
        configuration: What they declare.
        given: The values of variables.
        account: Where.
        warn: Takes warnings: of what is not rehearsed.

    Returns:
        What was made.

    Raises:
        DocumentError: If something cannot be evaluated or made, with every reason.
    """
    return _Deploying(configuration, given, account, warn).run()


def _once(warn: Callable[[str], object]) -> Callable[[str], None]:
    """Return a function that warns of each text once, whatever number of resources it is about."""
    known: set[str] = set()

    def warn_once(text: str) -> None:
        if text not in known:
            known.add(text)
            warn(text)

    return warn_once


class _Deploying:
    def __init__(
        self, configuration: Configuration, given: Given, account: Account, warn: Callable[[str], object]
    ) -> None:
        self._configuration = configuration
        self._given = given
        self._account = account
        self._warn = _once(warn)
        self._values: dict[tuple[str, ...], Any] = {}
        self._problems: list[str] = []
        self._resources: list[Resource] = []
        self._outputs: dict[str, Any] = {}
        roots = {path[0] for path in configuration.blocks}
        self._scope: Scope = {
            **{root: Labels(self._values, root) for root in (*roots, "var", "local", "data")},
            "path": {"module": ".", "root": ".", "cwd": "."},
            "terraform": {"workspace": "default", "applying": True},
        }

    def run(self) -> Deployed:
        order, needs = in_order(self._configuration)
        for file, kind in self._configuration.ignored:
            self._warn(f"{file}: the block {kind} is not rehearsed")
        self._check_options()
        for block in order:
            if block.kind == "variable":
                self._try(block, self._variable)
        # The rules of variables come first, as with Terraform: nothing is made of values that break them.
        for block in self._configuration.of_kind("variable"):
            if block.path in self._values:
                self._try(block, self._validate)
        self._raise()
        for block in order:
            if block.kind != "variable" and needs[block.path] <= self._values.keys():
                self._try(block, _STEPS[block.kind].__get__(self))
        self._raise()
        return Deployed(tuple(self._resources), self._outputs)

    def _raise(self) -> None:
        if self._problems:
            raise DocumentError("\n".join(self._problems))

    def _try(self, block: Block, step: Callable[[Block], None]) -> None:
        """Take a step, and note why it cannot be taken."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            step(block)
        except DocumentError as error:
            self._problems.append(str(error))
        except (EvaluationError, ExpressionError) as error:
            self._problems.append(f"{block.place}: {error}")
        except ClientError as error:
            answer = error.response.get("Error", {})
            self._problems.append(
                f"{block.place}: {error.operation_name} is refused: {answer.get('Code')}: {answer.get('Message')}"
            )
        except BotoCoreError as error:
            self._problems.append(f"{block.place}: {' '.join(str(error).split())}")

    def _check_options(self) -> None:
        """Report options for variables that the document does not have. As in Terraform, files may have more."""
        declared = {block.labels[0] for block in self._configuration.of_kind("variable")}
        for name in self._given.options - declared:
            self._problems.append(f"--var {name}: the document has no variable of that name")

    def _variable(self, block: Block) -> None:
        name, type_ = block.labels[0], str(block.body.get("type", "any"))
        value: Any = self._given.values.get(name)
        if name in self._given.texts:
            value = read_value(self._given.texts[name], type_)
        optional = "default" in block.body
        if value is None and optional:
            value = block.body["default"]
        if value is not None or not optional:
            value = provide(name, value, self._account, lambda note: self._warn(f"{block.file}: {note}"))
            if value is None:
                raise DocumentError(f"{block.place}: it has no value: give it one, --var {name}=VALUE")
        self._values[block.path] = convert(value, parse_expression(type_))

    def _validate(self, block: Block) -> None:
        for rule in _bodies(block.body.get("validation")):
            self._hold(block, rule, self._scope)

    def _hold(self, block: Block, rule: Mapping[str, Any], scope: Scope) -> None:
        """Hold a rule of the document."""
        if not as_flag(evaluate_json(rule.get("condition"), scope)):
            message = evaluate_json(rule.get("error_message", "a condition does not hold"), scope)
            raise DocumentError(f"{block.place}: {message}")

    def _local(self, block: Block) -> None:
        self._values[block.path] = evaluate_json(block.body["value"], self._scope)

    def _output(self, block: Block) -> None:
        for rule in _bodies(block.body.get("precondition")):
            self._hold(block, rule, self._scope)
        value = evaluate_json(block.body.get("value"), self._scope)
        self._values[block.path] = self._outputs[block.labels[0]] = value

    def _provider(self, block: Block) -> None:
        """Pass by a provider: here it is the embedded AWS, whatever it is elsewhere."""
        self._values[block.path] = None

    def _module(self, block: Block) -> None:
        raise DocumentError(f"{block.place}: a module is rehearsed through Terraform only")

    def _resource(self, block: Block) -> None:
        made = {key: self._instance(block, key, scope) for key, scope in self._instances(block)}
        if None in made:
            self._values[block.path] = made[None]
        elif all(isinstance(key, int) for key in made) and "count" in block.body:
            self._values[block.path] = list(made.values())
        else:
            self._values[block.path] = made

    def _instances(self, block: Block) -> Iterator[tuple[int | str | None, Scope]]:
        """Yield the key of each instance, and what names stand for in it."""
        if "count" in block.body:
            for index in range(int(as_number(evaluate_json(block.body["count"], self._scope)))):
                yield index, {**self._scope, "count": {"index": index}}
        elif "for_each" in block.body:
            for key, value in pairs(evaluate_json(block.body["for_each"], self._scope)):
                yield as_text(key), {**self._scope, "each": {"key": as_text(key), "value": value}}
        else:
            yield None, self._scope

    def _instance(self, block: Block, key: int | str | None, scope: Scope) -> Any:
        """Make an instance of a resource, or read one of a data source, and return its attributes."""
        lifecycle = next(_bodies(block.body.get("lifecycle")), {})
        for rule in _bodies(lifecycle.get("precondition")):
            self._hold(block, rule, scope)
        place = block.place if key is None else f"{block.place}[{key!r}]"
        arguments = {name: _argument(name, value, scope) for name, value in block.body.items() if name not in _META}
        arguments |= _dynamic(block, scope)
        making = Making(self._account, place, arguments, self._warn)
        attributes = self._make(block, making)
        if attributes is None:
            return Unrehearsed(block, self._account, arguments)
        found = {**arguments, **attributes}
        if block.kind == "resource":
            address = place.removeprefix(f"{block.file}: ")
            self._resources.append(Resource(block.labels[0], address, place, found))
        for rule in _bodies(lifecycle.get("postcondition")):
            self._hold(block, rule, {**scope, "self": found})
        return found

    def _make(self, block: Block, making: Making) -> Mapping[str, Any] | None:
        type_ = block.labels[0]
        if block.kind == "data":
            source = DATA_SOURCES.get(type_)
            if source is not None:
                found = source(making)
                making.finish({})
                return found
        elif type_ in KINDS:
            made = KINDS[type_].make(making)
            making.finish(KINDS[type_].idle)
            return made
        what = "data source" if block.kind == "data" else "resource type"
        self._warn(f"{making.place}: the {what} {type_} is not rehearsed; its attributes are made up")
        return None


_STEPS: Mapping[str, Callable[[_Deploying, Block], None]] = {
    "data": _Deploying._resource,  # noqa: SLF001 - of this module
    "local": _Deploying._local,  # noqa: SLF001 - of this module
    "module": _Deploying._module,  # noqa: SLF001 - of this module
    "output": _Deploying._output,  # noqa: SLF001 - of this module
    "provider": _Deploying._provider,  # noqa: SLF001 - of this module
    "resource": _Deploying._resource,  # noqa: SLF001 - of this module
}


def _bodies(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks that stand where Terraform takes one or several."""
    for body in value if isinstance(value, list) else [] if value is None else [value]:
        if isinstance(body, list):
            yield from _bodies(body)
        elif isinstance(body, Mapping):
            yield body


def _argument(name: str, value: Any, scope: Scope) -> Any:
    try:
        return evaluate_json(value, scope)
    except (EvaluationError, ExpressionError) as error:
        raise type(error)(f"argument {name}: {error}") from error


def _dynamic(block: Block, scope: Scope) -> dict[str, list[Any]]:
    """Return the blocks that ``dynamic`` makes of the elements of a collection."""
    found: dict[str, list[Any]] = {}
    for body in _bodies(block.body.get("dynamic")):
        for name, several in body.items():
            for dynamic in _bodies(several):
                iterator = dynamic.get("iterator", name)
                for key, value in pairs(evaluate_json(dynamic.get("for_each"), scope)):
                    own = {**scope, iterator: {"key": key, "value": value}}
                    found.setdefault(name, []).append(evaluate_json(dynamic.get("content", {}), own))
    return found
