"""How much of the same a host does at once: whoever comes later waits for a turn.

A turn is a lock of the file system, so it ends with the last process that has it, however that
ends. Its file says how much room the run still needs, for whoever comes meanwhile: what is promised
to one run is not there for another.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from ...contract.errors import GonogoError
from .private import make_private

__all__ = ["Asked", "Turn", "directory_beside", "taken"]

_NAME = re.compile(r"[a-z]+-\d{1,6}")
_GATE = "gate"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_POLL_SECONDS = 0.5
_SMALL_BYTES = 4096


@dataclass(frozen=True)
class Asked:
    """A turn that is asked for.

    At most `at_once` of this `kind` are given; `timeout` is in seconds. The run needs `needs` bytes
    in the file system of `where`, and what it has had of them lies in `grows`.
    """

    directory: Path
    kind: str
    run_id: str
    at_once: int
    timeout: float
    needs: int
    where: Path
    grows: Path


@dataclass(frozen=True)
class Turn:
    """`descriptor` holds it, also in a process that has it from this one; `waited`: seconds."""

    asked: Asked
    descriptor: int
    waited: float

    def done(self) -> None:
        """The room is taken by now: nothing is promised any more."""
        with _gate(self.asked.directory):
            _write(self.descriptor, self.asked, needs=0)


def directory_beside(directory: Path) -> Path:
    """Where the turns are, beside the directory of the backups or of the twins."""
    return directory.parent / "turns"


@contextlib.contextmanager
def taken(asked: Asked, still: Callable[[], None]) -> Iterator[Turn]:
    """Have a turn while this lasts.

    `still` is called while it is waited for, and raises where that is for nothing. Raises
    GonogoError when no turn comes.
    """
    turn = _waited_for(asked, still)
    try:
        yield turn
    finally:
        os.close(turn.descriptor)


def _waited_for(asked: Asked, still: Callable[[], None]) -> Turn:
    make_private(asked.directory)
    started = time.monotonic()
    while True:
        with _gate(asked.directory):
            descriptor = _tried(asked)
        waited = time.monotonic() - started
        if descriptor is not None:
            return Turn(asked, descriptor, waited)
        still()
        if waited > asked.timeout:
            raise GonogoError(
                f"no turn for the {asked.kind} has come within {asked.timeout:.0f} seconds",
                detail=_at_work(asked),
                hint="Run the playbook again when they are done; see the variables "
                "backup_at_once and twin_at_once.",
            )
        time.sleep(_POLL_SECONDS)


def _tried(asked: Asked) -> int | None:
    """The descriptor of a turn that is free, None where there is none or no room."""
    for number in range(asked.at_once):
        descriptor = os.open(asked.directory / f"{asked.kind}-{number}", _FLAGS, 0o600)
        if _is_free(descriptor, fcntl.LOCK_EX):
            if _has_room(asked, besides=number):
                _write(descriptor, asked, needs=asked.needs)
                return descriptor
            os.close(descriptor)
            return None
        os.close(descriptor)
    return None


def _has_room(asked: Asked, *, besides: int) -> bool:
    """Whether there is room beside what others still need. Where nothing is promised, whoever asks
    looks for himself."""
    place = asked.where
    while not place.exists():
        place = place.parent
    device, promised = place.stat().st_dev, 0
    for name, other in _others(asked.directory).items():
        if name != f"{asked.kind}-{besides}" and other.get("device") == device:
            promised += max(0, _number(other.get("needs")) - _size(Path(str(other.get("grows")))))
    return not promised or shutil.disk_usage(place).free - promised >= asked.needs


def _others(directory: Path) -> dict[str, Mapping[str, object]]:
    """What is said in each turn that somebody has."""
    found: dict[str, Mapping[str, object]] = {}
    for path in sorted(directory.iterdir()):
        if not _NAME.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if _is_free(descriptor, fcntl.LOCK_SH):
                    continue
                said = json.loads(os.pread(descriptor, _SMALL_BYTES, 0))
            finally:
                os.close(descriptor)
            if isinstance(said, dict):
                found[path.name] = said
    return found


def _at_work(asked: Asked) -> str:
    runs = sorted({str(one.get("run_id")) for one in _others(asked.directory).values()})
    return f"At once: {asked.at_once}. At work on this host: {', '.join(runs) or 'nobody'}."


def _write(descriptor: int, asked: Asked, *, needs: int) -> None:
    place = asked.where
    while not place.exists():
        place = place.parent
    said = {
        "run_id": asked.run_id,
        "needs": needs,
        "device": place.stat().st_dev,
        "grows": str(asked.grows),
    }
    # Where it cannot be written the disk is full, and nothing can be promised.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(said).encode(), 0)


def _is_free(descriptor: int, lock: int) -> bool:
    """Whether nobody has it; whoever asks has it from then on. A file system that knows no locks
    has no limits."""
    try:
        fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _size(tree: Path) -> int:
    size = 0
    for path in tree.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size


@contextlib.contextmanager
def _gate(directory: Path) -> Iterator[None]:
    """One at a time: what is free is taken by whoever has found it."""
    descriptor = os.open(directory / _GATE, _FLAGS, 0o600)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
