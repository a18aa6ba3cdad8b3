"""A run's directory while it is written."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ...contract import canonical
from ...contract.errors import GonogoError, InputError, shown
from ...contract.records.event import FORMAT, Event
from ...contract.records.reading import HINT, FileRecord, RecordError, plain, read
from . import disk
from .chain import EVENTS, event_hash, sealed, tail
from .names import CHAIN, DERIVED, ENVIRONMENT, FILE, RUN_ID
from .parsing import parse, records_of
from .record import JsonObject, require_shape

Clock = Callable[[], datetime]
_Record = TypeVar("_Record", bound=FileRecord)


def _utc_now() -> datetime:
    return datetime.now(UTC)


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
            ("environment", environment, ENVIRONMENT),
            ("run_id", run_id, RUN_ID),
        ):
            if not pattern.fullmatch(value):
                raise InputError(f"{key} cannot name a directory of evidence", key=key, value=value)
        path = runs_dir / environment / run_id
        if os.path.lexists(path):
            raise GonogoError(
                "the evidence directory of this run exists already",
                detail=shown(str(path), limit=disk.PATH_LIMIT),
                hint="Evidence is never written over; start a new run.",
            )
        with disk.explained("create the evidence directory"):
            disk.make_dirs(path.parent)
            path.mkdir(0o700)
            path.chmod(0o700)
            os.close(disk.new_file(path / CHAIN))
            disk.sync_dir(path)
        run = cls(path, clock=clock)
        opened = {"run_id": run_id, "environment": environment, "format": FORMAT}
        run.append("run", "opened", opened)
        return run

    @classmethod
    def open(cls, path: Path, *, clock: Clock = _utc_now) -> Run:
        """Return the run in an existing directory. Raises `GonogoError` if there is none."""
        if path.is_symlink() or not path.is_dir():
            raise GonogoError(
                "there is no evidence directory",
                detail=f'looked for "{shown(str(path))}"',
                hint="Name a run whose directory is there: gonogo_runs_dir/ENVIRONMENT/RUN_ID.",
            )
        return cls(path, clock=clock)

    def append(self, stage: str, event: str, data: Mapping[str, object] | None = None) -> Event:
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
        """Write a value, or a record, as canonical JSON, as `write` does."""
        return self.write(name, canonical.dumps(plain(value)), stage=stage)

    def keep(self, record: FileRecord, *, stage: str) -> str:
        """Write the file that a record is, as `write` does."""
        return self.write_json(record.FILE, record, stage=stage)

    def claim(
        self, name: str, record: Mapping[str, object], *, key: str, stage: str
    ) -> JsonObject | None:
        """Write a record unless one with the same value of `key` is there; return that one then.

        Of several who try at once one succeeds.
        """
        self._refuse(name, (*DERIVED, CHAIN))
        with self._turn() as chain:
            if os.path.lexists(self.path / name):
                there = dict(self.read_json(name))
                if there.get(key) == record[key]:
                    return there
            self._write(chain, name, canonical.dumps(record), stage)
        return None

    def append_lines(self, name: str, records: Iterable[object], *, stage: str) -> str:
        """Add records to a `.jsonl` file, one canonical line each; return the file's SHA-256."""
        self._refuse(name, (*DERIVED, CHAIN))
        added = "".join(canonical.line(plain(record)) + "\n" for record in records).encode()
        with self._turn() as chain:
            # What somebody has changed must not be sealed as if a stage had written it.
            before = self.read_bytes(name) if os.path.lexists(self.path / name) else b""
            return self._write(chain, name, before + added, stage)

    def publish(self, name: str, content: str | bytes) -> None:
        """Write what follows from the evidence (one of `DERIVED`); no event speaks of it."""
        if name not in DERIVED:
            raise ValueError(f"{name} is evidence: it has to be written with write")
        with disk.explained(f"write {name}"):
            disk.replace(self.path / name, _bytes(content))

    def withdraw(self, name: str) -> None:
        """Remove what somebody may have published under such a name."""
        if name not in DERIVED:
            raise ValueError(f"{name} is evidence: it stays")
        with disk.explained(f"remove {name}"):
            (self.path / name).unlink(missing_ok=True)

    def read_bytes(self, name: str) -> bytes:
        """Return a file's content, which is as a stage has written it.

        Raises `GonogoError` if it is missing or no plain file, or was changed: the next stage
        would go by it, and what it writes would be sealed.
        """
        self._refuse(name, ())
        with disk.explained(f"read {name}"):
            raw = disk.read(self.path / name)
            digests = sealed(disk.read(self.path / CHAIN))
        if name not in (*DERIVED, CHAIN) and digests.get(name) != canonical.sha256(raw):
            raise GonogoError(
                f"{name} changed after it was written"
                if name in digests
                else f"{name} was written by no stage",
                detail=f"It lies in {shown(str(self.path), limit=disk.PATH_LIMIT)}.",
                hint="Find out who did it, then start a new run.",
            )
        return raw

    def read_text(self, name: str) -> str:
        """As `read_bytes`. Raises `GonogoError` also for what is not UTF-8."""
        try:
            return self.read_bytes(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise RecordError(f"{name} is not UTF-8", detail=str(error), hint=HINT) from None

    def read_json(self, name: str) -> Any:
        """Return the object in a JSON file, as `Record`s.

        Raises `GonogoError` if it is missing, no JSON, or of another shape than a run writes.
        """
        raw = self.read_bytes(name)
        try:
            value = parse(raw, file=name)
        except ValueError as error:
            raise RecordError(f"{name} is not JSON", detail=str(error), hint=HINT) from None
        require_shape(name, value)
        return value

    def read(self, record: type[_Record]) -> _Record:
        """Return the record that a file is.

        Raises `GonogoError` if it is missing, no JSON, or not as a run writes it.
        """
        return read(record, self.read_json(record.FILE), file=record.FILE)

    def read_all(self, record: type[_Record]) -> list[_Record]:
        """Return the records of a `.jsonl` file, as `read` does."""
        return [read(record, one, file=record.FILE) for one in self.read_lines(record.FILE)]

    def has(self, record: type[FileRecord]) -> bool:
        """Whether the file that such a record is lies there."""
        return (self.path / record.FILE).is_file()

    def read_lines(self, name: str) -> list[JsonObject]:
        """Return the records of a `.jsonl` file. Raises `GonogoError` for a missing or bad one."""
        records, problems = records_of(name, self.read_bytes(name))
        if problems:
            raise RecordError(f"{name} is damaged", detail=problems[0], hint=HINT)
        for record in records:
            require_shape(name, record)
        return records

    @staticmethod
    def _refuse(name: str, names: Sequence[str]) -> None:
        if name in names or not FILE.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a file of evidence")

    @contextlib.contextmanager
    def _turn(self) -> Iterator[int]:
        """Hold the chain: a file descriptor no other writer has until this ends."""
        with disk.explained(f"open {CHAIN}"):
            chain = os.open(
                self.path / CHAIN, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        try:
            with disk.explained(f"lock {CHAIN}"):
                fcntl.flock(chain, fcntl.LOCK_EX)
            yield chain
        finally:
            os.close(chain)

    def _write(self, chain: int, name: str, content: str | bytes, stage: str) -> str:
        raw = _bytes(content)
        with disk.explained(f"write {name}"):
            if "/" in name:
                disk.make_dir((self.path / name).parent)
            disk.replace(self.path / name, raw)
        digest = canonical.sha256(raw)
        self._append(chain, stage, "wrote", {"file": name, "sha256": digest})
        return digest

    def _append(self, chain: int, stage: str, event: str, data: Mapping[str, object]) -> Event:
        if event not in EVENTS:
            raise ValueError(f"{event!r} is no event of the chain")
        with disk.explained(f"write {CHAIN}"):
            size = os.fstat(chain).st_size
            seq, prev = tail(os.pread(chain, size, 0))
            record = Event(
                seq=seq + 1,
                at=f"{self._clock().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                stage=stage,
                event=event,
                data=dict(data),
                prev=prev,
                hash="",
            )
            record = replace(record, hash=event_hash(record))
            try:
                disk.write_all(chain, (canonical.line(plain(record)) + "\n").encode())
                os.fsync(chain)
            except OSError:
                os.ftruncate(chain, size)  # a part of a line would make the whole chain unreadable
                raise
        return record


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content
