"""A ``TwinVectorStore`` that is changed is what LlamaIndex's would be after the same.

Histories at random, of all that changes a vector store or looks at it. Where one of ours
differs by design (a call that raises has changed nothing), LlamaIndex's is put back.
"""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core import StorageContext as StockContext
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.simple import SimpleVectorStoreData
from llama_index.core.vector_stores.types import (
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

import twinstore
from support.vector_stores import DIM, MAPS, Step, about, contents, node, outcome, random_filters
from twinstore.llama_index import StorageContext, TwinVectorStore

FILE = "default__vector_store.json"


class Pair:
    """LlamaIndex's vector store and ours, of the same content."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stock = SimpleVectorStore()
        self.context = StorageContext.from_defaults()

    @classmethod
    def opened(cls, directory: Path) -> Pair:
        """Of a directory that was persisted before."""
        pair = cls(directory)
        pair.stock = SimpleVectorStore.from_persist_dir(str(directory))
        pair.context = StorageContext.from_defaults(persist_dir=directory)
        return pair

    @property
    def ours(self) -> TwinVectorStore:
        store = self.context.vector_store
        assert isinstance(store, TwinVectorStore)
        return store

    def compare(self, what: object = "") -> None:
        assert contents(self.ours) == contents(self.stock), what

    def step(self, step: Step, what: object, raises_in_halves: bool = False) -> None:
        """Does the same with both.

        Args:
            step: what to do.
            what: tells of it, where something differs.
            raises_in_halves: whether LlamaIndex has done half of it where it raises.
        """
        before = copy.deepcopy(self.stock.data) if raises_in_halves else None
        wanted = outcome(self.stock, step)
        assert outcome(self.ours, step) == about(wanted), what
        if before is not None and _is_raised(wanted):
            self.stock.data = before
        self.compare(what)

    def persist(self, is_text_alike: bool = True) -> None:
        """Persists both, and opens what was persisted."""
        text = self.stock_text()
        self.context.persist(self.directory, json="always")
        file = self.directory / FILE
        unpacked = self.directory.parent / "unpacked"
        twinstore.unpack(self.directory, out=unpacked)
        assert (unpacked / FILE).read_bytes() == file.read_bytes()
        shutil.rmtree(unpacked)
        assert json.loads(file.read_text()) == json.loads(text)
        assert file.read_text() == text or not is_text_alike
        self.stock = SimpleVectorStore.from_persist_path(str(self.directory.parent / "stock.json"))
        self.context = StorageContext.from_defaults(persist_dir=self.directory)
        self.compare()

    def persist_store(self) -> None:
        """Has each store write its own file."""
        text = self.stock_text()
        path = self.directory.parent / "ours.json"
        self.ours.persist(str(path))
        assert path.read_text() == text
        assert contents(TwinVectorStore.from_persist_path(str(path))) == contents(self.stock)

    def stock_text(self) -> str:
        path = self.directory.parent / "stock.json"
        self.stock.persist(str(path))
        return path.read_text()


def _is_raised(wanted: Any) -> bool:
    return isinstance(wanted, tuple) and isinstance(wanted[0], type)


# How a history begins


def empty(directory: Path) -> Pair:
    return Pair(directory)


def packed(directory: Path) -> Pair:
    """Of what LlamaIndex persisted."""
    chance = random.Random(8)
    stock = SimpleVectorStore()
    stock.add([node(chance, f"n-{n:02}") for n in range(40)])
    StockContext.from_defaults(vector_store=stock).persist(directory)
    return Pair.opened(directory)


def records(directory: Path) -> Pair:
    """Of a file with whole numbers, which is held as records."""
    packed(directory)
    text = (directory / FILE).read_text()
    (directory / FILE).write_text(text.replace(".0,", ",").replace(".0]", "]"))
    pair = Pair.opened(directory)
    with pytest.raises(twinstore.errors.NotContiguous, match="JSON records"):
        twinstore.open(directory).vectors()
    return pair


def layers(directory: Path) -> Pair:
    """Of a segment with deleted vectors, and two that were appended."""
    chance = random.Random(9)
    stock = SimpleVectorStore()
    # As long as this, a segment is not merged with others.
    stock.add([node(chance, f"n-{n:02}", text=chance.randbytes(16_000).hex()) for n in range(40)])
    StockContext.from_defaults(vector_store=stock).persist(directory)
    for first in (40, 45):
        pair = Pair.opened(directory)
        nodes = [node(chance, f"n-{n:02}") for n in range(first - 2, first + 3)]
        gone = [f"n-{n:02}" for n in range(first - 20, first - 18)]
        pair.step(lambda store, nodes=nodes: store.add(copy.deepcopy(nodes)), nodes)
        pair.step(lambda store, gone=gone: store.delete_nodes(gone), gone)
        pair.persist()
    [old, *new] = twinstore.open(directory).segments()
    assert len(new) == 2 and not old.live.all()
    return pair


BEGINNINGS: dict[str, Callable[[Path], Pair]] = {
    "empty": empty,
    "packed": packed,
    "records": records,
    "layers": layers,
}


# What is done


class Steps:
    """Steps at random. Each is a function of a store, and what tells of it."""

    def __init__(self, chance: random.Random, pair: Pair) -> None:
        self.chance = chance
        self.pair = pair

    def node_ids(self, most: int) -> list[str]:
        """Some ids, most of which are there."""
        known = list(self.pair.stock.data.embedding_dict)
        chosen = [self.chance.choice(known) for _ in range(self.chance.randint(0, most)) if known]
        return [*chosen, *[f"n-{self.chance.randint(0, 60):02}"] * self.chance.randint(0, 1)]

    def add(self) -> None:
        nodes = [node(self.chance, node_id) for node_id in self.node_ids(3)]
        nodes += [node(self.chance, f"n-{self.chance.randint(0, 60):02}") for _ in range(self.chance.randint(0, 2))]
        if nodes and self.chance.random() < 0.2:
            self.chance.choice(nodes).embedding = None
        # A store may keep the very lists of a node.
        self._run("add", lambda: (copy.deepcopy(nodes),), name_async="async_add")

    def delete(self) -> None:
        ref_doc_id = self.chance.choice(["doc-0", "doc-1", "doc-2", "doc-3", "None", "unknown", None])
        self._run("delete", lambda: (ref_doc_id,), name_async="adelete", names_any=True)

    def delete_nodes(self) -> None:
        filters = random_filters(self.chance) if self.chance.random() < 0.5 else None
        node_ids = self.chance.choice([self.node_ids(3), self.node_ids(3), [], None if filters else []])
        self._run("delete_nodes", lambda: (node_ids, filters), name_async="adelete_nodes")

    def clear(self) -> None:
        self._run("clear", tuple, name_async="aclear")

    def query(self) -> None:
        query = VectorStoreQuery(
            query_embedding=self.embedding(),
            similarity_top_k=self.chance.choice([1, 2, 5, 5, 0, None, 1000]),  # type: ignore[arg-type]
            node_ids=self.chance.choice([None, None, [], self.node_ids(9), list(self.pair.stock.data.embedding_dict)]),
            filters=self.chance.choice([None, None, random_filters(self.chance)]),
            mode=self.chance.choice([VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR]),
        )
        options = self.chance.choice([{}, {}, {"mmr_threshold": self.chance.choice([0, 0.3, np.float32(0.3), 1])}])
        self._run("query", lambda: (query,), options, name_async="aquery")

    def embedding(self) -> Any:
        numbers = [float(self.chance.randint(-2, 2)) for _ in range(DIM)]
        if self.chance.random() < 0.3:
            numbers = [number + self.chance.random() for number in numbers]
        make: Callable[[list[float]], Any] = self.chance.choice(
            [list, list, tuple, np.array, np.float32, np.float16, lambda it: [np.float32(number) for number in it]]
        )
        return make(numbers)

    def look(self) -> None:
        known = self.node_ids(1)
        self._run("get", lambda: (known[-1] if known else "",))
        self._run("get_nodes", lambda: (known, None), name_async="aget_nodes")
        self._run("to_dict", tuple)

    def reach_in(self) -> None:
        """Changes one of the maps by itself."""
        name = self.chance.choice(MAPS)
        key = (self.node_ids(1) or ["n-00"])[-1]
        value = {
            "embedding_dict": [float(self.chance.randint(-2, 2)) for _ in range(DIM)],
            "text_id_to_ref_doc_id": f"doc-{self.chance.randint(0, 3)}",
            "metadata_dict": {"page": self.chance.randint(1, 4), "deep": [{"x": None}]},
        }[name]
        change: Callable[[Any], Any] = self.chance.choice(
            [
                lambda it: it.__setitem__(key, copy.deepcopy(value)),
                lambda it: it.setdefault(key, copy.deepcopy(value)),
                lambda it: it.update({key: copy.deepcopy(value)}, other=copy.deepcopy(value)),
                lambda it: it.__delitem__(key),
                lambda it: it.pop(key),
                lambda it: it.pop(key, "nothing"),
                lambda it: it.popitem(),
                lambda it: (key in it, len(it), list(it), list(reversed(it)), it.get(key), it == dict(it)),
            ]
        )
        self.pair.step(lambda store: change(getattr(store.data, name)), (name, key, value))

    def _run(
        self,
        name: str,
        arguments: Callable[[], Any],
        options: dict[str, Any] | None = None,
        name_async: str = "",
        names_any: bool = False,
    ) -> None:
        """Calls a method, or its asynchronous form.

        Args:
            name: the method.
            arguments: makes its arguments, for each store anew.
            options: its keyword arguments.
            name_async: the asynchronous form, if there is one.
            names_any: whether a ``KeyError`` names any of several keys.
        """
        options = options or {}
        is_async = bool(name_async) and self.chance.random() < 0.3

        async def wait(store: SimpleVectorStore) -> Any:
            return await getattr(store, name_async)(*arguments(), **options)

        def step(store: SimpleVectorStore) -> Any:
            try:
                return asyncio.run(wait(store)) if is_async else getattr(store, name)(*arguments(), **options)
            except KeyError as error:
                raise (KeyError("one of several") if names_any else error) from error

        self.pair.step(step, (name, is_async, arguments(), options), raises_in_halves=name.startswith("delete"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A directory for each beginning."""
    directories = {}
    for name, begin in BEGINNINGS.items():
        directories[name] = tmp_path_factory.mktemp(name) / "storage"
        begin(directories[name])
    return directories


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_any_history_is_the_same(beginning: str, seed: int, begun: dict[str, Path], tmp_path: Path) -> None:
    chance = random.Random(f"{beginning} {seed}")
    directory = tmp_path / "storage"
    if begun[beginning].exists():
        shutil.copytree(begun[beginning], directory)
        pair = Pair.opened(directory)
    else:
        pair = Pair(directory)
    pair.compare()
    steps = Steps(chance, pair)
    kinds = [steps.add, steps.query, steps.query, steps.delete, steps.delete_nodes, steps.look, steps.reach_in]
    for _ in range(3):
        for _ in range(12):
            chance.choice(kinds)()
        if chance.random() < 0.2:
            steps.clear()
            steps.add()
        pair.persist_store()
        # Numbers that are there keep their spelling.
        pair.persist(is_text_alike=beginning != "records")


# What would be lost


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return packed(tmp_path / "storage")


def test_other_data_cannot_be_put_in_the_place_of_those_in_a_twin(pair: Pair) -> None:
    before = contents(pair.ours)
    with pytest.raises(AttributeError, match=r"^data is in a twin and cannot be replaced: use clear\(\) and add\(\)"):
        pair.ours.data = SimpleVectorStoreData()
    for name in MAPS:
        with pytest.raises(AttributeError, match=f"^{name} is in a twin and cannot be replaced"):
            setattr(pair.ours.data, name, {})
        with pytest.raises(AttributeError, match=f"^{name} is in a twin and cannot be deleted"):
            delattr(pair.ours.data, name)
    assert contents(pair.ours) == before == contents(pair.stock)


def test_a_map_takes_in_another_one(pair: Pair) -> None:
    def step(store: SimpleVectorStore) -> None:
        store.data.metadata_dict |= {"n-00": {"page": 9}, "new": {}}
        store.data.embedding_dict |= {"new": [0.5] * DIM}
        store.data = store.data

    pair.step(step, "|=")
    pair.persist()


def test_a_value_that_was_read_cannot_be_changed(pair: Pair) -> None:
    ours = pair.ours
    ours.data.metadata_dict["n-00"] = {"deep": [{"x": 1}]}
    before = contents(ours)
    changes: list[Callable[[], Any]] = [
        lambda: ours.get("n-00").append(1.0),
        lambda: ours.get("n-00").__setitem__(0, 1.0),
        lambda: ours.data.embedding_dict["n-00"].sort(),
        lambda: next(iter(ours.data.embedding_dict.values())).clear(),
        lambda: ours.data.metadata_dict["n-00"].update(page=1),
        lambda: ours.data.metadata_dict.setdefault("n-00", {}).pop("deep"),
        lambda: ours.data.metadata_dict["n-00"]["deep"].append(1),
        lambda: ours.data.metadata_dict["n-00"]["deep"][0].__setitem__("x", 2),
        lambda: dict(ours.data.metadata_dict.items())["n-00"].clear(),
    ]
    for change in changes:
        with pytest.raises(TypeError, match="^this was read out of a twin, which would not change with it"):
            change()
    assert contents(ours) == before


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["copy", "pickle"]
)
def test_a_copy_of_what_was_read_can_be_changed(pair: Pair, duplicate: Callable[[Any], Any]) -> None:
    pair.ours.data.metadata_dict["n-00"] = {"deep": [{"x": 1}]}
    before = contents(pair.ours)
    metadata = duplicate(pair.ours.data.metadata_dict["n-00"])
    metadata["deep"][0]["x"] = 2
    data = duplicate(pair.ours.data)
    data.metadata_dict["n-00"]["deep"].append(3)
    data.embedding_dict["n-01"][0] = 7.0
    data.text_id_to_ref_doc_id = {}
    store = duplicate(pair.ours)
    store.data.embedding_dict["n-01"].append(7.0)
    store.data = data
    assert contents(pair.ours) == before
    assert metadata == {"deep": [{"x": 2}]} and contents(store) != before


