"""How to reach the target database, and what its client programs are told of it.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import GonogoError
from .options.shared import LOGIN, TIMEOUTS
from .redaction import shape

__all__ = [
    "Login",
    "Timeouts",
    "application_name",
    "clean_environment",
    "storable",
    "timeouts_of",
]

# What libpq calls them. The service file has no keyword before libpq 18, only PGSERVICEFILE.
_KEYWORDS = {
    "db": "dbname",
    "user": "user",
    "host": "host",
    "port": "port",
    "service": "service",
    "passfile": "passfile",
    "ssl_mode": "sslmode",
    "ca_cert": "sslrootcert",
    "client_cert": "sslcert",
    "client_key": "sslkey",
    "connect_timeout": "connect_timeout",
}

# A dead network must not keep a lock: both kinds of probe are needed, one finds a peer that is
# gone while the session idles, the other while a statement runs.
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

_FILES = ("service_file", "passfile", "ca_cert", "client_cert", "client_key")
_SECRET_FILES = ("passfile", "client_key")
# At the head of a PEM file whose key nobody can use without a passphrase.
_ENCRYPTED = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")

# What each of these can be. A connection string could lead elsewhere, and carry a password into the
# evidence; a path would depend on the directory that a stage happens to work in.
_FORMS = {
    "db": re.compile(r"(?!.*://)[^=]+", re.DOTALL),
    "user": re.compile(r"(?!.*://)[^=:]+"),
    "host": re.compile(r"/.+|@?[A-Za-z0-9._:%,\[\]-]+"),
    "service": re.compile(r"(?!.*://)[^=@]+"),
    **dict.fromkeys(_FILES, re.compile(r"/.*", re.DOTALL)),
}
_MEANT = {
    "db": (
        "a database name",
        "Give the bare name; host, port and user have options of their own.",
    ),
    "user": ("a role", "Give the bare name of the role; its password is in the password file."),
    "host": (
        "a host",
        "Give the bare name or address, or the directory of the socket; user and port have "
        "options of their own, a password is in the password file.",
    ),
    "service": ("a service", "Give the name of a section of the service file."),
}
_A_PATH = (
    "an absolute path",
    "Begin it with / or with ~/, the home of the login user on the target host.",
)


def storable(login: Mapping[str, str | int | None]) -> dict[str, str | int | None]:
    """The login as it may be written down: what it will be refused for is not in it.

    Paths are those of the target host, where ~ and variables are not expanded yet.
    """
    kept = dict(login)
    for option, pattern in _FORMS.items():
        value = kept.get(option)
        text = str(value or "")
        expanded = f"/{text[1:]}" if option in _FILES and text[:1] in "~$" else text
        if text and not pattern.fullmatch(expanded):
            kept[option] = f"({shape(value)})"
    return kept


@dataclass(frozen=True)
class Login:
    """How to reach the database. Secrets are never in it: it names the files that hold them.

    What is not given comes from the service, then from libpq's own defaults.
    """

    db: str
    user: str | None = None
    host: str | None = None
    port: int | None = None
    service: str | None = None
    service_file: str | None = None
    passfile: str | None = None
    ssl_mode: str | None = None
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    connect_timeout: int = LOGIN.default_of("connect_timeout")

    def __post_init__(self) -> None:
        for option, pattern in _FORMS.items():
            value = getattr(self, option)
            if (value or option == "db") and not pattern.fullmatch(value):
                what, hint = _MEANT.get(option, _A_PATH)
                # It may be a password, in the wrong place or in a connection string.
                raise GonogoError(f"login.{option} is not {what}: {shape(value)}", hint=hint)
        for option in _FILES:
            value = getattr(self, option)
            if value:
                _check_file(option, Path(value))
        if self.client_key and not self.service and _is_encrypted(Path(self.client_key)):
            raise GonogoError(
                f"login.client_key is encrypted: {self.client_key}",
                detail="Nobody is there to type its passphrase.",
                hint="Use a key without a passphrase, mode 0600.",
            )

    def keywords(self, *, name: str) -> dict[str, str]:
        """The login in libpq's words, for a session called `name`."""
        given = {_KEYWORDS[key]: getattr(self, key) for key in _KEYWORDS}
        every = {**given, "application_name": name, **_KEEPALIVES}
        return {key: str(value) for key, value in every.items() if value is not None}

    def conninfo(self, *, name: str, **resolved: str) -> str:
        """The same as one connection string, for the argument list of psql, pg_dump and the like.

        PG* variables would not do: a service takes precedence over them, and not over this.
        Every user of the host can read it; there are names in it and no secret. `resolved` is
        what an open session has found out (`connection.reached`).
        """
        words = {**self.keywords(name=name), **resolved}
        return " ".join(f"{key}='{_quoted(value)}'" for key, value in words.items())

    def environment(self) -> dict[str, str]:
        """Environment for a client program beside `conninfo`: ours, without its PG* variables.

        Its messages are in English, some of them are read by us.
        """
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        service_file = {"PGSERVICEFILE": self.service_file} if self.service_file else {}
        return {**kept, **service_file, "LC_ALL": "C"}


@dataclass(frozen=True)
class Timeouts:
    """Server-side limits in PostgreSQL's notation (`5s`, `10min`)."""

    lock: str = TIMEOUTS.default_of("lock")
    statement: str = TIMEOUTS.default_of("statement")
    idle_in_transaction: str = TIMEOUTS.default_of("idle_in_transaction")


def timeouts_of(given: Mapping[str, str | None]) -> Timeouts:
    """Those that are given; a limit that is null is one that is not."""
    return Timeouts(**{name: value for name, value in given.items() if value is not None})


def application_name(run_id: str, stage: str) -> str:
    """Name of a session of this project; a later run finds leftovers by it."""
    return f"gonogo:{run_id}:{stage}"


def clean_environment() -> None:
    """Drop the caller's PG* variables: PGOPTIONS or PGHOST would redirect every connection."""
    for key in [key for key in os.environ if key.startswith("PG")]:
        del os.environ[key]


def _check_file(option: str, path: Path) -> None:
    if not path.is_file():
        raise GonogoError(
            f"login.{option} {'is not a file' if path.exists() else 'does not exist'}: {path}",
            hint="The files of a login are on the target host.",
        )
    if not os.access(path, os.R_OK):
        raise GonogoError(
            f"login.{option} cannot be read: {path}",
            hint="It must belong to the user who logs in to the target host.",
        )
    status = path.stat()
    # libpq lets a group read a key that is root's, as distributions hand them out.
    shared = 0o037 if option == "client_key" and status.st_uid == 0 else 0o077
    if option in _SECRET_FILES and status.st_mode & shared:
        raise GonogoError(
            f"login.{option} can be read by others: {path}",
            detail="libpq would refuse it." if option == "client_key" else "libpq would ignore it.",
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )


def _is_encrypted(path: Path) -> bool:
    head = path.read_bytes()[:4096]
    return any(mark in head for mark in _ENCRYPTED)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
