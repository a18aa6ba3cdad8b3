"""Every way to log in: what it takes to come in, and what is said when it fails.

The server's log says how each session came in, so that psycopg and pg_dump are seen to have used
the same login.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.host.archive import clients
from gonogo.host.session.connection import connect, reached
from gonogo.host.session.identity import observe
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.doors import CERTIFIED, HOST, SETTINGS, Doors, operator
from tests.integration.support.harness import PROJECT, RUNBOOK, Controller, Database, Outcome

_numbers = count(1)
_TEMPLATE = "template_target"
# What a session is called where code of the application runs and the runbook gives it no name.
_UNNAMED = ""

Options = dict[str, Any]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None) -> Iterator[Doors]:
    with Cluster.start(tmp_path_factory.mktemp("doors"), server_bin, SETTINGS) as cluster:
        content.create(
            cluster, database=_TEMPLATE, profile="target", scale=1, environment="sandbox"
        )
        yield Doors.open(cluster, tmp_path_factory.mktemp("files"))


@pytest.fixture
def target(doors: Doors) -> Iterator[Database]:
    name = f"login_{os.getpid()}_{next(_numbers)}"
    content.clone(doors.cluster, _TEMPLATE, name)
    yield Database(doors.cluster, name, "target")
    content.drop(doors.cluster, name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Home of the login user, where libpq looks for its files."""
    directory = tmp_path / "home"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    return directory


def _inventory(file: Path, doors: Doors, hosts: dict[str, Options]) -> tuple[str, ...]:
    """Arguments of a run on hosts that are all here, each with a login of its own."""
    group = {
        "hosts": {name: {"gonogo_login": login} for name, login in hosts.items()},
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "gonogo_environment": "sandbox",
            "gonogo_protected": False,
            "gonogo_runbook": str(RUNBOOK),
            "gonogo_profile": "target",
            "gonogo_residue": "rollback",
            "gonogo_parameters": {"application_role": logins.APPLICATION},
            "gonogo_pg_bin": str(doors.cluster.bin),
            "gonogo_remote_dir": str(file.parent / "remote"),
        },
    }
    file.write_text(yaml.safe_dump({"gonogo": group}))
    return ("-i", str(file), "validate_staging.yml")


# --- coming in ------------------------------------------------------------------------------------


def _peer(doors: Doors, _home: Path) -> Options:
    return {"host": doors.socket_directory, "port": doors.cluster.port}


def _passfile(doors: Doors, home: Path) -> Options:
    doors.passfile(home / "secret")
    return {
        "host": doors.cluster.host,
        "port": doors.cluster.port,
        "user": logins.OWNER,
        "passfile": "~/secret",
        "ssl_mode": "disable",
    }


def _service(doors: Doors, home: Path) -> Options:
    passfile = doors.passfile(home / "secret")
    given = {"user": logins.OWNER, "passfile": passfile, "sslmode": "require"}
    doors.service_file(home / "services", {"staging": given})
    return {"service": "staging", "service_file": "~/services"}


def _certificate(doors: Doors, _home: Path) -> Options:
    pair = doors.certificate()
    return {
        "host": HOST,
        "port": doors.cluster.port,
        "user": CERTIFIED,
        "ssl_mode": "verify-full",
        "ca_cert": str(doors.trusted.certificate),
        "client_cert": str(pair.certificate),
        "client_key": str(pair.key),
    }


@pytest.mark.parametrize(
    ("kind", "user", "method", "tls"),
    [
        pytest.param(_peer, operator(), "peer", None, marks=pytest.mark.attack),
        (_passfile, logins.OWNER, "scram-sha-256", None),
        pytest.param(_service, logins.OWNER, "scram-sha-256", "TLSv1.3", marks=pytest.mark.attack),
        (_certificate, CERTIFIED, "cert", "TLSv1.3"),
    ],
)
def test_a_whole_run(
    kind: Callable[[Doors, Path], Options],
    user: str,
    method: str,
    tls: str | None,
    doors: Doors,
    target: Database,
    home: Path,
    controller: Controller,
) -> None:
    login = {"db": target.name, **kind(doors, home)}
    outcome = controller.play(*_inventory(controller.directory / "hosts.yml", doors, {"h": login}))
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert outcome.verdict["score"] == {"passed": 15, "of": 15}
    names = _assert_all_came(doors, target, outcome, (user, method, tls))
    # psycopg, and pg_dump.
    assert names.count("backup") > 1
    assert {"target", "lock", "preflight", "phases"} <= set(names)
    # The scripts have one, the race has three: who acts first, who acts second, who looks on.
    assert names.count(_UNNAMED) == 4


