"""AWS in this process: what a compiled flow needs to run here exactly as it would when deployed.

A moto server answers the AWS APIs; its Step Functions interpreter really executes state machines,
and Batch jobs and Lambda functions really run, as local processes in a `Workspace`. Nothing of
this reaches a real AWS.

Importing this package is cheap: moto, flask and botocore are imported when an `EmbeddedAws` is
entered, and what only one service needs when that service is first called.
"""

from __future__ import annotations

from laminar_codegen.rehearsal.aws.api_calls import ApiCall
from laminar_codegen.rehearsal.aws.faults import Faults, StartFailure
from laminar_codegen.rehearsal.aws.server import EmbeddedAws
from laminar_codegen.rehearsal.aws.workspace import InvocationEvent, JobEvent, Workspace

__all__ = ["ApiCall", "EmbeddedAws", "Faults", "InvocationEvent", "JobEvent", "StartFailure", "Workspace"]
