"""``TwinGraphStore`` is LlamaIndex's ``SimpleGraphStore``, in memory and over a twin."""

from __future__ import annotations

import copy
import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import StorageContext
from llama_index.core.graph_stores import SimpleGraphStore

from support.lives import OURS, WAYS, Life, OverTwin
from twinstore.llama_index._graph_store import TwinGraphStore
from twinstore.llama_index._json import Unserialisable

TRIPLETS = [("cats", "chase", "mice"), ("cats", "like", "milk"), ("mice", "eat", "cheese"), ("ü", "\ud83d", "cats")]


def fill(context: StorageContext) -> None:
    for triplet in TRIPLETS:
        context.graph_store.upsert_triplet(*triplet)


@pytest.fixture(params=list(WAYS))
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    """The stores of each way, with a few triplets in them."""
    return WAYS[request.param](tmp_path / "storage", fill)


def test_triplets_are_added_once_and_in_order(life: Life) -> None:
    life.graph_store.upsert_triplet("cats", "fear", "dogs")
    life.graph_store.upsert_triplet("cats", "chase", "mice")
    life.graph_store.upsert_triplet("dogs", "chase", "cats")
    for _ in range(2):
        assert life.graph_store.get("cats") == [["chase", "mice"], ["like", "milk"], ["fear", "dogs"]]
        assert life.graph_store.get("dogs") == [["chase", "cats"]]
        assert life.graph_store.get("unknown") == []
        assert list(life.graph_store._data.graph_dict) == ["cats", "mice", "ü", "dogs"]
        life.reopen()


def test_a_list_that_was_handed_out_can_be_changed_also_after_it_was_persisted(life: Life) -> None:
    pairs = life.graph_store.get("cats")
    pairs.append(["see", "birds"])
    store = life.graph_store
    life.reopen()
    assert life.graph_store.get("cats")[-1] == ["see", "birds"]
    assert store.get("cats") is pairs


def test_a_relation_map_follows_relations_as_deep_as_is_asked(life: Life) -> None:
    for _ in range(2):
        assert life.graph_store.get_rel_map(["cats"], depth=1) == {
            "cats": [["cats", "chase", "mice"], ["cats", "like", "milk"]]
        }
        assert life.graph_store.get_rel_map(["ü"], depth=3)["ü"] == [
            ["ü", "\ud83d", "cats"],
            ["cats", "chase", "mice"],
            ["mice", "eat", "cheese"],
            ["cats", "like", "milk"],
        ]
        assert list(life.graph_store.get_rel_map()) == ["cats", "mice", "ü"]
        assert life.graph_store.get_rel_map(["cats"], limit=1) == {"cats": [["cats", "chase", "mice"]]}
        assert life.graph_store.get_rel_map(["unknown"]) == {"unknown": []}
        life.reopen()


def test_delete_does_what_that_of_llama_index_does_which_is_nothing(life: Life) -> None:
    life.graph_store.delete("cats", "chase", "mice")
    life.graph_store.delete("unknown", "chase", "mice")
    life.reopen()
    assert life.graph_store.get("cats") == [["chase", "mice"], ["like", "milk"]]


def test_the_dict_can_be_reached_into(life: Life) -> None:
    inside = life.graph_store._data.graph_dict
    del inside["mice"]
    inside["new"] = [["is", "new"]]
    inside["cats"][0][1] = "rats"
    for _ in range(2):
        assert len(life.graph_store._data.graph_dict) == 3
        assert life.graph_store.get("mice") == [] and life.graph_store.get("new") == [["is", "new"]]
        assert life.graph_store.get("cats")[0] == ["chase", "rats"]
        life.reopen()


def test_the_dict_can_be_replaced_as_an_index_of_an_old_release_does(life: Life) -> None:
    life.graph_store._data.graph_dict = {"a": [["b", "c"]], "cats": [["are", "kept"]]}
    life.graph_store.upsert_triplet("a", "d", "e")
    life.reopen()
    assert list(life.graph_store._data.graph_dict.items()) == [
        ("a", [["b", "c"], ["d", "e"]]),
        ("cats", [["are", "kept"]]),
    ]


