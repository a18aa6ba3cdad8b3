"""A server with every kind of login: peer, password, client certificate, with TLS and without."""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from sandbox import logins
from sandbox.account import server_account
from sandbox.cluster import Cluster
from tests.integration.support.certificates import Authority, Pair

__all__ = ["CERTIFIED", "HOST", "SETTINGS", "Arrival", "Doors", "operator"]

# The role that logs in with a certificate.
CERTIFIED = "apms_certified"
# The name in the server's certificate; the address is in none.
HOST = "localhost"

# The socket lies in the data directory, which the caller can enter in any case; the log says of
# every session how it came in.
SETTINGS = {"unix_socket_directories": ".", "log_connections": "on"}

_RULES = f"""
local   all  all                             peer
hostssl all  {CERTIFIED}      127.0.0.1/32   cert
host    all  {CERTIFIED}      127.0.0.1/32   reject
host    all  all              127.0.0.1/32   scram-sha-256
"""

_AUTHENTICATED = re.compile(r"\[(\d+)\] LOG:  connection authenticated: .* method=(\S+) \(")
_AUTHORIZED = re.compile(
    r"\[(\d+)\] LOG:  connection authorized: user=(\S+) database=(\S+)"
    r"(?: application_name=(\S+))?(?: SSL enabled \(protocol=(\S+),)?"
)


def operator() -> str:
    """Name of the account the tests run under, which is also a role."""
    return pwd.getpwuid(os.geteuid()).pw_name


@dataclass(frozen=True)
class Arrival:
    """A session as the server's log has it. `tls` is the protocol, or None."""

    user: str
    method: str
    tls: str | None
    name: str | None


@dataclass(frozen=True)
class Doors:
    """The server, and what its clients need. `directory` holds certificates and password files."""

    cluster: Cluster
    directory: Path
    trusted: Authority
    stranger: Authority

    @classmethod
    def open(cls, cluster: Cluster, directory: Path) -> Doors:
        """Let everybody in who is meant to come in. `cluster` was started with SETTINGS."""
        trusted, stranger = Authority(directory, "trusted"), Authority(directory, "stranger")
        _add_roles(cluster)
        _install(cluster, trusted)
        return cls(cluster, directory, trusted, stranger)

    @property
    def socket_directory(self) -> str:
        return str(self.cluster.data_directory)

    def passfile(self, path: Path, *, password: str | None = None, host: str | None = None) -> Path:
        """A password file for the owner, with the server's name and its address."""
        secret = password or logins.read_password(self.cluster.passfile, logins.OWNER)
        hosts = [host] if host else [HOST, self.cluster.host]
        lines = [f"{host}:{self.cluster.port}:*:{logins.OWNER}:{secret}\n" for host in hosts]
        path.touch(mode=0o600)
        path.write_text("".join(lines))
        return path

    def service_file(self, path: Path, services: Mapping[str, Mapping[str, object]]) -> Path:
        """A connection service file. Services begin with host and port."""
        place = {"host": HOST, "port": self.cluster.port}
        sections = [
            "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in words.items()), ""])
            for name, words in ((name, {**place, **given}) for name, given in services.items())
        ]
        path.write_text("\n".join(sections))
        return path

    def certificate(self, *, expired: bool = False, passphrase: str = "") -> Pair:
        return self.trusted.issue(CERTIFIED, expired=expired, passphrase=passphrase)

    def arrivals(self, database: str) -> list[Arrival]:
        """Sessions that were let into this database, in their order."""
        methods: dict[str, str] = {}
        found = []
        for line in (self.cluster.directory / "server.log").read_text().splitlines():
            if match := _AUTHENTICATED.search(line):
                methods[match[1]] = match[2]
            elif (match := _AUTHORIZED.search(line)) and match[3] == database:
                found.append(Arrival(match[2], methods.pop(match[1], ""), match[5], match[4]))
        return found


def _add_roles(cluster: Cluster) -> None:
    with cluster.connect() as admin:
        for role in sorted({operator(), CERTIFIED} - {logins.SUPERUSER}):
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            admin.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(logins.OWNER), sql.Identifier(role))
            )


def _install(cluster: Cluster, authority: Authority) -> None:
    """TLS and the rules, and wait until the server goes by them."""
    data = cluster.data_directory
    pair = authority.issue("server", host=HOST)
    _hand_over(data / "server.crt", pair.certificate.read_bytes())
    _hand_over(data / "server.key", pair.key.read_bytes())
    _hand_over(data / "root.crt", authority.certificate.read_bytes())
    _hand_over(data / "pg_hba.conf", _RULES.encode())
    before = _loaded_at(cluster)
    with cluster.connect() as admin:
        admin.execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
        admin.execute("ALTER SYSTEM SET ssl = on")
        admin.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 60
    # Rules and certificates are read right after the settings, before the next session is let in.
    while _loaded_at(cluster) == before:
        assert time.monotonic() < deadline, "the server does not read its settings again"
        time.sleep(0.02)


def _loaded_at(cluster: Cluster) -> object:
    with cluster.connect() as admin:
        row = admin.execute("SELECT pg_conf_load_time()").fetchone()
        return row and row[0]


def _hand_over(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    server_account().own(path)
