"""A flow that is started every weekday at six in the morning, Berlin's time."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS


class Briefing(Flow):
    """Sums up the day before."""


@Briefing.register
class Collect(Layer):
    def __call__(self) -> None:
        self.news = ["one", "two"]


@Briefing.register
class Write(Layer):
    def __call__(self, collect: Collect) -> None:
        self.text = ", ".join(collect.news)


flow = Briefing(scheduler=AWS.StepFunctions(schedule="cron(0 6 ? * MON-FRI *)", timezone="Europe/Berlin"))

if __name__ == "__main__" and flow:
    flow()
