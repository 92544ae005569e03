"""LlamaIndex's starter script with one import changed, run as its users run it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.processes import run
from support.storage import TEXTS, json_files

STARTER = """
import os.path
import sys

from support.models import use_models

use_models()
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)

from llama_index.core import VectorStoreIndex, SimpleDirectoryReader, load_index_from_storage
from {module} import StorageContext

# check if storage already exists
PERSIST_DIR = "./storage"
if not os.path.exists(PERSIST_DIR):
    # load the documents and create the index
    documents = SimpleDirectoryReader("data").load_data()
    index = VectorStoreIndex.from_documents(documents)
    # store it for later
    index.storage_context.persist(persist_dir=PERSIST_DIR)
else:
    # load the existing index
    storage_context = StorageContext.from_defaults(persist_dir=PERSIST_DIR)
    index = load_index_from_storage(storage_context)

# Either way we can now query the index
print("== answers")
query_engine = index.as_query_engine()
for question in ("Where did the rabbit go?", "What did the queen shout?", "Who had tea?"):
    print(query_engine.query(question))
print("opened:", *(path for path in opened if path.endswith(".json") and "storage" in path), file=sys.stderr)
"""
STOCK = STARTER.format(module="llama_index.core")
OURS = STARTER.format(module="twinstore.llama_index")


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    for name, text in TEXTS.items():
        (data / f"{name}.txt").write_text(text)
    return tmp_path


def answers_of(script: str, workplace: Path) -> str:
    """What a script answers. (Some releases of LlamaIndex print other things before.)"""
    return run(script, cwd=workplace).partition("== answers")[2]


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


def test_the_third_run_opens_no_json_file(workplace: Path) -> None:
    run(OURS, cwd=workplace)
    run(OURS, cwd=workplace)
    reports = "sys.stderr = sys.stdout\n" + OURS
    opened = re.search(r"^opened:(.*)$", run("import sys\n" + reports, cwd=workplace), re.MULTILINE)
    assert opened is not None and opened[1] == ""


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
