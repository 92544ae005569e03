"""Random queries, and LlamaIndex's answers to them."""

import math
import warnings
from random import Random
from typing import Any

from llama_index.core.vector_stores import simple
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from recorder import encode, material, order

Case = dict[str, Any]


def record(random: Random, store: SimpleVectorStore) -> Case | None:
    """Asks one thing, and writes down what was asked and what came of it.

    `None` for the rare question whose outcome depends on the processor.
    """
    case: Case = {"mode": mode(random).value, "top_k": top_k(random, len(store.data.embedding_dict))}
    vector = embedding(random, store)
    case["embedding"] = None if vector is None else encode.numbers(vector)
    node_ids = wanted_ids(random, store)
    if node_ids is not None:
        case["node_ids"] = encode.names(node_ids)
    filters = random_filters(random) if random.random() < 0.4 else None
    if filters is not None:
        case["filters"] = filters.model_dump()
        for shown, given in zip(case["filters"]["filters"], filters.filters, strict=True):
            if isinstance(given, MetadataFilter):
                shown["operator"] = given.operator.value
    query = VectorStoreQuery(
        query_embedding=vector,
        similarity_top_k=case["top_k"],
        node_ids=node_ids,
        filters=filters,
        mode=VectorStoreQueryMode(case["mode"]),
    )
    options = {}
    if case["mode"] == "mmr":
        threshold = random.choice([None, None, 0.0, 0.0, 0.5, 0.7, 1.0, 1.0, 0.3, 2.5, -1.0, 1e-3])
        if threshold is not None:
            options["mmr_threshold"] = case["threshold"] = threshold
    return answered(case, store, query, options)


def answered(case: Case, store: SimpleVectorStore, query: VectorStoreQuery, options: dict[str, Any]) -> Case | None:
    """Adds the answer."""
    default, mmr = order.Watch(simple.get_top_k_embeddings), order.Watch(simple.get_top_k_mmr_embeddings)
    simple.get_top_k_embeddings, simple.get_top_k_mmr_embeddings = default, mmr
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = store.query(query, **options)
            case["ids"] = encode.names(result.ids)
            case["scores"] = encode.numbers(result.similarities)
            seen = default.seen or mmr.seen
            if seen and result.ids and order.is_a_rounding(seen):
                return None
            if default.seen and result.ids:
                case |= order.of_default(default.seen, result.ids)
            if mmr.seen:
                picks, sure = order.of_mmr(mmr.seen)
                assert picks == len(result.ids)
                if sure < picks:
                    case["sure"] = sure
    except AssertionError:
        raise
    except Exception as error:
        case["raises"] = encode.raised(error)
        if isinstance(error, KeyError) and mmr.seen:
            # Which pick is missing is sure only where all before it are.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picks, sure = order.of_mmr(mmr.seen)
            if sure < picks:
                return None
    finally:
        simple.get_top_k_embeddings, simple.get_top_k_mmr_embeddings = default.function, mmr.function
    return case


def mode(random: Random) -> VectorStoreQueryMode:
    """Mostly the two modes that this store answers."""
    if random.random() < 0.92:
        return random.choice([VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR])
    return random.choice(list(VectorStoreQueryMode))


def top_k(random: Random, rows: int) -> int | None:
    """From nothing to more than there is."""
    odd = random.choice([None, 0, -1, -3, 1, 2, rows, rows + 3])
    return odd if random.random() < 0.4 else random.randint(1, rows + 3)


def embedding(random: Random, store: SimpleVectorStore) -> list[float] | None:
    """A vector to be near to: often one that is stored, sometimes one that does not fit."""
    rows = store.data.embedding_dict
    if rows and random.random() < 0.4:
        like = random.choice(list(rows.values()))
        if all(math.isfinite(value) for value in like) or random.random() < 0.3:
            return list(like)
    dim = len(next(iter(rows.values()))) if rows else 3
    vector = [material.number(random, random.choice(["f32", "short", "f64", "whole"])) for _ in range(dim)]
    match random.random():
        case part if part < 0.03:
            return None
        case part if part < 0.07:
            vector = [0.5] * (dim + random.choice([-1, 1]))
        case part if part < 0.10:
            vector = [0.0] * dim
        case part if part < 0.13 and vector:
            vector[0] = random.choice([float("nan"), float("inf")])
        case part if part < 0.18:
            scale = random.choice(material.SCALES)
            vector = [value * scale for value in vector]
    return vector


def wanted_ids(random: Random, store: SimpleVectorStore) -> list[str] | None:
    """Ids to look at: some, with unknown and repeated ones among them."""
    if random.random() < 0.7:
        return None
    known = list(store.data.embedding_dict)
    some = random.sample(known, random.randint(0, len(known)))
    if random.random() < 0.3:
        some += ["no such id", *some[:2]]
    return [] if random.random() < 0.1 else some


VALUES: list[Any] = [1, 2, 3, 3.0, 2.5, -1, 2**53, 2**53 + 1, 9007199254740992.0, "1", "a.pdf", "pdf", "PAGE", "ας", "",
                     "x", "doc-a", "None", "TextNode", [], ["x"], ["x", "y"], ["a.pdf", "b.txt"], [1, 2], [1, 2.5],
                     [2.0], None]  # fmt: skip
FITTING: dict[str, list[Any]] = {
    "page": [1, 2, 2.0, 3, 2.5, [1, 2], [2.0, 10.0]],
    "file": ["a.pdf", "pdf", "STRASSE.MD", "straße", "ας", ["a.pdf", "b.txt"], ""],
    "tags": ["x", "y", ["x", "y"], ["z"], [], 1, [1]],
    "draft": [1, 0, 1.0],
    "note": ["see", "page 3", "本", ""],
    "ref_doc_id": ["doc-a", "doc-b", "None", ["doc-a", "None"]],
}


def random_filters(random: Random) -> MetadataFilters:
    """Filters: half of them fit the metadata, the others may raise."""
    made: list[Any] = []
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3])):
        operator = random.choice(list(FilterOperator))
        if random.random() < 0.6:
            key = random.choice(list(FITTING))
            value = random.choice(FITTING[key])
        else:
            key = random.choice([*material.KEYS, "_node_type", "document_id", "doc_id", "no such key"])
            value = random.choice(VALUES)
        made.append(MetadataFilter(key=key, value=value, operator=operator))
    if made and random.random() < 0.02:
        made.append(MetadataFilters(filters=[]))
    condition = random.choice([FilterCondition.AND, FilterCondition.AND, FilterCondition.OR, FilterCondition.NOT, None])
    return MetadataFilters(filters=made, condition=condition)
