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
# LlamaIndex's.
_DEFAULT_THRESHOLD = 0.5
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
        embedding, stretch = None, 1.0
        if query.query_embedding is not None:
            numbers = _numbers(query.query_embedding)
            if numbers is None:
                return None
            embedding, stretch = numbers
        threshold = None
        if is_mmr:
            threshold = _threshold(_DEFAULT_THRESHOLD if mmr_threshold is None else float(mmr_threshold), stretch)
            if threshold is None:
                return None
        return cls(mode.value, embedding, None if top_k is None else int(top_k), threshold)


def _is_whole(number: object) -> bool:
    return isinstance(number, (int, np.integer)) and abs(int(number)) <= _WHOLE


def _is_plain_threshold(threshold: object) -> bool:
    # Some releases take 0 for what is not given. numpy's smaller floats are computed
    # with in their own precision.
    return threshold is None or (threshold != 0 and (isinstance(threshold, float) or _is_whole(threshold)))


def _threshold(threshold: float, stretch: float) -> float | None:
    """The threshold with which true cosines lead to the same picks as cosines with the query
    that are larger by a factor: how the two terms of a score stand to each other decides."""
    if stretch == 1.0:
        return threshold
    if not 0 <= threshold <= 1:
        return None
    return threshold * stretch / (threshold * stretch + (1 - threshold))


def _numbers(embedding: Any) -> tuple[NDArray[np.float64], float] | None:
    """The numbers of a query, if LlamaIndex computes with them in ``f64``, and by what factor
    the cosines that it computes are larger than the true ones.

    It makes an array of them, and numpy's rules do the rest: dot products with the
    vectors of a store, which are ``f64``, are in ``f64`` whatever the array is of. But
    the norm of ``float32`` is a ``float32``, and that of ``float16`` a ``float16``, and
    all cosines are off by as much as that is.
    """
    try:
        array = np.asarray(embedding)
    except (TypeError, ValueError, OverflowError):
        return None  # No array can be made of it. LlamaIndex says so, too.
    if array.ndim != 1 or array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        return None
    numbers = array.astype(np.float64)
    if array.dtype.kind != "f" or array.dtype.itemsize == 8:
        return numbers, 1.0
    with np.errstate(all="ignore"):
        narrow, true = float(np.linalg.norm(array)), float(np.linalg.norm(numbers))
    # Its square may be too large or too small for few bits; then all scores are 0, infinite
    # or NaN.
    if not abs(narrow - true) <= _OFF * true:
        return None
    return numbers, true / narrow if narrow else 1.0
