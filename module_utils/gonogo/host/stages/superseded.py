"""Remove backups that newer proven ones have taken the place of."""

from __future__ import annotations

from pathlib import Path

from ...contract.options.backup import SupersededRequest
from ...contract.records.answers import SupersededAnswer
from ...contract.records.swept import Stayed, Swept
from ..files import superseded

__all__ = ["run"]


def run(asked: SupersededRequest, *, check_mode: bool) -> SupersededAnswer:
    """Each by itself: one that stays keeps no other."""
    removed, stayed = [], []
    directory = Path(asked.directory).expanduser()
    for backup in () if check_mode else asked.backups:
        size, why = superseded.remove(directory, backup)
        if size is not None:
            removed.append(Swept(backup.file, size))
        elif why:
            stayed.append(Stayed(backup.file, why))
    return SupersededAnswer(changed=bool(removed), removed=removed, stayed=stayed)
