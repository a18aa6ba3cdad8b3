"""The open run of a process: how its later stages find the directory its first stage made.

A note in the folder of the runs names the run, and the process that works on it.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ...contract import canonical
from ...contract.errors import GonogoError, shown
from ...contract.records.reading import RecordError, plain, read
from ...contract.records.run import Process, RunRecord
from . import disk
from .chain import sealed as _sealed
from .names import CHAIN, ENVIRONMENT, RUN_ID
from .parsing import parse

_POINTERS = ".open"
_RECORD = "run.json"
# Characters of a host in the name of a file.
HOST_LIMIT = 150
_HALF_WRITTEN = re.compile(r"\.(?P<process>(?P<host>[0-9a-f]{8})-[0-9a-f]{8}-(?P<pid>\d{1,9}))-")


def controller_identity(pid: int) -> Process:
    """Return what tells a process from every other.

    `start` is the boot id and the start time in clock ticks where /proc says them, otherwise
    what `ps` says.
    """
    return Process(host=socket.gethostname(), pid=pid, start=_start(pid))


def is_alive(identity: Process) -> bool | None:
    """Say whether that very process still runs; None if it cannot be told from here."""
    pid = identity.pid
    if identity.host != socket.gethostname() or pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists, and belongs to somebody else
    start = _start(pid)
    if start is None or identity.start is None:
        return None
    return start == identity.start


def is_abandoned(runs_dir: Path, run: Path, *, besides: Process) -> bool:
    """Say whether nobody works on a run any more; False if that cannot be told from here.

    The process that opened it does, and so does one that removes its rows; that of `besides` does
    not count. Sessions are ended by this answer, so a record that was changed is none.
    """
    try:
        raw = disk.read(run / _RECORD)
        opened_by = read(RunRecord, parse(raw), file=_RECORD).controller
        # A run that was cut in this moment has written it, and not yet said so.
        sealed = _sealed(disk.read(run / CHAIN)).get(_RECORD, canonical.sha256(raw))
    except (OSError, ValueError, RecordError):
        return False
    if sealed != canonical.sha256(raw):
        return False
    name = run.relative_to(runs_dir).as_posix()
    noted = [note.process for note in _notes(runs_dir).values() if note.run == name]
    others = [who for who in (opened_by, *noted) if who != besides]
    return all(is_alive(who) is False for who in others)


def point_to(runs_dir: Path, *, identity: Process, inventory_host: str, run: Path) -> None:
    """Note that this process works on `run` for this host; an earlier note is replaced."""
    with disk.explained("note the open run"):
        disk.make_dir(runs_dir / _POINTERS)
        record = {"run": run.relative_to(runs_dir).as_posix(), **plain(identity)}
        disk.replace(
            _pointer(runs_dir, identity, inventory_host), (canonical.line(record) + "\n").encode()
        )


def find_open(runs_dir: Path, *, identity: Process, inventory_host: str) -> Path | None:
    """Return the directory this process works on for this host, None if it opened none.

    Notes of processes that are gone are removed. Raises `GonogoError` for a damaged note.
    """
    _forget_the_dead(runs_dir)
    pointer = _pointer(runs_dir, identity, inventory_host)
    try:
        with disk.explained("read which run is open"):
            if not pointer.exists():
                return None
            name = _note(pointer).run
    except (ValueError, RecordError):
        name = ""
    environment, _, run_id = name.partition("/")
    if not (ENVIRONMENT.fullmatch(environment) and RUN_ID.fullmatch(run_id)):
        raise GonogoError(
            "the note of the open run is damaged",
            detail=shown(str(pointer), limit=disk.PATH_LIMIT),
            hint="Remove that file, then start a new run.",
        )
    return runs_dir / environment / run_id


def close_pointer(runs_dir: Path, *, identity: Process, inventory_host: str) -> None:
    """Remove the note of the open run; it is fine if there is none."""
    with disk.explained("remove the note of the open run"):
        _pointer(runs_dir, identity, inventory_host).unlink(missing_ok=True)


def _pointer(runs_dir: Path, identity: Process, inventory_host: str) -> Path:
    host = quote(inventory_host, safe="")
    if len(host) > HOST_LIMIT:
        host = canonical.sha256(host)
    return runs_dir / _POINTERS / f"{_process_name(identity)}-{host}"


def _process_name(identity: Process) -> str:
    digests = (canonical.sha256(canonical.line(one))[:8] for one in (identity.host, identity.start))
    return "-".join([*digests, str(identity.pid)])


@dataclass(frozen=True)
class _Note:
    """`run` is ENVIRONMENT/RUN_ID; the others are of the process that works on it."""

    run: str
    host: str
    pid: int
    start: str | None

    @property
    def process(self) -> Process:
        return Process(host=self.host, pid=self.pid, start=self.start)


def _note(path: Path) -> _Note:
    """Raises OSError, ValueError for what is no JSON, RecordError for what is no note."""
    return read(_Note, parse(disk.read(path)), file=path.name)


def _notes(runs_dir: Path) -> dict[Path, _Note]:
    """Every note that can be read, by its file."""
    found = {}
    for name in disk.names_in(runs_dir / _POINTERS):
        path = runs_dir / _POINTERS / name
        with contextlib.suppress(OSError, ValueError, RecordError):
            found[path] = _note(path)
    return found


def _forget_the_dead(runs_dir: Path) -> None:
    for path, note in _notes(runs_dir).items():
        if is_alive(note.process) is False:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    _forget_the_half_written(runs_dir)


def _forget_the_half_written(runs_dir: Path) -> None:
    """A note that was cut while it was written may be empty; its name says whose it was."""
    with contextlib.suppress(OSError):
        for path in (runs_dir / _POINTERS).glob(".*"):
            found = _HALF_WRITTEN.match(path.name)
            if not found:
                continue
            now = _process_name(controller_identity(int(found["pid"])))
            here = now.partition("-")[0] == found["host"]
            if here and now != found["process"]:
                path.unlink(missing_ok=True)


def _start(pid: int) -> str | None:
    try:
        # The name in field 2 may hold spaces and parentheses; the state is what follows it.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Dead, only not yet collected by its parent: the start of no process.
        return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    except (OSError, IndexError):
        return _start_by_ps(pid)


def _start_by_ps(pid: int) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a number is all that varies
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - where it is differs by system
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return " ".join(answer.stdout.split()) or None
