from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS


class F(Flow): ...


@F.register
class A(Layer):
    def __call__(self) -> None: ...


flow = F(scheduler=AWS.StepFunctions(schedule="cron(0 24 * * MON *)", timezone="Europe/Berln"))

if __name__ == "__main__" and flow:
    flow()
