"""Reading a flow's file without running it."""

from __future__ import annotations

import contextlib
import runpy

import pytest

from laminar_runtime import Execution, Flow, Layer, Parameters
from laminar_runtime.programs.loading import LoadingStopped, active, loading
from tests.support.harness import Folder, in_memory


class MyFlow(Flow): ...


@MyFlow.register
class Never(Layer):
    def __call__(self) -> None:
        raise AssertionError


class Other(MyFlow): ...


def link(execution: Execution) -> Parameters:
    raise AssertionError


def test_no_flow_runs() -> None:
    """A flow is false and its call, its resumption and what is chained to it are only noted, in order."""
    with loading() as loaded:
        one, two = in_memory(MyFlow), in_memory(Other)
        assert not one
        one(foo=1).wait().next(flow=two, linker=link)
        two.execution("e1").resume()
    assert loaded.flows == [one, two]
    assert [(call.flow, call.before, call.linker) for call in loaded.calls] == [
        (one, None, None),
        (two, one, link),
        (two, None, None),
    ]
    assert one


def go_on_to_results() -> None:
    """Return what a file may do that handles exceptions."""
    with contextlib.suppress(Exception):
        in_memory(MyFlow)().layer(Never)


def test_results_end_the_reading() -> None:
    """A file that goes on to results is read up to there, also if it handles exceptions."""
    with loading(), pytest.raises(LoadingStopped):
        go_on_to_results()


def test_loading_ends() -> None:
    """Outside of the block nothing is loading, also after an error."""
    with pytest.raises(KeyError), loading():
        raise KeyError
    assert active() is None


def test_files_are_read_guarded_or_not(folder: Folder) -> None:
    """Both forms of a file give their flows, and run nothing."""
    file = folder.write(
        """
        from laminar_runtime import Flow, Layer
        class One(Flow): ...
        class Two(Flow): ...
        for flow in (One, Two):
            @flow.register
            class Never(Layer):
                def __call__(self): raise AssertionError
        if flow := One():
            flow()
        Two()()
        """
    )
    with loading() as loaded:
        runpy.run_path(str(file), run_name="__main__")
    assert [flow.name for flow in loaded.flows] == ["One", "Two"]
    assert [call.flow.name for call in loaded.calls] == ["Two"]
