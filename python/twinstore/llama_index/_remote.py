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
from functools import partial
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from llama_index.core.utils import concat_dirs

from twinstore import _native
from twinstore.errors import Diverged, Io, JsonNewer, NotPacked, OutOfSync, TwinstoreError

from ._atomic import replace_file
from ._opening import say_once

_TWIN = "twin"
_SYNC = "sync"

# What is wrong where neither the twin nor the JSON files alone can be read.
_PROBLEMS: dict[type[OutOfSync], str] = {
    JsonNewer: "the JSON file is newer than the twin, and other stores are in the twin alone",
    NotPacked: "the twin does not have this store yet, and other stores are in the twin alone",
    Diverged: "both the JSON file and the twin changed since they were equal",
}


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


def open_remote_twin(persist_dir: str, fs: AbstractFileSystem, only: str | None = None) -> _native.Context | None:
    """Opens the twin of a directory on another file system.

    Args:
        persist_dir: the directory.
        fs: its file system.
        only: the one JSON file that matters, for whoever opens one store.

    Returns:
        None where there is no twin, or newer JSON: the JSON files are to be read.

    Raises:
        OutOfSync: both changed.
        Io: the cache cannot be written.
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
    try:
        (copy / _TWIN).mkdir(parents=True, exist_ok=True)
        replace_file(copy / _TWIN / name, partial(_write, manifest))
    except OSError as why:
        # Not the `FileNotFoundError` of a directory that is not there: on that, scripts make one.
        message = f"cannot keep a copy of {persist_dir} in {copy.parent}: {why.strerror}"
        message += "; set TWINSTORE_CACHE to a directory that can be written"
        raise Io(message, why.errno, why.strerror, str(copy), action="write", path=copy) from why
    try:
        segments = dict(_native.twin_files(copy))
    except TwinstoreError as why:
        raise _elsewhere(why, f"{persist_dir}: {why}") from why.__cause__
    for segment, length in segments.items():
        _fetch(fs, concat_dirs(twin_dir, segment), copy / _TWIN / segment, length)
    for segment in _native.damaged_files(copy):
        (copy / _TWIN / segment).unlink(missing_ok=True)
        _fetch(fs, concat_dirs(twin_dir, segment), copy / _TWIN / segment, segments[segment])
    if _SYNC in files:
        replace_file(copy / _TWIN / _SYNC, partial(fs.get_file, concat_dirs(twin_dir, _SYNC)), durable=False)
    _copy_samples(fs, persist_dir, copy)
    try:
        return _native.Context.open(copy, only=only, origin=persist_dir)
    except OutOfSync as why:
        is_newer = isinstance(why, (JsonNewer, NotPacked))
        if is_newer and (only is not None or _native.is_json_complete(copy)):
            say_once(logging.WARNING, f"the JSON files in {persist_dir} are newer than their twin, so they are read")
            return None
        path = concat_dirs(persist_dir, why.path.name)
        message = f"{path}: {_PROBLEMS[type(why)]}; settle it where the twin was made, or in a copy, and upload that"
        raise _elsewhere(why, message, path=Path(path)) from None


def _elsewhere(why: TwinstoreError, message: str, **attributes: Any) -> TwinstoreError:
    """An error about the copy of a twin as one about the twin."""
    own = {name: value for name, value in vars(why).items() if name != "message"}
    return type(why)(message, **{**own, **attributes})


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
        replace_file(local, partial(fs.get_file, remote))


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
        parts = list(zip(starts, pieces, strict=True))
        replace_file(copy / name, partial(_write_sparse, size, parts), durable=False)


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
