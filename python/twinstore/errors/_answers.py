"""Why there is no answer, where LlamaIndex would raise a builtin exception."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

from ._base import TwinstoreError, restored

# Queries


class QueryError(TwinstoreError):
    """A query has no answer; ``reason`` says why, in one word."""

    reason: str


class QueryAttributeError(QueryError, AttributeError):
    """Where LlamaIndex raises ``AttributeError``."""


class QueryKeyError(QueryError, KeyError):
    """Where LlamaIndex raises ``KeyError``."""


class QueryNotImplementedError(QueryError, NotImplementedError):
    """What only ``twinstore.llama_index`` can answer."""


class QueryTypeError(QueryError, TypeError):
    """Where LlamaIndex raises ``TypeError``."""


class QueryValueError(QueryError, ValueError):
    """Where LlamaIndex raises ``ValueError``."""


# Stores


class StoreError(TwinstoreError):
    """A store cannot give what was asked of it; ``reason`` says why, in one word."""

    reason: str


class StoreAssertionError(StoreError, AssertionError):
    """Where LlamaIndex raises ``AssertionError``."""


class StoreAttributeError(StoreError, AttributeError):
    """Where LlamaIndex raises ``AttributeError``."""


class StoreIndexError(StoreError, IndexError):
    """Where LlamaIndex raises ``IndexError``."""


class StoreJSONDecodeError(StoreError, JSONDecodeError):
    """Where LlamaIndex raises ``json.JSONDecodeError``."""

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (type(self), (self.msg, self.doc, self.pos), None), self.__dict__


class StoreKeyError(StoreError, KeyError):
    """Where LlamaIndex raises ``KeyError``."""


class StoreNotImplementedError(StoreError, NotImplementedError):
    """Where LlamaIndex raises ``NotImplementedError``."""


class StoreTypeError(StoreError, TypeError):
    """Where LlamaIndex raises ``TypeError``."""


class StoreValueError(StoreError, ValueError):
    """Where LlamaIndex raises ``ValueError``."""


# Loading


class LoadError(TwinstoreError):
    """An index cannot be loaded; ``reason`` says why, in one word."""

    reason: str


class LoadKeyError(LoadError, KeyError):
    """Where LlamaIndex raises ``KeyError``."""


class LoadValueError(LoadError, ValueError):
    """Where LlamaIndex raises ``ValueError``."""
