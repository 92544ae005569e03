"""What one process of `scripts/compare` does: build a store, or measure it.

It imports next to nothing, because its start is measured, too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from array import array

from compare_stores import STORES, Store

clock = time.monotonic


def median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def own_memory() -> int:
    """Memory of this process that is of no file."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))


def measure(store: Store, started: float, budget: float) -> dict[str, float]:
    """What one process has to tell, which was started at `started`."""
    with open(f"{store.data}/truth.json", encoding="utf-8") as file:
        truth = json.load(file)
    numbers = array("f")
    with open(f"{store.data}/queries.f32", "rb") as file:
        numbers.frombytes(file.read())
    dim = len(numbers) // len(truth)
    queries = [numbers[n * dim : (n + 1) * dim].tolist() for n in range(len(truth))]

    store.load()
    figures: dict[str, float] = {}
    if not store.documents_only:
        first = store.prepare(queries[0])
    begin = clock()
    store.open()
    figures["open"] = clock() - begin
    found = []
    if not store.documents_only:
        found.append(store.query(first))
        end = clock()
        figures["open and first query"] = end - begin
        figures["start to first query"] = end - started
    with open(f"{store.data}/documents.json", encoding="utf-8") as file:
        ids = json.load(file)

    def get(id: str) -> float:
        begin = clock()
        node = store.get(id)
        took = clock() - begin
        assert node["id_"] == id
        return took

    figures["first document"] = get(ids[0])
    figures["memory"] = own_memory()
    both = [(get(id), get(id)) for id in ids[1:]]
    figures["another document"] = median([first for first, _ in both])
    figures["the same again"] = median([again for _, again in both])
    if not store.documents_only:
        times = []
        until = clock() + budget
        for query in (store.prepare(query) for query in queries[1:]):
            begin = clock()
            found.append(store.query(query))
            times.append(clock() - begin)
            if clock() > until:
                break
        figures["another query"] = median(times)
        # The time may have been up before the last query.
        right = (len(set(ids) & set(nearest)) for ids, nearest in zip(found, truth, strict=False))
        figures["recall"] = sum(right) / sum(len(ids) for ids in found)
    return figures


def main() -> None:
    """`build NAME DATA`, or `measure NAME DATA STARTED SECONDS`."""
    task, name, data = sys.argv[1:4]
    store = next(store for store in STORES if store.name == name)(data)
    if task == "build":
        os.makedirs(store.dir, exist_ok=True)
        store.build()
        print("{}")
    else:
        print(json.dumps(measure(store, float(sys.argv[4]), float(sys.argv[5]))))
