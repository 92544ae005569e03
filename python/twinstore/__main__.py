"""The ``twinstore`` command: also ``python -m twinstore``."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command, and gives its exit status."""
    # Python's own handler would wait for the command to end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_cli(["twinstore", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
