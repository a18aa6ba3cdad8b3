"""What several stages take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .option import ENTRY, TASK, Option, Range, Variable

__all__ = [
    "APPROVAL",
    "APPROVED",
    "ATTEMPTS",
    "BUDGETS",
    "CALL",
    "DATABASE",
    "DECLARED",
    "ENVIRONMENT",
    "EVIDENCE_SSH_ARGS",
    "EVIDENCE_STORE",
    "FENCE",
    "LET_GO",
    "LOGIN",
    "PER_SHAPE",
    "PG_BIN",
    "PLAN_HOURS",
    "PROGRESS",
    "PROGRESS_SECONDS",
    "REMOTE_DIR",
    "RUNS_DIR",
    "SESSIONS",
    "SIGNATURES",
    "SIGNING",
    "TIMEOUTS",
    "Approval",
    "ApprovedTask",
    "limits",
    "of_a_person",
    "plan_hours",
    "turns",
]

# --- variables that stages read by themselves ------------------------------------------------

REMOTE_DIR = Variable(
    "gonogo_remote_dir",
    type="path",
    required=True,
    text="Directory of this project on the target host, made with mode 0700. Nobody but root and "
    "the login may write to a directory of its path.",
)
RUNS_DIR = Variable(
    "gonogo_runs_dir",
    type="path",
    required=True,
    text="Directory of the evidence, on the controller.",
)
PG_BIN = Variable(
    "gonogo_pg_bin",
    type="path",
    text="Directory of pg_dump and pg_restore on the target host. By default they are looked for "
    "in PATH; libpq is found beside them.",
)
PER_SHAPE = Variable(
    "rehearsal_per_shape",
    type="bool",
    text="Whether the migration is rehearsed once for all databases of one shape: on a copy of the "
    "largest of those that are begun first. The others restore and prove their backup, and go by "
    "that rehearsal where they measure the same shape. Said in the inventory alone; see "
    "docs/your-fleet.md.",
)
PROGRESS = Variable(
    "gonogo_progress_interval",
    type="int",
    text="Seconds between two lines that say how far a stage is; 10 if nothing is said, and 0 for "
    "no such lines. They are for the eye alone, see docs/progress.md.",
    range=Range(0, 3600, "seconds; 0 for none"),
)
# Without a word of the inventory.
PROGRESS_SECONDS = 10

# --- options of many stages ------------------------------------------------------------------

LOGIN = Option(
    "login",
    "dict",
    required=True,
    variable=Variable(
        "gonogo_login",
        text="How to reach the database from the target host; see the module gonogo_target for "
        "its keys. No secret stands in it.",
    ),
    text=(
        "How to reach the database from the target host. No secret stands in it, passwords are "
        "read from O(login.passfile).",
        "psycopg and the client programs log in the same way. What is not given here comes from "
        "the service, then from libpq's own defaults; the files C(~/.pgpass), "
        "C(~/.pg_service.conf) and C(~/.postgresql/) of the login user count.",
        "Variables of the environment such as E(PGHOST) and E(PGOPTIONS) are ignored.",
        "Paths are those of the target host. They begin with C(/) or C(~/), the login user's home.",
    ),
    options=(
        Option("db", required=True, text="Name of the database. A connection string is refused."),
        Option(
            "user",
            text="Role to log in as. By default the name of the login user, as peer "
            "authentication wants it.",
        ),
        Option("host", text="Host name, address, or directory of the Unix-domain socket."),
        Option("port", "int", text="Port of the server itself, not of a connection pooler."),
        Option(
            "service",
            text="Name of a service in O(login.service_file). Options given here count before it; "
            "a database it names must be O(login.db).",
        ),
        Option(
            "service_file",
            "path",
            text="Connection service file. One that holds a password must not be readable by "
            "others.",
        ),
        Option(
            "passfile",
            "path",
            no_log=False,
            text="Password file. It must not be readable by others.",
        ),
        Option(
            "ssl_mode",
            choices=("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
            text="TLS mode, as libpq's C(sslmode).",
        ),
        Option(
            "ca_cert",
            "path",
            text="File with the certificate authorities to trust, as libpq's C(sslrootcert).",
        ),
        Option(
            "client_cert",
            "path",
            text="Certificate to log in with, as libpq's C(sslcert). Its common name is the role.",
        ),
        Option(
            "client_key",
            "path",
            text="Key of O(login.client_cert), as libpq's C(sslkey). It has no passphrase, and "
            "must not be readable by others.",
        ),
        Option("connect_timeout", "int", default=10, text="Seconds to wait for a connection."),
    ),
)

TIMEOUTS = Option(
    "timeouts",
    "dict",
    default={},
    variable=Variable(
        "gonogo_timeouts",
        text="Limits of every session in PostgreSQL's notation: lock, statement, "
        "idle_in_transaction.",
    ),
    text="Limits set in every session, in PostgreSQL's notation.",
    options=(
        Option("lock", default="5s", text="Longest wait for a lock."),
        Option("statement", default="10min", text="Longest statement."),
        Option("idle_in_transaction", default="2min", text="Longest pause within a transaction."),
    ),
)

ATTEMPTS = Range(1, 1000, "attempts")
BUDGETS = Option(
    "budgets",
    "dict",
    default={},
    text="Limits, written like V(500ms), V(5s) or V(10min).",
    options=(
        Option("lock", default="2s", text="Waiting for one lock."),
        Option(
            "hold",
            default="10s",
            text="From the first lock for which the application waits to the end of the "
            "transaction.",
        ),
        Option("statement", default="10min", text="One statement."),
        Option(
            "attempts",
            "int",
            default=10,
            range=ATTEMPTS,
            text="How often a transaction is tried that does not get its locks.",
        ),
        Option("wait", default="1s", text="Waiting before it is tried again."),
    ),
)


# What is let go for is the deployment's alone: it is here for who reads the numbers.
LET_GO = Option(
    "let_go",
    "dict",
    default={},
    text="For whom a statement is cancelled, rolled back and tried again. 0 is for nobody.",
    options=(
        Option(
            "waiters",
            "int",
            default=50,
            range=Range(0, 100_000, "sessions; with 0 they are not counted"),
            text="More sessions than that wait behind the deployment.",
            variable=Variable(
                "deploy_let_go_waiters",
                text="How many sessions may wait behind a statement of a deployment at once. "
                "Where there are more, the statement is cancelled, everything is as before, and "
                "it is tried again. 0 lets any number wait.",
                comment="What makes a deployment let go, beside the limits above: a second session "
                "watches who waits behind it, for how long (in seconds), and how many seconds a "
                "replica is behind. 0 switches each off. See docs/deployment.md.",
            ),
        ),
        Option(
            "seconds",
            "float",
            default=10,
            range=Range(0, 86_400, "seconds; with 0 they are not counted"),
            text="One session waits longer than that behind the deployment.",
            variable=Variable(
                "deploy_let_go_seconds",
                text="How many seconds one session may wait behind a statement of a deployment. "
                "Then the statement is cancelled, as with deploy_let_go_waiters. 0 lets it wait "
                "for as long as the other limits do.",
                comment="",
            ),
        ),
        Option(
            "lag",
            "float",
            default=60,
            range=Range(0, 604_800, "seconds; with 0 they are not counted"),
            text="A replica falls behind by more seconds, or a replication slot comes near its "
            "end.",
            variable=Variable(
                "deploy_let_go_lag",
                text="How many seconds a replica may fall behind while a statement of a deployment "
                "runs. Then, and where a replication slot comes near its end, the statement is "
                "cancelled, as with deploy_let_go_waiters. With 0 neither is watched.",
                comment="",
            ),
        ),
    ),
)


def limits(variables: Mapping[str, Variable]) -> tuple[Option, ...]:
    """The keys of `BUDGETS`, some of them from variables."""
    return tuple(replace(key, variable=variables.get(key.name)) for key in BUDGETS.options)


ENVIRONMENT = Option(
    "environment",
    required=True,
    used=TASK,
    variable=Variable(
        "gonogo_environment",
        text="Environment of this target. The database must carry the same word as its marker "
        "gonogo.environment, in its settings or its comment.",
    ),
    text="Environment of the run.",
)

EVIDENCE_STORE = Option(
    "evidence_store",
    used=TASK,
    variable=Variable("gonogo_evidence_store"),
    text="Where the evidence of a run is taken to once it is judged, and where the run that comes "
    "next looks for it: a directory (/srv/evidence), a place on a host that sftp reaches "
    "(user@host:/srv/evidence), or a git repository (git:git@host:group/evidence.git). See "
    "docs/automation.md.",
)
EVIDENCE_SSH_ARGS = Option(
    "evidence_ssh_args",
    used=TASK,
    variable=Variable("gonogo_evidence_ssh_args"),
    text="Arguments of ssh with which the store of evidence is reached, such as -i FILE.",
)

# --- approval --------------------------------------------------------------------------------

APPROVAL = Option(
    "approval",
    "dict",
    used=TASK,
    text="The approval. Without it, only the plan is shown.",
    options=(
        Option(
            "answer",
            text="V(COMMIT) followed by the plan's token, or V(ROLLBACK). Anything else changes "
            "nothing.",
        ),
        Option(
            "approved_by",
            text="Who approves. For an answer that was typed, by default the user who typed it.",
        ),
        Option("typed", "bool", default=False, text="Whether the answer was typed at the prompt."),
        Option("run_id", text="Run the approval is for."),
        Option(
            "signatures",
            "list",
            elements="str",
            text="Files with signatures of the plan's text, on the controller. Behind the token of "
            "a typed answer there may be more.",
        ),
    ),
)

_INVENTORY = " Only the inventory can set it."
# What the inventory asks of approvals that are signed.
SIGNING = (
    Variable(
        "gonogo_approval_signers",
        type="path",
        text="File of those who may approve by a signature, on the controller, in the form of "
        "ssh-keygen's allowed_signers. Where it is set, every deployment is approved, and an "
        "approval has to be signed." + _INVENTORY,
    ),
    Variable(
        "gonogo_approval_needed",
        type="int",
        range=Range(1, 16, "persons"),
        text="How many of them have to sign; 1 if nothing is said." + _INVENTORY,
    ),
    Variable(
        "gonogo_approval_operators",
        type="dict",
        text="Account of the controller to its person's principal in that file, null where it is "
        "nobody's. Where it is set, who starts the playbook is none of those who approve, and an "
        "account that it lacks gets no approval." + _INVENTORY,
    ),
    Variable(
        "gonogo_approval_max_age_hours",
        type="int",
        range=Range(1, 8760, "hours"),
        text="How old the plan may be that was signed, in hours; 24 if nothing is said. The limit "
        "of the stage holds as well." + _INVENTORY,
    ),
    Variable(
        "gonogo_approval_namespace",
        type="str",
        text="Namespace of the signatures; pg-gonogo if nothing is said." + _INVENTORY,
    ),
    Variable(
        "gonogo_approval_revoked",
        type="path",
        text="File of keys that count no more, on the controller: public keys, or a KRL of "
        "ssh-keygen." + _INVENTORY,
    ),
    Variable(
        "gonogo_approval_unsigned",
        type="bool",
        text="Whether the token and a name are an approval as well, although there are signers; "
        "false if nothing is said." + _INVENTORY,
    ),
)
SIGNATURES = Variable(
    "gonogo_approval_signatures",
    type="list",
    elements="path",
    text="Files with the signatures of an approval, on the controller.",
)

PLAN_HOURS = Option(
    "plan_hours",
    "int",
    used=TASK,
    default=24,
    range=Range(1, 8760, "hours"),
    text="How long a plan can be approved.",
)


def plan_hours(stage: str) -> Option:
    """`PLAN_HOURS`, from the variable of a stage."""
    return replace(
        PLAN_HOURS,
        variable=Variable(
            f"{stage}_plan_hours",
            text="How long a plan can be approved after it was shown first, in hours.",
        ),
    )


def of_a_person(stage: str, *, run: str) -> tuple[Variable, ...]:
    """The variables of a decision without a terminal; `run` is what is said of its run's."""
    return (
        Variable(
            f"{stage}_run_id",
            type="str",
            text=run,
            comment="A decision given without a terminal. All three must fit the plan, or nothing "
            "happens.",
            example="20260131T120000Z-0a1b2c",
        ),
        Variable(
            f"{stage}_token",
            type="str",
            text="Token of the approved plan, where nobody can be asked.",
            comment="",
            example="0123456789",
        ),
        Variable(
            f"{stage}_approved_by",
            type="str",
            text="Who approves the plan.",
            comment="",
            example="Dewi",
        ),
    )


