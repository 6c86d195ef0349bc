from laminar_runtime import Flow, Layer


class Empty(Flow):
    """Has no layers."""


if flow := Empty():
    flow()
