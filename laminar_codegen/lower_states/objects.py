"""The states that write, read and list what an execution leaves in the datastore besides artifacts.

The input that it was started with, and the marks and tokens of exact joins, are notes on the execution: see
`laminar_runtime.storage`. The records of its layers are such notes too: tasks and the planner write them, no state
does.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from laminar_codegen.ir.asl import EXECUTION, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.state_names import INPUT
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import input_key

__all__ = ["EXECUTION_ID", "Objects", "inserted"]


def inserted(expression: str) -> str:
    """Return a part of a key that is a JSONata expression: it ends the text before it, and begins that behind it.

    Args:
        expression: The expression.

    Example:
        >>> f"'Report/{inserted('$id')}/input'"
        "'Report/' & $id & '/input'"
    """
    return f"' & {expression} & '"


#: The id of the execution, as a part of a key.
EXECUTION_ID = inserted(f"$substringBefore({EXECUTION}, '{RESUMED}')")
_BUCKET = Ref("local.datastore_bucket")


@attrs.frozen(eq=False, repr=False)
class Objects:
    """Makes the states. Their keys come from `laminar_runtime.storage.layout`, with `inserted` expressions as parts.

    Args:
        flow: The flow's name.
        encryption: What each write asks of S3, as the flow's own datastore does.
    """

    flow: str
    encryption: Encryption = NO_ENCRYPTION

    def parameters(self, after: str) -> Task:
        """Return the state that keeps the input of an execution, from which tasks take the flow's parameters.

        Args:
            after: The state that follows.
        """
        comment = "Keeps the input, from which tasks take the parameters of the flow"
        body = Expression("$states.context.Execution.Input")
        return self.put(INPUT, comment, input_key(self.flow, EXECUTION_ID), body, after)

    def put(self, name: str, comment: str, key: str, body: Value, after: str) -> Task:
        """Return a state that writes an object.

        Args:
            name: The state's name.
            comment: What it is for.
            key: The key, in which each expression is `inserted`.
            body: What is written.
            after: The state that follows.
        """
        return Task(
            name=name,
            comment=comment,
            integration="aws-sdk:s3:putObject",
            arguments={
                "Bucket": _BUCKET,
                "Key": _key(key),
                "Body": body,
                **self.encryption.state_arguments(),
            },
            next=after,
        )

    def get(self, name: str, comment: str, key: str, output: Mapping[str, Value], after: str) -> Task:
        """Return a state that reads an object.

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
            arguments={"Bucket": _BUCKET, "Key": _key(key)},
            output=output,
            next=after,
        )

    def list(self, name: str, comment: str, prefix: str, output: Mapping[str, Value], after: str) -> Task:
        """Return a state that lists objects.

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
            arguments={"Bucket": _BUCKET, "Prefix": _key(prefix)},
            output=output,
            next=after,
        )


def _key(key: str) -> Expression:
    """Return the expression of a key, of which each part but the inserted ones is in quotes."""
    return Expression("'", Ref("local.datastore_prefix"), f"{key}'")
