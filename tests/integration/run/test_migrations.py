"""A folder of migrations is judged as it is, without a line that is written for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sandbox import logins
from tests.integration.support.harness import Controller, Database, Outcome
from tests.integration.support.migrations import PRISMA_TABLE

pytestmark = pytest.mark.usefixtures("with_twin")

FIRST = """
CREATE TABLE "Customer" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL,
    CONSTRAINT "Customer_pkey" PRIMARY KEY ("id"));
"""
SECOND = f"""
-- CreateTable
CREATE TABLE "Order" ("id" SERIAL NOT NULL, "customerId" INTEGER NOT NULL, "total" DECIMAL(8,2),
    CONSTRAINT "Order_pkey" PRIMARY KEY ("id"));

-- CreateIndex
CREATE UNIQUE INDEX "Customer_email_key" ON "Customer"("email");

-- AddForeignKey
ALTER TABLE "Order" ADD CONSTRAINT "Order_customerId_fkey" FOREIGN KEY ("customerId")
    REFERENCES "Customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "Order_customerId_idx" ON "Order"("customerId");
GRANT SELECT, INSERT, UPDATE, DELETE ON "Order" TO {logins.APPLICATION};
"""


class Application:
    """A database in which the first of two migrations is applied, and the folder of both."""

    def __init__(self, database: Database, controller: Controller, folder: Path) -> None:
        self.database = database
        self.controller = controller
        self.folder = folder
        self.write("20260101000000_first", FIRST)
        (folder / "migration_lock.toml").write_text('provider = "postgresql"\n')
        controller.aim(database)
        with database.owner() as owner:
            owner.execute("SET search_path = public")
            owner.execute(PRISMA_TABLE)
            owner.execute(FIRST)
            owner.execute(
                "INSERT INTO \"Customer\" (email) SELECT n || '@example.org' "
                "FROM generate_series(1, 30) AS n"
            )
            self.applied(owner, "20260101000000_first", FIRST)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / name / "migration.sql").write_text(text)

    def applied(self, owner: psycopg.Connection, name: str, text: str) -> None:
        owner.execute(
            "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name,"
            " applied_steps_count) VALUES (gen_random_uuid(), %s, now(), %s, 1)",
            (hashlib.sha256(text.encode()).hexdigest(), name),
        )

    def play(self, *more: str) -> Outcome:
        return self.controller.play(
            *("-i", "inventories/sandbox", "validate_staging.yml"),
            *("-e", json.dumps({"gonogo_migrations": str(self.folder)})),
            *("-e", "deploy_enabled=true", *more),
        )


@pytest.fixture
def application(database: Database, controller: Controller, tmp_path: Path) -> Application:
    return Application(database, controller, tmp_path / "migrations")


Read = Callable[[str], Any]


def reading(outcome: Outcome) -> Read:
    return lambda name: json.loads((outcome.evidence / name).read_text())


def test_what_is_pending_is_rehearsed_deployed_and_judged(application: Application) -> None:
    application.write("20260201000000_second", SECOND)
    done = application.play()
    assert done.has_verdict(), done.output
    assert done.verdict["decision"] == "GO", done.output
    found = reading(done)
    assert found("history.json")["pending"] == ["20260201000000_second"]
    assert found("history.json")["tool"] == "prisma"
    report = (done.evidence / "report.md").read_text()
    assert "* **Judged:** `20260201000000_second`" in report
    assert found("deploy.json")["action"] == "applied"
    assert found("rehearsal.json")["deployment"]["action"] == "applied"
    # What else is in this database is no migration's. squawk is not on every controller.
    checks = done.verdict["checks"]
    others = {name for name, status in checks.items() if status != "pass"}
    assert others - {"D8.4"} == {"D1.3"}, checks
    drift = found("rehearsal.json")["drift"]
    assert (drift["migrations"], drift["before"], drift["after"]) == (2, [], [])
    assert found("rehearsal.json")["schema_changes"]["unexplained"] == []
    with application.database.owner() as owner:
        rows = owner.execute(
            "SELECT migration_name FROM public._prisma_migrations WHERE finished_at IS NOT NULL "
            "ORDER BY started_at"
        ).fetchall()
    assert [name for (name,) in rows] == ["20260101000000_first", "20260201000000_second"]


@pytest.mark.attack
def test_a_database_where_nothing_is_pending(application: Application) -> None:
    """Up to date is what is so; what only the record says is not."""
    again = application.play()
    assert again.verdict["decision"] == "UP-TO-DATE", again.output
    assert again.status == 0, again.output
    assert reading(again)("history.json")["pending"] == []
    assert reading(again)("plan.json")["nothing_pending"] is True
    assert not (again.evidence / "deploy.json").exists()
    with application.database.owner() as owner:
        owner.execute('ALTER TABLE public."Customer" ALTER COLUMN "email" DROP NOT NULL')
    drifted = application.play()
    assert drifted.verdict["decision"] in ("HOLD", "NO-GO"), drifted.output
    assert "D1.1" in {reason["subject"] for reason in drifted.verdict["reasons"]}
    unseen = application.play("-e", "twin_enabled=false", "-e", "rehearsal_enabled=false")
    assert unseen.verdict["decision"] == "HOLD", unseen.output


def test_what_a_derived_check_finds_on_the_copy_stops_the_deployment(
    application: Application,
) -> None:
    application.write(
        "20260201000000_second",
        'GRANT SELECT ON "Customer" TO PUBLIC;\n' + SECOND,
    )
    done = application.play()
    assert done.verdict["decision"] == "NO-GO", done.output
    assert "D7.2" in {reason["subject"] for reason in done.verdict["reasons"]}
    assert not (done.evidence / "deploy.json").exists()


def test_rows_that_change_on_the_side(application: Application) -> None:
    application.write(
        "20260201000000_second",
        SECOND + "DO $$ BEGIN EXECUTE concat('UPDATE public.work', 'spaces SET na', "
        "'me = 1'); END $$;",
    )
    done = application.play()
    assert done.verdict["decision"] == "NO-GO", done.output
    assert done.verdict["checks"]["D4.1"] == "fail", done.verdict["checks"]


def unfinished(application: Application) -> None:
    with application.database.owner() as owner:
        owner.execute("UPDATE public._prisma_migrations SET finished_at = NULL")


def changed(application: Application) -> None:
    application.write("20260101000000_first", FIRST + "-- more\n")


QUERIES = """
SELECT "id", "email" FROM "Customer" WHERE "email" = $1;
INSERT INTO "Customer" ("email") VALUES ($1) RETURNING "id";
"""


def test_the_application_s_queries_are_asked_of_the_copy(
    application: Application, tmp_path: Path
) -> None:
    file = tmp_path / "queries.sql"
    file.write_text(QUERIES)
    application.write(
        "20260201000000_second", 'ALTER TABLE "Customer" RENAME COLUMN "email" TO "address";\n'
    )
    done = application.play("-e", f"gonogo_queries={file}")
    assert done.verdict["decision"] == "NO-GO", done.output
    (reason,) = [one for one in done.verdict["reasons"] if one["subject"] == "D6.3"]
    assert "2 of 2 queries are not understood any more" in reason["observed"]
    assert 'queries.sql:2 (SELECT "id", "email" FROM "Customer"' in reason["observed"]
    assert not (done.evidence / "deploy.json").exists()
    kept = reading(done)("run.json")
    assert kept["migrations"]["queries"] == str(file)
    assert "queries/queries.sql" in kept["digests"]["runbook"]
    assert reading(done)("queries.json")["reason"] == (
        "the database does not have the extension pg_stat_statements"
    )


def own_check(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.sql").write_text(text)
    return folder


def test_own_checks_waivers_and_how_criteria_count(
    application: Application, tmp_path: Path
) -> None:
    """A migration that removes rows, as it should: a person says so, and it is a GO."""
    application.write("20260201000000_second", SECOND + 'DELETE FROM "Customer" WHERE id = 30;\n')
    checks = own_check(
        tmp_path / "checks",
        "emails",
        "-- check: every customer has an address\n-- when: both\n"
        '-- examined: SELECT count(*) FROM "Customer"\n'
        "SELECT id FROM \"Customer\" WHERE email NOT LIKE '%@%';\n",
    )
    inventory = application.controller.inventory(gonogo_criteria={"D8": "none"})
    own = json.dumps({"gonogo_own_checks": str(checks)})
    held = application.play(*inventory, "-e", own)
    assert held.verdict["decision"] == "HOLD", held.output
    assert {one["subject"] for one in held.verdict["reasons"]} >= {"D4.2"}
    assert not (held.evidence / "deploy.json").exists()
    waiver = {"check": "D4.2", "owner": "Dewi", "reason": "a test", "expires": "2099-01-31"}
    done = application.play(*inventory, "-e", own, "-e", json.dumps({"gonogo_waivers": [waiver]}))
    assert done.verdict["decision"] == "GO", done.output
    checks_of = done.verdict["checks"]
    assert checks_of["D4.2"] == "fail"
    assert (checks_of["D11.emails"], checks_of["D11.emails.before"]) == ("pass", "pass")
    assert done.verdict["criteria"]["D11"] == "pass"
    told = {one["code"]: one["text"] for one in done.verdict["conditions"]}
    assert told["criterion_set"] == "counts as none: gonogo_criteria of the inventory"
    assert "accepted by Dewi" in told["waiver_applied"]
    assert "counts as none: gonogo_criteria" in (done.evidence / "report.md").read_text()


def test_an_own_check_that_fails_on_the_copy_stops_the_deployment(
    application: Application, tmp_path: Path
) -> None:
    checks = own_check(
        tmp_path / "checks",
        "orders",
        '-- check: there are orders\n-- expect: rows\nSELECT FROM "Order";\n',
    )
    application.write("20260201000000_second", SECOND)
    done = application.play("-e", json.dumps({"gonogo_own_checks": str(checks)}))
    assert done.verdict["decision"] == "NO-GO", done.output
    assert "D11.orders" in {one["subject"] for one in done.verdict["reasons"]}
    assert not (done.evidence / "deploy.json").exists()


def test_what_is_wrong_beside_a_folder_is_said_before_anything(
    application: Application, tmp_path: Path
) -> None:
    application.write("20260201000000_second", SECOND)
    checks = own_check(tmp_path / "checks", "a", "-- chek: a\nSELECT 1;")
    for given, words in {
        json.dumps({"gonogo_own_checks": str(checks)}): "a.sql:1: a check's head has no 'chek'",
        json.dumps({"gonogo_criteria": {"D8": "none"}}): "what only the inventory may say",
        json.dumps(
            {
                "gonogo_waivers": [
                    {"criterion": "D4", "owner": "D", "reason": "r", "expires": "2099-01-31"}
                ]
            }
        ): "no waiver accepts what counts for the score",
    }.items():
        done = application.play("-e", given)
        assert not done.has_verdict()
        assert words in done.output


def test_a_file_of_queries_that_is_none(application: Application, tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("SELECT 1;\nDROP TABLE x;\n")
    application.write("20260201000000_second", SECOND)
    done = application.play("-e", f"gonogo_queries={file}")
    assert not done.has_verdict()
    assert "queries.sql:2: is no query: DROP" in done.output


BAD: dict[str, Callable[[Application], None]] = {
    "begun and not finished": unfinished,
    "not as they were when they were applied": changed,
}


@pytest.mark.parametrize("words", BAD)
def test_what_is_not_in_order_is_a_hold_with_its_cause(
    application: Application, words: str
) -> None:
    application.write("20260201000000_second", SECOND)
    BAD[words](application)
    done = application.play()
    assert done.verdict["decision"] == "HOLD", done.output
    assert words in done.output
    with application.database.owner() as owner:
        assert owner.execute("SELECT to_regclass('public.\"Order\"')").fetchone() == (None,)


def test_what_is_there_but_not_on_record_is_a_hold(application: Application) -> None:
    """Its tool's next deployment would try to apply it again."""
    application.write("20260201000000_second", SECOND)
    with application.database.owner() as owner:
        owner.execute("SET search_path = public")
        owner.execute(SECOND)
    done = application.play()
    assert done.verdict["decision"] == "HOLD", done.output
    # What the copy says; nothing was asked of the database.
    reason, unasked = (one for one in done.verdict["reasons"] if one["subject"] == "D10.2")
    assert unasked["code"] == "check_not_run"
    assert reason["observed"] == (
        "20260201000000_second/migration.sql is not on record (to record what is there: "
        "npx prisma migrate resolve --applied 20260201000000_second)"
    )


