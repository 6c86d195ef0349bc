"""Terraform's planning: prior state + configuration -> planned state. Pure.

    prior    {"name": "a", "arn": "arn:a", "policy": '{"A":1}'}
    config   {"name": "a", "arn": null,    "policy": '{ "A": 1 }'}
    planned  {"name": "a", "arn": "arn:a", "policy": '{"A":1}'}      nothing to do

The plan has the configured values, unless they mean the same as before: then the prior spelling
stays. What AWS decides stays as it was, or is unknown if there is no object yet. What is left out
becomes its default or null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from tools.terraform_standin.account import Account
from tools.terraform_standin.declaration import ANY_CHANGE, Resource
from tools.terraform_standin.equality import equal
from tools.terraform_standin.schema import Attribute, Block, Nesting
from tools.terraform_standin.values import UNKNOWN, State, Unknown, has_unknown

_TAGS = {"tags", "tags_all"}


@frozen
class Planned:
    """A planned state, and the arguments for whose sake the object must be replaced."""

    state: State
    replaces: tuple[str, ...] = ()


def plan(resource: Resource, block: Block, prior: State | None, config: State, account: Account) -> Planned:
    """Plan the creation (no prior state) or the update of one resource."""
    planned = _plan_block(_Rules(resource), block, prior, config, "")
    if "region" in planned and planned["region"] in (None, UNKNOWN):
        planned["region"] = account.region
    if "tags_all" in planned:
        planned["tags_all"] = _plan_tags(planned["tags"], prior, account)
    if prior is None:
        resource.check_plan(account, prior, planned)
        return Planned(planned)
    changed = {name for name in planned if planned[name] != prior[name]}
    replaces = sorted(_replacing_arguments(resource, prior, planned))
    if not replaces:
        for name, triggers in _renewals(resource, planned).items():
            relevant = changed - _TAGS if triggers == ANY_CHANGE else changed & triggers
            if relevant and config[name] is None:
                planned[name] = UNKNOWN
    if changed:
        resource.check_plan(account, prior, planned)
    return Planned(planned, tuple(replaces))


def _renewals(resource: Resource, planned: State) -> Mapping[str, frozenset[str]]:
    """Return what an update makes unknown, by the arguments whose change does so."""
    if resource.renews_if is None or planned[resource.renews_if[0]] is not True:
        return resource.renews
    return {**resource.renews, **resource.renews_if[1]}


@frozen
class _Rules:
    """The facts of a resource that planning asks for, by dotted path."""

    resource: Resource

    def is_up_to_aws(self, path: str, attribute: Attribute) -> bool:
        naming = self.resource.naming
        return (
            not attribute.settable
            or path in ("id", "region", "tags_all")
            or path in self.resource.computed
            or (naming is not None and path == naming.argument)
        )


def _plan_block(rules: _Rules, block: Block, prior: State | None, config: State, path: str) -> State:
    attributes = {
        name: _plan_attribute(rules, path + name, attribute, prior, config[name])
        for name, attribute in block.attributes.items()
    }
    blocks = {
        name: _plan_blocks(rules, nesting, prior and prior[name], config[name], f"{path}{name}.")
        for name, nesting in block.blocks.items()
    }
    return attributes | blocks


def _plan_attribute(
    rules: _Rules,
    path: str,
    attribute: Attribute,
    prior: State | None,
    wanted: Any,
) -> Any:
    before = None if prior is None else prior[path.rpartition(".")[2]]
    if wanted is not None:
        same = before is not None and equal(before, wanted, attribute.type, rules.resource.equality(path))
        return before if same else wanted
    if path in rules.resource.defaults:
        return rules.resource.defaults[path]
    if rules.is_up_to_aws(path, attribute):
        return UNKNOWN if prior is None else before
    return None


def _plan_blocks(
    rules: _Rules,
    nesting: Nesting,
    prior: Any,
    config: Any,
    path: str,
) -> Any:
    if config is None or isinstance(config, Unknown):
        return config
    if nesting.mode == "single":
        return _plan_block(rules, nesting.block, prior, config, path)
    before = list(prior or [])
    if nesting.mode == "set":
        return [_plan_in_set(rules, nesting.block, before, item, path) for item in config]
    before += [None] * (len(config) - len(before))
    return [_plan_block(rules, nesting.block, *pair, path) for pair in zip(before, config, strict=False)]


def _plan_in_set(rules: _Rules, block: Block, prior: list[State], config: State, path: str) -> State:
    for item in prior:
        planned = _plan_block(rules, block, item, config, path)
        if planned == item:
            return planned
    return _plan_block(rules, block, None, config, path)


def _plan_tags(tags: Any, prior: State | None, account: Account) -> Any:
    if has_unknown(tags):
        return UNKNOWN
    merged = account.default_tags | (tags or {})
    before = prior and prior["tags_all"]
    return before if prior is not None and (before or {}) == merged else merged


def _replacing_arguments(resource: Resource, prior: State, planned: State) -> Iterator[str]:
    names = {"region"} | resource.replaces
    if resource.naming is not None:
        names |= {name for name in (resource.naming.argument, resource.naming.prefix) if name}
    for path in names:
        if _at(path, prior) != _at(path, planned):
            yield path
    yield from resource.replaces_if(prior, planned)
    for path in resource.replaces_by_count:
        if len(_at(path, prior) or ()) != len(_at(path, planned) or ()):
            yield path


def _at(path: str, state: Any) -> Any:
    for name in path.split("."):
        if isinstance(state, list):
            state = state[0] if state else None
        state = state.get(name) if isinstance(state, dict) else None
    return state
