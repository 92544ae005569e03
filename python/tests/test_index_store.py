"""What an index store does, asked of LlamaIndex's own and of ours."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.data_structs.data_structs import (
    KG,
    EmptyIndexStruct,
    IndexDict,
    IndexGraph,
    IndexList,
    KeywordTable,
)
from llama_index.core.data_structs.struct_type import IndexStructType
from llama_index.core.schema import TextNode

from support.index_stores import COLLECTION, SIDES, OverTwin, Side, Stock, contents
from twinstore import pack
from twinstore.llama_index._index_store import TwinIndexStore

Step = Callable[[Side], Any]


def vector(side: Side) -> None:
    side.store.add_index_struct(IndexDict("v", None, {"v-1": "n-1", "v-2": "n-2", "v-3": "n-3"}))


def table(side: Side) -> None:
    side.store.add_index_struct(KeywordTable("t", None, {"river": {"c", "a", "b"}, "map": {"a"}}))


def both(side: Side) -> None:
    vector(side)
    table(side)


def reopen(side: Side) -> None:
    side.reopen()


def change(key: str, *changes: Callable[[Any], Any]) -> Step:
    """Takes a struct, changes it, and adds it again."""

    def step(side: Side) -> None:
        struct = side.store.get_index_struct(key)
        for one in changes:
            one(struct)
            side.store.add_index_struct(struct)

    return step


def nodes_are_added_and_deleted(struct: IndexDict) -> None:
    struct.add_node(TextNode(id_="n-4", text=""))
    struct.add_node(TextNode(id_="n-5", text=""), text_id="v-5")
    struct.delete("v-1")
    struct.nodes_dict["v-2"] = "other"


def a_node_is_deleted_and_comes_again(struct: IndexDict) -> None:
    struct.delete("v-1")
    struct.nodes_dict["v-1"] = "n-1"


def a_set_is_changed_in_place(struct: KeywordTable) -> None:
    struct.table["river"].add("d")
    struct.table["map"].remove("a")
    struct.add_node(["river", "bridge"], TextNode(id_="e", text=""))


def a_set_is_replaced(struct: KeywordTable) -> None:
    struct.table["river"] = {"z"}


def a_set_is_emptied_and_its_keyword_deleted(struct: KeywordTable) -> None:
    for keyword in [keyword for keyword, node_ids in struct.table.items() if "b" in node_ids]:
        struct.table[keyword].clear()
        del struct.table[keyword]


def a_map_is_replaced(struct: IndexDict) -> None:
    struct.nodes_dict = {"v-3": "n-3", "v-9": "n-9", "v-1": "n-1"}


def a_map_is_replaced_by_itself_copied(struct: IndexDict) -> None:
    struct.nodes_dict = dict(struct.nodes_dict)


def it_grows(struct: IndexDict) -> None:
    struct.nodes_dict[f"new-{len(struct.nodes_dict)}"] = "n"


def it_has_a_summary(struct: Any) -> None:
    struct.summary = "ü \ud83d"


def it_has_no_summary(struct: Any) -> None:
    struct.summary = None


def all_is_cleared(struct: IndexDict) -> None:
    struct.nodes_dict.clear()


def nothing(struct: Any) -> None:
    return None


def a_tree(side: Side) -> None:
    tree = IndexGraph("g", None, {0: "a", 1: "b"}, {1: "b"}, {"b": ["a"], "a": []})
    side.store.add_index_struct(tree)


def nodes_are_inserted_under_parents(tree: IndexGraph) -> None:
    tree.insert_under_parent(TextNode(id_="c", text=""), TextNode(id_="b", text=""))
    tree.insert_under_parent(TextNode(id_="d", text=""), None)
    tree.insert(TextNode(id_="e", text=""), children_nodes=[TextNode(id_="c", text="")])


def roots_are_made_anew(tree: IndexGraph) -> None:
    tree.root_nodes = {}
    tree.insert_under_parent(TextNode(id_="f", text=""), None)
    tree.root_nodes = tree.all_nodes


def a_graph(side: Side) -> None:
    side.store.add_index_struct(KG("k", None, {"x": {"a"}}, {}, {"('x', 'r', 'y')": [0.5, 1.0]}))


def triplets_are_added(struct: KG) -> None:
    struct.add_node(["x", "y"], TextNode(id_="b", text=""))
    struct.add_to_embedding_dict("('y', 'r', 'z')", [1e-07, float("nan"), 3])
    struct.embedding_dict["('x', 'r', 'y')"].append(2.0)


def a_list(side: Side) -> None:
    side.store.add_index_struct(IndexList("l", None, ["a", "b", "a"]))


def nodes_are_appended(struct: IndexList) -> None:
    struct.add_node(TextNode(id_="c", text=""))


def the_list_is_replaced(struct: IndexList) -> None:
    struct.nodes = [node for node in struct.nodes if node != "a"]


def a_string_of_the_list_is_replaced(struct: IndexList) -> None:
    struct.nodes[0] = "z"


def all_kinds(side: Side) -> None:
    for kind in (vector, table, a_tree, a_graph, a_list):
        kind(side)
    side.store.add_index_struct(EmptyIndexStruct("e"))


def a_struct_is_put_over_one_that_was_handed_out(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    side.store.add_index_struct(IndexDict("v", "new", {"x": "y"}))
    assert dict(struct.nodes_dict) == {"v-1": "n-1", "v-2": "n-2", "v-3": "n-3"}
    assert struct.summary is None
    it_grows(struct)
    side.store.add_index_struct(struct)


def a_struct_outlives_its_deletion(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    del struct.nodes_dict["v-2"]
    side.store.delete_index_struct("v")
    assert dict(struct.nodes_dict) == {"v-1": "n-1", "v-3": "n-3"}
    it_grows(struct)
    assert side.store.get_index_struct("v") is None
    side.store.add_index_struct(struct)
    it_grows(struct)
    side.store.add_index_struct(struct)


def a_map_outlives_its_struct(side: Side) -> None:
    nodes = side.store.get_index_struct("v").nodes_dict
    side.store.delete_index_struct("v")
    assert dict(nodes) == {"v-1": "n-1", "v-2": "n-2", "v-3": "n-3"}


def an_id_is_changed(side: Side) -> None:
    # As `BaseIndex.set_index_id` does.
    struct = side.store.get_index_struct("v")
    side.store.delete_index_struct(struct.index_id)
    struct.index_id = "main"
    side.store.add_index_struct(struct)
    it_grows(struct)
    side.store.add_index_struct(struct)


def an_id_is_changed_and_the_old_struct_stays(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    struct.index_id = "second"
    it_grows(struct)
    side.store.add_index_struct(struct)
    assert "new-3" not in side.store.get_index_struct("v").nodes_dict


def two_have_the_same_struct(side: Side) -> None:
    first, second = side.store.get_index_struct("v"), side.store.get_index_struct("v")
    assert first is not second
    first.nodes_dict["first"] = "n"
    side.store.add_index_struct(first)
    assert "first" not in second.nodes_dict
    second.nodes_dict["second"] = "n"
    second.nodes_dict["v-1"] = "of the second"
    side.store.add_index_struct(second)
    assert "second" not in first.nodes_dict and first.nodes_dict["v-1"] == "n-1"
    it_grows(first)
    side.store.add_index_struct(first)


def what_is_not_added_is_not_in_the_store(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    it_grows(struct)
    struct.summary = "not added"
    other = side.store.get_index_struct("v")
    assert len(other.nodes_dict) == 3 and other.summary is None


def a_copy_is_added(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    deep, shallow = copy.deepcopy(struct), copy.copy(struct)
    it_grows(deep)
    side.store.add_index_struct(deep)
    assert len(struct.nodes_dict) == 3
    it_grows(struct)
    side.store.add_index_struct(shallow)
    assert len(shallow.nodes_dict) == 4


def a_record_is_put_into_the_kv_store(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    data = {"index_id": "v", "summary": "by hand", "nodes_dict": {"p": "q"}, "doc_id_dict": {}, "embeddings_dict": {}}
    record = {"__type__": "vector_store", "__data__": json.dumps(data)}
    side.store._kvstore.put("v", record, collection=COLLECTION)
    found = side.store.get_index_struct("v")
    assert found.summary == "by hand" and dict(found.nodes_dict) == {"p": "q"}
    assert len(struct.nodes_dict) == 3
    it_grows(found)
    side.store.add_index_struct(found)


def a_record_is_deleted_from_the_kv_store(side: Side) -> None:
    struct = side.store.get_index_struct("v")
    assert side.store._kvstore.delete("v", collection=COLLECTION)
    assert side.store.get_index_struct("v") is None
    assert len(struct.nodes_dict) == 3


HISTORIES: dict[str, list[Step]] = {
    "nodes are added and deleted": [both, reopen, change("v", nodes_are_added_and_deleted, it_grows, it_grows)],
    "a node is deleted and comes again": [vector, reopen, change("v", a_node_is_deleted_and_comes_again)],
    "a set is changed in place": [both, reopen, change("t", a_set_is_changed_in_place, nothing, a_set_is_replaced)],
    "a set is emptied and its keyword deleted": [both, change("t", a_set_is_emptied_and_its_keyword_deleted)],
    "a map is replaced": [both, reopen, change("v", a_map_is_replaced, it_grows, it_has_a_summary, it_grows)],
    "a map is replaced by its copy": [vector, reopen, change("v", a_map_is_replaced_by_itself_copied, it_grows)],
    "a map is cleared": [both, change("v", all_is_cleared, it_grows, it_grows)],
    "a summary": [both, reopen, change("v", it_has_a_summary), reopen, change("v", nothing, it_has_no_summary)],
    "a tree": [both, a_tree, reopen, change("g", nodes_are_inserted_under_parents, roots_are_made_anew, nothing)],
    "a graph": [a_graph, reopen, change("k", triplets_are_added, triplets_are_added)],
    "a list": [
        a_list,
        reopen,
        change("l", nodes_are_appended, the_list_is_replaced, nodes_are_appended, a_string_of_the_list_is_replaced),
    ],
    "all kinds, and nothing changes": [all_kinds, reopen, *(change(key, nothing) for key in "vtgkle")],
    "put over": [both, reopen, a_struct_is_put_over_one_that_was_handed_out],
    "deleted and added": [both, reopen, a_struct_outlives_its_deletion],
    "deleted with a map": [both, reopen, a_map_outlives_its_struct],
    "another id": [both, reopen, an_id_is_changed],
    "a second id": [both, reopen, an_id_is_changed_and_the_old_struct_stays],
    "two have it": [both, reopen, two_have_the_same_struct],
    "not added": [both, reopen, what_is_not_added_is_not_in_the_store],
    "a copy": [both, reopen, a_copy_is_added],
    "put as a record": [both, reopen, a_record_is_put_into_the_kv_store],
    "deleted as a record": [both, reopen, a_record_is_deleted_from_the_kv_store],
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("history", HISTORIES)
def test_a_history_leaves_what_it_leaves_in_llamaindex(side: str, history: str, tmp_path: Path) -> None:
    stock, ours = Stock(tmp_path), SIDES[side](tmp_path)
    for step in HISTORIES[history]:
        step(stock)
        step(ours)
        assert contents(ours.store) == contents(stock.store)
        assert ours.store.index_structs() == stock.store.index_structs()
    assert contents_after(ours) == contents_after(stock)


def contents_after(side: Side) -> list[Any]:
    return contents(side.reopen())


@pytest.fixture(params=["stock", *SIDES])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Side:
    return {"stock": Stock, **SIDES}[request.param](tmp_path)


def test_without_an_id_there_must_be_one_struct(side: Side) -> None:
    for count in (0, 1, 2):
        if count == 1:
            assert side.store.get_index_struct().index_id == "0"
        else:
            with pytest.raises(AssertionError):
                side.store.get_index_struct()
        side.store.add_index_struct(IndexList(str(count)))


def test_what_is_not_there_is_none_and_deletes_without_a_word(side: Side) -> None:
    assert side.store.get_index_struct("none") is None
    side.store.delete_index_struct("none")
    assert side.store.index_structs() == []


def test_a_store_that_was_asked_has_its_collection(side: Side) -> None:
    assert side.store._kvstore.to_dict() == {}
    assert side.store.get_index_struct("none") is None
    assert {name: dict(records) for name, records in side.store._kvstore.to_dict().items()} == {COLLECTION: {}}


@pytest.mark.parametrize(
    "record", [{"__type__": "simple_dict", "__data__": "{}"}, {"__data__": "{}"}, {"__type__": "list"}]
)
def test_a_record_that_llamaindex_cannot_read_is_a_key_error(side: Side, record: dict[str, Any]) -> None:
    both(side)
    side.store._kvstore.put("odd", record, collection=COLLECTION)
    with pytest.raises(KeyError) as raised:
        side.store.get_index_struct("odd")
    missing = next(name for name in ("__type__", "__data__", "__none__") if name not in record)
    assert raised.value.args == ("simple_dict" if missing == "__none__" else missing,)
    with pytest.raises(KeyError):
        side.store.index_structs()
    assert side.store.get_index_struct("v").index_id == "v"


@dataclass
class IndexOfAnotherType(IndexDict):
    """A struct of a type that LlamaIndex has no class for."""

    @classmethod
    def get_type(cls) -> IndexStructType:
        return IndexStructType.VECTARA


def test_a_struct_of_a_type_without_a_class_is_kept_all_the_same(side: Side) -> None:
    struct = IndexOfAnotherType("w", None, {"v": "n"})
    side.store.add_index_struct(struct)
    it_grows(struct)
    side.store.add_index_struct(struct)
    side.reopen()
    [[key, kind, data]] = contents(side.store)
    assert (key, kind, data["nodes_dict"]) == ("w", "vectara", {"v": "n", "new-1": "n"})
    with pytest.raises(KeyError, match="vectara"):
        side.store.get_index_struct("w")


def test_its_async_forms_do_the_same(side: Side) -> None:
    async def history() -> None:
        await side.store.async_add_index_struct(IndexDict("v", None, {"a": "a"}))
        await side.store.async_add_index_struct(IndexList("l"))
        struct = await side.store.aget_index_struct("v")
        it_grows(struct)
        await side.store.async_add_index_struct(struct)
        assert [one.index_id for one in await side.store.async_index_structs()] == ["v", "l"]
        with pytest.raises(AssertionError):
            await side.store.aget_index_struct()
        await side.store.adelete_index_struct("l")
        assert dict((await side.store.aget_index_struct()).nodes_dict) == {"a": "a", "new-1": "n"}
        assert await side.store.aget_index_struct("l") is None

    asyncio.run(history())


def test_what_json_cannot_carry_is_a_type_error_and_nothing_is_changed(side: Side) -> None:
    both(side)
    side.reopen()
    before = contents(side.store)
    struct = side.store.get_index_struct("t")
    struct.summary = "changed"
    struct.table["new"] = {"a"}
    struct.table["river"] = [object()]
    with pytest.raises(TypeError, match="JSON"):
        side.store.add_index_struct(struct)
    assert contents(side.store) == before
    struct.table["river"] = {"a"}
    side.store.add_index_struct(struct)
    assert contents(side.store)[1][2] == {
        "index_id": "t",
        "summary": "changed",
        "table": {"river": ["a"], "map": ["a"], "new": ["a"]},
    }


@pytest.mark.parametrize("is_new", [False, True])
def test_the_error_names_the_struct_and_its_field(is_new: bool, tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    both(side)
    side.reopen()
    struct = KeywordTable("t") if is_new else side.store.get_index_struct("t")
    struct.summary = object()
    with pytest.raises(TypeError, match="index struct 't': summary: Object of type object is not JSON serializable"):
        side.store.add_index_struct(struct)


def test_values_that_llamaindex_can_write_are_written_as_it_does(tmp_path: Path) -> None:
    written = []
    for side in (Stock(tmp_path), OverTwin(tmp_path)):
        both(side)
        struct = side.store.get_index_struct("v")
        struct.nodes_dict["set"] = {"a"}
        struct.nodes_dict["date"] = datetime(2020, 1, 1)
        struct.doc_id_dict["tuple"] = ("a", "b")
        side.store.add_index_struct(struct)
        written.append(contents(side.store))
    assert written[0] == written[1]


def test_a_pickled_store_has_the_same_structs(side: Side) -> None:
    both(side)
    side.reopen()
    struct = side.store.get_index_struct("v")
    other = pickle.loads(pickle.dumps(side.store))
    assert contents(other) == contents(side.store)
    it_grows(struct)
    side.store.add_index_struct(struct)
    assert len(other.get_index_struct("v").nodes_dict) == 3


# What only ours can do


def test_a_struct_that_was_not_changed_is_not_written(tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    all_kinds(side)
    side.reopen()
    for struct in side.store.index_structs():
        # Values that were looked at are no changes.
        for value in vars(struct).values():
            list(value.items()) if hasattr(value, "items") else None
        side.store.add_index_struct(struct)
    assert not side.context.has_changes()


def test_a_change_that_was_written_is_none_any_more(tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    all_kinds(side)
    side.reopen()
    structs = {key: side.store.get_index_struct(key) for key in "vtgk"}
    structs["v"].nodes_dict["v-1"] = "other"
    structs["v"].doc_id_dict = {"d": ["v-1"]}
    structs["g"].all_nodes[0] = "other"
    a_set_is_changed_in_place(structs["t"])
    triplets_are_added(structs["k"])
    for struct in structs.values():
        side.store.add_index_struct(struct)
    assert side.context.has_changes()
    side.context.persist(tmp_path / "storage")
    for struct in structs.values():
        side.store.add_index_struct(struct)
    assert not side.context.has_changes()
    assert dict(side.store.get_index_struct("v").nodes_dict)["v-1"] == "other"


@pytest.mark.any_release
def test_of_a_struct_only_what_changed_is_written(tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    side.store.add_index_struct(IndexDict("v", None, {f"v-{n:05}": f"n-{n:05}" for n in range(60_000)}))
    side.reopen()
    struct = side.store.get_index_struct("v")
    it_grows(struct)
    side.store.add_index_struct(struct)

    def written() -> int:
        files = (tmp_path / "storage" / "twin").iterdir()
        return sum(file.stat().st_size for file in files if file.suffix == ".seg")

    before = written()
    side.context.persist(tmp_path / "storage", json="never")
    assert 0 < written() - before < 8192


def test_fields_that_llamaindex_does_not_know_stay(tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    data = {"index_id": "v", "future": {"a": [1]}, "summary": None, "nodes_dict": {"v": "n"}, "level": 7}
    record = {"__type__": "vector_store", "__data__": json.dumps(data)}
    side.store._kvstore.put("v", record, collection=COLLECTION)
    side.reopen()
    struct = side.store.get_index_struct("v")
    it_grows(struct)
    it_has_a_summary(struct)
    side.store.add_index_struct(struct)
    [[_, _, now]] = contents(side.store)
    assert now == {**data, "summary": "ü \ud83d", "nodes_dict": {"v": "n", "new-1": "n"}}


def test_members_of_a_set_that_stay_keep_the_order_of_the_file(tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    members = [str(n) for n in range(50)]
    data = json.dumps({"index_id": "t", "summary": None, "table": {"a": members, "b": members[::-1]}})
    side.context.structs().add(json.dumps({"__type__": "keyword_table", "__data__": data}))
    side.reopen()
    struct = side.store.get_index_struct("t")
    struct.table["a"].add("50")
    struct.table["b"].add("0")
    side.store.add_index_struct(struct)
    record = side.store._kvstore.get("t", collection=COLLECTION)
    now = json.loads(record["__data__"])["table"]
    assert now["b"] == members[::-1] and sorted(now["a"]) == sorted([*members, "50"])


def test_the_json_of_another_store_is_read_and_written(tmp_path: Path) -> None:
    stock = Stock(tmp_path)
    all_kinds(stock)
    stock.store.persist(str(tmp_path / "index_store.json"))
    store = TwinIndexStore.from_persist_dir(str(tmp_path))
    assert isinstance(store, TwinIndexStore)
    assert contents(store) == contents(stock.store)
    change("v", it_grows)(stock)
    struct = store.get_index_struct("v")
    it_grows(struct)
    store.add_index_struct(struct)
    store.persist(str(tmp_path / "again.json"))
    again = TwinIndexStore.from_persist_path(str(tmp_path / "again.json"))
    assert contents(again) == contents(stock.store)
    assert contents(TwinIndexStore.from_dict(again.to_dict())) == contents(stock.store)


def test_without_its_json_file_a_store_is_read_from_the_twin(tmp_path: Path) -> None:
    stock = Stock(tmp_path)
    both(stock)
    directory = tmp_path / "storage"
    stock.store.persist(str(directory / "index_store.json"))
    pack(directory, drop_json=True)
    assert not (directory / "index_store.json").exists()
    found = TwinIndexStore.from_persist_dir(str(directory))
    assert contents(found) == contents(stock.store)
    assert found._twin is not None
