"""The directories of a twin, and the mark that they carry.

`DIRECTORY/RUN_ID` belongs to the caller and is locked as long as the twin has a supervisor: the
lock ends with that process, however it ends. The server's files lie there too. They lie in a
directory for temporary files instead where the server's account cannot get to the first one; only
the socket lies there where its path would be too long. `directories.json` names the directories
outside of the first one.

A name proves nothing. All directories of one twin carry its mark: an empty file with a random
number in its name. A directory without the mark, or with another one, is not removed, whoever names
it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from ...contract.records.swept import Swept
from ...contract.run_id import PATTERN
from ..files import removal
from ..files.private import make_private
from ..restore.errors import UnprovenError
from . import server, sharedmemory
from .account import Account

__all__ = [
    "Directories",
    "files_of",
    "free_bytes",
    "is_dead",
    "make",
    "note",
    "remove",
    "room",
    "sockets_of",
    "sweep",
]

# Nothing but what runs of this project have made.
_NAME = re.compile(PATTERN)
_ELSEWHERE = "directories.json"
_MARK = ".gonogo-twin-"
_MARK_NAME = re.compile(rf"{re.escape(_MARK)}[0-9a-f]{{32}}")
_OUTSIDE = "gonogo-twin-"
_OUTSIDE_NAME = re.compile(rf"{_OUTSIDE}[0-9a-f]{{12}}")
# sockaddr_un.sun_path has 108 bytes on Linux and 104 elsewhere, with the zero at the end.
_SOCKET_BYTES = 103
_SOCKET_NAME = ".s.PGSQL.65535.lock"
_REMOVE_SECONDS = 5.0
# Where everybody may make directories. The names are random and made exclusively.
_SHARED = ("/var/tmp", "/tmp")  # noqa: S108


@dataclass(frozen=True)
class Directories:
    """`home` is marked; `data` and `sockets` are the server's; `log` is what it says."""

    home: Path
    data: Path
    sockets: Path
    log: Path


def make(directory: Path, run_id: str, account: Account) -> tuple[Directories, int]:
    """Make the directories for this run's twin; returns them and the descriptor of the lock.

    Raises UnprovenError when there is no directory that the account can use.
    """
    make_private(directory)
    home = directory / run_id
    mark = f"{_MARK}{secrets.token_hex(16)}"
    # One at a time: nobody may find it between its making and its lock.
    with _locked(directory):
        home.mkdir(mode=0o700)
        lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        (home / mark).touch(mode=0o600, exist_ok=False)
    outside: list[str] = []

    def elsewhere(parent: str) -> Path:
        # Named before it is made: whoever finds the name removes what there is.
        made = Path(parent) / f"{_OUTSIDE}{secrets.token_hex(6)}"
        outside.append(str(made))
        note(home / _ELSEWHERE, json.dumps(outside))
        made.mkdir(mode=0o711 if account.switch else 0o700)
        (made / mark).touch(mode=0o600, exist_ok=False)
        if account.switch:
            # It stays root's, so that nobody can put anything in root's way.
            made.chmod(0o711)
        return made

    def given_up(made: Path) -> None:
        with _found(made, mark) as (parent, found):
            removal.remove(found, parent, made.name, last=mark)

    runtime = _usable(account, elsewhere, given_up) if account.switch else home
    data, sockets = runtime / "data", runtime / "socket"
    if len(os.fsencode(sockets / _SOCKET_NAME)) > _SOCKET_BYTES:
        sockets = elsewhere(_parents()[0]) / "socket"
    for path in (data, sockets):
        if not path.is_dir():
            path.mkdir(mode=0o700)
            account.own(path)
    log = home / "server.log"
    log.touch(mode=0o600)
    return Directories(home, data, sockets, log), lock


def note(path: Path, text: str) -> None:
    """Write a small file that only its owner can read."""
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def remove(home: Path) -> None:
    """Remove all of a twin that has no supervisor; does nothing where nothing of it is left."""
    with contextlib.suppress(OSError), _found(home, None) as (parent, found):
        _remove(home, parent, found)


def sockets_of(home: Path) -> set[str]:
    """The directories where the socket of a twin can be."""
    with contextlib.suppress(OSError), _found(home, None) as (_, found):
        return {str(path / "socket") for path in (home, *_outside(home, _mark_in(found)))}
    return set()


def files_of(home: Path) -> int:
    """How many files and directories are left of a twin."""
    outside: list[Path] = []
    with contextlib.suppress(OSError), _found(home, None) as (_, found):
        outside = _outside(home, _mark_in(found))
    return sum(1 for tree in (home, *outside) for _ in tree.rglob("*"))


