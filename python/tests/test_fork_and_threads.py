"""Forked processes, threads, and copies that travel between processes."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, load_index_from_storage
from llama_index.core import StorageContext as StockContext
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.core.vector_stores.utils import build_metadata_filter_fn

from support.models import answers, use_models
from support.processes import run
from twinstore.errors import Conflict
from twinstore.llama_index import StorageContext, _vector_store

pytestmark = pytest.mark.any_release

NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})
ROWS, DIM = 6000, 128

#: Finds nothing, and every value of the key is looked at for that.
OF_NOBODY = VectorStoreQuery(
    query_embedding=[1.0], filters=MetadataFilters(filters=[MetadataFilter(key="name", value="nobody")])
)
#: Seconds after which a fork does not wait any longer.
PATIENCE = 10

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def open_dir(directory: Path) -> StorageContext:
    return StorageContext.from_defaults(persist_dir=str(directory))


def vectors(seed: int = 1, rows: int = ROWS) -> list[TextNode]:
    source = random.Random(seed)
    return [
        TextNode(id_=f"{seed}-{row}", text="", embedding=[source.uniform(-1, 1) for _ in range(DIM)])
        for row in range(rows)
    ]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with so many vectors that a query wakes the threads of the pool."""
    use_models()
    directory = tmp_path_factory.mktemp("many")
    context = StockContext.from_defaults()
    context.vector_store.add(vectors())
    context.docstore.add_documents([TextNode(id_="a", text="a")])
    context.persist(directory)
    open_dir(directory)
    return directory


def nearest(context: StockContext, seed: int = 7) -> Any:
    source = random.Random(seed)
    query = VectorStoreQuery(query_embedding=[source.uniform(-1, 1) for _ in range(DIM)], similarity_top_k=5)
    result = context.vector_store.query(query)
    return result.ids, [float(score) for score in result.similarities or []]


