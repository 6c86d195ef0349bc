"""A document that is broken does not pass the rehearsal: each field of what runs tasks, and each argument of a state.

Each is taken out in turn, and has another value in turn. The rehearsal fails, or names what it does not understand, or
the break is listed here with the reason why a plain machine cannot see it. The nightly size (``LAMINAR_NIGHTLY=1``)
breaks the documents of all golden flows; each run those of three flows, a field of one kind once, with another value
only where taking it out cannot be seen.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy_document, document_of
from laminar_codegen.rehearsal.document.configuration import read_text
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.given import Given
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.rehearsal.summary import layers_without_end
from laminar_runtime.configurations import datastores
from laminar_runtime.exceptions import ExecutionError, WaitTimeoutError
from tests.support.broken_documents import Break, breaks_of
from tests.support.golden import CASES as FLOWS
from tests.support.golden import INPUTS, compilation_of
from tests.support.warm_python import warm_python

#: All breaks of all flows, and not one of each field of three: for the nightly run.
ALL = os.environ.get("LAMINAR_NIGHTLY") == "1"
EACH_RUN = ("lambda", "foreach", "one_layer")
#: What their images have beside the flow's file.
PROGRAMS = {"containers": {"my app.py": 'import runpy\n\nrunpy.run_path("main.py", run_name="__main__")\n'}}
#: Flows that are left out, and why. Each field of their documents is in those of the others.
NOT_RUN = {
    "digits": "each of its runs takes half a minute",
    "escapes": "its commands are no programs",
}
#: What rehearsals warn of as they are.
_AS_PROCESSES = "jobs are processes here, without"
_MADE_FOLDERS = "the folder of the volume is made here"
_NO_NETWORKS = "networks of functions (vpc_config) are not applied"
_SECRETS = {
    "ec2": ("PASSWORD", "TOKEN"),
    "environments": ("BY_ARN", "GIVEN_PARAMETER", "GIVEN_SECRET", "PARAMETER", "SECRET"),
}
_OF_SECRETS = {case: tuple(f"the secret {name} has the value" for name in names) for case, names in _SECRETS.items()}
WARNINGS = {
    "ec2": (*_OF_SECRETS["ec2"], _AS_PROCESSES),
    "environments": (*_OF_SECRETS["environments"], _NO_NETWORKS),
    "everything": (_AS_PROCESSES, _MADE_FOLDERS, _NO_NETWORKS),
    "volumes": (_MADE_FOLDERS,),
}
BROKEN = [case for case in FLOWS if case not in NOT_RUN] if ALL else [*EACH_RUN]

_FIRST = "a rehearsal is a first deployment"
_TAGS = "nothing here is found by its tags"
_LOGS = "what tasks print stays here, whatever stream has it elsewhere"
_NETWORK = "tasks have the network of this machine"
_SIZES = "sizes are checked, and not enforced"
_STARTS = "it is asked only when a container cannot be started"
_IMAGE = "the folder of the flow's file stands in for the image"
_HANDLER = "the embedded AWS calls the handler itself, whatever starts the runtime in the image"
_NO_SERVICE = "there are no keys and no traces here"
_SPLITS = "split i is child i, as all splits are one array job"
_PEOPLE = "it is for people"
_NOT_READ = "no task of this flow reads it"
_PROCESSES = "jobs are processes of this machine"
_FOLDERS = "folders of this machine can be written, and have no service that asks who writes"
#: Breaks that the rehearsal does not see, by patterns of their names, after those of the only flows, and why.
UNSEEN = {
    **{f"{case}: * aws-sdk:s3:putObject Bucket,Key,Body Body": _NOT_READ for case in FLOWS if case not in INPUTS},
    "* aws_* tags": _TAGS,
    "* aws_batch_job_definition propagate_tags": _TAGS,
    "without batch:submitJob* Tags*": _TAGS,
    "* aws_batch_job_definition deregister_on_new_revision": _FIRST,
    "* aws_lambda_function description": _PEOPLE,
    "broken batch:submitJob* JobName": _PEOPLE,
    "* states:startExecution.sync:2 * Input*": _PEOPLE,
    "without container logConfiguration.options.awslogs-region": _LOGS,
    "* container logConfiguration.options.awslogs-stream-prefix": _LOGS,
    "* container logConfiguration.options.mode": _LOGS,
    "* container logConfiguration.options.splunk-*": _LOGS,
    "without container logConfiguration.secretOptions*": _LOGS,
    "broken container logConfiguration.secretOptions.*.name": _LOGS,
    "without container secrets*": _NOT_READ,
    "without container ephemeralStorage": _SIZES,
    "without container runtimePlatform*": _SIZES,
    "without container resourceRequirements.?GPU?": _SIZES,
    "without batch:submitJob.sync * ContainerOverrides.ResourceRequirements*": _SIZES,
    "without container networkConfiguration*": _NETWORK,
    "* container fargatePlatformConfiguration*": _NETWORK,
    "without aws_batch_job_definition timeout*": "the tasks of these flows end in time",
    "without aws_lambda_function timeout": "the tasks of these flows end in time",
    "without aws_lambda_function memory_size": _SIZES,
    "without aws_lambda_function ephemeral_storage": _SIZES,
    "without aws_lambda_function architectures*": _SIZES,
    "without aws_batch_job_definition retry_strategy": _STARTS,
    "without aws_batch_job_definition retry_strategy.evaluate_on_exit": _STARTS,
    "without aws_batch_job_definition retry_strategy.evaluate_on_exit.?": _STARTS,
    "* aws_batch_job_definition retry_strategy.evaluate_on_exit.*reason": _STARTS,
    "broken container image": _IMAGE,
    "broken aws_lambda_function image_uri": _IMAGE,
    "* aws_lambda_function image_config.working_directory": _IMAGE,
    "without aws_lambda_function image_config.entry_point*": _HANDLER,
    "broken aws_lambda_function image_config.entry_point.*": _HANDLER,
    "without aws_lambda_function environment.variables.LAMINAR_COMMAND": "the default is the same command",
    "without_lambda: * container environment.?LAMINAR_COMMAND?*": "the default is the same command",
    "* aws_lambda_function kms_key_arn": _NO_SERVICE,
    "without aws_lambda_function tracing_config*": _NO_SERVICE,
    "broken aws_lambda_function tracing_config.mode": _NO_SERVICE,
    "without batch:submitJob* ContainerOverrides.Environment.?LAMINAR_LAYER_INDEXES?": _SPLITS,
    "broken batch:submitJob* ContainerOverrides.Environment.?LAMINAR_LAYER_INDEXES?.Name": _SPLITS,
    "* ContainerOverrides.Environment.?LAMINAR_LAYER_ATTEMPT?*": "tasks of these flows are tried once",
    "* RetryStrategy*": "tasks of these flows are tried once",
    "without * ContainerOverrides.Command": "that of the job definition is the same",
    "* lambda:invoke * Payload.redrives": _FIRST,
    "* lambda:invoke * Payload.retry": "tasks of these flows are tried once",
    "* lambda:invoke * Payload.retry.attempts": "tasks of these flows are tried once",
    "* lambda:invoke * Payload.retry.on*": "tasks of these flows are tried once",
    "without batch:submitJob* DependsOn": "jobs begin in the order of their submission, as few of them run at once",
    "without lambda:invoke * Payload.chain*": "all splits of these pipelines run",
    **{
        f"{case}: {what}": reason
        for case in ("ec2", "everything", "volumes")
        for what, reason in {
            "without aws_batch_job_definition platform_capabilities*": "EC2 is the default",
            "without container logConfiguration": _LOGS,
            "without container logConfiguration.options": _LOGS,
            "* container logConfiguration.options.awslogs-group": _LOGS,
        }.items()
    },
    "e*: * aws_lambda_function vpc_config*": _NETWORK,
    "ec2: * container environment.?STAGE?*": _NOT_READ,
    "ec2: * container linuxParameters*": _PROCESSES,
    "ec2: * container privileged": _PROCESSES,
    "ec2: * container readonlyRootFilesystem": _PROCESSES,
    "ec2: * container ulimits*": _PROCESSES,
    "ec2: * container user": _PROCESSES,
    "ec2: without container repositoryCredentials": _IMAGE,
    "* container environment.?LAMINAR_SECRETS?*": "no error of these flows has the value of a secret",
    "broken container secrets.*.name": _NOT_READ,
    "volumes: * container mountPoints.*.readOnly": _FOLDERS,
    "volumes: * container volumes.?cache?.host*": "the folder is made here, wherever it is on the instance",
    "volumes: without container volumes.?models?.efsVolumeConfiguration": _FOLDERS,
    "volumes: without container volumes.?models?.efsVolumeConfiguration.authorizationConfig*": _FOLDERS,
    "everything: * aws_lambda_function environment.variables.STAGE": "the planner does not read it",
    "everything: * container linuxParameters.devices*": _PROCESSES,
    "everything: broken container user": _PROCESSES,
    "everything: * container mountPoints.*.readOnly": _FOLDERS,
    "everything: * container volumes.?disk?.host*": "the folder is made here, wherever it is on the instance",
    "everything: without container volumes.?books?.efsVolumeConfiguration.transitEncryption": "DISABLED is the default",
    "everything: without container volumes.?shared?.efsVolumeConfiguration*": _FOLDERS,
    "everything: without aws-sdk:s3:listObjectsV2 * MaxKeys": "the first of more is the same",
    "everything: * states:startExecution.sync:2 StateMachineArn,turn,* Name": "no other execution waits for its turn",
    "everything: * aws-sdk:s3:putObject Bucket,Key,Body Body": "its name says all: nobody reads it",
    "everything: without batch:submitJob.sync * ArrayProperties": "one child claims all splits",
    "everything: without batch:submitJob.sync * Timeout*": "the tasks of these flows end in time",
    "everything: without lambda:invoke * Payload.record.tolerated": "no split fails",
    "everything: * lambda:invoke * Payload.record.error": "no split fails",
    "hooks: broken lambda:invoke * Payload.execution": _NOT_READ,
    "hooks: * container command*": "each job of this flow is given its command",
    "placed: broken * ShareIdentifier": "jobs of a share that the queue does not list have the default weight",
    "recovery: * ContainerOverrides.Environment.?LAMINAR_LAYER_CLAIMS?*": "child i runs split i without it, of as many",
    "recovery: without batch:submitJob.sync * ArrayProperties": "one child claims all splits",
    "recovery: broken batch:submitJob.sync * ContainerOverrides.Environment.?LAMINAR_LAYER_SPLITS?.Name": _NOT_READ,
    "recovery: without batch:submitJob.sync * Timeout*": "the tasks of these flows end in time",
    "recovery: without lambda:invoke * Payload.record.tolerated": "no split fails",
    "recovery: * lambda:invoke * Payload.record.error": "no split fails",
    "skipping: broken lambda:invoke * Payload.execution": "an entry hook asks for nothing of the execution",
    "triggers: without aws-sdk:s3:listObjectsV2 * MaxKeys": "the first of more is the same",
    "triggers: * states:startExecution.sync:2 StateMachineArn,turn,* Name": "no other execution waits for its turn",
    "triggers: * aws-sdk:s3:putObject Bucket,Key,Body Body": "its name says all: nobody reads it",
    "containers: * ContainerOverrides.Environment.?LAMINAR_LAYER_SPLITS?*": _NOT_READ,
}


def _is_chosen(what: str) -> bool:
    """Return whether each run tries a break: a field is taken out, and has another value if that cannot be seen."""
    kind, _, field = what.partition(" ")
    return kind == "without" or any(fnmatch.fnmatchcase(f"without {field}", pattern) for pattern in UNSEEN)


def _breaks_of(case: str) -> Iterator[tuple[str, Break]]:
    return breaks_of(document_of(compilation_of(case)))


def _cases() -> Iterator[tuple[str, str, Break]]:
    seen = set()
    for case in BROKEN:
        for what, broken in _breaks_of(case):
            if ALL or (what not in seen and _is_chosen(what)):
                seen.add(what)
                yield case, what, broken


CASES = list(_cases())


@attrs.define(slots=False)
class Rehearsal:
    """An embedded AWS for the flow of one case."""

    case: str
    compilation: Compilation
    aws: EmbeddedAws
    image: Path
    ran: set[str] = attrs.field(factory=set)

    @functools.cached_property
    def files(self) -> frozenset[Path]:
        """What the image has before anything has run in it."""
        return frozenset(self.image.iterdir())

    def run(self, document: object) -> None:
        """Deploy a document and run an execution. Raises what the rehearsal would show."""
        # What a broken document left, such as a datastore in a folder, would make another one pass.
        for left in {*self.image.iterdir()} - self.files:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        self.aws.reset()
        self.ran.clear()
        deployment = deploy_document(read_text(json.dumps(document)), self.aws, "", Given())
        deployment.start(dict(INPUTS.get(self.case, {})), id="e1").wait(timeout=60)
        source = self.compilation.source
        for flow, graph in zip((source.flow, *source.following), self.compilation.graphs, strict=True):
            execution = flow.execution("e1")
            execution.flow._datastore = datastores.AWS.S3(root=deployment.datastore_root)
            if missing := [*layers_without_end(execution, graph, self.ran)]:
                raise ExecutionError(f"these layers did not finish: {missing}")

    @functools.cached_property
    def entered(self) -> frozenset[str]:
        """The states that are entered if nothing is broken: those of failures, say, are not."""
        self.run(json.loads(document_of(self.compilation)))
        states = self.aws.client("stepfunctions")
        machines = states.get_paginator("list_state_machines").paginate().search("stateMachines[].stateMachineArn")
        found = set()
        for machine in machines:
            pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
            for execution in pages.search("executions[].executionArn"):
                events = states.get_paginator("get_execution_history").paginate(executionArn=execution)
                found |= {*events.search("events[].stateEnteredEventDetails.name")}
        return frozenset(found)

    def enters(self, broken: Break) -> bool:
        """Return whether the state is entered in which something is broken: what is in no state is used."""
        steps = list(broken.path)
        if "States" not in steps:
            return True
        last = len(steps) - 1 - steps[::-1].index("States")
        return steps[last + 1] in self.entered


@pytest.fixture(scope="module")
def rehearsals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rehearsal]]:
    """Give the rehearsal of the last case, which ends with the next one: there is one embedded AWS at a time."""
    found: dict[str, Rehearsal] = {}
    yield found
    for rehearsal in found.values():
        rehearsal.aws.close()


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the Python of the tasks: in the nightly size, which runs tens of thousands, one that starts at once."""
    if not ALL:
        yield sys.executable
        return
    with warm_python(tmp_path_factory.mktemp("python")) as path:
        yield str(path)


