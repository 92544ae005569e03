"""Histories of changes: what is in the files after each persist.

A history is a list of lines. The first says how it begins, the others are changes
(`changes.py`) and persists; README.md says what is in them.
"""

import tempfile
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from llama_index.core import StorageContext
from llama_index.core.graph_stores import SimplePropertyGraphStore
from llama_index.core.storage.chat_store import SimpleChatStore

from recorder import changes, encode, odd

Line = dict[str, Any]
Files = dict[str, str]

FILES = {
    "docstore": "docstore.json",
    "index_store": "index_store.json",
    "graph_store": "graph_store.json",
    "property_graph_store": "property_graph_store.json",
    "chat_store": "chat_store.json",
    "vector_store": "default__vector_store.json",
}


BEGINNINGS = ["new", "spelled", "new", "styled"]


def record(random: Random, number: int, small: bool, counts: Counter[str]) -> list[Line]:
    """One history, of 20 changes or more and 3 persists or more. All combinations of
    stores and beginnings come in turn."""
    all_kinds = [[kind] for kind in FILES] + [list(FILES)]
    kinds = all_kinds[number % len(all_kinds)]
    how = BEGINNINGS[number % len(BEGINNINGS)]
    with tempfile.TemporaryDirectory() as directory:
        history = History(random, Path(directory))
        history.begin(how, kinds)
        if how == "new" and len(kinds) > 1:
            # Somebody looks before there is anything: collections that stay empty.
            history.done("docstore.get_ref_doc_info", {"ref_doc_id": "doc-a"})
            history.done("index_store.index_structs", {})
            history.persist(reload=True)
        for at in range(3 if small else random.choice([3, 3, 4])):
            for _ in range(7 if small else random.randint(7, 10)):
                history.change(kinds)
            # What was persisted last is loaded again, mostly.
            history.persist(reload=at == 0 or random.random() < 0.7)
    counts["histories"] += 1
    counts["changes"] += sum("call" in line for line in history.lines)
    counts["changes that raise"] += sum("raises" in line for line in history.lines)
    counts["persists"] += sum("files" in line for line in history.lines[1:])
    return history.lines


class History:
    """Stores, where they are persisted, and what was done so far."""

    def __init__(self, random: Random, directory: Path) -> None:
        self.random = random
        self.directory = directory
        self.lines: list[Line] = []
        self.known: Files = {}
        context = StorageContext.from_defaults(property_graph_store=SimplePropertyGraphStore())
        self.stores = changes.Stores(context, SimpleChatStore())

    def begin(self, how: str, kinds: list[str]) -> None:
        """From nothing, or from files that were written in ways of their own."""
        first: Line = {"begins": how}
        if how != "new":
            for kind in kinds * 6:
                try_to(self.stores, changes.make(self.random, self.stores, [kind]))
            files = self.written()
            if how == "spelled":
                first["spelled"] = odd.spell(files)
            else:
                odd.style(self.random, files)
            for name, text in files.items():
                (self.directory / name).write_bytes(text.encode())
            first["files"] = self.known = files
            self.load()
        self.lines.append(first)

    def change(self, kinds: list[str]) -> None:
        """The next change."""
        self.done(*changes.make(self.random, self.stores, kinds))

    def done(self, call: str, args: changes.Args) -> None:
        """This change."""
        self.lines.append({"call": call, "args": args, **try_to(self.stores, (call, args))})

    def persist(self, reload: bool) -> None:
        """Writes all files; those that differ from the time before are recorded."""
        files = self.written()
        changed = {name: text for name, text in files.items() if self.known.get(name) != text}
        self.lines.append({"files": changed, "reload": reload})
        self.known = files
        if reload:
            self.load()

    def written(self) -> Files:
        self.stores.context.persist(self.directory)
        self.stores.chat.persist(str(self.directory / FILES["chat_store"]))
        return {name: (self.directory / name).read_bytes().decode() for name in FILES.values()}

    def load(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context = StorageContext.from_defaults(persist_dir=str(self.directory))
            chat = SimpleChatStore.from_persist_path(str(self.directory / FILES["chat_store"]))
        self.stores = changes.Stores(context, chat)


def try_to(stores: changes.Stores, change: changes.Change) -> Line:
    """Does it, and says what came of it."""
    try:
        returns = changes.apply(stores, change)
    except (KeyError, ValueError, IndexError) as error:
        return {"raises": encode.raised(error)}
    return {} if returns is None else {"returns": returns}
