"""The migration tools themselves, which say whether a record is as they would have written it.

    python -m tests.migration_tools

gets what there is: packages of npm and of PyPI, pinned by hash, into the cache; Sqitch from the
distribution, where root can install it. What cannot be had is said on stderr, and is no error: its
tests are skipped. None of the tools is asked for anything outside of this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests import apt
from tools.matrix import registry
from tools.matrix.cache import Cache, digest
from tools.matrix.errors import MatrixError, UnavailableError
from tools.project import PROJECT

__all__ = ["REAL", "Asked", "Real", "active_record", "packages", "programs"]

_PROGRAMS = PROJECT / "requirements" / "migration_programs.txt"
_LOCK = PROJECT / "requirements" / "migration_tools"
_SECONDS = 120
_DRIZZLE = """
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
const require = createRequire(process.argv[2]);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { drizzle } = await load("drizzle-orm/node-postgres");
const { migrate } = await load("drizzle-orm/node-postgres/migrator");
const pg = (await load("pg")).default;
const pool = new pg.Pool({ connectionString: process.argv[3] });
try {
  await migrate(drizzle(pool), { migrationsFolder: process.argv[4] });
} finally {
  await pool.end();
}
"""


@dataclass(frozen=True)
class Asked:
    """What a tool has answered."""

    status: int
    output: str


@dataclass(frozen=True)
class Real:
    """A tool: where its program is, and how it applies a folder to a database."""

    program: Callable[[], Path | None]
    command: Callable[[Path, str, Path], Sequence[str]]
    # How it says what is pending; None where it has no word for it.
    status: Callable[[Path, str, Path], Sequence[str]] | None = None
    up_to_date: str = ""

    def apply(self, url: str, folder: Path, environment: Mapping[str, str]) -> Asked:
        return self._run(self.command(self._found(), url, folder), folder, environment)

    def ask(self, url: str, folder: Path, environment: Mapping[str, str]) -> Asked | None:
        if self.status is None:
            return None
        return self._run(self.status(self._found(), url, folder), folder, environment)

    def _found(self) -> Path:
        found = self.program()
        assert found is not None
        return found

    @staticmethod
    def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Asked:
        # No login of this machine's is read, and nothing is told to anybody.
        own = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "LC_ALL": "C.UTF-8"}
        quiet = {"DO_NOT_TRACK": "1", "SUPABASE_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}
        done = subprocess.run(
            command,
            cwd=folder,
            env={**own, **quiet, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Asked(done.returncode, done.stdout)


@cache
def packages() -> Path | None:
    """The folder of npm's packages; None where they were not got."""
    found = Cache().find(_name())
    return found / "node_modules" if found else None


@cache
def programs() -> Path | None:
    """The folder of the packages of Python's tools, for this Python; None as above."""
    return Cache().find(_name_of_programs())


def _name_of_programs() -> str:
    return f"migration_programs-{sys.implementation.cache_tag}-{digest(_PROGRAMS)}"


def _name() -> str:
    return f"migration_tools-{digest(_LOCK / 'package-lock.json')}"


def _package(path: str) -> Callable[[], Path | None]:
    def found() -> Path | None:
        folder = packages()
        file = folder / path if folder and shutil.which("node") else None
        return file if file and file.exists() else None

    return found


def _sqitch() -> Path | None:
    found = shutil.which("sqitch")
    return Path(found) if found else None


@cache
def active_record() -> Path | None:
    """Ruby, where it has ActiveRecord and the driver of PostgreSQL."""
    found = shutil.which("ruby")
    words = ["ruby", "-e", "require 'active_record'; require 'pg'"]
    if found is None or subprocess.run(words, capture_output=True, check=False).returncode:
        return None
    return Path(found)


def _dbmate(program: Path, url: str, folder: Path, *words: str) -> list[str]:
    return [str(program), "--url", url, "--migrations-dir", str(folder), *words]


def _supabase(program: Path, url: str, folder: Path, *words: str) -> list[str]:
    place = ["--remote", url, "--workdir", str(folder.parents[1])]
    return [str(program), "migration", *words, *place]


def _sqitch_of(program: Path, url: str, *words: str) -> list[str]:
    return [str(program), *words, f"db:{url.split('?', maxsplit=1)[0]}"]


REAL = {
    "dbmate": Real(
        _package("@dbmate/linux-x64/bin/dbmate"),
        lambda *place: _dbmate(*place, "--no-dump-schema", "migrate"),
        lambda *place: _dbmate(*place, "status", "--exit-code"),
        "Pending: 0",
    ),
    "drizzle": Real(
        _package("drizzle-orm/package.json"),
        lambda program, url, folder: [
            *("node", "--input-type=module", "--eval", _DRIZZLE),
            *("drizzle", str(program.parents[1] / "x.js"), url, str(folder)),
        ],
    ),
    "node_pg_migrate": Real(
        _package("node-pg-migrate/bin/node-pg-migrate.js"),
        lambda program, _, folder: ["node", str(program), "up", "-m", str(folder)],
        lambda program, _, folder: ["node", str(program), "up", "--dry-run", "-m", str(folder)],
        "No migrations to run!",
    ),
    "sqitch": Real(
        _sqitch,
        lambda program, url, _: [*_sqitch_of(program, url, "deploy"), "--lock-timeout", "1"],
        lambda program, url, _: _sqitch_of(program, url, "status"),
        "Nothing to deploy (up-to-date)",
    ),
    "supabase": Real(
        _package("@supabase/cli-linux-x64/bin/supabase"),
        lambda *place: _supabase(*place, "up", "--yes"),
        lambda *place: _supabase(*place, "up", "--yes"),
        "Remote database is up to date.",
    ),
}


def main() -> int:
    """Get them."""
    obstacles = [
        apt.provide("sqitch", ("sqitch", "libdbd-pg-perl"), _sqitch),
        apt.provide("ActiveRecord", ("ruby-activerecord", "ruby-pg"), active_record.__wrapped__),
    ]
    for name, install in ((_name(), _install), (_name_of_programs(), _install_programs)):
        try:
            Cache().made(name, install)
        except (MatrixError, UnavailableError) as error:
            obstacles.append(f"the packages of migration tools cannot be had: {error}")
    for obstacle in filter(None, obstacles):
        sys.stderr.write(f"{obstacle}\n")
    for kept in (active_record, packages, programs):
        kept.cache_clear()
    there = [name for name, real in REAL.items() if real.program()]
    sys.stdout.write(f"migration tools: {', '.join(there) or 'none'}\n")
    return 0


def _install(path: Path) -> None:
    registry.npm_install(_LOCK, path)


def _install_programs(path: Path) -> None:
    registry.pip_install(Path(sys.executable), _PROGRAMS, path)


if __name__ == "__main__":
    sys.exit(main())
