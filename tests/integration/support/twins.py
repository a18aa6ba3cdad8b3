"""The stages backup and twin without a playbook: their entries called as the target host does."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gonogo.contract.login import Login, application_name
from gonogo.host.session import lock
from gonogo.host.session.connection import connect
from gonogo.host.stages import find
from tests.integration.support.harness import Database

__all__ = ["RUN_ID", "Rehearsal", "member", "wrapped"]

RUN_ID = "20260131T120000Z-0a1b2c"


@dataclass
class Rehearsal:
    """A run on this database that has its lock; `directory` is the target host's."""

    database: Database
    directory: Path
    login: Login
    run_id: str = RUN_ID
    pg_bin: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        assert lock.acquire(self.login, run_id=self.run_id, lease=600) is None
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """End the run as the stage verdict does where one was cut."""
        name = application_name(self.run_id, "release")
        with connect(self.login, name=name) as connection:
            lock.fence(connection, run_ids=[self.run_id])
        self.remove()

    def back_up(self, **changes: Any) -> dict[str, Any]:
        given = {
            "directory": str(self.directory / "backups"),
            "compress": "auto",
            "jobs": 0,
            "lock_wait": 600_000,
            "fingerprint": True,
        }
        arguments = self._arguments(**{**given, **changes})
        return dict(_answered("backup", arguments)["backup"])

    def restore(self, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return _answered("twin", self.restore_arguments(record, **changes))

    def restore_arguments(self, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
        given = {
            "state": "restored",
            "file": record["file"],
            "sha256": record["sha256"],
            "server_bin": None,
            "jobs": 0,
            "space_factor": 1.2,
            "keep": False,
            "scratch": False,
            **self._place(),
            **self.options,
        }
        return self._arguments(**{**given, **changes})

    def remove(self) -> bool:
        arguments = self._arguments(**self._place(), state="removed")
        return bool(_answered("twin", arguments)["changed"])

    def ask(self, entry: str, **own: Any) -> dict[str, Any]:
        """The answer of another entry."""
        given = {"login": asdict(self.login), "run_id": self.run_id, "driver": None}
        return _answered(entry, {**given, **own})

    @property
    def home(self) -> Path:
        """Directory of the run's twin."""
        return self.directory / "twins" / self.run_id

    def _place(self) -> dict[str, Any]:
        return {"directory": str(self.directory / "twins")}

    def _arguments(self, **own: Any) -> dict[str, Any]:
        return {
            "login": asdict(self.login),
            "run_id": self.run_id,
            "driver": None,
            "pg_bin": self.pg_bin or str(self.database.cluster.bin),
            **own,
        }


def _answered(entry: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return dict(find(entry).run(arguments, check_mode=False))


def wrapped(directory: Path, bin_dir: Path, *, options: str = "", after: str = "true") -> str:
    """A directory of programs whose pg_dump takes further options, and runs a command afterwards.

    In the command `$archive` is what was written.
    """
    directory.mkdir()
    for program in bin_dir.iterdir():
        (directory / program.name).symlink_to(program)
    script = directory / "pg_dump"
    script.unlink()
    script.write_text(
        "#!/bin/sh\n"
        f'{shlex.quote(str(bin_dir / "pg_dump"))} "$@" {options} || exit\n'
        'for word; do case "$word" in --file=*) archive="${word#--file=}";; esac; done\n'
        f'case "$archive" in "") exit;; esac\n{after}\n'
    )
    script.chmod(0o755)
    return str(directory)


def member(archive: Path, table: str, bin_dir: Path) -> Path:
    """The file of an archive that holds the rows of schema.table."""
    listed = subprocess.run(
        [str(bin_dir / "pg_restore"), "--list", str(archive)],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.defpath},
    ).stdout
    words = re.escape(table.replace(".", " "))
    found = re.search(rf"^(\d+); \d+ \d+ TABLE DATA {words} ", listed, re.MULTILINE)
    assert found, listed
    (file,) = archive.glob(f"{found[1]}.dat*")
    return file


def copied(source: Path, target: Path) -> None:
    """Put the archive `source` in the place of another."""
    shutil.rmtree(target)
    shutil.copytree(source, target)
