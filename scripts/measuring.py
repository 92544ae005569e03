"""What the scripts that measure have in common: memory, caches, processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.02
# The queries of one process end after so long.
BUDGET_SECONDS = 3


def rss_anon(pid: int | str = "self") -> int | None:
    """Anonymous resident memory of a process in bytes; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return None


def watch(command: list[str | Path]) -> tuple[int, int, int, float]:
    """Runs a command; returns its exit status, peak RssAnon, the samples and seconds."""
    seen = []
    ended = threading.Event()
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:

        def look() -> None:
            while not ended.wait(SAMPLE_SECONDS):
                if (now := rss_anon(process.pid)) is not None:
                    seen.append(now)

        looking = threading.Thread(target=look)
        looking.start()
        status = process.wait()
        seconds = time.monotonic() - start
        ended.set()
        looking.join()
    return status, max(seen, default=0), len(seen), seconds


def files_of(path: Path) -> list[Path]:
    """A file, or the regular files below a directory."""
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def length_of(paths: Iterable[Path]) -> int:
    """The length of files together, and of files in directories."""
    return sum(file.stat().st_size for path in paths for file in files_of(path))


def warm(paths: Iterable[Path]) -> None:
    """Brings files into the page cache."""
    for path in paths:
        for name in files_of(path):
            with name.open("rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass


def evict(paths: Iterable[Path]) -> None:
    """Takes files out of the page cache, and no others."""
    for path in paths:
        for name in files_of(path):
            descriptor = os.open(name, os.O_RDONLY)
            try:
                # Pages that are not on the disk yet stay.
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


class Environment:
    """A Python environment with all engines that can be installed, and twinstore as it is here."""

    def __init__(self, path: Path) -> None:
        self.python = path / "bin" / "python"
        if not self.python.exists():
            subprocess.run([sys.executable, "-m", "venv", path], check=True)

    def install(self, requirements: Path) -> None:
        for line in requirements.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#") and not self.pip(line):
                print(f"!!! {line} cannot be installed", file=sys.stderr)
        if not self.pip("--force-reinstall", "--no-deps", str(ROOT / "python")):
            raise SystemExit("twinstore cannot be built")

    def pip(self, *arguments: str) -> bool:
        command = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
        return subprocess.run(command).returncode == 0

    def run(self, arguments: list[str], **options) -> subprocess.CompletedProcess:
        env = os.environ | {"PYTHONPATH": str(ROOT / "scripts")} | options.pop("env", {})
        return subprocess.run([self.python, *arguments], env=env, text=True, **options)

    def make(self, path: Path, rows: int, dim: int, **options: object) -> None:
        """Makes a data set (`made_data.make`)."""
        arguments = "".join(f", {name}={value!r}" for name, value in options.items())
        code = f"import made_data, pathlib; made_data.make(pathlib.Path({str(path)!r}), {rows}, {dim}{arguments})"
        self.run(["-c", code], check=True)

    def can_load(self, store: str) -> bool:
        code = f"import compare_stores as c; next(s for s in c.STORES if s.name == {store!r})('').load()"
        return self.run(["-c", code], stderr=subprocess.DEVNULL).returncode == 0

    def child(self, *arguments: str, env: dict[str, str] | None = None) -> dict[str, float]:
        """One process of one store (`compare_process.main`)."""
        # A module that is run by itself would be compiled each time.
        command = ["-c", "import compare_process; compare_process.main()", *arguments]
        done = self.run(command, env=env or {}, stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)}: failed")
        return json.loads(done.stdout.splitlines()[-1])

    def measure(self, store: str, data: Path, env: dict[str, str] | None = None) -> dict[str, float]:
        """What one fresh process of a store tells."""
        return self.child("measure", store, str(data), str(time.monotonic()), str(BUDGET_SECONDS), env=env)
