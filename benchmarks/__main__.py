"""``python -m benchmarks NAME [--json] [--runs N]``: runs a benchmark and prints medians and ratios.

``python -m benchmarks setup`` installs the peers beforehand. They are installed on first use else.
``python -m benchmarks table --workflows DIR`` runs all of them and writes the table, see `benchmarks.table`.
``python -m benchmarks replay --workflows DIR`` is one of virtual time, see `benchmarks.replay`; so are ``startup``, see
`benchmarks.startup`, and ``makespan``, of plans only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from benchmarks import makespan, peers, replay, report, startup, suite, table

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run a benchmark.

    Args:
        arguments: The command's arguments; those of the process unless given.

    Returns:
        The exit code.
    """
    # Installed packages have their bytecode: so must ours, from the first run on.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["replay"]:
        return replay.main(words[1:])
    if words[:1] == ["makespan"]:
        return makespan.main(words[1:])
    if words[:1] == ["startup"]:
        return startup.main(words[1:])
    if words[:1] == ["table"]:
        return table.main(words[1:])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=[*sorted(suite.BENCHMARKS), "setup"], help="which benchmark")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=5, help="how often each command is run (default: 5)")
    parser.add_argument("--cache", help=f"where peers are installed (default: {peers.CACHE}, or the user's cache)")
    options = parser.parse_args(words)
    if options.cache:
        os.environ[peers.CACHE] = options.cache
    if options.name == "setup":
        peers.set_up()
        return 0
    rows = []
    for row in suite.BENCHMARKS[options.name](options.runs):
        rows.append(row)
        # Benchmarks take minutes: each row is shown when it is there.
        print(row, file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.json:
        print(json.dumps(report.document(options.name, rows), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
