"""How values become bytes and come back.

A `Protocol` says it for the types that it is registered for with ``datastore.protocol(...)``; every other type is
pickled by `PickleProtocol`.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterable
from typing import Any, BinaryIO, ClassVar

from laminar_runtime.pickling import by_name, digests, scopes

__all__ = ["JsonProtocol", "PickleProtocol", "Protocol", "dtype"]


def dtype(cls: type) -> str:
    """The name under which artifacts of a type are stored.

    Args:
        cls: The type.

    Returns:
        Its module and name.

    Example:
        >>> dtype(list)
        'builtins.list'
    """
    return f"{cls.__module__}.{cls.__qualname__}"


class Protocol:
    """Base of all protocols: define `dumps` and `loads`, or `dump` and `load`.

    Each of the two pairs is by default made of the other, so a protocol that streams defines `dump` and `load`, and
    one that does not defines `dumps` and `loads`.

    Example:
        >>> class Text(Protocol):
        ...     def dumps(self, value: str) -> bytes:
        ...         return value.encode()
        ...     def loads(self, stream: bytes) -> str:
        ...         return stream.decode()
        >>> Text().loads(Text().dumps("hello"))
        'hello'
    """

    #: The end of the names of the objects that this protocol writes.
    extension: ClassVar[str] = "bin"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def dumps(self, value: Any) -> bytes:
        """Serialise a value.

        Args:
            value: The value, of a type the protocol is registered for.

        Returns:
            Its bytes. Equal values should give equal bytes: they are then stored once.

        Raises:
            TypeError: If the protocol defines neither `dumps` nor `dump`.
        """
        if type(self).dump is Protocol.dump:
            raise TypeError(f"{type(self).__name__} defines neither dumps nor dump")
        stream = io.BytesIO()
        self.dump(value, stream)
        return stream.getvalue()

    def dump(self, value: Any, file: BinaryIO) -> None:
        """Serialise a value into a file.

        Args:
            value: The value.
            file: A file open for writing bytes.
        """
        file.write(self.dumps(value))

    def loads(self, stream: bytes) -> Any:
        """Bring a value back.

        Args:
            stream: What `dumps` gave.

        Returns:
            The value.

        Raises:
            TypeError: If the protocol defines neither `loads` nor `load`.
        """
        if type(self).load is Protocol.load:
            raise TypeError(f"{type(self).__name__} defines neither loads nor load")
        return self.load(io.BytesIO(stream))

    def load(self, file: BinaryIO) -> Any:
        """Bring a value back from a file.

        Args:
            file: A file open for reading bytes.

        Returns:
            The value.
        """
        return self.loads(file.read())

    def write(self, value: Any, uri: str) -> None:
        """Serialise a value into the file at a path.

        Args:
            value: The value.
            uri: The path of a local file.
        """
        with open(uri, "wb") as file:  # noqa: PTH123 - pathlib is not needed for that
            self.dump(value, file)

    def read(self, uri: str) -> Any:
        """Bring a value back from the file at a path.

        Args:
            uri: The path of a local file.

        Returns:
            The value.
        """
        with open(uri, "rb") as file:  # noqa: PTH123 - pathlib is not needed for that
            return self.load(file)

    def hexdigest(self, value: Any) -> str:
        """The SHA-256 of a value's bytes, under which it is stored.

        Args:
            value: The value.

        Returns:
            64 hexadecimal digits.
        """
        return digests.sha256(self.dumps(value))


class PickleProtocol(Protocol):
    """Pickles any value: classes and functions by their names, and by their code, as cloudpickle does, what has none.

    What the module of a flow defines is named as that, whatever name the module has in the process that writes or reads
    an artifact. ``cloudpickle.register_pickle_by_value(module)`` has the code of a module be pickled nevertheless.

    A pickle runs code when it is loaded: read only datastores that you trust, or open them with ``pickle=False``.
    """

    extension: ClassVar[str] = "pickle"

    def dumps(self, value: Any) -> bytes:
        """Pickle a value."""
        return self.dump_parts(value, None)[0]

    def dump_parts(self, value: Any, apart: int | None) -> tuple[bytes, list[memoryview]]:
        """Pickle a value, its large buffers left out.

        Args:
            value: The value.
            apart: From how many bytes on a buffer is left out; None for none.

        Returns:
            The pickle, and views of the buffers, in the order in which ``pickle.loads(..., buffers=...)`` wants them.
        """
        buffers: list[memoryview] = []

        def keep(buffer: pickle.PickleBuffer) -> bool:
            view = buffer.raw()
            if apart is None or view.nbytes < apart:
                return True
            buffers.append(view)
            return False

        if type(value) in _PLAIN:
            return pickle.dumps(value, protocol=5), buffers
        scope = scopes.scope()
        names = by_name.Names(scope.home if scope else None)
        content = by_name.dump_by_name(value, names, keep)
        if content is None:
            from laminar_runtime.pickling import by_value

            buffers.clear()
            content = by_value.dump_by_value(value, names, keep)
        return content, buffers

    def loads(self, stream: bytes) -> Any:
        """Load a pickle."""
        return by_name.load(stream)


#: Types that are pickled without a look at names.
_PLAIN = frozenset({bool, bytes, float, int, str, type(None)})


class JsonProtocol(Protocol):
    """Writes values that are plain: None, booleans, numbers, text, and lists and dicts of such, as JSON.

    What would not come back as it was, such as a tuple, or a dict with keys that are no text, is refused. So are
    numbers that JSON does not have (NaN and infinities), values that contain themselves, and such as are nested deeper
    than Python's JSON goes.

    Example:
        >>> from laminar_runtime.configurations import datastores
        >>> datastore = datastores.Memory()
        >>> datastore.protocol(dict, list)(JsonProtocol).extension
        'json'
        >>> JsonProtocol().dumps({"b": 1, "a": [True, None]})
        b'{"b":1,"a":[true,null]}'
    """

    extension: ClassVar[str] = "json"

    def dumps(self, value: Any) -> bytes:
        """Write a value as JSON.

        Raises:
            TypeError: If it is not plain.
            ValueError: If it contains itself, is nested too deeply, or has a number that JSON does not have.
        """
        _check_plain(value)
        try:
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        except RecursionError:
            raise ValueError("it is nested too deeply for JSON: make it flatter, or leave it to pickle") from None
        return text.encode()

    def loads(self, stream: bytes) -> Any:
        """Read JSON."""
        return json.loads(stream)


def _check_plain(value: Any) -> None:
    # The second of a pair says whether all within the first was looked at.
    todo: list[tuple[Any, bool]] = [(value, False)]
    around: set[int] = set()
    while todo:
        item, looked_at = todo.pop()
        if looked_at:
            around.discard(id(item))
        elif type(item) in {dict, list}:
            if id(item) in around:
                raise ValueError("it contains itself, which JSON cannot say: take that out, or leave it to pickle")
            around.add(id(item))
            todo.append((item, True))
            todo += [(inner, False) for inner in _inner(item)]
        else:
            _check_leaf(item)


def _inner(item: dict[Any, Any] | list[Any]) -> Iterable[Any]:
    if isinstance(item, list):
        return item
    if not all(type(key) is str for key in item):
        raise TypeError("a dict with keys that are no text does not come back from JSON as it was")
    return item.values()


def _check_leaf(item: Any) -> None:
    if type(item) not in {bool, float, int, str, type(None)}:
        msg = f"a {dtype(type(item))} does not come back from JSON as it was: use plain values, or leave it to pickle"
        raise TypeError(msg)
    if type(item) is float and (item != item or item in {float("inf"), -float("inf")}):  # noqa: PLR0124 - NaN alone
        raise ValueError(f"JSON has no {item}: store None in its place, or leave it to pickle")
