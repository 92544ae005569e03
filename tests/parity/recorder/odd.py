"""Files that LlamaIndex reads but did not write: begun by another program, or by hand."""

import json
from random import Random
from typing import Any

# What is put into which file: what stands there, what it becomes, and what
# LlamaIndex makes of that when it writes the file again. `None` for the last says
# that it keeps it.
SPELLINGS: list[tuple[str, str, str, str | None]] = [
    # Members that its classes do not know are dropped ...
    ("graph_store.json", '{"graph_dict": ', '{"future": {"x": [1, 2.50]}, "graph_dict": ', '{"graph_dict": '),
    ("default__vector_store.json", '{"embedding_dict": ', '{"version": 2, "embedding_dict": ', '{"embedding_dict": '),
    ("property_graph_store.json", '"properties":', '"weight":0.50,"properties":', '"properties":'),
    ("chat_store.json", '"class_name"', '"version":2,"class_name"', '"class_name"'),
    ("index_store.json", '\\"summary\\"', '\\"future\\": [1.0], \\"summary\\"', '\\"summary\\"'),
    # ... but not those of records that stay JSON.
    ("docstore.json", '"__type__": "1"', '"__type__": "1", "by": "hand"', None),
    # Other ways to write a number.
    ("docstore.json", '"page": 2.5', '"page": 2.50', '"page": 2.5'),
    ("docstore.json", '"page": 3', '"page": 3E0', '"page": 3.0'),
    ("default__vector_store.json", '"page": 2.5', '"page": 2.500', '"page": 2.5'),
    ("default__vector_store.json", '"big": 1e+300', '"big": 1E300', '"big": 1e+300'),
]


def spell(files: dict[str, str]) -> list[list[str]]:
    """Rewrites files; gives back what differs: the file, how it is spelled there,
    and how LlamaIndex spells it."""
    differs = []
    for name, old, new, back in SPELLINGS:
        if old in files[name]:
            files[name] = files[name].replace(old, new)
            if back is not None:
                differs.append([name, new, back])
    return differs


# How programs write JSON that Python does not, unless it is told to.
STYLES: list[dict[str, Any]] = [
    {"separators": (",", ":")},
    {"ensure_ascii": False},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": 2},
    {"indent": 1, "ensure_ascii": False},
]


def style(random: Random, files: dict[str, str]) -> None:
    """Writes each file in a style of its own."""
    for name, text in files.items():
        files[name] = json.dumps(json.loads(text), **random.choice(STYLES))
