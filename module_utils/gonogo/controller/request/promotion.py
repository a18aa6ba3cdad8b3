"""From one environment to the next: nothing reaches a protected target without a GO elsewhere.

What is asked for is the evidence of a run. It is believed as far as it proves itself: its chain
of events is whole, the verdict follows from it again, and it is about the same files, another
database, and not long ago. It is named by its directory, or looked for in a store; that is believed
nothing. Where the inventory trusts keys, one of them has attested it, too: a whole new chain proves
itself as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean

from ...contract.canonical import sha256
from ...contract.errors import GonogoError, InputError, shown
from ...contract.records.run import Promotion, RunRecord, Target, Validated
from ...contract.records.verdict import VerdictRecord
from .. import evidence, store
from ..attestation import PublicKey, public_keys, require_attested
from ..evidence import judgement
from ..invocation.native import Variables
from ..invocation.paths import path_of
from ..runbook.book import Runbook
from ..store.places import KEY as STORE_KEY
from ..store.subject import check_customer, file_of
from .protection import Protection

__all__ = ["Admitted", "Wanted", "admitted", "require_rehearsal", "wanted"]

_MAX_AGE_HOURS = 168

_KEY = "gonogo_promotion_evidence"
# Clocks differ; a run that ends later than this has not ended.
_AHEAD = timedelta(minutes=5)
# Hours, more than a century: beyond that there are no dates.
_LONGEST = 10**6
_LONG_LINE = 200


@dataclass(frozen=True)
class Wanted:
    """Evidence that is asked for: of an environment, shown as a directory or kept in a store, of
    the same customer, not older; and attested by one of the `keys`, where there are any."""

    source: str | None
    evidence: str | None
    max_age_hours: int
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    kept: store.Place | None = None
    customer: str | None = None


@dataclass(frozen=True)
class Admitted:
    """The run that lets another in, and the schema as it has seen it with the migration: None where
    that was not rehearsed."""

    promotion: Promotion
    schema: Mapping[str, str] | None


@dataclass(frozen=True)
class _Shown:
    """Evidence: the directory where it is read, what a person calls it, and where they find it."""

    path: Path
    name: str
    where: str


def wanted(
    protection: Protection,
    *,
    evidence: str | None,
    evidence_store: str | None = None,
    ssh_args: str | None = None,
) -> Wanted:
    """What the inventory asks for.

    Raises InputError for an age that is no number, for what is no store and no customer, and for
    keys that are none.
    """
    hours = protection.promotion_max_age_hours
    try:
        age = _MAX_AGE_HOURS if hours is None else int(str(hours))
    except ValueError:
        raise InputError(
            "must be a whole number", key="gonogo_promotion_max_age_hours", value=str(hours)
        ) from None
    return Wanted(
        protection.promotion_from,
        evidence,
        age,
        public_keys(protection.promotion_keys),
        kept=store.place_of(evidence_store, ssh_args) if evidence_store else None,
        customer=check_customer(protection.customer),
    )


def require_rehearsal(values: Variables, *, protection: Protection) -> None:
    """Refuse a protected target that would be deployed to without a rehearsal.

    `values` are a host's variables, where the defaults of the roles are not among them.
    """
    if not protection.protected or not boolean(values.get("deploy_enabled") or False):
        return
    for name in ("twin_enabled", "rehearsal_enabled"):
        value = values.get(name)
        if value is not None and not boolean(value):
            raise InputError(
                "on a protected target nothing is deployed that was not rehearsed on a twin",
                key=name,
                value=str(value),
                detail=f"The target is protected: {protection.reason}.",
                hint=f"Leave {name} out, or set it to true.",
            )


def admitted(
    wanted: Wanted,
    *,
    protection: Protection,
    environment: str,
    runbook: Runbook,
    now: datetime,
) -> Admitted | None:
    """The run that admits this one, None where none is asked for.

    Raises InputError, before anything is connected to.
    """
    source = wanted.source
    if not source:
        if protection.protected:
            raise InputError(
                "a protected target asks for the evidence of another environment",
                key="gonogo_promotion_from",
                detail=f"The target is protected: {protection.reason}.",
                hint="Set gonogo_promotion_from in the inventory to the environment that comes "
                "before (staging), or gonogo_protected: false for a target that anybody may "
                "write to.",
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
    if wanted.evidence or not wanted.kept:
        path = _directory(wanted.evidence, source)
        # A directory of evidence that is there: its path is no secret.
        one = _Shown(path, str(path), f"{_KEY} is {path}")
        return _admitted_by_directory(one, wanted, runbook=runbook, now=now)
    return _admitted_by_store(wanted.kept, wanted, runbook=runbook, now=now)


def _admitted_by_directory(
    one: _Shown, wanted: Wanted, *, runbook: Runbook, now: datetime
) -> Admitted:
    verdict = _confirmed(one)
    _check_go(verdict, one)
    key = _attested(verdict, one, wanted.keys)
    _check_subject(verdict, one, wanted, runbook=runbook)
    _check_age(verdict, one, hours=wanted.max_age_hours, now=now)
    return _let_in(verdict, one, wanted, key=key)


def _admitted_by_store(
    place: store.Place, wanted: Wanted, *, runbook: Runbook, now: datetime
) -> Admitted:
    """By the newest run that the store has of these files. A later run that came to another end
    counts as well as a GO; what is no evidence, or of something else, does not. Nor does, where
    keys are trusted, what none of them has attested: everybody who can write to the store could
    keep production from a GO otherwise."""
    subject = store.Subject(str(wanted.source), wanted.customer, runbook.sha256)
    passed_over: list[str] = []
    try:
        for found in store.found(place, subject):
            if found.directory is None:
                passed_over.append(_about(found, found.problem))
                continue
            one = _of_store(place, subject, found.directory, passed_over)
            try:
                verdict = _confirmed(one)
                _check_subject(verdict, one, wanted, runbook=runbook)
                key = _attested_of_store(verdict, one, wanted.keys)
            except GonogoError as error:
                passed_over.append(_about(found, error))
                continue
            _check_go(verdict, one)
            _check_age(verdict, one, hours=wanted.max_age_hours, now=now)
            return _let_in(verdict, one, wanted, key=key, passed_over=passed_over)
    except store.StoreError as error:
        raise InputError(
            f"no evidence can be looked for: {error.primary}",
            key=STORE_KEY,
            detail=error.detail,
            hint=f"{error.hint}\nOr name a directory of evidence: {_KEY}.",
        ) from error
    raise InputError(
        f"the store has no evidence of a run on {wanted.source} that is about these files",
        key=STORE_KEY,
        detail="\n".join([f"Looked for in {subject.folder}.", *passed_over]),
        hint=f"Run the playbook on {wanted.source}, with the same gonogo_evidence_store and "
        "gonogo_customer.",
    )


def _of_store(
    place: store.Place, subject: store.Subject, path: Path, passed_over: Sequence[str]
) -> _Shown:
    """What a store has is called as it is there: the directory that it is read in is soon gone."""
    name = file_of(path.name)
    where = f"{STORE_KEY} is {place.shown}; it has {subject.folder}/{name}"
    return _Shown(path, name, "\n".join([where, *(f"Passed over: {one}" for one in passed_over)]))


def _about(one: store.Found, error: GonogoError | None) -> str:
    return shown(f"{one.run_id}: {error.primary if error else ''}", limit=_LONG_LINE)


def _confirmed(one: _Shown) -> VerdictRecord:
    try:
        return judgement.confirmed(one.path)
    except GonogoError as error:
        raise _refused(error.primary, one, error.detail, error.hint) from error


def _check_go(verdict: VerdictRecord, one: _Shown) -> None:
    if verdict.decision != "GO":
        raise _refused(f"the run it is about is a {verdict.decision}", one)


def _let_in(
    verdict: VerdictRecord,
    one: _Shown,
    wanted: Wanted,
    *,
    key: str | None,
    passed_over: Sequence[str] = (),
) -> Admitted:
    # A run that does not say which it is, or has no events, is no GO.
    assert verdict.run_id
    assert verdict.finished_at
    assert verdict.evidence_head
    record = Promotion(
        run_id=verdict.run_id,
        environment=str(wanted.source),
        target=_validated(verdict.target),
        finished_at=verdict.finished_at,
        verdict_sha256=sha256((one.path / "verdict.json").read_bytes()),
        evidence_head=verdict.evidence_head,
        attested_by=key,
        passed_over=passed_over,
    )
    return Admitted(record, _schema(one.path))


def _attested(verdict: VerdictRecord, one: _Shown, trusted: Mapping[str, PublicKey]) -> str | None:
    """The id of the key that has attested it, None where none is asked for."""
    if not trusted:
        return None
    try:
        return require_attested(one.path, verdict, trusted)
    except GonogoError as error:
        raise _refused(error.primary, one, error.detail, error.hint) from error


def _attested_of_store(
    verdict: VerdictRecord, one: _Shown, trusted: Mapping[str, PublicKey]
) -> str | None:
    """The same; whoever reads that a run was passed over is told what it says of itself."""
    if not trusted:
        return None
    try:
        return require_attested(one.path, verdict, trusted)
    except GonogoError as error:
        raise GonogoError(
            f"by its own word a {verdict.decision}, but {error.primary}", detail=error.detail
        ) from error


def _validated(target: Target | None) -> Validated:
    observed = target.observed if target else None
    if observed is None:
        return Validated(system_identifier=None, database=None, database_oid=None)
    return Validated(
        system_identifier=observed.system_identifier,
        database=observed.database,
        database_oid=observed.database_oid,
    )


def _schema(path: Path) -> dict[str, str] | None:
    if not (path / "schema.json").is_file():
        return None
    return dict(evidence.Run.open(path).read_json("schema.json"))


def _directory(given: str | None, source: str) -> Path:
    if not given:
        raise InputError(
            f"this environment asks for the evidence of a GO on {source}",
            key=_KEY,
            hint=f"Run the playbook on {source}, then: -e {_KEY}=runs/{source}/RUN_ID; or let both "
            f"have the same {STORE_KEY}, see docs/automation.md.",
        )
    path = path_of(given, key=_KEY)
    if not (path / "events.jsonl").is_file():
        raise InputError(
            "not a directory of evidence",
            key=_KEY,
            value=given,
            hint=f"Name the directory of a run that was a GO: -e {_KEY}=runs/{source}/RUN_ID",
        )
    return path


def _check_subject(
    verdict: VerdictRecord, one: _Shown, wanted: Wanted, *, runbook: Runbook
) -> None:
    """Refuse evidence of something else."""
    record = evidence.Run.open(one.path).read(RunRecord)
    if verdict.environment != wanted.source:
        raise _refused(f"it is about {verdict.environment}, not {wanted.source}", one)
    about = (
        ("customer", record.customer or "nobody's", wanted.customer or "nobody's"),
        ("runbook", verdict.runbook, runbook.name),
        ("profile", verdict.profile, runbook.profile),
    )
    for what, there, here in about:
        if there != here:
            raise _refused(f"it is about {what} {there}, not {here}", one)
    if verdict.runbook_sha256 != runbook.sha256:
        digests = record.digests.runbook
        changed = sorted(
            name
            for name in {*digests, *runbook.digests}
            if digests.get(name) != runbook.digests.get(name)
        )
        raise _refused(
            "the runbook has changed since", one, f"Not the same: {', '.join(changed[:10])}."
        )


def _check_age(verdict: VerdictRecord, one: _Shown, *, hours: int, now: datetime) -> None:
    try:
        finished = datetime.fromisoformat(str(verdict.finished_at)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused("it does not say when it ended", one) from None
    if finished > now + _AHEAD:
        raise _refused(
            "it ends in the future",
            one,
            f"It says {verdict.finished_at}; here it is {now:%Y-%m-%dT%H:%M:%SZ}.",
            "Set the clocks of both controllers.",
        )
    if now - finished > timedelta(hours=max(-_LONGEST, min(hours, _LONGEST))):
        raise _refused(
            f"it is older than {hours} hours",
            one,
            f"It is of {verdict.finished_at}.",
            "Validate again; gonogo_promotion_max_age_hours says how old it may be.",
        )


def _refused(
    what: str, one: _Shown, detail: str | None = None, hint: str | None = None
) -> InputError:
    def named(text: str) -> str:
        return text.replace(str(one.path), one.name)

    return InputError(
        named(f"the evidence shown does not admit this run: {what}"),
        detail=named("\n".join(part for part in (one.where, detail) if part)),
        hint=named(hint or "Validate there again, with the files as they are now."),
    )