def test_a_folder_that_is_none_is_said_before_anything(application: Application) -> None:
    done = application.controller.play(
        *("-i", "inventories/sandbox", "validate_staging.yml"),
        *("-e", "gonogo_migrations=/nowhere/at/all"),
    )
    assert not done.has_verdict()
    assert "there is no such folder of migrations" in done.output


def test_drift_is_a_hold_until_somebody_accepts_it(application: Application) -> None:
    application.write("20260201000000_second", SECOND)
    with application.database.owner() as owner:
        owner.execute('ALTER TABLE public."Customer" ALTER email DROP NOT NULL')
    done = application.play()
    assert done.verdict["decision"] == "HOLD", done.output
    assert "D1.1" in {reason["subject"] for reason in done.verdict["reasons"]}
    drift = reading(done)("rehearsal.json")["drift"]
    assert drift["before"] == [
        {
            "kind": "different",
            "name": 'column public."Customer".email',
            "expected": "text not null",
            "found": "text",
            "migration": "20260101000000_first/migration.sql",
        }
    ]
    assert not (done.evidence / "deploy.json").exists()
    waiver = {"check": "D1.1", "owner": "a", "reason": "known", "expires": "2099-01-01"}
    accepted = application.play("-e", json.dumps({"gonogo_waivers": [waiver]}))
    assert accepted.verdict["decision"] == "GO", accepted.output


