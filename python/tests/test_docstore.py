"""``TwinDocumentStore`` is LlamaIndex's ``SimpleDocumentStore``, in memory and over a twin."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import StorageContext
from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageDocument,
    ImageNode,
    IndexNode,
    Node,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.storage.docstore import SimpleDocumentStore

from support.lives import OURS, WAYS, Life, OverTwin
from twinstore import pack
from twinstore._native import Context
from twinstore.llama_index._docstore import TwinDocumentStore
from twinstore.llama_index._json import Unserialisable

# Where persist directories of real projects and of old releases are.
REAL = [Path(path) for path in os.environ.get("TWINSTORE_REAL_DIRS", "").split(os.pathsep) if path]
needs_real = pytest.mark.skipif(not REAL, reason="TWINSTORE_REAL_DIRS names no real persist directories")


def node(name: str, source: str | None = None, **metadata: Any) -> TextNode:
    made = TextNode(text=f"text of {name}", id_=name, metadata=metadata)
    if source is not None:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=source)
    return made


def fill(context: StorageContext) -> None:
    nodes = [node("a1", "doc a", page=1), node("a2", "doc a", page=2), node("b1", "doc b"), node("free")]
    context.docstore.add_documents(nodes)
    context.docstore.set_document_hash("doc a", "hash of a")


@pytest.fixture(params=list(WAYS))
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    """The stores of each way, with a few nodes in them."""
    return WAYS[request.param](tmp_path / "storage", fill)


def test_nodes_are_found_by_their_ids(life: Life) -> None:
    life.docstore.add_documents([node("c1", "doc c", deep={"list": [1, None, True]})])
    for _ in range(2):
        found = life.docstore.get_node("c1")
        assert (found.text, found.metadata) == ("text of c1", {"deep": {"list": [1, None, True]}})
        assert found.ref_doc_id == "doc c"
        assert [one.node_id for one in life.docstore.get_nodes(["b1", "a1"])] == ["b1", "a1"]
        assert life.docstore.get_node_dict({0: "a1", 7: "c1"})[7].text == "text of c1"
        assert life.docstore.document_exists("c1") and not life.docstore.document_exists("c2")
        life.reopen()


def test_what_is_not_there_is_an_error_or_none(life: Life) -> None:
    with pytest.raises(ValueError, match="^doc_id gone not found.$"):
        life.docstore.get_document("gone")
    assert life.docstore.get_document("gone", raise_error=False) is None
    assert [one.node_id for one in life.docstore.get_nodes(["gone", "a1"], raise_error=False)] == ["a1"]
    with pytest.raises(ValueError, match="^doc_id gone not found.$"):
        life.docstore.delete_document("gone")
    life.docstore.delete_document("gone", raise_error=False)
    with pytest.raises(ValueError, match="^ref_doc_id gone not found.$"):
        life.docstore.delete_ref_doc("gone")
    life.docstore.delete_ref_doc("gone", raise_error=False)


def test_a_node_that_is_there_is_replaced_where_that_is_allowed(life: Life) -> None:
    changed = node("a1", "doc a")
    changed.set_content("changed")
    with pytest.raises(ValueError, match="^node_id a1 already exists. Set allow_update to True to overwrite.$"):
        life.docstore.add_documents([changed], allow_update=False)
    life.docstore.add_documents([changed])
    life.reopen()
    assert life.docstore.get_node("a1").text == "changed"
    assert list(life.docstore.docs) == ["a1", "a2", "b1", "free"]


def test_without_text_only_hashes_and_references_are_kept(life: Life) -> None:
    life.docstore.add_documents([node("c1", "doc c")], store_text=False)
    life.reopen()
    assert not life.docstore.document_exists("c1")
    assert life.docstore.get_ref_doc_info("doc c").node_ids == ["c1"]
    assert life.docstore.get_document_hash("c1") == node("c1", "doc c").hash


def test_batches_are_refused_as_by_the_store_of_llama_index(life: Life) -> None:
    with pytest.raises(NotImplementedError, match="Batching not supported"):
        life.docstore.add_documents([node("c1")], batch_size=10)


def test_docs_are_all_nodes_in_order(life: Life) -> None:
    life.docstore.add_documents([node("new")])
    for _ in range(2):
        assert [(key, one.node_id) for key, one in life.docstore.docs.items()] == [
            (key, key) for key in ("a1", "a2", "b1", "free", "new")
        ]
        life.reopen()


def test_what_a_document_became_is_known(life: Life) -> None:
    info = life.docstore.get_ref_doc_info("doc a")
    assert (info.node_ids, info.metadata) == (["a1", "a2"], {"page": 2})
    assert list(life.docstore.get_all_ref_doc_info()) == ["doc a", "doc b"]
    assert life.docstore.ref_doc_exists("doc b") and not life.docstore.ref_doc_exists("free")
    assert life.docstore.get_ref_doc_info("gone") is None


def test_a_document_loses_nodes_and_then_itself(life: Life) -> None:
    life.docstore.delete_document("a1")
    life.reopen()
    assert life.docstore.get_ref_doc_info("doc a").node_ids == ["a2"]
    life.docstore.delete_document("a2")
    life.reopen()
    assert life.docstore.get_ref_doc_info("doc a") is None
    assert life.docstore.get_document_hash("doc a") is None
    assert list(life.docstore.docs) == ["b1", "free"]


def test_a_document_is_deleted_with_its_nodes(life: Life) -> None:
    life.docstore.delete_ref_doc("doc a")
    life.reopen()
    assert list(life.docstore.docs) == ["b1", "free"]
    assert list(life.docstore.get_all_ref_doc_info()) == ["doc b"]
    assert set(life.docstore.get_all_document_hashes().values()) == {"b1", "free"}


def test_hashes_are_set_and_found(life: Life) -> None:
    assert life.docstore.get_document_hash("doc a") == "hash of a"
    life.docstore.set_document_hash("a1", "other")
    life.docstore.set_document_hashes({"x": "hash of x", "y": "hash of y"})
    for _ in range(2):
        assert life.docstore.get_document_hash("a1") == "other"
        assert life.docstore.get_all_document_hashes()["hash of x"] == "x"
        assert life.docstore.get_document_hash("gone") is None
        # The reference of a node goes with its hash.
        life.docstore.delete_document("a1", raise_error=False)
        assert life.docstore.get_ref_doc_info("doc a").node_ids == ["a1", "a2"]
        life.reopen()
        life.docstore.set_document_hash("a1", "other")


def test_the_async_methods_do_the_same(life: Life) -> None:
    async def use(store: Any) -> None:
        await store.async_add_documents([node("c1", "doc c"), node("c2", "doc c")])
        assert (await store.aget_node("c1")).text == "text of c1"
        assert [one.node_id for one in await store.aget_nodes(["a2", "c2"])] == ["a2", "c2"]
        with pytest.raises(ValueError, match="^doc_id gone not found.$"):
            await store.aget_document("gone")
        await store.aset_document_hash("doc c", "hash of c")
        await store.aset_document_hashes({"doc d": "hash of d"})
        assert await store.aget_document_hash("doc c") == "hash of c"
        assert (await store.aget_all_document_hashes())["hash of d"] == "doc d"
        assert (await store.aget_ref_doc_info("doc c")).node_ids == ["c1", "c2"]
        assert await store.aref_doc_exists("doc c") and await store.adocument_exists("c1")
        # As in LlamaIndex, this does not tell the document.
        await store.adelete_document("c1")
        assert (await store.aget_ref_doc_info("doc c")).node_ids == ["c1", "c2"]
        await store.adelete_ref_doc("doc b")
        assert list(await store.aget_all_ref_doc_info()) == ["doc a", "doc c"]

    asyncio.run(use(life.docstore))
    life.reopen()
    assert list(life.docstore.docs) == ["a1", "a2", "free", "c2"]


def every_type() -> list[BaseNode]:
    return [
        TextNode(text="text ü \ud83d", id_="text", metadata={"nan": 1e400, "big": 2**70}, embedding=[0.1, 1e-7]),
        Document(text="document", id_="document", metadata={"a": {"b": [None]}}),
        ImageNode(image="aGk=", id_="image node"),
        ImageDocument(text="an image", id_="image document", image_path=None),
        IndexNode(text="index", index_id="x", id_="index", obj=TextNode(text="inner", id_="inner")),
        Node(id_="node"),
    ]


def test_nodes_of_every_type_come_back(life: Life) -> None:
    life.docstore.add_documents(every_type())
    for _ in range(2):
        for wanted in every_type():
            found = life.docstore.get_node(wanted.node_id)
            assert type(found) is type(wanted)
            assert found.to_dict() == wanted.to_dict()
            assert found.hash == wanted.hash
        life.reopen()


def test_a_namespace_has_collections_of_its_own(life: Life, tmp_path: Path) -> None:
    other = type(life.docstore)(life.docstore._kvstore, namespace="other")
    other.add_documents([node("a1", "doc z")])
    life.reopen()
    other = type(life.docstore)(life.docstore._kvstore, namespace="other")
    assert other.get_node("a1").ref_doc_id == "doc z"
    assert life.docstore.get_node("a1").ref_doc_id == "doc a"


def test_a_changed_node_is_changed_when_it_is_put_back(life: Life) -> None:
    found = life.docstore.get_node("a1")
    found.metadata["page"] = 100
    assert life.docstore.get_node("a1").metadata["page"] == 1
    life.docstore.add_documents([found])
    life.reopen()
    assert life.docstore.get_node("a1").metadata["page"] == 100


def test_to_dict_and_from_dict(life: Life) -> None:
    made = type(life.docstore).from_dict(json.loads(json.dumps(life.docstore.to_dict())))
    assert {key: one.to_dict() for key, one in made.docs.items()} == {
        key: one.to_dict() for key, one in life.docstore.docs.items()
    }


@pytest.mark.parametrize("seed", range(10))
def test_any_history_leaves_the_file_that_llama_index_leaves(seed: int, tmp_path: Path) -> None:
    lives = {way: WAYS[way](tmp_path / way, fill) for way in WAYS}
    chance = random.Random(seed)
    for _ in range(60):
        step = random_step(chance)
        answers = {way: outcome(step, life.docstore) for way, life in lives.items()}
        assert answers["memory"] == answers["twin"] == answers["stock"]
        if chance.random() < 0.05:
            for life in lives.values():
                life.reopen()
    for life in lives.values():
        life.reopen()
    texts = {way: without_empty((tmp_path / way / "docstore.json").read_text()) for way in WAYS}
    assert texts["memory"] == texts["twin"] == texts["stock"]


def random_step(chance: random.Random) -> Callable[[Any], Any]:
    name = f"{chance.choice('abc')}{chance.randrange(4)}"
    source = chance.choice([None, f"doc {name[0]}"])
    page = chance.randrange(3)
    steps: list[Callable[[Any], Any]] = [
        lambda store: store.add_documents([node(name, source, page=page)]),
        lambda store: store.add_documents([node(name, source), node("b1", "doc a")], allow_update=False),
        lambda store: store.add_documents([node(name, source)], store_text=False),
        lambda store: store.delete_document(name),
        lambda store: store.delete_ref_doc(f"doc {name[0]}", raise_error=False),
        lambda store: store.set_document_hash(name, f"hash {page}"),
        lambda store: store.get_document(name).to_dict(),
        lambda store: store.get_ref_doc_info(f"doc {name[0]}"),
        lambda store: store.get_all_document_hashes(),
        lambda store: list(store.docs),
        lambda store: asyncio.run(store.adelete_document(name, raise_error=False)),
    ]
    return chance.choice(steps)


def outcome(step: Callable[[Any], Any], store: Any) -> str:
    try:
        return repr(step(store))
    except ValueError as error:
        return repr(error)


def without_empty(text: str) -> str:
    """A file without the collections that reading alone makes in LlamaIndex."""
    return json.dumps({name: records for name, records in json.loads(text).items() if records})


# What is only ours


@pytest.mark.parametrize("way", OURS)
def test_a_value_that_json_cannot_carry_is_named_before_anything_is_written(way: str, tmp_path: Path) -> None:
    life = WAYS[way](tmp_path / "storage", fill)
    before = (tmp_path / "storage/docstore.json").read_bytes()
    life.docstore.add_documents([node("good", "doc a"), node("bad", "doc a", tags={"x", "y"})])
    with pytest.raises(Unserialisable, match=r"^node 'bad': metadata\['tags'\]: Object of type set"):
        life.reopen()
    assert (tmp_path / "storage/docstore.json").read_bytes() == before
    # The document of the node has its metadata, too.
    life.docstore.delete_ref_doc("doc a")
    life.reopen()
    assert list(life.docstore.docs) == ["b1", "free"]


def test_a_set_in_a_document_is_named_by_the_document(tmp_path: Path) -> None:
    life = OverTwin(tmp_path / "storage", fill)
    life.docstore._kvstore.put("doc a", {"node_ids": ["a1"], "metadata": {"x": b""}}, "docstore/ref_doc_info")
    with pytest.raises(Unserialisable, match=r"^docstore/ref_doc_info 'doc a': metadata\['x'\]: Object of type bytes"):
        life.docstore.check()


def test_without_its_json_file_a_store_is_read_from_the_twin(tmp_path: Path) -> None:
    OverTwin(tmp_path / "storage", fill)
    (tmp_path / "storage/docstore.json").unlink()
    store = TwinDocumentStore.from_persist_dir(str(tmp_path / "storage"))
    assert list(store.docs) == ["a1", "a2", "b1", "free"]
    store.persist(str(tmp_path / "storage/docstore.json"))
    assert list(SimpleDocumentStore.from_persist_dir(str(tmp_path / "storage")).docs) == ["a1", "a2", "b1", "free"]


# Real directories


def real_docstores(smaller_than: int = 5_000_000) -> list[Path]:
    found = sorted(path for directory in REAL for path in directory.glob("**/docstore.json"))
    assert found
    return [path for path in found if path.stat().st_size < smaller_than]


@needs_real
def test_real_docstores_have_the_nodes_that_llama_index_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A node that has no id in its file gets another each time it is read.
    monkeypatch.setattr("uuid.uuid4", lambda: "made up")
    for n, path in enumerate(real_docstores()):
        stock = SimpleDocumentStore.from_persist_path(str(path))
        for ours in (TwinDocumentStore.from_persist_path(str(path)), over_twin_of(path, tmp_path / str(n))):
            ids = list(stock._kvstore.get_all(stock._node_collection))
            assert list(ours._kvstore.get_all(ours._node_collection)) == ids
            for name in ids:
                try:
                    wanted = stock.get_document(name)
                except (KeyError, ValueError):
                    continue  # What LlamaIndex refuses is the next test's.
                found = ours.get_document(name)
                assert type(found) is type(wanted)
                assert repr(found.to_dict()) == repr(wanted.to_dict())
            assert ours.get_all_ref_doc_info() == stock.get_all_ref_doc_info()
            assert ours.get_all_document_hashes() == stock.get_all_document_hashes()


@needs_real
def test_old_documents_that_llama_index_refuses_load_and_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # LlamaIndex 0.13 does not find the ids of nodes of 0.6.
    monkeypatch.setattr("uuid.uuid4", lambda: "made up")
    refused = 0
    for n, path in enumerate(real_docstores(smaller_than=100_000)):
        stock = SimpleDocumentStore.from_persist_path(str(path))
        context = packed(path, tmp_path / str(n))
        ours = (TwinDocumentStore.from_persist_path(str(path)), TwinDocumentStore.from_twin(context))
        for name, record in stock._kvstore.get_all(stock._node_collection).items():
            try:
                stock.get_document(name)
            except (KeyError, ValueError):
                refused += 1
                for store in ours:
                    found = store.get_document(name)
                    assert found.node_id in (name, "made up")
                    assert found.text == record["__data__"]["text"]
                    assert found.metadata == record["__data__"].get("metadata", record["__data__"].get("extra_info"))
                    assert store.docs[name] == found == asyncio.run(store.aget_document(name))
        ours[1].flush()
        assert not context.has_changes()
        ours[0].persist(str(tmp_path / "again.json"))
        assert json.loads((tmp_path / "again.json").read_text()) == json.loads(path.read_text())
    assert refused > 10


def packed(path: Path, directory: Path) -> Context:
    """The twin of a docstore by itself."""
    directory.mkdir()
    (directory / "docstore.json").write_bytes(path.read_bytes())
    pack(directory)
    return Context.open(directory)


def over_twin_of(path: Path, directory: Path) -> TwinDocumentStore:
    return TwinDocumentStore.from_twin(packed(path, directory))
