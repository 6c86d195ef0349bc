"""Roles call nothing but what the policies that Terraform applied allow, and all that these allow is called.

Each flow is deployed by Terraform and executed; every call of the state machine, of tasks, of functions, and of what
starts containers is evaluated against the policies of the role that made it.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest

from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.planning.make_plan import Joins
from laminar_codegen.rehearsal.aws import ApiCall, EmbeddedAws, Workspace
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.rehearsal.permissions import Facts, Need, Refusal, Role, Roles, Statement, decide, needs
from laminar_codegen.rehearsal.permissions.decisions import context_of
from laminar_codegen.render.terraform_json import render_document
from tests.e2e.conftest import provide
from tests.support.golden import EXECUTED, INPUTS
from tests.support.terraform_harness import Terraform, serving_provider

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
BATCH = "https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html"
NESTED = "https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html"
LOGS = "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html"
TRACES = "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html"
CONTAINERS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"
FUNCTIONS = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
FUNCTION_TRACES = "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"

OWN_KEY = "https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html"
OBJECTS_KEY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
ENVIRONMENT_KEY = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"
SCHEDULES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"
SCHEDULE_KEY = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html"
TOPIC_KEY = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
MOUNTS = "https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html"
INTERFACES = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
#: The statements of roles that mount file systems: tests/unit/codegen/test_embedded_aws/test_volumes.py has who may.
MOUNTING = ("MountAccessPoints", "MountToReadAccessPoints", "MountToReadFileSystemsAsRoot")
#: Those of functions in a network, of which the last denies the others to the code of functions.
NETWORKING = ("DescribeNetwork", "ManageInterfaces", "UseSubnets", "KeepCodeFromNetwork")
QUEUE_KEY = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"

#: What is granted and cannot be seen called here, by role and statement: why, and AWS's page about it.
NOT_SEEN: Mapping[tuple[str, str], tuple[str, str]] = {
    ("state-machine", "AwaitJobs"): ("Step Functions makes a rule for jobs' ends; here it looks", BATCH),
    ("state-machine", "AwaitParts"): ("a rule for executions' ends; here it looks", NESTED),
    ("state-machine", "DeliverLogs"): ("at creation, Step Functions has CloudWatch deliver its log", LOGS),
    ("state-machine", "EncryptExecutions"): ("Step Functions encrypts; here nothing is encrypted", OWN_KEY),
    ("state-machine", "EncryptLogs"): ("the delivery of logs encrypts; here nothing is encrypted", OWN_KEY),
    ("state-machine", "SendTraces"): ("Step Functions sends traces itself; nothing is traced here", TRACES),
    ("state-machine", "UseDatastoreKey"): ("S3 asks for the key in the caller's name; not here", OBJECTS_KEY),
    ("task", "UseDatastoreKey"): ("S3 asks for the key in the caller's name; not here", OBJECTS_KEY),
    ("execution", "LogInToRegistries"): ("ECS pulls images; here there are none", CONTAINERS),
    ("execution", "PullImages"): ("ECS pulls images; here there are none", CONTAINERS),
    ("planner", "DecryptEnvironment"): ("Lambda decrypts a function's variables; here they are plain", ENVIRONMENT_KEY),
    ("planner", "SendTraces"): ("Lambda sends traces itself; nothing is traced here", FUNCTION_TRACES),
    ("planner", "UseDatastoreKey"): ("S3 asks for the key in the caller's name; not here", OBJECTS_KEY),
    ("planner", "WriteLogs"): ("Lambda writes what a function prints; here that goes to a file", FUNCTIONS),
    ("function", "DecryptEnvironment"): (
        "Lambda decrypts a function's variables; here they are plain",
        ENVIRONMENT_KEY,
    ),
    ("function", "SendTraces"): ("Lambda sends traces itself; nothing is traced here", FUNCTION_TRACES),
    ("function", "UseDatastoreKey"): ("S3 asks for the key in the caller's name; not here", OBJECTS_KEY),
    ("function", "WriteLogs"): ("Lambda writes what a function prints; here that goes to a file", FUNCTIONS),
    ("state-machine", "EncryptReports"): ("SNS asks for the key in the sender's name; not here", TOPIC_KEY),
    **{("task", name): ("EFS asks when a task mounts; here jobs are refused", MOUNTS) for name in MOUNTING},
    ("function", "MountAccessPoints"): ("EFS asks when a function mounts; here functions are refused", MOUNTS),
    **{
        (role, name): ("Lambda makes interfaces; here functions are processes", INTERFACES)
        for role in ("function", "planner")
        for name in NETWORKING
    },
    ("schedule", "KeepFailures"): ("EventBridge Scheduler does so; here nobody looks at the clock", SCHEDULES),
    ("schedule", "StartExecutions"): ("EventBridge Scheduler does so; here nobody looks at the clock", SCHEDULES),
    ("schedule", "DecryptSchedule"): ("EventBridge Scheduler does so; here nobody looks at the clock", SCHEDULE_KEY),
    ("schedule", "EncryptFailures"): ("SQS asks for the key in the sender's name; here nobody sends", QUEUE_KEY),
}

#: The roles that layers of golden flows name, each with the kind that it is of.
NAMED = {"loader": "task", "reader": "task", "reporter": "function", "trainer": "task"}

FEATURES = """
import time

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter, Retry


