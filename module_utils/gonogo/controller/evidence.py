"""The evidence of a run: a directory that only grows, and a chain of events that seals it.

`Run` writes, `load` reads back and tells every irregularity, and the pointer functions let the
later stages of one `ansible-playbook` process find the run its first stage opened.

Whoever calls this decides what is evidence; secrets and row contents are never part of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import secrets
import socket
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import canonical
from ..errors import GonogoError, InputError, shown
from ..verdict import misfits

__all__ = [
    "DERIVED",
    "EVENTS",
    "Evidence",
    "Run",
    "close_pointer",
    "controller_identity",
    "find_open",
    "is_alive",
    "load",
    "new_run_id",
    "new_token",
    "point_to",
]

CHAIN = "events.jsonl"
# What the engine reads back; `sql/` belongs to it too.
SEALED = ("run.json", "plan.json", "facts.json", "checks.jsonl", "backup.json", "ledger.jsonl")
# What follows from the evidence and can be made again from it: not part of the chain.
DERIVED = ("verdict.json", "report.md", "report.html", "junit.xml")
EVENTS = ("opened", "wrote", "stage_passed", "stage_failed", "checks", "closed")

# Characters of a path in a message, and of a host in the name of a file.
PATH_LIMIT = 300
HOST_LIMIT = 150

_FIELDS = {"seq", "at", "stage", "event", "data", "prev", "hash"}
_START = "0" * 64
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)?")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def new_run_id(now: datetime) -> str:
    """Return a run id that sorts by time: `20260131T120000Z-` and 6 random hex digits.

    `now` must know its time zone.
    """
    if now.tzinfo is None:
        raise ValueError("a run id needs a time with its zone")
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def new_token() -> str:
    """Return the 10 random lower-case hex digits every id of the run's test rows is made from."""
    return secrets.token_hex(5)


# --- writing ------------------------------------------------------------------------------------


