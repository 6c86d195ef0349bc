"""Records of failures: their form, their bounds, and how they are read from a datastore."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer, _records, task_environment
from laminar_runtime.configurations.datastores import Local, Memory
from laminar_runtime.configurations.failures import REASONS
from laminar_runtime.exceptions import DamagedError, ExecutionFailedError
from laminar_runtime.failures import console
from laminar_runtime.failures.record import KINDS, LARGEST, Failure, Failures
from laminar_runtime.failures.reports import Report as Report_
from laminar_runtime.storage import failures
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks import failure_records
from tests.support.harness import in_memory
from tests.support.sizes import size


class Report(Flow): ...


@Report.register
class Train(Layer):
    def __call__(self) -> None: ...


E1 = LayerKey("Report", "e1", "")
TRAIN = E1.of("Train")


def failed(index: int = 0, attempt: int = 1, **fields: object) -> Failure:
    """Return the failure of a split of layer Train."""
    known = {"splits": 4, "reason": f"ValueError: {index}", "time": f"2026-01-01T00:00:0{attempt}.000Z", **fields}
    return Failure(flow="Report", execution="e1", layer="Train", index=index, attempt=attempt, **known)  # type: ignore[arg-type]


def test_a_record_reads_back() -> None:
    """What was written is what is read."""
    failure = failed(
        2, 3, kind="out of memory", exit_code=-9, traceback="a\nb\n", message="\udc80 \N{SNOWMAN}", error_class="x.Y"
    )
    assert Failure.from_json(failure.to_json()) == failure


def test_control_characters_are_escaped() -> None:
    """A message does not move the cursor of the terminal that prints it, or hide what follows."""
    text = "progress 10%\rALL GOOD \x1b[8m hidden\ttab \x9b2J"
    escaped = "progress 10%\\rALL GOOD \\x1b[8m hidden\ttab \\x9b2J"
    assert json.loads(failed(reason=text).to_json())["reason"] == escaped
    assert str(failed(reason=text, frame=f"{text}:3")).count(escaped) == 2


def test_names_have_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a class, and of a file or a function, may be made of a secret, too."""
    monkeypatch.setenv("LAMINAR_SECRETS", "TOKEN")
    monkeypatch.setenv("TOKEN", "hunter2hunter2")
    record = failed(error_class="Error_hunter2hunter2", frame="/app/hunter2hunter2.py:3 in f")
    assert b"hunter2" not in record.to_json()
    error = type("Error_hunter2hunter2", (Exception,), {})("no")
    report = Report_.of(error)
    assert "hunter2" not in f"{report.error_class}{report.reason}"


def test_fields_with_defaults_are_left_out() -> None:
    """A record is small if little is known."""
    plain = json.loads(Failure(flow="F", execution="e", layer="L", reason="no").to_json())
    assert plain == {"version": 1, "flow": "F", "execution": "e", "layer": "L", "reason": "no"}


@pytest.mark.parametrize("character", ["x", "\0", "\N{SNOWMAN}", "\N{GRINNING FACE}", "\udc80", '"', "\n"])
def test_a_record_has_a_bound(character: str) -> None:
    """Whatever an error says, its record can be written, and read."""
    long = f"begin{character * size(1_000_000, full=10_000_000)}end"
    texts = dict.fromkeys(("reason", "message", "traceback", "frame", "error_class", "job", "log_group"), long)
    content = failed(**texts).to_json()
    assert len(content) < LARGEST
    read = Failure.from_json(content)
    assert read.message.startswith("begin")
    assert read.message.endswith("end")
    assert "characters omitted" in read.traceback


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"version": true}',
        b'{"version": 99, "flow": "F", "execution": "e", "layer": "L", "reason": "no"}',
        b'{"version": 1, "flow": "F"}',
        b'{"version": 1, "flow": 1, "execution": "e", "layer": "L", "reason": "no"}',
        b'{"version": 1, "flow": "F", "execution": "e", "layer": "L", "reason": "no", "index": "0"}',
        b'{"version": 1, "flow": "F", "execution": "e", "layer": "L", "reason": "no", "kind": "unheard of"}',
        b"[" * 100_000,
        b" " * (LARGEST + 1),
    ],
)
def test_what_is_no_record_is_an_error_that_names_it(content: bytes) -> None:
    """Any code of a task may write to its datastore."""
    with pytest.raises(DamagedError, match=r"Report/\.cache/1\.json is damaged"):
        Failure.from_json(content, key="Report/.cache/1.json")