# What does not fit


def new(node_id: str, embedding: list[float] | None, **metadata: Any) -> TextNode:
    return TextNode(id_=node_id, text="", embedding=embedding, metadata=metadata)


def test_nodes_before_one_without_an_embedding_are_added(pair: Pair) -> None:
    def step(store: SimpleVectorStore) -> Any:
        return store.add(
            [new("first", [0.5] * DIM), new("n-00", [1.5] * DIM), new("odd", None), new("last", [2.5] * DIM)]
        )

    pair.step(step, "no embedding")
    assert "first" in pair.ours.data.embedding_dict and "last" not in pair.ours.data.embedding_dict
    pair.persist()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("odd", "error"),
    [
        (new("odd", [0.5] * (DIM + 1)), "odd.*7"),
        (new("odd", []), "odd"),
        (new("odd", [0.5] * DIM, when=object()), "^node 'odd': metadata"),
        (new("odd", [0.5] * DIM, raw=b"\xff"), "^node 'odd': metadata"),
        (TextNode.model_construct(id_="odd", embedding=["x"], metadata={}), "real number"),
    ],
    ids=["longer", "empty", "object", "bytes", "no numbers"],
)
def test_none_is_added_where_one_does_not_fit(pair: Pair, odd: TextNode, error: str) -> None:
    before = contents(pair.ours)
    nodes = [new("first", [0.5] * DIM), new("n-00", [1.5] * DIM), odd, new("last", [2.5] * DIM)]
    with pytest.raises((TypeError, ValueError), match=error):
        pair.ours.add(nodes)
    assert contents(pair.ours) == before
    pair.persist()


