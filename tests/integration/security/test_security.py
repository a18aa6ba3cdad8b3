"""The roles of the runbook's roles.sql: what a run needs, no more, and what is said without it."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login, application_name
from gonogo.host.session import lock
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.support import scripts
from tests.integration.support.harness import RUNBOOK, Controller, Database
from tests.integration.support.migrations import deployed, plan_of

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")
CLEANUP = ("-i", "inventories/sandbox", "playbooks/cleanup.yml")
ROLES = RUNBOOK / "roles.sql"
VALIDATE, DEPLOY = "gonogo_validate", "gonogo_deploy"
RUN_ID = "20260131T120000Z-0a1b2c"


@dataclass(frozen=True)
class As(Database):
    """A database that is logged in to as one of the roles."""

    role: str
    passfile: Path

    def login(self) -> Login:
        owner = super().login()
        return Login(
            db=self.name,
            user=self.role,
            host=owner.host,
            port=owner.port,
            passfile=str(self.passfile),
        )


@pytest.fixture
def enter(database: Database, tmp_path: Path) -> Callable[[str], As]:
    """Role → the database, seen by it. The roles are made by the script, with psql."""
    keywords = database.cluster.conninfo(database.name)
    for _ in range(2):
        done = subprocess.run(
            [
                *(database.cluster.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"),
                *("-v", f"owner={logins.OWNER}", "-f", ROLES),
            ],
            env={
                "PGHOST": keywords["host"],
                "PGPORT": keywords["port"],
                "PGUSER": keywords["user"],
                "PGPASSFILE": keywords["passfile"],
                "PGDATABASE": database.name,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    passfile = tmp_path / "roles"
    passfile.touch(mode=0o600)
    with database.admin() as admin:
        for role in (VALIDATE, DEPLOY):
            password = secrets.token_urlsafe(12)
            admin.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
            with passfile.open("a") as file:
                file.write(f"*:*:*:{role}:{password}\n")
    return lambda role: As(database.cluster, database.name, database.profile, role, passfile)


def _login(database: Database) -> dict[str, object]:
    login = database.login()
    return {
        "db": login.db,
        "user": login.user,
        "host": login.host,
        "port": login.port,
        "passfile": login.passfile,
    }


@pytest.mark.parametrize("role", [VALIDATE, pytest.param(DEPLOY, marks=pytest.mark.attack)])
def test_a_whole_run_with_the_role_is_a_go(
    role: str, enter: Callable[[str], As], controller: Controller
) -> None:
    database = enter(role)
    controller.aim(database)
    controller.twin = True
    variables = {"gonogo_login": _login(database)}
    outcome = controller.play(*SANDBOX, "-e", json.dumps(variables))
    assert outcome.verdict["decision"] == "GO", outcome.output
    assert set(outcome.verdict["checks"].values()) == {"pass"}
    observed = json.loads((outcome.evidence / "run.json").read_text())["target"]["observed"]
    assert observed["login"] == role
    assert observed["superuser"] is False


@pytest.mark.attack
@pytest.mark.parametrize("role", [VALIDATE, DEPLOY])
def test_rows_of_the_role_go_with_an_approval(
    role: str, enter: Callable[[str], As], controller: Controller
) -> None:
    database = enter(role)
    controller.aim(database)
    login = ("-e", json.dumps({"gonogo_login": _login(database)}))
    outcome = controller.play(*SANDBOX, *login)
    assert outcome.verdict["decision"] == "GO", outcome.output
    shown = controller.play(*CLEANUP, *login)
    approved = {
        "cleanup_run_id": outcome.evidence.name,
        "cleanup_token": shown.output.split("cleanup_token=")[1].split()[0],
        "cleanup_approved_by": "Dewi",
    }
    done = controller.play(*CLEANUP, *login, "-e", json.dumps(approved))
    assert "0 left" in done.output, done.output


# What is taken from gonogo_validate → what 0.9 says then.
_NEEDED = {
    "SELECT ON public.punchlists": "punchlists no SELECT",
    "INSERT ON public.punchlists": "punchlists no INSERT",
    "UPDATE ON public.punchlists": "punchlists no UPDATE",
    "DELETE ON public.punchlists": "punchlists no DELETE",
    "INSERT ON public.workspaces": "workspaces no INSERT",
    "DELETE ON public.workspaces": "workspaces no DELETE",
    "SELECT ON public.users": "users no SELECT",
    "USAGE ON SCHEMA public": "schema public no USAGE",
    "TEMPORARY ON DATABASE {database}": "database no TEMPORARY",
}


def test_a_privilege_that_is_missing_is_named(enter: Callable[[str], As], tmp_path: Path) -> None:
    database = enter(VALIDATE)
    with database.admin() as admin:
        # What PUBLIC has everybody has.
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        admin.execute(f"REVOKE ALL ON DATABASE {database.name} FROM PUBLIC")
        answer = scripts.answers(database, [scripts.PREFLIGHT], tmp_path).checks["0.9"]
        assert answer["status"] == "pass", answer
        for privilege, words in _NEEDED.items():
            what = privilege.format(database=database.name)
            admin.execute(f"REVOKE {what} FROM {VALIDATE}".encode())
            found = scripts.answers(database, [scripts.PREFLIGHT], tmp_path).checks["0.9"]
            assert found["status"] == "fail", privilege
            assert words in found["observed"]
            admin.execute(f"GRANT {what} TO {VALIDATE}".encode())
        admin.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM {VALIDATE}")
    with pytest.raises(GonogoError) as caught:
        connect(database.login(), name="test")
    assert "permission denied for database" in caught.value.render()
    assert scripts.declared()["0.9"].effect == "hold"


@pytest.mark.attack
@pytest.mark.parametrize("what", ["TABLE public.not_ours", "SEQUENCE public.number"])
def test_what_cannot_be_backed_up_is_named(
    what: str, enter: Callable[[str], As], controller: Controller
) -> None:
    """Something the migration knows nothing of, and somebody has kept to himself."""
    database = enter(VALIDATE)
    with database.admin() as admin:
        more = " (id int)" if what.startswith("TABLE") else ""
        admin.execute(f"CREATE {what}{more}".encode())
    controller.aim(database)
    outcome = controller.play(*SANDBOX, "-e", json.dumps({"gonogo_login": _login(database)}))
    assert outcome.verdict["decision"] == "HOLD"
    kind, name = what.lower().split(" public.")
    assert f"permission denied for {kind} {name}" in outcome.output


def test_only_the_role_that_deploys_may_deploy(enter: Callable[[str], As], tmp_path: Path) -> None:
    plan = plan_of(tmp_path, add="CREATE TABLE public.gonogo_new (id int);")
    refused = deployed(enter(VALIDATE), plan)
    assert refused.action == "failed"
    assert "permission denied for schema public" in refused.error.message
    database = enter(DEPLOY)
    assert deployed(database, plan).action == "applied"
    with database.admin() as admin:
        row = admin.execute(
            "SELECT relowner::regrole::text, has_table_privilege(%s, oid, 'SELECT')"
            " FROM pg_class WHERE relname = 'gonogo_new'",
            (VALIDATE,),
        ).fetchone()
    # As if the owner had made it; and who validates next can read it.
    assert row == (logins.OWNER, True)


@pytest.mark.parametrize("role", [VALIDATE, DEPLOY])
def test_the_role_ends_its_own_sessions_and_nobody_elses(
    role: str, enter: Callable[[str], As]
) -> None:
    database = enter(role)
    name = application_name(RUN_ID, "lock")
    with connect(database.login(), name=name) as left, connect(database.login(), name="x") as one:
        lock.release(one, run_id=RUN_ID)
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    with database.owner() as stranger, connect(database.login(), name="x") as one:
        stranger.execute(f"SET application_name = '{name}'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            lock.release(one, run_id=RUN_ID)


def test_the_roles_can_do_nothing_more(enter: Callable[[str], As]) -> None:
    database = enter(VALIDATE)
    with database.admin() as admin:
        rows = admin.execute(
            "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication"
            " OR rolbypassrls, ARRAY(SELECT roleid::regrole::text FROM pg_auth_members AS m"
            " WHERE m.member = r.oid) FROM pg_roles AS r WHERE rolname = ANY (%s) ORDER BY 1",
            ([VALIDATE, DEPLOY],),
        ).fetchall()
    assert rows == [(DEPLOY, False, [logins.OWNER]), (VALIDATE, False, [])]
    with connect(database.login(), name="test") as session:
        for statement in (
            "ALTER TABLE public.sites ADD COLUMN x int",
            "DROP TABLE public.punchlists",
            "TRUNCATE public.punchlists",
            "UPDATE public.workspaces SET code = code",
            "DELETE FROM public.users",
            "CREATE TABLE public.x (id int)",
            "ALTER TABLE public.config_versions DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            f"ALTER DATABASE {database.name} SET gonogo.environment = 'production'",
            f"COMMENT ON DATABASE {database.name} IS 'gonogo.environment=production'",
            "SELECT pg_catalog.pg_read_file('PG_VERSION')",
            "COPY public.sites TO PROGRAM 'cat'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())


def test_the_script_names_the_tables_of_the_manifest() -> None:
    manifest = yaml.safe_load((RUNBOOK / "manifest.yml").read_text())
    text = ROLES.read_text().partition("ARRAY[\n")[2].partition("]")[0]
    named = [word.strip(" ',\n") for word in text.split(",")]
    assert sorted(named) == sorted(table["name"] for table in manifest["tables"])
    needed = {table["name"]: table["privileges"] for table in manifest["existing_tables"]}
    assert needed["workspaces"] == ["SELECT", "INSERT", "DELETE"]
    assert {name for name, words in needed.items() if words != ["SELECT"]} == {"workspaces"}
