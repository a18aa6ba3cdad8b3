"""Rows that are made up for the tables of any database, so that a check of rows sees some.

Tables are filled parents first. A value is made by the type of its column; what a CHECK or a unique
key refuses is made again, of the values that the CHECK names. The same tables get the same rows.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

__all__ = ["Filled", "fill"]

ROWS = 20
_ATTEMPTS = 80
# One in so many values of a column that may be empty is.
_EMPTY = 4
_KEPT = 200
# Where nothing is wrong with the values, others do not help: a trigger has refused the row.
_HOPELESS = re.compile("^(42|0A|P0|XX|53|54|55|25)")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,6})?")
_LONGEST = 1000

_COLUMNS = """
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod,
       pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '',
       a.attidentity <> ''
           OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%%',
       EXISTS (SELECT FROM pg_catalog.pg_index AS i
               WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey))
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attrelid, a.attnum
"""
_TABLES = r"""
SELECT c.oid, n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                    AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
"""
_TYPES = """
SELECT t.oid, t.typname, t.typcategory, t.typtype, t.typbasetype, t.typtypmod, t.typelem,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e
             WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
       coalesce((SELECT string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ')
                 FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid), '')
FROM pg_catalog.pg_type AS t
"""
_KEYS = """
SELECT k.conrelid, k.confrelid,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (n, i)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.n
             ORDER BY u.i),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (n, i)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.n
             ORDER BY u.i)
FROM pg_catalog.pg_constraint AS k
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY k.conname
"""
_CHECKS = """
SELECT k.conrelid, k.conname, pg_catalog.pg_get_constraintdef(k.oid),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) ORDER BY a.attnum)
FROM pg_catalog.pg_constraint AS k
WHERE k.contype = 'c' AND k.conrelid <> 0
"""


@dataclass(frozen=True)
class Filled:
    """How many rows each table got that had none, and why the others have none still."""

    rows: Mapping[str, int]
    unfilled: Mapping[str, str]


@dataclass(frozen=True)
class _Type:
    name: str
    category: str
    kind: str
    base: int
    base_modifier: int
    element: int
    labels: Sequence[str]
    condition: str


@dataclass(frozen=True)
class _Column:
    """`numbered`: a sequence makes its values; `unique`: it is a part of a unique key."""

    name: str
    type: int
    modifier: int
    spelled: str
    required: bool
    default: bool
    numbered: bool
    unique: bool


@dataclass(frozen=True)
class _Key:
    parent: int
    columns: Sequence[str]
    referred: Sequence[str]


@dataclass
class _Table:
    oid: int
    schema: str
    name: str
    columns: list[_Column] = field(default_factory=list)
    keys: list[_Key] = field(default_factory=list)
    checks: dict[str, tuple[str, Sequence[str]]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.schema}.{self.name}"

    def awaits(self) -> set[int]:
        """The tables that have to have rows first."""
        required = {one.name for one in self.columns if one.required and not one.default}
        return {
            key.parent
            for key in self.keys
            if key.parent != self.oid and required.issuperset(key.columns)
        }


def fill(
    connection: psycopg.Connection[Any], *, rows: int = ROWS, besides: Sequence[str] = ()
) -> Filled:
    """Give each table that has none so many rows; `besides`: tables (schema.name) that get none."""
    return _Filling(connection, rows, besides).done()


@dataclass
class _Filling:
    connection: psycopg.Connection[Any]
    number: int
    besides: Sequence[str]
    types: dict[int, _Type] = field(default_factory=dict)
    tables: dict[int, _Table] = field(default_factory=dict)
    parents: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]] = field(default_factory=dict)

    def done(self) -> Filled:
        with self.connection.transaction():
            self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self._read()
            return self._fill()

    def _read(self) -> None:
        ask = self.connection.execute
        self.types = {row[0]: _Type(*row[1:]) for row in ask(_TYPES)}
        self.tables = {row[0]: _Table(*row) for row in ask(_TABLES)}
        for relation, *column in ask(_COLUMNS, [list(self.tables)]):
            self.tables[relation].columns.append(_Column(*column))
        for relation, *key in ask(_KEYS):
            if relation in self.tables:
                self.tables[relation].keys.append(_Key(*key))
        for relation, name, condition, columns in ask(_CHECKS):
            if relation in self.tables:
                self.tables[relation].checks[name] = (condition, columns)

    def _fill(self) -> Filled:
        rows: dict[str, int] = {}
        unfilled: dict[str, str] = {}
        waiting = [one for one in self.tables.values() if one.words not in self.besides]
        ready = {one.oid for one in self.tables.values() if self._some(one)}
        waiting = [one for one in waiting if one.oid not in ready]
        while waiting:
            able = [one for one in waiting if one.awaits() <= ready]
            if not able:
                unfilled |= dict.fromkeys(
                    (one.words for one in waiting), "it refers to tables without rows"
                )
                break
            for table in able:
                number, why = _Rows(self, table).made()
                if number:
                    rows[table.words] = number
                    ready.add(table.oid)
                else:
                    unfilled[table.words] = why
            waiting = [one for one in waiting if one not in able]
        return Filled(rows, unfilled)

    def _some(self, table: _Table) -> bool:
        asked = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(table.schema, table.name))
        try:
            with self.connection.transaction():
                return self.connection.execute(asked).rowcount > 0
        except psycopg.Error:
            return True

    def keys_of(self, key: _Key) -> list[tuple[str, ...]]:
        """The keys that the parent's rows have, as text."""
        of = (key.parent, tuple(key.referred))
        if of not in self.parents:
            table = self.tables.get(key.parent)
            if table is None:
                return []
            columns = [sql.SQL("{}::text").format(sql.Identifier(one)) for one in key.referred]
            asked = sql.SQL("SELECT {} FROM {} WHERE NOT ({} IS NULL) ORDER BY 1 LIMIT {}").format(
                sql.SQL(", ").join(columns),
                sql.Identifier(table.schema, table.name),
                sql.SQL(" IS NULL OR ").join(map(sql.Identifier, key.referred)),
                sql.Literal(_KEPT),
            )
            found = [tuple(row) for row in self.connection.execute(asked)]
            if not found:
                return []
            self.parents[of] = found
        return self.parents[of]


