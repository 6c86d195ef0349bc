"""What has no name is pickled by its code, as the same bytes in each process."""

from __future__ import annotations

import abc
from typing import Any

import cloudpickle
import pytest

from laminar_runtime import Flow
from laminar_runtime.configurations import datastores, serde
from laminar_runtime.pickling import scopes
from tests.support.harness import Folder


def _made(number: int) -> type:
    class Made:
        size = number

        def itself(self) -> type:
            return __class__

        def beside(self) -> object:
            return Beside

    class Beside(abc.ABC):
        @abc.abstractmethod
        def do(self) -> None: ...

    return Made


def _again(value: Any) -> Any:
    protocol = serde.PickleProtocol()
    return protocol.loads(protocol.dumps(value))


def test_a_class_that_comes_again_is_the_same() -> None:
    """In the process that has a class without a name, what is read is of that class: by one artifact or several."""
    cls = _made(1)
    assert type(_again(cls())) is cls
    assert _again(cls) is cls


def test_two_classes_of_one_code_are_two() -> None:
    """A function that is called twice makes two classes, and each value keeps its own."""
    one, other = _made(2), _made(2)
    assert (_again(one), _again(other)) == (one, other)
    assert one is not other


def test_classes_of_other_values_are_others() -> None:
    """The identity of a class is made of all that it is made of."""
    protocol = serde.PickleProtocol()
    assert protocol.dumps(_made(3)) != protocol.dumps(_made(4))


def test_a_class_keeps_the_identity_that_it_came_with() -> None:
    """A class that cloudpickle itself gave an identity, as in an old artifact, is not taken for a second one."""
    cls = _made(5)
    stored = cloudpickle.dumps(cls)
    assert _again(cls) is cls
    assert cloudpickle.loads(stored) is cls


@pytest.mark.integration
def test_code_is_read_without_the_module(folder: Folder) -> None:
    """A lambda made in a function needs no module of the flow where it is read."""

    class Unknown(Flow): ...

    protocol = serde.PickleProtocol()
    with scopes.scope_of("Unknown", Unknown(datastore=datastores.Local(str(folder.path))).datastore):
        (folder.path / "stored").write_bytes(protocol.dumps(lambda x: x + 1))
    folder.write("import pickle; print(pickle.loads(open('stored', 'rb').read())(1))")
    ended = folder.python("main.py")
    assert (ended.stdout, ended.stderr) == ("2\n", "")


def test_what_cannot_be_pickled_is_said_by_cloudpickle() -> None:
    """An error of pickling is that of the pickler that takes most."""
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        serde.PickleProtocol().dumps([(number for number in range(1)), lambda: 1])
