"""The command comes with the package."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import twinstore
from support.plain import command, example, flip, larger, segment_of

pytestmark = pytest.mark.any_release


def test_pack_and_unpack_are_the_command_of_the_binary(tmp_path: Path) -> None:
    directory = example(tmp_path / "storage")
    packed = command("pack", directory)
    assert packed.returncode == 0, packed.stderr
    assert "generation 1 is published" in packed.stdout
    unpacked = command("unpack", directory, "--out", tmp_path / "copy")
    assert unpacked.returncode == 0, unpacked.stderr
    for file in directory.glob("*.json"):
        assert (tmp_path / "copy" / file.name).read_bytes() == file.read_bytes()


def test_exit_status_tells_problems_from_mistakes(tmp_path: Path) -> None:
    directory = example(tmp_path / "storage")
    assert command("status", directory).returncode == 1
    twinstore.pack(directory)
    assert command("status", directory).returncode == 0
    flip(segment_of(directory, "vec"), 5000)
    damaged = command("verify", directory)
    assert damaged.returncode == 1
    assert "PLANE" in damaged.stdout
    assert command("pack", tmp_path / "nowhere").returncode == 2
    mistaken = command("pakc", directory)
    assert (mistaken.returncode, mistaken.stdout) == (2, "")
    assert "pakc" in mistaken.stderr
    assert command("--help").returncode == 0
    assert command("--version").stdout == "twinstore 0.1.0\n"


def test_who_closes_the_pipe_has_seen_enough(tmp_path: Path) -> None:
    directory = example(tmp_path / "storage")
    twinstore.pack(directory)
    words = [sys.executable, "-m", "twinstore", "ls", str(directory), "docstore"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_ctrl_c_kills_it_at_once_and_harms_nothing(tmp_path: Path) -> None:
    directory = larger(tmp_path / "storage")
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    words = [sys.executable, "-m", "twinstore", "pack", str(directory)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (directory / "twin").exists():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == -signal.SIGINT
        assert process.stderr and b"Traceback" not in process.stderr.read()
    assert {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()} == before
    twinstore.pack(directory)
    assert twinstore.verify(directory)["problems"] == []


def test_the_command_is_on_the_path_of_the_environment() -> None:
    script = shutil.which("twinstore", path=os.path.dirname(sys.executable))
    if script is None:
        pytest.skip("the package is not installed here, but imported from its sources")
    run = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert run.stdout == "twinstore 0.1.0\n"
