"""Databases that a script has filled, and what is in them by an account of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database
from tests.integration.support.universe import Object

__all__ = ["ROLES", "loaded", "objects", "script"]

# Which roles of the server belong to a script.
ROLES = "^universe_"

# Every catalog whose rows are objects of one database, whatever the version.
_CATALOGS = """
SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND NOT c.relisshared
    AND a.attname = 'oid' AND c.relname NOT IN ('pg_enum', 'pg_largeobject_metadata')
ORDER BY 1
"""
# Of a catalog: what a user has made, and not what the server makes by itself beside it (a row
# type, an array, a toast table, the triggers of a key, the query of a view) or an extension.
_OBJECTS = """
SELECT o.type, o.identity, t.oid::bigint
FROM {catalog} AS t
CROSS JOIN LATERAL pg_identify_object('{catalog}'::regclass, t.oid, 0) AS o
WHERE t.oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = '{catalog}'::regclass AND d.objid = t.oid
            AND (d.deptype = 'e' OR d.deptype = 'i' AND d.classid IN (
                'pg_type'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass)))
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d JOIN pg_depend AS e
            ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
        WHERE d.classid = '{catalog}'::regclass AND d.objid = t.oid AND d.classid IN (
            'pg_amop'::regclass, 'pg_amproc'::regclass))
    AND coalesce(o.schema, o.identity) !~ '^pg_(toast|temp)' AND o.type NOT LIKE 'toast%'
"""


def objects(connection: psycopg.Connection[Any]) -> list[Object]:
    """Everything a user has made in this database, told by nothing of the project."""
    found = []
    for (catalog,) in connection.execute(_CATALOGS).fetchall():
        rows = connection.execute(_OBJECTS.format(catalog=catalog).encode()).fetchall()
        found += [Object(kind, identity, catalog, oid) for kind, identity, oid in rows]
    return sorted(found)


def script(cluster: Cluster, name: str, file: Path) -> None:
    """Run a file of SQL in the database as a superuser, to its end or not at all."""
    words = cluster.conninfo(name, logins.SUPERUSER)
    done = subprocess.run(
        [str(cluster.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file)],
        env={
            "PATH": os.defpath,
            "PGHOST": words["host"],
            "PGPORT": words["port"],
            "PGUSER": words["user"],
            "PGPASSFILE": words["passfile"],
            "PGDATABASE": name,
            "PGCLIENTENCODING": "UTF8",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def loaded(cluster: Cluster, name: str, *files: Path) -> Iterator[Database]:
    """A database that these scripts have filled; it and their roles are gone afterwards."""
    with cluster.connect() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
    try:
        for file in files:
            script(cluster, name, file)
        yield Database(cluster, name, "target")
    finally:
        _drop(cluster, name)


def _drop(cluster: Cluster, name: str) -> None:
    with cluster.connect(name) as connection:
        for (subscription,) in connection.execute(
            "SELECT quote_ident(subname) FROM pg_subscription WHERE subdbid ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall():
            connection.execute(f"DROP SUBSCRIPTION {subscription}".encode())
    with cluster.connect() as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        for (role,) in connection.execute(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname ~ %s", (ROLES,)
        ).fetchall():
            connection.execute(f"DROP ROLE {role}".encode())
