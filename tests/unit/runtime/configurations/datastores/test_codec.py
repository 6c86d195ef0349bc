"""The codec turns values into bytes and back, without a datastore."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_runtime.configurations.datastores.codec import Codec
from laminar_runtime.configurations.serde import JsonProtocol
from laminar_runtime.exceptions import DatastoreError
from laminar_runtime.storage.archives import Artifact

JSON = {"builtins.dict": JsonProtocol()}


def _through(codec: Codec, value: Any) -> Any:
    encoded = codec.encode(value, "it")
    dtype = f"builtins.{type(value).__name__}"
    artifact = Artifact(dtype, encoded.digest(), encoded.extension)
    return codec.decode(bytearray(b"".join(encoded.parts)), artifact, local=dtype, place="here")


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], b"bytes", "text", None])
def test_a_value_comes_back(value: object) -> None:
    assert _through(Codec(JSON, pickle=True), value) == value


def test_a_protocol_goes_before_pickle() -> None:
    assert Codec(JSON, pickle=True).encode({"a": 1}, "it").extension.startswith("json")


def test_without_pickle_only_protocols_encode() -> None:
    codec = Codec(JSON, pickle=False)
    assert _through(codec, {"a": 1}) == {"a": 1}
    with pytest.raises(DatastoreError, match=r"it is a builtins\.list, but this datastore does not pickle"):
        codec.encode([1], "it")


def test_without_pickle_none_is_loaded() -> None:
    pickled = Codec({}, pickle=True).encode([1], "it")
    artifact = Artifact("builtins.list", pickled.digest(), pickled.extension)
    with pytest.raises(DatastoreError, match="does not load pickles"):
        Codec({}, pickle=False).decode(b"".join(pickled.parts), artifact, local="builtins.list", place="here")