def test_what_goes_along_is_a_hold(application: Application) -> None:
    application.write(
        "20260201000000_second", 'ALTER TABLE "Customer" DROP COLUMN "email" CASCADE;'
    )
    with application.database.owner() as owner:
        owner.execute('CREATE VIEW public.addresses AS SELECT email FROM public."Customer"')
    done = application.play()
    assert done.verdict["decision"] == "HOLD", done.output
    (reason,) = (one for one in done.verdict["reasons"] if one["subject"] == "D2.4")
    assert "view public.addresses is gone, was SELECT" in reason["observed"]


def test_a_history_that_does_not_begin_with_nothing(application: Application) -> None:
    """Nothing is known, unless somebody says what was there before."""
    older = "CREATE TABLE older (id integer PRIMARY KEY);\n"
    application.write("20260201000000_second", "ALTER TABLE older ADD more text;\n" + SECOND)
    with application.database.owner() as owner:
        owner.execute(f"SET search_path = public; {older}")
        second = "ALTER TABLE older ADD note text;\n"
        application.write("20260102000000_older", second)
        owner.execute(second)
        application.applied(owner, "20260102000000_older", second)
    done = application.play("-e", "deploy_enabled=false")
    assert done.verdict["checks"]["D1.0"] == "inconclusive"
    drift = reading(done)("rehearsal.json")["drift"]
    assert drift["problem"] == (
        "the history does not replay on an empty database: "
        '20260102000000_older/migration.sql:1: relation "older" does not exist'
    )
    told = [one["text"] for one in done.verdict["conditions"] if one["subject"] == "D1.0"]
    assert told == [
        "The history of the folder replays on an empty database: proved nothing; does not count"
    ]
    done = application.play("-e", "gonogo_baseline_version=20260102000000_older")
    assert done.verdict["decision"] == "GO", done.output
    assert "counts from 20260102000000_older on" in (done.evidence / "report.md").read_text()


