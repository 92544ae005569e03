"""Persist directories as LlamaIndex writes them."""

from __future__ import annotations

import shutil
from pathlib import Path

from llama_index.core import Document, StorageContext, VectorStoreIndex, load_index_from_storage

TEXTS = {
    "alice": "Alice was beginning to get very tired. Down the rabbit hole she went, never considering how to get out.",
    "queen": "The queen of hearts shouted at the gardeners. Off with their heads, said the queen again.",
    "tea": "There was a table set out under a tree. The hatter was having tea at it, and the dormouse slept.",
    "mouse": "The mouse told a long tale. Alice looked at its tail and wondered why it was sad.",
    "turtle": "Once, said the mock turtle with a deep sigh, I was a real turtle. He sobbed and told his story.",
}


def documents() -> list[Document]:
    """A few documents with fixed ids and metadata."""
    return [Document(text=text, id_=name, metadata={"name": name, "length": len(text)}) for name, text in TEXTS.items()]


def stock_index(directory: Path) -> None:
    """Builds an index of the documents with LlamaIndex, and persists it."""
    VectorStoreIndex.from_documents(documents()).storage_context.persist(directory)


def stock_insert(directory: Path, document: Document) -> None:
    """Inserts a document with LlamaIndex, as a colleague would who does not use the twin."""
    context = StorageContext.from_defaults(persist_dir=str(directory))
    load_index_from_storage(context).insert(document)
    context.persist(directory)


def stock_copy(directory: Path, target: Path) -> Path:
    """A copy of the JSON files of a directory."""
    shutil.copytree(directory, target, ignore=shutil.ignore_patterns("twin"))
    return target


def json_files(directory: Path) -> dict[str, bytes]:
    """The JSON files of a directory and what they hold."""
    return {path.name: path.read_bytes() for path in directory.glob("*.json")}
