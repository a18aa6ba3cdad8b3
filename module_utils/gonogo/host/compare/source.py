"""What the source of a backup is like at the moment of the dump: all that a restore has to equal.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

from ...contract.canonical import dumps
from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.records.reading import plain, read
from ...contract.records.shape import Shape
from ...contract.records.source import SequenceReadings, SourceRecord, Surroundings
from ..session import server_names
from ..session.connection import DatabaseError, described
from ..session.snapshot import files, no_room_for_locks
from . import fingerprint, schema_catalog
from .shape import shape

__all__ = ["Source", "measured", "readable", "surroundings"]

# What else makes a database what it is: how its text is stored and sorted, and who is named in it.
# By their names in JSON, for the columns differ between versions.
_DATABASE = """
SELECT json_build_object(
    'database', (SELECT to_jsonb(d) FROM pg_catalog.pg_database AS d
        WHERE d.datname = current_database()),
    'encoding', current_setting('server_encoding'),
    'monetary', current_setting('lc_monetary'),
    'money', EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.atttypid IN (790, 791) AND a.attrelid >= 16384)
        OR EXISTS (SELECT FROM pg_catalog.pg_type AS t WHERE t.typbasetype IN (790, 791)),
    'preloaded', (SELECT s.setting FROM pg_catalog.pg_settings AS s
        WHERE s.name = 'shared_preload_libraries'),
    'preloaded_settings', (SELECT json_object_agg(s.name, s.setting)
        FROM pg_catalog.pg_settings AS s
        WHERE s.name LIKE '%.%' AND s.context = 'postmaster' AND s.source <> 'default'),
    'extension_libraries', (SELECT json_object_agg(x.extname, x.libraries) FROM (
        SELECT e.extname, array_agg(DISTINCT p.probin) AS libraries
        FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::regclass
            AND d.refobjid = e.oid AND d.deptype = 'e'
            AND d.classid = 'pg_catalog.pg_proc'::regclass
        JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid AND p.probin IS NOT NULL
        GROUP BY e.extname) AS x),
    'superuser', (SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.oid = 10),
    'login', session_user,
    'may_create', (SELECT r.rolsuper OR r.rolcreatedb FROM pg_catalog.pg_roles AS r
        WHERE r.rolname = session_user),
    'roles', (SELECT json_agg(to_jsonb(r) - 'rolpassword' - 'rolconfig')
        FROM pg_catalog.pg_roles AS r WHERE r.oid >= 16384 OR r.oid = 10),
    'members', (SELECT json_agg(json_build_object(
            'role', r.rolname, 'member', m.rolname, 'admin', x.admin_option,
            'inherit', to_jsonb(x) -> 'inherit_option', 'set', to_jsonb(x) -> 'set_option'))
        FROM pg_catalog.pg_auth_members AS x
        JOIN pg_catalog.pg_roles AS r ON r.oid = x.roleid
        JOIN pg_catalog.pg_roles AS m ON m.oid = x.member AND m.oid >= 16384),
    'settings', (SELECT json_agg(json_build_object('role', r.rolname, 'settings', s.setconfig,
            'database', s.setdatabase <> 0))
        FROM pg_catalog.pg_db_role_setting AS s
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d
            WHERE d.datname = current_database())))
)::text
"""
# Among these, names of roles that log in.
_LOGINS = ("superuser", "login")

# Bytes that are no text of the database's encoding, or none that UTF-8 has.
_NO_TEXT_HERE = ("22021", "22P05")


class Source:
    """Reads the database in a snapshot that somebody else keeps open.

    `moment` is the session that has exported the `snapshot`; where it has `locked` every table,
    reading the schema there takes no further locks. Where it has not, a table that was emptied or
    rewritten meanwhile is an error, since a snapshot does not protect from that. `connect` opens a
    session of the stage; at most `sessions` of them fingerprint tables. Sequences take part in no
    snapshot, so they are read when this is made, and again at the end: what the dump says of each
    lies between the two.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        moment: Any,
        snapshot: str,
        locked: bool,
        sessions: int,
    ):
        self._connect = connect
        self._moment = moment
        self._locked = locked
        self._snapshot = snapshot
        self._sessions = sessions
        self._described: tuple[dict[str, str], Surroundings] | None = None
        self._started = time.monotonic()
        self._before = self._sequences()
        self._files = {} if locked else self._now()

    def describe(self, stop: threading.Event) -> Callable[[], str]:
        """Read all that is in the snapshot; what is returned is called after the dump.

        It returns the record as canonical JSON. Both raise GonogoError when something cannot be
        read.
        """
        version = self._moment.info.server_version
        method = fingerprint.best_method(version)
        with readable():
            schema = schema_catalog.read(self._moment)
            around = surroundings(self._moment)
            self._described = schema, around
            content = fingerprint.content(
                self._connect,
                sessions=self._sessions,
                method=method,
                stop=stop,
                snapshot=self._snapshot,
            )

        def finished() -> str:
            self._refuse_another_file()
            after = self._sequences()
            seconds = round(time.monotonic() - self._started, 3)
            record = SourceRecord(
                method=method,
                content=content,
                sequences=SequenceReadings(self._before, after, seconds),
                schema=schema,
                surroundings=around,
                server_version_num=version,
            )
            return dumps(plain(record))

        return finished

    def shaped(self, *, run_id: str, size: int) -> Shape | None:
        """Of what was described; None before that."""
        if self._described is None:
            return None
        schema, around = self._described
        version = self._moment.info.server_version
        return shape(schema, around, run_id=run_id, size=size, version=version)

    def _sequences(self) -> dict[str, tuple[int, bool]]:
        with readable(), self._connect() as now:
            return fingerprint.sequences(now)

    def _now(self) -> dict[int, tuple[str, int | None]]:
        with readable(), self._connect() as now:
            return files(now)

    def _refuse_another_file(self) -> None:
        if self._locked:
            return
        now = self._now()
        moved = [name for oid, (name, _) in self._files.items() if now.get(oid) != self._files[oid]]
        if moved:
            raise GonogoError(
                "tables were emptied, rewritten, renamed or dropped while the backup was taken",
                detail=listed(sorted(moved)),
                hint="Run again. With more max_locks_per_transaction the server has room for "
                "locks that prevent it.",
            )


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """What the server refuses inside is a GonogoError of the source."""
    try:
        yield
    except DatabaseError as error:
        told = described(error)
        if full := no_room_for_locks(told["hint"]):
            raise full from error
        raise GonogoError(
            f"the source cannot be fingerprinted: {told['message']}",
            detail=told["detail"],
            hint=told["hint"] or "The login must be able to read every row of every table.",
        ) from error


