"""The embedded AWS, in this process: a compiled flow runs on it as it would run when deployed.

A moto server answers the AWS APIs. Its Step Functions interpreter executes state machines, and Batch jobs and Lambda
functions run as local processes in a `Workspace`. Nothing reaches the real AWS.

Importing this package is fast: moto, flask and botocore are imported when an `EmbeddedAws` is entered, and the modules
of a single service when that service is first called.
"""

from __future__ import annotations

from laminar_codegen.rehearsal.aws.api_calls import ApiCall
from laminar_codegen.rehearsal.aws.faults import Faults, StartFailure
from laminar_codegen.rehearsal.aws.server import EmbeddedAws
from laminar_codegen.rehearsal.aws.workspace import InvocationEvent, JobEvent, Workspace

__all__ = ["ApiCall", "EmbeddedAws", "Faults", "InvocationEvent", "JobEvent", "StartFailure", "Workspace"]
