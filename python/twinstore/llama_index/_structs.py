"""Index structs that are handed out with their maps in the twin, and taken back."""

from __future__ import annotations

import copy
import json
import weakref
from collections.abc import Callable, Iterable, Iterator, ValuesView
from dataclasses import dataclass
from itertools import chain
from operator import is_
from typing import Any, Protocol, TypeVar

from llama_index.core.constants import DATA_KEY
from llama_index.core.data_structs.data_structs import IndexStruct
from llama_index.core.storage.index_store.utils import json_to_index_struct

from ._json import Unserialisable
from ._mapping import Base, TwinMapping
from ._struct_codecs import StructCodec, codecs_of, to_json

K = TypeVar("K")
V = TypeVar("V")


class StructBase(Base, Protocol):
    """A map of a struct (``_native.StructMap``)."""

    def items(self) -> tuple[list[str], str]: ...
    def values_text(self) -> str: ...


class _Nothing:
    """Stands under a mapping that has no twin any more."""

    def __len__(self) -> int:
        return 0

    def __contains__(self, key: str) -> bool:
        return False

    def get(self, key: str) -> str | None:
        return None

    def get_many(self, keys: list[str]) -> list[str | None]:
        return [None] * len(keys)

    def keys(self) -> list[str]:
        return []

    def items(self) -> tuple[list[str], str]:
        return [], "[]"

    def values_text(self) -> str:
        return "[]"

    def put(self, key: str, text: str) -> None:
        raise KeyError(key)

    def delete(self, key: str) -> bool:
        return False


class StructMapping(TwinMapping[K, V]):
    """A map of an index struct, such as its ``nodes_dict``."""

    _base: StructBase
    _codec: StructCodec[K, V]

    def __init__(self, base: StructBase, codec: StructCodec[K, V], name: str = "") -> None:
        super().__init__(base, codec, name)

    def pairs(self, hold: bool) -> Iterator[tuple[K, V]]:
        if self._held or (hold and self._codec.is_mutable):
            yield from super().pairs(hold)
            return
        # Together, lest an entry that is flushed meanwhile is in both or in neither.
        with self._lock:
            new, deleted = dict(self._new), set(self._deleted)
            keys, values = self._base.items()
        gone = deleted | new.keys()
        for key, value in zip(keys, self._codec.values(values), strict=True):
            if key not in gone:
                yield self._codec.key(key), value
        for key, value in new.items():
            yield self._codec.key(key), value

    def values(self) -> ValuesView[V]:
        return _Values(self)

    def all_values(self) -> Iterable[V]:
        """All values in order; where nothing was changed, without the keys."""
        with self._lock:
            if not (self._held or self._deleted or self._codec.is_mutable):
                return chain(self._codec.values(self._base.values_text()), list(self._new.values()))
        return (value for _, value in self.pairs(hold=True))

    @property
    def is_attached(self) -> bool:
        """Whether there is a twin under it."""
        return not isinstance(self._base, _Nothing)

    def has_changes(self) -> bool:
        """Whether anything differs from the twin.

        Raises:
            TypeError: a value cannot be written as JSON; names the key.
        """
        return any(self.changes())

    def detach(self) -> None:
        """Takes all entries into memory: what becomes of the twin is no matter then."""
        with self._lock:
            if not self.is_attached:
                return
            pairs = list(self.pairs(hold=True))
            self._new = {self._codec.key_text(key): value for key, value in pairs}
            self._base = _Nothing()
            self._deleted, self._held = set(), {}


class _Values(ValuesView[V]):
    _mapping: StructMapping[Any, V]

    def __iter__(self) -> Iterator[V]:
        return iter(self._mapping.all_values())


