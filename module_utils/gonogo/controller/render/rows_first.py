"""Whether a script asks about rows that are there before code of the database can touch them.

A trigger that corrects rows where it finds itself in a run would have every check after it answer
for the corrected ones; so would a function that runs where a query of its table is planned, within
the very query. So such a question stands in the part of a script in which nothing can be written
(`reading` in gonogo.sql.j2), and nothing before that part can run code of the database. Behind it,
a check is about rows of the run, which it names by their ids, or asks once more and compares with
what was answered first (`again`).

A query of whole tables is known by TABLESAMPLE, by which no index answers for its table.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ...contract.errors import GonogoError
from ...contract.script import Block, blocks

__all__ = ["check_rows"]

_BEGINS = re.compile(r"^SAVEPOINT gonogo_reading;$", re.MULTILINE)
_ENDS = re.compile(r"^RELEASE SAVEPOINT gonogo_reading;$", re.MULTILINE)
_HELPER = re.compile(
    r"^CREATE FUNCTION pg_temp\.(?P<name>[a-z_0-9]+)\s*\(.*?"
    r"\$gonogo_helper\$(?P<body>.*?)\$gonogo_helper\$",
    re.DOTALL | re.MULTILINE,
)
_CALLED = re.compile(r"\bpg_temp\.([a-z_0-9]+)\(")
_COMMENT = re.compile(r"--[^\n]*")
# What is tried or timed, and undone.
_TRIED = re.compile(r"(\$gonogo_(?:command|query)\$).*?\1", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_COMPARED = re.compile(r"\bJOIN pg_temp\.rows_first\b|\bFROM pg_temp\.again\(")
_WHOLE = re.compile(r"\bTABLESAMPLE\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Part:
    """What a block does by itself, and what the helpers do that it calls."""

    own: str
    called: str

    def is_of_whole_tables(self) -> bool:
        return bool(_WHOLE.search(self.own + self.called))

    def asks_for(self, tables: re.Pattern[str]) -> bool:
        return bool(tables.search(_TEXT.sub("", _TRIED.sub("", self.own))))

    def names(self, ids: Collection[str]) -> bool:
        kept = _TRIED.sub("", self.own)
        return any(one in kept for one in ids)

    def may_run_code(self, tables: re.Pattern[str]) -> bool:
        return bool(self.called or tables.search(self.own))


def check_rows(
    text: str, name: str, *, schema: str, tables: Collection[str], ids: Collection[str]
) -> None:
    """Raise GonogoError, with the line, where a check of the script `name` asks too late.

    `tables` of the schema are those of the application; `ids` are those of the run's own rows.
    """
    found = blocks(text)
    helpers = {m["name"]: m["body"] for block in found for m in _HELPER.finditer(block.sql)}
    named = re.compile(rf'"?\b{re.escape(schema)}"?\s*\.\s*"?(?:{_any_of(tables)})\b')
    reading = has_run = False
    for block in found:
        part = _part(block, helpers)
        if _BEGINS.search(block.sql):
            reading = True
            if has_run:
                raise _too_late(name, block)
        elif _ENDS.search(block.sql):
            reading = False
        elif not reading:
            has_run = has_run or part.may_run_code(named)
            late = part.is_of_whole_tables() or (block.kind == "check" and part.asks_for(named))
            if late and not part.names(ids) and not _COMPARED.search(part.own):
                raise _untold(name, block)


def _part(block: Block, helpers: Mapping[str, str]) -> _Part:
    own = _COMMENT.sub("", _HELPER.sub("", block.sql))
    return _Part(own, "\n".join(_bodies(own, helpers)))


def _bodies(sql: str, helpers: Mapping[str, str]) -> Sequence[str]:
    """Those of all helpers that are called, also by each other."""
    seen: dict[str, str] = {}
    waiting = [sql]
    while waiting:
        for name in _CALLED.findall(waiting.pop()):
            if name in helpers and name not in seen:
                seen[name] = _COMMENT.sub("", helpers[name])
                waiting.append(seen[name])
    return list(seen.values())


def _any_of(names: Collection[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


def _untold(name: str, block: Block) -> GonogoError:
    what = f"check {block.words}" if block.kind == "check" else f"'{block.words}'"
    return GonogoError(
        f"{name}.sql:{block.line}: {what} asks about rows that are there where code of the "
        "database may have changed them",
        hint="Ask in gonogo.reading(), before anything is tried; or with gonogo.question(), "
        "gonogo.first() and gonogo.again(). A check of rows of the run names them by id_of().",
    )


def _too_late(name: str, block: Block) -> GonogoError:
    return GonogoError(
        f"{name}.sql:{block.line}: what is read first comes behind what may run code of the "
        "database",
        hint="Put gonogo.reading() or gonogo.first() before the first call of a helper, and before "
        "the first query of a table of the application.",
    )
