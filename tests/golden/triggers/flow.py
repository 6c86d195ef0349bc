"""A flow that is started at times, for files, after orders, and after another flow."""

from laminar_runtime import Flow, Layer, Parameters, Variable
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import (
    EXECUTION_ID,
    SCHEDULED_TIME,
    After,
    Event,
    FromEvent,
    ObjectCreated,
    Schedule,
)


class Intake(Flow):
    """Takes in what came."""


@Intake.register
class Take(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.what = parameters.what


flow = Intake(
    scheduler=AWS.StepFunctions(
        overlap="queue",
        schedule="rate(1 day)",
        triggers=[
            Schedule(
                "cron(0 6 ? * MON-FRI *)",
                timezone=Variable("zone", default="Europe/Berlin"),
                parameters={"what": SCHEDULED_TIME, "note": "<${all}>"},
                start="2098-01-01T00:00:00Z",
                end=Variable("last_morning", default="2099-01-01T00:00:00Z"),
                window=15,
                name="mornings",
            ),
            Schedule("at(2098-12-24T18:00:00)", parameters={"what": "once"}, name="once"),
            ObjectCreated(
                Variable("uploads", default="uploads"),
                prefix=Variable("folder", default="in/"),
                suffix=".csv",
                parameters={"what": {"bucket": FromEvent("$.detail.bucket.name"), "key": FromEvent("$.detail.object.key")}},
            ),
            Event(
                {"source": ["shop"], "detail": {"size": [{"numeric": [">", 0]}]}},
                parameters={"what": FromEvent("$.detail.order"), "mode": Variable("mode", default="full")},
            ),
            After("Import", status=["SUCCEEDED", "FAILED"], parameters={"what": EXECUTION_ID}),
        ],
    )
)

if __name__ == "__main__" and flow:
    flow()
