"""The AWS Step Functions scheduler: this process only starts an execution, and may wait for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from laminar_runtime import _records, stored_parameters
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.networks import Network, check_network
from laminar_runtime.configurations.operations import Alarms, Flag, Logs, Notifications
from laminar_runtime.configurations.schedulers.delegated import Delegated
from laminar_runtime.configurations.triggers import Schedule, Trigger
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import SchedulerError
from laminar_runtime.identifiers import LONGEST_DEPLOYED, check_execution_id
from laminar_runtime.programs import importing, loading
from laminar_runtime.tasks import claims
from laminar_runtime.variables import Text, Variable

if TYPE_CHECKING:
    from pathlib import Path

    from laminar_runtime.configurations.planners import Planner
    from laminar_runtime.deployed.execution import DeployedExecution
    from laminar_runtime.execution import Execution
    from laminar_runtime.failures.record import Failures
    from laminar_runtime.flow import Flow

__all__ = ["StepFunctions", "check_module"]


def check_module(source: str, version: str | None, called: tuple[str, str]) -> None:
    """Check the source and the version of a Terraform module.

    https://developer.hashicorp.com/terraform/language/block/module#source

    Args:
        source: The source address of the module.
        version: The version constraint of the module.
        called: The names of the two arguments, for messages.

    Raises:
        SchedulerError: If Terraform cannot use them.
    """
    # Terraform does not evaluate them, so they cannot contain a template.
    for name, text in zip(called, (source, "-" if version is None else version), strict=True):
        if not text.strip() or "${" in text or "%{" in text or not text.isprintable():
            raise SchedulerError(f"{name} must be one line of plain text without ${{ and %{{, not {text!r}")
    elsewhere = source.startswith(("./", "../", "/")) or "::" in source or "://" in source
    if version is not None and elsewhere:
        raise SchedulerError(f"{called[1]} needs a module of a registry, but {source!r} is not in one: remove it")


def _check_joins(_: object, __: _records.Field, value: Any) -> None:
    if value not in ("barriers", "exact", "auto"):
        raise SchedulerError(f"the joins of AWS.StepFunctions must be 'barriers', 'exact' or 'auto', not {value!r}")


def _check_pack(_: object, __: _records.Field, value: Any) -> None:
    if value not in ("off", "chains", "auto"):
        raise SchedulerError(f"the pack of AWS.StepFunctions must be 'off', 'chains' or 'auto', not {value!r}")


def _is(*kinds: type) -> Callable[[Any, _records.Field, Any], None]:
    """Return a validator of a value's type."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)

    def validate(_: object, attribute: _records.Field, value: Any) -> None:
        if not isinstance(value, kinds):
            raise SchedulerError(
                f"the {attribute.argument} of AWS.StepFunctions must be of type {wanted}, not {value!r}"
            )

    return validate


def _check_overlap(_: object, __: _records.Field, value: Any) -> None:
    if value not in ("allow", "skip", "queue"):
        raise SchedulerError(f"the overlap of AWS.StepFunctions must be 'allow', 'skip' or 'queue', not {value!r}")


def _check_triggers(_: object, __: _records.Field, value: Any) -> None:
    if not (isinstance(value, (list, tuple)) and all(isinstance(one, Trigger) for one in value)):
        raise SchedulerError(f"the triggers of AWS.StepFunctions must be a list of triggers, not {value!r}")


def _check_planner(_: object, __: _records.Field, value: Any) -> None:
    # Imported here, because few programs configure one.
    from laminar_runtime.configurations.planners import Planner

    if value is not None and not isinstance(value, Planner):
        raise SchedulerError(
            "the planner of AWS.StepFunctions must be one of laminar_runtime.configurations.planners, such as "
            f"planners.AWS.Lambda(), not {value!r}"
        )


