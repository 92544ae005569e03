"""Stores that are opened by themselves, from the path of their JSON file."""

from __future__ import annotations

import os
from collections.abc import Callable

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from twinstore._native import Context


def twin_beside(path: str, name: str, fs: AbstractFileSystem | None) -> Context | None:
    """The twin that a JSON file is the other form of, where there is no such file.

    A file that is there is never older than the twin: what ``persist`` leaves behind
    is renamed. So it is what counts.

    Args:
        path: the JSON file.
        name: what it must be called.
        fs: the file system; the local one by default.
    """
    if fs is not None and not isinstance(fs, LocalFileSystem):
        return None
    path = LocalFileSystem._strip_protocol(path)
    directory, file = os.path.split(path)
    if file != name or os.path.exists(path) or not os.path.isdir(os.path.join(directory, "twin")):
        return None
    return Context.open(directory)


def persisted_text(persist: Callable[..., None]) -> str:
    """What LlamaIndex's own ``persist`` would write.

    Args:
        persist: the method; it takes ``persist_path`` and ``fs``.
    """
    fs = MemoryFileSystem(skip_instance_cache=True)
    # Else all file systems in memory share their files.
    fs.store, fs.pseudo_dirs = {}, [""]
    persist(persist_path="/text", fs=fs)
    text: bytes = fs.cat_file("/text")
    return text.decode()
