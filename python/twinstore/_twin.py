"""A twin, opened for reading without LlamaIndex."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from . import _native
from ._convert import info
from ._records import Records

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ._reports import Info

_Store = Literal["docstore", "index_store", "graph_store", "property_graph_store"]


class _ToJson(Protocol):
    """A pydantic model, such as LlamaIndex's ``MetadataFilters``."""

    def model_dump_json(self) -> str: ...


#: Conditions on metadata: a line such as ``'page >= 3'``, several that must all be met, the
#: dict of LlamaIndex's ``MetadataFilters``, or one of those.
Filters = str | Sequence[str] | Mapping[str, Any] | _ToJson


class Hit(NamedTuple):
    """A row that answers a query."""

    id: str
    #: The cosine, or the score of mode ``mmr``.
    score: float


class Segment(NamedTuple):
    """The vectors of one segment of a store."""

    #: A row for each vector, deleted or not. Read-only.
    vectors: NDArray[np.float32]
    #: The id of each row.
    ids: list[str]
    #: For each row, whether it is one of the store, that is, not deleted.
    live: NDArray[np.bool_]


def open(
    dir: str | PathLike[str],
    *,
    io: Literal["map", "read"] = "map",
    verify: Literal["lazy", "eager", "never"] = "lazy",
    generation: int | None = None,
) -> Twin:
    """Opens the twin of a persist directory, for reading. Nothing is parsed.

    Args:
        dir: the persist directory.
        io: ``"map"`` maps files. ``"read"`` reads them: for network mounts, and where
            others might truncate them.
        verify: ``"lazy"`` checks what is read when it is first read, ``"eager"`` all of a
            file when its store is first used, ``"never"`` nothing.
        generation: an older one that the twin still keeps.

    Raises:
        NoTwin: there is none; ``pack`` makes it.
        OutOfSync: a JSON file is newer than the twin, or both changed.
        NoGeneration, DamagedManifest, Io: see ``twinstore.errors``.
    """
    context = _native.Context.open(dir, io=io, verify=verify, generation=generation)
    return Twin(context, io)


