"""Paths as LlamaIndex reads them: "~/storage" and "file:///storage", too."""

from __future__ import annotations

import os

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from llama_index.core.utils import concat_dirs

StrPath = str | os.PathLike[str]


def local_path(path: StrPath, fs: AbstractFileSystem | None) -> tuple[str, AbstractFileSystem | None]:
    """A path and its file system, which is None for the local one."""
    if fs is None or isinstance(fs, LocalFileSystem):
        return str(LocalFileSystem._strip_protocol(os.fspath(path))), None
    return os.fspath(path), fs


def path_in(directory: str, file: str, fs: AbstractFileSystem | None) -> str:
    """The path of a file in a directory."""
    return os.path.join(directory, file) if fs is None else str(concat_dirs(directory, file))


def files_in(directory: str, fs: AbstractFileSystem | None) -> list[str]:
    """The names in a directory."""
    if fs is None:
        return os.listdir(directory)
    return [os.path.basename(str(path).rstrip("/")) for path in fs.ls(directory, detail=False)]
