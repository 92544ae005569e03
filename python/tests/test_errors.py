"""Each kind of error has a class, its fields as attributes, and LlamaIndex's builtin class and text."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import pytest

import twinstore
from support.plain import A_DOCUMENT, VECTORS, command, example, flip, json_of, segment_of, vector_store
from twinstore import errors

pytestmark = pytest.mark.any_release


def test_every_class_is_listed_and_is_a_twinstore_error() -> None:
    classes = {name for name, one in vars(errors).items() if inspect.isclass(one) and one.__module__ == errors.__name__}
    assert classes == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), twinstore.TwinstoreError) for name in classes)


def packed(tmp_path: Path) -> Path:
    directory = example(tmp_path / "storage")
    twinstore.pack(directory)
    return directory


def edited(directory: Path) -> Path:
    """Somebody edits the docstore's JSON."""
    path = directory / "docstore.json"
    path.write_text(path.read_text().replace("Alice", "Alicia"))
    return path


# Each gives the class that is raised and its attributes.


def no_twin(tmp_path: Path) -> dict[str, Any]:
    directory = example(tmp_path / "storage")
    with_attributes = {"dir": directory}
    return raised(lambda: twinstore.open(directory), errors.NoTwin, with_attributes)


def nothing_to_pack(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "notes.txt").write_text("text")
    return raised(lambda: twinstore.pack(tmp_path), errors.NothingToPack, {"dir": tmp_path, "others": 1})


def io_not_found(tmp_path: Path) -> dict[str, Any]:
    missing = tmp_path / "missing"
    attributes = {"path": missing, "filename": str(missing), "errno": 2, "strerror": "No such file or directory"}
    raised(lambda: twinstore.pack(missing), FileNotFoundError, attributes)
    return raised(lambda: twinstore.pack(missing), errors.IoNotFound, attributes)


def io(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "file").write_text("text")
    inside = tmp_path / "file" / "storage"
    return raised(lambda: twinstore.pack(inside), errors.Io, {"filename": str(inside)})


