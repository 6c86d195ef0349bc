"""Flows scheduled by AWS Step Functions: this process only starts an execution, and may wait for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from laminar_runtime import _records
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.schedulers.delegated import Delegated
from laminar_runtime.deployment import Deployment
from laminar_runtime.exceptions import SchedulerError
from laminar_runtime.identifiers import new_execution_id
from laminar_runtime.programs import importing, loading
from laminar_runtime.tasks import claims

if TYPE_CHECKING:
    from pathlib import Path

    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["StepFunctions", "check_module"]


def check_module(source: str, version: str | None, called: tuple[str, str]) -> None:
    """Refuse what Terraform would not read as the address of a module, or as its versions.

    https://developer.hashicorp.com/terraform/language/block/module#source

    Args:
        source: Where the module is.
        version: The versions of it that do.
        called: What the two are called where they are given.

    Raises:
        SchedulerError: If there can be no such module.
    """
    # Terraform reads both as they stand: they cannot hold what would be a template.
    for name, text in zip(called, (source, "-" if version is None else version), strict=True):
        if not text.strip() or "${" in text or "%{" in text or not text.isprintable():
            raise SchedulerError(f"{name} must be one line of plain text without ${{ and %{{, not {text!r}")
    elsewhere = source.startswith(("./", "../", "/")) or "::" in source or "://" in source
    if version is not None and elsewhere:
        raise SchedulerError(f"{called[1]} is for a module in a registry, which {source!r} is not")


def _known(_: object, __: _records.Field, value: Any) -> None:
    if value not in ("barriers", "exact", "auto"):
        raise SchedulerError(f"the joins of AWS.StepFunctions are 'barriers', 'exact' or 'auto', not {value!r}")


def _is(*kinds: type) -> Callable[[Any, _records.Field, Any], None]:
    """A validator: a value is of one of some types."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)

    def validate(_: object, attribute: _records.Field, value: Any) -> None:
        if not isinstance(value, kinds):
            raise SchedulerError(
                f"the {attribute.argument} of AWS.StepFunctions must be of type {wanted}, not {value!r}"
            )

    return validate


