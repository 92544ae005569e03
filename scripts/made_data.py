"""Persist dirs of any size, made by a seed and laid out as LlamaIndex lays them out.

Next to the JSON stands what other engines are built from: `vectors.npy`, `ids.json`, and
`queries.f32` with the ids of their `truth.json`, and `documents.json`, ids of any rows.
Nothing holds more than a chunk of rows.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

SEED = 7
QUERIES = 20
# Documents that are asked for.
DOCUMENTS = 200
TOP_K = 10
# Nodes of a document, and rows that are made at a time.
NODES = 12
CHUNK = 4096
# Short decimals are multiples of this.
STEP = 100_000
EXCLUDED = ["file_name", "file_size"]


class Embeddings:
    """Unit vectors around topics; rows come in chunks, and again the same."""

    def __init__(self, rows: int, dim: int, like: str, numbers: str) -> None:
        self.rows, self.dim, self.numbers = rows, dim, numbers
        random = np.random.default_rng(SEED + dim)
        # Components differ in how much they vary, as those of trained models do.
        self.width = 1 / np.sqrt(1 + random.permutation(dim) / 24)
        self.topics = random.standard_normal((256, dim)) * self.width
        self.mean = random.standard_normal(dim) * self.width * 0.35
        if like == "ada-002":
            # Its vectors share a mean that makes any two similar by 0.7, and of which two
            # components stand far out.
            spread = np.sqrt((self.width**2).sum())
            self.mean *= 1.6 * spread / np.linalg.norm(self.mean)
            self.mean[194 % dim], self.mean[954 % dim] = -1.4 * spread, 0.5 * spread

    def chunk(self, number: int) -> np.ndarray:
        """The rows from `number * CHUNK` on, as float32."""
        random = np.random.default_rng([SEED, self.dim, number])
        count = min(CHUNK, self.rows - number * CHUNK)
        documents = random.standard_normal((count // NODES + 1, self.dim)) * 0.6
        documents = self.topics[random.integers(len(self.topics), size=len(documents))] + documents * self.width
        rows = np.repeat(documents, NODES, axis=0)[:count]
        rows = self.mean + rows + random.standard_normal((count, self.dim)) * self.width * 0.8
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        if self.numbers == "short":
            rows = np.round(rows * STEP) / STEP
        return rows.astype(np.float32)

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(-(-self.rows // CHUNK)):
            yield self.chunk(number)

    def texts(self) -> Iterator[str]:
        """Each row as JSON."""
        if self.numbers == "short":
            # A table is faster than printing.
            table = np.array([repr(n / STEP) for n in range(-STEP, STEP + 1)], dtype=object)
            for chunk in self:
                for row in np.rint(chunk.astype(np.float64) * STEP).astype(np.int64) + STEP:
                    yield "[" + ", ".join(table[row].tolist()) + "]"
        elif self.numbers == "decimal":
            for chunk in self:
                for row in chunk:
                    yield json.dumps([float(digits) for digits in row.astype(str)])
        else:
            for chunk in self:
                for row in chunk:
                    yield json.dumps(row.tolist())


class Words:
    """Texts of words as frequent and as long as those of English."""

    def __init__(self, length: int) -> None:
        random = np.random.default_rng(SEED)
        frequent = "the of and to in a is that for it as was with be by on not he his but at are this have from or had"
        letters = np.array(list("etaoinshrdlucmfwypvbgk"))
        weights = 1 / np.arange(2, len(letters) + 2)
        rare = ("".join(random.choice(letters, size=n, p=weights / weights.sum()))
                for n in random.integers(3, 11, size=20_000))  # fmt: skip
        self.words = np.array(frequent.split() + list(rare), dtype=object)
        weights = 1 / (np.arange(len(self.words)) + 2.7)
        self.steps = np.cumsum(weights / weights.sum())
        self.count = max(8, length // 6)

    def text(self, row: int) -> str:
        random = np.random.default_rng([SEED, row])
        words = self.words[np.searchsorted(self.steps, random.random(self.count)).clip(max=len(self.words) - 1)]
        sentences = np.array_split(words, max(1, self.count // 14))
        return " ".join(" ".join(sentence).capitalize() + "." for sentence in sentences)


def make(path: Path, rows: int, dim: int, *, like: str, numbers: str, text: int) -> None:
    """Makes `path`, unless it is there."""
    if (path / "documents.json").exists():
        return
    storage = path / "storage"
    storage.mkdir(parents=True, exist_ok=True)
    random = Random(SEED)
    ids = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(rows)]
    documents = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(-(-rows // NODES))]
    embeddings = Embeddings(rows, dim, like, numbers)
    write_vectors(storage, ids, documents, embeddings)
    write_docstore(storage, ids, documents, Words(text))
    struct = {"index_id": "vector", "summary": None, "nodes_dict": dict(zip(ids, ids, strict=True))}
    struct.update(doc_id_dict={}, embeddings_dict={})
    record = {"__type__": "vector_store", "__data__": json.dumps(struct)}
    (storage / "index_store.json").write_text(json.dumps({"index_store/data": {"vector": record}}))
    (storage / "graph_store.json").write_text(json.dumps({"graph_dict": {}}))
    (path / "ids.json").write_text(json.dumps(ids))
    write_queries(path, ids, embeddings)
    # Last: that it is there says that all is.
    (path / "documents.json").write_text(json.dumps(Random(SEED + 2).sample(ids, min(DOCUMENTS, rows))))


def metadata(row: int) -> dict:
    return {"page_label": str(row % NODES + 1), "file_name": f"report-{row // NODES:06}.pdf", "file_size": 9_000 + row}


def write_map(file, name: str, ids: list[str], values: Iterator[str]) -> None:
    file.write(f"{json.dumps(name)}: {{")
    for n, (key, value) in enumerate(zip(ids, values, strict=True)):
        file.write(f"{', ' if n else ''}{json.dumps(key)}: {value}")
    file.write("}")


def write_vectors(storage: Path, ids: list[str], documents: list[str], embeddings: Embeddings) -> None:
    def extra(row: int) -> dict:
        document = documents[row // NODES]
        of = {"_node_type": "TextNode", "document_id": document, "doc_id": document, "ref_doc_id": document}
        return metadata(row) | of

    rows = range(len(ids))
    with (storage / "default__vector_store.json").open("w", encoding="utf-8", buffering=1 << 20) as file:
        file.write("{")
        write_map(file, "embedding_dict", ids, embeddings.texts())
        file.write(", ")
        write_map(file, "text_id_to_ref_doc_id", ids, (json.dumps(documents[row // NODES]) for row in rows))
        file.write(", ")
        write_map(file, "metadata_dict", ids, (json.dumps(extra(row)) for row in rows))
        file.write("}")


def write_docstore(storage: Path, ids: list[str], documents: list[str], words: Words) -> None:
    def node(row: int) -> dict:
        text = words.text(row)
        source = {"node_id": documents[row // NODES], "node_type": "4", "metadata": metadata(row)}
        data = {
            "id_": ids[row],
            "embedding": None,
            "metadata": metadata(row),
            "excluded_embed_metadata_keys": EXCLUDED,
            "excluded_llm_metadata_keys": EXCLUDED,
            "relationships": {"1": {**source, "hash": digest(row // NODES), "class_name": "RelatedNodeInfo"}},
            "metadata_template": "{key}: {value}",
            "metadata_separator": "\n",
            "text": text,
            "mimetype": "text/plain",
            "start_char_idx": 0,
            "end_char_idx": len(text),
            "text_template": "{metadata_str}\n\n{content}",
            "class_name": "TextNode",
        }
        return {"__data__": data, "__type__": "1"}

    def digest(number: int) -> str:
        return hashlib.sha256(str(number).encode()).hexdigest()

    def known(row: int) -> dict:
        return {"doc_hash": digest(row), "ref_doc_id": documents[row // NODES]}

    def info(number: int) -> dict:
        return {"node_ids": ids[number * NODES : (number + 1) * NODES], "metadata": metadata(number * NODES)}

    rows = range(len(ids))
    with (storage / "docstore.json").open("w", encoding="utf-8", buffering=1 << 20) as file:
        file.write("{")
        write_map(file, "docstore/metadata", ids, (json.dumps(known(row)) for row in rows))
        file.write(", ")
        write_map(file, "docstore/data", ids, (json.dumps(node(row)) for row in rows))
        file.write(", ")
        write_map(file, "docstore/ref_doc_info", documents, (json.dumps(info(n)) for n in range(len(documents))))
        file.write("}")


def write_queries(path: Path, ids: list[str], embeddings: Embeddings) -> None:
    """Queries near to rows, and the ids of what is nearest to them by their cosine in float64."""
    random = np.random.default_rng(SEED + 1)
    rows = random.integers(embeddings.rows, size=QUERIES)
    queries = np.stack([embeddings.chunk(row // CHUNK)[row % CHUNK] for row in rows]).astype(np.float64)
    queries += random.standard_normal(queries.shape) * embeddings.width * np.linalg.norm(queries, axis=1).mean() / 40
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    scores = []
    matrix = np.lib.format.open_memmap(
        path / "vectors.npy", mode="w+", dtype=np.float32, shape=(embeddings.rows, embeddings.dim)
    )
    start = 0
    for chunk in embeddings:
        matrix[start : start + len(chunk)] = chunk
        start += len(chunk)
        wide = chunk.astype(np.float64)
        scores.append(queries.astype(np.float64) @ wide.T / np.linalg.norm(wide, axis=1))
    matrix.flush()
    best = np.argsort(-np.concatenate(scores, axis=1), axis=1, kind="stable")[:, :TOP_K]
    queries.tofile(path / "queries.f32")
    (path / "truth.json").write_text(json.dumps([[ids[row] for row in rows] for rows in best]))
