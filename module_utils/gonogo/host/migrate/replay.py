# ruff: noqa: S608 - whatever is put into a query is a constant of this project
"""The history of a folder, replayed on an empty database beside the twin.

What comes of it is what the twin should be. The database is in the twin's cluster: its server is
the right one and confined, it has the roles, and goes with it. Each migration runs as its tool
would run it, as the same role; but neither is anything measured, nor does the tool keep a record.

Two kinds of statements are passed over: those about the cluster, which is the twin's, or about an
extension, which is there as in the twin; and those that write rows which refer to rows nobody has.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ...contract.errors import GonogoError
from ...contract.records.drift import Deviation, Drift, Episode, ReplayPlan, SchemaChanges
from ...contract.records.migration import Statement, Step
from ...contract.schemas import OF_USERS
from ...contract.session_settings import PINNED
from ..compare import changes, reprint, schema_catalog
from ..compare.drift import Sides, counted, drift, without_children
from ..compare.schema_catalog import Difference
from ..compare.source import surroundings
from ..restore import cluster_globals
from ..session.connection import DatabaseError, described
from ..session.quoting import ident
from . import single
from .application import begin

__all__ = ["Replay", "Sessions", "changes_of"]

# After so many migrations it is asked whether the run may go on.
_CONFIRMED = 20
# What a session of this project has set, whoever runs his statements in it.
_KEPT = {
    "standard_conforming_strings": PINNED["standard_conforming_strings"],
    "client_min_messages": PINNED["client_min_messages"],
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
_ANEW = """
SELECT pg_catalog.set_config(w.name, w.setting, false)
FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) AS w (name, setting)
"""
# So many are told, and each definition up to this length.
_SHOWN = 100
_SHOWN_LENGTH = 300

_OF_THE_CLUSTER = re.compile(
    r"(?:CREATE|ALTER|DROP|COMMENT ON) (?:ROLE|USER(?! MAPPING)|GROUP|DATABASE|TABLESPACE|SYSTEM"
    r"|SUBSCRIPTION)\b|(?:GRANT|REVOKE) .* ON DATABASE\b|(?:ALTER|COMMENT ON) EXTENSION\b",
    re.IGNORECASE,
)
_OF_ROWS = {"INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "COPY"}
_EXTENSION = re.compile(r"CREATE EXTENSION\b", re.IGNORECASE)
_SCHEMA = re.compile(r"CREATE SCHEMA\b", re.IGNORECASE)
# A row that breaks a constraint; what is there already.
_BROKEN, _DUPLICATE, _DUPLICATE_SCHEMA, _DUPLICATE_TABLE = "23", "42710", "42P06", "42P07"

_ACL = """
SELECT x.privilege_type, CASE x.grantee WHEN 0 THEN 'PUBLIC'
    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
FROM pg_catalog.aclexplode({acl}) AS x
"""
_OF_DATABASE = f"""
SELECT format('GRANT %%s ON DATABASE %%I TO %%s', g.word, %s::text, g.grantee)
FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL ({_ACL.format(acl="d.datacl")}) AS g (word,
    grantee)
WHERE d.datname = pg_catalog.current_database()
"""
# The application's schema, that of the tool, and those of extensions, as they are in the twin.
_SCHEMAS = f"""
SELECT n.nspname::text, pg_catalog.pg_get_userbyid(n.nspowner)::text, (
    SELECT array_agg(format('GRANT %%s ON SCHEMA %%I TO %%s', g.word, n.nspname, g.grantee))
    FROM ({_ACL.format(acl="n.nspacl")}) AS g (word, grantee))
FROM pg_catalog.pg_namespace AS n
WHERE {OF_USERS} AND (n.nspname = ANY (%s::text[]) OR EXISTS (
    SELECT FROM pg_catalog.pg_extension AS x WHERE x.extnamespace = n.oid))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
        WHERE e.classid = 'pg_catalog.pg_namespace'::regclass AND e.objid = n.oid
            AND e.deptype = 'e')
