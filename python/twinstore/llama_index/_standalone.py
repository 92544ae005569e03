"""Stores that are opened by themselves, from the path of their JSON file."""

from __future__ import annotations

import os
from pathlib import Path

from fsspec import AbstractFileSystem

from twinstore._native import Context

from ._opening import open_twin
from ._paths import local_path
from ._remote import open_remote_twin


def twin_beside(path: str, name: str, fs: AbstractFileSystem | None) -> Context | None:
    """The twin that is to be read instead of a JSON file. As for a ``StorageContext``, the
    table of the two twins decides; how other files stand to the twin does not matter.

    Args:
        path: the JSON file.
        name: what it must be called.
        fs: the file system; the local one by default.

    Returns:
        None where the JSON file is to be read.

    Raises:
        TwinstoreError: JSON and twin both changed, or the twin is damaged.
    """
    path, fs = local_path(path, fs)
    directory, file = os.path.split(path)
    context = _twin_in(directory, fs, only=file) if file == name else None
    if context is None:
        return None
    # What it has as text only, LlamaIndex reads. (Chats are read out of the text.)
    readable = [stored for stored, kind, is_readable in context.stores() if is_readable or kind == "other"]
    return context if file in readable else None


def files_of_twin(directory: str, fs: AbstractFileSystem | None) -> list[str]:
    """The files whose stores the twin of a directory has, whether they are there or not."""
    context = _twin_in(*local_path(directory, fs), only="")
    return [] if context is None else [file for file, _, _ in context.stores()]


def _twin_in(directory: str, fs: AbstractFileSystem | None, only: str) -> Context | None:
    if fs is not None:
        return open_remote_twin(directory, fs, only)
    return open_twin(Path(directory), only=only) if os.path.isdir(os.path.join(directory, "twin")) else None
