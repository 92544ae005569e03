"""The package without LlamaIndex: open, query, records, and what is done with a directory."""

from __future__ import annotations

import os
import signal
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

import twinstore
from support.plain import A_DOCUMENT, VECTORS, command, documents, example, json_of, large, larger, vector_store
from twinstore.errors import NoGeneration, NoTwin

pytestmark = pytest.mark.any_release


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = example(tmp_path / "storage")
    twinstore.pack(directory)
    return directory


# Reports


def conform(report: Any, hint: Any) -> None:
    """A report has just the keys that its type says, and values of those types."""
    union = get_args(hint) if isinstance(hint, UnionType) or get_origin(hint) is Union else (hint,)
    if isinstance(report, list):
        [item_hint] = get_args(hint)
        for item in report:
            conform(item, item_hint)
    elif isinstance(report, dict):
        [typed] = [one for one in union if one is not NoneType]
        hints = get_type_hints(typed)
        assert report.keys() == hints.keys()
        for key, value in report.items():
            conform(value, hints[key])
    else:
        words = [word for one in union if get_origin(one) is Literal for word in get_args(one)]
        classes = tuple(one for one in union if isinstance(one, type) and not is_typeddict(one))
        assert report in words or isinstance(report, classes)


def test_reports_are_as_they_are_typed(tmp_path: Path) -> None:
    directory = documents(tmp_path / "storage")
    (directory / "notes.txt").write_text("not ours")
    packed = twinstore.pack(directory)
    assert packed["stores"] and packed["committed"]
    conform(packed, twinstore.PackReport)
    conform(twinstore.status(directory), twinstore.Status)
    conform(twinstore.info(directory), twinstore.Info)
    conform(twinstore.open(directory).info(), twinstore.Info)
    assert command("delete", directory, "--ref-doc", "doc 3").returncode == 0
    compacted = twinstore.compact(directory)
    assert compacted["committed"]
    conform(compacted, twinstore.CompactReport)
    unpacked = twinstore.unpack(directory, out=tmp_path / "copy")
    conform(unpacked, twinstore.UnpackReport)
    next((directory / "twin").glob("vec-*")).write_bytes(b"")
    verified = twinstore.verify(directory, deep=True)
    assert verified["problems"]
    conform(verified, twinstore.VerifyReport)


def test_what_is_packed_comes_back_to_the_byte(directory: Path, tmp_path: Path) -> None:
    twinstore.unpack(directory, out=tmp_path / "copy")
    for file in directory.glob("*.json"):
        assert (tmp_path / "copy" / file.name).read_bytes() == file.read_bytes()
    (directory / VECTORS).unlink()
    assert [file["file"] for file in twinstore.unpack(directory, store="default")["files"]] == [VECTORS]
    assert (directory / VECTORS).read_bytes() == (tmp_path / "copy" / VECTORS).read_bytes()


def test_arguments_that_cannot_be_are_refused(directory: Path) -> None:
    calls: list[Callable[[], object]] = [
        lambda: twinstore.pack(directory, level=23),
        lambda: twinstore.pack(directory, prefer="twin"),  # type: ignore[arg-type]
        lambda: twinstore.unpack(directory, generation=1),
        lambda: twinstore.open(directory, io="mmap"),  # type: ignore[arg-type]
        lambda: twinstore.open(directory, verify="always"),  # type: ignore[arg-type]
        lambda: twinstore.open(directory).query([0.5] * 384, mode="nearest"),
        lambda: twinstore.open(directory).query([0.5] * 384, filters="page is 3"),
        lambda: twinstore.open(directory).query([0.5] * 384, filters={"filters": [{"value": 3}]}),
    ]
    for refused in calls:
        with pytest.raises(ValueError):
            refused()
    with pytest.raises(TypeError, match="progress"):
        twinstore.pack(directory, progress="bar")  # type: ignore[arg-type]


# Progress


def test_progress_is_told_file_by_file(tmp_path: Path) -> None:
    directory = example(tmp_path / "storage")
    told: list[tuple[str, int, int]] = []
    twinstore.pack(directory, progress=lambda *now: told.append(now))
    assert {file for file, _, _ in told} == {file.name for file in directory.glob("*.json")}
    for file in {file for file, _, _ in told}:
        done = [done for name, done, _ in told if name == file]
        assert done == sorted(done)
        assert all(0 <= done <= total for name, done, total in told if name == file)


