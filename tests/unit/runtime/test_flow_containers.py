"""The container of a flow, and the containers of layers that refine it."""

from __future__ import annotations

from typing import ClassVar

import pytest

from laminar_runtime import Flow, Layer, _records
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.containers import Container, refine
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.exceptions import FlowError

ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/token"


class Plain(Layer):
    def __call__(self) -> None: ...


class Own(Layer):
    def __call__(self) -> None: ...


@pytest.fixture
def report() -> type[Flow]:
    class Report(Flow):
        container: ClassVar[Container] = Container(command="python report.py", cpu=2, environment={"STAGE": "dev"})

    Report.register(Plain)
    Report.register(container=Container(cpu=1, environment={"LEVEL": "info"}), retry=Retry(attempts=2))(Own)
    return Report


def containers(flow: Flow) -> dict[str, Container]:
    return {name: item.configuration.container for name, item in flow.registry.items() if name != "Parameters"}


def test_what_was_given_wins_even_if_it_is_the_default(report: type[Flow]) -> None:
    """The container of a layer has what it was given, and else what the class says. Its other options stay."""
    found = containers(report())
    assert found["Plain"] == report.container
    assert found["Own"] == Container(command="python report.py", cpu=1, environment={"STAGE": "dev", "LEVEL": "info"})
    assert report().registry["Own"].configuration.retry.attempts == 2
    assert report.registry["Own"].configuration.container.command == "python main.py"


def test_the_container_of_an_instance_refines_that_of_its_class(report: type[Flow]) -> None:
    found = containers(report(container=Container(memory=4096, environment={"STAGE": "prod"})))
    assert (found["Own"].command, found["Own"].cpu, found["Own"].memory) == ("python report.py", 1, 4096)
    assert found["Own"].environment == {"STAGE": "prod", "LEVEL": "info"}
    assert containers(report())["Own"].memory == 1500


def test_a_layer_that_is_registered_later_refines_it_too(report: type[Flow]) -> None:
    flow = report()
    assert set(containers(flow)) == {"Plain", "Own"}

    @report.register
    class Late(Layer):
        def __call__(self) -> None: ...

    assert containers(flow)["Late"].command == "python report.py"
    assert flow.registry["Late"] is flow.registry["Late"]


def test_a_flow_without_a_container_has_its_layers_as_they_were_registered() -> None:
    class Usual(Flow): ...

    Usual.register(Plain)
    assert Usual().registry is Usual.registry


def test_an_assigned_field_counts_as_given() -> None:
    own = Container()
    own.memory = 1500
    assert refine(Container(memory=4096, cpu=2), own) == Container(memory=1500, cpu=2)
    assert refine(Container(memory=4096), _records.copy(own)).memory == 1500


def test_a_variable_of_the_one_is_no_secret_of_the_other() -> None:
    secret, plain = Container(secrets={"TOKEN": ARN}), Container(environment={"TOKEN": "none"})
    assert (refine(secret, plain).secrets, refine(secret, plain).environment) == ({}, {"TOKEN": "none"})
    assert (refine(plain, secret).secrets, refine(plain, secret).environment) == ({"TOKEN": ARN}, {})


def test_no_container() -> None:
    class Wrong(Flow):
        container = "python main.py"  # type: ignore[assignment]

    with pytest.raises(FlowError, match=r"the container of flow 'Wrong' must be a Container, not 'python main\.py'"):
        Wrong(executor=executors.Thread())
