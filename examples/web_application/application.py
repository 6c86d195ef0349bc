"""A web application that starts the deployed digits flow, and says how far an execution is.

Run it with ``uvicorn application:application``, where the flow is deployed as ``Digits``. It has neither the flow's
code nor its libraries. A client that loses the answer to its request sends it again, with the same id: that starts
nothing new.
"""

import os
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from laminar_runtime.deployed import aio
from laminar_runtime.exceptions import (
    AccessDeniedError,
    FlowError,
    LaminarError,
    NotFoundError,
    StartedBeforeError,
    ThrottledError,
)

application = FastAPI()

#: What a client is answered for an error, by its kind.
STATUSES = {FlowError: 400, NotFoundError: 404, StartedBeforeError: 409, ThrottledError: 429, AccessDeniedError: 500}


@application.exception_handler(LaminarError)
async def explain(_: Request, error: LaminarError) -> JSONResponse:
    """Answer an error of the client, or of AWS."""
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 502)
    return JSONResponse({"error": str(error)}, status_code=status)


async def find() -> aio.AsyncDeployment:
    """Find the flow."""
    return await aio.find(os.environ.get("DEPLOYMENT", "Digits"))


@application.put("/executions/{name}", status_code=202)
async def start(name: str) -> dict[str, Any]:
    """Start an execution, once for a name."""
    execution = await (await find()).start(id=name, tags={"application": "web"})
    return {"id": execution.id, "status": await execution.status()}


@application.get("/executions/{name}")
async def show(name: str) -> dict[str, Any]:
    """Say how far an execution is; after its end, its result, or why it failed."""
    execution = (await find()).execution(name)
    found: dict[str, Any] = {"id": execution.id, "status": await execution.status()}
    if found["status"] == "SUCCEEDED":
        found["accuracy"] = await execution.result("Evaluate.accuracy")
    elif found["status"] != "RUNNING":
        found["failures"] = [failure.headline for failure in await execution.failures()]
    return found


@application.delete("/executions/{name}", status_code=202)
async def stop(name: str) -> dict[str, Any]:
    """Stop an execution, and its jobs."""
    await (await find()).execution(name).stop("stopped by the web application")
    return {"id": name}