# --- what only entries take ------------------------------------------------------------------

BUNDLE = (
    Option("file", "path", required=True, text="Where it is kept on the target host."),
    Option("sha256", required=True, text="Digest of that file."),
    Option("content", text="Its content where it has to be sent: compressed (zlib), in base64."),
)
# What every entry takes that speaks with the database.
CALL = (
    Option("run_id", used=ENTRY, required=True, text="Sessions are called gonogo:RUN_ID:STAGE."),
    Option(
        "driver",
        "dict",
        used=ENTRY,
        options=(
            Option(
                "psycopg",
                "dict",
                required=True,
                options=BUNDLE,
                text="The controller's psycopg, for a host that has none.",
            ),
            Option("pg_bin", "path", text="Directory of the client programs."),
        ),
        text="psycopg.",
    ),
)
DATABASE = (LOGIN, *CALL)
SESSIONS = (*DATABASE, TIMEOUTS)
DECLARED = Option(
    "declared", "dict", used=ENTRY, required=True, text="What the database has to be."
)
FENCE = Option(
    "fence",
    "list",
    elements="str",
    used=ENTRY,
    default=[],
    text="Ids of dead runs whose sessions are ended.",
)


def turns(stage: str, what: str) -> tuple[Option, ...]:
    """How many of `what` a stage makes on a host at once, and how long the others wait."""
    return (
        Option(
            "at_once",
            "int",
            default=2,
            range=Range(1, 1000, what),
            text=f"How many {what} a host makes at once, of all runs with this gonogo_remote_dir. "
            "The others wait for their turn, and for the room that was promised to others.",
            variable=Variable(f"{stage}_at_once"),
        ),
        Option(
            "turn_timeout",
            "int",
            default=7200,
            range=Range(1, 604_800, "seconds"),
            text="Seconds to wait for a turn.",
            variable=Variable(f"{stage}_turn_timeout"),
        ),
    )


# Beside `SESSIONS`, of all that only happens after approval.
APPROVED = (
    ENVIRONMENT,
    APPROVAL,
    *SIGNING,
    SIGNATURES,
    DECLARED,
    FENCE,
    Option("approved_content", used=ENTRY, text="Content of the approved plan. None: only look."),
)


@dataclass(frozen=True)
class Approval:
    """What Ansible gives as `APPROVAL`; the `fleet_id` is there for a deployment alone."""

    answer: str | None
    approved_by: str | None
    run_id: str | None
    typed: bool | None = None
    signatures: Sequence[str] | None = None
    fleet_id: str | None = None


@dataclass(frozen=True)
class ApprovedTask:
    """What Ansible gives the task of what only happens after approval."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]
    environment: str
    approval: Approval | None
    run_id: str | None
    plan_hours: int
