"""``TwinPropertyGraphStore`` is LlamaIndex's ``SimplePropertyGraphStore``, in memory and
over a twin."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import StorageContext
from llama_index.core.graph_stores import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import ChunkNode, EntityNode, LabelledPropertyGraph, Relation
from llama_index.core.schema import TextNode

from support.lives import OURS, WAYS, Life, OverTwin, nothing
from twinstore import pack
from twinstore._native import Context
from twinstore.llama_index._json import Unserialisable
from twinstore.llama_index._property_graph_store import TwinPropertyGraphStore

NAME = "property_graph_store.json"


def entity(name: str, **properties: Any) -> EntityNode:
    return EntityNode(name=name, properties=properties)


def relation(source: str, label: str, target: str, **properties: Any) -> Relation:
    return Relation(label=label, source_id=source, target_id=target, properties=properties)


def fill(context: StorageContext) -> None:
    store = context.property_graph_store
    assert store is not None
    store.upsert_nodes([entity("cat", fur="grey"), entity("mouse"), ChunkNode(text="a text ü", id_="chunk")])
    store.upsert_relations([relation("cat", "CHASES", "mouse", often=True), relation("mouse", "EATS", "cheese")])


@pytest.fixture(params=list(WAYS))
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    """The stores of each way, with a small graph in them."""
    return WAYS[request.param](tmp_path / "storage", fill)


def ids(nodes: list[Any]) -> list[str]:
    return [node.id for node in nodes]


def triples(triplets: list[Any]) -> list[tuple[str, str, str]]:
    # A set has an order of its own in each process.
    return sorted((subject.id, label.id, thing.id) for subject, label, thing in triplets)


def test_nodes_are_found_by_id_and_by_property(life: Life) -> None:
    life.property_graph_store.upsert_nodes([entity("dog", fur="brown"), entity("mouse", fur="grey")])
    for _ in range(2):
        store = life.property_graph_store
        assert ids(store.get()) == ["cat", "mouse", "chunk", "cheese", "dog"]
        assert ids(store.get(properties={"fur": "grey"})) == ["cat", "mouse"]
        assert ids(store.get(ids=["chunk", "cat", "unknown"])) == ["cat", "chunk"]
        assert [type(node) for node in store.get(ids=["chunk", "cat"])] == [EntityNode, ChunkNode]
        life.reopen()


def test_triplets_are_found_by_their_ends_and_relations(life: Life) -> None:
    life.property_graph_store.upsert_relations([relation("dog", "CHASES", "cat")])
    for _ in range(2):
        store = life.property_graph_store
        assert triples(store.get_triplets(ids=["cat"])) == [("cat", "CHASES", "mouse"), ("dog", "CHASES", "cat")]
        assert triples(store.get_triplets(relation_names=["EATS"])) == [("mouse", "EATS", "cheese")]
        assert triples(store.get_triplets(properties={"often": True})) == [("cat", "CHASES", "mouse")]
        assert store.get_triplets() == []
        assert ids(store.get(ids=["dog"])) == ["dog"]
        life.reopen()


def test_a_relation_map_follows_relations(life: Life) -> None:
    for _ in range(2):
        store = life.property_graph_store
        (cat,) = store.get(ids=["cat"])
        # The first step is repeated by the second, which looks at both ends.
        assert triples(store.get_rel_map([cat], depth=2)) == [
            ("cat", "CHASES", "mouse"),
            ("cat", "CHASES", "mouse"),
            ("mouse", "EATS", "cheese"),
        ]
        assert triples(store.get_rel_map([cat], depth=1, ignore_rels=["CHASES"])) == []
        life.reopen()


def test_delete_takes_the_ends_of_triplets_with_them(life: Life) -> None:
    life.property_graph_store.delete(relation_names=["EATS"])
    life.reopen()
    # Also all other nodes, where neither properties nor ids are given.
    assert life.property_graph_store.get() == []
    assert life.property_graph_store.graph.triplets == {("cat", "CHASES", "mouse")}
    assert list(life.property_graph_store.graph.relations) == ["cat_CHASES_mouse"]


def test_nodes_are_deleted_by_id(life: Life) -> None:
    life.property_graph_store.delete(ids=["cheese"])
    life.reopen()
    assert ids(life.property_graph_store.get()) == ["cat", "chunk"]


def test_what_is_deleted_and_added_again_comes_last(life: Life) -> None:
    life.property_graph_store.delete(ids=["chunk"])
    life.property_graph_store.upsert_nodes([ChunkNode(text="a text ü", id_="chunk")])
    for _ in range(2):
        assert ids(life.property_graph_store.get()) == ["cat", "mouse", "cheese", "chunk"]
        life.reopen()


def test_nodes_and_relations_can_be_changed_in_place(life: Life) -> None:
    (cat,) = life.property_graph_store.get(ids=["cat"])
    cat.properties["fur"] = "black"
    life.property_graph_store.graph.relations["cat_CHASES_mouse"].properties["often"] = 1
    for _ in range(2):
        store = life.property_graph_store
        assert store.get(ids=["cat"])[0].properties == {"fur": "black"}
        assert type(store.graph.relations["cat_CHASES_mouse"].properties["often"]) is int
        life.reopen()


def test_chunks_are_nodes_of_llama_index(life: Life) -> None:
    node = TextNode(text="text of a node", id_="llama", metadata={"page": 1}, embedding=[0.5, 1e-7])
    life.property_graph_store.upsert_llama_nodes([node])
    for _ in range(2):
        (found,) = life.property_graph_store.get_llama_nodes(["llama"])
        assert (found.id_, found.text, found.metadata) == ("llama", "text of a node", {"page": 1})
        life.reopen()
    life.property_graph_store.delete_llama_nodes(["llama"])
    life.reopen()
    assert life.property_graph_store.get(ids=["llama"]) == []


def test_the_async_methods_do_the_same(life: Life) -> None:
    async def use(store: Any) -> None:
        await store.aupsert_nodes([entity("dog")])
        await store.aupsert_relations([relation("dog", "CHASES", "cat")])
        assert ids(await store.aget(ids=["dog"])) == ["dog"]
        assert triples(await store.aget_triplets(ids=["dog"])) == [("dog", "CHASES", "cat")]
        await store.adelete(ids=["chunk"])

    asyncio.run(use(life.property_graph_store))
    life.reopen()
    assert ids(life.property_graph_store.get()) == ["cat", "mouse", "cheese", "dog"]


def test_the_graph_can_be_replaced(life: Life) -> None:
    graph = LabelledPropertyGraph()
    graph.add_node(entity("only"))
    life.property_graph_store.graph = graph
    for _ in range(2):
        assert ids(life.property_graph_store.get()) == ["only"]
        assert not life.property_graph_store.graph.relations and not life.property_graph_store.graph.triplets
        life.reopen()


def test_what_it_cannot_do_it_says(life: Life) -> None:
    store = life.property_graph_store
    assert not store.supports_structured_queries and not store.supports_vector_queries
    for attempt in (store.get_schema, lambda: store.structured_query(""), lambda: store.client):
        with pytest.raises(NotImplementedError):
            attempt()


def test_persist_writes_the_file_that_llama_index_writes(life: Life, tmp_path: Path) -> None:
    life.property_graph_store.upsert_nodes([entity("e", nan=float("nan"), at=datetime.date(2020, 1, 2), t={1})])
    life.property_graph_store.persist(str(tmp_path / "graph.json"))
    SimplePropertyGraphStore(life.property_graph_store.graph).persist(str(tmp_path / "stock.json"))
    assert (tmp_path / "graph.json").read_text() == (tmp_path / "stock.json").read_text()
    with pytest.raises(FileNotFoundError):
        life.property_graph_store.persist(str(tmp_path / "no" / "directory.json"))


def test_a_copy_has_all_and_is_its_own(life: Life) -> None:
    for made in (pickle.loads(pickle.dumps(life.property_graph_store)), copy.deepcopy(life.property_graph_store)):
        assert made.to_dict() == life.property_graph_store.to_dict()
        made.upsert_nodes([entity("copied")])
        assert life.property_graph_store.get(ids=["copied"]) == []


@pytest.mark.parametrize("seed", range(8))
def test_any_history_leaves_the_file_that_llama_index_leaves(seed: int, tmp_path: Path) -> None:
    lives = {way: WAYS[way](tmp_path / way, fill) for way in WAYS}
    chance = random.Random(seed)
    for _ in range(60):
        names = [chance.choice(["cat", "mouse", "dog", "ü", "e"]) for _ in range(2)]
        label, number = chance.choice(["CHASES", "EATS"]), chance.choice([1, 1.0, True, None])
        what = chance.randrange(7)
        answers: dict[str, Any] = {}
        for way, life in lives.items():
            store = life.property_graph_store
            if what < 2:
                answers[way] = store.upsert_nodes([entity(names[0], n=number)])
            elif what < 4:
                answers[way] = store.upsert_relations([relation(names[0], label, names[1], n=number)])
            elif what == 4:
                answers[way] = answer_of_delete(store, [names[0]])
            elif what == 5:
                answers[way] = repr(store.get(properties={"n": number}))
            else:
                store.graph.nodes.pop(names[0], None)
                store.graph.triplets = {t for t in store.graph.triplets if names[0] not in t}
        assert answers.get("memory") == answers.get("twin") == answers.get("stock")
        if chance.random() < 0.07:
            for life in lives.values():
                life.reopen()
    for life in lives.values():
        life.reopen()
    texts = {way: ordered((tmp_path / way / NAME).read_text()) for way in WAYS}
    assert texts["memory"] == texts["twin"] == texts["stock"]


def answer_of_delete(store: Any, names: list[str]) -> Any:
    try:
        return store.delete(ids=names)
    except KeyError:
        # An end of a triplet is not there. Which is met first, the order of a set decides.
        return KeyError


def ordered(text: str) -> str:
    """A file with its triplets in order: they are a set in Python."""
    made = json.loads(text)
    made["triplets"].sort()
    return json.dumps(made)


# What is only ours


@pytest.mark.parametrize("way", OURS)
def test_a_value_that_json_cannot_carry_is_named_before_anything_is_written(way: str, tmp_path: Path) -> None:
    life = WAYS[way](tmp_path / "storage", fill)
    before = (tmp_path / "storage" / NAME).read_bytes()
    life.property_graph_store.upsert_nodes([entity("bad", deep=[1, object()])])
    with pytest.raises(Unserialisable, match=r"^graph node 'bad': properties\['deep'\]\[1\]: .*unknown type"):
        life.reopen()
    assert (tmp_path / "storage" / NAME).read_bytes() == before
    life.property_graph_store.delete(ids=["bad"])
    life.reopen()
    assert ids(life.property_graph_store.get()) == ["cat", "mouse", "chunk", "cheese"]


def test_reading_alone_is_no_change_whatever_the_file_looks_like(tmp_path: Path) -> None:
    text = (
        '{"nodes": {"a": {"name": "a", "properties": {"x": NaN, "y": 1.50}}}, "relations": {}, "triplets": [], "z": 1}'
    )
    (tmp_path / NAME).write_text(text)
    pack(tmp_path)
    context = Context.open(tmp_path)
    store = TwinPropertyGraphStore.from_twin(context)
    assert ids(store.get()) == ["a"]
    store.flush()
    assert not context.has_changes()


def test_a_graph_is_read_when_it_is_first_used(tmp_path: Path) -> None:
    text = '{"nodes":{"a":{"properties":{}}},"relations":{},"triplets":[]}'
    (tmp_path / NAME).write_text(text)
    pack(tmp_path)
    store = TwinPropertyGraphStore.from_twin(Context.open(tmp_path))
    store.check()
    store.flush()
    with pytest.raises(ValueError, match="^Could not infer node type for data: {'properties': {}}$"):
        store.get()


def test_a_directory_without_a_graph_gets_one(tmp_path: Path) -> None:
    StorageContext.from_defaults().persist(str(tmp_path))
    pack(tmp_path)
    context = Context.open(tmp_path)
    store = TwinPropertyGraphStore.from_twin(context)
    store.upsert_relations([relation("a", "IS", "b")])
    store.flush()
    context.persist(tmp_path, json="always", allow_empty=True)
    assert ids(SimplePropertyGraphStore.from_persist_dir(str(tmp_path)).get()) == ["a", "b"]


def test_what_another_process_committed_survives_a_rebase(tmp_path: Path) -> None:
    ours, theirs = OverTwin(tmp_path / "storage", fill), Context.open(tmp_path / "storage")
    ours.property_graph_store.upsert_nodes([entity("ours")])
    other = TwinPropertyGraphStore.from_twin(theirs)
    other.upsert_nodes([entity("theirs")])
    other.flush()
    theirs.persist(tmp_path / "storage")
    ours.property_graph_store.flush()
    ours.context.persist(tmp_path / "storage", rebase=True)
    # What was never seen here is neither deleted nor overwritten by the next persist.
    ours.property_graph_store.upsert_nodes([entity("later")])
    ours.property_graph_store.flush()
    ours.context.persist(tmp_path / "storage")
    found = TwinPropertyGraphStore.from_twin(Context.open(tmp_path / "storage"))
    assert set(ids(found.get())) >= {"cat", "ours", "theirs", "later"}


def test_without_its_json_file_a_store_is_read_from_the_twin(tmp_path: Path) -> None:
    OverTwin(tmp_path / "storage", fill)
    (tmp_path / "storage" / NAME).unlink()
    assert ids(TwinPropertyGraphStore.from_persist_dir(str(tmp_path / "storage")).get(ids=["cat"])) == ["cat"]


def test_an_empty_graph_stays_one(tmp_path: Path) -> None:
    life = OverTwin(tmp_path / "storage", nothing)
    assert life.property_graph_store.get() == []
    life.reopen()
    assert life.property_graph_store.get() == []
