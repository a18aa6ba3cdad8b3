"""Staging and production as two hosts, for the scenario two_hosts.

Each is a network namespace with an address, an sshd on port 22 that lets in an account made for
it, and a PostgreSQL on port 5432 with the database that the inventory of that name speaks of.
The account has /usr/bin/python3 and the client programs of PostgreSQL, and no psycopg.

    python -m tests.molecule.hosts needs            what is missing here; status 1 if anything is
    python -m tests.molecule.hosts up DIRECTORY     writes hosts.json and inventories there
    python -m tests.molecule.hosts down DIRECTORY   as often as one likes
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sandbox import database, logins
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.files import read_json, write_json
from sandbox.ssh.openssh import OpenSsh
from tests import sshd
from tests.molecule import login, network
from tests.molecule.login import Login
from tests.molecule.network import Network

_PROJECT = Path(__file__).resolve().parents[2]
_HOSTS = ("staging", "production")
_PYTHON = Path("/usr/bin/python3")
_SSH_PORT, _POSTGRESQL_PORT = 22, 5432
_RECORD, _NAME = "hosts.json", "name.json"


@dataclass(frozen=True)
class Declared:
    """What the example inventory of a host says about it."""

    inventory_host: str
    db: str
    user: str
    port: int
    application_role: str

    @classmethod
    def of(cls, host: str) -> Declared:
        folder = _PROJECT / "inventories" / host
        hosts = yaml.safe_load((folder / "hosts.yml").read_text("utf-8"))
        variables = yaml.safe_load((folder / "group_vars" / "gonogo.yml").read_text("utf-8"))
        (inventory_host,) = hosts["gonogo"]["hosts"]
        given = variables["gonogo_login"]
        return cls(
            inventory_host=inventory_host,
            db=given["db"],
            user=given["user"],
            port=given["port"],
            application_role=variables["gonogo_parameters"]["application_role"],
        )


@dataclass(frozen=True)
class Host:
    """One of the two: its place in the network, its account, and the directory of its servers."""

    name: str
    network: Network
    directory: Path

    @property
    def login(self) -> Login:
        return Login(self.network.namespace(self.name))

    def serve(self) -> None:
        """Start its servers. Runs inside its namespace."""
        declared = Declared.of(self.name)
        installed = _installed()
        cluster_directory, ssh_directory = self.directory / "cluster", self.directory / "ssh"
        for directory in (self.directory, cluster_directory, ssh_directory):
            directory.mkdir(mode=0o700)
        cluster = Cluster.start(cluster_directory, installed, {"port": str(declared.port)})
        self._fill(cluster, declared)
        self.login.create()
        self._give_passwords(cluster, declared)
        server = OpenSsh.start(
            ssh_directory,
            address=self.network.address(self.name),
            port=_SSH_PORT,
            login=self.login.name,
        )
        variables = server.endpoint.inventory()
        if installed is None:
            # No PostgreSQL on this machine: the account brings the client programs along.
            variables["gonogo_pg_bin"] = str(self.login.copy(cluster.bin.parent, "pgsql") / "bin")
        conninfo = make_conninfo(**cluster.conninfo(declared.db))
        write_json(
            self.directory / _RECORD,
            {
                "inventory_host": declared.inventory_host,
                "home": str(self.login.home),
                "psql": [*self.network.inside(self.name), str(cluster.bin / "psql"), conninfo],
                "variables": variables,
            },
        )

    def stop(self) -> None:
        """Stop its servers and remove its account, as far as they are there."""
        ssh_directory, cluster_directory = self.directory / "ssh", self.directory / "cluster"
        server = OpenSsh.find_in(ssh_directory) if ssh_directory.is_dir() else None
        if server is not None:
            server.stop()
        cluster = Cluster.find(cluster_directory) if cluster_directory.is_dir() else None
        if cluster is not None:
            cluster.stop()
        self.login.remove()

    def _fill(self, cluster: Cluster, declared: Declared) -> None:
        database.create(
            cluster, database=declared.db, profile="target", scale=1, environment=self.name
        )
        staging = Declared.of("staging")
        if self.name != "staging":
            # What a restore left there. Nothing but the marker tells a run for staging that this
            # is not its database.
            database.clone(cluster, declared.db, staging.db)
        with cluster.connect() as admin:
            _rename(admin, logins.OWNER, declared.user)
            if declared.application_role != declared.user:
                _rename(admin, logins.APPLICATION, declared.application_role)
            if staging.user not in (declared.user, declared.application_role):
                admin.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(staging.user),
                        sql.Literal(logins.read_password(cluster.passfile, logins.OWNER)),
                    )
                )

    def _give_passwords(self, cluster: Cluster, declared: Declared) -> None:
        password = logins.read_password(cluster.passfile, logins.OWNER)
        users = {declared.user, Declared.of("staging").user}
        lines = [f"localhost:{declared.port}:*:{user}:{password}\n" for user in sorted(users)]
        self.login.write(".pgpass", "".join(lines))


def needs() -> str | None:
    """What this machine lacks for two hosts, or None. An sshd that is missing is installed."""
    if os.geteuid() != 0:
        return "it needs root, for network namespaces and accounts"
    missing = [name for name in login.PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"there is no program {missing[0]}"
    if not _PYTHON.exists():
        return f"there is no {_PYTHON}"
    return network.obstacle() or sshd.provide()


def up(directory: Path) -> None:
    """Make both hosts. Raises: SandboxError, leaving nothing behind."""
    lacking = needs()
    if lacking:
        raise SandboxError("there cannot be two hosts here", detail=lacking)
    directory.mkdir(mode=0o700)
    made = Network.called(secrets.token_hex(3))
    # Written down first, so that `down` knows the names of all that may be there.
    write_json(directory / _NAME, {"name": made.name})
    try:
        made.create()
        for host in _HOSTS:
            subprocess.run(
                [*made.inside(host), sys.executable, "-m", __spec__.name, "serve", directory, host],
                cwd=_PROJECT,
                stdin=subprocess.DEVNULL,
                check=True,
            )
        _describe(directory, made)
    except subprocess.CalledProcessError as error:
        down(directory)
        raise SandboxError("a host could not be made, see above") from error
    except BaseException:
        down(directory)
        raise


def down(directory: Path) -> None:
    """Remove both hosts and the directory, if anything is there."""
    saved = read_json(directory / _NAME)
    if saved is not None:
        made = Network.called(saved["name"])
        for host in _HOSTS:
            Host(host, made, directory / host).stop()
        made.remove()
    shutil.rmtree(directory, ignore_errors=True)


def _describe(directory: Path, made: Network) -> None:
    """Write what the scenario has to know, and how the controller reaches the hosts."""
    hosts = {host: read_json(directory / host / _RECORD) or {} for host in _HOSTS}
    write_json(directory / _RECORD, {"controller": made.inside(), **hosts})
    # A slip of the finger: the name says staging, the address is that of production.
    aims = {**{host: (host, host) for host in _HOSTS}, "mistaken": ("staging", "production")}
    for name, (declared, real) in aims.items():
        reached = {hosts[declared]["inventory_host"]: hosts[real]["variables"]}
        text = yaml.safe_dump({"gonogo": {"hosts": reached}})
        (directory / f"{name}.yml").write_text(text, encoding="utf-8")


def _serve(directory: Path, host: str) -> None:
    saved = read_json(directory / _NAME) or {}
    Host(host, Network.called(saved["name"]), directory / host).serve()


def _installed() -> Path | None:
    """Programs of the newest PostgreSQL server that Debian's packages have installed here."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def _rename(admin: Any, old: str, new: str) -> None:
    admin.execute(
        sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def main() -> int:
    match sys.argv[1:]:
        case ["needs"]:
            reason = needs()
            if reason:
                sys.stdout.write(f"{reason}\n")
            return 1 if reason else 0
        case ["up", directory]:
            up(Path(directory))
        case ["down", directory]:
            down(Path(directory))
        case ["serve", directory, host]:
            _serve(Path(directory), host)
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SandboxError as error:
        sys.exit(str(error))
