"""The services that replayed state machines call: small classes that share only the virtual time."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from laminar_codegen.rehearsal.asl.calls import Call, Handler
from laminar_codegen.rehearsal.asl.tokens import TaskTokens
from laminar_codegen.rehearsal.simulated.batch import BatchJobs
from laminar_codegen.rehearsal.simulated.functions import Functions, Invocation
from laminar_codegen.rehearsal.simulated.jobs import Attempt, Job, JobResult
from laminar_codegen.rehearsal.simulated.objects import Objects

__all__ = [
    "Attempt",
    "BatchJobs",
    "Call",
    "Functions",
    "Handler",
    "Invocation",
    "Job",
    "JobResult",
    "Objects",
    "Services",
    "TaskTokens",
]


@attrs.define(kw_only=True)
class Services:
    """The services that the Task states of a replay call. Several replays may share them, and their contents.

    Args:
        jobs: AWS Batch.
        functions: AWS Lambda.
        objects: Amazon S3.
        tokens: Task tokens.
        others: More handlers by integration, for example ``dynamodb:putItem``. They override the handlers above.
    """

    jobs: BatchJobs = attrs.field(factory=BatchJobs)
    functions: Functions = attrs.field(factory=Functions)
    objects: Objects = attrs.field(factory=Objects)
    tokens: TaskTokens = attrs.field(factory=TaskTokens)
    others: Mapping[str, Handler] = attrs.field(factory=dict)

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by integration."""
        return {
            **self.jobs.handlers(),
            **self.functions.handlers(),
            **self.objects.handlers(),
            **self.tokens.handlers(),
            **self.others,
        }
