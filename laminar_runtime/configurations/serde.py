"""Protocols, which write values as bytes and read them back.

``datastore.protocol(...)`` registers a `Protocol` for some types. `PickleProtocol` pickles values of all other types.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any, BinaryIO, ClassVar

from laminar_runtime.pickling import by_name, digests, scopes

__all__ = ["JsonProtocol", "PickleProtocol", "Protocol", "dtype"]


def dtype(cls: type) -> str:
    """Return the name that identifies a type in a datastore.

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

    By default each pair calls the other. A protocol that streams defines `dump` and `load`; another protocol defines
    `dumps` and `loads`.

    Example:
        >>> class Text(Protocol):
        ...     def dumps(self, value: str) -> bytes:
        ...         return value.encode()
        ...     def loads(self, stream: bytes) -> str:
        ...         return stream.decode()
        >>> Text().loads(Text().dumps("hello"))
        'hello'
    """

    #: The extension of the names of the objects that this protocol writes.
    extension: ClassVar[str] = "bin"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def dumps(self, value: Any) -> bytes:
        """Serialise a value.

        Args:
            value: The value, of a type that the protocol is registered for.

        Returns:
            The bytes. Equal values should give equal bytes: they are then stored once.

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

        Raises:
            TypeError: If the protocol defines neither `dump` nor `dumps`.
        """
        file.write(self.dumps(value))

    def loads(self, stream: bytes) -> Any:
        """Read a value from bytes.

        Args:
            stream: The bytes that `dumps` returned.

        Returns:
            The value.

        Raises:
            TypeError: If the protocol defines neither `loads` nor `load`.
        """
        if type(self).load is Protocol.load:
            raise TypeError(f"{type(self).__name__} defines neither loads nor load")
        return self.load(io.BytesIO(stream))

    def load(self, file: BinaryIO) -> Any:
        """Read a value from a file.

        Args:
            file: A file open for reading bytes.

        Returns:
            The value.

        Raises:
            TypeError: If the protocol defines neither `load` nor `loads`.
        """
        return self.loads(file.read())

    def write(self, value: Any, uri: str) -> None:
        """Write a value to the file at a path.

        Args:
            value: The value.
            uri: The path of a local file.
        """
        with open(uri, "wb") as file:  # noqa: PTH123 - pathlib is slow to load
            self.dump(value, file)

    def read(self, uri: str) -> Any:
        """Read a value from the file at a path.

        Args:
            uri: The path of a local file.

        Returns:
            The value.
        """
        with open(uri, "rb") as file:  # noqa: PTH123 - pathlib is slow to load
            return self.load(file)

    def hexdigest(self, value: Any) -> str:
        """Return the SHA-256 of a value's bytes, which is its name in a datastore.

        Args:
            value: The value.

        Returns:
            64 hexadecimal digits.
        """
        return digests.sha256(self.dumps(value))


class PickleProtocol(Protocol):
    """Pickles any value. Classes and functions are pickled by name, or, if they have none, by code, as by cloudpickle.

    The names of a flow's module do not depend on the name that this module has in the process that writes or reads an
    artifact. Call ``cloudpickle.register_pickle_by_value(module)`` to pickle the code of a module instead.

    A pickle runs code when it is loaded: read only datastores that you trust, or open them with ``pickle=False``.

    Example:
        >>> PickleProtocol().loads(PickleProtocol().dumps({"a": (1, 2)}))
        {'a': (1, 2)}
    """

    extension: ClassVar[str] = "pickle"

    def dumps(self, value: Any) -> bytes:
        """Pickle a value.

        Args:
            value: The value.

        Returns:
            The pickle.
        """
        return self.dump_parts(value, None)[0]

    def dump_parts(self, value: Any, apart: int | None) -> tuple[bytes, list[memoryview]]:
        """Pickle a value without its large buffers.

        Args:
            value: The value.
            apart: The size in bytes from which a buffer is left out; None to leave out nothing.

        Returns:
            The pickle, and views of the buffers in the order that ``pickle.loads(..., buffers=...)`` needs.
        """
        buffers: list[memoryview] = []

        def keep(buffer: by_name.Buffered) -> bool:
            view = buffer.raw()
            if apart is None or view.nbytes < apart:
                return True
            buffers.append(view)
            return False

        if type(value) in _PLAIN:
            return by_name.dump_plain(value), buffers
        scope = scopes.scope()
        names = by_name.Names(scope.home if scope else None)
        content = by_name.dump_by_name(value, names, keep)
        if content is None:
            from laminar_runtime.pickling import by_value

            buffers.clear()
            content = by_value.dump_by_value(value, names, keep)
        return content, buffers

    def loads(self, stream: bytes) -> Any:
        """Load a pickle. It may run any code.

        Args:
            stream: The pickle.

        Returns:
            The value.
        """
        return by_name.load(stream)


#: Types whose pickles contain no names of classes or functions.
_PLAIN = frozenset({bool, bytes, float, int, str, type(None)})


class JsonProtocol(Protocol):
    """Writes plain values as JSON: None, booleans, numbers, text, and lists and dicts of plain values.

    Refused are values that JSON would change, for example a tuple, or a dict with keys that are not text. Refused are
    also NaN and infinities, values that contain themselves, and values that are nested too deeply for Python's JSON.

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

        Args:
            value: The value.

        Returns:
            The JSON, encoded in UTF-8.

        Raises:
            TypeError: If the value is not plain.
            ValueError: If the value contains itself, NaN or an infinity, or is nested too deeply.
        """
        _check_plain(value)
        try:
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        except RecursionError:
            raise ValueError("the value is nested too deeply for JSON: make it flatter, or pickle it") from None
        return text.encode()

    def loads(self, stream: bytes) -> Any:
        """Read a value from JSON.

        Args:
            stream: The JSON.

        Returns:
            The value.

        Raises:
            ValueError: If the bytes are not JSON.
        """
        return json.loads(stream)


def _check_plain(value: Any) -> None:
    # Depth first: an item is pushed again behind its inner items, with True, to be left when these are done.
    todo: list[tuple[Any, bool]] = [(value, False)]
    around: set[int] = set()
    while todo:
        item, done = todo.pop()
        if done:
            around.discard(id(item))
        elif type(item) in {dict, list}:
            if id(item) in around:
                raise ValueError("the value contains itself, which JSON cannot express: remove the cycle, or pickle it")
            around.add(id(item))
            todo.append((item, True))
            todo += [(inner, False) for inner in _inner(item)]
        else:
            _check_leaf(item)


def _inner(item: dict[Any, Any] | list[Any]) -> Iterable[Any]:
    if isinstance(item, list):
        return item
    if not all(type(key) is str for key in item):
        raise TypeError("JSON changes the keys of a dict that are not text: use text as keys, or pickle it")
    return item.values()


def _check_leaf(item: Any) -> None:
    if type(item) not in {bool, float, int, str, type(None)}:
        msg = f"JSON cannot restore a {dtype(type(item))}: use plain values, or pickle it"
        raise TypeError(msg)
    if type(item) is float and (item != item or item in {float("inf"), -float("inf")}):  # noqa: PLR0124 - NaN alone
        raise ValueError(f"JSON cannot express {item}: store None instead, or pickle it")
