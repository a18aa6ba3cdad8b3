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

What a table holds is kept where code of the application can add to it and take nothing away: in
advisory locks of the transaction. Nobody can let go of such a lock before it ends. A row that was
changed, or removed and written again, is another one by the transaction and the command that have
written it: the server counts the commands of a transaction, and gives no number twice. Behind a
block that fills a table, its rows are noted before anything that was deferred can run; settings are
pinned after it, and then there have to be the rows that are noted, no more and no less. A helper
that has run code of the application notes its row itself, by the names and values of its columns
(`noted` in gonogo.sql.j2). Such a table may hold nothing that runs when it is read or written.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...contract.errors import GonogoError
from ...contract.script import Block, blocks
from ...contract.session_settings import SEARCH_PATH
from .quoting import Sql, literal

__all__ = ["KEY_KEPT", "KEY_SET", "LOCK", "digest_of", "guarded"]

_FUNCTION = re.compile(
    r"^CREATE FUNCTION pg_temp\.(?P<name>[a-z_0-9]+)\s*\((?P<header>.*?)"
    r"\bAS \$gonogo_helper\$(?P<body>.*?)\$gonogo_helper\$",
    re.DOTALL | re.MULTILINE,
)
_CREATED = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION pg_temp\.", re.MULTILINE)
_SETTING = re.compile(r"\bSET (?P<name>[a-z_]+) = (?P<value>[a-z_]+)")

# A table that the script makes, and one that it adds rows to later.
_TABLE = re.compile(r"^CREATE TEMPORARY TABLE (?P<name>[a-z_]+) ", re.MULTILINE)
_FILLED = re.compile(r"\bINSERT INTO pg_temp\.(?P<name>[a-z_]+)\b")
_CALLED = re.compile(r"\bpg_temp\.([a-z_0-9]+)\(")
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
    lines = text.split("\n")
    found = blocks(text)
    watch = _Watch.of(found)
    filled: list[str] = []
    tables = marked = False
    for block in found:
        if not (block.kind == "setup" and block.words in _FRAME) or (_ends(block) and tables):
            if filled or marked:
                guard += f"fill {' '.join(filled)};" if filled else "kept;"
            marked = bool(filled)
            # Behind the line that begins the block.
            lines[block.line - 1] += "\n" + _statement(guard, guard[len(said) :])
            said = guard
        made = [t["name"] for t in _TABLE.finditer(block.sql)]
        tables = tables or bool(made)
        guard += "".join(f"helper {helper};" for helper in _created(block))
        guard += "".join(f"table {name} {watch.how(name)};" for name in made)
        filled = watch.filled_by(block)
    return "\n".join(lines)


def _ends(block: Block) -> bool:
    return block.words == "end"


@dataclass(frozen=True)
class _Watch:
    """Which blocks add rows to tables of pg_temp, by the text of a script."""

    # Helper function -> the tables that it fills, itself or by another one that it calls.
    helpers: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, found: Sequence[Block]) -> _Watch:
        bodies = {m["name"]: m["body"] for b in found for m in _FUNCTION.finditer(b.sql)}
        helpers = {name: _filled(body) for name, body in bodies.items()}
        for _ in bodies:
            helpers = {
                name: helpers[name].union(*(helpers.get(one, set()) for one in _called(body)))
                for name, body in bodies.items()
            }
        return cls(helpers)

    def how(self, table: str) -> str:
        """`noted` where a helper fills it, which says each row that it has written."""
        return "noted" if any(table in tables for tables in self.helpers.values()) else "rows"

    def filled_by(self, block: Block) -> list[str]:
        """What a block makes counts, too: a query may fill it at once."""
        own = _HELPER_BODY.sub("", block.sql)
        made = {table["name"] for table in _TABLE.finditer(own)}
        called = (self.helpers.get(name, frozenset()) for name in _called(own))
        return sorted(made.union(_filled(own), *called))


def _filled(sql: str) -> frozenset[str]:
    return frozenset(match["name"] for match in _FILLED.finditer(sql))


def _called(sql: str) -> list[str]:
    return _CALLED.findall(sql)


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
