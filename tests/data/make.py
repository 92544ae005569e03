#!/usr/bin/env python3
"""Writes the persist dirs of this folder: one for each kind of store, dialect
of JSON and class of numbers, each as small as shows the point.

usage: make.py [OUT]          (default: the folder this script stands in)

Standard library only, and deterministic: running it again changes nothing.
README.md says what each dir is for; `every_file_comes_back.rs` fails on a dir
that it does not mention.
"""

import hashlib
import json
import random
import struct
import sys
import uuid
from pathlib import Path

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
VECTORS = "default__vector_store.json"
rng = random.Random(20240229)


# Numbers


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def shortest(x):
    """The float that the shortest decimal of the f32 nearest to x stands for."""
    x = f32(x)
    return next(s for s in (float(f"{x:.{n}g}") for n in range(1, 10)) if f32(s) == x)


CLASSES = {"exact": f32, "decimal": shortest, "f64": float}


def vector(dim, number_class):
    raw = [rng.gauss(0, 1) for _ in range(dim)]
    norm = sum(x * x for x in raw) ** 0.5
    return [CLASSES[number_class](x / norm) for x in raw]


# Stores


def new_id():
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def metadata(page, ref):
    return {
        "file_name": "Über uns.pdf",
        "page_label": str(page),
        "score": 0.5,
        "tags": ["a", None, {"b": True}],
        "_node_type": "TextNode",
        "document_id": ref,
        "doc_id": ref,
        "ref_doc_id": ref,
    }


def vector_store(rows=5, dim=6, number_class="exact", ids=None):
    ids = ids or [new_id() for _ in range(rows)]
    ref = new_id()
    return {
        "embedding_dict": {i: vector(dim, number_class) for i in ids},
        "text_id_to_ref_doc_id": {i: ref for i in ids},
        "metadata_dict": {i: metadata(n, ref) for n, i in enumerate(ids)},
    }


def document_store(ids):
    ref, text = new_id(), "Grüße aus 東京 🗼: chunk %d."
    data, meta = {}, {}
    for n, i in enumerate(ids):
        digest = hashlib.sha256((text % n).encode()).hexdigest()
        source = {"node_id": ref, "node_type": "4", "metadata": {}, "hash": digest, "class_name": "RelatedNodeInfo"}
        node = {
            "id_": i,
            "embedding": None,
            "metadata": {"page": n},
            "excluded_embed_metadata_keys": [],
            "excluded_llm_metadata_keys": [],
            "relationships": {"1": source},
            "text": text % n,
            "start_char_idx": 0,
            "end_char_idx": len(text % n),
            "class_name": "TextNode",
        }
        data[i] = {"__data__": node, "__type__": "1"}
        meta[i] = {"doc_hash": digest, "ref_doc_id": ref}
    return {"docstore/metadata": meta, "docstore/data": data, "docstore/ref_doc_info": {ref: {"node_ids": ids, "metadata": {}}}}


def index_store(ids):
    struct_ = {"index_id": "index-1", "summary": None, "nodes_dict": {i: i for i in ids}, "doc_id_dict": {}, "embeddings_dict": {}}
    return {"index_store/data": {"index-1": {"__type__": "vector_store", "__data__": json.dumps(struct_)}}}


# Writers


