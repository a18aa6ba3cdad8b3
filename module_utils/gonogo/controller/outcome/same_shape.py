"""The rehearsal of another database of the same shape: whether a run may go by it.

What is compared is what both runs have measured and sealed themselves, at the moment it is used.
Whatever is not the same, or cannot be found out, is a reason not to go by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError
from ...contract.records.check_result import CheckResult
from ...contract.records.deployment import Limits
from ...contract.records.history import HistoryRecord
from ...contract.records.migration import Plan, Statement
from ...contract.records.plan import PlanRecord
from ...contract.records.queries import QueriesRecord
from ...contract.records.reading import FileRecord, plain
from ...contract.records.rehearsal import Rehearsal, RehearsedOn
from ...contract.records.run import RunRecord
from ...contract.records.shape import Shape
from ...contract.records.twin import TwinRecord
from ...host.compare.shape import differences
from ...verdict import findings, read_plan
from .. import evidence
from ..evidence import Run
from ..sql.definitions import looks_at_rows, only_defines

__all__ = ["Other", "Work", "differing", "only_by_itself", "other", "statements_sha256"]

_SHOWN = 20
_STAGE = "rehearsal"
# Whether the schema is as it was validated each run finds out by itself, and new tables are empty.
_NOT_ITS_OWN = ("rehearsal_unlike", "rehearsal_check_inconclusive")
# Of these a trigger may do anything when a definition changes.
_EVENT_TRIGGER = "event trigger "


@dataclass(frozen=True)
class Work:
    """What a run would try: the way there and back, under which limits."""

    run: Run
    plan: Plan
    undo: Plan | None
    limits: Limits


@dataclass(frozen=True)
class Other:
    """A rehearsal that a run goes by: its record, as the run keeps it, the schema that it has left,
    and what only the copy was asked."""

    record: Rehearsal
    schema: Mapping[str, str]
    only: Mapping[str, Sequence[CheckResult]]


class _AnotherError(Exception):
    """Why a rehearsal says nothing about this database."""


class _FailedThereError(GonogoError):
    """The rehearsal that this run would go by is no GO."""


def only_by_itself(run: Run, plan: Plan) -> str | None:
    """Why no other rehearsal could say anything of this run's database; None where one can."""
    if not run.has(Shape):
        return "its shape was not measured"
    migrations = run.read(RunRecord).migrations
    if migrations and migrations.command:
        return "the migration tool's own command is heard on a copy of each database"
    if any(name.startswith(_EVENT_TRIGGER) for name in run.read(Shape).schema):
        return "it has event triggers, which may do something else with other rows"
    for one in _statements(plan):
        if not only_defines(one.text):
            return f"{one.file}:{one.line} may change rows, which are other ones in each database"
    return None


def other(work: Work, host: str, run: Run) -> Other | str:
    """What to go by, of the run of the host that rehearses for this one; else why not, in words.

    Raises GonogoError where that rehearsal has failed: then nobody goes by it, and nobody on.
    """
    try:
        return _found(work, host, run)
    except _AnotherError as error:
        return str(error)
    except _FailedThereError:
        raise
    except GonogoError as error:
        return f"the evidence of {host} cannot be read: {error.primary}"


def _found(work: Work, host: str, run: Run) -> Other:
    seen = evidence.load(run.path)
    if seen.problems:
        raise _AnotherError(f"the evidence of {host} is damaged: {seen.problems[0]}")
    own, its = work.run.read(RunRecord), run.read(RunRecord)
    _require_same_work(work.run, own, run, its, host)
    _require_same_shape(work.run.read(Shape), run, host)
    if not run.has(Rehearsal):
        raise _AnotherError(f"{host} has no rehearsal to go by")
    tried = run.read(Rehearsal)
    if tried.done is not True:
        raise _AnotherError(f"{host} could not rehearse: {tried.reason}")
    if tried.by is not None:
        raise _AnotherError(f"{host} has gone by another rehearsal itself")
    _require_passed(work, tried, seen, host)
    plan, twin = run.read(PlanRecord), run.read(TwinRecord)
    if twin.proven is not True or twin.backup_sha256 != tried.backup_sha256:
        raise _AnotherError(f"the backup of {host} is not proven")
    _require_told(work, tried, host)
    shape = run.read(Shape)
    by = RehearsedOn(
        host=host,
        database=its.known.database,
        size=shape.size,
        run_id=run.run_id,
        evidence_head=seen.head,
        shape_sha256=shape.sha256,
        statements_sha256=statements_sha256(work.plan, work.undo),
        unproven=[
            f"{one.file}:{one.line}" for one in _statements(work.plan) if _may_be_refused(one)
        ],
    )
    return Other(
        record=replace(tried, run_id=own.run_id, scripts={}, by=by),
        schema=run.read_json("schema.json"),
        only=_only(run, plan, host),
    )


