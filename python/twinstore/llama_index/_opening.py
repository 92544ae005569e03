"""Whether a persist directory is read from its twin or from its JSON files.

The rule is the table of the two twins (``docs/FORMAT.md``): the twin is opened if it
is up to date, made or brought up to date if that can be, and the JSON is read if not.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from twinstore import _native, pack
from twinstore.errors import Io, JsonNewer, Locked, NotPacked, NoTwin, OutOfSync, TwinstoreError, WouldLoseStore

logger = logging.getLogger(__name__)

Packing = bool | Literal["auto"]

#: How often a process looks whether another one has finished packing.
LOOK_EVERY = 0.05
#: How often packing is tried again where somebody writes JSON files meanwhile.
TRIES = 3

_said: set[str] = set()


def say_once(level: int, message: str) -> None:
    """Logs a message, the first time in this process."""
    if message not in _said:
        _said.add(message)
        logger.log(level, message)


def wants_packing(packing: Packing) -> bool:
    """Whether a twin is to be made where there is none.

    Raises:
        ValueError: it is neither True nor False nor ``"auto"``.
    """
    if packing == "auto":
        return os.environ.get("TWINSTORE_PACK", "").lower() not in ("0", "false", "no", "off")
    if not isinstance(packing, bool):
        raise ValueError(f'pack is {packing!r}, and must be True, False or "auto"')
    return packing


def open_twin(
    persist_dir: Path, packing: Packing = "auto", required: tuple[str, ...] = (), only: str | None = None
) -> _native.Context | None:
    """Opens the twin of a directory, and makes it first where that is wanted.

    Args:
        persist_dir: the directory.
        packing: whether to make the twin: ``"auto"`` where the directory can be written,
            and unless the environment variable ``TWINSTORE_PACK`` is ``0``.
        required: JSON files without which there is nothing to be made a twin of.
        only: the one JSON file that matters, for whoever opens one store. A twin is not
            made for it, but brought up to date.

    Returns:
        None where the JSON files are to be read.

    Raises:
        TwinstoreError: JSON and twin both changed, or the twin is damaged.
        Io: the twin cannot be written though ``pack=True``.
        ValueError: ``packing`` is none of the three.
    """
    wanted = wants_packing(packing)  # First, so that a wrong word is found before it matters.
    if not persist_dir.is_dir():
        return None
    tries = 0
    while True:
        try:
            return _opened(_native.Context.open(persist_dir, only=only))
        except NoTwin as why:
            if only is not None or not all((persist_dir / name).is_file() for name in required):
                return None
            reason: TwinstoreError = why
        except (JsonNewer, NotPacked) as why:
            reason = why
        if not wanted:
            _allow_json(persist_dir, reason, only)
            say_once(logging.INFO, f"the JSON files of {persist_dir} are read: packing is switched off")
            return None
        if tries == TRIES:
            raise reason
        tries += 1
        try:
            pack_json(persist_dir, until=lambda: _is_up_to_date(persist_dir, only))
        except OutOfSync as why:
            if only is not None and Path(why.path).name != only:
                return None  # Another file is in the way, and this one is newer than the twin.
            if not isinstance(why, WouldLoseStore):
                raise
            say_once(logging.WARNING, f"the twin of {persist_dir} is read instead of its JSON files: {why}")
            return _native.Context.open(persist_dir, compare=False)
        except Io as why:
            if packing is True:
                raise
            _allow_json(persist_dir, reason, only)
            say_once(logging.WARNING, f"the JSON files of {persist_dir} are read, because they cannot be packed: {why}")
            return None


def pack_json(persist_dir: Path, until: Callable[[], bool] = lambda: False) -> None:
    """Packs the JSON files of a directory, with progress on a terminal and one line in
    the log. Waits for another process that writes the twin.

    Args:
        persist_dir: the directory.
        until: whether nothing has to be done any more; asked while waiting.
    """
    started = time.monotonic()
    while True:
        try:
            pack(persist_dir, progress=True)
        except Locked:
            say_once(logging.INFO, f"another process is writing the twin of {persist_dir}; waiting for it")
            time.sleep(LOOK_EVERY)
            if until():
                return
        else:
            logger.info("packed %s in %.1f s", persist_dir, time.monotonic() - started)
            return


def _opened(twin: _native.Context) -> _native.Context:
    for notice in twin.notices:
        say_once(logging.WARNING, f"{twin.persist_dir}: {notice}")
    return twin


def _is_up_to_date(persist_dir: Path, only: str | None) -> bool:
    try:
        _native.Context.open(persist_dir, only=only)
    except TwinstoreError:
        return False
    return True


def _allow_json(persist_dir: Path, reason: TwinstoreError, only: str | None = None) -> None:
    """Raises the reason why the twin is not opened, where it has stores that JSON files
    lack or have older: they would be missed without a word. (Whoever opens one store
    misses none.)"""
    if only is None and not isinstance(reason, NoTwin) and not _native.is_json_complete(persist_dir):
        raise reason
