"""Everything in a database, to be compared before and after."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

# Objects by what they are called and, where the server can say it, how they are defined.
# Sequences are not rolled back by anything, so their position is not asked for.
_OBJECTS = """
    WITH mine AS (
        SELECT oid, nspname FROM pg_catalog.pg_namespace
        WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
    )
    SELECT 'schema ' || nspname, '' FROM mine
    UNION ALL
    SELECT 'relation ' || c.oid::regclass, c.relkind::text || coalesce(c.relacl::text, '')
    FROM pg_catalog.pg_class c JOIN mine ON mine.oid = c.relnamespace
    UNION ALL
    SELECT 'routine ' || p.oid::regprocedure, md5(p.prosrc)
    FROM pg_catalog.pg_proc p JOIN mine ON mine.oid = p.pronamespace
    UNION ALL
    SELECT 'constraint ' || conname || ' on ' || conrelid::regclass, pg_get_constraintdef(c.oid)
    FROM pg_catalog.pg_constraint c JOIN mine ON mine.oid = c.connamespace
    UNION ALL
    SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass,
           tgenabled::text || pg_get_triggerdef(t.oid)
    FROM pg_catalog.pg_trigger t WHERE NOT tgisinternal
    UNION ALL
    SELECT 'setting of ' || setdatabase || '/' || setrole, setconfig::text
    FROM pg_catalog.pg_db_role_setting
    UNION ALL
    SELECT 'role ' || rolname, '' FROM pg_catalog.pg_roles
"""

_TABLES = """
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
"""

_ROWS = """
    SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(r, ' ' ORDER BY r)), '')
    FROM (SELECT md5(t::text) COLLATE "C" AS r FROM {} AS t) AS rows
"""


def of(connection: psycopg.Connection) -> dict[str, str]:
    """Name of every object → how it is defined; name of every table's rows → what they say.

    The connection is a superuser's: what it cannot see would always be equal.
    """
    found = {str(name): str(value) for name, value in connection.execute(_OBJECTS).fetchall()}
    for schema, table in connection.execute(_TABLES).fetchall():
        rows = sql.SQL(_ROWS).format(sql.Identifier(schema, table))
        answer = connection.execute(rows).fetchone()
        assert answer is not None
        found[f"rows of {schema}.{table}"] = str(answer[0])
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of what came, went or changed, sorted."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))
