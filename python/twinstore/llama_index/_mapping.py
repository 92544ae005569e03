"""Mappings whose entries are read from the twin when they are asked for.

LlamaIndex keeps its stores in dicts, and reaches into them. ``TwinMapping`` is such
a dict over a collection of the twin: nothing is parsed until it is looked at, and
what is changed, in place or not, is held until ``flush`` writes it.
"""

from __future__ import annotations

import copy
import json
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Generic, Protocol, TypeVar, cast

from twinstore._pairs import CHUNK, PairMapping

from ._json import dumps

K = TypeVar("K")
V = TypeVar("V")

_ABSENT = object()

# Those that there are, by `id`: mappings cannot be hashed.
_mappings: weakref.WeakValueDictionary[int, TwinMapping[Any, Any]] = weakref.WeakValueDictionary()


def _unlock() -> None:
    """In a forked child, nobody has the locks that other threads of the parent had."""
    for mapping in list(_mappings.values()):
        mapping._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


class Base(Protocol):
    """What a mapping stands on: JSON texts by key (``_native.Collection``)."""

    def __len__(self) -> int: ...
    def __contains__(self, key: str, /) -> bool: ...
    def get(self, key: str, /) -> str | None: ...
    def get_many(self, keys: list[str], /) -> list[str | None]: ...
    def keys(self) -> list[str]: ...
    def put(self, key: str, text: str, /) -> None: ...
    def delete(self, key: str, /) -> bool: ...


class Codec(Generic[K, V]):
    """How keys and values are written in the twin. This one is for JSON as it is."""

    #: Whether a value can be changed in place, so that what was handed out is looked
    #: at again before it is written.
    is_mutable = True

    def key(self, text: str) -> K:
        """The key that a text stands for."""
        return cast(K, text)

    def key_text(self, key: K) -> str:
        """The text of a key.

        Raises:
            TypeError: it cannot be a key.
        """
        if not isinstance(key, str):
            raise TypeError(f"a key of a twin is a str, not {type(key).__name__}: {key!r}")
        return key

    def value(self, text: str) -> V:
        """The value that a text stands for."""
        return cast(V, json.loads(text))

    def text(self, value: V) -> str:
        """The text of a value.

        Raises:
            TypeError: JSON cannot carry it.
        """
        return json.dumps(value)

    def is_same(self, value: V, text: str) -> bool:
        """Whether a value is still the one that was read from a text.

        Raises:
            TypeError: JSON cannot carry it.
        """
        # Not `value == self.value(text)`: 1, 1.0 and True are equal.
        return self.text(value) == self.text(self.value(text))


