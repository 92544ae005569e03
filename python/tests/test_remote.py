"""Persist directories on other file systems, read through the cache."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from llama_index.core import Document, load_index_from_storage
from llama_index.core import StorageContext as StockContext
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.docstore import SimpleDocumentStore

from support.models import answers
from support.storage import json_files, stock_copy, stock_insert
from twinstore.errors import Damaged, DamagedManifest, Diverged, Io, JsonNewer
from twinstore.llama_index import StorageContext, TwinChatStore, TwinDocumentStore, TwinVectorStore

pytestmark = pytest.mark.any_release

NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    fs = fsspec.filesystem("memory")
    yield fs
    for path in fs.ls("/", detail=False):
        fs.rm(path, recursive=True)


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """The address of a server that speaks S3, on this machine and in memory."""
    for module in ("moto", "flask", "s3fs"):
        pytest.importorskip(module, reason=f"no S3: {module} is not installed")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """A file system and a directory that can be made on it."""
    if request.param == "memory":
        return request.getfixturevalue("memory"), "/place/storage"
    address = request.getfixturevalue("s3_server")
    fs = fsspec.filesystem(
        "s3", key="key", secret="secret", endpoint_url=address, skip_instance_cache=True, use_listings_cache=False
    )
    bucket = f"bucket-{uuid.uuid4()}"
    fs.mkdir(bucket)
    return fs, f"{bucket}/storage"


def upload(directory: Path, remote: tuple[Any, str]) -> None:
    """Makes the remote directory hold what the local one holds."""
    fs, place = remote
    if fs.exists(place):
        fs.rm(place, recursive=True)
    for path in directory.rglob("*"):
        if path.is_file():
            target = f"{place}/{path.relative_to(directory).as_posix()}"
            fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            fs.pipe_file(target, path.read_bytes())


def open_remote(remote: tuple[Any, str], **options: Any) -> StorageContext:
    fs, place = remote
    return StorageContext.from_defaults(persist_dir=place, fs=fs, **options)


def found(context: StockContext) -> Any:
    return answers(load_index_from_storage(context))


def local(directory: Path) -> StorageContext:
    return StorageContext.from_defaults(persist_dir=str(directory))


def cached() -> list[Path]:
    """The copies of twins in the cache."""
    cache = Path(os.environ["TWINSTORE_CACHE"])
    return sorted(cache.iterdir()) if cache.exists() else []


def test_without_a_twin_the_json_is_read_with_all_namespaces(storage: Path, remote: tuple[Any, str]) -> None:
    shutil.copy(storage / "default__vector_store.json", storage / "two__parts__vector_store.json")
    upload(storage, remote)
    context = open_remote(remote)
    assert type(context.docstore) is SimpleDocumentStore
    assert set(context.vector_stores) == {"default", "image", "two__parts"}
    assert found(context) == found(StockContext.from_defaults(persist_dir=str(storage)))
    assert cached() == []


def test_a_directory_that_is_not_there_is_missed_as_llamaindex_misses_it(remote: tuple[Any, str]) -> None:
    with pytest.raises(FileNotFoundError):
        open_remote(remote)


def test_that_json_is_read_is_said_once(
    storage: Path, memory: MemoryFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="twinstore")
    upload(storage, (memory, "/place"))
    for _ in range(2):
        open_remote((memory, "/place"))
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("twinstore")]
    assert line.startswith("the JSON files of /place are read")


def test_whoever_insists_on_a_twin_is_told_where_twins_are_made(storage: Path, memory: MemoryFileSystem) -> None:
    upload(storage, (memory, "/place"))
    with pytest.raises(ValueError, match="local file system"):
        open_remote((memory, "/place"), pack=True)
    local(storage)
    upload(storage, (memory, "/place"))
    assert isinstance(open_remote((memory, "/place"), pack=True).docstore, TwinDocumentStore)


def test_a_twin_is_opened_through_the_cache(storage: Path, remote: tuple[Any, str]) -> None:
    expected = found(local(storage))
    upload(storage, remote)
    context = open_remote(remote)
    assert isinstance(context.docstore, TwinDocumentStore) and isinstance(context.vector_store, TwinVectorStore)
    assert found(context) == expected
    assert len(cached()) == 1


def test_no_file_of_the_twin_is_fetched_twice(
    storage: Path, memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    local(storage)
    remote = (memory, "/storage")
    upload(storage, remote)
    open_remote(remote)
    fetched: list[str] = []
    get_file = memory.get_file

    def watched(path: str, *args: Any, **kwargs: Any) -> Any:
        fetched.append(path)
        return get_file(path, *args, **kwargs)

    monkeypatch.setattr(memory, "get_file", watched)
    assert isinstance(open_remote(remote).docstore, TwinDocumentStore)
    assert not [path for path in fetched if path.endswith(".seg")]


def test_no_json_is_needed_beside_the_twin(storage: Path, remote: tuple[Any, str]) -> None:
    expected = found(local(storage))
    for name in json_files(storage):
        (storage / name).unlink()
    upload(storage, remote)
    assert found(open_remote(remote)) == expected


def test_a_cache_that_cannot_be_written_is_no_missing_directory(
    storage: Path, tmp_path: Path, memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    local(storage)
    upload(storage, (memory, "/storage"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TWINSTORE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(Io, match="a copy of /storage in .*cache: .*; set TWINSTORE_CACHE") as error:
        open_remote((memory, "/storage"))
    assert not isinstance(error.value, FileNotFoundError) and error.value.path.parent == tmp_path / "file" / "cache"
    assert isinstance(pickle.loads(pickle.dumps(error.value)), Io)


def test_each_state_of_a_twin_has_its_own_copy(storage: Path, remote: tuple[Any, str]) -> None:
    context = local(storage)
    upload(storage, remote)
    old = open_remote(remote)
    load_index_from_storage(context).insert(NEWS)
    context.persist(storage)
    upload(storage, remote)
    new = open_remote(remote)
    assert len(cached()) == 2
    assert "news" in new.docstore.get_all_ref_doc_info()  # type: ignore[operator]
    assert "news" not in old.docstore.get_all_ref_doc_info()  # type: ignore[operator]


def test_newer_json_is_read_instead_of_the_twin(storage: Path, remote: tuple[Any, str]) -> None:
    local(storage)
    stock_insert(storage, NEWS)
    upload(storage, remote)
    context = open_remote(remote)
    assert type(context.docstore) is SimpleDocumentStore
    assert "news" in context.docstore.get_all_ref_doc_info()


def test_where_both_changed_it_is_an_error(storage: Path, tmp_path: Path, remote: tuple[Any, str]) -> None:
    context = local(storage)
    other = stock_copy(storage, tmp_path / "other")
    load_index_from_storage(context).insert(NEWS)
    context.persist(storage, json="never")
    stock_insert(other, Document(text="Something else.", id_="else"))
    for path in other.iterdir():
        shutil.copy(path, storage)
    upload(storage, remote)
    with pytest.raises(Diverged) as error:
        open_remote(remote)
    assert f"{remote[1]}/" in str(error.value) and str(error.value.path).startswith(remote[1])
    # Whoever did to the copy what helps a twin would harm it.
    assert os.environ["TWINSTORE_CACHE"] not in str(error.value) and "--prefer" not in str(error.value)


def test_news_that_only_json_has_beside_stores_that_only_the_twin_has_are_an_error(
    storage: Path, memory: MemoryFileSystem
) -> None:
    local(storage)
    stock_insert(storage, NEWS)
    (storage / "image__vector_store.json").unlink()
    upload(storage, (memory, "/storage"))
    with pytest.raises(JsonNewer, match="^/storage/.*newer than the twin.*upload") as error:
        open_remote((memory, "/storage"))
    assert os.environ["TWINSTORE_CACHE"] not in str(error.value)


def test_a_damaged_manifest_is_one_of_the_directory(storage: Path, memory: MemoryFileSystem) -> None:
    local(storage)
    [manifest] = (storage / "twin").glob("manifest-*")
    manifest.write_bytes(manifest.read_bytes()[:-10])
    upload(storage, (memory, "/storage"))
    with pytest.raises(DamagedManifest, match="^/storage: ") as error:
        open_remote((memory, "/storage"))
    assert error.value.generation == 1 and isinstance(error.value.__cause__, Damaged)


def test_long_json_is_recognised_by_samples(storage: Path, memory: MemoryFileSystem) -> None:
    context = local(storage)
    for number in range(40):
        context.docstore.add_documents([Document(text=f"{number} " * 20_000, id_=f"long-{number}")])
    context.persist(storage)
    assert (storage / "docstore.json").stat().st_size > 2 << 20
    remote = (memory, "/long")
    upload(storage, remote)
    assert isinstance(open_remote(remote).docstore, TwinDocumentStore)
    copy = cached()[0] / "docstore.json"
    assert copy.stat().st_size == (storage / "docstore.json").stat().st_size
    assert copy.read_bytes() != (storage / "docstore.json").read_bytes()


def test_a_copy_that_was_cut_is_fetched_again(storage: Path, remote: tuple[Any, str]) -> None:
    expected = found(local(storage))
    upload(storage, remote)
    open_remote(remote)
    for path in (cached()[0] / "twin").glob("*.seg"):
        path.write_bytes(path.read_bytes()[:-100])
    assert found(open_remote(remote)) == expected


@pytest.mark.parametrize("damage", ["its end", "most of it"])
def test_a_copy_that_cannot_be_opened_is_fetched_again(storage: Path, remote: tuple[Any, str], damage: str) -> None:
    expected = found(local(storage))
    upload(storage, remote)
    open_remote(remote)
    for path in (cached()[0] / "twin").glob("*.seg"):
        content = bytearray(path.read_bytes())
        if damage == "its end":
            content[-100:] = bytes(100)
        else:
            content[64:-64] = bytes(len(content) - 128)
        path.write_bytes(content)
    assert found(open_remote(remote)) == expected


def test_a_copy_that_turns_out_to_be_damaged_is_fetched_again_the_next_time(
    storage: Path, remote: tuple[Any, str]
) -> None:
    expected = found(local(storage))
    upload(storage, remote)
    open_remote(remote)
    twin = cached()[0] / "twin"
    for path in twin.glob("*.seg"):
        content = bytearray(path.read_bytes())
        content[64:192] = bytes(128)
        path.write_bytes(content)
    damaged = set()
    # One file after the other is found out.
    while len(damaged) < len(list(twin.iterdir())):
        try:
            assert found(open_remote(remote)) == expected
            break
        except Damaged as why:
            assert why.path.parent == twin and not why.path.exists()
            assert remote[1] in str(why) and "fetched again" in str(why) and "pack" not in str(why)
            assert why.path not in damaged
            damaged.add(why.path)
    assert damaged


def test_a_twin_that_is_damaged_where_it_lies_is_an_error_each_time(storage: Path, memory: MemoryFileSystem) -> None:
    local(storage)
    for path in (storage / "twin").glob("*.seg"):
        content = bytearray(path.read_bytes())
        content[-100:] = bytes(100)
        path.write_bytes(content)
    upload(storage, (memory, "/storage"))
    for _ in range(2):
        with pytest.raises(Damaged, match="a file of /storage"):
            found(open_remote((memory, "/storage")))


def test_persisting_back_writes_json_as_llamaindex_does(storage: Path, remote: tuple[Any, str]) -> None:
    local(storage)
    upload(storage, remote)
    context = open_remote(remote)
    load_index_from_storage(context).insert(NEWS)
    fs, place = remote
    context.persist(place, fs=fs)
    again = open_remote(remote)
    assert type(again.docstore) is SimpleDocumentStore and found(again) == found(context)


def test_persisting_where_there_is_a_twin_alone_writes_all_json(storage: Path, remote: tuple[Any, str]) -> None:
    local(storage)
    names = set(json_files(storage))
    for name in names:
        (storage / name).unlink()
    upload(storage, remote)
    context = open_remote(remote)
    load_index_from_storage(context).insert(NEWS)
    fs, place = remote
    context.persist(place, fs=fs)
    written = {path.rsplit("/", 1)[-1] for path in fs.find(place) if "/twin/" not in path}
    assert written == names
    expected = found(context)
    assert found(StockContext.from_defaults(persist_dir=place, fs=fs)) == expected
    again = open_remote(remote)
    assert type(again.docstore) is SimpleDocumentStore and found(again) == expected
    # As the error and the README have it: a copy is packed, and that is uploaded.
    (storage / "twin").rename(storage.parent / "older")
    for path in fs.find(place):
        copy = storage / path.split(f"{place}/", 1)[1]
        # Of s3fs it is the caller's affair.
        copy.parent.mkdir(exist_ok=True)
        fs.get_file(path, str(copy))
    assert isinstance(local(storage).docstore, TwinDocumentStore)
    upload(storage, remote)
    newest = open_remote(remote)
    assert isinstance(newest.docstore, TwinDocumentStore) and found(newest) == expected


def test_what_is_no_part_of_a_context_stays_in_a_twin_beside_newer_json(storage: Path, remote: tuple[Any, str]) -> None:
    chats = TwinChatStore()
    chats.add_message("alice", ChatMessage(role="user", content="Down the rabbit hole?"))
    chats.persist(str(storage / "chat_store.json"))
    local(storage)
    for name in json_files(storage):
        (storage / name).unlink()
    upload(storage, remote)
    context = open_remote(remote)
    load_index_from_storage(context).insert(NEWS)
    fs, place = remote
    context.persist(place, fs=fs)
    assert found(open_remote(remote)) == found(context)
    again = TwinChatStore.from_persist_path(f"{place}/chat_store.json", fs=fs)
    assert isinstance(again, TwinChatStore) and again.get_messages("alice") == chats.get_messages("alice")


def test_persisting_by_way_of_the_local_file_system_commits(storage: Path) -> None:
    local(storage)
    for name in json_files(storage):
        (storage / name).unlink()
    context = local(storage)
    load_index_from_storage(context).insert(NEWS)
    context.persist(storage, fs=fsspec.filesystem("file"))
    again = local(storage)
    assert isinstance(again.docstore, TwinDocumentStore) and found(again) == found(context)
    assert "news" in again.docstore.get_all_ref_doc_info()  # type: ignore[operator]


def test_persisting_to_a_local_directory_makes_a_twin_there(
    storage: Path, tmp_path: Path, remote: tuple[Any, str]
) -> None:
    local(storage)
    upload(storage, remote)
    context = open_remote(remote)
    load_index_from_storage(context).insert(NEWS)
    context.persist(tmp_path / "here")
    again = StorageContext.from_defaults(persist_dir=str(tmp_path / "here"), pack=False)
    assert isinstance(again.docstore, TwinDocumentStore) and found(again) == found(context)


def test_the_local_file_system_packs_as_without_one(storage: Path) -> None:
    fs = fsspec.filesystem("file")
    context = StorageContext.from_defaults(persist_dir=str(storage), fs=fs)
    assert isinstance(context.docstore, TwinDocumentStore) and (storage / "twin").is_dir()
    assert cached() == []
