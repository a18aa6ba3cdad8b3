"""What a rehearsal on the twin comes to: its record, its error, its lines for the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ...contract.errors import CheckError, GonogoError
from ...contract.listing import listed
from ...contract.records.check_result import came_to
from ...contract.records.deployment import InTheWay
from ...contract.records.plan import PlanRecord
from ...contract.records.rehearsal import (
    Problem,
    Rehearsal,
    RehearsedOn,
    SlowStatement,
    Trial,
)
from ...contract.records.run import RunRecord
from ...contract.records.sabotage import Sabotage
from ...contract.records.twin import TwinRecord
from ...host.compare.carried import is_carried
from ...host.compare.proof import without_owners
from ...host.compare.schema_catalog import Difference, compare
from ...verdict import findings, read_plan
from ..declared.manifest import Manifest
from ..evidence import Run
from ..invocation.commands import Caller
from . import deployment
from .undo_lines import without_meaning

__all__ = ["lines", "nothing", "problem", "read_record", "to_break", "told", "trace_lines"]
__all__ += ["tried", "unlike"]

_SHOWN = 20
_NO_CLUSTER = "there is no cluster of its own to try it on"


def nothing(run: RunRecord, *, required: bool, twin: TwinRecord) -> Rehearsal:
    """The record of a run that has tried nothing, and why."""
    return Rehearsal(
        run_id=run.run_id,
        promoted=bool(run.promotion),
        done=None,
        required=required,
        reason=None if twin.kept else twin.reason or _NO_CLUSTER,
        hint=twin.hint,
        backup_sha256=twin.backup_sha256,
    )


def read_record(run: Run) -> Rehearsal | None:
    """What a run has tried, None where it has no record. Raises RecordError."""
    return run.read(Rehearsal) if run.has(Rehearsal) else None


def tried(record: Rehearsal, trial: Trial) -> Rehearsal:
    """The record with what was tried."""
    return replace(
        record,
        done=True,
        state=trial.state,
        deployment=trial.deployment,
        undone=trial.undone,
        again=trial.again,
        rows_changed=trial.rows_changed,
        rows_removed=trial.rows_removed,
        retried=trial.retried,
        problem=told(trial),
        slow=trial.slow,
        alone=trial.alone,
        drift=trial.drift,
        schema_changes=trial.schema_changes,
    )


def told(trial: Trial) -> Problem | None:
    """The problem with its words, where the deployment has them."""
    found = trial.problem
    if found is None or found.message is not None:
        return found
    assert trial.deployment is not None  # it has failed
    error = deployment.problem(trial.deployment, caller=Caller())
    assert error is not None
    # The ways out are those of a real database.
    failure = trial.deployment.error
    rows = failure.in_the_way if failure else None
    if failure is None or rows is None:
        return replace(found, message=error.primary, detail=error.detail, hint=None)
    detail = "\n".join(filter(None, (_standing(rows), error.detail)))
    hint = f"{_AGAINST[str(failure.sqlstate)[:2]]}\nTo see the rows: {rows.query}"
    return replace(found, message=error.primary, detail=detail, hint=hint)


# The first two digits of a SQLSTATE → what is to be done about the rows.
_AGAINST = {
    "22": "Correct the values in a migration before this one, or say with USING what becomes of "
    "them.",
    "23": "Correct the rows in a migration before this one; a new column needs a DEFAULT, or is "
    "filled before it is NOT NULL.",
}


def _standing(rows: InTheWay) -> str:
    number = f"{rows.rows} row{'s' if rows.rows != 1 else ''} of {rows.table}"
    stands = "stand" if rows.rows != 1 else "stands"
    behind = ", behind the statements before it in its transaction," if rows.behind else ""
    first = f"the first {len(rows.samples)} " if rows.rows > len(rows.samples) else ""
    keys = f": {first}{'; '.join(rows.samples)}" if rows.samples else ""
    return f"{number}{behind} {stands} in the way{keys}"


def unlike(
    validated: Mapping[str, str],
    here: Mapping[str, str],
    manifest: Manifest,
    *,
    same: Callable[[Sequence[Difference]], Mapping[str, Sequence[str | None]]],
) -> list[str]:
    """What of the manifest's tables and functions is not as it was validated: `kind: name`.

    Owners and privileges are each environment's own, and so are tables the manifest does not know.
    `same` is asked which differences are only of print, as `reprint.same` answers.
    """
    known = [table.name for table in manifest.tables]
    known += [function.name for function in manifest.functions]
    schema = re.escape(manifest.schema)
    words = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    ours = re.compile(rf'(?<![\w"]){schema}\."?(?:{words})(?![\w$])')
    sides = (without_owners(validated), without_owners(here))
    found = [
        difference
        for difference in compare(*sides)
        if is_carried(difference, *sides)
        and ours.search(f"{difference.name} {difference.first or ''} {difference.second or ''}")
    ]
    real = {one.name for one in compare(*sides, same=same(found))} if found else set()
    word = {"missing": "is missing here", "extra": "is here only", "different": "differs"}
    return [
        f"{difference.name} {word[difference.kind]}"
        for difference in found
        if difference.name in real
    ]


def to_break(manifest: Manifest, wanted: Sequence[str]) -> list[str]:
    """The manifest's tables, or those of them that are wanted. Raises GonogoError for others."""
    known = [table.name for table in manifest.tables]
    unknown = sorted({*wanted} - {*known})
    if unknown:
        raise GonogoError(
            f"rehearsal_sabotage_tables names what the manifest does not: {unknown[0]}",
            hint=f"It knows: {', '.join(known)}.",
        )
    return [name for name in known if not wanted or name in wanted]


