"""The verdict of a directory of evidence, and whether its verdict.json is that verdict."""

from __future__ import annotations

from pathlib import Path

from ...contract import canonical
from ...contract.errors import GonogoError
from ...contract.records.reading import plain
from ...contract.records.verdict import VerdictRecord
from ...verdict import decide
from .. import evidence

__all__ = ["confirmed", "decided", "unproven"]


def decided(path: Path) -> VerdictRecord:
    """What the evidence gives, whatever verdict.json says."""
    found = evidence.load(path)
    return decide(
        run=found.run,
        plan=found.plan,
        checks=found.checks,
        events=found.events,
        backup=found.backup,
        twin=found.twin,
        rehearsal=found.rehearsal,
        shape=found.shape,
        deploy=found.deploy,
        problems=found.problems,
    )


def confirmed(path: Path) -> VerdictRecord:
    """The verdict of a run, which its evidence gives again byte for byte.

    Raises GonogoError where the evidence was altered, or verdict.json was.
    """
    verdict = decided(path)
    found = [reason.text for reason in verdict.reasons if reason.code == "evidence"]
    if found:
        raise GonogoError(
            "the evidence is not as the run has left it",
            detail="\n".join(found[:10]),
            hint=f"It gives {verdict.decision}. Find out who changed it.",
        )
    file = path / "verdict.json"
    written = file.read_bytes() if file.is_file() else None
    if written is None:
        raise GonogoError(
            f"{path} holds no verdict",
            detail=f"The evidence gives {verdict.decision}.",
            hint="The run was interrupted before it was judged: start a new one.",
        )
    if written != canonical.dumps(plain(verdict)).encode():
        raise GonogoError(
            "verdict.json does not follow from the evidence",
            detail=f"The evidence, which is intact, gives {verdict.decision}.",
            hint="Trust the evidence, not the file; find out who changed it.",
        )
    return verdict


def unproven(path: Path, head: str) -> list[str]:
    """What this head of the evidence says nothing about: files written after it.

    Raises GonogoError where it is neither the head of the verdict nor a later one.
    """
    found = evidence.load(path)
    later = found.unproven_by(head)
    if later is None:
        raise GonogoError(
            "other evidence than was meant: this head is not in its chain",
            detail=f"The last event has {found.head or 'no hash'}.",
            hint="Either the directory was written anew, or what was added to it last is gone.",
        )
    return later
