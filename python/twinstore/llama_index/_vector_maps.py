"""What a vector store keeps: three maps, each as a dict that lies in the twin."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numpy as np
from llama_index.core.vector_stores.simple import SimpleVectorStoreData

from twinstore._native import Vectors
from twinstore._pairs import CHUNK, PairMapping

from ._json import Unserialisable, dumps
from ._read_only import ReadOnlyList, read_only

V = TypeVar("V")


@contextmanager
def naming_misfits(embeddings: Iterable[tuple[str, object]]) -> Iterator[None]:
    """Has the error about what is no number name node and component.

    Raises:
        Unserialisable: one of the embeddings holds something else than numbers.
    """
    try:
        yield
    except TypeError as why:
        for key, embedding in embeddings:
            components = enumerate(embedding) if isinstance(embedding, (list, tuple)) else ()
            for place, component in components:
                if not hasattr(component, "__float__") and not hasattr(component, "__index__"):
                    raise Unserialisable("node", key, ("embedding", place), str(why)) from why
            if not isinstance(embedding, (list, tuple, np.ndarray)):
                raise Unserialisable("node", key, ("embedding",), str(why)) from why
        raise


class VectorMap(PairMapping[str, V], MutableMapping[str, V]):
    """A map of a vector store. What is set is in the store at once. What was set, and what
    is read, are copies; one that was read cannot be changed.

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
        return cast(V, read_only(json.loads(text)))

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

    def _pairs(self) -> Iterator[tuple[str, V]]:
        """All keys and values in order, in few reads."""
        ids = self._vectors.ids(self._name)
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            for key, text in zip(chunk, self._vectors.get_many(self._name, chunk), strict=True):
                if text is not None:
                    yield key, cast(V, read_only(json.loads(text)))

    def popitem(self) -> tuple[str, V]:
        """Removes the last entry, as a dict does."""
        last = next(reversed(self), None)
        if last is None:
            raise KeyError("popitem(): dictionary is empty")
        return last, self.pop(last)

    def setdefault(self, key: str, default: Any = None) -> V:
        """What there is for a key, after the default was set where there was nothing."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        for key in self:
            del self[key]

    def copy(self) -> dict[str, V]:
        """A dict of the same entries."""
        return dict(self._pairs())

    def __or__(self, other: Mapping[str, V]) -> dict[str, V]:
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[str, V]) -> dict[str, V]:
        return dict(other) | self.copy()

    def __ior__(self, other: Any) -> VectorMap[V]:  # type: ignore[misc]
        self.update(other)
        return self

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
        embedding = self._look_up(key)
        if embedding is None:
            raise KeyError(key)
        return embedding

    def _look_up(self, key: object) -> list[float] | None:
        embedding = self._vectors.embedding(key) if isinstance(key, str) else None
        return None if embedding is None else ReadOnlyList(embedding.tolist())

    def _pairs(self) -> Iterator[tuple[str, list[float]]]:
        # Numbers are read faster than their text. (And a 1 in the text is 1.0.)
        for key in self:
            embedding = self._look_up(key)
            if embedding is not None:
                yield key, embedding

    def __setitem__(self, key: str, value: list[float]) -> None:
        with naming_misfits([(key, value)]):
            self._vectors.put_embedding(key, value)


class TwinVectorData(SimpleVectorStoreData):
    """What a ``SimpleVectorStore`` keeps, as maps that lie in the twin.

    The maps can be changed. What is put in the place of one would not be in the twin, so
    that is refused.
    """

    def __init__(self, vectors: Vectors) -> None:
        super().__init__(
            embedding_dict=cast("dict[str, list[float]]", EmbeddingMap(vectors)),
            text_id_to_ref_doc_id=cast("dict[str, str]", VectorMap(vectors, "text_id_to_ref_doc_id")),
            metadata_dict=cast("dict[str, Any]", VectorMap(vectors, "metadata_dict")),
        )

    def __setattr__(self, name: str, value: object) -> None:
        # With `data.metadata_dict |= …` it is set to what it is.
        if vars(self).get(name, value) is not value:
            raise AttributeError(f"{name} is in a twin and cannot be replaced: change it with clear() and update()")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} is in a twin and cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SimpleVectorStoreData):
            return NotImplemented
        return vars(self) == vars(other)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, in another process or not, has no twin under it.
        return SimpleVectorStoreData, tuple(vars(self).values())
