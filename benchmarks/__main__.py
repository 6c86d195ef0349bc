"""``python -m benchmarks NAME [--json] [--runs N]``: runs a benchmark and prints medians and ratios.

``python -m benchmarks replay --workflows DIR`` is one of virtual time, see `benchmarks.replay`.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks import replay, suite

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run a benchmark.

    Args:
        arguments: The command's arguments; those of the process unless given.

    Returns:
        The exit code.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["replay"]:
        return replay.main(words[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=sorted(suite.BENCHMARKS), help="which benchmark")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=5, help="how often each command is run (default: 5)")
    options = parser.parse_args(words)
    rows = suite.BENCHMARKS[options.name](options.runs)
    if options.json:
        print(json.dumps([row.plain() for row in rows], indent=2))
        return 0
    for row in rows:
        print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
