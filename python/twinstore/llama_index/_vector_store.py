"""The vector store.

The twin finds the few rows that decide the answer to a query, and the installed
LlamaIndex answers it from them. So modes, scores, order and errors are those of its
version.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.simple import (
    DEFAULT_PERSIST_DIR,
    DEFAULT_PERSIST_FNAME,
    DEFAULT_VECTOR_STORE,
    SimpleVectorStore,
    SimpleVectorStoreData,
)
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterCondition,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryResult,
)
from llama_index.core.vector_stores.utils import build_metadata_filter_fn, node_to_metadata_dict
from pydantic_core import PydanticSerializationError, to_json

from twinstore._native import Context, FilterRefused, Filters, Vectors

from ._atomic import make_parent
from ._id_lists import IdLists
from ._json import Unserialisable, dumps
from ._namespaces import file_in, load_namespaces, namespace_of
from ._own_json import write_json
from ._paths import files_in, local_path, path_in
from ._plain_query import PlainQuery
from ._printing import object_pieces
from ._standalone import files_of_twin, twin_beside
from ._vector_maps import TwinVectorData, naming_misfits

REF_DOCS = "text_id_to_ref_doc_id"
# What it was called until 0.6.16.
OLD_REF_DOCS = "text_id_to_doc_id"

_NO_METADATA: dict[str, Any] = {}


class TwinVectorStore(SimpleVectorStore):
    """LlamaIndex's ``SimpleVectorStore``, over a twin or in memory.

    Over a twin, ``data`` has mappings in the place of dicts: they read the twin, and
    what is set in them is in the store at once. What would be set elsewhere, and so be
    lost, is refused: another ``data``, another map, a change of a value that was read.
    """

    _twin: Context | None = PrivateAttr(default=None)
    _vectors: Vectors | None = PrivateAttr(default=None)
    _namespace: str | None = PrivateAttr(default=None)
    _id_lists: IdLists = PrivateAttr(default_factory=IdLists)

    def __init__(
        self, data: SimpleVectorStoreData | None = None, fs: AbstractFileSystem | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data=data, fs=fs, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "data" and self._vectors is not None and value is not self.data:
            raise AttributeError("data is in a twin and cannot be replaced: use clear() and add(), or change its maps")
        super().__setattr__(name, value)

    @classmethod
    def from_twin(cls, context: Context, namespace: str = "default") -> TwinVectorStore:
        """A vector store of a context.

        Args:
            context: the native context.
            namespace: which; an empty one is added where the context has none.
        """
        context.add_vector_store(namespace)
        vectors = context.vectors(namespace)
        made = cls(TwinVectorData(vectors))
        made._twin, made._vectors, made._namespace = context, vectors, namespace
        return made

    @classmethod
    def from_persist_path(cls, persist_path: str, fs: AbstractFileSystem | None = None) -> SimpleVectorStore:
        """The vectors of a JSON file, or of the twin beside it, see ``twin_beside``."""
        file = os.path.basename(persist_path)
        context = twin_beside(persist_path, file, fs) if namespace_of(file, ()) is not None else None
        namespace = None if context is None else namespace_of(file, [stored for stored, _, _ in context.stores()])
        if context is None or namespace is None:
            return cls(read_vectors(persist_path, fs))
        return cls.from_twin(context, namespace)

    @classmethod
    def from_namespaced_persist_dir(
        cls, persist_dir: str = DEFAULT_PERSIST_DIR, fs: AbstractFileSystem | None = None
    ) -> dict[str, BasePydanticVectorStore]:
        """The vector stores of a directory by namespace: those of its JSON files, and
        those that only the twin beside them has."""
        directory, fs = local_path(persist_dir, fs)
        try:
            files = dict.fromkeys(files_in(directory, fs))
        except FileNotFoundError:
            # LlamaIndex misses the default one then.
            return {DEFAULT_VECTOR_STORE: cls.from_persist_dir(directory, fs=fs)}
        files |= dict.fromkeys(files_of_twin(directory, fs))
        return load_namespaces(files, lambda _, file: cls.from_persist_path(path_in(directory, file, fs), fs))

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Adds nodes, or replaces those of the same ids.

        Raises:
            ValueError: a node has no embedding; those before it were added, as LlamaIndex
                does. Or its embedding is not of the length of the others; none was added.
            TypeError: JSON cannot carry the metadata of a node, or its embedding has
                something else than numbers; names it. None was added.
        """
        vectors = self._vectors
        if vectors is None:
            return super().add(nodes, **add_kwargs)
        new: list[tuple[str, Any, str, str]] = []
        for node in nodes:
            try:
                embedding = node.get_embedding()
            except Exception:
                _add(vectors, new)
                raise
            new.append((node.node_id, embedding, node.ref_doc_id or "None", _metadata_of(node)))
        _add(vectors, new)
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        """Deletes what is from a document."""
        if self._vectors is None:
            super().delete(ref_doc_id, **delete_kwargs)
        elif isinstance(ref_doc_id, str):
            self._vectors.delete(ref_doc_id)

    def delete_nodes(
        self,
        node_ids: list[str] | None = None,
        filters: MetadataFilters | None = None,
        **delete_kwargs: Any,
    ) -> None:
        """Deletes the nodes of these ids, or all, that pass the filters."""
        vectors = self._vectors
        if vectors is None:
            super().delete_nodes(node_ids, filters, **delete_kwargs)
            return
        ids = None if node_ids is None else list(node_ids)
        try:
            vectors.delete_nodes(ids, _judged(filters))
        except FilterRefused as refused:
            self._refuse(refused, lambda one: one.delete_nodes(filters=filters))
            raise

    def clear(self) -> None:
        """Deletes everything."""
        if self._vectors is None:
            super().clear()
        else:
            self._vectors.clear()
            self._id_lists = IdLists()

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """Answers a query as the installed LlamaIndex does."""
        if self._vectors is None:
            return super().query(query, **kwargs)
        filters = _judged(query.filters)
        selection = None if query.node_ids is None else self._id_lists.find(self._vectors, list(query.node_ids))
        plain = PlainQuery.of(query, kwargs.get("mmr_threshold"))
        rows: Any
        try:
            if plain is None:
                ids, rows = self._vectors.selected_rows(selection, filters)
            else:
                ids, rows = self._vectors.deciding_rows(
                    plain.embedding, plain.top_k, plain.mode, plain.mmr_threshold, selection, filters
                )
        except FilterRefused as refused:
            self._refuse(refused, lambda one: one.query(replace(query, node_ids=None)))
            raise
        chosen = SimpleVectorStoreData(embedding_dict=dict(zip(ids, rows, strict=True)))
        return SimpleVectorStore(chosen).query(replace(query, filters=None, node_ids=None), **kwargs)

    def _refuse(self, refused: FilterRefused, ask: Callable[[SimpleVectorStore], object]) -> None:
        """Raises what LlamaIndex raises for the row that filters do not fit."""
        node_id: str = refused.args[0]
        metadata = self.data.metadata_dict
        if node_id in metadata:
            own = {node_id: metadata[node_id]}
        else:
            # That of another row, if any row has some.
            own = {f"not {node_id}": {}} if metadata else _NO_METADATA
        data = SimpleVectorStoreData(
            embedding_dict={node_id: [0.0]}, text_id_to_ref_doc_id={node_id: "None"}, metadata_dict=own
        )
        try:
            ask(SimpleVectorStore(data))
        except Exception as why:
            raise why from None

    def persist(
        self,
        persist_path: str = os.path.join(DEFAULT_PERSIST_DIR, DEFAULT_PERSIST_FNAME),
        fs: AbstractFileSystem | None = None,
    ) -> None:
        """Writes LlamaIndex's JSON; see ``write_text_atomically``."""
        fs = fs or self._fs
        make_parent(persist_path, fs)
        write_json(persist_path, object_pieces(vars(self.data)), fs, self._twin, self._file)

    @property
    def _file(self) -> str:
        """What the file of the store is called beside its twin."""
        files = [] if self._twin is None else [file for file, _, _ in self._twin.stores()]
        return file_in(files, self._namespace or DEFAULT_VECTOR_STORE)

    def check(self) -> None:
        """Nothing is held that could not be written: what does not fit was refused."""

    def flush(self) -> None:
        """Nothing is held: changes are in the context at once."""

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> TwinVectorStore:
        # A copy, in another process or not, has no twin under it.
        return type(self)(copy.deepcopy(self.data, memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (copy.deepcopy(self.data),)


def read_vectors(path: str, fs: AbstractFileSystem | None) -> SimpleVectorStoreData:
    """The vectors of a JSON file, whatever is beside it, and whichever release wrote it."""
    where = fs or LocalFileSystem()
    if not where.exists(path):
        return SimpleVectorStore.from_persist_path(path, fs=fs).data  # It says so.
    with where.open(path, "rb") as file:
        record = json.load(file)
    if isinstance(record, dict) and OLD_REF_DOCS in record:
        record.setdefault(REF_DOCS, record[OLD_REF_DOCS])
    data: SimpleVectorStoreData = SimpleVectorStoreData.from_dict(record)
    return data


def _add(vectors: Vectors, new: list[tuple[str, Any, str, str]]) -> None:
    with naming_misfits((node_id, embedding) for node_id, embedding, _, _ in new):
        vectors.add(new)


def _metadata_of(node: BaseNode) -> str:
    """The JSON of what LlamaIndex keeps of the metadata of a node."""
    try:
        metadata = node_to_metadata_dict(node, remove_text=True, flat_metadata=False)
    except PydanticSerializationError as error:
        raise Unserialisable("node", node.node_id, _path_of_offender(node.metadata), str(error)) from error
    metadata.pop("_node_content", None)
    return dumps(metadata, "node", node.node_id)


def _path_of_offender(metadata: dict[str, Any]) -> tuple[object, ...]:
    for key, value in metadata.items():
        try:
            to_json(value)
        except PydanticSerializationError:
            return "metadata", key
    return ()


def _judged(filters: MetadataFilters | None) -> Filters | None:
    """Filters that the installed LlamaIndex applies, once to each value of a key."""
    if filters is None:
        return None
    # One of filters in filters has no key. It is refused for every row.
    keys: list[str] = [getattr(one, "key", "") for one in filters.filters]
    alone = [MetadataFilters.model_construct(filters=[one], condition=filters.condition) for one in filters.filters]
    judges = [build_metadata_filter_fn(_as_it_is, one) for one in alone]
    condition = filters.condition or FilterCondition.AND
    # The twin wants to know whether a filter is met, also where none may be.
    is_not = condition == FilterCondition.NOT

    def judge(number: int, text: str | None) -> bool:
        metadata = {} if text is None else {keys[number]: json.loads(text)}
        return judges[number](metadata) != is_not  # type: ignore[arg-type]

    return Filters(keys, str(condition.value), judge)


def _as_it_is(metadata: Any) -> Any:
    # Where LlamaIndex looks metadata up by id, it is given the metadata.
    return metadata
