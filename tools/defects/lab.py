"""One database with the rows before the last migrations, and a copy of it for each defect.

What the derived checks look up is asked once: a copy by the server keeps every oid.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Timeouts
from gonogo.controller import evidence
from gonogo.controller.runbook import load
from gonogo.controller.runbook.derived import DERIVED, DERIVED_PROFILE, about
from gonogo.controller.runbook.phase_scripts import of_run, prepare
from gonogo.host.checks import phases
from gonogo.host.session.connection import connect
from gonogo.host.session.identity import observe
from tools.corpus.judge import Lab, run_record
from tools.defects import shape
from tools.defects.kinds import BEFORE, KINDS, Kind, made

if TYPE_CHECKING:
    from gonogo.contract.records.check_result import CheckResult
    from gonogo.contract.records.phase import PhaseScript
    from gonogo.controller.runbook.book import Runbook
    from gonogo.controller.runbook.source import Source
    from gonogo.host.migrate.history import Migration

__all__ = ["UNCHANGED", "Bench", "Outcome"]

UNCHANGED = Kind("the migrations as they are", ())
# Phases whose script says what the migration writes.
_OF_THE_TEXT = {"00_rows", "06_data"}
# What these ask a run has seen before.
_OF_A_RUN = {"07_rehearsed", "08_record"}
_STATE, _AFTER, _COPY = "corpus_state", "defects_after", "defects_copy"
_TIMEOUTS = {"lock": "5s", "statement": "2min", "idle_in_transaction": "1min"}
# A table of the rows that are made up is large.
_PARAMETERS = {"large_table_rows": 20}


@dataclass(frozen=True)
class Outcome:
    """What became of a defect: `refused` is why the server did not take it; `failed` are the checks
    that failed and what they have observed, `unclear` those that could not tell."""

    id: str
    refused: str | None
    failed: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    """`last`: how many migrations the defects are put into."""

    lab: Lab
    last: int
    directory: Path
    _runbook: Runbook = field(
        default_factory=lambda: load(
            DERIVED, profile=DERIVED_PROFILE, parameters=_PARAMETERS, templates=False
        )
    )
    # Those that know nothing of the migration's text are the same for all.
    _same: dict[str, Sequence[PhaseScript]] = field(default_factory=dict)

    def outcomes(self) -> Iterator[Outcome]:
        """What becomes of the migrations as they are, and of each defect in them."""
        names = self._prepare()
        pending = self._pending()
        self.lab.copy(_STATE, _AFTER)
        self._deploy(pending)
        applicable = [one for one in KINDS if made(one.sql + one.admin, names) is not None]
        # All that any of them may write is looked up.
        everything = ";\n".join(made(one.sql, names) or "" for one in applicable)
        facts = self._facts(self._book(pending, everything))
        for kind in (UNCHANGED, *applicable):
            yield self._outcome(kind, names, pending, facts)

    def _prepare(self) -> dict[str, str]:
        with self.lab.cluster.connect() as admin:
            # As whoever dumps a table with row-level security that is forced.
            admin.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(self.lab.role)))
        with self.lab.cluster.connect(_STATE, self.lab.role) as own:
            besides = [table for _, table in self.lab.folder.tool.tables]
            names = shape.names(own, besides)
            before = made(BEFORE, names)
            if before is None:
                raise GonogoError("no table of this application has what the defects are about")
            own.execute(before.encode())
        return names

    def _pending(self) -> list[Migration]:
        """The last migrations; fewer where rows that are made up stand against them."""
        for number in range(self.last, 0, -1):
            some = [*self.lab.folder.migrations[-number:]]
            self.lab.copy(_STATE, _AFTER)
            try:
                self._deploy(some)
            except psycopg.Error:
                continue
            return some
        return []

    def _deploy(self, migrations: Sequence[Migration]) -> None:
        """One after the other: what runs in no transaction has to be alone."""
        for one in migrations:
            self._apply(_AFTER, one.text or "")

    def _apply(self, database: str, text: str, *, admin: bool = False) -> None:
        cluster = self.lab.cluster
        with (
            cluster.connect(database)
            if admin
            else cluster.connect(database, self.lab.role) as connection
        ):
            connection.execute(text.encode())

    def _outcome(
        self, kind: Kind, names: Mapping[str, str], pending: list[Migration], facts: dict[str, Any]
    ) -> Outcome:
        self.lab.copy(_AFTER, _COPY)
        defect, admin = made(kind.sql, names) or "", made(kind.admin, names) or ""
        try:
            self._apply(_COPY, defect)
            self._apply(_COPY, admin, admin=True)
        except psycopg.Error as error:
            return Outcome(kind.id, str(error).splitlines()[0])
        results = self._run(self._book(pending, defect), "phases", _COPY, facts)[0]
        said = {
            status: {one.check_id: str(one.observed) for one in results if one.status == status}
            for status in ("fail", "inconclusive")
        }
        return Outcome(kind.id, None, said["fail"], self._counting(said["inconclusive"]))

    def _counting(self, unclear: Mapping[str, str]) -> dict[str, str]:
        """Of what could not be told what counts; what is about a rehearsal says nothing here."""
        checks = {one.id: one for one in self._runbook.checks.values()}
        return {
            name: words
            for name, words in unclear.items()
            if checks[name].phase not in _OF_A_RUN and checks[name].effect != "none"
        }

    def _book(self, pending: list[Migration], more: str) -> Runbook:
        """The runbook about the migrations with a defect at their end."""
        if not pending:
            return self._of([*self.lab.folder.migrations[-1:]], more, only=True)
        return self._of(pending, more)

    def _of(self, pending: list[Migration], more: str, *, only: bool = False) -> Runbook:
        folder: Source = self.lab.folder
        *others, last = pending
        text = more if only else f"{last.text or ''}\n;{more}"
        changed = [*others, last._replace(text=text)]
        migrations = (*folder.migrations[: len(folder.migrations) - len(changed)], *changed)
        names = [one.name for one in changed]
        return about(self._runbook, replace(folder, migrations=migrations), names)

    def _facts(self, book: Runbook) -> dict[str, Any]:
        return self._run(book, "preflight", _STATE, {})[1]

    def _run(
        self, book: Runbook, stage: str, database: str, facts: Mapping[str, Any]
    ) -> tuple[Sequence[CheckResult], dict[str, Any]]:
        login = self.lab.login(database)
        with connect(login, name="gonogo:defects:observe", read_only=True) as connection:
            observed = observe(connection)
        place = self.directory / "evidence"
        run = evidence.Run.create(place, "corpus", evidence.new_run_id(datetime.now(UTC)))
        assert book.source is not None
        record = run_record(run, book, book.source, login, observed)
        scripts: list[PhaseScript] = []
        for phase in book.phases(stage, twin=True):
            if phase.name not in self._same or phase.name in _OF_THE_TEXT:
                self._same[phase.name] = prepare(
                    book, [phase], record=of_run(record), facts=facts, timeouts=_TIMEOUTS
                ).scripts
            scripts += self._same[phase.name]
        shutil.rmtree(place)

        def session(stage: str, *, own: bool = False) -> Any:
            del stage, own
            return connect(login, name="", timeouts=Timeouts(**_TIMEOUTS))

        results: list[CheckResult] = []
        said: dict[str, Any] = {}
        for outcome in phases.run_phases(
            session, stage="phases", scripts=scripts, directory=self.directory
        ):
            if outcome.error:
                raise GonogoError(f"{outcome.name}: {outcome.error.message}")
            results += outcome.results
            said |= outcome.facts
        return results, said
