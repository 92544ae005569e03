"""One test for LlamaIndex's stores and for ours: each way to keep stores, and to close
and open them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from llama_index.core import StorageContext
from llama_index.core.graph_stores import SimplePropertyGraphStore

from twinstore import _native, pack
from twinstore.llama_index._docstore import TwinDocumentStore
from twinstore.llama_index._graph_store import TwinGraphStore
from twinstore.llama_index._property_graph_store import TwinPropertyGraphStore

# Puts something into LlamaIndex's own stores before the test begins.
Fill = Callable[[StorageContext], Any]


class Life(Protocol):
    """Some stores, which can be closed and opened again."""

    docstore: Any
    graph_store: Any
    property_graph_store: Any

    def reopen(self) -> None:
        """Persists all, and opens what was persisted."""


def persisted_by_stock(directory: Path, fill: Fill) -> StorageContext:
    """LlamaIndex's own stores, and what they persist."""
    context = StorageContext.from_defaults(property_graph_store=SimplePropertyGraphStore())
    fill(context)
    context.persist(str(directory))
    return context


class Stock:
    """LlamaIndex's own stores."""

    def __init__(self, directory: Path, fill: Fill) -> None:
        self._directory = str(directory)
        persisted_by_stock(directory, fill)
        self._open()

    def _open(self) -> None:
        self._context = StorageContext.from_defaults(persist_dir=self._directory)
        self.docstore: Any = self._context.docstore
        self.graph_store: Any = self._context.graph_store
        self.property_graph_store: Any = self._context.property_graph_store

    def reopen(self) -> None:
        self._context.persist(self._directory)
        self._open()


class InMemory:
    """Our stores by themselves, over JSON files."""

    def __init__(self, directory: Path, fill: Fill) -> None:
        self._directory = str(directory)
        persisted_by_stock(directory, fill)
        self._open()

    def _open(self) -> None:
        self.docstore: Any = TwinDocumentStore.from_persist_dir(self._directory)
        self.graph_store: Any = TwinGraphStore.from_persist_dir(self._directory)
        self.property_graph_store: Any = TwinPropertyGraphStore.from_persist_dir(self._directory)

    def reopen(self) -> None:
        self.docstore.persist(f"{self._directory}/docstore.json")
        self.graph_store.persist(f"{self._directory}/graph_store.json")
        self.property_graph_store.persist(f"{self._directory}/property_graph_store.json")
        self._open()


class OverTwin:
    """Our stores over a twin that was packed from what LlamaIndex persisted."""

    def __init__(self, directory: Path, fill: Fill) -> None:
        self._directory = directory
        persisted_by_stock(directory, fill)
        pack(directory)
        self._open()

    def _open(self) -> None:
        self.context = _native.Context.open(self._directory)
        self.docstore: Any = TwinDocumentStore.from_twin(self.context)
        self.graph_store: Any = TwinGraphStore.from_twin(self.context)
        self.property_graph_store: Any = TwinPropertyGraphStore.from_twin(self.context)

    def reopen(self) -> None:
        stores = (self.docstore, self.graph_store, self.property_graph_store)
        for store in stores:
            store.check()
        for store in stores:
            store.flush()
        self.context.persist(self._directory, json="always")
        self._open()


WAYS: dict[str, Callable[[Path, Fill], Life]] = {"stock": Stock, "memory": InMemory, "twin": OverTwin}
OURS = ("memory", "twin")


def nothing(context: StorageContext) -> None:
    """Fills nothing in."""