def is_dead(home: Path) -> bool:
    """Whether this twin has no supervisor."""
    try:
        with removal.opened(home) as found:
            return _is_free(found)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def sweep(directory: Path) -> list[Swept]:
    """Remove the twins that have no supervisor; returns each.

    What is not proven to be a twin of the caller's, or cannot be removed, is left alone.
    """
    swept: list[Swept] = []
    with contextlib.suppress(OSError), _locked(directory):
        for home in sorted(directory.iterdir()):
            if not _NAME.fullmatch(home.name):
                continue
            with contextlib.suppress(OSError), _found(home, None) as (parent, found):
                if _is_free(found):
                    outside = _outside(home, _mark_in(found))
                    size = sum(_size(tree) for tree in (home, *outside))
                    _remove(home, parent, found)
                    if not home.exists():
                        swept.append(Swept(str(home), size))
    return swept


def room(directory: Path, account: Account) -> Path:
    """Where the server's files are going to be, or in which file system."""
    return Path(_parents()[0]) if account.switch else directory


def free_bytes(directories: Directories) -> int:
    """Free bytes where the server's files go."""
    return shutil.disk_usage(directories.data).free


def _usable(
    account: Account, elsewhere: Callable[[str], Path], given_up: Callable[[Path], None]
) -> Path:
    """A directory for the server's own files that its account can enter."""
    parents = _parents()
    for parent in parents:
        runtime = elsewhere(parent)
        data = runtime / "data"
        data.mkdir(mode=0o700)
        account.own(data)
        if account.can_enter(data):
            return runtime
        given_up(runtime)
    raise UnprovenError(
        f"no directory that the account {account.name} can use",
        detail=f"The server cannot run as root. Tried: {', '.join(parents)}.",
        hint="Log in to the target host as an ordinary user.",
    )


def _parents() -> list[str]:
    """Directories for temporary files, the roomiest first."""
    found = [parent for parent in (*_SHARED, tempfile.gettempdir()) if Path(parent).is_dir()]
    return sorted(dict.fromkeys(found), key=lambda parent: -shutil.disk_usage(parent).free)


@contextlib.contextmanager
def _found(path: Path, mark: str | None) -> Iterator[tuple[int, int]]:
    """Descriptors of a directory above and of a twin's directory in it.

    `mark` is the one that it must have, None where any will do. Raises OSError where it is not the
    caller's alone, or has no such mark; one that is empty was ended before it got it.
    """
    with removal.opened(path.parent) as parent, removal.opened_within(parent, path.name) as found:
        has = _mark_in(found)
        if (has is None or mark not in (None, has)) and removal.names(found):
            raise removal.NotOursError(errno.EPERM, "not the directory of a twin", str(path))
        yield parent, found


def _mark_in(directory: int) -> str | None:
    """The mark of a directory; None where it has none, or several."""
    marks = [name for name in removal.names(directory) if name.startswith(_MARK)]
    if len(marks) != 1 or not _MARK_NAME.fullmatch(marks[0]):
        return None
    about = os.stat(marks[0], dir_fd=directory, follow_symlinks=False)
    plain = stat.S_ISREG(about.st_mode) and about.st_size == 0 and about.st_nlink == 1
    return marks[0] if plain and about.st_uid == os.geteuid() else None


def _outside(home: Path, mark: str | None) -> list[Path]:
    """The twin's directories outside of `home`: those that are named there and have its mark."""
    found: list[Path] = []
    if mark is None:
        return found
    with contextlib.suppress(OSError, ValueError):
        with removal.opened(home) as directory:
            names = json.loads(removal.read_small(directory, _ELSEWHERE))
        for name in names if isinstance(names, list) else []:
            path = Path(str(name))
            if _OUTSIDE_NAME.fullmatch(path.name) and path.is_absolute():
                with contextlib.suppress(OSError, ValueError), _found(path, mark):
                    found.append(path)
    return found


def _size(tree: Path) -> int:
    size = 0
    for path in tree.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size


def _remove(home: Path, parent: int, found: int) -> None:
    """Remove a twin. The directory that says what belongs to the twin goes last."""
    mark = _mark_in(found)
    outside = _outside(home, mark)
    for runtime in (home, *outside):
        server.end_orphan(runtime / "data")
        sharedmemory.release(runtime / "data")
    gone = True
    for runtime in outside:
        with contextlib.suppress(OSError), _found(runtime, mark) as (above, directory):
            gone = _remove_one(directory, above, runtime.name, mark) and gone
    # Where something is left, the next sweep has to find what says where it is.
    if gone:
        _remove_one(found, parent, home.name, mark)


def _remove_one(directory: int, parent: int, name: str, mark: str | None) -> bool:
    """Remove one directory; whether it is gone. A backend of a killed server may still write for a
    moment."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        with contextlib.suppress(OSError):
            removal.remove(directory, parent, name, last=mark)
        if not removal.is_same(directory, parent, name):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def _is_free(directory: int) -> bool:
    """Whether nobody has the lock of this directory; whoever asks has it from then on."""
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with removal.opened(directory) as descriptor:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
