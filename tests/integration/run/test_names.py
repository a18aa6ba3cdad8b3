"""Names of no ASCII on a server, read by databases of other encodings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.host.session.connection import connect
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.run.test_run import SANDBOX
from tests.integration.support.harness import Controller, Database
from tests.integration.support.migrations import PRISMA_TABLE
from tests.integration.support.twins import Rehearsal

CLEANUP = ("-i", "inventories/sandbox", "playbooks/cleanup.yml")
UNDO = ("-i", "inventories/sandbox", "playbooks/undo.yml")
RESTORE = ("-i", "inventories/sandbox", "playbooks/restore.yml")
SUPERUSER = "müller"
OWNER = "läufer"
PASSWORD = "pässwörd€"
NAME = "prüfung"
ENCODINGS = ("LATIN1", "LATIN9", "WIN1252", "EUC_JP", "UTF8")
_SCRIPT = """
CREATE SCHEMA "größe";
COMMENT ON SCHEMA "größe" IS 'größe';
CREATE TABLE "größe"."maß" ("maß" text PRIMARY KEY, "länge" int GENERATED ALWAYS AS IDENTITY);
COMMENT ON TABLE "größe"."maß" IS 'maß';
COMMENT ON COLUMN "größe"."maß"."länge" IS 'länge';
INSERT INTO "größe"."maß" VALUES ('ä'), ('ö');
CREATE VIEW "größe"."müll" AS SELECT "maß" AS "ü" FROM "größe"."maß" WHERE "maß" <> 'ß';
CREATE TYPE "größe"."größe" AS ENUM ('groß', 'größer');
CREATE FUNCTION "größe"."zähle"("ä" text) RETURNS int LANGUAGE sql AS $ü$SELECT 1$ü$;
CREATE INDEX "schlüssel" ON "größe"."maß" ("länge") WHERE "maß" <> 'ö';
CREATE PUBLICATION "veröffentlicht" FOR TABLE "größe"."maß";
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None) -> Iterator[Cluster]:
    """One whose superuser and whose other roles have such names."""
    directory = tmp_path_factory.mktemp("names")
    with Cluster.start(directory, server_bin) as cluster:
        with cluster.connect() as session:
            session.execute("CREATE ROLE helper SUPERUSER LOGIN PASSWORD 'helper'")
        lines = cluster.passfile.read_text(encoding="utf-8")
        words = make_conninfo(**cluster.conninfo(user="helper"), password="helper")
        with psycopg.connect(words) as session:
            session.execute(f'ALTER ROLE postgres RENAME TO "{SUPERUSER}"'.encode())
            session.execute(
                f"CREATE ROLE \"{OWNER}\" LOGIN CREATEDB PASSWORD '{PASSWORD}'".encode()
            )
            session.execute(f'GRANT "{SUPERUSER}" TO helper'.encode())
        cluster.passfile.write_text(
            lines.replace(":postgres:", f":{SUPERUSER}:") + f"*:*:*:{OWNER}:{PASSWORD}\n",
            encoding="utf-8",
        )
        yield cluster


def login_of(server: Cluster, database: str, user: str) -> Login:
    return Login(**server.login(database, user))


def made(server: Cluster, encoding: str) -> str:
    name = f"{NAME}_{encoding}"
    with server.connect(user=SUPERUSER) as session:
        session.execute(
            f'CREATE DATABASE "{name}" OWNER "{OWNER}" TEMPLATE template0'
            f" ENCODING '{encoding}' LOCALE 'C'".encode()
        )
        session.execute(f"COMMENT ON DATABASE \"{name}\" IS 'größe'".encode())
        session.execute(f"COMMENT ON ROLE \"{OWNER}\" IS 'größe'".encode())
    with server.connect(name, OWNER) as session:
        session.execute("SET client_encoding TO 'UTF8'")
        session.execute(_SCRIPT.encode())
        session.execute(
            "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path TO %I',"
            " session_user, current_database(), 'größe'); END $$".encode()
        )
    return name


