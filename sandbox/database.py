"""What is in a database: the older schema, the migration, rows, rights and the marker."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from sandbox import logins
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.cluster import Cluster

_SQL = Path(__file__).parent / "sql"
MIGRATION = Path(__file__).parents[1] / "runbooks" / "20251229010228_add_master_tables_final_v2"

_DEPLOYED = ("migration.sql", "constraints.sql", "performance_indexes.sql")

# What a profile has beyond that. It comes after the rows: adding a foreign key checks them all
# at once, which is twice as fast as row by row, and proves the same.
PROFILES = {
    # What really went to staging: one foreign key, no guards.
    "as_deployed": (),
    # What was meant: all foreign keys, touch triggers, guards.
    "target": ("foreign_keys.sql", "guards.sql"),
}

_BASE_BYTES = 150 << 20
_SCALE_BYTES = 3 << 19

# Where the environment a database belongs to is written down. It is a setting of the database,
# so it stays where it is: a dump restored elsewhere does not carry it along.
MARKER = "gonogo.environment"


def create(
    cluster: Cluster,
    *,
    database: str,
    profile: str,
    scale: int,
    environment: str,
    options: str = "",
    before: Callable[[], object] = lambda: None,
) -> None:
    """Create a database as the migration leaves it, with rows.

    ``profile`` is a key of PROFILES; ``scale`` multiplies the runtime rows (1: 80 workflows);
    ``environment`` is what the marker says; ``options`` are those of CREATE DATABASE that make it
    another kind of database, like its encoding and locale. ``before`` is called when what is older
    than the migration is there.
    Raises: SandboxError, leaving no database behind.
    """
    _require_space(cluster, scale)
    with cluster.connect() as admin:
        if options:
            _create_database(admin, database, "template0", options)
        else:
            _create_database(admin, database)
        try:
            _mark(admin, database, environment)
            _fill(cluster, database, profile, scale, before)
        except BaseException:
            _drop_database(admin, database)
            raise


def clone(cluster: Cluster, template: str, database: str) -> None:
    """Copy ``template``, which nobody is connected to, with its marker, to a new ``database``."""
    with cluster.connect() as admin:
        _create_database(admin, database, template)
        environment = marker(admin, template)
        if environment is not None:
            _mark(admin, database, environment)


def drop(cluster: Cluster, database: str) -> None:
    """Drop a database and end whoever is connected; nothing where there is none."""
    with cluster.connect() as admin:
        _drop_database(admin, database)


def marker(connection: psycopg.Connection, database: str) -> str | None:
    """The environment that ``database`` is marked with, read from the catalog."""
    row = connection.execute(
        """
        SELECT substr(setting, strpos(setting, '=') + 1)
        FROM pg_catalog.pg_db_role_setting
        JOIN pg_catalog.pg_database ON pg_database.oid = setdatabase
        CROSS JOIN unnest(setconfig) AS setting
        WHERE setrole = 0 AND datname = %s AND split_part(setting, '=', 1) = %s
        """,
        (database, MARKER),
    ).fetchone()
    return None if row is None else str(row[0])


def _require_space(cluster: Cluster, scale: int) -> None:
    """Refuse what would fill the disk midway. Measured: 0.7 MB of tables, as much of WAL."""
    want = _BASE_BYTES + scale * _SCALE_BYTES
    have = shutil.disk_usage(cluster.data_directory).free
    if have < want:
        raise SandboxError(
            f"not enough space on disk for scale {scale}",
            detail=f'Have {have >> 20} MB below "{cluster.data_directory}", want {want >> 20} MB.',
            hint="Choose a smaller --scale, or a --directory (as root: TMPDIR) with more space.",
        )


def _fill(
    cluster: Cluster, database: str, profile: str, scale: int, before: Callable[[], object]
) -> None:
    with cluster.connect(database, logins.SUPERUSER) as admin:
        admin.execute("CREATE EXTENSION pgcrypto SCHEMA public")
    with cluster.connect(database, logins.OWNER) as owner:
        with _loading(owner, scale):
            _run(owner, _SQL / "base.sql")
        before()
        with _loading(owner, scale):
            for name in _DEPLOYED:
                _run(owner, MIGRATION / name)
            for path in sorted((_SQL / "seed").glob("*.sql")):
                _run(owner, path)
            for name in PROFILES[profile]:
                _run(owner, MIGRATION / name)
            _run(owner, _SQL / "grants.sql")
        owner.execute("ANALYZE")


@contextmanager
def _loading(owner: psycopg.Connection, scale: int) -> Iterator[None]:
    """A transaction with the settings that the files go by."""
    with owner.transaction():
        owner.execute("SELECT set_config('search_path', '', true)")
        owner.execute("SELECT set_config('sandbox.scale', %s, true)", (str(scale),))
        yield


def _run(connection: psycopg.Connection, path: Path) -> None:
    """Run one file of SQL in the transaction at hand."""
    try:
        connection.execute(path.read_bytes())
    except OSError as error:
        raise SandboxError(f'could not read "{path}": {error.strerror}') from error
    except psycopg.Error as error:
        raise SandboxError(
            f"could not load {path.name}: {error.diag.message_primary or error}",
            detail=error.diag.message_detail,
            hint=error.diag.message_hint,
        ) from error


def _create_database(
    admin: psycopg.Connection, database: str, template: str = "template1", options: str = ""
) -> None:
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} {}").format(
            sql.Identifier(database),
            sql.Identifier(logins.OWNER),
            sql.Identifier(template),
            sql.SQL(options),
        )
    )


def _drop_database(admin: psycopg.Connection, database: str) -> None:
    admin.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )


def _mark(admin: psycopg.Connection, database: str, environment: str) -> None:
    admin.execute(
        sql.SQL("ALTER DATABASE {} SET {} = {}").format(
            sql.Identifier(database), sql.SQL(MARKER), sql.Literal(environment)
        )
    )
