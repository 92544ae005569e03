"""What is done with a directory as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from . import _native

if TYPE_CHECKING:
    from os import PathLike

    from ._reports import CompactReport, Info, PackReport, Status, UnpackReport, VerifyReport

#: How progress is told: ``True`` draws bars on a terminal, for work of over a second; a
#: function is called now and then with the name of a file, the bytes done and all bytes.
#: What it raises stops the work, as Ctrl-C does.
Progress = bool | Callable[[str, int, int], object] | None


def pack(
    dir: str | PathLike[str],
    *,
    progress: Progress = None,
    all: bool = False,
    drop_json: bool = False,
    prefer: Literal["json"] | None = None,
    dense: bool = False,
    level: int | None = None,
    sketch: Literal["auto", "always", "never"] = "auto",
) -> PackReport:
    """Makes the twin of the JSON files in a directory, or brings it up to date.

    Only files that changed are read. The JSON files are never written.

    Args:
        dir: the persist directory.
        progress: how to tell how far it has come.
        all: pack every other file of the directory, too, as it is.
        drop_json: afterwards remove the JSON files of LlamaIndex's stores, each after
            another comparison with the twin.
        prefer: ``"json"`` takes all JSON files over, even where content of the twin is
            lost.
        dense: compress documents, index structs and graphs harder.
        level: compress those at this level of zstd, 1 to 22.
        sketch: which vector stores get a short form of the vectors, which makes queries
            faster and the store a quarter longer: those where it pays, or all, or none.

    Raises:
        NothingToPack: there is no store of LlamaIndex.
        OutOfSync: content of the twin would be lost.
        OnlyInTwin: with ``prefer="json"``, where the newest generation cannot be read, and
            a store of it has no JSON file, or less than it had.
        Locked, SourceBusy, DamagedManifest, Io: see ``twinstore.errors``.
    """
    if level is not None and not 1 <= level <= 22:
        raise ValueError(f"level is from 1 to 22, not {level}")
    report: PackReport = json.loads(
        _native.pack(
            dir,
            all=all,
            drop_json=drop_json,
            prefer_json=_prefers(prefer, "json"),
            dense=dense,
            level=level,
            sketch=sketch,
            **_told(progress),
        )
    )
    return report


def unpack(
    dir: str | PathLike[str],
    *,
    out: str | PathLike[str] | None = None,
    store: str | None = None,
    generation: int | None = None,
    prefer: Literal["twin"] | None = None,
    io: Literal["map", "read"] = "map",
    progress: Progress = None,
) -> UnpackReport:
    """Prints the JSON files from the twin, byte for byte.

    Args:
        dir: the persist directory.
        out: a new directory for all files. Without it, files of ``dir`` that are missing,
            damaged or older are replaced one by one.
        store: only this one: a file name, or the namespace of a vector store.
        generation: not the newest one; only with ``out``.
        prefer: ``"twin"`` overwrites JSON files that are newer than the twin.
        io: how to read binary files.
        progress: how to tell how far it has come.

    Raises:
        NoTwin: there is no twin.
        OutOfSync: a newer JSON file would be overwritten.
        NoStore, TargetExists, TargetInTwin, Damaged, Locked, Io: see ``twinstore.errors``.
    """
    if generation is not None and out is None:
        raise ValueError("generation is for unpacking to another directory: name one as out")
    report: UnpackReport = json.loads(
        _native.unpack(
            dir,
            out=out,
            store=store,
            generation=generation,
            prefer_twin=_prefers(prefer, "twin"),
            io=io,
            **_told(progress),
        )
    )
    return report


def verify(
    dir: str | PathLike[str],
    *,
    deep: bool = False,
    generation: int | None = None,
    io: Literal["map", "read"] = "map",
    progress: Progress = None,
) -> VerifyReport:
    """Checks every byte of the twin against its checksums. Damage is reported, not raised.

    Args:
        dir: the persist directory.
        deep: decode every value, too, print every file, and look for references that
            lead nowhere.
        generation: only this one, instead of all that are kept.
        io: how to read binary files.
        progress: how to tell how far it has come.

    Raises:
        NoTwin, NoGeneration, Io: see ``twinstore.errors``.
    """
    report: VerifyReport = json.loads(_native.verify(dir, deep=deep, generation=generation, io=io, **_told(progress)))
    return report


def compact(
    dir: str | PathLike[str],
    *,
    io: Literal["map", "read"] = "map",
    progress: Progress = None,
) -> CompactReport:
    """Merges the segments of each store into one, without what is deleted.

    Whoever has the directory open goes on reading the generation before.

    Raises:
        NoTwin, Locked, Damaged, DamagedManifest, Io: see ``twinstore.errors``.
    """
    report: CompactReport = json.loads(_native.compact(dir, io=io, **_told(progress)))
    return report


def status(dir: str | PathLike[str]) -> Status:
    """Tells how the JSON files and the twin stand to each other, at a cost that does not
    depend on their size.

    Raises:
        DamagedManifest, Io: see ``twinstore.errors``.
    """
    report: Status = json.loads(_native.status(dir))
    return report


def info(
    dir: str | PathLike[str],
    *,
    generation: int | None = None,
    io: Literal["map", "read"] = "map",
) -> Info:
    """Describes what the twin holds.

    Raises:
        NoTwin, NoGeneration, DamagedManifest, Io: see ``twinstore.errors``.
    """
    report: Info = json.loads(_native.info(dir, generation=generation, io=io))
    return report


def _told(progress: Progress) -> dict[str, Any]:
    """The native arguments for a way to tell progress."""
    if progress is None or isinstance(progress, bool):
        return {"bars": bool(progress), "progress": None}
    if not callable(progress):
        raise TypeError(f"progress is a bool or a function, not {type(progress).__name__}")
    return {"bars": False, "progress": progress}


def _prefers(word: str | None, known: str) -> bool:
    if word not in (None, known):
        raise ValueError(f"prefer is {known!r} or None, not {word!r}")
    return word is not None
