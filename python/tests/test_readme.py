"""The README's snippets and commands do what it says. (Its starter example has a test of its own.)"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.plain import command, example, json_of
from support.processes import run
from support.readme import blocks, commands
from support.storage import json_files

pytestmark = pytest.mark.any_release


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A directory with the index of the repository, as `cp -r examples/storage storage` makes it."""
    example(tmp_path / "storage")
    return tmp_path


def test_what_is_to_be_tried_makes_a_twin_and_finds_the_same_in_it(workplace: Path) -> None:
    [script] = blocks("Try it", "python")
    first = run(script, cwd=workplace)
    assert len(first.splitlines()) == 3 and (workplace / "storage" / "twin").is_dir()
    for name in json_files(workplace / "storage"):
        (workplace / "storage" / name).unlink()
    assert run(script, cwd=workplace) == first


def test_the_plain_api_reads_documents_vectors_and_answers(workplace: Path) -> None:
    [script] = blocks("Without LlamaIndex", "python")
    text, vectors, *hits = run(script, cwd=workplace).splitlines()
    id = "b8134e77-a4c9-427d-af6c-72f9b192e0d9"
    assert json_of(workplace / "storage", "docstore.json")["docstore/data"][id]["__data__"]["text"].startswith(text)
    assert vectors == "(108, 384) float32"
    assert len(hits) == 3 and hits[0].endswith(id) and float(hits[0].split()[0]) == pytest.approx(1)


def test_the_commands_of_the_migration_lead_there_and_back(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    before = json_files(workplace / "storage")
    words = commands("Migration")
    assert [line[:2] for line in words] == [["twinstore", name] for name in ("pack", "status", "unpack")]
    pack, status, unpack = (line[1:] for line in words)
    assert command(*pack).returncode == 0
    assert "in sync" in command(*status).stdout
    assert command(*pack, "--drop-json").returncode == 0
    assert json_files(workplace / "storage") == {}
    assert command(*unpack).returncode == 0
    assert json_files(workplace / "storage") == before
