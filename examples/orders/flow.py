"""Branches: a layer that is skipped, and a layer whose failure is caught.

Run it with ``python flow.py``, or on an embedded AWS with
``laminar-codegen rehearse flow.py --param amounts='[20, 700]'``.
"""

from __future__ import annotations

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Catch, Container

LARGE = 500


class Orders(Flow):
    """Takes orders, asks for a review of large ones, and sends a receipt if it can."""

    container = Container(command="python flow.py", cpu=0.25, memory=512)


@Orders.register
class Inputs(Parameters):
    """What an execution is started with."""

    amounts: list[int]
    """The amounts of the orders."""
    printer: str = "none"
    """The printer of receipts."""


@Orders.register
class Sum(Layer):
    """Adds up the amounts."""

    total: int

    def __call__(self, inputs: Inputs) -> None:
        self.total = sum(inputs.amounts)


@Orders.register
class Review(Layer):
    """Marks a large total. Of small ones this layer is skipped."""

    remark: str

    def __call__(self, sum_: Sum) -> None:
        self.remark = f"a person looks at {sum_.total}"

    @hooks.entry
    def is_large(self, sum_: Sum) -> bool:
        return sum_.total > LARGE


@Orders.register(catch=Catch(OSError))
class Receipt(Layer):
    """Prints a receipt. Without a printer it ends early, with what it has assigned so far, and the flow goes on."""

    printed: bool

    def __call__(self, inputs: Inputs, sum_: Sum) -> None:
        self.printed = False
        if inputs.printer == "none":
            raise OSError(f"no printer for {sum_.total}")
        self.printed = True


@Orders.register
class Close(Layer):
    """Closes the day, whatever came before."""

    text: str

    def __call__(self, sum_: Sum, review: Review, receipt: Receipt) -> None:
        remark = review.remark if review.state.finished else "nothing to review"
        self.text = f"{sum_.total}: {remark}, {'a receipt' if receipt.printed else 'no receipt'}"

    @hooks.entry
    def always(self) -> bool:
        return True


flow = Orders()

if __name__ == "__main__" and flow:
    for amounts in ([20, 30], [20, 700]):
        print(flow(amounts=amounts).layer(Close).text)
