"""The restore of all of an archive into an empty database, and what is in it then.

Two classes do the same: `Filling` as a superuser, who has everybody's code run in a session of its
own (`standins`, `parts`), and `FillingAsLogin` as a login that can make no roles and owns all of it
afterwards. `fill`, then `read`; both raise GonogoError at the first error, UnrestorableError where
it is the archive's.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable

from psycopg import sql

from ...contract.errors import GonogoError
from ...contract.login import Login
from ...contract.records.source import SourceRecord
from ...contract.session_settings import options
from ..archive import toc
from ..archive.toc import Entry
from ..compare import fingerprint, reprint, schema_catalog
from ..compare.proof import Restored
from ..progress import step
from ..progress.restoring import Restoring
from ..session.connection import DatabaseError, described
from . import lending, parts, standins, switches
from .parts import Division, Part
from .restoring import Archive, UnrestorableError, read_source, rows_of, run
from .standins import Doors

__all__ = ["Filling", "FillingAsLogin"]

_TRUSTED_LANGUAGES = "SELECT lanname FROM pg_catalog.pg_language WHERE lanpltrusted"
# A view that was filled may have read, with somebody else's rights, a table whose policies hide
# rows from that one: for pg_restore by itself this is an error.
_POLICIES = ("--enable-row-security",)
_DUMPS_OWNER_OF_PUBLIC = 150000
_OWNER_OF_PUBLIC = """
SELECT pg_catalog.pg_get_userbyid(n.nspowner)::text
FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'public'
"""
_PRIVILEGED_SETTINGS = """
SELECT lower(name) FROM pg_catalog.pg_settings WHERE context IN ('superuser', 'superuser-backend')
"""


@dataclass(frozen=True)
class FillingAsLogin:
    """As `login`: `connect` opens one of its sessions, and `version` is the server's."""

    archive: Archive
    login: Login
    name: str
    connect: Callable[[], Any]
    version: int
    with_owners: bool
    # Where `connect` has really gone, in libpq's words.
    place: Mapping[str, str] = field(default_factory=dict)
    # What each session begins with (`session_settings.restoring`).
    settings: Mapping[str, str] = field(default_factory=dict)

    def fill(self) -> None:
        """Restore everything."""
        heard = Restoring(partial(rows_of, self.archive.directory))
        with step("restore", heard):
            self._fill(heard)

    def _fill(self, heard: Restoring) -> None:
        entries = toc.read(self.archive.directory)
        views = [entry for entry in entries if entry.kind == parts.REFRESH]
        last = [entry.id for entry in switches.in_order(entries)]
        if not (views or last):
            self._run(self.archive, heard=heard)
            return
        later = {*last, *(entry.id for entry in views)}
        in_turn = replace(self.archive, jobs=1)
        first = [entry.id for entry in entries if entry.id not in later]
        self._run(self.archive, first, heard=heard)
        _refresh_in_turn(views, lambda entry: self._run(in_turn, [entry.id], _POLICIES))
        if last:
            self._run(in_turn, last)

    def _run(
        self,
        archive: Archive,
        ids: Sequence[int] | None = None,
        more: Sequence[str] = (),
        heard: Restoring | None = None,
    ) -> None:
        run(
            archive,
            conninfo=self.login.conninfo(
                name=self.name,
                **{
                    **self.place,
                    "options": f"{self.place.get('options', '')} {options(self.settings)}".strip(),
                },
            ),
            environment=self.login.environment(),
            server_version=self.version,
            options=(*(() if self.with_owners else ("--no-owner", "--no-privileges")), *more),
            ids=ids,
            heard=heard,
        )

    def read(self, source: SourceRecord) -> Restored:
        """What is in the database, and what of its definitions means the same as in the source."""
        with _readable():
            content = fingerprint.content(
                self.connect,
                sessions=self.archive.jobs,
                method=source.method,
                expected=_rows(source),
            )
            with self.connect() as session:
                schema = schema_catalog.read(session)
                sequences = fingerprint.sequences(session)
                different = schema_catalog.compare(source.schema, schema)
                return Restored(content, sequences, schema, reprint.same(session, different))


