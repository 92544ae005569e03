"""What can go wrong with a twin and its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._base import TwinstoreError

if TYPE_CHECKING:
    from pathlib import Path


# Files


class Io(TwinstoreError, OSError):
    """The operating system refused something: see ``errno`` and ``filename``."""

    action: str
    path: Path


class IoNotFound(Io, FileNotFoundError):
    """A file or directory is not there."""


class IoPermission(Io, PermissionError):
    """A file or directory may not be used so."""


class IoExists(Io, FileExistsError):
    """A file or directory is there already."""


class Damaged(TwinstoreError):
    """A binary file does not hold what it must hold."""

    path: Path
    section: str
    offset: int
    fault: str


class Json(TwinstoreError):
    """A JSON file is not well-formed, or not what a store of its name must be."""

    path: Path
    offset: int
    fault: str


class DamagedManifest(TwinstoreError):
    """The manifest of the newest generation is damaged; ``__cause__`` says how."""

    generation: int
    previous: int | None


class LostManifests(TwinstoreError):
    """The twin has lost all its manifests."""

    twin: Path


class LostGeneration(TwinstoreError):
    """The manifest of the newest generation is gone; ``newest`` is the newest that is left."""

    twin: Path
    generation: int
    newest: int


class OnlyInTwin(TwinstoreError):
    """The newest generation cannot be read, and may hold a store that has no JSON file.

    ``__cause__`` says why it cannot be read.
    """

    twin: Path
    missing: Path | None


# What is there


class NoTwin(TwinstoreError):
    """The directory holds no twin; ``pack`` makes one."""

    dir: Path


class NothingToPack(TwinstoreError):
    """The directory holds no store of LlamaIndex."""

    dir: Path
    others: int


class NoGeneration(TwinstoreError):
    """The twin does not keep the generation that was asked for."""

    dir: Path
    generation: int
    kept: list[int]


class NoStore(TwinstoreError):
    """The twin has no store of that name."""

    name: str
    known: list[str]


class StoreName(TwinstoreError):
    """No store can be kept in a file of that name."""

    name: str


class NotFound(TwinstoreError, KeyError):
    """A store does not have what was asked for; ``reason`` says what."""

    reason: str


class TargetExists(TwinstoreError):
    """The target of an export is already there."""

    path: Path


class TargetInTwin(TwinstoreError):
    """The target of an export lies inside the twin."""

    path: Path


# JSON files and twin do not agree


class OutOfSync(TwinstoreError):
    """A JSON file and the twin do not agree, and the call would lose one of them."""

    path: Path


class JsonNewer(OutOfSync):
    """The JSON file is newer than the twin."""


class BinaryNewer(OutOfSync):
    """The twin is newer than the JSON file."""


class Diverged(OutOfSync):
    """Both changed since they were equal."""


class NotPacked(OutOfSync):
    """The twin does not have this store yet."""


class Changing(OutOfSync):
    """The JSON file was changed while its replacement was being printed."""


class Linked(OutOfSync):
    """The JSON file is a link to a file that does not hold a text of this store."""


class WouldLoseStore(OutOfSync):
    """The JSON file is empty, cut or broken, and the twin holds the store."""

    at: int | None


# Changes


class Locked(TwinstoreError):
    """Another process is writing this twin."""

    path: Path


class Conflict(TwinstoreError):
    """Somebody else committed since the state that a change was made on."""

    opened: int
    current: int


class ConflictingChange(TwinstoreError):
    """Somebody else changed the same key since."""

    opened: int
    file: str
    collection: str
    key: str


class WouldEmpty(TwinstoreError):
    """A context without content would replace one that has some."""

    dir: Path


class CannotWrite(TwinstoreError):
    """No segment can hold a store with its changes."""

    file: str


class UnsavedChanges(TwinstoreError):
    """There are changes that are not persisted, which a call would lose."""


class Poisoned(TwinstoreError):
    """An earlier sync failed: what the medium holds is unknown."""

    dir: Path


class SourceBusy(TwinstoreError):
    """A JSON file kept changing while it was packed."""

    path: Path
    tries: int


class NotIdentical(TwinstoreError):
    """The twin prints other text than the JSON file has. Nothing was removed."""

    path: Path
    offset: int


class Limit(TwinstoreError):
    """A value cannot be held in the form asked for."""

    what: str
    got: int
    limit: int


class Forked(TwinstoreError):
    """A writer was used in another process than the one that opened it."""

    dir: Path


class Stopped(TwinstoreError):
    """Whoever was told of the progress asked for a stop."""


# Arrays


class NotContiguous(TwinstoreError, ValueError):
    """The vectors do not stand together in one mapped file, so only a copy can be one array."""
