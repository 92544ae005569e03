"""Scripts that run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def environment(**variables: str) -> dict[str, str]:
    """The environment in which a script imports what this process imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **variables}


def run(script: str, *args: str, cwd: Path | None = None, prefix: tuple[str, ...] = (), **options: Any) -> str:
    """Runs a script to its end, and gives what it prints.

    Raises:
        AssertionError: it failed; with what it wrote to standard error.
    """
    variables = options.pop("variables", {})
    command = [*prefix, sys.executable, "-c", script, *args]
    done = subprocess.run(
        command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=240, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def start(script: str, *args: str, **options: Any) -> subprocess.Popen[str]:
    """Starts a script; its standard input and output are pipes."""
    variables = options.pop("variables", {})
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    command = [sys.executable, "-c", script, *args]
    return subprocess.Popen(command, env=environment(**variables), text=True, **pipes, **options)
