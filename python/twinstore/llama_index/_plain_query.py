"""Queries of which the twin knows what LlamaIndex computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode
from numpy.typing import NDArray

_MODES = (VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR)
# Whole numbers up to here are numbers in `f64`, too.
_WHOLE = 1 << 53
# How much the norm of a query may be off where LlamaIndex computes it in few bits.
_OFF = 0.1


@dataclass(frozen=True)
class PlainQuery:
    """What decides which rows a query finds.

    Attributes:
        mode: ``default`` or ``mmr``.
        embedding: the numbers; None where there is no embedding.
        top_k: how many rows are wanted.
        mmr_threshold: the weight of mode ``mmr``.
    """

    mode: str
    embedding: NDArray[np.float64] | None
    top_k: int | None
    mmr_threshold: float | None

    @classmethod
    def of(cls, query: VectorStoreQuery, mmr_threshold: Any) -> PlainQuery | None:
        """A query, if it is plain. Any other is answered from all rows, so that whatever
        the installed LlamaIndex makes of it is right."""
        mode = next((mode for mode in _MODES if query.mode == mode), None)
        top_k = query.similarity_top_k
        is_mmr = mode is VectorStoreQueryMode.MMR
        if mode is None or not (top_k is None or _is_whole(top_k)):
            return None
        if is_mmr and not _is_plain_threshold(mmr_threshold):
            return None
        embedding = None
        if query.query_embedding is not None:
            embedding = _numbers(query.query_embedding, may_be_narrow=not is_mmr)
            if embedding is None:
                return None
        return cls(
            mode.value,
            embedding,
            None if top_k is None else int(top_k),
            None if mmr_threshold is None or not is_mmr else float(mmr_threshold),
        )


def _is_whole(number: object) -> bool:
    return isinstance(number, (int, np.integer)) and abs(int(number)) <= _WHOLE


def _is_plain_threshold(threshold: object) -> bool:
    # Some releases take 0 for what is not given. numpy's smaller floats are computed
    # with in their own precision.
    return threshold is None or (threshold != 0 and (isinstance(threshold, float) or _is_whole(threshold)))


def _numbers(embedding: Any, may_be_narrow: bool) -> NDArray[np.float64] | None:
    """The numbers of a query, if LlamaIndex computes with them in ``f64``.

    It makes an array of them, and numpy's rules do the rest: dot products with the
    vectors of a store, which are ``f64``, are in ``f64`` whatever the array is of. But
    the norm of ``float32`` is a ``float32``, and that of ``float16`` a ``float16``.

    Args:
        embedding: the query's.
        may_be_narrow: whether such a norm does not matter. It is a factor of all scores,
            so the largest ones are the same with it, but not where it is mixed with other
            numbers, as in mode ``mmr``.
    """
    try:
        array = np.asarray(embedding)
    except (TypeError, ValueError, OverflowError):
        return None  # No array can be made of it. LlamaIndex says so, too.
    if array.ndim != 1 or array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        return None
    numbers = array.astype(np.float64)
    is_narrow = array.dtype.kind == "f" and array.dtype.itemsize < 8
    if is_narrow and not (may_be_narrow and _is_near(array, numbers)):
        return None
    return numbers


def _is_near(array: NDArray[Any], numbers: NDArray[np.float64]) -> bool:
    """Whether the norm in few bits is about the true one. Its square may be too large or
    too small for them; then all scores are 0, infinite or NaN."""
    with np.errstate(all="ignore"):
        narrow, true = float(np.linalg.norm(array)), float(np.linalg.norm(numbers))
    return abs(narrow - true) <= _OFF * true
