"""The graph store: triplets by subject."""

from __future__ import annotations

from typing import Any

from fsspec import AbstractFileSystem
from llama_index.core.graph_stores.simple import SimpleGraphStore, SimpleGraphStoreData
from llama_index.core.graph_stores.types import DEFAULT_PERSIST_DIR, DEFAULT_PERSIST_FNAME

from twinstore._native import Context

from ._atomic import make_parent
from ._mapping import TwinMapping
from ._own_json import write_json
from ._printing import object_pieces
from ._standalone import twin_beside

STORE = "graph_store"
# The member of the file, and the field of `SimpleGraphStoreData`.
SUBJECTS = "graph_dict"


class TwinGraphStore(SimpleGraphStore):
    """LlamaIndex's ``SimpleGraphStore``, over a twin or in memory."""

    #: The context that it is a store of; None for one in memory.
    _twin: Context | None = None
    _subjects: TwinMapping[str, list[list[str]]] | None = None

    @classmethod
    def from_twin(cls, context: Context) -> TwinGraphStore:
        """The graph of a context."""
        subjects: TwinMapping[str, list[list[str]]]
        subjects = TwinMapping(context.collection(STORE, SUBJECTS), owner="subject")
        made = cls(SimpleGraphStoreData(graph_dict=subjects))  # type: ignore[arg-type]
        made._twin = context
        made._subjects = subjects
        return made

    @classmethod
    def from_persist_path(cls, persist_path: str, fs: AbstractFileSystem | None = None) -> SimpleGraphStore:
        """The graph of a JSON file, or of the twin beside it, see ``twin_beside``."""
        context = twin_beside(persist_path, DEFAULT_PERSIST_FNAME, fs)
        return super().from_persist_path(persist_path, fs=fs) if context is None else cls.from_twin(context)

    def persist(
        self,
        persist_path: str = f"{DEFAULT_PERSIST_DIR}/{DEFAULT_PERSIST_FNAME}",
        fs: AbstractFileSystem | None = None,
    ) -> None:
        """Writes LlamaIndex's JSON; see ``write_text_atomically``."""
        fs = fs or self._fs
        make_parent(persist_path, fs)
        pieces = object_pieces({SUBJECTS: self._data.graph_dict})
        write_json(persist_path, pieces, fs, self._twin, DEFAULT_PERSIST_FNAME)

    def check(self) -> None:
        """Makes sure that ``flush`` can write all that there is.

        Raises:
            Unserialisable: JSON cannot carry what a subject is related to.
        """
        subjects = self._own_subjects()
        if subjects is not None:
            subjects.check()

    def flush(self) -> None:
        """Hands what was changed to the context.

        Raises:
            Unserialisable: as ``check``. Nothing was handed over.
        """
        subjects = self._own_subjects()
        if subjects is not None:
            # `get` hands out the lists themselves, and they may be changed later.
            subjects.flush(keep=True)

    def _own_subjects(self) -> TwinMapping[str, list[list[str]]] | None:
        """The subjects of the twin, also where somebody put a dict in their place (as
        a `KnowledgeGraphIndex` of an old release does)."""
        subjects, now = self._subjects, self._data.graph_dict
        if subjects is not None and now is not subjects:
            subjects.clear()
            subjects.update(now)
            self._data.graph_dict = subjects  # type: ignore[assignment]
        return subjects

    def __getstate__(self) -> dict[str, Any]:
        # The subjects in `_data` become a dict.
        return {name: value for name, value in self.__dict__.items() if name not in ("_twin", "_subjects")}
