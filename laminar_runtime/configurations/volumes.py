"""Volumes of containers: file systems of Amazon EFS, and folders of the instances that run jobs.

A deployed task finds a volume at its mount point. A process of this machine has no mount points, so each volume has a
folder here, and code finds both by one name, `Volume.path`::

    python train.py --volume models=~/models      the folder of the volume `models`
    LAMINAR_VOLUME_models=/home/me/models         the same, by the environment
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations import volume_folders
from laminar_runtime.configurations.validators import article, is_of
from laminar_runtime.exceptions import LayerError
from laminar_runtime.variables import Text, Variable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ACCESS_POINT", "EFS", "FILE_SYSTEM", "Host", "Volume"]

#: What names a file system and an access point: the id, or the ARN; patterns for Python and for Terraform.
#: https://docs.aws.amazon.com/efs/latest/ug/API_DescribeFileSystems.html
_ARN = "(arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:[0-9]{12}:"
FILE_SYSTEM = f"{_ARN}file-system/)?fs-[0-9a-f]{{8,40}}"
ACCESS_POINT = f"{_ARN}access-point/)?fsap-[0-9a-f]{{8,40}}"
#: The length of a name, and of the root directory of a file system:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_EFSVolumeConfiguration.html
_NAME_LENGTH, _ROOT_LENGTH = 255, 4096


def _folder(path: Any) -> Any:
    return path.rstrip("/") or "/" if isinstance(path, str) else path


def _check_folder(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value is an absolute path of a folder, as AWS Batch and Docker accept it.

    What a volume is may differ between environments. Where tasks find it may not: rules compare mount points.

    Raises:
        LayerError: If it is not.
    """
    if (value is None and attribute.name == "root") or (isinstance(value, Variable) and attribute.name != "mount"):
        return
    parts = value.split("/")[1:] if isinstance(value, str) else []
    plain = value == "/" or (parts and {"", ".", ".."}.isdisjoint(parts) and value.startswith("/"))
    if not plain or not value.isprintable() or {",", ":", "\\", '"'} & {*value} or len(value) > _ROOT_LENGTH:
        msg = (
            f"the {attribute.name} of {article(instance)} {type(instance).__name__} must be an absolute folder such as "
            f"'/mnt/models', without '..', commas, colons and quotes, not {value!r}"
        )
        if isinstance(value, Variable):
            msg += ": rules compare mount points, so they are the same in all environments"
        raise LayerError(msg)


def _check_name(instance: object, _: _records.Field, value: Any) -> None:
    if not (isinstance(value, str) and re.fullmatch(volume_folders.NAME, value) and len(value) <= _NAME_LENGTH):
        msg = (
            f"{article(instance)} {type(instance).__name__} cannot have the name {value!r}: use letters, digits and "
            "underscores, and begin with a letter"
        )
        raise LayerError(msg)


def _names(pattern: str, example: str) -> Callable[[object, _records.Field, Any], None]:
    """Return a validator of the id or the ARN of a resource of Amazon EFS, or a variable of it."""

    def validate(_: object, attribute: _records.Field, value: Any) -> None:
        if isinstance(value, Variable) or (value is None and attribute.name == "access_point"):
            return
        if not (isinstance(value, str) and re.fullmatch(pattern, value)):
            what = attribute.name.replace("_", " ")
            raise LayerError(f"the {what} of an EFS must be its id such as {example!r}, or its ARN, not {value!r}")

    return validate


@_records.frozen(kw_only=True)
class Volume:
    """Base of the volumes of a container: `EFS` and `Host`.

    Args:
        mount: The mount point: an absolute folder in the container.
        name: Its name, of letters, digits and underscores. The default is the last part of the mount point.
        read_only: Whether tasks may only read it. Processes of this machine may write, whatever it is.
    """

    mount: str = _records.field(converter=_folder, validator=_check_folder)
    name: str = _records.field(default="", validator=_check_name)
    read_only: bool = _records.field(default=False, validator=is_of(bool))

    def __post_init__(self) -> None:
        if not self.name:
            last = re.sub("[^A-Za-z0-9_]", "_", self.mount.rpartition("/")[2])
            self.__dict__["name"] = last if re.fullmatch(volume_folders.NAME, last) else f"volume_{last}"

    @property
    def path(self) -> Path:
        """The folder of the volume for code of a layer: the mount point, or the folder of this machine.

        Raises:
            LayerError: If the container of the task does not have the volume.
            FlowError: If the command line gives it a folder that does not exist.
        """
        from pathlib import Path

        if not (task_environment.on_aws(os.environ) or task_environment.TaskContext.parse(os.environ)):
            return Path(volume_folders.folder_of(self.name))
        found = os.environ.get(volume_folders.variable_of(self.name))
        if found is None:
            msg = (
                f"this task does not mount the volume '{self.name}': add it to the container of its layer, "
                "Container(volumes=[...]). Hooks of deployed layers have no volumes, and functions of AWS Lambda "
                "only one of their own, in a VPC and by an access point"
            )
            raise LayerError(msg)
        return Path(found)