def test_unknown_fields_are_left_out() -> None:
    """A later release may write more."""
    content = json.dumps({**json.loads(failed().to_json()), "news": [1]})
    assert Failure.from_json(content) == failed()


def test_the_reasons_of_retries_are_kinds() -> None:
    """`Retry(on=...)` and records use the same words."""
    assert set(REASONS) < set(KINDS)


def test_out_of_memory() -> None:
    """Python's own error counts, too."""
    assert failed(kind="out of memory").out_of_memory
    assert failed(error_class="MemoryError").out_of_memory
    assert not failed().out_of_memory


def test_texts_of_a_failure() -> None:
    """It names the layer, the split, the attempt, the line of the user, and the log stream with its address."""
    failure = failed(
        2, 1, frame="flow.py:9 in Train.__call__", region="cn-north-1", log_group="/a", log_stream="train/default/1"
    )
    assert str(failure).splitlines() == [
        "layer 'Train' (split 2 of 0 to 3) of flow 'Report' failed on attempt 1: ValueError: 2",
        "  at flow.py:9 in Train.__call__",
        "  log stream: /a train/default/1",
        f"  {failure.log_link}",
    ]
    assert failure.log_link.startswith("https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#")
    assert Failure(flow="", execution="e1", layer="", reason="stopped").headline == "execution e1: stopped"


def test_the_last_failure_of_each_split_is_read() -> None:
    """Attempts that failed before are there, but they are asked for."""
    store = Memory()
    for failure in (failed(0, 1), failed(0, 2), failed(3, 1)):
        failures.write(store.transport.put, TRAIN, failure)
    read = failures.read(store.transport, E1)
    assert (read.shown, read.count, read.notes) == ((failed(0, 2), failed(3, 1)), 2, ())
    every = failures.read(store.transport, E1, every=True)
    assert (every.shown, every.count) == ((failed(0, 1), failed(0, 2), failed(3, 1)), 3)


def test_a_split_that_finished_has_not_failed() -> None:
    """A later success leaves the records, and a reader goes by the commit."""
    store = Memory()
    for index in range(3):
        failures.write(store.transport.put, TRAIN, failed(index))
    store.ledger.commit(TRAIN, index=1, commit=Commit("1-0"), fans_out=True)
    assert [one.index for one in failures.read(store.transport, E1)] == [0, 2]
    store.ledger.write_record(TRAIN, splits=3)
    assert failures.read(store.transport, E1).count == 0
    assert failures.read(store.transport, E1, every=True).count == 3


def test_a_resume_writes_over_the_attempts_before() -> None:
    """The last failure is the latest, whatever its attempt."""
    store = Memory()
    again = failed(0, 1, time="2026-01-02T00:00:00.000Z")
    for failure in (failed(0, 1), failed(0, 2), again):
        failures.write(store.transport.put, TRAIN, failure)
    assert failures.read(store.transport, E1).shown == (again,)


def test_the_number_of_records_of_a_split_has_a_bound() -> None:
    """The first nine attempts leave a record each, and the last one does."""
    store = Memory()
    for attempt in range(1, 31):
        failures.write(store.transport.put, TRAIN, failed(0, attempt, time=f"2026-01-01T00:00:{attempt:02}.000Z"))
    assert len(store.transport.names(TRAIN.failures)) == 10
    assert failures.read(store.transport, E1).shown[0].attempt == 30


def test_the_first_failures_are_read_and_all_are_counted() -> None:
    """A fan-out of ten thousand splits may fail as a whole."""
    store = Memory()
    for index in range(25):
        failures.write(store.transport.put, TRAIN, failed(index))
    read = failures.read(store.transport, E1, most=3)
    assert (len(read), read.count) == (3, 25)
    assert str(read).endswith("... and 22 more failures")


