"""The runbook of the derived checks, and what makes it be about a folder of migrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..invocation import project
from ..reading import yamlfile
from .book import Runbook
from .source import Source

__all__ = ["DERIVED", "DERIVED_PROFILE", "about", "has_migration"]

DERIVED = project.ROOT / "runbooks" / "derived"
DERIVED_PROFILE = "target"


def about(runbook: Runbook, source: Source, pending: Sequence[str] | None = None) -> Runbook:
    """The runbook about the migrations of these names; about all of the folder where nobody has
    looked yet what is applied."""
    names = [one.name for one in source.migrations] if pending is None else pending
    return replace(runbook, source=source, pending=tuple(names))


def has_migration(directory: Path) -> bool:
    """Whether a runbook has files of its own to be applied: it is about no folder of migrations.

    Raises InputError for a file that nobody can read.
    """
    file = directory / "runbook.yml"
    data = yamlfile.load(file).data if file.is_file() else None
    return isinstance(data, dict) and "migration" in data
