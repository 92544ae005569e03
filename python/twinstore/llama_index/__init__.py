"""LlamaIndex on the binary twin: change one import.

.. code-block:: python

    from twinstore.llama_index import StorageContext  # instead of llama_index.core

A script goes on as before. The first time it opens a persist directory, a twin is made
beside the JSON files; from then on that is opened, which parses nothing.
"""

from __future__ import annotations

from llama_index.core.indices import load_graph_from_storage, load_index_from_storage, load_indices_from_storage

from ._chat_store import TwinChatStore
from ._docstore import TwinDocumentStore
from ._graph_store import TwinGraphStore
from ._index_store import TwinIndexStore
from ._indices import (
    ComposableGraph,
    DocumentSummaryIndex,
    EmptyIndex,
    GPTDocumentSummaryIndex,
    GPTEmptyIndex,
    GPTKeywordTableIndex,
    GPTListIndex,
    GPTRAKEKeywordTableIndex,
    GPTSimpleKeywordTableIndex,
    GPTSQLStructStoreIndex,
    GPTTreeIndex,
    GPTVectorStoreIndex,
    KeywordTableIndex,
    KnowledgeGraphIndex,
    ListIndex,
    MultiModalVectorStoreIndex,
    PropertyGraphIndex,
    RAKEKeywordTableIndex,
    SimpleKeywordTableIndex,
    SQLStructStoreIndex,
    SummaryIndex,
    TreeIndex,
    VectorStoreIndex,
)
from ._kvstore import TwinKVStore
from ._property_graph_store import TwinPropertyGraphStore
from ._storage_context import StorageContext
from ._vector_store import TwinVectorStore

__all__ = [
    "ComposableGraph",
    "DocumentSummaryIndex",
    "EmptyIndex",
    "GPTDocumentSummaryIndex",
    "GPTEmptyIndex",
    "GPTKeywordTableIndex",
    "GPTListIndex",
    "GPTRAKEKeywordTableIndex",
    "GPTSQLStructStoreIndex",
    "GPTSimpleKeywordTableIndex",
    "GPTTreeIndex",
    "GPTVectorStoreIndex",
    "KeywordTableIndex",
    "KnowledgeGraphIndex",
    "ListIndex",
    "MultiModalVectorStoreIndex",
    "PropertyGraphIndex",
    "RAKEKeywordTableIndex",
    "SQLStructStoreIndex",
    "SimpleKeywordTableIndex",
    "StorageContext",
    "SummaryIndex",
    "TreeIndex",
    "TwinChatStore",
    "TwinDocumentStore",
    "TwinGraphStore",
    "TwinIndexStore",
    "TwinKVStore",
    "TwinPropertyGraphStore",
    "TwinVectorStore",
    "VectorStoreIndex",
    "load_graph_from_storage",
    "load_index_from_storage",
    "load_indices_from_storage",
]
