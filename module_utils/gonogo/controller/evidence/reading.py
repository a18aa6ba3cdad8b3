"""A run's directory read back, with every irregularity told."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...contract import canonical
from ...contract.errors import shown
from ...verdict import misfits
from . import disk
from .chain import verified
from .names import CHAIN, DERIVED, FILE, LATER, SEALED
from .parsing import parse, records_of
from .record import require_shape

_STRANGE = "was written by no stage"


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
    twin: dict[str, Any] | None = None
    rehearsal: dict[str, Any] | None = None
    deploy: dict[str, Any] | None = None
    ledger: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        """Hash of the last event: kept elsewhere, it proves everything up to there."""
        return str(self.events[-1]["hash"]) if self.events else ""

    @property
    def strangers(self) -> list[str]:
        """Files that no stage has written; they are no evidence, and nothing reads them."""
        wrote = [event["data"] for event in self.events if event["event"] == "wrote"]
        return _strangers(self.path, {str(data.get("file")) for data in wrote})

    def unproven_by(self, head: str) -> list[str] | None:
        """What was written after this head, which is that of the verdict or a later one.

        Names of files, each as often as it was written; None where it is no such head.
        """
        closed = next((e["seq"] for e in self.events if e["event"] == "closed"), None)
        found = [e["seq"] for e in self.events if e["hash"] == head and closed is not None]
        if not found or found[0] < closed:
            return None
        later = self.events[found[0] :]
        return [str(event["data"].get("file", event["event"])) for event in later]

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
    evidence.run = _load_object(path, "run.json", problems)
    evidence.plan = _load_object(path, "plan.json", problems)
    evidence.facts = _load_object(path, "facts.json", problems) or {}
    evidence.backup = _load_object(path, "backup.json", problems)
    evidence.twin = _load_object(path, "twin.json", problems)
    evidence.rehearsal = _load_object(path, "rehearsal.json", problems)
    evidence.deploy = _load_object(path, "deploy.json", problems)
    evidence.checks = _load_records(path, "checks.jsonl", problems)
    evidence.ledger = _load_records(path, "ledger.jsonl", problems)
    problems += misfits(evidence.plan, evidence.checks)
    _verify_run_id(evidence)
    return evidence


def _load_chain(path: Path, problems: list[str]) -> list[dict[str, Any]]:
    raw = _content(path, CHAIN, problems)
    if raw is None:
        problems.append(f"{CHAIN} is missing")
        return []
    events, found = verified(raw)
    problems += found
    return events


def _verify_digests(path: Path, events: Sequence[Mapping[str, Any]], problems: list[str]) -> None:
    """Compare every file with the last event that wrote it, and look for files nobody wrote."""
    broken = bool(problems)
    sealed: dict[str, str] = {}
    closed = False
    for event in events:
        closed = closed or event["event"] == "closed"
        if event["event"] != "wrote":
            continue
        name, digest = str(event["data"].get("file")), str(event["data"].get("sha256"))
        if not FILE.fullmatch(name) or name in DERIVED or name == CHAIN:
            problems.append(f"{CHAIN} line {event['seq']}: wrote no file of evidence")
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
    sources = [("backup.json", [evidence.backup or {}]), ("twin.json", [evidence.twin or {}])]
    sources += [("rehearsal.json", [evidence.rehearsal or {}])]
    sources += [("checks.jsonl", evidence.checks), ("ledger.jsonl", evidence.ledger)]
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


def read_object(file: Path) -> dict[str, Any]:
    """What one file says, whether or not the chain knows it.

    Raises OSError, ValueError for what is no JSON, and `RecordError` for another shape than a run
    writes.
    """
    value = parse(disk.read(file), file=file.name)
    require_shape(file.name, value)
    assert isinstance(value, dict)  # as its shape wants it
    return value


def _load_object(path: Path, name: str, problems: list[str]) -> dict[str, Any] | None:
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


def _load_records(path: Path, name: str, problems: list[str]) -> list[dict[str, Any]]:
    raw = _content(path, name, problems)
    records, found = records_of(name, raw or b"")
    problems += found
    return records


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
