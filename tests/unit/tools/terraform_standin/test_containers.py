"""Container properties are compared as the provider compares them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.terraform_standin.containers import decode, same, without_null
from tools.terraform_standin.errors import InvalidConfigurationError

BASE = {"image": "a", "command": ["x"]}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"Image": "a", "COMMAND": ["x"]}, True),
        ({**BASE, "colour": "red"}, True),
        ({**BASE, "environment": [], "volumes": [], "mountPoints": []}, True),
        ({**BASE, "environment": [{"name": "EMPTY", "value": ""}]}, True),
        ({**BASE, "fargatePlatformConfiguration": {"platformVersion": "LATEST"}}, True),
        ({**BASE, "linuxParameters": {}}, False),
        ({**BASE, "command": ["x", "y"]}, False),
        ({**BASE, "user": None}, True),
        ({**BASE, "fargatePlatformConfiguration": {"platformVersion": "1.4.0"}}, False),
    ],
)
def test_what_means_the_same(other: dict[str, Any], *, expected: bool) -> None:
    """Names without regard to case, unknown members and some empty ones are no difference; all else is."""
    assert same("ContainerProperties")(json.dumps(BASE), json.dumps(other)) is expected


def test_order() -> None:
    """The order of the environment is no difference, that of other lists is."""
    a, b = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}
    compare = same("ContainerProperties")
    assert compare(json.dumps({"environment": [a, b]}), json.dumps({"environment": [b, a]}))
    assert not compare(json.dumps({"secrets": [a, b]}), json.dumps({"secrets": [b, a]}))


@pytest.mark.parametrize("wrong", [{"command": "x"}, {"privileged": "yes"}, {"memory": "1"}, {"memory": True}])
def test_wrong_types_are_refused(wrong: dict[str, Any]) -> None:
    """A value of another type is an error of the configuration."""
    with pytest.raises(InvalidConfigurationError, match="cannot decode"):
        decode("ContainerProperties", json.dumps(wrong))


def test_what_is_sent() -> None:
    """Unknown members and null are not sent."""
    text = json.dumps({**BASE, "colour": "red", "user": None, "environment": [{"name": "A", "value": None}]})
    assert without_null(decode("ContainerProperties", text)) == {**BASE, "environment": [{"name": "A"}]}
