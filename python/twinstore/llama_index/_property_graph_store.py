"""The property graph store: labelled nodes and relations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from fsspec import AbstractFileSystem
from llama_index.core.graph_stores.simple_labelled import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import DEFAULT_PG_PERSIST_FNAME, LabelledPropertyGraph
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from twinstore._native import Collection, Context

from ._json import dumps
from ._own_json import persisted_text, write_json
from ._standalone import twin_beside

STORE = "property_graph_store"
NODES, RELATIONS, TRIPLETS = "nodes", "relations", "triplets"
# What a node or relation is called in an error.
OWNERS = {NODES: "graph node", RELATIONS: "relation"}


class TwinPropertyGraphStore(SimplePropertyGraphStore):
    """LlamaIndex's ``SimplePropertyGraphStore``, over a twin or in memory.

    That of a twin is read when it is first used, as a whole; what is written of it is
    what was changed.

    Args:
        graph: the graph, for a store in memory.
    """

    #: The context that it is a store of; None for one in memory.
    _twin: Context | None = None

    def __init__(self, graph: LabelledPropertyGraph | None = None) -> None:
        self._graph: LabelledPropertyGraph | None = None
        # What the twin has of the graph.
        self._written = _NOTHING
        super().__init__(graph)

    @classmethod
    def from_twin(cls, context: Context) -> TwinPropertyGraphStore:
        """The property graph of a context; an empty one where it has none."""
        made = cls()
        made._twin, made._graph = context, None
        return made

    @classmethod
    def from_persist_path(cls, persist_path: str, fs: AbstractFileSystem | None = None) -> SimplePropertyGraphStore:
        """The graph of a JSON file, or of the twin beside it, see ``twin_beside``."""
        context = twin_beside(persist_path, DEFAULT_PG_PERSIST_FNAME, fs)
        return super().from_persist_path(persist_path, fs=fs) if context is None else cls.from_twin(context)

    @property
    def graph(self) -> LabelledPropertyGraph:
        """The graph."""
        if self._graph is None:
            assert self._twin is not None  # One in memory is made with its graph.
            self._graph = _read(self._twin)
            self._written = _Texts(self._graph).digests()
        return self._graph

    @graph.setter
    def graph(self, graph: LabelledPropertyGraph) -> None:
        if self._twin is not None:
            _ = self.graph  # What is replaced must be known.
        self._graph = graph

    def persist(self, persist_path: str, fs: AbstractFileSystem | None = None) -> None:
        """Writes LlamaIndex's JSON; see ``write_text_atomically``."""
        self.check()
        write_json(persist_path, [persisted_text(super().persist)], fs, self._twin, DEFAULT_PG_PERSIST_FNAME)

    def check(self) -> None:
        """Makes sure that ``flush`` can write all that there is.

        Raises:
            Unserialisable: JSON cannot carry a node or a relation; names it.
        """
        if self._graph is not None:
            _Texts(self._graph)

    def flush(self) -> None:
        """Hands what was changed to the context.

        Raises:
            Unserialisable: as ``check``. Nothing was handed over.
        """
        if self._twin is None or self._graph is None:
            return
        now = _Texts(self._graph)
        self._twin.add_property_graph_store()
        for member, texts in now.records.items():
            _write_records(self._twin.collection(STORE, member), self._written.records[member], texts)
        _write_triplets(self._twin.collection(STORE, TRIPLETS), self._written.triplets, now.triplets)
        self._written = now.digests()

    def __getstate__(self) -> dict[str, Any]:
        # A copy, in another process or not, has no twin under it.
        return {"_graph": self.graph, "_written": _NOTHING}


def _read(context: Context) -> LabelledPropertyGraph:
    """The graph of a context, read as LlamaIndex reads it."""

    def records(member: str) -> dict[str, Any]:
        collection = context.collection(STORE, member)
        return dict(zip(collection.keys(), map(json.loads, collection.texts()), strict=True))

    triplets = [json.loads(text) for text in context.collection(STORE, TRIPLETS).texts()]
    data = {NODES: records(NODES), RELATIONS: records(RELATIONS), TRIPLETS: triplets}
    return SimplePropertyGraphStore.from_dict(data).graph


class _Texts:
    """A graph as it is written.

    Raises:
        Unserialisable: JSON cannot carry a node or a relation; names it.
    """

    def __init__(self, graph: LabelledPropertyGraph) -> None:
        members: dict[str, Mapping[str, BaseModel]] = {NODES: graph.nodes, RELATIONS: graph.relations}
        self.records = {
            member: {key: dumps(model, OWNERS[member], key, _model_text) for key, model in models.items()}
            for member, models in members.items()
        }
        self.triplets = set(graph.triplets)

    def digests(self) -> _Digests:
        """What it is known by later."""
        return _Digests(
            {member: {key: _digest(text) for key, text in texts.items()} for member, texts in self.records.items()},
            self.triplets,
        )


@dataclass
class _Digests:
    """What the twin has of a graph, as far as it was read or written here."""

    records: dict[str, dict[str, bytes]]
    triplets: set[tuple[str, str, str]]


_NOTHING = _Digests({NODES: {}, RELATIONS: {}}, set())


def _model_text(value: Any) -> str:
    try:
        return to_json(value).decode()
    except PydanticSerializationError as error:
        raise TypeError(str(error)) from error


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def _write_records(collection: Collection, written: dict[str, bytes], texts: dict[str, str]) -> None:
    kept = _in_place(written, texts)
    for key in written:
        if key not in kept:
            collection.delete(key)
    for key, text in texts.items():
        if key not in kept or _digest(text) != written[key]:
            collection.put(key, text)


def _in_place(before: Iterable[str], now: Iterable[str]) -> set[str]:
    """The keys of a dict that are where they were. The others were deleted, or added
    after them, or both."""
    places = {key: n for n, key in enumerate(before)}
    kept, last = set(), -1
    for key in now:
        place = places.get(key, -1)
        if place <= last:
            break
        kept.add(key)
        last = place
    return kept


def _write_triplets(
    collection: Collection, written: set[tuple[str, str, str]], triplets: set[tuple[str, str, str]]
) -> None:
    for triplet in written - triplets:
        collection.remove(json.dumps(triplet))
    # A set has an order of its own in each process.
    for triplet in sorted(triplets - written):
        collection.push(json.dumps(triplet))
