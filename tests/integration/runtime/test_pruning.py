"""Old executions of a flow in a bucket are removed: on the embedded S3, with versions as S3 has them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Sequence

import boto3
import pytest
from botocore.exceptions import ClientError

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.deployed.clients import Clients
from laminar_runtime.deployed.pruning import Bucket, BucketShelf, prune_bucket
from laminar_runtime.exceptions import DatastoreError, FlowError
from laminar_runtime.storage import runs
from laminar_runtime.storage.pruning import Pruned, Running, Stored, prune

DAY = 86_400.0
ROLE = "arn:aws:iam::123456789012:role/x"


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.value, self.shared = f"value {parameters.n}", "shared"


@pytest.fixture
def flow(s3_root: str) -> Report:
    """The flow in a bucket with versions."""
    client = boto3.Session().client("s3")
    bucket = s3_root.split("/")[2]
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Report(datastore=datastores.AWS.S3(root=s3_root), executor=executors.Thread())


def shelf_of(flow: Flow, machine: str = "") -> BucketShelf:
    return BucketShelf(Bucket(Clients(), flow.datastore.root, machine), flow.datastore.transport)


def prune_in(shelf: BucketShelf, days: float, *, dry_run: bool = False) -> Pruned:
    """Prune what is older than 90 days, some days from now."""
    now = time.time() + days * DAY
    (done,) = prune(shelf, ["Report"], before=now - 90 * DAY, now=now, dry_run=dry_run)
    return done


def names_of(flow: Flow) -> list[str]:
    """Return the executions that have objects. moto lists the folders of objects that are gone, which S3 does not."""
    return sorted({stored.key.split("/")[2] for stored in shelf_of(flow).walk("Report/archives/")})


def test_old_executions_go(flow: Report) -> None:
    """All that is theirs goes, with all versions of what nothing names."""
    flow("one", n=1)
    flow("two", n=1)
    shelf = shelf_of(flow)
    assert prune_in(shelf, 1).executions == 0
    counted = prune_in(shelf, 100, dry_run=True)
    assert (counted.executions, counted.artifacts, names_of(flow)) == (2, 3, ["one", "two"])
    assert prune_in(shelf, 100) == counted
    assert (names_of(flow), list(shelf.walk("Report/"))) == ([], [])
    assert list(shelf.values("Report/artifacts/")) == []
    assert prune_in(shelf, 200) == Pruned(flow="Report")


def test_what_others_name_stays(flow: Report) -> None:
    """The mark reads what remains: here one that is running by its state machine."""
    flow("one", n=1)
    flow("two", n=2)

    class Runs(BucketShelf):
        def running(self, flow: str) -> Running:
            return Running(frozenset({"two"}), time.time() + 95 * DAY)

    shelf = Runs(Bucket(Clients(), flow.datastore.root), flow.datastore.transport)
    done = prune_in(shelf, 100)
    assert (done.executions, done.artifacts) == (1, 2)
    layer = flow.execution("two").layer(Load)
    assert (layer.value, layer.shared) == ("value 2", "shared")


def test_what_is_written_meanwhile_stays(flow: Report) -> None:
    """An execution begins between the list and the removal, and stores a value that is just removed."""
    flow("one", n=1)

    class Late(BucketShelf):
        def drop(self, values: Sequence[Stored], before: float) -> Sequence[Stored]:
            with contextlib.suppress(StopIteration):
                next(begin)
            return super().drop(values, before)

    begin = (flow("new", n=1) for _ in range(1))
    done = prune_in(Late(Bucket(Clients(), flow.datastore.root), flow.datastore.transport), 100)
    assert (done.executions, done.artifacts) == (1, 3)
    layer = flow.execution("new").layer(Load)
    assert (layer.value, layer.shared, names_of(flow)) == ("value 1", "shared", ["new"])


def test_what_runs_is_asked_of_all_deployments_there(flow: Report) -> None:
    """Executions of any deployment that uses the datastore may name its values."""
    definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    states, ssm = boto3.Session().client("stepfunctions"), boto3.Session().client("ssm")
    for name, root in (("here", flow.datastore.root), ("elsewhere", "s3://elsewhere/flows")):
        machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        arn = machine["stateMachineArn"]
        value = json.dumps({"state_machine_arn": arn, "datastore_root": root})
        ssm.put_parameter(Name=f"/laminar/{name}", Value=value, Type="String")
        started = states.start_execution(stateMachineArn=arn, name=f"of-{name}")
    try:
        running = shelf_of(flow).running("Report")
        assert running.names == {"of-here"}
        assert running.since is not None
        assert abs(running.since - time.time()) < 60
    finally:
        states.stop_execution(executionArn=started["executionArn"])
        for name in ("here", "elsewhere"):
            ssm.delete_parameter(Name=f"/laminar/{name}")


@pytest.mark.parametrize("account", ["123456789012", "210987654321"])
def test_a_state_machine_that_is_gone(flow: Report, account: str) -> None:
    """What its description has left behind keeps nothing from going. Elsewhere it may run, so nothing goes."""
    flow("one", n=1)
    arn = f"arn:aws:states:{boto3.Session().region_name}:{account}:stateMachine:gone"
    ssm = boto3.Session().client("ssm")
    value = json.dumps({"state_machine_arn": arn, "datastore_root": flow.datastore.root})
    ssm.put_parameter(Name="/laminar/gone", Value=value, Type="String")
    elsewhere = pytest.raises(ClientError, match="StateMachineDoesNotExist")
    try:
        with elsewhere if account != "123456789012" else contextlib.nullcontext():
            assert prune_in(shelf_of(flow), 100).executions == 1
    finally:
        ssm.delete_parameter(Name="/laminar/gone")


def test_a_run_on_a_machine(flow: Report) -> None:
    """No lock says whether it runs, so its note does, for a year after its last write."""
    flow("one", n=1)
    run = runs.Run(status="RUNNING", created=0, started=1000)
    runs.write(flow.datastore.transport, "Report", "one", run)
    shelf = shelf_of(flow)
    assert prune_in(shelf, 100).executions == 0
    assert shelf.read_notes("Report", {"one": time.time()}, 0) == Running(frozenset({"one"}), 1.0)
    assert shelf.read_notes("Report", {"one": time.time() - 400 * DAY}, 0) == Running()


def test_many_objects(flow: Report) -> None:
    """More than one request lists and removes."""
    client, root = boto3.Session().client("s3"), flow.datastore.root.removeprefix("s3://")
    bucket, _, prefix = root.partition("/")
    for number in range(1010):
        client.put_object(Bucket=bucket, Key=f"{prefix}/Report/.cache/e{number}/Load/.record.json", Body=b"{}")
    done = prune_in(shelf_of(flow), 100)
    assert (done.executions, done.records) == (1010, 1010)
    assert list(shelf_of(flow).walk("Report/")) == []


def test_a_bucket_without_versions(s3_root: str) -> None:
    with pytest.raises(DatastoreError, match=r"has no versions.*put-bucket-versioning"):
        prune_bucket(Bucket(Clients(), s3_root), ["Report"], dt.timedelta(days=90), dry_run=True)


def test_an_age_of_nothing(s3_root: str) -> None:
    with pytest.raises(FlowError, match="give a time above 0"):
        prune_bucket(Bucket(Clients(), s3_root), ["Report"], dt.timedelta(0), dry_run=True)
