"""The chat store: messages by the key of their conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from fsspec import AbstractFileSystem
from llama_index.core.bridge.pydantic import Field, PrivateAttr, WrapSerializer
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store import simple_chat_store
from llama_index.core.storage.chat_store.simple_chat_store import SimpleChatStore

from twinstore._native import Context

from ._atomic import make_parent
from ._json import Unserialisable
from ._own_json import bring_up_to_date, is_file_in, persisted_text, write_json
from ._standalone import twin_beside

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

    # The directory of the twin that it was read from, and the generation.
    _origin: tuple[Path, int | None] | None = PrivateAttr(default=None)

    @classmethod
    def from_twin(cls, context: Context) -> TwinChatStore:
        """The chats of a context."""
        conversations = context.conversations()
        store = {key: [json.loads(message) for message in messages] for key, messages in conversations.items()}
        made = cls.model_validate({"store": store})
        if context.persist_dir is not None:
            made._origin = context.persist_dir, context.generation
        return made

    @classmethod
    def from_persist_path(
        cls, persist_path: str = DEFAULT_PERSIST_FNAME, fs: AbstractFileSystem | None = None
    ) -> SimpleChatStore:
        """The chats of a JSON file, or of the twin beside it, see ``twin_beside``."""
        context = twin_beside(persist_path, DEFAULT_PERSIST_FNAME, fs)
        return super().from_persist_path(persist_path, fs=fs) if context is None else cls.from_twin(context)

    def persist(self, persist_path: str = DEFAULT_PERSIST_FNAME, fs: AbstractFileSystem | None = None) -> None:
        """Writes LlamaIndex's JSON; see ``write_text_atomically``.

        Raises:
            Unserialisable: JSON cannot carry a message; names it. Nothing was written.
        """
        text = self._text()
        make_parent(persist_path, fs)
        if self._origin is not None:
            directory, generation = self._origin
            if is_file_in(directory, DEFAULT_PERSIST_FNAME, persist_path, fs):
                bring_up_to_date(directory, DEFAULT_PERSIST_FNAME, generation)
        write_json(persist_path, [text], fs)

    def _text(self) -> str:
        try:
            return persisted_text(super().persist)
        except (TypeError, ValueError) as error:
            for key, messages in self.store.items():
                for place, message in enumerate(messages):
                    alone = type(self).model_construct(store={key: [message]})
                    try:
                        persisted_text(super(TwinChatStore, alone).persist)
                    except (TypeError, ValueError) as why:
                        raise Unserialisable("message of chat", key, (place,), str(why)) from error
            raise
