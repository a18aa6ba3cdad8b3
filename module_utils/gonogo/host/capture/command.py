"""Running the command: with the address of a copy, and of all else as little as it needs.

It is code of the application's. It runs with the rights of the account that runs this project; of
root, with those of the owner of its folder.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Callable
from urllib.parse import quote, urlencode

from ...contract.errors import GonogoError
from . import confined, orphans
from .relay import PORT, Relay

__all__ = ["Account", "Command", "account_of", "run"]

_PLACE = re.compile(r"\{(url|address|host|port|user|database)\}")
_HINT = "Nothing was changed. Run the command by hand on a copy of the database."
# Of our own environment, what has nothing to do with a database.
_TAKEN_OVER = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
_FIRST_BYTES = 2000
_FIRST_LINES = 4
_LAST_BYTES = 4000
_LAST_LINES = 12
_LEAVE_SECONDS = 5.0


@dataclass(frozen=True)
class Account:
    """Who runs the command. `switch` says whether that is somebody other than this process."""

    uid: int
    gid: int
    groups: Sequence[int]
    switch: bool

    def own(self, path: Path) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True)
class Command:
    """Its words, the folder it runs in, what its environment has besides, and how long it may take.

    In `environment`, {url}, {host}, {port}, {user} and {database} stand for those of the copy, and
    {address} for what comes behind the scheme of the URL.
    """

    words: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    seconds: float


def account_of(directory: Path) -> Account:
    """Raises GonogoError where the folder's owner is nobody that this host knows."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), (), switch=False)
    owner = directory.stat()
    if owner.st_uid == 0:
        return Account(0, 0, (), switch=False)
    try:
        name = pwd.getpwuid(owner.st_uid).pw_name
    except KeyError:
        raise GonogoError(
            "the owner of the folder of migrations has no account on the target host",
            detail=f"{directory} belongs to user {owner.st_uid}.",
            hint="Give the folder to the account of the application.",
        ) from None
    groups = os.getgrouplist(name, owner.st_gid)
    return Account(owner.st_uid, owner.st_gid, groups, switch=True)


def run(command: Command, relay: Relay, home: Path, account: Account) -> confined.Prepared:
    """Run it to its end; `home` is an empty directory of its own.

    Returns what was taken from it. Raises GonogoError where it cannot be run, fails, or does not
    end in time. Nothing of it is left then, as far as the host tells what it has started.
    """
    with confined.prepared((command.directory, home)) as taken, orphans.adopted() as end_orphans:
        try:
            child = subprocess.Popen(  # noqa: S603 - a list of words, for which the inventory stands
                list(command.words),
                cwd=command.directory,
                env=_environment(command, relay, home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=taken.enter,  # noqa: PLW1509 - it makes two calls of the kernel's
                umask=0o077,
                user=account.uid if account.switch else None,
                group=account.gid if account.switch else None,
                extra_groups=account.groups if account.switch else None,
            )
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise GonogoError(
                "the command of the migration tool cannot be run",
                detail=f"{command.words[0]}: {error.strerror or error}"
                if isinstance(error, OSError)
                else f"{command.words[0]}: {error}",
                hint="Check gonogo_migrate_command and its folder, gonogo_migrations, on the "
                "target host.",
            ) from None
        with _heard(child) as output, _ending(child, end_orphans):
            ended = _waited(child, command.seconds)
    if not ended:
        raise GonogoError(
            f"the command of the migration tool did not end in {command.seconds:g} seconds",
            detail=output.told(),
            hint=f"It has no terminal and nobody to ask. {_HINT} gonogo_migrate_timeout says how "
            "long it may take.",
        )
    if child.returncode != 0:
        raise GonogoError(
            f"the command of the migration tool {_outcome(child.returncode)}",
            detail=output.told(),
            hint=_HINT,
        )
    return taken


def _environment(command: Command, relay: Relay, home: Path) -> dict[str, str]:
    """No variable, no file and no service of ours leads anywhere: libpq's own are empty."""
    nothing = home / "none"
    address = {
        "host": str(relay.directory),
        "port": str(PORT),
        "user": relay.user,
        "database": relay.database,
    }
    place = {name: address[name] for name in ("user", "host", "port")}
    database = quote(relay.database, safe="")
    # A user without a host before the path is none to the parsers of Ruby and of JavaScript.
    address["address"] = f"/{database}?{urlencode(place, safe='/', quote_via=quote)}"
    address["url"] = f"postgresql://{address['address']}"
    found = {name: os.environ[name] for name in _TAKEN_OVER if name in os.environ}
    found.setdefault("PATH", os.defpath)
    found.update(
        {
            "HOME": str(home),
            "TMPDIR": str(home),
            "PGPASSFILE": str(nothing),
            "PGSERVICEFILE": str(nothing),
            "PGSYSCONFDIR": str(home),
            "PGSSLMODE": "disable",
            "PGHOST": address["host"],
            "PGPORT": address["port"],
            "PGUSER": address["user"],
            "PGDATABASE": address["database"],
            "DATABASE_URL": address["url"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "DO_NOT_TRACK": "1",
            "CI": "true",
        }
    )
    for name, value in command.environment.items():
        found[name] = _PLACE.sub(lambda place: address[place[1]], value)
    return found


def _waited(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it has ended in time."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _outcome(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status}"
    return f"failed with status {status}"


@contextmanager
def _ending(child: subprocess.Popen[bytes], end_orphans: Callable[[], None]) -> Iterator[None]:
    """End it and all that it has started."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        end_orphans()


@dataclass
class _Output:
    """How what it writes begins and ends: some say first what is wrong, others last."""

    first: bytearray = field(default_factory=bytearray)
    last: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def add(self, chunk: bytes) -> None:
        room = _FIRST_BYTES - len(self.first)
        self.first += chunk[:room]
        self.last += chunk[room:]
        self.cut |= len(self.last) > _LAST_BYTES
        del self.last[:-_LAST_BYTES]

    def told(self) -> str:
        """Its first and last lines."""
        if not self.cut:
            lines = _lines(self.first + self.last)
            if len(lines) <= _FIRST_LINES + _LAST_LINES:
                return "\n".join(lines) or "It wrote nothing."
            return "\n".join([*lines[:_FIRST_LINES], "...", *lines[-_LAST_LINES:]])
        first, last = _lines(self.first), _lines(self.last)
        return "\n".join([*first[:_FIRST_LINES], "...", *last[-_LAST_LINES:]])


def _lines(text: bytes | bytearray) -> list[str]:
    return text.decode("utf-8", "replace").strip().splitlines()


@contextmanager
def _heard(child: subprocess.Popen[bytes]) -> Iterator[_Output]:
    """What it writes."""
    found = _Output()
    assert child.stdout is not None
    reading = threading.Thread(target=_read, args=(child.stdout, found), daemon=True)
    reading.start()
    try:
        yield found
    finally:
        # Who it has left behind, where it could not be ended, may hold the other end.
        reading.join(_LEAVE_SECONDS)


def _read(source: IO[bytes], found: _Output) -> None:
    with source, contextlib.suppress(OSError):
        while True:
            chunk = os.read(source.fileno(), 1 << 16)
            if not chunk:
                return
            found.add(chunk)