# A value is text that is cast to the column's type; none is NULL; a column without one has its
# default.
_Row = dict[str, str | None]


@dataclass
class _Rows:
    """The rows of one table. `liked` are values that a CHECK has accepted."""

    filling: _Filling
    table: _Table
    liked: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seed = hashlib.sha256(self.table.words.encode()).digest()
        self.random = random.Random(seed)  # noqa: S311 - the same rows each time
        self.columns = {one.name: one for one in self.table.columns}

    def made(self) -> tuple[int, str]:
        """How many there are, and why there are none."""
        number, why = 0, ""
        for row in range(1, self.filling.number + 1):
            refused = self._one(row)
            if refused is None:
                number += 1
                continue
            why = why or refused
            if not number or _HOPELESS.match(refused):
                break
        return number, why

    def _one(self, number: int) -> str | None:
        """Insert a row; why it was refused at last, where it was."""
        tried: _Row = {}
        why: str | None = None
        for attempt in range(_ATTEMPTS):
            row = {**self._row(number + attempt * 1000, attempt), **tried}
            try:
                with self.filling.connection.transaction():
                    self.filling.connection.execute(self._insert(row))
            except psycopg.Error as error:
                why = f"{error.sqlstate}: {error.diag.message_primary}"
                if _HOPELESS.match(why):
                    return why
                tried = self._otherwise(error)
                continue
            self.liked |= {
                name: value for name, value in tried.items() if not self.columns[name].unique
            }
            return None
        return why

    def _insert(self, row: _Row) -> sql.Composed:
        table = sql.Identifier(self.table.schema, self.table.name)
        if not row:
            return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table)
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(
                sql.SQL("{}::{}").format(
                    sql.Literal(value),
                    sql.SQL(self.columns[name].spelled),
                )
                for name, value in row.items()
            ),
        )

    def _row(self, number: int, attempt: int) -> _Row:
        row: _Row = {}
        for key in self.table.keys:
            self._refer(row, key, number, attempt)
        for column in self.table.columns:
            if column.name in row:
                continue
            if column.name in self.liked:
                row[column.name] = self.liked[column.name]
                continue
            if column.numbered or (column.default and (column.unique or self._now_and_then())):
                continue
            if not column.required and self._now_and_then():
                row[column.name] = None
                continue
            value = self._value(column.type, column.modifier, column.name, number)
            if value is None and column.default:
                continue
            row[column.name] = value
        return row

    def _now_and_then(self) -> bool:
        return self.random.randrange(_EMPTY) == 0

    def _refer(self, row: _Row, key: _Key, number: int, attempt: int) -> None:
        """Give the columns of a key the values of a row of its parent."""
        given = {name: row[name] for name in key.columns if name in row}
        optional = [
            name for name in key.columns if name not in row and not self.columns[name].required
        ]
        found = [
            one
            for one in self.filling.keys_of(key)
            if all(
                given.get(name, value) == value
                for name, value in zip(key.columns, one, strict=True)
            )
        ]
        if optional and (not found or key.parent == self.table.oid or self._now_and_then()):
            row |= dict.fromkeys(optional, None)
        elif found:
            place = number if attempt == 0 else self.random.randrange(len(found))
            chosen = found[place % len(found)]
            row |= dict(zip(key.columns, chosen, strict=True))
        elif key.parent == self.table.oid:
            # A first row refers to itself.
            for name, referred in zip(key.columns, key.referred, strict=True):
                column = self.columns[referred]
                value = self._value(column.type, column.modifier, referred, number)
                row[referred] = row.get(referred, value)
                row[name] = row[referred]

    def _otherwise(self, error: psycopg.Error) -> _Row:
        """Other values for what a CHECK has refused; none where another number may help."""
        name = error.diag.constraint_name or ""
        condition, columns = self.table.checks.get(name, ("", ()))
        return {one: self._choice(self.columns[one], condition) for one in columns}

    def _choice(self, column: _Column, condition: str) -> str | None:
        for key in self.table.keys:
            if column.name in key.columns:
                found = self.filling.keys_of(key)
                place = [*key.columns].index(column.name)
                some = [one[place] for one in found]
                return self.random.choice([*some, *([] if column.required else [None])] or [None])
        number = self.random.randrange(1, 1000)
        usual = self._value(column.type, column.modifier, column.name, number)
        choices: list[str | None] = [usual, usual, *self._named(condition)]
        if not column.required:
            choices += [None, None]
        return self.random.choice(choices)

    def _named(self, condition: str) -> Iterator[str]:
        """What a condition speaks of, and a little more and less."""
        for text in _LITERAL.findall(condition):
            yield text.replace("''", "'")
        for text in _NUMBER.findall(condition):
            yield from (text, str(round(float(text)) + 1), str(round(float(text)) - 1))
            length = round(abs(float(text)))
            if length <= _LONGEST:
                yield "a" * length
        yield from ("0", "1", "a", "A", "true", "false")

    def _value(self, oid: int, modifier: int, name: str, number: int) -> str | None:
        """By the type; none where nobody knows one."""
        kind = self.filling.types[oid]
        if kind.kind == "d":
            return self._of_domain(kind, name, number)
        if kind.kind == "e":
            return kind.labels[number % len(kind.labels)] if kind.labels else None
        if kind.category == "A":
            item = self._value(kind.element, -1, name, number)
            return "{}" if item is None else '{"' + re.sub(r'(["\\])', r"\\\1", item) + '"}'
        if kind.name in _BY_NAME:
            return _BY_NAME[kind.name](number)
        if kind.name == "numeric":
            return _decimal(modifier, number)
        if kind.category == "S":
            most = modifier - 4 if kind.name in {"varchar", "bpchar"} and modifier > 4 else _LONGEST
            return _text(name, number, most)
        return None

    def _of_domain(self, kind: _Type, name: str, number: int) -> str | None:
        usual = self._value(kind.base, kind.base_modifier, name, number)
        if not kind.condition or self.random.randrange(2):
            return usual
        return self.random.choice([usual, *self._named(kind.condition)])


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _day(number: int) -> str:
    return f"{2001 + number % 24}-{1 + number % 12:02}-{1 + number % 28:02}"