def json_newer(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    path = edited(directory)
    return raised(lambda: twinstore.open(directory), errors.JsonNewer, {"path": path})


def diverged(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    assert command("delete", directory, "--ref-doc", A_DOCUMENT).returncode == 0
    assert command("delete", directory, "--ref-doc", "a second one").returncode == 1
    path = directory / "docstore.json"
    before = path.read_bytes()
    assert command("rollback", directory, "--to", "1").returncode == 0
    path.write_bytes(before.replace(b"Alice", b"Alicia") + b" ")
    return raised(lambda: twinstore.open(directory), errors.Diverged, {"path": path})


def would_lose_store(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    path = directory / "docstore.json"
    path.write_text("")
    return raised(lambda: twinstore.pack(directory), errors.WouldLoseStore, {"path": path, "at": None})


def linked(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    path = directory / "docstore.json"
    elsewhere = tmp_path / "notes.txt"
    elsewhere.write_text("no store")
    path.unlink()
    path.symlink_to(elsewhere)
    attributes = raised(lambda: twinstore.unpack(directory), errors.Linked, {"path": path})
    assert elsewhere.read_text() == "no store"
    return attributes


def lost_generation(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    edited(directory)
    twinstore.pack(directory)
    twin = directory / "twin"
    (twin / "manifest-0000000002").unlink()
    attributes = {"twin": twin, "generation": 2, "newest": 1}
    return raised(lambda: twinstore.open(directory), errors.LostGeneration, attributes)


def not_packed(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    path = directory / "mine__vector_store.json"
    path.write_bytes((directory / "image__vector_store.json").read_bytes())
    return raised(lambda: twinstore.open(directory), errors.NotPacked, {"path": path})


def no_generation(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    attributes = {"dir": directory, "generation": 9, "kept": [1]}
    return raised(lambda: twinstore.open(directory, generation=9), errors.NoGeneration, attributes)


def no_store(tmp_path: Path) -> dict[str, Any]:
    twin = twinstore.open(packed(tmp_path))
    attributes = {"name": "other", "known": ["default", "image"]}
    return raised(lambda: twin.ids("other"), errors.NoStore, attributes)


def locked(tmp_path: Path) -> dict[str, Any]:
    directory = example(tmp_path / "storage")

    def pack_within(*_: object) -> None:
        twinstore.pack(directory)

    path = directory / "twin" / "LOCK"
    return raised(lambda: twinstore.pack(directory, progress=pack_within), errors.Locked, {"path": path})


def damaged(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    path = segment_of(directory, "vec")
    flip(path, 100_000)
    attributes = {"path": path, "section": "PLANE", "offset": 65_536, "fault": "checksum mismatch"}
    return raised(lambda: twinstore.open(directory).query([0.5] * 384), errors.Damaged, attributes)


def damaged_manifest(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    flip(segment_of(directory, "manifest"), 40)
    error = raised(lambda: twinstore.open(directory), errors.DamagedManifest, {"generation": 1, "previous": None})
    assert isinstance(error["error"].__cause__, errors.Damaged)
    return error


def target_exists(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "file").write_text("text")
    attributes = {"path": tmp_path / "copy"}
    return raised(lambda: twinstore.unpack(directory, out=tmp_path / "copy"), errors.TargetExists, attributes)


def target_in_twin(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    inside = directory / "twin" / "copy"
    return raised(lambda: twinstore.unpack(directory, out=inside), errors.TargetInTwin, {"path": inside})


def not_contiguous(tmp_path: Path) -> dict[str, Any]:
    directory = packed(tmp_path)
    return raised(lambda: twinstore.open(directory, io="read").vectors(), errors.NotContiguous, {})


def shapes(tmp_path: Path) -> dict[str, Any]:
    twin = twinstore.open(packed(tmp_path))
    attributes = {"reason": "Shapes", "query": 1, "stored": 384}
    return raised(lambda: twin.query([0.5]), errors.QueryValueError, attributes)


def node_without_metadata(tmp_path: Path) -> dict[str, Any]:
    directory = vector_store(tmp_path / "storage", {"it's": [0.5], "b": [0.25]}, {"b": {"page": 1}})
    twinstore.pack(directory)
    twin = twinstore.open(directory)
    attributes = {"reason": "NodeWithoutMetadata", "id": "it's", "args": ("it's",)}
    return raised(lambda: twin.query([0.5], filters="page == 1"), errors.QueryKeyError, attributes)


def needs_python(tmp_path: Path) -> dict[str, Any]:
    twin = twinstore.open(packed(tmp_path))
    attributes = {"reason": "NeedsPython", "mode": "svm"}
    return raised(lambda: twin.query([0.5] * 384, mode="svm"), errors.QueryNotImplementedError, attributes)


def raised(call: Callable[[], object], cls: type[BaseException], attributes: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(cls) as caught:
        call()
    for name, value in attributes.items():
        assert getattr(caught.value, name) == value
    return {"error": caught.value}


SITUATIONS = [
    no_twin,
    nothing_to_pack,
    io_not_found,
    io,
    json_newer,
    diverged,
    would_lose_store,
    linked,
    lost_generation,
    not_packed,
    no_generation,
    no_store,
    locked,
    damaged,
    damaged_manifest,
    target_exists,
    target_in_twin,
    not_contiguous,
    shapes,
    node_without_metadata,
    needs_python,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_an_error_has_its_class_and_fields_also_after_pickling(
    situation: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    error = situation(tmp_path)["error"]
    assert isinstance(error, twinstore.TwinstoreError)
    assert str(error) == error.message != ""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.args, vars(copy)) == (str(error), error.args, vars(error))
    assert getattr(copy, "filename", None) == getattr(error, "filename", None)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_class_survives_pickling(name: str) -> None:
    cls = getattr(errors, name)
    arguments: tuple[object, ...] = ()
    if issubclass(cls, OSError):
        arguments = (2, "No such file or directory", "storage")
    elif issubclass(cls, JSONDecodeError):
        arguments = ("byte 3", "", 3)
    elif issubclass(cls, KeyError):
        arguments = ("a key",)
    error = cls("what happened", *arguments, reason="Reason")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert (str(copy), copy.args, vars(copy)) == ("what happened", error.args, vars(error))
    for attribute in ["errno", "strerror", "filename", "pos"]:
        assert getattr(copy, attribute, None) == getattr(error, attribute, None)


def test_ways_to_be_out_of_sync_are_one_family() -> None:
    family = {one.__name__ for one in errors.OutOfSync.__subclasses__()}
    assert family == {"JsonNewer", "BinaryNewer", "Diverged", "NotPacked", "Changing", "Linked", "WouldLoseStore"}


def test_a_query_without_an_answer_raises_what_llamaindex_raises(tmp_path: Path) -> None:
    """The same builtin class, the same text, the same arguments."""
    pytest.importorskip("llama_index.core")
    from llama_index.core.vector_stores import SimpleVectorStore
    from llama_index.core.vector_stores.types import (
        MetadataFilter,
        MetadataFilters,
        VectorStoreQuery,
        VectorStoreQueryMode,
    )

    def stores(name: str, vectors: dict[str, list[float]], metadata: dict[str, Any]) -> tuple[Any, twinstore.Twin]:
        directory = vector_store(tmp_path / name, vectors, metadata)
        twinstore.pack(directory)
        return SimpleVectorStore.from_persist_path(str(directory / VECTORS)), twinstore.open(directory)

    page = MetadataFilters(filters=[MetadataFilter(key="page", value=3, operator=">")])  # type: ignore[arg-type]
    plain = stores("plain", {"a": [0.5, 1.0], "b": [1.0, 0.25]}, {"a": {"page": "x"}, "b": {"page": 1}})
    bare = stores("bare", {"a": [0.5, 1.0]}, {})
    partly = stores("partly", {'it\'s "a"': [0.5, 1.0], "b": [1.0, 0.25]}, {"b": {"page": 1}})
    nothing = stores("nothing", {"a": [0.0, 0.0], "b": [0.0, 0.0]}, {})
    cases: list[tuple[Any, list[float], dict[str, Any]]] = [
        (plain, [0.5], {}),
        (plain, [0.5, 0.5], {"mode": "sparse"}),
        (plain, [0.5, 0.5], {"filters": page}),
        (bare, [0.5, 0.5], {"filters": page}),
        (partly, [0.5, 0.5], {"filters": page}),
        (nothing, [0.5, 0.5], {"mode": "mmr"}),
    ]
    for (stock, twin), embedding, options in cases:
        mode = VectorStoreQueryMode(options.get("mode", "default"))
        query = VectorStoreQuery(
            query_embedding=embedding, similarity_top_k=2, mode=mode, filters=options.get("filters")
        )
        with pytest.raises(Exception) as theirs:
            stock.query(query)
        with pytest.raises(errors.QueryError) as ours:
            twin.query(embedding, 2, **options)
        assert isinstance(ours.value, type(theirs.value))
        assert (str(ours.value), ours.value.args) == (str(theirs.value), theirs.value.args)


def test_json_files_are_as_they_were_after_an_error(tmp_path: Path) -> None:
    directory = packed(tmp_path)
    before = json_of(directory, "docstore.json")
    flip(segment_of(directory, "rec"), 100)
    with pytest.raises(errors.Damaged):
        for _ in range(3):
            twinstore.unpack(directory, prefer="twin", out=tmp_path / "copy")
    assert json_of(directory, "docstore.json") == before