@_records.define(eq=False)
class StepFunctions(Delegated):
    """Runs flows as state machines that Terraform deployed from what ``laminar-codegen`` compiled.

    Args:
        deployment: The name that the flow is deployed under, Terraform's ``name`` variable: what `variables` say, what
            `create` deployed it under, or else the flow's name, unless given.
        directory: The folder that `create` writes the Terraform document into.
        variables: The values of the document's variables, for `create`. What is not among them comes from where
            Terraform finds it, such as ``terraform.tfvars``.
        apply: Whether `create` applies what it planned.
        joins: What the compiler does where dependencies are not nested: it puts ``barriers`` in, at which layers wait
            for more than they depend on; or has branches wait for each other, ``exact``, which takes more states; or,
            ``auto``, that where a profile shows that barriers cost 2 % and more.
        profile: The file that tells the compiler how long layers take; ``laminar-codegen measure`` writes it.
        schedule: When the deployed flow is started by itself, as Amazon EventBridge Scheduler takes it:
            ``cron(0 6 * * ? *)`` or ``rate(1 hour)``; only when it is asked to, unless given.
            https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        timezone: The time zone of `schedule`, by its IANA name, such as ``Europe/Berlin``.
        module: The Terraform module ``flow``, or one of your own like it, that the document calls for what deployments
            share, such as roles and alarms: a path from `directory`, or another address that Terraform knows. The
            document declares these itself, unless given.
        module_version: The versions of a module in a registry that do, such as ``~> 1.0``.

    Raises:
        SchedulerError: If one of them is of another type, or there can be no such module.

    Example:
        >>> from laminar_runtime import Flow
        >>> class Report(Flow): ...
        >>> flow = Report(scheduler=StepFunctions())
        >>> execution = flow(day="2026-01-01")  # doctest: +SKIP
        >>> execution.wait().layer("Publish").url  # doctest: +SKIP
    """

    deployment: str | None = _records.field(default=None, validator=_is(str, type(None)))
    directory: str | Path = _records.field(default="terraform", kw_only=True, validator=_is(str, PathLike))
    variables: Mapping[str, Any] = _records.field(factory=dict, kw_only=True, validator=_is(Mapping))
    apply: bool = _records.field(default=False, kw_only=True, validator=_is(bool))
    joins: Literal["barriers", "exact", "auto"] = _records.field(default="barriers", kw_only=True, validator=_known)
    profile: str | Path | None = _records.field(default=None, kw_only=True, validator=_is(str, PathLike, type(None)))
    # Each scheduler has a method `schedule`: the argument of that name is kept under another one.
    started_by: str | None = _records.field(
        default=None, kw_only=True, alias="schedule", validator=_is(str, type(None))
    )
    timezone: str = _records.field(default="UTC", kw_only=True, validator=_is(str))
    module: str | None = _records.field(default=None, kw_only=True, validator=_is(str, type(None)))
    module_version: str | None = _records.field(default=None, kw_only=True, validator=_is(str, type(None)))
    _compiled: str | None = _records.field(default=None, init=False, repr=False)
    _found: dict[str, Deployment] = _records.field(factory=dict, init=False, repr=False)
    _created: dict[str, str] = _records.field(factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.module is not None:
            called = ("the module of AWS.StepFunctions", "the module_version of AWS.StepFunctions")
            check_module(self.module, self.module_version, called)
        elif self.module_version is not None:
            raise SchedulerError("the module_version of AWS.StepFunctions needs a module")

    @property
    def _named(self) -> str | None:
        """The name that the deployment was given here."""
        return self.deployment or self.variables.get("name")

    def _name_of(self, flow: str) -> str:
        """The name of a flow's deployment."""
        return self._named or self._created.get(flow, flow)

    def find(self, flow: str) -> Deployment:
        """The flow's deployment.

        Args:
            flow: The flow's name.

        Raises:
            DeploymentError: If there is none in this account and region.
        """
        name = self._name_of(flow)
        if name not in self._found:
            self._found[name] = Deployment.find(name)
        return self._found[name]

    def datastore(self, *, flow: Flow) -> datastores.DataStore:
        """Where the deployment keeps artifacts."""
        return datastores.from_root(self.find(flow.name).datastore_root, flow.configuration.datastore)

    def run(self, *, execution: Execution) -> None:
        """Start an execution, or have one go on that failed, and return.

        Args:
            execution: The execution. Started twice under one id it runs once.

        Raises:
            DeploymentError: If it cannot be started.
            ExecutionError: If it cannot be resumed.
        """
        deployment, name = self.find(execution.flow_name), execution.key("").execution
        if execution.retry:
            deployment.resume(name)
        else:
            deployment.start(name)

    def runs_next(self, *, execution: Execution, flow: Flow) -> bool:
        """Whether the deployment of an execution's flow is one of a chain in which another flow follows.

        Args:
            execution: The execution.
            flow: The flow that is to follow. If it is scheduled by Step Functions too, it is of this deployment.
        """
        deployment = self.find(execution.flow_name)
        if flow.name not in deployment.flows:
            return False
        scheduler = flow.configuration.scheduler
        if isinstance(scheduler, StepFunctions):
            scheduler._found[scheduler._name_of(flow.name)] = deployment  # noqa: SLF001 - one of its own kind
        return True

    def wait_for(self, *, execution: Execution, timeout: float | None) -> None:
        """Wait until an execution ended.

        Args:
            execution: The execution.
            timeout: Seconds to wait at most; without end if None.

        Raises:
            ExecutionError: If it failed, or has not ended in time.
        """
        self.find(execution.flow_name).wait(execution.key("").execution, timeout=timeout)

    def compile(self, *, execution: Execution) -> dict[str, Any]:
        """Compile the flow, as what this scheduler deploys: by its schedule, its joins, its module.

        Flows that follow it are not compiled with it: the command does that.

        This and `create` are the one place where the runtime imports the compiler: they need the ``codegen`` extra.

        Args:
            execution: An execution of the flow, which need not have been started.

        Returns:
            ``{"flow": name, "plan": tree, "document": Terraform's}``, JSON values all through.

        Raises:
            SchedulerError: If the compiler is not installed.
            CompileError: If the flow cannot be compiled; it tells every reason.
        """
        self._compiled = execution.flow_name
        plain: dict[str, Any] = _compiler().compile_plain(execution.flow, self)
        return plain

    def create(self, *, ir: dict[str, Any]) -> None:
        """Write the compiled document into `directory`, and have Terraform initialise it and show what it plans.

        With ``apply=True`` the plan is applied. Terraform is the user's own: its state, providers and variables are
        those of the folder. What it prints is printed on.

        Args:
            ir: What `compile` gave.

        Raises:
            SchedulerError: If the compiler is not installed.
            TerraformFailedError: If Terraform is missing or fails; it tells what Terraform said.
        """
        from pathlib import Path

        name = {"name": self.deployment} if self.deployment else {}
        made = _compiler().create(ir, Path(self.directory), variables={**self.variables, **name}, apply=self.apply)
        if made is not None:
            self._created[ir["flow"]] = made
        # It may have been deployed elsewhere before.
        self._found.clear()

    def invoke(self) -> None:
        """Start an execution, without parameters, of the flow that is deployed.

        Raises:
            SchedulerError: If it is not known which that is, or a module is imported meanwhile.
            DeploymentError: If it is not deployed, or cannot be started.
        """
        if loading.active() is not None or claims.requested():
            return  # the file is read, or run for a task, as where a flow is called
        if module := importing.module(sys._getframe(1)):  # noqa: SLF001 - what runs this
            raise SchedulerError(
                f"invoke() is called while the module '{module}' is imported, and an import starts nothing: call it "
                'behind if __name__ == "__main__", or in a function'
            )
        name = self._named or self._compiled
        if name is None:
            msg = "which flow is meant? Name its deployment, as in AWS.StepFunctions(deployment=...), or call the flow"
            raise SchedulerError(msg)
        self.find(name).start(new_execution_id())


def _compiler() -> ModuleType:
    try:
        from laminar_codegen import api
    except ImportError as error:
        msg = f"the compiler is not installed ({error}): install laminar-terraform[codegen]"
        raise SchedulerError(msg) from error
    return api
