"""The decision: a pure function of the evidence.

Anything proven bad is a NO-GO, anything unknown a HOLD; what is left is a GO. Nothing here reads
a clock, a file or the environment, and no input raises: what cannot be understood is a HOLD.

The plan, as `plan.json` holds it:

    {"title": "APMS master tables",
     "stages": ["target", "backup", "copy_sql", "preflight", "phases"],   # in order of running
     "criteria": [{"id": "C4", "title": "Freeze by reference", "class": "critical"},
                  {"id": "E1", "title": "Config immutability", "class": "indicator",
                   "of": ["C4", "V3"]}],        # optional: criteria it is made of
     "checks": [{"id": "C4.1", "title": "...", "criterion": "C4", "phase": "02_lifecycle_C3_C4",
                 "effect": null,                # no_go | hold | important | none; null: by class
                 "empty_ok": false, "remedy": "..."}],
     "scoring": ["S0", "C1", "E1"],             # criteria; a GO has all of them
     "waivers": [{"check": "I2.1", "owner": "...", "reason": "...", "expires": "2026-03-31"}]}

A waiver names a `check` or a `criterion`. It is applied to failed checks with the effect
important or hold that do not count for the score, up to and including the day it expires.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["CLASSES", "EFFECTS", "STATUSES", "decide", "misfits"]

# Worst first: a criterion is as good as the worst of its members.
STATUSES = ("fail", "not_run", "inconclusive", "pass")
EFFECTS = ("no_go", "hold", "important", "none")
# What a failed check means unless it says so itself, by its criterion's class.
CLASSES = {
    "preflight": "no_go",
    "critical": "no_go",
    "invariant": "no_go",
    "indicator": "no_go",
    "important": "important",
    "nice": "none",
}
# So many failed important criteria are a NO-GO, fewer a HOLD.
IMPORTANT_NO_GO = 3

_WORDS = {"fail": "failed", "not_run": "did not run", "inconclusive": "proved nothing"}
_RUN_KEYS = ("run_id", "environment", "target", "runbook", "runbook_sha256", "profile")
_BACKUP_KEYS = ("file", "size", "sha256")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class _Check:
    id: str
    title: str
    criterion: str
    effect: str
    empty_ok: bool
    remedy: str


@dataclass(frozen=True)
class _Criterion:
    id: str
    title: str
    kind: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    """The plan as far as it can be understood; `problems` says what could not."""

    stages: tuple[str, ...]
    criteria: dict[str, _Criterion]
    checks: dict[str, _Check]
    scoring: tuple[str, ...]
    problems: tuple[str, ...]

    def members(self, criterion: _Criterion) -> list[_Check]:
        """Return the criterion's counting checks; nice-to-have is reported, so all count there."""
        own = [check for check in self.checks.values() if check.criterion == criterion.id]
        return [check for check in own if check.effect != "none" or criterion.kind == "nice"]

    def scored(self) -> set[str]:
        """Return the criteria the score rests on: the scoring units and what they are made of."""
        found: set[str] = set()
        ahead = list(self.scoring)
        while ahead:
            unit = ahead.pop()
            if unit not in found and unit in self.criteria:
                found.add(unit)
                ahead.extend(self.criteria[unit].of)
        return found