class Features(Flow): ...


@Features.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(part=range(parameters.count))
        # More than one part of a multipart upload.
        self.large = bytes(range(256)) * 40_000


@Features.register(foreach=ForEach([Parameter(Load, "part")]), retry=Retry(attempts=2))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        self.done = load.part + len(load.large)


@Features.register(retry=Retry(attempts=2, delay=0.1, jitter=0))
class Sized(Layer):
    def __call__(self, load: Load) -> None:
        if self.attempt == 1:
            raise MemoryError

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2


@Features.register
class Skipped(Layer):
    def __call__(self, load: Load) -> None: ...

    @hooks.entry
    def never(self, load: Load) -> bool:
        return False


@Features.register(catch=Catch(ValueError))
class Total(Layer):
    def __call__(self, work: Work, sized: Sized) -> None:
        self.total = sum(work.done)
        raise ValueError(self.total)


@Features.register
class Last(Layer):
    def __call__(self, total: Total, skipped: Skipped) -> None:
        self.total = total.total

    @hooks.entry
    def always(self) -> bool:
        return True


if flow := Features():
    flow()
"""
JOINED = """
import time
from pathlib import Path

from laminar_runtime import Flow, Layer

ENDED = Path(__file__).resolve().parent / "fast-ended"


class Joined(Flow): ...


@Joined.register
class Slow(Layer):
    def __call__(self) -> None:
        while not ENDED.exists():
            time.sleep(0.1)
        time.sleep(3)


@Joined.register
class Fast(Layer):
    def __call__(self) -> None:
        ENDED.touch()


@Joined.register
class One(Layer):
    def __call__(self, slow: Slow) -> None: ...


@Joined.register
class Both(Layer):
    def __call__(self, slow: Slow, fast: Fast) -> None: ...


if flow := Joined():
    flow()
"""
SLOW = """
import time

from laminar_runtime import Execution, Flow, Layer, Parameters


class First(Flow): ...


class Second(Flow): ...


@First.register
@Second.register
class Sleep(Layer):
    def __call__(self, parameters: Parameters) -> None:
        time.sleep(parameters.seconds)


def slower(execution: Execution) -> Parameters:
    return Parameters(seconds=600)


First()(seconds=0).next(flow=Second(), linker=slower)
"""
BROKEN = """
from pathlib import Path

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

BROKEN = Path(__file__).resolve().parent / "broken"


class Broken(Flow): ...


@Broken.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(part=range(parameters.count))


@Broken.register(foreach=ForEach([Parameter(Load, "part")]))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        if BROKEN.exists() and self.index == 1:
            raise RuntimeError
        self.done = load.part


