"""Where the stores of a context come from: JSON files, or a twin."""

from __future__ import annotations

import logging
import os
from typing import Any

from fsspec import AbstractFileSystem
from llama_index.core.graph_stores.simple import SimpleGraphStore
from llama_index.core.graph_stores.simple_labelled import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import GraphStore, PropertyGraphStore
from llama_index.core.storage.docstore.simple_docstore import SimpleDocumentStore
from llama_index.core.storage.docstore.types import BaseDocumentStore
from llama_index.core.storage.index_store.simple_index_store import SimpleIndexStore
from llama_index.core.storage.index_store.types import BaseIndexStore
from llama_index.core.utils import concat_dirs
from llama_index.core.vector_stores.simple import DEFAULT_VECTOR_STORE, NAMESPACE_SEP, SimpleVectorStore
from llama_index.core.vector_stores.types import DEFAULT_PERSIST_FNAME, BasePydanticVectorStore

from twinstore import _native

from ._docstore import TwinDocumentStore
from ._graph_store import TwinGraphStore
from ._index_store import TwinIndexStore
from ._opening import say_once
from ._property_graph_store import TwinPropertyGraphStore
from ._vector_store import TwinVectorStore

_SUFFIX = NAMESPACE_SEP + DEFAULT_PERSIST_FNAME


def namespace_of(file: str, files: list[str]) -> str | None:
    """The namespace of the vector store in ``file``, one of ``files``; None for any other
    file. Until 0.8.64 there was one store, in ``vector_store.json``."""
    if file == DEFAULT_PERSIST_FNAME:
        return None if DEFAULT_VECTOR_STORE + _SUFFIX in files else DEFAULT_VECTOR_STORE
    return file.removesuffix(_SUFFIX) if file.endswith(_SUFFIX) else None


class JsonFiles:
    """The JSON files of a persist directory, read by LlamaIndex's classes.

    Other than LlamaIndex this finds every namespace on every file system, also where
    one of them is damaged, and the file of releases until 0.8.64.

    Args:
        persist_dir: the directory.
        fs: its file system; None for the local one.
    """

    def __init__(self, persist_dir: str, fs: AbstractFileSystem | None = None) -> None:
        self._dir = persist_dir
        self._fs = fs

    def docstore(self) -> BaseDocumentStore:
        return SimpleDocumentStore.from_persist_dir(self._dir, fs=self._fs)

    def index_store(self) -> BaseIndexStore:
        return SimpleIndexStore.from_persist_dir(self._dir, fs=self._fs)

    def graph_store(self) -> GraphStore:
        return SimpleGraphStore.from_persist_dir(self._dir, fs=self._fs)

    def property_graph_store(self) -> PropertyGraphStore | None:
        try:
            return SimplePropertyGraphStore.from_persist_dir(self._dir, fs=self._fs)
        except FileNotFoundError:
            return None

    def vector_stores(self) -> dict[str, BasePydanticVectorStore]:
        files = self._files()
        named = ((namespace_of(file, files), file) for file in files)
        return self._load({name: file for name, file in named if name is not None})

    def _load(self, files: dict[str, str]) -> dict[str, BasePydanticVectorStore]:
        stores: dict[str, BasePydanticVectorStore] = {}
        for namespace, file in files.items():
            store = self._vector_store(namespace, file)
            if store is not None:
                stores[namespace] = store
        return stores

    def _vector_store(self, namespace: str, file: str) -> BasePydanticVectorStore | None:
        path = self._path(file)
        try:
            return SimpleVectorStore.from_persist_path(path, fs=self._fs)
        except UnicodeDecodeError as why:
            problem = ValueError(
                f"{path} is no JSON, so it is none of LlamaIndex's own vector stores; "
                f"load it with the class that wrote it (FAISS, perhaps) and pass it as vector_store=: {why}"
            )
            cause: Exception = why
        except Exception as why:
            problem, cause = why, why  # type: ignore[assignment]
        if namespace == DEFAULT_VECTOR_STORE:
            raise problem from (cause if cause is not problem else None)
        say_once(logging.WARNING, f"the vector store {namespace!r} is left out: {problem}")
        return None

    def _files(self) -> list[str]:
        if self._fs is None:
            return os.listdir(self._dir)
        return [os.path.basename(str(path).rstrip("/")) for path in self._fs.ls(self._dir, detail=False)]

    def _path(self, file: str) -> str:
        return os.path.join(self._dir, file) if self._fs is None else concat_dirs(self._dir, file)


class Twin(JsonFiles):
    """The twin of a persist directory.

    What the twin does not have, or has as text only (because it is no store of
    LlamaIndex's as far as anybody can see), is left to LlamaIndex and the JSON files.

    Args:
        twin: the twin.
        persist_dir: the directory with the JSON files.
        fs: its file system; None for the local one.
    """

    def __init__(self, twin: _native.Context, persist_dir: str, fs: AbstractFileSystem | None = None) -> None:
        super().__init__(persist_dir, fs)
        self._twin = twin
        self._readable: dict[str, bool] = {}
        self._vector_files: dict[str, bool] = {}
        for file, kind, is_readable in twin.stores():
            if kind == "vector_store":
                self._vector_files[file] = is_readable
            else:
                self._readable[kind] = self._readable.get(kind, False) or is_readable

    def docstore(self) -> BaseDocumentStore:
        if self._readable.get("docstore"):
            return TwinDocumentStore.from_twin(self._twin)
        return super().docstore()

    def index_store(self) -> BaseIndexStore:
        if self._readable.get("index_store"):
            return TwinIndexStore.from_twin(self._twin)
        return super().index_store()

    def graph_store(self) -> GraphStore:
        if self._readable.get("graph_store", True):
            return TwinGraphStore.from_twin(self._twin)
        return super().graph_store()

    def property_graph_store(self) -> PropertyGraphStore | None:
        if self._readable.get("property_graph_store"):
            return TwinPropertyGraphStore.from_twin(self._twin)
        return super().property_graph_store() if "property_graph_store" in self._readable else None

    def vector_stores(self) -> dict[str, BasePydanticVectorStore]:
        files = list(self._vector_files)
        named = ((namespace_of(file, files), file) for file in files)
        return self._load({name: file for name, file in named if name is not None})

    def _vector_store(self, namespace: str, file: str) -> BasePydanticVectorStore | None:
        if self._vector_files[file]:
            return TwinVectorStore.from_twin(self._twin, namespace)
        return super()._vector_store(namespace, file)


class Nothing:
    """The stores of a context of no directory: empty ones, of a twin that is written
    when the context is first persisted.

    Args:
        twin: the twin, with the namespaces of its vector stores.
        namespaces: those namespaces.
    """

    def __init__(self, twin: _native.Context, namespaces: list[str]) -> None:
        self._twin = twin
        self._namespaces = namespaces

    def docstore(self) -> BaseDocumentStore:
        return TwinDocumentStore.from_twin(self._twin)

    def index_store(self) -> BaseIndexStore:
        return TwinIndexStore.from_twin(self._twin)

    def graph_store(self) -> GraphStore:
        return TwinGraphStore.from_twin(self._twin)

    def property_graph_store(self) -> PropertyGraphStore | None:
        return None

    def vector_stores(self) -> dict[str, Any]:
        return {name: TwinVectorStore.from_twin(self._twin, name) for name in self._namespaces}
