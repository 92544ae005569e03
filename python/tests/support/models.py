"""Models without a model: the same text always gets the same answer."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from llama_index.core import Settings
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import MockLLM


class WordEmbedding(BaseEmbedding):
    """Each word points in a direction of its own; a text is the sum of its words."""

    dim: int = 24

    def _embed(self, text: str) -> list[float]:
        vector = [0.0] * self.dim
        for word in text.lower().split():
            digest = hashlib.blake2b(word.encode(), digest_size=self.dim).digest()
            for place, byte in enumerate(digest):
                vector[place] += byte - 127.5
        norm = math.hypot(*vector) or 1.0
        return [component / norm for component in vector]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)


def use_models() -> None:
    """Lets LlamaIndex use these models."""
    Settings.llm = MockLLM()
    Settings.embed_model = WordEmbedding()


def answers(index: Any, queries: tuple[str, ...] = ("rabbit hole", "the queen", "tea"), top_k: int = 4) -> Any:
    """What an index finds: scores, texts and metadata."""
    retriever = index.as_retriever(similarity_top_k=top_k)
    found = [retriever.retrieve(query) for query in queries]
    return [
        [(hit.score, hit.node.node_id, hit.node.get_content(), hit.node.metadata) for hit in hits] for hits in found
    ]