@Broken.register(retry=Retry(attempts=2, delay=0.1, jitter=0))
class Sized(Layer):
    def __call__(self, load: Load) -> None:
        if BROKEN.exists():
            raise RuntimeError

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2


@Broken.register
class Total(Layer):
    def __call__(self, work: Work, sized: Sized) -> None:
        self.total = sum(work.done)


if flow := Broken():
    flow()
"""
PIPELINE = """
import time

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter


class Pipeline(Flow): ...


@Pipeline.register
class Find(Layer):
    def __call__(self) -> None:
        self.shard(item=[0, 600])


@Pipeline.register(foreach=ForEach([Parameter(Find, "item")]))
class Fetch(Layer):
    def __call__(self, find: Find) -> None:
        time.sleep(find.item)
        self.text = "text"


@Pipeline.register(foreach=ForEach([Parameter(Fetch, "text", index=None)], pipelined=True))
class Clean(Layer):
    def __call__(self, fetch: Fetch, parameters: Parameters) -> None:
        self.text = fetch.text * parameters.times


if flow := Pipeline():
    flow()
"""
DATASTORE = """
module "datastore" {{
  source        = {source}
  bucket        = "our-artifacts"
  prefix        = "team/flows"
  force_destroy = true
}}

output "datastore_root" {{
  value = module.datastore.datastore_root
}}
"""


def golden(name: str) -> Callable[[EmbeddedAws], str]:
    """Return a flow of the golden cases."""
    text = (GOLDEN / name / "flow.py").read_text(encoding="utf-8")
    return lambda _: text


def with_secrets(aws: EmbeddedAws) -> str:
    """Return the golden flow with all kinds of capacity, whose secrets are in the embedded AWS."""
    text = (GOLDEN / "ec2" / "flow.py").read_text(encoding="utf-8").replace("eu-west-1", aws.region)
    for name, secret in (("db", '{"password": "p"}'), ("splunk", "token"), ("registry", "{}")):
        arn = aws.client("secretsmanager").create_secret(Name=name, SecretString=secret)["ARN"]
        text = text.replace(f"{name}-AbCdEf", arn.rpartition(":")[2])
    aws.client("ssm").put_parameter(Name="/team/token", Type="SecureString", Value="token")
    return text


def with_named_secrets(aws: EmbeddedAws) -> str:
    """Return the golden flow with secrets by name and by variable, which are in the embedded AWS."""
    for name, secret in (("team/db", '{"password": "p"}'), ("dev/db", '{"url": "u"}')):
        aws.client("secretsmanager").create_secret(Name=name, SecretString=secret)
    for name in ("team/key", "/team/token", "/dev/token"):
        aws.client("ssm").put_parameter(Name=name, Type="SecureString", Value="token")
    return (GOLDEN / "environments" / "flow.py").read_text(encoding="utf-8").replace("eu-west-1", aws.region)


Found = TypeVar("Found")


@attrs.frozen
class Deployment:
    """A flow that is deployed: where, as which state machine, and the folder of its file."""

    aws: EmbeddedAws
    machine: str
    folder: Path

    def start(self, parameters: Mapping[str, Any], name: str = "audited") -> str:
        """Start an execution as anything may: with parameters in its input. Gives its ARN."""
        given, states = json.dumps({"parameters": parameters}), self.aws.client("stepfunctions")
        return str(states.start_execution(stateMachineArn=self.machine, name=name, input=given)["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """Return an execution, once it has ended."""
        return until(lambda: self._described(execution), lambda found: found["status"] != "RUNNING")

    def finish(self, execution: str) -> None:
        """Wait until an execution has succeeded."""
        ended = self.ended(execution)
        assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))

    def _described(self, execution: str) -> dict[str, Any]:
        found: dict[str, Any] = self.aws.client("stepfunctions").describe_execution(executionArn=execution)
        return found


def finish(deployed: Deployment, parameters: Mapping[str, Any]) -> None:
    """Execute a flow."""
    deployed.finish(deployed.start(parameters))


def stop(deployed: Deployment, parameters: Mapping[str, Any]) -> None:
    """Stop an execution while the second of its flows runs, and wait until its job has ended."""
    aws, execution = deployed.aws, deployed.start(parameters)

    def job() -> str | None:
        filters = [{"name": "JOB_NAME", "values": ["Second-Sleep"]}]
        found = aws.client("batch").list_jobs(jobQueue="spare", filters=filters)["jobSummaryList"]
        return found[0]["status"] if found else None

    until(job, lambda status: status == "RUNNING")
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    until(job, lambda status: status == "FAILED")


def leave(deployed: Deployment, parameters: Mapping[str, Any]) -> None:
    """Stop an execution whose layers run item by item, and wait until the job has ended that no state waited for."""
    aws, execution = deployed.aws, deployed.start(parameters)
    batch, states = aws.client("batch"), aws.client("stepfunctions")

    def children() -> set[str]:
        listed = [
            job for job in batch.list_jobs(jobQueue="spare")["jobSummaryList"] if job["jobName"].endswith("-Fetch")
        ]
        found = [batch.list_jobs(arrayJobId=job["jobId"])["jobSummaryList"] for job in listed]
        return {child["status"] for array in found for child in array}

    until(children, lambda found: found == {"SUCCEEDED", "RUNNING"})
    states.stop_execution(executionArn=execution)
    until(children, lambda found: found == {"SUCCEEDED", "FAILED"})
    machine = f"{deployed.machine}-stop-jobs"
    (stopping,) = states.list_executions(stateMachineArn=machine)["executions"]
    deployed.finish(stopping["executionArn"])


def resume(deployed: Deployment, parameters: Mapping[str, Any]) -> None:
    """Have two executions fail, and go on: one is redriven, one is started anew as if it were too old for that."""
    broken, states = deployed.folder / "broken", deployed.aws.client("stepfunctions")
    broken.touch()
    execution = deployed.start(parameters)
    other = deployed.start(parameters, "other")
    assert [deployed.ended(arn)["status"] for arn in (execution, other)] == ["FAILED", "FAILED"]
    broken.unlink()
    states.redrive_execution(executionArn=execution)
    deployed.finish(execution)
    assert states.describe_execution(executionArn=execution)["redriveCount"] == 1
    deployed.finish(deployed.start(parameters, "other@resume-1"))


def trigger(deployed: Deployment, _: Mapping[str, Any]) -> None:
    """Send an event to a rule, and wait until the flow that it started has succeeded."""
    aws, states = deployed.aws, deployed.aws.client("stepfunctions")
    order = {"source": "shop", "detail-type": "Order", "id": "1", "detail": {"size": 1, "order": "o1"}}
    (delivery,) = aws.event_bus.deliver({**order, "region": aws.region, "time": "2026-01-01T00:00:00Z"})
    deployed.finish(delivery.execution)
    (started,) = states.list_executions(stateMachineArn=deployed.machine)["executions"]
    deployed.finish(started["executionArn"])


ENDED = """
import os

