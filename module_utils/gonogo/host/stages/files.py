"""Place the runbook's SQL and compare checksums."""

from __future__ import annotations

from pathlib import Path

from ...contract.options.files import FilesRequest
from ...contract.records.answers import FilesAnswer
from ..files.private import place

__all__ = ["run"]


def run(asked: FilesRequest, *, check_mode: bool) -> FilesAnswer:
    directory = Path(asked.directory).expanduser()
    written = place(directory, asked.files, check_only=check_mode)
    return FilesAnswer(changed=bool(written), directory=str(directory), written=written)
