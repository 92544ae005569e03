"""``TwinKVStore`` is LlamaIndex's ``SimpleKVStore``, in memory and over a twin."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import random
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pytest
from llama_index.core.ingestion import IngestionCache, IngestionPipeline
from llama_index.core.schema import BaseNode, Document, TextNode, TransformComponent
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.storage.docstore.types import BaseDocumentStore
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.storage.kvstore.types import BaseInMemoryKVStore, MutableMappingKVStore

from twinstore import pack
from twinstore._native import Context
from twinstore.llama_index._docstore import TwinDocumentStore
from twinstore.llama_index._json import Unserialisable
from twinstore.llama_index._kvstore import TwinKVStore

RECORDS = {
    "first/data": {"b": {"n": 1, "in": {"list": [1, 2]}}, "a": {"n": 1.0}, "ü\ud83d": {"n": None}},
    "second/data": {"x": {"text": "y"}},
}


class Life:
    """A key-value store that can be closed and opened again."""

    def __init__(self, way: str, directory: Path, records: dict[str, Any]) -> None:
        self.way, self.directory = way, directory
        self.path = str(directory / "docstore.json")
        SimpleKVStore(copy.deepcopy(records)).persist(self.path)
        (directory / "index_store.json").write_text("{}")
        if way == "twin":
            pack(directory)
        self._open()

    def _open(self) -> None:
        if self.way == "twin":
            self.context = Context.open(self.directory)
            self.store: Any = TwinKVStore.from_twin(self.context, "docstore")
        else:
            kind = SimpleKVStore if self.way == "stock" else TwinKVStore
            self.store = kind.from_persist_path(self.path)

    def reopen(self) -> None:
        if self.way == "twin":
            self.store.check()
            self.store.flush()
            self.context.persist(self.directory, json="always", allow_empty=True)
        else:
            self.store.persist(self.path)
        self._open()


Start = Callable[[dict[str, Any]], Life]


@pytest.fixture(params=["stock", "memory", "twin"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Makes the store of each way, with these records in it."""
    return lambda records: Life(request.param, tmp_path / "storage", records)


def test_what_is_put_is_there(start: Start) -> None:
    life = start(RECORDS)
    life.store.put("c", {"n": [True, 2**70]}, collection="first/data")
    life.store.put("b", {"n": 3}, collection="first/data")
    for _ in range(2):
        assert life.store.get("c", collection="first/data") == {"n": [True, 2**70]}
        assert life.store.get("b", collection="first/data") == {"n": 3}
        assert life.store.get("d", collection="first/data") is None
        assert list(life.store.get_all(collection="first/data")) == ["b", "a", "ü\ud83d", "c"]
        life.reopen()


def test_what_is_deleted_is_gone_and_comes_last_when_it_is_put_again(start: Start) -> None:
    life = start(RECORDS)
    assert life.store.delete("b", collection="first/data") is True
    assert life.store.delete("b", collection="first/data") is False
    assert life.store.get("b", collection="first/data") is None
    life.store.put("b", {"n": 2}, collection="first/data")
    for _ in range(2):
        assert list(life.store.get_all(collection="first/data").items())[-1] == ("b", {"n": 2})
        life.reopen()


def test_the_default_collection_is_data(start: Start) -> None:
    life = start({})
    life.store.put("k", {"n": 1})
    life.reopen()
    assert life.store.get("k", collection="data") == {"n": 1}


def test_put_takes_a_copy_and_get_gives_one(start: Start) -> None:
    life = start(RECORDS)
    value = {"n": 1}
    life.store.put("k", value, collection="first/data")
    value["n"] = 2
    got = life.store.get("k", collection="first/data")
    got["n"] = 3
    read = life.store.get("a", collection="first/data")
    read["n"] = 4
    for _ in range(2):
        assert life.store.get("k", collection="first/data") == {"n": 1}
        assert life.store.get("a", collection="first/data") == {"n": 1.0}
        life.reopen()