if os.environ.get("LAMINAR_LAYER_NAME") == "Clean" and "AWS_BATCH_JOB_ID" in os.environ:
    os._exit(3)


"""


def report(deployed: Deployment, parameters: Mapping[str, Any]) -> None:
    """Have executions succeed, fail in their code and before, and be stopped, and wait until that is reported."""
    finish(deployed, parameters)
    file, states = deployed.folder / "flow.py", deployed.aws.client("stepfunctions")
    text = file.read_text(encoding="utf-8")
    assert "self.shard(row=range(3))" in text
    for name, broken in (
        ("raised", text.replace("self.shard(row=range(3))", "raise ValueError")),
        # A split ends before it could leave a record: its array job says why.
        ("ended", text.replace("class Reported(Flow)", f"{ENDED}class Reported(Flow)")),
    ):
        file.write_text(broken, encoding="utf-8")
        assert deployed.ended(deployed.start(parameters, name))["status"] == "FAILED"
    file.write_text(text, encoding="utf-8")
    # The history of one that is stopped says which layers ran.
    states.stop_execution(executionArn=deployed.start(parameters, "stopped"))
    machine = f"{deployed.machine}-notify"
    reports = until(lambda: states.list_executions(stateMachineArn=machine)["executions"], lambda found: len(found) > 2)
    for one in reports:
        deployed.finish(one["executionArn"])


@attrs.frozen(eq=False)
class Case:
    """A flow, and how it is deployed and executed.

    execute  executes it; by default once, until it has succeeded
    without  a statement that is taken out of the document, as the state machine's role
    shared   whether queues with names have a fair-share policy
    ours     the roles and the bucket are there already: roles of the policies that a plan shows, and a bucket whose
             policy denies requests without TLS
    """

    text: Callable[[EmbeddedAws], str]
    parameters: Mapping[str, Any] = attrs.field(factory=dict)
    joins: Joins | None = None
    execute: Callable[[Deployment, Mapping[str, Any]], None] = finish
    without: str | None = None
    shared: bool = False
    ours: bool = False


#: The golden flows whose secrets, or whose starts, are made.
SECRETS = {"ec2": with_secrets, "environments": with_named_secrets}
EXECUTIONS = {"reported": report, "triggers": trigger}
#: Those whose queues with names have a fair-share policy.
SHARED = ("placed", "without_lambda")

CASES = {
    "features": Case(lambda _: FEATURES, {"count": 3}),
    # One of two branches must wait for the other, whatever covers the order.
    "exact joins": Case(lambda _: JOINED, joins="exact"),
    "stopped": Case(lambda _: SLOW, {"seconds": 0}, execute=stop),
    "stopped item by item": Case(lambda _: PIPELINE, {"times": 2}, execute=leave),
    "resumed": Case(lambda _: BROKEN, {"count": 3}, execute=resume),
    "ours": Case(lambda _: FEATURES, {"count": 3}, ours=True),
    **{
        name: Case(
            SECRETS.get(name, golden(name)),
            INPUTS.get(name, {}),
            execute=EXECUTIONS.get(name, finish),
            shared=name in SHARED,
        )
        for name in EXECUTED
    },
}


@attrs.frozen
class Audit:
    """What a deployed flow's roles called, and what they were allowed."""

    calls: tuple[ApiCall, ...]
    roles: Mapping[str, Role]
    machines: Mapping[str, str]

    @property
    def statements(self) -> list[tuple[Role, Statement]]:
        """The statements of all roles."""
        return [(role, statement) for role in self.roles.values() for statement in role.policies]

    def denied(self, *, without: Statement | None = None) -> list[Refusal]:
        """Return the calls that were outside the policies, each once."""
        found = {}
        for call, need in self._needed():
            allowing = [statement for statement in self.roles[call.principal].policies if statement is not without]
            decision = decide(need, allowing, context=context_of(call))
            if not decision.allowed:
                refusal = Refusal(call, need.action, need.resource, decision.reason)
                found[call.principal, need.action, need.resource] = refusal
        return list(found.values())

    def used(self) -> set[tuple[str, str, str]]:
        """Return the roles, statements and actions that were used."""
        return {
            (label(call.principal), statement.sid, action)
            for call, need in self._needed()
            for statement in self.roles[call.principal].policies
            if decide(need, [statement], context=context_of(call)).allowed
            for action in statement.actions
            if action == need.action
        }

    def granted(self) -> set[tuple[str, str, str]]:
        """Return the roles, statements and actions that are allowed."""
        return {
            (label(role.arn), statement.sid, action)
            for role, statement in self.statements
            for action in statement.actions
        }

    def _needed(self) -> Iterator[tuple[ApiCall, Need]]:
        """Yield the permissions that calls need, each once.

        A token does not name its machine: the permission is needed for any that has the role.
        """
        seen = set()
        for call in self.calls:
            machines = [arn for arn, role in self.machines.items() if role == call.principal]
            found = [need for machine in machines or [None] for need in needs(call, Facts(lambda _, m=machine: m))]
            if call.status == HTTPStatus.NOT_FOUND and call.operation in ("GetObject", "HeadObject"):
                found.append(Need("s3:ListBucket", f"arn:aws:s3:::{call.parameters['Bucket']}"))
            for need in found:
                key = (call.principal, need.action, need.resource, *need.context.values())
                if key not in seen:
                    seen.add(key)
                    yield call, need


