"""The steps of an acceptance run, each with its time and its outcome."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from tools.acceptance.account import Account

__all__ = ["FLOWS", "Run", "Step", "StepFailedError", "add_packages", "make_repository", "run_all"]

_ROOT = Path(__file__).resolve().parents[2]
#: The flows by the names of their deployments: the file in the image, and the parameters of an execution.
FLOWS = {"patient": "main.py", "digits": "flow.py", "fragile": "fragile.py"}
_ENVIRONMENT = "acceptance"


class StepFailedError(Exception):
    """A step did not do what it should."""


@attrs.frozen
class Step:
    """A step that was done.

    Args:
        name: What was done.
        seconds: How long it took.
        outcome: ``passed``, or why it failed.
        measured: What was measured, by name.
    """

    name: str
    seconds: float
    outcome: str
    measured: dict[str, Any] = attrs.field(factory=dict)


@attrs.define
class Run:
    """An acceptance run.

    Args:
        account: The account.
        folder: The repository that ``laminar-codegen init`` wrote, with the flows.
        steps: The steps that were done.
        say: Reports each step when it ends.
        image: The image of the flows, when it is published.
    """

    account: Account
    folder: Path
    say: Callable[[Step], None]
    steps: list[Step] = attrs.field(factory=list)
    image: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Do a step: what is measured goes into the dictionary. A failure is noted, and ends the run."""
        begun, measured = time.monotonic(), dict[str, Any]()
        outcome = "passed"
        try:
            yield measured
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
            raise
        finally:
            self.steps.append(Step(name, time.monotonic() - begun, outcome, measured))
            self.say(self.steps[-1])

    def command(self, *words: str, accepted: tuple[int, ...] = (0,)) -> str:
        """Run a command in the repository, and return its output.

        Args:
            *words: The command.
            accepted: The exit codes that are right.

        Raises:
            StepFailedError: If it ends with another one.
        """
        ran = subprocess.run(
            words,
            cwd=self.folder,
            env={**self.account.environment, "TF_CLI_ARGS": "-no-color"},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode not in accepted:
            said = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-15:])
            raise StepFailedError(f"{' '.join(words)} ended with {ran.returncode}:\n{said}")
        return ran.stdout

    def laminar(self, *words: str, accepted: tuple[int, ...] = (0,)) -> Any:
        """Run a command of ``laminar`` with ``--json``, and return what it printed."""
        code = "import sys; from laminar_runtime.command.main import main; sys.exit(main())"
        printed = self.command(sys.executable, "-c", code, words[0], "--json", *words[1:], accepted=accepted)
        return json.loads(printed) if printed.strip() else None

    def codegen(self, *words: str) -> str:
        """Run a command of ``laminar-codegen``."""
        return self.command(sys.executable, "-m", "laminar_codegen", *words)

    def terraform(self, root: str, *words: str) -> str:
        """Run Terraform in a root of the repository."""
        return self.command("terraform", f"-chdir=terraform/{root}", *words)


