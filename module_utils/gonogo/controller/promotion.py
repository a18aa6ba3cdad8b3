"""From one environment to the next: no production without a GO on staging for this very runbook.

What is asked for is the evidence of a run. It is believed as far as it proves itself: its chain
of events is whole, the verdict follows from it again, and it is about the same files, another
database, and not long ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..canonical import sha256
from ..errors import GonogoError, InputError
from ..verdict import PRODUCTION
from . import evidence, judgement
from .paths import path_of
from .runbook import Runbook

__all__ = ["SPEC", "admitted", "asked", "require_rehearsal"]

# How the variables gonogo_promotion_* come to a stage.
SPEC: dict[str, Any] = {
    "from": {"type": "str"},
    "evidence": {"type": "path"},
    "max_age_hours": {"type": "int", "default": 168},
}

_KEY = "gonogo_promotion_evidence"
# Clocks differ; a run that ends later than this has not ended.
_AHEAD = timedelta(minutes=5)
# Hours, more than a century: beyond that there are no dates.
_LONGEST = 10**6


def asked(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the variables of a host say, in the shape of SPEC."""
    given = {key: values.get(f"gonogo_promotion_{key}") for key in SPEC}
    return {
        key: SPEC[key].get("default") if value is None else value for key, value in given.items()
    }


def require_rehearsal(values: Mapping[str, Any], *, environment: str) -> None:
    """Refuse a production that would deploy what was not rehearsed.

    `values` are a host's variables, where the defaults of the roles are not among them.
    """
    if environment != PRODUCTION or not boolean(values.get("deploy_enabled") or False):
        return
    for name in ("twin_enabled", "rehearsal_enabled"):
        value = values.get(name)
        if value is not None and not boolean(value):
            raise InputError(
                "production deploys nothing that was not rehearsed on a twin",
                key=name,
                value=str(value),
                hint=f"Leave {name} out, or set it to true.",
            )


def admitted(
    wanted: Mapping[str, Any], *, environment: str, runbook: Runbook, now: datetime
) -> dict[str, Any] | None:
    """What run.json keeps of the run that lets this one in, None where none is asked for.

    `wanted` has the keys of SPEC. Returns `run_id`, `environment`, `target` (system identifier,
    database and its oid), `finished_at`, `verdict_sha256`, `evidence_head` and `schema` (as
    that run has seen it with the migration, None where it was not rehearsed). Raises InputError,
    before anything is connected to.
    """
    source = wanted["from"]
    if not source:
        if environment == PRODUCTION:
            raise InputError(
                "production asks for the evidence of another environment",
                key="gonogo_promotion_from",
                hint="Set gonogo_promotion_from to the environment that comes before: staging.",
            )
        return None
    if not evidence.ENVIRONMENT.fullmatch(str(source)):
        raise InputError(
            "not a name for an environment",
            key="gonogo_promotion_from",
            value=source,
            hint="Use lower-case letters, digits, - and _.",
        )
    if source == environment:
        raise InputError(
            "an environment cannot be its own rehearsal", key="gonogo_promotion_from", value=source
        )
    path = _directory(wanted["evidence"], source)
    try:
        verdict = judgement.confirmed(path)
    except GonogoError as error:
        raise _refused(error.primary, path, error.detail, error.hint) from error
    _check(verdict, path, source=source, runbook=runbook)
    _check_age(verdict, path, hours=int(wanted["max_age_hours"]), now=now)
    observed = verdict["target"].get("observed") or {}
    keys = ("system_identifier", "database", "database_oid")
    return {
        "run_id": verdict["run_id"],
        "environment": source,
        "target": {key: observed.get(key) for key in keys},
        "finished_at": verdict["finished_at"],
        "verdict_sha256": sha256((path / "verdict.json").read_bytes()),
        "evidence_head": verdict["evidence_head"],
        "schema": _schema(path),
    }


def _schema(path: Path) -> dict[str, str] | None:
    if not (path / "schema.json").is_file():
        return None
    return dict(evidence.Run.open(path).read_json("schema.json"))


def _directory(given: str | None, source: str) -> Path:
    if not given:
        raise InputError(
            f"this environment asks for the evidence of a GO on {source}",
            key=_KEY,
            hint=f"Run the playbook on {source}, then: -e {_KEY}=runs/{source}/RUN_ID",
        )
    path = path_of(given, key=_KEY)
    if not (path / "events.jsonl").is_file():
        raise InputError("not a directory of evidence", key=_KEY, value=given)
    return path


def _check(verdict: Mapping[str, Any], path: Path, *, source: str, runbook: Runbook) -> None:
    if verdict["decision"] != "GO":
        raise _refused(f"the run it is about is a {verdict['decision']}", path)
    if verdict["environment"] != source:
        raise _refused(f"it is about {verdict['environment']}, not {source}", path)
    here = {"runbook": runbook.name, "profile": runbook.profile}
    for key, value in here.items():
        if verdict[key] != value:
            raise _refused(f"it is about {key} {verdict[key]}, not {value}", path)
    if verdict["runbook_sha256"] != runbook.sha256:
        there = evidence.Run.open(path).read_json("run.json")["digests"]["runbook"]
        changed = sorted(
            name
            for name in {*there, *runbook.digests}
            if there.get(name) != runbook.digests.get(name)
        )
        raise _refused(
            "the runbook has changed since", path, f"Not the same: {', '.join(changed[:10])}."
        )


def _check_age(verdict: Mapping[str, Any], path: Path, *, hours: int, now: datetime) -> None:
    finished = datetime.fromisoformat(str(verdict["finished_at"]).replace("Z", "+00:00"))
    if finished > now + _AHEAD:
        raise _refused(
            "it ends in the future",
            path,
            f"It says {verdict['finished_at']}; here it is {now:%Y-%m-%dT%H:%M:%SZ}.",
            "Set the clocks of both controllers.",
        )
    if now - finished > timedelta(hours=min(hours, _LONGEST)):
        raise _refused(
            f"it is older than {hours} hours",
            path,
            f"It is of {verdict['finished_at']}.",
            "Validate again; gonogo_promotion_max_age_hours says how old it may be.",
        )


def _refused(
    what: str, path: Path, detail: str | None = None, hint: str | None = None
) -> InputError:
    return InputError(
        f"the evidence shown does not let this run in: {what}",
        key=_KEY,
        value=str(path),
        detail=detail,
        hint=hint or "Validate there again, with the files as they are now.",
    )
