"""Why something is as it is, where a person would ask: by id of a change or of a check."""

from __future__ import annotations

__all__ = ["EXPLAINED"]

EXPLAINED = {
    "0.6": "it records the delete rules; none is wrong in itself, so it can only not know them",
    "N2.1": "it is about the runbook's files, not about the database",
}
