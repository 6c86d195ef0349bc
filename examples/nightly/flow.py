"""Flows after flows: sales are loaded each night or when a file is uploaded, and then reported.

Run it with ``laminar run flow.py --param 'source="shop"'``, or on an embedded AWS with
``laminar-codegen rehearse flow.py --param 'source="shop"'``. The deployed flow starts by its schedule, and by each file
that is uploaded to the folder ``in/`` of the bucket. A rehearsal sends such an event through the rule of the document:

  laminar-codegen rehearse flow.py --event event.json
"""

from __future__ import annotations

from laminar_runtime import Execution, Flow, Layer, Parameters, Variable
from laminar_runtime.configurations.layers import Container
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import FromEvent, ObjectCreated, Schedule

container = Container(command="python flow.py", cpu=0.25, memory=512)


class Load(Flow):
    """Loads the sales of a source."""


@Load.register(container=container)
class Rows(Layer):
    """Reads rows."""

    rows: list[int]

    def __call__(self, parameters: Parameters) -> None:
        print(f"from {parameters.source}")
        self.rows = [len(parameters.source), 20, 22]


class Report(Flow):
    """Reports rows."""


@Report.register(container=container)
class Total(Layer):
    """Adds up rows."""

    total: int

    def __call__(self, parameters: Parameters) -> None:
        self.total = sum(parameters.rows)


def rows_of(execution: Execution) -> Parameters:
    """Return the parameters of the report."""
    return Parameters(rows=execution.layer(Rows).rows)


scheduler = AWS.StepFunctions(
    overlap="queue",
    triggers=[
        Schedule("cron(0 2 * * ? *)", timezone="Europe/Berlin", parameters={"source": "nightly"}, name="nightly"),
        ObjectCreated(
            Variable("uploads", description="The bucket of uploaded files.", default="uploads"),
            prefix="in/",
            parameters={"source": FromEvent("$.detail.object.key")},
        ),
    ],
)
load, report = Load(scheduler=scheduler), Report()

if __name__ == "__main__" and load:
    # With this scheduler a call starts the deployed flow.
    load(source="shop").next(flow=report, linker=rows_of)
