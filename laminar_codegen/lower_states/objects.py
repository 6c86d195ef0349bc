"""The states that write, read and list the notes of an execution in the datastore.

Its input, and the marks and tokens of exact joins, are such notes: see `laminar_runtime.storage`. The records of its
layers are notes too, but tasks and the planner write them, not states.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from laminar_codegen.ir.asl import EXECUTION, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.state_names import INPUT
from laminar_codegen.lower_states.job_tags import tags_of_execution
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import TAGS, input_key

__all__ = ["EXECUTION_ID", "Objects", "insertion"]


def insertion(expression: str) -> str:
    """Return a JSONata expression as a part of a key: it ends the text before it, and begins the text after it.

    Args:
        expression: The expression.

    Example:
        >>> f"'Report/{insertion('$id')}/input'"
        "'Report/' & $id & '/input'"
    """
    return f"' & {expression} & '"


#: The id of the execution, as a part of a key.
EXECUTION_ID = insertion(f"$substringBefore({EXECUTION}, '{RESUMED}')")
_BUCKET = Ref("local.datastore_bucket")


@attrs.frozen(eq=False, repr=False)
class Objects:
    """The states for notes. Their keys come from `laminar_runtime.storage.layout`, with an `insertion` as a part.

    Args:
        flow: The flow's name.
        encryption: The encryption that each write requests from S3, as the flow's own datastore does.
    """

    flow: str
    encryption: Encryption = NO_ENCRYPTION

    def parameters(self, after: str) -> Task:
        """Return the state that stores the input of an execution: tasks read the flow's parameters from it.

        It also assigns the tags of all jobs: it is the first state.

        Args:
            after: The state that follows.
        """
        comment = "Keeps the input, from which tasks take the parameters of the flow"
        body = Expression("$states.context.Execution.Input")
        state = self.put(INPUT, comment, input_key(self.flow, EXECUTION_ID), body, after)
        return attrs.evolve(state, assign={TAGS: Expression(tags_of_execution(self.flow))})

    def put(self, name: str, comment: str, key: str, body: Value, after: str) -> Task:
        """Return a state that writes an object.

        Args:
            name: The state's name.
            comment: Its purpose.
            key: The key, in which each expression is an `insertion`.
            body: The content of the object.
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

    def get(self, name: str, comment: str, key: str, output: Mapping[str, Value] | Expression, after: str) -> Task:
        """Return a state that reads an object.

        Args:
            name: The state's name.
            comment: Its purpose.
            key: The key, as for `put`.
            output: The part of it that is the input of the next state.
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
            comment: Its purpose.
            prefix: The prefix of their keys, as for `put`.
            output: The part of the list that is the input of the next state.
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
    """Return the expression of a key. All its parts except insertions are in quotes."""
    return Expression("'", Ref("local.datastore_prefix"), f"{key}'")
