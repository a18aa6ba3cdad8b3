"""What the entries have in common: from arguments to what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.login import Login, Timeouts
from ...contract.records.reading import read
from ...contract.records.run import Declared

__all__ = ["declared_of", "login_of", "timeouts_of"]


def login_of(params: Mapping[str, Any]) -> Login:
    """Raises GonogoError for a login that cannot be one."""
    return Login(**params["login"])


def declared_of(params: Mapping[str, Any]) -> Declared:
    """What the database has to be. Raises GonogoError where nobody says it."""
    return read(Declared, params["declared"], file="the option declared")


def timeouts_of(params: Mapping[str, Any]) -> Timeouts:
    return Timeouts(
        **{key: value for key, value in params["timeouts"].items() if value is not None}
    )
