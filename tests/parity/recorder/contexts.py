"""Random storage contexts: persist dirs with all kinds of stores, some damaged."""

import contextlib
import io
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from llama_index.core import (
    Document,
    DocumentSummaryIndex,
    MockEmbedding,
    Settings,
    SimpleKeywordTableIndex,
    StorageContext,
    SummaryIndex,
    TreeIndex,
    VectorStoreIndex,
)
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.data_structs import data_structs
from llama_index.core.data_structs.document_summary import IndexDocumentSummary
from llama_index.core.graph_stores import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import ChunkNode, EntityNode, Relation
from llama_index.core.indices.base import BaseIndex
from llama_index.core.llms import MockLLM
from llama_index.core.schema import BaseNode, ImageNode, IndexNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.vector_stores.simple import SimpleVectorStore

from recorder import material

CHAT = "chat_store.json"
WORDS = ["Berlin", "Köln", "river", "bridge", "stone", "old", "map", "🗼", "trade", "winter"]


def make(random: Random, directory: Path) -> None:
    """Writes one persist dir."""
    Settings.llm, Settings.embed_model = MockLLM(max_tokens=8), MockEmbedding(embed_dim=3)
    numbered = mock.patch.object(uuid, "uuid4", lambda: uuid.UUID(int=random.getrandbits(128), version=4))
    with numbered:
        context = StorageContext.from_defaults(
            property_graph_store=property_graph(random) if random.random() < 0.5 else None
        )
        if random.random() < 0.3:
            context.add_vector_store(SimpleVectorStore(), "second")
        nodes = documents(random)
        for build in random.choices(BUILDERS, k=random.choice([0, 1, 1, 2, 4])):
            index = build(random, random.sample(nodes, random.randint(0, len(nodes))), context)
            if random.random() < 0.4:
                index.set_index_id(random.choice(["main", "Übersicht", f"index-{random.randint(0, 99)}"]))
        for _ in range(random.choice([0, 0, 3])):
            context.index_store.add_index_struct(struct(random))
        graph(random, context)
        history(random, context, nodes)
        context.persist(directory)
        chat(random, directory)
    damage(random, directory)


def documents(random: Random) -> list[BaseNode]:
    """Nodes of all types, with relationships of all kinds."""
    nodes: list[BaseNode] = []
    ids = material.fresh_ids(random, random.randint(0, 6), material.ODD_IDS)
    for id_ in ids:
        text = " ".join(random.choices(WORDS, k=random.randint(0, 6)))
        metadata = material.metadata(random)
        match random.choice(["text", "text", "text", "image", "index", "document"]):
            case "image":
                node: BaseNode = ImageNode(id_=id_, text=text, image="aGk=", metadata=metadata)
            case "index":
                node = IndexNode(id_=id_, text=text, index_id="main", metadata=metadata)
            case "document":
                node = Document(id_=id_, text=text, metadata=metadata)
            case _:
                node = TextNode(id_=id_, text=text, metadata=metadata, start_char_idx=0, end_char_idx=len(text))
        info = [RelatedNodeInfo(node_id=other, metadata={"page": 1}) for other in ids[:3]]
        if random.random() < 0.7:
            node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=random.choice(["doc-a", "doc-b"]))
        if random.random() < 0.4:
            node.relationships[NodeRelationship.PREVIOUS] = info[0]
            node.relationships[NodeRelationship.CHILD] = info
        nodes.append(node)
    return nodes


Builder = Callable[[Random, list[BaseNode], StorageContext], BaseIndex[Any]]


def of_nodes(kind: type[BaseIndex[Any]]) -> Builder:
    """Builds such an index over nodes."""
    return lambda _, nodes, context: kind(nodes=nodes, storage_context=context)


def of_summaries(_: Random, nodes: list[BaseNode], context: StorageContext) -> BaseIndex[Any]:
    """This one wants nodes that have a document."""
    sourced = [node for node in nodes if node.ref_doc_id]
    # It prints what it does, whatever it is told.
    with contextlib.redirect_stdout(io.StringIO()):
        return DocumentSummaryIndex(nodes=sourced, storage_context=context)


BUILDERS: list[Builder] = [
    of_nodes(VectorStoreIndex),
    of_nodes(VectorStoreIndex),
    of_nodes(SummaryIndex),
    of_nodes(TreeIndex),
    of_nodes(SimpleKeywordTableIndex),
    of_summaries,
]