@pytest.fixture(params=ENCODINGS)
def named(server: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    yield made(server, request.param)
    with server.connect(user=SUPERUSER) as session:
        session.execute(f'DROP DATABASE "{NAME}_{request.param}" WITH (FORCE)'.encode())


@pytest.mark.parametrize("user", [SUPERUSER, OWNER])
@pytest.mark.parametrize("scratch", [False, True])
def test_it_is_proven(
    server: Cluster, named: str, tmp_path: Path, user: str, scratch: bool
) -> None:
    run = Rehearsal(Database(server, named, "target"), tmp_path, login_of(server, named, user))
    options = {"space_factor": 1e9 if scratch else 1.2, "scratch": scratch}
    with run.locked():
        answer = run.restore(run.back_up(), **options)
    assert answer["proven"] is True, answer
    assert answer["method"] == ("database" if scratch else "cluster")


def test_a_role_that_is_no_text_here_is_a_refusal_with_its_cause(
    server: Cluster, tmp_path: Path
) -> None:
    """The bytes of an ß are none of EUC_JP."""
    name = made(server, "EUC_JP")
    run = Rehearsal(Database(server, name, "target"), tmp_path, login_of(server, name, OWNER))
    with server.connect(user=SUPERUSER) as session:
        session.execute('CREATE ROLE "groß"'.encode())
        try:
            with run.locked(), pytest.raises(GonogoError) as caught:
                run.back_up()
        finally:
            session.execute('DROP ROLE "groß"'.encode())
            session.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
    assert "is no text in the encoding of this database" in caught.value.primary
    assert "0xc3 0x9f" in str(caught.value.detail)
    assert "pg_roles" in str(caught.value.hint)


def test_a_twin_is_told_of_its_database_as_the_source_was(
    tmp_path: Path, server_bin: Path | None
) -> None:
    """pg_cron asks for a database by these bytes."""
    settings = {"shared_preload_libraries": "pg_stat_statements", "cron.database_name": NAME}
    (tmp_path / "cron").mkdir()
    with Cluster.start(tmp_path / "cron", server_bin, settings) as cluster:
        with cluster.connect() as session:
            session.execute(
                f"CREATE DATABASE \"{NAME}\" TEMPLATE template0 LOCALE 'C' ENCODING LATIN1".encode()
            )
        options = {"server_bin": str(cluster.bin), "keep": True}
        login = login_of(cluster, NAME, logins.SUPERUSER)
        run = Rehearsal(Database(cluster, NAME, "target"), tmp_path, login, options=options)
        with run.locked():
            answer = run.restore(run.back_up())
            assert answer["proven"] is True, answer
            twin = Login(**answer["twin"]["login"])
            with connect(twin, name="test") as session:
                found = session.execute(
                    "SELECT convert_to(current_setting('cron.database_name'), 'LATIN1'),"
                    " current_setting('shared_preload_libraries')"
                ).fetchone()
    assert found == (NAME.encode(), '"pg_stat_statements"')


# --- a backup is restored -------------------------------------------------------------------------


@pytest.fixture
def loaded(cluster: Cluster) -> Iterator[Database]:
    """A database and a role in it that this database reads otherwise than they were sent."""
    name, role = f"prüfung_{os.getpid()}", f"prüfer_{os.getpid()}"
    content.create(
        cluster,
        database=name,
        profile="target",
        scale=1,
        environment="sandbox",
        options="ENCODING 'LATIN1' LOCALE 'C'",
    )
    with cluster.connect() as admin:
        for statement in (
            "CREATE ROLE {role} LOGIN CONNECTION LIMIT 3",
            "GRANT CONNECT ON DATABASE {name} TO {role}",
            "ALTER ROLE {role} IN DATABASE {name} SET work_mem TO '5MB'",
            'ALTER DATABASE {name} SET search_path TO public, "größe"',
            "COMMENT ON DATABASE {name} IS 'größe'",
        ):
            names = {"name": sql.Identifier(name), "role": sql.Identifier(role)}
            admin.execute(sql.SQL(statement).format(**names))
    yield Database(cluster, name, "target")
    with cluster.connect() as admin:
        for (one,) in admin.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{name}%",)
        ).fetchall():
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(one)))
        for (one,) in admin.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", (f"%_{os.getpid()}",)
        ).fetchall():
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(one)))


def about(database: Database) -> list[Any]:
    """What the server says of it, but for its identity."""
    with database.cluster.connect() as admin:
        return admin.execute(
            "SELECT ARRAY(SELECT unnest(d.datacl)::text ORDER BY 1), d.datconnlimit,"
            " shobj_description(d.oid, 'pg_database'), pg_get_userbyid(d.datdba), d.encoding,"
            " ARRAY(SELECT s.setrole::regrole::text || unnest(s.setconfig)"
            " FROM pg_db_role_setting AS s WHERE s.setdatabase = d.oid ORDER BY 1)"
            " FROM pg_database AS d WHERE d.datname = %s",
            (database.name,),
        ).fetchall()


