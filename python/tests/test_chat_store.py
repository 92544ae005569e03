"""``TwinChatStore`` is LlamaIndex's ``SimpleChatStore``. It is written whichever pydantic
is installed, and read from JSON or from a twin."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from llama_index.core.llms import ChatMessage, TextBlock
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore

from twinstore import pack
from twinstore.llama_index._chat_store import TwinChatStore

# As each release of LlamaIndex writes it.
FILES = {
    "0.14.25": '{"store":{"k":[{"role":"user","additional_kwargs":{"a":[1]},'
    '"blocks":[{"block_type":"text","text":"Köln"}]},{"role":"assistant","additional_kwargs":{},"blocks":[]}],'
    '"empty":[]},"class_name":"SimpleChatStore"}',
    "0.12": '{"store": {"k": [{"role": "user", "additional_kwargs": {}, "blocks": [{"block_type": "text", '
    '"text": "K\\u00f6ln"}]}], "empty": []}, "class_name": "SimpleChatStore"}',
    "0.9": json.dumps(
        '{"store": {"k": [{"role": "user", "content": "K\\u00f6ln", "additional_kwargs": {}}], "empty": []}}'
    ),
}


def opened_json(path: Path) -> TwinChatStore:
    return TwinChatStore.from_persist_path(str(path))  # type: ignore[return-value]


def opened_twin(path: Path) -> TwinChatStore:
    pack(path.parent)
    path.unlink()
    return TwinChatStore.from_persist_path(str(path))  # type: ignore[return-value]


def opened_by_stock(path: Path) -> SimpleChatStore:
    return SimpleChatStore.from_persist_path(str(path))


Opening = Callable[[Path], SimpleChatStore]


@pytest.fixture(params=[opened_by_stock, opened_json, opened_twin], ids=["stock", "memory", "twin"])
def opened(request: pytest.FixtureRequest) -> Opening:
    """Opens a chat store in each way."""
    made: Opening = request.param
    return made


@pytest.fixture
def store(opened: Opening, tmp_path: Path) -> SimpleChatStore:
    """The chats of a file, opened in each way."""
    path = tmp_path / "chat_store.json"
    path.write_text(FILES["0.14.25"], encoding="utf-8")
    return opened(path)


def say(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def texts(store: SimpleChatStore, key: str) -> list[str | None]:
    return [message.content for message in store.get_messages(key)]


@pytest.mark.parametrize("release", FILES)
def test_what_each_release_wrote_is_read(opened: Opening, release: str, tmp_path: Path) -> None:
    path = tmp_path / "chat_store.json"
    path.write_text(FILES[release], encoding="utf-8")
    store = opened(path)
    assert store.get_keys() == ["k", "empty"]
    assert texts(store, "k")[0] == "Köln"
    assert store.get_messages("empty") == []


def test_messages_are_added_at_the_end_or_at_a_place(store: SimpleChatStore) -> None:
    store.set_messages("n", [say("a"), say("b")])
    store.add_message("n", say("end"))
    store.add_message("n", say("first"), idx=0)
    store.add_message("n", say("before last"), idx=-1)
    store.add_message("n", say("beyond"), idx=99)
    store.add_message("new", say("x"), idx=-5)
    assert texts(store, "n") == ["first", "a", "b", "before last", "end", "beyond"]
    assert texts(store, "new") == ["x"]
    assert store.get_keys() == ["k", "empty", "n", "new"]


def test_set_messages_keeps_the_list_of_the_caller(store: SimpleChatStore) -> None:
    messages = [say("a")]
    store.set_messages("n", messages)
    messages.append(say("b"))
    assert texts(store, "n") == ["a", "b"]


def test_messages_are_deleted_by_place(store: SimpleChatStore) -> None:
    store.set_messages("n", [say(text) for text in "abcd"])
    assert store.delete_message("n", 4) is None
    assert store.delete_message("unknown", 0) is None
    taken = [store.delete_message("n", 0), store.delete_message("n", -1), store.delete_last_message("n")]
    assert [message.content for message in taken if message] == ["a", "d", "c"]
    assert texts(store, "n") == ["b"]
    with pytest.raises(IndexError):
        store.delete_message("n", -7)
    with pytest.raises(IndexError):
        store.delete_last_message("empty")
    assert store.delete_last_message("unknown") is None


def test_a_conversation_is_deleted(store: SimpleChatStore) -> None:
    assert [message.content for message in store.delete_messages("k") or []][0] == "Köln"
    assert store.delete_messages("k") is None
    assert store.get_messages("k") == []
    assert store.get_keys() == ["empty"]


def test_the_async_methods_do_the_same(store: SimpleChatStore) -> None:
    async def use() -> None:
        await store.aset_messages("n", [say("a")])
        await store.async_add_message("n", say("b"))
        assert [message.content for message in await store.aget_messages("n")] == ["a", "b"]
        await store.adelete_message("n", 0)
        await store.adelete_last_message("n")
        assert await store.aget_keys() == ["k", "empty", "n"]
        await store.adelete_messages("n")

    asyncio.run(use())
    assert store.get_keys() == ["k", "empty"]


def test_a_memory_can_stand_on_it(store: SimpleChatStore) -> None:
    memory = ChatMemoryBuffer.from_defaults(chat_store=store, chat_store_key="m", token_limit=1000)
    memory.put(say("a"))
    assert [message.content for message in memory.get()] == ["a"]
    assert texts(store, "m") == ["a"]


# What is only ours: that of LlamaIndex cannot be written with pydantic 2.14


def filled() -> TwinChatStore:
    store = TwinChatStore()
    store.add_message("ü", ChatMessage(role="user", content="Köln", additional_kwargs={"tool": {"n": [1, None]}}))
    store.add_message("ü", ChatMessage(role="assistant", blocks=[TextBlock(text="a"), TextBlock(text="b")]))
    store.set_messages("empty", [])
    return store


@pytest.mark.parametrize("opening", [opened_by_stock, opened_json, opened_twin])
def test_what_is_persisted_is_read_again(opening: Opening, tmp_path: Path) -> None:
    path = tmp_path / "chats" / "chat_store.json"
    filled().persist(str(path))
    again = opening(path)
    assert again.store == filled().store
    assert json.loads(filled().model_dump_json())["class_name"] == "SimpleChatStore"


def test_a_memory_on_it_is_written_as_a_string(tmp_path: Path) -> None:
    memory = ChatMemoryBuffer.from_defaults(chat_store=TwinChatStore(), token_limit=1000)
    memory.put(say("a"))
    again = ChatMemoryBuffer.from_string(memory.to_string())
    assert [message.content for message in again.get()] == ["a"]


def test_a_message_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "chat_store.json"
    store = filled()
    store.persist(str(path))
    before = path.read_bytes()
    store.add_message("ü", ChatMessage(role="user", content="x", additional_kwargs={"tool": object()}))
    # Which of the two it is, the release of LlamaIndex decides.
    with pytest.raises((TypeError, ValueError)):
        store.persist(str(path))
    assert path.read_bytes() == before
    store.delete_last_message("ü")
    store.persist(str(path))
    assert path.read_bytes() == before


def test_it_is_written_to_other_file_systems() -> None:
    fs = fsspec.filesystem("memory")
    filled().persist("/chats/chat_store.json", fs=fs)
    assert TwinChatStore.from_persist_path("/chats/chat_store.json", fs=fs).store == filled().store


def test_without_a_file_it_is_new(tmp_path: Path) -> None:
    assert TwinChatStore.from_persist_path(str(tmp_path / "chat_store.json")).get_keys() == []


def test_it_is_pickled() -> None:
    made: Any = pickle.loads(pickle.dumps(filled()))
    assert made.store == filled().store


def test_what_json_cannot_carry_is_named_by_chat_and_message_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "chat_store.json"
    filled().persist(str(path))
    before = path.read_bytes()
    store = TwinChatStore(store={"k": [ChatMessage("fine")]})
    store.add_message("k", ChatMessage("odd", additional_kwargs={"x": object()}))
    with pytest.raises(TypeError, match=r"^message of chat 'k': \[1\]: "):
        store.persist(str(path))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
