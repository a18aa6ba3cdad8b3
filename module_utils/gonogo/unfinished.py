"""An unfinished backup: a directory with a temporary name, and a mark of who works on it.

The mark is a lock of the file system. It ends with the process, however that ends, so whatever
is found without one is dead: up to as large as the database, and nobody will ever finish it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["made", "sweep"]

# Nothing but what runs of this project have made: DATABASE-RUN_ID.
_NAME = re.compile(r"\.(?P<backup>.+-\d{8}T\d{6}Z-[0-9a-f]{6})\.partial")


@contextlib.contextmanager
def made(directory: Path, name: str) -> Iterator[Path]:
    """Make the directory for the backup `name` in `directory`, and mark it while this lasts."""
    partial = directory / f".{name}.partial"
    with contextlib.ExitStack() as stack:
        # One at a time: nobody may find it between its making and its mark.
        with _locked(directory):
            partial.mkdir(mode=0o700)
            stack.enter_context(_locked(partial))
        yield partial


def sweep(directory: Path) -> list[dict[str, Any]]:
    """Remove the unfinished backups that nobody works on; returns file and size (bytes) of each.

    What cannot be looked at or removed is left alone.
    """
    swept: list[dict[str, Any]] = []
    with contextlib.suppress(OSError), _locked(directory):
        for partial in sorted(directory.iterdir()):
            found = _NAME.fullmatch(partial.name)
            with contextlib.suppress(OSError):
                if found and not partial.is_symlink() and _is_dead(partial):
                    size = sum(file.stat().st_size for file in partial.iterdir())
                    shutil.rmtree(partial)
                    swept.append({"file": str(partial), "size": size})
                    if not (directory / f"{found['backup']}.dump").exists():
                        # Its record, if the end came just before it was given its name.
                        (directory / f"{found['backup']}.json").unlink(missing_ok=True)
    return swept


def _is_dead(partial: Path) -> bool:
    with contextlib.suppress(OSError), _opened(partial) as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with _opened(directory) as descriptor:
        with contextlib.suppress(OSError):
            # On a file system without such locks nothing is swept either.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
