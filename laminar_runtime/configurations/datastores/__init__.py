"""Where artifacts are kept: on this machine, in this process, or in Amazon S3.

Example:
    >>> from laminar_runtime.configurations import datastores
    >>> datastores.AWS.S3(root="s3://bucket/prefix").root
    's3://bucket/prefix'
"""

from laminar_runtime.configurations.datastores.accessor import Accessor
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.local import Local
from laminar_runtime.configurations.datastores.memory import Memory
from laminar_runtime.configurations.datastores.s3 import S3
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Record

__all__ = ["AWS", "Accessor", "Archive", "Artifact", "DataStore", "Local", "Memory", "Record", "from_root"]


class AWS:
    """The datastores on AWS."""

    S3 = S3


def from_root(root: str, like: DataStore) -> DataStore:
    """The datastore at a root, with the protocols of another, and its word on pickles.

    A task is told where its datastore is by the environment, and what is registered with it by the flow.

    Args:
        root: ``s3://bucket/prefix``, or a folder.
        like: The flow's datastore: the result has its protocols, and is itself if it has that root already.

    Returns:
        The datastore.
    """
    if like.root == root:
        return like
    store: DataStore
    if root.startswith("s3://"):
        asked = like if isinstance(like, S3) else S3(root=root)
        store = S3(root=root, pickle=like.pickle, encryption=asked.encryption, kms_key_id=asked.kms_key_id)
    else:
        store = Local(root=root, pickle=like.pickle)
    store.protocols.update(like.protocols)
    return store
