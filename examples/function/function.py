"""A function of AWS Lambda that starts the deployed digits flow, or says how far an execution is.

Its handler is ``function.handle``. An event is ``{"start": "monday"}`` or ``{"show": "monday"}``. An asynchronous
invocation may be delivered twice: the second one starts nothing, as it has the same id.
"""

import os
from typing import Any

from laminar_runtime import deployed

#: Found at the first invocation of an instance, and kept for those after it.
_found: dict[str, deployed.Deployment] = {}


def handle(event: dict[str, str], _: object) -> dict[str, Any]:
    """Start an execution, or say how far it is."""
    name = os.environ.get("DEPLOYMENT", "Digits")
    if name not in _found:
        _found[name] = deployed.find(name)
    digits = _found[name]
    if "start" in event:
        execution = digits.start(id=event["start"], tags={"application": "function"})
    else:
        execution = digits.execution(event["show"])
    status = execution.status()
    answer: dict[str, Any] = {"id": execution.id, "status": status}
    if status == "SUCCEEDED":
        answer["accuracy"] = execution.results()["Evaluate.accuracy"]
    elif status != "RUNNING":
        answer["failures"] = [failure.headline for failure in execution.failures()]
    return answer
