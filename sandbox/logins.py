"""The database logins of a cluster and the files through which clients know them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from sandbox.files import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUPERUSER = "postgres"
OWNER = "apms_sandbox"
APPLICATION = "apms_app"
LOGINS = (SUPERUSER, OWNER, APPLICATION)


def generate_passwords() -> dict[str, str]:
    """A new password for every login, of characters that need no quoting anywhere."""
    return {login: secrets.token_urlsafe(24) for login in LOGINS}


def write_passfile(path: Path, host: str, port: int, passwords: Mapping[str, str]) -> None:
    """Write the password file that libpq reads, one line per login."""
    lines = [f"{host}:{port}:*:{login}:{password}\n" for login, password in passwords.items()]
    write_private(path, "".join(lines))


def read_password(path: Path, login: str) -> str:
    """The password of a login, from the password file."""
    fields = [line.split(":") for line in path.read_text(encoding="utf-8").splitlines()]
    return next(password for *_, name, password in fields if name == login)


def create(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Create the logins beside the superuser, who is the one connected.

    The server gets only the hash, so no log can show a password.
    """
    for login in (OWNER, APPLICATION):
        verifier = connection.pgconn.encrypt_password(
            passwords[login].encode(), login.encode(), b"scram-sha-256"
        )
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.Identifier(login), sql.Literal(verifier.decode())
            )
        )
