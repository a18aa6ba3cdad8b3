"""The directories of a twin, and the mark of who keeps it.

`DIRECTORY/RUN_ID` belongs to the caller and carries the mark, a lock of the file system that ends
with the keeper, however that ends. What the server owns lies in it too, or, where its account
cannot get there, in a directory for temporary files; where the path of the socket would be too
long, only the socket lies there. `places.json` names those.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from ..files import make_private
from . import server, sharedmemory
from .account import Account
from .errors import UnprovenError

__all__ = ["Place", "free_bytes", "is_dead", "make", "note", "remove", "sweep"]

# Nothing but what runs of this project have made.
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_PLACES = "places.json"
# sockaddr_un.sun_path has 108 bytes on Linux and 104 elsewhere, with the zero at the end.
_SOCKET_BYTES = 103
_SOCKET_NAME = ".s.PGSQL.65535.lock"
_REMOVE_SECONDS = 5.0
# Where everybody may make directories. The names are random and made exclusively.
_SHARED = ("/var/tmp", "/tmp")  # noqa: S108


@dataclass(frozen=True)
class Place:
    """`home` is marked; `data` and `sockets` are the server's; `log` is what it says."""

    home: Path
    data: Path
    sockets: Path
    log: Path


def make(directory: Path, run_id: str, account: Account) -> tuple[Place, int]:
    """Make the directories for this run's twin; returns them and the descriptor of the mark.

    Raises UnprovenError when there is no place that the account can use.
    """
    make_private(directory)
    home = directory / run_id
    # One at a time: nobody may find it between its making and its mark.
    with _locked(directory):
        home.mkdir(mode=0o700)
        mark = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            fcntl.flock(mark, fcntl.LOCK_EX)
    outside: list[str] = []

    def elsewhere(parent: str) -> Path:
        # Named before it is made: whoever finds the name removes what there is.
        made = Path(parent) / f"gonogo-twin-{secrets.token_hex(6)}"
        outside.append(str(made))
        note(home / _PLACES, json.dumps(outside))
        made.mkdir(mode=0o711 if account.switch else 0o700)
        if account.switch:
            # It stays root's, so that nobody can put anything in root's way.
            made.chmod(0o711)
        return made

    runtime = _usable(account, elsewhere) if account.switch else home
    data, sockets = runtime / "data", runtime / "socket"
    if len(os.fsencode(sockets / _SOCKET_NAME)) > _SOCKET_BYTES:
        sockets = elsewhere(_parents()[0]) / "socket"
    for path in (data, sockets):
        if not path.is_dir():
            path.mkdir(mode=0o700)
            account.own(path)
    log = home / "server.log"
    log.touch(mode=0o600)
    return Place(home, data, sockets, log), mark


def note(path: Path, text: str) -> None:
    """Write a small file that only its owner can read."""
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def remove(home: Path) -> None:
    """Remove all of a twin that nobody keeps; does nothing where nothing is left."""
    for runtime in (home, *_outside(home)):
        server.end_orphan(runtime / "data")
        sharedmemory.release(runtime / "data")
    for runtime in _outside(home):
        _remove(runtime)
    _remove(home)


def is_dead(home: Path) -> bool:
    """Whether nobody keeps this twin."""
    try:
        mark = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(mark)


def sweep(directory: Path) -> list[dict[str, Any]]:
    """Remove the twins that nobody keeps; returns file and size (bytes) of each."""
    swept: list[dict[str, Any]] = []
    with contextlib.suppress(OSError), _locked(directory):
        for home in sorted(directory.iterdir()):
            if _NAME.fullmatch(home.name) and not home.is_symlink() and is_dead(home):
                size = sum(_size(tree) for tree in (home, *_outside(home)))
                remove(home)
                swept.append({"file": str(home), "size": size})
    return swept


def free_bytes(place: Place) -> int:
    """Free bytes where the server's files go."""
    return shutil.disk_usage(place.data).free


def _usable(account: Account, elsewhere: Callable[[str], Path]) -> Path:
    """A directory for the server's own files that its account can enter."""
    parents = _parents()
    for parent in parents:
        runtime = elsewhere(parent)
        data = runtime / "data"
        data.mkdir(mode=0o700)
        account.own(data)
        if account.can_enter(data):
            return runtime
        _remove(runtime)
    raise UnprovenError(
        f"no directory that the account {account.name} can use",
        detail=f"The server cannot run as root. Tried: {', '.join(parents)}.",
        hint="Log in to the target host as an ordinary user.",
    )


def _parents() -> list[str]:
    """Directories for temporary files, the roomiest first."""
    found = [parent for parent in (*_SHARED, tempfile.gettempdir()) if Path(parent).is_dir()]
    return sorted(dict.fromkeys(found), key=lambda parent: -shutil.disk_usage(parent).free)


def _outside(home: Path) -> list[Path]:
    """What belongs to the twin and lies elsewhere. Nothing that is not the caller's own."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for name in json.loads((home / _PLACES).read_text()):
            path = Path(name)
            with contextlib.suppress(OSError):
                if not path.is_symlink() and path.lstat().st_uid == os.geteuid():
                    found.append(path)
    return found


def _size(tree: Path) -> int:
    size = 0
    for path in tree.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size


def _remove(tree: Path) -> None:
    """A backend whose server was killed may still write into it for a moment."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        shutil.rmtree(tree, ignore_errors=True)
        if not tree.exists() or time.monotonic() > deadline:
            return
        time.sleep(0.02)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
