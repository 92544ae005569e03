"""The three maps of a vector store, each as a dict that lies in the twin."""

from __future__ import annotations

import copy
import json
from collections.abc import ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from typing import Any, TypeVar, cast

from llama_index.core.vector_stores.simple import SimpleVectorStoreData

from twinstore._native import Vectors

from ._json import dumps

V = TypeVar("V")

# How many entries are read at a time when a map is walked over.
CHUNK = 256


class VectorMap(MutableMapping[str, V]):
    """A map of a vector store. What is set is in the store at once; a value that was
    read is a copy.

    Args:
        vectors: the store.
        name: the map: ``embedding_dict``, ``text_id_to_ref_doc_id`` or ``metadata_dict``.
    """

    def __init__(self, vectors: Vectors, name: str) -> None:
        self._vectors = vectors
        self._name = name

    def __getitem__(self, key: str) -> V:
        text = self._vectors.get(self._name, key) if isinstance(key, str) else None
        if text is None:
            raise KeyError(key)
        return cast(V, json.loads(text))

    def __setitem__(self, key: str, value: V) -> None:
        self._vectors.put(self._name, key, dumps(value, "node", key))

    def __delitem__(self, key: str) -> None:
        if not isinstance(key, str) or not self._vectors.delete_entry(self._name, key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._vectors.contains(self._name, key)

    def __len__(self) -> int:
        return self._vectors.len(self._name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._vectors.ids(self._name))

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._vectors.ids(self._name))

    def pairs(self) -> Iterator[tuple[str, V]]:
        """All keys and values in order, in few reads."""
        ids = self._vectors.ids(self._name)
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            for key, text in zip(chunk, self._vectors.get_many(self._name, chunk), strict=True):
                if text is not None:
                    yield key, cast(V, json.loads(text))

    def items(self) -> ItemsView[str, V]:
        return _Items(self)

    def values(self) -> ValuesView[V]:
        return _Values(self)

    def copy(self) -> dict[str, V]:
        """A dict of the same entries."""
        return dict(self.pairs())

    def __or__(self, other: Mapping[str, V]) -> dict[str, V]:
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[str, V]) -> dict[str, V]:
        return dict(other) | self.copy()

    def __repr__(self) -> str:
        return repr(self.copy())

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, in another process or not, has no twin under it.
        return dict, (self.copy(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, V]:
        return copy.deepcopy(self.copy(), memo)


class EmbeddingMap(VectorMap[list[float]]):
    """The vectors by id."""

    def __init__(self, vectors: Vectors) -> None:
        super().__init__(vectors, "embedding_dict")

    def __getitem__(self, key: str) -> list[float]:
        embedding = self._vectors.embedding(key) if isinstance(key, str) else None
        if embedding is None:
            raise KeyError(key)
        return cast("list[float]", embedding.tolist())

    def __setitem__(self, key: str, value: list[float]) -> None:
        self._vectors.put_embedding(key, value)


class _Items(ItemsView[str, V]):
    _mapping: VectorMap[V]

    def __iter__(self) -> Iterator[tuple[str, V]]:
        return self._mapping.pairs()


class _Values(ValuesView[V]):
    _mapping: VectorMap[V]

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.pairs())


def lazy_data(vectors: Vectors) -> SimpleVectorStoreData:
    """What a ``SimpleVectorStore`` keeps, as maps that lie in the twin."""
    return SimpleVectorStoreData(
        embedding_dict=cast("dict[str, list[float]]", EmbeddingMap(vectors)),
        text_id_to_ref_doc_id=cast("dict[str, str]", VectorMap(vectors, "text_id_to_ref_doc_id")),
        metadata_dict=cast("dict[str, Any]", VectorMap(vectors, "metadata_dict")),
    )
