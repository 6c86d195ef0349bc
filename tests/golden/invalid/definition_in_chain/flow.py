from laminar_runtime import Flow, Layer, Parameters


class Report(Flow): ...


class DefinitionReport(Flow): ...


@Report.register
@DefinitionReport.register
class A(Layer):
    def __call__(self) -> None: ...


Report()().next(flow=DefinitionReport(), linker=lambda execution: Parameters())
