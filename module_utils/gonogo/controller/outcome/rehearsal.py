"""What a rehearsal on the twin comes to: its record, its error, its lines for the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...contract.errors import GonogoError
from ...contract.records.plan import PlanRecord
from ...contract.records.run import RunRecord
from ...contract.records.twin import TwinRecord
from ...host.compare.carried import is_carried
from ...host.compare.proof import without_owners
from ...host.compare.schema_catalog import Difference, compare
from ...verdict import findings, read_plan
from ..invocation.commands import Caller
from . import deployment

__all__ = ["bill_lines", "lines", "nothing", "problem", "to_break", "told", "unlike"]

_SHOWN = 20
_NO_CLUSTER = "there is no cluster of its own to try it on"


def nothing(run: RunRecord, *, required: bool, twin: TwinRecord) -> dict[str, Any]:
    """The record of a run that has tried nothing, and why."""
    return {
        "run_id": run.run_id,
        "promoted": bool(run.promotion),
        "done": None,
        "required": required,
        "reason": None if twin.kept else twin.reason or _NO_CLUSTER,
        "hint": twin.hint,
        "backup_sha256": twin.backup_sha256,
        "state": None,
        "deployment": None,
        "undone": None,
        "again": None,
        "rows_changed": {},
        "rows_removed": {},
        "problem": None,
        "unlike_promotion": None,
        "checks": [],
        "scripts": {},
        "back": None,
        "retried": None,
        "slow": [],
        "alone": None,
        "schema": None,
    }


def told(there: Mapping[str, Any]) -> dict[str, Any]:
    """A problem with its words, where the deployment has them."""
    found = there["problem"]
    if "message" in found:
        return dict(found)
    error = deployment.problem(there["deployment"], caller=Caller())
    assert error is not None
    # The ways out are those of a real database.
    return {**found, "message": error.primary, "detail": error.detail, "hint": None}


def unlike(
    validated: Mapping[str, str],
    here: Mapping[str, str],
    manifest: Mapping[str, Any],
    *,
    same: Callable[[Sequence[Difference]], Mapping[str, Sequence[str | None]]],
) -> list[str]:
    """What of the manifest's tables and functions is not as it was validated: `kind: name`.

    Owners and privileges are each environment's own, and so are tables the manifest does not know.
    `same` is asked which differences are only of print, as `reprint.same` answers.
    """
    known = [table["name"] for table in manifest.get("tables", [])]
    known += [function["name"] for function in manifest.get("functions", [])]
    schema = re.escape(manifest["schema"])
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


def to_break(manifest: Mapping[str, Any], wanted: Sequence[str]) -> list[str]:
    """The manifest's tables, or those of them that are wanted. Raises GonogoError for others."""
    known = [str(table["name"]) for table in manifest["tables"]]
    unknown = sorted({*wanted} - {*known})
    if unknown:
        raise GonogoError(
            f"rehearsal_sabotage_tables names what the manifest does not: {unknown[0]}",
            hint=f"It knows: {', '.join(known)}.",
        )
    return [name for name in known if not wanted or name in wanted]


def problem(record: Mapping[str, Any], plan: PlanRecord, *, deploying: bool) -> GonogoError | None:
    """Why the run must not go on to deploy. What else a rehearsal finds is for the verdict."""
    if not deploying:
        return None
    if record["done"] is None:
        if not record["required"]:
            return None
        return GonogoError(
            "the migration was not rehearsed: nothing is deployed",
            detail=record["reason"],
            hint=record["hint"],
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
    said = [f"{reason.subject}: {reason.text}" for reason in found[1:_SHOWN]]
    observed = [first.observed] if first.observed else []
    return GonogoError(
        f"{first.text}; nothing was deployed",
        detail="\n".join([*observed, *said]) or None,
        hint=first.hint,
    )


def lines(record: Mapping[str, Any], sabotage: Mapping[str, Any] | None = None) -> list[str]:
    """For the terminal."""
    if record["done"] is None:
        return [f"Nothing was rehearsed: {record['reason']}"]
    said = bill_lines(record)
    checks = record["checks"]
    passed = sum(check["status"] == "pass" for check in checks)
    said.append(f"Rehearsed on the twin, with rows that stay: {passed} of {len(checks)} passed")
    if sabotage:
        said += _sabotage_lines(sabotage)
    return said


def _sabotage_lines(sabotage: Mapping[str, Any]) -> list[str]:
    unnoticed, blind = sabotage["unnoticed"], sabotage["never_failed"]
    said = [
        f"{sabotage['changes']} changes were made to the twin, one at a time; checks noticed "
        f"{sabotage['changes'] - len(unnoticed)}."
    ]
    said += [f"  no check noticed: {words}" for words in unnoticed[:_SHOWN]]
    if len(unnoticed) > _SHOWN:
        said.append(f"  and {len(unnoticed) - _SHOWN} more, all in sabotage.json")
    if blind:
        said.append(f"  never seen to fail: {', '.join(blind)}")
    return said


def bill_lines(record: Mapping[str, Any]) -> list[str]:
    """What applying the migration has cost on the twin, and whether it could be taken back."""
    done = record["deployment"]
    if not done:
        return []
    seconds = sum(line["seconds"] for line in done["bill"])
    said = [f"On the twin, {len(done['bill'])} statements took {seconds:.1f} s."]
    said += [
        f"  {blocks} of {relation} would wait for {longest:.2f} s"
        for relation, blocks, longest in deployment.waits(done["bill"])[:_SHOWN]
    ]
    for one in record["slow"]:
        first, *again = one["seconds"]
        where = "alone" if record["alone"] else "again, on a host that was busy,"
        later = f", tried {where} {again[0]:.1f} s" if again else ""
        said.append(
            f"  {one['file']}:{one['line']} took {first:.1f} s{later}; allowed are "
            f"{one['allowed']:g} s"
        )
    rewritten = sorted({name for line in done["bill"] for name in line["rewritten"]})
    if rewritten:
        said.append(f"  rewritten: {', '.join(rewritten[:_SHOWN])}")
    changed = sorted(record["rows_changed"])
    if changed:
        said.append(f"  rows changed in {', '.join(changed[:_SHOWN])}")
    if record["undone"]:
        said.append(
            f"Taken back there in {record['undone']['seconds']:.1f} s, schema and rows were as "
            "before; applied again, all was there."
        )
    return said