def test_what_it_cannot_do_it_says(life: Life) -> None:
    assert life.graph_store.client is None
    with pytest.raises(NotImplementedError, match="SimpleGraphStore does not support get_schema"):
        life.graph_store.get_schema()
    with pytest.raises(NotImplementedError, match="SimpleGraphStore does not support query"):
        life.graph_store.query("MATCH")


def test_persist_writes_the_file_that_llama_index_writes(life: Life, tmp_path: Path) -> None:
    life.graph_store.upsert_triplet("a", "b", "c")
    life.graph_store.persist(str(tmp_path / "some" / "where.json"))
    stock = SimpleGraphStore()
    for triplet in [*TRIPLETS, ("a", "b", "c")]:
        stock.upsert_triplet(*triplet)
    stock.persist(str(tmp_path / "stock.json"))
    assert (tmp_path / "some/where.json").read_text() == (tmp_path / "stock.json").read_text()


def test_a_copy_has_all_and_is_its_own(life: Life) -> None:
    for made in (pickle.loads(pickle.dumps(life.graph_store)), copy.deepcopy(life.graph_store)):
        assert made.to_dict() == life.graph_store.to_dict()
        made.upsert_triplet("cats", "are", "copied")
        assert ["are", "copied"] not in life.graph_store.get("cats")
    assert type(life.graph_store).from_dict(life.graph_store.to_dict()).get("mice") == [["eat", "cheese"]]


@pytest.mark.parametrize("seed", range(8))
def test_any_history_leaves_the_file_that_llama_index_leaves(seed: int, tmp_path: Path) -> None:
    lives = {way: WAYS[way](tmp_path / way, fill) for way in WAYS}
    chance = random.Random(seed)
    for _ in range(80):
        subject, relation, thing = (chance.choice(["cats", "mice", "a", "b", "c"]) for _ in range(3))
        what = chance.randrange(6)
        answers: dict[str, Any] = {}
        for way, life in lives.items():
            store = life.graph_store
            if what < 3:
                answers[way] = store.upsert_triplet(subject, relation, thing)
            elif what == 3:
                answers[way] = store.get_rel_map([subject, thing], depth=2, limit=6)
            elif what == 4:
                answers[way] = store._data.graph_dict.pop(subject, None)
            else:
                answers[way] = store.get(subject)
        assert answers["memory"] == answers["twin"] == answers["stock"]
        if chance.random() < 0.05:
            for life in lives.values():
                life.reopen()
    for life in lives.values():
        life.reopen()
    texts = {way: (tmp_path / way / "graph_store.json").read_text() for way in WAYS}
    assert texts["memory"] == texts["twin"] == texts["stock"]


# What is only ours


@pytest.mark.parametrize("way", OURS)
def test_a_value_that_json_cannot_carry_is_named_before_anything_is_written(way: str, tmp_path: Path) -> None:
    life = WAYS[way](tmp_path / "storage", fill)
    before = (tmp_path / "storage/graph_store.json").read_bytes()
    life.graph_store.get("cats").append(["like", {"sets"}])
    with pytest.raises(Unserialisable, match=r"'cats': \[2\]\[1\]: Object of type set"):
        life.reopen()
    assert (tmp_path / "storage/graph_store.json").read_bytes() == before
    life.graph_store.get("cats").pop()
    life.reopen()
    assert life.graph_store.get("cats") == [["chase", "mice"], ["like", "milk"]]


def test_reading_alone_is_no_change(tmp_path: Path) -> None:
    life = OverTwin(tmp_path / "storage", fill)
    life.graph_store.get_rel_map()
    life.graph_store.get("cats")
    life.graph_store.to_dict()
    life.graph_store.flush()
    assert not life.context.has_changes()


def test_without_its_json_file_a_store_is_read_from_the_twin(tmp_path: Path) -> None:
    OverTwin(tmp_path / "storage", fill)
    (tmp_path / "storage/graph_store.json").unlink()
    store = TwinGraphStore.from_persist_dir(str(tmp_path / "storage"))
    assert store.get("mice") == [["eat", "cheese"]]
    store.persist(str(tmp_path / "storage/graph_store.json"))
    assert list(json.loads((tmp_path / "storage/graph_store.json").read_text())["graph_dict"]) == ["cats", "mice", "ü"]


def test_without_any_file_a_store_is_new(tmp_path: Path) -> None:
    assert TwinGraphStore.from_persist_dir(str(tmp_path)).get("cats") == []
