"""What ``pack``, ``unpack`` and the like report. The keys are those of the command's
``--json``."""

from __future__ import annotations

from typing import Literal, TypedDict


class PackedStore(TypedDict):
    """What ``pack`` did with one store."""

    file: str
    kind: str
    action: Literal["packed", "up_to_date", "kept"]
    file_form: bool
    json_bytes: int
    binary_bytes: int
    why: str | None


class PackReport(TypedDict):
    """What ``pack`` did."""

    generation: int
    committed: bool
    stores: list[PackedStore]
    left_alone: list[str]
    dropped: list[str]
    warnings: list[str]


class UnpackedFile(TypedDict):
    """What ``unpack`` did with one file."""

    file: str
    bytes: int
    written: bool


class UnpackReport(TypedDict):
    """What ``unpack`` did."""

    generation: int
    files: list[UnpackedFile]


class Problem(TypedDict):
    """Something that is wrong with a binary file."""

    file: str
    section: str
    offset: int
    error: str


class VerifyWarning(TypedDict):
    """References between stores that lead nowhere."""

    store: str
    collection: str
    what: str
    count: int
    examples: list[str]


class VerifyReport(TypedDict):
    """What ``verify`` found. A sound twin has no ``problems``."""

    generations: list[int]
    files: int
    bytes: int
    deep: bool
    problems: list[Problem]
    warnings: list[VerifyWarning]


class CompactedStore(TypedDict):
    """What ``compact`` did with one store."""

    file: str
    files: int
    bytes_before: int
    bytes_after: int


class CompactReport(TypedDict):
    """What ``compact`` did."""

    generation: int
    committed: bool
    stores: list[CompactedStore]
    warnings: list[str]


class StoreStatus(TypedDict):
    """How one store stands to its JSON file."""

    file: str
    kind: str
    state: str
    settled: bool
    remedy: str | None


class Status(TypedDict):
    """How the JSON files of a directory and its twin stand to each other."""

    generation: int | None
    stores: list[StoreStatus]


class NumberClasses(TypedDict):
    """How many rows are of which class, and how many single numbers are kept as text.

    ``exact``: the values are ``float32``. ``decimal``: the ``float32`` is the nearest to
    the value, which is its shortest decimal. ``delta``: the value needs ``float64``.
    """

    exact: int
    decimal: int
    delta: int
    exceptions: int


class CollectionInfo(TypedDict):
    """A collection of a store."""

    name: str
    records: int


class StoreInfo(TypedDict):
    """What one store holds."""

    name: str
    file: str
    kind: str
    file_form: bool
    rows: int | None
    vectors: int | None
    dim: int | None
    number_class: Literal["empty", "exact", "decimal", "delta", "mixed"] | None
    classes: NumberClasses | None
    sketched: int | None
    metadata_keys: list[str]
    records: int | None
    collections: list[CollectionInfo]
    json_bytes: int
    binary_bytes: int
    ratio: float | None
    segments: list[str]
    problem: str | None


class Info(TypedDict):
    """What a twin holds."""

    generation: int
    writer: str
    stores: list[StoreInfo]
    json_bytes: int
    binary_bytes: int
    ratio: float | None
