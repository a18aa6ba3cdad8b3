"""Phases as SQL: what the target host is sent, what the evidence keeps, which rows may be left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...contract.errors import GonogoError, InputError
from ...contract.records.ledger import LedgerRow
from ...contract.records.phase import PhaseScript
from ...contract.records.reading import plain
from ...contract.records.run import RunRecord
from ..declared.runbook import Phase
from ..reading import schema, yamlfile
from ..reading.schema import Any_, Keys, Table, Text
from ..render import ledger
from ..render.apart import asked_apart
from ..render.race import replay
from ..render.rendering import Rendered, render_phase
from . import migration
from .book import Runbook
from .seen import Seen

__all__ = ["Prepared", "of_run", "prepare", "tried"]

# A run that nobody makes, for rendering alone.
_NO_RUN = {"run_id": "20000101T000000Z-000000", "token": "0" * 32, "residue": "keep"}
_NO_LIMITS = {"lock": "1s", "statement": "1s", "idle_in_transaction": "1s"}

# What contract/race_spec.py knows of a spec, it checks itself.
_MODE = Table(Any_())
_RACE = Keys({"check": Text(), "title": Text(), "keep": _MODE, "rollback": _MODE})


@dataclass
class Prepared:
    """`scripts` as the entries `preflight` and `phases` take them; `files` name → SQL, what they
    include among them; `rows` that a commit would leave, those that point at others first."""

    scripts: list[PhaseScript] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    rows: list[LedgerRow] = field(default_factory=list)


def of_run(record: RunRecord, *, residue: str | None = None) -> dict[str, str]:
    """What templates know of a run; `residue` where it is not that of the run."""
    return {
        "run_id": record.run_id,
        "token": record.token,
        "profile": record.profile,
        "residue": residue or record.residue,
    }


@dataclass(frozen=True)
class _Renderer:
    """What all templates of a run know."""

    runbook: Runbook
    record: Mapping[str, str]
    facts: Mapping[str, object]
    timeouts: Mapping[str, str]
    seen: Seen

    def render(self, phase: Phase, file: Path | None = None) -> Rendered:
        return render_phase(
            templates=self.runbook.template_folders,
            phase=phase,
            runbook=self.runbook.declared,
            manifest=self.runbook.manifest,
            checks=self.runbook.checks,
            facts=self.facts,
            parameters=self.runbook.parameters,
            run=self.record,
            timeouts=self.timeouts,
            documents=self.runbook.documents(),
            migration=self.seen.added(migration.words(self.runbook)),
            file=file,
        )


def prepare(
    runbook: Runbook,
    phases: Sequence[Phase],
    *,
    record: Mapping[str, str],
    facts: Mapping[str, object],
    timeouts: Mapping[str, str],
    seen: Seen | None = None,
) -> Prepared:
    """Render phases for the run that `record` (see `of_run`) is of; `seen` is what it has seen of
    the migration so far.

    Where rows may be left, among the files is the script that removes them: a cleanup then needs
    nothing but the evidence, whatever happens to the runbook. Raises GonogoError for a template
    that cannot be rendered.
    """
    renderer = _Renderer(runbook, record, facts, timeouts, seen or Seen())
    prepared = Prepared()
    rows: list[LedgerRow] = []
    for phase in phases:
        rendered = renderer.render(phase)
        prepared.files |= {rendered.name: rendered.kept, **rendered.libraries}
        races = [_race(prepared, renderer, name, phase, rows) for name in phase.races]
        rows += rendered.ledger
        prepared.scripts.append(_script(rendered, runbook, races))
    if rows:
        manifest = runbook.manifest
        prepared.rows = ledger.children_first(
            rows, schema=manifest.schema, relations=manifest.relations
        )
        tables = plain(ledger.by_table(prepared.rows))
        undecided = replace(renderer, facts={**facts, "ledger_tables": tables})
        name = runbook.declared.cleanup
        assert name is not None  # by `rules.files`
        cleanup = Phase(name, title="Cleanup", transaction="undecided", after=None)
        prepared.files[name] = undecided.render(cleanup).text
    return prepared


def tried(runbook: Runbook, *, facts: Mapping[str, object]) -> None:
    """Render the phases for no run, with these facts. Raises InputError, with file and line."""
    record = {**_NO_RUN, "profile": runbook.profile}
    try:
        phases = runbook.phases("phases")
        prepare(runbook, phases, record=record, facts=facts, timeouts=_NO_LIMITS)
    except InputError:
        raise
    except GonogoError as error:
        raise InputError(error.primary, detail=error.detail, hint=error.hint) from error


def _race(
    prepared: Prepared, renderer: _Renderer, name: str, phase: Phase, rows: list[LedgerRow]
) -> Mapping[str, object]:
    """Render a race spec; its two sessions are kept as scripts to replay."""
    file = renderer.runbook.directory / "races" / f"{name}.yml.j2"
    residue = renderer.record["residue"]
    race_phase = replace(phase, name=f"{phase.name}_race_{name}", title=name)
    rendered = renderer.render(race_phase, file)
    document = yamlfile.parse(rendered.text, file)
    schema.check(document, _RACE)
    spec = document.data
    if spec["check"] != name:
        raise schema.fault(document, ("check",), spec["check"], f"is not the race's, {name}")
    chosen = {**spec[residue], "check": spec["check"], "title": spec["title"]}
    if residue == "keep":
        rows += rendered.ledger
    for session, text in replay(chosen).items():
        prepared.files[f"{phase.name}_race_{name}_{session}"] = text
    return chosen


def _script(
    rendered: Rendered, runbook: Runbook, races: Sequence[Mapping[str, object]]
) -> PhaseScript:
    stop = [
        check.id for check in runbook.checks.values() if check.stop and check.phase == rendered.name
    ]
    return PhaseScript(rendered.name, rendered.text, stop, races, asked_apart(rendered.text))
