"""Vectors as numpy arrays that lie in the mapped file."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from llama_index.core.schema import TextNode

import twinstore
from support.plain import A_DOCUMENT, VECTORS, command, documents, example, flip, json_of, segment_of, vector_store
from twinstore.errors import Damaged, NoStore, NotContiguous, QueryValueError
from twinstore.llama_index import StorageContext

pytestmark = pytest.mark.any_release


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = example(tmp_path / "storage")
    twinstore.pack(directory)
    return directory


def expected(directory: Path) -> np.ndarray:
    """What the JSON file holds, as the nearest float32."""
    return np.array(list(json_of(directory, VECTORS)["embedding_dict"].values()), dtype=np.float64).astype(np.float32)


def test_an_array_is_the_mapped_file_itself(directory: Path) -> None:
    twin = twinstore.open(directory)
    array = twin.vectors()
    assert array.dtype == np.float32
    assert np.array_equal(array, expected(directory))
    assert not array.flags.owndata
    assert type(array.base).__name__ == "MappedVectors"
    assert array.ctypes.data % 64 == 0
    assert array.flags.c_contiguous
    # The same pages for everybody.
    assert twinstore.open(directory).vectors().ctypes.data != array.ctypes.data
    assert twin.vectors().ctypes.data == array.ctypes.data
    assert twin.ids() == list(json_of(directory, VECTORS)["embedding_dict"])


def test_an_array_cannot_be_written_to(directory: Path) -> None:
    array = twinstore.open(directory).vectors()
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1.0
    for view in [array, array[1:], array.T, array.reshape(-1), array.view(np.uint32)]:
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


def test_an_array_outlives_the_twin_and_its_file(directory: Path) -> None:
    wanted = expected(directory)
    view = twinstore.open(directory).vectors()[1:, ::2]
    gc.collect()
    file = segment_of(directory, "vec")
    assert command("delete", directory, "--ref-doc", A_DOCUMENT).returncode == 0
    twinstore.compact(directory)
    assert command("gc", directory, "--keep", "1").returncode == 0
    assert not file.exists()
    assert np.array_equal(view, wanted[1:, ::2])


def test_an_array_is_good_in_a_forked_child(directory: Path) -> None:
    array = twinstore.open(directory).vectors()
    wanted = expected(directory)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(array, wanted) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_deleted_vectors_are_named_until_they_are_compacted(tmp_path: Path) -> None:
    directory = documents(tmp_path / "storage")
    twinstore.pack(directory)
    before = twinstore.open(directory).ids()
    assert command("delete", directory, "--ref-doc", "doc 3", "--write-json", "always").returncode == 0
    twin = twinstore.open(directory)
    with pytest.raises(NotContiguous, match="compact"):
        twin.vectors()
    wanted = expected(directory)
    assert len(wanted) < len(before)
    assert np.array_equal(twin.vectors(copy=True), wanted)
    [segment] = twin.segments()
    assert segment.ids == before
    assert [id for id, live in zip(segment.ids, segment.live, strict=True) if live] == twin.ids()
    assert np.array_equal(segment.vectors[segment.live], wanted)
    assert not segment.vectors.flags.owndata
    twinstore.compact(directory)
    assert np.array_equal(twinstore.open(directory).vectors(), wanted)
    # Whoever had it open goes on seeing what was there.
    assert np.array_equal(twin.segments()[0].vectors[segment.live], wanted)


def added(directory: Path, deleted: list[str], **vectors: list[float]) -> None:
    """Persists a vector store with these vectors more and those less."""
    context = StorageContext.from_defaults(persist_dir=str(directory))
    context.vector_store.delete_nodes(deleted)
    context.vector_store.add([TextNode(id_=id, text="", embedding=embedding) for id, embedding in vectors.items()])
    context.persist(directory)


def test_several_segments_are_handed_out_one_by_one(tmp_path: Path) -> None:
    directory = documents(tmp_path / "storage")
    added(directory, [], **{f"new {n}": [n + 0.5] * 256 for n in range(3)})
    twin = twinstore.open(directory)
    with pytest.raises(NotContiguous, match="compact"):
        twin.vectors()
    old, new = twin.segments()
    assert new.ids == ["new 0", "new 1", "new 2"]
    assert new.vectors[:, 0].tolist() == [0.5, 1.5, 2.5]
    assert old.ids + new.ids == twin.ids()
    assert old.live.all() and new.live.all()
    together = np.vstack([old.vectors, new.vectors])
    assert np.array_equal(twin.vectors(copy=True), together)
    twinstore.compact(directory)
    assert np.array_equal(twinstore.open(directory).vectors(), together)


def test_a_vector_that_is_replaced_keeps_its_place_in_a_copy(tmp_path: Path) -> None:
    directory = documents(tmp_path / "storage")
    added(directory, [], **{"node 0-1": [0.5] * 256})
    twin = twinstore.open(directory)
    with pytest.raises(NotContiguous, match="compact"):
        twin.vectors()
    wanted = expected(directory)
    assert wanted[1].tolist() == [0.5] * 256
    assert np.array_equal(twin.vectors(copy=True), wanted)
    old, new = twin.segments()
    assert [id for id, live in zip(old.ids, old.live, strict=True) if not live] == new.ids == ["node 0-1"]
    twinstore.compact(directory)
    assert np.array_equal(twinstore.open(directory).vectors(), wanted)


def test_what_has_no_vector_is_no_row(tmp_path: Path) -> None:
    vectors = {"b": [0.5, 1.5], "d": [2.5, 3.5]}
    metadata = {id: {"page": 1} for id in ["a", "b", "c", "d", "e"]}
    directory = vector_store(tmp_path / "storage", vectors, metadata)

    def check() -> None:
        twin = twinstore.open(directory)
        assert twin.ids() == list(vectors)
        assert twin.vectors().tolist() == twin.vectors(copy=True).tolist() == list(vectors.values())
        assert not twin.vectors().flags.owndata
        [segment] = twin.segments()
        assert segment.ids == list(vectors) and segment.live.tolist() == [True, True]

    context = StorageContext.from_defaults(persist_dir=str(directory))
    check()
    context.vector_store.data.metadata_dict["f"] = {"page": 2}
    context.persist(directory)
    # Nor is a segment without a vector in the way of one that has some.
    check()


def test_a_segment_of_which_all_is_deleted_is_in_nobodys_way(tmp_path: Path) -> None:
    directory = documents(tmp_path / "storage")
    twinstore.pack(directory)
    added(directory, twinstore.open(directory).ids(), a=[0.5] * 256, b=[1.5] * 256)
    twin = twinstore.open(directory)
    assert twin.ids() == ["a", "b"]
    assert twin.vectors()[:, 0].tolist() == [0.5, 1.5]


def test_what_is_read_and_not_mapped_is_copied_on_request_only(directory: Path) -> None:
    twin = twinstore.open(directory, io="read")
    with pytest.raises(NotContiguous, match='io="read"'):
        twin.vectors()
    with pytest.raises(NotContiguous, match='^the segments of .* no arrays: .*io="read".*copy=True copies'):
        twin.segments()
    assert np.array_equal(twin.vectors(copy=True), expected(directory))
    [segment] = twin.segments(copy=True)
    assert np.array_equal(segment.vectors, expected(directory))


@pytest.mark.parametrize("io", ["map", "read"])
def test_a_copy_is_the_callers_own(directory: Path, io: str) -> None:
    twin = twinstore.open(directory, io=io)  # type: ignore[arg-type]
    copy = twin.vectors(copy=True)
    copy[:] = 0.0
    assert np.array_equal(twin.vectors(copy=True), expected(directory))


def test_blocks_are_checked_before_they_are_handed_out(directory: Path) -> None:
    path = segment_of(directory, "vec")
    place = path.read_bytes().index(expected(directory)[50].tobytes())
    flip(path, place)
    for hand_out in [twinstore.Twin.vectors, twinstore.Twin.segments]:
        with pytest.raises(Damaged) as raised:
            hand_out(twinstore.open(directory))
        assert raised.value.path == path
        assert raised.value.section == "PLANE"
    unchecked = twinstore.open(directory, verify="never").vectors()
    assert np.flatnonzero((unchecked != expected(directory)).any(axis=1)).tolist() == [50]


def test_a_component_is_the_float32_nearest_to_the_stored_value(tmp_path: Path) -> None:
    directory = vector_store(tmp_path / "storage", {"exact": [0.5, -2.0], "decimal": [0.1, 0.7], "delta": [1 / 3, 0.1]})
    twinstore.pack(directory)
    twin = twinstore.open(directory)
    array = twin.vectors()
    assert array[0].tolist() == twin.embedding("exact") == [0.5, -2.0]
    assert array[1].tolist() != twin.embedding("decimal") == [0.1, 0.7]
    assert array[2].tolist() != twin.embedding("delta") == [1 / 3, 0.1]
    assert np.array_equal(array[2], np.array([1 / 3, 0.1]).astype(np.float32))
    with pytest.raises(KeyError, match="'none'"):
        twin.embedding("none")


def test_a_store_that_fits_no_matrix_is_gathered(tmp_path: Path) -> None:
    directory = vector_store(tmp_path / "twice", {})
    (directory / VECTORS).write_text('{"embedding_dict": {"a": [0.5, 1.5], "b": [2.5, 3.5], "a": [4.5, 5.5]}}')
    twinstore.pack(directory)
    twin = twinstore.open(directory)
    for hand_out in [twin.vectors, twin.segments]:
        with pytest.raises(NotContiguous, match="JSON records"):
            hand_out()
    assert twin.vectors(copy=True).tolist() == [[4.5, 5.5], [2.5, 3.5]]
    ragged = vector_store(tmp_path / "ragged", {"a": [0.5], "b": [0.5, 0.5]})
    twinstore.pack(ragged)
    with pytest.raises(QueryValueError, match="inhomogeneous"):
        twinstore.open(ragged).vectors(copy=True)


def test_a_store_without_vectors_has_an_empty_array(directory: Path) -> None:
    twin = twinstore.open(directory)
    assert twin.vectors("image").shape == (0, 0)
    assert twin.segments("image") == []
    with pytest.raises(NoStore) as raised:
        twin.vectors("nowhere")
    assert raised.value.known == ["default", "image"]


def test_without_numpy_there_is_an_import_error(directory: Path) -> None:
    script = """
import sys
sys.modules["numpy"] = None
import twinstore
twin = twinstore.open(sys.argv[1])
assert len(twin.query(twin.embedding(twin.ids()[0]), 3)) == 3
try:
    twin.vectors()
except ImportError as why:
    print(why)
"""
    env = {**os.environ, "PYTHONPATH": ":".join(path for path in sys.path if path)}
    run = subprocess.run([sys.executable, "-c", script, directory], capture_output=True, text=True, check=True, env=env)
    assert "numpy" in run.stdout
