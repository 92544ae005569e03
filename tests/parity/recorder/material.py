"""What random stores are made of: ids, numbers, metadata."""

from random import Random
from typing import Any

import numpy as np

Vector = list[float]

# Names that break readers which are careless about quotes, escapes, encodings
# or the order of code points (the last two: UTF-16 would swap them).
ODD_IDS = ["", "a'b", 'a"b', "a'\"b", "back\\slash", "line\nbreak", "nul\x00", "del\x7f", "soft\xadhyphen", "Köln 🗼",
           "dir/file.txt_part_0", " blank ", "\u200b", "None", "0", "\uffee", "😀"]  # fmt: skip
# Only in files not written by LlamaIndex: its models refuse lone surrogates.
SURROGATE_IDS = ["\ud83d", "\ude00x", "half \ud800 way"]

# Powers of ten that a vector is multiplied by. Norms of the first underflow to
# zero and of the last overflow, whatever the order of a sum; the others do
# neither. What is between is left out, for there the answer depends on the
# processor: a fused multiply-add does not round where another rounds to zero.
SCALES = [1e-200, 1e-140, 1e-3, 1.0, 1e3, 1e150, 1e200]


def uuid(random: Random) -> str:
    """A canonical UUID."""
    digits = f"{random.getrandbits(128):032x}"
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


def fresh_ids(random: Random, count: int, odd: list[str]) -> list[str]:
    """Distinct ids, of one of the kinds that real stores have."""
    kind = random.choice(["uuid", "uuid", "count", "letters", "odd"])
    if kind == "uuid":
        return [uuid(random) for _ in range(count)]
    ids = [f"node-{number}" for number in range(count)]
    if kind == "letters":
        # Not in their own order, so that ties show which end of the order wins.
        ids = [f"{chr(97 + number % 26)}{number // 26 or ''}" for number in range(count)]
    if kind == "odd":
        ids = (random.sample(odd, len(odd)) + ids)[:count]
    random.shuffle(ids)
    return ids


def f32(value: float) -> float:
    """The nearest f32, widened again."""
    return float(np.float32(value))


def number(random: Random, kind: str) -> float:
    """A component as one of the kinds of embedding models and writers leaves it."""
    value = random.gauss(0, 1)
    match kind:
        case "f32":
            return f32(value)
        case "shortest":
            return float(str(np.float32(value)))
        case "nine digits":
            return float(f"{value:.9g}")
        case "short":
            return round(value, 2)
        case "whole":
            return float(random.randint(-2, 2))
        case "bits":
            return float(random.randint(0, 1))
    return value


KINDS = ["f32", "f32", "shortest", "shortest", "nine digits", "short", "f64", "whole", "bits"]


def vectors(random: Random, count: int, dim: int, kind: str) -> list[Vector]:
    """Vectors, some of them in ways that make scores equal, nearly equal or NaN."""
    rows = [[number(random, kind) for _ in range(dim)] for _ in range(count)]
    trouble = random.choice(
        ["none", "none", "none", "copies", "copies", "near", "scaled", "zero", "special", "extreme"]
    )
    for at, row in enumerate(rows):
        other = rows[random.randrange(at + 1)]
        if trouble == "copies" and random.random() < 0.4:
            rows[at] = list(other)
        elif trouble == "near" and random.random() < 0.5:
            tiny = random.choice([1e-6, 1e-9, 1e-13, 1e-16])
            rows[at] = [value * (1 + tiny * random.gauss(0, 1)) for value in other]
        elif trouble == "scaled" and random.random() < 0.5:
            times = random.choice([-1.0, 0.5, 3.0])
            rows[at] = [value * times for value in other]
        elif trouble == "zero" and random.random() < 0.2:
            rows[at] = [random.choice([0.0, -0.0])] * dim
        elif trouble == "special" and dim and random.random() < 0.2:
            special = random.choice([float("nan"), float("inf"), float("-inf")])
            row[random.randrange(dim)] = special
        elif trouble == "extreme" and random.random() < 0.5:
            scale = random.choice(SCALES)
            rows[at] = [value * scale for value in row]
    return rows


KEYS = ["page", "file", "tags", "draft", "note", "mixed", "big", "where", "Ключ"]


def metadata(random: Random) -> dict[str, Any]:
    """The metadata of one node; keys come and go, and one has values of all types."""
    given: dict[str, Any] = {
        "page": random.choice([1, 2, 3, 3, 4, 10, 2.0, 2.5]),
        "file": random.choice(["a.pdf", "b.txt", "A.pdf", "Straße.md", "ΑΣ", ""]),
        "tags": random.choice([[], ["x"], ["x", "y"], ["y", "z"], [1, 2.0], ["x", 1, None]]),
        "draft": random.choice([True, False]),
        "note": random.choice([None, "", "see page 3", "See Page 3", "日本"]),
        "mixed": random.choice([None, 1, 1.0, "1", True, [1], ["1"], {}, {"1": 1}, "", []]),
        "big": random.choice([2**53, 2**53 + 1, 2.0**53, -(2**63), 2**64, 1e300]),
        "where": random.choice([{}, {"city": "Köln"}, {"x": 1}]),
        "Ключ": random.choice(["да", "нет"]),
    }
    usual = ["page", "file", "tags", "draft"]
    keys = usual if random.random() < 0.5 else random.sample(KEYS, random.randint(0, len(KEYS)))
    return {key: given[key] for key in keys}
