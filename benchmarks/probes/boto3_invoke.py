"""Starts executions of a state machine, by boto3. Prints ``{"seconds": ...}`` of each but the first."""

from __future__ import annotations

import json
import sys
import time
import uuid

import boto3

_MORE = 10

if __name__ == "__main__":
    client = boto3.client("stepfunctions")

    def start() -> None:
        """Start one."""
        client.start_execution(stateMachineArn=sys.argv[1], name=str(uuid.uuid4()), input="{}")

    start()
    started = time.perf_counter()
    for _ in range(_MORE):
        start()
    print(json.dumps({"seconds": (time.perf_counter() - started) / _MORE}))
