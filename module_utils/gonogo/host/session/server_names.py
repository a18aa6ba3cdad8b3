"""Names of databases and roles: as a client sends them, and as a database reads them.

The catalogs of a whole server are in no encoding. A name in them stays as it was sent when it was
given, and each database reads these bytes as text of its own encoding. A connection asks for a
database and a role as they were sent; SQL names them as the database of its session reads them.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from typing import Any

__all__ = ["as_read", "as_sent"]

_AS_SENT = "SELECT pg_catalog.convert_to(%s::text, pg_catalog.getdatabaseencoding())"
_AS_READ = "SELECT pg_catalog.convert_from(%s::bytea, pg_catalog.getdatabaseencoding())"


def as_sent(connection: Any, name: str) -> str:
    """What a client in UTF-8 has sent for a name that this session reads so; else the same name."""
    if name.isascii():
        return name
    try:
        return bytes(_one(connection, _AS_SENT, name)).decode()
    except UnicodeDecodeError:
        return name


def as_read(connection: Any, name: str) -> str:
    """How this session reads a name that a client in UTF-8 has sent."""
    return name if name.isascii() else str(_one(connection, _AS_READ, name.encode()))


def _one(connection: Any, query: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchone()[0]
