"""Index stores to compare: LlamaIndex's own, and ours in memory and over a twin."""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from llama_index.core.storage.index_store.simple_index_store import SimpleIndexStore

from twinstore._native import Context
from twinstore.llama_index._index_store import TwinIndexStore

COLLECTION = "index_store/data"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Side(ABC):
    """One of those that must behave alike."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = self.new()

    @abstractmethod
    def new(self) -> SimpleIndexStore: ...

    @abstractmethod
    def reopen(self) -> SimpleIndexStore:
        """Persists the store and opens what was written."""


class Stock(Side):
    def new(self) -> SimpleIndexStore:
        return SimpleIndexStore()

    def reopen(self) -> SimpleIndexStore:
        path = os.path.join(self.directory, "stock.json")
        self.store.persist(path)
        self.store = SimpleIndexStore.from_persist_path(path)
        return self.store


class InMemory(Side):
    """Nothing is written: what was added must be there all the same."""

    def new(self) -> SimpleIndexStore:
        return TwinIndexStore()

    def reopen(self) -> SimpleIndexStore:
        self.store.check()
        self.store.flush()
        return self.store


class OverTwin(Side):
    def new(self) -> SimpleIndexStore:
        self.context = Context.empty()
        return TwinIndexStore.from_twin(self.context)

    def reopen(self) -> SimpleIndexStore:
        self.store.check()
        self.store.flush()
        self.context.persist(self.directory / "storage")
        self.context = Context.open(self.directory / "storage")
        self.store = TwinIndexStore.from_twin(self.context)
        return self.store


SIDES: dict[str, type[Side]] = {"in memory": InMemory, "over a twin": OverTwin}


def contents(store: SimpleIndexStore) -> list[Any]:
    """All structs in order. Members of sets are sorted, and ids that were made at
    random are numbered."""
    records = store._kvstore.get_all(collection=COLLECTION)
    structs = [[key, record["__type__"], json.loads(record["__data__"])] for key, record in records.items()]
    for _, _, data in structs:
        for node_ids in data.get("table", {}).values():
            node_ids.sort()
    # Sets print in any order, so that ids of nodes must not be numbered by it.
    text = json.dumps(structs)
    numbers: dict[str, str] = {}
    return json.loads(UUID.sub(lambda found: numbers.setdefault(found[0], f"#{len(numbers)}"), text))
