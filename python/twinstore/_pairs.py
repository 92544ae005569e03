"""Mappings that are walked over in few reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

# How many entries are read at a time. Those that stand together in the twin cost one
# decompression together.
CHUNK = 512


class PairMapping(Mapping[K, V]):
    """A mapping whose items and values are read together, and not key by key."""

    @abstractmethod
    def _pairs(self) -> Iterator[tuple[K, V]]:
        """All keys and values in order."""

    def items(self) -> ItemsView[K, V]:
        return _Items(self)

    def values(self) -> ValuesView[V]:
        return _Values(self)


class _Items(ItemsView[K, V]):
    _mapping: PairMapping[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._mapping._pairs()


class _Values(ValuesView[V]):
    _mapping: PairMapping[object, V]

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping._pairs())
