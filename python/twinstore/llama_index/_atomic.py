"""Files that are replaced as a whole, or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem


def write_text_atomically(path: str, pieces: Iterable[str], fs: AbstractFileSystem | None) -> None:
    """Writes a text file: whoever reads it sees the old text or the new one.

    On a file system that is not local there is no renaming in one step. There, all
    is made before the file is opened.

    Args:
        path: the file. Its directory must be there.
        pieces: the text. Where it raises, the file stays as it was.
        fs: the file system; the local one by default.
    """
    if fs is None or isinstance(fs, LocalFileSystem):
        replace_file(LocalFileSystem._strip_protocol(path), lambda new: _write(new, pieces))
        return
    text = "".join(pieces)
    with fs.open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_parent(path: str, fs: AbstractFileSystem | None) -> None:
    """Makes the directory that a file is to be in, as LlamaIndex does."""
    fs = fs or LocalFileSystem()
    parent = os.path.dirname(path)
    if not fs.exists(parent):
        fs.makedirs(parent)


def _write(path: str, pieces: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


def replace_file(target: str | Path, write: Callable[[str], object], durable: bool = True) -> None:
    """Makes a file appear whole, whoever else does the same.

    Args:
        target: the file. What a link points to is replaced, not the link.
        write: writes the file of a given path, which is there and empty.
        durable: whether it must survive a power loss.
    """
    target = Path(os.path.realpath(target))
    mode = _mode_of(target)
    new = target.with_name(f".twinstore-{secrets.token_hex(8)}")
    try:
        new.touch(exist_ok=False)
        if mode is not None:
            new.chmod(mode)
        write(str(new))
        if durable:
            with open(new, "r+b") as file:
                os.fsync(file.fileno())
        os.replace(new, target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable:
        _sync_directory(target.parent)


def _mode_of(target: Path) -> int | None:
    """The mode of a file that is there; raises where it must not be written."""
    try:
        with open(target, "r+b") as old:
            return stat.S_IMODE(os.fstat(old.fileno()).st_mode)
    except FileNotFoundError:
        return None


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":
        return  # Elsewhere a directory cannot be opened.
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
