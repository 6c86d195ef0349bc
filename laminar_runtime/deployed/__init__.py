"""Deployed flows: find one, start it, wait for it, read its results. Nothing of the flow need be installed for that.

::

    from laminar_runtime import deployed

    nightly = deployed.find("nightly")
    execution = nightly.start({"day": "2026-01-01"}, id="2026-01-01", tags={"team": "risk"})
    print(execution.wait(timeout=3600).results()["Best.accuracy"])

`laminar_runtime.deployed.aio` has the same for asyncio.
"""

from laminar_runtime.deployed.deployment import Deployment, parameter_name
from laminar_runtime.deployed.execution import DeployedExecution
from laminar_runtime.deployed.finding import execution, find, from_terraform

__all__ = ["DeployedExecution", "Deployment", "execution", "find", "from_terraform", "parameter_name"]
