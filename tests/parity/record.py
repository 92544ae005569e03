"""Drives real LlamaIndex through random stores and writes down its answers.

    record.py --out DIR [--seed N] [--cases N] [--small]

README.md beside this file says what a recording looks like; `scripts/parity`
makes the environment, runs this, and then the replay in Rust.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

# The order of Python's sets, which some stores persist, hangs on this.
HASH_SEED = "0"


def main() -> None:
    """Writes one recording."""
    parser = argparse.ArgumentParser(description="Record LlamaIndex's answers.")
    parser.add_argument("--out", type=Path, required=True, help="directory to make; what is there is replaced")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--cases", type=int, default=20_000, help="about so many vector queries, and a persist dir for twenty of them"
    )
    parser.add_argument("--small", action="store_true", help="small stores, as the repository carries them")
    options = parser.parse_args()
    # LlamaIndex shows absolute paths, which the recording replaces.
    options.out = options.out.resolve()

    shutil.rmtree(options.out, ignore_errors=True)
    counts: Counter[str] = Counter()
    record_vectors(options.out / "vectors", options.seed, options.cases, options.small, counts)
    record_contexts(options.out / "contexts", options.seed, 24 if options.small else options.cases // 20, counts)
    histories_wanted = 14 if options.small else options.cases // 20
    record_histories(options.out / "histories", options.seed, histories_wanted, options.small, counts)
    about: dict[str, Any] = {
        "llama-index-core": version("llama-index-core"),
        "numpy": version("numpy"),
        "pydantic": version("pydantic"),
        "python": platform.python_version(),
        "seed": options.seed,
        "counts": dict(sorted(counts.items())),
    }
    (options.out / "about.json").write_text(json.dumps(about, indent=1) + "\n")
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))


def record_vectors(out: Path, seed: int, wanted: int, small: bool, counts: Counter[str]) -> None:
    """Stores and queries, until there are enough queries."""
    number = 0
    while counts["vector queries"] < wanted:
        # Each store has a generator of its own, so that one can be made again.
        random = Random(f"{seed}/vectors/{number}")
        name = f"{number:05}"
        store = stores.make(random, out / name / stores.FILE, small)
        cases = [queries.record(random, store) for _ in range(8 if small else 12)]
        kept = [case for case in cases if case is not None]
        encode.write_lines(out / f"{name}.jsonl", kept)
        counts["vector stores"] += 1
        counts["vector queries"] += len(kept)
        counts["vector queries that raise"] += sum("raises" in case for case in kept)
        for case in kept:
            counts[f"order {case.get('order', 'of mmr' if 'ids' in case else 'none')}"] += 1
            counts["mmr with unsure picks"] += "sure" in case
        number += 1


def record_contexts(out: Path, seed: int, wanted: int, counts: Counter[str]) -> None:
    """Persist dirs, and what reading them gives."""
    for number in range(wanted):
        random = Random(f"{seed}/contexts/{number}")
        name = f"{number:05}"
        contexts.make(random, out / name)
        cases = lookups.record(random, out / name)
        encode.write_lines(out / f"{name}.jsonl", cases)
        counts["persist dirs"] += 1
        counts["lookups"] += len(cases)
        counts["lookups that raise"] += sum("raises" in case for case in cases)


def record_histories(out: Path, seed: int, wanted: int, small: bool, counts: Counter[str]) -> None:
    """Changes of stores, and the files after each persist."""
    out.mkdir(parents=True)
    for number in range(wanted):
        random = Random(f"{seed}/histories/{number}")
        encode.write_lines(out / f"{number:05}.jsonl", histories.record(random, number, small, counts))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": HASH_SEED})
    # Only now, for this is slow.
    from recorder import contexts, encode, histories, lookups, queries, stores

    main()
