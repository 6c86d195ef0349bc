"""The target AWS Lambda as a value."""

from __future__ import annotations

from typing import ClassVar

import attrs

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.placement import Container, Network, Target

__all__ = ["LambdaTarget"]


@attrs.frozen(eq=False, repr=False)
class LambdaTarget(Target):
    """The target AWS Lambda.

    Args:
        concurrency: The greatest number of splits that run at once.
        timeout: Seconds after which an invocation is stopped, None for the flow's.
        role: The label of the role of its function, None for the one that all functions without another have.
        network: The network of its function, None if it is in no VPC.
    """

    service: ClassVar[str] = "AWS Lambda"
    limits_splits: ClassVar[bool] = True

    concurrency: int
    timeout: float | None = None
    role: str | None = None
    network: Network | None = None

    def in_network(self, network: Network | None) -> LambdaTarget:
        """Return the target with a network for its function, unless it has one of its own."""
        return attrs.evolve(self, network=self.network or network)

    def describe(self, container: Container) -> str:  # noqa: ARG002 - the same for all
        """Return where a layer runs."""
        return f"on {self.service}"

    def facts(self, container: Container) -> dict[str, Value]:
        """Return the size of the function of a layer."""
        own: dict[str, Value] = {} if self.role is None else {"role": self.role}
        return {"runs_on": self.service, "memory": container.memory, "concurrency": self.concurrency, **own}
