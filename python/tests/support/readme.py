"""What the README tells its readers to type."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def blocks(heading: str, language: str) -> list[str]:
    """The code of one language under a heading."""
    _, _, rest = README.read_text().partition(f"\n## {heading}\n")
    section = rest.partition("\n## ")[0]
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", section, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for _, code in found]


def commands(heading: str) -> list[list[str]]:
    """The words of the commands under a heading."""
    lines = "".join(blocks(heading, "console")).splitlines()
    return [line.removeprefix("$ ").split() for line in lines if line.startswith("$ ")]
