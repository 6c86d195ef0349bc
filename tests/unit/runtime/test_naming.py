"""Names that become parts of paths: those that can be none are refused, by the name, and the others kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.datastores.local import FileTransport
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import DatastoreError, FlowError, LayerError, MissingError
from laminar_runtime.introspection import naming
from laminar_runtime.storage.layout import LayerKey
from tests.support.harness import in_memory, objects_of

FLAWED = ["", ".", "..", "a/b", "../../x", "/etc/x", "a\\b", "\0", "a\nb", "x" * 300, "\ud800", ".hidden"]
names = st.text(st.characters(codec="utf-8"), max_size=80).filter(lambda name: naming.flaw(name) is None)


@given(names, names)
def test_spelled_names_are_apart(one: str, other: str) -> None:
    """Names are spelled in small letters, each in its own way, and are read again."""
    spelled = [naming.spell(name) for name in (one, other)]
    for name, text in zip((one, other), spelled, strict=True):
        assert text == text.casefold()
        assert text.isascii()
        assert len(text) <= 200
        assert naming.flaw(text) is None
        assert "!!" in text or naming.read(text) == name
    assert (spelled[0] == spelled[1]) == (one == other)


@given(st.from_regex(r"[a-z0-9_][a-z0-9_]{0,40}", fullmatch=True))
def test_plain_names_stay(name: str) -> None:
    """A name of small letters, digits and underscores is the name of its file."""
    assert naming.spell(name) == naming.read(name) == name


@pytest.mark.parametrize("name", FLAWED)
def test_flawed_names(name: str) -> None:
    """What leads elsewhere, what no file can be named, and what is too long, has a flaw."""
    assert naming.flaw(name)


class G(Flow): ...


@G.register
class A(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.x = 1


def files(folder: Path) -> set[str]:
    """Return all files in a folder."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", FLAWED)
def test_flawed_parameters(name: str, tmp_path: Path) -> None:
    """A parameter of such a name is refused by its name, and nothing is written, in the store or beside it."""
    flow = G(datastore=datastores.Local(tmp_path / "a" / "b" / "store"), executor=executors.Thread())
    with pytest.raises(FlowError, match="flow 'G' cannot have the parameter '") as error:
        flow(**{name: 1})
    assert len(str(error.value)) < 250
    assert str(error.value).isprintable()
    assert files(tmp_path) == set()


@pytest.mark.parametrize("id_", [*FLAWED, None, 5])
def test_flawed_ids(id_: Any, tmp_path: Path) -> None:
    """So is an execution's id, whatever is asked of the execution."""
    flow = G(datastore=datastores.Local(tmp_path / "a" / "store"), executor=executors.Thread())
    with pytest.raises(FlowError, match=r"flow 'G' cannot have an execution .*: the id "):
        flow.execution(id_)
    if id_ is not None:
        with pytest.raises(FlowError, match="is not an execution id: use 1 to 80 letters"):
            flow(id_)
    assert files(tmp_path) == set()


def test_ids_that_others_chose() -> None:
    """An execution that was started elsewhere, under a name of its own, can be read."""
    assert in_memory(G).execution("run(1) + more").id == "run(1) + more"


