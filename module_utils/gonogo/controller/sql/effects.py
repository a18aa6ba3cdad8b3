"""What a statement leaves behind, by which a migration is recognised in a real schema.

An effect is an object (`SchemaObject`) that a statement makes or drops. A statement that changes
rows and no object (UPDATE, SELECT) has no effect here. One that changes an object in a way that the
object's existence does not show has an effect of the kind UNREAD. ALTERED means that a statement
may have made another column of the named one, or of all of them; CASCADED, that it may have dropped
more than it names.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...contract.errors import InputError
from ...contract.records.migration import BY_PATH, Column, SchemaObject
from . import columns, routines
from .reader import Reader
from .statements import Piece, Token

__all__ = ["ALTERED", "CASCADED", "UNREAD", "effects", "net", "outside_transaction"]

_NOISE = {"OR", "REPLACE", "UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL"}
_NOISE |= {"CONSTRAINT", "RECURSIVE", "TRUSTED", "PROCEDURAL", "MATERIALIZED"}
_PLAIN = {"TABLE", "VIEW", "SEQUENCE", "TYPE", "DOMAIN", "SCHEMA", "EXTENSION"}
_ROUTINES = {"FUNCTION": "function", "PROCEDURE": "function", "AGGREGATE": "function"}
_KIND = {"DOMAIN": "type"}
_INLINE = {"PRIMARY": "p", "UNIQUE": "u", "CHECK": "c", "FOREIGN": "f", "EXCLUDE": "x"}
# Statements that change no object of the schema.
_ROWS = {"ANALYZE", "CHECKPOINT", "CLUSTER", "COPY", "DELETE", "DISCARD", "EXPLAIN", "INSERT"}
_ROWS |= {"LISTEN", "LOCK", "MERGE", "NOTIFY", "REFRESH", "REINDEX", "RESET", "SELECT", "SET"}
_ROWS |= {"SHOW", "TABLE", "TRUNCATE", "UNLISTEN", "UPDATE", "VACUUM", "VALUES", "WITH", "("}

UNREAD = "unread"
ALTERED = "altered"
CASCADED = "cascaded"
_NAMED_IN_SCHEMA = {"table", "type", "view"}
# What may go with a column that is dropped.
_WITH_A_COLUMN = {"constraint", "index"}
# What belongs to a column, and is named after it.
_OF_COLUMN = {"default", "not null"}
# Statements that may do anything to a table.
_ANYTHING = {"CALL", "DO", "SELECT", "WITH"}
# Effects after which less is known of the columns of the table.
_ON_COLUMNS = {ALTERED, "constraint", "default", "not null", "unnamed"}


# Schema and table.
_Place = tuple[str | None, str | None]
# What an object is known by: kind, schema, table, name, and the arguments of a function.
_Key = tuple[str, str | None, str | None, str, Sequence[str] | None]


def effects(piece: Piece, file: str, *, qualified: bool = True) -> list[SchemaObject]:
    """The objects that a statement leaves behind, or removes.

    Raises InputError for a table without its schema where names have to be `qualified`.
    """
    reader = Reader(piece, qualified=qualified)
    verb = reader.word
    reader.at += 1
    found: Iterable[SchemaObject] = ()
    if verb == "CREATE":
        found = _created(reader)
    elif verb == "DROP":
        found = _dropped(reader)
    elif verb == "ALTER" and reader.take("TABLE"):
        found = _altered(reader)
    elif verb == "ALTER":
        found = _altered_otherwise(reader)
    elif verb in {"SELECT", "WITH"}:
        found = _selected(reader)
    elif verb not in _ROWS:
        found = [_unread()]
    if verb in _ANYTHING:
        found = [*found, _effect(ALTERED, None, None, "", conclusive=False)]
    if verb in {"ALTER", "DROP"} and _cascades(reader):
        found = [*found, _effect(CASCADED, None, None, "", conclusive=False)]
    return [replace(effect, file=file, line=piece.line) for effect in found]


def _cascades(reader: Reader) -> bool:
    """Whether anything may go with what is dropped."""
    words = [token.text for token in reader.tokens if token.kind == "word"]
    return any(
        word == "CASCADE" and before not in {"DELETE", "UPDATE"}
        for before, word in itertools.pairwise(words)
    )


def net(found: Iterable[SchemaObject]) -> list[SchemaObject]:
    """What is left of all of them at the end, in order: what was made and dropped is gone.

    `conclusive` is false, too, for what the migration itself makes and takes away again: that it
    does not exist says nothing.
    """
    last: dict[_Key, SchemaObject] = {}
    gone = _Gone()
    for effect in found:
        if effect.kind in _ON_COLUMNS:
            _forget(last, effect)
        turned = _forget_names(last, effect)
        gone.note(effect)
        _doubt(last, effect)
        if effect.kind in {ALTERED, CASCADED}:
            continue
        # An index is named within its schema: DROP INDEX does not say the table.
        table = None if effect.kind == "index" else effect.table
        key = (effect.kind, effect.schema, table, effect.name, effect.arguments)
        before = _taken(last, key)
        # What is made and dropped was there in between; what is dropped and made again under the
        # same name cannot be told from what was never dropped.
        turned = turned or (before is not None and before.expected != effect.expected)
        conclusive = effect.conclusive and not (turned or gone.may_have(effect))
        last[key] = replace(effect, conclusive=conclusive)
        if not effect.expected:
            _forget_what_went(last, effect)
    return list(last.values())


def _taken(last: dict[_Key, SchemaObject], key: _Key) -> SchemaObject | None:
    """What is known of an object, which is forgotten: another spelling of its name may be known."""
    found = last.pop(key, None)
    for other in list(last) if found is None else ():
        if other[0] == key[0] and other[2:] == key[2:] and _may_be(other[1], key[1]):
            found = last.pop(other)
    return found


def _may_be(schema: str | None, other: str | None) -> bool:
    """Whether both may be one: the search path may say so."""
    return schema == other or BY_PATH in {schema, other}


@dataclass
class _Gone:
    """What the migration has dropped so far: what is made afterwards may have been among it."""

    anything: bool = False
    # Tables, views and types; and tables of which a column was dropped, with what was on it.
    whole: set[_Place] = field(default_factory=set)
    in_part: set[_Place] = field(default_factory=set)

    def note(self, effect: SchemaObject) -> None:
        self.anything = self.anything or effect.kind == CASCADED
        if not effect.expected and effect.kind in _NAMED_IN_SCHEMA:
            self.whole.add((effect.schema, effect.name))
        if not effect.expected and effect.kind == "column":
            self.in_part.add((effect.schema, effect.table))

    def may_have(self, effect: SchemaObject) -> bool:
        if not effect.expected:
            return False
        places = self.whole
        if effect.kind in _WITH_A_COLUMN:
            places = places | self.in_part
        return self.anything or any(
            table == effect.table and _may_be(schema, effect.schema) for schema, table in places
        )


def _doubt(last: dict[_Key, SchemaObject], effect: SchemaObject) -> None:
    """What was made before, and may have gone with what is dropped."""
    column = effect.kind == "column" and not effect.expected
    if not column and effect.kind != CASCADED:
        return
    for key, other in last.items():
        on_it = other.kind in _WITH_A_COLUMN and other.table == effect.table
        if not other.expected:
            continue
        if effect.kind == CASCADED or (on_it and _may_be(other.schema, effect.schema)):
            last[key] = replace(other, conclusive=False)


def _forget_names(last: dict[_Key, SchemaObject], effect: SchemaObject) -> bool:
    """What is no longer known of names that an effect may give, or be about. Returns whether it
    drops a function that the migration may have made."""
    made = False
    for key, other in list(last.items()):
        if other.table != effect.table or not _may_be(other.schema, effect.schema):
            continue
        # The server finds a name for it, perhaps that of one that was dropped.
        named_again = effect.kind == "unnamed" and other.kind == "constraint" and not other.expected
        new_default = effect.kind == ALTERED and (other.kind, other.name) == (
            "default",
            effect.name,
        )
        dropped = _is_dropped_function(effect, other)
        made = made or dropped
        if named_again or new_default or dropped:
            del last[key]
    return made


def _is_dropped_function(effect: SchemaObject, other: SchemaObject) -> bool:
    """Whether `effect` may drop the function `other`: how a type is spelled says nothing."""
    if effect.expected or not other.expected:
        return False
    if {effect.kind, other.kind} != {"function"} or effect.name != other.name:
        return False
    known = effect.arguments is not None and other.arguments is not None
    return not known or len(effect.arguments or ()) == len(other.arguments or ())


def _forget_what_went(last: dict[_Key, SchemaObject], effect: SchemaObject) -> None:
    """What has gone with a table or a view, or with a column."""
    for key, other in list(last.items()):
        if not _may_be(other.schema, effect.schema):
            continue
        of_table = effect.kind in _NAMED_IN_SCHEMA and other.table == effect.name
        column = (other.table, other.name) == (effect.table, effect.name)
        of_column = effect.kind == "column" and column and other.kind in _OF_COLUMN
        if of_table or of_column:
            del last[key]


def _forget(last: dict[_Key, SchemaObject], effect: SchemaObject) -> None:
    """What is no longer known of columns that the migration has made."""
    for key, other in last.items():
        if other.column is None:
            continue
        of_table = effect.table in {None, other.table} and (
            effect.schema is None or _may_be(effect.schema, other.schema)
        )
        named = effect.kind in {"constraint", "unnamed"} or effect.name in {"", other.name}
        if of_table and named:
            last[key] = replace(other, column=columns.changed(other.column, effect.kind))


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
    if verb == "VACUUM" or words[:2] in (["ALTER", "SYSTEM"], ["DISCARD", "ALL"]):
        return " ".join(words[:2])
    if verb == "CLUSTER" and set(words[1:]) <= {"VERBOSE"}:
        return "CLUSTER of a whole database"
    if verb == "REINDEX" and _kind_of_reindex(piece) in {"DATABASE", "SYSTEM", "SCHEMA"}:
        return f"REINDEX {_kind_of_reindex(piece)}"
    if words[:2] == ["ALTER", "DATABASE"] and words[-2:-1] == ["TABLESPACE"]:
        return "ALTER DATABASE … SET TABLESPACE"
    if verb in {"CREATE", "DROP"} and words[1:2] in (["DATABASE"], ["TABLESPACE"]):
        return " ".join(words[:2])
    if words[:2] in (["CREATE", "SUBSCRIPTION"], ["DROP", "SUBSCRIPTION"]):
        return " ".join(words[:2])
    return None


def _kind_of_reindex(piece: Piece) -> str:
    reader = Reader(piece)
    reader.at = 1
    if reader.word == "(":
        reader.skip_parentheses()
    return reader.word


def _created(reader: Reader) -> Iterator[SchemaObject]:
    opening = {token.text for token in reader.tokens[:4]}
    replaced = "REPLACE" in opening
    while reader.word in _NOISE:
        reader.at += 1
    what = reader.word
    reader.at += 1
    reader.take("CONCURRENTLY")
    conclusive = not reader.take("IF", "NOT", "EXISTS") and not replaced
    if {"TEMP", "TEMPORARY"} & opening:
        return
    if what in _ROUTINES:
        yield from _created_routine(reader, replaced=replaced)
        return
    if what not in _CREATED:
        yield _unread()
        return
    yield from _CREATED[what](reader, what, conclusive)
    if replaced:
        # It may be there, and another one.
        yield _unread()


def _selected(reader: Reader) -> Iterator[SchemaObject]:
    """SELECT … INTO makes a table; that of INSERT and MERGE has its verb before it."""
    depth = 0
    while reader.at < len(reader.tokens):
        before = reader.tokens[reader.at - 1]
        depth += (reader.word == "(") - (reader.word == ")")
        if reader.take("INTO") and not depth and before.text not in {"INSERT", "MERGE"}:
            temporary = False
            while reader.word in {"TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED", "TABLE"}:
                temporary = temporary or reader.word in {"TEMP", "TEMPORARY"}
                reader.at += 1
            if not temporary:
                schema, table = _qualified(reader, reader.name())
                yield _effect("table", schema, None, table)
            return
        reader.at += 1


def _created_index(reader: Reader, _what: str, conclusive: bool) -> Iterator[SchemaObject]:
    index = "" if reader.word == "ON" else reader.last()
    if not reader.take("ON"):
        yield _unread()
        return
    reader.take("ONLY")
    schema, table = _qualified(reader, reader.name())
    if index:
        yield _effect("index", schema, table, index, conclusive=conclusive)
        return
    columns = _columns(reader)
    yield _effect("unnamed", schema, table, f"i({columns})") if columns else _unread()


def _created_on_table(reader: Reader, what: str, conclusive: bool) -> Iterator[SchemaObject]:
    name = reader.last()
    while reader.at < len(reader.tokens) and not reader.take("TO" if what == "RULE" else "ON"):
        reader.at += 1
    schema, table = _qualified(reader, reader.name())
    yield _effect(what.lower(), schema, table, name, conclusive=conclusive)


def _created_routine(reader: Reader, *, replaced: bool) -> Iterator[SchemaObject]:
    schema, routine = _qualified(reader, reader.name())
    found = routines.read(reader)
    # Whether one that may be replaced is the one that is meant, its body tells.
    known = found.arguments is not None and (not replaced or found.body is not None)
    effect = _effect("function", schema, None, routine, conclusive=known)
    replaces = replaced and found.body is not None
    yield replace(effect, arguments=found.arguments, body=found.body, replaces=replaces)
    if not known:
        yield _unread()


def _created_global(reader: Reader, what: str, conclusive: bool) -> Iterator[SchemaObject]:
    if reader.word != "AUTHORIZATION":
        yield _effect(what.lower(), None, None, reader.last(), conclusive=conclusive)


def _created_plain(reader: Reader, what: str, conclusive: bool) -> Iterator[SchemaObject]:
    schema, name = _qualified(reader, reader.name())
    kind = _KIND.get(what, what.lower())
    yield _effect(kind, schema, None, name, conclusive=conclusive)
    if kind == "table" and reader.word == "(":
        listed = _listed(reader)
        yield from _listed_columns(reader, listed, schema, name, conclusive=conclusive)
        reader.take("(")
        yield from _inline_constraints(reader, schema, name, conclusive=conclusive)


_CREATED: dict[str, Callable[[Reader, str, bool], Iterator[SchemaObject]]] = {
    "INDEX": _created_index,
    **dict.fromkeys(("TRIGGER", "POLICY", "RULE"), _created_on_table),
    **dict.fromkeys(("SCHEMA", "EXTENSION"), _created_global),
    **dict.fromkeys(_PLAIN - {"SCHEMA", "EXTENSION"}, _created_plain),
}


def _listed(reader: Reader) -> list[list[Token]]:
    """The items between the parentheses that come next; the reader stays before them."""
    start = reader.at
    reader.skip_parentheses()
    inner = list(reader.tokens[start + 1 : reader.at - 1])
    reader.at = start
    items: list[list[Token]] = [[]]
    depth = 0
    for token in inner:
        sign = token.text if token.kind == "sign" else ""
        depth += (sign in {"(", "["}) - (sign in {")", "]"})
        if sign == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    return items


def _listed_columns(
    reader: Reader, items: list[list[Token]], schema: str, table: str, *, conclusive: bool
) -> Iterator[SchemaObject]:
    words = [[token.text for token in item if token.kind == "word"] for item in items]
    # A parent and a constraint of the table may say more of a column than it does itself.
    more = any(token.text == "INHERITS" for token in reader.tokens) or any(
        "NOT" in listed[:3]
        for item, listed in zip(items, words, strict=True)
        if not columns.is_column(item)
    )
    for item in filter(columns.is_column, items):
        column = columns.read(item[1:])
        if column.type is None:
            column = Column()
        elif more:
            column = replace(column, required=None, has_default=None, default=None)
        effect = _effect("column", schema, table, item[0].name, conclusive=conclusive)
        yield replace(effect, column=column, listed=True)


def _inline_constraints(
    reader: Reader, schema: str, table: str, *, conclusive: bool
) -> Iterator[SchemaObject]:
    depth, fresh = 1, True
    while depth and reader.at < len(reader.tokens):
        token = reader.tokens[reader.at]
        if depth == 1 and fresh and token.kind == "word" and token.text == "CONSTRAINT":
            reader.at += 1
            name = reader.last()
            yield _effect("constraint", schema, table, name, conclusive=conclusive)
            fresh = False
            continue
        sign = token.text if token.kind == "sign" else ""
        fresh = depth == 1 and sign == ","
        depth += (sign == "(") - (sign == ")")
        reader.at += 1


def _dropped(reader: Reader) -> Iterator[SchemaObject]:
    reader.take("MATERIALIZED")
    what = reader.word
    reader.at += 1
    reader.take("CONCURRENTLY")
    reader.take("IF", "EXISTS")
    if what == "TRIGGER":
        trigger = reader.last()
        if reader.take("ON"):
            schema, table = _qualified(reader, reader.name())
            yield _effect("trigger", schema, table, trigger, expected=False)
        return
    if what in {"POLICY", "RULE"}:
        name = reader.last()
        if reader.take("ON"):
            schema, table = _qualified(reader, reader.name())
            yield _effect(what.lower(), schema, table, name, expected=False)
        return
    if what not in _PLAIN | set(_ROUTINES) | {"INDEX"}:
        yield _unread()
        return
    kind = _ROUTINES.get(what) or _KIND.get(what, what.lower())
    while parts := reader.name():
        if what in {"SCHEMA", "EXTENSION"}:
            yield _effect(kind, None, None, parts[0], expected=False)
        else:
            schema, name = _qualified(reader, parts)
            gone = _effect(kind, schema, None, name, expected=False)
            if what in _ROUTINES:
                found = routines.read(reader) if reader.word == "(" else routines.ANY
                yield replace(gone, arguments=found.arguments)
            else:
                yield gone
        if reader.word == "(":
            reader.skip_parentheses()
        if not reader.take(","):
            return


def _altered(reader: Reader) -> Iterator[SchemaObject]:
    reader.take("IF", "EXISTS")
    reader.take("ONLY")
    schema, table = _qualified(reader, reader.name())
    reader.take("*")
    while reader.at < len(reader.tokens):
        yield from _action(reader, schema, table)
        reader.skip_item()


def _action(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    for words, read in _ACTIONS:
        if reader.take(*words):
            yield from read(reader, schema, table)
            return
    if reader.word not in {";", ""}:
        yield _unread()


def _add_constraint(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    yield _effect("constraint", schema, table, reader.last())


def _drop_constraint(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    reader.take("IF", "EXISTS")
    yield _effect("constraint", schema, table, reader.last(), expected=False)


def _validate(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    yield _effect("validated", schema, table, reader.last())


def _add(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    if reader.word in _INLINE:
        yield _unnamed(reader, schema, table)
        return
    reader.take("COLUMN")
    conclusive = not reader.take("IF", "NOT", "EXISTS")
    effect = _effect("column", schema, table, reader.last(), conclusive=conclusive)
    yield replace(effect, column=columns.read(_item(reader)))


def _item(reader: Reader) -> list[Token]:
    """What stands before the next comma outside of parentheses; it stays there."""
    start = reader.at
    reader.skip_item()
    found = list(reader.tokens[start : reader.at])
    reader.at = start
    return found[:-1] if found and found[-1].text in {",", ";"} else found


def _drop(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    reader.take("COLUMN")
    reader.take("IF", "EXISTS")
    yield _effect("column", schema, table, reader.last(), expected=False)


def _alter_column(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    reader.take("COLUMN")
    name = reader.last()
    if reader.take("SET", "NOT", "NULL"):
        yield _effect("not null", schema, table, name)
    elif reader.take("DROP", "NOT", "NULL"):
        yield _effect("not null", schema, table, name, expected=False)
    elif reader.take("DROP", "DEFAULT"):
        yield _effect("default", schema, table, name, expected=False)
    else:
        yield _effect(ALTERED, schema, table, name, conclusive=False)
        yield _unread()


def _rename_table(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    yield _effect("table", schema, None, table, expected=False)
    yield _effect("table", schema, None, reader.last())


def _rename_constraint(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    yield from _renamed(reader, schema, table, "constraint")


def _rename_column(reader: Reader, schema: str, table: str) -> Iterator[SchemaObject]:
    reader.take("COLUMN")
    yield from _renamed(reader, schema, table, "column")


def _renamed(reader: Reader, schema: str, table: str, kind: str) -> Iterator[SchemaObject]:
    yield _effect(kind, schema, table, reader.last(), expected=False)
    reader.take("TO")
    yield _effect(kind, schema, table, reader.last())


# In this order: the first that fits counts.
_ACTIONS: tuple[
    tuple[tuple[str, ...], Callable[[Reader, str, str], Iterator[SchemaObject]]], ...
] = (
    (("ADD", "CONSTRAINT"), _add_constraint),
    (("DROP", "CONSTRAINT"), _drop_constraint),
    (("VALIDATE", "CONSTRAINT"), _validate),
    (("ADD",), _add),
    (("DROP",), _drop),
    (("ALTER",), _alter_column),
    (("RENAME", "TO"), _rename_table),
    (("RENAME", "CONSTRAINT"), _rename_constraint),
    (("RENAME",), _rename_column),
)


def _unnamed(reader: Reader, schema: str, table: str) -> SchemaObject:
    """A constraint that the server finds a name for: known by its kind and columns."""
    kind = _INLINE[reader.word]
    reader.at += 1
    reader.take("KEY")
    columns = _columns(reader) if kind in "uf" else ""
    if columns is None or kind == "x":
        return _unread()
    return _effect("unnamed", schema, table, f"{kind}({columns})" if columns else kind)


def _columns(reader: Reader) -> str | None:
    """The next list of columns, `a,b`; None where it holds anything else."""
    while reader.at < len(reader.tokens) and reader.word != "(":
        reader.at += 1
    reader.take("(")
    names: list[str] = []
    while reader.at < len(reader.tokens):
        names.append(reader.last())
        if not names[-1] or reader.word not in {",", ")"}:
            return None
        if reader.take(")"):
            return ",".join(names)
        reader.at += 1
    return None


def _altered_otherwise(reader: Reader) -> Iterator[SchemaObject]:
    """What is renamed, and the values of an enum; everything else cannot be told by its name."""
    reader.take("MATERIALIZED")
    what = reader.word
    reader.at += 1
    if what not in {"DOMAIN", "INDEX", "SEQUENCE", "TYPE", "VIEW"}:
        yield _unread()
        return
    reader.take("IF", "EXISTS")
    schema, name = _qualified(reader, reader.name())
    kind = _KIND.get(what, what.lower())
    if reader.take("RENAME", "TO"):
        new = reader.last()
        yield _effect(kind, schema, None, name, expected=False)
        yield _effect(kind, schema, None, new)
    elif reader.take("ADD", "VALUE"):
        conclusive = not reader.take("IF", "NOT", "EXISTS")
        yield _effect("value", schema, name, routines.text(reader) or "", conclusive=conclusive)
    elif reader.take("RENAME", "VALUE"):
        old = routines.text(reader) or ""
        reader.take("TO")
        yield _effect("value", schema, name, old, expected=False)
        yield _effect("value", schema, name, routines.text(reader) or "")
    else:
        yield _unread()


def _unread() -> SchemaObject:
    return _effect(UNREAD, None, None, "")


def _effect(
    kind: str,
    schema: str | None,
    table: str | None,
    name: str,
    *,
    expected: bool = True,
    conclusive: bool = True,
) -> SchemaObject:
    return SchemaObject(kind, schema, table, name, expected=expected, conclusive=conclusive)


def _qualified(reader: Reader, parts: list[str]) -> tuple[str, str]:
    if not reader.qualified and parts:
        # What stands before the schema is the database.
        return (parts[-2] if len(parts) > 1 else BY_PATH), parts[-1]
    if len(parts) == 2:
        return parts[0], parts[1]
    name = ".".join(parts) or "?"
    raise InputError(
        f"line {reader.piece.line}: '{name}' is not schema.name",
        hint="Qualify every name: a deployment's search_path has no schema of a user, so that no "
        "table can be made in, or taken from, another schema.",
    )