def test_a_baseline_is_replayed_first(application: Application, tmp_path: Path) -> None:
    older = "CREATE TABLE older (id integer PRIMARY KEY);\n"
    application.write("20260201000000_second", "ALTER TABLE older ADD more text;\n" + SECOND)
    with application.database.owner() as owner:
        owner.execute(f"SET search_path = public; {older}")
    start = tmp_path / "baseline.sql"
    start.write_text(
        "\\restrict abc\nSET client_encoding = 'UTF8';\n"
        "SELECT pg_catalog.set_config('search_path', '', false);\n"
        f"{older.replace('older', 'public.older')}\\unrestrict abc\n"
    )
    done = application.play("-e", json.dumps({"gonogo_baseline": str(start)}))
    assert done.verdict["decision"] == "GO", done.output
    drift = reading(done)("rehearsal.json")["drift"]
    assert (drift.get("problem"), drift["before"], drift["after"]) == (None, [], [])


def test_a_baseline_that_is_none_is_said_before_anything(application: Application) -> None:
    application.write("20260201000000_second", SECOND)
    for name, value, words in (
        ("gonogo_baseline", "/nowhere/at/all.sql", "there is no such file of SQL"),
        ("gonogo_baseline_version", "other", "the folder has no migration of this name"),
    ):
        done = application.play("-e", f"{name}={value}")
        assert not done.has_verdict()
        assert words in done.output
