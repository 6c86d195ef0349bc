"""Starts executions of a deployed flow, by the scheduler. Prints ``{"seconds": ...}`` of each but the first."""

from __future__ import annotations

import json
import sys
import time

from laminar_runtime.configurations.schedulers import AWS

_MORE = 10

if __name__ == "__main__":
    scheduler = AWS.StepFunctions(deployment=sys.argv[1])
    scheduler.invoke()
    started = time.perf_counter()
    for _ in range(_MORE):
        scheduler.invoke()
    print(json.dumps({"seconds": (time.perf_counter() - started) / _MORE}))
