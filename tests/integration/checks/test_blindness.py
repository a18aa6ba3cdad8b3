"""Whoever does not see what is there is recognised, or sees it all the same."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.login import Login
from gonogo.host.session import identity
from gonogo.host.session.connection import connect
from gonogo.host.session.identity import observe
from sandbox import logins, programs
from sandbox.account import server_account
from sandbox.cluster import Cluster
from sandbox.server import HOST, Server
from tests.integration.support import scripts
from tests.integration.support.harness import Database
from tests.pages.blindness import BLINDING
from tests.records import declared

Make = Callable[..., Database]

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
_SECONDS = 60


def _problems(login: Login) -> list[str]:
    """Why the stage target would not let a run begin there."""
    with connect(login, name="test") as session:
        observed = observe(session)
    known = declared(database=login.db)
    return [problem.primary for problem in identity.problems(known, observed)]


# --- settings -----------------------------------------------------------------------------------

_PLACES = ("DATABASE {db}", "ROLE {role}", "ROLE {role} IN DATABASE {db}", "ROLE ALL")


@contextmanager
def _set(database: Database, place: str, settings: tuple[str, ...]) -> Iterator[None]:
    where = place.format(db=database.name, role=logins.OWNER)
    with database.admin() as admin:
        for setting in settings:
            admin.execute(f"ALTER {where} SET {setting}".encode())
    try:
        yield
    finally:
        # Roles are the whole cluster's, as are settings of the session that resets them.
        with database.admin() as admin:
            admin.execute("SET default_transaction_read_only = off")
            for setting in settings:
                admin.execute(f"ALTER {where} RESET {setting.partition(' ')[0]}".encode())


@pytest.mark.parametrize("setting", BLINDING)
def test_settings_that_would_blind(setting: str, database: Database) -> None:
    assert _problems(database.login()) == []
    for place in _PLACES:
        with _set(database, place, (setting,)):
            assert _problems(database.login()) == [
                "a setting of the role or the database would blind the checks"
            ], place
    assert _problems(database.login()) == []


_SHADOWS = """
CREATE SCHEMA shadow;
GRANT USAGE ON SCHEMA shadow TO PUBLIC;
CREATE FUNCTION shadow.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR shadow.= (FUNCTION = shadow.yes, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION shadow.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR shadow.<> (FUNCTION = shadow.no, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION shadow.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'active'::text $$;
CREATE FUNCTION shadow.now() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT '2000-01-01'::timestamptz $$;
CREATE TABLE shadow.config_versions AS SELECT * FROM public.config_versions LIMIT 1;
"""


def test_settings_that_no_session_follows(make_database: Make, tmp_path: Path) -> None:
    """On a database with something to find: it has to be found all the same."""

    def statuses(database: Database) -> dict[str, str]:
        found = scripts.answers(database, scripts.PHASES, tmp_path)
        assert not found.errors
        return {name: check["status"] for name, check in found.checks.items()}

    plain = statuses(make_database("as_deployed"))
    assert "fail" in plain.values()
    database = make_database("as_deployed")
    with database.admin() as admin:
        admin.execute(_SHADOWS.encode())
    settings = (
        "search_path = shadow, pg_catalog, public",
        "row_security = on",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
    )
    with _set(database, "ROLE {role} IN DATABASE {db}", settings):
        assert _problems(database.login()) == []
        assert statuses(database) == plain


# --- privileges and policies --------------------------------------------------------------------


@dataclass(frozen=True)
class As(Database):
    """A database that is logged in to with a login of its own."""

    given: Login

    def login(self) -> Login:
        return self.given


@pytest.fixture
def stranger(database: Database, tmp_path: Path) -> Iterator[As]:
    """The database, as a role sees it that may connect and has nothing else."""
    name, password = f"stranger_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    passfile = tmp_path / "stranger"
    passfile.touch(mode=0o600)
    passfile.write_text(f"*:*:*:{name}:{password}\n")
    with database.admin() as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    owner = database.login()
    login = Login(
        db=database.name, user=name, host=owner.host, port=owner.port, passfile=str(passfile)
    )
    yield As(database.cluster, database.name, database.profile, login)
    with database.admin() as admin:
        admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def test_a_role_that_sees_nothing(stranger: As, tmp_path: Path) -> None:
    found = scripts.answers(stranger, [scripts.PREFLIGHT], tmp_path)
    said = found.checks.get("0.9")
    if said is None:
        # The script has come to its end before: that is no answer either.
        assert found.errors
        return
    assert said["status"] == "fail"
    assert "approval_policy_master no SELECT, INSERT, UPDATE, DELETE" in said["observed"]
    assert scripts.declared()["0.9"].stop


def test_rows_that_policies_hide(stranger: As, tmp_path: Path) -> None:
    role = stranger.given.user
    with stranger.admin() as admin:
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}".encode())
    assert _answer(stranger, tmp_path)["status"] == "pass"
    with stranger.owner() as owner:
        owner.execute("ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY")
        owner.execute(f"CREATE POLICY none ON public.punchlists TO {role} USING (false)".encode())
    said = _answer(stranger, tmp_path)
    assert said["status"] == "fail"
    assert "punchlists row-level security applies to the login" in said["observed"]
    with (
        connect(stranger.login(), name="test") as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute("SELECT FROM public.punchlists")


def _answer(database: Database, directory: Path) -> dict[str, Any]:
    return scripts.answers(database, [scripts.PREFLIGHT], directory).checks["0.9"]


# --- another server -----------------------------------------------------------------------------


@pytest.fixture
def beside(cluster: Cluster) -> Iterator[Beside]:
    """Room for another program beside the server, which is ended with the test."""
    account = server_account()
    directory = Path(tempfile.mkdtemp(dir=cluster.data_directory.parent))
    account.own(directory)
    found = Beside(cluster, directory, [])
    yield found
    for child in found.children:
        child.terminate()
        child.wait(_SECONDS)
    shutil.rmtree(directory)


@dataclass(frozen=True)
class Beside:
    """What is started beside the server, by the server's account, and found by its port."""

    cluster: Cluster
    directory: Path
    children: list[subprocess.Popen[bytes]]

    def login(self, database: Database, port: int) -> Login:
        """The owner's login, at another port."""
        owner = database.login()
        password = logins.read_password(self.cluster.passfile, logins.OWNER)
        passfile = self.cluster.directory / f"passfile_{port}"
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:{owner.user}:{password}\n")
        return Login(
            db=database.name, user=owner.user, host=HOST, port=port, passfile=str(passfile)
        )

    def own(self) -> None:
        """Give everything that is there to the account."""
        for path in (self.directory, *self.directory.rglob("*")):
            server_account().own(path)


def test_a_replica(database: Database, beside: Beside) -> None:
    keywords = database.cluster.conninfo()
    data = beside.directory / "data"
    subprocess.run(
        [
            *(database.cluster.bin / "pg_basebackup", "--pgdata", data, "--write-recovery-conf"),
            *("--checkpoint=fast", "--wal-method=fetch", "--no-sync"),
        ],
        env={
            "PGHOST": keywords["host"],
            "PGPORT": keywords["port"],
            "PGUSER": keywords["user"],
            "PGPASSFILE": keywords["passfile"],
        },
        check=True,
    )
    log = beside.directory / "log"
    log.touch()
    beside.own()
    account = server_account()
    installed = programs.find(database.cluster.bin)
    if not installed.usable_by(account):
        installed = installed.copy_to(beside.directory / "programs")
    server = Server(installed, account, data, log, beside.children.append)
    login = beside.login(database, server.launch())
    assert _problems(login) == ["the server is a replica in recovery"]


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
@pytest.mark.parametrize("mode", ["transaction", "statement", "session"])
def test_pgbouncer(mode: str, database: Database, beside: Beside) -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    password = logins.read_password(database.cluster.passfile, logins.OWNER)
    (beside.directory / "users").write_text(f'"{logins.OWNER}" "{password}"\n')
    (beside.directory / "pgbouncer.ini").write_text(
        "\n".join(
            [
                "[databases]",
                f"{database.name} = host={database.cluster.host} port={database.cluster.port}",
                "[pgbouncer]",
                f"listen_addr = {HOST}",
                f"listen_port = {port}",
                "unix_socket_dir =",
                "auth_type = scram-sha-256",
                f"auth_file = {beside.directory}/users",
                f"pool_mode = {mode}",
                "",
            ]
        )
    )
    (beside.directory / "log").touch()
    beside.own()
    with (beside.directory / "log").open("ab") as output:
        command = [str(PGBOUNCER), f"{beside.directory}/pgbouncer.ini"]
        beside.children.append(server_account().spawn(command, output))
    login = beside.login(database, port)
    _await_listener(port, beside)
    assert "a connection pooler stands between this run and the server" in _problems(login)


def _await_listener(port: int, beside: Beside) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        assert beside.children[0].poll() is None, (beside.directory / "log").read_text()
        assert time.monotonic() < end, "pgbouncer does not listen"
        time.sleep(0.05)