def test_what_get_all_gives_is_a_dict_of_its_own(start: Start) -> None:
    life = start(RECORDS)
    got = life.store.get_all(collection="first/data")
    got.clear()
    assert len(life.store.get_all(collection="first/data")) == 3


def test_none_cannot_be_put(start: Start) -> None:
    life = start({})
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'copy'"):
        life.store.put("k", None)


@pytest.mark.parametrize("use", ["get", "get_all", "delete", "put"])
def test_a_collection_is_made_when_it_is_first_used_which_decides_its_place(start: Start, use: str) -> None:
    life = start({})
    uses: dict[str, Callable[[str], Any]] = {
        "get": lambda name: life.store.get("k", collection=name),
        "get_all": lambda name: life.store.get_all(collection=name),
        "delete": lambda name: life.store.delete("k", collection=name),
        "put": lambda name: life.store.put("k", {}, collection=name),
    }
    uses[use]("z")
    uses[use]("a")
    assert list(life.store.to_dict()) == ["z", "a"]
    for name in ("a", "z"):
        life.store.put("k", {"n": 1}, collection=name)
    life.reopen()
    assert list(life.store.to_dict()) == ["z", "a"]
    assert json.loads(Path(life.path).read_text()) == {"z": {"k": {"n": 1}}, "a": {"k": {"n": 1}}}


def test_put_all_takes_batches_of_one(start: Start) -> None:
    life = start({})
    life.store.put_all([("a", {"n": 1}), ("b", {"n": 2})], collection="c")
    life.reopen()
    assert life.store.get_all(collection="c") == {"a": {"n": 1}, "b": {"n": 2}}
    with pytest.raises(NotImplementedError, match="Batching not supported by this key-value store."):
        life.store.put_all([("d", {})], collection="c", batch_size=2)
    assert life.store.get("d", collection="c") is None


def test_the_async_methods_do_the_same(start: Start) -> None:
    life = start(RECORDS)

    async def use(store: Any) -> None:
        await store.aput("k", {"n": 1}, collection="first/data")
        await store.aput_all([("l", {"n": 2})], collection="first/data")
        assert await store.aget("k", collection="first/data") == {"n": 1}
        assert await store.adelete("b", collection="first/data") is True
        assert list(await store.aget_all(collection="first/data")) == ["a", "ü\ud83d", "k", "l"]
        with pytest.raises(NotImplementedError):
            await store.aput_all([("d", {})], collection="first/data", batch_size=2)

    asyncio.run(use(life.store))
    life.reopen()
    assert list(life.store.get_all(collection="first/data")) == ["a", "ü\ud83d", "k", "l"]


def test_the_collections_can_be_reached_into(start: Start) -> None:
    life = start(RECORDS)
    inside = life.store._collections_mappings
    assert "first/data" in inside and list(inside) == ["first/data", "second/data"] and len(inside) == 2
    inside["first/data"]["b"]["in"]["list"].append(3)
    inside["third"] = {"k": {"n": 1}}
    del inside["second/data"]
    for _ in range(2):
        assert life.store.get("b", collection="first/data")["in"] == {"list": [1, 2, 3]}
        assert life.store.get("k", collection="third") == {"n": 1}
        assert life.store.get_all(collection="second/data") == {}
        life.reopen()


def test_a_collection_can_be_replaced(start: Start) -> None:
    life = start(RECORDS)
    inside = life.store._collections_mappings
    inside["first/data"] = {key: value for key, value in inside["first/data"].items() if key != "a"}
    for _ in range(2):
        assert list(life.store.get_all(collection="first/data")) == ["b", "ü\ud83d"]
        life.reopen()


def test_to_dict_can_be_written_as_json(start: Start) -> None:
    life = start(RECORDS)
    life.store.put("k", {"n": 1}, collection="first/data")
    made = life.store.to_dict()
    assert json.loads(json.dumps(made))["first/data"]["k"] == {"n": 1}
    assert type(life.store).from_dict(made).get("b", collection="first/data") == RECORDS["first/data"]["b"]