def _assert_all_came(
    doors: Doors, target: Database, outcome: Outcome, wanted: tuple[str, str, str | None]
) -> list[str]:
    """All sessions of the run came in like this. Returns their stages.

    Those in which code of the application runs are called as the application's are, here _UNNAMED.
    Nobody but the run has such a session in its target between two of its others.
    """
    run = f"gonogo:{outcome.evidence.name}:"
    arrivals = doors.arrivals(target.name)
    ours = [n for n, a in enumerate(arrivals) if a.name and a.name.startswith(run)]
    came = [a for a in arrivals[ours[0] : ours[-1] + 1] if not a.name or a.name.startswith(run)]
    assert {(a.user, a.method, a.tls) for a in came} == {wanted}
    return [a.name.removeprefix(run) if a.name else _UNNAMED for a in came]


def _both(login: Login, doors: Doors) -> None:
    """Come in with psycopg, and with pg_dump by the same login."""
    with connect(login, name="psycopg", read_only=True) as connection:
        assert observe(connection).database == login.db
        conninfo = login.conninfo(name="pg_dump", **reached(connection))
    program = str(doors.cluster.bin / "pg_dump")
    dump = clients.run(
        [program, "--schema-only", "--no-password", f"--dbname={conninfo}"],
        environment=login.environment(),
        what="pg_dump",
    )
    assert "CREATE TABLE public.config_versions" in dump


def _came(doors: Doors, target: Database) -> tuple[str, str, bool]:
    """Role, method and TLS of both; they are the same."""
    came = [a for a in doors.arrivals(target.name) if a.name in {"psycopg", "pg_dump"}]
    assert [arrival.name for arrival in came] == ["psycopg", "pg_dump"]
    (one,) = {(a.user, a.method, bool(a.tls)) for a in came}
    return one


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", "verify-full"])
def test_tls_of_every_mode(mode: str, doors: Doors, target: Database, home: Path) -> None:
    ca_cert = str(doors.trusted.certificate) if mode.startswith("verify") else None
    login = Login(
        db=target.name,
        user=logins.OWNER,
        host=HOST,
        port=doors.cluster.port,
        passfile=str(doors.passfile(home / "secret")),
        ssl_mode=mode,
        ca_cert=ca_cert,
    )
    _both(login, doors)
    assert _came(doors, target) == (logins.OWNER, "scram-sha-256", mode != "disable")


def test_files_of_the_login_user_count_where_none_is_named(
    doors: Doors, target: Database, home: Path
) -> None:
    doors.passfile(home / ".pgpass")
    given = {"user": logins.OWNER, "sslmode": "verify-full"}
    doors.service_file(home / ".pg_service.conf", {"staging": given})
    (home / ".postgresql").mkdir()
    (home / ".postgresql/root.crt").write_bytes(doors.trusted.certificate.read_bytes())
    _both(Login(db=target.name, service="staging"), doors)
    assert _came(doors, target) == (logins.OWNER, "scram-sha-256", True)


def test_certificate_of_the_login_user_counts_where_none_is_named(
    doors: Doors, target: Database, home: Path
) -> None:
    pair = doors.certificate()
    (home / ".postgresql").mkdir()
    for name, source in (
        ("root.crt", doors.trusted.certificate),
        ("postgresql.crt", pair.certificate),
        ("postgresql.key", pair.key),
    ):
        (home / ".postgresql" / name).touch(mode=0o600)
        (home / ".postgresql" / name).write_bytes(source.read_bytes())
    port = doors.cluster.port
    login = Login(db=target.name, host=HOST, port=port, user=CERTIFIED, ssl_mode="verify-full")
    _both(login, doors)
    assert _came(doors, target) == (CERTIFIED, "cert", True)


