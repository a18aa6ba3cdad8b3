"""An unfinished backup: a directory with a temporary name, and a mark of who works on it.

The mark is a lock of the file system. It ends with the process, however that ends, so whatever
is found without one is dead: up to as large as the database, and nobody will ever finish it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ...contract.records.swept import Swept
from ...contract.run_id import PATTERN
from . import removal

__all__ = ["discard", "made", "place", "sweep"]

# Nothing but what runs of this project have made: DATABASE-RUN_ID.
_NAME = re.compile(rf"\.(?P<backup>.+-{PATTERN})\.partial")
# What pg_dump writes in its directory format, and what the source was like.
_FILE = re.compile(
    r"toc\.dat|\d+\.dat(\.\w+)?|blobs(_\d+)?\.toc|blob_\d+\.dat(\.\w+)?|source\.json"
)


def place(directory: Path, name: str) -> Path:
    """Where the backup `name` is until it is whole."""
    return directory / f".{name}.partial"


@contextlib.contextmanager
def made(directory: Path, name: str) -> Iterator[Path]:
    """Make the directory for the backup `name` in `directory`, and mark it while this lasts."""
    partial = place(directory, name)
    with contextlib.ExitStack() as stack:
        # One at a time: nobody may find it between its making and its mark.
        with removal.locked(directory):
            partial.mkdir(mode=0o700)
            stack.enter_context(removal.locked(partial))
        yield partial


def discard(folder: Path, made_here: os.stat_result) -> None:
    """Remove an archive that the caller has made and that is not one; never raises.

    `made_here` is what the caller has seen of it when it was made: another directory that has its
    name by now stays.
    """
    with (
        contextlib.suppress(OSError),
        removal.opened(folder.parent) as parent,
        removal.opened_within(parent, folder.name) as found,
    ):
        about = os.fstat(found)
        if (about.st_dev, about.st_ino) == (made_here.st_dev, made_here.st_ino):
            removal.remove(found, parent, folder.name)


def sweep(directory: Path) -> list[Swept]:
    """Remove the unfinished backups that nobody works on; returns each.

    What cannot be looked at or removed is left alone, and so is a directory of somebody else, or
    with anything in it that pg_dump does not write.
    """
    swept: list[Swept] = []
    with contextlib.suppress(OSError), removal.locked(directory) as parent:
        for name in removal.names(parent):
            found = _NAME.fullmatch(name)
            if not found:
                continue
            with contextlib.suppress(OSError), removal.opened_within(parent, name) as partial:
                size = _size(partial) if _is_free(partial) else None
                if size is None:
                    continue
                removal.remove(partial, parent, name)
                swept.append(Swept(str(directory / name), size))
                _remove_record(parent, directory / f"{found['backup']}.dump")
    return swept


def _size(partial: int) -> int | None:
    """Bytes of the files of an archive, None where something else is there."""
    size = 0
    for name in removal.names(partial):
        about = os.stat(name, dir_fd=partial, follow_symlinks=False)
        if not _FILE.fullmatch(name) or not stat.S_ISREG(about.st_mode):
            return None
        size += about.st_size
    return size


def _remove_record(parent: int, dump: Path) -> None:
    """Remove the record of a backup whose end came just before it was given its name."""
    name = dump.with_suffix(".json").name
    with contextlib.suppress(OSError):
        if _is_there(parent, dump.name):
            return
        text = removal.read_small(parent, name)
        about = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if about.st_uid == os.geteuid() and _is_about(text, dump):
            os.unlink(name, dir_fd=parent)


def _is_there(parent: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_about(text: str, dump: Path) -> bool:
    """Whether a record may be of this backup: it names no other, or was cut."""
    try:
        record = json.loads(text)
    except ValueError:
        return True
    return isinstance(record, dict) and record.get("file", str(dump)) == str(dump)


def _is_free(partial: int) -> bool:
    try:
        fcntl.flock(partial, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
