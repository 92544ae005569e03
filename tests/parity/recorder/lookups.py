"""Questions to a storage context, and LlamaIndex's answers to them."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from llama_index.core import (
    StorageContext,
    load_graph_from_storage,
    load_index_from_storage,
    load_indices_from_storage,
)
from llama_index.core.embeddings.mock_embed_model import MockMultiModalEmbedding
from llama_index.core.graph_stores.types import LabelledNode, Triplet
from llama_index.core.schema import BaseNode
from llama_index.core.storage.chat_store import SimpleChatStore

from recorder import contexts, encode

Case = dict[str, Any]

# Errors that depend on the Python or on limits of it, not on LlamaIndex.
LIMITS = RecursionError


class Asker:
    """Asks one directory, and keeps the answers."""

    def __init__(self, directory: Path) -> None:
        """Nothing is asked yet."""
        self.directory = directory
        self.cases: list[Case] = []

    def ask(self, call: str, do: Callable[..., Any], show: Callable[[Any], Any] = lambda it: it, **args: Any) -> Any:
        """Does one thing, writes down what came of it, and gives that back, or `None` if it raised."""
        case: Case = {"call": call} | ({"args": args} if args else {})
        try:
            value = do(**args)
            # Shown at once: later questions may change what was given.
            case["returns"] = json.loads(json.dumps(show(value)))
        except LIMITS:
            return None
        except Exception as error:
            kind, text = encode.raised(error)
            case["raises"] = [kind, text.replace(str(self.directory), "{dir}")]
            value = None
        self.cases.append(case)
        return value


def record(random: Random, directory: Path) -> list[Case]:
    """Asks everything that reads, of one directory."""
    asker = Asker(directory)
    context = asker.ask(
        "StorageContext.from_defaults",
        partial(opened, directory),
        lambda context: {
            "vector_stores": sorted(context.vector_stores),
            "property_graph_store": context.property_graph_store is not None,
        },
    )
    chat(asker, random)
    if context is not None:
        docstore(asker, random, context)
        index_store(asker, context)
        graph_store(asker, random, context)
        if context.property_graph_store is not None:
            property_graph(asker, random, context)
        loading(asker, random, context)
    return asker.cases


def opened(directory: Path) -> StorageContext:
    """Opens a persist dir as if its files were listed in order, so that every
    machine records the same: a vector store that cannot be loaded hides those
    that are listed after it."""
    listed = sorted(os.listdir(directory))
    with mock.patch.object(os, "listdir", lambda _: listed):
        return StorageContext.from_defaults(persist_dir=str(directory))


def docstore(asker: Asker, random: Random, context: StorageContext) -> None:
    """Documents, their hashes, and which documents they came from."""
    store = context.docstore
    known = list(asker.ask("docstore.docs", lambda: store.docs, list) or [])
    some = random.sample(known, min(4, len(known)))
    for doc_id in [*some, "no such id"]:
        asker.ask("docstore.get_document", store.get_document, shown_node, doc_id=doc_id)
        asker.ask("docstore.get_document_hash", store.get_document_hash, doc_id=doc_id)
        asker.ask("docstore.document_exists", store.document_exists, doc_id=doc_id)
    asker.ask("docstore.get_nodes", store.get_nodes, node_ids, node_ids=some[::-1])
    mixed = ["no such id", *some]
    asker.ask("docstore.get_nodes", store.get_nodes, node_ids, node_ids=mixed)
    asker.ask("docstore.get_all_document_hashes", store.get_all_document_hashes, lambda hashes: list(hashes.items()))
    asker.ask(
        "docstore.get_all_ref_doc_info",
        store.get_all_ref_doc_info,
        lambda infos: [[key, shown_info(info)] for key, info in infos.items()],
    )
    for ref_doc_id in ["doc-a", "doc-b", "no such id"]:
        args = {"ref_doc_id": ref_doc_id}
        asker.ask("docstore.get_ref_doc_info", store.get_ref_doc_info, shown_info, **args)
        asker.ask("docstore.ref_doc_exists", store.ref_doc_exists, **args)


def shown_node(node: BaseNode) -> Case:
    """What of a node any reader must see."""
    related = {
        key.value: [info.node_id for info in (infos if isinstance(infos, list) else [infos])]
        for key, infos in node.relationships.items()
    }
    return {
        "class": type(node).__name__,
        "id": node.node_id,
        "type": node.get_type(),
        "text": getattr(node, "text", None),
        "metadata": node.metadata,
        "relationships": related,
        "ref_doc_id": node.ref_doc_id,
    }


def node_ids(nodes: list[BaseNode]) -> list[str]:
    """The ids of nodes."""
    return [node.node_id for node in nodes]


def shown_info(info: Any) -> Case | None:
    """A `RefDocInfo`."""
    return None if info is None else {"node_ids": info.node_ids, "metadata": info.metadata}


def shown_struct(struct: Any) -> Case | None:
    """What an index struct is, and how much is in it."""
    if struct is None:
        return None
    return {"class": type(struct).__name__, "type": struct.get_type(), "id": struct.index_id, "summary": struct.summary}


def index_store(asker: Asker, context: StorageContext) -> None:
    """Index structs."""
    store = context.index_store
    structs = asker.ask(
        "index_store.index_structs", store.index_structs, lambda structs: [shown_struct(struct) for struct in structs]
    )
    ids = [struct.index_id for struct in structs or []][:2]
    for struct_id in [*ids, "no such id", None]:
        asker.ask(
            "index_store.get_index_struct",
            store.get_index_struct,
            shown_struct,
            struct_id=struct_id,
        )


def graph_store(asker: Asker, random: Random, context: StorageContext) -> None:
    """Relations of subjects, near and far."""
    store = context.graph_store
    for subj in random.sample(contexts.WORDS, 3):
        asker.ask("graph_store.get", store.get, subj=subj)
    for _ in range(4):
        subjs = random.choice([None, [], random.sample(contexts.WORDS, 2)])
        args = {"subjs": subjs, "depth": random.choice([0, 1, 2, 3]), "limit": random.choice([0, 1, 3, 30])}
        asker.ask("graph_store.get_rel_map", store.get_rel_map, lambda got: list(got.items()), **args)


def triplet(one: Triplet) -> list[str]:
    """The ids of its parts."""
    return [part.id for part in one]


def property_graph(asker: Asker, random: Random, context: StorageContext) -> None:
    """Nodes and triplets. Triplets are a set, so their order is Python's affair."""
    store = context.property_graph_store

    def shown(nodes: list[LabelledNode]) -> list[Any]:
        return [[type(node).__name__, node.id, node.label, node.properties] for node in nodes]

    def rel_map(graph_nodes: list[str], **args: Any) -> list[Triplet]:
        # Without a limit in reach: which ones it would cut is Python's affair, too.
        return store.get_rel_map([store.graph.nodes[id_] for id_ in graph_nodes], limit=10_000, **args)

    words = random.sample(contexts.WORDS, 3)
    for args in [{}, {"properties": {"size": 2}}, {"ids": words}, {"properties": {"kind": "place"}, "ids": words}]:
        asker.ask("property_graph_store.get", store.get, shown, **args)
    questions: list[dict[str, Any]] = [
        {},
        {"entity_names": words},
        {"relation_names": ["NEAR"]},
        {"properties": {"since": 1200}},
        {"ids": words[:1]},
        {"entity_names": words, "relation_names": ["PART_OF"]},
    ]
    for args in questions:
        asker.ask(
            "property_graph_store.get_triplets",
            store.get_triplets,
            lambda got: sorted(map(triplet, got)),
            **args,
        )
    every = sorted(store.graph.nodes)
    for ids in [every, every[:1]]:
        args = {"depth": random.choice([0, 1, 2, 3]), "ignore_rels": random.choice([None, ["NEAR"]])}
        asker.ask(
            "property_graph_store.get_rel_map", rel_map, lambda got: sorted(map(triplet, got)), graph_nodes=ids, **args
        )


