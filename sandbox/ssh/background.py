"""A server in the background that any later process can find and stop."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from sandbox.errors import SandboxError
from sandbox.files import read_json, write_json
from sandbox.process import Process
from sandbox.ssh.endpoint import Endpoint
from sandbox.ssh.keys import Keys

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True)
class Record:
    """What a server's file keeps: ``endpoint`` is there once the server was ready."""

    program: str
    process: Process | None = None
    endpoint: Endpoint | None = None


class Background:
    """One SSH server. ``directory`` belongs to the caller and gets the keys, the log, the record.

    ``kind`` is its name for people, ``record_name`` the record's file, ``log_name`` the log's.
    """

    kind: ClassVar[str]
    record_name: ClassVar[str]
    log_name: ClassVar[str]

    def __init__(self, directory: Path, record: Record):
        self.directory = directory
        self._record = record
        self._keys = Keys(directory)
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def find_in(cls, directory: Path) -> Self | None:
        """The server that was started in ``directory``, running or not, or None."""
        directory = directory.resolve()
        saved = read_json(directory / cls.record_name)
        if saved is None:
            return None
        if saved["process"] is not None:
            saved["process"] = Process(**saved["process"])
        if saved["endpoint"] is not None:
            saved["endpoint"] = Endpoint(**saved["endpoint"])
        return cls(directory, Record(**saved))

    @property
    def endpoint(self) -> Endpoint:
        """Where to log in."""
        if self._record.endpoint is None:
            raise SandboxError("the SSH server never got ready")
        return self._record.endpoint

    @property
    def process(self) -> Process:
        """The process that listens."""
        if self._record.process is None:
            raise SandboxError("the SSH server was never started")
        return self._record.process

    @property
    def log(self) -> Path:
        """What the server says about itself and every login."""
        return self.directory / self.log_name

    def is_running(self) -> bool:
        """Whether the server got ready and has not ended since."""
        return self._record.endpoint is not None and self.process.is_alive()

    def stop(self) -> None:
        """End the server, its connections and the commands in them; remove all its files.

        Raises: SandboxError when one of them does not end.
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @classmethod
    def _require_none_in(cls, directory: Path) -> None:
        if cls.find_in(directory) is not None:
            raise SandboxError(f'there already is an SSH server in "{directory}"')

    def _make_endpoint(self, host: str, port: int, user: str) -> None:
        """Let the client know the server, and everybody where to log in."""
        self._keys.make_known(host, port)
        self._keep(
            endpoint=Endpoint(
                host=host,
                port=port,
                user=user,
                private_key=str(self._keys.client_key),
                known_hosts=str(self._keys.known_hosts),
            )
        )

    def _keep(self, **changes: Process | Endpoint | None) -> None:
        self._record = replace(self._record, **changes)  # type: ignore[arg-type]
        write_json(self.directory / self.record_name, asdict(self._record))

    def _last_words(self) -> str:
        if not self.log.exists():
            return "It wrote nothing."
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-4:]) or "It wrote nothing."
