"""Approvals by signature: what the inventory asks of them, and whether they are it.

The text that is signed names the project, what is approved, where, and the plan. A signature has no
time that anybody could trust: it was made between the showing of the plan and now. So a key has to
be valid at both, and has one line with one range of time, which makes it valid in between.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from ansible.module_utils.parsing.convert_bool import boolean

from ...contract.errors import GonogoError, InputError, shown
from ...contract.home import account_name
from ...contract.options.shared import SIGNATURES, SIGNING, Approval
from ...contract.records.approval import ApprovalPlan, Signature, Signed
from ...contract.records.run import RunRecord
from .. import evidence
from ..invocation.native import Variables
from ..reading import ranges
from ..signing import files, keygen, signers, sshsig
from .protection import only_inventory, refuse_extra

__all__ = ["NONE", "OfRun", "Rules", "Subject", "line_of", "lines", "require", "rules", "told"]

_NAMES = tuple(variable.name for variable in SIGNING)
_SIGNERS, _REVOKED = "gonogo_approval_signers", "gonogo_approval_revoked"
_NEEDED, _HOURS = "gonogo_approval_needed", "gonogo_approval_max_age_hours"
_NAMESPACE, _UNSIGNED = "gonogo_approval_namespace", "gonogo_approval_unsigned"
_OPERATORS = "gonogo_approval_operators"
_MOST = 32
# Clocks differ; a plan that is of later than this is of no clock of ours.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Rules:
    """What the inventory asks for. Without `signers` a token and a name are an approval, and with
    them where they may be `unsigned`."""

    signers: signers.Signers | None = None
    needed: int = 1
    max_age_hours: int = 24
    namespace: str = "pg-gonogo"
    revoked: bytes | None = None
    unsigned: bool = False
    operators: Mapping[str, str | None] | None = None

    def hours(self, plan_hours: int) -> int:
        """How long a plan can be approved."""
        return min(plan_hours, self.max_age_hours) if self.signers else plan_hours

    @property
    def variable(self) -> str | None:
        """What is given in the place of a name, None where that is the name."""
        if self.signers is None:
            return None
        names = ["NAME.sig", *(f"NAME{number}.sig" for number in range(2, self.needed + 1))]
        return f"{SIGNATURES.name}={','.join(names)}"


NONE = Rules()


def rules(said: Variables, *, effective: Variables, extra: Variables) -> Rules:
    """What the inventory asks for, with the files that it names.

    `said` is what the inventory says of the host, `effective` what a task sees, `extra` what the
    command line says. Raises InputError for what is wrong, or comes from anywhere else.
    """
    refuse_extra(extra, _NAMES)
    values = only_inventory(_NAMES, said, effective)
    given = {name: value for name, value in values.items() if value is not None}
    if _SIGNERS not in given:
        if given:
            raise InputError(
                "is about signatures, and the inventory names nobody who may sign",
                key=next(iter(given)),
                hint=f"Set {_SIGNERS}, or leave it out.",
            )
        return NONE
    found = signers.read(files.trusted(_text(given, _SIGNERS), key=_SIGNERS), key=_SIGNERS)
    revoked = None
    if _REVOKED in given:
        revoked = _revoked(files.trusted(_text(given, _REVOKED), key=_REVOKED))
    asked = Rules(
        signers=found,
        needed=_number(given, _NEEDED, NONE.needed),
        max_age_hours=_number(given, _HOURS, NONE.max_age_hours),
        namespace=_namespace(given),
        revoked=revoked,
        unsigned=_flag(given),
        operators=_operators(given, found),
    )
    if asked.needed > len(found.principals):
        raise InputError(
            f"{asked.needed} persons have to sign, and {len(found.principals)} may",
            key=_NEEDED,
            hint=f"Ask for fewer, or add lines to the file of {_SIGNERS}.",
        )
    keygen.require()
    return asked


class Subject(Protocol):
    """A plan, as the text that is signed has it."""

    @property
    def text(self) -> str: ...
    @property
    def planned_at(self) -> str: ...


@dataclass(frozen=True)
class OfRun:
    """The plan that a run has shown of a stage."""

    run: evidence.Run
    stage: str
    plan: ApprovalPlan

    @property
    def planned_at(self) -> str:
        return self.plan.planned_at

    @property
    def text(self) -> str:
        record = self.run.read(RunRecord)
        return line_of(
            what=self.stage,
            environment=record.environment,
            host=record.target.inventory_host,
            database=record.target.declared.database,
            run_id=self.run.run_id,
            plan=self.plan.content,
            planned_at=self.plan.planned_at,
            token=self.plan.token,
        )


def line_of(**about: object) -> str:
    """What is signed: one line of ASCII, so that it can be pasted, and nothing in it is hidden."""
    said = {"approval": "pg-gonogo 1", **about}
    return json.dumps(said, sort_keys=True, separators=(",", ":")) + "\n"


def lines(subject: Subject, asked: Rules) -> list[str]:
    """The command that signs, ready to be pasted but for the names; nothing where nobody signs."""
    if asked.signers is None:
        return []
    many = "one person signs" if asked.needed == 1 else f"{asked.needed} persons sign, each"
    quoted = shlex.quote(subject.text.removesuffix("\n"))
    return [
        f"To approve it {many} this text:",
        f"  printf '%s\\n' {quoted} | ssh-keygen -Y sign -n {asked.namespace} -f KEY > NAME.sig",
        "At the prompt the names of these files stand behind COMMIT and the token.",
    ]


def told(signed: Signed | None) -> list[str]:
    """Who has signed, for the terminal."""
    if signed is None:
        return []
    return [f"Signed by {one.principal}, key {one.fingerprint}." for one in signed.signatures]


def require(given: Approval, subject: Subject, asked: Rules, *, now: datetime) -> Signed | None:
    """The signatures of an approval; None where it needs none. Raises GonogoError where they are
    not what is asked for. Every file is read once.
    """
    paths = given.signatures or ()
    if not paths:
        if asked.signers is None or asked.unsigned:
            return None
        raise GonogoError("the approval has no signature", detail=_who(asked))
    if asked.signers is None:
        raise GonogoError(
            "there are signatures, and the inventory names nobody who may sign",
            hint=f"Set {_SIGNERS} in the inventory, or leave {SIGNATURES.name} out.",
        )
    _check_age(subject, asked.max_age_hours, now)
    account, operator = _operator(asked)
    text = subject.text
    if len(paths) > _MOST:
        raise GonogoError(f"there are more than {_MOST} signatures")
    found: list[Signature] = []
    for number, path in enumerate(paths):
        key = f"{SIGNATURES.name}[{number}]"
        signature = _verified(files.given(path, key=key), path, subject, asked, now)
        _check_person(signature, path, operator, found)
        found.append(signature)
    if len(found) < asked.needed:
        raise GonogoError(
            f"{len(found)} of {asked.needed} signatures are there", detail=_who(asked)
        )
    return Signed(
        text=text,
        namespace=asked.namespace,
        signers_sha256=asked.signers.sha256,
        needed=asked.needed,
        account=account,
        operator=operator,
        signatures=tuple(found),
    )


def _verified(
    content: bytes, path: str, subject: Subject, asked: Rules, now: datetime
) -> Signature:
    assert asked.signers is not None  # nobody else is asked
    claim = sshsig.claim(content)
    if claim is None:
        raise GonogoError(
            "the file holds no signature of ssh-keygen", detail=f"{shown(path)} cannot be read."
        )
    mark = signers.fingerprint(claim.blob)
    by = f"{shown(path)} is by the key {mark}."
    if claim.namespace != asked.namespace:
        raise GonogoError(
            "a signature is of another namespace",
            detail=f"{by} It is for {shown(claim.namespace)}, not for {asked.namespace}.",
        )
    signer = asked.signers.of(claim.blob)
    if signer is None:
        raise GonogoError(
            "a signature is by a key that may not sign",
            detail=f"{by} No line of the file of {_SIGNERS} has it.",
        )
    question = keygen.Question(
        subject.text.encode("ascii"), content, asked.namespace, signer, asked.signers
    )
    by = f"{by} It is {signer.principal}'s, of line {signer.line}."
    for at, words in (
        (datetime.fromisoformat(subject.planned_at), "when the plan was shown"),
        (now, "now"),
    ):
        wrong = keygen.verified(question, at=at)
        if wrong:
            raise _refused(wrong, words, by)
    if asked.revoked is not None and keygen.verified(
        replace(question, revoked=asked.revoked), at=now
    ):
        raise GonogoError(
            "a signature is by a key that is revoked",
            detail=f"{by} The file of {_REVOKED} has it, or is damaged.",
        )
    armor = content.decode("ascii").replace("\r\n", "\n").strip() + "\n"
    return Signature(signer.principal, signer.key, mark, armor)


def _refused(wrong: str, words: str, by: str) -> GonogoError:
    """The error for what ssh-keygen has said."""
    if "incorrect signature" in wrong:
        return GonogoError(
            "a signature is not of this plan",
            detail=f"{by} What was signed is another text, or the signature is damaged.",
        )
    return GonogoError(f"a key may not sign {words}", detail=f"{by}\n{wrong}")


def _check_person(
    one: Signature, path: str, operator: str | None, others: Sequence[Signature]
) -> None:
    if one.principal == operator:
        raise GonogoError(
            "who has started the playbook cannot approve it",
            detail=f"{shown(path)} is signed by {one.principal}, who is the operator.",
        )
    if any(one.principal == other.principal for other in others):
        raise GonogoError(
            "two signatures are of one person",
            detail=f"{shown(path)} is signed by {one.principal}, as another one is.",
        )


def _check_age(plan: Subject, hours: int, now: datetime) -> None:
    age = now - datetime.fromisoformat(plan.planned_at)
    if age > timedelta(hours=hours):
        raise GonogoError(
            f"the plan that was signed is older than {hours} hours",
            detail=f"It was shown at {plan.planned_at}. {_HOURS} says how old it may be.",
            hint="Run the playbook without an approval: it shows a new plan.",
        )
    if age < -_AHEAD:
        raise GonogoError(
            "the plan that was signed is of the future",
            detail=f"It says {plan.planned_at}.",
            hint="Set the clocks of the controllers.",
        )


def _operator(asked: Rules) -> tuple[str, str | None]:
    """The account that this runs as, whatever its variables say, and whose it is."""
    account = account_name(os.getuid()) or f"uid {os.getuid()}"
    if asked.operators is None:
        return account, None
    if account not in asked.operators:
        raise GonogoError(
            "nobody knows who has started the playbook",
            detail=f"The account {shown(account)} is not in {_OPERATORS}.",
            hint="Add it in the inventory, with the principal of its person; null where it is "
            "nobody's.",
        )
    return account, asked.operators[account]


def _who(asked: Rules) -> str:
    assert asked.signers is not None  # nobody else is asked
    return f"{asked.needed} of these have to sign: {', '.join(sorted(asked.signers.principals))}."


# --- what an inventory says ----------------------------------------------------------------------


def _text(given: Variables, name: str) -> str:
    if not isinstance(given[name], str) or not given[name]:
        raise InputError("must be a path", key=name)
    return str(given[name])


def _number(given: Variables, name: str, otherwise: int) -> int:
    try:
        value = int(str(given.get(name, otherwise)))
    except ValueError:
        raise InputError("must be a whole number", key=name, value=given[name]) from None
    ranges.check(name, value)
    return value


def _flag(given: Variables) -> bool:
    try:
        return bool(boolean(given.get(_UNSIGNED, False), strict=True))
    except TypeError:
        raise InputError("must be true or false", key=_UNSIGNED) from None


def _namespace(given: Variables) -> str:
    value = str(given.get(_NAMESPACE, NONE.namespace))
    if not signers.PRINCIPAL.fullmatch(value):
        raise InputError(
            "not a namespace", key=_NAMESPACE, hint="It is letters, digits and . _ + @ -."
        )
    return value


def _revoked(content: bytes) -> bytes:
    """ssh-keygen calls every key revoked where it cannot read the list; which line it is, it does
    not say."""
    if content.startswith(b"SSHKRL\n\0"):
        return content
    for number, raw in enumerate(content.split(b"\n"), start=1):
        line = raw.decode("utf-8", "backslashreplace").strip(" ")
        if line and not line.startswith("#") and not signers.KEY.fullmatch(line):
            raise InputError(
                f"line {number} is no public key",
                key=_REVOKED,
                hint="It is a file of public keys, one a line, or a KRL.",
            )
    return content


def _operators(given: Variables, found: signers.Signers) -> Mapping[str, str | None] | None:
    value: Any = given.get(_OPERATORS)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError("must be a mapping", key=_OPERATORS)
    for account, principal in value.items():
        if principal is not None and str(principal) not in found.principals:
            raise InputError(
                "names a person that the file of signers does not have",
                key=f"{_OPERATORS}.{shown(account)}",
                hint=f"Write it as in the file of {_SIGNERS}, or null for an account of nobody.",
            )
    return {str(account): principal and str(principal) for account, principal in value.items()}
