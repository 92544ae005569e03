"""Dicts and lists that were read out of the twin, and are not watched for changes.

Whoever changes one of LlamaIndex's in place changes the store. Here the change would be
lost, so it is refused.
"""

from __future__ import annotations

from typing import Any, NoReturn


class ReadOnlyDict(dict[str, Any]):
    """A dict that cannot be changed. Its copies can."""

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A list that cannot be changed. Its copies can."""

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


def read_only(value: Any) -> Any:
    """A value of JSON, which cannot be changed at any depth."""
    if isinstance(value, dict):
        return ReadOnlyDict((key, read_only(child)) for key, child in value.items())
    if isinstance(value, list):
        return ReadOnlyList(map(read_only, value))
    return value


def _refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    raise TypeError("this was read out of a twin, which would not change with it: change a copy, and set that")


for _name in ("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update"):
    setattr(ReadOnlyDict, _name, _refuse)
for _name in ("__setitem__", "__delitem__", "__iadd__", "__imul__", "append", "clear", "extend", "insert"):
    setattr(ReadOnlyList, _name, _refuse)
for _name in ("pop", "remove", "reverse", "sort"):
    setattr(ReadOnlyList, _name, _refuse)
