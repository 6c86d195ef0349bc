"""Parameters with types, defaults and docstrings."""

import datetime
import enum

from laminar_runtime import Flow, Layer, Parameters


class Report(Flow):
    """Reports on a day."""


class Form(enum.Enum):
    PAGE = "page"
    TABLE = "table"


@Report.register
class Inputs(Parameters):
    """What the report is about.

    Args:
        limits: The "least" and the most, in ${percent}.
    """

    day: datetime.date = datetime.date(2026, 1, 31)
    """The day of the sales."""
    limits: tuple[int, int | None] = (1, None)
    form: Form = Form.PAGE


@Report.register
class Print(Layer):
    def __call__(self, inputs: Inputs) -> None:
        self.text = f"{inputs.day:%A} {inputs.form.value}"


if flow := Report():
    flow(form="table")