def test_variables_of_libpq_do_not_count(
    doors: Doors, target: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passfile = doors.passfile(home / "secret")
    stranger = doors.service_file(home / "services", {"elsewhere": {"dbname": "postgres"}})
    for name, value in {
        "PGHOST": "192.0.2.1",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGDATABASE": "postgres",
        "PGUSER": logins.SUPERUSER,
        "PGPASSFILE": "/nonexistent",
        "PGSERVICE": "elsewhere",
        "PGSERVICEFILE": str(stranger),
        "PGSSLMODE": "verify-full",
        "PGOPTIONS": "-c default_transaction_read_only=on",
    }.items():
        monkeypatch.setenv(name, value)
    login = Login(
        db=target.name,
        user=logins.OWNER,
        host=HOST,
        port=doors.cluster.port,
        passfile=str(passfile),
    )
    _both(login, doors)
    assert _came(doors, target) == (logins.OWNER, "scram-sha-256", True)


def test_what_the_login_says_itself_counts_before_the_service(
    doors: Doors, target: Database, home: Path
) -> None:
    """For libpq a service comes before PG* variables; psycopg and pg_dump must not differ."""
    passfile = doors.passfile(home / "secret")
    given = {"user": "nobody_such", "port": 1, "passfile": "/nonexistent", "sslmode": "disable"}
    services = doors.service_file(home / "services", {"staging": given})
    login = Login(
        db=target.name,
        service="staging",
        service_file=str(services),
        port=doors.cluster.port,
        user=logins.OWNER,
        passfile=str(passfile),
        ssl_mode="require",
    )
    _both(login, doors)
    assert _came(doors, target) == (logins.OWNER, "scram-sha-256", True)


def test_password_in_a_service_file_of_ones_own(doors: Doors, target: Database, home: Path) -> None:
    password = logins.read_password(doors.cluster.passfile, logins.OWNER)
    given = {"user": logins.OWNER, "password": password, "dbname": target.name}
    services = doors.service_file(home / "services", {"staging": given})
    services.chmod(0o644)
    login = Login(db=target.name, service="staging", service_file=str(services))
    with pytest.raises(GonogoError) as caught:
        connect(login, name="test")
    assert caught.value.render() == (
        f"the service file holds a password and can be read by others: {services}\n"
        f"HINT:  chmod 600 {services}, or name a passfile in the service."
    )
    services.chmod(0o600)
    _both(login, doors)
    assert _came(doors, target) == (logins.OWNER, "scram-sha-256", True)


# --- a managed database ---------------------------------------------------------------------------


def test_managed_database_is_judged_from_the_controller(
    doors: Doors, target: Database, home: Path, controller: Controller
) -> None:
    """The example inventory as it is, with the names of this server."""
    with target.admin() as connection:
        connection.execute(f'ALTER DATABASE "{target.name}" RESET gonogo.environment')
    with target.owner() as connection:
        connection.execute(
            f"COMMENT ON DATABASE \"{target.name}\" IS 'APMS\ngonogo.environment=staging'"
        )
    (home / ".gonogo").mkdir()
    doors.passfile(home / ".gonogo/pgpass", host=HOST)
    (home / ".gonogo/database-ca.pem").write_bytes(doors.trusted.certificate.read_bytes())
    example = yaml.safe_load((PROJECT / "inventories/managed/group_vars/gonogo.yml").read_text())
    login = {
        **example["gonogo_login"],
        "db": target.name,
        "user": logins.OWNER,
        "host": HOST,
        "port": doors.cluster.port,
    }
    changed = {
        "gonogo_login": login,
        "gonogo_pg_bin": str(doors.cluster.bin),
        "gonogo_parameters": {"application_role": logins.APPLICATION},
    }
    outcome = controller.play(
        *("-i", "inventories/managed", "validate_staging.yml", "-e", json.dumps(changed))
    )
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert outcome.verdict["score"] == {"passed": 15, "of": 15}
    observed = json.loads((outcome.evidence / "run.json").read_text())["target"]["observed"]
    assert observed["marker_comment"] == observed["environment"] == "staging"
    assert observed["marker_setting"] is None
    _assert_all_came(doors, target, outcome, (logins.OWNER, "scram-sha-256", "TLSv1.3"))
    assert list((home / ".gonogo/apms-staging-managed/backups").glob("*.dump"))


# --- not coming in --------------------------------------------------------------------------------

# Name of the host → what its error says: the first line, words of the detail, words of the hint.
REFUSED = {
    "wrong-password": ("cannot connect", "password authentication failed", "Correct the password"),
    "no-line-in-passfile": ("cannot connect", "no password supplied", "No line of the password"),
    "no-password-at-all": ("cannot connect", "no password supplied", "~/.pgpass"),
    "no-passfile": ("login.passfile does not exist: {home}/none", "", "on the target host"),
    "open-passfile": ("login.passfile can be read by others", "ignore it", "chmod 600 {home}/open"),
    "relative-passfile": (
        "login.passfile is not an absolute path: a text of 6",
        "",
        "Begin it with /",
    ),
    "passfile-of-nobody": ("that login.passfile begins with", "No account", "whole path"),
    "passfile-is-a-folder": ("login.passfile is not a file: {home}", "", "on the target host"),
    "wrong-authority": ("cannot connect", "certificate verify failed", "has signed the server's"),
    "no-authority": ("cannot connect", ".postgresql/root.crt", "Give login.ca_cert"),
    "authority-is-no-certificate": ("cannot connect", "root certificate", "a PEM file"),
    "other-host-name": ("cannot connect", 'not match host name "127.0.0.1"', "as the server's"),
    "no-tls": ("cannot connect", "server does not support SSL", "this server has none"),
    "no-certificate": ("cannot connect", "valid client certificate", "Give login.client_cert"),
    "expired-certificate": ("cannot connect", "certificate expired", "does not accept"),
    "untrusted-certificate": ("cannot connect", "unknown ca", "does not accept"),
    "certificate-of-another": ("cannot connect", "failed for user", "must be login.user"),
    "certificate-without-key": ("cannot connect", "not private key file", "login.client_key must"),
    "key-of-another": ("cannot connect", "key values mismatch", "login.client_key must"),
    "open-key": ("login.client_key can be read by others", "refuse it", "chmod 600"),
    "encrypted-key": ("login.client_key is encrypted", "passphrase", "without a passphrase"),
    "no-tls-for-certificate": ("cannot connect", "no encryption", "mind login.ssl_mode"),
    "unknown-service": ("cannot connect", '"nosuch" not found', "section of login.service_file"),
    "no-service-file": ("login.service_file does not exist: {home}/none", "", "on the target"),
    "no-service-file-at-all": ("cannot connect", "not found", "~/.pg_service.conf"),
    "service-of-another": ("name two databases: '{db}' and 'postgres'", "", "Correct one of them"),
    "peer-of-another": ("cannot connect", "Peer authentication failed", "same name"),
    "nobody-listens": ("cannot connect", "Is the server running", "as seen from the target host"),
    "no-such-host": ("cannot connect", "gonogo.invalid", "Check login.host"),
    "no-such-database": ("cannot connect", "does not exist", "Correct login.db"),
    "connection-string": ("login.db is not a database name", "", "Give the bare name"),
}


def _bad_logins(doors: Doors, database: str, home: Path, plain: Cluster) -> dict[str, Options]:
    passfile = doors.passfile(home / "secret")
    doors.passfile(home / "wrong", password="x")
    doors.passfile(home / "elsewhere", host="db.example.com")
    doors.passfile(home / "open").chmod(0o644)
    services = str(doors.service_file(home / "services", {"other": {"dbname": "postgres"}}))
    pair = doors.certificate()
    open_key = home / "open.key"
    open_key.write_bytes(pair.key.read_bytes())
    open_key.chmod(0o640 if os.geteuid() else 0o644)
    place = {"db": database, "host": HOST, "port": doors.cluster.port}
    owner = {**place, "user": logins.OWNER, "passfile": str(passfile)}
    verified = {**owner, "ssl_mode": "verify-full", "ca_cert": str(doors.trusted.certificate)}
    certified = {**place, "user": CERTIFIED, "ssl_mode": "require"}

    def with_pair(certificate: Path, key: Path) -> Options:
        return {**certified, "client_cert": str(certificate), "client_key": str(key)}

    expired = doors.certificate(expired=True)
    untrusted = doors.stranger.issue(CERTIFIED)
    another = doors.trusted.issue("somebody")
    encrypted = doors.certificate(passphrase="secret")
    return {
        "wrong-password": {**owner, "passfile": f"{home}/wrong"},
        "no-line-in-passfile": {**owner, "passfile": f"{home}/elsewhere"},
        "no-password-at-all": {**place, "user": logins.OWNER},
        "no-passfile": {**owner, "passfile": "~/none"},
        "open-passfile": {**owner, "passfile": "~/open"},
        "relative-passfile": {**owner, "passfile": "secret"},
        "passfile-of-nobody": {**owner, "passfile": "~nobody_such/secret"},
        "passfile-is-a-folder": {**owner, "passfile": "~"},
        "wrong-authority": {**verified, "ca_cert": str(doors.stranger.certificate)},
        "no-authority": {**owner, "ssl_mode": "verify-ca"},
        "authority-is-no-certificate": {**verified, "ca_cert": str(passfile)},
        "other-host-name": {**verified, "host": doors.cluster.host},
        "no-tls": {**owner, "port": plain.port, "ssl_mode": "require"},
        "no-certificate": certified,
        "expired-certificate": with_pair(expired.certificate, expired.key),
        "untrusted-certificate": with_pair(untrusted.certificate, untrusted.key),
        "certificate-of-another": with_pair(another.certificate, another.key),
        "certificate-without-key": {**certified, "client_cert": str(pair.certificate)},
        "key-of-another": with_pair(pair.certificate, another.key),
        "open-key": with_pair(pair.certificate, open_key),
        "encrypted-key": with_pair(encrypted.certificate, encrypted.key),
        "no-tls-for-certificate": {**certified, "ssl_mode": "disable"},
        "unknown-service": {"db": database, "service": "nosuch", "service_file": services},
        "no-service-file": {"db": database, "service": "other", "service_file": "~/none"},
        "no-service-file-at-all": {"db": database, "service": "other"},
        "service-of-another": {"db": database, "service": "other", "service_file": services},
        "peer-of-another": {**place, "host": doors.socket_directory, "user": logins.OWNER},
        "nobody-listens": {**owner, "host": str(home)},
        "no-such-host": {**owner, "host": "gonogo.invalid"},
        "no-such-database": {**owner, "db": "nosuch"},
        "connection-string": {**owner, "db": f"postgresql://{HOST}/{database}"},
    }


@pytest.fixture(scope="module")
def refused(
    doors: Doors, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Outcome, dict[str, Path], Path, str]]:
    """One playbook on as many hosts as there are bad logins; `cluster` is a server without TLS.

    Gives its outcome, host → evidence, the home directory and the database, which is untouched.
    """
    directory = tmp_path_factory.mktemp("refused")
    home = directory / "home"
    home.mkdir()
    name = f"login_{os.getpid()}_refused"
    content.clone(doors.cluster, _TEMPLATE, name)
    database = Database(doors.cluster, name, "target")
    before = database.rows()
    hosts = _bad_logins(doors, name, home, cluster)
    assert set(hosts) == set(REFUSED)
    controller = Controller(directory, directory / "runs", {"HOME": str(home)})
    outcome = controller.play(*_inventory(directory / "hosts.yml", doors, hosts))
    evidence = {
        json.loads(file.read_text())["target"]["inventory_host"]: file.parent
        for file in outcome.runs_dir.glob("sandbox/*/run.json")
    }
    assert database.rows() == before
    yield outcome, evidence, home, name
    content.drop(doors.cluster, name)


@pytest.mark.parametrize("host", sorted(REFUSED))
def test_refusal_is_one_clear_error(
    host: str, refused: tuple[Outcome, dict[str, Path], Path, str]
) -> None:
    _, evidence, home, database = refused
    chain = evidence[host] / "events.jsonl"
    events = [json.loads(line) for line in chain.read_text().splitlines()]
    (failure,) = [event["data"] for event in events if event["event"] == "stage_failed"]
    message, detail, hint = (words.format(home=home, db=database) for words in REFUSED[host])
    assert message in failure["message"]
    assert detail in (failure["detail"] or "")
    assert hint in failure["hint"]
    verdict = json.loads((evidence[host] / "verdict.json").read_text())
    assert verdict["decision"] == "HOLD"
    assert verdict["score"]["passed"] == 0


def test_refusals_show_no_traceback_and_no_password(
    doors: Doors, refused: tuple[Outcome, dict[str, Path], Path, str]
) -> None:
    outcome, evidence, _, _ = refused
    assert set(evidence) == set(REFUSED)
    assert outcome.status != 0
    assert "Traceback" not in outcome.output
    assert logins.read_password(doors.cluster.passfile, logins.OWNER) not in outcome.output