def label(role: str) -> str:
    """Return what a role is for: its name, after that of the deployment, or of the account."""
    return role.rpartition("/")[2].partition("-")[2]


def of_kinds(grants: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Return grants with the roles that layers name among those of tasks and of functions."""
    return {(NAMED.get(role, role), statement, action) for role, statement, action in grants}


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, mirror: Path) -> Callable[[Case], Audit]:
    """Give a function that deploys and executes a case, once."""

    @functools.cache
    def run(case: Case) -> Audit:
        return execute(case, tmp_path_factory.mktemp("flow"), mirror)

    return run


def execute(case: Case, folder: Path, mirror: Path) -> Audit:
    """Deploy a case by Terraform, execute it, and see what was called."""
    calls: list[ApiCall] = []
    image, file = folder / "image", folder / "flow" / "flow.py"
    image.mkdir()
    file.parent.mkdir()
    with (
        EmbeddedAws(workspace=Workspace(image), concurrency=4, calls=calls.append) as aws,
        serving_provider(aws.environment) as environment,
    ):
        file.write_text(case.text(aws), encoding="utf-8")
        lay_out(file, image)
        given = provide(aws) | optional(aws)
        if case.ours:
            given |= existing_bucket(aws, Terraform(folder / "datastore", mirror, environment))
        terraform = Terraform(folder / "terraform", mirror, environment)
        machine = deploy(case, document(case, file), terraform, given, aws)
        case.execute(Deployment(aws, machine, file.parent), case.parameters)
        states = aws.client("stepfunctions")
        arns = [listed["stateMachineArn"] for listed in states.list_state_machines()["stateMachines"]]
        machines = {arn: states.describe_state_machine(stateMachineArn=arn)["roleArn"] for arn in arns}
        roles = {role.arn: role for role in Roles(aws.client("iam")).all()}
        return Audit(tuple(calls), roles, machines)


def optional(aws: EmbeddedAws) -> dict[str, Any]:
    """Variables for which there are statements: customers' keys, an image in ECR, and a topic."""
    own, datastore = (aws.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    image = f"123456789012.dkr.ecr.{aws.region}.amazonaws.com/team/flow:1"
    aws.client("sns").create_topic(Name="team")
    topic = aws.client("sns").create_topic(Name="on-call")["TopicArn"]
    return {"kms_key_arn": own, "datastore_kms_key_arn": datastore, "image": image, "on_call_topic": topic}


def document(case: Case, file: Path) -> dict[str, Any]:
    """Return the Terraform document of a flow."""
    compiled: dict[str, Any] = json.loads(
        render_document(compile_flow(str(file), Scheduling(joins=case.joins)).document)
    )
    if case.without is not None:
        statements = compiled["locals"]["statements"]
        statements["state_machine"] = [item for item in statements["state_machine"] if item["Sid"] != case.without]
    return compiled


def deploy(
    case: Case, compiled: Mapping[str, Any], terraform: Terraform, given: Mapping[str, Any], aws: EmbeddedAws
) -> str:
    """Apply a document, with each job queue that it asks for the same; gives the state machine's ARN."""
    terraform.directory.mkdir()
    (terraform.directory / "main.tf.json").write_text(json.dumps(compiled), encoding="utf-8")
    named = shared_queue(aws) if case.shared else given["job_queue_arn"]
    queues = {name: named for name in compiled["variable"] if name.endswith("_job_queue_arn")}
    queues["job_queue_arn"] = given["job_queue_arn"]
    queues = {name: arn for name, arn in queues.items() if name in compiled["variable"]}
    variables = {name: value for name, value in given.items() if name in compiled["variable"]} | queues
    terraform.init()
    if case.ours:
        variables |= existing_roles(aws, terraform, variables)
    terraform.apply(**variables)
    made = [address for address in terraform.state() if address.startswith("aws_iam_")]
    assert (made == []) == case.ours
    return str(terraform.output()["state_machine_arn"])


def shared_queue(aws: EmbeddedAws) -> str:
    """Make a queue with a fair-share policy; gives its ARN."""
    batch = aws.client("batch")
    made = batch.create_job_queue(
        jobQueueName="shared",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "spare"}],
        schedulingPolicyArn=batch.create_scheduling_policy(name="fair")["arn"],
    )
    return str(made["jobQueueArn"])


