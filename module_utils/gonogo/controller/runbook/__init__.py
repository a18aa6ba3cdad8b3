"""A runbook: data about one migration, read, checked, and ready to be rendered."""

from .book import Runbook, load

__all__ = [
    "Runbook",
    "load",
]
