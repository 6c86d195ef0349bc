"""The calls of Terraform's plugin protocol, version 6."""

# ruff: noqa: N802  (the methods have the names that the protocol gives them)

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from tools.terraform_standin.account import Account, configure
from tools.terraform_standin.declaration import Resource
from tools.terraform_standin.diagnostics import reporting, warn
from tools.terraform_standin.engine import Engine, read_data, validate
from tools.terraform_standin.errors import NotImplementedByStandInError
from tools.terraform_standin.planning import plan
from tools.terraform_standin.provider_block import PROVIDER_BLOCK
from tools.terraform_standin.registry import DATA_SOURCES, RESOURCES
from tools.terraform_standin.schema import Block, load_schemas, to_protocol
from tools.terraform_standin.values import State, decode, encode, has_unknown

_LACKS = "the stand-in AWS provider does not implement"
_CAPABILITIES = pb.ServerCapabilities(get_provider_schema_optional=True)


class Servicer(rpc.ProviderServicer):  # type: ignore[misc]  # the generated stubs are untyped
    """One provider process; its methods have the names that the protocol gives them."""

    def __init__(self, release: str) -> None:
        self._schemas = load_schemas(release)

    # Until Terraform configures the provider, as for `terraform validate`, there is no account.
    _account: Account | None = None

    def GetMetadata(self, request: Any, context: Any) -> Any:
        """Return the names of all types, without their schemas."""
        schemas = self._schemas
        response = pb.GetMetadata.Response(server_capabilities=_CAPABILITIES)
        for name in schemas.resources:
            response.resources.add(type_name=name)
        for name in schemas.data_sources:
            response.data_sources.add(type_name=name)
        return response

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        """Declare every type of the schemas, implemented or not."""
        schemas = self._schemas
        return pb.GetProviderSchema.Response(
            provider=to_protocol(PROVIDER_BLOCK),
            provider_meta=to_protocol(Block()),
            resource_schemas={
                name: to_protocol(block, RESOURCES[name].deprecated if name in RESOURCES else frozenset())
                for name, block in schemas.resources.items()
            },
            data_source_schemas={
                name: to_protocol(block, DATA_SOURCES[name].deprecated if name in DATA_SOURCES else frozenset())
                for name, block in schemas.data_sources.items()
            },
            server_capabilities=_CAPABILITIES,
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        """Accept: Terraform has checked the configuration against the schema."""
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        """Check what the schema cannot say: JSON, and arguments that exclude each other."""
        response = pb.ValidateResourceConfig.Response()
        resource = RESOURCES.get(request.type_name)
        if resource is not None:
            with reporting(response.diagnostics, f"validating {request.type_name}"):
                validate(resource, decode(request.config))
        return response

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        """Accept: Terraform has checked the configuration against the schema."""
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        """Find the embedded AWS."""
        response = pb.ConfigureProvider.Response()
        with reporting(response.diagnostics, "configuring the provider"):
            self._account = configure(decode(request.config))
        return response

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        """Read the state file; there is one version of every schema."""
        block = self._schemas.resources[request.type_name]
        stored = json.loads(request.raw_state.json)
        empty = block.empty()
        state = empty | {name: value for name, value in stored.items() if name in empty}
        return pb.UpgradeResourceState.Response(upgraded_state=encode(state))

    def ReadResource(self, request: Any, context: Any) -> Any:
        """Refresh the state from AWS; null removes the resource from the state."""
        response = pb.ReadResource.Response(new_state=request.current_state)
        state = decode(request.current_state)
        with reporting(response.diagnostics, f"reading {_label(request.type_name, state)}"):
            refreshed = self._engine(request.type_name).read(state)
            response.new_state.CopyFrom(encode(refreshed))
        return response

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        """Plan a creation, an update or a replacement; Terraform plans deletions itself."""
        response = pb.PlanResourceChange.Response()
        with reporting(response.diagnostics, f"planning {request.type_name}"):
            engine = self._engine(request.type_name)
            planned = plan(
                engine.resource,
                engine.block,
                decode(request.prior_state),
                decode(request.config),
                engine.account,
            )
            response.planned_state.CopyFrom(encode(planned.state))
            response.requires_replace.extend(_attribute_path(path) for path in planned.replaces)
        return response

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        """Create, update or delete; after an error the state stays as it was."""
        response = pb.ApplyResourceChange.Response(new_state=request.prior_state)
        prior, planned = decode(request.prior_state), decode(request.planned_state)
        verb = "creating" if prior is None else "deleting" if planned is None else "updating"
        with reporting(response.diagnostics, f"{verb} {_label(request.type_name, planned or prior)}"):
            engine = self._engine(request.type_name)
            for state in _apply(engine, prior, planned):
                response.new_state.CopyFrom(encode(state))
            if planned is not None:
                warn(response.diagnostics, engine.resource.warnings(decode(response.new_state)))
        return response

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        """Take an existing object into the state."""
        response = pb.ImportResourceState.Response()
        with reporting(response.diagnostics, f"importing {request.type_name} {request.id}"):
            state = self._engine(request.type_name).import_state(request.id)
            response.imported_resources.add(type_name=request.type_name, state=encode(state))
        return response

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        """Look a data source up."""
        response = pb.ReadDataSource.Response()
        with reporting(response.diagnostics, f"reading data source {request.type_name}"):
            block = self._schemas.data_sources[request.type_name]
            source = DATA_SOURCES.get(request.type_name)
            if source is None:
                raise NotImplementedByStandInError(f"{_LACKS} data source {request.type_name}")
            state = read_data(source, block, decode(request.config), self._require_account())
            response.state.CopyFrom(encode(state))
        return response

    def StopProvider(self, request: Any, context: Any) -> Any:
        """Do nothing: requests to the embedded AWS are short."""
        return pb.StopProvider.Response()

    def _engine(self, type_name: str) -> Engine:
        return Engine(_resource(type_name), self._schemas.resources[type_name], self._require_account())

    def _require_account(self) -> Account:
        if self._account is None:
            message = "Terraform has not configured the provider"
            raise RuntimeError(message)
        return self._account


def _apply(engine: Engine, prior: State | None, planned: State | None) -> Iterator[State | None]:
    """Yield the states that the object goes through: the last one reached is the one to keep."""
    if planned is None:
        engine.delete(prior or {})
        yield None
    elif prior is None:
        created = engine.create(planned)
        yield created
        yield engine.settle(planned, created)
    else:
        yield engine.update(prior, planned)


def _resource(type_name: str) -> Resource:
    resource = RESOURCES.get(type_name)
    if resource is None:
        raise NotImplementedByStandInError(f"{_LACKS} resource type {type_name}")
    return resource


def _label(type_name: str, state: State) -> str:
    name = state.get("name") or state.get("bucket") or state.get("id")
    return type_name if name is None or has_unknown(name) else f"{type_name} ({name})"


def _attribute_path(path: str) -> Any:
    first, *rest = path.split(".")
    steps = [pb.AttributePath.Step(attribute_name=first)]
    for name in rest:
        steps.append(pb.AttributePath.Step(element_key_int=0))
        steps.append(pb.AttributePath.Step(attribute_name=name))
    return pb.AttributePath(steps=steps)
