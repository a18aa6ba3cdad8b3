"""Which blocks of a script another session can ask, beside the one that runs the script.

Such a block stands where nothing can be written (`contract.script.readings`), is one statement, and
needs nothing but what every session makes that has run the blocks outside of these parts: a check
or facts, which answer with rows, or an INSERT into a table of pg_temp, whose rows are then put into
that of the script. A block that names a table which another block of such a part fills is none, nor
is one whose helpers fill a table or note what they have done.

Pure: knows neither psycopg nor Ansible.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from ...contract.script import Block, blocks, readings
from ..sql.lexer import LexicalError
from ..sql.statements import pieces

__all__ = ["asked_apart"]

_HELPER = re.compile(
    r"^CREATE FUNCTION pg_temp\.(?P<name>[a-z_0-9]+)\s*\(.*?"
    r"\$gonogo_helper\$(?P<body>.*?)\$gonogo_helper\$",
    re.DOTALL | re.MULTILINE,
)
_CALLED = re.compile(r"\bpg_temp\.([a-z_0-9]+)\(")
_FILLED = re.compile(r"\bINSERT\s+INTO\s+pg_temp\.([a-z_0-9]+)", re.IGNORECASE)
_FILLS = re.compile(r"INSERT\s+INTO\s+pg_temp\.[a-z_0-9]+\s", re.IGNORECASE)
# What would tell one session from another, or wait for one.
_OWN = re.compile(r"\b(?:pg_advisory\w*|pg_backend_pid)\b", re.IGNORECASE)
# What an INSERT of ours ends with where another session executes it, and what comes before that.
_LAST = frozenset({"RETURNING", "CONFLICT"})
_ASKS = frozenset({"SELECT", "WITH"})


def asked_apart(text: str) -> list[int]:
    """Numbers of the blocks of a rendered script, in order."""
    found = blocks(text)
    helpers = {m["name"]: m["body"] for block in found for m in _HELPER.finditer(block.sql)}
    inside = {number for part in readings(found) for number in part}
    if not inside:
        return []
    apart: list[int] = []
    filled: set[str] = set()
    for number, block in enumerate(found[: max(inside) + 1]):
        own = _HELPER.sub("", block.body)
        called = _bodies(own, helpers)
        needs = _names(_FILLED.sub("", own) + called, filled)
        if number not in inside:
            if needs:
                # What it makes of them, no other session has.
                break
            continue
        if not _stands_alone(block, own, called):
            # Nor what else this one does in the session.
            break
        if not needs:
            apart.append(number)
        filled.update(name.lower() for name in _FILLED.findall(own))
    return apart


def _names(sql: str, tables: Collection[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", sql) for name in tables)


def _stands_alone(block: Block, own: str, called: str) -> bool:
    if block.guard is None or _OWN.search(own + called) or _FILLED.search(called):
        return False
    try:
        found = [piece for piece in pieces(own) if piece.tokens]
    except LexicalError:
        return False
    # A comment behind its end would be behind what is put there.
    if len(found) != 1 or not own.rstrip().endswith(";"):
        return False
    if block.kind == "setup":
        once = len(_FILLED.findall(own)) == 1 and not _LAST.intersection(found[0].words())
        return once and bool(_FILLS.match(found[0].code))
    return found[0].verb in _ASKS and not _FILLED.search(own)


def _bodies(sql: str, helpers: Mapping[str, str]) -> str:
    """Those of all helpers that are called, also by each other."""
    seen: dict[str, str] = {}
    waiting: Sequence[str] = [sql]
    while waiting:
        called = {name for text in waiting for name in _CALLED.findall(text)}
        new = {name: helpers[name] for name in called if name in helpers and name not in seen}
        seen |= new
        waiting = list(new.values())
    return "\n".join(seen.values())
