"""What stops everything, and what only keeps one cell from running."""

from __future__ import annotations

from sandbox.errors import SandboxError


class MatrixError(SandboxError):
    """Something a person has to act on before anything can go on; printed as the sandbox does."""


class UnavailableError(Exception):
    """A version that cannot be had on this machine. The text is the reason, for the table."""
