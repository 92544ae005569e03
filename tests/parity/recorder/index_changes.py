"""Random changes of index structs.

LlamaIndex changes a struct in memory and puts it into the store whole
(`add_index_struct`). A recorded change of a struct is both together.
"""

import json
from random import Random
from typing import Any

from llama_index.core.data_structs import data_structs
from llama_index.core.data_structs.document_summary import IndexDocumentSummary
from llama_index.core.data_structs.table import PandasStructTable, SQLStructTable
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.index_store import SimpleIndexStore
from llama_index.core.storage.index_store.utils import index_struct_to_json, json_to_index_struct

from recorder import encode

Args = dict[str, Any]

NODES = ["n-1", "n-2", "n-3", "n-4", "Köln 🗼", "n\\6"]
KEYWORDS = ["river", "bridge", "über"]
DOCUMENTS = ["doc-a", "doc-b"]
TRIPLETS = ["('a', 'near', 'b')", "('b', 'über', 'c')"]


def struct(random: Random, kind: str) -> data_structs.IndexStruct:
    """A struct of that kind, under the one id that the kind has."""
    nodes = random.sample(NODES, random.randint(0, 3))
    common: Args = {"index_id": kind, "summary": random.choice([None, None, "what it is about"])}
    match kind:
        case "IndexDict" | "MultiModelIndexDict":
            return getattr(data_structs, kind)(**common, nodes_dict={id_: id_ for id_ in nodes})
        case "IndexList":
            return data_structs.IndexList(**common, nodes=nodes)
        case "IndexGraph":
            numbered = dict(enumerate(nodes))
            children = {id_: [] for id_ in nodes}
            return data_structs.IndexGraph(
                **common, all_nodes=numbered, root_nodes=dict(numbered), node_id_to_children_ids=children
            )
        case "KeywordTable":
            return data_structs.KeywordTable(**common, table={"river": set(nodes)} if nodes else {})
        case "KG":
            table = {"river": set(nodes)} if nodes else {}
            return data_structs.KG(**common, table=table, rel_map={"a": [["near", "b"]]})
        case "IndexDocumentSummary":
            return IndexDocumentSummary(
                **common,
                summary_id_to_node_ids={"s-0": nodes},
                node_id_to_summary_id=dict.fromkeys(nodes, "s-0"),
                doc_id_to_summary_id={"doc-a": "s-0"},
            )
        case "SQLStructTable":
            return SQLStructTable(**common, context_dict={"towns": "name, river"})
        case "PandasStructTable":
            return PandasStructTable(**common)
    return getattr(data_structs, kind)(**common)


KINDS = [
    "IndexDict",
    "IndexDict",
    "KeywordTable",
    "KeywordTable",
    "IndexList",
    "IndexGraph",
    "KG",
    "IndexDocumentSummary",
    "MultiModelIndexDict",
    "IndexLPG",
    "EmptyIndexStruct",
    "SQLStructTable",
    "PandasStructTable",
]


def add(random: Random, stores: Any) -> Args:
    """A struct handed over whole: a new one, or what is there with one change."""
    known = stores.context.index_store._kvstore.to_dict().get("index_store/data", {})
    there = [id_ for id_ in known if id_ in CHANGES]
    if there and random.random() < 0.5:
        id_ = random.choice(there)
        made = json_to_index_struct(known[id_])
        name = random.choice(CHANGES[id_])
        try:
            change(made, name, arguments(random, name))
        except (KeyError, ValueError):
            made.summary = "something went wrong"
    else:
        made = struct(random, random.choice(KINDS))
    return {"struct": json.dumps(index_struct_to_json(made))}


def edit(random: Random, stores: Any) -> Args:
    """A call of a struct's own method."""
    known = stores.context.index_store._kvstore.to_dict().get("index_store/data", {})
    there = [id_ for id_ in known if id_ in CHANGES]
    kind = random.choice(there or list(CHANGES))
    name = random.choice(CHANGES[kind])
    return {"index_id": kind, "method": name, "args": arguments(random, name)}


