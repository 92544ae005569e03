"""LlamaIndex's ``StorageContext`` over the binary twin of a persist directory."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from fsspec import AbstractFileSystem
from llama_index.core import StorageContext as LlamaStorageContext
from llama_index.core.graph_stores.types import DEFAULT_PERSIST_FNAME as GRAPH_STORE_FNAME
from llama_index.core.graph_stores.types import DEFAULT_PG_PERSIST_FNAME as PG_FNAME
from llama_index.core.graph_stores.types import GraphStore, PropertyGraphStore
from llama_index.core.storage.docstore.types import DEFAULT_PERSIST_FNAME as DOCSTORE_FNAME
from llama_index.core.storage.docstore.types import BaseDocumentStore
from llama_index.core.storage.index_store.types import DEFAULT_PERSIST_FNAME as INDEX_STORE_FNAME
from llama_index.core.storage.index_store.types import BaseIndexStore
from llama_index.core.storage.storage_context import (
    DEFAULT_PERSIST_DIR,
    IMAGE_STORE_FNAME,
    IMAGE_VECTOR_STORE_NAMESPACE,
)
from llama_index.core.vector_stores.simple import DEFAULT_VECTOR_STORE
from llama_index.core.vector_stores.types import DEFAULT_PERSIST_FNAME as VECTOR_STORE_FNAME
from llama_index.core.vector_stores.types import BasePydanticVectorStore

from twinstore import _native, pack
from twinstore.errors import WouldLoseStore

from ._namespaces import file_of
from ._opening import Packing, open_twin, pack_json
from ._paths import StrPath, local_path
from ._property_graph_store import TwinPropertyGraphStore
from ._remote import open_remote_twin
from ._sources import JsonFiles, Nothing, Twin
from ._vector_store import TwinVectorStore

logger = logging.getLogger(__name__)

JsonTwin = Literal["auto", "always", "never"]


@dataclass
class StorageContext(LlamaStorageContext):
    """LlamaIndex's ``StorageContext``, whose stores are in a binary twin.

    Made by ``from_defaults``, as LlamaIndex's is. A pickle or a deep copy of one holds
    what its stores hold and is of no twin.
    """

    _twin: _native.Context | None = field(default=None, repr=False, compare=False, kw_only=True)

    @classmethod
    def from_defaults(
        cls,
        docstore: BaseDocumentStore | None = None,
        index_store: BaseIndexStore | None = None,
        vector_store: BasePydanticVectorStore | None = None,
        image_store: BasePydanticVectorStore | None = None,
        vector_stores: dict[str, BasePydanticVectorStore] | None = None,
        graph_store: GraphStore | None = None,
        property_graph_store: PropertyGraphStore | None = None,
        persist_dir: StrPath | None = None,
        fs: AbstractFileSystem | None = None,
        pack: Packing = "auto",
    ) -> StorageContext:
        """A context of the stores in ``persist_dir``, or of empty ones.

        Arguments beyond LlamaIndex's:

        Args:
            pack: whether a directory without a twin gets one, which takes about as long
                as LlamaIndex takes to read it, once: ``"auto"`` if the directory can be
                written and the environment variable ``TWINSTORE_PACK`` is not ``0``;
                ``True``, or an error; ``False`` never, so that the JSON is read.

        Raises:
            FileNotFoundError: there is neither a twin nor JSON.
            ValueError: ``pack=True`` for a directory on another file system without a twin.
            TwinstoreError: JSON and twin both changed, or the twin is damaged.
        """
        if persist_dir is None:
            # As LlamaIndex has it.
            if vector_store or not vector_stores:
                vector_stores = {DEFAULT_VECTOR_STORE: vector_store} if vector_store else {}
            own = [] if vector_stores else [DEFAULT_VECTOR_STORE]
            own += [] if image_store else [IMAGE_VECTOR_STORE_NAMESPACE]
            twin: _native.Context | None = _native.Context.empty(own)
            source: Nothing | JsonFiles = Nothing(cast(_native.Context, twin), own)
            new = source.vector_stores()
            vector_stores = vector_stores or {DEFAULT_VECTOR_STORE: new[DEFAULT_VECTOR_STORE]}
            image_store = image_store or new[IMAGE_VECTOR_STORE_NAMESPACE]
        else:
            persist_dir, fs = local_path(persist_dir, fs)
            if fs is None:
                given = {DOCSTORE_FNAME: docstore, INDEX_STORE_FNAME: index_store}
                required = tuple(name for name, store in given.items() if store is None)
                twin = open_twin(Path(persist_dir), pack, required)
            else:
                twin = open_remote_twin(persist_dir, fs)
                if twin is None and pack is True:
                    raise ValueError(f"pack=True: {persist_dir} is not on the local file system, where twins are made")
            source = JsonFiles(persist_dir, fs) if twin is None else Twin(twin, persist_dir, fs)
            if vector_store:
                vector_stores = {DEFAULT_VECTOR_STORE: vector_store}
        # In LlamaIndex's order, which decides the first error.
        docstore = docstore or source.docstore()
        index_store = index_store or source.index_store()
        graph_store = graph_store or source.graph_store()
        property_graph_store = property_graph_store or source.property_graph_store()
        vector_stores = vector_stores or source.vector_stores()
        if image_store:
            vector_stores[IMAGE_VECTOR_STORE_NAMESPACE] = image_store
        return cls(
            docstore=docstore,
            index_store=index_store,
            vector_stores=vector_stores,
            graph_store=graph_store,
            property_graph_store=property_graph_store,
            _twin=twin,
        )

    def persist(
        self,
        persist_dir: StrPath = DEFAULT_PERSIST_DIR,
        docstore_fname: str = DOCSTORE_FNAME,
        index_store_fname: str = INDEX_STORE_FNAME,
        vector_store_fname: str = VECTOR_STORE_FNAME,
        image_store_fname: str = IMAGE_STORE_FNAME,
        graph_store_fname: str = GRAPH_STORE_FNAME,
        pg_graph_store_fname: str = PG_FNAME,
        fs: AbstractFileSystem | None = None,
        json: JsonTwin = "auto",
        rebase: bool = False,
    ) -> None:
        """Writes what changed, all of it or nothing.

        Stores of other classes, which were passed in, write themselves afterwards. On
        another file system, and under other file names than LlamaIndex's, all stores
        write their JSON files, as LlamaIndex does.

        Arguments beyond LlamaIndex's:

        Args:
            json: what becomes of the JSON files of stores that changed: ``"auto"``
                writes them anew up to 64 MiB together and renames longer ones to
                ``NAME.stale``; ``"always"`` writes them, ``"never"`` renames them.
            rebase: where somebody else has committed since this context was opened,
                make its changes on top, unless both changed the same key.

        Raises:
            TypeError: a value cannot be written as JSON; nothing was written.
            ValueError: ``json`` is none of the three.
            Conflict: somebody else has committed since this context was opened.
            WouldEmpty: this context is empty, and the directory is not.
            TwinstoreError: see ``twinstore.errors``.
        """
        if json not in get_args(JsonTwin):
            raise ValueError(f"json is one of {', '.join(map(repr, get_args(JsonTwin)))}, not {json!r}")
        self._check()
        persist_dir, fs = local_path(persist_dir, fs)
        names = {
            "docstore_fname": docstore_fname,
            "index_store_fname": index_store_fname,
            "vector_store_fname": vector_store_fname,
            "graph_store_fname": graph_store_fname,
            "pg_graph_store_fname": pg_graph_store_fname,
        }
        are_usual = list(names.values()) == [
            DOCSTORE_FNAME,
            INDEX_STORE_FNAME,
            VECTOR_STORE_FNAME,
            GRAPH_STORE_FNAME,
            PG_FNAME,
        ]
        twin = self._twin if fs is None else None
        if twin is not None and are_usual:
            self._commit(twin, Path(persist_dir), json, rebase)
            return
        is_own = twin is not None and _is_of(twin, persist_dir)
        if twin is not None and is_own:
            self._commit(twin, Path(persist_dir), json, rebase)
        super().persist(persist_dir, image_store_fname=image_store_fname, fs=fs, **names)
        if twin is not None and is_own:
            _take_over(twin, Path(persist_dir))

    def add_property_graph_store(self) -> None:
        """Adds an empty property graph to the twin, where the context has none."""
        if self.property_graph_store is None and self._twin is not None:
            self.property_graph_store = TwinPropertyGraphStore.from_twin(self._twin)

    def _commit(self, twin: _native.Context, persist_dir: Path, json: JsonTwin, rebase: bool) -> None:
        others = {}
        for file, store in self._stores():
            if _twin_of(store) is twin and file == _file_in_twin(store, file):
                store.flush()
            else:
                others[file] = store
        # What stores of other classes hold is not known: the context may not be empty.
        warnings = twin.persist(persist_dir, json=json, rebase=rebase, allow_empty=bool(others), elsewhere=list(others))
        for warning in warnings:
            logger.warning("%s", warning)
        for file, store in others.items():
            store.persist(persist_path=str(persist_dir / file))
        if others:
            _take_over(twin, persist_dir)

    def _check(self) -> None:
        """Raises TypeError where a store holds what JSON cannot carry."""
        for _, store in self._stores():
            if _twin_of(store) is not None:
                store.check()

    def _stores(self) -> Iterator[tuple[str, Any]]:
        """The stores, each with the file that LlamaIndex keeps it in."""
        yield DOCSTORE_FNAME, self.docstore
        yield INDEX_STORE_FNAME, self.index_store
        yield GRAPH_STORE_FNAME, self.graph_store
        if self.property_graph_store:
            yield PG_FNAME, self.property_graph_store
        for namespace, store in self.vector_stores.items():
            yield file_of(namespace), store

    def __reduce__(self) -> tuple[Any, ...]:
        # The stores become LlamaIndex's own on the way, so that the copy needs no file.
        fields = (self.docstore, self.index_store, self.vector_stores, self.graph_store, self.property_graph_store)
        return type(self), fields


def _twin_of(store: Any) -> _native.Context | None:
    return getattr(store, "_twin", None)


def _file_in_twin(store: Any, file: str) -> str:
    """The file that a store of a twin is the twin of: for a vector store, not that of
    another namespace that it was put into as well."""
    if isinstance(store, TwinVectorStore) and store._namespace is not None:
        return file_of(store._namespace)
    return file


def _is_of(twin: _native.Context, persist_dir: StrPath) -> bool:
    own = twin.persist_dir
    return own is not None and os.path.isdir(persist_dir) and os.path.samefile(own, persist_dir)


def _take_over(twin: _native.Context, persist_dir: Path) -> None:
    """Takes JSON files that were just written into the twin of their directory, lest it
    be called out of date."""
    try:
        pack_json(persist_dir)
    except WouldLoseStore:
        # A store of another class has put a file that is no JSON in the place of ours.
        pack(persist_dir, prefer="json", progress=True)
    if _is_of(twin, persist_dir):
        twin.reload()
