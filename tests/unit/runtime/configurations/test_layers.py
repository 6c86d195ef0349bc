"""Configurations of layers: what is of a wrong type is refused where it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Catch, Configuration, Container, ForEach, Parameter, Retry
from laminar_runtime.exceptions import FlowError, LayerError

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-AbCdEf"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Container(cpu="4"), "the cpu of a Container must be of type int or float, not '4'"),
        (lambda: Container(memory="4096"), "the memory of a Container must be of type int, not '4096'"),
        (lambda: Container(image=3), "the image of a Container must be of type str or Variable or None, not 3"),
        (lambda: Container(image=""), "the image of a Container must be of type str or Variable or None, not ''"),
        (lambda: Container(image="registry/my flow"), "the image of a Container must be named as in"),
        (lambda: Container(image="https://registry/flow:1"), "the image of a Container must be named as in"),
        (lambda: Container(image="x" * 256), "the image of a Container must be named as in"),
        (lambda: Container(image=Variable("i", default="a b")), "the image of a Container must be named as in"),
        (lambda: Container(user="a b"), "the user of a Container must be a name or a number"),
        (lambda: Container(user=""), "the user of a Container must be of type str or Variable or None, not ''"),
        (lambda: Container(shared_memory=2**31), "the shared_memory of a Container must be at most 2147483647, not"),
        (lambda: Container(swap=2**31), "the swap of a Container must be at most 2147483647, not 2147483648"),
        (lambda: Container(tmpfs={"/a": 2**31}), "the tmpfs of a Container must map absolute folders to sizes"),
        (lambda: Container(ulimits={"nofile": 2**31}), "the limit 'nofile' of a Container must be a number"),
        (lambda: Container(workdir=None), "the workdir of a Container must be of type str, not None"),
        (
            lambda: Container(command=["python", "main.py"]),
            "the command of a Container must be of type str, not ['python', 'main.py']",
        ),
        (lambda: Container(gpu=-1), "the gpu of a Container must be at least 0, not -1"),
        (lambda: Container(gpu=True), "the gpu of a Container must be of type int, not True"),
        (lambda: Container(spot=1), "the spot of a Container must be of type bool, not 1"),
        (
            lambda: Container(architecture="arm"),
            "the architecture of a Container must be 'x86_64' or 'arm64', not 'arm'",
        ),
        (lambda: Container(ephemeral_storage=0), "the ephemeral_storage of a Container must be at least 1, not 0"),
        (lambda: Container(log_driver=""), "the log_driver of a Container must be of type str, not ''"),
        (lambda: Container(log_options={"mode": 1}), "the log_options of a Container must map names to text"),
        (lambda: Container(secrets=["TOKEN"]), "the secrets of a Container must map names to text"),
        (lambda: Container(secrets={"2": ARN}), "a secret of a Container cannot have the name '2'"),
        (
            lambda: Container(secrets={"AWS_BATCH_JOB_ID": ARN}),
            "a secret of a Container cannot have the name 'AWS_BATCH_JOB_ID'",
        ),
        (
            lambda: Container(secrets={"LAMINAR_FLOW_NAME": ARN}),
            "a secret of a Container cannot have the name 'LAMINAR_FLOW_NAME'",
        ),
        (lambda: Container(environment={"LAMINAR_X": "secret"}), "a variable of a Container cannot have the name 'LAM"),
        (lambda: Container(environment={"a-b": "secret"}), "a variable of a Container cannot have the name 'a-b'"),
        (lambda: Container(environment={"A": 1}), "the environment of a Container must map names to text"),
        (lambda: Container(environment={"A": "x\0"}), "the variable 'A' of a Container has a null character"),
        (
            lambda: Container(environment={"A": "x", "B": "y"}, secrets={"A": ARN}),
            "a Container has 'A' in its environment and in its secrets",
        ),
        (lambda: Container(ulimits={"files": 1}), "a Container has no limit 'files'"),
        (
            lambda: Container(ulimits={"nofile": (1, 2, 3)}),
            "the limit 'nofile' of a Container must be a number",
        ),
        (lambda: Container(ulimits={"nofile": True}), "the limit 'nofile' of a Container must be a number"),
        (lambda: Container(ulimits={"nofile": (2, 1)}), "the soft limit 'nofile' of a Container is greater"),
        (lambda: Container(tmpfs={"scratch": 1}), "the tmpfs of a Container must map absolute folders"),
        (lambda: Container(devices="/dev/fuse"), "the devices of a Container must be a list"),
        (lambda: Container(devices=["fuse"]), "a device of a Container must have the form"),
        (lambda: Container(capabilities=["CAP_SYS_PTRACE"]), "a capability of a Container must have a name such as"),
        (lambda: Container(accelerator="gpu"), "the accelerator of a Container must be 'neuron'"),
        (
            lambda: Container(registry_credentials="user:secret"),
            "the registry_credentials of a Container must be",
        ),
        (lambda: Container(properties=["user"]), "the properties of a Container must be a map of JSON values"),
        (lambda: Container(properties={Variable("name"): 1}), "the properties of a Container must be a map of JSON"),
        (lambda: Container(properties={"user": {1}}), "the properties of a Container must be a map of JSON values"),
        (lambda: Container(tags={"aws:x": "1"}), "a tag of a Container cannot have the key 'aws:x'"),
        (lambda: Container(tags={"laminar:flow": "1"}), "a tag of a Container cannot have the key 'laminar:flow'"),
        (lambda: Container(tags={"team": "Aws:x"}), "the tag 'team' of a Container cannot begin with 'aws:'"),
        (lambda: Container(tags={"team": "a{b}"}), "the tag 'team' of a Container must have at most 256 letters"),
        (lambda: Container(tags={"t": "x" * 257}), "the tag 't' of a Container must have at most 256 letters"),
        (lambda: Parameter(layer=3, attribute="a"), "the layer of a Parameter must be of type type or str, not 3"),
        (lambda: Parameter("A", "a", index="0"), "the index of a Parameter must be of type int or None, not '0'"),
        (lambda: Parameter("A", "a", index=-1), "the index of a Parameter must be at least 0, not -1"),
        (lambda: ForEach([1]), "the parameters of a ForEach must be of type Parameter, not 1"),
        (
            lambda: ForEach([Parameter("A", "a")], max_concurrency=0),
            "the max_concurrency of a ForEach must be a whole number from 1 on, not 0",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], max_concurrency=True),
            "the max_concurrency of a ForEach must be a whole number from 1 on, not True",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], tolerated_failures=1.5),
            "the tolerated_failures of a ForEach must be a number of splits, or a share between 0.0 and 1.0, not 1.5",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], tolerated_failures=-1),
            "the tolerated_failures of a ForEach must be a number of splits, or a share between 0.0 and 1.0, not -1",
        ),
        (lambda: ForEach(tolerated_failures=2), "a ForEach without parameters runs once: remove tolerated_failures=2"),
        (lambda: ForEach(max_concurrency=2), "a ForEach without parameters runs once: remove max_concurrency=2"),
        (lambda: ForEach(splits_per_job=2), "a ForEach without parameters runs once: remove splits_per_job=2"),
        (
            lambda: ForEach([Parameter("A", "a")], splits_per_job=0),
            "the splits_per_job of a ForEach must be a whole number from 1 on, not 0",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], splits_at_once=0),
            "the splits_at_once of a ForEach must be a whole number from 1 on, not 0",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], splits_at_once=2),
            "splits_at_once=2 is of jobs that run several splits: add splits_per_job=...",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], splits_at_once=4, splits_per_job=3),
            "splits_at_once=4 is more than splits_per_job=3",
        ),
        (
            lambda: ForEach([Parameter("A", "a")], splits_at_once=4, max_concurrency=3),
            "splits_at_once=4 is more than max_concurrency=3",
        ),
        (lambda: Retry(attempts=2.5), "the attempts of a Retry must be of type int, not 2.5"),
        (lambda: Retry(attempts="3"), "the attempts of a Retry must be of type int, not '3'"),
        (lambda: Retry(delay=True), "the delay of a Retry must be of type int or float, not True"),
        (lambda: Retry(on=TimeoutError), "the failures of Retry(on=...) must be a tuple, as in on=(TimeoutError, 75)"),
        (lambda: Retry(on=("late",)), "Retry(on=...) takes classes of exceptions, exit codes from 1 to 255 except 79"),
        (lambda: Retry(on=(SystemExit,)), "Retry(on=...) cannot name SystemExit: name the exit code, as in on=(75,)"),
        (lambda: Retry(on=(79,)), "Retry(on=...) takes classes of exceptions"),
        (lambda: Retry(on=(0,)), "Retry(on=...) takes classes of exceptions"),
        (lambda: Retry(on=(int,)), "Retry(on=...) takes classes of exceptions"),
        (lambda: Catch("ValueError"), "Catch takes classes of exceptions, not 'ValueError'"),
    ],
)
def test_values_of_wrong_types(make: Callable[[], Any], message: str) -> None:
    """The error of a value of a wrong type has its name and the type that it must have."""
    with pytest.raises(LayerError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("index", [0, 1])
def test_a_pipelined_fan_out_goes_over_all_splits_of_one_layer(index: int) -> None:
    """Its one parameter has ``index=None``: a split of anything else follows no split."""
    whole, one = Parameter("A", "x", index=None), Parameter("A", "x", index=index)
    assert ForEach([whole], pipelined=True).pipelined
    assert not ForEach([whole]).pipelined
    for parameters in ([], [one], [whole, whole], [whole, one]):
        with pytest.raises(LayerError, match="a pipelined ForEach must have exactly one Parameter"):
            ForEach(parameters, pipelined=True)
    with pytest.raises(LayerError, match="the argument pipelined of a ForEach must be of type bool, not 1"):
        ForEach([whole], pipelined=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments", [{"retry": 3}, {"container": {"cpu": 1}}, {"catch": ValueError}, {"foreach": ["a"]}]
)
def test_configurations_of_wrong_types(arguments: dict[str, Any]) -> None:
    """What is registered must be of the classes of the configuration."""

    class MyFlow(Flow): ...

    with pytest.raises(LayerError, match="of a Configuration must be of type"):
        MyFlow.register(**arguments)


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        f"{ARN}:password::",
        f"{ARN}:password:AWSCURRENT:",
        "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/token",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/token",
    ],
)
def test_secrets_are_named_by_arn(arn: str) -> None:
    """Secrets of Secrets Manager, whole or by a key or a version, and parameters of SSM are known by their ARNs."""
    assert Container(secrets={"TOKEN": arn}).secrets == {"TOKEN": arn}


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "",
        "team/token",
        "arn:aws:iam::123456789012:role/task",
        "arn:aws:ssm:eu-west-1:123456789012:token",
        f"{ARN} ",
        f"{ARN}\n",
    ],
)
def test_values_of_secrets_are_refused(value: str) -> None:
    """What is no ARN of a secret may be its value: it is refused, and not shown."""
    with pytest.raises(LayerError, match="the secret 'TOKEN' of a Container must be the ARN") as caught:
        Container(secrets={"TOKEN": value})
    assert not value.strip() or value not in str(caught.value)


def test_copies_share_nothing() -> None:
    """What a hook changes of a copied configuration, the registered one keeps."""
    given = {"TOKEN": ARN}
    executor = executors.AWS.Lambda()
    registered = Configuration(container=Container(secrets=given), executor=executor)
    copy = registered.copy()
    assert copy == registered
    copy.container.secrets["MORE"] = ARN  # type: ignore[index]
    copy.container.gpu = 2
    given["OTHER"] = ARN
    assert registered == Configuration(container=Container(secrets={"TOKEN": ARN}), executor=executor)


@pytest.mark.parametrize("executor", ["Lambda", executors.AWS.Lambda, 3])
def test_what_is_no_executor(executor: Any) -> None:
    """A layer's executor is one, not its name or its class."""

    class MyFlow(Flow): ...

    with pytest.raises(LayerError, match="the executor of a Configuration must be an instance"):
        MyFlow.register(executor=executor)


def test_hooks_may_not_write_nonsense_either() -> None:
    """A container that a hook changes is checked as one that is made."""
    container = Container()
    container.memory *= 2
    with pytest.raises(LayerError, match="the memory of a Container"):
        container.memory = "much"  # type: ignore[assignment]


def test_layers_that_would_not_run() -> None:
    """An async method, or a generator, would end at once without having run: it is refused."""

    class MyFlow(Flow): ...

    class Async(Layer):
        async def __call__(self) -> None: ...

    class Generator(Layer):
        def __call__(self) -> Any:
            yield

    for layer in (Async, Generator):
        with pytest.raises(FlowError, match="is async or a generator, so it would not run"):
            MyFlow.register(layer)
