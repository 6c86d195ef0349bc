"""Settings of containers for Linux: limits of resources, file systems in memory, devices and capabilities."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.validators import GREATEST
from laminar_runtime.exceptions import LayerError

__all__ = [
    "accelerator_devices",
    "check_accelerator",
    "check_capabilities",
    "check_devices",
    "check_tmpfs",
    "check_ulimits",
    "device_parts",
    "efa_devices",
    "pairs_of_limits",
    "to_tuple",
]

#: The limits that a container can have: https://docs.aws.amazon.com/batch/latest/APIReference/API_Ulimit.html
_ULIMITS = frozenset(
    """
    core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack
    """.split()  # noqa: SIM905 - a list of fifteen lines would hide the rest
)
_DEVICE = r"(/[^:]*)(?::(/[^:]*))?(?::([rwm]{1,3}))?"
_ACCELERATOR = r"neuron(?::([1-9][0-9]?))?"
#: The devices of AWS Neuron, and of the Elastic Fabric Adapter, by number:
#: https://docs.aws.amazon.com/batch/latest/userguide/efa.html
_NEURON, _EFA = "/dev/neuron{}", "/dev/infiniband/uverbs{}"


def to_tuple(value: Any) -> Any:
    """Return a list as a tuple, so that two containers never share one."""
    return tuple(value) if isinstance(value, list) else value


def pairs_of_limits(value: Any) -> Any:
    """Return limits as pairs of the soft and the hard limit: one number is both."""
    if not isinstance(value, Mapping):
        return value
    return {name: (item, item) if isinstance(item, int) else to_tuple(item) for name, item in value.items()}


def check_ulimits(_: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps limits to pairs of numbers.

    Raises:
        LayerError: If it does not.
    """
    for name, pair in _map(value, attribute.name, '{"nofile": 65536} or {"nofile": (1024, 65536)}').items():
        if name not in _ULIMITS:
            raise LayerError(f"a Container has no limit {name!r}: its ulimits are {', '.join(sorted(_ULIMITS))}")
        numbers = isinstance(pair, tuple) and [item for item in pair if type(item) is int and -1 <= item <= GREATEST]
        if not numbers or len(numbers) != len(pair) or len(pair) != len(("soft", "hard")):
            raise LayerError(f"the limit {name!r} of a Container must be a number or a pair (soft, hard), not {pair!r}")
        if -1 not in pair and pair[0] > pair[1]:
            raise LayerError(f"the soft limit {name!r} of a Container is greater than the hard one: {pair!r}")


def check_tmpfs(_: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps folders to sizes.

    Raises:
        LayerError: If it does not.
    """
    for path, size in _map(value, attribute.name, '{"/scratch": 512}').items():
        if not path.startswith("/") or ":" in path or type(size) is not int or not 1 <= size <= GREATEST:
            msg = f"the tmpfs of a Container must map absolute folders to sizes in MiB, not {path!r} to {size!r}"
            raise LayerError(msg)


def _each(pattern: str, example: str, wanted: str) -> Callable[[object, _records.Field, Any], None]:
    """Return a validator of a list whose texts have the form of a pattern."""

    def validate(_: object, attribute: _records.Field, value: Any) -> None:
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise LayerError(f"the {attribute.name} of a Container must be a list such as {example}, not {value!r}")
        for item in value:
            if not re.fullmatch(pattern, item):
                raise LayerError(f"{wanted}, not {item!r}")

    return validate


#: Validators of devices in the notation of Docker, and of capabilities of Linux.
check_devices = _each(
    _DEVICE,
    '["/dev/fuse"]',
    "a device of a Container must have the form '/dev/fuse' or '/dev/host:/dev/inside:rwm'",
)
check_capabilities = _each(
    "(?!CAP_)[A-Z][A-Z_]*", '["SYS_PTRACE"]', "a capability of a Container must have a name such as 'SYS_PTRACE'"
)


def check_accelerator(_: object, __: _records.Field, value: Any) -> None:
    """Validate that a value names an accelerator, with a number of devices.

    Raises:
        LayerError: If it does not.
    """
    if value is not None and not (isinstance(value, str) and re.fullmatch(_ACCELERATOR, value)):
        raise LayerError(f"the accelerator of a Container must be 'neuron', 'neuron:N' or None, not {value!r}")


def device_parts(device: str) -> tuple[str, str, str]:
    """Return the path of a device on the host, its path in the container, and its permissions.

    Args:
        device: The device, in the notation of Docker.

    Example:
        >>> device_parts("/dev/fuse"), device_parts("/dev/a:/dev/b:r")
        (('/dev/fuse', '/dev/fuse', 'rwm'), ('/dev/a', '/dev/b', 'r'))
    """
    found = re.fullmatch(_DEVICE, device)
    host, inside, permissions = found.groups() if found else (device, None, None)
    return host, inside or host, permissions or "rwm"


def accelerator_devices(accelerator: str | None) -> tuple[str, ...]:
    """Return the devices of an accelerator.

    Args:
        accelerator: The accelerator.

    Example:
        >>> accelerator_devices("neuron:2")
        ('/dev/neuron0', '/dev/neuron1')
    """
    found = re.fullmatch(_ACCELERATOR, accelerator or "")
    return tuple(map(_NEURON.format, range(int(found[1] or 1)))) if found else ()


def efa_devices(count: int) -> tuple[str, ...]:
    """Return the devices of a number of Elastic Fabric Adapters.

    Args:
        count: The number.
    """
    return tuple(map(_EFA.format, range(count)))


def _map(value: Any, name: str, example: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise LayerError(f"the {name} of a Container must be a map such as {example}, not {value!r}")
    return value
