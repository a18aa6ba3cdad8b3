"""How to reach the target database, and what its client programs are told of it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import GonogoError

__all__ = [
    "LOGIN_SPEC",
    "Login",
    "Timeouts",
    "application_name",
    "clean_environment",
]

# The one place where the login's options are spelled; modules use it as suboptions.
LOGIN_SPEC: dict[str, Any] = {
    "db": {"type": "str", "required": True},
    "user": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "service": {"type": "str"},
    "service_file": {"type": "path"},
    "passfile": {"type": "path", "no_log": False},
    "ssl_mode": {
        "type": "str",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    },
    "ca_cert": {"type": "path"},
    "connect_timeout": {"type": "int", "default": 10},
}

_ENVIRONMENT = {
    "db": "PGDATABASE",
    "user": "PGUSER",
    "host": "PGHOST",
    "port": "PGPORT",
    "service": "PGSERVICE",
    "service_file": "PGSERVICEFILE",
    "passfile": "PGPASSFILE",
    "ssl_mode": "PGSSLMODE",
    "ca_cert": "PGSSLROOTCERT",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


@dataclass(frozen=True)
class Login:
    """How to reach the database. Secrets are never in it: they are in the passfile."""

    db: str
    user: str | None = None
    host: str | None = None
    port: int | None = None
    service: str | None = None
    service_file: str | None = None
    passfile: str | None = None
    ssl_mode: str | None = None
    ca_cert: str | None = None
    connect_timeout: int = 10

    def __post_init__(self) -> None:
        # libpq's tools would read such a database name as a whole connection string.
        if "=" in self.db or "://" in self.db or not self.db:
            raise GonogoError(
                f"login.db is not a database name: {self.db!r}",
                hint="Give the bare name; host, port and user have options of their own.",
            )
        for option in ("service_file", "passfile", "ca_cert"):
            value = getattr(self, option)
            if value and not Path(value).is_file():
                raise GonogoError(f"login.{option} does not exist: {value}")
        if self.passfile and Path(self.passfile).stat().st_mode & 0o077:
            raise GonogoError(
                f"login.passfile can be read by others: {self.passfile}",
                detail="libpq would ignore it.",
                hint=f"chmod 600 {self.passfile}",
            )

    def environment(self, *, name: str) -> dict[str, str]:
        """Return the environment for psql, pg_dump and the like; other PG* variables are dropped.

        Nothing of it has to stand in an argument list, where every user of the host could read it.
        """
        given = {
            _ENVIRONMENT[key]: str(value)
            for key, value in asdict(self).items()
            if value is not None
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return {**kept, **given, "PGAPPNAME": name}


@dataclass(frozen=True)
class Timeouts:
    """Server-side limits in PostgreSQL's notation (`5s`, `10min`)."""

    lock: str = "5s"
    statement: str = "10min"
    idle_in_transaction: str = "2min"


def application_name(run_id: str, stage: str) -> str:
    """Name of a session of this project; a later run finds leftovers by it."""
    return f"gonogo:{run_id}:{stage}"


def clean_environment() -> None:
    """Drop the caller's PG* variables: PGOPTIONS or PGHOST would redirect every connection."""
    for key in [key for key in os.environ if key.startswith("PG")]:
        del os.environ[key]
