"""A rendered phase script, cut into the blocks that are sent to the server one by one.

A block begins at a line `-- @setup words`, `-- @facts` or `-- @check ID` and ends where the
next begins. psql reads those lines as comments, so both run the same statements. Where a script
that is kept includes a file (`\\ir session_0a1b2c3d.sql`), the text of that file stands in what is
sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import GonogoError

__all__ = ["END_OF_COMMENT", "FORBIDDEN_LINE", "Block", "blocks"]

# What would end a `--` comment or look like the start of a block if a value contained it.
END_OF_COMMENT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
FORBIDDEN_LINE = re.compile(r"^[ \t]*\\.*", re.MULTILINE)

_START = re.compile(
    r"^-- @(?P<kind>setup|facts|check)(?: +(?P<words>[^\n]*?))?[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """`kind` is setup, facts or check; `words` the check's id or the setup's description."""

    kind: str
    words: str
    sql: str
    line: int


def blocks(text: str) -> list[Block]:
    """Cut a script. Raises GonogoError for a statement outside any block or an empty block."""
    starts = list(_START.finditer(text))
    head = text[: starts[0].start()] if starts else text
    if _code(head):
        raise GonogoError("the script has statements before its first -- @ line")
    found = []
    for start, following in zip(starts, [*starts[1:], None]):
        end = following.start() if following else len(text)
        line = text.count("\n", 0, start.start()) + 1
        block = Block(start["kind"], start["words"] or "", text[start.start() : end].strip(), line)
        if not _code(block.sql):
            raise GonogoError(
                f"line {line}: the block '{block.kind} {block.words}' has no statement"
            )
        found.append(block)
    return found


def _code(sql: str) -> str:
    """What is left of a text without blank lines and `--` comment lines."""
    lines = (line.strip() for line in sql.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--"))
