"""Persist directories on other file systems, whose twins are read through a cache.

The files of a twin never change, so a copy of them is good for ever. The cache has a
directory for each state of a twin, named by the hash of its manifest; in it lie the
files of the twin, and of each JSON file the few bytes by which it is recognised, so
that the rule of the two twins holds there, too.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fsspec import AbstractFileSystem
from llama_index.core.utils import concat_dirs

from twinstore import _native
from twinstore.errors import JsonNewer, NotPacked

from ._opening import allow_json, say_once

_TWIN = "twin"
_SYNC = "sync"


def cache_dir() -> Path:
    """Where copies of twins on other file systems are kept: ``TWINSTORE_CACHE``, or the
    directory that the system has for such files."""
    named = os.environ.get("TWINSTORE_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "twinstore"


def open_remote_twin(persist_dir: str, fs: AbstractFileSystem) -> _native.Context | None:
    """Opens the twin of a directory on another file system.

    Returns:
        None where there is no twin, or newer JSON: the JSON files are to be read.

    Raises:
        OutOfSync: both changed.
        TwinstoreError: the twin is damaged.
    """
    twin_dir = concat_dirs(persist_dir, _TWIN)
    files = _sizes(fs, twin_dir)
    manifests = {generation: name for name in files if (generation := _native.manifest_generation(name)) is not None}
    if not manifests:
        say_once(logging.INFO, f"the JSON files of {persist_dir} are read: twins are made on local file systems only")
        return None
    name = manifests[max(manifests)]
    manifest = fs.cat_file(concat_dirs(twin_dir, name))
    copy = cache_dir() / hashlib.blake2b(manifest, digest_size=16).hexdigest()
    (copy / _TWIN).mkdir(parents=True, exist_ok=True)
    _replace(copy / _TWIN / name, partial(_write, manifest))
    for segment, length in _native.twin_files(copy):
        _fetch(fs, concat_dirs(twin_dir, segment), copy / _TWIN / segment, length)
    if _SYNC in files:
        _replace(copy / _TWIN / _SYNC, partial(fs.get_file, concat_dirs(twin_dir, _SYNC)))
    _copy_samples(fs, persist_dir, copy)
    try:
        return _native.Context.open(copy)
    except (JsonNewer, NotPacked) as why:
        allow_json(copy, why)
        say_once(logging.WARNING, f"the JSON files in {persist_dir} are newer than their twin, so they are read")
        return None


def _sizes(fs: AbstractFileSystem, directory: str) -> dict[str, int]:
    """The files in a directory and their lengths; none where there is no directory."""
    try:
        entries = fs.ls(directory, detail=True)
    except FileNotFoundError:
        return {}
    return {os.path.basename(entry["name"]): entry["size"] for entry in entries if entry["type"] == "file"}


def _fetch(fs: AbstractFileSystem, remote: str, local: Path, length: int) -> None:
    """Copies a file that never changes, unless it is there."""
    if not local.exists() or local.stat().st_size != length:
        _replace(local, partial(fs.get_file, remote))


def _copy_samples(fs: AbstractFileSystem, persist_dir: str, copy: Path) -> None:
    """Makes of each JSON file one of the same length, empty but where it is looked at."""
    sizes = {name: size for name, size in _sizes(fs, persist_dir).items() if _is_json(name)}
    for path in copy.iterdir():
        if _is_json(path.name) and path.name not in sizes:
            path.unlink(missing_ok=True)
    for name, size in sizes.items():
        ranges = _native.sampled_ranges(size)
        if sum(end - start for start, end in ranges) >= size:
            ranges = [(0, size)] if size else []
        starts, ends = [start for start, _ in ranges], [end for _, end in ranges]
        pieces = fs.cat_ranges([concat_dirs(persist_dir, name)] * len(ranges), starts, ends, on_error="raise")
        _replace(copy / name, partial(_write_sparse, size, list(zip(starts, pieces, strict=True))))


def _is_json(name: str) -> bool:
    return name.endswith(".json")


def _write(content: bytes, path: str) -> None:
    Path(path).write_bytes(content)


def _write_sparse(size: int, pieces: list[tuple[int, bytes]], path: str) -> None:
    with open(path, "wb") as file:
        for start, piece in pieces:
            file.seek(start)
            file.write(piece)
        file.truncate(size)


def _replace(target: Path, write: Callable[[str], object]) -> None:
    """Makes a file appear whole, beside other processes that do the same."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".fetch-")
    os.close(handle)
    try:
        write(temporary)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
