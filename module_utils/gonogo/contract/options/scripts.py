"""The options of the stages preflight and phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..login import Timeouts
from ..records.phase import PhaseScript
from ..records.standing import JudgedObjects, Required
from .option import ENTRY, TASK, Documented, Option, Returned, StageOptions
from .shared import PG_BIN, PROGRESS, REMOTE_DIR, RUNS_DIR, SESSIONS
from .verdict import OBJECTS

__all__ = ["PHASES", "PREFLIGHT", "PhasesTask", "PreflightTask", "ScriptsRequest"]

# What both entries take.
_ENTRY = (
    Option(
        "scripts",
        "list",
        elements="dict",
        used=ENTRY,
        required=True,
        text="The scripts, rendered.",
    ),
    Option(
        "application_name",
        used=ENTRY,
        default="",
        text="What the sessions are called in which code of the application runs.",
    ),
    Option(
        "objects",
        "dict",
        used=ENTRY,
        options=OBJECTS,
        text="What the checks judge, to be read when they begin; see `judged.read`.",
    ),
    Option(
        "keep_lock",
        "bool",
        used=ENTRY,
        default=False,
        text="Whether the run needs its lock after the phases: it does on a twin.",
    ),
    Option(
        "expected",
        "list",
        elements="dict",
        used=ENTRY,
        default=[],
        text="What has to be there at the end of the phases, see `migrate.standing`.",
    ),
)

_PREFLIGHT_EXAMPLES = """\
- name: Find the facts
  gonogo_preflight:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/runs

- name: The tenant was found
  ansible.builtin.assert:
    that: ansible_facts.gonogo.tenant.code == 'EXAMPLE'
"""

PREFLIGHT = StageOptions(
    role="preflight",
    says={"main": "Find the facts, read-only"},
    documented=Documented(
        title="Find the facts about a target, read-only",
        description=(
            "Runs the runbook's preflight scripts in a read-only transaction and returns what "
            "they find as facts.",
            "Everything the old runbook asked a person to write down and to paste into scripts "
            "is among them.",
            "On the controller, writes facts.json and the results of the checks into the run's "
            "evidence. Later scripts are rendered from there, not from variables.",
        ),
        check_mode="The stage is skipped, there is no run it could belong to.",
        examples=_PREFLIGHT_EXAMPLES,
        returns=(
            Returned(
                "ansible_facts",
                "dict",
                "Facts about the target.",
                returned="success",
                contains=(
                    Returned(
                        "gonogo",
                        "dict",
                        "One key a fact, as the runbook's preflight script calls it.",
                        returned="success",
                        sample={
                            "orders_id_type": "text",
                            "users": ["admin-001"],
                            "tenant": {"code": "EXAMPLE"},
                        },
                    ),
                ),
            ),
            Returned(
                "phases", "list", "What each script answered.", returned="success", elements="dict"
            ),
        ),
    ),
    declared=(
        *SESSIONS,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        PROGRESS,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory of runs on the target host; the scripts are put into a folder named "
            "after the run.",
            value="{{ gonogo_remote_dir }}/runs",
        ),
        Option(
            "after_deploy",
            "bool",
            used=TASK,
            default=False,
            text=(
                "Run the scripts that the runbook declares with V(after: deploy), which ask about "
                "the migrated schema.",
                "Where the stage deploy takes part in a run, they are left out before it; where "
                "it does not, they run with the others, and this does nothing.",
            ),
        ),
        *_ENTRY,
    ),
)

_PHASES_EXAMPLES = """\
- name: Run the phase scripts
  gonogo_phases:
    login: {db: orders_staging, user: orders_staging, host: localhost, passfile: ~/.pgpass}
    directory: ~/.gonogo/runs
    timeouts: {lock: 2s}
"""

PHASES = StageOptions(
    role="phases",
    says={"main": "Run the phase scripts"},
    documented=Documented(
        title="Run the phase scripts of a run",
        description=(
            "Renders every phase script of the runbook from the facts in the evidence, puts it "
            "beside the runbook's SQL on the target host, and runs each in its own transaction "
            "over one connection.",
            "Each script answers its checks; a script that dies keeps the answers it had given, "
            "the rest of its checks did not run.",
            "Races are run with sessions of their own after the script that declares them.",
            "Test rows are committed only where C(gonogo_residue) is V(keep), and only below rows "
            "that the run itself has made. Every row that may be created is in ledger.jsonl "
            "before the first script runs.",
            "Releases the run lock at its end.",
        ),
        check_mode="The stage is skipped, there is no run it could belong to.",
        examples=_PHASES_EXAMPLES,
        returns=(
            Returned(
                "phases",
                "list",
                "What each script answered.",
                returned="success",
                elements="dict",
                contains=(
                    Returned("name", "str", "Name of the phase."),
                    Returned("ran", "bool", "Whether it ran at all."),
                    Returned(
                        "committed",
                        "bool",
                        "Whether its transaction was committed; null when nobody knows.",
                    ),
                    Returned(
                        "error", "dict", "Why it ended early: SQLSTATE, message, block and line."
                    ),
                    Returned("checks", "list", "The results of its checks.", elements="dict"),
                    Returned("races", "list", "The results of its races.", elements="dict"),
                    Returned("seconds", "float", "How long it took."),
                ),
            ),
        ),
    ),
    declared=(
        *SESSIONS,
        REMOTE_DIR,
        PG_BIN,
        RUNS_DIR,
        PROGRESS,
        Option(
            "directory",
            "path",
            required=True,
            text="Directory of runs on the target host.",
            value="{{ gonogo_remote_dir }}/runs",
        ),
        *_ENTRY,
    ),
)


@dataclass(frozen=True)
class PhasesTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]
    directory: str


@dataclass(frozen=True)
class PreflightTask(PhasesTask):
    """The same, before or after the deployment."""

    after_deploy: bool | None


@dataclass(frozen=True)
class ScriptsRequest:
    """What both entries are asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    directory: str
    scripts: Sequence[PhaseScript]
    timeouts: Timeouts = field(default_factory=Timeouts)
    application_name: str = PHASES.default_of("application_name")
    objects: JudgedObjects | None = None
    keep_lock: bool = PHASES.default_of("keep_lock")
    expected: Sequence[Required] = ()