def pydantic(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def stringify(value):
    """JSON.stringify: as pydantic, but floats as JavaScript prints them."""
    if isinstance(value, float):
        text = repr(value)
        mantissa, _, exponent = text.partition("e")
        if value == int(value) and abs(value) < 1e21:
            return str(int(value))
        if 1e-6 <= abs(value) < 1e-4:
            digits = mantissa.lstrip("-").replace(".", "")
            return ("-" if value < 0 else "") + "0." + "0" * (-int(exponent) - 1) + digits
        if exponent:
            sign, digits = exponent[0], exponent[1:].lstrip("0")
            return mantissa + "e" + sign + digits
        return text
    if isinstance(value, list):
        return "[" + ",".join(map(stringify, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(pydantic(k) + ":" + stringify(v) for k, v in value.items()) + "}"
    return pydantic(value)


def write(name, **files):
    """Values are written as Python's json.dumps does, text and bytes as they are."""
    folder = OUT / name
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        (folder / file).write_bytes(content)


def vectors(name, content):
    write(name, **{VECTORS: content})


# Dialects

ids = [new_id() for _ in range(3)]
write(
    "python_default",
    **{
        VECTORS: vector_store(ids=ids),
        "image__vector_store.json": {"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}},
        "docstore.json": document_store(ids),
        "index_store.json": index_store(ids),
        "graph_store.json": {"graph_dict": {}},
    },
)

ids = ["übung", "日本語", new_id()]
store = vector_store(ids=ids)
vectors("compact_utf8", pydantic(store))

ids = [new_id() for _ in range(4)]
store = vector_store(ids=ids, number_class="decimal")
first, second = list(store["embedding_dict"].values())[:2]
first[:4] = [shortest(x) for x in (1e-5, -3.25e-7, 2.5e-9, 1.0)]
second[:2] = [-2.0, shortest(0.0000012345)]
names = {"embedding_dict": "embeddingDict", "text_id_to_ref_doc_id": "textIdToRefDocId", "metadata_dict": "metadataDict"}
camel = {names[key]: value for key, value in store.items()}
nodes = document_store(ids)
write(
    "typescript",
    **{
        "vector_store.json": stringify({k: v for k, v in camel.items() if k != "metadataDict"}),
        "doc_store.json": stringify({"docstore/metadata": nodes["docstore/metadata"], "docstore/data": {i: {"__data__": pydantic(d["__data__"]), "__type__": "TEXT"} for i, d in nodes["docstore/data"].items()}}),
        "index_store.json": stringify({"docstore/data": {"i": {"indexId": "i", "nodesDict": {x: {"id_": x} for x in ids}, "type": "simple_dict"}}}),
        "metadata__vector_store.json": stringify(camel),
    },
)

store = vector_store(rows=3, dim=4)
ids = list(store["embedding_dict"])
write("indent_2", **{VECTORS: json.dumps(store, indent=2), "docstore.json": json.dumps(document_store(ids), indent=2, ensure_ascii=False) + "\n"})
vectors("indent_4_crlf", json.dumps(store, indent=4).replace("\n", "\r\n"))
vectors("indent_tab", json.dumps(store, indent="\t"))
vectors("byte_order_mark", b"\xef\xbb\xbf" + json.dumps(store).encode())
vectors("trailing_newline", json.dumps(store, sort_keys=True) + "\n")
vectors("white_space_everywhere", json.dumps(store).replace(": ", " :\t").replace(", ", " ,\n ") + " \r\n\t")
vectors("white_space_varies", json.dumps(store).replace('"metadata_dict": ', '"metadata_dict":   ').replace("}}", "} }"))

# Numbers

vectors("numbers_exact", vector_store())
vectors("numbers_decimal", vector_store(number_class="decimal"))
vectors("numbers_delta", vector_store(number_class="f64"))

store = vector_store(rows=4, dim=32, number_class="decimal")
for row, column in [(0, 3), (2, 17), (3, 31)]:
    values = list(store["embedding_dict"].values())[row]
    values[column] = float("%.10g" % (values[column] * (1 + 3e-9)))
vectors("numbers_decimal_with_exceptions", store)

store = vector_store(rows=6)
for key, number_class in zip(store["embedding_dict"], ["exact", "decimal", "f64"] * 2):
    store["embedding_dict"][key] = vector(6, number_class)
vectors("numbers_mixed_rows", store)

store = vector_store()
rows = list(store["embedding_dict"].values())
rows[0][2], rows[1][0], rows[3][5] = 0, 1, -(2**70)
vectors("numbers_integers_among_floats", store)

store = vector_store()
rows = list(store["embedding_dict"].values())
rows[0][1], rows[1][2], rows[4][0] = float("nan"), float("inf"), float("-inf")
vectors("numbers_nan_infinity", store)

store = vector_store(rows=3, dim=14)
store["embedding_dict"][list(store["embedding_dict"])[1]] = [
    0.0, -0.0, 5e-324, 1e-45, 1e-40, 1.17549435e-38, 3.4028234663852886e38,
    1e39, 1.7976931348623157e308, -1e-310, 1e16, 1e-5, 0.0001, 123456789012345680.0,
]  # fmt: skip
vectors("numbers_extreme", store)

text = json.dumps(vector_store(rows=2, dim=4))
text = text.replace("]", ", 1.0e+2, 1E2, 100.0, 0.10, -0, 1e400]", 2)
vectors("numbers_spelled_otherwise", text)

store = vector_store(rows=20, dim=5)
store["embedding_dict"] = {i: [rng.randint(-9, 9) for _ in range(5)] for i in store["embedding_dict"]}
del store["metadata_dict"]
vectors("numbers_all_integers", store)

# Maps

store = vector_store()
vectors("maps_metadata_first", dict(reversed(store.items())))

store = vector_store()
items = list(store["metadata_dict"].items())
items[3] = (items[3][0], dict(reversed(items[3][1].items())))
items[2] = (items[2][0], {})
store["metadata_dict"] = dict(reversed(items[1:]))
store["text_id_to_ref_doc_id"] = dict(sorted(store["text_id_to_ref_doc_id"].items())[:3])
vectors("maps_partial_and_reordered", store)

store = vector_store()
store["metadata_dict"]["only-metadata"] = {"a": 1}
store["text_id_to_ref_doc_id"]["only-ref"] = "None"
vectors("maps_rows_without_vector", store)

store = vector_store()
del store["metadata_dict"]
vectors("maps_missing", store)

store = vector_store()
store["metadata_dict"], store["extra"] = None, {"kept": [True, 1e400, "é"]}
vectors("maps_null_and_unknown", store)

vectors("maps_empty", {"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}})
write("maps_none", **{VECTORS: {}, "docstore.json": {}, "index_store.json": {}, "graph_store.json": {"graph_dict": {}}})

store = vector_store()
vectors("maps_old_names", {"embedding_dict": store["embedding_dict"], "text_id_to_doc_id": store["text_id_to_ref_doc_id"]})

a, b = new_id(), new_id()
maps = '"text_id_to_ref_doc_id": {"%s": "r", "%s": "r"}, "metadata_dict": {"%s": {"x": 1, "y": 2, "x": 3}, "%s": {}}' % (a, b, a, b)
vectors("repeated_key_in_metadata", '{"embedding_dict": {"%s": [1.0, 2.0], "%s": [3.0, 4.0]}, %s}' % (a, b, maps))
vectors("repeated_id", '{"embedding_dict": {"%s": [1.0, 2.0], "%s": [3.0, 4.0], "%s": [5.0, 6.0]}, %s}' % (a, b, a, maps))
vectors("repeated_map", '{"embedding_dict": {"%s": [1.0, 2.0]}, "embedding_dict": {"%s": [3.0, 4.0]}, %s}' % (a, b, maps))

store = vector_store()
rows = store["embedding_dict"]
rows[list(rows)[2]] = vector(3, "exact")
vectors("ragged", store)
store = vector_store()
store["embedding_dict"][list(store["embedding_dict"])[2]] = []
vectors("empty_vector", store)
store = vector_store()
store["embedding_dict"][list(store["embedding_dict"])[2]] = None
vectors("null_vector", store)
vectors("top_level_array", [vector_store(rows=1)])

# Strings

store = vector_store(ids=["é/1", "/", "A"])
text = json.dumps(store)
text = text.replace('"\\u00e9/1"', '"\\u00E9\\/1"', 2).replace('"A"', '"\\u0041"', 1)
text = text.replace('"/": "', '"/": "\\u002f', 1).replace('"\\u00dcber uns.pdf"', '"\\u00DCber\\u0020uns.pdf"', 1)
vectors("odd_escapes", text)

store = vector_store(ids=["\ud83d", "x\udc00y", "\U0001f600"])
store["metadata_dict"]["\ud83d"]["file_name"] = "\udfff alone"
write("lone_surrogates", **{VECTORS: store, "docstore.json": {"docstore/data": {"\ud800": {"__data__": {"text": "\udfff\ud83d"}, "__type__": "1"}}}})

strange = ["", " ", "a/b\\c", "é", "e\u0301", "nul\x00", '"quoted"', "\x7f\u2028", "None"]
strange += ["A0000000-0000-4000-8000-00000000000F", "a0000000-0000-4000-8000-00000000000f", "a00000000000400080000000000000ff"]
store = vector_store(ids=strange, dim=3)
store["embedding_dict"]["x" * 70000] = vector(3, "exact")
vectors("strange_ids", store)

# Kinds

ids = [new_id() for _ in range(2)]
node = {"label": "text_chunk", "embedding": vector(20, "decimal"), "properties": {"k": 1, "s": "é"}, "id_": ids[0], "text": "straße"}
entity = {"label": "entity", "embedding": None, "properties": {}, "name": "東京"}
edge = {"label": "MENTIONS", "source_id": ids[0], "target_id": "東京", "properties": {}}
graph = {"nodes": {ids[0]: node, "東京": entity}, "relations": {ids[0] + "_MENTIONS": edge}, "triplets": [[ids[0], "MENTIONS", "東京"]]}
write("property_graph", **{"property_graph_store.json": pydantic(graph)})

write("knowledge_graph", **{"graph_store.json": {"graph_dict": {"Köln": [["liegt am", "Rhein"], ["hat", "Dom"]], "Rhein": []}}})

message = {"role": "user", "content": "Köln 🗼", "additional_kwargs": {"tool_calls": [{"id": 1}], "x": None}}
chat = {"store": {"user-1": [message], "user-2": []}, "class_name": "SimpleChatStore"}
write("chat_store_python", **{"chat_store.json": chat})
write("chat_store_pydantic", **{"chat_store.json": pydantic(chat)})
write("chat_store_in_a_string", **{"chat_store.json": json.dumps(json.dumps(chat))})

nodes = [d for d in document_store([new_id()])["docstore/data"].values()]
write("ingestion_cache", **{"llama_cache": {"llama_cache": {hashlib.sha256(b"key").hexdigest(): {"nodes": nodes}}}})

# No JSON, or nobody's

write("not_json", **{VECTORS: bytes(rng.randrange(256) for _ in range(700)), "docstore.json": "null", "graph_store.json": "[1, 2"})
vectors("cut", json.dumps(vector_store())[:-300])
write("empty_file", **{VECTORS: b"", "docstore.json": b"", "chat_store.json": b""})
vectors("utf_16", b"\xff\xfe" + json.dumps(vector_store(rows=1)).encode("utf-16-le"))
pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 123456\n"
vectors("lfs_pointer", pointer % hashlib.sha256(b"lfs").hexdigest())
write(
    "foreign_files",
    **{
        VECTORS: vector_store(rows=2, dim=4),
        "notes.txt": "mine",
        "model.bin": bytes(range(256)),
        "my_vector_store.json": {},
        "package.json": {"name": "app"},
        "index.json": {"index_struct_id": "1", "docstore": {"docs": {}}, "vector_store": {"simple_vector_store_data_dict": {}}},
    },
)