@_records.define(eq=False)
class StepFunctions(Delegated):
    """Runs flows as AWS Step Functions state machines, which Terraform deploys. ``laminar-codegen`` compiles them.

    Args:
        deployment: The name of the deployment, which is Terraform's variable ``name``. By default it is the ``name`` in
            `variables`, the name that `create` used, or the flow's name.
        directory: The folder for the Terraform configuration that `create` writes.
        variables: Values of the Terraform variables, for `create`. Terraform reads other variables as usual, for
            example from ``terraform.tfvars``.
        apply: Whether `create` applies the plan.
        terraform: The command that `create` runs: ``terraform``, on the PATH or with a path, or ``tofu`` for OpenTofu.
        joins: How the compiler handles dependencies that are not series-parallel. With ``barriers`` some layers wait
            for more layers than they depend on. With ``exact`` branches wait for each other through the datastore,
            which needs more states. With ``auto`` it is ``exact`` if, by a profile, barriers cost 2 % or more.
        pack: Which layers share jobs of AWS Batch, so that fewer start up. With ``chains`` layers of equal containers
            do, of which each waits for the one before it only. With ``auto`` those of the plan that is the fastest,
            and then the cheapest, by a profile.
        profile: The file with the measured durations of layers, which ``laminar-codegen measure`` writes. A relative
            path goes from the folder of the flow's file.
        schedule: The schedule that starts the deployed flow, as an expression of Amazon EventBridge Scheduler:
            ``cron(0 6 * * ? *)``, ``rate(1 hour)`` or ``at(2026-12-24T18:00:00)``. By default the flow has no schedule.
            https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        timezone: The time zone of `schedule`, by its IANA name, for example ``Europe/Berlin``.
        triggers: What starts the deployed flow without a caller: see `laminar_runtime.configurations.triggers`. The
            argument `schedule` is the short form of one `Schedule`.
        overlap: The behaviour of an execution of the deployed flow while another one runs. With ``allow`` both run.
            With ``skip`` the new one ends at once, without results. With ``queue`` it waits until all before it have
            ended.
        logs: The log of the state machines. By default it has failures, with the input and output of states.
        tracing: Whether AWS X-Ray traces executions and functions.
        role_path: The path of the roles, such as ``/teams/reports/``. By default it is ``/``. To change it replaces the
            roles.
        alarms: What the alarms do besides their default.
        notifications: What is reported of executions that failed, timed out or were aborted. By default only the alarms
            say so.
        dashboard: Whether CloudWatch has a dashboard of the deployment, and saved queries of its logs.
        planner: Where the planner of the deployed flow runs, and its settings: see
            `laminar_runtime.configurations.planners`. By default it is a Lambda function.
        network: The subnets and security groups of all Lambda functions of the deployed flow, the planner and those of
            layers, unless they have a network of their own. By default they are in no VPC.
        module: The source of the Terraform module ``flow``, or of a similar module, with the resources that deployments
            share, for example roles and alarms: a path relative to `directory`, or another address. By default the
            Terraform configuration declares these resources itself.
        module_version: The version constraint of a module in a registry, for example ``~> 1.0``.

    Raises:
        SchedulerError: If an argument has a wrong type or value.

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
    terraform: str | Path = _records.field(default="terraform", kw_only=True, validator=_is(str, PathLike))
    joins: Literal["barriers", "exact", "auto"] = _records.field(
        default="barriers", kw_only=True, validator=_check_joins
    )
    pack: Literal["off", "chains", "auto"] = _records.field(default="off", kw_only=True, validator=_check_pack)
    profile: str | Path | None = _records.field(default=None, kw_only=True, validator=_is(str, PathLike, type(None)))
    # Each scheduler has a method `schedule`, so the argument with this name has a field with another name.
    started_by: Text | None = _records.field(
        default=None, kw_only=True, alias="schedule", validator=_is(str, Variable, type(None))
    )
    timezone: Text = _records.field(default="UTC", kw_only=True, validator=_is(str, Variable))
    triggers: Sequence[Trigger] = _records.field(default=(), kw_only=True, validator=_check_triggers)
    overlap: Literal["allow", "skip", "queue"] = _records.field(default="allow", kw_only=True, validator=_check_overlap)
    logs: Logs = _records.field(default=Logs(), kw_only=True, validator=_is(Logs))
    tracing: Flag = _records.field(default=True, kw_only=True, validator=_is(bool, Variable))
    role_path: Text | None = _records.field(default=None, kw_only=True, validator=_is(str, Variable, type(None)))
    alarms: Alarms = _records.field(default=Alarms(), kw_only=True, validator=_is(Alarms))
    notifications: Notifications | None = _records.field(
        default=None, kw_only=True, validator=_is(Notifications, type(None))
    )
    dashboard: bool = _records.field(default=False, kw_only=True, validator=_is(bool))
    planner: Planner | None = _records.field(default=None, kw_only=True, validator=_check_planner)
    network: Network | None = _records.field(default=None, kw_only=True, validator=check_network)
    module: str | None = _records.field(default=None, kw_only=True, validator=_is(str, type(None)))
    module_version: str | None = _records.field(default=None, kw_only=True, validator=_is(str, type(None)))
    _compiled: str | None = _records.field(default=None, init=False, repr=False)
    _found: dict[str, Deployment] = _records.field(factory=dict, init=False, repr=False)
    _created: dict[str, str] = _records.field(factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.started_by is None and self.timezone != "UTC":
            raise SchedulerError(
                f"the timezone {self.timezone!r} of AWS.StepFunctions is that of schedule=, and there is none: give a "
                "trigger its own, as in Schedule('cron(0 6 * * ? *)', timezone='Europe/Berlin')"
            )
        if self.module is not None:
            called = ("the module of AWS.StepFunctions", "the module_version of AWS.StepFunctions")
            check_module(self.module, self.module_version, called)
        elif self.module_version is not None:
            raise SchedulerError("the module_version of AWS.StepFunctions needs a module")

    @classmethod
    def of(cls, deployment: Deployment, flow: str) -> StepFunctions:
        """Return the scheduler of a flow whose deployment was found.

        Args:
            deployment: The deployment.
            flow: The flow's name.
        """
        scheduler = cls(deployment.name)
        scheduler._found[scheduler._name_of(flow)] = deployment
        return scheduler

    @property
    def started_without_caller(self) -> tuple[Trigger, ...]:
        """All triggers, `schedule` first."""
        own = () if self.started_by is None else (Schedule(self.started_by, timezone=self.timezone),)
        return (*own, *self.triggers)

    @property
    def configured_name(self) -> str | None:
        """The configured name of the deployment, None for the flow's name."""
        return self.deployment or self.variables.get("name")

    def _name_of(self, flow: str) -> str:
        """Return the name of a flow's deployment."""
        return self.configured_name or self._created.get(flow, flow)

    def find(self, flow: str) -> Deployment:
        """Return the deployment of a flow.

        Args:
            flow: The flow's name.

        Raises:
            DeploymentError: If this account and region do not have it.
        """
        name = self._name_of(flow)
        if name not in self._found:
            self._found[name] = Deployment.find(name)
        return self._found[name]

    def datastore(self, *, flow: Flow) -> datastores.DataStore:
        """Return the datastore of a flow's deployment.

        Args:
            flow: The flow.

        Raises:
            DeploymentError: If the flow is not deployed.
        """
        return datastores.from_root(self.find(flow.name).datastore_root, flow.configuration.datastore)

    def run(self, *, execution: Execution) -> None:
        """Start an execution, or resume a failed one, and return.

        Args:
            execution: The execution. With the same id it runs only once.

        Raises:
            DeploymentError: If it cannot be started.
            ExecutionError: If it cannot be resumed.
        """
        deployment, name = self.find(execution.flow_name), execution.key("").execution
        if execution.retry:
            deployment.execution(name).resume()
        else:
            self._start(deployment, name, execution)

    def _start(self, deployment: Deployment, name: str, execution: Execution) -> None:
        """Start an execution, and commit its parameters: before that, another start may be the one that counts."""
        from laminar_runtime.deployed import starting

        commit = execution.written
        stored = None if commit is None else stored_parameters.spell(commit)
        check_execution_id(name, longest=LONGEST_DEPLOYED)
        before = starting.start_or_read(deployment, name, starting.Start(stored=stored, tags=execution.tags))
        if before is not None:
            # It has these parameters already, those that it was started with.
            stored_parameters.take(execution, before)
        if commit is not None and not stored_parameters.adopt(execution, commit):
            raise starting.refusal(deployment.name, name)

    def take_parameters(self, *, execution: Execution, parameters: Mapping[str, Any], chosen: bool) -> bool:
        """Write the parameters of a new execution. They become those of the execution when it is started.

        Args:
            execution: The execution.
            parameters: The parameters.
            chosen: Whether the user chose its id, which may have been used before.

        Returns:
            Whether it has no others.
        """
        execution.written = stored_parameters.write(execution, parameters)
        return not (chosen and stored_parameters.differ(execution, execution.written))

    def runs_next(self, *, execution: Execution, flow: Flow) -> bool:
        """Return whether the deployment of an execution's flow is a chain that contains another flow.

        Args:
            execution: The execution.
            flow: The next flow. If Step Functions schedules it, too, it gets this deployment.
        """
        deployment = self.find(execution.flow_name)
        if flow.name not in deployment.flows:
            return False
        scheduler = flow.configuration.scheduler
        if isinstance(scheduler, StepFunctions):
            scheduler._found[scheduler._name_of(flow.name)] = deployment  # noqa: SLF001 - one of its own kind
        return True

    def wait_for(self, *, execution: Execution, timeout: float | None) -> None:
        """Wait for the end of an execution.

        Args:
            execution: The execution.
            timeout: The maximum wait in seconds; None for no limit.

        Raises:
            WaitTimeoutError: If the execution did not end in time.
            ExecutionFailedError: If the execution did not succeed.
        """
        self._handle(execution).wait(timeout=timeout)

    def failures_of(self, *, execution: Execution, most: int, layer: str = "", index: int | None = None) -> Failures:
        """Return why an execution did not succeed.

        Args:
            execution: The execution.
            most: How many failures are read.
            layer: The only layer that is asked for; empty for all.
            index: The only split of each layer that is asked for; None for all.
        """
        return self._handle(execution).failures(most=most, layer=layer, index=index)

    def _handle(self, execution: Execution) -> DeployedExecution:
        handle = self.find(execution.flow_name).execution(execution.key("").execution)
        return _records.evolve(handle, flow=execution.flow)

    def compile(self, *, execution: Execution) -> dict[str, Any]:
        """Compile the flow with the options of this scheduler: its schedule, its joins, its module.

        It compiles a single flow. For a chain of flows use the command ``laminar-codegen``.

        This method and `create` are the only ones of the runtime that import the compiler: they need the extra
        ``codegen``.

        Args:
            execution: An execution of the flow. It need not have started.

        Returns:
            ``{"flow": name, "plan": tree, "document": Terraform configuration}``, as JSON values.

        Raises:
            SchedulerError: If the compiler is not installed.
            CompileError: If the flow cannot be compiled. The message has all problems.
        """
        self._compiled = execution.flow_name
        plain: dict[str, Any] = _compiler().compile_plain(execution.flow, self)
        return plain

    def create(self, *, ir: dict[str, Any]) -> None:
        """Write the Terraform configuration to `directory`, and run ``terraform init`` and ``terraform plan`` there.

        With ``apply=True`` the plan is applied. Terraform uses the state, the providers and the variables of the
        folder. Its output is printed.

        Args:
            ir: The result of `compile`.

        Raises:
            SchedulerError: If the compiler is not installed.
            TerraformFailedError: If Terraform is not installed or fails. The message has Terraform's errors.
        """
        from pathlib import Path

        name = {"name": self.deployment} if self.deployment else {}
        created = _compiler().create(
            ir,
            Path(self.directory),
            variables={**self.variables, **name},
            apply=self.apply,
            executable=str(self.terraform),
        )
        if created is not None:
            self._created[ir["flow"]] = created
        # An earlier deployment may have been another one.
        self._found.clear()

    def invoke(self) -> None:
        """Start an execution of the deployed flow, without parameters.

        Raises:
            SchedulerError: If the name of the deployment is unknown, or a module is being imported.
            DeploymentError: If the flow is not deployed, or cannot be started.
        """
        if loading.active() is not None or claims.is_task_process():
            return  # the compiler or a task runs the file: as with a call of a flow, nothing starts
        if module := importing.module(sys._getframe(1)):  # noqa: SLF001 - the frame of the call
            raise SchedulerError(
                f"invoke() is called while the module '{module}' is imported, but an import starts no flow: call it "
                'under if __name__ == "__main__", or in a function'
            )
        name = self.configured_name or self._compiled
        if name is None:
            msg = (
                "the name of the deployment is unknown: pass it, for example AWS.StepFunctions(deployment=...), "
                "or call the flow"
            )
            raise SchedulerError(msg)
        self.find(name).start()


def _compiler() -> ModuleType:
    try:
        from laminar_codegen import api
    except ImportError as error:
        msg = f"the compiler is not installed ({error}): install laminar-terraform[codegen]"
        raise SchedulerError(msg) from error
    return api
