"""JSONata as Step Functions evaluates it.

jsonata-python implements the language. This module adds what Step Functions changes: six more functions, no `$eval`,
bindings for `$states` and the variables (values, not source text, so that any string is kept), and an error for a
result that is undefined or not JSON. The embedded AWS and the replay use it.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import math
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Functions, Jsonata, Utils

__all__ = ["QueryEvaluationError", "ambient_functions", "bind", "check_syntax", "evaluate", "evaluate_with"]

_NULL = Utils.NULL_VALUE
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_MAX_RANGE = 1000

# jsonata-python keeps state per thread and in compiled expressions. Evaluation holds Python's own lock anyway, so
# another lock costs nothing.
_LOCK = threading.Lock()


class QueryEvaluationError(Exception):
    """An expression that Step Functions would refuse with States.QueryEvaluationError."""


def evaluate(expression: str, values: Mapping[str, Any]) -> Any:
    """Evaluate an expression to JSON.

    Args:
        expression: The expression.
        values: The names (without `$`) that it may use.

    Returns:
        The result. It shares nothing with the values.

    Raises:
        QueryEvaluationError: If the expression is wrong, or its result undefined or not JSON.

    Example:
        >>> evaluate("$states.input.n + 1", {"states": {"input": {"n": 2}}})
        3
    """
    return evaluate_with(expression, bind(values))


def bind(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return bindings of names to values, for several calls of `evaluate_with`."""
    return {name: _to_jsonata(value) for name, value in values.items()}


def evaluate_with(expression: str, bindings: Mapping[str, Any]) -> Any:
    """Evaluate an expression to JSON, like `evaluate`, with bindings that `bind` returned."""
    with _LOCK:
        encoder, Functions.Encoder = Functions.Encoder, _Encoder
        try:
            result = _evaluate(expression, {**_ADDED_FUNCTIONS, **bindings})
        finally:
            Functions.Encoder = encoder
    if result is None:
        raise QueryEvaluationError(f"The JSONata expression '{expression}' returned nothing (undefined).")
    try:
        return _to_json(result)
    except TypeError as error:
        raise QueryEvaluationError(
            f"The JSONata expression '{expression}' returned an unsupported result type."
        ) from error


def check_syntax(expression: str) -> str | None:
    """Return the syntax error of an expression, None if it has none."""
    try:
        with _LOCK:
            _compile(expression)
    except Exception as error:  # noqa: BLE001 - whatever the library raises is an error of the expression
        return str(error)
    return None


def ambient_functions(milliseconds: Callable[[], int], chance: random.Random) -> dict[str, Any]:
    """Return bindings for the functions that depend on time or on random numbers.

    Args:
        milliseconds: Returns the time since the epoch.
        chance: The source of random numbers.
    """

    def now(picture: Any = None, timezone: Any = None) -> str | None:
        text: str | None = Functions.datetime_from_millis(milliseconds(), picture, timezone)
        return text

    def number(seed: Any = None) -> float:
        return _random(seed) if seed is not None else chance.random()

    def identifier() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    functions = {"now": now, "millis": milliseconds, "random": number, "uuid": identifier}
    return {name: Jsonata.JLambda(function) for name, function in functions.items()}


def _to_jsonata(value: Any) -> Any:
    """Convert JSON to values of jsonata-python, where null differs from undefined (None)."""
    if value is None:
        return _NULL
    if isinstance(value, Mapping):
        return {key: _to_jsonata(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_jsonata(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return value


def _evaluate(expression: str, bindings: dict[str, Any]) -> Any:
    try:
        compiled = _compile(expression)
        Jsonata.CURRENT.jsonata = compiled  # otherwise this thread continues with an earlier one
        return compiled.evaluate(None, bindings)
    except Exception as error:  # whatever the library raises is an error of the expression
        raise QueryEvaluationError(
            f"The JSONata expression '{expression}' threw an error during evaluation. {error}"
        ) from error


@functools.lru_cache(maxsize=4096)
def _compile(expression: str) -> Jsonata:
    compiled = Jsonata(expression)
    compiled.set_output_convert_nulls(False)
    return compiled


def _to_json(value: Any) -> Any:
    if value is _NULL or value is None:
        return None
    if isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_json(value[index]) for index in range(len(value))]
    raise TypeError(type(value))


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise TypeError("not a JSON number")
    return int(value) if value.is_integer() else value


class _Encoder(Functions.Encoder):  # type: ignore[misc]  # jsonata-python is untyped
    """The encoder of `$string`: like JavaScript, and unlike jsonata-python, it does not escape non-ASCII characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


def _partition(array: Any = None, size: Any = None) -> Any:
    if array is None:
        return None
    items = array if isinstance(array, list) else [array]
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"$partition needs a positive whole size, not {size}")
    return [items[start : start + size] for start in range(0, len(items), size)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if not all(isinstance(number, int) for number in (first, last, step)) or step == 0:
        raise ValueError(f"$range needs three whole numbers, not {first}, {last}, {step}")
    numbers = list(range(first, last + (1 if step > 0 else -1), step))
    if len(numbers) > _MAX_RANGE:
        raise ValueError(f"$range gives at most {_MAX_RANGE} numbers, not {len(numbers)}")
    return numbers


def _hash(data: Any = None, algorithm: Any = None) -> Any:
    if data is None:
        return None
    if algorithm not in _HASHES:
        raise ValueError(f"$hash knows {', '.join(_HASHES)}, not {algorithm}")
    text = data if isinstance(data, str) else json.dumps(_to_json(data), separators=(",", ":"))
    return hashlib.new(_HASHES[algorithm], text.encode()).hexdigest()


def _random(seed: Any = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()  # noqa: S311


def _uuid() -> str:
    return str(uuid.uuid4())


def _parse(text: Any = None) -> Any:
    return None if text is None else _to_jsonata(json.loads(text))


def _eval(*_: Any) -> Any:
    raise ValueError("Step Functions does not support $eval: use $parse")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": _uuid,
    "parse": _parse,
    "eval": _eval,
}
_ADDED_FUNCTIONS = {name: Jsonata.JLambda(function) for name, function in _FUNCTIONS.items()}