def measured(connection: Any, *, run_id: str, size: int) -> Shape:
    """The shape of the database as it is now."""
    with readable():
        schema, around = schema_catalog.read(connection), surroundings(connection)
    version = connection.info.server_version
    return shape(schema, around, run_id=run_id, size=size, version=version)


def surroundings(connection: Any) -> Surroundings:
    """What of the server belongs to the database: see `_DATABASE`."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(_DATABASE)
        except DatabaseError as error:
            if error.sqlstate in _NO_TEXT_HERE:
                raise _unreadable(error) from error
            raise
        found = json.loads(cursor.fetchone()[0])
    # The others are as this database reads them. What is asked for by a connection, and stands in
    # the configuration of a server, are the bytes.
    asked = {"name": found["database"]["datname"], **{key: found[key] for key in _LOGINS}}
    settings = found["preloaded_settings"] or {}
    found["preloaded_settings"] = {
        key: server_names.as_sent(connection, value) for key, value in settings.items()
    }
    found["sent"] = {key: server_names.as_sent(connection, name) for key, name in asked.items()}
    return read(Surroundings, found, file="the catalog")


def _unreadable(error: DatabaseError) -> GonogoError:
    return GonogoError(
        "a role or a setting of the server is no text in the encoding of this database",
        detail=described(error)["message"],
        hint="Roles, and settings of roles and databases, stay as they were written in another "
        "database of the server. Look at pg_roles and pg_db_role_setting there for what is not "
        "ASCII, and rename or reset it; or move the database to UTF8.",
    )
