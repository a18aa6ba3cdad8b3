"""The runbook of the derived checks, and what makes it be about a folder of migrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..invocation import project
from .book import Runbook
from .source import Source

__all__ = ["DERIVED", "DERIVED_PROFILE", "about"]

DERIVED = project.ROOT / "runbooks" / "derived"
DERIVED_PROFILE = "target"


def about(runbook: Runbook, source: Source, pending: Sequence[str] | None = None) -> Runbook:
    """The runbook about the migrations of these names; about all of the folder where nobody has
    looked yet what is applied."""
    names = [one.name for one in source.migrations] if pending is None else pending
    return replace(runbook, source=source, pending=tuple(names))