def test_a_pickled_store_has_all_records(start: Start) -> None:
    life = start(RECORDS)
    life.store.put("k", {"n": 1}, collection="first/data")
    for made in (pickle.loads(pickle.dumps(life.store)), copy.deepcopy(life.store)):
        assert made.get_all(collection="first/data") == life.store.get_all(collection="first/data")
        made.put("l", {"n": 2}, collection="first/data")
        made.put("k", {"n": 2}, collection="new")
        assert life.store.get("l", collection="first/data") is None


def test_persist_writes_what_json_dumps_writes(start: Start, tmp_path: Path) -> None:
    life = start(RECORDS)
    life.store.put("k", {"n": float("nan"), 1: (2, True), "s": "\ud83d ü"}, collection="first/data")
    life.store.get_all(collection="empty")
    life.store.persist(str(tmp_path / "some" / "where" / "file.json"))
    want = copy.deepcopy(RECORDS)
    want["first/data"]["k"] = {"n": float("nan"), 1: (2, True), "s": "\ud83d ü"}
    want["empty"] = {}
    assert (tmp_path / "some/where/file.json").read_text() == json.dumps(want)


def test_persist_goes_to_other_file_systems(start: Start) -> None:
    life = start(RECORDS)
    fs = fsspec.filesystem("memory")
    life.store.persist("/kv/dir/file.json", fs=fs)
    assert json.loads(fs.cat_file("/kv/dir/file.json")) == RECORDS
    assert type(life.store).from_persist_path("/kv/dir/file.json", fs=fs).to_dict() == RECORDS


def test_it_is_what_llama_index_tests_for(start: Start) -> None:
    life = start({})
    for kind in (SimpleKVStore, MutableMappingKVStore):
        assert isinstance(life.store, kind)
    assert not isinstance(life.store, BaseInMemoryKVStore)


@pytest.mark.parametrize("seed", range(15))
def test_any_history_leaves_what_llama_index_has(seed: int, tmp_path: Path) -> None:
    lives = [Life(way, tmp_path / way, RECORDS) for way in ("stock", "memory", "twin")]
    chance = random.Random(seed)
    for _ in range(150):
        key, collection = chance.choice("abcdef"), chance.choice(["first/data", "second/data", "third/data"])
        value = {"n": chance.choice([1, 1.0, True, "é", None]), "list": [chance.randrange(5)]}
        what = chance.randrange(8)
        answers = []
        for life in lives:
            if what < 3:
                answers.append(life.store.put(key, value, collection=collection))
            elif what < 5:
                answers.append(life.store.delete(key, collection=collection))
            elif what == 5:
                answers.append(life.store.get(key, collection=collection))
            elif what == 6:
                answers.append(list(life.store.get_all(collection=collection).items()))
            elif chance.random() < 0.3:
                life.reopen()
        assert all(json.dumps(answer) == json.dumps(answers[0]) for answer in answers)
    for life in lives:
        life.reopen()
    texts = [without_empty(Path(life.path).read_text()) for life in lives]
    assert texts[1:] == [texts[0]] * 2


def without_empty(text: str) -> str:
    """A file without the collections that reading alone makes in LlamaIndex."""
    return json.dumps({name: records for name, records in json.loads(text).items() if records})


# What is only ours


@pytest.fixture(params=["memory", "twin"])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    """Our store of each way."""
    return Life(request.param, tmp_path / "storage", RECORDS)


