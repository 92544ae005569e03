"""Records of a store as a read-only mapping."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import _native
from ._pairs import CHUNK, PairMapping


class Records(PairMapping[str, Any]):
    """The records of a collection by key, parsed when they are asked for.

    Each look gives a new object: what is changed in it is not changed in the twin.
    """

    def __init__(self, base: _native.Collection, name: str) -> None:
        self._base = base
        self._name = name

    def __getitem__(self, key: str) -> Any:
        text = self._base.get(key) if isinstance(key, str) else None
        if text is None:
            raise KeyError(key)
        return json.loads(text)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._base

    def __iter__(self) -> Iterator[str]:
        return iter(self._base.keys())

    def __len__(self) -> int:
        return len(self._base)

    def __repr__(self) -> str:
        return f"<{len(self)} records of {self._name}>"

    def _pairs(self) -> Iterator[tuple[str, Any]]:
        keys = self._base.keys()
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            for key, text in zip(chunk, self._base.get_many(chunk), strict=True):
                if text is not None:
                    yield key, json.loads(text)
