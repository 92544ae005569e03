"""Every kind of index, from documents to disk and back: ours does what LlamaIndex's does."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from llama_index.core import Document
from llama_index.core import StorageContext as StockContext
from llama_index.core import indices as core_indices
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.embeddings import MultiModalEmbedding
from llama_index.core.indices.base import BaseIndex
from llama_index.core.ingestion import IngestionCache, IngestionPipeline
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import BaseNode, NodeRelationship, TransformComponent
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.vector_stores import SimpleVectorStore

from support.models import WordEmbedding
from support.storage import documents
from twinstore import llama_index as ours

stock = importlib.import_module("llama_index.core")
NEWS = Document(text="The rabbit hole went straight on like a tunnel.", id_="news", metadata={"name": "news"})


class ImageEmbedding(WordEmbedding, MultiModalEmbedding):
    """Images are known by what they are called."""

    def _get_image_embedding(self, img_file_path: Any) -> list[float]:
        return self._embed(str(img_file_path))

    async def _aget_image_embedding(self, img_file_path: Any) -> list[float]:
        return self._embed(str(img_file_path))


class NextWord(TransformComponent):
    """A graph of which word follows which."""

    def __call__(self, nodes: Any, **kwargs: Any) -> Any:
        from llama_index.core.graph_stores.types import KG_NODES_KEY, KG_RELATIONS_KEY, EntityNode, Relation

        for node in nodes:
            words = node.get_content().split()[:4]
            node.metadata[KG_NODES_KEY] = [EntityNode(name=word, label="word") for word in words]
            node.metadata[KG_RELATIONS_KEY] = [
                Relation(label="next", source_id=a, target_id=b) for a, b in itertools.pairwise(words)
            ]
        return nodes


def pairs(text: str) -> list[tuple[str, str, str]]:
    words = text.lower().replace(".", "").split()[:5]
    return [(a, "precedes", b) for a, b in itertools.pairwise(words)]


#: A kind of index, what it is made with, how it is asked, and what it cannot do.
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "vector": ("VectorStoreIndex", {}, {"similarity_top_k": 4}),
    "summary": ("SummaryIndex", {}, {}),
    "tree": ("TreeIndex", {}, {"retriever_mode": "all_leaf"}),
    "keywords": ("SimpleKeywordTableIndex", {}, {}),
    "keywords of the model": ("KeywordTableIndex", {"max_keywords_per_chunk": 5}, {"retriever_mode": "simple"}),
    "graph": ("KnowledgeGraphIndex", {"kg_triplet_extract_fn": pairs}, {"retriever_mode": "keyword"}),
    "graph with embeddings": (
        "KnowledgeGraphIndex",
        {"kg_triplet_extract_fn": pairs, "include_embeddings": True},
        {"retriever_mode": "embedding"},
    ),
    "property graph": ("PropertyGraphIndex", {"kg_extractors": [NextWord()], "use_async": False}, {}),
    "document summary": ("DocumentSummaryIndex", {"embed_summaries": True}, {"retriever_mode": "embedding"}),
    "empty": ("EmptyIndex", {}, {}),
    "images": ("MultiModalVectorStoreIndex", {"image_embed_model": ImageEmbedding()}, {"similarity_top_k": 3}),
}


@pytest.fixture
def counted_ids(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Ids are counted, and the counter can be set back: two runs make the same ids."""
    state = {"next": itertools.count(1)}
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=next(state["next"]), version=4))

    def reset() -> None:
        state["next"] = itertools.count(1)

    return reset


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives or raises, in a form that can be compared."""
    try:
        result = call()
    except Exception as why:
        return type(why).__name__, str(why)
    if isinstance(result, list) and result and hasattr(result[0], "node"):
        return sorted(map(found, result), key=repr)
    return result


def found(hit: Any) -> Any:
    """One node that was found."""
    # A property graph tells its facts, which are in a set, in lines of the text, and makes a
    # node of its own for some: with an id that depends on the order of the set.
    lines = sorted(hit.text.splitlines())
    is_fact = all(" -> " in line for line in lines)
    return hit.score, None if is_fact else hit.node.node_id, lines, hit.node.metadata


def in_order(value: Any) -> Any:
    """A copy in which nothing depends on the order of a set."""
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return sorted((in_order(item) for item in value), key=repr)
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return in_order(json.loads(value))
        except ValueError:
            return value
    return value


def content(directory: Path, **options: Any) -> Any:
    """What a directory holds, as LlamaIndex reads it."""
    return in_order(StockContext.from_defaults(persist_dir=str(directory), **options).to_dict())


def built(index_class: Any, options: dict[str, Any]) -> Any:
    """An index of the documents; LlamaIndex makes none of the empty index."""
    if issubclass(index_class, core_indices.EmptyIndex):
        return index_class()
    try:
        return index_class.from_documents(documents(), **options)
    except LookupError as why:
        if "nltk" in str(why):
            pytest.skip("this LlamaIndex finds keywords by word lists of nltk, which are not here")
        raise


def history(module: ModuleType, kind: str, directory: Path) -> list[Any]:
    """Builds, persists, loads, changes, persists and loads an index; gives all it said."""
    name, options, asked = KINDS[kind]
    told: list[Any] = []

    def ask(index: Any) -> None:
        for query in ("Alice and the rabbit hole", "said the queen", "having tea"):
            told.append(outcome(lambda query=query: index.as_retriever(**asked).retrieve(query)))  # type: ignore[misc]

    index = built(getattr(module, name, None) or getattr(core_indices, name), options)
    assert isinstance(index.storage_context, module.StorageContext)
    ask(index)
    index.storage_context.persist(directory)
    told.append(content(directory))

    loading = {key: value for key, value in options.items() if key != "max_keywords_per_chunk"}
    context = module.StorageContext.from_defaults(persist_dir=str(directory))
    index = module.load_index_from_storage(context, **loading)
    assert isinstance(index, getattr(core_indices, name).__mro__[1 if "Simple" in name else 0])
    ask(index)
    changed = Document(text="There was a table without any tea. Alice left.", id_="tea", metadata={"name": "tea"})
    changes: list[Callable[[], Any]] = [
        lambda: index.insert(NEWS),
        lambda: index.delete_ref_doc("mouse", delete_from_docstore=True),
        lambda: index.update_ref_doc(changed),
        lambda: index.refresh_ref_docs([changed, NEWS, Document(text="A new one about the queen.", id_="new")]),
        lambda: index.delete_ref_doc("nobody"),
        lambda: sorted(index.ref_doc_info),
        lambda: asyncio.run(index.ainsert(Document(text="The hatter had tea again.", id_="late"))),
        lambda: index.set_index_id("renamed"),
    ]
    for change in changes:
        told.append(outcome(change))
        ask(index)
    context.persist(directory)
    told.append(content(directory))

    context = module.StorageContext.from_defaults(persist_dir=str(directory))
    ask(module.load_index_from_storage(context, index_id="renamed", **loading))
    told.append(outcome(lambda: module.load_index_from_storage(context, index_id="nobody", **loading)))
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_has_the_history_that_llamaindexs_has(
    kind: str, tmp_path: Path, models: None, counted_ids: Callable[[], None]
) -> None:
    counted_ids()
    expected = history(stock, kind, tmp_path / "stock")
    counted_ids()
    told = history(ours, kind, tmp_path / "ours")
    assert (tmp_path / "ours" / "twin").is_dir()
    for number, (mine, theirs) in enumerate(zip(told, expected, strict=True)):
        assert mine == theirs, number


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_llamaindex_wrote_goes_on(
    kind: str, tmp_path: Path, models: None, counted_ids: Callable[[], None]
) -> None:
    name, options, _ = KINDS[kind]
    contents = []
    for module in (stock, ours):
        counted_ids()
        directory = tmp_path / module.__name__
        built(getattr(core_indices, name), options).storage_context.persist(directory)
        context = module.StorageContext.from_defaults(persist_dir=str(directory))
        loading = {key: value for key, value in options.items() if key != "max_keywords_per_chunk"}
        outcome(lambda: module.load_index_from_storage(context, **loading).insert(NEWS))  # noqa: B023
        context.persist(directory)
        contents.append(content(directory))
    assert contents[0] == contents[1]


def test_every_index_of_llamaindex_has_one_of_ours() -> None:
    theirs = {
        name: value
        for module in (stock, core_indices)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseIndex) and value is not BaseIndex
    }
    assert len(theirs) > 15
    for name, base in theirs.items():
        mine = getattr(ours, name)
        assert name in ours.__all__ and issubclass(mine, base) and mine is not base, name


def test_a_context_that_is_given_is_used_wherever_it_stands(models: None) -> None:
    context = StockContext.from_defaults()
    for index in (
        ours.VectorStoreIndex.from_documents(documents(), context),
        ours.VectorStoreIndex.from_documents(documents(), storage_context=context),
        ours.KnowledgeGraphIndex([], None, None, None, None, context),
        ours.SummaryIndex(nodes=[], storage_context=context),
    ):
        assert index.storage_context is context
    made = ours.KnowledgeGraphIndex([], None, None, None, None, None)
    assert isinstance(made.storage_context, ours.StorageContext)


@pytest.mark.parametrize("module", [stock, ours], ids=["stock", "ours"])
def test_a_composable_graph_is_loaded_and_asked(
    module: ModuleType, tmp_path: Path, models: None, counted_ids: Callable[[], None]
) -> None:
    def answer(of: ModuleType, directory: Path) -> tuple[str, Any]:
        counted_ids()
        context = of.StorageContext.from_defaults()
        children = [of.VectorStoreIndex.from_documents([document], context) for document in documents()[:3]]
        graph = of.ComposableGraph.from_indices(
            of.SummaryIndex, children, ["about Alice", "about the queen", "about tea"], storage_context=context
        )
        context.persist(directory)
        loaded = of.StorageContext.from_defaults(persist_dir=str(directory))
        again = core_indices.load_graph_from_storage(loaded, root_id=graph.root_id)
        return str(again.as_query_engine().query("Who had tea?")), content(directory)

    assert answer(module, tmp_path / "this") == answer(stock, tmp_path / "that")


def test_a_graph_without_a_context_gets_ours(models: None) -> None:
    children = [ours.SummaryIndex.from_documents([document]) for document in documents()[:2]]
    graph = ours.ComposableGraph.from_indices(ours.SummaryIndex, children, ["one", "two"])
    assert isinstance(graph.root_index.storage_context, ours.StorageContext)


def _pipeline(docstore: Any, vector_store: Any, cache: Any) -> IngestionPipeline:
    return IngestionPipeline(
        transformations=[SentenceSplitter(chunk_size=40, chunk_overlap=0, tokenizer=str.split), WordEmbedding()],
        docstore=docstore,
        vector_store=vector_store,
        cache=IngestionCache(cache=cache),
    )


@pytest.mark.parametrize("workers", [None, 2])
def test_an_ingestion_pipeline_fills_and_persists_stores_and_cache(
    workers: int | None, tmp_path: Path, models: None
) -> None:
    def described(nodes: list[BaseNode]) -> list[Any]:
        return sorted((node.get_content(), node.embedding, node.metadata) for node in nodes)

    def ingest(docstore: type, vectors: type, cache: type, directory: Path) -> list[Any]:
        pipeline = _pipeline(docstore(), vectors(), cache())
        told: list[Any] = [described(pipeline.run(documents=documents(), num_workers=workers))]
        told.append(described(pipeline.run(documents=[*documents(), NEWS], num_workers=workers)))
        pipeline.persist(str(directory))
        again = _pipeline(docstore(), vectors(), cache())
        again.load(str(directory))
        told.append(described(again.run(documents=[*documents(), NEWS])))
        told.append(len(json.loads((directory / "llama_cache").read_text()).get("llama_cache", {})))
        told.append(sorted(again.docstore.docs))  # type: ignore[union-attr]
        return told

    expected = ingest(SimpleDocumentStore, SimpleVectorStore, SimpleKVStore, tmp_path / "stock")
    assert ingest(ours.TwinDocumentStore, ours.TwinVectorStore, ours.TwinKVStore, tmp_path / "ours") == expected


def test_a_pipeline_ingests_into_a_context(tmp_path: Path, models: None) -> None:
    context = ours.StorageContext.from_defaults()
    pipeline = _pipeline(context.docstore, context.vector_store, SimpleKVStore())
    pipeline.run(documents=documents())
    context.persist(tmp_path)
    again = ours.StorageContext.from_defaults(persist_dir=str(tmp_path), pack=False)
    node_id = next(iter(again.vector_store.data.embedding_dict))  # type: ignore[attr-defined]
    source = again.vector_store.data.text_id_to_ref_doc_id[node_id]  # type: ignore[attr-defined]
    assert again.docstore.get_document(source).relationships.get(NodeRelationship.SOURCE) is None


def test_chat_memory_is_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "chat_store.json")
    memory = ChatMemoryBuffer.from_defaults(chat_store=ours.TwinChatStore(), chat_store_key="alice", token_limit=1000)
    memory.put(ChatMessage(role="user", content="Who are you?"))
    memory.put(ChatMessage(role="assistant", content="I hardly know, sir."))
    memory.chat_store.persist(path)  # type: ignore[attr-defined]
    for chat_store in (ours.TwinChatStore, SimpleChatStore):
        again = ChatMemoryBuffer.from_defaults(
            chat_store=chat_store.from_persist_path(path), chat_store_key="alice", token_limit=1000
        )
        assert [message.content for message in again.get()] == ["Who are you?", "I hardly know, sir."]
