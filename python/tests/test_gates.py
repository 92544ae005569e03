"""Where LlamaIndex asks whether a store is one of its own simple ones.

Ours must pass there, so they are subclasses. A release that asks in a new place fails
here, so that somebody looks at it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import llama_index.core
import pytest
from llama_index.core.graph_stores.simple import SimpleGraphStore
from llama_index.core.graph_stores.simple_labelled import SimplePropertyGraphStore
from llama_index.core.ingestion.cache import SimpleCache
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.storage.index_store import SimpleIndexStore
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.storage.kvstore.types import MutableMappingKVStore
from llama_index.core.storage.storage_context import StorageContext as StockContext
from llama_index.core.vector_stores import SimpleVectorStore

from twinstore import llama_index as ours

CORE = Path(llama_index.core.__path__[0])

#: The class asked for, and which of ours it is asked of.
PASSED_BY = {
    "SimpleDocumentStore": ours.TwinDocumentStore,
    "SimpleIndexStore": ours.TwinIndexStore,
    "SimpleGraphStore": ours.TwinGraphStore,
    "SimplePropertyGraphStore": ours.TwinPropertyGraphStore,
    "SimpleVectorStore": ours.TwinVectorStore,
    "SimpleKVStore": ours.TwinKVStore,
    "SimpleCache": ours.TwinKVStore,  # what the ingestion cache calls it
    "MutableMappingKVStore": ours.TwinKVStore,
}

#: Gates that were looked at: with these classes, whatever is behind them works. (Whoever
#: asks for a BaseInMemoryKVStore takes a MutableMappingKVStore, too.)
KNOWN = {
    ("indices/knowledge_graph/base.py", "SimpleGraphStore"),
    ("ingestion/cache.py", "SimpleCache"),
    ("ingestion/pipeline.py", "MutableMappingKVStore"),
    ("storage/docstore/simple_docstore.py", "BaseInMemoryKVStore"),
    ("storage/docstore/simple_docstore.py", "MutableMappingKVStore"),
    ("storage/docstore/simple_docstore.py", "SimpleKVStore"),
    ("storage/index_store/simple_index_store.py", "BaseInMemoryKVStore"),
    ("storage/index_store/simple_index_store.py", "MutableMappingKVStore"),
    ("storage/index_store/simple_index_store.py", "SimpleKVStore"),
    ("storage/storage_context.py", "SimpleDocumentStore"),
    ("storage/storage_context.py", "SimpleGraphStore"),
    ("storage/storage_context.py", "SimpleIndexStore"),
    ("storage/storage_context.py", "SimplePropertyGraphStore"),
    ("storage/storage_context.py", "SimpleVectorStore"),
}


def is_gate(name: str) -> bool:
    """Whether a class of that name is a store that keeps everything in memory."""
    is_simple = name.startswith("Simple") and name.endswith(("Store", "Cache", "StorageContext"))
    return is_simple or name in ("MutableMappingKVStore", "BaseInMemoryKVStore", "InMemoryCache")


def gates(source: str) -> Iterator[str]:
    """The classes that a module tests for: with isinstance, issubclass, or by type()."""
    for node in ast.walk(ast.parse(source)):
        asked: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            asked = list(node.args[1:]) if node.func.id in ("isinstance", "issubclass") else []
        elif isinstance(node, ast.Compare) and ("type(" in ast.unparse(node) or "__class__" in ast.unparse(node)):
            asked = list(node.comparators)
        elif isinstance(node, ast.MatchClass):
            asked = [node.cls]
        for part in (part for root in asked for part in ast.walk(root)):
            name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
            if is_gate(name):
                yield name


def test_the_search_finds_every_kind_of_gate() -> None:
    source = """
if isinstance(a, (SimpleKVStore, int)) or type(b) is kv.SimpleVectorStore: pass
match c:
    case SimpleDocumentStore(): pass
issubclass(d, BaseInMemoryKVStore)
SimpleGraphStore()
"""
    expected = {"SimpleKVStore", "SimpleVectorStore", "SimpleDocumentStore", "BaseInMemoryKVStore"}
    assert set(gates(source)) == expected


def test_llamaindex_has_no_gate_that_nobody_has_looked_at() -> None:
    found = set()
    for path in CORE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        found |= {(path.relative_to(CORE).as_posix(), name) for name in gates(source)}
    assert len(found) > 5
    assert found - KNOWN == set()


@pytest.mark.parametrize("name", sorted({name for _, name in KNOWN} - {"BaseInMemoryKVStore"}))
def test_our_classes_pass(name: str) -> None:
    gates = {
        "SimpleCache": SimpleCache,
        "SimpleDocumentStore": SimpleDocumentStore,
        "SimpleGraphStore": SimpleGraphStore,
        "SimpleIndexStore": SimpleIndexStore,
        "SimpleKVStore": SimpleKVStore,
        "SimplePropertyGraphStore": SimplePropertyGraphStore,
        "SimpleVectorStore": SimpleVectorStore,
        "MutableMappingKVStore": MutableMappingKVStore,
    }
    assert issubclass(PASSED_BY[name], gates[name])


def test_our_context_and_chat_store_are_llamaindexs_too() -> None:
    assert issubclass(ours.StorageContext, StockContext)
    assert issubclass(ours.TwinChatStore, SimpleChatStore)