@pytest.fixture
def rehearsal(
    request: pytest.FixtureRequest,
    rehearsals: dict[str, Rehearsal],
    python: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Rehearsal:
    case = request.param
    if case not in rehearsals:
        for other in rehearsals.values():
            other.aws.close()
        rehearsals.clear()
        image = lay_out(FLOWS[case] / "flow.py", tmp_path_factory.mktemp(case))
        for name, text in PROGRAMS.get(case, {}).items():
            (image / name).write_text(text, encoding="utf-8")
        ran: set[str] = set()
        aws = EmbeddedAws(
            workspace=Workspace(directory=image, python=python),
            enforces=True,
            observer=lambda event: ran.add(event.job_name.partition("-")[2]),
        )
        rehearsals[case] = Rehearsal(case, compilation_of(case), aws.__enter__(), image, ran)
    for name, value in rehearsals[case].aws.environment.items():
        monkeypatch.setenv(name, value)
    return rehearsals[case]


@pytest.mark.parametrize("rehearsal", BROKEN, indirect=True)
def test_as_it_is(rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """The document that is not broken passes, and nothing but what is expected is shown."""
    rehearsal.run(json.loads(document_of(rehearsal.compilation)))
    shown = capsys.readouterr().err
    assert _news(rehearsal.case, shown) == []
    assert all(text in shown for text in WARNINGS.get(rehearsal.case, ()))


def _news(case: str, shown: str) -> list[str]:
    """Return the lines that a rehearsal shows, without those that are expected of a flow."""
    return [line for line in shown.splitlines() if not any(text in line for text in WARNINGS.get(case, ()))]


@pytest.mark.parametrize("case", NOT_RUN)
def test_flows_that_are_left_out(case: str) -> None:
    """Other flows have the same fields."""
    others = {what for other in FLOWS if other not in NOT_RUN for what, _ in _breaks_of(other)}
    assert {what for what, _ in _breaks_of(case)} <= others


@pytest.mark.parametrize(
    ("rehearsal", "what", "broken"),
    CASES,
    indirect=["rehearsal"],
    ids=[f"{case}: {broken}" for case, _, broken in CASES],
)
def test_a_break(rehearsal: Rehearsal, what: str, broken: Break, capsys: pytest.CaptureFixture[str]) -> None:
    """It is seen, or cannot be seen for a reason."""
    try:
        rehearsal.run(broken.apply(json.loads(document_of(rehearsal.compilation))))
    except (DocumentError, ExecutionError, WaitTimeoutError):
        seen = True
    else:
        seen = any("warning: " in line for line in _news(rehearsal.case, capsys.readouterr().err))
    names = [what, f"{rehearsal.case}: {what}"]
    reasons = [
        reason for pattern, reason in UNSEEN.items() if any(fnmatch.fnmatchcase(name, pattern) for name in names)
    ]
    if rehearsal.case in EACH_RUN:
        assert seen != bool(reasons), f"{what}: {reasons}"
    else:
        assert seen or reasons or not rehearsal.enters(broken), what
