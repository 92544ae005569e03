"""What one process of `scripts/scaling` does beside those of `scripts/compare`: it asks with
filters, or appends.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from array import array
from collections.abc import Callable

# Nodes of a commit, and commits.
NODES = 100
COMMITS = 5
FILTERS = {
    "a query of one row in 12": 'page_label == "3"',
    "a query of 12 rows": 'file_name == "report-000001.pdf"',
}


def timed(work: Callable[[], object]) -> float:
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def queries(data: str) -> list[list[float]]:
    with open(f"{data}/truth.json", encoding="utf-8") as file:
        count = len(json.load(file))
    numbers = array("f")
    with open(f"{data}/queries.f32", "rb") as file:
        numbers.frombytes(file.read())
    dim = len(numbers) // count
    return [numbers[n * dim : (n + 1) * dim].tolist() for n in range(count)]


def filtered(data: str) -> dict[str, float]:
    import twinstore

    twin = twinstore.open(f"{data}/storage")
    figures = {}
    for name, condition in FILTERS.items():
        times = []
        for query in queries(data):
            begin = time.monotonic()
            hits = twin.query(query, 10, filters=condition)
            times.append(time.monotonic() - begin)
            assert len(hits) == 10
        figures[name] = statistics.median(times)
    return figures


def append(data: str) -> dict[str, float]:
    """Commits of new nodes, each by a context that was just opened."""
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
    from twinstore.llama_index import StorageContext

    embedding = queries(data)[0]
    adding, persisting = [], []
    for commit in range(COMMITS):
        context = StorageContext.from_defaults(persist_dir=f"{data}/storage")
        nodes = [
            TextNode(
                id_=f"new-{commit}-{n}",
                text=f"The text of node {n} that came with commit {commit}. " * 5,
                embedding=embedding,
                metadata={"page_label": str(n), "file_name": f"new-{commit}.pdf"},
                relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document-{commit}")},
            )
            for n in range(NODES)
        ]

        def add(context=context, nodes=nodes) -> None:
            context.vector_store.add(nodes)
            # As an index does it.
            for node in nodes:
                node.embedding = None
            context.docstore.add_documents(nodes)

        adding.append(timed(add))
        persisting.append(timed(lambda context=context: context.persist(f"{data}/storage", json="never")))
    return {"add 100 nodes": statistics.median(adding), "persist them": statistics.median(persisting)}


def main() -> None:
    task, data = sys.argv[1:]
    print(json.dumps({"filtered": filtered, "append": append}[task](data)))
