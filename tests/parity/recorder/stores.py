"""Random vector stores: files that LlamaIndex wrote, or at least reads."""

import json
import warnings
from pathlib import Path
from random import Random
from typing import Any

from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.simple import SimpleVectorStore

from recorder import material

FILE = "default__vector_store.json"


def make(random: Random, path: Path, small: bool) -> SimpleVectorStore:
    """Writes a store to `path` and gives it back as LlamaIndex loads it."""
    if random.random() < 0.65:
        built(random, small).persist(str(path))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(foreign(random, small), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SimpleVectorStore.from_persist_path(str(path))


def shape(random: Random, small: bool) -> tuple[int, int]:
    """How many vectors, of how many components."""
    count = random.choice([0, 1, 2, 3, 5, 8, 13, 20, 20, 40])
    dim = random.choice([1, 2, 2, 3, 4, 8, 8, 16, 32, 64])
    if small:
        # What the repository carries: few numbers, in spite of all kinds.
        return min(count, 13), min(dim, 8)
    match random.random():
        case part if part < 0.05:
            return random.randint(64, 300), dim
        case part if part < 0.12:
            return min(count, 8), random.choice([100, 384, 768, 1536])
    return count, dim


def node(random: Random, id_: str, vector: list[float]) -> TextNode:
    """A node as an index hands it to its vector store."""
    made = TextNode(id_=id_, text="", embedding=vector, metadata=material.metadata(random))
    document = random.choice(["doc-a", "doc-a", "doc-b", None])
    if document:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=document)
    return made


def built(random: Random, small: bool) -> SimpleVectorStore:
    """A store with a history: additions, updates, deletions, and more additions."""
    count, dim = shape(random, small)
    kind = random.choice(material.KINDS)
    ids = material.fresh_ids(random, count, material.ODD_IDS)
    store = SimpleVectorStore()
    rows = material.vectors(random, count, dim, kind)
    store.add([node(random, id_, row) for id_, row in zip(ids, rows, strict=True)])
    for _ in range(random.choice([0, 0, 1, 3]) if count else 0):
        some = random.sample(ids, random.randint(1, count))
        match random.choice(["update", "delete", "delete nodes", "add again"]):
            case "update":
                new = material.vectors(random, len(some), dim, kind)
                store.add([node(random, id_, row) for id_, row in zip(some, new, strict=True)])
            case "delete":
                store.delete(random.choice(["doc-a", "doc-b", "None", "no such document"]))
            case "delete nodes":
                store.delete_nodes(some[: max(1, count // 3)])
            case "add again":
                some = some[: max(1, count // 3)]
                kept = {id_: store.get(id_) for id_ in some if id_ in store.data.embedding_dict}
                store.delete_nodes(some)
                store.add([node(random, id_, row) for id_, row in kept.items()])
    return store


def foreign(random: Random, small: bool) -> str:
    """The text of a store that LlamaIndex reads but did not write."""
    count, dim = shape(random, small)
    ids = material.fresh_ids(random, count, material.ODD_IDS + material.SURROGATE_IDS)
    rows: list[list[Any]] = list(material.vectors(random, count, dim, random.choice(material.KINDS)))
    match random.choice(["plain", "plain", "ragged", "whole", "loose types", "no components", "repeated keys"]):
        case "ragged":
            for row in random.sample(rows, min(count, 2)):
                del row[random.randint(0, len(row)) :]
        case "whole":
            rows = [[int(value) if value == value and abs(value) < 1e15 else 0 for value in row] for row in rows]
        case "loose types":
            # float() of each: that is how LlamaIndex reads a component.
            for row in random.sample(rows, min(count, 2)):
                row[0] = random.choice([True, False, "1.5", "-1e-3", 10**20])
        case "no components":
            rows = [[] for _ in rows]
        case "repeated keys":
            extra = random.sample(range(count), min(count, 3))
            ids += [ids[at] for at in extra]
            rows += material.vectors(random, len(extra), dim, "short")
    members = {
        "embedding_dict": entries(zip(ids, rows, strict=True)),
        "text_id_to_ref_doc_id": entries((id_, "doc-a") for id_ in dict.fromkeys(ids)),
    }
    values = [(id_, material.metadata(random)) for id_ in dict.fromkeys(ids)]
    match random.choice(["all", "all", "all", "some", "absent", "null", "none", "more"]):
        case "some":
            values = [pair for pair in values if random.random() < 0.8]
            members["metadata_dict"] = entries(values)
        case "null":
            members["metadata_dict"] = "null"
        case "none":
            members["metadata_dict"] = "{}"
        case "more":
            members["metadata_dict"] = entries([("no vector", {"page": 1}), *values])
        case "all":
            members["metadata_dict"] = entries(values)
    if random.random() < 0.2:
        members["future"] = '{"member": [1, 2.50]}'
    order = list(members)
    if random.random() < 0.3:
        random.shuffle(order)
    return "{" + ", ".join(f'"{key}": {members[key]}' for key in order) + "}"


def entries(pairs: Any) -> str:
    """An object's text; a key may come twice."""
    return "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"