def decide(
    *,
    run: Mapping[str, Any] | None,
    plan: Mapping[str, Any] | None,
    checks: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    backup: Mapping[str, Any] | None,
    problems: Sequence[str],
    waivers: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the verdict document for the content of an evidence directory.

    `run`, `plan` and `backup` are the JSON files of that name (None if absent), `checks` and
    `events` the records of the two `.jsonl` files, `problems` what reading them back found
    wrong. `waivers` defaults to the plan's own, so that the evidence alone gives the verdict.
    Only events up to the one that closed the run are looked at. Never raises.
    """
    about, planned = _mapping(run), _read_plan(plan)
    until_closed, closed = _until_closed(events)
    last = until_closed[-1] if until_closed else {}
    statuses, results = _check_statuses(planned, checks)
    criteria, loops = _criterion_statuses(planned, statuses)
    granted = _mapping(plan).get("waivers") if waivers is None else waivers
    waived, conditions = _waive(planned, statuses, granted, str(last.get("at"))[:10])

    findings = [*problems]
    findings += [text for text in misfits(plan, checks) if text not in findings]
    reasons = [
        *_run_reasons(about),
        *_stage_reasons(planned, until_closed, closed),
        *_backup_reasons(until_closed, backup),
        *(_hold("evidence", "evidence", str(text)) for text in findings),
        *(_hold("plan", "plan", text) for text in (*planned.problems, *loops)),
        *_check_reasons(planned, statuses, results, waived),
    ]
    passed = sum(criteria.get(unit) == "pass" for unit in planned.scoring)
    if passed < len(planned.scoring) and not reasons:
        reasons.append(_hold("score", "score", "not every scoring unit has passed"))
    reasons.sort(key=lambda reason: reason["severity"] != "no_go")
    conditions += _informational(planned, statuses)
    return {
        "decision": _decision(reasons),
        "score": {"passed": passed, "of": len(planned.scoring)},
        "reasons": reasons,
        "criteria": criteria,
        "checks": statuses,
        "conditions": conditions,
        "would_change": _would_change(reasons, planned),
        "evidence_head": last.get("hash"),
        "finished_at": last.get("at"),
        "residue": about.get("residue"),
        **{key: about.get(key) for key in _RUN_KEYS},
    }


def misfits(plan: Mapping[str, Any] | None, checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which check results the plan does not declare, and which are there more than once."""
    declared = _read_plan(plan).checks
    seen: dict[str, int] = {}
    for result in checks:
        check_id = _text(_mapping(result).get("check_id"))
        seen[check_id] = seen.get(check_id, 0) + 1
    found = [f"check {key} is not declared in the plan" for key in seen if key not in declared]
    if not declared:
        found = []  # the plan itself is the problem, said once
    found += [f"check {key} has {count} results" for key, count in seen.items() if count > 1]
    return found


# --- reading ------------------------------------------------------------------------------------


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _read_plan(plan: Any) -> _Plan:
    raw = _mapping(plan)
    problems: list[str] = [] if raw else ["there is no plan"]
    criteria: dict[str, _Criterion] = {}
    for entry in map(_mapping, _items(raw.get("criteria"))):
        criterion = _Criterion(
            id=_text(entry.get("id")),
            title=_text(entry.get("title")),
            kind=_text(entry.get("class")),
            of=tuple(map(_text, _items(entry.get("of")))),
        )
        if criterion.id in criteria:
            problems.append(f"criterion {criterion.id} is declared twice")
        if criterion.kind not in CLASSES:
            problems.append(f"criterion {criterion.id} has no known class")
        criteria.setdefault(criterion.id, criterion)

    checks: dict[str, _Check] = {}
    for entry in map(_mapping, _items(raw.get("checks"))):
        check_id, home = _text(entry.get("id")), criteria.get(_text(entry.get("criterion")))
        effect = entry.get("effect")
        if home is None:
            problems.append(f"check {check_id} belongs to no declared criterion")
        if effect is not None and effect not in EFFECTS:
            problems.append(f"check {check_id} has no known effect")
        if effect not in EFFECTS:
            effect = CLASSES.get(home.kind if home else "", "no_go")
        if check_id in checks:
            problems.append(f"check {check_id} is declared twice")
        checks.setdefault(
            check_id,
            _Check(
                id=check_id,
                title=_text(entry.get("title")),
                criterion=home.id if home else "",
                effect=effect,
                empty_ok=entry.get("empty_ok") is True,
                remedy=_text(entry.get("remedy")),
            ),
        )

    stages = tuple(map(_text, _items(raw.get("stages"))))
    scoring = tuple(map(_text, _items(raw.get("scoring"))))
    found = _Plan(stages, criteria, checks, scoring, ())
    if raw:
        problems += _gaps(found)
    return _Plan(stages, criteria, checks, scoring, tuple(problems))


def _gaps(plan: _Plan) -> list[str]:
    """Say what a plan lacks to be able to carry a GO."""
    parts = {"stages": plan.stages, "checks": plan.checks, "scoring": plan.scoring}
    problems = [f"the plan has no {name}" for name, part in parts.items() if not part]
    if len(set(plan.scoring)) < len(plan.scoring):
        problems.append("a scoring unit is counted twice")
    problems += [
        f"scoring unit {unit} is no criterion" for unit in plan.scoring if unit not in plan.criteria
    ]
    for criterion in plan.criteria.values():
        problems += [
            f"criterion {criterion.id} is made of {part}, which is no criterion"
            for part in criterion.of
            if part not in plan.criteria
        ]
        if criterion.kind != "nice" and not criterion.of and not plan.members(criterion):
            problems.append(f"criterion {criterion.id} has no check that counts")
    return problems


def _until_closed(events: Sequence[Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """Cut the chain behind its first `closed` event; what comes later is no part of the run."""
    found: list[Mapping[str, Any]] = []
    for event in map(_mapping, events):
        found.append(event)
        if event.get("event") == "closed":
            return found, True
    return found, False


# --- statuses -----------------------------------------------------------------------------------


def _worst(statuses: Iterable[str]) -> str:
    return min(statuses, key=STATUSES.index, default="not_run")


def _status(check: _Check, result: Mapping[str, Any]) -> str:
    """Return the result's status, where a pass without a look at anything proves nothing."""
    status, examined = result.get("status"), result.get("examined")
    if status not in STATUSES:
        return "inconclusive"
    if status == "pass":
        if not isinstance(examined, int) or isinstance(examined, bool):
            return "inconclusive"
        if examined < 0 or (examined == 0 and not check.empty_ok):
            return "inconclusive"
    return str(status)


def _check_statuses(
    plan: _Plan, checks: Sequence[Any]
) -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
    """Return id → status for every declared check, and id → the result that decided it."""
    statuses: dict[str, str] = {}
    results: dict[str, Mapping[str, Any]] = {}
    for result in map(_mapping, checks):
        check = plan.checks.get(_text(result.get("check_id")))
        if check is None:
            continue
        status = _status(check, result)
        if check.id not in statuses or STATUSES.index(status) < STATUSES.index(statuses[check.id]):
            statuses[check.id], results[check.id] = status, result
    return {key: statuses.get(key, "not_run") for key in plan.checks}, results


def _criterion_statuses(
    plan: _Plan, statuses: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return id → status for every criterion, and a sentence if some are made of each other."""
    known: dict[str, str] = {}
    pending = dict(plan.criteria)
    while pending:
        ready = [
            criterion
            for criterion in pending.values()
            if not any(part in pending for part in criterion.of)
        ]
        if not ready:
            break
        for criterion in ready:
            parts = [known.get(part, "not_run") for part in criterion.of]
            own = [statuses[check.id] for check in plan.members(criterion)]
            known[criterion.id] = _worst([*parts, *own])
            del pending[criterion.id]
    loops = [f"criteria {', '.join(pending)} are made of each other"] if pending else []
    return {key: known.get(key, "inconclusive") for key in plan.criteria}, loops


# --- waivers ------------------------------------------------------------------------------------


def _condition(code: str, subject: str, text: str) -> dict[str, str]:
    return {"code": code, "subject": subject, "text": text}


def _waive(
    plan: _Plan, statuses: Mapping[str, str], waivers: Any, today: str
) -> tuple[set[str], list[dict[str, str]]]:
    """Return the ids of failed checks that are waived, and a condition for every waiver."""
    waived: set[str] = set()
    conditions: list[dict[str, str]] = []
    entries = _items(waivers)
    if waivers is not None and not isinstance(waivers, (list, tuple)):
        entries = [waivers]
    for entry in map(_mapping, entries):
        kind, subject = _subject(entry)
        obstacle = next(_obstacles(plan, entry, kind, subject, today), "")
        failed = [
            check
            for check in plan.checks.values()
            if statuses[check.id] == "fail"
            and subject == (check.id if kind == "check" else check.criterion)
        ]
        if obstacle:
            text = f"waiver not applied: {obstacle}"
            conditions.append(_condition("waiver_not_applied", subject or "waiver", text))
            continue
        if not failed:
            text = "waiver not needed: no check it names has failed"
            conditions.append(_condition("waiver_not_needed", subject, text))
        for check in failed:
            refusal = _refusal(plan, check)
            if refusal:
                text = f"waiver not applied: {refusal}"
                conditions.append(_condition("waiver_not_applied", check.id, text))
            else:
                waived.add(check.id)
                text = (
                    f"{check.title}: failed, accepted by {entry['owner']} until "
                    f"{entry['expires']}: {entry['reason']}"
                )
                conditions.append(_condition("waiver_applied", check.id, text))
    return waived, conditions


def _subject(waiver: Mapping[str, Any]) -> tuple[str, str]:
    """Return what kind of thing a waiver names, and its id; both empty unless it names one."""
    kinds = [kind for kind in ("check", "criterion") if kind in waiver]
    return (kinds[0], _text(waiver[kinds[0]])) if len(kinds) == 1 else ("", "")


def _obstacles(
    plan: _Plan, waiver: Mapping[str, Any], kind: str, subject: str, today: str
) -> Iterator[str]:
    """Say why a waiver cannot be applied to anything, the first obstacle first."""
    if not subject:
        yield "it must name a check or a criterion"
    elif subject not in (plan.checks if kind == "check" else plan.criteria):
        yield f"the plan has no {kind} of this id"
    for key in ("owner", "reason", "expires"):
        if not isinstance(waiver.get(key), str) or not waiver[key].strip():
            yield f"it has no {key}"
    expires = _text(waiver.get("expires"))
    if not _is_day(expires):
        yield "expires is not a date like 2026-01-31"
    if not _is_day(today):
        yield "the evidence does not say which day it is"
    if expires < today:
        yield f"it expired on {expires}"


def _refusal(plan: _Plan, check: _Check) -> str:
    """Say why a failed check must not be waived, if so."""
    if check.effect not in ("important", "hold"):
        return f"the effect of a failure is {check.effect}"
    if check.criterion in plan.scored():
        return f"criterion {check.criterion} counts for the score"
    return ""


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _informational(plan: _Plan, statuses: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        _condition(
            "informational",
            check.id,
            f"{check.title}: {_WORDS[statuses[check.id]]}; does not count",
        )
        for check in plan.checks.values()
        if check.effect == "none" and statuses[check.id] != "pass"
    ]


# --- reasons ------------------------------------------------------------------------------------


def _reason(
    code: str,
    severity: str,
    subject: str,
    text: str,
    *,
    expected: Any = None,
    observed: Any = None,
    hint: Any = None,
) -> dict[str, Any]:
    return {
        "code": code,
        "severity": severity,
        "subject": subject,
        "text": text,
        "expected": _text(expected) or None,
        "observed": _text(observed) or None,
        "hint": _text(hint) or None,
    }


def _hold(code: str, subject: str, text: str, **more: Any) -> dict[str, Any]:
    return _reason(code, "hold", subject, text, **more)


def _run_reasons(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not run:
        return [_hold("run_missing", "run", "nothing says which run, database and runbook this is")]
    return [
        _hold("run_incomplete", "run", f"run.json does not say the {key}")
        for key in _RUN_KEYS
        if not run.get(key)
    ]


def _stage_reasons(
    plan: _Plan, events: Sequence[Mapping[str, Any]], closed: bool
) -> list[dict[str, Any]]:
    reasons = []
    passed: dict[str, int] = {}
    failed: set[str] = set()
    for position, event in enumerate(events):
        stage, data = _text(event.get("stage")), _mapping(event.get("data"))
        if event.get("event") == "stage_passed":
            passed.setdefault(stage, position)
        elif event.get("event") == "stage_failed":
            failed.add(stage)
            text = f"stage failed: {_text(data.get('message')) or 'no message'}"
            more = {"observed": data.get("detail"), "hint": data.get("hint")}
            reasons.append(_hold("stage_failed", stage, text, **more))
    reasons += [
        _hold("stage_not_run", stage, "stage did not run")
        for stage in plan.stages
        if stage not in passed and stage not in failed
    ]
    order = [stage for stage in sorted(passed, key=passed.__getitem__) if stage in plan.stages]
    if order != [stage for stage in plan.stages if stage in passed]:
        text = f"stages did not run in the order {', '.join(plan.stages)}"
        reasons.append(_hold("stage_order", "stages", text, observed=", ".join(order)))
    if not closed:
        reasons.append(_hold("not_closed", "run", "the run was not closed"))
    return reasons


def _backup_reasons(events: Sequence[Mapping[str, Any]], backup: Any) -> list[dict[str, Any]]:
    """A backup that passed must have left its record; one that did not is a reason by itself."""
    record = _mapping(backup)
    missing = [key for key in _BACKUP_KEYS if not record.get(key)]
    passed = {event.get("stage") for event in events if event.get("event") == "stage_passed"}
    if "backup" not in passed or not missing:
        return []
    text = "there is no record of the backup"
    if record:
        text = f"the record of the backup does not say its {' and '.join(missing)}"
    return [_hold("backup", "backup", text)]


def _check_reasons(
    plan: _Plan,
    statuses: Mapping[str, str],
    results: Mapping[str, Mapping[str, Any]],
    waived: set[str],
) -> list[dict[str, Any]]:
    important = {
        check.criterion
        for check in plan.checks.values()
        if check.effect == "important" and statuses[check.id] == "fail" and check.id not in waived
    }
    failure = {
        "no_go": "no_go",
        "hold": "hold",
        "important": "no_go" if len(important) >= IMPORTANT_NO_GO else "hold",
    }
    reasons = []
    for check in plan.checks.values():
        status = statuses[check.id]
        if status == "pass" or check.effect == "none" or check.id in waived:
            continue
        result = results.get(check.id, {})
        code = f"check_{status}"
        if status == "fail" and check.effect == "important":
            code = "important_fail"
        observed = result.get("observed")
        if status == "inconclusive" and result.get("status") == "pass":
            observed = f"passed, but examined {_text(result.get('examined')) or 'nothing'}"
        elif not result:
            observed = "no result in the evidence"
        reasons.append(
            _reason(
                code,
                failure[check.effect] if status == "fail" else "hold",
                check.id,
                f"{check.title}: {_WORDS[status]}",
                expected=result.get("expected"),
                observed=observed,
                hint=check.remedy,
            )
        )
    return reasons


def _decision(reasons: Sequence[Mapping[str, Any]]) -> str:
    if not reasons:
        return "GO"
    return "NO-GO" if any(reason["severity"] == "no_go" for reason in reasons) else "HOLD"


# --- what would change it -----------------------------------------------------------------------

_GOALS = {
    "check_fail": "{} passes",
    "important_fail": "{} passes",
    "check_inconclusive": "{} sees data and passes",
    "stage_failed": "stage {} passes",
    "stage_not_run": "stage {} runs and passes",
    "stage_order": "the stages run in order",
    "backup": "the backup is made and recorded",
    "not_closed": "a run reaches its end",
}


def _would_change(reasons: Sequence[Mapping[str, Any]], plan: _Plan) -> list[str]:
    """Return one sentence per step to a GO; checks that did not run share one."""
    no_go = [reason for reason in reasons if reason["severity"] == "no_go"]
    proven = [reason["subject"] for reason in no_go if reason["code"] == "check_fail"]
    important = [reason["subject"] for reason in no_go if reason["code"] == "important_fail"]
    sentences = []
    if important:
        failed = {plan.checks[subject].criterion: None for subject in important}
        enough = len(failed) - IMPORTANT_NO_GO + 1
        proven.append(f"{enough} of the criteria {', '.join(failed)}")
    if no_go and (important or len(no_go) < len(reasons)):
        verb = "passes" if len(proven) == 1 and not important else "pass"
        sentences.append(f"HOLD if {' and '.join(proven)} {verb}")

    not_run = [reason["subject"] for reason in reasons if reason["code"] == "check_not_run"]
    steps = [
        (_GOALS[reason["code"]].format(reason["subject"]), reason["hint"])
        for reason in reasons
        if reason["code"] in _GOALS
    ]
    if not_run:
        verb = "runs and passes" if len(not_run) == 1 else "run and pass"
        steps.append((f"{', '.join(not_run)} {verb}", None))
    if {reason["code"] for reason in reasons} - {*_GOALS, "check_not_run"}:
        steps.append(("a new run leaves whole evidence behind", None))
    opening = "GO if" if len(steps) == 1 else "GO needs that"
    sentences += [f"{opening} {goal}" + (f": {hint}" if hint else "") for goal, hint in steps]
    return sentences