def test_nothing_is_deleted_where_a_filter_does_not_fit(pair: Pair) -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key="name", value=3, operator=FilterOperator.GT)])
    wanted = outcome(pair.stock, lambda store: store.delete_nodes(filters=filters))
    before = contents(pair.ours)
    assert outcome(pair.ours, lambda store: store.delete_nodes(filters=filters)) == wanted
    assert wanted[0] is TypeError and contents(pair.ours) == before


@pytest.mark.any_release
@pytest.mark.parametrize(
    ("embedding", "place"), [(["x", 0.5], "embedding[0]"), ([0.5, None], "embedding[1]"), ("x", "embedding")]
)
def test_what_is_no_number_is_named_by_its_node(pair: Pair, embedding: Any, place: str) -> None:
    before = contents(pair.ours)
    with pytest.raises(TypeError, match=rf"^node 'odd': {re.escape(place)}: "):
        pair.ours.data.embedding_dict["odd"] = embedding
    assert contents(pair.ours) == before


@pytest.mark.any_release
def test_and_where_a_node_is_added_whose_embedding_was_changed_in_place(pair: Pair) -> None:
    before = contents(pair.ours)
    odd = TextNode(id_="odd", text="", embedding=[0.5] * DIM)
    assert odd.embedding is not None
    odd.embedding[1] = "x"  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"^node 'odd': embedding\[1\]: "):
        pair.ours.add([TextNode(id_="fine", text="", embedding=[0.5] * DIM), odd])
    assert contents(pair.ours) == before
