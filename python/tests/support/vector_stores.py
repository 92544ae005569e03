"""What is done with vector stores, LlamaIndex's and ours, at random."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQueryResult,
)

from twinstore.errors import TwinstoreError

Step = Callable[[SimpleVectorStore], Any]

DIM = 6
MAPS = ("embedding_dict", "text_id_to_ref_doc_id", "metadata_dict")


def node(chance: random.Random, node_id: str, **metadata: Any) -> TextNode:
    """A node whose vector is often equal to others, or has no direction."""
    vector = [float(chance.randint(-2, 2)) for _ in range(DIM)]
    if chance.random() < 0.3:
        vector = [number + chance.random() for number in vector]
    metadata |= {"page": chance.randint(1, 4), "name": chance.choice(["ann", "bob", "Ann"])}
    if chance.random() < 0.2:
        del metadata["name"]
    made = TextNode(id_=node_id, text="", embedding=vector, metadata=metadata)
    if chance.random() < 0.9:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=f"doc-{chance.randint(0, 3)}")
    return made


def random_filters(chance: random.Random) -> MetadataFilters:
    """Filters, of which some fit no metadata."""
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


def outcome(store: SimpleVectorStore, step: Step) -> Any:
    """What a step gives, or the class and text of what it raises."""
    try:
        given = step(store)
    except Exception as error:
        return _class_of(error), str(error)
    if isinstance(given, VectorStoreQueryResult):
        scores = np.ravel(given.similarities if given.similarities is not None else [])
        return given.ids, scores.astype(complex if np.iscomplexobj(scores) else float).tolist()
    return given


def about(wanted: Any) -> Any:
    """Equal to the same outcome: two computations in `f64` do not agree to the last bit."""
    if isinstance(wanted, tuple) and isinstance(wanted[1], list):
        return wanted[0], pytest.approx(wanted[1], rel=0, abs=1e-12, nan_ok=True)
    return wanted


def _class_of(error: Exception) -> type:
    """The class of an exception; of one of ours, the builtin class that it also is."""
    if isinstance(error, TwinstoreError):
        return next(base for base in type(error).__mro__ if base.__module__ == "builtins")
    return type(error)


def contents(store: SimpleVectorStore) -> str:
    """All that a store keeps, in order. What is 1 is not 1.0."""
    maps: dict[str, Any] = {name: list(getattr(store.data, name).items()) for name in MAPS}
    return json.dumps(maps)
