"""Stores that are opened by themselves beside a twin: the table of the two twins holds for them, too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from llama_index.core import Document, load_index_from_storage
from llama_index.core.graph_stores.types import EntityNode
from llama_index.core.schema import TextNode

from support.storage import stock_copy
from twinstore import pack, status
from twinstore.errors import Diverged
from twinstore.llama_index import (
    StorageContext,
    TwinChatStore,
    TwinDocumentStore,
    TwinGraphStore,
    TwinIndexStore,
    TwinKVStore,
    TwinPropertyGraphStore,
    TwinVectorStore,
)

pytestmark = pytest.mark.any_release

NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})
ELSE = Document(text="Something else.", id_="else")


def _in_docstore(directory: str, **where: Any) -> set[str]:
    return set(TwinDocumentStore.from_persist_dir(directory, **where).get_all_ref_doc_info() or {})


def _in_kv_store(directory: str, **where: Any) -> set[str]:
    return set(TwinKVStore.from_persist_path(f"{directory}/docstore.json", **where).get_all("docstore/ref_doc_info"))


def _in_vectors(directory: str, **where: Any) -> set[str]:
    return set(TwinVectorStore.from_persist_dir(directory, **where).data.text_id_to_ref_doc_id.values())


def _in_namespaces(directory: str, **where: Any) -> set[str]:
    stores = TwinVectorStore.from_namespaced_persist_dir(directory, **where)
    return set(stores["default"].data.text_id_to_ref_doc_id.values())  # type: ignore[attr-defined]


def _in_index(directory: str, **where: Any) -> int:
    [struct] = TwinIndexStore.from_persist_dir(directory, **where).index_structs()
    return len(struct.nodes_dict)  # type: ignore[attr-defined]


def _in_graph(directory: str, **where: Any) -> list[Any]:
    return TwinGraphStore.from_persist_dir(directory, **where).get("news")


def _in_property_graph(directory: str, **where: Any) -> set[str]:
    graph = TwinPropertyGraphStore.from_persist_dir(directory, **where)
    return {node.id for node in graph.get()}


# What each store says of the news, when it is opened by itself.
STORES: dict[str, Callable[..., Any]] = {
    "docstore": _in_docstore,
    "kv store": _in_kv_store,
    "vector store": _in_vectors,
    "vector stores by namespace": _in_namespaces,
    "index store": _in_index,
    "graph": _in_graph,
    "property graph": _in_property_graph,
}


@pytest.fixture
def storage(storage: Path) -> Path:
    """With a twin, and all kinds of stores."""
    context = open_dir(storage)
    context.graph_store.upsert_triplet("alice", "follows", "rabbit")
    context.add_property_graph_store()
    assert context.property_graph_store is not None
    context.property_graph_store.upsert_nodes([EntityNode(name="alice", label="person")])
    context.persist(storage)
    return storage


def said_by_all(directory: Path | str, **where: Any) -> dict[str, Any]:
    return {name: of(str(directory), **where) for name, of in STORES.items()}


def open_dir(directory: Path) -> StorageContext:
    return StorageContext.from_defaults(persist_dir=str(directory))


def add(context: StorageContext, document: Document) -> None:
    load_index_from_storage(context).insert(document)
    context.graph_store.upsert_triplet(document.id_, "is", "new")
    assert context.property_graph_store is not None
    context.property_graph_store.upsert_nodes([EntityNode(name=document.id_, label="document")])


def make_twin_newer(storage: Path) -> None:
    """The JSON files hold what was there before, as a crash leaves them, or a backup."""
    context = open_dir(storage)
    add(context, NEWS)
    context.persist(storage, json="never")
    for path in storage.glob("*.stale"):
        path.rename(path.with_suffix(""))


def make_json_newer(storage: Path, document: Document = NEWS) -> None:
    """A colleague without the twin has persisted."""
    copy = stock_copy(storage, storage.parent / "copy")
    context = StorageContext.from_defaults(persist_dir=str(copy), pack=False)
    context.property_graph_store = TwinPropertyGraphStore.from_persist_dir(str(copy))
    add(context, document)
    context.persist(copy)
    for path in copy.iterdir():
        shutil.copy(path, storage)


def all_differ(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return all(now[name] != before[name] for name in STORES)


def test_the_twin_is_opened_where_it_is_newer_than_the_json(storage: Path) -> None:
    before = said_by_all(storage)
    make_twin_newer(storage)
    assert said_by_all(stock_copy(storage, storage.parent / "json alone")) == before
    now = said_by_all(storage)
    assert all_differ(before, now)
    fs = fsspec.filesystem("memory")
    fs.put(f"{storage}/", "/newer twin/", recursive=True)
    try:
        assert said_by_all("/newer twin", fs=fs) == now
    finally:
        fs.rm("/newer twin", recursive=True)


def test_newer_json_is_taken_over(storage: Path) -> None:
    before = said_by_all(storage)
    make_json_newer(storage)
    for name, of in STORES.items():
        copy = storage.parent / name
        shutil.copytree(storage, copy)
        assert of(str(copy)) != before[name]
        assert all(store["settled"] for store in status(copy)["stores"])


def test_newer_json_is_read_where_packing_is_switched_off(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = said_by_all(storage)
    make_json_newer(storage)
    monkeypatch.setenv("TWINSTORE_PACK", "0")
    assert all_differ(before, said_by_all(storage))
    assert not any(store["settled"] for store in status(storage)["stores"] if store["kind"] == "document store")


def test_where_both_changed_it_is_an_error(storage: Path) -> None:
    make_twin_newer(storage)
    make_json_newer(storage, ELSE)
    for of in STORES.values():
        with pytest.raises(Diverged, match="both the JSON file and the twin changed"):
            of(str(storage))


def test_how_other_files_stand_to_the_twin_does_not_matter(storage: Path) -> None:
    vectors = (storage / "default__vector_store.json").read_bytes()
    make_twin_newer(storage)
    (storage / "default__vector_store.json").write_bytes(vectors.replace(b'"alice"', b'"ALICE"'))
    with pytest.raises(Diverged):
        open_dir(storage)
    assert "news" in _in_docstore(str(storage)) and _in_graph(str(storage)) == [["is", "new"]]
    # Nor where this file is newer: it cannot be packed, and is read.
    docstore = json.loads((storage / "docstore.json").read_text())
    pack(storage, prefer="json")
    (storage / "default__vector_store.json").write_bytes(b"")
    docstore["docstore/ref_doc_info"]["later"] = {"node_ids": [], "metadata": {}}
    (storage / "docstore.json").write_text(json.dumps(docstore))
    assert "later" in _in_docstore(str(storage))


@pytest.mark.parametrize("text", ["", '{"docstore/data": {', '{"docstore/data": {bad}}'])
def test_json_that_is_damaged_is_not_read_and_a_warning_says_so(
    storage: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = _in_docstore(str(storage))
    (storage / "docstore.json").write_text(text)
    assert _in_docstore(str(storage)) == before
    [warning] = [line for line in caplog.messages if "docstore.json" in line]
    assert "unpack" in warning


def test_a_store_that_neither_has_is_missed_as_llamaindex_misses_it(storage: Path) -> None:
    for name in ("graph_store.json", "property_graph_store.json", "docstore.json"):
        (storage / name).unlink()
    shutil.rmtree(storage / "twin")
    pack(storage)
    assert _in_graph(str(storage)) == []
    for of in (_in_docstore, _in_kv_store, _in_property_graph):
        with pytest.raises(FileNotFoundError):
            of(str(storage))


def test_a_twin_that_was_never_finished_is_none(storage: Path) -> None:
    before = _in_docstore(str(storage))
    shutil.rmtree(storage / "twin")
    (storage / "twin").mkdir()
    assert _in_docstore(str(storage)) == before
    assert not list((storage / "twin").glob("manifest-*"))


def test_chats_that_were_packed_are_opened(storage: Path) -> None:
    chats = storage / "chat_store.json"
    TwinChatStore(store={"key": []}).persist(str(chats))
    pack(storage)
    chats.unlink()
    assert TwinChatStore.from_persist_path(str(chats)).get_keys() == ["key"]
    chats.write_text("")
    assert TwinChatStore.from_persist_path(str(chats)).get_keys() == ["key"]


def test_the_old_name_of_the_vector_store_is_one_of_the_twin(storage: Path) -> None:
    shutil.rmtree(storage / "twin")
    for path in storage.glob("*__vector_store.json"):
        path.rename(storage / "vector_store.json")
    before = set(TwinVectorStore.from_persist_path(str(storage / "vector_store.json")).data.embedding_dict)
    context = open_dir(storage)
    context.vector_store.add([TextNode(id_="news", text="", embedding=[1.0] * 24)])
    context.persist(storage, json="never")
    (storage / "vector_store.json.stale").rename(storage / "vector_store.json")
    now = TwinVectorStore.from_persist_path(str(storage / "vector_store.json")).data.embedding_dict
    assert set(now) == before | {"news"}


def test_opening_a_store_writes_nothing_where_all_is_in_order(storage: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in storage.rglob("*")}
    said_by_all(storage)
    assert {path: path.stat().st_mtime_ns for path in storage.rglob("*")} == before


def test_that_the_twin_is_read_instead_is_no_warning(storage: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_twin_newer(storage)
    said_by_all(storage)
    assert not [record for record in caplog.records if record.name.startswith("twinstore")]