def _time(number: int) -> str:
    return f"{number % 24:02}:{number % 60:02}:{number * 7 % 60:02}.{number * 7919 % 1000000:06}"


def _decimal(modifier: int, number: int) -> str:
    """With as many digits as its column takes; more than most where it takes all."""
    if modifier < 0:
        return f"{number}.{number * 7919 % 1000000:06}1"
    precision, scale = (modifier - 4) >> 16, (modifier - 4) & 0x7FF
    whole = number % 10 ** max(precision - scale, 0) if precision > scale else 0
    return f"{whole}.{number * 7919 % 10**scale:0{scale}}" if scale else str(whole)


def _text(name: str, number: int, most: int) -> str:
    """Of different lengths; its number is at the end."""
    tail = str(number)
    head = f"{name} " * (1 + number % 3)
    return (head[: max(most - len(tail), 0)] + tail)[-most:]


_BY_NAME: Mapping[str, Callable[[int], str]] = {
    "bool": lambda n: "true" if n % 2 else "false",
    "int2": lambda n: str(n % 30000),
    "int4": str,
    "int8": str,
    "oid": str,
    "float4": lambda n: f"{n}.5",
    "float8": lambda n: f"{n}.123456789",
    "money": str,
    "uuid": lambda n: f"{_digest(n)[:8]}-0000-4000-8000-{_digest(n)[8:20]}",
    "json": lambda n: f'{{"number": {n}}}',
    "jsonb": lambda n: f'{{"number": {n}}}',
    "bytea": lambda n: rf"\x{_digest(n)}",
    "date": _day,
    "timestamp": lambda n: f"{_day(n)} {_time(n)}",
    "timestamptz": lambda n: f"{_day(n)} {_time(n)}+00",
    "time": _time,
    "timetz": lambda n: f"{_time(n)}+00",
    "interval": lambda n: f"{n} minutes",
    "inet": lambda n: f"198.51.{n // 256 % 256}.{n % 256}",
    "cidr": lambda n: f"198.51.{n // 256 % 256}.{n % 256}/32",
    "macaddr": lambda n: f"00:00:5e:00:{n // 256 % 256:02x}:{n % 256:02x}",
    "int4range": lambda n: f"[{n},{n + 1})",
    "int8range": lambda n: f"[{n},{n + 1})",
    "numrange": lambda n: f"[{n},{n + 1})",
    "daterange": lambda _: "empty",
    "tsrange": lambda _: "empty",
    "tstzrange": lambda _: "empty",
    "tsvector": lambda n: f"word{n}",
    "ltree": lambda n: f"0.{n}",
    "hstore": lambda n: f"number=>{n}",
    "citext": lambda n: f"text {n}",
    "xml": lambda n: f"<number>{n}</number>",
    "point": lambda n: f"({n},{n})",
    "bit": lambda _: "1",
    "varbit": lambda _: "1",
    "pg_lsn": lambda n: f"0/{n:X}",
}