class TwinMapping(PairMapping[K, V], MutableMapping[K, V]):
    """A dict over a collection of the twin.

    The order is a dict's: an entry that is replaced keeps its place, one that is
    deleted and set again comes last. What is iterated over is what was there when
    the iteration began.

    Args:
        base: the collection.
        codec: how keys and values are written in it.
        owner: what its keys are keys of, for an error.
    """

    def __init__(self, base: Base, codec: Codec[K, V] | None = None, owner: str = "the value of") -> None:
        self._base = base
        self._codec: Codec[K, V] = codec or Codec()
        self._owner = owner
        # Entries of the base that were deleted here.
        self._deleted: set[str] = set()
        # Values of entries of the base: set here, or handed out and perhaps changed.
        # With each, the text it was read from; None for one that was set.
        self._held: dict[str, tuple[V, str | None]] = {}
        # Entries that are not in the base, or come after it.
        self._new: dict[str, V] = {}
        # Whoever changes one of the three has it. Readers have not: an entry is in its
        # new place before it leaves the old one.
        self._lock = threading.RLock()
        _mappings[id(self)] = self

    # Reading

    def __getitem__(self, key: K) -> V:
        value = self._look_up(key, hold=True)
        if value is _ABSENT:
            raise KeyError(key)
        return cast(V, value)

    def peek(self, key: K, default: V | None = None) -> V | None:
        """The value of a key, for reading only: it is not watched for changes."""
        value = self._look_up(key, hold=False)
        return default if value is _ABSENT else cast(V, value)

    def _look_up(self, key: object, hold: bool) -> V | object:
        name = self._name(key)
        value = self._pending(name)
        if value is not _ABSENT or name in self._deleted:
            return value
        text = self._base.get(name)
        return _ABSENT if text is None else self._read(name, text, hold)

    def _name(self, key: object) -> str:
        """How a key is written, for looking it up."""
        try:
            return self._codec.key_text(cast(K, key))
        except (KeyError, TypeError, ValueError):
            raise KeyError(key) from None

    def _pending(self, name: str) -> V | object:
        """What was set here, or handed out."""
        value = self._new.get(name, _ABSENT)
        if value is not _ABSENT:
            return value
        held = self._held.get(name)
        return _ABSENT if held is None else held[0]

    def _read(self, name: str, text: str, hold: bool) -> V:
        value = self._codec.value(text)
        if hold and self._codec.is_mutable:
            # Another thread may have been faster. There is one value of a key.
            return self._held.setdefault(name, (value, text))[0]
        return value

    def _in_base(self, name: str) -> bool:
        return name not in self._deleted and name in self._base

    def __contains__(self, key: object) -> bool:
        try:
            name = self._name(key)
        except KeyError:
            return False
        return name in self._new or self._in_base(name)

    def __len__(self) -> int:
        return len(self._base) - len(self._deleted) + len(self._new)

    def __iter__(self) -> Iterator[K]:
        new = dict(self._new)
        yield from map(self._codec.key, self._base_names(new))
        yield from map(self._codec.key, new)

    def __reversed__(self) -> Iterator[K]:
        return reversed(list(self))

    def _base_names(self, new: Mapping[str, V]) -> list[str]:
        """The entries of the base that are not deleted, and not new ones."""
        gone = self._deleted | new.keys()
        names = self._base.keys()
        return [name for name in names if name not in gone] if gone else names

    def pairs(self, hold: bool) -> Iterator[tuple[K, V]]:
        """All keys and values in order, in few reads.

        Args:
            hold: whether values that are changed in place are written.
        """
        new = dict(self._new)
        names = self._base_names(new)
        for start in range(0, len(names), CHUNK):
            chunk = names[start : start + CHUNK]
            unread = [name for name in chunk if name not in self._held]
            texts = dict(zip(unread, self._base.get_many(unread), strict=True))
            for name in chunk:
                value = self._pending(name)
                if value is _ABSENT:
                    text = texts.get(name)
                    if text is None or name in self._deleted:
                        continue  # It was deleted since.
                    value = self._read(name, text, hold)
                yield self._codec.key(name), cast(V, value)
        for name, value in new.items():
            yield self._codec.key(name), value

    def _pairs(self) -> Iterator[tuple[K, V]]:
        return self.pairs(hold=True)

    # Changing

    def __setitem__(self, key: K, value: V) -> None:
        name = self._codec.key_text(key)
        with self._lock:
            if name not in self._new and self._in_base(name):
                self._held[name] = (value, None)
            else:
                self._new[name] = value

    def __delitem__(self, key: K) -> None:
        name = self._name(key)
        with self._lock:
            if name in self._new:
                del self._new[name]
            elif self._in_base(name):
                self._deleted.add(name)
                self._held.pop(name, None)
            else:
                raise KeyError(key)

    def popitem(self) -> tuple[K, V]:
        """Removes the last entry, as a dict does."""
        with self._lock:
            last = next(reversed(self), _ABSENT)
            if last is _ABSENT:
                raise KeyError("popitem(): dictionary is empty")
            return cast(K, last), self.pop(cast(K, last))

    def clear(self) -> None:
        with self._lock:
            self._deleted.update(self._base.keys())
            self._held.clear()
            self._new.clear()

    # What a dict can, and a `MutableMapping` need not

    def copy(self) -> dict[K, V]:
        """A dict of the same entries."""
        return dict(self.pairs(hold=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        # An item of a mapping that is compared is not kept.
        others = other.pairs(hold=False) if isinstance(other, TwinMapping) else other
        return dict(self.pairs(hold=False)) == dict(others)

    def __or__(self, other: Mapping[K, V]) -> dict[K, V]:
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[K, V]) -> dict[K, V]:
        return dict(other) | self.copy()

    def __ior__(self, other: Any) -> TwinMapping[K, V]:  # type: ignore[misc]
        self.update(other)
        return self

    def __repr__(self) -> str:
        return repr(dict(self.pairs(hold=False)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, in another process or not, has no twin under it.
        return dict, (dict(self.pairs(hold=False)),)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[K, V]:
        return copy.deepcopy(dict(self.pairs(hold=False)), memo)

    # Writing

    def changes(self) -> tuple[set[str], dict[str, str]]:
        """What ``flush`` would write: the keys to delete, and the texts to put, in
        order.

        Raises:
            Unserialisable: JSON cannot carry a value; names the key.
        """
        with self._lock:
            return set(self._deleted), dict(self._changed_texts())

    def check(self) -> None:
        """Makes sure that ``flush`` can write all that there is.

        Raises:
            Unserialisable: JSON cannot carry a value; names the key.
        """
        with self._lock:
            for _ in self._changed_texts():
                pass

    def flush(self, keep: bool = False) -> None:
        """Hands all changes to the twin, in memory.

        Args:
            keep: whether values that were set, or handed out, are watched further.

        Raises:
            Unserialisable: JSON cannot carry a value; names the key. Nothing was
                written.
        """
        with self._lock:
            deleted, texts = self.changes()
            for name in deleted:
                self._base.delete(name)
                self._deleted.discard(name)
            for name, text in texts.items():
                value = self._pending(name)
                self._base.put(name, text)
                if keep and self._codec.is_mutable:
                    self._held[name] = (cast(V, value), text)
                else:
                    # The twin has it: what cannot be changed in place need not be watched.
                    self._held.pop(name, None)
                self._new.pop(name, None)
            if not keep:
                self._held.clear()

    def _changed_texts(self) -> Iterator[tuple[str, str]]:
        for name, (value, text) in list(self._held.items()):
            if text is None or not self._is_same(value, text):
                yield name, self._text(name, value)
        for name, value in list(self._new.items()):
            yield name, self._text(name, value)

    def _is_same(self, value: V, text: str) -> bool:
        try:
            return self._codec.is_same(value, text)
        except TypeError:
            return False  # `_text` says why.

    def _text(self, name: str, value: V) -> str:
        return dumps(value, self._owner, name, self._codec.text)
