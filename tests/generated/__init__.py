"""What Ansible and people read as files, written from the declarations of the stages.

`contract/options` declares each of them once. `python -m tests.generated` writes what says it
again: the action plugins, the modules and the fragments of their documentation, the roles, the
stages in the playbook of a run, and the tables of docs/variables.md. A file that begins with the
words of `WRITTEN` is written as a whole; of the others everything else is written by hand, and
stays. tests/unit/test_generated.py fails where one is not as it would be written.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ROOT", "WRITTEN", "comment", "flow", "replaced"]

ROOT = Path(__file__).parents[2]
# The first line of a file that is written as a whole.
WRITTEN = "# Written by python -m tests.generated, from module_utils/gonogo/contract/options."

_WIDTH = 100

# As pytest has it.
sys.path.insert(0, str(ROOT / "module_utils"))


def flow(value: Any) -> str:
    """A value in YAML, in one line."""
    text: str = yaml.safe_dump(value, width=float("inf"), default_flow_style=True)
    return text.removesuffix("...\n").strip()


def comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def replaced(pattern: re.Pattern[str], text: str, part: str) -> str:
    """The text with the part in the one place of it. Raises LookupError where it has another."""
    written, number = pattern.subn(lambda _: part, text)
    if number != 1:
        raise LookupError(f"{number} places of {pattern.pattern}")
    return written
