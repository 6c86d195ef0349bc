"""The states that write, read and list what an execution leaves in the datastore besides artifacts.

The input that it was started with, and the marks and tokens of exact joins, are objects of one folder,
``<Flow>/.cache/<execution>/``: see `laminar_runtime.storage`. What says that a layer finished lies there too. Its
tasks and the planner write it, and no state does.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from laminar_codegen.ir.asl import EXECUTION, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import cache_prefix, input_key

__all__ = ["Objects"]

#: The id of the execution.
_ID = f"$substringBefore({EXECUTION}, '{RESUMED}')"
#: Stands for the id where the runtime makes keys.
_HERE = "execution"
_BUCKET = Ref("local.datastore_bucket")


@attrs.frozen
class Objects:
    """Makes the states. Where they are asked for a key, that is what comes behind the execution's folder.

    Args:
        flow: The flow's name.
        encryption: What each write asks of S3, as the flow's own datastore does.
    """

    flow: str
    encryption: Encryption = NO_ENCRYPTION

    def parameters(self, after: str) -> Task:
        """The state that keeps the input of an execution, from which tasks take the flow's parameters.

        Args:
            after: The state that follows.
        """
        comment = "Keeps the input, from which tasks take the parameters of the flow"
        body = Expression("$states.context.Execution.Input")
        return self.put("Parameters", comment, self._behind(input_key(self.flow, _HERE)), body, after)

    def put(self, name: str, comment: str, key: str, body: Value, after: str) -> Task:
        """A state that writes an object.

        Args:
            name: The state's name.
            comment: What it is for.
            key: The key, with JSONata in it between ``' & `` and `` & '``.
            body: What is written.
            after: The state that follows.
        """
        return Task(
            name=name,
            comment=comment,
            integration="aws-sdk:s3:putObject",
            arguments={
                "Bucket": _BUCKET,
                "Key": self._key(key),
                "Body": body,
                **self.encryption.state_arguments(),
            },
            next=after,
        )

    def get(self, name: str, comment: str, key: str, output: Mapping[str, Value], after: str) -> Task:
        """A state that reads an object.

        Args:
            name: The state's name.
            comment: What it is for.
            key: The key, as for `put`.
            output: What the next state gets of it.
            after: The state that follows.
        """
        return Task(
            name=name,
            comment=comment,
            integration="aws-sdk:s3:getObject",
            arguments={"Bucket": _BUCKET, "Key": self._key(key)},
            output=output,
            next=after,
        )

    def list(self, name: str, comment: str, prefix: str, output: Mapping[str, Value], after: str) -> Task:
        """A state that lists objects.

        Args:
            name: The state's name.
            comment: What it is for.
            prefix: What their keys begin with, as for `put`.
            output: What the next state gets of that.
            after: The state that follows.
        """
        return Task(
            name=name,
            comment=comment,
            integration="aws-sdk:s3:listObjectsV2",
            arguments={"Bucket": _BUCKET, "Prefix": self._key(prefix)},
            output=output,
            next=after,
        )

    def _behind(self, key: str) -> str:
        """What comes behind the execution's folder in a key that the runtime knows."""
        return key.removeprefix(cache_prefix(self.flow, _HERE).rstrip("/"))

    def _key(self, key: str) -> Expression:
        return Expression("'", Ref("local.datastore_prefix"), f"{cache_prefix(self.flow)}' & {_ID} & '{key}'")
