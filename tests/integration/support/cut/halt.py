"""Halts whoever changes the schema of a database, behind a statement that a test names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.integration.support.harness import Database

__all__ = ["Halt", "halting"]

_KEY = 471_147
_ACTS = f"""
CREATE SCHEMA halt;
CREATE SEQUENCE halt.passed;
CREATE TABLE halt.place (behind bigint);
CREATE FUNCTION halt.wait() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    -- No transaction takes back what a sequence has given out.
    IF nextval('halt.passed') = (SELECT behind FROM halt.place) THEN
        PERFORM pg_catalog.pg_advisory_xact_lock({_KEY});
    END IF;
END $$;
-- A backup reads it all.
GRANT USAGE ON SCHEMA halt TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA halt TO PUBLIC;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA halt TO PUBLIC;
CREATE EVENT TRIGGER halt ON ddl_command_end EXECUTE FUNCTION halt.wait();
"""
_LEAVES = "DROP EVENT TRIGGER halt; DROP SCHEMA halt CASCADE;"
_HALTED = """
SELECT count(*) FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_locks AS l ON l.pid = a.pid
WHERE a.datname = current_database() AND a.application_name LIKE 'gonogo:%%'
    AND l.locktype = 'advisory' AND NOT l.granted AND l.objid = %s
"""


class Halt:
    """Keeps the sessions back; `admin` is a session of a superuser in the database."""

    def __init__(self, admin: psycopg.Connection) -> None:
        self._admin = admin

    def behind(self, statement: int) -> None:
        """Halt the next one behind its statement of this number, counted from 1."""
        self._admin.execute("SELECT pg_advisory_lock(%s)", [_KEY])
        self._admin.execute("ALTER SEQUENCE halt.passed RESTART")
        self._admin.execute("DELETE FROM halt.place")
        self._admin.execute("INSERT INTO halt.place VALUES (%s)", [statement])

    def reached(self) -> bool:
        """Whether a session of a run is halted."""
        row = self._admin.execute(_HALTED, [_KEY]).fetchone()
        return bool(row and row[0])

    def passed(self) -> int:
        """How many statements there were since the last call of `behind`."""
        row = self._admin.execute("SELECT last_value, is_called FROM halt.passed").fetchone()
        assert row is not None
        return int(row[0]) if row[1] else 0

    def let_go(self) -> None:
        self._admin.execute("SELECT pg_advisory_unlock_all()")


@contextmanager
def halting(database: Database) -> Iterator[Halt]:
    """Have this database halt runs while this lasts; it is as before afterwards."""
    with database.admin() as admin:
        admin.autocommit = True
        # Our own statements halt nobody.
        admin.execute("SET event_triggers TO off") if _can_ignore(admin) else None
        admin.execute(_ACTS)
        halt = Halt(admin)
        try:
            yield halt
        finally:
            halt.let_go()
            admin.execute(_LEAVES)


def _can_ignore(admin: psycopg.Connection) -> bool:
    return admin.info.server_version >= 170000
