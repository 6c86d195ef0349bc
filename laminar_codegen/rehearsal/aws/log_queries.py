"""Saved queries of CloudWatch Logs, which moto does not have. They are kept and listed, and not run.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operation, Operations, ServiceError, answer_json

__all__ = ["LogQueries"]


class LogQueries(Operations):
    """The operations on saved queries. All others are moto's."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.operations: Mapping[str, Operation] = {
            "PutQueryDefinition": self._put,
            "DescribeQueryDefinitions": self._describe,
            "DeleteQueryDefinition": self._delete,
        }

    def forget(self) -> None:
        """Forget all queries."""
        with self._lock:
            self._kept.clear()

    def _put(self, asked: Asked) -> Answer:
        given = dict(asked.parameters)
        name = given.pop("queryDefinitionId", None) or str(uuid.uuid4())
        with self._lock:
            self._kept[name] = {**given, "queryDefinitionId": name}
        return answer_json({"queryDefinitionId": name})

    def _describe(self, asked: Asked) -> Answer:
        prefix = asked.parameters.get("queryDefinitionNamePrefix", "")
        with self._lock:
            found = [query for query in self._kept.values() if query["name"].startswith(prefix)]
        return answer_json({"queryDefinitions": sorted(found, key=lambda query: str(query["name"]))})

    def _delete(self, asked: Asked) -> Answer:
        name = asked.parameters["queryDefinitionId"]
        with self._lock:
            found = self._kept.pop(name, None)
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"there is no query {name}")
        return answer_json({"success": True})
