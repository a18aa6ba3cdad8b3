"""A run's directory read back, with every irregularity told."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ...contract import canonical
from ...contract.errors import GonogoError, shown
from ...contract.records.backup import BackupRecord
from ...contract.records.check_result import CheckResult
from ...contract.records.event import FORMAT, Event
from ...contract.records.history import HistoryRecord
from ...contract.records.ledger import LedgerRow
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import FileRecord, RecordError, read
from ...contract.records.run import RunRecord
from ...contract.records.shape import Shape
from ...contract.records.twin import TwinRecord
from ...verdict import misfits
from . import disk
from .chain import verified
from .names import CHAIN, DERIVED, FILE, LATER, SEALED
from .parsing import parse, records_of
from .record import JsonObject, require_shape

_STRANGE = "was written by no stage"
_Record = TypeVar("_Record", bound=FileRecord)


@dataclass
class Evidence:
    """What a directory of evidence says; `problems` tells where it cannot be believed.

    A missing file is None or empty. `events` ends before the first line that does not fit.
    """

    path: Path
    run: RunRecord | None = None
    plan: PlanRecord | None = None
    history: HistoryRecord | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    backup: BackupRecord | None = None
    shape: Shape | None = None
    twin: TwinRecord | None = None
    rehearsal: JsonObject | None = None
    deploy: JsonObject | None = None
    ledger: list[LedgerRow] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        """Hash of the last event: kept elsewhere, it proves everything up to there."""
        return self.events[-1].hash if self.events else ""

    @property
    def strangers(self) -> list[str]:
        """Files that no stage has written; they are no evidence, and nothing reads them."""
        wrote = [event.data for event in self.events if event.event == "wrote"]
        return _strangers(self.path, {str(data.get("file")) for data in wrote})

    def unproven_by(self, head: str) -> list[str] | None:
        """What was written after this head, which is that of the verdict or a later one.

        Names of files, each as often as it was written; None where it is no such head.
        """
        closed = next((one.seq for one in self.events if one.event == "closed"), None)
        found = [one.seq for one in self.events if one.hash == head]
        if closed is None or not found or found[0] < closed:
            return None
        later = self.events[found[0] :]
        return [str(event.data.get("file", event.event)) for event in later]

    def problems_with(self, *names: str) -> list[str]:
        """The problems, without those of other files alone; the chain's are everybody's."""
        about = [text.split(" ", maxsplit=1)[0] for text in self.problems]
        others = {
            name
            for name, text in zip(about, self.problems, strict=True)
            if name in SEALED or name.startswith("sql/") or text == f"{name} {_STRANGE}"
        } - {*names}
        return [text for text, name in zip(self.problems, about, strict=True) if name not in others]


def load(path: Path) -> Evidence:
    """Read a directory of evidence back and verify it. Never raises for what it finds there."""
    evidence = Evidence(path)
    problems = evidence.problems
    evidence.events = _load_chain(path, problems)
    _verify_digests(path, evidence.events, problems)
    newer = _newer(evidence.events)
    if newer:
        problems.append(newer)
        return evidence
    evidence.run = _load(path, RunRecord, problems)
    evidence.plan = _load(path, PlanRecord, problems)
    evidence.history = _load(path, HistoryRecord, problems)
    evidence.facts = _load_object(path, "facts.json", problems) or {}
    evidence.backup = _load(path, BackupRecord, problems)
    evidence.shape = _load(path, Shape, problems)
    evidence.twin = _load(path, TwinRecord, problems)
    evidence.rehearsal = _load_object(path, "rehearsal.json", problems)
    evidence.deploy = _load_object(path, "deploy.json", problems)
    evidence.checks = _load_all(path, CheckResult, problems)
    evidence.ledger = _load_all(path, LedgerRow, problems)
    problems += misfits(evidence.plan, evidence.checks)
    _verify_run_id(evidence)
    return evidence


def _load_chain(path: Path, problems: list[str]) -> list[Event]:
    raw = _content(path, CHAIN, problems)
    if raw is None:
        problems.append(f"{CHAIN} is missing")
        return []
    events, found = verified(raw)
    problems += found
    return events


def _verify_digests(path: Path, events: Sequence[Event], problems: list[str]) -> None:
    """Compare every file with the last event that wrote it, and look for files nobody wrote."""
    broken = bool(problems)
    sealed: dict[str, str] = {}
    closed = False
    for event in events:
        closed = closed or event.event == "closed"
        if event.event != "wrote":
            continue
        name, digest = str(event.data.get("file")), str(event.data.get("sha256"))
        if not FILE.fullmatch(name) or name in DERIVED or name == CHAIN:
            problems.append(f"{CHAIN} line {event.seq}: wrote no file of evidence")
            continue
        if closed and not LATER.fullmatch(name):
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
        problems += [
            f"{name} {_STRANGE}"
            for name in _strangers(path, sealed)
            if name in SEALED or LATER.fullmatch(name) or name.startswith("sql/")
        ]


def _strangers(path: Path, sealed: Collection[str]) -> list[str]:
    """Files and directories that the chain does not name. Hidden ones are read by nobody."""
    known = {*sealed, *DERIVED, CHAIN, "sql"}
    found = ["sql/"] if (path / "sql").is_symlink() else []
    found += disk.names_in(path)
    found += [f"sql/{name}" for name in disk.names_in(path / "sql")]
    return [name if FILE.fullmatch(name) else shown(name) for name in found if name not in known]


def _newer(events: Sequence[Event]) -> str | None:
    """That another version of this project has written it, in a form that is not known here."""
    form = events[0].data.get("format", FORMAT) if events else FORMAT
    if isinstance(form, int) and not isinstance(form, bool) and 1 <= form <= FORMAT:
        return None
    return f"{CHAIN} is of format {shown(form)}; this version of the project knows {FORMAT}"


def _verify_run_id(evidence: Evidence) -> None:
    """Everything must speak of one run: the directory, its first event, its files, its records."""
    problems, run = evidence.problems, evidence.run
    if run is None and not any(text.startswith("run.json ") for text in problems):
        problems.append("run.json is missing")
    known = run.run_id if run else evidence.path.name
    if known != evidence.path.name:
        problems.append(
            f"the directory is called {shown(evidence.path.name)} but holds the run {shown(known)}"
        )
    opened = [event.data for event in evidence.events if event.event == "opened"]
    if any(data.get("run_id") != known for data in opened):
        problems.append(f"{CHAIN} was opened for another run")
    theirs = {
        one.FILE: getattr(one, "run_id", known)
        for one in vars(evidence).values()
        if isinstance(one, FileRecord)
    }
    theirs["rehearsal.json"] = (evidence.rehearsal or {}).get("run_id", known)
    problems += [f"{name} is of another run" for name, one in theirs.items() if one != known]
    if run and any(data.get("environment") != run.environment for data in opened):
        problems.append("run.json names another environment than the one the run was opened in")
    present = {result.check_id for result in evidence.checks}
    for event in evidence.events:
        ids = event.data.get("ids") if event.event == "checks" else None
        for check_id in ids if isinstance(ids, list) else []:
            if str(check_id) not in present:
                problems.append(f"check {shown(check_id)} was answered, its result is gone")


def read_object(file: Path) -> JsonObject:
    """What one file says, whether or not the chain knows it.

    Raises OSError, ValueError for what is no JSON, and `RecordError` for another shape than a run
    writes.
    """
    value = parse(disk.read(file), file=file.name)
    require_shape(file.name, value)
    assert isinstance(value, dict)  # as its shape wants it
    return value


def read_derived(path: Path, name: str) -> bytes | None:
    """What a file beside the evidence says, None where there is none. Raises GonogoError."""
    if name not in DERIVED:
        raise ValueError(f"{name} is evidence: the chain knows it")
    try:
        with disk.explained(f"read {name}"):
            return disk.read(path / name)
    except GonogoError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def peek(path: Path, record: type[_Record]) -> _Record | None:
    """The record that a file of a run is, whether or not the chain knows it.

    None where it is not there, or not as a run writes it.
    """
    try:
        return read(record, read_object(path / record.FILE), file=record.FILE)
    except (OSError, ValueError, RecordError):
        return None


def _load_object(path: Path, name: str, problems: list[str]) -> JsonObject | None:
    raw = _content(path, name, problems)
    if raw is None:
        return None
    try:
        value = parse(raw, file=name)
    except ValueError as error:
        problems.append(f"{name} is not JSON: {shown(str(error))}")
        return None
    if not isinstance(value, dict):
        problems.append(f"{name} is not an object")
        return None
    return value


def _load(path: Path, record: type[_Record], problems: list[str]) -> _Record | None:
    value = _load_object(path, record.FILE, problems)
    return None if value is None else _read(record, value, record.FILE, problems)


def _load_all(path: Path, record: type[_Record], problems: list[str]) -> list[_Record]:
    values, found = records_of(record.FILE, _content(path, record.FILE, problems) or b"")
    problems += found
    lines = [
        _read(record, value, f"{record.FILE} record {number}", problems)
        for number, value in enumerate(values, start=1)
    ]
    return [line for line in lines if line is not None]


def _read(record: type[_Record], value: object, file: str, problems: list[str]) -> _Record | None:
    try:
        return read(record, value, file=file)
    except RecordError as error:
        problems.append(f"{error.primary}: {error.detail}")
        return None


def _content(path: Path, name: str, problems: list[str]) -> bytes | None:
    """Return a file's bytes; None if it is not there or cannot be read, which is a problem."""
    try:
        return disk.read(path / name)
    except FileNotFoundError:
        return None
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror or error}"
        if text not in problems:
            problems.append(text)
        return None
