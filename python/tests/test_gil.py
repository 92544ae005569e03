"""Long calls let other threads work: they hold the GIL for no part of them that is long."""

from __future__ import annotations

import json
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.vector_stores.types import VectorStoreQuery

import twinstore
from support.plain import VECTORS, command, vector_store
from twinstore.llama_index import StorageContext

pytestmark = pytest.mark.any_release

ROWS, DIM = 16_000, 512
DOCUMENTS = 100
# A machine at work stops any thread for some milliseconds. What holds the GIL to its end
# does so each time, so that one attempt without is enough.
ATTEMPTS = 20
# How long Python's own work may go on while another thread wants the GIL.
SWITCH = 0.0005


@pytest.fixture(autouse=True)
def impatient_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of which nothing is done in a moment."""
    directory = tmp_path_factory.mktemp("long") / "storage"
    vector_store(directory, {})
    seeded = random.Random(6)
    # All numbers are of one width, so that a row is a piece of the text.
    numbers = ", ".join(repr(seeded.randrange(1, 256, 2) / 256) for _ in range(2 * DIM))
    width = len("0.00390625, ")
    owners = {f"id {n}": f"doc {n % DOCUMENTS}" for n in range(ROWS)}
    with (directory / VECTORS).open("w") as file:
        file.write('{"embedding_dict": {')
        for n, id in enumerate(owners):
            start = seeded.randrange(DIM) * width
            row = numbers[start : start + DIM * width - len(", ")]
            file.write(f'{", " * (n > 0)}"{id}": [{row}]')
        rest = {"text_id_to_ref_doc_id": owners, "metadata_dict": {id: {"page": doc} for id, doc in owners.items()}}
        file.write("}, " + json.dumps(rest)[1:])
    twinstore.pack(directory)
    return directory


def longest_wait(work: Callable[[], Any]) -> tuple[float, float]:
    """How long another thread waited for the GIL at most, and how long the work took."""
    start = end = waited = 0.0
    started = threading.Event()

    def tick() -> None:
        # Without a pause: a thread that sleeps is woken late where all cores are at work.
        nonlocal waited
        last = time.monotonic()
        started.set()
        while not end:
            now = time.monotonic()
            waited = max(waited, now - max(last, start))
            last = now
        waited = max(waited, end - max(last, start))

    thread = threading.Thread(target=tick)
    thread.start()
    started.wait()
    waited, start = 0.0, time.monotonic()
    try:
        work()
    finally:
        end = time.monotonic()
        thread.join()
    return waited, end - start


def lets_others_work(prepare: Callable[[], Callable[[], Any]]) -> bool:
    """Whether another thread waits for a third of the work at most, in the best of some attempts."""
    for _ in range(ATTEMPTS):
        waited, took = longest_wait(prepare())
        print(f"waited {waited * 1e3:.1f} of {took * 1e3:.1f} ms")  # For whoever sees it fail.
        if waited < took / 3:
            return True
    return False


def query() -> list[float]:
    return [random.Random(7).uniform(-1, 1)] * DIM


def test_what_holds_the_gil_is_found_out() -> None:
    # One call that gives the GIL to nobody before it ends.
    assert not lets_others_work(lambda: lambda: sum(range(3_000_000)))


def test_a_pack_does(packed: Path, tmp_path: Path) -> None:
    def prepare() -> Callable[[], Any]:
        directory = tmp_path / "storage"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(packed, directory, ignore=shutil.ignore_patterns("twin"))
        return lambda: twinstore.pack(directory)

    assert lets_others_work(prepare)


def test_an_unpack_does(packed: Path, tmp_path: Path) -> None:
    def prepare() -> Callable[[], Any]:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        return lambda: twinstore.unpack(packed, out=tmp_path / "copy")

    assert lets_others_work(prepare)


@pytest.mark.parametrize("deep", [False, True])
def test_a_verification_does(packed: Path, deep: bool) -> None:
    assert lets_others_work(lambda: lambda: twinstore.verify(packed, deep=deep))


def test_a_compaction_does(packed: Path, tmp_path: Path) -> None:
    def prepare() -> Callable[[], Any]:
        directory = tmp_path / "storage"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(packed, directory)
        assert command("delete", directory, "--ref-doc", "doc 3", "--write-json", "never").returncode == 0
        return lambda: twinstore.compact(directory)

    assert lets_others_work(prepare)


@pytest.mark.parametrize("mode", ["default", "mmr"])
def test_a_scan_does(packed: Path, mode: str) -> None:
    def prepare() -> Callable[[], Any]:
        # Not looked at yet, so that its blocks are checked as well.
        twin, embedding = twinstore.open(packed), query()
        return lambda: twin.query(embedding, 100, mode=mode, mmr_threshold=0.5 if mode == "mmr" else None)

    assert lets_others_work(prepare)


def test_a_scan_of_llamaindexs_does(packed: Path) -> None:
    def prepare() -> Callable[[], Any]:
        context = StorageContext.from_defaults(persist_dir=str(packed), pack=False)
        asked = VectorStoreQuery(query_embedding=query(), similarity_top_k=10)
        return lambda: context.vector_store.query(asked)

    assert lets_others_work(prepare)


def test_all_vectors_as_an_array_do(packed: Path) -> None:
    def prepare() -> Callable[[], Any]:
        twin = twinstore.open(packed)
        return lambda: twin.vectors(copy=True)

    assert lets_others_work(prepare)


def test_persisting_all_to_a_new_place_does(packed: Path, tmp_path: Path) -> None:
    def prepare() -> Callable[[], Any]:
        context = StorageContext.from_defaults(persist_dir=str(packed), pack=False)
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        return lambda: context.persist(str(tmp_path / "copy"))

    assert lets_others_work(prepare)
