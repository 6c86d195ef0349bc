from laminar_runtime import Flow, Layer


class Empty(Flow): ...