def lazy_struct(record: dict[str, Any], map_of: Callable[[str], StructBase]) -> IndexStruct:
    """The index struct of a record without its maps.

    It is what the installed LlamaIndex makes of the record; only that maps which are
    empty in it are looked up in the twin.

    Args:
        record: what ``KVIndexStore`` would have got.
        map_of: gives a map by the name of its field.

    Raises:
        KeyError: LlamaIndex has no class for the type of the struct.
    """
    struct = json_to_index_struct(record)
    data = record[DATA_KEY]
    data = json.loads(data) if isinstance(data, str) else data
    for name, codec in codecs_of(type(struct)).items():
        if data.get(name) == {}:
            mapping = StructMapping(map_of(name), codec, f"{name} of index struct {struct.index_id!r}")
            setattr(struct, name, mapping)
    return struct


@dataclass
class Changes:
    """What differs in a struct from what the twin has of it."""

    #: Maps that were changed.
    maps: list[StructMapping[Any, Any]]
    #: Fields that are written whole, as JSON.
    fields: dict[str, str]
    #: Maps in the place of which the struct has something else now.
    replaced: list[StructMapping[Any, Any]]

    def __bool__(self) -> bool:
        return bool(self.maps or self.fields or self.replaced)


class HandedOut:
    """A struct as it is in the twin, and who has it.

    Args:
        key: the id that it has in the store.
        struct: the struct. It is not kept alive.
    """

    def __init__(self, key: str, struct: IndexStruct) -> None:
        self.key = key
        self._struct = weakref.ref(struct)
        values = vars(struct)
        self._maps = {
            name: weakref.ref(value)
            for name, value in values.items()
            if isinstance(value, StructMapping) and value.is_attached
        }
        # Copies: a list is compared string by string, faster than it could be written.
        self._lists = {name: value.copy() for name, value in values.items() if _is_list_of_strings(value)}
        self._texts = _texts(struct, {*self._maps, *self._lists})

    def is_of(self, struct: IndexStruct) -> bool:
        """Whether it is this very struct. (An equal one may differ later.)"""
        return self._struct() is struct

    def is_alive(self) -> bool:
        """Whether anybody has the struct yet, or one of its maps."""
        return self._struct() is not None or any(reference() is not None for reference in self._maps.values())

    def changes(self, struct: IndexStruct) -> Changes:
        """What was changed in the struct, which is the one that was handed out.

        Raises:
            Unserialisable: JSON cannot carry something; names it.
        """
        maps, replaced, same = [], [], set()
        for name, reference in self._maps.items():
            mapping = reference()
            if mapping is None:
                continue
            if getattr(struct, name) is not mapping:
                replaced.append(mapping)
                continue
            same.add(name)
            if mapping.has_changes():
                maps.append(mapping)
        same.update(name for name, known in self._lists.items() if _is_same_list(known, getattr(struct, name)))
        texts = _texts(struct, same)
        changed = {name: text for name, text in texts.items() if self._texts.get(name) != text}
        return Changes(maps, changed, replaced)

    def detach(self) -> None:
        """Takes its maps into memory, so that it outlives what the store has."""
        for reference in self._maps.values():
            mapping = reference()
            if mapping is not None:
                mapping.detach()


def _texts(struct: IndexStruct, without: set[str]) -> dict[str, str]:
    """The fields of a struct as it writes them itself, but for some."""
    bare = copy.copy(struct)
    for name in without:
        setattr(bare, name, None)
    written = json.loads(written_by_itself(bare))
    return {name: json.dumps(value) for name, value in written.items() if name not in without}


def written_by_itself(struct: IndexStruct) -> str:
    """A struct as it writes itself as JSON.

    Raises:
        Unserialisable: JSON cannot carry a field; names it.
    """
    try:
        return struct.to_json()
    except TypeError as error:
        fields = (name for name, value in vars(struct).items() if not _can_be_written(value))
        raise Unserialisable("index struct", struct.index_id, tuple(fields)[:1], str(error)) from error


def _can_be_written(value: Any) -> bool:
    try:
        to_json(value)
    except TypeError:
        return False
    return True


def _is_list_of_strings(value: object) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


def _is_same_list(known: list[str], now: object) -> bool:
    # Not by `==`: strings that are the same object need no look.
    return type(now) is list and len(now) == len(known) and all(map(is_, known, now))
