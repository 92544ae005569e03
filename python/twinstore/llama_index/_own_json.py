"""JSON files that a store writes by itself, beside its twin or elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from twinstore import unpack
from twinstore._native import Context
from twinstore.errors import TwinstoreError

from ._atomic import write_text_atomically
from ._paths import local_path

logger = logging.getLogger(__name__)


def write_json(
    path: str, pieces: Iterable[str], fs: AbstractFileSystem | None, twin: Context | None = None, file: str = ""
) -> None:
    """Writes the JSON of a store, see ``write_text_atomically``. Where that is the file
    that the store's twin is of, it is newer than the twin afterwards, and the context
    of the store goes on.

    Args:
        path: the file.
        pieces: the text.
        fs: the file system; the local one by default.
        twin: the context that it is a store of.
        file: what the file of the store is called beside the twin.
    """
    directory = None if twin is None else twin.persist_dir
    if twin is None or directory is None or not is_file_in(directory, file, path, fs):
        write_text_atomically(path, pieces, fs)
        return
    bring_up_to_date(directory, file, twin.generation)
    write_text_atomically(path, pieces, fs)
    twin.wrote_json(file)


def is_file_in(directory: Path, file: str, path: str, fs: AbstractFileSystem | None) -> bool:
    """Whether a path leads to a file in a local directory."""
    path, fs = local_path(path, fs)
    parent, name = os.path.split(path)
    return fs is None and name == file and os.path.isdir(parent or ".") and os.path.samefile(parent or ".", directory)


def bring_up_to_date(directory: Path, file: str, generation: int | None) -> None:
    """Writes a JSON file that is older than its twin, or missing. What is written over it
    is newer than both then; over the older text it would be a change that the twin does
    not know, beside changes that the text does not know.

    Args:
        directory: the persist directory.
        file: the JSON file.
        generation: the one that what is to be written is based on.
    """
    try:
        if Context.open(directory, compare=False).generation == generation:
            unpack(directory, store=file)
    except TwinstoreError as why:
        # It can be written all the same. Then it is for `status` to say what that means.
        logger.debug("%s was not brought up to date: %s", file, why)


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