def before_each_value(do: Callable[[], None]) -> Callable[..., Callable[[Any], bool]]:
    """LlamaIndex's filters, which do something more when they are applied to a value."""

    def build(*arguments: Any) -> Callable[[Any], bool]:
        judge = build_metadata_filter_fn(*arguments)

        def do_and_judge(metadata: Any) -> bool:
            do()
            return judge(metadata)

        return do_and_judge

    return build


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.monotonic()
    call()
    return time.monotonic() - start


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` gives in a forked process.

    Raises:
        TimeoutError: the process hangs.
    """
    receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        try:
            sender.send(work())
        except BaseException as why:
            sender.send(why)
        finally:
            os._exit(0)
    try:
        if not receiver.poll(60):
            os.kill(pid, 9)
            raise TimeoutError("the forked process hangs")
        return receiver.recv()
    finally:
        os.waitpid(pid, 0)


@needs_fork
class TestFork:
    def test_a_query_after_a_fork_with_a_warm_pool_is_answered(self, many: Path) -> None:
        context = open_dir(many)
        here = nearest(context)
        for _ in range(3):
            assert in_child(lambda: nearest(context)) == here
        # A child's child, whose parent has a pool of its own.
        assert in_child(lambda: (nearest(context), in_child(lambda: nearest(context)))) == (here, here)
        assert nearest(context) == here

    def test_a_fork_while_threads_are_at_work_is_answered(self, many: Path) -> None:
        context = open_dir(many)
        here, stop = nearest(context), threading.Event()

        def work(number: int) -> None:
            while not stop.is_set():
                nearest(context)
                context.docstore.add_documents([TextNode(id_=f"busy-{number}", text="busy")])

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                assert in_child(lambda: nearest(context)) == here
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_a_child_may_read_what_a_thread_of_its_parent_was_reading(self, storage: Path) -> None:
        index = load_index_from_storage(open_dir(storage))
        nodes, stop = index.index_struct.nodes_dict, threading.Event()
        here = list(nodes.values())

        def work() -> None:
            while not stop.is_set():
                list(nodes.values())

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                assert in_child(lambda: list(nodes.values())) == here
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_busy_threads_keep_no_fork_waiting(self, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        context, stop = open_dir(storage), threading.Event()
        # So there is hardly a moment in which none of four threads is in a call.
        monkeypatch.setattr(_vector_store, "build_metadata_filter_fn", before_each_value(lambda: time.sleep(0.02)))

        def work() -> None:
            while not stop.is_set():
                context.vector_store.query(OF_NOBODY)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            assert max(seconds(lambda: in_child(lambda: None)) for _ in range(3)) < PATIENCE / 2
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_who_forks_while_llamaindex_judges_a_value_does_not_wait_for_itself(
        self, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = open_dir(storage).vector_store
        known = next(iter(store.data.embedding_dict))
        expected, told, waited = store.get(known), list[Any](), list[float]()

        def fork() -> None:
            waited.append(seconds(lambda: told.append(in_child(lambda: store.get(known)))))

        monkeypatch.setattr(_vector_store, "build_metadata_filter_fn", before_each_value(fork))
        assert store.query(OF_NOBODY).ids == []
        assert told and all(answer == expected for answer in told)
        assert max(waited) < PATIENCE / 2

    def test_the_parent_persists_while_a_forked_worker_lives(self, storage: Path) -> None:
        context = open_dir(storage)
        index = load_index_from_storage(context)
        before = answers(index)
        ready, go = os.pipe(), os.pipe()
        receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
        pid = os.fork()
        if pid == 0:
            try:
                first = answers(index)
                os.write(ready[1], b"x")
                os.read(go[0], 1)
                sender.send((first, answers(index)))
            finally:
                os._exit(0)
        os.read(ready[0], 1)
        index.insert(NEWS)
        context.persist(storage)
        index.insert(Document(text="One more.", id_="more"))
        context.persist(storage)
        os.write(go[1], b"x")
        assert receiver.poll(60)
        # The worker shows the state that it was forked with.
        assert receiver.recv() == (before, before)
        os.waitpid(pid, 0)
        assert {"news", "more"} <= set(open_dir(storage).docstore.get_all_ref_doc_info() or {})

    def test_a_forked_process_persists_under_a_lock_of_its_own(self, storage: Path) -> None:
        context = open_dir(storage)
        index = load_index_from_storage(context)

        def work() -> str:
            index.insert(NEWS)
            context.persist(storage)
            return "persisted"

        assert in_child(work) == "persisted"
        assert "news" in (open_dir(storage).docstore.get_all_ref_doc_info() or {})
        index.insert(Document(text="One more.", id_="more"))
        with pytest.raises(Conflict):
            context.persist(storage)

    def test_workers_of_multiprocessing_ask_one_directory(self, many: Path) -> None:
        context = open_dir(many)
        here = nearest(context)
        with multiprocessing.get_context("fork").Pool(4, initializer=_keep, initargs=(context,)) as pool:
            assert pool.map(_ask_kept, range(8)) == [here] * 8


_kept: list[StorageContext] = []


def _keep(context: StorageContext) -> None:
    _kept.append(context)


def _ask_kept(_: int) -> Any:
    return nearest(_kept[-1])


class TestThreads:
    def test_many_threads_ask_while_one_writes(self, many: Path, tmp_path: Path) -> None:
        context = open_dir(many)
        expected = nearest(context)
        failed: list[BaseException] = []
        stop = threading.Event()

        def ask(number: int) -> int:
            asked = 0
            while not stop.is_set():
                try:
                    ids, _ = nearest(context)
                    # What is added is no nearer than what was there: zero vectors.
                    assert ids == expected[0]
                    assert context.docstore.get_document("a").get_content() == "a"
                    list(context.vector_store.data.embedding_dict.keys())[number]  # type: ignore[attr-defined]
                    asked += 1
                except BaseException as why:
                    failed.append(why)
                    return asked
            return asked

        with ThreadPoolExecutor(16) as pool:
            asking = [pool.submit(ask, number) for number in range(16)]
            for number in range(12):
                away = [-component for component in _query()]
                node = TextNode(id_=f"new-{number}", text="new", embedding=away)
                context.vector_store.add([node])
                context.docstore.add_documents([node])
                if number % 4 == 3:
                    context.persist(tmp_path / "out")
                time.sleep(0.02)
            stop.set()
        assert failed == []
        assert sum(future.result() for future in asking) >= 16
        again = open_dir(tmp_path / "out")
        assert again.docstore.document_exists("new-11")
        assert again.vector_store.get("new-11") == context.vector_store.get("new-11")  # type: ignore[attr-defined]


def _query() -> list[float]:
    source = random.Random(7)
    return [source.uniform(-1, 1) for _ in range(DIM)]


class TestCopies:
    @pytest.mark.parametrize("how", ["pickle", "deepcopy"])
    def test_a_copy_holds_what_the_context_holds_and_needs_no_directory(self, storage: Path, how: str) -> None:
        context = open_dir(storage)
        load_index_from_storage(context).insert(NEWS)
        expected = answers(load_index_from_storage(context))
        copied = pickle.loads(pickle.dumps(context)) if how == "pickle" else copy.deepcopy(context)
        for path in sorted(storage.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        del context
        assert type(copied) is StorageContext
        for store in (copied, copied.docstore, copied.index_store, copied.graph_store, copied.vector_store):
            assert getattr(store, "_twin", None) is None
        assert answers(load_index_from_storage(copied)) == expected

    def test_a_copy_can_be_persisted(self, storage: Path, tmp_path: Path) -> None:
        copied = pickle.loads(pickle.dumps(open_dir(storage)))
        copied.persist(tmp_path / "copy")
        expected = answers(load_index_from_storage(open_dir(storage)))
        assert answers(load_index_from_storage(open_dir(tmp_path / "copy"))) == expected

    def test_another_process_can_be_sent_one(self, storage: Path, tmp_path: Path) -> None:
        context = open_dir(storage)
        (tmp_path / "pickle").write_bytes(pickle.dumps(context))
        script = """
import pickle, sys
from support.models import answers, use_models
use_models()
from llama_index.core import load_index_from_storage
with open(sys.argv[1], "rb") as file:
    print(answers(load_index_from_storage(pickle.load(file))))
"""
        assert run(script, str(tmp_path / "pickle")) == f"{answers(load_index_from_storage(context))}\n"
