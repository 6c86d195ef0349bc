"""Laminar for Terraform: workflows in plain Python, run on this machine or by AWS Step Functions.

A flow file, a container and an application need only this package. It is fast to import: boto3 and the compiler are
loaded on use.

Example:
    >>> from laminar_runtime import Flow, Layer
    >>> from laminar_runtime.configurations import datastores, executors
    >>> class Greeting(Flow): ...
    >>> @Greeting.register
    ... class Hello(Layer):
    ...     def __call__(self) -> None:
    ...         self.message = "hello"
    >>> flow = Greeting(datastore=datastores.Memory(), executor=executors.Thread())
    >>> flow().layer(Hello).message
    'hello'
"""

from laminar_runtime import collection

with collection.paused():
    from typing import TYPE_CHECKING, Any

    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow
    from laminar_runtime.layer import Layer, LayerRun, Parameters
    from laminar_runtime.variables import ListVariable, Variable

if TYPE_CHECKING:
    from laminar_runtime.tasks.joins import each

__all__ = ["Execution", "Flow", "Layer", "LayerRun", "ListVariable", "Parameters", "Variable", "__version__", "each"]

__version__ = "0.2.0"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Load on use what few programs use without an import of it."""
        if name not in {"deployed", "each", "settings"}:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        from importlib import import_module

        if name == "each":
            return import_module("laminar_runtime.tasks.joins").each
        return import_module(f"laminar_runtime.{name}")
