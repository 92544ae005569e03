"""A store's own ``persist``, onto the JSON file of the directory that its twin is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, load_index_from_storage
from llama_index.core import StorageContext as StockContext
from llama_index.core.graph_stores.types import EntityNode
from llama_index.core.llms import ChatMessage

from twinstore import pack, status
from twinstore.errors import JsonNewer
from twinstore.llama_index import StorageContext, TwinChatStore, TwinDocumentStore, TwinVectorStore

pytestmark = pytest.mark.any_release

NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})
MORE = Document(text="The queen had tea in the rabbit hole.", id_="more", metadata={"name": "more"})

# The file of each store of a context, and the store.
STORES: dict[str, Callable[[StorageContext], Any]] = {
    "docstore.json": lambda context: context.docstore,
    "index_store.json": lambda context: context.index_store,
    "graph_store.json": lambda context: context.graph_store,
    "property_graph_store.json": lambda context: context.property_graph_store,
    "default__vector_store.json": lambda context: context.vector_store,
}


def open_dir(directory: Path) -> StorageContext:
    return StorageContext.from_defaults(persist_dir=str(directory))


def add(context: StorageContext, document: Document) -> None:
    load_index_from_storage(context).insert(document)
    context.graph_store.upsert_triplet(document.id_, "is", "new")
    context.add_property_graph_store()
    assert context.property_graph_store is not None
    context.property_graph_store.upsert_nodes([EntityNode(name=document.id_, label="document")])


def names(context: StockContext) -> list[set[str]]:
    """What each store knows of."""
    [struct] = context.index_store.index_structs()
    assert context.property_graph_store is not None
    return [
        set(context.docstore.get_all_ref_doc_info() or {}),
        set(struct.nodes_dict),  # type: ignore[attr-defined]
        set(context.vector_store.data.text_id_to_ref_doc_id.values()),  # type: ignore[attr-defined]
        {name for name in ("news", "more") if context.graph_store.get(name)},
        {node.id for node in context.property_graph_store.get()},
    ]


def settled(directory: Path) -> bool:
    return all(store["settled"] for store in status(directory)["stores"])


@pytest.mark.parametrize("file", STORES)
def test_does_not_stand_in_the_way_of_the_context(storage: Path, file: str) -> None:
    context = open_dir(storage)
    add(context, NEWS)
    STORES[file](context).persist(str(storage / file))
    add(context, MORE)
    context.persist(storage)
    stock = StockContext.from_defaults(persist_dir=str(storage))
    assert names(open_dir(storage)) == names(stock) == names(context)
    assert {"news", "more"} <= names(stock)[0]
    assert settled(storage)


@pytest.mark.parametrize("file", STORES)
def test_can_be_all_that_is_persisted(storage: Path, file: str) -> None:
    context = open_dir(storage)
    add(context, NEWS)
    context.persist(storage)
    before = names(open_dir(storage))
    add(context, MORE)
    STORES[file](context).persist(str(storage / file))
    now = names(open_dir(storage))
    assert [new != old for new, old in zip(now, before, strict=True)].count(True) >= 1


def test_what_somebody_writes_over_it_is_news(storage: Path) -> None:
    context = open_dir(storage)
    add(context, NEWS)
    path = storage / "docstore.json"
    context.docstore.persist(str(path))
    path.write_bytes(path.read_bytes().replace(b"rabbit", b"RABBIT"))
    with pytest.raises(JsonNewer):
        context.persist(storage)


def test_is_newer_than_the_twin_also_where_the_json_was_set_aside(storage: Path) -> None:
    context = open_dir(storage)
    add(context, NEWS)
    context.persist(storage, json="never")
    docstore = TwinDocumentStore.from_persist_dir(str(storage))
    docstore.add_documents([MORE])
    docstore.persist(str(storage / "docstore.json"))
    vectors = TwinVectorStore.from_persist_dir(str(storage))
    vectors.delete("alice")
    vectors.persist(str(storage / "default__vector_store.json"))
    again = open_dir(storage)
    assert again.docstore.document_exists("more")
    assert "alice" not in names(again)[2]


def test_a_copy_elsewhere_is_no_matter(storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = open_dir(storage)
    add(context, NEWS)
    context.docstore.persist(str(tmp_path / "docstore.json"))
    monkeypatch.chdir(tmp_path)
    context.graph_store.persist("./graph_store.json")
    assert settled(storage)
    context.persist(storage)
    assert names(open_dir(storage)) == names(context)


def test_chats_go_on(storage: Path) -> None:
    path = str(storage / "chat_store.json")
    chats = TwinChatStore()
    chats.add_message("key", ChatMessage("one"))
    chats.persist(path)
    pack(storage, drop_json=True)
    for text in ("two", "three"):
        chats = TwinChatStore.from_persist_path(path)  # type: ignore[assignment]
        chats.add_message("key", ChatMessage(text))
        chats.persist(path)
    found = TwinChatStore.from_persist_path(path).get_messages("key")
    assert [message.content for message in found] == ["one", "two", "three"]
    open_dir(storage)
    assert settled(storage)
