"""The audits of one host by one runbook and profile, in directories named after their ids.

`runs/ENVIRONMENT/audits/HOST/RUNBOOK.PROFILE/ID/`. A directory without an audit.json that can be
read is none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from ...contract import canonical
from ...contract.records.audit import FILE, FORMAT, AuditRecord
from ...contract.records.reading import RecordError, read
from ...contract.run_id import is_run_id
from ..evidence import disk
from ..evidence.parsing import parse
from ..evidence.pointer import HOST_LIMIT

__all__ = ["NIGHTS", "Shelf", "record"]

# So many audits the picture of a check shows.
NIGHTS = 60


@dataclass(frozen=True)
class Shelf:
    """The folder of the audits of a host."""

    runs_dir: Path
    environment: str
    host: str
    runbook: str
    profile: str

    @property
    def path(self) -> Path:
        audits = self.runs_dir / self.environment / "audits"
        return audits / _name(self.host) / f"{self.runbook}.{self.profile}"

    @cached_property
    def newest(self) -> Sequence[AuditRecord]:
        """The last audits, the newest first."""
        return list(islice(self._records(), NIGHTS))

    def find(self, audit_id: str) -> AuditRecord | None:
        return record(self.path / audit_id) if is_run_id(audit_id) else None

    def keep(self, audit_id: str, files: Mapping[str, str]) -> Path:
        """Write the files of an audit, in their order. Raises GonogoError if one cannot be."""
        directory = self.path / audit_id
        with disk.explained("keep the audit"):
            disk.make_dirs(directory)
            for name, text in files.items():
                disk.make_dir((directory / name).parent)
                disk.replace(directory / name, text.encode())
        return directory

    def _records(self) -> Iterator[AuditRecord]:
        for name in reversed(disk.names_in(self.path)):
            found = self.find(name)
            if found is not None:
                yield found


def _name(host: str) -> str:
    """A host as one name of a folder, whatever it is called."""
    name = quote(host, safe="")
    if len(name) > HOST_LIMIT:
        return canonical.sha256(name)
    return f"%2E{name[1:]}" if name.startswith(".") else name


def record(directory: Path) -> AuditRecord | None:
    """What was kept in a directory; None where it is no audit."""
    with contextlib.suppress(OSError, ValueError, RecordError):
        found = read(AuditRecord, parse(disk.read(directory / FILE), file=FILE), file=FILE)
        if found.format == FORMAT and found.audit_id == directory.name:
            return found
    return None
