"""What several scripts of a run need: kept once, in a file that each of them includes.

psql reads `\\ir NAME.sql` as the text of that file; the engine sends the text itself. No value
that a template prints can make or end such a part: in it no line begins with `-- @` (see quoting).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...contract.errors import GonogoError

__all__ = ["included", "separated", "together"]

_PART = re.compile(
    r"^-- @library (?P<name>[a-z_]+)\n(?P<text>.*?)^-- @end (?P=name)\n", re.DOTALL | re.MULTILINE
)
_INCLUDE = re.compile(r"^\\ir (?P<name>[a-z_]+)\.sql\n", re.MULTILINE)


def separated(text: str) -> tuple[str, dict[str, str]]:
    """A rendered script as it is kept, and the files that it includes: name → SQL."""
    libraries: dict[str, str] = {}

    def include(part: re.Match[str]) -> str:
        libraries[part["name"]] = part["text"].strip("\n") + "\n"
        return f"\\ir {part['name']}.sql\n"

    return _PART.sub(include, text), libraries


def included(text: str, libraries: Mapping[str, str]) -> str:
    """What psql makes of a script that is kept: the text that runs."""
    return _INCLUDE.sub(lambda line: libraries[line["name"]], text)


def together(files: dict[str, str], script: str, libraries: Mapping[str, str]) -> None:
    """Add what a script includes. Raises GonogoError where another script's is another text."""
    for name, text in libraries.items():
        if files.setdefault(name, text) != text:
            raise GonogoError(
                f"{script}: what it includes as {name}.sql is not what other scripts do",
                hint="Have the same libraries, in the same order, at the beginning of each script.",
            )
