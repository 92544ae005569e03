"""LlamaIndex's indices, whose stores are in a twin from the start.

They differ from LlamaIndex's in one thing: where no ``storage_context`` is given, they
make one of ours. So ``VectorStoreIndex.from_documents(documents)`` and then
``index.storage_context.persist()`` write the twin, without a JSON file to be packed.

Loading (``load_index_from_storage`` and the others, which are LlamaIndex's own) gives
LlamaIndex's classes, over the stores of the context that it is given.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core import StorageContext as LlamaStorageContext
from llama_index.core import indices as core
from llama_index.core.indices.base import BaseIndex
from llama_index.core.schema import Document

from ._storage_context import StorageContext

if TYPE_CHECKING:
    _Base = BaseIndex[Any]
else:
    _Base = object


class _OnTwin(_Base):
    """An index whose default storage context is ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        values = list(args)
        names = list(inspect.signature(super().__init__).parameters)[: len(values)]
        if "storage_context" in names:
            place = names.index("storage_context")
            values[place] = context = values[place] or StorageContext.from_defaults()
        else:
            kwargs["storage_context"] = context = kwargs.get("storage_context") or StorageContext.from_defaults()
        self._prepare(context)
        super().__init__(*values, **kwargs)

    def _prepare(self, context: LlamaStorageContext) -> None:
        """Puts into the context what LlamaIndex would put there itself."""

    @classmethod
    def from_documents(
        cls,
        documents: Sequence[Document],
        storage_context: LlamaStorageContext | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        context = storage_context or StorageContext.from_defaults()
        return super().from_documents(documents, context, *args, **kwargs)


class ComposableGraph(core.ComposableGraph):
    """LlamaIndex's, on a twin."""

    @classmethod
    def from_indices(
        cls,
        root_index_cls: type[BaseIndex[Any]],
        children_indices: Sequence[BaseIndex[Any]],
        index_summaries: Sequence[str] | None = None,
        storage_context: LlamaStorageContext | None = None,
        **kwargs: Any,
    ) -> core.ComposableGraph:
        context = storage_context or StorageContext.from_defaults()
        return super().from_indices(root_index_cls, children_indices, index_summaries, context, **kwargs)


class DocumentSummaryIndex(_OnTwin, core.DocumentSummaryIndex):
    """LlamaIndex's, on a twin."""


class EmptyIndex(_OnTwin, core.EmptyIndex):
    """LlamaIndex's, on a twin."""


class KeywordTableIndex(_OnTwin, core.KeywordTableIndex):
    """LlamaIndex's, on a twin."""


class SimpleKeywordTableIndex(_OnTwin, core.SimpleKeywordTableIndex):
    """LlamaIndex's, on a twin."""


class RAKEKeywordTableIndex(_OnTwin, core.RAKEKeywordTableIndex):
    """LlamaIndex's, on a twin."""


class KnowledgeGraphIndex(_OnTwin, core.KnowledgeGraphIndex):
    """LlamaIndex's, on a twin."""


class MultiModalVectorStoreIndex(_OnTwin, core.MultiModalVectorStoreIndex):
    """LlamaIndex's, on a twin."""


class PropertyGraphIndex(_OnTwin, core.PropertyGraphIndex):
    """LlamaIndex's, on a twin."""

    def _prepare(self, context: LlamaStorageContext) -> None:
        # LlamaIndex would make one in memory. One that is passed in takes its place.
        if isinstance(context, StorageContext):
            context.add_property_graph_store()


class SQLStructStoreIndex(_OnTwin, core.SQLStructStoreIndex):
    """LlamaIndex's, on a twin."""


class SummaryIndex(_OnTwin, core.SummaryIndex):
    """LlamaIndex's, on a twin."""


class TreeIndex(_OnTwin, core.TreeIndex):
    """LlamaIndex's, on a twin."""


class VectorStoreIndex(_OnTwin, core.VectorStoreIndex):
    """LlamaIndex's, on a twin."""


# LlamaIndex's former names for them.
GPTDocumentSummaryIndex = DocumentSummaryIndex
GPTEmptyIndex = EmptyIndex
GPTKeywordTableIndex = KeywordTableIndex
GPTListIndex = SummaryIndex
GPTRAKEKeywordTableIndex = RAKEKeywordTableIndex
GPTSimpleKeywordTableIndex = SimpleKeywordTableIndex
GPTSQLStructStoreIndex = SQLStructStoreIndex
GPTTreeIndex = TreeIndex
GPTVectorStoreIndex = VectorStoreIndex
ListIndex = SummaryIndex
