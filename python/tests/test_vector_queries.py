"""Queries of ``TwinVectorStore`` are answered as the installed LlamaIndex answers them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from twinstore._native import Context
from twinstore.llama_index import TwinVectorStore

DIM = 6
MODES = [VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR]


def nodes(chance: random.Random, count: int) -> list[TextNode]:
    """Nodes of which many have equal vectors, and some no direction."""
    made = []
    for n in range(count):
        vector = [float(chance.randint(-2, 2)) for _ in range(DIM)]
        metadata = {"page": chance.randint(1, 4), "name": chance.choice(["ann", "bob", "Ann"])}
        if chance.random() < 0.2:
            del metadata["name"]
        source = RelatedNodeInfo(node_id=f"doc-{chance.randint(0, 3)}")
        node = TextNode(id_=f"n-{n:03}", text="", embedding=vector, metadata=metadata)
        node.relationships[NodeRelationship.SOURCE] = source
        made.append(node)
    return made


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


def outcome(store: SimpleVectorStore, query: VectorStoreQuery, **options: Any) -> Any:
    try:
        result = store.query(query, **options)
    except Exception as error:
        return type(error), str(error)
    return result.ids, [None if score != score else float(score) for score in result.similarities or []]


def random_filters(chance: random.Random) -> MetadataFilters:
    values: list[Any] = [2, 3.0, "ann", "n", ["ann", "bob"], [1, 2], None]
    chosen = [
        MetadataFilter.model_construct(
            key=chance.choice(["page", "name", "ref_doc_id", "none"]),
            value=chance.choice(values),
            operator=chance.choice(list(FilterOperator)),
        )
        for _ in range(chance.randint(0, 2))
    ]
    return MetadataFilters.model_construct(filters=chosen, condition=chance.choice([None, *FilterCondition]))


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
        assert outcome(ours, query, **options) == outcome(stock, query, **options), (query, options)


def test_a_list_of_ids_that_is_changed_in_place_is_noticed(tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(1))
    ids = list(stock.data.embedding_dict)
    query = VectorStoreQuery(query_embedding=[1.0] * DIM, similarity_top_k=5, node_ids=ids)
    assert outcome(ours, query) == outcome(stock, query)
    ids[:] = ids[10:]
    assert outcome(ours, query) == outcome(stock, query)


def test_a_list_of_ids_that_was_seen_finds_what_was_added_since(tmp_path: Path) -> None:
    stock, ours = stores(tmp_path, random.Random(2))
    ids = [*stock.data.embedding_dict, "new"]
    query = VectorStoreQuery(query_embedding=[1.0] * DIM, similarity_top_k=5, node_ids=ids)
    assert outcome(ours, query) == outcome(stock, query)
    for store in (stock, ours):
        store.add([TextNode(id_="new", text="", embedding=[1.0] * DIM)])
    assert outcome(ours, query) == outcome(stock, query)
    assert outcome(ours, query)[0][0] == "new"
