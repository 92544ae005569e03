"""What can go wrong: a class for each kind of error, all of them ``TwinstoreError``.

Where LlamaIndex raises a builtin exception, the class is one of that, too, and has
its text and ``args``: ``except ValueError`` and ``except KeyError`` of code that was
written for LlamaIndex work as before. Catch by class, never by text.
"""

from __future__ import annotations

from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BinaryNewer",
    "CannotWrite",
    "Changing",
    "Conflict",
    "ConflictingChange",
    "Damaged",
    "DamagedManifest",
    "Diverged",
    "Forked",
    "Io",
    "IoExists",
    "IoNotFound",
    "IoPermission",
    "Json",
    "JsonNewer",
    "Limit",
    "LoadError",
    "LoadKeyError",
    "LoadValueError",
    "Locked",
    "LostManifests",
    "NoGeneration",
    "NoStore",
    "NoTwin",
    "NotContiguous",
    "NotFound",
    "NotIdentical",
    "NotPacked",
    "NothingToPack",
    "OutOfSync",
    "Poisoned",
    "QueryAttributeError",
    "QueryError",
    "QueryKeyError",
    "QueryNotImplementedError",
    "QueryTypeError",
    "QueryValueError",
    "SourceBusy",
    "Stopped",
    "StoreAssertionError",
    "StoreAttributeError",
    "StoreError",
    "StoreIndexError",
    "StoreJSONDecodeError",
    "StoreKeyError",
    "StoreName",
    "StoreNotImplementedError",
    "StoreTypeError",
    "StoreValueError",
    "TargetExists",
    "TargetInTwin",
    "TwinstoreError",
    "UnsavedChanges",
    "WouldEmpty",
    "WouldLoseStore",
]


class TwinstoreError(Exception):
    """The base of all errors of twinstore.

    Args:
        message: what went wrong and what to do; what ``str`` gives.
        arguments: the ``args``, where a builtin exception has others than its text.
        attributes: what the class says it has.
    """

    message: str

    def __init__(self, message: str, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*(arguments or (message,)))
        self.message = message
        for name, value in attributes.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, getattr(self, "filename", None)), self.__dict__


def _restored(cls: type[TwinstoreError], args: tuple[Any, ...], filename: str | None) -> TwinstoreError:
    """The error that was pickled, but for its attributes."""
    # The file of an `OSError` is among what it is made of, but not among its `args`.
    return cls("", *args, *([] if filename is None else [filename]))


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


class WouldLoseStore(OutOfSync):
    """The JSON file is empty, cut or broken, and the twin holds the store intact."""

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


# Queries


class QueryError(TwinstoreError):
    """A query has no answer; ``reason`` says why, in one word."""

    reason: str


class QueryAttributeError(QueryError, AttributeError):
    """Where LlamaIndex raises ``AttributeError``."""


class QueryKeyError(QueryError, KeyError):
    """Where LlamaIndex raises ``KeyError``."""


class QueryNotImplementedError(QueryError, NotImplementedError):
    """What only ``twinstore.llama_index`` can answer."""


class QueryTypeError(QueryError, TypeError):
    """Where LlamaIndex raises ``TypeError``."""


class QueryValueError(QueryError, ValueError):
    """Where LlamaIndex raises ``ValueError``."""


# Stores


class StoreError(TwinstoreError):
    """A store cannot give what was asked of it; ``reason`` says why, in one word."""

    reason: str


class StoreAssertionError(StoreError, AssertionError):
    """Where LlamaIndex raises ``AssertionError``."""


class StoreAttributeError(StoreError, AttributeError):
    """Where LlamaIndex raises ``AttributeError``."""


class StoreIndexError(StoreError, IndexError):
    """Where LlamaIndex raises ``IndexError``."""


class StoreJSONDecodeError(StoreError, JSONDecodeError):
    """Where LlamaIndex raises ``json.JSONDecodeError``."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), (self.msg, self.doc, self.pos), None), self.__dict__


class StoreKeyError(StoreError, KeyError):
    """Where LlamaIndex raises ``KeyError``."""


class StoreNotImplementedError(StoreError, NotImplementedError):
    """Where LlamaIndex raises ``NotImplementedError``."""


class StoreTypeError(StoreError, TypeError):
    """Where LlamaIndex raises ``TypeError``."""


class StoreValueError(StoreError, ValueError):
    """Where LlamaIndex raises ``ValueError``."""


# Loading


class LoadError(TwinstoreError):
    """An index cannot be loaded; ``reason`` says why, in one word."""

    reason: str


class LoadKeyError(LoadError, KeyError):
    """Where LlamaIndex raises ``KeyError``."""


class LoadValueError(LoadError, ValueError):
    """Where LlamaIndex raises ``ValueError``."""
