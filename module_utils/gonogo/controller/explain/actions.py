"""What can be done after a run: each with its command, and whether it takes a person.

What only reads, and what is tried on a copy, takes nobody. What changes the database of a run takes
a person who has seen the plan: each of these commands shows it, and changes nothing without its
approval, but for a deployment to a target that its inventory does not protect.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from ...contract.records.deployment import Deployment
from ...contract.records.readable import readable
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.run import RunRecord
from ...verdict import is_protected
from ..evidence import Evidence
from ..invocation import project
from ..invocation.commands import Caller, spelled

__all__ = ["NOBODY", "PERSON", "Action", "actions", "next_of"]

NOBODY = "nobody"
PERSON = "person"
_DERIVED = "derived"
_SCHEMA = "public"


@dataclass(frozen=True)
class Action:
    """`takes` is `nobody` or `person`: whose approval."""

    name: str
    takes: str
    does: str
    command: str


def actions(found: Evidence, run: RunRecord, directory: str, caller: Caller) -> list[Action]:
    """All that can be done, what takes nobody first."""
    return [*_free(found, run, directory, caller), *_approved(found, run, caller)]


def _free(found: Evidence, run: RunRecord, directory: str, caller: Caller) -> Iterator[Action]:
    """What only reads, and what is tried on a copy."""
    stay = "; its test rows stay until a cleanup" if run.residue == "keep" else ""
    yield Action(
        "validate",
        NOBODY,
        f"asks every check of what is there, on a copy and on the database; applies nothing{stay}",
        caller.playbook("validate", "deploy_enabled=false", *_variables(run)),
    )
    if is_protected(run):
        yield Action(
            "rehearse",
            NOBODY,
            "tries the migration on a copy and shows the plan of its deployment; without the "
            "approval of a person it stops there",
            _deploying(run, caller),
        )
    yield Action(
        "audit",
        NOBODY,
        "asks the checks that only read, and says what has changed since the last audit",
        caller.playbook("audit", _runbook(run)),
    )
    program = os.path.relpath(project.ROOT / "verify" / "verify_evidence.py")
    yield Action(
        "verify",
        NOBODY,
        "proves the evidence and computes the verdict again, with nothing of the project",
        shlex.join(["python3", program, directory, "--head", found.head]),
    )


def _approved(found: Evidence, run: RunRecord, caller: Caller) -> Iterator[Action]:
    """What a person approves."""
    does = "applies the migration, once the plan that it shows is approved"
    if not is_protected(run):
        does = "applies the migration; this target is not protected, so nothing else asks first"
    yield Action("deploy", PERSON, does, _deploying(run, caller))
    yield from _back(found, run, caller)


def _deploying(run: RunRecord, caller: Caller) -> str:
    return caller.playbook("validate", "deploy_enabled=true", *_variables(run))


def _back(found: Evidence, run: RunRecord, caller: Caller) -> Iterator[Action]:
    if found.ledger and not _has(found, "cleanup.json"):
        yield Action(
            "cleanup",
            PERSON,
            f"shows the plan for removing the {len(found.ledger)} test rows of this run",
            caller.playbook("cleanup", f"cleanup_run_id={run.run_id}"),
        )
    if has_deployed(found) and not _has(found, "undo.json"):
        yield Action(
            "undo",
            PERSON,
            "shows the plan for taking the migration back, with every row that would be lost",
            caller.playbook("undo", f"undo_run_id={run.run_id}"),
        )
    if found.twin and found.twin.proven:
        yield Action(
            "restore",
            PERSON,
            "shows the plan for putting the proven backup of this run in the database's place",
            caller.playbook("restore", f"restore_run_id={run.run_id}"),
        )


def next_of(found: Evidence, decision: str, known: list[Action]) -> list[str]:
    """The names of what comes next, in order."""
    if decision in ("GO", "UP-TO-DATE"):
        wanted = ["deploy"] if _is_pending(found) else []
        wanted.append("cleanup")
    else:
        # What has to be corrected before stands in the reasons.
        wanted = ["undo", "restore"] if has_deployed(found) else [_trying(found, known)]
    names = {one.name for one in known}
    return [name for name in wanted if name in names]


def _trying(found: Evidence, known: list[Action]) -> str:
    """What tries the same again, as far as it takes nobody."""
    deploys = found.plan is not None and "deploy" in found.plan.stages
    rehearsed = deploys and any(one.name == "rehearse" for one in known)
    return "rehearse" if rehearsed else "validate"


def has_deployed(found: Evidence) -> bool:
    """Whether the run has changed the schema."""
    done = readable(Deployment, found.deploy, file=Deployment.FILE)
    return bool(done and done.action in ("applied", "failed") and done.changed)


def _is_pending(found: Evidence) -> bool:
    """Whether the migration was not there, and still is not."""
    if has_deployed(found):
        return False
    record = readable(Rehearsal, found.rehearsal, file=Rehearsal.FILE)
    pending = found.history.pending if found.history else ()
    return bool(pending) or bool(record and record.state == "absent")


def _has(found: Evidence, name: str) -> bool:
    return (found.path / name).is_file()


def _variables(run: RunRecord) -> list[str]:
    """What the run was about, as variables of the next one: with others it would judge by other
    values, or another history."""
    folder = run.migrations
    own = folder is None or run.runbook != _DERIVED
    said: dict[str, object] = {}
    if own:
        said |= {"gonogo_profile": run.profile, "gonogo_parameters": {**run.parameters} or None}
    if folder is not None:
        said |= {
            "gonogo_migrations": os.path.relpath(folder.directory),
            "gonogo_migration_tool": None if folder.command else folder.tool,
            "gonogo_migration_schema": folder.schema if folder.schema != _SCHEMA else None,
            "gonogo_baseline": folder.baseline,
            "gonogo_baseline_version": folder.baseline_version,
            "gonogo_irreversible": list(folder.irreversible) or None,
            "gonogo_queries": folder.queries,
            "gonogo_own_checks": folder.checks,
            "gonogo_migrate_command": list(folder.command) or None,
        }
    told = [spelled(name, value) for name, value in said.items() if value is not None]
    return [*([_runbook(run)] if own else []), *told]


def _runbook(run: RunRecord) -> str:
    return spelled("gonogo_runbook", os.path.relpath(run.runbook_directory))
