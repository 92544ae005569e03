"""JSON of values that may not fit into it, with an error that says which and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

# What the JSON module writes as a key.
KEYS = (str, int, float, bool, type(None))

# Under this key a docstore has what a node is made of.
NODE_DATA = "__data__"


class Unserialisable(TypeError):
    """A value that JSON cannot carry; nothing was written.

    Args:
        owner: what has it, such as ``node``.
        key: the key of the owner.
        path: the keys and indices that lead to it.
        why: what is wrong with it.
    """

    def __init__(self, owner: str, key: object, path: tuple[object, ...], why: str) -> None:
        super().__init__(owner, key, path, why)
        self.owner = owner
        self.key = key
        self.path = path
        self.why = why

    def __str__(self) -> str:
        owner, path = self.owner, self.path
        if path[:1] == (NODE_DATA,):
            owner, path = "node", path[1:]
        first, rest = (path[0], path[1:]) if path and isinstance(path[0], str) else ("", path)
        place = first + "".join(f"[{step!r}]" for step in rest)
        place = f"{place}: " if place else ""
        return f"{owner} {self.key!r}: {place}{self.why}"


def dumps(value: Any, owner: str, key: object, dump: Callable[[Any], str] = json.dumps) -> str:
    """The JSON of a value.

    Args:
        value: the value.
        owner: what has it, for an error.
        key: the key of that, for an error.
        dump: makes the JSON.

    Raises:
        Unserialisable: JSON cannot carry it.
    """
    try:
        return dump(value)
    except TypeError as error:
        path, why = _first_offender(value, dump) or ((), str(error))
        raise Unserialisable(owner, key, path, why) from error


def _first_offender(
    value: Any, dump: Callable[[Any], str], path: tuple[object, ...] = ()
) -> tuple[tuple[object, ...], str] | None:
    """Where the first value is that JSON cannot carry, and what is wrong with it."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        for key, child in value.items():
            if not isinstance(key, KEYS):
                why = f"keys must be str, int, float, bool or None, not {type(key).__name__}"
                return path, why
            if found := _first_offender(child, dump, (*path, key)):
                return found
        return None
    if isinstance(value, (list, tuple)):
        children = ((*path, n) for n in range(len(value)))
        found_in = (_first_offender(child, dump, place) for child, place in zip(value, children, strict=True))
        return next(filter(None, found_in), None)
    try:
        dump(value)
    except TypeError as error:
        return path, str(error)
    return None
