"""Which proven backups of a database newer ones have taken the place of, by the evidence alone.

A backup that nobody has proven, or that is of another database, host or environment, is none of
them, and neither is one that something still to be decided may need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...contract.errors import GonogoError
from ...contract.options.backup import Superseded
from ...contract.records.backup import BackupRecord
from ...contract.records.run import RunRecord
from ...contract.records.twin import TwinRecord
from ..evidence import Evidence, Run, load
from ..request import approval
from . import intents, unheard

__all__ = ["superseded"]

_PLANS = ("cleanup", "undo", "restore")
# Actions of a deployment that has sent nothing.
_WITHOUT_CHANGE = ("none", "would_apply", "refused", "blocked", "moved")
_FILES = (RunRecord.FILE, BackupRecord.FILE, TwinRecord.FILE)


def superseded(runs_dir: Path, run: Run, *, keep: int) -> list[Superseded]:
    """All but the newest `keep` proven backups of this run's database, its own among them."""
    proven = [*_proven(runs_dir, run.read(RunRecord))]
    deployed = _deployed(path for path, _ in proven)
    return [
        Superseded(backup.run_id, backup.database, backup.file, backup.sha256)
        for path, backup in proven[keep:]
        if path not in (run.path, *deployed) and not _is_needed(path)
    ]


def _proven(runs_dir: Path, about: RunRecord) -> Iterator[tuple[Path, BackupRecord]]:
    """The runs of this database whose backups were proven, the newest first."""
    for path in sorted((runs_dir / about.environment).glob("*Z-*"), reverse=True):
        try:
            backup = _backup(load(path), about)
        except (GonogoError, OSError):
            continue
        if backup and backup.run_id == path.name:
            yield path, backup


def _backup(found: Evidence, about: RunRecord) -> BackupRecord | None:
    """The backup of a run that is about the same database, where it was proven."""
    run, backup, twin = found.run, found.backup, found.twin
    if run is None or backup is None or twin is None or found.problems_with(*_FILES):
        return None
    there, here = run.target.observed, about.known
    if there is None or run.target.inventory_host != about.target.inventory_host:
        return None
    same = there.system_identifier == here.system_identifier
    same = same and there.database_oid == here.database_oid
    is_proven = twin.proven is True and twin.backup_sha256 == backup.sha256
    return backup if same and is_proven else None


def _deployed(newest_first: Iterable[Path]) -> list[Path]:
    """The last run that has applied its migration and was not taken back: its backup is a way back.
    And what came after it of which nobody can say that it has changed nothing."""
    found = []
    for path in newest_first:
        undone = (path / "undo.json").is_file() or (path / "restore.json").is_file()
        if undone or intents.record_name(path) is None:
            continue
        done = intents.deployment(path)
        if done is None or done.action not in _WITHOUT_CHANGE:
            found.append(path)
        if done is not None and done.action == "applied":
            break
    return found


def _is_needed(path: Path) -> bool:
    """Whether the run is open, or something about it is to be decided or found out."""
    events = load(path).events
    if not any(event.event == "closed" for event in events) or intents.is_open(path):
        return True
    return any(unheard.is_open(path, stage) or _is_shown(path, stage) for stage in _PLANS)


def _is_shown(path: Path, stage: str) -> bool:
    """Whether a plan can still be approved."""
    name = f"{stage}_plan.json"
    if not (path / name).is_file() or (path / f"{stage}.json").is_file():
        return False
    try:
        plan = approval.plan_of(Run.open(path), name)
        return datetime.now(UTC) < datetime.fromisoformat(plan.expires_at)
    except (GonogoError, ValueError):
        return True
