"""Renders phase scripts and runs them on a database as the stages do, but without Ansible.

Two ways to run the same text: `by_module`, the engine's own, and `by_psql`, as a DBA would.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from gonogo.contract.login import Timeouts, application_name
from gonogo.contract.records.drift import Drift, SchemaChanges
from gonogo.contract.records.phase import PhaseScript
from gonogo.contract.records.reading import plain
from gonogo.contract.script import blocks
from gonogo.controller import runbook
from gonogo.controller.declared.runbook import DeclaredCheck
from gonogo.controller.reading import yamlfile
from gonogo.controller.render.apart import asked_apart
from gonogo.controller.render.rendering import MigrationWords, render_phase
from gonogo.controller.runbook.derived import with_own
from gonogo.controller.runbook.migration import asked_by_phase, written
from gonogo.controller.runbook.own_checks import read as read_checks
from gonogo.controller.runbook.queries import Query
from gonogo.host.checks import phases
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.support.harness import RUNBOOK, Database

__all__ = [
    "PHASES",
    "PREFLIGHT",
    "Answers",
    "Script",
    "Suite",
    "answer",
    "answers",
    "by_module",
    "by_psql",
    "declared",
    "phase_of",
]

_RUN_ID = "20260131T120000Z-0a1b2c"
_TIMEOUTS = {"lock": "5s", "statement": "2min", "idle_in_transaction": "1min"}
_PSQL = ("-X", "-q", "--csv", "-v", "ON_ERROR_STOP=1")
_CHECK = ["check_id", "status", "examined", "expected", "observed", "samples"]
_FACT = ["fact", "value"]

Run = Callable[[Database, Sequence["Script"], Path], "Answers"]


@dataclass
class Answers:
    """What scripts said. `errors`: script → why it ended early."""

    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def extend(self, other: Answers) -> None:
        self.checks.update(other.checks)
        self.facts.update(other.facts)
        self.errors.update(other.errors)


@dataclass(frozen=True)
class Script(PhaseScript):
    """`files` are what psql runs: the script as it is kept, and what it includes."""

    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """What a run would know before it begins."""

    profile: str = "target"
    residue: str = "rollback"
    parameters: tuple[tuple[str, Any], ...] = (("application_role", logins.APPLICATION),)
    token: str = "0123456789"
    directory: Path = RUNBOOK
    # The words of the migration's text, and what a folder's history says.
    names: tuple[str, ...] = ()
    # The migration, of which templates know what it writes.
    migration: str = ""
    # What a run has seen of the migration, as JSON: see controller/runbook/seen.py.
    seen: str = "{}"
    drift: Drift | None = None
    schema_changes: SchemaChanges | None = None
    # Those of the application.
    queries: tuple[Query, ...] = ()
    # A folder of a person's own.
    own_checks: Path | None = None

    @property
    def runbook(self) -> runbook.Runbook:
        found = _load(self.directory, self.profile, self.parameters)
        own = read_checks(self.own_checks).checks if self.own_checks else ()
        return replace(found, declared=with_own(found.declared, own), own_checks=own)

    def scripts(self, names: Sequence[str], facts: Mapping[str, Any]) -> list[Script]:
        """Phases rendered with these facts, each with its races."""
        written = json.dumps(facts, sort_keys=True)
        return [_script(self, name, written) for name in names]

    def until(self, check: str, facts: Mapping[str, Any]) -> Script:
        """The phase that answers a check, up to the answer and no further."""
        script = _script(self, phase_of(check), json.dumps(facts, sort_keys=True))
        races = [race for race in script.races if race["check"] == check]
        text = "" if races else _until(script.text, check)
        return replace(script, text=text, races=races, apart=asked_apart(text))


@cache
def _load(
    directory: Path, profile: str, parameters: tuple[tuple[str, Any], ...]
) -> runbook.Runbook:
    return runbook.load(directory, profile=profile, parameters=dict(parameters), templates=False)


# Most tests render the same text: where nothing was renamed, the facts are the same.
@cache
def _script(suite: Suite, name: str, facts: str) -> Script:
    book = suite.runbook
    phase = next(item for item in book.declared.phases if item.name == name)
    run = {
        "run_id": _RUN_ID,
        "token": suite.token,
        "residue": suite.residue,
        "profile": suite.profile,
    }
    migration = MigrationWords(
        suite.names,
        writes=written([suite.migration]),
        **json.loads(suite.seen),
        drift=suite.drift,
        schema_changes=suite.schema_changes,
        queries=suite.queries,
        own_checks=asked_by_phase(book),
    )
    context: dict[str, Any] = {
        "templates": book.template_folders,
        "runbook": book.declared,
        "manifest": book.manifest,
        "checks": book.checks,
        "facts": json.loads(facts),
        "parameters": book.parameters,
        "run": run,
        "timeouts": _TIMEOUTS,
        "documents": book.documents(),
        "migration": migration,
    }
    races = []
    for check in phase.races:
        file = book.directory / "races" / f"{check}.yml.j2"
        race_phase = replace(phase, name=f"{name}_race_{check}", title=check)
        text = render_phase(phase=race_phase, file=file, **context).text
        spec = yamlfile.parse(text, file).data
        races.append({**spec[suite.residue], "check": spec["check"], "title": spec["title"]})
    # No check stops anything here: a test asks for the answers it wants.
    rendered = render_phase(phase=phase, **context)
    files = {**rendered.libraries, name: rendered.kept}
    apart = asked_apart(rendered.text)
    return Script(name, rendered.text, stop=[], races=races, apart=apart, files=files)


def _until(text: str, check: str) -> str:
    found = blocks(text)
    kept = [(block.kind, block.words) for block in found].index(("check", check)) + 1
    return "\n".join(text.split("\n")[: found[kept].line - 1])


def by_module(database: Database, scripts: Sequence[Script], directory: Path) -> Answers:
    """Run scripts with the code of the module, each whatever became of the one before."""
    found = Answers()

    for script in scripts:
        preflight = script.name == PREFLIGHT

        # Where code of the application runs, it is called as the application's sessions are.
        def session(stage: str, *, own: bool = preflight) -> Any:
            name = application_name(_RUN_ID, stage) if own else ""
            return connect(database.login(), name=name, timeouts=Timeouts(**_TIMEOUTS))

        (outcome,) = phases.run_phases(
            session, stage="phases", scripts=[script], directory=directory
        )
        found.checks.update({result.check_id: plain(result) for result in outcome.results})
        found.facts.update(outcome.facts)
        if outcome.error:
            found.errors[script.name] = outcome.error.message
    return found


def by_psql(database: Database, scripts: Sequence[Script], directory: Path) -> Answers:
    """Run scripts with psql, as their first lines say, and read what it prints. No races."""
    found = Answers()
    login = database.login()
    for script in scripts:
        for name, text in script.files.items():
            (directory / f"{name}.sql").write_text(text, encoding="utf-8")
        file = directory / f"{script.name}.sql"
        done = subprocess.run(
            [database.cluster.bin / "psql", *_PSQL, "-f", file, login.conninfo(name="test")],
            env=login.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        _read(done.stdout, found)
        if done.returncode:
            found.errors[script.name] = done.stderr
    return found


def _read(printed: str, found: Answers) -> None:
    """Take in result sets, each of which begins with its column names."""
    columns: list[str] = []
    for row in csv.reader(io.StringIO(printed)):
        if row in (_CHECK, _FACT):
            columns = row
        elif columns == _FACT:
            fact, value = row
            found.facts[fact] = json.loads(value)
        elif columns == _CHECK:
            result: dict[str, Any] = dict(zip(columns, row, strict=True))
            result["examined"] = int(result["examined"])
            result["samples"] = json.loads(result["samples"])
            found.checks[result["check_id"]] = result
        else:
            raise AssertionError(f"psql printed a row of nothing known: {row}")


PREFLIGHT = "00_preflight"
PHASES: tuple[str, ...] = tuple(phase.name for phase in Suite().runbook.declared.phases)


def declared() -> dict[str, DeclaredCheck]:
    """Check id → check, of the runbook."""
    return Suite().runbook.checks


def phase_of(check: str) -> str:
    """Name of the phase that answers a check."""
    return declared()[check].phase


def answers(
    database: Database,
    names: Sequence[str],
    directory: Path,
    *,
    suite: Suite | None = None,
    run: Run = by_module,
) -> Answers:
    """Run preflight, then the phases of these names with the facts found."""
    suite = suite or Suite(profile=database.profile)
    found = run(database, suite.scripts([PREFLIGHT], {}), directory)
    following = [name for name in names if name != PREFLIGHT]
    found.extend(run(database, suite.scripts(following, found.facts), directory))
    return found


def answer(
    database: Database,
    check: str,
    directory: Path,
    *,
    suite: Suite,
    between: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Run preflight, then `between`, then what is needed for one check, and return its result."""
    found = by_module(database, suite.scripts([PREFLIGHT], {}), directory)
    if phase_of(check) != PREFLIGHT:
        stop = [name for name, item in declared().items() if item.stop]
        failed = [name for name in stop if found.checks[name]["status"] != "pass"]
        assert not failed, f"a run would have ended at {failed}, before {check}"
        between()
        found = by_module(database, [suite.until(check, found.facts)], directory)
    assert check in found.checks, found.errors
    return found.checks[check]
