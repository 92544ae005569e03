"""Persist directories for tests without LlamaIndex."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "examples" / "storage"
VECTORS = "default__vector_store.json"
# A document of it.
A_DOCUMENT = "f5057fee-4c3e-4459-82dd-21250b729601"


def example(directory: Path) -> Path:
    """The example that LlamaIndex wrote: 108 vectors, their nodes, two indices, a graph."""
    directory.mkdir()
    for file in EXAMPLE.glob("*.json"):
        shutil.copy(file, directory)
    return directory


def json_of(directory: Path, file: str) -> Any:
    return json.loads((directory / file).read_text())


def vector_store(directory: Path, vectors: dict[str, list[Any]], metadata: dict[str, Any] | None = None) -> Path:
    """A directory with a vector store and the other files that belong to it."""
    directory.mkdir()
    store = {
        "embedding_dict": vectors,
        "text_id_to_ref_doc_id": dict.fromkeys(vectors, "None"),
        "metadata_dict": metadata or {},
    }
    (directory / VECTORS).write_text(json.dumps(store))
    (directory / "docstore.json").write_text("{}")
    (directory / "index_store.json").write_text("{}")
    return directory


def documents(directory: Path) -> Path:
    """A directory of ten documents, of so many vectors that persisting leaves deleted ones in their segment."""
    seeded = random.Random(6)
    owners = {f"doc {n}": [f"node {n}-{m}" for m in range(60)] for n in range(10)}
    owner_of = {node: doc for doc, nodes in owners.items() for node in nodes}
    vectors = {node: [seeded.randrange(1 << 24) / (1 << 24) for _ in range(256)] for node in owner_of}
    vector_store(directory, vectors)
    store = json_of(directory, VECTORS) | {"text_id_to_ref_doc_id": owner_of}
    (directory / VECTORS).write_text(json.dumps(store))
    docstore = {
        "docstore/metadata": {node: {"doc_hash": "0" * 64, "ref_doc_id": doc} for node, doc in owner_of.items()},
        "docstore/data": {node: {"__data__": {"id_": node, "text": node}, "__type__": "1"} for node in owner_of},
        "docstore/ref_doc_info": {doc: {"node_ids": nodes, "metadata": {}} for doc, nodes in owners.items()},
    }
    (directory / "docstore.json").write_text(json.dumps(docstore))
    struct = {"index_id": "index", "summary": None, "nodes_dict": dict(zip(vectors, vectors, strict=True))}
    index_store = {"index_store/data": {"index": {"__type__": "vector_store", "__data__": json.dumps(struct)}}}
    (directory / "index_store.json").write_text(json.dumps(index_store))
    return directory


def large(directory: Path) -> Path:
    """A directory that takes a while to pack."""
    seeded = random.Random(6)
    vectors = {f"id {n}": [seeded.random() for _ in range(512)] for n in range(4000)}
    return vector_store(directory, vectors)


def larger(directory: Path) -> Path:
    """One that takes so long that something can happen meanwhile, however fast the machine is."""
    large(directory)
    for n in range(4):
        os.link(directory / VECTORS, directory / f"copy{n}__vector_store.json")
    return directory


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the command of the package in a process of its own."""
    words = [sys.executable, "-m", "twinstore", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def segment_of(directory: Path, name: str) -> Path:
    """The largest binary file whose name begins so: of the example, the vectors or the documents."""
    return max((directory / "twin").glob(f"{name}-*"), key=lambda path: path.stat().st_size)


def flip(path: Path, offset: int) -> None:
    """Damages a byte, as a disk does."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
