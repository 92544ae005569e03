"""The chat store: messages by the key of their conversation."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fsspec import AbstractFileSystem
from llama_index.core.bridge.pydantic import Field, WrapSerializer
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store import simple_chat_store
from llama_index.core.storage.chat_store.simple_chat_store import SimpleChatStore

from twinstore._native import Context
from twinstore.llama_index._atomic import make_parent, write_text_atomically
from twinstore.llama_index._standalone import persisted_text, twin_beside

DEFAULT_PERSIST_FNAME = "chat_store.json"


def _message_to_dict(message: Any, handler: Any) -> dict[str, Any]:
    """As LlamaIndex does it. Its own passes something that is no index as an index to
    the handler, which pydantic refuses since 2.14."""
    made: dict[str, Any] = simple_chat_store.chat_message_serialization(
        message, lambda message, _: handler(message), None
    )
    return made


class TwinChatStore(SimpleChatStore):
    """LlamaIndex's ``SimpleChatStore``. What it reads may be in a twin; what it writes
    is JSON."""

    store: dict[str, list[Annotated[ChatMessage, WrapSerializer(_message_to_dict)]]] = Field(default_factory=dict)

    @classmethod
    def from_twin(cls, context: Context) -> TwinChatStore:
        """The chats of a context."""
        conversations = context.conversations()
        store = {key: [json.loads(message) for message in messages] for key, messages in conversations.items()}
        return cls.model_validate({"store": store})

    @classmethod
    def from_persist_path(
        cls, persist_path: str = DEFAULT_PERSIST_FNAME, fs: AbstractFileSystem | None = None
    ) -> SimpleChatStore:
        """The chats of a JSON file, or of the twin beside it where it is not there."""
        context = twin_beside(persist_path, DEFAULT_PERSIST_FNAME, fs)
        return super().from_persist_path(persist_path, fs=fs) if context is None else cls.from_twin(context)

    def persist(self, persist_path: str = DEFAULT_PERSIST_FNAME, fs: AbstractFileSystem | None = None) -> None:
        """Writes LlamaIndex's JSON; see ``write_text_atomically``."""
        text = persisted_text(super().persist)
        make_parent(persist_path, fs)
        write_text_atomically(persist_path, [text], fs)
