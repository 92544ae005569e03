"""Random changes of stores: what can be called, with which arguments.

A change is a call as the recording has it: `{"call": name, "args": {...}}`. `make`
thinks one up, `apply` does it to LlamaIndex's stores. Texts of records are given as
LlamaIndex would write them, so that whoever replays them need not know its classes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from llama_index.core import StorageContext
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.graph_stores.types import ChunkNode, EntityNode, LabelledNode, Relation
from llama_index.core.schema import BaseNode, Document, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.docstore.utils import doc_to_json, json_to_doc
from llama_index.core.vector_stores.types import MetadataFilters
from llama_index.core.vector_stores.utils import node_to_metadata_dict

from recorder import encode, index_changes, material

Args = dict[str, Any]
Change = tuple[str, Args]

IDS = ["n-1", "n-2", "n-3", "n-4", "n-5", "n-6", "Köln 🗼", 'a"b', ""]
DOCUMENTS = ["doc-a", "doc-b", "doc-c", ""]
NAMES = ["Berlin", "Köln", "river", "map", "stone"]
# LlamaIndex cannot find relations of this one again: then it deletes nothing.
QUOTED = 'the "old" bridge'
WORDS = ["river", "bridge", "stone", "old", "über", "🗼", "trade"]
USERS = ["user-1", "Jürgen", ""]
DIM = 4


@dataclass
class Stores:
    """All stores of one persist dir."""

    context: StorageContext
    chat: SimpleChatStore


def text(random: Random) -> str:
    """A few words."""
    return " ".join(random.choices(WORDS, k=random.randint(0, 4)))


def some(random: Random, names: list[str], most: int = 3) -> list[str]:
    """Some names, none twice."""
    return random.sample(names, random.randint(1, most))


def node(random: Random, id_: str) -> BaseNode:
    """A node, mostly one that is a part of a document."""
    if random.random() < 0.15:
        return Document(id_=id_, text=text(random), metadata=material.metadata(random))
    made = TextNode(id_=id_, text=text(random), metadata=material.metadata(random))
    if random.random() < 0.75:
        source = RelatedNodeInfo(node_id=random.choice(DOCUMENTS), metadata={"page": 1}, hash="5e884898")
        made.relationships[NodeRelationship.SOURCE] = source
    return made


def add_documents(random: Random, stores: Stores) -> Args:
    """New and known nodes."""
    docs = [node(random, id_) for id_ in some(random, IDS)]
    if random.random() < 0.15:
        # Twice in one call, which is the way to two parts of the same name.
        docs.append(node(random, docs[0].node_id))
    allow_update = random.random() < 0.8
    if not allow_update:
        # LlamaIndex meets the one that it refuses before it has changed what it
        # knows of the documents of others (README.md, "different by design").
        known = stores.context.docstore._kvstore.to_dict().get("docstore/data", {})
        docs.sort(key=lambda doc: doc.node_id not in known)
    records = [json.dumps(doc_to_json(doc)) for doc in docs]
    return {
        "docs": [{"record": record, "hash": json_to_doc(json.loads(record)).hash} for record in records],
        "allow_update": allow_update,
        "store_text": random.random() < 0.85,
    }


def name(random: Random) -> str:
    """The name of an entity."""
    return QUOTED if random.random() < 0.03 else random.choice(NAMES)


def labelled(random: Random) -> LabelledNode:
    """An entity or a chunk."""
    properties = {"size": random.choice([1, 2, 2.5]), "kind": random.choice(["place", "thing", None])}
    embedding = [round(random.gauss(0, 1), 3) for _ in range(3)] if random.random() < 0.3 else None
    if random.random() < 0.3:
        id_ = random.choice(["chunk-1", "chunk-2"])
        return ChunkNode(text=text(random), id_=id_, properties=properties, embedding=embedding)
    return EntityNode(name=name(random), properties=properties, embedding=embedding)


def relation(random: Random) -> Relation:
    """A relation, of nodes that are there or not."""
    one, other = name(random), name(random)
    return Relation(
        label=random.choice(["NEAR", "PART_OF"]),
        source_id=one,
        target_id=other,
        properties={"since": random.choice([1200, 1900.5])},
    )


def forget(random: Random, _: Stores) -> Args:
    """Nodes and triplets of a property graph to delete. Seldom by name alone:
    then LlamaIndex deletes all nodes."""
    match random.choice(["ids", "ids", "properties", "both", "names"] if random.random() < 0.5 else ["ids"]):
        case "ids":
            return {"ids": some(random, [*NAMES, "chunk-1", "nobody"], 2)}
        case "properties":
            return {"properties": {"size": random.choice([1, 2.0])}}
        case "both":
            return {"properties": {"kind": random.choice(["place", None])}, "ids": some(random, NAMES)}
    return {"entity_names": some(random, NAMES, 1), "relation_names": random.choice([None, ["NEAR"]])}


def message(random: Random) -> str:
    """A message of a chat."""
    said = {"role": random.choice(["user", "assistant"]), "content": text(random)}
    if random.random() < 0.2:
        said["additional_kwargs"] = {"tool_calls": [{"id": "call-1", "weight": 0.5}]}
    return ChatMessage(**said).model_dump_json()


def component(random: Random) -> float:
    """A number that all writers spell alike: the layout of exponents is a part of the
    style that a file came in."""
    return material.f32(random.choice([1, -1]) * random.uniform(0.001, 3))


def vector(random: Random, id_: str) -> Args:
    """A node as a vector store takes it."""
    made = TextNode(id_=id_, text=text(random), metadata=material.metadata(random))
    document = random.choice([*DOCUMENTS, None])
    if document is not None:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=document)
    metadata = node_to_metadata_dict(made, remove_text=True, flat_metadata=False)
    metadata.pop("_node_content", None)
    return {
        "id": id_,
        "embedding": encode.numbers(component(random) for _ in range(DIM)),
        "ref_doc_id": document,
        "metadata": json.dumps(metadata),
    }


def of_vector(given: Args) -> TextNode:
    """The node that a vector store was given."""
    added = ["_node_type", "document_id", "doc_id", "ref_doc_id"]
    metadata = {key: value for key, value in json.loads(given["metadata"]).items() if key not in added}
    embedding = [float(number) for number in given["embedding"].split()]
    made = TextNode(id_=given["id"], metadata=metadata, embedding=embedding)
    if given["ref_doc_id"] is not None:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=given["ref_doc_id"])
    return made


def delete_nodes(random: Random, stores: Stores) -> Args:
    """By ids, by metadata, or both."""
    args: Args = {}
    if random.random() < 0.6:
        args["node_ids"] = some(random, IDS)
    # A file without metadata loads with none; what a filter makes of that is the
    # business of queries.
    if ("node_ids" not in args or random.random() < 0.3) and stores.context.vector_stores["default"].data.metadata_dict:
        wanted = {"key": "page", "value": random.choice([2, 3]), "operator": random.choice(["==", "!="])}
        args["filters"] = json.dumps({"filters": [wanted], "condition": "and"})
    return args or {"node_ids": some(random, IDS)}


Maker = Callable[[Random, Stores], Args]

MAKERS: dict[str, list[tuple[int, str, Maker]]] = {
    "docstore": [
        (8, "add_documents", add_documents),
        (2, "delete_document", lambda r, _: {"doc_id": r.choice(IDS), "raise_error": r.random() < 0.5}),
        (1, "delete_ref_doc", lambda r, _: {"ref_doc_id": r.choice(DOCUMENTS), "raise_error": r.random() < 0.5}),
        (1, "set_document_hash", lambda r, _: {"doc_id": r.choice(IDS + DOCUMENTS), "doc_hash": "2cf24dba"}),
        (1, "set_document_hashes", lambda r, _: {"doc_hashes": [[id_, "486ea462"] for id_ in some(r, DOCUMENTS)]}),
        (1, "document_exists", lambda r, _: {"doc_id": r.choice(IDS)}),
        (1, "get_ref_doc_info", lambda r, _: {"ref_doc_id": r.choice(DOCUMENTS)}),
        (1, "get_all_document_hashes", lambda r, _: {}),
    ],
    "graph_store": [
        (6, "upsert_triplet", lambda r, _: dict(zip(["subj", "rel", "obj"], triplet(r), strict=True))),
        (1, "delete", lambda r, _: dict(zip(["subj", "rel", "obj"], triplet(r), strict=True))),
    ],
    "property_graph_store": [
        (3, "upsert_nodes", lambda r, _: {"nodes": [labelled(r).model_dump_json() for _ in range(r.randint(1, 3))]}),
        (4, "upsert_relations", lambda r, _: {"relations": [relation(r).model_dump_json() for _ in range(2)]}),
        (1, "delete", forget),
    ],
    "chat_store": [
        (2, "set_messages", lambda r, _: {"key": r.choice(USERS), "messages": [message(r) for _ in range(2)]}),
        (4, "add_message", lambda r, _: {"key": r.choice(USERS), "message": message(r), "idx": index(r, True)}),
        (1, "delete_messages", lambda r, _: {"key": r.choice(USERS)}),
        (2, "delete_message", lambda r, _: {"key": r.choice(USERS), "idx": index(r, False)}),
        (2, "delete_last_message", lambda r, _: {"key": r.choice(USERS)}),
    ],
    "vector_store": [
        (8, "add", lambda r, _: {"nodes": [vector(r, id_) for id_ in some(r, IDS)]}),
        (2, "delete", lambda r, _: {"ref_doc_id": r.choice([*DOCUMENTS, "None"])}),
        (2, "delete_nodes", delete_nodes),
        (1, "clear", lambda r, _: {}),
    ],
    "index_store": index_changes.MAKERS,
}


def triplet(random: Random) -> list[str]:
    """Subject, relation, object."""
    return [random.choice(NAMES[:3]), random.choice(["near", "über"]), random.choice(NAMES)]


def index(random: Random, may_lack: bool) -> int | None:
    """An index into a list, also one beyond its ends."""
    return random.choice([0, 1, -1, -2, 7, -7] + [None] * 6 * may_lack)


def make(random: Random, stores: Stores, kinds: list[str]) -> Change:
    """The next change of one of these stores."""
    kind = random.choice(kinds)
    weights, names, makers = zip(*MAKERS[kind], strict=True)
    at = random.choices(range(len(names)), weights)[0]
    return f"{kind}.{names[at]}", makers[at](random, stores)


def apply(stores: Stores, change: Change) -> Any:
    """Does it; gives back what is recorded of the outcome."""
    (kind, name), args = change[0].split("."), change[1]
    context = stores.context
    match kind, name:
        case "docstore", "add_documents":
            docs = [json_to_doc(json.loads(doc["record"])) for doc in args["docs"]]
            context.docstore.add_documents(docs, args["allow_update"], store_text=args["store_text"])
        case "docstore", "set_document_hashes":
            context.docstore.set_document_hashes(dict(args["doc_hashes"]))
        case "docstore", "document_exists" | "delete_document" | "delete_ref_doc" | "set_document_hash":
            return getattr(context.docstore, name)(**args)
        case "docstore", _:
            getattr(context.docstore, name)(**args)
        case "graph_store", _:
            getattr(context.graph_store, name)(**args)
        case "property_graph_store", "upsert_nodes":
            classes = {True: EntityNode, False: ChunkNode}
            given = [json.loads(text) for text in args["nodes"]]
            context.property_graph_store.upsert_nodes([classes["name" in n].model_validate(n) for n in given])
        case "property_graph_store", "upsert_relations":
            given = [Relation.model_validate_json(text) for text in args["relations"]]
            context.property_graph_store.upsert_relations(given)
        case "property_graph_store", _:
            context.property_graph_store.delete(**args)
        case "chat_store", "set_messages":
            said = [ChatMessage.model_validate_json(text) for text in args["messages"]]
            stores.chat.set_messages(args["key"], said)
        case "chat_store", "add_message":
            stores.chat.add_message(args["key"], ChatMessage.model_validate_json(args["message"]), args["idx"])
        case "chat_store", _:
            return said_by(getattr(stores.chat, name)(**args))
        case "vector_store", "add":
            context.vector_stores["default"].add([of_vector(given) for given in args["nodes"]])
        case "vector_store", "delete_nodes":
            filters = MetadataFilters.model_validate_json(args["filters"]) if "filters" in args else None
            context.vector_stores["default"].delete_nodes(args.get("node_ids"), filters)
        case "vector_store", _:
            getattr(context.vector_stores["default"], name)(**args)
        case "index_store", _:
            return index_changes.apply(context.index_store, name, args)
    return None


def said_by(messages: Any) -> Any:
    """Messages that were deleted, as text."""
    if isinstance(messages, list):
        return [message.model_dump_json() for message in messages]
    return messages and messages.model_dump_json()
