"""What is stated about a run: in-toto Statements v1, from its evidence and its verdict alone.

Two predicates. The Simple Verification Result has what holds, and nothing else: what is not in it
is not known, so a property that somebody takes away is a no. The Test Result has each check; a HOLD
is FAILED there, and a check that did not run or has proven nothing is in none of its lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...contract import canonical
from ...contract.records.captured import CapturedRecord
from ...contract.records.deployment import Deployment
from ...contract.records.plan import PlanRecord
from ...contract.records.readable import readable
from ...contract.records.reading import plain
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import RunRecord
from ...contract.records.verdict import VerdictRecord
from ..evidence import Evidence, peek
from .envelope import sealed
from .keys import PrivateKey

__all__ = [
    "EVIDENCE",
    "FILE",
    "GO",
    "STATEMENT",
    "SVR",
    "TEST_RESULT",
    "VERIFIER",
    "attestation",
    "statements",
]

FILE = "attestation.intoto.jsonl"
STATEMENT = "https://in-toto.io/Statement/v1"
SVR = "https://in-toto.io/attestation/svr/v0.2"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
# Which rules have been followed; another number where a property means something else.
VERIFIER = "urn:pg-gonogo:verdict:v1"
# Name of the subject whose digest is the head of the evidence.
EVIDENCE = "evidence"
GO = "GONOGO_GO"

JsonObject = dict[str, object]


def attestation(evidence: Evidence, verdict: VerdictRecord, key: PrivateKey) -> str:
    """Return attestation.intoto.jsonl: each statement in an envelope of its own, a line each."""
    return "".join(f"{sealed(one, key)}\n" for one in statements(evidence, verdict))


def statements(evidence: Evidence, verdict: VerdictRecord) -> list[JsonObject]:
    subjects = [*_subjects(evidence, verdict)]
    predicates = {SVR: _svr(evidence, verdict), TEST_RESULT: _test_result(evidence, verdict)}
    return [
        {"_type": STATEMENT, "subject": subjects, "predicateType": kind, "predicate": predicate}
        for kind, predicate in predicates.items()
    ]


def _subjects(evidence: Evidence, verdict: VerdictRecord) -> Iterator[JsonObject]:
    """What the statements are about. A digest says which it is, the name as what."""
    for file, digest in sorted(_migration(evidence).items()):
        yield _described(f"migration/{file}", digest)
    if verdict.runbook_sha256:
        yield _described("runbook", verdict.runbook_sha256)
    yield _described("verdict.json", canonical.sha256(canonical.dumps(plain(verdict))))
    if verdict.evidence_head:
        yield _described(EVIDENCE, verdict.evidence_head)


def _described(name: str, digest: str, **more: object) -> JsonObject:
    return {"name": name, "digest": {"sha256": digest}, **more}


def _migration(evidence: Evidence) -> Mapping[str, str]:
    """File of the migration that was judged → SHA-256, as the run has read it."""
    if evidence.run is None:
        return {}
    captured = peek(evidence.path, CapturedRecord) if evidence.problems == [] else None
    if captured:
        return {"captured.sql": captured.sha256}
    known = evidence.run.digests.runbook
    digests = {name: known.get(f"migrations/{name}", known.get(name)) for name in _files(evidence)}
    return {name: digest for name, digest in digests.items() if digest}


def _files(evidence: Evidence) -> set[str]:
    """The files of what is pending, or of what was rehearsed or deployed."""
    if evidence.history:
        pending = {*evidence.history.pending}
        return {one.file for one in evidence.history.files if one.name in pending}
    rehearsal = readable(Rehearsal, evidence.rehearsal, file=Rehearsal.FILE)
    real = readable(Deployment, evidence.deploy, file=Deployment.FILE)
    found: set[str] = set()
    for one in (real, rehearsal.deployment if rehearsal else None):
        if one:
            looks = [look for look in (one.before, one.after) if look]
            found |= {*one.files, *(statement.file for statement in one.statements)}
            found |= {item.file for look in looks for item in look.objects}
    return found


def _svr(evidence: Evidence, verdict: VerdictRecord) -> JsonObject:
    return {
        "verifier": {"id": VERIFIER, "policies": _policies(evidence)},
        "timeCreated": verdict.finished_at,
        "properties": [*_properties(evidence, verdict)],
    }


def _properties(evidence: Evidence, verdict: VerdictRecord) -> Iterator[str]:
    """What holds. Of evidence that cannot be believed nothing does."""
    if evidence.problems:
        return
    against = {reason.subject for reason in verdict.reasons}
    if verdict.decision == "GO":
        yield GO
    observed = verdict.target.observed if verdict.target else None
    if observed and observed.environment == verdict.environment:
        yield f"GONOGO_ENVIRONMENT_{verdict.environment}"
    if evidence.twin and evidence.twin.proven and "backup" not in against:
        yield "GONOGO_RESTORE_PROVEN"
    tried = readable(Rehearsal, evidence.rehearsal, file=Rehearsal.FILE)
    if tried and tried.done and not tried.problem and "rehearsal" not in against:
        # Of another database only by who reads that it is: it is another property.
        if tried.by:
            yield "GONOGO_REHEARSED_SAME_SHAPE"
            return
        yield "GONOGO_REHEARSED"
        if tried.undone and not (tried.back and tried.back.problem):
            yield "GONOGO_UNDO_REHEARSED"


def _policies(evidence: Evidence) -> list[JsonObject]:
    """The plan has the checks, how each counts, and what is waived."""
    return _sealed(evidence, PlanRecord.FILE)


def _test_result(evidence: Evidence, verdict: VerdictRecord) -> JsonObject:
    def of(status: str) -> list[str]:
        return [name for name, one in verdict.checks.items() if one == status]

    about = {
        "run_id": verdict.run_id,
        "environment": verdict.environment,
        "runbook": verdict.runbook,
        "profile": verdict.profile,
        "decision": verdict.decision,
        "score": plain(verdict.score),
        **_database(verdict),
    }
    return {
        "result": "PASSED" if verdict.decision == "GO" else "FAILED",
        "configuration": [
            *_sealed(evidence, RunRecord.FILE, annotations=about),
            *_policies(evidence),
        ],
        "passedTests": of("pass"),
        "warnedTests": [],
        "failedTests": of("fail"),
    }


def _database(verdict: VerdictRecord) -> JsonObject:
    observed = verdict.target.observed if verdict.target else None
    if observed is None:
        return {}
    names = ("database", "database_oid", "system_identifier", "server_version")
    return {name: getattr(observed, name) for name in names}


def _sealed(evidence: Evidence, name: str, **more: object) -> list[JsonObject]:
    """A file of evidence by the digest that the chain has of it last."""
    wrote = [event.data for event in evidence.events if event.event == "wrote"]
    digests = [str(data["sha256"]) for data in wrote if data.get("file") == name]
    return [_described(name, digests[-1], **more)] if digests else []
