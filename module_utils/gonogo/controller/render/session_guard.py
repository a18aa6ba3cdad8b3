"""What a phase script does before each of its blocks, so that its answer is its own.

Application code (triggers, functions that a CHECK calls) runs in the session that judges, with
the rights of its login. It could change a setting, take another role, or replace a helper function
in pg_temp. So each block begins with one statement that pins the settings and the role again, and
ends the script where a helper is not the one the script has created, or where a table in pg_temp
that the script compares with lacks a row that it had, or has one more.

What that takes is long, so it stands once in a script, as text in two settings of the session:
`gonogo.session` pins; `gonogo.guard` executes it and compares with the list at its own end, a
comment, of the helpers and tables that are there so far. Anybody in the session can write them. So
the statement before a block says the digest of what the guard has to be, and executes that very
text or ends the script; in between, no code but its own runs.

What a table was made with is kept where code of the application can add to it and take nothing
away: in advisory locks of the transaction. Nobody can let go of such a lock before it ends. A row
that was changed, or removed and written again, is another one by where it lies and which
transaction has written it. Rows are noted before anything that was deferred can run, and settings
are pinned after it; a helper that has run code of the application notes its row itself, by the
names and values of its columns (`noted` in gonogo.sql.j2). Such a table may hold nothing that runs
when it is read or written.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...contract.errors import GonogoError
from ...contract.script import Block, blocks
from ...contract.session_settings import SEARCH_PATH
from .quoting import Sql, literal

__all__ = ["KEY_KEPT", "KEY_SET", "LOCK", "digest_of", "guarded"]

_FUNCTION = re.compile(
    r"^CREATE FUNCTION pg_temp\.(?P<name>[a-z_]+)\s*\((?P<header>.*?)"
    r"\bAS \$gonogo_helper\$(?P<body>.*?)\$gonogo_helper\$",
    re.DOTALL | re.MULTILINE,
)
_CREATED = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION pg_temp\.", re.MULTILINE)
_SETTING = re.compile(r"\bSET (?P<name>[a-z_]+) = (?P<value>[a-z_]+)")

# A table that the script makes, and one that it adds rows to later.
_TABLE = re.compile(r"^CREATE TEMPORARY TABLE (?P<name>[a-z_]+) ", re.MULTILINE)
_FILLED = re.compile(r"\bINSERT INTO pg_temp\.(?P<name>[a-z_]+)\b")
_HELPER_BODY = re.compile(r"\$gonogo_helper\$.*?\$gonogo_helper\$", re.DOTALL)

# Words of the blocks that open and end the script: they are the frame itself.
_FRAME = ("name", "session", "transaction", "end")


# The upper 16 bits of the keys of our locks; locks of the application have others.
LOCK = 0x5A3C
# Of a hash, to be such a key: what is kept of it, and what is set in it.
KEY_KEPT = (1 << 48) - 1
KEY_SET = LOCK << 48


def digest_of(text: str) -> Sql:
    """The literal of the MD5 of a text, as the server makes it.

    MD5 tells texts apart here that this project has written itself: who exchanges one has to find
    another with the same digest, not two of his own.
    """
    return literal(_md5(text))


@dataclass(frozen=True)
class _Helper:
    """A function in pg_temp, as pg_proc has it: name, MD5 of its source, its settings."""

    name: str
    digest: str
    settings: str

    def __str__(self) -> str:
        return f"{self.name} {self.digest} {self.settings}".rstrip()


def guarded(text: str, *, guard: str) -> str:
    """The script with the statement before each block; `guard` is what gonogo.guard holds.

    Raises GonogoError for a helper function that is not written as the others are
    (`AS $gonogo_helper$`).
    """
    said = guard
    tables = False
    lines = text.split("\n")
    found = blocks(text)
    growing = set(_growing(found))
    for block in found:
        if not (block.kind == "setup" and block.words in _FRAME) or (_ends(block) and tables):
            # Behind the line that begins the block.
            lines[block.line - 1] += "\n" + _statement(guard, guard[len(said) :])
            said = guard
        made = [t["name"] for t in _TABLE.finditer(block.sql)]
        tables = tables or bool(made)
        guard += "".join(f"helper {helper};" for helper in _created(block))
        guard += "".join(f"table {name} {'row' if name in growing else 'all'};" for name in made)
    return "\n".join(lines)


def _ends(block: Block) -> bool:
    return block.words == "end"


def _growing(found: list[Block]) -> Iterator[str]:
    """Tables that get rows from a helper function, or in another block than the one they are made
    in."""
    for block in found:
        own = {table["name"] for table in _TABLE.finditer(block.sql)}
        in_helpers = "".join(_HELPER_BODY.findall(block.sql))
        yield from (filled["name"] for filled in _FILLED.finditer(in_helpers))
        yield from (f["name"] for f in _FILLED.finditer(block.sql) if f["name"] not in own)


def _created(block: Block) -> Iterator[_Helper]:
    found = list(_FUNCTION.finditer(block.sql))
    if len(found) != len(_CREATED.findall(block.sql)):
        raise GonogoError(
            f"line {block.line}: a helper function is not written like the others",
            hint="Write CREATE FUNCTION pg_temp.name(...) ... AS $gonogo_helper$ ... "
            "$gonogo_helper$, at the beginning of a line.",
        )
    for match in found:
        digest = _md5(match["body"])
        settings = [f"{s['name']}={s['value']}" for s in _SETTING.finditer(match["header"])]
        yield _Helper(match["name"], digest, ",".join(settings))


def _statement(guard: str, new: str) -> str:
    """One DO block. Its first statement needs no operator and no search path."""
    held = "current_setting('gonogo.guard')"
    added = f"PERFORM set_config('gonogo.guard', {held} || {literal(new)}, false);\n"
    return (
        f"DO $$BEGIN PERFORM pg_catalog.set_config('search_path', '{SEARCH_PATH}', false);\n"
        f"{added if new else ''}EXECUTE CASE md5({held}) WHEN {digest_of(guard)}"
        f" THEN {held} ELSE 'guard_was_changed' END; END$$;"
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
