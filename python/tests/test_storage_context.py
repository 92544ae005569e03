"""``StorageContext.from_defaults``: what is opened, row by row of the table of the two twins."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, KnowledgeGraphIndex, VectorStoreIndex, load_index_from_storage
from llama_index.core import StorageContext as StockContext
from llama_index.core.graph_stores.simple import SimpleGraphStore
from llama_index.core.graph_stores.simple_labelled import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import EntityNode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.storage.index_store import SimpleIndexStore
from llama_index.core.vector_stores import SimpleVectorStore

from support.models import answers
from support.processes import run, start
from support.storage import documents, json_files, stock_copy, stock_insert
from twinstore.errors import Diverged, JsonNewer
from twinstore.llama_index import (
    StorageContext,
    TwinDocumentStore,
    TwinGraphStore,
    TwinIndexStore,
    TwinPropertyGraphStore,
    TwinVectorStore,
)

NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})


# Where persist directories of old releases are.
REAL = [Path(path) for path in os.environ.get("TWINSTORE_REAL_DIRS", "").split(os.pathsep) if path]
needs_real = pytest.mark.skipif(not REAL, reason="TWINSTORE_REAL_DIRS names no real persist directories")


def real_old_directories() -> list[Path]:
    found = {path.parent for directory in REAL for path in directory.glob("legacy/v0[678]*/**/docstore.json")}
    return sorted(path for path in found if "twin" not in path.parts)


def found(context: StockContext) -> Any:
    return answers(load_index_from_storage(context))


def stock_found(directory: Path) -> Any:
    return found(StockContext.from_defaults(persist_dir=str(directory)))


def is_twin(context: StorageContext) -> bool:
    """Whether all stores are those of a twin."""
    stores = [context.docstore, context.index_store, context.graph_store, *context.vector_stores.values()]
    kinds = (TwinDocumentStore, TwinIndexStore, TwinGraphStore, TwinVectorStore)
    return all(isinstance(store, kinds) for store in stores)


def open_dir(directory: Path, **options: Any) -> StorageContext:
    return StorageContext.from_defaults(persist_dir=str(directory), **options)


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """What this package has logged."""
    ours = (record for record in caplog.records if record.name.startswith("twinstore"))
    return [record.getMessage() for record in ours if record.levelno >= level]


def without_privileges() -> tuple[str, ...]:
    """What a command begins with so that rights hold for root, too."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def change_text(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


