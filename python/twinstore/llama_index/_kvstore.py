"""The key-value store under documents, index structs and ingestion caches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, cast

from fsspec import AbstractFileSystem
from llama_index.core.storage.docstore.types import DEFAULT_PERSIST_FNAME as DOCSTORE_FNAME
from llama_index.core.storage.index_store.types import DEFAULT_PERSIST_FNAME as INDEX_STORE_FNAME
from llama_index.core.storage.kvstore.simple_kvstore import DATA_TYPE, SimpleKVStore
from llama_index.core.storage.kvstore.types import DEFAULT_COLLECTION

from twinstore._native import Context

from ._atomic import make_parent
from ._mapping import TwinMapping
from ._own_json import write_json
from ._printing import object_pieces
from ._standalone import twin_beside

# The stores of a twin that are key-value stores, by the files that they are in.
STORES = {DOCSTORE_FNAME: "docstore", INDEX_STORE_FNAME: "index_store"}

# What a reader of a record makes of it. It must not change what it is given.
Reader = Callable[[dict[str, Any]], dict[str, Any]]


class Collections(MutableMapping[str, Any]):
    """The collections of a store of a twin, by name, each a ``TwinMapping``.

    Args:
        context: the native context.
        store: the store, as ``Context.collections`` calls it.
    """

    def __init__(self, context: Context, store: str) -> None:
        self._context = context
        self._store = store
        # `None` for those that were not looked at yet.
        self._opened: dict[str, TwinMapping[str, Any] | None] = dict.fromkeys(context.collections(store))
        # What is in them is deleted by the next `flush`.
        self._dropped: list[TwinMapping[str, Any]] = []

    def __getitem__(self, name: str) -> TwinMapping[str, Any]:
        opened = self._opened[name]
        if opened is None:
            opened = self._open(name)
            self._opened[name] = opened
        return opened

    def _open(self, name: str) -> TwinMapping[str, Any]:
        return TwinMapping(self._context.collection(self._store, name), owner=name)

    def __setitem__(self, name: str, records: Mapping[str, Any]) -> None:
        # The place in the file is that of the first use.
        self._context.touch(self._store, name)
        mapping = self._opened.get(name) or self._open(name)
        if mapping is not records:
            records = dict(records)
            mapping.clear()
            mapping.update(records)
        self._opened[name] = mapping

    def __delitem__(self, name: str) -> None:
        mapping = self[name]
        mapping.clear()
        self._dropped.append(mapping)
        del self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._opened))

    def __len__(self) -> int:
        return len(self._opened)

    def copy(self) -> dict[str, dict[str, Any]]:
        """Plain dicts of the same records."""
        return {name: mapping.copy() for name, mapping in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, in another process or not, has no twin under it.
        return dict, ({name: dict(mapping.pairs(hold=False)) for name, mapping in self.items()},)

    def check(self) -> None:
        """Raises where JSON cannot carry a record; see ``TwinMapping.check``."""
        for mapping in self._used():
            mapping.check()

    def flush(self) -> None:
        """Hands all changes to the twin, in memory; all, or none where ``check`` raises."""
        self.check()
        for mapping in self._used():
            mapping.flush()
        self._dropped.clear()

    def _used(self) -> list[TwinMapping[str, Any]]:
        return [*self._dropped, *(mapping for mapping in self._opened.values() if mapping is not None)]


class TwinKVStore(SimpleKVStore):
    """LlamaIndex's ``SimpleKVStore``, over a twin or in memory.

    Args:
        data: records by collection and key, for a store in memory.
    """

    #: The context that it is a store of, and its file there; none for one in memory.
    _twin: Context | None = None
    _file = ""

    def __init__(self, data: DATA_TYPE | None = None) -> None:
        super().__init__(data)
        self._readers: dict[str, Reader] = {}
        self._shared: set[str] = set()

    @classmethod
    def from_twin(cls, context: Context, store: str) -> TwinKVStore:
        """A store of a context.

        Args:
            context: the native context.
            store: ``docstore`` or ``index_store``.
        """
        made = cls()
        made._twin = context
        made._file = next(file for file, known in STORES.items() if known == store)
        made._collections_mappings = Collections(context, store)  # type: ignore[assignment]
        return made

    @classmethod
    def from_persist_path(cls, persist_path: str, fs: AbstractFileSystem | None = None) -> TwinKVStore:
        """The store of a JSON file, or of the twin beside it, see ``twin_beside``."""
        file = os.path.basename(persist_path)
        store = STORES.get(file)
        context = None if store is None else twin_beside(persist_path, file, fs)
        if context is None or store is None:
            return cls.from_json_file(persist_path, fs)
        return cls.from_twin(context, store)

    @classmethod
    def from_json_file(cls, path: str, fs: AbstractFileSystem | None = None) -> TwinKVStore:
        """The store of a JSON file, whatever is beside it."""
        return cast(TwinKVStore, super().from_persist_path(path, fs=fs))

    def read_as(self, collection: str, reader: Reader) -> None:
        """Has what ``get`` and ``get_all`` give of a collection go through a function.

        Args:
            collection: the collection.
            reader: the function. What is stored stays as it is.
        """
        self._readers[collection] = reader

    def share(self, collection: str) -> None:
        """Has what ``get`` gives of a collection share lists and dicts with the store, as
        all of it does in LlamaIndex. It is kept until the next ``flush``.

        Args:
            collection: the collection.
        """
        self._shared.add(collection)

    def get(self, key: str, collection: str = DEFAULT_COLLECTION) -> dict[str, Any] | None:
        """A copy of a record. What is read from a twin for it is not kept, see ``share``."""
        mapping = self._get_collection_mapping(collection)
        if isinstance(mapping, TwinMapping) and collection not in self._shared:
            record = mapping.peek(key)
        else:
            record = mapping.get(key)
        if record is None:
            return None
        reader = self._readers.get(collection)
        return reader(record.copy()) if reader else record.copy()

    def get_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, dict[str, Any]]:
        """All records of a collection. What is read from a twin for it is not kept."""
        mapping = self._get_collection_mapping(collection)
        pairs = mapping.pairs(hold=False) if isinstance(mapping, TwinMapping) else mapping.items()
        reader = self._readers.get(collection)
        return {key: reader(record) for key, record in pairs} if reader else dict(pairs)

    def persist(self, persist_path: str, fs: AbstractFileSystem | None = None) -> None:
        """Writes LlamaIndex's JSON; see ``write_text_atomically``."""
        make_parent(persist_path, fs)
        write_json(persist_path, object_pieces(self._collections_mappings), fs, self._twin, self._file)

    def check(self) -> None:
        """Makes sure that ``flush`` can write all that there is.

        Raises:
            Unserialisable: JSON cannot carry a record; names it.
        """
        if isinstance(self._collections_mappings, Collections):
            self._collections_mappings.check()

    def flush(self) -> None:
        """Hands what was changed to the context.

        Raises:
            Unserialisable: as ``check``. Nothing was handed over.
        """
        if isinstance(self._collections_mappings, Collections):
            self._collections_mappings.flush()

    def __getstate__(self) -> dict[str, Any]:
        # The collections become dicts.
        state: dict[str, Any] = super().__getstate__()
        state.pop("_twin", None)
        state.pop("_file", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._readers, self._shared = state["_readers"], state["_shared"]