def test_damaged_records_are_named() -> None:
    """They do not hide the others."""
    store = Memory()
    failures.write(store.transport.put, TRAIN, failed(0))
    store.transport.put(TRAIN.failure(1, 1), b"{")
    store.transport.put(f"{TRAIN.failures}desktop.ini", b"")
    read = failures.read(store.transport, E1)
    assert read.shown == (failed(0),)
    assert "Train/1.1.json is damaged" in read.notes[0]


def test_records_are_no_layers() -> None:
    """Listings of an execution's layers leave their folder out."""
    store = Memory()
    failures.write(store.transport.put, TRAIN, failed())
    assert store.transport.names("Report/.cache/e1/") == []


def test_an_error_with_failures_can_be_pickled() -> None:
    """A process pool passes it on."""
    error = ExecutionFailedError("no", execution="e1", status="FAILED", failures=Failures((failed(),), 2), link="x")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - it was pickled here
    assert str(copy) == "no"
    assert (copy.execution, copy.status, copy.link) == ("e1", "FAILED", "x")
    assert copy.failures == error.failures
    assert _records.plain(copy.failures)["count"] == 2


def test_failures_as_json() -> None:
    """A program in another language reads them, and this package reads them back."""
    some = Failures((failed(2, message="\N{SNOWMAN}"), failed(3)), 7, ("a note",), "https://x")
    content = some.to_json()
    assert Failures.from_json(content) == some
    plain = json.loads(content)
    assert (plain["version"], plain["count"], plain["notes"], plain["link"]) == (1, 7, ["a note"], "https://x")
    assert plain["failures"][0] == json.loads(some.shown[0].to_json())
    for damaged in (b"", b"[]", b'{"failures": [{}], "count": 1, "notes": []}', b'{"failures": 3}'):
        with pytest.raises(DamagedError):
            Failures.from_json(damaged)


def test_the_failures_of_a_split() -> None:
    """A handle of an execution may ask for those of one layer, and of one split."""
    flow = in_memory(Report)
    store = flow.configuration.datastore
    for one in (failed(0), failed(3)):
        failures.write(store.transport.put, TRAIN, one)
    execution = flow.execution("e1")
    assert [one.index for one in execution.failures(layer="Train")] == [0, 3]
    assert [one.index for one in execution.failures(layer="Train", index=3)] == [3]
    assert execution.failures(layer="Load").count == 0


def test_paths_of_a_rehearsal_are_those_of_the_user(tmp_path: Path) -> None:
    """The folder in which it ran is gone when someone reads why it failed."""
    environment = {
        task_environment.EXECUTION_ID: "e1",
        task_environment.FLOW_NAME: "Report",
        task_environment.LAYER_NAME: "Load",
        task_environment.DATASTORE_ROOT: str(tmp_path),
        task_environment.SHOWN_PATHS: json.dumps({"/gone/main.py": "/home/me/flow.py", "/gone/": "/home/me/"}),
    }
    known = {"kind": "exited", "reason": "/gone/main.py and /gone/helper.py", "frame": "/gone/main.py:3"}
    failure_records.leave(environment, known, None)
    (found,) = failures.read(Local(tmp_path).transport, LayerKey("Report", "e1", "Load")).shown
    assert (found.reason, found.frame) == ("/home/me/flow.py and /home/me/helper.py", "/home/me/flow.py:3")


@pytest.mark.parametrize(
    ("endpoint", "there"),
    [("", True), ("https://vpce-1.states.us-east-1.vpce.amazonaws.com", True), ("http://127.0.0.1:5000", False)],
)
def test_there_are_no_links_where_the_calls_do_not_go_to_aws(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    """Its console knows nothing of an embedded one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert bool(console.execution_link("arn:aws:states:eu-west-1:123456789012:execution:Report:e1")) == there
    assert bool(console.log_link("us-east-1", "/laminar/report", "train/1")) == there