@pytest.mark.parametrize("name", ["", "a/b", "../x", "x" * 300, "\0"])
@pytest.mark.parametrize("how", ["assign", "shard"])
def test_flawed_attributes(name: str, how: str) -> None:
    """So is what a layer assigns or shards; the layer is named, and fails."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Names(Layer):
        def __call__(self) -> None:
            if how == "assign":
                setattr(self, name, 1)
            else:
                self.shard(**{name: [1]})

    flow = in_memory(MyFlow)
    with pytest.raises(LayerError, match="layer 'Names'") as error:
        flow("e1")
    assert len(str(error.value)) < 300
    assert not [key for key in objects_of(flow) if "/Names/" in key and "/.failures/" not in key]


@pytest.mark.parametrize("name", FLAWED)
def test_flawed_attributes_that_are_read(name: str) -> None:
    """Nobody can have assigned them: readers get that error, in a line that a terminal can show."""
    execution = in_memory(G)()
    for layer in (execution.layer(A), execution.layer(Parameters)):
        with pytest.raises(AttributeError) as error:
            getattr(layer, name)
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 200


@pytest.mark.parametrize("name", ["a/b", "..", ".", "../../x", "x" * 300, "a\0b"])
def test_flawed_layers_and_flows(name: str) -> None:
    """A layer or a flow whose class was given such a name is refused when it is made."""

    class MyFlow(Flow): ...

    try:
        layer = type(name, (Layer,), {})
    except ValueError:  # Python takes no NUL
        return
    with pytest.raises(FlowError, match=r"flow 'MyFlow' registers layer '.*', whose name .* the name of a folder"):
        MyFlow.register(layer)
    with pytest.raises(FlowError, match=r"the name of flow '.*' .*, but it is the name of a folder"):
        type(name, (Flow,), {})


def test_classes_without_a_name() -> None:
    """A flow, or a layer of it, without a name is refused when the flow is called."""

    class MyFlow(Flow): ...

    MyFlow.register(type("", (Layer,), {}))
    for flow in (MyFlow, type("", (G,), {})):
        with pytest.raises(FlowError, match="has a class without a name"):
            in_memory(flow)()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "..", "a/..", "/etc/passwd", "a//b", "./a"])
def test_keys_outside_of_the_root(path: str, tmp_path: Path) -> None:
    """A local datastore reaches nothing outside of its root, whoever asks."""
    store = datastores.Local(tmp_path / "store")
    calls = [
        lambda: store.transport.get(path),
        lambda: store.transport.get_buffer(path),
        lambda: store.transport.get_range(path, 0, 1),
        lambda: store.transport.put(path, b""),
        lambda: store.transport.create(path, b""),
        lambda: store.transport.exists(path),
        lambda: store.transport.names(f"{path}/"),
        lambda: store.transport.lock(path).__enter__(),
    ]
    for call in calls:
        with pytest.raises(DatastoreError, match="is not below the datastore's root") as error:
            call()
        assert not isinstance(error.value, MissingError)
    assert files(tmp_path) == set()


class Cases(Flow): ...


@Cases.register
class Split(Layer):
    def __call__(self) -> None:
        self.X = [[1, 2], [3, 4]]
        self.x = "a single row"
        self.shard(Part=[1, 2], part=[3])
        self.größe = "ß"
        setattr(self, "with space", 1)


@Cases.register(foreach=ForEach(parameters=[Parameter(Split, "Part")]))
class Each(Layer):
    def __call__(self, split: Split) -> None:
        self.Y, self.y = split.Part, -split.Part


@Cases.register
class Train(Layer):
    def __call__(self, split: Split, each: Each) -> None:
        self.seen = split.X, split.x, list(split.Part), list(split.part), list(each.Y), list(each.y), split.größe


class Folding(FileTransport):
    """Files on a file system that ignores the case of letters, as on macOS."""

    def _file(self, key: str) -> str:
        return super()._file(key.lower())


@pytest.mark.parametrize("kind", [FileTransport, Folding])
def test_letter_case(kind: type[FileTransport], tmp_path: Path) -> None:
    """Attributes that differ in case only are two, everywhere; listings give the names as they were given."""
    flow = Cases(datastore=datastores.DataStore(kind(str(tmp_path))), executor=executors.Thread())
    execution = flow("e1", N=1, n=2)
    assert execution.layer(Train).seen == ([[1, 2], [3, 4]], "a single row", [1, 2], [3], [1, 2], [-1, -2], "ß")
    parameters = execution.layer(Parameters)
    assert (parameters.N, parameters.n) == (1, 2)
    listed = flow.datastore.list_artifacts(layer=execution.layer(Split))
    assert listed == ["Part", "X", "größe", "part", "with space", "x"]
    found = files(tmp_path)
    assert len({name.casefold() for name in found}) == len(found)


def test_names_of_a_layer_that_failed() -> None:
    """What the last attempt of a failed layer assigned is listed by its names, too."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Fails(Layer):
        def __call__(self) -> None:
            self.X, self.x, self.größe = 1, 2, 3
            raise OSError("broken")

    flow = in_memory(MyFlow)
    with pytest.raises(OSError, match="broken"):
        flow("e1")
    layer = flow.execution("e1").layer(Fails)
    assert flow.datastore.list_artifacts(layer=layer) == ["X", "größe", "x"]
    assert (layer.X, layer.x, layer.größe) == (1, 2, 3)


