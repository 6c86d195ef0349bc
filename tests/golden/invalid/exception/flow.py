from laminar_runtime import Flow, Layer


def connect() -> None:
    raise ConnectionError("no database here")


connect()
