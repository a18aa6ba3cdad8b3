"""A proven backup put in the place of the database it was taken from."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sandbox import logins
from sandbox.ssh.background import Background
from sandbox.ssh.builtin import Builtin
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.cut.attempt import Attempt
from tests.integration.support.cut.gate import MARK, Gate, until
from tests.integration.support.harness import Controller, Database, Outcome
from tests.integration.support.verifier import assert_confirmed

Make = Callable[..., Database]

pytestmark = pytest.mark.usefixtures("with_twin")

VALIDATE = ("-i", "inventories/sandbox", "validate_staging.yml")
RESTORE = ("-i", "inventories/sandbox", "playbooks/restore.yml")


@dataclass
class Scene:
    """A database with a proven backup, and somebody who may restore it."""

    database: Database
    controller: Controller
    run: Path
    contents: dict[str, Any]

    def play(self, **variables: Any) -> Outcome:
        given = {"restore_run_id": self.run.name, **variables}
        return self.controller.play(*RESTORE, "-e", json.dumps(given))

    def approved(self, **variables: Any) -> Outcome:
        token = self.play().output.split("restore_token=")[1].split()[0]
        return self.play(restore_token=token, restore_approved_by="Dewi", **variables)

    @property
    def service(self) -> Path:
        """Who logs in."""
        return self.controller.directory / "pg_service.conf"

    def record(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.run / name).read_text()))

    def databases(self) -> dict[str, str | None]:
        """Name → comment of the databases that this test has to do with."""
        with self.database.admin() as connection:
            rows = connection.execute(
                "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
                " WHERE datname LIKE %s",
                (f"{self.database.name}%",),
            ).fetchall()
        return {row[0]: row[1] for row in rows}


def contents(database: Database) -> dict[str, Any]:
    """Rows of every table, settings and privileges of the database."""
    with database.admin() as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace ORDER BY 1"
            ).fetchall()
        ]
        found: dict[str, Any] = {
            name: connection.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} AS t"
            ).fetchone()
            for name in names
        }
        found["about"] = connection.execute(
            "SELECT ARRAY(SELECT unnest(d.datacl)::text ORDER BY 1), d.datconnlimit,"
            " shobj_description(d.oid, 'pg_database'),"
            " pg_get_userbyid(d.datdba), ARRAY(SELECT unnest(s.setconfig) || s.setrole FROM"
            " pg_db_role_setting AS s WHERE s.setdatabase = d.oid ORDER BY 1)"
            " FROM pg_database AS d WHERE d.datname = current_database()"
        ).fetchone()
    return found


@pytest.fixture
def scene(database: Database, controller: Controller) -> Iterator[Scene]:
    with database.admin() as connection:
        for statement in (
            "ALTER DATABASE {} SET work_mem TO '5MB'",
            "ALTER DATABASE {} SET search_path TO public, pg_catalog",
            "ALTER ROLE {app} IN DATABASE {} SET statement_timeout TO '1h'",
            "REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {} TO {app} WITH GRANT OPTION",
            "COMMENT ON DATABASE {} IS 'it''s {{{{ 7 * 7 }}}} ours'",
            "ALTER DATABASE {} CONNECTION LIMIT 90",
        ):
            connection.execute(
                sql.SQL(statement).format(
                    sql.Identifier(database.name), app=sql.Identifier("apms_app")
                )
            )
    controller.aim(database)
    outcome = controller.play(*VALIDATE, "-e", "gonogo_residue=rollback")
    assert outcome.verdict["decision"] == "GO", outcome.output
    # The owner may not make databases, nor give one its marker.
    keywords = database.cluster.conninfo(database.name, logins.SUPERUSER)
    lines = [f"{key}={keywords[key]}" for key in ("host", "port", "dbname", "user", "passfile")]
    service = controller.directory / "pg_service.conf"
    owner = service.read_text()
    service.write_text("\n".join(["[test]", *lines, ""]))
    found = Scene(database, controller, outcome.evidence, contents(database))
    yield found
    service.write_text(owner)
    with database.cluster.connect("postgres") as connection:
        for name in found.databases():
            if name != database.name:
                connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )


def _spoil(database: Database) -> None:
    with database.admin() as connection:
        connection.execute("DELETE FROM public.punchlists")
        connection.execute("CREATE TABLE public.later (id int)")
        connection.execute("ALTER TABLE public.users DROP COLUMN email CASCADE")


def test_database_becomes_what_it_was(scene: Scene) -> None:
    _spoil(scene.database)
    spoiled = contents(scene.database)
    shown = scene.play()
    assert shown.status == 0, shown.output
    assert "public.punchlists: 0 rows now" in shown.output
    assert "public.later: 0 rows now, not there in the backup" in shown.output
    assert "No answer: nothing was changed." in shown.output
    assert contents(scene.database) == spoiled
    assert set(scene.databases()) == {scene.database.name}

    # Somebody who does not let go.
    application = scene.database.cluster.connect(scene.database.name, logins.OWNER)
    done = scene.approved()
    assert done.status == 0, done.output
    with pytest.raises(psycopg.OperationalError):
        application.execute("SELECT 1")
    assert contents(scene.database) == scene.contents
    record = scene.record("restore.json")
    assert record["committed"]
    assert record["proof"]["equal"]
    assert record["approved_by"] == "Dewi"
    assert set(scene.databases()) == {scene.database.name, record["kept_as"]}
    with scene.database.cluster.connect(record["kept_as"]) as kept:
        assert kept.execute("SELECT count(*) FROM public.later").fetchone() == (0,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            kept.execute("INSERT INTO public.later VALUES (1)")
    # The next run is on the database as it was, with a login that is not stronger than its owner.
    scene.controller.aim(scene.database)
    after = scene.controller.play(*VALIDATE, "-e", "gonogo_residue=rollback")
    assert after.verdict["decision"] == "GO", after.output


def test_only_an_approval_of_this_plan_counts(scene: Scene) -> None:
    _spoil(scene.database)
    spoiled = contents(scene.database)
    token = scene.play().output.split("restore_token=")[1].split()[0]
    for given, message in (
        ({"restore_token": "0123456789", "restore_approved_by": "Dewi"}, "token is not this plan"),
        ({"restore_token": token}, "does not say who gives it"),
        ({"restore_run_id": ""}, "that you name"),
        ({"restore_run_id": "20260101T000000Z-abcdef"}, "no run of that id with a backup"),
        ({"restore_tokn": "1"}, "unknown variable"),
    ):
        refused = scene.play(**given)
        assert refused.status != 0
        assert message in refused.output
    assert contents(scene.database) == spoiled
    assert set(scene.databases()) == {scene.database.name}


def test_backup_that_is_not_proven_is_not_restored(scene: Scene) -> None:
    spoiled = scene.contents
    archive = Path(scene.record("backup.json")["file"])
    file = max(archive.iterdir(), key=lambda path: path.stat().st_size)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused = scene.play()
    assert refused.status != 0
    assert "the archive is not the one that was sealed; nothing was changed" in refused.output
    file.write_bytes(content)

    twin = scene.run / "twin.json"
    proven = twin.read_text()
    twin.write_text(proven.replace('"proven": true', '"proven": false'))
    refused = scene.play()
    assert refused.status != 0
    assert "the evidence of this run is damaged" in refused.output
    twin.write_text(proven)

    # A run is refused a login that is stronger than the code it would run.
    scene.controller.aim(scene.database)
    unproven = scene.controller.play(
        *VALIDATE, "-e", "gonogo_residue=rollback", "-e", "twin_enabled=false"
    )
    assert unproven.verdict["decision"] == "GO", unproven.output
    refused = scene.play(restore_run_id=unproven.evidence.name)
    assert refused.status != 0
    assert "is unproven; nothing was changed" in refused.output
    assert contents(scene.database) == spoiled


@pytest.mark.attack
def test_one_run_is_restored_twice_and_an_old_token_covers_nothing_new(scene: Scene) -> None:
    """Also where somebody has taken the name that the present database would get."""
    taken = "_old_".join([scene.database.name, _stamp(scene.run)])
    with scene.database.cluster.connect("postgres") as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(taken)))
    _spoil(scene.database)
    done = scene.approved()
    assert done.status == 0, done.output
    assert set(scene.databases()) == {scene.database.name, taken, f"{taken}_2"}
    assert contents(scene.database) == scene.contents

    with scene.database.admin() as connection:
        connection.execute("CREATE TABLE public.later AS SELECT generate_series(1, 17) AS id")
    token = scene.play().output.split("restore_token=")[1].split()[0]
    with scene.database.admin() as connection:
        connection.execute("INSERT INTO public.later SELECT generate_series(18, 517)")
    refused = scene.play(restore_token=token, restore_approved_by="Dewi")
    assert refused.status != 0
    assert "public.later: 17 rows in the plan, 517 now" in refused.output
    assert contents(scene.database)["later"]
    done = scene.approved()
    assert done.status == 0, done.output
    assert contents(scene.database) == scene.contents
    with scene.database.admin() as admin:
        query = "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'gonogo_')"
        assert admin.execute(query).fetchone() == (0,)


def test_what_a_killed_restore_has_left_is_named_and_removed(scene: Scene) -> None:
    left, theirs = f"{scene.database.name}_new_left", f"{scene.database.name}_new_theirs"
    words = "gonogo: unfinished restore of run 20260131T120000Z-0a1b2c"
    with scene.database.cluster.connect("postgres") as connection:
        for name in (left, theirs):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        row = connection.execute(
            "SELECT oid FROM pg_database WHERE datname = %s", (left,)
        ).fetchone()
        assert row
        for name in (left, theirs):
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name), sql.Literal(f"{words}; database {row[0]}, {left}")
                )
            )
    shown = scene.play().output
    assert f"{left} (oid {row[0]}), which an interrupted restore has left" in shown
    assert f"{theirs} only looks like something that an interrupted restore has left" in shown
    assert left in scene.databases()
    done = scene.approved()
    assert done.status == 0, done.output
    assert left not in scene.databases()
    assert theirs in scene.databases()
    assert contents(scene.database) == scene.contents


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Background]:
    """Only what comes over SSH passes a gate."""
    directory = tmp_path / "sshd"
    directory.mkdir()
    with (OpenSsh if OpenSsh.find() else Builtin).start(directory) as started:
        yield started


def _interrupted(scene: Scene, sshd: Background, directory: Path, place: str) -> str:
    """Approve a restore, and interrupt it before or after its module; returns what was said."""
    gate = Gate(directory / "gate")
    gate.directory.mkdir()
    scene.controller.environment[MARK] = str(gate.directory)
    restoring = scene.service.read_text()
    scene.controller.aim(scene.database, endpoint=sshd.endpoint)
    scene.service.write_text(restoring)
    token = scene.play().output.split("restore_token=")[1].split()[0]
    given = {
        "restore_run_id": scene.run.name,
        "restore_token": token,
        "restore_approved_by": "Dewi",
        "ansible_python_interpreter": str(gate.python),
    }
    gate.hold(f"exchange {place}")
    with Attempt(
        scene.controller, directory / "output", *RESTORE, "-e", json.dumps(given)
    ) as attempt:
        held = gate.held()
        attempt.send(signal.SIGTERM)
        attempt.wait()
        held.send(signal.SIGKILL)
    until(lambda: not gate.processes())
    del scene.controller.environment[MARK]
    return attempt.output


def test_a_restore_that_nobody_heard_of_is_found_by_the_next_run(
    scene: Scene, sshd: Background, tmp_path: Path
) -> None:
    """Its answer was lost. Who looks has another login than who restored."""
    with scene.database.owner() as owner:
        owner.execute("DELETE FROM public.punchlists")
    said = _interrupted(scene, sshd, tmp_path, "after")
    assert f"the backup of run {scene.run.name} may have been restored" in said
    assert contents(scene.database) == scene.contents
    assert not (scene.run / "restore.json").exists()
    scene.controller.aim(scene.database)
    after = scene.controller.play(*VALIDATE, "-e", "gonogo_residue=rollback")
    assert after.verdict["decision"] == "GO", after.output
    record = scene.record("restore.json")
    assert record["committed"] is True
    assert record["approved_by"] == "Dewi"
    assert record["recovered"]["by"] == after.evidence.name
    assert record["came"] == {}
    words = f"The restore of run {scene.run.name} that Dewi approved at "
    assert words in after.output
    assert f"The database that was there is {record['kept_as']} now, read-only." in after.output
    assert_confirmed(scene.run / "verdict.json")


@pytest.mark.attack
def test_a_restore_that_came_to_nothing_is_said_by_the_next(
    scene: Scene, sshd: Background, tmp_path: Path
) -> None:
    _spoil(scene.database)
    spoiled = contents(scene.database)
    _interrupted(scene, sshd, tmp_path, "before")
    assert contents(scene.database) == spoiled
    shown = scene.play().output
    assert "was interrupted: " in shown, shown
    assert f"{scene.database.name} is the database that was there." in shown
    plan = scene.record("restore_plan.json")
    assert "approved_at" not in plan
    assert [came["approved_by"] for came in plan["nothing_came_of"]] == ["Dewi"]
    assert "was interrupted" not in scene.play().output
    # Nothing has changed: the approval of that plan can be given again.
    done = scene.play(restore_token=plan["token"], restore_approved_by="Dewi")
    assert done.status == 0, done.output
    assert contents(scene.database) == scene.contents
    # A second restore of the run is known to be open although there is a record of the first.
    directory = tmp_path / "second"
    directory.mkdir()
    _spoil(scene.database)
    said = _interrupted(scene, sshd, directory, "after")
    assert f"the backup of run {scene.run.name} may have been restored" in said
    assert "was interrupted: it was done." in scene.play().output
    record = scene.record("restore.json")
    assert record["recovered"]["by"] == scene.run.name
    # It is said once, and its token was used.
    shown = scene.play().output
    assert "was interrupted" not in shown
    assert record["token"] not in shown


def test_login_that_may_not_is_told_what_it_takes(scene: Scene) -> None:
    scene.controller.aim(scene.database)
    refused = scene.play()
    assert refused.status != 0
    assert "may not put another database in the place of this one" in refused.output
    assert "CREATEDB" in refused.output
    # With it the plan says what else is in the way, before anybody approves it.
    with scene.database.cluster.connect("postgres") as connection:
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(logins.OWNER)))
        try:
            refused = scene.play()
        finally:
            connection.execute(
                sql.SQL("ALTER ROLE {} NOCREATEDB").format(sql.Identifier(logins.OWNER))
            )
    assert refused.status != 0
    assert "cannot get the settings of the present one" in refused.output
    assert "gonogo.environment" in refused.output
    assert "restore_token" not in refused.output
    assert contents(scene.database) == scene.contents


def _stamp(run: Path) -> str:
    return run.name.split("Z-")[0].replace("T", "") + "_" + run.name[-6:]
