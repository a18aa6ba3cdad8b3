"""One PostgreSQL server with its own data directory, made to be thrown away."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from gonogo.host.twin import sharedmemory
from sandbox import logins, process, programs
from sandbox.account import Account, server_account
from sandbox.errors import SandboxError
from sandbox.files import read_json, remove_private, write_json
from sandbox.process import Process
from sandbox.server import HOST, Server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from types import TracebackType

_STOP_SECONDS = 15
_REMOVE_SECONDS = 5

# Where everybody may make directories, should $TMPDIR be closed to the server's account. The
# names below are random and made exclusively.
_SHARED = ("/tmp", "/var/tmp")  # noqa: S108

_RECORD, _PASSFILE, _LOG, _RUNTIME = "cluster.json", "pgpass", "server.log", "server"
_DATA = "data"


@dataclass(frozen=True)
class _Record:
    """What ``cluster.json`` keeps, so that any later process can stop the server.

    ``runtime`` holds everything the server owns; ``process`` is the initdb or postgres at work;
    ``port`` is there once the server was ready.
    """

    bin: str
    runtime: str
    process: Process | None = None
    port: int | None = None


class Cluster:
    """A server that listens on 127.0.0.1 only and asks every login for a password.

    ``directory`` belongs to the caller and gets ``cluster.json``, ``pgpass`` and ``server.log``.
    The server's own files lie in it too, or, when root starts it, in a temporary directory of
    the account that runs it.
    """

    def __init__(self, directory: Path, record: _Record):
        self.directory = directory
        self._record = record
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        directory: Path,
        server_bin: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Cluster:
        """Make a new cluster and start its server.

        ``directory`` exists and has no cluster; ``server_bin`` names the programs of an installed
        server to use instead of the embedded one; ``settings`` are the server's, beside the
        sandbox's own.
        Raises: SandboxError, leaving nothing behind.
        """
        directory = directory.resolve()
        if cls.find(directory) is not None:
            raise SandboxError(f'there already is a cluster in "{directory}"')
        installed = programs.find(server_bin)
        account = server_account()
        runtime = _choose_runtime(directory, account)
        cluster = cls(directory, _Record(str(installed.bin), str(runtime)))
        try:
            cluster._keep()
            cluster._create(installed, account, settings or {})
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def find(cls, directory: Path) -> Cluster | None:
        """The cluster that was started in ``directory``, running or not, or None."""
        directory = directory.resolve()
        saved = read_json(directory / _RECORD)
        if saved is None:
            return None
        if saved["process"] is not None:
            saved["process"] = Process(**saved["process"])
        return cls(directory, _Record(**saved))

    @staticmethod
    def lives_in(directory: Path) -> bool:
        """Whether ``directory`` is a cluster's, if only an unfinished one's."""
        return any((directory / name).exists() for name in (_RECORD, f"{_RECORD}.new"))

    @property
    def bin(self) -> Path:
        """Directory of psql, pg_dump and pg_restore of the server's version."""
        return Path(self._record.bin)

    @property
    def host(self) -> str:
        """Address the server listens on."""
        return HOST

    @property
    def port(self) -> int:
        """TCP port on 127.0.0.1."""
        if self._record.port is None:
            raise SandboxError("the server never got ready")
        return self._record.port

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._record.process is None:
            raise SandboxError("the server was never started")
        return self._record.process.pid

    @property
    def passfile(self) -> Path:
        """Password file for all logins."""
        return self.directory / _PASSFILE

    @property
    def data_directory(self) -> Path:
        """The server's data directory."""
        return Path(self._record.runtime) / _DATA

    def is_running(self) -> bool:
        """Whether the server got ready and has not ended since."""
        server = self._record.process
        return self._record.port is not None and server is not None and server.is_alive()

    def conninfo(self, database: str = "postgres", user: str = logins.SUPERUSER) -> dict[str, str]:
        """libpq keywords to connect with."""
        return {
            "host": self.host,
            # Spelled out, or PGHOSTADDR would lead elsewhere.
            "hostaddr": self.host,
            "port": str(self.port),
            "dbname": database,
            "user": user,
            "passfile": str(self.passfile),
            "sslmode": "disable",
        }

    def login(self, database: str, user: str = logins.SUPERUSER) -> dict[str, Any]:
        """The same, as an inventory says it."""
        return {
            "db": database,
            "user": user,
            "host": self.host,
            "port": self.port,
            "passfile": str(self.passfile),
        }

    def connect(
        self, database: str = "postgres", user: str = logins.SUPERUSER
    ) -> psycopg.Connection:
        """A connection in autocommit mode, whatever PGPASSWORD says."""
        password = logins.read_password(self.passfile, user)
        conninfo = make_conninfo(**self.conninfo(database, user), password=password)
        return psycopg.connect(conninfo, autocommit=True)

    def stop(self) -> None:
        """Stop the server and remove all its files. Does nothing where nothing is left.

        Only the very process that was started is ended; a pid that has passed to another
        process is left alone.
        Raises: SandboxError when the server does not end.
        """
        server = self._record.process or self._unrecorded()
        if server is not None:
            # Nothing has to be saved, so no checkpoint: an immediate shutdown.
            server.send(signal.SIGQUIT)
            if not server.wait(_STOP_SECONDS):
                server.send(signal.SIGKILL, group=True)
                if not server.wait(_STOP_SECONDS):
                    raise SandboxError(f"the server (PID {server.pid}) does not end")
        if self._child is not None:
            self._child.wait()
        sharedmemory.release(self.data_directory)
        _remove(Path(self._record.runtime))
        for name in (_PASSFILE, _LOG, _RECORD):
            remove_private(self.directory / name)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _create(
        self, installed: programs.Programs, account: Account, settings: Mapping[str, str]
    ) -> None:
        runtime = Path(self._record.runtime)
        runtime.mkdir(mode=0o700, exist_ok=True)
        if not installed.usable_by(account):
            installed = installed.copy_to(runtime / "server")
            # Whoever needs a server of this version (a twin) needs one that its account can run.
            self._keep(bin=str(installed.bin))
        log = self.directory / _LOG
        log.touch(mode=0o600)
        server = Server(installed, account, self.data_directory, log, self._spawned, settings)
        passwords = logins.generate_passwords()
        server.initialize(logins.SUPERUSER, passwords[logins.SUPERUSER])
        port = server.launch()
        logins.write_passfile(self.passfile, HOST, port, passwords)
        self._keep(port=port)
        with self.connect() as connection:
            logins.create(connection, passwords)

    def _spawned(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._keep(process=process.find(child.pid))

    def _keep(self, **changes: Process | int | str | None) -> None:
        self._record = replace(self._record, **changes)  # type: ignore[arg-type]
        write_json(self.directory / _RECORD, asdict(self._record))

    def _unrecorded(self) -> Process | None:
        """The server of a starter that was killed before it could write down the pid."""
        try:
            pid = int((self.data_directory / "postmaster.pid").read_text().partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return None
        return process.find(pid) if str(self.data_directory) in process.command(pid) else None


def _remove(tree: Path) -> None:
    """Remove a directory that an orphaned backend may still write into for a moment.

    Raises: SandboxError when it cannot be removed.
    """
    deadline = time.monotonic() + _REMOVE_SECONDS
    while tree.exists():
        shutil.rmtree(tree, ignore_errors=True)
        if tree.exists() and time.monotonic() > deadline:
            raise SandboxError(f'could not remove "{tree}"', hint="Remove it by hand.")


def _choose_runtime(directory: Path, account: Account) -> Path:
    """A directory for the server's own files that its account can enter.

    Raises: SandboxError when there is none.
    """
    if not account.switch:
        return directory / _RUNTIME
    # The caller's directory is root's and closed to others, so one where everybody may.
    parents = list(dict.fromkeys((tempfile.gettempdir(), *_SHARED)))
    for parent in parents:
        if not Path(parent).is_dir():
            continue
        runtime = Path(tempfile.mkdtemp(prefix="gonogo-sandbox-", dir=parent))
        # It stays root's, so that nobody can put anything in root's way; only the data
        # directory in it is the account's.
        runtime.chmod(0o711)
        data = runtime / _DATA
        data.mkdir(mode=0o700)
        account.own(data)
        if account.can_enter(data):
            return runtime
        _remove(runtime)
    raise SandboxError(
        f"no directory that the account {account.name} can use",
        detail=f"The server cannot run as root. Tried: {', '.join(parents)}.",
        hint="Set TMPDIR to a directory that all users can enter.",
    )
