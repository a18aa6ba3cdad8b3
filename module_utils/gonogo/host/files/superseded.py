"""Removing a backup that newer proven ones have taken the place of.

Which one that is, the controller knows by its evidence. Here a name proves nothing: a backup goes
only where the record beside it says the same of it, and where nothing else is in it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from ...contract.options.backup import Superseded
from ...contract.run_id import PATTERN
from . import removal

__all__ = ["remove"]

_NAME = re.compile(rf".+-(?P<run_id>{PATTERN})\.dump")
_RECORD_BYTES = 1 << 26


class _StaysError(Exception):
    """Why a backup is left alone."""


def remove(directory: Path, backup: Superseded) -> tuple[int | None, str]:
    """Remove a backup of this directory: its size, None where it was gone before or stays; and why
    it stays.

    It loses its name first, so that whatever is left of it should this be ended in the middle is
    an unfinished backup, which the next run sweeps.
    """
    try:
        with removal.locked(directory) as parent:
            return _removed(directory, parent, backup), ""
    except _StaysError as error:
        return None, str(error)
    except OSError as error:
        return None, error.strerror or "it cannot be looked at"


def _removed(directory: Path, parent: int, backup: Superseded) -> int | None:
    file = Path(backup.file)
    found = _NAME.fullmatch(file.name)
    if file.parent != directory or not found or found["run_id"] != backup.run_id:
        raise _StaysError("it is no backup of this directory")
    with contextlib.suppress(FileNotFoundError):
        with removal.opened_within(parent, file.name) as archive:
            size = _size(archive, _record(parent, backup))
            aside = f".{file.stem}.partial"
            os.rename(file.name, aside, src_dir_fd=parent, dst_dir_fd=parent)
            if not removal.is_same(archive, parent, aside):
                raise _StaysError("somebody has put another one there")
            removal.remove(archive, parent, aside)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{file.stem}.json", dir_fd=parent)
        return size
    return None


def _record(parent: int, backup: Superseded) -> Mapping[str, object]:
    """The files that the record beside a backup lists, where it is the one that was proven."""
    try:
        descriptor = os.open(
            f"{Path(backup.file).stem}.json",
            os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
            dir_fd=parent,
        )
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
                raise _StaysError("its record is somebody else's")
            record = json.loads(file.read(_RECORD_BYTES))
    except (OSError, ValueError):
        raise _StaysError("it has no record that can be read") from None
    if not isinstance(record, dict):
        raise _StaysError("it has no record that can be read")
    said = {key: record.get(key) for key in ("run_id", "sha256", "file", "database")}
    wanted = {key: getattr(backup, key) for key in said}
    files = record.get("files")
    if said != wanted or not isinstance(files, dict):
        raise _StaysError("its record is not that of the backup that was proven")
    return files


def _size(archive: int, files: Mapping[str, object]) -> int:
    """Bytes of an archive that has what its record lists, and nothing else."""
    size = 0
    for name in removal.names(archive):
        about = os.stat(name, dir_fd=archive, follow_symlinks=False)
        known = files.get(name)
        listed = known.get("size") if isinstance(known, dict) else None
        if not stat.S_ISREG(about.st_mode) or listed != about.st_size:
            raise _StaysError("it holds what its record does not list")
        size += about.st_size
    return size
