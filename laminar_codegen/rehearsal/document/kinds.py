"""What a type of resources is: how one is made, and which of its arguments have no effect in a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.requests import make_request

__all__ = ["Account", "DataSource", "Kind", "Making", "service_role"]

_SERVICE_ROLE = "rehearsal-batch"
_TAGS = "nothing here is found or counted by its tags"
#: Of any resource: arguments that have no effect on what is made first, or are read by Terraform itself.
ALWAYS_IDLE: Mapping[str, str] = {
    "depends_on": "resources are made in this order",
    "tags": _TAGS,
    "tags_all": _TAGS,
    "timeouts": "resources of the rehearsal are there at once",
}


def service_role(iam: Any) -> str:
    """Return the ARN of the role that AWS Batch itself has, which is made if it is not there.

    Args:
        iam: A client of IAM.
    """
    found = [role["Arn"] for role in iam.list_roles()["Roles"] if role["RoleName"] == _SERVICE_ROLE]
    made: str = (
        found[0] if found else iam.create_role(RoleName=_SERVICE_ROLE, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    )
    return made


@attrs.frozen(eq=False)
class Account:
    """The account that is deployed to.

    Args:
        client: Gives the botocore client of a service, and of a region if one is given.
        region: Its region.
        account_id: Its number.
        service_role: The ARN of the role that AWS Batch itself has.
        secrets: Gives the value that a secret has here by the name of its variable, None if it has none.
        volumes: The names of the volumes that are given a folder.
    """

    client: Callable[..., Any]
    region: str
    account_id: str
    service_role: str
    secrets: Callable[[str], str | None] = attrs.field(default=lambda _: None)
    volumes: Collection[str] = ()

    @property
    def partition(self) -> str:
        """The partition, such as ``aws``."""
        for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(start):
                return partition
        return "aws"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region.

        Args:
            service: The service.
            resource: What names it in the service.
        """
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


@attrs.frozen(eq=False)
class Making:
    """A resource that is being made.

    Args:
        account: Where.
        place: Where it stands, as messages say it.
        arguments: Its arguments, evaluated.
        warn: Takes a warning.
    """

    account: Account
    place: str
    arguments: Mapping[str, Any]
    warn: Callable[[str], object]
    _read: set[str] = attrs.field(factory=set, init=False)

    def get(self, name: str) -> Any:
        """Return an argument, None if it is not given.

        Args:
            name: Its name.
        """
        self._read.add(name)
        return self.arguments.get(name)

    def __getitem__(self, name: str) -> Any:
        value = self.get(name)
        if value is None:
            raise DocumentError(f"{self.place}: argument {name} is required")
        return value

    def block(self, name: str) -> Mapping[str, Any]:
        """Return a block that may be given once, an empty one if it is not.

        Args:
            name: Its name.
        """
        value = self.get(name)
        found = value[0] if isinstance(value, list) and value else value
        return found if isinstance(found, Mapping) else {}

    def name(self, argument: str = "name") -> str:
        """Return the name that the resource gets, made if none is given.

        Args:
            argument: The argument that gives it.
        """
        prefix = self.get(f"{argument}_prefix")
        return str(self.get(argument) or f"{prefix or 'terraform-'}{self.place.rpartition('.')[2]}")

    def client(self, service: str) -> Any:
        """Return the client of a service.

        Args:
            service: The service.
        """
        return self.account.client(service)

    def request(  # noqa: PLR0913 - by keyword
        self,
        service: str,
        operation: str,
        *,
        renames: Mapping[str, str] | None = None,
        omit: Iterable[str] = (),
        only: Iterable[str] | None = None,
        within: str | None = None,
    ) -> dict[str, Any]:
        """Return the arguments as parameters of an operation. What matches none of them is left for a warning.

        Args:
            service: The service.
            operation: The operation.
            renames: Parameters that arguments are named otherwise than.
            omit: Arguments that are none.
            only: The arguments that are, all that are not omitted unless given.
            within: The parameter that the arguments describe, or an item of which they do.
        """
        wanted = set(self.arguments if only is None else only) - set(omit) - ALWAYS_IDLE.keys()
        given = {name: value for name, value in self.arguments.items() if name in wanted}
        shape = self.client(service).meta.service_model.operation_model(operation).input_shape
        if within is not None:
            shape = getattr(shape.members[within], "member", shape.members[within])
        unknown: set[str] = set()
        request = make_request(given, shape, renames or {}, unknown.add)
        for path in sorted(unknown):
            if "." in path:
                self._warn(path)
        self._read.update(given.keys() - unknown)
        return request

    def finish(self, idle: Mapping[str, str]) -> None:
        """Warn of each argument that nothing has read.

        Args:
            idle: Those that have no effect here, each with the reason.
        """
        for name, value in self.arguments.items():
            if value is not None and name not in self._read | idle.keys() | ALWAYS_IDLE.keys():
                self._warn(name)

    def _warn(self, path: str) -> None:
        self.warn(f"{self.place}: argument {path} is not rehearsed")


@attrs.frozen(eq=False)
class Kind:
    """A type of resources.

    Args:
        make: Makes one, and returns the attributes that it has besides its arguments.
        idle: Its arguments that have no effect here, each with the reason.
    """

    make: Callable[[Making], Mapping[str, Any]]
    idle: Mapping[str, str] = attrs.field(factory=dict)


#: Reads a data source: returns its attributes.
DataSource = Callable[[Making], Mapping[str, Any]]
