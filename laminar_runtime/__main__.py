"""``python -m laminar_runtime MODULE FLOW``: runs the task that the environment asks for.

The `Process` executor starts tasks of flows that are not in the launched script this way: the module is imported, and
the task of the environment run by the flow that the module makes, or by one made here if it makes none.
"""

from __future__ import annotations

import importlib
import sys

from laminar_runtime import importing
from laminar_runtime.exceptions import FlowError
from laminar_runtime.flow import Flow


def main(arguments: list[str]) -> int:
    """Run the task.

    Args:
        arguments: The module's name and the flow's.

    Returns:
        The exit code: 0, or 2 if the arguments are not those two.

    Raises:
        FlowError: If there is no such flow.
    """
    if len(arguments) != 2:  # noqa: PLR2004 - the two of the usage line
        print("usage: python -m laminar_runtime MODULE FLOW", file=sys.stderr)
        return 2
    module, name = arguments
    with importing.in_charge():
        flow: object = importlib.import_module(module)
    for part in name.split("."):
        flow = getattr(flow, part, None)
    if not (isinstance(flow, type) and issubclass(flow, Flow)):
        raise FlowError(f"{module}.{name} is no flow")
    made = [value for value in vars(sys.modules[module]).values() if type(value) is flow]
    bool(made[0] if made else flow())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