CHANGES = {
    "IndexDict": ["IndexDict.add_node", "IndexDict.add_node", "IndexDict.delete", "set_summary"],
    "MultiModelIndexDict": ["IndexDict.add_node"],
    "IndexList": ["IndexList.add_node"],
    "KeywordTable": ["KeywordTable.add_node"],
    "KG": ["KG.add_node", "KG.add_to_embedding_dict"],
    "IndexGraph": ["IndexGraph.insert", "IndexGraph.insert_under_parent"],
    "IndexDocumentSummary": [
        "IndexDocumentSummary.add_summary_and_nodes",
        "IndexDocumentSummary.delete",
        "IndexDocumentSummary.delete_nodes",
    ],
}


def arguments(random: Random, name: str) -> Args:
    """Nodes are given by their ids."""
    id_ = random.choice(NODES)
    match name:
        case "IndexDict.add_node":
            return {"node_id": id_, "text_id": random.choice([None, None, "v-1"])}
        case "IndexDict.delete":
            return {"doc_id": id_}
        case "IndexList.add_node":
            return {"node_id": id_}
        case "KeywordTable.add_node" | "KG.add_node":
            return {"keywords": random.sample(KEYWORDS, random.randint(1, 3)), "node_id": id_}
        case "KG.add_to_embedding_dict":
            embedding = [random.choice([0.5, 1.0, 1e-07]) for _ in "xyz"]
            return {"triplet_str": random.choice(TRIPLETS), "embedding": encode.numbers(embedding)}
        case "IndexGraph.insert":
            children = random.choice([None, random.sample(NODES, 2)])
            return {"node_id": id_, "index": random.choice([None, None, 0, 1, 12]), "children_ids": children}
        case "IndexGraph.insert_under_parent":
            return {"node_id": id_, "parent_id": random.choice([None, random.choice(NODES)]), "new_index": None}
        case "IndexDocumentSummary.add_summary_and_nodes":
            nodes = random.sample(NODES, random.randint(0, 2))
            document = random.choice([*DOCUMENTS, None])
            return {"summary_id": random.choice(["s-1", "s-2"]), "ref_doc_id": document, "node_ids": nodes}
        case "IndexDocumentSummary.delete":
            return {"doc_id": random.choice(DOCUMENTS)}
        case "IndexDocumentSummary.delete_nodes":
            return {"node_ids": random.sample(NODES, random.randint(1, 2))}
    return {"summary": random.choice([None, "ein Fluß"])}


def change(made: Any, name: str, args: Args) -> None:
    """Calls the method of the struct."""

    def node(id_: str | None) -> TextNode | None:
        return None if id_ is None else TextNode(id_=id_)

    given = args.get("node_id")
    match name:
        case "IndexDict.add_node":
            made.add_node(node(given), args["text_id"])
        case "IndexList.add_node":
            made.add_node(node(given))
        case "KeywordTable.add_node" | "KG.add_node":
            made.add_node(args["keywords"], node(given))
        case "IndexGraph.insert":
            children = args["children_ids"] and [node(id_) for id_ in args["children_ids"]]
            made.insert(node(given), args["index"], children)
        case "IndexGraph.insert_under_parent":
            made.insert_under_parent(node(given), node(args["parent_id"]), args["new_index"])
        case "IndexDocumentSummary.add_summary_and_nodes":
            summary = TextNode(id_=args["summary_id"])
            if args["ref_doc_id"] is not None:
                summary.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=args["ref_doc_id"])
            made.add_summary_and_nodes(summary, [node(id_) for id_ in args["node_ids"]])
        case "KG.add_to_embedding_dict":
            embedding = [float(number) for number in args["embedding"].split()]
            made.add_to_embedding_dict(args["triplet_str"], embedding)
        case "set_summary":
            made.summary = args["summary"]
        case _:
            getattr(made, name.split(".")[1])(**args)


MAKERS = [
    (4, "add_index_struct", add),
    (9, "edit", edit),
    (1, "delete_index_struct", lambda r, _: {"key": r.choice(KINDS)}),
    (1, "index_structs", lambda r, _: {}),
]


def apply(store: SimpleIndexStore, name: str, args: Args) -> Any:
    """Does it; an edit of a struct that is not there does nothing."""
    match name:
        case "add_index_struct":
            store.add_index_struct(json_to_index_struct(json.loads(args["struct"])))
        case "edit":
            made = store.get_index_struct(args["index_id"])
            if made is None:
                return False
            change(made, args["method"], args["args"])
            store.add_index_struct(made)
            return True
        case "delete_index_struct":
            store.delete_index_struct(args["key"])
        case "index_structs":
            store.index_structs()
    return None