def problem(record: Rehearsal, plan: PlanRecord, *, deploying: bool) -> GonogoError | None:
    """Why the run must not go on to deploy. What else a rehearsal finds is for the verdict."""
    if not deploying:
        return None
    if record.done is None:
        if not record.required:
            return None
        return GonogoError(
            "the migration was not rehearsed: nothing is deployed",
            detail=record.reason,
            hint=record.hint,
        )
    reasons = findings(
        read_plan(plan),
        record,
        waivers=plan.waivers,
        today=f"{datetime.now(UTC):%Y-%m-%d}",
    )
    # New tables are empty, and stay so until they are there.
    found = [reason for reason in reasons if reason.code != "rehearsal_check_inconclusive"]
    if not found:
        return None
    first = found[0]
    said = [f"{reason.subject}: {reason.text}" for reason in found[1:]]
    observed = [first.observed] if first.observed else []
    detail = "\n".join([*observed, *([listed(said, joint="\n")] if said else [])]) or None
    if first.code.startswith("rehearsal_") and first.subject in {one.id for one in plan.checks}:
        return CheckError(
            f"{first.text}; nothing was deployed",
            check=first.subject,
            detail=detail,
            hint=first.hint,
        )
    return GonogoError(f"{first.text}; nothing was deployed", detail=detail, hint=first.hint)


def lines(record: Rehearsal, sabotage: Sabotage | None = None) -> list[str]:
    """For the terminal."""
    if record.done is None:
        return [f"Nothing was rehearsed: {record.reason}"]
    if record.by:
        return [_whose(record.by)]
    said = [f"Rehearsed by itself: {record.itself}"] if record.itself else []
    said += trace_lines(record)
    checks = record.checks
    said.append(f"Rehearsed on the twin, with rows that stay: {came_to(checks)}")
    if sabotage:
        said += _sabotage_lines(sabotage)
    return said


def _sabotage_lines(sabotage: Sabotage) -> list[str]:
    unnoticed, blind = sabotage.unnoticed, sabotage.never_failed
    said = [
        f"{sabotage.changes} changes were made to the twin, one at a time; checks noticed "
        f"{sabotage.changes - len(unnoticed)}."
    ]
    said += [f"  no check noticed: {words}" for words in unnoticed[:_SHOWN]]
    if len(unnoticed) > _SHOWN:
        said.append(f"  and {len(unnoticed) - _SHOWN} more, all in sabotage.json")
    if blind:
        said.append(f"  never seen to fail: {', '.join(blind)}")
    return said


def trace_lines(record: Rehearsal) -> list[str]:
    """What applying the migration has cost on the twin, and whether it could be taken back."""
    done = record.deployment
    if not done:
        return []
    seconds = sum(one.seconds for one in done.statements)
    said = [_whose(record.by)] if record.by else []
    said += [f"On the twin, {len(done.statements)} statements took {seconds:.1f} s."]
    waits = deployment.waits(done.statements)
    said += [
        f"  {blocks} of {relation} would wait for {longest:.2f} s"
        for relation, blocks, longest in waits[:_SHOWN]
    ]
    if len(waits) > _SHOWN:
        said.append(f"  and {len(waits) - _SHOWN} more would wait")
    said += [_slow_line(one, alone=bool(record.alone)) for one in record.slow]
    rewritten = sorted({name for one in done.statements for name in one.rewritten})
    if rewritten:
        said.append(f"  rewritten: {listed(rewritten)}")
    changed = sorted(record.rows_changed)
    if changed:
        said.append(f"  rows changed in {listed(changed)}")
    if record.undone:
        said.append(
            f"Taken back there in {record.undone.seconds:.1f} s, schema and rows were as "
            "before; applied again, all was there."
        )
        if record.undone.immaterial:
            said.append(f"  {without_meaning(record.undone.immaterial)}")
    return said


def _whose(by: RehearsedOn) -> str:
    return f"Rehearsed on {by.host} (same shape), run {by.run_id}, and on no copy of this database."


def _slow_line(one: SlowStatement, *, alone: bool) -> str:
    first, *again = one.seconds
    where = "alone" if alone else "again, on a host that was busy,"
    later = f", tried {where} {again[0]:.1f} s" if again else ""
    return f"  {one.file}:{one.line} took {first:.1f} s{later}; allowed are {one.allowed:g} s"
