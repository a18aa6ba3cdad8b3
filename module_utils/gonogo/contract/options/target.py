"""The options of the stage target."""

from __future__ import annotations

from dataclasses import replace

from .option import ENTRY, TASK, Option, Range, StageOptions, Variable
from .shared import DATABASE, DECLARED, ENVIRONMENT, FENCE, PG_BIN, REMOTE_DIR, RUNS_DIR

__all__ = ["TARGET"]

TARGET = StageOptions(
    role="target",
    says={"main": "Prove the target, open the run, take the lock"},
    declared=(
        *DATABASE,
        replace(ENVIRONMENT, text="Environment the inventory declares, such as V(staging)."),
        Option(
            "runbook",
            "path",
            used=TASK,
            required=True,
            on_controller=True,
            text="Folder of the runbook, on the controller.",
            variable=Variable("gonogo_runbook"),
        ),
        Option(
            "profile",
            used=TASK,
            required=True,
            text="Which of the manifest's profiles to expect.",
            variable=Variable("gonogo_profile"),
        ),
        Option(
            "residue",
            used=TASK,
            required=True,
            choices=("keep", "rollback"),
            text="Whether test rows are committed (V(keep)) or never visible to anybody "
            "(V(rollback)).",
            variable=Variable(
                "gonogo_residue",
                text="Whether test rows are committed and removed by the approved cleanup, or "
                "never visible to anybody.",
            ),
        ),
        Option(
            "parameters",
            "dict",
            used=TASK,
            default={},
            text="Values for the runbook's parameters.",
            variable=Variable("gonogo_parameters"),
        ),
        Option(
            "waivers",
            "list",
            elements="dict",
            used=TASK,
            default=[],
            text="Accepted deviations. Each has C(check) or C(criterion), C(owner), C(reason) and "
            "C(expires).",
            variable=Variable(
                "gonogo_waivers",
                text="Accepted deviations, each with check or criterion, owner, reason and "
                "expires.",
            ),
        ),
        Option(
            "refused_databases",
            "list",
            elements="str",
            used=TASK,
            default=[],
            text="Names of databases that are never this target.",
            variable=Variable("gonogo_refused_databases"),
        ),
        Option(
            "system_identifier",
            used=TASK,
            text="The server's system identifier, where it is known.",
            variable=Variable("gonogo_system_identifier"),
        ),
        Variable(
            "gonogo_protected",
            type="bool",
            text="Whether promotion, twin, rehearsal and approval are required, and no test row "
            "stays; true if unset. Only the inventory can set it.",
        ),
        Variable(
            "gonogo_promotion_from",
            type="str",
            text="Environment whose GO this one asks for. A protected target always asks for one. "
            "Only the inventory can set it.",
        ),
        Option(
            "promotion",
            "dict",
            used=TASK,
            required=True,
            text="The evidence of another environment that lets this run in. Of which environment "
            "it has to be, and how old, only the inventory can say.",
            options=(
                Option(
                    "evidence",
                    "path",
                    on_controller=True,
                    text="Directory of that run, on the controller.",
                    variable=Variable(
                        "gonogo_promotion_evidence",
                        text="Directory of the run on that environment, on the controller.",
                    ),
                ),
            ),
        ),
        Variable(
            "gonogo_promotion_max_age_hours",
            type="int",
            range=Range(1, 8760, "hours"),
            text="How old that run may be, in hours; 168, a week, if nothing is said. Only the "
            "inventory can set it.",
        ),
        Option(
            "pg_bin",
            "path",
            text="Directory of pg_dump and pg_restore on the target host. By default they are "
            "looked for in E(PATH).",
            variable=PG_BIN,
        ),
        REMOTE_DIR,
        RUNS_DIR,
        Option(
            "backup_directory",
            "path",
            required=TASK,
            text="Where the backup will go, on the target host.",
            value="{{ gonogo_remote_dir }}/backups",
        ),
        Option(
            "space_factor",
            "float",
            default=1.0,
            range=Range(0, 1e9, "times the size of the database"),
            text="How much room the backup needs at most, as a multiple of the database's size.",
            variable=Variable(
                "target_space_factor",
                text="Free space wanted for the backup, as a multiple of the database's size. A "
                "compressed archive of ordinary text needs about a third.",
            ),
        ),
        Option(
            "lock_lease",
            "int",
            default=120,
            range=Range(1, 86_400, "seconds"),
            text="Seconds after which the run lock is given up when no session of the run has "
            "been seen.",
            variable=Variable(
                "target_lock_lease",
                text="Seconds without any session of the run after which the run lock is given up.",
            ),
        ),
        Option(
            "take_over",
            used=TASK,
            text="Id of a run whose sessions are to be ended although its controller cannot be "
            "asked whether it is dead.",
            variable=Variable(
                "target_take_over",
                text="Id of a run whose sessions are ended although its controller cannot be "
                "asked whether it is dead.",
                example="20260131T120000Z-0a1b2c",
            ),
        ),
        Option(
            "state",
            used=ENTRY,
            choices=("open", "released"),
            default="open",
            text="Released: no lock is taken, and what is still at work of the run is ended.",
        ),
        replace(DECLARED, required=False, default={}),
        FENCE,
    ),
)
