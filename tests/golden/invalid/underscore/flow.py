from laminar_runtime import Flow, Layer


class _Hidden(Flow): ...


@_Hidden.register
class A(Layer): ...
