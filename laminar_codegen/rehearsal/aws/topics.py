"""Topics of Amazon SNS: moto keeps them and their messages. A topic that a deployment is given is made on first use.

Topics belong to a platform, as job queues do: a document names them, and declares none.
"""

from __future__ import annotations

from collections.abc import Mapping

from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operation, Operations
from laminar_codegen.rehearsal.aws.signatures import ACCOUNT

__all__ = ["TopicsApi"]


class TopicsApi(Operations):
    """The operation that publishes. All others are moto's.

    Args:
        clients: The clients of the embedded AWS.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.operations: Mapping[str, Operation] = {"Publish": self._publish}

    def _publish(self, asked: Asked) -> Answer | None:
        """Make the topic if it is not there and of this account, and have moto answer."""
        _, _, _, region, account, name = str(asked.parameters.get("TopicArn", ":::::")).split(":", 5)
        if account == ACCOUNT and name:
            # It makes no second one of a name.
            self._clients.get("sns", region).create_topic(Name=name)
        return None
