"""LlamaIndex's starter script with one import changed, run as its users run it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.processes import run
from support.readme import blocks
from support.storage import TEXTS, json_files

# As they stand in the README: LlamaIndex's, and the one with an import changed.
STARTER, ON_THE_TWIN = blocks("LlamaIndex's starter example", "python")
# It is asked more, and tells which JSON files it opened.
AROUND = """
import sys

from support.models import use_models

use_models()
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
{script}
print("== answers")
for question in ("Where did the rabbit go?", "What did the queen shout?", "Who had tea?"):
    print(query_engine.query(question))
print("== opened", *(path for path in opened if path.endswith(".json") and "storage" in path))
"""
STOCK = AROUND.format(script=STARTER)
OURS = AROUND.format(script=ON_THE_TWIN)


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    for name, text in TEXTS.items():
        (data / f"{name}.txt").write_text(text)
    return tmp_path


def answers_of(script: str, workplace: Path) -> str:
    """What a script answers. (Some releases of LlamaIndex print other things before.)"""
    return run(script, cwd=workplace).partition("== answers")[2].partition("== opened")[0]


def opened_by(script: str, workplace: Path) -> list[str]:
    """Which JSON files of the index a script opens."""
    return run(script, cwd=workplace).partition("== opened")[2].split()


@pytest.mark.any_release
def test_only_the_import_differs() -> None:
    theirs, ours = STARTER.splitlines(), ON_THE_TWIN.splitlines()
    assert [line for line in theirs if line not in ours] == ["    StorageContext,"]
    assert [line for line in ours if line not in theirs] == ["from twinstore.llama_index import StorageContext"]


def test_the_first_run_writes_json_the_second_a_twin_and_all_answer_as_llamaindex(workplace: Path) -> None:
    first = answers_of(OURS, workplace)
    storage = workplace / "storage"
    assert (storage / "docstore.json").exists() and not (storage / "twin").exists()
    stock = answers_of(STOCK, workplace)
    written = json_files(storage)

    second = answers_of(OURS, workplace)
    assert list((storage / "twin").glob("manifest-*"))
    third = answers_of(OURS, workplace)

    assert any(text in stock for text in TEXTS.values())
    assert [first, second, third] == [stock] * 3
    assert json_files(storage) == written


@pytest.mark.any_release
def test_the_third_run_opens_no_json_file(workplace: Path) -> None:
    first, _, third = (opened_by(OURS, workplace) for _ in range(3))
    # That the first writes them shows that the third would be caught.
    assert any(path.endswith("docstore.json") for path in first)
    assert third == []


@pytest.mark.any_release
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_third_run_makes_no_system_call_that_opens_a_json_file(workplace: Path) -> None:
    run(OURS, cwd=workplace)
    trace = workplace / "trace"
    strace = ("strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(trace))

    def opened() -> list[str]:
        run(OURS, cwd=workplace, prefix=strace)
        found = re.findall(r'"([^"]*\.json)"', trace.read_text())
        return [path for path in found if "storage" in path.split("/")]

    # The second run reads them, which shows that the third would be caught.
    assert any(path.endswith("docstore.json") for path in opened())
    assert opened() == []