def _require_same_work(own: Run, record: RunRecord, run: Run, its: RunRecord, host: str) -> None:
    """Both runs are of one playbook, and about the same."""
    if run.path == own.path or its.target.inventory_host != host:
        raise _AnotherError(f"the run of {host} is another one")
    same = {
        "the playbook": (record.controller, its.controller),
        "the environment": (record.environment, its.environment),
        "the runbook": (record.runbook_sha256, its.runbook_sha256),
        "the profile": (record.profile, its.profile),
        "the parameters": (dict(record.parameters), dict(its.parameters)),
        "this project": (dict(record.digests.project), dict(its.digests.project)),
        "what is asked": (_asked(own), _asked(run)),
        "the record of the migration tool": (_kept(own, HistoryRecord), _kept(run, HistoryRecord)),
        "the application's queries": (_kept(own, QueriesRecord), _kept(run, QueriesRecord)),
    }
    others = [what for what, (one, another) in same.items() if one != another]
    if others:
        raise _AnotherError(f"not the same as on {host}: {', '.join(others)}")


def _asked(run: Run) -> PlanRecord:
    """Waivers are each host's own."""
    return replace(run.read(PlanRecord), waivers=())


def _kept(run: Run, record: type[FileRecord]) -> object:
    """What of a record is not of its own time and place."""
    if not run.has(record):
        return None
    found = run.read(record)
    if isinstance(found, HistoryRecord):
        entries = [(one.name, one.state, one.checksum) for one in found.entries or ()]
        return (found.tool, found.schema, found.sha256, entries, tuple(found.pending))
    if isinstance(found, QueriesRecord):
        return (sorted(one.text for one in found.queries), found.hidden, found.reason)
    return plain(found)


def _require_same_shape(own: Shape, run: Run, host: str) -> None:
    if not run.has(Shape):
        raise _AnotherError(f"the shape of {host} was not measured")
    its = run.read(Shape)
    if own.sha256 != its.sha256:
        names = differing(its.parts, own.parts)
        raise _AnotherError(f"not of the shape of {host}: {names}")


def differing(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    """What is not the same in two schemas, for a sentence."""
    word = {"missing": "is missing here", "extra": "is here only", "different": "differs"}
    found = [f"{one.name} {word[one.kind]}" for one in differences(first, second)]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join([*found[:_SHOWN], *more])


def _require_passed(work: Work, tried: Rehearsal, seen: evidence.Evidence, host: str) -> None:
    """What has failed there would fail here, or cannot be told from what would."""
    plan = work.run.read(PlanRecord)
    today = max((one.at for one in seen.events), default="")[:10]
    against = [
        f"{one.subject}: {one.text}"
        for one in findings(read_plan(plan), tried, waivers=plan.waivers, today=today)
        if one.code not in _NOT_ITS_OWN
    ]
    ended = [one for one in seen.events if one.stage == _STAGE]
    if not against and any(one.event == "stage_passed" for one in ended):
        return
    failed = [str(one.data.get("message")) for one in ended if one.event == "stage_failed"]
    raise _FailedThereError(
        f"the rehearsal on {host} (same shape), run {seen.path.name}, is none to go by: nothing "
        "was deployed",
        detail="\n".join((against or failed)[:_SHOWN]) or None,
        hint="Mend what is wrong there. Where it is about the rows of that database alone, set "
        "rehearsal_per_shape to false: each database is then rehearsed by itself.",
    )


def _require_told(work: Work, tried: Rehearsal, host: str) -> None:
    """It has tried all of what this run would."""
    done = tried.deployment
    if tried.state != "absent" or done is None or done.action != "applied":
        raise _AnotherError(f"the migration was not applied to the copy of {host}")
    if work.undo is not None and (tried.undone is None or tried.again is None):
        raise _AnotherError(f"the migration was not taken back on the copy of {host}")
    if tried.rows_changed or tried.rows_removed:
        raise _AnotherError(f"on the copy of {host} the migration has changed rows")
    if done.budgets != work.limits:
        raise _AnotherError(f"other budgets are allowed on {host}")


def _only(run: Run, plan: PlanRecord, host: str) -> dict[str, list[CheckResult]]:
    """What only the copy was asked is asked nowhere else, by phase."""
    phases = {check.id: check.phase for check in plan.checks}
    found: dict[str, list[CheckResult]] = {}
    for result in run.read_all(CheckResult):
        phase = phases.get(result.check_id, result.phase)
        told = replace(result, observed=f"on {host} (same shape): {result.observed or ''}")
        found.setdefault(phase, []).append(told)
    return found


def statements_sha256(plan: Plan, undo: Plan | None) -> str:
    """Digest of what is applied, and of what takes it back."""
    steps = [[plain(step) for step in one.steps] if one else None for one in (plan, undo)]
    return sha256(line(steps))


def _statements(plan: Plan) -> Iterator[Statement]:
    for step in plan.steps:
        yield from step.statements


def _may_be_refused(one: Statement) -> bool:
    return bool(one.demands) or looks_at_rows(one.text)
