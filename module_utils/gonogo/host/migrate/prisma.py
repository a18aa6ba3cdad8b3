"""Prisma's record of a migration, kept as Prisma itself would keep it.

Prisma never looks at the schema: a name counts as applied if one of its rows is not rolled back,
and a row that is not finished stops every later deployment (P3009).

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from psycopg import sql

__all__ = ["LOCK_KEY", "contradictions", "lock", "note", "read", "take_back", "unlock"]

# What Prisma's own deployments hold, for the whole of their session.
LOCK_KEY = 72707369
_TABLE = "_prisma_migrations"


def read(connection: Any, wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The rows about this migration; None where Prisma keeps no record in this database.

    Returns `rows`: `checksum`, `finished`, `rolled_back`, `steps`, `logs` (whether there are any).
    """
    if wanted is None:
        return None
    found = connection.execute(
        "SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n"
        " ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r'",
        (wanted["schema"], _TABLE),
    ).fetchone()
    if found is None:
        return None
    query = sql.SQL(
        "SELECT checksum, finished_at IS NOT NULL, rolled_back_at IS NOT NULL,"
        " applied_steps_count, coalesce(logs, '') <> '' FROM {} WHERE migration_name = %s"
        " ORDER BY started_at"
    ).format(_table(wanted))
    names = ("checksum", "finished", "rolled_back", "steps", "logs")
    rows = connection.execute(query, (wanted["name"],)).fetchall()
    return {"rows": [dict(zip(names, row)) for row in rows]}


def contradictions(
    state: str, record: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """In what Prisma's record and the real schema (`state`) do not agree.

    Each has `text`, `hint` (the next command) and `blocks`: whether nothing can be deployed before
    somebody has settled it.
    """
    if record is None or wanted is None:
        return []
    name = wanted["name"]
    counting = [row for row in record["rows"] if not row["rolled_back"]]
    unfinished = [row for row in counting if not row["finished"]]
    finished = [row for row in counting if row["finished"]]
    found = []
    if unfinished:
        word = "--applied" if state == "applied" else "--rolled-back"
        found.append(
            {
                "text": f"Prisma's record calls {name} begun and not finished; "
                "every later deployment of Prisma's stops there (P3009)",
                "hint": f"npx prisma migrate resolve {word} {name}",
                "blocks": state != "applied",
            }
        )
    if finished and state == "absent":
        found.append(
            {
                "text": f"Prisma's record calls {name} applied, but none of its objects is there",
                "hint": f"UPDATE {_quoted(wanted['schema'])}.{_TABLE} "  # noqa: S608 - for a person
                f"SET rolled_back_at = now() WHERE migration_name = '{name}'; -- then deploy again",
                "blocks": True,
            }
        )
    if state == "applied" and not counting:
        found.append(
            {
                "text": f"{name} is there, but not in Prisma's record; "
                "its next deployment would try to apply it again",
                "hint": f"npx prisma migrate resolve --applied {name}",
                "blocks": False,
            }
        )
    if finished and not any(row["checksum"] in wanted["checksums"] for row in finished):
        found.append(
            {
                "text": f"Prisma's record of {name} is of another {wanted['file']}",
                "hint": f"Compare the file with the one that was applied: SHA-256 "
                f"{finished[-1]['checksum']} there, {wanted['checksums'][0]} here.",
                "blocks": False,
            }
        )
    return found


def note(connection: Any, wanted: Mapping[str, Any]) -> None:
    """Record the migration as applied, in the transaction at hand, as Prisma does on success."""
    query = sql.SQL(
        "INSERT INTO {} (id, checksum, migration_name, started_at, finished_at,"
        " applied_steps_count) VALUES (%s, %s, %s, now(), clock_timestamp(), 1)"
    ).format(_table(wanted))
    connection.execute(query, (str(uuid.uuid4()), wanted["checksums"][0], wanted["name"]))


def take_back(connection: Any, wanted: Mapping[str, Any]) -> int:
    """Mark the rows of this migration as rolled back; returns how many."""
    query = sql.SQL(
        "UPDATE {} SET rolled_back_at = now() WHERE migration_name = %s AND rolled_back_at IS NULL"
    ).format(_table(wanted))
    return int(connection.execute(query, (wanted["name"],)).rowcount)


def lock(connection: Any) -> bool:
    """Take the lock of Prisma's deployments for this session; False where one is at work."""
    return bool(
        connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()[0]
    )


def unlock(connection: Any) -> None:
    connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", (LOCK_KEY,))


def _table(wanted: Mapping[str, Any]) -> sql.Identifier:
    return sql.Identifier(wanted["schema"], _TABLE)


def _quoted(name: str) -> str:
    """An identifier for a person's psql."""
    if re.fullmatch("[a-z_][a-z0-9_]*", name):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
