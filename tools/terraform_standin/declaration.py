"""The descriptions of resource types and data sources for the engine: frozen values without behaviour.

A resource is a few small functions over a `Call` and the facts that planning needs. A schema
does not distinguish an optional argument from one that AWS fills in when it is left out (both are "optional
and computed" there), so a resource names the latter in `computed`; what it does not name and does
not give a default stays null. Names of nested arguments are dotted: `compute_resources.min_vcpus`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from tools.terraform_standin import shapes
from tools.terraform_standin.account import Account
from tools.terraform_standin.schema import Block
from tools.terraform_standin.text_equality import TextEquality, same_caseless
from tools.terraform_standin.values import State

# Arguments that the engine deals with, so that no request to AWS carries them.
ENGINE_ARGUMENTS = frozenset({"id", "name_prefix", "region", "tags", "tags_all", "timeouts"})

# The services write tags in many ways; `Tagging` reads them.
_TAG_MEMBERS = frozenset({"Tags", "TagSet", "tags"})
# In `Resource.renews`: whatever changes.
ANY_CHANGE = frozenset({"*"})


@frozen
class Call:
    """The argument of a resource's functions: the wanted (or known) state, and AWS."""

    account: Account
    type: str
    block: Block
    state: State
    prior: State | None = None
    tags: Mapping[str, str] = field(factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.state[name]

    def client(self, service: str) -> Any:
        """Return the client of an AWS service in the region of this resource."""
        return self.account.client(service, self.state.get("region"))

    def with_state(self, state: State) -> Call:
        """Return the same call about another state."""
        return evolve(self, state=state)

    def changes(self, *names: str) -> bool:
        """Return whether an update changes any of these arguments."""
        return self.prior is None or any(self.prior[name] != self.state[name] for name in names)

    def request(  # noqa: PLR0913  (keyword options)
        self,
        service: str,
        operation: str,
        *,
        renames: Mapping[str, str] | None = None,
        omit: Iterable[str] = (),
        only: Iterable[str] | None = None,
        within: str | None = None,
        tagged: bool | None = None,
    ) -> State:
        """Return the arguments as parameters of an AWS operation, matched by name; `renames` has the rest.

        With `within` it is the value (or one item) of that parameter that the arguments describe. Requests that
        create something have its tags, unless `tagged` says otherwise.
        """
        wanted = self._arguments() if only is None else set(only)
        arguments = {name: self.state[name] for name in wanted - set(omit)}
        shape = self.client(service).meta.service_model.operation_model(operation).input_shape
        if within is not None:
            shape = getattr(shape.members[within], "member", shape.members[within])
        request = shapes.to_api(arguments, shape, renames or {}, self.type)
        if tagged is None:
            tagged = within is None and self.prior is None
        return request | (self.tag_parameter(service, operation) if tagged else {})

    def tag_parameter(self, service: str, operation: str, kind: str | None = None) -> State:
        """Return the tags as the parameter that an operation has for them; nothing if there are none.

        EC2 needs the kind of the resource: `kind`, or else the name of the type.
        """
        if not self.tags:
            return {}
        shape = self.client(service).meta.service_model.operation_model(operation).input_shape
        return shapes.tags_to_api(self.tags, shape, kind or self.type.removeprefix("aws_").replace("_", "-"))

    def attributes(self, response: Mapping[str, Any], renames: Mapping[str, str] | None = None) -> State:
        """Return the attributes and blocks in an AWS response, matched by name, without tags."""
        members = {name: value for name, value in response.items() if name not in _TAG_MEMBERS}
        return shapes.from_api(members, self.block, renames or {})

    def _arguments(self) -> set[str]:
        settable = {name for name, item in self.block.attributes.items() if item.settable}
        return (settable | set(self.block.blocks)) - ENGINE_ARGUMENTS


@frozen
class Tagging:
    """The operations that write, remove and read the tags of a resource."""

    write: Callable[[Call, dict[str, str]], object]
    remove: Callable[[Call, list[str]], object]
    read: Callable[[Call], dict[str, str]]


@frozen
class Naming:
    """The argument that names the resource, and the one that gives a generated name's beginning."""

    argument: str = "name"
    prefix: str | None = "name_prefix"


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


def _import_by_id(identity: str) -> State:
    return {"id": identity}


def _refuse_update(call: Call) -> State | None:
    message = f"{call.type} has no update: every argument of it replaces the resource"
    raise AssertionError(message)


@frozen
class Limit:
    """The limits of a text, a number or each of several: its length or value, and its pattern."""

    least: float | None = None
    most: float | None = None
    pattern: str | None = None


def _check_nothing(account: Account, prior: State | None, planned: State) -> None:
    del account, prior, planned


def _replace_nothing(prior: State, planned: State) -> Iterable[str]:
    del prior, planned
    return ()


def _warn_of_nothing(state: State) -> Iterable[str]:
    del state
    return ()


@frozen(kw_only=True)
class Resource:
    """One resource type.

    `create` returns the attributes that identify the new object (at least what `read` needs),
    `read` returns what AWS says (an absent name is unknown) or None when the object is gone,
    `update` may return attributes that identify a new version.
    """

    type: str
    create: Callable[[Call], State]
    read: Callable[[Call], State | None]
    update: Callable[[Call], State | None] = _refuse_update
    delete: Callable[[Call], object]
    replaces: frozenset[str] = field(default=(), converter=_names)
    # Blocks of which another number replaces the resource, while a change inside them does not.
    replaces_by_count: frozenset[str] = field(default=(), converter=_names)
    # Further replacements: the arguments, by the state before and the planned one.
    replaces_if: Callable[[State, State], Iterable[str]] = _replace_nothing
    computed: frozenset[str] = field(default=(), converter=_names)
    defaults: Mapping[str, Any] = field(factory=dict)
    json: Mapping[str, TextEquality] = field(factory=dict)
    # Texts that are decoded: an error says that one cannot be.
    decoders: Mapping[str, Callable[[str], object]] = field(factory=dict)
    # Arguments in which upper and lower case mean the same.
    caseless: frozenset[str] = field(default=(), converter=_names)
    # Exported attributes that an update makes unknown -> the arguments whose change does that.
    renews: Mapping[str, frozenset[str]] = field(factory=dict)
    # The same while an argument is true.
    renews_if: tuple[str, Mapping[str, frozenset[str]]] | None = None
    # Arguments and blocks that Terraform warns of.
    deprecated: frozenset[str] = field(default=(), converter=_names)
    # Checks of the provider before it calls AWS.
    limits: Mapping[str, Limit] = field(factory=dict)
    exactly_one: tuple[str, ...] = ()
    at_most_one: tuple[str, ...] = ()
    tagging: Tagging | None = None
    # Whether the request that creates the object has its tags; else they are put on it afterwards.
    tags_on_create: bool = True
    # Calls of AWS that planning makes, with the state before and the planned one.
    check_plan: Callable[[Account, State | None, State], None] = _check_nothing
    # Warnings of Terraform after it applied a state.
    warnings: Callable[[State], Iterable[str]] = _warn_of_nothing
    naming: Naming | None = None
    import_id: Callable[[str], State] = _import_by_id

    def equality(self, path: str) -> TextEquality | None:
        """Return how two texts of this argument are compared, if not literally."""
        return same_caseless if path in self.caseless else self.json.get(path)


@frozen(kw_only=True)
class DataSource:
    """One data source: `read` returns the result for the configuration in `Call.state`.

    Terraform warns of what is `deprecated`.
    """

    type: str
    read: Callable[[Call], State]
    deprecated: frozenset[str] = field(default=(), converter=_names)