def struct(random: Random) -> data_structs.IndexStruct:
    """An index struct of any kind; some have no index class here."""
    kinds = [
        data_structs.IndexDict(nodes_dict={"0": "node-1"}),
        data_structs.IndexList(nodes=["node-1", "node-2"]),
        data_structs.IndexGraph(all_nodes={0: "node-1"}, root_nodes={0: "node-1"}),
        data_structs.KeywordTable(table={"river": {"node-1"}}),
        data_structs.KG(table={"Berlin": {"node-1"}}, embedding_dict={"('a', 'r', 'b')": [0.5, 1.0]}),
        data_structs.IndexLPG(),
        data_structs.EmptyIndexStruct(),
        data_structs.MultiModelIndexDict(),
        IndexDocumentSummary(summary_id_to_node_ids={"s": ["node-1"]}),
    ]
    made = random.choice(kinds)
    made.summary = random.choice([None, "what it is about"])
    return made


def graph(random: Random, context: StorageContext) -> None:
    """Triplets: cycles, repeated ones, ends that are no subjects."""
    names = random.sample(WORDS, random.randint(2, 6))
    for _ in range(random.choice([0, 3, 8, 20])):
        subject, other = random.choices(names, k=2)
        context.graph_store.upsert_triplet(subject, random.choice(["near", "part of", "über"]), other)


def property_graph(random: Random) -> SimplePropertyGraphStore:
    """Entities, chunks and relations."""
    store = SimplePropertyGraphStore()
    names = random.sample(WORDS, random.randint(2, 6))
    for name in names:
        if random.random() < 0.7:
            properties = {"size": random.randint(1, 3), "kind": random.choice(["place", "thing"])}
            store.upsert_nodes([EntityNode(name=name, label=random.choice(["entity", "PLACE"]), properties=properties)])
    if random.random() < 0.5:
        store.upsert_nodes([ChunkNode(text="old stone bridge", id_="chunk-1", properties={"size": 2})])
    for _ in range(random.choice([0, 2, 6])):
        one, other = random.choices(names, k=2)
        label = random.choice(["NEAR", "PART_OF"])
        properties = {"since": random.choice([1200, 1900])}
        store.upsert_relations([Relation(label=label, source_id=one, target_id=other, properties=properties)])
    return store


def history(random: Random, context: StorageContext, nodes: list[BaseNode]) -> None:
    """Changes of the document store that leave traces."""
    if nodes and random.random() < 0.5:
        context.docstore.add_documents(random.sample(nodes, random.randint(1, len(nodes))))
    if random.random() < 0.3:
        context.docstore.add_documents([Document(id_="doc-a", text="whole text")], store_text=random.random() < 0.5)
    if random.random() < 0.3:
        context.docstore.set_document_hash("doc-b", "another hash")
    if nodes and random.random() < 0.3:
        context.docstore.delete_document(random.choice(nodes).node_id, raise_error=False)
    if random.random() < 0.2:
        context.docstore.delete_ref_doc("doc-b", raise_error=False)


def chat(random: Random, directory: Path) -> None:
    """Messages of some users, in a file of their own."""
    if random.random() < 0.5:
        return
    store = SimpleChatStore()
    for key in random.sample(["user-1", "Jürgen", "", "nobody"], random.randint(0, 3)):
        roles = random.choices([MessageRole.USER, MessageRole.ASSISTANT], k=random.randint(0, 3))
        messages = [ChatMessage(role=role, content=" ".join(random.choices(WORDS, k=3))) for role in roles]
        store.set_messages(key, messages)
    store.persist(str(directory / CHAT))


def damage(random: Random, directory: Path) -> None:
    """What happens to directories: files get lost, cut, emptied, renamed, garbled."""
    if random.random() < 0.7:
        return
    file = random.choice(sorted(directory.iterdir()))
    text = file.read_bytes()
    match random.choice(["lost", "lost", "empty", "cut", "renamed", "no JSON", "unknown type"]):
        case "lost":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(text[: len(text) // 2])
        case "renamed":
            vectors = directory / "default__vector_store.json"
            vectors.rename(directory / random.choice(["vector_store.json", "other__vector_store.json"]))
        case "no JSON":
            file.write_bytes(b"\x80\x81 not JSON")
        case "unknown type":
            structs = directory / "index_store.json"
            structs.write_bytes(structs.read_bytes().replace(b'"__type__": "', b'"__type__": "simple_'))
