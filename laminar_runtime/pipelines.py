"""Names that are in pickles of earlier releases, for `laminar_runtime.tasks.pipelines`."""

from laminar_runtime.tasks.pipelines import Guard, _no_guard

__all__ = ["Guard", "_no_guard"]
