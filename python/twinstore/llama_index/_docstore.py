"""The document store."""

from __future__ import annotations

from typing import Any

from fsspec import AbstractFileSystem
from llama_index.core.constants import DATA_KEY, TYPE_KEY
from llama_index.core.schema import Document, ImageDocument
from llama_index.core.storage.docstore.simple_docstore import SimpleDocumentStore
from llama_index.core.storage.docstore.types import DEFAULT_BATCH_SIZE
from llama_index.core.storage.kvstore.simple_kvstore import SimpleKVStore

from twinstore._native import Context

from ._kvstore import TwinKVStore

# What the type of a document was called until 0.6.26.
OLD_DOCUMENT_TYPE = "Document"


class TwinDocumentStore(SimpleDocumentStore):
    """LlamaIndex's ``SimpleDocumentStore``, over a twin or in memory.

    Args:
        simple_kvstore: the store under it; by default a new one in memory.
        namespace: what the names of its collections begin with.
        batch_size: as in LlamaIndex.
    """

    def __init__(
        self,
        simple_kvstore: SimpleKVStore | None = None,
        namespace: str | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> None:
        kvstore = TwinKVStore() if simple_kvstore is None else simple_kvstore
        super().__init__(kvstore, namespace=namespace, batch_size=batch_size)
        if isinstance(kvstore, TwinKVStore):
            kvstore.read_as(self._node_collection, as_today)
            # `add_documents` appends to the list of a document in place: also where it
            # fails for another node after that.
            kvstore.share(self._ref_doc_collection)

    @classmethod
    def from_twin(cls, context: Context, namespace: str | None = None) -> TwinDocumentStore:
        """The documents of a context."""
        return cls(TwinKVStore.from_twin(context, "docstore"), namespace)

    @classmethod
    def from_persist_path(
        cls, persist_path: str, namespace: str | None = None, fs: AbstractFileSystem | None = None
    ) -> TwinDocumentStore:
        """The documents of a JSON file, or of the twin beside it, see ``twin_beside``."""
        return cls(TwinKVStore.from_persist_path(persist_path, fs=fs), namespace)

    @classmethod
    def from_dict(cls, save_dict: dict[str, Any], namespace: str | None = None) -> TwinDocumentStore:
        """The documents of what ``to_dict`` gave."""
        return cls(TwinKVStore.from_dict(save_dict), namespace)

    @property
    def _twin(self) -> Context | None:
        return getattr(self._kvstore, "_twin", None)

    def check(self) -> None:
        """See ``TwinKVStore.check``."""
        if isinstance(self._kvstore, TwinKVStore):
            self._kvstore.check()

    def flush(self) -> None:
        """See ``TwinKVStore.flush``."""
        if isinstance(self._kvstore, TwinKVStore):
            self._kvstore.flush()


def as_today(record: dict[str, Any]) -> dict[str, Any]:
    """A node as LlamaIndex can load it, whichever release wrote it.

    What `json_to_doc` takes is given as it is. (LlamaIndex refuses documents of
    releases before 0.6.27 for their type, and those before 0.9 for the name of their
    class that is missing.)
    """
    kind, data = record.get(TYPE_KEY), record.get(DATA_KEY)
    if kind == OLD_DOCUMENT_TYPE:
        record = {**record, TYPE_KEY: Document.get_type()}
    elif kind != Document.get_type():
        return record
    if isinstance(data, dict) and "class_name" not in data:
        # An image of that time is a document that has the field of one.
        made = ImageDocument if "image" in data else Document
        record = {**record, DATA_KEY: {**data, "class_name": made.class_name()}}
    return record
