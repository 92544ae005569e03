"""How the maps of index structs are written in the twin.

What a map is, the class of the installed LlamaIndex says by the type of the field:
``Dict[str, Set[str]]`` is written as objects of arrays, whose order means nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from dataclasses_json import DataClassJsonMixin

from ._mapping import Codec

K = TypeVar("K")
V = TypeVar("V")


class StructCodec(Codec[K, V], Generic[K, V]):
    """Keys and values of a map of a struct."""

    def decode(self, value: Any) -> V:
        """The value that parsed JSON stands for."""
        return value  # type: ignore[no-any-return]

    def encode(self, value: V) -> Any:
        """What is written as JSON for a value."""
        return value

    def value(self, text: str) -> V:
        return self.decode(json.loads(text))

    def values(self, array: str) -> Iterable[V]:
        """All values of an array, parsed at once."""
        return map(self.decode, json.loads(array))

    def text(self, value: V) -> str:
        return to_json(self.encode(value))


class Strings(StructCodec[str, V]):
    """Keys are strings. Others are written, and found again, as ``json.dumps`` writes
    them."""

    def key_text(self, key: Any) -> str:
        if isinstance(key, str):
            return key
        if key is None or isinstance(key, (bool, int, float)):
            return json.dumps(key)
        raise TypeError(f"a key of this map is a str, not {type(key).__name__}: {key!r}")


class Ids(Strings[str]):
    """Values are strings, which do not change."""

    is_mutable = False

    def values(self, array: str) -> Iterable[str]:
        return json.loads(array)  # type: ignore[no-any-return]


class Numbered(StructCodec[int, str]):
    """Keys are whole numbers, and values strings."""

    is_mutable = False

    def key(self, text: str) -> int:
        return int(text)

    def key_text(self, key: Any) -> str:
        if isinstance(key, int):
            return str(int(key))
        raise TypeError(f"a key of this map is an int, not {type(key).__name__}: {key!r}")


class Lists(Strings[list[Any]]):
    """Values are lists."""


class Sets(Strings[set[Any]]):
    """Values are sets. One that has the same members is the same, so that it keeps the
    order that it has in the file."""

    def decode(self, value: Any) -> set[Any]:
        return set(value)

    def encode(self, value: set[Any]) -> Any:
        return list(value) if isinstance(value, set) else value

    def is_same(self, value: set[Any], text: str) -> bool:
        return isinstance(value, set) and value == set(json.loads(text))


@dataclass
class _Carrier(DataClassJsonMixin):
    value: Any


def to_json(value: Any) -> str:
    """JSON, as the struct that has this value would write it.

    Raises:
        TypeError: JSON cannot carry it.
    """
    try:
        return json.dumps(value)
    except TypeError as error:
        # `dataclasses_json` writes some more: sets, dates, UUIDs.
        try:
            return json.dumps(json.loads(_Carrier(value).to_json())["value"])
        except TypeError:
            raise error from None


@cache
def codecs_of(cls: type) -> dict[str, StructCodec[Any, Any]]:
    """The maps of a class of structs that can lie in the twin, by the names of their
    fields."""
    hints = get_type_hints(cls)
    found = ((field.name, _codec_of(hints[field.name])) for field in fields(cls))
    return {name: codec for name, codec in found if codec is not None}


def _codec_of(hint: Any) -> StructCodec[Any, Any] | None:
    if get_origin(hint) is not dict:
        return None
    key, value = get_args(hint)
    kind = get_origin(value) or value
    codecs: dict[tuple[Any, Any], StructCodec[Any, Any]] = {
        (str, str): Ids(),
        (int, str): Numbered(),
        (str, list): Lists(),
        (str, set): Sets(),
    }
    return codecs.get((key, kind))
