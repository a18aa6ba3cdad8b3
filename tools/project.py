"""Where things are."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
CACHE = PROJECT / ".cache"
REQUIREMENTS = PROJECT / "requirements"
# The one that all tools judge with.
RUNBOOK = PROJECT / "runbooks" / "20251229010228_add_master_tables_final_v2"
