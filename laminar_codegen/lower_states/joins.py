"""The states of exact joins: parallel paths of layers, in which a layer waits for layers of other paths.

The branches of a Parallel state cannot see each other. They meet in the datastore, which is strongly consistent
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel): a layer that ends leaves a mark
for each layer that waits for it. A layer that misses a mark leaves a task token, and waits until the token is sent::

    Merge inputs    lists the marks for Merge
    Merge ready     chooses: all are there -> Merge, else -> Merge waits
    Merge waits     leaves a token, and waits until it is sent; lists the marks again from time to time
    Merge

    Clean
    Clean signals   a Map over the layers that wait for Clean:
      Clean marks     leaves a mark
      Clean looks     lists the marks and the token
      Clean last      chooses: all marks and the token are there -> Clean takes, else the end
      Clean takes     reads the token
      Clean sends     sends it; another branch may have sent it already

A signal is lost if the last mark is left after the marks are listed and before the token is there. So the wait for the
token has a limit, doubled each time, after which the marks are listed again. The marks outlive a redrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from laminar_codegen.ir.asl import Catcher, Choice, Map, Rule, State, Succeed, Task
from laminar_codegen.ir.expressions import Expression, Value
from laminar_codegen.ir.plan import ExactJoins, JoinNode, Step
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.lower_states.objects import EXECUTION_ID, Objects, insertion
from laminar_runtime.storage.layout import JoinKey

__all__ = ["Joins"]

#: The first and the greatest limit of a wait for a token, in seconds.
_PAUSE, _LONGEST = 30, 3600
#: The name of the waiting layer, from the state's input, as a part of a key.
_WAITING = insertion("$states.input.name")

_Emit = Callable[[Step, str | None], Iterator[State]]


@attrs.frozen(eq=False, repr=False)
class Joins:
    """The states of exact joins.

    Args:
        objects: Returns the states that leave and list marks and tokens.
        inputs: For each waiting node the number of nodes of other paths that it waits for.
        outputs: For each other node the nodes that wait for it.
    """

    objects: Objects
    inputs: dict[str, int]
    outputs: dict[str, list[str]]

    @classmethod
    def of(cls, objects: Objects, step: ExactJoins) -> Joins:
        """Make the states of some exact joins.

        Args:
            objects: Makes the states that read and write the datastore.
            step: The joins.
        """
        nodes = [node for chain in step.paths for node in chain]
        outputs: dict[str, list[str]] = {}
        for node in nodes:
            for name in node.after:
                outputs.setdefault(name, []).append(node.name)
        return cls(objects, {node.name: len(node.after) for node in nodes if node.after}, outputs)

    def chain(self, nodes: tuple[JoinNode, ...], emit: _Emit, entry: Callable[[Step], str]) -> Iterator[State]:
        """Yield the states of a path.

        Args:
            nodes: Its nodes.
            emit: Returns the states of a step.
            entry: Returns the name of the first state of a step.
        """
        entries = [Suffix.INPUTS.of(node.name) if node.after else entry(node.step) for node in nodes]
        for node, following in zip(nodes, [*entries[1:], None], strict=True):
            if node.after:
                yield from self._wait(node.name, entry(node.step))
            if node.name in self.outputs:
                yield from emit(node.step, Suffix.SIGNALS.of(node.name))
                yield self._signal(node.name, following)
            else:
                yield from emit(node.step, following)

    def _of(self, waiting: str) -> JoinKey:
        return JoinKey(self.objects.flow, EXECUTION_ID, waiting)

    def _wait(self, name: str, run: str) -> Iterator[State]:
        count = self.inputs[name]
        ready, waits = Suffix.READY.of(name), Suffix.WAITS.of(name)
        pause = f"$exists($states.input.pause) ? $min([$states.input.pause * 2, {_LONGEST}]) : {_PAUSE}"
        yield self.objects.list(
            Suffix.INPUTS.of(name),
            f"Looks whether all that {name} waits for in other branches has ended",
            self._of(name).marks,
            {"ready": Expression(f"$states.result.KeyCount = {count}"), "pause": Expression(pause)},
            ready,
        )
        yield Choice(
            name=ready,
            comment="Goes on if all have ended",
            rules=(Rule(Expression("$states.input.ready"), run),),
            default=waits,
        )
        again = Catcher(("States.Timeout",), Suffix.INPUTS.of(name), {"pause": Expression("$states.input.pause")})
        token = self.objects.put(
            waits,
            f"Waits until the last of them wakes {name}, and looks again from time to time",
            self._of(name).token,
            {"token": Expression("$states.context.Task.Token")},
            run,
        )
        yield attrs.evolve(
            token,
            integration=f"{token.integration}.waitForTaskToken",
            timeout=Expression("$states.input.pause"),
            catch=(again,),
        )

    def _signal(self, name: str, after: str | None) -> Map:
        items: list[Value] = [{"name": output, "inputs": self.inputs[output]} for output in self.outputs[name]]
        end = Succeed(name=Suffix.SIGNALLED.of(name), comment=f"What waits for {name} knows")
        return Map(
            name=Suffix.SIGNALS.of(name),
            comment=f"Tells what waits for {name} in other branches that it has ended",
            items=items,
            states=(*self._mark(name), *self._wake(name), end),
            next=after,
        )

    def _mark(self, name: str) -> Iterator[State]:
        """Yield the states that leave a mark for a waiting branch, and check whether it can be woken."""
        looks, last = Suffix.LOOKS.of(name), Suffix.LAST.of(name)
        mark = self.objects.put(
            Suffix.MARKS.of(name), f"Leaves a mark that {name} has ended", self._of(_WAITING).mark(name), {}, looks
        )
        yield attrs.evolve(mark, output=Expression("$states.input"))
        yield self.objects.list(
            looks,
            "Looks whether it is the last, and is waited for",
            self._of(_WAITING).prefix,
            {
                "name": Expression("$states.input.name"),
                "last": Expression("$states.result.KeyCount > $states.input.inputs"),
            },
            last,
        )
        yield Choice(
            name=last,
            comment="Ends here if others have yet to end, or nothing waits",
            rules=(Rule(Expression("$states.input.last"), Suffix.TAKES.of(name)),),
            default=Suffix.SIGNALLED.of(name),
        )

    def _wake(self, name: str) -> Iterator[State]:
        """Yield the states that wake one waiting branch."""
        sends, done = Suffix.SENDS.of(name), Suffix.SIGNALLED.of(name)
        yield self.objects.get(
            Suffix.TAKES.of(name),
            "Reads the token of what waits",
            self._of(_WAITING).token,
            {"token": Expression("$parse($states.result.Body).token")},
            sends,
        )
        yield Task(
            name=sends,
            comment="Wakes what waits; if another did, or it looks again already, that is as well",
            integration="aws-sdk:sfn:sendTaskSuccess",
            arguments={"TaskToken": Expression("$states.input.token"), "Output": "{}"},
            catch=(Catcher(("States.TaskFailed",), done),),
            next=done,
        )