class Twin:
    """A persist directory by way of its twin: what ``open`` gives.

    It shows one generation for as long as it lives. Threads may share it.
    """

    def __init__(self, context: _native.Context, io: Literal["map", "read"]) -> None:
        self._context = context
        self._io = io

    @property
    def dir(self) -> Path | None:
        """The persist directory."""
        return self._context.persist_dir

    @property
    def generation(self) -> int | None:
        """The generation that is shown."""
        return self._context.generation

    @property
    def notices(self) -> list[str]:
        """What was odd about the JSON files when it was opened, in words."""
        return self._context.notices

    def info(self) -> Info:
        """Describes what it holds."""
        if (dir := self.dir) is None:
            raise ValueError("this twin is of no directory")
        return info(dir, generation=self.generation, io=self._io)

    # Vectors

    @property
    def vector_stores(self) -> list[str]:
        """The names of the vector stores."""
        return self._context.vector_stores()

    def vectors(self, name: str = "default", *, copy: bool = False) -> NDArray[np.float32]:
        """All vectors of a store as one array, in the order of ``ids``.

        The array is read-only and lies in the mapped file: nothing is copied, processes
        share it, and it stays good whatever becomes of the twin. Its blocks are checked
        first, unless it was opened with ``verify="never"``. What has metadata and no
        vector has no row in it, and no id in ``ids``.

        A component is the ``float32`` nearest to the number in the JSON file. For rows of
        class *exact* it is that number (see ``info()["stores"][n]["classes"]``); for the
        others, which print or compute in ``float64``, it is not. ``embedding`` gives the
        true values of one vector.

        Args:
            name: the namespace of the store.
            copy: gather the vectors in a new array, wherever they stand.

        Raises:
            NotContiguous: they do not stand together in one mapped file (there are several
                segments, or deleted rows, which ``compact`` removes; the twin was opened
                with ``io="read"``).
            NoStore, Damaged, Io: see ``twinstore.errors``.
        """
        return _native.vectors(self._context, name, copy=copy)

    def segments(self, name: str = "default", *, copy: bool = False) -> list[Segment]:
        """The vectors of a store segment by segment, oldest first: as ``vectors``, but
        without a copy also where there are several segments and deleted rows. Those of
        several segments may stand between each other in the order of ``ids``.

        Args:
            name: the namespace of the store.
            copy: give copies; for ``io="read"``.

        Raises:
            NotContiguous: nothing is mapped, and no copy was asked for.
            NoStore, Damaged, Io: see ``twinstore.errors``.
        """
        return [Segment(*parts) for parts in _native.segments(self._context, name, copy=copy)]

    def ids(self, name: str = "default") -> list[str]:
        """The ids of all vectors of a store, in its order."""
        return _native.vector_ids(self._context, name)

    def embedding(self, id: str, name: str = "default") -> list[float]:
        """The vector of an id, with the values that Python reads from the JSON file.

        Raises:
            KeyError: the store has no such vector.
        """
        found = _native.embedding(self._context, name, id)
        if found is None:
            raise KeyError(id)
        return found

    def query(
        self,
        embedding: Iterable[float],
        top_k: int | None = 10,
        *,
        name: str = "default",
        filters: Filters | None = None,
        node_ids: Iterable[str] | None = None,
        mode: str = "default",
        mmr_threshold: float | None = None,
    ) -> list[Hit]:
        """The vectors nearest to an embedding, as ``SimpleVectorStore.query`` finds them.

        The semantics are those of llama-index-core 0.14.25, whichever release is
        installed.

        Args:
            embedding: what to be near to.
            top_k: how many; 0 or None gives all.
            name: the namespace of the store.
            filters: conditions on metadata.
            node_ids: only these are looked at.
            mode: ``"default"`` or ``"mmr"``.
            mmr_threshold: for ``"mmr"``: 1 looks at the query only, 0 at the vector
                before only.

        Raises:
            QueryError: there is no answer; also the builtin that LlamaIndex raises.
            ValueError: a filter or a mode is none.
            TypeError: ``filters`` or ``node_ids`` are of no class that is named above, or
                ``embedding`` has something else than numbers.
            NoStore, Damaged, Io: see ``twinstore.errors``.
        """
        text, conditions = _filters(filters)
        if isinstance(node_ids, (str, bytes)):
            raise TypeError(f"node_ids is a list of ids, not {type(node_ids).__name__}; for a single one, [id]")
        hits = _native.search(
            self._context,
            name,
            _numbers(embedding),
            top_k=top_k,
            mode=mode,
            mmr_threshold=mmr_threshold,
            filters=text,
            conditions=conditions,
            node_ids=None if node_ids is None else list(node_ids),
        )
        return [Hit(*hit) for hit in hits]

    # Records

    def records(self, store: _Store, collection: str) -> Records:
        """The records of any collection of a store, by key; ``info`` names them."""
        return Records(self._context.collection(store, collection), f"{store}: {collection}")

    @property
    def docstore(self) -> Records:
        """The nodes by id, as the JSON that LlamaIndex wrote: ``__data__`` and ``__type__``."""
        return self._namespaced("docstore")

    @property
    def index_store(self) -> Records:
        """The index structs by id, as JSON."""
        return self._namespaced("index_store")

    @property
    def graph_store(self) -> Records:
        """For each subject, the list of its relations and objects."""
        return self.records("graph_store", "graph_dict")

    def _namespaced(self, store: Literal["docstore", "index_store"]) -> Records:
        # The first part is the namespace, which users of a remote store choose.
        names = self._context.collections(store)
        return self.records(store, next((name for name in names if name.endswith("/data")), f"{store}/data"))

    def __repr__(self) -> str:
        return f"<twinstore.Twin of {str(self.dir)!r}, generation {self.generation}>"


def _numbers(embedding: Iterable[float]) -> list[float]:
    # An array gives its numbers faster together than one by one.
    tolist = getattr(embedding, "tolist", None)
    return list(embedding) if tolist is None else tolist()


def _filters(filters: Filters | None) -> tuple[str | None, list[str]]:
    """LlamaIndex's JSON of filters, or lines."""
    if filters is None:
        return None, []
    if isinstance(filters, str):
        return None, [filters]
    if isinstance(filters, Mapping):
        return json.dumps(filters, default=list), []
    if isinstance(filters, Sequence) and not isinstance(filters, (bytes, bytearray)):
        return None, list(filters)
    if hasattr(filters, "model_dump_json"):
        return filters.model_dump_json(), []
    raise TypeError(f"filters is a line, a list of lines, a dict or a MetadataFilters, not {type(filters).__name__}")
