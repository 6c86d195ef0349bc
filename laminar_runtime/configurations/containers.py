"""The container of a layer, and its meaning on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from laminar_runtime import _records
from laminar_runtime.configurations import container_texts, linux
from laminar_runtime.configurations.validators import GREATEST, is_of, one_of
from laminar_runtime.exceptions import LayerError
from laminar_runtime.variables import Text, text_of, texts_of

if TYPE_CHECKING:
    from laminar_runtime.configurations.volumes import Volume

__all__ = [
    "DEFAULT_COMMAND",
    "DEFAULT_WORKDIR",
    "JOB_TAGS",
    "NOT_IN_TAGS",
    "OF_CONTAINERS",
    "Architecture",
    "Container",
    "docker_options",
    "job_tags",
    "local_variables",
    "refine",
    "volume_variables",
]

Architecture = Literal["x86_64", "arm64"]

#: The default command of a container. The image holds the flow's file under this name.
DEFAULT_COMMAND = "python main.py"
#: The default working directory of a container.
DEFAULT_WORKDIR = "/laminar"


def _folder(path: Any) -> Any:
    return path.rstrip("/") or "/" if isinstance(path, str) else path


def _copy(mapping: Any) -> Any:
    """Return a copy of a mapping, so that two containers never share one."""
    return dict(mapping) if isinstance(mapping, Mapping) else mapping


#: The tags that each job has: its flow, its layer and its execution.
JOB_TAGS = tuple(f"{container_texts.TAG_PREFIX}{name}" for name in ("flow", "layer", "execution"))
#: The letters of the id of an execution that its tag does not have; a pattern for Python and for JSONata, whose regular
#: expressions know no letters but these: https://docs.aws.amazon.com/batch/latest/APIReference/API_TagResource.html
NOT_IN_TAGS = r"[^A-Za-z0-9 _.:\/=+@-]"

#: The maps of a container that a layer adds to, instead of replacing that of its flow.
_MERGED = frozenset({"environment", "log_options", "secrets", "tags"})


#: The fields that only a container has, and a process of this machine does not.
OF_CONTAINERS = frozenset(
    {
        "accelerator",
        "capabilities",
        "devices",
        "efa",
        "init",
        "privileged",
        "properties",
        "read_only_root",
        "registry_credentials",
        "shared_memory",
        "swap",
        "tmpfs",
        "ulimits",
        "user",
    }
)


def _check_volumes(_: object, __: _records.Field, value: Any) -> None:
    """Validate that a value is a list of volumes.

    Raises:
        LayerError: If it is not.
    """
    from laminar_runtime.configurations.volumes import Volume

    if not isinstance(value, tuple) or not all(isinstance(item, Volume) for item in value):
        msg = f"the volumes of a Container must be a list such as [EFS('fs-...', mount='/mnt/data')], not {value!r}"
        raise LayerError(msg)


@_records.define(notes_given=True)
class Container:
    """The container that a layer's tasks run in.

    The arguments from `gpu` to `log_options` apply to deployed flows only. On this machine a task uses the machine's
    processors and disk, its output is printed, and it reads the variables of `secrets` from the environment of the
    launching process.

    Args:
        command: The command that starts a task. Words are split as in a shell, but no shell runs it. If the task runs
            on this machine without a container, ``python`` is the running interpreter and ``main.py`` the flow's file.
        cpu: Virtual CPUs, a whole number or a fraction, for example 0.25.
        image: The image, or a `Variable` of it. The default is the image of the deployment.
        memory: Memory in MiB.
        workdir: The working directory in the image.
        gpu: The number of GPUs. Only AWS Batch on EC2 has GPUs: ``executors.AWS.Batch(platform="EC2")``.
        spot: Whether to use spot capacity. It is cheaper, but AWS may reclaim it at any time. AWS Batch then runs the
            task again, up to ten times in total. These attempts do not count for the layer's `Retry`, with one
            exception: for a fan-out with a `Retry` of more than one attempt, AWS Batch counts both together, and
            makes at most ten attempts.
        architecture: The processor architecture of the image. On EC2 the instances of the job queue must have it.
        secrets: Environment variables, each with the ARN of the Secrets Manager secret or the SSM parameter that holds
            its value, or with its name in the account and region of the deployment: ``secretsmanager:NAME`` or
            ``ssm:NAME``. A key of its JSON and a version may follow as in an ARN:
            ``secretsmanager:report/database:password::``. A `Variable` may stand for any of these. The execution role
            of the tasks may read only these. If a customer managed KMS key encrypts a secret, allow this role to
            decrypt with the key.
        ephemeral_storage: Disk in GiB: 21 to 200 on Fargate, whose default is 20, and 1 to 10 on Lambda. On EC2 the
            disks of the instances decide.
        log_driver: The driver of the output: ``awslogs`` (CloudWatch Logs) or ``splunk``. On EC2 also ``fluentd``,
            ``gelf``, ``journald``, ``json-file``, ``logentries`` or ``syslog``.
        log_options: Options of the log driver, or a `Variable` of one. A value may be a secret, as for
            ``splunk-token``. It is then given and read in the same way as `secrets`.
        environment: Environment variables of the task, and of the function that plans the layer. Each value is a text
            or a `Variable`. The names that begin with ``AWS_BATCH`` or ``LAMINAR_`` are reserved. The values are in
            the document and in the state of Terraform: use `secrets` for what must not be there. Tasks in threads have
            no variables of their own.
        shared_memory: The size of ``/dev/shm`` in MiB.
        tmpfs: File systems in memory: folders, each with its size in MiB.
        swap: Swap space in MiB. The instances must have swap enabled.
        ulimits: Limits of resources, each a number or a pair of the soft and the hard limit: ``{"nofile": 65536}``.
        devices: Devices of the instance, in the notation of Docker: ``"/dev/fuse"``, ``"/dev/a:/dev/b:rw"``.
        init: Whether a process for signals and ended child processes runs first.
        user: The user of the task's processes: a name or a number, and a group after a colon; or a `Variable` of it.
        read_only_root: Whether the file system of the image is read-only.
        privileged: Whether the task has the rights of the root user of the instance.
        capabilities: Capabilities of Linux, such as ``SYS_PTRACE``. Only the Docker executor can add them: AWS Batch
            has no such setting.
        accelerator: ``"neuron"``, or ``"neuron:4"`` for four devices of AWS Trainium or AWS Inferentia.
        efa: The number of Elastic Fabric Adapters.
        registry_credentials: The ARN of the Secrets Manager secret that holds the user and the password of a private
            registry, or a `Variable` of it. The execution role of the tasks may read it.
        properties: Further members of the container of an AWS Batch job definition, as the API spells them. They are
            merged last: maps are merged, lists are concatenated, and other values replace. A `Variable` may stand for
            any text in them, but not for a name.
        tags: Tags of the layer's jobs, for the allocation of costs, besides ``laminar:flow``, ``laminar:layer`` and
            ``laminar:execution``, which all jobs have. Each value is a text or a `Variable`.

    Raises:
        LayerError: If an argument has a wrong type, a secret is no ARN and no name, or a variable is also a secret.

    Example:
        >>> Container(cpu=4, memory=8192).command
        'python main.py'
        >>> Container(secrets={"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}, spot=True).gpu
        0
    """

    command: str = _records.field(default=DEFAULT_COMMAND, validator=is_of(str, empty=True))
    cpu: float = _records.field(default=1, validator=is_of(int, float))
    image: Text | None = _records.field(default=None, validator=container_texts.check_image)
    memory: int = _records.field(default=1500, validator=is_of(int))
    workdir: str = _records.field(default=DEFAULT_WORKDIR, converter=_folder, validator=is_of(str))
    gpu: int = _records.field(default=0, validator=is_of(int, least=0), kw_only=True)
    spot: bool = _records.field(default=False, validator=is_of(bool), kw_only=True)
    architecture: Architecture = _records.field(default="x86_64", validator=one_of("x86_64", "arm64"), kw_only=True)
    secrets: Mapping[str, Text] = _records.field(
        factory=dict, converter=_copy, validator=container_texts.check_secrets, kw_only=True
    )
    ephemeral_storage: int | None = _records.field(
        default=None, validator=is_of(int, type(None), least=1), kw_only=True
    )
    log_driver: str = _records.field(default="awslogs", validator=is_of(str), kw_only=True)
    log_options: Mapping[str, Text] = _records.field(
        factory=dict, converter=_copy, validator=container_texts.check_text_by_name, kw_only=True
    )
    environment: Mapping[str, Text] = _records.field(
        factory=dict, converter=_copy, validator=container_texts.check_environment, kw_only=True
    )
    shared_memory: int | None = _records.field(
        default=None, validator=is_of(int, type(None), least=1, most=GREATEST), kw_only=True
    )
    tmpfs: Mapping[str, int] = _records.field(factory=dict, converter=_copy, validator=linux.check_tmpfs, kw_only=True)
    swap: int | None = _records.field(
        default=None, validator=is_of(int, type(None), least=0, most=GREATEST), kw_only=True
    )
    ulimits: Mapping[str, int | tuple[int, int]] = _records.field(
        factory=dict, converter=linux.pairs_of_limits, validator=linux.check_ulimits, kw_only=True
    )
    devices: Sequence[str] = _records.field(
        default=(), converter=linux.to_tuple, validator=linux.check_devices, kw_only=True
    )
    init: bool = _records.field(default=False, validator=is_of(bool), kw_only=True)
    user: Text | None = _records.field(default=None, validator=container_texts.check_user, kw_only=True)
    read_only_root: bool = _records.field(default=False, validator=is_of(bool), kw_only=True)
    privileged: bool = _records.field(default=False, validator=is_of(bool), kw_only=True)
    capabilities: Sequence[str] = _records.field(
        default=(), converter=linux.to_tuple, validator=linux.check_capabilities, kw_only=True
    )
    accelerator: str | None = _records.field(default=None, validator=linux.check_accelerator, kw_only=True)
    efa: int = _records.field(default=0, validator=is_of(int, least=0), kw_only=True)
    registry_credentials: Text | None = _records.field(
        default=None, validator=container_texts.check_credentials, kw_only=True
    )
    properties: Mapping[str, Any] = _records.field(
        factory=dict, converter=_copy, validator=container_texts.check_properties, kw_only=True
    )
    tags: Mapping[str, Text] = _records.field(
        factory=dict, converter=_copy, validator=container_texts.check_tags, kw_only=True
    )
    volumes: Sequence[Volume] = _records.field(
        default=(), converter=linux.to_tuple, validator=_check_volumes, kw_only=True
    )

    def __post_init__(self) -> None:
        if self.environment and self.secrets and (both := sorted(self.environment.keys() & self.secrets.keys())):
            names = ", ".join(map(repr, both))
            raise LayerError(f"a Container has {names} in its environment and in its secrets: leave one of them out")


def refine(base: Container, container: Container) -> Container:
    """Return the container of a layer of a flow with a container of its own.

    What the layer's container was given wins, even if it is the default of the argument. The maps `environment`,
    `secrets`, `log_options` and `tags` are merged by name. A variable of the one is not a secret of the other.

    Args:
        base: The container of the flow.
        container: The container of the layer.

    Example:
        >>> usual = Container(command="python train.py", memory=4096, environment={"STAGE": "dev"})
        >>> found = refine(usual, Container(memory=1500, environment={"LEVEL": "info"}))
        >>> found.command, found.memory, sorted(found.environment)
        ('python train.py', 1500, ['LEVEL', 'STAGE'])
    """
    found = _records.refine(base, container, _MERGED)
    dropped = container.environment.keys(), container.secrets.keys()
    if found is not container:
        secrets, environment = (
            {name: value for name, value in values.items() if name not in without}
            for values, without in zip((found.secrets, found.environment), dropped, strict=True)
        )
        found = _records.copy(found, secrets=secrets, environment=environment)
    return found


def docker_options(container: Container) -> list[str]:
    """Return the options of ``docker run`` for a container.

    Args:
        container: The container.

    Example:
        >>> docker_options(Container(cpu=0.5, memory=512))
        ['--cpus=0.5', '--memory=512m', '--workdir=/laminar']
        >>> docker_options(Container(user="1000", ulimits={"nofile": 64}))[3:]
        ['--user=1000', '--ulimit=nofile=64:64']
    """
    from laminar_runtime.configurations.volume_folders import folder_of

    sizes = [f"--cpus={container.cpu:g}", f"--memory={container.memory}m", f"--workdir={container.workdir}"]
    devices = (*container.devices, *linux.accelerator_devices(container.accelerator), *linux.efa_devices(container.efa))
    return [
        *sizes,
        *([f"--shm-size={container.shared_memory}m"] if container.shared_memory else []),
        *([f"--memory-swap={container.memory + container.swap}m"] if container.swap is not None else []),
        *([f"--user={text_of(container.user)}"] if container.user else []),
        *(["--read-only"] if container.read_only_root else []),
        *(["--privileged"] if container.privileged else []),
        *(f"--tmpfs={path}:size={size}m" for path, size in container.tmpfs.items()),
        *(f"--ulimit={name}={soft}:{hard}" for name, (soft, hard) in linux.pairs_of_limits(container.ulimits).items()),
        *(f"--device={device}" for device in devices),
        *(f"--cap-add={name}" for name in container.capabilities),
        *(
            f"--mount=type=bind,source={folder_of(volume.name)},target={volume.mount}"
            f"{',readonly' if volume.read_only else ''}"
            for volume in container.volumes
        ),
    ]


def job_tags(flow: str, layer: str, execution: Any, tags: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the tags of a job.

    Args:
        flow: The flow.
        layer: The layer.
        execution: The id of the execution, whose letters that tags do not take become hyphens, or an expression for
            such a text.
        tags: The tags of the container, as pairs.

    Example:
        >>> list(job_tags("Report", "Load", "e1", [("team", "data")]).items())[1:]
        [('laminar:layer', 'Load'), ('laminar:execution', 'e1'), ('team', 'data')]
        >>> job_tags("Report", "Load", "night (1)!", [])["laminar:execution"]
        'night -1--'
    """
    named = re.sub(NOT_IN_TAGS, "-", execution) if isinstance(execution, str) else execution
    return {**dict(zip(JOB_TAGS, (flow, layer, named), strict=True)), **dict(tags)}


def local_variables(container: Container, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the environment of a task on this machine that its container determines.

    Args:
        container: The container.
        environment: The variables of the launching process, which has the values of secrets under their names.

    Raises:
        FlowError: If a variable of the container has no value here.

    Example:
        >>> local_variables(Container(environment={"STAGE": "dev"}), {})
        {'STAGE': 'dev'}
    """
    # Imported here, as most programs do without it.
    from laminar_runtime.failures import redaction

    secrets = {name: environment[name] for name in container.secrets if name in environment}
    return {**texts_of(container.environment), **secrets, **redaction.variable(container.secrets)}


def volume_variables(container: Container, *, mounted: bool = False) -> dict[str, str]:
    """Return the variables of the environment of a task on this machine that hold the folders of its volumes.

    Args:
        container: The container.
        mounted: Whether the task finds its volumes at their mount points.

    Raises:
        FlowError: If the folder that a volume is given does not exist.
    """
    if not container.volumes:
        return {}
    from laminar_runtime.configurations import volume_folders  # few containers have volumes

    return {
        volume_folders.variable_of(one.name): one.mount if mounted else volume_folders.folder_of(one.name)
        for one in container.volumes
    }