def test_a_failed_persist_leaves_the_file_and_the_store_as_they_were(life: Life, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    life.store.persist(str(path))
    before = path.read_text()
    life.store.put("bad", {"tags": {1, 2}}, collection="first/data")
    with pytest.raises(Unserialisable, match="^first/data 'bad': tags: Object of type set is not JSON serializable"):
        life.store.persist(str(path))
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["kept.json"]
    life.store.delete("bad", collection="first/data")
    life.store.put("good", {"n": 1}, collection="first/data")
    life.store.persist(str(path))
    assert "good" in path.read_text()


def test_a_failed_persist_writes_nothing_to_another_file_system(life: Life) -> None:
    fs = fsspec.filesystem("memory")
    life.store.persist("/kept.json", fs=fs)
    before = fs.cat_file("/kept.json")
    life.store.put("bad", {"tags": {1, 2}}, collection="first/data")
    with pytest.raises(TypeError):
        life.store.persist("/kept.json", fs=fs)
    assert fs.cat_file("/kept.json") == before


def test_a_persisted_file_keeps_its_mode_and_its_link(life: Life, tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("{}")
    target.chmod(0o640)
    link.symlink_to(target)
    life.store.persist(str(link))
    assert link.is_symlink()
    assert json.loads(target.read_text()) == RECORDS
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.any_release
def test_get_all_keeps_nothing_in_memory(tmp_path: Path) -> None:
    records = {f"n{n}": {"n": n, "text": "word " * 20} for n in range(20_000)}
    life = Life("twin", tmp_path / "storage", {"c": records})
    tracemalloc.start()
    got = life.store.get_all(collection="c")
    for key in got:
        life.store.get(key, collection="c")
    size, _ = tracemalloc.get_traced_memory()
    assert len(got) == len(records)
    del got
    rest, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rest < 0.05 * size


def test_reading_alone_is_no_change(tmp_path: Path) -> None:
    life = Life("twin", tmp_path / "storage", RECORDS)
    life.store.get_all(collection="first/data")
    life.store.get("x", collection="second/data")
    life.store.get("x", collection="third/data")
    life.store.flush()
    assert not life.context.has_changes()


# In ingestion


class Sentences(TransformComponent):
    """Makes a node of each sentence."""

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[BaseNode]:
        return [TextNode(text=text) for node in nodes for text in node.get_content().split(". ")]


def pipeline(cache: IngestionCache, docstore: BaseDocumentStore | None = None) -> IngestionPipeline:
    return IngestionPipeline(transformations=[Sentences()], cache=cache, docstore=docstore)


def documents() -> list[Document]:
    return [Document(text=f"Sentence {n} of a text. " * 10, id_=f"doc {n}") for n in range(6)]


@pytest.mark.parametrize("kind", [SimpleKVStore, TwinKVStore])
def test_an_ingestion_cache_persists_and_loads(kind: type[SimpleKVStore], tmp_path: Path) -> None:
    cache = IngestionCache(cache=kind())
    nodes = pipeline(cache).run(documents=documents())
    cache.persist(str(tmp_path / "cache.json"))
    loaded = IngestionCache(cache=kind.from_persist_path(str(tmp_path / "cache.json")))
    (key,) = loaded.cache.get_all(collection="llama_cache")
    assert [node.text for node in loaded.get(key)] == [node.text for node in nodes]
    loaded.clear()
    assert loaded.cache.get_all(collection="llama_cache") == {}


@pytest.mark.any_release
def test_a_pipeline_of_several_processes_leaves_in_cache_and_docstore_what_llama_index_leaves(tmp_path: Path) -> None:
    def left(name: str, kvstore: SimpleKVStore, docstore: SimpleDocumentStore) -> Any:
        pipe = pipeline(IngestionCache(cache=kvstore), docstore)
        nodes = pipe.run(documents=documents(), num_workers=2)
        pipe.persist(str(tmp_path / name))
        cache = json.loads((tmp_path / name / "llama_cache").read_text())
        documents_left = json.loads((tmp_path / name / "docstore.json").read_text())
        return len(nodes), {name: sorted(records) for name, records in cache.items()}, documents_left

    ours = left("ours", TwinKVStore(), TwinDocumentStore())
    assert ours == left("stock", SimpleKVStore(), SimpleDocumentStore())
    assert len(ours[2]["docstore/data"]) == 6


def test_a_pickled_docstore_of_a_twin_needs_no_twin(tmp_path: Path) -> None:
    life = Life("twin", tmp_path / "storage", {})
    docstore = TwinDocumentStore(life.store)
    docstore.add_documents([TextNode(text="a", id_="n")])
    made = pickle.loads(pickle.dumps(docstore))
    assert made.get_node("n").text == "a"
    assert made._twin is None and docstore._twin is life.context
