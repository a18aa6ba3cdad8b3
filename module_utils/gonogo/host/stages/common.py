"""What the entries have in common: from arguments to what they stand for."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract.login import Login
from ...contract.records.reading import read

__all__ = ["login_of"]


def login_of(given: Mapping[str, str | int | None]) -> Login:
    """Raises GonogoError for a login that cannot be one."""
    return read(Login, given, file="the option login")