class Enough(Exception):
    pass


def enough(file: str, done: int, total: int) -> None:
    raise Enough(file)


def test_what_progress_raises_stops_the_work_and_nothing_is_changed(directory: Path, tmp_path: Path) -> None:
    before = twinstore.status(directory)
    with pytest.raises(Enough):
        twinstore.pack(directory, prefer="json", progress=enough)
    with pytest.raises(Enough):
        twinstore.verify(directory, progress=enough)
    with pytest.raises(Enough):
        twinstore.unpack(directory, out=tmp_path / "copy", progress=enough)
    assert not (tmp_path / "copy").exists()
    assert twinstore.status(directory) == before
    more = documents(tmp_path / "more")
    twinstore.pack(more)
    assert command("delete", more, "--ref-doc", "doc 3").returncode == 0
    before = twinstore.status(more)
    with pytest.raises(Enough):
        twinstore.compact(more, progress=enough)
    assert twinstore.status(more) == before
    assert twinstore.compact(more)["committed"]
    assert twinstore.verify(more, deep=True)["problems"] == []


@pytest.fixture
def keyboard_interrupt() -> Iterator[None]:
    """Ctrl-C raises, also where these tests are a job in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard_interrupt")
def test_ctrl_c_stops_a_pack_without_a_callback(tmp_path: Path) -> None:
    directory = larger(tmp_path / "storage")

    def interrupt() -> None:
        while not (directory / "twin").exists():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        twinstore.pack(directory)
    thread.join()
    with pytest.raises(NoTwin):
        twinstore.open(directory)
    assert twinstore.pack(directory)["generation"] == 1


def test_other_threads_run_while_a_directory_is_packed(tmp_path: Path) -> None:
    directory = large(tmp_path / "storage")
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    twinstore.pack(directory)
    twinstore.unpack(directory, out=tmp_path / "copy")
    end = time.monotonic()
    done.set()
    thread.join()
    within = [start, *(tick for tick in ticks if start < tick < end), end]
    longest = max(later - earlier for earlier, later in zip(within, within[1:], strict=False))
    assert longest < (end - start) / 2


# Queries


def test_answers_are_those_of_simple_vector_store(directory: Path) -> None:
    pytest.importorskip("llama_index.core")
    from llama_index.core.vector_stores import SimpleVectorStore
    from llama_index.core.vector_stores.types import (
        FilterCondition,
        FilterOperator,
        MetadataFilter,
        MetadataFilters,
        VectorStoreQuery,
        VectorStoreQueryMode,
    )

    stock = SimpleVectorStore.from_persist_path(str(directory / VECTORS))
    twin = twinstore.open(directory)
    embeddings = list(json_of(directory, VECTORS)["embedding_dict"].values())
    filters = MetadataFilters(
        filters=[
            MetadataFilter(key="file_name", value=["alice.txt", "none"], operator=FilterOperator.IN),
            MetadataFilter(key="file_size", value=100, operator=FilterOperator.LT),
        ],
        condition=FilterCondition.OR,
    )
    some = twin.ids()[::3]
    for number in range(0, 100, 10):
        for mode in ["default", "mmr"]:
            for chosen, node_ids in [(None, None), (filters, None), (None, some), (filters, some)]:
                query = VectorStoreQuery(
                    query_embedding=embeddings[number],
                    similarity_top_k=7,
                    mode=VectorStoreQueryMode(mode),
                    filters=chosen,
                    node_ids=node_ids,
                )
                answer = stock.query(query)
                hits = twin.query(embeddings[number], 7, mode=mode, filters=chosen, node_ids=node_ids)
                assert [hit.id for hit in hits] == answer.ids
                assert [hit.score for hit in hits] == pytest.approx(answer.similarities, abs=1e-12)


def test_filters_may_be_lines_or_a_dict(tmp_path: Path) -> None:
    vectors = {f"row {n}": [1.0, float(n) + 0.5] for n in range(10)}
    metadata = {f"row {n}": {"page": n, "lang": "de" if n % 2 else "en"} for n in range(10)}
    directory = vector_store(tmp_path / "storage", vectors, metadata)
    twinstore.pack(directory)
    twin = twinstore.open(directory)

    def found(filters: Any) -> set[str]:
        return {hit.id for hit in twin.query([1.0, 0.0], None, filters=filters)}

    assert found("page >= 8") == {"row 8", "row 9"}
    assert found(["page >= 7", "lang == de"]) == {"row 7", "row 9"}
    either = {
        "filters": [{"key": "page", "value": 1}, {"key": "page", "value": (3, 4), "operator": "in"}],
        "condition": "or",
    }
    assert found(either) == {"row 1", "row 3", "row 4"}
    assert found(None) == set(vectors)


# Records


def test_records_are_what_the_json_files_hold(directory: Path) -> None:
    twin = twinstore.open(directory)
    for records, whole in [
        (twin.docstore, json_of(directory, "docstore.json")["docstore/data"]),
        (twin.index_store, json_of(directory, "index_store.json")["index_store/data"]),
        (twin.graph_store, json_of(directory, "graph_store.json")["graph_dict"]),
        (
            twin.records("docstore", "docstore/ref_doc_info"),
            json_of(directory, "docstore.json")["docstore/ref_doc_info"],
        ),
        (twin.records("docstore", "nothing/data"), {}),
    ]:
        assert dict(records) == whole
        assert list(records) == list(whole)
        assert list(records.items()) == list(whole.items())
        assert list(records.values()) == list(whole.values())
        assert len(records) == len(whole)
        assert all(records[key] == value and key in records for key, value in whole.items())
        assert "nowhere" not in records
        with pytest.raises(KeyError, match="nowhere"):
            records["nowhere"]


def test_the_docstore_may_have_a_namespace_of_its_own(tmp_path: Path) -> None:
    directory = vector_store(tmp_path / "storage", {})
    (directory / "docstore.json").write_text('{"mine/data": {"a": {"__data__": {}, "__type__": "1"}}}')
    twinstore.pack(directory)
    assert list(twinstore.open(directory).docstore) == ["a"]


# Generations


def test_a_twin_shows_one_generation(directory: Path) -> None:
    before = twinstore.open(directory)
    assert command("delete", directory, "--ref-doc", A_DOCUMENT).returncode == 0
    after = twinstore.open(directory)
    assert (before.generation, after.generation) == (1, 2)
    assert len(before.docstore) == len(before.ids()) == 108
    assert len(after.docstore) == len(after.ids()) < 108
    assert len(twinstore.open(directory, generation=1).ids()) == 108
    assert before.info()["generation"] == 1
    with pytest.raises(NoGeneration) as raised:
        twinstore.open(directory, generation=7)
    assert raised.value.kept == [1, 2] and raised.value.generation == 7


def test_numbers_of_a_query_may_come_in_any_form(directory: Path) -> None:
    np = pytest.importorskip("numpy")
    twin = twinstore.open(directory)
    embedding = twin.embedding(twin.ids()[5])
    wanted = twin.query(embedding, 5)
    forms: list[Any] = [tuple(embedding), iter(embedding), array("d", embedding), np.array(embedding)]
    # They are numbers of few bits.
    forms += [np.array(embedding, dtype=np.float32), list(np.array(embedding, dtype=np.float32)), array("f", embedding)]
    for form in forms:
        assert twin.query(form, 5) == wanted
    assert twin.query([round(1000 * number) for number in embedding], 1)[0].id == wanted[0].id
    wrong: list[Any] = [
        "0.5" * 128,
        [str(number) for number in embedding],
        [embedding],
        np.array([embedding]),
        0.5,
        None,
    ]
    for form in wrong:
        with pytest.raises(TypeError):
            twin.query(form, 5)


def test_threads_may_share_a_twin(directory: Path) -> None:
    twin = twinstore.open(directory)
    embedding = twin.embedding(twin.ids()[5])
    wanted = twin.query(embedding, 5)
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(twin.query(embedding, 5))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [wanted] * 8


@pytest.mark.parametrize(
    "argument", [{"node_ids": "abc"}, {"filters": {"a"}}, {"filters": b"page == 1"}, {"filters": 3}]
)
def test_arguments_of_other_classes_are_refused_with_a_word(tmp_path: Path, argument: dict[str, Any]) -> None:
    directory = example(tmp_path / "storage")
    twinstore.pack(directory)
    name = next(iter(argument))
    with pytest.raises(TypeError, match=rf"^{name} is a .*, not {type(argument[name]).__name__}"):
        twinstore.open(directory).query([0.5] * 384, **argument)