ORDER BY n.nspname
"""
# The tool makes its tables before the first migration, which may name them.
_TABLES = """
SELECT pg_catalog.format('CREATE TABLE %%I.%%I (%%s); ALTER TABLE %%I.%%I OWNER TO %%I', n.nspname,
    c.relname, (
        SELECT pg_catalog.string_agg(pg_catalog.format('%%I %%s', a.attname,
            pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner))
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
WHERE c.relkind IN ('r', 'p')
"""
# Who makes one may need rights that the application's role does not have.
_EXTENSIONS = """
SELECT format('CREATE EXTENSION IF NOT EXISTS %I %s CASCADE', x.extname,
    CASE WHEN n.nspname = 'pg_catalog' OR e.objid IS NOT NULL THEN ''
        ELSE format('SCHEMA %I', n.nspname) END)
FROM pg_catalog.pg_extension AS x
JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
LEFT JOIN pg_catalog.pg_depend AS e ON e.classid = 'pg_catalog.pg_namespace'::regclass
    AND e.objid = n.oid AND e.deptype = 'e'
WHERE x.extname <> 'plpgsql'
ORDER BY x.oid
"""


@dataclass(frozen=True)
class Sessions:
    """How the twin is reached: by its login, in another `database` of its cluster where one is
    named; and by the twin's superuser, in which no event trigger fires."""

    login: Callable[..., Any]
    superuser: Callable[..., Any]


@dataclass
class Replay:
    """A history on its way. `name` is that of the empty database.

    `applied` first, then `pending`; what could not be done is the `problem` of the result. Where
    the migrations are programs, `command` applies them all to the database of this name.
    """

    plan: ReplayPlan
    sessions: Sessions
    confirm: Callable[[], None]
    name: str
    command: Callable[[str], None] | None = None
    _found: Drift = field(default_factory=Drift)
    _passed_over: list[str] = field(default_factory=list)
    # Kind and name of what was not as it should be before.
    _before: set[tuple[str, str]] = field(default_factory=set)

    @property
    def result(self) -> Drift:
        return replace(self._found, passed_over=tuple(self._passed_over[:_SHOWN]))

    def applied(self, twin: Mapping[str, str]) -> None:
        """Replay what is applied, and compare the twin (its schema as it is now) with it."""
        plan = self.plan
        self._found = Drift(asked=plan.asked, problem=plan.problem)
        if plan.problem is None:
            self._stepwise(lambda: self._begin(twin))

    def pending(self, twin: Mapping[str, str]) -> None:
        """Replay what is pending, and compare the twin, in which it is applied now, with it."""
        if self._found.problem is None:
            self._stepwise(lambda: self._go_on(twin))

    def _stepwise(self, work: Callable[[], None]) -> None:
        started = time.monotonic()
        try:
            work()
        except _StoppedError as stopped:
            self._found = replace(self._found, problem=str(stopped))
        except DatabaseError as error:
            words = described(error)["message"]
            problem = f"the history cannot be replayed on this host: {words}"
            self._found = replace(self._found, problem=problem)
        seconds = self._found.seconds + time.monotonic() - started
        self._found = replace(self._found, seconds=round(seconds, 3))

    def _begin(self, twin: Mapping[str, str]) -> None:
        plan = self.plan
        try:
            self._make()
        except GonogoError as error:
            raise _StoppedError(
                f"the history cannot be replayed on this host: {error.primary}"
            ) from error
        if plan.baseline:
            self._replayed([Episode(plan.baseline[0].file, plan.baseline)], "the baseline")
        expected = (
            self._commanded() if self.command else self._replayed(plan.applied, "the history")
        )
        found, beside = self._compared(expected, twin)
        self._before = {(one.kind, one.name) for one in found}
        self._found = replace(
            self._found,
            migrations=1 if self.command else len(plan.applied),
            compared=len({*self._counted(expected), *self._counted(twin)}),
            before=_told(found),
            beside=_told(beside),
        )

    def _go_on(self, twin: Mapping[str, str]) -> None:
        expected = self._replayed(self.plan.pending, "the history")
        found, beside = self._compared(expected, twin)
        new = [one for one in found if (one.kind, one.name) not in self._before]
        self._found = replace(
            self._found,
            migrations=len(self.plan.applied) + len(self.plan.pending),
            compared=len({*self._counted(expected), *self._counted(twin)}),
            after=_told(new),
            beside=_told(beside),
        )

    def _counted(self, schema: Mapping[str, str]) -> Mapping[str, str]:
        return counted(schema, tables=self._tables)

    @property
    def _places(self) -> list[list[str]]:
        """Schemas and names of the tool's tables."""
        return [[schema for schema, _ in self.plan.tables], [name for _, name in self.plan.tables]]

    @property
    def _tables(self) -> set[tuple[str, str]]:
        return {(schema, name) for schema, name in self.plan.tables}

    def _compared(
        self, expected: Mapping[str, str], twin: Mapping[str, str]
    ) -> tuple[list[Difference], list[Difference]]:
        own = {schema for schema, _ in self.plan.tables} - {self.plan.schema, "public"}
        found, beside = drift(Sides.of(expected, twin, tables=self._tables, schemas=own))
        with self.sessions.login() as connection:
            same = reprint.same(connection, found)
        return [one for one in found if one.name not in same], beside

    # --- the empty database ------------------------------------------------------------------

    def _make(self) -> None:
        """As the twin's is, but for what its migrations make."""
        with self.sessions.superuser() as twin:
            around = surroundings(twin)
            owner = cluster_globals.owner_of(around)
            cluster_globals.make_database(twin, self.name, around, owner=owner)
            for late in (False, True):
                cluster_globals.settle(twin, self.name, around, restored=late)
            granted = [row[0] for row in twin.execute(_OF_DATABASE, [self.name]).fetchall()]
            wanted = ["public", self.plan.schema, *(schema for schema, _ in self.plan.tables)]
            schemas = twin.execute(_SCHEMAS, [wanted]).fetchall()
            tables = [row[0] for row in twin.execute(_TABLES, self._places).fetchall()]
            extensions = [row[0] for row in twin.execute(_EXTENSIONS).fetchall()]
        with self.sessions.superuser(database=self.name) as empty:
            empty.execute("DROP SCHEMA public")
            for name, owner, grants in schemas:
                empty.execute(f"CREATE SCHEMA {ident(name)} AUTHORIZATION {ident(owner)}")
                for grant in grants or ():
                    empty.execute(grant)
            # A command makes its tables itself.
            for statement in [*granted, *extensions, *([] if self.command else tables)]:
                empty.execute(statement)

    # --- the migrations ----------------------------------------------------------------------

    def _commanded(self) -> dict[str, str]:
        """The schema that the command makes. Raises _StoppedError where it does not."""
        assert self.command is not None
        self.confirm()
        try:
            self.command(self.name)
        except GonogoError as error:
            raise _StoppedError(f"on an empty database, {error.primary}") from error
        with self.sessions.login(database=self.name) as connection:
            return schema_catalog.read(connection)

    def _replayed(self, episodes: Sequence[Episode], what: str) -> dict[str, str]:
        """The schema with these migrations. Raises _StoppedError where one cannot be applied."""
        with self.sessions.login(database=self.name) as connection:
            for number, episode in enumerate(episodes):
                if number % _CONFIRMED == 0:
                    self.confirm()
                # As a session of its own, which would take longer.
                connection.execute("DISCARD ALL")
                connection.execute(_ANEW, [list(_KEPT), list(_KEPT.values())])
                begin(connection, self.plan.session)
                for step in episode.steps:
                    self._step(connection, step, what)
        with self.sessions.login(database=self.name) as connection:
            return schema_catalog.read(connection)

    def _step(self, connection: Any, step: Step, what: str) -> None:
        if step.transaction:
            connection.execute(f"BEGIN {step.mode}".strip().encode())
        for statement in step.statements:
            self._one(connection, statement, what, inside=step.transaction)
        if step.transaction:
            connection.execute("COMMIT")

    def _one(self, connection: Any, statement: Statement, what: str, *, inside: bool) -> None:
        try:
            self._run(connection, statement, inside=inside)
        except DatabaseError as error:
            line = single.line_of(statement, error.diag.statement_position)
            words = described(error)["message"]
            raise _StoppedError(
                f"{what} does not replay on an empty database: {statement.file}:{line}: {words}"
            ) from error
        except GonogoError as error:
            raise _StoppedError(f"{what} does not replay: {error.primary}") from error

    def _run(self, connection: Any, statement: Statement, *, inside: bool) -> None:
        opening = statement.opening
        if _OF_THE_CLUSTER.match(opening):
            self._pass_over(statement)
            return
        theirs = self._makes_table_of_tool(statement)
        guarded = inside and (theirs or _may_be_refused(statement))
        if guarded:
            connection.execute("SAVEPOINT gonogo_replay")
        try:
            single.run(connection, statement)
        except DatabaseError as error:
            told = error.sqlstate or ""
            passed_over = _is_passed_over(statement, told) or (theirs and told == _DUPLICATE_TABLE)
            if connection.closed or not passed_over:
                raise
            self._pass_over(statement)
            if guarded:
                connection.execute("ROLLBACK TO SAVEPOINT gonogo_replay")
        if guarded:
            connection.execute("RELEASE SAVEPOINT gonogo_replay")

    def _makes_table_of_tool(self, statement: Statement) -> bool:
        named = any(name in statement.opening for _, name in self.plan.tables)
        return named and statement.verb == "CREATE"

    def _pass_over(self, statement: Statement) -> None:
        self._passed_over.append(f"{statement.file}:{statement.line}: {statement.opening}")


class _StoppedError(Exception):
    """The history cannot be replayed; travels within this file."""


def _may_be_refused(statement: Statement) -> bool:
    opening = statement.opening
    return statement.verb in _OF_ROWS or bool(_EXTENSION.match(opening) or _SCHEMA.match(opening))


def _is_passed_over(statement: Statement, sqlstate: str) -> bool:
    if statement.verb in _OF_ROWS:
        return sqlstate.startswith(_BROKEN)
    if _EXTENSION.match(statement.opening):
        return sqlstate == _DUPLICATE
    return bool(_SCHEMA.match(statement.opening)) and sqlstate == _DUPLICATE_SCHEMA


def changes_of(
    connection: Any, plan: ReplayPlan, before: Mapping[str, str], after: Mapping[str, str]
) -> SchemaChanges:
    """What the migration has changed in the twin, with what its statements do not account for."""
    tables = {(schema, name) for schema, name in plan.tables}
    one, other = (counted(side, tables=tables, attributes=True) for side in (before, after))
    found = changes.changed(one, other)
    left = changes.unexplained(found, one, other, names=set(plan.names))
    same = reprint.same(connection, left)
    left = [each for each in left if each.name not in same]
    return SchemaChanges(len(found), _told(without_children(left)))


def _told(found: Sequence[Difference]) -> tuple[Deviation, ...]:
    return tuple(
        Deviation(one.kind, one.name, _cut(one.first), _cut(one.second)) for one in found[:_SHOWN]
    )


def _cut(text: str | None) -> str | None:
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_LENGTH else f"{line[:_SHOWN_LENGTH]} ..."