def test_listings_beside_what_others_left() -> None:
    """What no execution, and no split, is named is passed over: people and programs leave files in folders."""
    flow = in_memory(G)
    layer = flow("e1").layer(A)
    for key in ("G/archives/e1/A/desktop.ini", "G/archives/e1/A/a b/x.json", "G/archives/a\nb/x", "G/.cache/a\\b/x"):
        objects_of(flow)[key] = b""
    assert flow.datastore.list_artifacts(layer=layer) == ["x"]
    assert [execution.id for execution in flow.datastore.list_executions(flow=flow)] == ["e1"]


@pytest.mark.parametrize(("one", "other"), [("e1", "E1"), ("E1", "e1")])
def test_ids_that_differ_in_case_only(one: str, other: str, tmp_path: Path) -> None:
    """Two executions are two where case counts; where it does not, the second is refused, by both names."""
    flow = Cases(datastore=datastores.Local(tmp_path / "exact"), executor=executors.Thread())
    flow(one, n=1)
    assert flow(other, n=2).layer(Parameters).n == 2
    flow = Cases(datastore=datastores.DataStore(Folding(str(tmp_path / "folding"))), executor=executors.Thread())
    flow(one, n=1)
    with pytest.raises(DatastoreError, match=f"'{other}' and '{one}' are the same folder on the file system of "):
        _ = flow.execution(other).layer(Parameters).n
    assert flow.execution(one).layer(Parameters).n == 1


def test_layers_that_differ_in_case_only(tmp_path: Path) -> None:
    """So it is of two layers of a flow: nothing is mixed, and where they cannot be kept apart there is an error."""

    class MyFlow(Flow): ...

    def make(name: str) -> type[Layer]:
        def call(self: Layer) -> None:
            self.value = name  # type: ignore[attr-defined]

        return MyFlow.register(type(name, (Layer,), {"__call__": call}))

    one, other = make("Same"), make("same")
    execution = MyFlow(datastore=datastores.Local(tmp_path / "exact"), executor=executors.Thread())()
    assert (execution.layer(one).value, execution.layer(other).value) == ("Same", "same")
    with pytest.raises(DatastoreError, match=r"'[Ss]ame' and '[Ss]ame' are the same folder on the file system of "):
        MyFlow(datastore=datastores.DataStore(Folding(str(tmp_path / "folding"))), executor=executors.Thread())()


def test_fan_outs_that_differ_in_case_only(tmp_path: Path) -> None:
    """So it is of two fan-outs: splits of the one do not count as those of the other, which would then not be run."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Shards(Layer):
        def __call__(self) -> None:
            self.shard(n=[1, 2])

    over = ForEach(parameters=[Parameter(layer=Shards, attribute="n")])

    @MyFlow.register(foreach=over)
    class Same(Layer):
        def __call__(self, shards: Shards) -> None:
            self.value = shards.n

    @MyFlow.register(foreach=over)
    class same(Layer):  # noqa: N801 - what this is about
        def __call__(self, shards: Shards, before: Same) -> None:
            self.value = -shards.n

    execution = MyFlow(datastore=datastores.Local(tmp_path / "exact"), executor=executors.Thread())()
    assert list(execution.layer(same).value) == [-1, -2]
    with pytest.raises(DatastoreError, match=r"'same' and 'Same' are the same folder on the file system of "):
        MyFlow(datastore=datastores.DataStore(Folding(str(tmp_path / "folding"))), executor=executors.Thread())()


def test_names_in_earlier_stores() -> None:
    """What earlier releases wrote is read under the names that they gave files."""
    store, key = datastores.Memory(), LayerKey("Cases", "e1", "Split")
    store.write(key, index=0, name="X", values=[1], sharded=False)
    store.ledger.write_record(key, splits=1)
    assert "Cases/archives/e1/Split/0/X.json" in store.workspace
    flow = Cases(datastore=store, executor=executors.Thread())
    assert flow.execution("e1").layer(Split).X == 1
    assert store.list_artifacts(layer=flow.execution("e1").layer(Split)) == ["X"]
