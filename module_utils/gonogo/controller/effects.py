"""What a statement leaves behind, by which a migration is recognised in a real schema.

An effect is a plain mapping, for the way to the target host:

    {"kind": "constraint", "schema": "public", "table": "punchlists", "name": "fk_...",
     "made": true, "sure": true, "file": "foreign_keys.sql", "line": 206}

`kind` is table, column, constraint, validated (a constraint), index, trigger, function, type,
view, sequence, schema or extension; `table` only where the object belongs to one. `made` is false
where the statement takes the object away. `sure` is false where the object may have been there
before (OR REPLACE, IF NOT EXISTS). What leaves no object (UPDATE, GRANT, DO) has no effect here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import InputError
from .reader import Reader
from .statements import Piece

__all__ = ["effects", "net", "outside_transaction"]

Effect = dict[str, Any]

_NOISE = {"OR", "REPLACE", "UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL"}
_NOISE |= {"CONSTRAINT", "RECURSIVE", "TRUSTED", "PROCEDURAL", "MATERIALIZED"}
_PLAIN = {"TABLE", "VIEW", "SEQUENCE", "TYPE", "DOMAIN", "SCHEMA", "EXTENSION"}
_ROUTINES = {"FUNCTION": "function", "PROCEDURE": "function", "AGGREGATE": "function"}
_KIND = {"DOMAIN": "type"}
_INLINE = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE"}


def effects(piece: Piece, file: str) -> list[Effect]:
    """What a statement leaves behind. Raises InputError for a table without its schema."""
    reader = Reader(piece)
    verb = reader.word
    reader.at += 1
    found: Iterable[Effect] = ()
    if verb == "CREATE":
        found = _created(reader)
    elif verb == "DROP":
        found = _dropped(reader)
    elif verb == "ALTER" and reader.take("TABLE"):
        found = _altered(reader)
    where = {"file": file, "line": piece.line}
    return [{"made": True, "sure": True, "table": None, **effect, **where} for effect in found]


def net(found: Iterable[Effect]) -> list[Effect]:
    """What is left of all of them at the end, in order: what was made and dropped is gone.

    `sure` is false, too, for what the migration itself makes and takes away again: that it is not
    there says nothing.
    """
    last: dict[tuple[Any, ...], Effect] = {}
    for effect in found:
        # An index is named within its schema: DROP INDEX does not say the table.
        table = None if effect["kind"] == "index" else effect["table"]
        key = (effect["kind"], effect["schema"], table, effect["name"])
        before = last.pop(key, None)
        again = before is not None and before["made"] and not effect["made"]
        # What goes and comes back under the same name cannot be told from what never went.
        back = before is not None and not before["made"] and effect["made"]
        last[key] = {**effect, "sure": effect["sure"] and not again and not back}
        if effect["kind"] == "table" and not effect["made"]:
            for other in [k for k in last if k[1:3] == (effect["schema"], effect["name"])]:
                del last[other]
    return list(last.values())


def outside_transaction(piece: Piece) -> str | None:
    """Why the server refuses this statement inside a transaction block, or None."""
    words = [token.text for token in piece.tokens if token.kind == "word"]
    verb = words[0] if words else ""
    if "CONCURRENTLY" in words[:8] and (
        verb in {"REINDEX", "DROP"} or words[:2] == ["CREATE", "INDEX"] or "UNIQUE" in words[:3]
    ):
        return f"{verb} … CONCURRENTLY"
    if words[:2] == ["ALTER", "TABLE"] and "DETACH" in words and "CONCURRENTLY" in words:
        return "DETACH PARTITION CONCURRENTLY"
    if verb == "VACUUM" or words == ["CLUSTER"] or words[:2] == ["ALTER", "SYSTEM"]:
        return " ".join(words[:2])
    if verb == "REINDEX" and {"DATABASE", "SYSTEM"} & set(words[:4]):
        return "REINDEX of a whole database"
    if verb in {"CREATE", "DROP"} and words[1:2] in (["DATABASE"], ["TABLESPACE"]):
        return " ".join(words[:2])
    if words[:2] in (["CREATE", "SUBSCRIPTION"], ["DROP", "SUBSCRIPTION"]):
        return " ".join(words[:2])
    return None


def _created(reader: Reader) -> Iterator[Effect]:
    replaced = "REPLACE" in [token.text for token in reader.tokens[:4]]
    temporary = {"TEMP", "TEMPORARY"} & {token.text for token in reader.tokens[:4]}
    while reader.word in _NOISE:
        reader.at += 1
    what = reader.word
    reader.at += 1
    reader.take("CONCURRENTLY")
    sure = not reader.take("IF", "NOT", "EXISTS") and not replaced
    if temporary:
        return
    if what == "INDEX":
        index = "" if reader.word == "ON" else reader.last()
        if reader.take("ON"):
            reader.take("ONLY")
            schema, table = _qualified(reader, reader.name())
            if index:
                yield _effect("index", schema, table, index, sure=sure)
    elif what == "TRIGGER":
        trigger = reader.last()
        while reader.at < len(reader.tokens) and not reader.take("ON"):
            reader.at += 1
        schema, table = _qualified(reader, reader.name())
        yield _effect("trigger", schema, table, trigger, sure=sure)
    elif what in _ROUTINES:
        schema, routine = _qualified(reader, reader.name())
        yield _effect("function", schema, None, routine, sure=sure)
    elif what in {"SCHEMA", "EXTENSION"}:
        if reader.word != "AUTHORIZATION":
            yield _effect(what.lower(), None, None, reader.last(), sure=sure)
    elif what in _PLAIN:
        schema, name = _qualified(reader, reader.name())
        kind = _KIND.get(what, what.lower())
        yield _effect(kind, schema, None, name, sure=sure)
        if kind == "table" and reader.take("("):
            yield from _inline_constraints(reader, schema, name, sure=sure)


def _inline_constraints(reader: Reader, schema: str, table: str, *, sure: bool) -> Iterator[Effect]:
    depth, fresh = 1, True
    while depth and reader.at < len(reader.tokens):
        token = reader.tokens[reader.at]
        if depth == 1 and fresh and token.kind == "word" and token.text == "CONSTRAINT":
            reader.at += 1
            name = reader.last()
            yield _effect("constraint", schema, table, name, sure=sure)
            fresh = False
            continue
        sign = token.text if token.kind == "sign" else ""
        fresh = depth == 1 and sign == ","
        depth += (sign == "(") - (sign == ")")
        reader.at += 1


def _dropped(reader: Reader) -> Iterator[Effect]:
    reader.take("MATERIALIZED")
    what = reader.word
    reader.at += 1
    reader.take("CONCURRENTLY")
    reader.take("IF", "EXISTS")
    if what == "TRIGGER":
        trigger = reader.last()
        if reader.take("ON"):
            schema, table = _qualified(reader, reader.name())
            yield _effect("trigger", schema, table, trigger, made=False)
        return
    if what not in _PLAIN | set(_ROUTINES) | {"INDEX"}:
        return
    kind = _ROUTINES.get(what) or _KIND.get(what, what.lower())
    while parts := reader.name():
        if what in {"SCHEMA", "EXTENSION"}:
            yield _effect(kind, None, None, parts[0], made=False)
        else:
            schema, name = _qualified(reader, parts)
            yield _effect(kind, schema, None, name, made=False)
        if reader.word == "(":
            reader.skip_parentheses()
        if not reader.take(","):
            return


def _altered(reader: Reader) -> Iterator[Effect]:
    reader.take("IF", "EXISTS")
    reader.take("ONLY")
    schema, table = _qualified(reader, reader.name())
    while reader.at < len(reader.tokens):
        yield from _action(reader, schema, table)
        reader.skip_item()


def _action(reader: Reader, schema: str, table: str) -> Iterator[Effect]:
    if reader.take("ADD", "CONSTRAINT"):
        name = reader.last()
        yield _effect("constraint", schema, table, name)
    elif reader.take("DROP", "CONSTRAINT"):
        reader.take("IF", "EXISTS")
        name = reader.last()
        yield _effect("constraint", schema, table, name, made=False)
    elif reader.take("VALIDATE", "CONSTRAINT"):
        name = reader.last()
        yield _effect("validated", schema, table, name)
    elif reader.take("ADD"):
        if reader.word in _INLINE:
            return
        reader.take("COLUMN")
        sure = not reader.take("IF", "NOT", "EXISTS")
        name = reader.last()
        yield _effect("column", schema, table, name, sure=sure)
    elif reader.take("DROP"):
        reader.take("COLUMN")
        reader.take("IF", "EXISTS")
        if reader.word not in {"NOT", "DEFAULT", "IDENTITY", "EXPRESSION"}:
            name = reader.last()
            yield _effect("column", schema, table, name, made=False)
    elif reader.take("RENAME", "TO"):
        name = reader.last()
        yield _effect("table", schema, None, table, made=False)
        yield _effect("table", schema, None, name)
    elif reader.take("RENAME", "CONSTRAINT"):
        old = reader.last()
        reader.take("TO")
        name = reader.last()
        yield _effect("constraint", schema, table, old, made=False)
        yield _effect("constraint", schema, table, name)
    elif reader.take("RENAME"):
        reader.take("COLUMN")
        old = reader.last()
        reader.take("TO")
        name = reader.last()
        yield _effect("column", schema, table, old, made=False)
        yield _effect("column", schema, table, name)


def _effect(
    kind: str,
    schema: str | None,
    table: str | None,
    name: str,
    *,
    made: bool = True,
    sure: bool = True,
) -> Effect:
    return {
        "kind": kind,
        "schema": schema,
        "table": table,
        "name": name,
        "made": made,
        "sure": sure,
    }


def _qualified(reader: Reader, parts: list[str]) -> tuple[str, str]:
    if len(parts) == 2:
        return parts[0], parts[1]
    name = ".".join(parts) or "?"
    raise InputError(
        f"line {reader.piece.line}: '{name}' is not schema.name",
        hint="Qualify every name: a deployment's search_path is empty, so that no table can be "
        "made in, or taken from, another schema.",
    )
