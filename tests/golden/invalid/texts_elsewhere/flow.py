import enum

from laminar_runtime import Flow, Layer, ListVariable, Parameters, Variable
from laminar_runtime.configurations import executors, operations, planners
from laminar_runtime.configurations.layers import Container
from laminar_runtime.configurations.networks import Network
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import Event, ObjectCreated

GROUPS = ["sg-0e3f"]


class Form(enum.Enum):
    PAGE = "pa\u0301ge"


class Report(Flow): ...


@Report.register
class Inputs(Parameters):
    """What the report is about."""

    title: str = "re\u0301sume\u0301"
    form: Form = Form.PAGE
    note: str = ""
    """Half of a \ud83d."""


@Report.register(container=Container(properties={"user": "zoe\u0308"}))
class Draw(Layer):
    def __call__(self, inputs: Inputs) -> None: ...


@Report.register(executor=executors.AWS.Lambda(network=Network(ListVariable("nets", description="\ud800"), GROUPS)))
class Publish(Layer):
    def __call__(self, draw: Draw) -> None: ...


flow = Report(
    scheduler=AWS.StepFunctions(
        planner=planners.AWS.Lambda(image=Variable("planner", description="The planne\u0301r.")),
        alarms=operations.Alarms(ok_actions=[Variable("page", description="\udfff")]),
        triggers=[
            ObjectCreated("uploads", prefix="e\u0301te\u0301/", parameters={}),
            Event({"source": ["\ud83d"]}, parameters={"title": Variable("name", default="Zoe\u0308")}),
        ],
    )
)
