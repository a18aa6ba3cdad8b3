"""What evidence is kept and found by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...contract.errors import InputError
from ...contract.run_id import PATTERN

__all__ = ["Subject", "check_customer", "file_of", "run_of"]

_CUSTOMER = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# Where a database is nobody's in particular; no customer can be called so.
_NOBODY = "-"
_FILE = re.compile(rf"({PATTERN})\.tar\.gz")


@dataclass(frozen=True)
class Subject:
    """An environment, a customer where there are several, and the digest of the runbook, with the
    migrations that it is about."""

    environment: str
    customer: str | None
    runbook_sha256: str

    @property
    def folder(self) -> str:
        """Its folder in a store. All parts have been checked: none leads anywhere else."""
        return f"{self.environment}/{self.customer or _NOBODY}/{self.runbook_sha256}"


def check_customer(customer: object) -> str | None:
    """The name of a customer as it stands in a path. Raises InputError."""
    if customer is None:
        return None
    if not isinstance(customer, str) or not _CUSTOMER.fullmatch(customer):
        raise InputError(
            "not a name for a customer",
            key="gonogo_customer",
            value=customer,
            hint="Use lower-case letters, digits, - and _.",
        )
    return customer


def file_of(run_id: str) -> str:
    return f"{run_id}.tar.gz"


def run_of(name: str) -> str | None:
    """The run whose file has this name; None for any other file, as an unfinished one."""
    known = _FILE.fullmatch(name)
    return known[1] if known else None
