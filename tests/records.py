"""Records of evidence for tests: JSON objects as a run writes them, to be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from gonogo.contract.records.backup import BackupRecord
from gonogo.contract.records.check_result import CheckResult
from gonogo.contract.records.event import Event
from gonogo.contract.records.plan import PlannedWaiver, PlanRecord
from gonogo.contract.records.reading import FileRecord, RecordError, plain, read
from gonogo.contract.records.run import Declared, Identity, RunRecord
from gonogo.contract.records.shape import Shape
from gonogo.contract.records.twin import TwinRecord
from gonogo.verdict import decide
from tests.schemas import assert_suits

__all__ = [
    "BACKUP",
    "DECLARED",
    "IDENTITY",
    "LOGIN",
    "PLAN",
    "PROOF",
    "RUN",
    "RUN_ID",
    "TWIN",
    "check",
    "declared",
    "identity",
    "judged",
    "result",
    "run_record",
]

RUN_ID = "20260131T120000Z-0a1b2c"
LOGIN = {"host": "/tmp", "db": "apms_sandbox", "user": "apms"}  # noqa: S108 - nobody connects
DECLARED: dict[str, Any] = {
    "environment": "sandbox",
    "database": "apms_sandbox",
    "refused_databases": [],
    "system_identifier": None,
    "validated": None,
}
IDENTITY: dict[str, Any] = {
    "database": "apms_sandbox",
    "environment": "sandbox",
    "marker_setting": "sandbox",
    "marker_comment": None,
    "database_oid": 16384,
    "database_owner": "apms",
    "login": "apms",
    "current_user": "apms",
    "superuser": False,
    "server_version": "17.5",
    "server_version_num": 170005,
    "system_identifier": "7123456789",
    "in_recovery": False,
    "backend_pid": 42,
    "server_address": None,
    "server_port": None,
    "server_encoding": "UTF8",
    "database_bytes": 8_000_000,
    "blinding_settings": [],
    "session_replication_role": "origin",
    "client_backend_pid": 42,
}
RUN: dict[str, Any] = {
    "run_id": RUN_ID,
    "token": "0123456789",
    "environment": "sandbox",
    "protected": False,
    "target": {
        "inventory_host": "db1",
        "login": LOGIN,
        "declared": DECLARED,
        "observed": IDENTITY,
    },
    "runbook": "add_master_tables",
    "runbook_sha256": "ab" * 32,
    "runbook_directory": "runbooks/add_master_tables",
    "cleanup": "99_cleanup",
    "profile": "target",
    "residue": "keep",
    "parameters": {},
    "promotion": None,
    "started_at": "2026-01-31T12:00:00Z",
    "operator": "Ada",
    "controller": {"host": "controller", "pid": 4242, "start": "boot:1"},
    "versions": {"ansible_core": "2.19.0", "python": "3.11.7", "project": "0.1.0"},
    "project_directory": ".",
    "ansible_config": None,
    "digests": {"runbook": {}, "project": {}, "elsewhere": {}},
}
PLAN: dict[str, Any] = {
    "title": "APMS master tables",
    "stages": ["target", "phases"],
    "criteria": [{"id": "C1", "title": "Title of C1", "class": "critical"}],
    "checks": [],
    "scoring": ["C1"],
    "waivers": [],
}
BACKUP: dict[str, Any] = {
    "run_id": RUN_ID,
    "database": "apms_sandbox",
    "environment": "sandbox",
    "system_identifier": "7123456789",
    "server_version": "17.5",
    "pg_dump": "17.5",
    "file": "a.dump",
    "files": {"toc.dat": {"size": 1, "sha256": "ef" * 32}},
    "size": 1,
    "sha256": "cd" * 32,
    "tables": ["public.sites"],
    "read_back": True,
    "compress": "lz4",
    "jobs": 2,
    "seconds": {"dump": 0.5, "fingerprint": 0.0, "read_back": 0.25},
}
PROOF: dict[str, Any] = {
    "equal": True,
    "method": "value",
    "tables": {"public.sites": {"rows": [3, 3], "hash": ["1", "1"], "equal": True}},
    "sequences": {"compared": 0, "different": [], "equal": True},
    "large_objects": {"count": [0, 0], "hashed": True, "equal": True},
    "schema": {
        "objects": 2,
        "different": 0,
        "differences": [],
        "not_carried": [],
        "printed_again": {},
        "equal": True,
    },
}
TWIN: dict[str, Any] = {
    "run_id": RUN_ID,
    "proven": True,
    "reason": None,
    "hint": None,
    "method": "cluster",
    "proof": PROOF,
    "seconds": {"start": 1.0, "restore": 2.0, "compare": 0.5},
    "confinement": {"files": True, "network": True, "signals": True, "reason": None},
    "required": True,
    "backup_sha256": BACKUP["sha256"],
    "kept": None,
}


def declared(**changes: Any) -> Declared:
    return read(Declared, {**DECLARED, **changes}, file="declared")


def identity(**changes: Any) -> Identity:
    return read(Identity, {**IDENTITY, **changes}, file="observed")


def run_record(**changes: Any) -> RunRecord:
    return read(RunRecord, {**RUN, **changes}, file=RunRecord.FILE)


def check(check_id: str, **changes: Any) -> dict[str, Any]:
    """A check of plan.json."""
    return {
        "id": check_id,
        "title": f"Check {check_id}",
        "criterion": check_id.partition(".")[0],
        "phase": "01",
        "effect": None,
        "empty_ok": False,
        "remedy": f"Mend {check_id}.",
        **changes,
    }


def result(check_id: str, status: str = "pass", **changes: Any) -> dict[str, Any]:
    """A line of checks.jsonl."""
    return {
        "check_id": check_id,
        "status": status,
        "examined": 3,
        "expected": "three",
        "observed": "what was seen",
        "samples": [],
        "seconds": 0.1,
        "phase": "01",
        **changes,
    }


_Record = TypeVar("_Record", bound=FileRecord)


def judged(
    *,
    problems: Sequence[str] = (),
    waivers: Sequence[Mapping[str, Any]] | None = None,
    **files: Any,
) -> dict[str, Any]:
    """The verdict about JSON values as they lie in the files, read as evidence is read."""
    found = [*problems]

    def one(record: type[_Record], value: object) -> _Record | None:
        try:
            return None if value is None else read(record, value, file=record.FILE)
        except RecordError as error:
            found.append(f"{error.primary}: {error.detail}")
            return None

    def many(record: type[_Record], values: object) -> list[_Record]:
        assert isinstance(values, list)
        return [read_one for value in values if (read_one := one(record, value)) is not None]

    parts = {
        "run": one(RunRecord, files.get("run")),
        "plan": one(PlanRecord, files.get("plan")),
        "checks": many(CheckResult, files.get("checks", [])),
        "events": many(Event, files.get("events", [])),
        "backup": one(BackupRecord, files.get("backup")),
        "twin": one(TwinRecord, files.get("twin")),
        "shape": one(Shape, files.get("shape")),
    }
    given = None
    if waivers is not None:
        given = [read(PlannedWaiver, waiver, file="waivers") for waiver in waivers]
    others = {key: files.get(key) for key in ("rehearsal", "deploy")}
    verdict: Any = decide
    said = dict(plain(verdict(**parts, **others, problems=found, waivers=given)))
    assert_suits(said)
    return said
