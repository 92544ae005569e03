"""Fixtures of all tests: models without a model, and a persist directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def models() -> Iterator[None]:
    """LlamaIndex uses models that are functions of the text."""
    from llama_index.core import Settings

    from support.models import use_models

    before = Settings._llm, Settings._embed_model
    use_models()
    yield
    Settings._llm, Settings._embed_model = before


@pytest.fixture
def storage(tmp_path: Path, models: None) -> Path:
    """A directory that LlamaIndex persisted a vector index to."""
    from support.storage import stock_index

    directory = tmp_path / "storage"
    stock_index(directory)
    return directory


@pytest.fixture(autouse=True)
def nothing_said(request: pytest.FixtureRequest) -> None:
    """What is logged once in a process is logged once in a test."""
    import sys

    opening = sys.modules.get("twinstore.llama_index._opening")
    if opening is not None:
        opening._said.clear()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of whoever runs the tests does not matter."""
    monkeypatch.delenv("TWINSTORE_PACK", raising=False)
    monkeypatch.setenv("TWINSTORE_CACHE", str(tmp_path / "cache"))
