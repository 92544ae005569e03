"""Queries of ``TwinVectorStore`` are answered as the installed LlamaIndex answers them."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode

from support.vector_stores import DIM, about, node, outcome, random_filters
from twinstore._native import Context
from twinstore.llama_index import TwinVectorStore
from twinstore.llama_index._id_lists import KEPT, IdLists
from twinstore.llama_index._plain_query import PlainQuery

MODES = [VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR]


def nodes(chance: random.Random, count: int) -> list[TextNode]:
    return [node(chance, f"n-{n:03}") for n in range(count)]


def stores(tmp_path: Path, chance: random.Random, count: int = 60) -> tuple[SimpleVectorStore, TwinVectorStore]:
    """LlamaIndex's store and ours, of the same nodes; some of ours came after opening."""
    first, later = nodes(chance, count), nodes(chance, count // 3)
    stock = SimpleVectorStore()
    stock.add(first)
    context = Context.empty()
    TwinVectorStore.from_twin(context).add(first)
    context.persist(tmp_path)
    ours = TwinVectorStore.from_twin(Context.open(tmp_path))
    for store in (stock, ours):
        store.add(later)
        store.delete("doc-3")
    assert len(ours.data.embedding_dict) == len(stock.data.embedding_dict) > 0
    return stock, ours


def alike(stock: SimpleVectorStore, ours: TwinVectorStore, query: VectorStoreQuery, **options: Any) -> Any:
    """Asks both, and gives what both answer."""

    def ask(store: SimpleVectorStore) -> Any:
        return store.query(query, **options)

    wanted = outcome(stock, ask)
    assert outcome(ours, ask) == about(wanted), (query, options)
    return wanted


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(12))
def test_any_query_is_answered_alike(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    stock, ours = stores(tmp_path, chance)
    ids = [f"n-{n:03}" for n in range(40)]
    for _ in range(60):
        query = VectorStoreQuery(
            query_embedding=chance.choice([None, [1.0], [float(chance.randint(-2, 2)) for _ in range(DIM)]]),
            similarity_top_k=chance.choice([1, 3, 10, 0, -1, 1000]),
            node_ids=chance.choice([None, [], ids, chance.sample(ids, 9), ["unknown"]]),
            filters=chance.choice([None, random_filters(chance)]),
            mode=chance.choice([*MODES, *MODES, VectorStoreQueryMode.SPARSE]),
        )
        options = chance.choice([{}, {}, {"mmr_threshold": chance.choice([0, 0.3, 1.0])}])
        alike(stock, ours, query, **options)


def test_a_list_of_ids_that_is_changed_in_place_is_noticed(tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(1))
    ids = list(stock.data.embedding_dict)
    query = VectorStoreQuery(query_embedding=[1.0] * DIM, similarity_top_k=5, node_ids=ids)
    alike(stock, ours, query)
    ids[:] = ids[10:]
    alike(stock, ours, query)


def test_a_list_of_ids_that_was_seen_finds_what_was_added_since(tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(2))
    ids = [*stock.data.embedding_dict, "new"]
    query = VectorStoreQuery(query_embedding=[1.0] * DIM, similarity_top_k=5, node_ids=ids)
    alike(stock, ours, query)
    for store in (stock, ours):
        store.add([TextNode(id_="new", text="", embedding=[1.0] * DIM)])
    assert alike(stock, ours, query)[0][0] == "new"


def test_the_longest_list_of_ids_is_remembered_however_many_others_are_named(tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(3))
    assert ours._vectors is not None
    vectors, lists, ids = ours._vectors, IdLists(), list(stock.data.embedding_dict)
    found = lists.find(vectors, ids)
    others = [ids[n : n + 5] for n in range(3 * KEPT)]
    for other in others:
        lists.find(vectors, other)
    assert lists.find(vectors, ids) is found
    assert lists.find(vectors, list(ids)) is found
    last = lists.find(vectors, others[-1])
    assert lists.find(vectors, others[-1]) is last
    longer = lists.find(vectors, [*ids, "unknown"])
    for other in others:
        lists.find(vectors, other)
    assert lists.find(vectors, [*ids, "unknown"]) is longer
    assert lists.find(vectors, ids) is not found


NUMBERS: dict[str, Callable[[list[float]], Any]] = {
    "float64": np.array,
    "float32": np.float32,
    "float16": np.float16,
    "longdouble": np.longdouble,
    "complex": lambda numbers: np.array(numbers) + 0.5j,
    "list of float64": lambda numbers: [np.float64(number) for number in numbers],
    "list of float32": lambda numbers: [np.float32(number) for number in numbers],
    "list of float16 and float": lambda numbers: [np.float16(numbers[0]), *numbers[1:]],
    "tuple": tuple,
    "int": lambda numbers: np.array([int(1000 * number) for number in numbers]),
    "list of int": lambda numbers: [int(1000 * number) for number in numbers],
    "too large an int": lambda numbers: [10**400, *numbers[1:]],
    "bool": lambda numbers: np.array(numbers) > 0,
    "of two dimensions": lambda numbers: [numbers],
    "column": lambda numbers: np.array(numbers)[:, None],
    "ragged": lambda numbers: [numbers, numbers[:2]],
    "strings": lambda numbers: [str(number) for number in numbers],
    "objects": lambda numbers: np.array(numbers, dtype=object),
    "not contiguous": lambda numbers: np.repeat(numbers, 2)[::2],
    "a number": lambda numbers: numbers[0],
}
# Of float16 and float32, some overflow the square of the norm, or underflow it.
SCALES = [1.0, 300.0, 1e-5, 1e21, 1e-25, 0.0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", NUMBERS)
def test_a_query_of_any_numbers_is_answered_alike(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    dim, count = 64, 80
    stock, context = SimpleVectorStore(), Context.empty()
    ours = TwinVectorStore.from_twin(context)
    vectors = [[chance.gauss(0, 1) for _ in range(dim)] for _ in range(count)]
    for store in (stock, ours):
        store.add([TextNode(id_=f"n-{n}", text="", embedding=vector) for n, vector in enumerate(vectors)])
    for scale in SCALES:
        # Close to one of them, so that few bits make a difference to what is picked.
        numbers = [scale * (number + chance.gauss(0, 0.01)) for number in chance.choice(vectors)]
        for mode in MODES:
            query = VectorStoreQuery(query_embedding=NUMBERS[kind](numbers), similarity_top_k=9, mode=mode)
            alike(stock, ours, query)
            alike(stock, ours, query, mmr_threshold=0.9)


@pytest.mark.any_release
@pytest.mark.parametrize("numbers", [np.float16, np.float32])
@pytest.mark.parametrize("mode", [VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR])
def test_numbers_of_few_bits_need_not_be_compared_with_all_rows(
    numbers: Any, mode: VectorStoreQueryMode, tmp_path: Path
) -> None:
    _, ours = stores(tmp_path, random.Random(8), 200)
    query = VectorStoreQuery(query_embedding=numbers([0.3, 1.1, -0.7, 2.0, 0.1, -1.0]), similarity_top_k=3, mode=mode)
    plain = PlainQuery.of(query, None)
    assert plain is not None and ours._vectors is not None
    asked = (plain.embedding, plain.top_k, plain.mode, plain.mmr_threshold)
    assert len(ours._vectors.deciding_rows(*asked, None, None)[0]) < 20


@pytest.mark.any_release
def test_chunks_that_are_there_twice_need_not_be_compared_with_all_rows() -> None:
    chance = random.Random(9)
    stock, ours = SimpleVectorStore(), TwinVectorStore.from_twin(Context.empty())
    vectors = [[chance.gauss(0, 1) for _ in range(DIM)] for _ in range(200)]
    copies = [TextNode(id_=f"n-{n}", text="", embedding=vectors[n % 200]) for n in range(500)]
    chance.shuffle(copies)
    for store in (stock, ours):
        store.add(copies)
    assert ours._vectors is not None
    for threshold in (None, 0.3, 0.7, 0.9):
        query = VectorStoreQuery(
            query_embedding=[chance.gauss(0, 1) for _ in range(DIM)], similarity_top_k=5, mode=VectorStoreQueryMode.MMR
        )
        alike(stock, ours, query, mmr_threshold=threshold)
        plain = PlainQuery.of(query, threshold)
        assert plain is not None
        asked = (plain.embedding, plain.top_k, plain.mode, plain.mmr_threshold)
        assert len(ours._vectors.deciding_rows(*asked, None, None)[0]) <= 15


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("top_k", [2.5, "3", np.int64(3), np.float32(3), True, 10**30, [3]], ids=repr)
@pytest.mark.parametrize(
    "threshold", [np.float16(0.3), np.float64(0.3), "0.3", float("nan"), 10**30, -1, False], ids=repr
)
def test_odd_numbers_of_a_query_are_answered_alike(top_k: Any, threshold: Any, tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(5))
    for mode in MODES:
        query = VectorStoreQuery(query_embedding=[1.0, 2.0, 0.5, -1.0, 0.0, 1.0], similarity_top_k=top_k, mode=mode)
        alike(stock, ours, query, mmr_threshold=threshold)


class LaterMode(str, Enum):
    """Modes of a release that is not out yet."""

    LATER = "later"


@pytest.mark.parametrize("mode", [LaterMode.LATER, "later", "default", "mmr", "hybrid", None, 3], ids=repr)
def test_any_mode_is_the_business_of_llamaindex(mode: Any, tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(6))
    alike(stock, ours, VectorStoreQuery(query_embedding=[1.0] * DIM, similarity_top_k=3, mode=mode))
    wrong = random_filters(random.Random(1))
    alike(stock, ours, VectorStoreQuery(query_embedding=[1.0] * DIM, filters=wrong, mode=mode))


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_picks_among_rows_that_are_equally_good_are_numpys(scale: float, tmp_path: Path) -> None:
    """Where the query points as a row does, that row makes all others equally good but for
    rounding, which the installed numpy does in its own way."""
    chance = random.Random(7)
    for number in range(10):
        stock, ours = stores(tmp_path / str(number), chance, 50)
        row = next(iter(stock.data.embedding_dict.values()))
        query = VectorStoreQuery(
            query_embedding=[scale * x for x in row], similarity_top_k=5, mode=VectorStoreQueryMode.MMR
        )
        for options in ({}, {"mmr_threshold": 0.5}, {"mmr_threshold": 0.3}):
            alike(stock, ours, query, **options)