def test_a_backup_takes_the_place_of_its_source(loaded: Database, controller: Controller) -> None:
    controller.twin = True
    controller.aim(loaded)
    run = controller.play(*SANDBOX)
    assert run.verdict["decision"] == "GO", run.output
    there = about(loaded)
    with loaded.owner() as owner:
        owner.execute("DELETE FROM public.punchlists")
    service = controller.directory / "pg_service.conf"
    text = service.read_text()
    service.write_text(text.replace(f"user={logins.OWNER}", f"user={logins.SUPERUSER}"))
    given = {"restore_run_id": run.evidence.name}
    with loaded.owner():
        planned = controller.play(*RESTORE, "-e", json.dumps(given))
    assert "1 session(s) of others" in planned.output
    token = planned.output.split("restore_token=")[1].split()[0]
    given |= {"restore_token": token, "restore_approved_by": "Dewi"}
    done = controller.play(*RESTORE, "-e", json.dumps(given))
    assert done.status == 0, done.output
    assert about(loaded) == there
    with loaded.owner() as owner:
        assert owner.execute("SELECT count(*) > 0 FROM public.punchlists").fetchone() == (True,)
    kept = json.loads((run.evidence / "restore.json").read_text())["kept_as"]
    with loaded.cluster.connect() as admin:
        names = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'pr%'").fetchall()
    assert sorted(name for (name,) in names) == sorted([loaded.name, kept])


# --- a login of such a name -----------------------------------------------------------------------


@pytest.fixture
def reader(loaded: Database, controller: Controller) -> str:
    """Whoever logs in: its name and its password are not ASCII, its rights are the owner's."""
    role = f"läufer_{os.getpid()}"
    words = {
        "role": sql.Identifier(role),
        "owner": sql.Identifier(logins.OWNER),
        "password": sql.Literal(PASSWORD),
    }
    with loaded.cluster.connect() as admin:
        for statement in (
            "CREATE ROLE {role} LOGIN CREATEDB PASSWORD {password} IN ROLE {owner}",
            "GRANT pg_signal_backend TO {role}",
        ):
            admin.execute(sql.SQL(statement).format(**words))
    controller.aim(loaded)
    passfile = controller.directory / "passfile"
    passfile.write_text(f"*:*:*:{role}:{PASSWORD}\n", encoding="utf-8")
    passfile.chmod(0o600)
    service = controller.directory / "pg_service.conf"
    text = service.read_text(encoding="utf-8").replace(f"user={logins.OWNER}", f"user={role}")
    service.write_text(
        text.replace(f"passfile={loaded.cluster.passfile}", f"passfile={passfile}"),
        encoding="utf-8",
    )
    return role


def test_its_rows_are_removed(loaded: Database, reader: str, controller: Controller) -> None:
    controller.twin = True
    before = loaded.rows()
    run = controller.play(*SANDBOX)
    assert run.verdict["decision"] == "GO", run.output
    assert reader in (run.evidence / "report.md").read_text(encoding="utf-8")
    assert loaded.rows() != before
    token = controller.play(*CLEANUP).output.split("cleanup_token=")[1].split()[0]
    given = {"cleanup_run_id": run.evidence.name, "cleanup_token": token}
    done = controller.play(*CLEANUP, "-e", json.dumps({**given, "cleanup_approved_by": "Jürgen"}))
    assert done.status == 0, done.output
    assert loaded.rows() == before


@pytest.mark.usefixtures("reader")
def test_its_migration_is_taken_back(loaded: Database, controller: Controller) -> None:
    controller.twin = True
    with loaded.admin() as admin:
        # As this database reads the name.
        admin.execute(
            "DO $$ BEGIN EXECUTE (SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT SELECT,"
            " INSERT, UPDATE, DELETE ON TABLES TO apms_app', r.rolname) FROM pg_roles AS r"
            f" WHERE r.rolname LIKE '%ufer_{os.getpid()}'); END $$".encode()
        )
    with loaded.owner() as owner:
        owner.execute((content.MIGRATION / "undo.sql").read_bytes())
        owner.execute(PRISMA_TABLE)
    there = loaded.rows()
    done = controller.play(*SANDBOX, "-e", "deploy_enabled=true", "-e", "gonogo_residue=rollback")
    assert (done.evidence / "deploy.json").exists(), done.output
    assert json.loads((done.evidence / "deploy.json").read_text())["action"] == "applied"
    planned = controller.play(*UNDO)
    token = planned.output.split("undo_token=")[1].split()[0]
    given = {"undo_run_id": planned.evidence.name, "undo_token": token}
    back = controller.play(*UNDO, "-e", json.dumps({**given, "undo_approved_by": "Jürgen"}))
    assert back.status == 0, back.output
    assert {**loaded.rows(), "_prisma_migrations": 0} == {**there, "_prisma_migrations": 0}


def test_it_restores_no_code_of_others(
    loaded: Database, reader: str, controller: Controller
) -> None:
    controller.twin = True
    run = controller.play(*SANDBOX, "-e", "gonogo_residue=rollback")
    assert run.verdict["decision"] == "GO", run.output
    planned = controller.play(*RESTORE, "-e", json.dumps({"restore_run_id": run.evidence.name}))
    assert f"the login '{reader}' would run code of '{logins.OWNER}'" in planned.output
    assert loaded.name in (run.evidence / "report.md").read_text(encoding="utf-8")
