"""Datastores: artifacts on this machine, in this process, or in Amazon S3.

Example:
    >>> from laminar_runtime.configurations import datastores
    >>> datastores.AWS.S3(root="s3://bucket/prefix").root
    's3://bucket/prefix'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.local import Local
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Record

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores.accessor import Accessor
    from laminar_runtime.configurations.datastores.memory import Memory
    from laminar_runtime.configurations.datastores.s3 import AWS

__all__ = ["AWS", "Accessor", "Archive", "Artifact", "DataStore", "Local", "Memory", "Record", "from_root"]

#: The classes that are loaded on use, with their modules.
_ON_USE = {"AWS": "s3", "Accessor": "accessor", "Memory": "memory", "S3": "s3"}


def __getattr__(name: str) -> Any:
    """Load what most tasks do not need."""
    module = _ON_USE.get(name)
    if module is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return found


def from_root(root: str, like: DataStore) -> DataStore:
    """Return the datastore at a root, with the options of another one.

    In a task, the environment says where the datastore is, and the flow says which protocols it has.

    Args:
        root: ``s3://bucket/prefix``, or a folder.
        like: The flow's datastore, which is returned itself if it has that root.

    Returns:
        The datastore.

    Example:
        >>> from_root("s3://bucket/flows", Memory()).root
        's3://bucket/flows'
    """
    if like.root == root:
        return like
    store: DataStore
    if root.startswith("s3://"):
        from laminar_runtime.configurations.datastores.s3 import S3

        asked = like if isinstance(like, S3) else S3(root=root)
        store = S3(root=root, pickle=like.pickle, encryption=asked.encryption, kms_key_id=asked.kms_key_id)
    else:
        store = Local(root=root, pickle=like.pickle)
    store.protocols.update(like.protocols)
    return store
