"""Whether one of the keys that somebody trusts has attested a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...contract.errors import GonogoError
from ...contract.records.verdict import VerdictRecord
from ..evidence import read_derived
from .envelope import ForgedError, opened, strict_json
from .keys import PublicKey
from .statements import EVIDENCE, FILE, GO, STATEMENT, SVR, VERIFIER

__all__ = ["require_attested"]

_HINT = (
    "Run it again where gonogo_attestation_key names the private key of the gate, and show that "
    "evidence."
)
_TOLD = 5


def require_attested(
    directory: Path, verdict: VerdictRecord, trusted: Mapping[str, PublicKey]
) -> str:
    """The id of the trusted key that has signed what this verdict is, by the head of its evidence.

    Raises GonogoError where there is none.

    Lines of the bundle that prove nothing are passed over: anybody can add some.
    """
    raw = read_derived(directory, FILE)
    if raw is None:
        raise GonogoError(
            "nobody has attested it",
            detail=f"There is no {FILE} beside it.",
            hint=_HINT,
        )
    why: list[str] = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            payload, key = opened(line, trusted)
            wrong = _misses(strict_json(payload), verdict)
            if wrong is None:
                return key
        except ForgedError as error:
            wrong = str(error)
        why.append(f"{FILE} line {number}: {wrong}.")
    raise GonogoError(
        "none of the trusted keys has attested it",
        detail="\n".join(why[:_TOLD]) or f"{FILE} is empty.",
        hint=_HINT,
    )


def _misses(statement: object, verdict: VerdictRecord) -> str | None:
    """What a statement lacks that was signed by a trusted key, None where it is the verdict's."""
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        return "it is no statement of in-toto"
    if statement.get("predicateType") != SVR:
        return "it is another statement than the one about the decision"
    predicate = statement.get("predicate")
    verifier = predicate.get("verifier") if isinstance(predicate, dict) else None
    if not isinstance(verifier, dict) or verifier.get("id") != VERIFIER:
        return "it is of another verifier"
    # By its name: the digest of a file could be anything that its author wants.
    subjects = statement.get("subject")
    about = {"name": EVIDENCE, "digest": {"sha256": verdict.evidence_head}}
    if not isinstance(subjects, list) or about not in subjects:
        return "it is about other evidence"
    properties = predicate.get("properties") if isinstance(predicate, dict) else None
    if not isinstance(properties, list) or (GO in properties) != (verdict.decision == "GO"):
        return f"it does not say that this is a {verdict.decision}"
    return None
