"""How a recording spells things that JSON readers disagree on.

Numbers that must come back to the last bit are text: `repr` of each, one blank
between two (`0.5 -1e-07 nan inf`). Ids are JSON strings, unless they hold a lone
surrogate, which strict readers refuse: then they are `{"wtf8": "hex"}`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def numbers(values: Iterable[float]) -> str:
    """Numbers as text, to the last bit."""
    return " ".join(repr(float(value)) for value in values)


def name(text: str) -> str | dict[str, str]:
    """An id."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"wtf8": text.encode(errors="surrogatepass").hex()}
    return text


def names(ids: Iterable[str]) -> list[str | dict[str, str]]:
    """Ids."""
    return [name(text) for text in ids]


def raised(error: Exception) -> list[str]:
    """An exception: its class, and what a user sees of it."""
    return [type(error).__name__, str(error)]


def write_lines(path: Path, lines: Iterable[Any]) -> None:
    """Writes one JSON value a line, with the fewest bytes."""
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    path.write_bytes(text.encode())
