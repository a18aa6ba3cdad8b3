"""run.json: which run this is, of what, and by whom.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from .reading import HINT, FileRecord, RecordError

__all__ = [
    "Clients",
    "Declared",
    "Digests",
    "Identity",
    "Migrations",
    "Process",
    "Program",
    "Promotion",
    "RunRecord",
    "Target",
    "Validated",
    "Versions",
]


@dataclass(frozen=True)
class Identity:
    """Where a session is: one row of `catalog.IDENTITY`, and the process of its connection."""

    database: str
    environment: str | None
    marker_setting: str | None
    marker_comment: str | None
    database_oid: int
    database_owner: str
    login: str
    current_user: str
    superuser: bool
    server_version: str
    server_version_num: int
    system_identifier: str
    in_recovery: bool
    backend_pid: int
    server_address: str | None
    server_port: int | None
    server_encoding: str
    database_bytes: int
    blinding_settings: Sequence[str]
    session_replication_role: str
    client_backend_pid: int


@dataclass(frozen=True)
class Validated:
    """The database whose validation lets a run in."""

    system_identifier: str | None
    database: str | None
    database_oid: int | None


@dataclass(frozen=True)
class Declared:
    """What the inventory says the database is."""

    environment: str
    database: str
    refused_databases: Sequence[str]
    system_identifier: str | None
    validated: Validated | None


@dataclass(frozen=True)
class Target:
    """`observed` is there once the database was reached."""

    inventory_host: str
    login: Mapping[str, str | int | None]
    declared: Declared
    observed: Identity | None = None


@dataclass(frozen=True)
class Process:
    """What tells a process from every other; `start` is None where nobody can say it."""

    host: str
    pid: int
    start: str | None


@dataclass(frozen=True)
class Promotion:
    """The run that admits this one; `attested_by` is the id of the key that has attested it, where
    one was asked for. `passed_over` are newer runs of the store, with what is wrong with each."""

    run_id: str
    environment: str
    target: Validated
    finished_at: str
    verdict_sha256: str
    evidence_head: str
    attested_by: str | None = None
    passed_over: Sequence[str] = ()


@dataclass(frozen=True)
class Program:
    path: str
    version: str


@dataclass(frozen=True)
class Clients:
    """PostgreSQL's programs on the target host."""

    pg_dump: Program
    pg_restore: Program


@dataclass(frozen=True)
class Versions:
    """`clients` are there once the host was reached."""

    ansible_core: str
    python: str
    project: str
    clients: Clients | None = None


@dataclass(frozen=True)
class Digests:
    """Path → SHA-256 of every file that takes part."""

    runbook: Mapping[str, str]
    project: Mapping[str, str]
    elsewhere: Mapping[str, str]


@dataclass(frozen=True)
class Migrations:
    """The folder of migrations that a run is about, on the controller, its tool, the schema of that
    tool's record, and the names of those that are declared irreversible; what its history begins
    with, see `Baseline` in controller/runbook/source.py; what is judged beside it: a file of the
    application's queries, and a folder of own checks; and how criteria count, where the inventory
    says so. `command` are the words of the tool's own command, where it is heard."""

    directory: str
    tool: str
    schema: str
    irreversible: Sequence[str] = ()
    baseline: str | None = None
    baseline_version: str | None = None
    queries: str | None = None
    checks: str | None = None
    criteria: Mapping[str, str] | None = None
    command: Sequence[str] = ()


@dataclass(frozen=True)
class RunRecord(FileRecord):
    FILE: ClassVar[str] = "run.json"

    run_id: str
    token: str
    environment: str
    protected: bool
    target: Target
    runbook: str
    runbook_sha256: str
    runbook_directory: str
    cleanup: str | None
    profile: str
    residue: str
    parameters: Mapping[str, object]
    promotion: Promotion | None
    started_at: str
    operator: str
    controller: Process
    versions: Versions
    project_directory: str
    ansible_config: str | None
    digests: Digests
    migrations: Migrations | None = None
    customer: str | None = None

    @property
    def known(self) -> Identity:
        """Where the run is. Raises RecordError where it has never reached its database."""
        if self.target.observed is None:
            raise RecordError(f'{self.FILE} lacks "target.observed"', hint=HINT)
        return self.target.observed

    @property
    def proven(self) -> Declared:
        """What the database has to be for whoever comes later: the one that was reached."""
        identifier = self.known.system_identifier
        return replace(self.target.declared, system_identifier=identifier)
