"""A rendered phase script, cut into the blocks that are sent to the server one by one.

A block begins at a line `-- @setup words`, `-- @facts` or `-- @check ID` and ends where the
next begins. psql reads those lines as comments, so both run the same statements. Where a script
that is kept includes a file (`\\ir session_0a1b2c3d.sql`), the text of that file stands in what is
sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import GonogoError

__all__ = ["END_OF_COMMENT", "FORBIDDEN_LINE", "Block", "blocks", "readings"]

# What would end a `--` comment or look like the start of a block if a value contained it.
END_OF_COMMENT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
FORBIDDEN_LINE = re.compile(r"^[ \t]*\\.*", re.MULTILINE)

_START = re.compile(
    r"^-- @(?P<kind>setup|facts|check)(?: +(?P<words>[^\n]*?))?[ \t]*$", re.MULTILINE
)

# The statement that a block begins with, see controller/render/session_guard.py.
_GUARDED = re.compile(
    r"\A--[^\n]*\n"
    r"(?P<guard>DO \$\$BEGIN PERFORM pg_catalog\.set_config\('search_path'[^\n]*;\n"
    r"(?:PERFORM set_config\('gonogo\.guard'[^\n]*;\n)?"
    r"EXECUTE CASE md5[^\n]* END; END\$\$;)\n(?P<body>.*)\Z",
    re.DOTALL,
)
# The part of a script in which nothing can be written, where another part of it can.
_READING = re.compile(r"^SAVEPOINT gonogo_reading;$", re.MULTILINE)
_READ = re.compile(r"^RELEASE SAVEPOINT gonogo_reading;$", re.MULTILINE)
_READ_ONLY = re.compile(r"^BEGIN TRANSACTION ISOLATION LEVEL [A-Z ]+, READ ONLY;$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """`kind` is setup, facts or check; `words` the check's id or the setup's description."""

    kind: str
    words: str
    sql: str
    line: int

    @property
    def guard(self) -> str | None:
        """The statement that makes the session ours again; None where the block has none."""
        found = _GUARDED.match(self.sql)
        return found["guard"] if found else None

    @property
    def body(self) -> str:
        """What the block does behind that statement."""
        found = _GUARDED.match(self.sql)
        return found["body"].strip() if found else self.sql

    @property
    def is_end(self) -> bool:
        """Whether it ends the transaction."""
        return self.kind == "setup" and self.words == "end"


def readings(found: Sequence[Block]) -> list[list[int]]:
    """The parts of a script in which nothing can be written: numbers of their blocks, in order.

    Of a script that may only read these are all that answer something.
    """
    if any(_READ_ONLY.search(block.sql) for block in found):
        return [[number for number, block in enumerate(found) if block.kind != "setup"]]
    parts: list[list[int]] = []
    reading = False
    for number, block in enumerate(found):
        if _READING.search(block.sql):
            parts.append([])
            reading = True
        elif _READ.search(block.sql):
            reading = False
        elif reading:
            parts[-1].append(number)
    return parts


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
