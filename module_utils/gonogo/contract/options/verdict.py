"""The options of the stage verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..records.standing import JudgedObjects
from .option import ENTRY, TASK, Documented, EntryOptions, Option, Returned, StageOptions, Variable
from .shared import DATABASE, EVIDENCE_SSH_ARGS, EVIDENCE_STORE, PROGRESS, RUNS_DIR

__all__ = ["JUDGED", "OBJECTS", "VERDICT", "JudgedRequest", "VerdictTask"]

_EXAMPLES = """\
- name: Decide and report
  gonogo_verdict:
    fail_on: [HOLD, NO-GO]

- name: Compute an earlier verdict again
  gonogo_verdict:
    recompute: runs/staging/20260131T120000Z-0a1b2c
"""

VERDICT = StageOptions(
    role="verdict",
    says={
        "main": "Decide and report",
        "recompute": "Compute an earlier verdict again, from the evidence alone",
    },
    documented=Documented(
        title="Decide GO, HOLD or NO-GO from the evidence of a run",
        description=(
            "Closes the run this playbook has opened, computes the verdict as a pure function of"
            " the evidence, and writes verdict.json and the reports beside it.",
            "Runs on the controller only. It takes no result from any variable.",
            "Says the verdict on the terminal, whatever callback plugins there are.",
            "Fails for the decisions in O(fail_on), and where no run was opened. An exit status "
            "of zero is not a GO, only verdict.json is.",
            "Fails, too, where the evidence could not be taken to O(evidence_store); the verdict "
            "stands all the same.",
        ),
        check_mode="Nothing is judged in check mode.",
        examples=_EXAMPLES,
        returns=(
            Returned(
                "decision", "str", "The decision.", returned="when a run was judged", sample="GO"
            ),
            Returned(
                "score",
                "dict",
                "Scoring units passed, and how many there are.",
                returned="when a run was judged",
                sample={"passed": 15, "of": 15},
            ),
            Returned(
                "evidence",
                "path",
                "Directory of the run's evidence.",
                returned="when a run was judged",
            ),
            Returned(
                "stored",
                "str",
                "Path of the evidence below O(evidence_store).",
                returned="when it was taken there",
                sample="staging/-/0f3c.../20260131T120000Z-0a1b2c.tar.gz",
            ),
        ),
    ),
    declared=(
        RUNS_DIR,
        PROGRESS,
        Option(
            "fail_on",
            "list",
            elements="str",
            used=TASK,
            choices=("HOLD", "NO-GO"),
            default=["HOLD", "NO-GO"],
            text="Decisions that fail the task.",
            variable=Variable(
                "verdict_fail_on",
                text="Decisions that make ansible-playbook exit with an error. An exit status of "
                "zero is never a GO; verdict.json is.",
            ),
        ),
        EVIDENCE_STORE,
        EVIDENCE_SSH_ARGS,
        Option(
            "attestation_key",
            "path",
            used=TASK,
            on_controller=True,
            text="File of the private key of this gate, on the controller: PEM, Ed25519 or ECDSA "
            "P-256, without a passphrase, and readable by its owner alone. With it the verdict is "
            "signed, see docs/attestation.md.",
            variable=Variable(
                "gonogo_attestation_key",
                text="File of the private key of this gate, on the controller: PEM, Ed25519 or "
                "ECDSA P-256, without a passphrase, and readable by its owner alone. With it "
                "attestation.intoto.jsonl is written, see docs/attestation.md.",
            ),
        ),
        Option(
            "recompute",
            "path",
            used=TASK,
            on_controller=True,
            text="Evidence directory of an earlier run. Its verdict is computed again and "
            "compared with its verdict.json; nothing is written but by O(publish).",
            variable=Variable(
                "verdict_recompute",
                entry_point="recompute",
                required=True,
                text="Evidence directory of the run.",
            ),
        ),
        Option(
            "head",
            used=TASK,
            text="With O(recompute), the head of the evidence as it was kept elsewhere; that of "
            "the verdict, or a later one. Fails where it is none of them, and names what it does "
            "not prove.",
            variable=Variable(
                "verdict_head",
                entry_point="recompute",
                text="Head of the evidence that was kept elsewhere. What it does not prove is "
                "named.",
            ),
            value="{{ verdict_head | default(omit, true) }}",
        ),
        Option(
            "attested_by",
            "path",
            used=TASK,
            on_controller=True,
            text="With O(recompute), the public key in PEM, in a file on the controller, that has "
            "to have attested the verdict. Fails where it has not.",
            variable=Variable(
                "verdict_attested_by",
                entry_point="recompute",
                text="File of a public key, on the controller, that has to have attested the "
                "verdict.",
            ),
            value="{{ verdict_attested_by | default(omit, true) }}",
        ),
        Option(
            "publish",
            "bool",
            used=TASK,
            default=False,
            text="With O(recompute), write report.md, report.html, junit.xml and report.sarif "
            "again. Nothing is signed: that is for the run itself.",
            variable=Variable(
                "verdict_publish",
                entry_point="recompute",
                text="Whether report.md, report.html, junit.xml and report.sarif are written "
                "again. Nothing is signed: that is for the run itself.",
            ),
        ),
    ),
)

# What the checks judge.
OBJECTS = (
    Option("schema", required=True, text="The schema of all."),
    Option("tables", "list", elements="str", required=True, text="Its tables."),
    Option("functions", "list", elements="str", required=True, text="Its functions."),
    Option("role", text="The role of the application."),
)
JUDGED = EntryOptions(
    (
        *DATABASE,
        Option(
            "objects",
            "dict",
            used=ENTRY,
            required=True,
            options=OBJECTS,
            text="What the checks have judged.",
        ),
    )
)


@dataclass(frozen=True)
class VerdictTask:
    """What Ansible gives the task."""

    fail_on: Sequence[str]
    attestation_key: str | None
    evidence_store: str | None
    evidence_ssh_args: str | None
    recompute: str | None
    head: str | None
    attested_by: str | None = None
    publish: bool = False


@dataclass(frozen=True)
class JudgedRequest:
    """What the entry `judged` is asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    objects: JudgedObjects