class TestWithoutATwin:
    def test_the_directory_is_packed_once_with_one_line_in_the_log(
        self, storage: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        before = json_files(storage)
        context = open_dir(storage)
        assert is_twin(context)
        assert [line.split(" in ")[0] for line in lines(caplog)] == [f"packed {storage}"]
        assert found(context) == stock_found(storage)
        caplog.clear()
        assert is_twin(open_dir(storage)) and lines(caplog) == []
        assert json_files(storage) == before

    @pytest.mark.parametrize("how", ["argument", "environment"])
    def test_packing_can_be_switched_off(
        self, storage: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        caplog.set_level(logging.INFO)
        if how == "environment":
            monkeypatch.setenv("TWINSTORE_PACK", "0")
        options: dict[str, Any] = {"pack": False} if how == "argument" else {}
        for _ in range(2):
            context = open_dir(storage, **options)
            assert type(context.docstore) is SimpleDocumentStore
            assert type(context.vector_store) is SimpleVectorStore
            assert found(context) == stock_found(storage)
        assert len(lines(caplog)) == 1 and "packing is switched off" in lines(caplog)[0]
        assert not (storage / "twin").exists()

    @pytest.mark.any_release
    @pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
    def test_a_directory_that_cannot_be_written_is_read_as_json(self, storage: Path) -> None:
        script = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
from support.models import answers, use_models
use_models()
from llama_index.core import load_index_from_storage
from twinstore.llama_index import StorageContext
for _ in range(2):
    context = StorageContext.from_defaults(persist_dir=sys.argv[1])
print(type(context.docstore).__name__, answers(load_index_from_storage(context)))
"""
        expected = stock_found(storage)
        storage.chmod(0o555)
        printed = run(script, str(storage), prefix=without_privileges()).splitlines()
        said = [line for line in printed if line.startswith(("WARNING", "Simple"))]
        assert [line.split(" ")[0] for line in said] == ["WARNING", "SimpleDocumentStore"]
        assert said[1] == f"SimpleDocumentStore {expected}"
        assert not (storage / "twin").exists()

    @pytest.mark.any_release
    @pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
    def test_whoever_insists_on_a_twin_is_told_that_there_can_be_none(self, storage: Path) -> None:
        script = """
import sys
from twinstore.errors import IoPermission
from twinstore.llama_index import StorageContext
try:
    StorageContext.from_defaults(persist_dir=sys.argv[1], pack=True)
except IoPermission as why:
    print(why.filename)
"""
        storage.chmod(0o555)
        assert run(script, str(storage), prefix=without_privileges()).startswith(str(storage))

    @pytest.mark.any_release
    def test_two_processes_that_pack_at_once_both_open_the_one_twin(self, storage: Path) -> None:
        script = """
import sys
from support.models import answers, use_models
use_models()
from llama_index.core import load_index_from_storage
from twinstore.llama_index import StorageContext
print("ready", flush=True)
sys.stdin.readline()
context = StorageContext.from_defaults(persist_dir=sys.argv[1])
print(context._twin.generation, type(context.docstore).__name__, answers(load_index_from_storage(context)))
"""
        both = [start(script, str(storage)) for _ in range(2)]
        for process in both:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=120)[0] for process in both]
        assert outputs == [f"1 TwinDocumentStore {stock_found(storage)}\n"] * 2

    @pytest.mark.any_release
    def test_whoever_comes_while_another_one_packs_waits_for_it(self, storage: Path) -> None:
        (storage / "twin").mkdir()
        holder = start(
            "import fcntl, sys, time\n"
            "file = open(sys.argv[1], 'a+')\n"
            "fcntl.flock(file, fcntl.LOCK_EX)\n"
            "print('locked', flush=True)\n"
            "sys.stdin.readline()\n",
            str(storage / "twin" / "LOCK"),
        )
        assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
        waiting = start(
            "import sys\n"
            "from twinstore.llama_index import StorageContext\n"
            "print(type(StorageContext.from_defaults(persist_dir=sys.argv[1]).docstore).__name__)\n",
            str(storage),
        )
        with pytest.raises(TimeoutError):
            _wait(waiting, 4)
        assert not list((storage / "twin").glob("manifest-*"))
        holder.communicate("\n", timeout=30)
        assert waiting.communicate(timeout=60)[0] == "TwinDocumentStore\n"

    @pytest.mark.parametrize("missing", ["directory", "docstore.json", "index_store.json"])
    def test_what_is_missing_is_missed_as_llamaindex_misses_it(self, storage: Path, missing: str) -> None:
        if missing == "directory":
            shutil.rmtree(storage)
        else:
            (storage / missing).unlink()
        with pytest.raises(FileNotFoundError) as stock:
            StockContext.from_defaults(persist_dir=str(storage))
        with pytest.raises(FileNotFoundError) as ours:
            open_dir(storage)
        assert str(ours.value) == str(stock.value)
        assert not (storage / "twin").exists()

    def test_damaged_json_raises_what_llamaindex_raises(self, storage: Path) -> None:
        path = storage / "docstore.json"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(json.JSONDecodeError) as stock:
            StockContext.from_defaults(persist_dir=str(storage))
        with pytest.raises(json.JSONDecodeError) as ours:
            open_dir(storage)
        assert str(ours.value) == str(stock.value)


def _wait(process: Any, seconds: float) -> None:
    import subprocess

    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired as why:
        raise TimeoutError from why


class TestWithATwin:
    @pytest.fixture
    def storage(self, storage: Path) -> Path:
        open_dir(storage)
        return storage

    def test_in_sync_the_twin_is_opened(self, storage: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        assert is_twin(open_dir(storage, pack=False))
        assert lines(caplog) == []

    @pytest.mark.parametrize("pack", ["never", "always", 0, None])
    def test_an_unknown_word_about_packing_is_refused(self, storage: Path, pack: Any) -> None:
        with pytest.raises(ValueError, match="must be True, False or"):
            open_dir(storage, pack=pack)  # The twin is up to date, and nothing would be packed.
        stock_insert(storage, NEWS)
        with pytest.raises(ValueError, match="must be True, False or"):
            open_dir(storage, pack=pack)

    def test_touched_json_is_worth_one_line(self, storage: Path, caplog: pytest.LogCaptureFixture) -> None:
        os.utime(storage / "docstore.json", (1, 1))
        for _ in range(2):
            assert is_twin(open_dir(storage))
        assert len(lines(caplog)) == 1 and "docstore.json was touched" in lines(caplog)[0]

    def test_a_copied_directory_is_in_order(self, storage: Path, tmp_path: Path) -> None:
        shutil.copytree(storage, tmp_path / "copy", copy_function=shutil.copyfile)
        assert is_twin(open_dir(tmp_path / "copy", pack=False))

    def test_newer_json_is_packed_again(self, storage: Path, caplog: pytest.LogCaptureFixture) -> None:
        stock_insert(storage, NEWS)
        caplog.set_level(logging.INFO)
        context = open_dir(storage)
        assert is_twin(context) and context._twin is not None and context._twin.generation == 2
        assert found(context) == stock_found(storage)
        assert "news" in context.docstore.get_all_ref_doc_info()  # type: ignore[operator]
        assert [line.split(" in ")[0] for line in lines(caplog)] == [f"packed {storage}"]

    def test_newer_json_is_read_where_packing_is_switched_off(self, storage: Path) -> None:
        stock_insert(storage, NEWS)
        context = open_dir(storage, pack=False)
        assert type(context.docstore) is SimpleDocumentStore
        assert found(context) == stock_found(storage)

    def test_json_that_lacks_a_store_of_the_twin_is_not_read_instead(self, storage: Path) -> None:
        stock_insert(storage, NEWS)
        (storage / "image__vector_store.json").unlink()
        with pytest.raises(JsonNewer):
            open_dir(storage, pack=False)
        assert set(open_dir(storage).vector_stores) == {"default", "image"}

    def test_a_new_namespace_file_is_packed(self, storage: Path) -> None:
        shutil.copy(storage / "default__vector_store.json", storage / "two__parts__vector_store.json")
        context = open_dir(storage)
        assert is_twin(context)
        assert set(context.vector_stores) == {"default", "image", "two__parts"}

    def test_a_newer_twin_is_opened_beside_older_json(self, storage: Path) -> None:
        context = open_dir(storage)
        load_index_from_storage(context).insert(NEWS)
        context.persist(storage, json="never")
        for path in storage.glob("*.stale"):
            path.rename(path.with_suffix(""))
        assert "news" not in StockContext.from_defaults(persist_dir=str(storage)).docstore.get_all_ref_doc_info()  # type: ignore[operator]
        assert "news" in open_dir(storage).docstore.get_all_ref_doc_info()  # type: ignore[operator]

    def test_where_both_changed_the_error_names_both(self, storage: Path, tmp_path: Path) -> None:
        other = stock_copy(storage, tmp_path / "other")
        context = open_dir(storage)
        load_index_from_storage(context).insert(NEWS)
        context.persist(storage, json="never")
        stock_insert(other, Document(text="Something else.", id_="else"))
        for path in other.iterdir():
            shutil.copy(path, storage)
        with pytest.raises(Diverged, match="both the JSON file and the twin changed"):
            open_dir(storage)

    @pytest.mark.parametrize("damage", ["empty", "cut", "broken inside", "no store", "no dict in it"])
    def test_the_twin_is_opened_beside_damaged_json_with_a_warning(
        self, storage: Path, caplog: pytest.LogCaptureFixture, damage: str
    ) -> None:
        expected = stock_found(storage)
        path = storage / "docstore.json"
        if damage == "broken inside":
            change_text(path, b'"docstore/data": {', b'"docstore/data": [')
        elif damage.startswith("no"):
            path.write_text("[1, 2]" if damage == "no store" else '{"docstore/data": 3}')
        else:
            path.write_bytes(b"" if damage == "empty" else path.read_bytes()[:-20])
        for _ in range(2):
            context = open_dir(storage)
            assert is_twin(context) and found(context) == expected
        warnings = lines(caplog, logging.WARNING)
        assert len(warnings) == 1 and "docstore.json" in warnings[0] and "unpack" in warnings[0]

    def test_persisting_restores_json_that_was_cut(self, storage: Path) -> None:
        path = storage / "docstore.json"
        whole = path.read_bytes()
        path.write_bytes(b"")
        open_dir(storage).persist(storage)
        assert path.read_bytes() == whole

    def test_the_twin_needs_no_json(self, storage: Path) -> None:
        expected = stock_found(storage)
        for path in storage.glob("*.json"):
            path.unlink()
        context = open_dir(storage)
        assert is_twin(context) and found(context) == expected


class TestStoresThatArePassedIn:
    def test_they_take_the_place_of_those_of_the_directory(self, storage: Path) -> None:
        docstore, index_store, graph = SimpleDocumentStore(), SimpleIndexStore(), SimpleGraphStore()
        vectors, images, properties = SimpleVectorStore(), SimpleVectorStore(), SimplePropertyGraphStore()
        context = open_dir(
            storage,
            docstore=docstore,
            index_store=index_store,
            graph_store=graph,
            vector_store=vectors,
            image_store=images,
            property_graph_store=properties,
        )
        assert context.docstore is docstore and context.index_store is index_store
        assert context.graph_store is graph and context.property_graph_store is properties
        assert context.vector_stores == {"default": vectors, "image": images}

    def test_their_files_need_not_be_there(self, storage: Path) -> None:
        (storage / "docstore.json").unlink()
        assert isinstance(open_dir(storage, docstore=SimpleDocumentStore()).index_store, TwinIndexStore)

    def test_a_dict_of_vector_stores_is_taken_as_it_is(self, storage: Path) -> None:
        stores = {"mine": SimpleVectorStore()}
        assert open_dir(storage, vector_stores=stores).vector_stores is stores
        context = StorageContext.from_defaults(vector_stores=stores)
        assert context.vector_stores is stores and set(stores) == {"mine", "image"}


class TestFilesThatAreNotLlamaIndexs:
    @pytest.fixture
    def storage(self, storage: Path) -> Path:
        # As FAISS leaves it.
        (storage / "default__vector_store.json").write_bytes(b"IxFI\x18\x00\x00\x00\xff\xfe\x80\x01")
        return storage

    def test_a_binary_vector_store_does_no_harm_where_another_one_is_passed_in(self, storage: Path) -> None:
        before = json_files(storage)
        vectors = SimpleVectorStore()
        context = open_dir(storage, vector_store=vectors)
        assert context.vector_store is vectors and isinstance(context.docstore, TwinDocumentStore)
        assert json_files(storage) == before

    @pytest.mark.parametrize("pack", ["auto", False])
    def test_without_one_the_error_says_what_to_do(self, storage: Path, pack: Any) -> None:
        with pytest.raises(ValueError, match="default__vector_store.json is no JSON.*vector_store="):
            open_dir(storage, pack=pack)


class TestNames:
    def test_a_directory_with_the_old_name_of_the_vector_store_is_opened(self, storage: Path) -> None:
        expected = stock_found(storage)
        (storage / "default__vector_store.json").rename(storage / "vector_store.json")
        (storage / "image__vector_store.json").unlink()
        for pack in (False, "auto"):
            context = open_dir(storage, pack=pack)
            assert set(context.vector_stores) == {"default"}
            assert found(context) == expected

    @pytest.mark.parametrize("pack", ["auto", False])
    def test_every_namespace_is_found_though_another_is_damaged(
        self, storage: Path, caplog: pytest.LogCaptureFixture, pack: Any
    ) -> None:
        for name in ("a", "two__parts", "z"):
            shutil.copy(storage / "default__vector_store.json", storage / f"{name}__vector_store.json")
        (storage / "m__vector_store.json").write_bytes(b'{"embedding_dict": ')
        context = open_dir(storage, pack=pack)
        assert set(context.vector_stores) == {"default", "image", "a", "two__parts", "z"}
        assert any("'m' is left out" in line for line in lines(caplog))


class TestOldReleases:
    """Directories that today's LlamaIndex refuses, or reads half."""

    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        """As 0.6.0 wrote it: other names, other types, no ref doc info."""
        directory = tmp_path / "old"
        directory.mkdir()

        def node(name: str, kind: str, **more: Any) -> dict[str, Any]:
            data = {"text": name, "doc_id": name, "embedding": None, "doc_hash": "h", "extra_info": {"page": 1}}
            return {"__data__": data | {"relationships": {}} | more, "__type__": kind}

        nodes = {name: node(name, "1", node_info=None, relationships={"1": "doc"}) for name in ("a", "b")}
        index = {"index_id": "vector", "summary": None, "nodes_dict": {"a": "a", "b": "b"}, "doc_id_dict": {}}
        files: dict[str, Any] = {
            "docstore.json": {"docstore/data": {"doc": node("doc", "Document"), **nodes}},
            "index_store.json": {"index_store/data": {"vector": {"__type__": "vector_store", "__data__": index}}},
            "vector_store.json": {
                "embedding_dict": {"a": [1.0, 0.0], "b": [0.0, 1.0], "free": [1.0, 1.0]},
                "text_id_to_doc_id": {"a": "doc", "b": "doc", "free": "None"},
            },
        }
        for name, content in files.items():
            (directory / name).write_text(json.dumps(content))
        return directory

    @pytest.mark.parametrize("pack", [False, "auto"])
    def test_are_read_whether_they_are_packed_or_not(self, old: Path, pack: Any) -> None:
        context = open_dir(old, pack=pack)
        assert context.docstore.docs["doc"].get_content() == "doc"
        assert {type(node).__name__ for node in context.docstore.docs.values()} == {"Document", "TextNode"}
        node = context.docstore.get_document("a")
        assert node is not None and node.ref_doc_id == "doc" and node.metadata == {"page": 1}
        context.vector_store.delete("doc")
        assert list(context.vector_store.data.embedding_dict) == ["free"]  # type: ignore[attr-defined]

    def test_are_read_store_by_store(self, old: Path) -> None:
        vectors = TwinVectorStore.from_persist_path(str(old / "vector_store.json"))
        vectors.delete("doc")
        assert list(vectors.data.embedding_dict) == ["free"]
        assert set(TwinVectorStore.from_namespaced_persist_dir(str(old))) == {"default"}
        assert TwinDocumentStore.from_persist_dir(str(old)).docs["doc"].get_content() == "doc"

    @needs_real
    @pytest.mark.parametrize("path", real_old_directories(), ids=lambda path: "-".join(path.parts[-2:]))
    def test_real_ones_are_the_same_packed_and_not(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A node that has no id in its file gets another each time it is read.
        monkeypatch.setattr("uuid.uuid4", lambda: "made up")
        contexts = []
        for pack in (False, True):
            directory = tmp_path / str(pack)
            shutil.copytree(path, directory, copy_function=shutil.copyfile)
            given = {} if (path / "index_store.json").exists() else {"index_store": SimpleIndexStore()}
            contexts.append(open_dir(directory, pack=pack, **given))
        read, packed = contexts
        assert type(read.docstore) is SimpleDocumentStore and isinstance(packed.docstore, TwinDocumentStore)
        nodes = [[repr(node.to_dict()) for node in context.docstore.docs.values()] for context in contexts]
        assert nodes[0] == nodes[1]
        assert set(read.vector_stores) == set(packed.vector_stores)
        for namespace in read.vector_stores:
            data = [context.vector_stores[namespace].data for context in contexts]  # type: ignore[attr-defined]
            for owner in sorted(set(data[0].text_id_to_ref_doc_id.values()))[:1]:
                for context in contexts:
                    context.vector_stores[namespace].delete(owner)
            maps = [
                (list(found.embedding_dict), dict(found.text_id_to_ref_doc_id), dict(found.metadata_dict or {}))
                for found in data
            ]
            assert maps[0] == maps[1]


class TestOptionalStores:
    def test_a_property_graph_is_there_only_when_it_is_there(self, storage: Path) -> None:
        assert open_dir(storage).property_graph_store is None
        graph = SimplePropertyGraphStore()
        graph.upsert_nodes([EntityNode(name="Alice", label="person")])
        graph.persist(str(storage / "property_graph_store.json"))
        opened = open_dir(storage).property_graph_store
        assert isinstance(opened, TwinPropertyGraphStore)
        assert [node.id for node in opened.get()] == ["Alice"]

    def test_a_missing_graph_is_an_empty_one(self, storage: Path) -> None:
        (storage / "graph_store.json").unlink()
        graph = open_dir(storage).graph_store
        assert isinstance(graph, TwinGraphStore) and graph.get_rel_map(["Alice"]) == {"Alice": []}

    def test_without_a_directory_there_is_always_a_store_for_images(self) -> None:
        context, stock = StorageContext.from_defaults(), StockContext.from_defaults()
        assert list(context.vector_stores) == list(stock.vector_stores) == ["default", "image"]
        assert is_twin(context)

    def test_with_a_directory_there_is_one_if_it_is_there(self, storage: Path) -> None:
        (storage / "image__vector_store.json").unlink()
        assert set(open_dir(storage).vector_stores) == {"default"}


def test_a_context_is_one_of_llamaindexs_and_works_in_its_functions(storage: Path) -> None:
    context = open_dir(storage)
    assert isinstance(context, StockContext)
    assert context.to_dict() == StockContext.from_defaults(persist_dir=str(storage)).to_dict()
    index = VectorStoreIndex.from_documents(documents(), storage_context=StorageContext.from_defaults())
    assert isinstance(index.storage_context, StorageContext)
    copy = StorageContext.from_dict(index.storage_context.to_dict())
    assert copy.docstore.docs.keys() == index.docstore.docs.keys()


def test_all_kinds_of_stores_that_llamaindex_wrote_are_opened(tmp_path: Path, models: None) -> None:
    triplets = [("Alice", "follows", "rabbit"), ("rabbit", "has", "watch")]
    index = KnowledgeGraphIndex.from_documents(documents()[:1], kg_triplet_extract_fn=lambda text: triplets)
    index.storage_context.persist(tmp_path)
    ours = open_dir(tmp_path)
    assert is_twin(ours)
    assert ours.graph_store.get_rel_map(["Alice"]) == index.graph_store.get_rel_map(["Alice"])
