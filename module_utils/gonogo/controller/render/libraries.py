"""What several scripts of a run need: kept once, in a file that each of them includes.

psql reads `\\ir FILE` as the text of that file; the engine sends the text itself. The name of the
file tells what is in it: scripts that need another text, such as those of a twin with other time
limits, include another file. No value that a template prints can make or end such a part: in it no
line begins with `-- @` (see quoting).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

__all__ = ["included", "separated"]

_PART = re.compile(
    r"^-- @library (?P<name>[a-z_]+)\n(?P<text>.*?)^-- @end (?P=name)\n", re.DOTALL | re.MULTILINE
)
_INCLUDE = re.compile(r"^\\ir (?P<name>[a-z_]+_[0-9a-f]{8})\.sql\n", re.MULTILINE)


def separated(text: str) -> tuple[str, dict[str, str]]:
    """A rendered script as it is kept, and the files that it includes: name → SQL."""
    libraries: dict[str, str] = {}

    def include(part: re.Match[str]) -> str:
        content = part["text"].strip("\n") + "\n"
        name = f"{part['name']}_{hashlib.sha256(content.encode()).hexdigest()[:8]}"
        libraries[name] = content
        return f"\\ir {name}.sql\n"

    return _PART.sub(include, text), libraries


def included(text: str, libraries: Mapping[str, str]) -> str:
    """What psql makes of a script that is kept: the text that runs."""
    return _INCLUDE.sub(lambda line: libraries[line["name"]], text)