def chat(asker: Asker, random: Random) -> None:
    """Messages; a missing file is an empty store."""
    path = str(asker.directory / contexts.CHAT)
    store = asker.ask(
        "SimpleChatStore.from_persist_path", lambda: SimpleChatStore.from_persist_path(path), lambda _: None
    )
    if store is None:
        return
    asker.ask("chat_store.get_keys", store.get_keys)
    for key in ["user-1", random.choice(["Jürgen", ""]), "no such key"]:
        asker.ask(
            "chat_store.get_messages",
            store.get_messages,
            lambda messages: [[message.role.value, message.content] for message in messages],
            key=key,
        )


def loading(asker: Asker, random: Random, context: StorageContext) -> None:
    """Indices: which class, which id."""

    def shown(index: Any) -> list[str]:
        return [type(index).__name__, index.index_id]

    def several(indices: Any) -> list[list[str]]:
        return [shown(index) for index in indices]

    ids = struct_ids(context)
    # What one kind of index cannot be made without.
    options = {"image_embed_model": MockMultiModalEmbedding(embed_dim=3)}
    for index_id in [None, *ids[:2], "no such id"]:
        asker.ask(
            "load_index_from_storage", partial(load_index_from_storage, context, **options), shown, index_id=index_id
        )
    for index_ids in [None, [], random.sample(ids, len(ids)), [*ids[:1], "no such id"]]:
        asker.ask(
            "load_indices_from_storage",
            partial(load_indices_from_storage, context, **options),
            several,
            index_ids=index_ids,
        )
    for root_id in [*ids[:1], "no such id"]:
        asker.ask(
            "load_graph_from_storage",
            partial(load_graph_from_storage, context, **options),
            lambda graph: {"root": shown(graph.root_index), "all_indices": list(graph.all_indices)},
            root_id=root_id,
        )


def struct_ids(context: StorageContext) -> list[str]:
    """The ids of index structs, also of those that cannot be loaded."""
    return list(context.index_store.to_dict().get("index_store/data", {}))
