"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.plain import example

pytestmark = pytest.mark.any_release

HEAVY = {"numpy", "llama_index", "pydantic", "fsspec", "asyncio", "dataclasses", "inspect", "pathlib"}


def modules_after(statement: str) -> set[str]:
    """The modules that a statement imports in a new process."""
    script = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, env=_env())
    return set(run.stdout.split())


def _env() -> dict[str, str]:
    """Without `site`, whose `.pth` files of other packages import what they like."""
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}


@pytest.mark.parametrize("name", ["twinstore", "twinstore._native", "twinstore.__main__", "twinstore.errors"])
def test_importing_the_plain_package_imports_nothing_heavy(name: str) -> None:
    modules = modules_after(f"import {name}")
    assert name in modules
    assert not modules & HEAVY


def test_numpy_is_imported_by_whoever_asks_for_an_array(tmp_path: Path) -> None:
    directory = example(tmp_path / "storage")
    pack = f"import twinstore; twinstore.pack({str(directory)!r}); twin = twinstore.open({str(directory)!r})"
    ask = "id = twin.ids()[0]; twin.docstore[id]; twin.query(twin.embedding(id)); twin.query(tuple(twin.embedding(id)))"
    assert "numpy" not in modules_after(f"{pack}; {ask}")
    assert "numpy" in modules_after(f"{pack}; twin.vectors()")


def test_the_base_of_all_errors_is_at_hand() -> None:
    import twinstore

    assert twinstore.TwinstoreError is twinstore.errors.TwinstoreError
    assert set(twinstore.__all__) <= set(dir(twinstore))
