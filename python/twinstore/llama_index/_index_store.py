"""The index store: structs whose maps lie in the twin.

Every index adds its struct again when it is loaded, and after each change, and
LlamaIndex's own store writes all of it each time. Here a struct that was handed out
is known again: what it says has changed is written, and nothing else.
"""

from __future__ import annotations

import json
from typing import Any

import fsspec
from llama_index.core.constants import TYPE_KEY
from llama_index.core.data_structs.data_structs import IndexStruct
from llama_index.core.storage.index_store.simple_index_store import SimpleIndexStore
from llama_index.core.storage.index_store.utils import index_struct_to_json
from llama_index.core.storage.kvstore.simple_kvstore import SimpleKVStore

from twinstore._native import STRUCT_TYPES, Context, Structs

from ._kvstore import TwinKVStore
from ._mapping import TwinMapping
from ._structs import HandedOut, lazy_struct, written_by_itself

STORE = "index_store"


class TwinIndexStore(SimpleIndexStore):
    """A ``SimpleIndexStore`` over a twin.

    Args:
        simple_kvstore: where the structs are; by default a new one in memory. Over one
            that has no twin it is a ``SimpleIndexStore``.
    """

    _kvstore: TwinKVStore

    def __init__(self, simple_kvstore: SimpleKVStore | None = None) -> None:
        kvstore = TwinKVStore() if simple_kvstore is None else simple_kvstore
        super().__init__(kvstore)
        self._twin: Context | None = getattr(kvstore, "_twin", None)
        # By id: the structs that were handed out, and may come back.
        self._handed_out: dict[str, list[HandedOut]] = {}

    @classmethod
    def from_twin(cls, context: Context) -> TwinIndexStore:
        """The index store of a twin."""
        return cls(TwinKVStore.from_twin(context, STORE))

    @classmethod
    def from_persist_path(cls, persist_path: str, fs: fsspec.AbstractFileSystem | None = None) -> TwinIndexStore:
        """The structs of a JSON file, or of the twin beside it, see ``twin_beside``."""
        return cls(TwinKVStore.from_persist_path(persist_path, fs=fs))

    @classmethod
    def from_dict(cls, save_dict: dict[str, Any]) -> TwinIndexStore:
        """Takes what ``to_dict`` gives."""
        return cls(TwinKVStore.from_dict(save_dict))

    def __reduce__(self) -> tuple[Any, ...]:
        # Who was handed what is known to this store alone.
        return type(self), (self._kvstore,)

    # What LlamaIndex asks for

    def add_index_struct(self, index_struct: IndexStruct) -> None:
        if self._twin is None:
            super().add_index_struct(index_struct)
            return
        self._catch_up()
        key = index_struct.index_id
        handed_out = self._find(key, index_struct)
        if handed_out is None:
            self._put(key, index_struct)
            return
        changes = handed_out.changes(index_struct)
        if not changes:
            return
        # Others that were handed out have what they had, as a dict would.
        self._detach(key, but=handed_out)
        # Should a write fail, the struct is still known, and its maps lie in the twin.
        self._handed_out[key] = [handed_out]
        for mapping in changes.replaced:
            mapping.detach()
        for mapping in changes.maps:
            mapping.flush(keep=True)
        for name, text in changes.fields.items():
            self._structs().set_field(key, name, text)
        self._handed_out[key] = [HandedOut(key, index_struct)]

    def delete_index_struct(self, key: str) -> None:
        if self._twin is not None:
            self._catch_up()
            self._detach(key)
        super().delete_index_struct(key)
        self.flush()

    def get_index_struct(self, struct_id: str | None = None) -> IndexStruct | None:
        if self._twin is None or struct_id is None:
            return super().get_index_struct(struct_id)
        self._catch_up()
        record = self._structs().get(struct_id)
        return None if record is None else self._hand_out(struct_id, record)

    def index_structs(self) -> list[IndexStruct]:
        if self._twin is None:
            return super().index_structs()
        self._catch_up()
        structs = self._structs()
        records = ((key, structs.get(key)) for key in structs.ids())
        found = (self._hand_out(key, record) for key, record in records if record is not None)
        return [struct for struct in found if struct is not None]

    async def async_add_index_struct(self, index_struct: IndexStruct) -> None:
        self.add_index_struct(index_struct)

    async def adelete_index_struct(self, key: str) -> None:
        self.delete_index_struct(key)

    async def aget_index_struct(self, struct_id: str | None = None) -> IndexStruct | None:
        return self.get_index_struct(struct_id)

    async def async_index_structs(self) -> list[IndexStruct]:
        return self.index_structs()

    # What a storage context asks for

    def check(self) -> None:
        """Makes sure that all can be written.

        Raises:
            TypeError: something cannot.
        """
        if self._twin is not None:
            self._kvstore.check()

    def flush(self) -> None:
        """Hands over what was put into the kv store itself."""
        if self._twin is None:
            return
        mapping = self._kvstore._collections_mappings.get(self._collection)
        if isinstance(mapping, TwinMapping):
            deleted, texts = mapping.changes()
            for key in {*deleted, *texts}:
                self._detach(key)
        self._kvstore.flush()

    # How structs come and go

    def _structs(self) -> Structs:
        assert self._twin is not None  # Whoever asks has looked.
        return self._twin.structs()

    def _catch_up(self) -> None:
        """Does to the kv store what any access does: the collection is there then."""
        self._kvstore._get_collection_mapping(self._collection)
        self.flush()

    def _hand_out(self, key: str, text: str) -> IndexStruct | None:
        record = json.loads(text)
        if not isinstance(record, dict) or record.get(TYPE_KEY) not in STRUCT_TYPES:
            return super().get_index_struct(key)
        structs = self._structs()
        struct = lazy_struct(record, lambda name: structs.map(key, name))
        known = [other for other in self._handed_out.get(key, []) if other.is_alive()]
        self._handed_out[key] = [*known, HandedOut(key, struct)]
        return struct

    def _find(self, key: str, struct: IndexStruct) -> HandedOut | None:
        known = self._handed_out.get(key, [])
        return next((handed_out for handed_out in known if handed_out.is_of(struct)), None)

    def _put(self, key: str, struct: IndexStruct) -> None:
        """Puts a struct that is not known, as a whole."""
        try:
            record = index_struct_to_json(struct)
        except TypeError:
            written_by_itself(struct)  # Says which field it is.
            raise
        self._detach(key)
        if record[TYPE_KEY] in STRUCT_TYPES:
            self._structs().add(json.dumps(record))
        else:
            self._kvstore.put(key, record, collection=self._collection)
            self.flush()

    def _detach(self, key: str, but: HandedOut | None = None) -> None:
        for handed_out in self._handed_out.pop(key, []):
            if handed_out is not but:
                handed_out.detach()
