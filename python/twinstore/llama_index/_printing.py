"""JSON text of dicts and of what stands for dicts, in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._json import dumps
from ._mapping import TwinMapping


def object_pieces(collections: Mapping[str, Any]) -> Iterator[str]:
    """The JSON of an object, as ``json.dumps`` writes it, record by record.

    Args:
        collections: what it has: records by key, or else any value.

    Raises:
        Unserialisable: JSON cannot carry a record; names it.
    """
    yield "{"
    for n, (name, records) in enumerate(collections.items()):
        yield ", " if n else ""
        if isinstance(records, Mapping):
            yield _key(name, name) + "{"
            yield from _members(name, records)
            yield "}"
        else:
            yield _key(name, name) + dumps(records, "the member", name)
    yield "}"


def _members(name: str, records: Mapping[Any, Any]) -> Iterator[str]:
    pairs = records.pairs(hold=False) if isinstance(records, TwinMapping) else records.items()
    for n, (key, value) in enumerate(pairs):
        yield ", " if n else ""
        yield _key(key, name) + dumps(value, name, key)


def _key(key: Any, owner: str) -> str:
    # Not `json.dumps(key)`: a key that is a number becomes a string.
    return dumps({key: 0}, owner, key)[1:-2]
