"""Lists of node ids that were looked up in a vector store."""

from __future__ import annotations

from twinstore._native import Selection, Vectors

# How many lists are kept.
KEPT = 4


class IdLists:
    """The lists of node ids that queries named last, with the rows they stand for.

    A retriever names the same list with each query, most often that of all ids. The
    longest list is the dearest to look up, so it is kept however many others are named.

    A list is held as a copy, which keeps its strings as long as the store is there: no
    list can be held weakly, and one that was changed in place is another list. Lists are
    compared item by item, and a string that is the same object in both is not looked at.
    """

    def __init__(self) -> None:
        # Those that were named last come first. Replaced, never changed: threads share it.
        self._kept: list[Selection] = []

    def find(self, vectors: Vectors, ids: list[str]) -> Selection:
        """The rows of a list.

        Args:
            vectors: the store; always the same one.
            ids: the list.
        """
        kept = self._kept
        found = next((one for one in kept if one.ids == ids), None) or vectors.find_ids(ids)
        kept = [found, *(one for one in kept if one is not found)]
        if len(kept) > KEPT:
            longest = max(kept, key=lambda one: len(one.ids))
            kept.remove(kept[-2] if kept[-1] is longest else kept[-1])
        self._kept = kept
        return found
