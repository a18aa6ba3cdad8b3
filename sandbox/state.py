"""What a running sandbox says about itself in its directory.

``sandbox.json`` is for programs, ``pg_service.conf`` and ``pgpass`` for everything that speaks
libpq. All are readable by their owner only.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import logins
from sandbox.files import read_json, remove_private, write_json, write_private
from sandbox.ssh.endpoint import Endpoint

if TYPE_CHECKING:
    from sandbox.cluster import Cluster

SERVICE = "apms_sandbox"
ADMIN_SERVICE = "apms_sandbox_admin"

_STATE = "sandbox.json"
_SERVICES = "pg_service.conf"


@dataclass(frozen=True)
class Ssh(Endpoint):
    """Where to log in, at which server, and the variables that tell Ansible."""

    server: str
    variables: dict[str, object]

    @classmethod
    def of(cls, server: str, endpoint: Endpoint) -> Ssh:
        """What the state says about a server."""
        return cls(**asdict(endpoint), server=server, variables=endpoint.inventory())


@dataclass(frozen=True)
class State:
    """The content of ``sandbox.json``. Paths are absolute, ``started_at`` is UTC in ISO 8601.

    Without ``ssh``, Ansible's connection is local. ``bin`` has the programs, ``installed`` is where
    they were found: another directory where the server's account could not go there.
    """

    admin_service: str
    application_role: str
    bin: str
    database: str
    environment: str
    host: str
    passfile: str
    pid: int
    port: int
    profile: str
    scale: int
    server_version: str
    service: str
    service_file: str
    ssh: Ssh | None
    started_at: str
    # A sandbox of an earlier version does not say it.
    installed: str = ""

    def psql(self, service: str = SERVICE) -> str:
        """A shell command that opens psql on the database."""
        program = shlex.quote(str(Path(self.bin) / "psql"))
        return f"PGSERVICEFILE={shlex.quote(self.service_file)} {program} service={service}"


def service_file(directory: Path) -> Path:
    """The service file of the sandbox in ``directory``."""
    return directory / _SERVICES


def write(directory: Path, cluster: Cluster, state: State) -> None:
    """Write the service file, then the state: whoever sees the state finds the rest."""
    sections = []
    for service, user in ((SERVICE, logins.OWNER), (ADMIN_SERVICE, logins.SUPERUSER)):
        keywords = cluster.conninfo(state.database, user)
        lines = [f"[{service}]", *(f"{key}={value}" for key, value in keywords.items())]
        sections.append("\n".join(lines) + "\n")
    write_private(directory / _SERVICES, "\n".join(sections))
    write_json(directory / _STATE, asdict(state))


def read(directory: Path) -> State | None:
    """The state of the sandbox in ``directory``, running or not, or None."""
    saved = read_json(directory / _STATE)
    if saved is None:
        return None
    ssh = saved.pop("ssh", None)
    return State(**saved, ssh=None if ssh is None else Ssh(**ssh))


def remove(directory: Path) -> None:
    """Remove the files, the state first."""
    for name in (_STATE, _SERVICES):
        remove_private(directory / name)


def command(verb: str, directory: Path) -> str:
    """The command that does ``verb`` to the sandbox in ``directory``, from the project's top."""
    python = shlex.quote(sys.executable)
    return f"{python} -m sandbox {verb} --directory {shlex.quote(str(directory))}"
