"""What a run is to apply, and the way back from it: the runbook's own files, or what is pending of
a folder of migrations."""

from __future__ import annotations

import re
from pathlib import Path

from ...contract.errors import InputError
from ...contract.records.migration import Plan, Statement, Step
from . import migration, pending
from .book import Runbook

__all__ = ["plan", "steps", "texts", "undo", "undo_steps", "untold"]

_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 120


def plan(runbook: Runbook) -> Plan:
    """What the target host needs to apply the migration. Raises InputError for a file that cannot
    be deployed."""
    if runbook.source is None:
        return migration.plan(runbook, "migration")
    return pending.plan(runbook.source.key, runbook.source.tool, runbook.pending_migrations)


def undo(runbook: Runbook) -> Plan | None:
    """The way back; None where the runbook has none, or the folder has none for all that is
    pending. Raises InputError for a file that cannot be part of it."""
    folder = runbook.source
    if folder is None:
        return migration.plan(runbook, "undo") if runbook.sql_files("undo") else None
    if folder.declared_irreversible(runbook.pending):
        return None
    return pending.undo(folder.key, folder.tool, runbook.pending_migrations)


def undo_steps(runbook: Runbook) -> tuple[Step, ...]:
    """The files of the way back, cut, without what recognises what they take back."""
    if runbook.source is None:
        return migration.steps(runbook.directory, runbook.sql_files("undo"))
    found = undo(runbook)
    return tuple(found.steps) if found else ()


def steps(runbook: Runbook) -> tuple[Step, ...]:
    """The files of the migration, cut, without what recognises them."""
    if runbook.source is None:
        return migration.steps(runbook.directory, runbook.sql_files("migration"))
    tool = runbook.source.tool
    return tuple(step for one in runbook.pending_migrations for step in pending.steps(tool, one))


def untold(runbook: Runbook) -> tuple[Statement, ...]:
    """The statements of which no object tells whether they have been applied; of a folder of
    migrations, its tool's record tells."""
    return () if runbook.source is not None else migration.untold(runbook)


def texts(runbook: Runbook) -> dict[str, str]:
    """Every file of the migration by a name that evidence can have; of a folder of migrations, with
    its number, as theirs may have any. Raises InputError for one that is not UTF-8."""
    if runbook.source is None:
        return {path.name: _text(path) for path in runbook.migration_files}
    return {
        f"{number:04}_{_UNUSUAL.sub('_', one.file)[-_LONGEST:]}": one.text or ""
        for number, one in enumerate(runbook.pending_migrations, 1)
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", file=str(path)) from None
