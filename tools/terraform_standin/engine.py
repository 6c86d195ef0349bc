"""The operations create, read, update, delete and import for any resource type.

The steps that all types share are here (generated names, tags, filling in the unknown, "gone"), so
a resource's own functions are about its AWS operations only.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import Any

from attrs import frozen
from botocore.exceptions import ClientError

from tools.terraform_standin.account import Account
from tools.terraform_standin.declaration import Call, DataSource, Limit, Resource
from tools.terraform_standin.errors import InvalidConfigurationError, NotFoundError, is_gone
from tools.terraform_standin.refreshing import complete, refresh
from tools.terraform_standin.schema import Block
from tools.terraform_standin.values import State, Unknown, without_unknown

_sequence = itertools.count()


@frozen
class Engine:
    """The operations on one resource type."""

    resource: Resource
    block: Block
    account: Account

    def create(self, planned: State) -> State:
        """Make the object; the state returned identifies it, `settle` does the rest.

        In two steps, so that an object whose second step fails is in Terraform's state (as
        tainted).
        """
        named = self._with_name(without_unknown(planned))
        call = self._call(named)
        return call.state | self.resource.create(call)

    def settle(self, planned: State, created: State) -> State:
        """Tag the new object and return its whole state."""
        call = self._call(created)
        wanted = self._wanted_tags(created)
        if self.resource.tagging is not None and not self.resource.tags_on_create and wanted:
            # The argument that tags need (an ARN, mostly) may be known only by reading.
            known = call.with_state(created | (self.resource.read(call) or {}))
            self.resource.tagging.write(known, wanted)
        return self._complete_state(planned, call)

    def update(self, prior: State, planned: State) -> State:
        """Bring the object from the prior to the planned state."""
        known = complete(planned, prior)
        call = self._call(without_unknown(known), prior)
        # Before the object is updated: the tags of a job definition go on the revision that is there.
        self._update_tags(call)
        if self._needs_update(call):
            call = call.with_state(call.state | (self.resource.update(call) or {}))
        return self._complete_state(planned, call)

    def read(self, state: State) -> State | None:
        """Return the state as AWS has it now, or None when the object is gone."""
        remote = self._remote(self._call(state))
        if remote is None:
            return None
        return refresh(self.resource, self.block, state, remote)

    def delete(self, prior: State) -> None:
        """Delete the object; one that is gone already is fine."""
        try:
            self.resource.delete(self._call(prior))
        except ClientError as error:
            if not is_gone(error):
                raise

    def import_state(self, identity: str) -> State:
        """Return the state to start from when an existing object is imported; a read follows."""
        defaults = {name: v for name, v in self.resource.defaults.items() if "." not in name}
        state = self.block.empty() | defaults | self.resource.import_id(identity)
        if "region" in state:
            state["region"] = self.account.region
        refreshed = self.read(state)
        if refreshed is None:
            message = f"Cannot import {self.resource.type} {identity!r}: it does not exist"
            raise NotFoundError(message)
        return refreshed

    def _call(self, state: State, prior: State | None = None) -> Call:
        tagged = self.resource.tagging is not None and self.resource.tags_on_create
        tags = self._wanted_tags(state) if tagged else {}
        return Call(self.account, self.resource.type, self.block, state, prior, tags)

    def _complete_state(self, planned: State, call: Call) -> State:
        remote = self._remote(call)
        if remote is None:
            message = f"{self.resource.type} {call.state.get('id')!r} is gone right after it was applied"
            raise NotFoundError(message)
        actual = refresh(self.resource, self.block, call.state, remote)
        completed: State = without_unknown(complete(planned, actual))
        return completed

    def _remote(self, call: Call) -> State | None:
        try:
            remote = self.resource.read(call)
            if remote is None or self.resource.tagging is None:
                return remote
            return remote | self._remote_tags(call.with_state(call.state | remote))
        except ClientError as error:
            if is_gone(error):
                return None
            raise

    def _with_name(self, state: State) -> State:
        naming = self.resource.naming
        if naming is None or state[naming.argument] is not None:
            return state
        prefix = (naming.prefix and state[naming.prefix]) or "terraform-"
        return state | {naming.argument: prefix + _unique()}

    def _wanted_tags(self, state: State) -> dict[str, str]:
        return self.account.default_tags | (state.get("tags") or {})

    def _remote_tags(self, call: Call) -> State:
        if self.resource.tagging is None:
            return {}
        everything = {
            key: value for key, value in self.resource.tagging.read(call).items() if not key.startswith("aws:")
        }
        own = call.state.get("tags") or {}
        defaults = self.account.default_tags
        tags = {key: value for key, value in everything.items() if key in own or defaults.get(key) != value}
        return {"tags": tags} | ({"tags_all": everything} if "tags_all" in self.block.attributes else {})

    def _needs_update(self, call: Call) -> bool:
        exported = {name for name, item in self.block.attributes.items() if not item.settable}
        ignored = exported | {"id", "tags", "tags_all", "timeouts"}
        return call.changes(*(set(call.state) - ignored))

    def _update_tags(self, call: Call) -> None:
        if self.resource.tagging is None:
            return
        wanted = self._wanted_tags(call.state)
        present = {k: v for k, v in self.resource.tagging.read(call).items() if k[:4] != "aws:"}
        removed = sorted(present.keys() - wanted.keys())
        if removed:
            self.resource.tagging.remove(call, removed)
        if wanted.items() - present.items():
            self.resource.tagging.write(call, wanted)


def _unique() -> str:
    """Return 26 characters that no other object has: 18 digits of the time, and 8 hexadecimal ones that count."""
    moment = time.time_ns()
    stamp = (
        time.strftime("%Y%m%d%H%M%S", time.gmtime(moment // 1_000_000_000)) + f"{moment % 1_000_000_000 // 100_000:04d}"
    )
    return f"{stamp}{next(_sequence):08x}"


def validate(resource: Resource, config: State) -> None:
    """Refuse what the real provider refuses before it calls AWS."""
    _check_choices(resource, config)
    for path in resource.json:
        text = config.get(path)
        if isinstance(text, str):
            _check_json(resource.type, path, text)
    for path, decode in resource.decoders.items():
        text = config.get(path)
        if isinstance(text, str):
            decode(text)
    for path, limit in resource.limits.items():
        for value in _values(config, path.split(".")):
            _check_limit(f"{resource.type}.{path}", limit, value)


def _values(value: Any, path: list[str]) -> list[Any]:
    """Return all values at a path, in each of the blocks on it."""
    if isinstance(value, list) and path:
        return [found for item in value for found in _values(item, path)]
    if not path or not isinstance(value, dict):
        return [value]
    return _values(value.get(path[0]), path[1:])


def _check_limit(path: str, limit: Limit, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _check_limit(path, limit, item)
        return
    if value is None or isinstance(value, Unknown | dict):
        return
    size = len(value) if isinstance(value, str) else float(value)
    what = "length of " if isinstance(value, str) else ""
    if limit.least is not None and size < limit.least:
        raise InvalidConfigurationError(f"expected {what}{path} to be at least {limit.least}, got {size}: {value}")
    if limit.most is not None and size > limit.most:
        raise InvalidConfigurationError(f"expected {what}{path} to be at most {limit.most}, got {size}: {value}")
    if limit.pattern is not None and re.fullmatch(limit.pattern, str(value)) is None:
        raise InvalidConfigurationError(f"invalid value for {path}: {value} does not match {limit.pattern}")


def read_data(source: DataSource, block: Block, config: State, account: Account) -> State:
    """Look up a data source; what the configuration set stays as it is."""
    found = source.read(Call(account, source.type, block, config))
    if "region" in block.attributes:
        found = {"region": account.region} | found
    return {name: found.get(name) if value is None else value for name, value in config.items()}


def _check_choices(resource: Resource, config: State) -> None:
    naming = resource.naming
    pairs = [resource.at_most_one, resource.exactly_one]
    if naming is not None and naming.prefix is not None:
        pairs.append((naming.argument, naming.prefix))
    for names in pairs:
        given = [name for name in names if config[name] not in (None, [])]
        # As in the real provider: an unknown value may turn out to be null.
        known = [name for name in given if not isinstance(config[name], Unknown)]
        if len(known) > 1:
            message = f"{resource.type}: {' and '.join(known)} conflict, give one of them"
            raise InvalidConfigurationError(message)
        if names and names is resource.exactly_one and not given:
            message = f"{resource.type}: one of {', '.join(names)} must be given"
            raise InvalidConfigurationError(message)


def _check_json(type_: str, name: str, text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        message = f"{type_}: {name} is not valid JSON: {error}"
        raise InvalidConfigurationError(message) from error