def existing_bucket(aws: EmbeddedAws, terraform: Terraform) -> dict[str, Any]:
    """Make a bucket by the module for it, whose policy denies requests without TLS; gives the variable."""
    terraform.directory.mkdir()
    module = json.dumps(str(ROOT / "terraform_modules" / "datastore"))
    (terraform.directory / "main.tf").write_text(DATASTORE.format(source=module), encoding="utf-8")
    terraform.init()
    terraform.apply()
    policy = json.loads(aws.client("s3").get_bucket_policy(Bucket="our-artifacts")["Policy"])
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}
    return terraform.output()


def existing_roles(aws: EmbeddedAws, terraform: Terraform, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Make roles of the policies that a plan shows before there is anything; gives the variables."""
    iam, given = aws.client("iam"), {}
    planned = terraform.plan(**variables).document["planned_values"]["outputs"]["policies"]["value"]
    for key, policy in planned.items():
        name = f"our-{key.replace('_', '-')}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="ours", PolicyDocument=policy)
        given[f"{key}_role_arn"] = role["Arn"]
    return given


def until(look: Callable[[], Found], done: Callable[[Found], bool]) -> Found:
    """Look until it is as it should be."""
    deadline = time.monotonic() + 120
    while not done(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("name", CASES)
def test_no_call_is_outside_the_policies(name: str, audit: Callable[[Case], Audit]) -> None:
    """Every call that a role makes is allowed by the policies that Terraform gave it."""
    audited = audit(CASES[name])
    assert audited.calls
    assert list(map(str, audited.denied())) == []


@pytest.mark.parametrize("name", CASES)
def test_no_statement_is_superfluous(name: str, audit: Callable[[Case], Audit]) -> None:
    """Each statement that a flow uses it needs: without it, some call would be denied."""
    audited = audit(CASES[name])
    used = {(role, sid) for role, sid, _ in audited.used()}
    spare = [
        statement.sid
        for role, statement in audited.statements
        if (label(role.arn), statement.sid) in used and not audited.denied(without=statement)
    ]
    assert spare == []


def test_all_that_is_granted_is_used(audit: Callable[[Case], Audit]) -> None:
    """Over all flows each action of each statement is used, but what Step Functions, ECS and Lambda do on AWS only."""
    audits = [audit(case) for case in CASES.values()]
    granted = of_kinds({grant for audited in audits for grant in audited.granted()})
    used = of_kinds({grant for audited in audits for grant in audited.used()})
    not_used = granted - used
    assert sorted(grant for grant in not_used if grant[:2] not in NOT_SEEN) == []
    # And nothing is excused that could be seen, or that is not granted any more.
    assert sorted(grant for grant in used if grant[:2] in NOT_SEEN) == []
    assert {grant[:2] for grant in not_used} == NOT_SEEN.keys()


def test_a_statement_that_is_missing_is_reported(audit: Callable[[Case], Audit]) -> None:
    """The check can fail: without the statement for the machine to keep its input it names the role and the object."""
    (denial,) = audit(Case(golden("foreach"), without="WriteNotes")).denied()
    assert label(denial.role) == "state-machine"
    assert denial.action == "s3:PutObject"
    assert denial.resource == "arn:aws:s3:::team-artifacts/flows/Wide/.cache/audited/.input.json"
    assert str(denial).startswith(f"role {denial.role} may not s3:PutObject on {denial.resource}")
