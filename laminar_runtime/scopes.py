"""Names that are in pickles of earlier releases, for `laminar_runtime.pickling.scopes`."""

from laminar_runtime.pickling.scopes import datastore_of_reader, flow_of_reader, module_of_flow, of_flow

__all__ = ["datastore_of_reader", "flow_of_reader", "module_of_flow", "of_flow"]