class Filling:
    """Through `doors`, as a superuser."""

    def __init__(self, archive: Archive, doors: Doors):
        self.archive = archive
        self._doors = doors
        self._division: Division | None = None
        self._heard: Restoring | None = None

    def fill(self) -> None:
        """Restore everything but event triggers, and give it to its owners."""
        self._heard = Restoring(partial(rows_of, self.archive.directory))
        with step("restore", self._heard):
            self._fill()

    def _fill(self) -> None:
        entries = toc.read(self.archive.directory)
        with self._steps() as session:
            division = self._division = parts.divide(
                entries,
                trusted_languages=_names(session, _TRUSTED_LANGUAGES),
                privileged=_names(session, _PRIVILEGED_SETTINGS),
            )
            self._give_public(session)
            roles = standins.make(session, self._doors, division.owners)
            lent = False
            for part in division.parts:
                if part.rows and not lent:
                    standins.lend(session, roles, lending.grants(entries))
                    lent = True
                if part.owner is parts.SUPERUSER:
                    self._run(part)
                    continue
                standins.allow_to_make(session, self._doors, roles.values())
                kin = [roles[owner] for owner in division.kin(part.owner)]
                with standins.with_rights_of(session, roles[part.owner], kin):
                    self._run(part, roles[part.owner])
            for owner, role in roles.items():
                standins.hand_over(session, role, owner)
            self._run(division.after_owners)
            self._run(division.switches)
            _refresh_in_turn(
                division.refreshes, lambda entry: self._refresh(session, entry, roles[entry.owner])
            )

    def read(self, source: SourceRecord) -> Restored:
        """What is in the database, and what of its definitions means the same as in the source.

        Planning a query evaluates code, too, and so does reading a definition; so a role does both
        that may do nothing else. It and the others are gone when the event triggers come, which
        only then are in the schema.
        """
        assert self._division
        doors = self._doors
        with _readable(), doors.connect() as session:
            standins.let_read_all(session, doors)

            def as_reader() -> Any:
                return doors.connect(doors.reader)

            content = fingerprint.content(
                as_reader,
                sessions=self.archive.jobs,
                method=source.method,
                objects=False,
                expected=_rows(source),
            )
            content = replace(content, large_objects=fingerprint.large_objects(session))
            different = schema_catalog.compare(source.schema, schema_catalog.read(session))
            with as_reader() as reader:
                same = reprint.same(reader, different)
            standins.remove(session, doors)
        self._run(self._division.event_triggers, jobs=1)
        with _readable(), doors.connect() as session:
            schema = schema_catalog.read(session)
            return Restored(content, fingerprint.sequences(session), schema, same)

    def _give_public(self, session: Any) -> None:
        """A new database has a schema public already; before version 15 no dump says whose."""
        if self._doors.version >= _DUMPS_OWNER_OF_PUBLIC:
            return
        owner = read_source(self.archive.directory).schema.get("owner of schema public")
        if owner and session.execute(_OWNER_OF_PUBLIC).fetchone() not in (None, (owner,)):
            statement = sql.SQL("ALTER SCHEMA public OWNER TO {}")
            session.execute(statement.format(sql.Identifier(owner)))

    def _refresh(self, session: Any, entry: Entry, role: str) -> None:
        part = Part(entry.owner, [entry.id])
        with standins.rights_for_the_moment(session, role, entry.owner) as lent:
            if lent:
                self._run(part, role, options=_POLICIES)
                return
            view = sql.Identifier(entry.namespace, entry.tag)
            with standins.owner_for_the_moment(session, view, role, entry.owner):
                self._run(part, role, options=_POLICIES)

    def _run(
        self,
        part: Part,
        role: str | None = None,
        *,
        jobs: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        if part.ids:
            run(
                replace(self.archive, jobs=1 if part.in_turn else jobs or self.archive.jobs),
                conninfo=self._doors.conninfo(role),
                environment=self._doors.environment(role),
                server_version=self._doors.version,
                ids=part.ids,
                # What a stand-in makes is handed over later.
                options=(*(("--no-owner",) if role else ()), *options),
                heard=self._heard,
            )

    @contextlib.contextmanager
    def _steps(self) -> Iterator[Any]:
        try:
            with self._doors.connect() as session:
                yield session
        except DatabaseError as error:
            told = described(error)
            raise GonogoError(
                f"the backup could not be restored here: {told['message']}", detail=told["detail"]
            ) from error


def _refresh_in_turn(entries: Sequence[Entry], refresh: Callable[[Entry], None]) -> None:
    """Fill the materialized views: a function of one may read another that comes later."""
    while entries:
        found = [(entry, _refusal(entry, refresh)) for entry in entries]
        failed = [(entry, error) for entry, error in found if error]
        if len(failed) == len(entries):
            raise failed[0][1]
        entries = [entry for entry, _ in failed]


def _refusal(entry: Entry, refresh: Callable[[Entry], None]) -> UnrestorableError | None:
    try:
        refresh(entry)
    except UnrestorableError as error:
        return error
    return None


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        told = described(error)
        raise GonogoError(
            f"the restored database cannot be read: {told['message']}", detail=told["detail"]
        ) from error


def _rows(source: SourceRecord) -> int:
    return sum(table.rows or 0 for table in source.content.tables.values())


def _names(session: Any, query: str) -> set[str]:
    return {row[0] for row in session.execute(query).fetchall()}
