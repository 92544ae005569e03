"""Structs that the index store hands out: dataclasses whose maps lie in the twin."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.data_structs.data_structs import KG, IndexDict, IndexGraph, IndexList, KeywordTable
from llama_index.core.data_structs.document_summary import IndexDocumentSummary
from llama_index.core.data_structs.registry import INDEX_STRUCT_TYPE_TO_INDEX_STRUCT_CLASS
from llama_index.core.data_structs.table import SQLStructTable
from llama_index.core.storage.index_store.utils import index_struct_to_json, json_to_index_struct

from support.index_stores import OverTwin, contents
from twinstore._native import STRUCT_TYPES, Context
from twinstore.llama_index._index_store import TwinIndexStore
from twinstore.llama_index._mapping import TwinMapping
from twinstore.llama_index._struct_codecs import codecs_of

STRUCTS = {
    "vector": IndexDict("i", None, {"v-1": "n-1", "ü 'x' \ud83d": "n-2"}, {"d": ["v-1"]}, {"v-1": [0.1, 1e-07, 2]}),
    "list": IndexList("i", "a summary", ["b", "a", "b"]),
    "tree": IndexGraph("i", None, {0: "a", 10: "b", 2: "c"}, {2: "c"}, {"c": ["a", "b"], "a": []}),
    "keyword table": KeywordTable("i", None, {"river": {"a", "b", "c"}, "map": set()}),
    "kg": KG("i", None, {"x": {"a"}}, {"s": [["r", "o"], ["r2", "o2"]]}, {"('a', 'r', 'b')": [0.25, float("inf")]}),
    "document summary": IndexDocumentSummary("i", None, {"s": ["a"]}, {"a": "s"}, {"d": "s"}),
    "sql": SQLStructTable("i", None, {"table": "context"}),
}


def maps_of(struct: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(struct).items() if isinstance(value, (dict, TwinMapping))}


@pytest.fixture(params=STRUCTS)
def original(request: pytest.FixtureRequest) -> Any:
    """A struct as LlamaIndex reads it from its own JSON."""
    return json_to_index_struct(index_struct_to_json(STRUCTS[request.param]))


@pytest.fixture(params=["in memory", "from a file"])
def handed_out(request: pytest.FixtureRequest, original: Any, tmp_path: Path) -> Any:
    """The same struct as our store hands it out."""
    side = OverTwin(tmp_path)
    side.store.add_index_struct(original)
    if request.param == "from a file":
        side.reopen()
    return side.store.get_index_struct("i")


def test_every_type_that_llamaindex_has_a_class_for_is_known() -> None:
    assert {str(kind.value) for kind in INDEX_STRUCT_TYPE_TO_INDEX_STRUCT_CLASS} == set(STRUCT_TYPES)


def test_every_dict_of_every_class_can_lie_in_the_twin() -> None:
    for cls in INDEX_STRUCT_TYPE_TO_INDEX_STRUCT_CLASS.values():
        dicts = {name for name, value in vars(cls()).items() if isinstance(value, dict)}
        assert dicts == set(codecs_of(cls)), cls


def test_a_struct_is_of_the_class_of_the_installed_llamaindex_and_equal_to_its_own(
    original: Any, handed_out: Any
) -> None:
    assert type(handed_out) is type(original)
    assert handed_out == original
    assert original == handed_out


def test_its_maps_are_lazy_and_have_the_types_and_the_order_of_its_own(original: Any, handed_out: Any) -> None:
    lazy, plain = maps_of(handed_out), maps_of(original)
    assert lazy.keys() == plain.keys()
    for name, mapping in lazy.items():
        assert isinstance(mapping, TwinMapping)
        assert list(mapping.items()) == list(plain[name].items())
        assert [type(value) for value in mapping.values()] == [type(value) for value in plain[name].values()]
        assert list(mapping.values()) == list(plain[name].values())
        assert list(reversed(mapping)) == list(reversed(plain[name]))
        assert len(mapping) == len(plain[name])
        assert mapping == plain[name] and not mapping != plain[name]
        assert mapping | {} == plain[name] and mapping.copy() == plain[name]


def test_it_can_be_written_copied_compared_and_pickled_as_its_own(original: Any, handed_out: Any) -> None:
    def in_order(written: dict[str, Any]) -> dict[str, Any]:
        # Sets are written in any order.
        for node_ids in written.get("table", {}).values():
            node_ids.sort()
        return written

    assert in_order(json.loads(handed_out.to_json())) == in_order(json.loads(original.to_json()))
    assert in_order(handed_out.to_dict()) == in_order(original.to_dict())
    for copied in (copy.deepcopy(handed_out), pickle.loads(pickle.dumps(handed_out))):
        assert copied == original
        assert all(type(value) is dict for value in maps_of(copied).values())
    as_dict = dataclasses.asdict(handed_out)
    assert as_dict == dataclasses.asdict(original)
    assert all(type(as_dict[name]) is dict for name in maps_of(original))
    assert repr(handed_out) == repr(original) or isinstance(original, (KG, KeywordTable))


def test_a_copy_is_no_part_of_the_store(original: Any, handed_out: Any) -> None:
    copied = copy.deepcopy(handed_out)
    for mapping in maps_of(copied).values():
        mapping.clear()
    assert handed_out == original


def test_to_load_a_struct_reads_nothing_of_its_maps(tmp_path: Path) -> None:
    side = OverTwin(tmp_path)
    side.store.add_index_struct(IndexDict("i", None, {f"v-{n}": f"n-{n}" for n in range(2000)}))
    side.reopen()
    loaded = side.context.structs().get("i")
    assert loaded is not None and len(loaded) < 200
    struct = side.store.get_index_struct("i")
    assert struct.nodes_dict["v-1999"] == "n-1999"
    assert "v-2000" not in struct.nodes_dict


def test_a_map_that_is_spelled_in_an_odd_way_is_read_with_its_struct(tmp_path: Path) -> None:
    # One odd escape, and the whole struct is kept as it is spelled.
    data = r'{"index_id": "i", "summary": "\u0061", "nodes_dict": {"v": "n"}, "doc_id_dict": {}, "embeddings_dict": {}}'
    context = Context.empty()
    text = json.dumps({"__type__": "vector_store", "__data__": data})
    context.collection("index_store", "index_store/data").put("i", text)
    store = TwinIndexStore.from_twin(context)
    struct = store.get_index_struct("i")
    assert struct == IndexDict("i", "a", {"v": "n"})
    store.add_index_struct(struct)
    assert context.collection("index_store", "index_store/data").get("i") == text

    struct.nodes_dict["w"] = "m"
    struct.doc_id_dict["d"] = ["v"]
    store.add_index_struct(struct)
    assert store.get_index_struct("i") == IndexDict("i", "a", {"v": "n", "w": "m"}, {"d": ["v"]})


@pytest.mark.parametrize("key", [5, 2.5, True, None])
def test_keys_that_are_no_strings_are_written_as_json_does(key: Any) -> None:
    store = TwinIndexStore()
    store.add_index_struct(IndexDict("i"))
    struct = store.get_index_struct("i")
    struct.nodes_dict[key] = "n"
    store.add_index_struct(struct)
    assert key in struct.nodes_dict
    [[_, _, data]] = contents(store)
    assert data["nodes_dict"] == json.loads(json.dumps({key: "n"}))


def test_a_map_has_no_key_that_cannot_be_one() -> None:
    store = TwinIndexStore()
    store.add_index_struct(IndexGraph("i", None, {0: "a"}))
    struct = store.get_index_struct("i")
    assert 0 in struct.all_nodes and "0" not in struct.all_nodes and (1, 2) not in struct.all_nodes
    assert struct.all_nodes.get("0") is None
