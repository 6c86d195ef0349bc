"""The secrets of containers: their ARNs, and the permission to read them, and no others.

Before: the ARN of a secret, its name, or a variable of either. After: the ARN that AWS Batch accepts, and statements of
the role that starts the containers. A name is one of the account and region of the deployment::

    ssm:/report/token   ->  arn:aws:ssm:eu-west-1:123456789012:parameter/report/token

https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from laminar_codegen.ir.expressions import Input, Joined, Ref, Value
from laminar_codegen.ir.structs import Struct
from laminar_codegen.ir.terraform import Validation
from laminar_codegen.policies.sizes import prefix_patterns
from laminar_codegen.policies.statement import Statement, regional
from laminar_codegen.targets.forms import Form
from laminar_runtime.configurations.container_texts import ENDS_LIKE_ARN, SECRET, is_secret

__all__ = ["FORMS", "arn_of", "lists", "local_values", "read_statements", "validations"]

#: The local values: the ARNs of the secrets of variables, and those that policies have, by service.
_ARNS, _READ = "secret_arns", "read_secrets"
#: Every suffix that Secrets Manager adds to the name of a secret, and a name that ends like one:
#: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html#iam-resources
_ANY_SUFFIX = "-??????"
_SUFFIX = "-[A-Za-z0-9]{6}"
_ARN = re.compile("(arn:[^:]+:(secretsmanager|ssm):[^:]*:[^:]*:(?:secret:|parameter/))([^:]*)(.*)", re.DOTALL)
#: The types of the resources of secrets, and the ends of the names of the statements that read them, by service.
_TYPES = {"secretsmanager": "secret:", "ssm": "parameter/"}
_KINDS = (("Secrets", "secretsmanager", "secretsmanager:GetSecretValue"), ("Parameters", "ssm", "ssm:GetParameters"))
#: An ARN that is longer than any in use.
_LONGEST = "x" * 190


@attrs.frozen(eq=False, repr=False)
class _Secret(Struct):
    """A secret: the beginning of its ARN, its name, and the key and the version in it."""

    service: str
    head: str | Joined
    name: str
    rest: str

    @classmethod
    def parse(cls, text: str) -> _Secret:
        found = _ARN.fullmatch(text)
        if found is not None:
            return cls(found[2], found[1], found[3], found[4])
        service, name, *rest = text.split(":")
        named = name.removeprefix("/")
        return cls(service, regional(service, _TYPES[service]), named, "".join(f":{part}" for part in rest))

    @property
    def resource(self) -> str:
        """The name in the resource of a policy, also if the suffix of a secret's name was left out.

        A name that ends like such a suffix counts as complete, as it does for Secrets Manager.
        """
        complete = self.service != "secretsmanager" or re.fullmatch(_SUFFIX, self.name[-len("-AbCdEf") :])
        return self.name if complete else f"{self.name}{_ANY_SUFFIX}"


def arn_of(secret: str | Ref) -> Value:
    """Return the ARN of a secret, as AWS Batch accepts it.

    Args:
        secret: Its ARN, its name after its service, or a variable of one of these.

    Example:
        >>> arn_of("arn:aws:ssm:eu-west-1:123456789012:parameter/token")
        'arn:aws:ssm:eu-west-1:123456789012:parameter/token'
    """
    if isinstance(secret, Input):
        return Ref(f'local.{_ARNS}["{secret.variable.name}"]')
    if isinstance(secret, Ref):
        return secret
    found = _Secret.parse(secret)
    return _join(found.head, f"{found.name}{found.rest}")


def _join(head: str | Joined, name: str) -> str | Joined:
    return f"{head}{name}" if isinstance(head, str) else Joined(head, name)


def read_statements(secrets: Iterable[str | Ref], most: int | None) -> Iterator[Statement]:
    """Yield the statements to read secrets, and no others, unless they are too many to name.

    Args:
        secrets: The secrets.
        most: The greatest number of names with one beginning, None to name each.
    """
    given = {*secrets}
    named = [_Secret.parse(secret) for secret in given if isinstance(secret, str)]
    for what, service, action in _KINDS:
        resources = tuple(_resources([secret for secret in named if secret.service == service], most))
        if resources:
            yield Statement(f"Read{what}", (action,), resources)
        if _inputs(given):
            yield Statement(f"ReadGiven{what}", (action,), _list(service))


def _resources(secrets: Sequence[_Secret], most: int | None) -> Iterator[Value]:
    for head in sorted({secret.head for secret in secrets}, key=str):
        names = {secret.resource for secret in secrets if secret.head == head}
        for name in sorted(names) if most is None else prefix_patterns(names, most):
            yield _join(head, name)


def _inputs(secrets: Iterable[str | Ref]) -> list[Input]:
    """Return the variables among secrets, sorted by name."""
    found = {secret for secret in secrets if isinstance(secret, Input)}
    return sorted(found, key=lambda secret: secret.variable.name)


def _list(service: str) -> Ref:
    return Ref(f"local.{_READ}.{service}")


def lists(secrets: Iterable[str | Ref]) -> dict[str, Sequence[Value]]:
    """Return the longest values of the lists that statements of `read_statements` refer to.

    Args:
        secrets: The secrets.
    """
    longest = [_LONGEST] * len(_inputs(secrets))
    return {_list(service).expression: longest for _, service, _ in _KINDS}


def local_values(secrets: Iterable[str | Ref]) -> Mapping[str, Value]:
    """Return the ARNs of secrets of variables, and those that policies have: Terraform makes them of the values.

    Args:
        secrets: The secrets.
    """
    inputs = _inputs(secrets)
    if not inputs:
        return {}
    given = ", ".join(f'"{item.variable.name}" = {item.expression}' for item in inputs)
    arn = "text"
    for service, kind in _TYPES.items():
        place = f"arn:${{local.partition}}:{service}:${{local.region}}:${{local.account_id}}:{kind}"
        named = f'"{place}${{trimprefix(trimprefix(text, "{service}:"), "/")}}"'
        arn = f'startswith(text, "{service}:") ? {named} : {arn}'
    every = f"values(local.{_ARNS})"
    # The key and the version are not in the resource of a policy.
    whole = f'[for arn in {every} : join(":", slice(split(":", arn), 0, 7)) if {_is_of("secretsmanager")}]'
    suffix = f'can(regex("{_SUFFIX}$", arn)) ? "" : "{_ANY_SUFFIX}"'
    return {
        _ARNS: Ref(f"{{ for name, text in {{ {given} }} : name => {arn} }}"),
        _READ: {
            "secretsmanager": Ref(f'distinct([for arn in {whole} : "${{arn}}${{{suffix}}}"])'),
            "ssm": Ref(f"distinct([for arn in {every} : arn if {_is_of('ssm')}])"),
        },
    }


def _is_of(service: str) -> str:
    return f'split(":", arn)[2] == "{service}"'


#: The forms of a variable that stands for a secret.
FORMS = (
    Form(
        lambda reference: f'can(regex("^({SECRET})$", {reference}))',
        is_secret,
        "The secret must be given by its ARN, or by its name: ssm:NAME or secretsmanager:NAME.",
    ),
    Form(
        lambda reference: f'!can(regex("^{ENDS_LIKE_ARN}", {reference}))',
        lambda text: re.match(ENDS_LIKE_ARN, text) is None,
        "The name of the secret ends like the suffix of an ARN, which is ambiguous: give its whole ARN.",
    ),
)


def validations(secrets: Iterable[str | Ref]) -> dict[Ref, tuple[Validation, ...]]:
    """Return the validations of the variables among secrets.

    Args:
        secrets: The secrets.
    """
    return {item: tuple(form.validation(item.expression) for form in FORMS) for item in _inputs(secrets)}
