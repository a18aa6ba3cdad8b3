"""Why there can be no twin here. That says nothing about the backup."""

from __future__ import annotations

from ...contract.errors import GonogoError

__all__ = ["UnprovenError"]


class UnprovenError(GonogoError):
    """This host or this login cannot restore the backup anywhere."""