@_records.frozen
class EFS(Volume):
    """A file system of Amazon EFS, which tasks share: with each other, with other flows, and with later executions.

    Connections are encrypted. With an access point, the role of the tasks must be allowed to mount it; the role of the
    deployment is. The job queue's subnets need a mount target of the file system, and its security groups must let NFS
    (port 2049) through. https://docs.aws.amazon.com/batch/latest/userguide/efs-volumes.html

    Args:
        file_system: The file system, of the account and region of the deployment: its id such as
            ``fs-0123456789abcdef0``, its ARN, or a `Variable` of either.
        mount: The mount point: an absolute folder in the container.
        access_point: An access point of the file system, in one of these forms. It has a folder and a user of its own.
        root: The folder of the file system to mount, or a `Variable` of it, whose value ``/`` is the root. The default
            is the root, or the folder of the access point.
        transit_encryption: Whether connections are encrypted. Access points and IAM need it.
        iam: Whether the file system asks IAM what the role of the tasks may do. The default is to ask with an access
            point.
        read_only: Whether tasks may only read it. Processes of this machine may write, whatever it is.
        name: Its name, of letters, digits and underscores, for ``--volume NAME=DIR``. The default is the last part of
            the mount point.

    Raises:
        LayerError: If an argument is not valid, or two of them exclude each other.

    Example:
        >>> models = EFS("fs-0123456789abcdef0", mount="/mnt/models", access_point="fsap-0123456789abcdef0")
        >>> models.name, models.iam
        ('models', True)
    """

    file_system: Text = _records.field(validator=_names(FILE_SYSTEM, "fs-0123456789abcdef0"))
    mount: str = _records.field(converter=_folder, validator=_check_folder)
    access_point: Text | None = _records.field(
        default=None, validator=_names(ACCESS_POINT, "fsap-0123456789abcdef0"), kw_only=True
    )
    root: Text | None = _records.field(default=None, converter=_folder, validator=_check_folder, kw_only=True)
    transit_encryption: bool = _records.field(default=True, validator=is_of(bool), kw_only=True)
    iam: bool | None = _records.field(default=None, validator=is_of(bool, type(None)), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        pointed = self.access_point is not None
        # Both are the root: https://docs.aws.amazon.com/batch/latest/APIReference/API_EFSVolumeConfiguration.html
        self.__dict__["root"] = None if self.root == "/" else self.root
        self.__dict__["iam"] = pointed if self.iam is None else self.iam
        if pointed and self.root is not None:
            msg = (
                f"the EFS '{self.name}' has an access point and the root {self.root!r}: leave root out, because an "
                "access point has a folder of its own"
            )
            raise LayerError(msg)
        if not self.transit_encryption and (pointed or self.iam):
            why = "an access point" if pointed else "IAM authorization"
            msg = f"the EFS '{self.name}' has {why}, which needs encryption in transit: leave transit_encryption out"
            raise LayerError(msg)


@_records.frozen
class Host(Volume):
    """A folder of the instance that runs the job: it is shared by the jobs of that instance. Only EC2 has it.

    Args:
        source: The folder of the instance, or a `Variable` of it. Docker makes it if it is missing.
        mount: The mount point: an absolute folder in the container.
        read_only: Whether tasks may only read it. Processes of this machine may write, whatever it is.
        name: Its name, of letters, digits and underscores, for ``--volume NAME=DIR``. The default is the last part of
            the mount point.

    Raises:
        LayerError: If an argument is not valid.

    Example:
        >>> Host("/mnt/disk", mount="/scratch").name
        'scratch'
    """

    source: Text = _records.field(converter=_folder, validator=_check_folder)
    mount: str = _records.field(converter=_folder, validator=_check_folder)
