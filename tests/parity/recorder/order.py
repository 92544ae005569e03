"""What of an answer is sure on every processor, and what is not.

The last bits of a cosine depend on the processor. Where two candidates' scores
are nearer than `NEAR`, so may their order, and where a cut falls among such a
group, which of them is in the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import similarity

from recorder import encode

NEAR = 1e-12


@dataclass
class Candidates:
    """What LlamaIndex handed to its search function."""

    query: list[float] | None
    rows: list[list[float]]
    ids: list[str]
    top_k: int | None
    threshold: float | None

    def bits(self, at: int) -> bytes:
        """Equal for vectors that are equal to the last bit, whose scores are, too."""
        return np.array(self.rows[at], dtype=np.float64).tobytes()


@dataclass
class Watch:
    """A search function that remembers what it was called with."""

    function: Callable[..., Any]
    seen: Candidates | None = None

    def __call__(self, query_embedding: Any, embeddings: Any, **options: Any) -> Any:
        """Calls the function."""
        self.seen = Candidates(
            query_embedding,
            embeddings,
            options["embedding_ids"],
            options["similarity_top_k"],
            options.get("mmr_threshold"),
        )
        return self.function(query_embedding, embeddings, **options)


def near(one: float, other: float) -> bool:
    """Whether another processor may see these two in another order."""
    return one == other or abs(one - other) <= NEAR


def is_a_rounding(seen: Candidates) -> bool:
    """Whether a score is what a sum's roundings left, divided by zero.

    A norm may underflow to zero where the products with the query do not. If those
    cancel out, the sum is zero in one order and tiny in another, and the score is
    NaN or infinite.
    """
    query = np.array(seen.query)
    for row in map(np.array, seen.rows):
        norm = np.linalg.norm(query) * np.linalg.norm(row)
        size = float(np.abs(query * row).sum())
        if norm == 0 and size > 0 and abs(float(np.dot(query, row))) <= len(row) * 2.0**-52 * size:
            return True
    return False


def of_default(seen: Candidates, ids: list[str]) -> dict[str, Any]:
    """How the answer of mode `default` is to be compared.

    `exact`: the same ids in the same order. `groups`: ids whose scores are near
    may change places, and with them the candidates in `cut`, which `top_k` left
    out. `loose`: NaN and near scores at once, so that nothing but the scores of
    ids that both have is sure.
    """
    query = np.array(seen.query)
    scores = [float(similarity(query, np.array(row))) for row in seen.rows]
    known = sorted((score, seen.bits(at)) for at, score in enumerate(scores) if score == score)
    pairs = zip(known, known[1:], strict=False)
    if all(not near(one[0], other[0]) or one[1] == other[1] for one, other in pairs):
        return {"order": "exact"}
    if len(known) < len(scores):
        return {"order": "loose"}
    by_id = dict(zip(seen.ids, scores, strict=True))
    left = sorted(((score, id_) for id_, score in by_id.items() if id_ not in set(ids)), reverse=True)
    last = by_id[ids[-1]] if ids else None
    cut = []
    for score, id_ in left:
        if last is None or not near(score, last):
            break
        cut.append(id_)
        last = score
    marks: dict[str, Any] = {"order": "groups"}
    if cut:
        marks["cut"] = encode.names(cut)
        marks["cut_scores"] = encode.numbers(by_id[id_] for id_ in cut)
    return marks


def of_mmr(seen: Candidates) -> tuple[int, int]:
    """Steps through mode `mmr`: how many picks it makes before it ends or raises,
    and how many of them are sure."""
    weight = 0.5 if seen.threshold is None else seen.threshold
    scale = max(1.0, abs(weight) + abs(1 - weight))
    cosines = [float(similarity(seen.query, row)) for row in seen.rows]
    rest = list(range(len(seen.rows)))
    wanted = min(seen.top_k or len(rest), len(rest))
    picks: list[int] = []
    sure = None
    while len(picks) < wanted:
        if picks:
            overlap = {at: float(similarity(seen.rows[at], seen.rows[picks[-1]])) for at in rest}
            scores = {at: weight * cosines[at] - (1 - weight) * overlap[at] for at in rest}
        else:
            scores = {at: cosines[at] * weight for at in rest}
        best = None
        for at in rest:
            if scores[at] > (float("-inf") if best is None else scores[best]):
                best = at
        if best is None:
            break
        # Zero times a number is zero on every processor.
        exactly_zero = not picks and weight == 0
        if sure is None and not exactly_zero:
            close = [at for at in rest if scores[at] == scores[best] or scores[best] - scores[at] <= NEAR * scale]
            if any(seen.bits(at) != seen.bits(best) for at in close):
                sure = len(picks)
        picks.append(best)
        rest.remove(best)
    return len(picks), len(picks) if sure is None else sure
