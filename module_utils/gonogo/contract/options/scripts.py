"""The options of the stages preflight and phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..login import Timeouts
from ..records.phase import PhaseScript
from ..records.standing import JudgedObjects, Required
from .option import ENTRY, TASK, Documented, Option, Range, Returned, StageOptions, Variable
from .shared import PG_BIN, PROGRESS, REMOTE_DIR, RUNS_DIR, SESSIONS
from .verdict import OBJECTS

__all__ = ["JOBS", "PHASES", "PREFLIGHT", "PhasesTask", "PreflightTask"]
__all__ += ["ScriptsRequest", "ScriptsTask"]

JOBS = Option(
    "jobs",
    "int",
    default=0,
    range=Range(0, 256, "sessions; 0 leaves it to the stage"),
    text="How many sessions ask the questions about rows that are there, all in one snapshot, "
    "before the first script that tries something; V(1) is the session of the scripts, where they "
    "stand. V(0) is one for each processor of the target host, at most eight, and V(1) for a "
    "database of less than 256 MB.",
    variable=Variable("phases_jobs"),
)

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
        replace(JOBS, used=ENTRY, variable=None),
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
            Returned(
                "alone",
                "str",
                "Why one session had to ask everything, where several were to.",
                returned="where it was so",
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
        JOBS,
        *_ENTRY,
    ),
)


@dataclass(frozen=True)
class ScriptsTask:
    """What Ansible gives either task."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]
    directory: str


@dataclass(frozen=True)
class PhasesTask(ScriptsTask):
    """The phases."""

    jobs: int | None


@dataclass(frozen=True)
class PreflightTask(ScriptsTask):
    """What comes before or after the deployment."""

    after_deploy: bool | None


@dataclass(frozen=True)
class ScriptsRequest:
    """What both entries are asked."""

    login: Mapping[str, str | int | None]
    run_id: str
    directory: str
    scripts: Sequence[PhaseScript]
    timeouts: Timeouts = field(default_factory=Timeouts)
    jobs: int = PHASES.default_of("jobs")
    application_name: str = PHASES.default_of("application_name")
    objects: JudgedObjects | None = None
    keep_lock: bool = PHASES.default_of("keep_lock")
    expected: Sequence[Required] = ()
