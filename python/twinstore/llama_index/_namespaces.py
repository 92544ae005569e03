"""Which files are vector stores, and of which namespace."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from llama_index.core.vector_stores.simple import DEFAULT_VECTOR_STORE, NAMESPACE_SEP
from llama_index.core.vector_stores.types import DEFAULT_PERSIST_FNAME

from twinstore.errors import TwinstoreError

from ._opening import say_once

T = TypeVar("T")

_SUFFIX = NAMESPACE_SEP + DEFAULT_PERSIST_FNAME


def file_of(namespace: str) -> str:
    """The file of a vector store."""
    return namespace + _SUFFIX


def namespace_of(file: str, files: Iterable[str]) -> str | None:
    """The namespace of the vector store in ``file``, one of ``files``; None for any other
    file. Until 0.8.64 there was one store, in ``vector_store.json``."""
    if file == DEFAULT_PERSIST_FNAME:
        return None if file_of(DEFAULT_VECTOR_STORE) in files else DEFAULT_VECTOR_STORE
    return file.removesuffix(_SUFFIX) if file.endswith(_SUFFIX) else None


def file_in(files: Iterable[str], namespace: str) -> str:
    """The file of a vector store, where these are the files that there are."""
    files = list(files)
    return next((file for file in files if namespace_of(file, files) == namespace), file_of(namespace))


def load_namespaces(files: Iterable[str], load: Callable[[str, str], T]) -> dict[str, T]:
    """The vector stores of a directory by namespace. One that cannot be read is left out,
    with a warning, unless it is the default one.

    Args:
        files: the files of the directory; others than vector stores are passed over.
        load: gives the store of a namespace and a file.
    """
    files = list(files)
    stores: dict[str, T] = {}
    for file in files:
        namespace = namespace_of(file, files)
        if namespace is None:
            continue
        try:
            stores[namespace] = load(namespace, file)
        except Exception as problem:
            # Of a twin, nothing is left out without an error.
            if namespace == DEFAULT_VECTOR_STORE or isinstance(problem, TwinstoreError):
                raise
            say_once(logging.WARNING, f"the vector store {namespace!r} is left out: {problem}")
    return stores
