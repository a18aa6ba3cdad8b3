"""What a person may ask of ``start``, checked before anything happens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.database import PROFILES
from sandbox.errors import SandboxError
from sandbox.ssh import servers

if TYPE_CHECKING:
    from pathlib import Path

_MAXIMUM_SCALE = 1_000_000
_IDENTIFIER_BYTES = 63
_RESERVED = ("postgres", "template0", "template1")


@dataclass(frozen=True)
class Options:
    """The wanted sandbox. ``server_bin`` None means the embedded server, ``ssh`` None the
    builtin SSH server where there is an SSH client.
    """

    profile: str = "target"
    scale: int = 1
    environment: str = "sandbox"
    database: str = "apms_sandbox"
    server_bin: Path | None = None
    ssh: str | None = None

    @property
    def ssh_server(self) -> str:
        """The SSH server it gets, or "none"."""
        return servers.default() if self.ssh is None else self.ssh

    def check(self) -> None:
        """Raises: SandboxError for the first value that cannot be."""
        if self.profile not in PROFILES:
            raise SandboxError(
                f'unknown profile "{self.profile}"',
                hint=f"Profiles: {', '.join(sorted(PROFILES))}.",
            )
        if not 1 <= self.scale <= _MAXIMUM_SCALE:
            raise SandboxError(
                f"scale {self.scale} is out of range",
                hint=f"Give a whole number from 1 to {_MAXIMUM_SCALE}.",
            )
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", self.environment):
            raise SandboxError(
                f'"{self.environment}" cannot name an environment',
                hint="Use lower-case letters, digits, - and _, beginning with a letter.",
            )
        self._check_database()
        servers.check(self.ssh_server)

    def _check_database(self) -> None:
        name = self.database
        if name in _RESERVED:
            raise SandboxError(f'the database "{name}" belongs to the server')
        if not name or not name.isprintable() or name != name.strip():
            raise SandboxError(f"{name!r} cannot name a database")
        if len(name.encode()) > _IDENTIFIER_BYTES:
            raise SandboxError(
                f'the database name "{name}" is too long',
                detail=f"It has {len(name.encode())} bytes, the limit is {_IDENTIFIER_BYTES}.",
            )
