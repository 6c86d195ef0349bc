from laminar_runtime import Flow, Layer


class Broken(Flow:
    ...
