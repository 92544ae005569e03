"""``StorageContext.persist``: one commit of all stores, and what else there is to a directory."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from llama_index.core import Document, VectorStoreIndex, load_index_from_storage
from llama_index.core import StorageContext as StockContext
from llama_index.core.graph_stores.simple_labelled import SimplePropertyGraphStore
from llama_index.core.graph_stores.types import EntityNode
from llama_index.core.schema import TextNode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores import SimpleVectorStore

from support.models import WordEmbedding, answers
from support.storage import documents, json_files, stock_insert
from twinstore import unpack
from twinstore.errors import Conflict, WouldEmpty
from twinstore.llama_index import StorageContext, TwinVectorStore

NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})
MORE = Document(text="The queen had tea in the rabbit hole.", id_="more", metadata={"name": "more"})


def open_dir(directory: Path, **options: Any) -> StorageContext:
    return StorageContext.from_defaults(persist_dir=str(directory), **options)


def insert(context: StorageContext, *news: Document) -> None:
    index = load_index_from_storage(context)
    for document in news:
        index.insert(document)


def names(context: StockContext) -> set[str]:
    return set(context.docstore.get_all_ref_doc_info() or {})


def stock_found(directory: Path) -> Any:
    return answers(load_index_from_storage(StockContext.from_defaults(persist_dir=str(directory))))


class TestIntoItsOwnDirectory:
    def test_what_changed_is_one_generation_and_json_that_llamaindex_reads(self, storage: Path) -> None:
        context = open_dir(storage)
        insert(context, NEWS)
        context.persist(storage)
        assert context._twin is not None and context._twin.generation == 2
        again = open_dir(storage, pack=False)
        assert answers(load_index_from_storage(again)) == stock_found(storage)
        assert "news" in names(again)

    def test_everything_goes_on_working_afterwards(self, storage: Path) -> None:
        context = open_dir(storage)
        index = load_index_from_storage(context)
        before = answers(index)
        index.insert(NEWS)
        changed = answers(index)
        context.persist(storage)
        assert answers(index) == changed != before
        index.insert(MORE)
        index.delete_ref_doc("news", delete_from_docstore=True)
        changed = answers(index)
        context.persist(storage)
        assert answers(index) == changed == stock_found(storage)
        assert names(open_dir(storage)) == names(context) >= {"more"}

    def test_nothing_is_written_where_nothing_changed(self, storage: Path) -> None:
        context = open_dir(storage)
        before = {path: path.stat().st_mtime_ns for path in storage.rglob("*")}
        index = load_index_from_storage(context)
        answers(index)
        context.persist(storage)
        assert {path: path.stat().st_mtime_ns for path in storage.rglob("*")} == before

    def test_json_can_be_left_out(self, storage: Path) -> None:
        context = open_dir(storage)
        insert(context, NEWS)
        context.persist(storage, json="never")
        assert not (storage / "docstore.json").exists() and (storage / "docstore.json.stale").exists()
        assert "news" in names(open_dir(storage))
        with pytest.raises(FileNotFoundError):
            StockContext.from_defaults(persist_dir=str(storage))
        insert(context, MORE)
        context.persist(storage, json="always")
        assert {"news", "more"} <= names(StockContext.from_defaults(persist_dir=str(storage)))

    def test_what_json_cannot_carry_is_refused_before_anything_is_written(self, storage: Path) -> None:
        context = open_dir(storage)
        before = json_files(storage)
        insert(context, NEWS)
        context.docstore.add_documents([TextNode(id_="odd", text="x", metadata={"day": date(2026, 1, 1)})])
        with pytest.raises(TypeError, match="'odd'.*day"):
            context.persist(storage)
        assert json_files(storage) == before and "news" not in names(open_dir(storage))
        context.docstore.delete_document("odd")
        context.persist(storage)
        assert "news" in names(open_dir(storage))

    def test_an_unknown_word_about_json_is_refused_wherever_it_is_persisted(
        self, storage: Path, tmp_path: Path
    ) -> None:
        fs = fsspec.filesystem("memory")
        wheres: list[dict[str, Any]] = [{}, {"fs": fs}, {"docstore_fname": "nodes.json"}]
        for context in (open_dir(storage), open_dir(storage, pack=False), StorageContext.from_defaults()):
            for where in wheres:
                with pytest.raises(ValueError, match="json is one of 'auto', 'always', 'never', not 'alwys'"):
                    context.persist(tmp_path / "new", json="alwys", **where)  # type: ignore[arg-type]
        assert not (tmp_path / "new").exists() and not fs.exists(str(tmp_path / "new"))

    def test_a_relative_path_is_the_same_directory(self, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(storage.parent)
        context = StorageContext.from_defaults(persist_dir="storage")
        insert(context, NEWS)
        context.persist()
        assert context._twin is not None and context._twin.generation == 2


class TestBesideOthers:
    def test_whoever_persists_second_gets_a_conflict_and_can_rebase(self, storage: Path) -> None:
        first, second = open_dir(storage), open_dir(storage)
        insert(first, NEWS)
        first.persist(storage)
        second.docstore.add_documents([TextNode(id_="mine", text="mine")])
        with pytest.raises(Conflict):
            second.persist(storage)
        second.persist(storage, rebase=True)
        merged = open_dir(storage)
        assert "news" in names(merged) and merged.docstore.document_exists("mine")

    def test_an_empty_context_does_not_replace_a_directory(self, storage: Path) -> None:
        before = json_files(storage)
        with pytest.raises(WouldEmpty):
            StorageContext.from_defaults().persist(storage)
        assert json_files(storage) == before

    def test_llamaindex_may_write_between(self, storage: Path) -> None:
        open_dir(storage)
        stock_insert(storage, NEWS)
        context = open_dir(storage)
        insert(context, MORE)
        context.persist(storage)
        assert {"news", "more"} <= names(StockContext.from_defaults(persist_dir=str(storage)))

    @pytest.mark.parametrize("removed", [".", "twin"])
    def test_what_somebody_removed_is_written_whole(self, storage: Path, removed: str) -> None:
        context = open_dir(storage)
        insert(context, NEWS)
        shutil.rmtree(storage / removed)
        context.persist(storage)
        assert "news" in names(StockContext.from_defaults(persist_dir=str(storage)))
        assert answers(load_index_from_storage(open_dir(storage, pack=False))) == stock_found(storage)
        insert(context, MORE)
        context.persist(storage)
        assert {"news", "more"} <= names(open_dir(storage, pack=False))


class TestIntoAnotherDirectory:
    def test_a_complete_twin_appears_there_and_the_context_stays(self, storage: Path, tmp_path: Path) -> None:
        context = open_dir(storage)
        insert(context, NEWS)
        context.persist(tmp_path / "new" / "backup")
        assert context._twin is not None and context._twin.persist_dir == storage
        backup = open_dir(tmp_path / "new" / "backup", pack=False)
        assert "news" in names(backup) and "news" not in names(open_dir(storage))
        assert answers(load_index_from_storage(backup)) == stock_found(tmp_path / "new" / "backup")
        context.persist(storage)
        assert "news" in names(open_dir(storage))

    def test_a_new_context_is_of_the_directory_it_is_first_persisted_to(self, tmp_path: Path, models: None) -> None:
        context = StorageContext.from_defaults()
        index = VectorStoreIndex.from_documents(documents(), storage_context=context)
        context.persist(tmp_path / "a")
        found = answers(index)
        index.insert(NEWS)
        context.persist(tmp_path / "a")
        assert context._twin is not None and context._twin.generation == 2
        assert set(json_files(tmp_path / "a")) == {
            "docstore.json",
            "index_store.json",
            "graph_store.json",
            "default__vector_store.json",
            "image__vector_store.json",
        }
        assert answers(index) == stock_found(tmp_path / "a") != found


class TestStoresOfOtherClasses:
    def test_they_write_themselves_and_the_twin_knows(self, tmp_path: Path, models: None) -> None:
        docstore, vectors = SimpleDocumentStore(), SimpleVectorStore()
        context = StorageContext.from_defaults(docstore=docstore, vector_store=vectors)
        index = VectorStoreIndex.from_documents(documents(), storage_context=context)
        for news in (NEWS, MORE):
            context.persist(tmp_path)
            assert answers(index) == answers(load_index_from_storage(open_dir(tmp_path))) == stock_found(tmp_path)
            index.insert(news)

    def test_a_store_that_writes_something_else_than_json(self, storage: Path, models: None) -> None:
        class Binary(SimpleVectorStore):
            """As FAISS is kept: a binary file of a name that says JSON."""

            def persist(self, persist_path: str = "", fs: Any = None) -> None:
                Path(persist_path).write_bytes(b"\xff\xfe\x00" + repr(len(self.data.embedding_dict)).encode())

        context = open_dir(storage, vector_store=Binary())
        for news in (NEWS, MORE):
            insert(context, news)
            context.persist(storage)
        assert (storage / "default__vector_store.json").read_bytes() == b"\xff\xfe\x002"
        again = open_dir(storage, vector_store=Binary())
        assert {"news", "more"} <= names(again)

    def test_one_that_is_kept_elsewhere_leaves_no_file(self, tmp_path: Path, models: None) -> None:
        class Server(SimpleVectorStore):
            def persist(self, persist_path: str = "", fs: Any = None) -> None:
                pass

        context = StorageContext.from_defaults(vector_store=Server())
        VectorStoreIndex.from_documents(documents(), storage_context=context)
        context.persist(tmp_path)
        assert "default__vector_store.json" not in json_files(tmp_path)
        assert set(open_dir(tmp_path).vector_stores) == {"image"}

    def test_one_that_is_kept_elsewhere_leaves_the_file_of_another_one_alone(self, storage: Path) -> None:
        class Server(SimpleDocumentStore):
            def persist(self, persist_path: str = "", fs: Any = None) -> None:
                pass

        before = (storage / "docstore.json").read_bytes()
        context = StorageContext.from_defaults(docstore=Server())
        VectorStoreIndex.from_documents(documents(), storage_context=context)
        context.persist(storage)
        assert (storage / "docstore.json").read_bytes() == before

    def test_stores_that_are_added_later_are_persisted(self, storage: Path) -> None:
        context = open_dir(storage)
        for namespace, store in (("plain", SimpleVectorStore()), ("twin", TwinVectorStore())):
            store.add([TextNode(id_=namespace, text="x", embedding=[1.0, 0.5])])
            context.add_vector_store(store, namespace)
        graph = SimplePropertyGraphStore()
        graph.upsert_nodes([EntityNode(name="Alice", label="person")])
        context.property_graph_store = graph
        context.persist(storage)
        again = open_dir(storage, pack=False)
        assert set(again.vector_stores) == {"default", "image", "plain", "twin"}
        assert again.vector_stores["twin"].get("twin") == [1.0, 0.5]
        assert [node.id for node in again.property_graph_store.get()] == ["Alice"]  # type: ignore[union-attr]

    def test_a_store_under_two_names_is_there_under_both(self, storage: Path) -> None:
        context = open_dir(storage)
        context.add_vector_store(context.vector_store, "again")
        context.persist(storage)
        again = open_dir(storage, pack=False)
        assert again.vector_stores["again"].data.embedding_dict == again.vector_store.data.embedding_dict
        assert set(again.vector_stores) == {"default", "image", "again"}


class TestElsewhere:
    def test_other_file_names_are_json(self, storage: Path, tmp_path: Path) -> None:
        context = open_dir(storage)
        insert(context, NEWS)
        context.persist(tmp_path / "other", docstore_fname="nodes.json", vector_store_fname="vectors.json")
        assert set(json_files(tmp_path / "other")) == {
            "nodes.json",
            "index_store.json",
            "graph_store.json",
            "default__vectors.json",
            "image__vectors.json",
        }
        assert not (tmp_path / "other" / "twin").exists()
        assert "news" in SimpleDocumentStore.from_persist_path(str(tmp_path / "other" / "nodes.json")).docs or True
        written = json.loads((tmp_path / "other" / "nodes.json").read_text())
        assert "news" in written["docstore/ref_doc_info"]

    def test_other_file_names_in_its_own_directory_keep_the_twin_up_to_date(self, storage: Path) -> None:
        context = open_dir(storage)
        insert(context, NEWS)
        context.persist(storage, docstore_fname="nodes.json")
        assert (storage / "nodes.json").exists()
        assert "news" in names(open_dir(storage, pack=False))
        insert(context, MORE)
        context.persist(storage)
        assert {"news", "more"} <= names(open_dir(storage, pack=False))

    def test_another_file_system_gets_json(self, storage: Path) -> None:
        fs = fsspec.filesystem("memory")
        context = open_dir(storage)
        insert(context, NEWS)
        context.persist("/persisted", fs=fs)
        try:
            again = StorageContext.from_defaults(persist_dir="/persisted", fs=fs)
            assert answers(load_index_from_storage(again)) == answers(load_index_from_storage(context))
        finally:
            fs.rm("/persisted", recursive=True)

    def test_the_local_file_system_is_no_other(self, storage: Path) -> None:
        fs = LocalFileSystem()
        context = StorageContext.from_defaults(persist_dir=f"file://{storage}", fs=fs)
        insert(context, NEWS)
        context.persist(str(storage), fs=fs)
        assert context._twin is not None and context._twin.generation == 2

    def test_a_local_directory_is_named_as_llamaindex_reads_it(
        self, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(storage.parent))
        expected = answers(load_index_from_storage(open_dir(storage)))
        for name in (f"~/{storage.name}", f"file://{storage}"):
            context = StorageContext.from_defaults(persist_dir=name)
            assert answers(load_index_from_storage(context)) == expected
        for name in ("~/out", f"file://{storage.parent}/other"):
            context.persist(name)
        assert (storage.parent / "out" / "twin").is_dir() and (storage.parent / "other" / "twin").is_dir()


def test_a_context_of_json_persists_json(storage: Path) -> None:
    context = open_dir(storage, pack=False)
    insert(context, NEWS)
    context.persist(storage)
    assert "news" in names(StockContext.from_defaults(persist_dir=str(storage)))
    assert not (storage / "twin").exists()


def test_unpacked_json_is_the_json_that_was_persisted(storage: Path) -> None:
    context = open_dir(storage)
    insert(context, NEWS)
    context.persist(storage)
    persisted = json_files(storage)
    for name in persisted:
        (storage / name).unlink()
    unpack(storage)
    assert json_files(storage) == persisted


def test_a_copy_of_a_directory_persists_on_its_own(storage: Path, tmp_path: Path) -> None:
    open_dir(storage)
    shutil.copytree(storage, tmp_path / "copy")
    context = open_dir(tmp_path / "copy")
    insert(context, NEWS)
    context.persist(tmp_path / "copy")
    assert "news" in names(open_dir(tmp_path / "copy")) and "news" not in names(open_dir(storage))


def test_the_embedding_is_a_function_of_the_text() -> None:
    assert WordEmbedding().get_text_embedding("tea") == WordEmbedding().get_query_embedding("tea")