class Run:
    """One run's directory, open for writing.

    Every method raises `GonogoError` when the file system refuses. Stages may run in different
    processes: writers take turns by a lock on the chain.
    """

    def __init__(self, path: Path, *, clock: Clock = _utc_now) -> None:
        self.path = path
        self.run_id = path.name
        self.environment = path.parent.name
        self._clock = clock

    @classmethod
    def create(
        cls, runs_dir: Path, environment: str, run_id: str, *, clock: Clock = _utc_now
    ) -> Run:
        """Make `runs_dir/environment/run_id` (0700) and open its chain.

        Raises `InputError` for names that are none, `GonogoError` if the directory exists.
        """
        for key, value, pattern in (
            ("environment", environment, _ENVIRONMENT),
            ("run_id", run_id, _RUN_ID),
        ):
            if not pattern.fullmatch(value):
                raise InputError(f"{key} cannot name a directory of evidence", key=key, value=value)
        path = runs_dir / environment / run_id
        if os.path.lexists(path):
            raise GonogoError(
                "the evidence directory of this run exists already",
                detail=shown(str(path), limit=PATH_LIMIT),
                hint="Evidence is never written over; start a new run.",
            )
        with _explained("create the evidence directory"):
            for folder in (*reversed(runs_dir.parents), runs_dir, path.parent):
                _make_dir(folder)
            path.mkdir(0o700)
            path.chmod(0o700)
            os.close(_new_file(path / CHAIN))
            _sync_dir(path)
        run = cls(path, clock=clock)
        run.append("run", "opened", {"run_id": run_id, "environment": environment})
        return run

    @classmethod
    def open(cls, path: Path, *, clock: Clock = _utc_now) -> Run:
        """Return the run in an existing directory. Raises `GonogoError` if there is none."""
        if path.is_symlink() or not path.is_dir():
            raise GonogoError(
                "there is no evidence directory", detail=f'looked for "{shown(str(path))}"'
            )
        return cls(path, clock=clock)

    def append(
        self, stage: str, event: str, data: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Add an event to the chain, on disk when this returns; return it as written."""
        with self._turn() as chain:
            return self._append(chain, stage, event, data or {})

    def write(self, name: str, content: str | bytes, *, stage: str) -> str:
        """Write or replace a file (`plan.json`, `sql/04_invariants.sql`); return its SHA-256.

        The file has its old content or the new one, never a part, and the chain says which.
        """
        self._refuse(name, (*DERIVED, CHAIN))
        with self._turn() as chain:
            return self._write(chain, name, content, stage)

    def write_json(self, name: str, value: object, *, stage: str) -> str:
        """Write a value as canonical JSON, as `write` does."""
        return self.write(name, canonical.dumps(value), stage=stage)

    def append_lines(self, name: str, records: Iterable[Mapping[str, Any]], *, stage: str) -> str:
        """Add records to a `.jsonl` file, one canonical line each; return the file's SHA-256."""
        self._refuse(name, (*DERIVED, CHAIN))
        added = "".join(canonical.line(record) + "\n" for record in records).encode()
        with self._turn() as chain:
            with _explained(f"read {name}"):
                before = _read(self.path / name) if (self.path / name).exists() else b""
            return self._write(chain, name, before + added, stage)

    def publish(self, name: str, content: str | bytes) -> None:
        """Write what follows from the evidence (one of `DERIVED`); no event speaks of it."""
        if name not in DERIVED:
            raise ValueError(f"{name} is evidence: it has to be written with write")
        with _explained(f"write {name}"):
            _replace(self.path / name, _bytes(content))

    def read_bytes(self, name: str) -> bytes:
        """Return a file's content. Raises `GonogoError` if it is missing or no plain file."""
        self._refuse(name, ())
        with _explained(f"read {name}"):
            return _read(self.path / name)

    def read_json(self, name: str) -> Any:
        """Return the value in a JSON file. Raises `GonogoError` if missing or not JSON."""
        try:
            return _parse(self.read_bytes(name))
        except ValueError as error:
            raise GonogoError(f"{name} is not JSON", detail=str(error)) from None

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """Return the records of a `.jsonl` file. Raises `GonogoError` for a missing or bad one."""
        records, problems = _records(name, self.read_bytes(name))
        if problems:
            raise GonogoError(f"{name} is damaged", detail=problems[0])
        return records

    @staticmethod
    def _refuse(name: str, names: Sequence[str]) -> None:
        if name in names or not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a file of evidence")

    @contextlib.contextmanager
    def _turn(self) -> Iterator[int]:
        """Hold the chain: a file descriptor no other writer has until this ends."""
        with _explained(f"open {CHAIN}"):
            chain = os.open(
                self.path / CHAIN, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        try:
            with _explained(f"lock {CHAIN}"):
                fcntl.flock(chain, fcntl.LOCK_EX)
            yield chain
        finally:
            os.close(chain)

    def _write(self, chain: int, name: str, content: str | bytes, stage: str) -> str:
        raw = _bytes(content)
        with _explained(f"write {name}"):
            if "/" in name:
                _make_dir((self.path / name).parent)
            _replace(self.path / name, raw)
        digest = canonical.sha256(raw)
        self._append(chain, stage, "wrote", {"file": name, "sha256": digest})
        return digest

    def _append(
        self, chain: int, stage: str, event: str, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        if event not in EVENTS:
            raise ValueError(f"{event!r} is no event of the chain")
        with _explained(f"write {CHAIN}"):
            size = os.fstat(chain).st_size
            seq, prev = _tail(os.pread(chain, size, 0))
            record: dict[str, Any] = {
                "seq": seq + 1,
                "at": f"{self._clock().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "stage": stage,
                "event": event,
                "data": dict(data),
                "prev": prev,
            }
            record["hash"] = _event_hash(record)
            try:
                _write_all(chain, (canonical.line(record) + "\n").encode())
                os.fsync(chain)
            except OSError:
                os.ftruncate(chain, size)  # half a line would make the whole chain unreadable
                raise
        return record


def _event_hash(record: Mapping[str, Any]) -> str:
    return canonical.sha256(
        canonical.line({key: value for key, value in record.items() if key != "hash"})
    )


def _tail(chain: bytes) -> tuple[int, str]:
    """Return number and hash of the last event; refuse to build on a chain that ends torn."""
    if not chain:
        return 0, _START
    try:
        # The last line with its end: a torn one does not parse.
        text, end = chain[:-1].rpartition(b"\n")[2], chain[-1:]
        last = _parse(text if end == b"\n" else b"")
        return int(last["seq"]), str(last["hash"])
    except (ValueError, KeyError, TypeError):
        raise GonogoError(
            f"the last line of {CHAIN} is damaged",
            hint="This run cannot go on; start a new one.",
        ) from None


@contextlib.contextmanager
def _explained(action: str) -> Iterator[None]:
    """Turn what the file system says into an error for people."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise GonogoError(
            f"cannot {action}",
            detail=f"{reason}: {shown(str(error.filename or ''), limit=PATH_LIMIT)}",
            hint="Look at free space and permissions of the runs directory on the controller.",
        ) from error


def _make_dir(path: Path) -> None:
    """Make a directory of mode 0700, whatever the umask; leave an existing one as it is."""
    if path.is_dir():
        return
    try:
        path.mkdir(0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        path.chmod(0o700)
        _sync_dir(path.parent)


def _new_file(path: Path) -> int:
    """Create a file of mode 0600, whatever the umask; return its descriptor for writing."""
    descriptor = os.open(path, _NEW_FILE, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def _replace(path: Path, content: bytes) -> None:
    """Put content in place in one step that survives a crash."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = _new_file(temporary)
    try:
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_dir(path.parent)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_dir(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


# --- reading back -------------------------------------------------------------------------------


@dataclass
class Evidence:
    """What a directory of evidence says; `problems` tells where it cannot be believed.

    A missing file is None or empty. `events` ends before the first line that does not fit.
    """

    path: Path
    run: dict[str, Any] | None = None
    plan: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    backup: dict[str, Any] | None = None
    ledger: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def load(path: Path) -> Evidence:
    """Read a directory of evidence back and verify it. Never raises for what it finds there."""
    evidence = Evidence(path)
    problems = evidence.problems
    evidence.events = _load_chain(path, problems)
    _verify_digests(path, evidence.events, problems)
    evidence.run = _load_object(path, "run.json", problems)
    evidence.plan = _load_object(path, "plan.json", problems)
    evidence.facts = _load_object(path, "facts.json", problems) or {}
    evidence.backup = _load_object(path, "backup.json", problems)
    evidence.checks = _load_records(path, "checks.jsonl", problems)
    evidence.ledger = _load_records(path, "ledger.jsonl", problems)
    problems += misfits(evidence.plan, evidence.checks)
    _verify_run_id(evidence)
    return evidence


def _load_chain(path: Path, problems: list[str]) -> list[dict[str, Any]]:
    """Return the events up to the first that is not what was written there."""
    raw = _content(path, CHAIN, problems)
    if raw is None:
        problems.append(f"{CHAIN} is missing")
        return []
    events: list[dict[str, Any]] = []
    prev = _START
    for number, text in enumerate(_lines(raw), start=1):
        try:
            event = _parse(text)
            flaw = _flaw(event, text, number, prev)
        except (ValueError, RecursionError):
            flaw = "not an event" if text.endswith(b"\n") else "cut off"
        if flaw:
            problems.append(f"{CHAIN} line {number}: {flaw}; nothing from there on is believed")
            return events
        events.append(event)
        prev = event["hash"]
    if not events:
        problems.append(f"{CHAIN} is empty")
    elif events[0]["event"] != "opened":
        problems.append(f"{CHAIN} line 1: the chain does not begin with opened")
    for number, event in enumerate(events[1:], start=2):
        if event["event"] == "opened":
            problems.append(f"{CHAIN} line {number}: the run is opened a second time")
    return events


def _flaw(event: Any, text: bytes, number: int, prev: str) -> str:
    """Say what is wrong with one line of the chain, if anything is."""
    if not text.endswith(b"\n"):
        return "cut off"
    if not isinstance(event, dict) or set(event) != _FIELDS or not isinstance(event["data"], dict):
        return "not an event"
    if event["seq"] != number or event["prev"] != prev:
        return "does not follow the line before"
    # The spelling counts too: the same line again, not one that means the same.
    if event["hash"] != _event_hash(event) or canonical.line(event).encode() != text[:-1]:
        return "changed after it was written"
    return ""


def _verify_digests(path: Path, events: Sequence[Mapping[str, Any]], problems: list[str]) -> None:
    """Compare every file with the last event that wrote it, and look for files nobody wrote."""
    broken = bool(problems)
    sealed: dict[str, str] = {}
    # What a closed run consists of; a later cleanup may add to it, and change nothing.
    final: set[str] = set()
    for event in events:
        if event["event"] == "closed":
            final = {*SEALED, *sealed}
        if event["event"] != "wrote":
            continue
        name, digest = str(event["data"].get("file")), str(event["data"].get("sha256"))
        if not _NAME.fullmatch(name) or name in DERIVED or name == CHAIN:
            problems.append(f"{CHAIN} line {event['seq']}: wrote no file of evidence")
            continue
        if name in final:
            problems.append(f"{name} was written after the run was closed")
        sealed[name] = digest
    for name, digest in sealed.items():
        raw = _content(path, name, problems)
        if raw is None:
            if not os.path.lexists(path / name):
                problems.append(f"{name} is missing")
        elif canonical.sha256(raw) != digest and not broken:
            problems.append(f"{name} changed after it was written")
    if not broken:
        found = [name for name in SEALED if os.path.lexists(path / name)]
        found += [f"sql/{name}" for name in _names(path / "sql")]
        problems += [f"{name} was written by no stage" for name in found if name not in sealed]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _verify_run_id(evidence: Evidence) -> None:
    """Everything must speak of one run: the directory, its first event, its files, its records."""
    problems = evidence.problems
    if evidence.run is None and not any(text.startswith("run.json ") for text in problems):
        problems.append("run.json is missing")
    known = (evidence.run or {}).get("run_id", evidence.path.name)
    if known != evidence.path.name:
        problems.append(
            f"the directory is called {shown(evidence.path.name)} but holds the run {shown(known)}"
        )
    opened = [event["data"] for event in evidence.events if event["event"] == "opened"]
    if any(data.get("run_id") != known for data in opened):
        problems.append(f"{CHAIN} was opened for another run")
    sources = [("backup.json", [evidence.backup or {}]), ("checks.jsonl", evidence.checks)]
    sources += [("ledger.jsonl", evidence.ledger)]
    for name, records in sources:
        for number, record in enumerate(records, start=1):
            if record.get("run_id", known) != known:
                problems.append(f"{name} record {number} is of another run")
    wanted = (evidence.run or {}).get("environment")
    if evidence.run and any(data.get("environment") != wanted for data in opened):
        problems.append("run.json names another environment than the one the run was opened in")
    present = {str(record.get("check_id")) for record in evidence.checks}
    for event in evidence.events:
        ids = event["data"].get("ids") if event["event"] == "checks" else None
        for check_id in ids if isinstance(ids, list) else []:
            if str(check_id) not in present:
                problems.append(f"check {shown(check_id)} was answered, its result is gone")


def _load_object(path: Path, name: str, problems: list[str]) -> dict[str, Any] | None:
    raw = _content(path, name, problems)
    if raw is None:
        return None
    try:
        value = _parse(raw)
    except ValueError as error:
        problems.append(f"{name} is not JSON: {shown(str(error))}")
        return None
    if not isinstance(value, dict):
        problems.append(f"{name} is not an object")
        return None
    return value


def _load_records(path: Path, name: str, problems: list[str]) -> list[dict[str, Any]]:
    raw = _content(path, name, problems)
    records, found = _records(name, raw or b"")
    problems += found
    return records


def _records(name: str, raw: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects of a `.jsonl` file, and what is wrong with the other lines."""
    records: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, text in enumerate(_lines(raw), start=1):
        try:
            record = _parse(text)
        except ValueError:
            record = None
        if isinstance(record, dict):
            records.append(record)
        if not text.endswith(b"\n"):
            problems.append(f"{name} line {number}: cut off")
        elif not isinstance(record, dict):
            problems.append(f"{name} line {number}: not a record")
    return records, problems


def _lines(raw: bytes) -> list[bytes]:
    """Split at line feeds only: JSON text may hold the other characters that end lines."""
    lines = raw.split(b"\n")
    return [text + b"\n" for text in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _content(path: Path, name: str, problems: list[str]) -> bytes | None:
    """Return a file's bytes; None if it is not there or cannot be read, which is a problem."""
    try:
        return _read(path / name)
    except FileNotFoundError:
        return None
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror or error}"
        if text not in problems:
            problems.append(text)
        return None


def _read(path: Path) -> bytes:
    """Read a plain file; never follow a link, never wait for a pipe."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "not a plain file", str(path))
        return file.read()


def _parse(raw: bytes) -> Any:
    """Return a JSON value. Raises `ValueError` for everything that is none."""
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of a finite size")
    return value


# --- the open run of a process ------------------------------------------------------------------

_POINTERS = ".open"


def controller_identity(pid: int) -> dict[str, Any]:
    """Return what tells a process from every other: `host`, `pid`, `start` (None if unknown).

    `start` is the boot id and the start time in clock ticks where /proc says them, otherwise
    what `ps` says.
    """
    return {"host": socket.gethostname(), "pid": pid, "start": _start(pid)}


def is_alive(identity: Mapping[str, Any]) -> bool | None:
    """Say whether that very process still runs; None if it cannot be told from here."""
    pid = identity.get("pid")
    if identity.get("host") != socket.gethostname() or not isinstance(pid, int) or pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists, and belongs to somebody else
    start = _start(pid)
    if start is None or identity.get("start") is None:
        return None
    return bool(start == identity["start"])


def point_to(
    runs_dir: Path, *, identity: Mapping[str, Any], inventory_host: str, run: Path
) -> None:
    """Note that this process works on `run` for this host; an earlier note is replaced."""
    with _explained("note the open run"):
        _make_dir(runs_dir / _POINTERS)
        record = {"run": run.relative_to(runs_dir).as_posix(), **identity}
        _replace(
            _pointer(runs_dir, identity, inventory_host), (canonical.line(record) + "\n").encode()
        )


def find_open(runs_dir: Path, *, identity: Mapping[str, Any], inventory_host: str) -> Path | None:
    """Return the directory this process works on for this host, None if it opened none.

    Notes of processes that are gone are removed. Raises `GonogoError` for a damaged note.
    """
    _forget_the_dead(runs_dir)
    pointer = _pointer(runs_dir, identity, inventory_host)
    try:
        with _explained("read which run is open"):
            record = _parse(_read(pointer)) if pointer.exists() else None
    except ValueError:
        record = {}
    if record is None:
        return None
    name = record.get("run") if isinstance(record, dict) else None
    environment, _, run_id = name.partition("/") if isinstance(name, str) else ("", "", "")
    if not (_ENVIRONMENT.fullmatch(environment) and _RUN_ID.fullmatch(run_id)):
        raise GonogoError(
            "the note of the open run is damaged", detail=shown(pointer.name, limit=PATH_LIMIT)
        )
    return runs_dir / environment / run_id


def close_pointer(runs_dir: Path, *, identity: Mapping[str, Any], inventory_host: str) -> None:
    """Remove the note of the open run; it is fine if there is none."""
    with _explained("remove the note of the open run"):
        _pointer(runs_dir, identity, inventory_host).unlink(missing_ok=True)


def _pointer(runs_dir: Path, identity: Mapping[str, Any], inventory_host: str) -> Path:
    start = canonical.sha256(canonical.line([identity["host"], identity["start"]]))[:12]
    host = quote(inventory_host, safe="")
    if len(host) > HOST_LIMIT:
        host = canonical.sha256(host)
    return runs_dir / _POINTERS / f"{identity['pid']}-{start}-{host}"


def _forget_the_dead(runs_dir: Path) -> None:
    for name in _names(runs_dir / _POINTERS):
        path = runs_dir / _POINTERS / name
        with contextlib.suppress(OSError, ValueError):
            record = _parse(_read(path))
            if isinstance(record, dict) and is_alive(record) is False:
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
