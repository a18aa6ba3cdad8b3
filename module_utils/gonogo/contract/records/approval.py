"""STAGE_plan.json: what a person is asked to approve, and what came of it.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .restore import RestoreIntent

__all__ = ["ApprovalPlan", "EarlierPlan", "NothingCame", "Signature", "Signed"]


@dataclass(frozen=True)
class Signature:
    """One person's: `key` as in authorized_keys, `signature` as ssh-keygen has written it."""

    principal: str
    key: str
    fingerprint: str
    signature: str


@dataclass(frozen=True)
class Signed:
    """What makes an approval that of the signers, for whoever verifies it again.

    `text` is what was signed. `signers_sha256` is that of the file of those who may sign, and
    `needed` how many of them had to. `account` has started the playbook; `operator` is its
    principal, None where the inventory does not say it.
    """

    text: str
    namespace: str
    signers_sha256: str
    needed: int
    account: str
    operator: str | None
    signatures: Sequence[Signature]


@dataclass(frozen=True)
class EarlierPlan:
    """A plan that was replaced by a newer one, and what it was for."""

    token: str
    holds: Mapping[str, tuple[int | None, str | None]]


@dataclass(frozen=True)
class NothingCame:
    """An approval whose change was interrupted, and the run that has found it out."""

    approved_by: str
    approved_at: str
    by: str
    at: str
    signed: Signed | None = None


@dataclass(frozen=True)
class ApprovalPlan:
    """`content` is the digest of `holds`: name → rows (None where it is none of rows) and a digest.

    `earlier` are the last plans that it has replaced. Who approved it, and when, is there once
    somebody has, and `signed` where it was done by signatures; with a restore's, `intent`.
    """

    content: str
    holds: Mapping[str, tuple[int | None, str | None]]
    planned_at: str
    expires_at: str
    token: str
    earlier: Sequence[EarlierPlan] = ()
    nothing_came_of: Sequence[NothingCame] | None = None
    approved_by: str | None = None
    approved_at: str | None = None
    signed: Signed | None = None
    intent: RestoreIntent | None = None
