"""Where the stores of a context come from: JSON files, or a twin."""

from __future__ import annotations

from typing import Any

from fsspec import AbstractFileSystem
from llama_index.core.graph_stores.simple import SimpleGraphStore
from llama_index.core.graph_stores.simple_labelled import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import GraphStore, PropertyGraphStore
from llama_index.core.storage.docstore.simple_docstore import SimpleDocumentStore
from llama_index.core.storage.docstore.types import DEFAULT_PERSIST_FNAME as DOCSTORE_FNAME
from llama_index.core.storage.docstore.types import BaseDocumentStore
from llama_index.core.storage.index_store.simple_index_store import SimpleIndexStore
from llama_index.core.storage.index_store.types import BaseIndexStore
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import BasePydanticVectorStore

from twinstore import _native

from ._docstore import TwinDocumentStore, as_today
from ._graph_store import TwinGraphStore
from ._index_store import TwinIndexStore
from ._kvstore import TwinKVStore
from ._namespaces import load_namespaces
from ._paths import files_in, path_in
from ._property_graph_store import TwinPropertyGraphStore
from ._vector_store import TwinVectorStore, read_vectors


class JsonFiles:
    """The JSON files of a persist directory, read as LlamaIndex reads them.

    Other than LlamaIndex this finds every namespace on every file system, also where
    one of them is damaged, and reads what releases until 0.8.64 wrote.

    Args:
        persist_dir: the directory.
        fs: its file system; None for the local one.
    """

    def __init__(self, persist_dir: str, fs: AbstractFileSystem | None = None) -> None:
        self._dir = persist_dir
        self._fs = fs

    def docstore(self) -> BaseDocumentStore:
        kvstore = TwinKVStore.from_json_file(path_in(self._dir, DOCSTORE_FNAME, self._fs), self._fs)
        store = SimpleDocumentStore(kvstore)
        kvstore.read_as(store._node_collection, as_today)
        return store

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
        return load_namespaces(files_in(self._dir, self._fs), self._vector_store)

    def _vector_store(self, namespace: str, file: str) -> BasePydanticVectorStore:
        path = path_in(self._dir, file, self._fs)
        try:
            return SimpleVectorStore(read_vectors(path, self._fs))
        except UnicodeDecodeError as why:
            raise ValueError(
                f"{path} is no JSON, so it is none of LlamaIndex's own vector stores; "
                f"load it with the class that wrote it (FAISS, perhaps) and pass it as vector_store=: {why}"
            ) from why


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
        return load_namespaces(self._vector_files, self._vector_store)

    def _vector_store(self, namespace: str, file: str) -> BasePydanticVectorStore:
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
