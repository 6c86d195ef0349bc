"""`invoke`: starting an execution of a deployed flow, beside boto3's ``start_execution`` alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import embedded
from benchmarks.artifacts import PROBES
from benchmarks.embedded import BUCKET
from benchmarks.rows import Row, ratio_at_most
from benchmarks.timing import Command, interleave, output, python

__all__ = ["measure"]

_DEFINITION = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}

_DEPLOY = f"""
import json, os
import boto3
machine = boto3.client("stepfunctions").create_state_machine(
    name="Bench", definition={json.dumps(json.dumps(_DEFINITION))}, roleArn=os.environ["ROLE"]
)["stateMachineArn"]
deployment = {{"state_machine_arn": machine, "datastore_root": "s3://{BUCKET}/flows"}}
boto3.client("ssm").put_parameter(Name="/laminar/Bench", Value=json.dumps(deployment), Type="String")
print(machine)
"""


def measure(runs: int) -> Iterator[Row]:
    """Measure starting executions: a process that starts one, and a process that starts many in sequence."""
    with tempfile.TemporaryDirectory() as name, embedded.serving(Path(name)) as account:
        environment = dict(account.environment)
        deploy = python("deploy", "-c", _DEPLOY, environment={**environment, "ROLE": account.role})
        machine = output(deploy).strip()
        ours, theirs = _command("laminar_invoke", "Bench", environment), _command("boto3_invoke", machine, environment)
        own, other = interleave([ours, theirs], runs)
    for subject, figure in (("invoke, the whole process", None), ("invoke, each further one", "seconds")):
        # The processor time of the further starts is a part of that of the whole process, and is not printed.
        processor = (own.processor_median, other.processor_median) if figure is None else (0.0, 0.0)
        figures = [timed.median if figure is None else timed.figure(figure) for timed in (own, other)]
        yield Row(subject, *figures, "boto3 start_execution", target=ratio_at_most(1.1), processor=processor)


def _command(name: str, what: str, environment: dict[str, str]) -> Command:
    return python(name, str(PROBES / f"{name}.py"), what, environment=environment)
