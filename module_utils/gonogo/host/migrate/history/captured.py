"""The bookkeeping of a tool whose own command was heard: it writes its record by itself.

What was captured has the writes to the tool's record among its statements, so nothing is added to
them. Whether they are applied is told by the rows of those tables: as they were in the backup, or
as the command leaves them. Columns that a clock or a sequence fills are not compared.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....contract.canonical import sha256
from .interface import APPLIED, FAILED, IN_SCRIPT, Entry, History, Migration
from .reading import quoted

__all__ = ["COMMAND", "RECORDS", "Captured", "record_tables", "rows_of"]

# Its name, where those of the tools are.
COMMAND = "command"

# The tables in which tools keep their record, whichever schema they are in.
RECORDS = frozenset(
    {
        "alembic_version",
        "django_migrations",
        "schema_migrations",
        "ar_internal_metadata",
        "databasechangelog",
        "databasechangeloglock",
        "knex_migrations",
        "knex_migrations_lock",
        "migrations",
        "typeorm_metadata",
        "sequelizemeta",
        "__efmigrationshistory",
        "flyway_schema_history",
        "pgmigrations",
        "_prisma_migrations",
        "mikro_orm_migrations",
        "kysely_migration",
        "kysely_migration_lock",
        "goose_db_version",
        "phinxlog",
        "doctrine_migration_versions",
    }
)

_TABLES = """
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) 'r'
    AND pg_catalog.lower(c.relname::pg_catalog.text)
        OPERATOR(pg_catalog.=) ANY (%s::pg_catalog.text[])
    AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
ORDER BY 1, 2
"""
# What no clock and no sequence fills.
_COLUMNS = """
SELECT a.attname::pg_catalog.text
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d
    ON d.adrelid OPERATOR(pg_catalog.=) a.attrelid AND d.adnum OPERATOR(pg_catalog.=) a.attnum
WHERE n.nspname OPERATOR(pg_catalog.=) %s AND c.relname OPERATOR(pg_catalog.=) %s
    AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
    AND a.attidentity OPERATOR(pg_catalog.=) ''
    AND t.typcategory OPERATOR(pg_catalog.<>) 'D'
    AND pg_catalog.coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
        OPERATOR(pg_catalog.!~) 'nextval\\('
ORDER BY a.attnum
""".replace("pg_catalog.coalesce(", "COALESCE(")


def record_tables(connection: Any, names: Sequence[str]) -> list[tuple[str, str]]:
    """Schema and name of the tables of these names, whatever the case of their letters."""
    found: list[tuple[str, str]] = connection.execute(
        _TABLES, [sorted({name.lower() for name in names})]
    ).fetchall()
    return found


def rows_of(connection: Any, schema: str, name: str) -> str | None:
    """One digest of the rows of a table of a record; None where there is no such table."""
    columns = [row[0] for row in connection.execute(_COLUMNS, [schema, name]).fetchall()]
    if not columns:
        return None
    listed = ", ".join(map(quoted, columns))
    table = f"{quoted(schema)}.{quoted(name)}"
    query = f"SELECT ROW({listed})::pg_catalog.text FROM {table}"  # noqa: S608 - quoted
    rows = sorted(row[0] for row in connection.execute(query.encode()).fetchall())
    return sha256("\n".join(rows).encode())


class Captured(History):
    """What a command would do now is one migration."""

    name = "the command"
    transaction = IN_SCRIPT
    late = APPLIED
    failed_means = (
        "its rows are neither those of the backup nor those that the command leaves. A new run "
        "finds out what is pending"
    )

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._tables: tuple[tuple[str, str], ...] = ()
        self._expected: tuple[Migration, ...] = ()

    def expect(self, migrations: Sequence[Migration]) -> None:
        self._expected = tuple(migrations)
        self._tables = tuple(
            (str(one["schema"]), str(one["name"]))
            for migration in migrations
            for one in _said(migration)
        )

    def files(self, folder: Path) -> list[Migration]:
        """None: what the command does is not known from files."""
        del folder
        return []

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return self._tables

    def entries(self, connection: Any) -> list[Entry] | None:
        """None where the command does not write to a record."""
        found = []
        for migration in self._expected:
            telling = [one for one in _said(migration) if one["before"] != one["after"]]
            if not telling:
                return None
            now = [rows_of(connection, str(one["schema"]), str(one["name"])) for one in telling]
            if now == [one["after"] for one in telling]:
                found.append(Entry(migration.name, APPLIED))
            elif now != [one["before"] for one in telling]:
                found.append(Entry(migration.name, FAILED))
        return found

    def record(self, connection: Any, migration: Migration) -> None:
        """Nothing: the statements do it."""

    def unrecord(self, connection: Any, migration: Migration) -> None:
        """Nothing: the statements of the way back do it."""

    def stamp(self, name: str) -> str | None:
        del name
        return None

    def unstamp(self, entry: Entry) -> str | None:
        del entry
        return None


def _said(migration: Migration) -> Sequence[Mapping[str, object]]:
    found = migration.details.get("tables", ())
    assert isinstance(found, Sequence)
    return found
