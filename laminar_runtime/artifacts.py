"""What a datastore holds besides values: the records that its methods take and return."""

from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Record
from laminar_runtime.storage.layout import LayerKey

__all__ = ["Archive", "Artifact", "LayerKey", "Record"]
