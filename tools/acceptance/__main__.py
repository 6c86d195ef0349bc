"""``python -m tools.acceptance``: an acceptance run on the embedded AWS, or with ``--real`` in an account of AWS."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.acceptance.account import Account, embed, real
from tools.acceptance.report import render
from tools.acceptance.steps import Run, Step, add_packages, make_repository, run_all

#: What a run in an account costs at most, by the list prices of us-east-1: some 40 tasks of at most a minute on AWS
#: Fargate, of 1 vCPU and 2 GiB; endpoints and NAT gateways are not made.
_DOLLARS = 0.50
_COSTS = f"""\
This applies the platform and three flows in the account that the environment names, runs them, and destroys all of it.
It costs about ${_DOLLARS:.2f} (tasks on AWS Fargate, requests, logs), and takes about half an hour. If it is stopped or
fails, it destroys what it has made; look at the account all the same.
"""


def main() -> int:
    """Run, write the report, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.acceptance", description=__doc__)
    parser.add_argument("--real", action="store_true", help="use the account that the environment names")
    parser.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    parser.add_argument("--most-dollars", type=float, default=1.0, help="refuse to begin if it could cost more")
    parser.add_argument("--report", type=Path, default=Path("build/acceptance.md"), help="the file for the report")
    options = parser.parse_args()
    if options.real and not _ask(options):
        return 2
    with tempfile.TemporaryDirectory(prefix="laminar-acceptance-") as name:
        folder = Path(name)
        repository = make_repository(folder)
        if options.real:
            add_packages(repository)
            return _finish(real(), repository, options.report)
        with embed(folder, repository) as account:
            return _finish(account, repository, options.report)


def _ask(options: argparse.Namespace) -> bool:
    print(_COSTS, file=sys.stderr)
    if options.most_dollars < _DOLLARS:
        print(f"it could cost more than the ${options.most_dollars:.2f} of --most-dollars", file=sys.stderr)
        return False
    return options.yes or input("Go on? [y/N] ").strip().lower() == "y"


def _finish(account: Account, repository: Path, report: Path) -> int:
    run = Run(account, repository, _say)
    code = 0
    try:
        run_all(run)
    except Exception as error:  # noqa: BLE001 - the report has it
        # What could not be destroyed comes on top of what failed before.
        for cause in filter(None, (error.__context__, error)):
            print(f"failed: {cause}", file=sys.stderr)
        code = 1
    finally:
        version = subprocess.run(["terraform", "version"], check=False, capture_output=True, text=True).stdout
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(render(account.kind, run.steps, version.partition("\n")[0]), encoding="utf-8")
        print(f"the report: {report}", file=sys.stderr)
    return code


def _say(step: Step) -> None:
    print(f"{step.seconds:7.1f} s  {step.name}: {step.outcome.partition(chr(10))[0]}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