def make_repository(folder: Path) -> Path:
    """Write a repository as ``laminar-codegen init`` does, with the flows of the run.

    Args:
        folder: A folder for it.
    """
    words = [sys.executable, "-m", "laminar_codegen", "init", "acceptance", "--with", "none"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    made = folder / "acceptance"
    for source in (_ROOT / "tools" / "acceptance" / "flows").glob("*.py"):
        shutil.copy(source, made / source.name)
    shutil.copy(_ROOT / "examples" / "digits" / "flow.py", made / "flow.py")
    shutil.rmtree(made / "terraform" / "flow")
    for name, file in FLOWS.items():
        compile_to = ("--emit", "hcl", "--output", f"terraform/{name}")
        subprocess.run([sys.executable, "-m", "laminar_codegen", file, *compile_to], cwd=made, check=True)
    dockerfile = (made / "Dockerfile").read_text(encoding="utf-8")
    (made / "Dockerfile").write_text(dockerfile.replace("COPY main.py ./", "COPY *.py ./"), encoding="utf-8")
    (made / ".dockerignore").write_text("*\n!*.py\n!requirements.txt\n!*.whl\n", encoding="utf-8")
    return made


def add_packages(folder: Path) -> None:
    """Have the image of a repository install this checkout, which may not be released, and what the digits import.

    Args:
        folder: The repository.
    """
    words = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(_ROOT)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    packages = [f"./{wheel.name}[lambda]", "matplotlib", "scikit-learn"]
    (folder / "requirements.txt").write_text("\n".join(packages) + "\n", encoding="utf-8")
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    copied = dockerfile.replace("COPY requirements.txt ./", "COPY requirements.txt *.whl ./")
    (folder / "Dockerfile").write_text(copied, encoding="utf-8")


def run_all(run: Run) -> None:
    """Do all steps. Whatever happens, what was made is destroyed in the end.

    Args:
        run: The run.

    Raises:
        StepFailedError: If a step fails.
    """
    try:
        _deploy(run)
        _execute(run)
        _fail_and_resume(run)
        _update(run)
    finally:
        _destroy(run)


def _variables(**values: Any) -> list[str]:
    return [f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()]


def _apply(run: Run, root: str, **values: Any) -> None:
    run.terraform(root, "apply", "-input=false", "-auto-approve", *_variables(**values))


def _deploy(run: Run) -> None:
    with run.step("apply the platform"):
        run.terraform("platform", "init", "-input=false")
        _apply(run, "platform", environment=_ENVIRONMENT, **run.account.network)
    with run.step("build the image"):
        repository = json.loads(run.terraform("platform", "output", "-json", "repository_url"))
        given = run.terraform("platform", "output", "-json", "flow_variables")
        run.image = run.account.publish(run.folder, repository, "1")
    for name in FLOWS:
        with run.step(f"apply the flow {name}"):
            (run.folder / "terraform" / name / "platform.auto.tfvars.json").write_text(given, encoding="utf-8")
            run.terraform(name, "init", "-input=false")
            _apply(run, name, name=f"acceptance-{name}", image=run.image)
    with run.step("plan again: nothing to change"):
        for name in FLOWS:
            arguments = _variables(name=f"acceptance-{name}", image=run.image)
            run.terraform(name, "plan", "-input=false", "-detailed-exitcode", *arguments)


def _wait(run: Run, name: str, execution: str, accepted: tuple[int, ...] = (0,)) -> Any:
    seconds = str(run.account.most_seconds)
    return run.laminar("wait", "--timeout", seconds, f"acceptance-{name}", execution, accepted=accepted)


def _expect(run: Run, name: str, execution: str, result: str, value: Any) -> None:
    found = run.laminar("results", f"acceptance-{name}", execution)["results"]
    if value is not None and found.get(result) != value:
        raise StepFailedError(f"{result} is {found.get(result)!r}, and not {value!r}")
    if result not in found:
        raise StepFailedError(f"there is no {result}")


def _execute(run: Run) -> None:
    with run.step("run the flow patient") as measured:
        run.laminar("start", "--id", "first", "--param", "count=3", "acceptance-patient")
        _wait(run, "patient", "first")
        _expect(run, "patient", "first", "Add.total", 3)
        measured.update(_start_ups(run, "patient", "first"))
    with run.step("run the flow digits") as measured:
        run.laminar("start", "--id", "first", "acceptance-digits")
        _wait(run, "digits", "first")
        _expect(run, "digits", "first", "Evaluate.accuracy", None)
        measured.update(_start_ups(run, "digits", "first"))


def _start_ups(run: Run, name: str, execution: str) -> dict[str, Any]:
    """Return how long jobs waited and started, in seconds: the median and the longest."""
    code = (
        "import sys; from laminar_runtime import deployed; "
        "print(deployed.find(sys.argv[1]).execution(sys.argv[2]).timings().to_json().decode())"
    )
    timings = json.loads(run.command(sys.executable, "-c", code, f"acceptance-{name}", execution))
    seconds = sorted(
        (attempt["started"] - attempt["created"]) / 1000
        for attempt in timings["attempts"]
        if attempt["started"] and attempt["created"]
    )
    if not seconds:
        raise StepFailedError("no attempt has times")
    return {"start-ups": len(seconds), "median": seconds[len(seconds) // 2], "longest": seconds[-1]}


def _fail_and_resume(run: Run) -> None:
    opens = time.time() + (15 if run.account.kind == "embedded" else 240)
    with run.step("make the flow fragile fail, and read the reason"):
        run.laminar("start", "--id", "first", "--param", f"not_before={opens}", "acceptance-fragile")
        printed = json.dumps(_wait(run, "fragile", "first", accepted=(1,)))
        for word in ("Open", "RuntimeError", "it is closed, as was asked for"):
            if word not in printed:
                raise StepFailedError(f"the reason does not name {word!r}: {printed}")
    with run.step("resume it"):
        time.sleep(max(0, opens - time.time()))
        run.laminar("resume", "acceptance-fragile", "first")
        _wait(run, "fragile", "first")
        _expect(run, "fragile", "first", "Open.opened", value=True)


def _update(run: Run) -> None:
    with run.step("update the flow patient while it runs"):
        seconds = "8" if run.account.kind == "embedded" else "120"
        run.laminar("start", "--id", "updated", "--param", f"seconds={seconds}", "acceptance-patient")
        file = run.folder / "main.py"
        changed = file.read_text(encoding="utf-8").replace("memory=512", "memory=1024")
        file.write_text(changed, encoding="utf-8")
        run.codegen("main.py", "--emit", "hcl", "--output", "terraform/patient")
        _apply(run, "patient", name="acceptance-patient", image=run.image)
        _wait(run, "patient", "updated")
        _expect(run, "patient", "updated", "Add.total", 3)


def _destroy(run: Run) -> None:
    """Destroy everything that there is a state of, the flows first. One failure does not keep the others."""
    failed = []
    for root in (*FLOWS, "platform"):
        if not (run.folder / "terraform" / root / "terraform.tfstate").exists():
            continue
        try:
            with run.step(f"destroy {root}"):
                given: dict[str, Any] = {"name": f"acceptance-{root}", "image": run.image}
                if root == "platform":
                    given = {"environment": _ENVIRONMENT, "force_destroy": True, **run.account.network}
                    _apply(run, root, **given)  # what is not empty is deleted only if the state says so
                run.terraform(root, "destroy", "-input=false", "-auto-approve", *_variables(**given))
                if left := run.terraform(root, "state", "list").split():
                    raise StepFailedError(f"left in the state: {', '.join(left)}")
        except StepFailedError as error:
            failed.append(f"{root}: {error}")
    if failed:
        raise StepFailedError("not all was destroyed, look at the account:\n" + "\n".join(failed))
