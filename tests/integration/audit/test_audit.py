"""Nights of audits: what has changed between two of them is told, and nothing else."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonogo.host.session import catalog
from sandbox import logins
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome

AUDIT = ("-i", "inventories/sandbox", "playbooks/audit.yml")
DERIVED = {"gonogo_runbook": str(PROJECT / "runbooks" / "derived"), "gonogo_profile": "target"}
SHIPS = {
    "gonogo_runbook": str(next((PROJECT / "runbooks").glob("20251229010228_*"))),
    "gonogo_profile": "target",
}

# A key that is not validated, over rows that it does not hold.
SHOP = f"""
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id integer PRIMARY KEY);
CREATE TABLE shop.purchase (id integer PRIMARY KEY, customer integer, amount numeric);
INSERT INTO shop.customer SELECT generate_series(1, 20);
INSERT INTO shop.purchase SELECT n, n, n FROM generate_series(1, 20) AS n;
INSERT INTO shop.purchase VALUES (101, 901, 1), (102, 902, 1);
ALTER TABLE shop.purchase ADD CONSTRAINT of_customer FOREIGN KEY (customer)
    REFERENCES shop.customer NOT VALID;
GRANT USAGE ON SCHEMA shop TO {logins.APPLICATION};
GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA shop TO {logins.APPLICATION};
"""
# One orphan more, one less, and one right is lost. The number of orphans stays.
DAY = f"""
SET session_replication_role = replica;
INSERT INTO shop.purchase VALUES (103, 903, 1);
DELETE FROM shop.purchase WHERE id = 101;
RESET session_replication_role;
REVOKE UPDATE ON shop.purchase FROM {logins.APPLICATION};
"""


@dataclass
class Nights:
    controller: Controller
    database: Database

    def audit(self, **variables: Any) -> Outcome:
        self.controller.aim(self.database)
        given = {**DERIVED, **variables}
        return self.controller.play(*AUDIT, "-e", json.dumps(given))

    def records(self) -> list[dict[str, Any]]:
        """What the audits have kept, the oldest first."""
        files = sorted(self.controller.runs_dir.glob("sandbox/audits/*/*/*/audit.json"))
        return [json.loads(file.read_text()) for file in files]

    def changes(self) -> list[tuple[str, str, str | None]]:
        """Of the last audit."""
        found = self.records()[-1]["changes"]
        return [(one["kind"], one["check_id"], one["key"]) for one in found]


@pytest.fixture
def nights(controller: Controller, database: Database) -> Nights:
    with database.owner() as owner:
        owner.execute(SHOP)
    return Nights(controller, database)


def _told(outcome: Outcome) -> list[list[str]]:
    """The lines of the changes: kind, check and key."""
    kinds = ("new ", "worse ", "better ", "gone ")
    lines = [line.strip() for line in outcome.output.splitlines()]
    words = [line.split(maxsplit=4) for line in lines if line.startswith(kinds)]
    return [[kind, check, key] for kind, _host, _database, check, key in words]


def _fingerprint(database: Database) -> object:
    with database.admin() as admin:
        return (database.rows(), admin.execute("SELECT count(*) FROM pg_class").fetchone())


def test_two_nights(nights: Nights) -> None:
    before = _fingerprint(nights.database)
    first = nights.audit()
    assert first.status == 0, first.output
    assert "the first audit: there is nothing to compare with" in first.output
    assert _told(first) == []
    # Nothing was written to the database.
    assert _fingerprint(nights.database) == before
    quiet = nights.audit()
    assert quiet.status == 0, quiet.output
    assert (_told(quiet), nights.changes()) == ([], [])
    assert "no change  sandbox  " in quiet.output

    with nights.database.admin() as admin:
        admin.execute(DAY)
    third = nights.audit()
    orphans = "of_customer on shop.purchase: id="
    expected = [
        ("new", "D5.1", f"{orphans}103"),
        ("gone", "D5.1", f"{orphans}101"),
        ("new", "D7.1", "shop.purchase"),
    ]
    assert nights.changes() == expected, third.output
    assert _told(third) == [[*change] for change in expected]
    assert third.status == 2
    last = third.output.rstrip().splitlines()[-1]
    assert last.startswith("gonogo-audit: audited=1 not_audited=0 new=2 worse=0 better=0 gone=1 ")

    # The right stays lost, and is not told again.
    fourth = nights.audit()
    assert (fourth.status, nights.changes()) == (0, []), fourth.output
    with nights.database.owner() as owner:
        owner.execute(f"GRANT UPDATE ON shop.purchase TO {logins.APPLICATION}")
    assert nights.audit().status == 0
    assert nights.changes() == [("gone", "D7.1", "shop.purchase")]
    records = nights.records()
    assert {record["baseline"] for record in records} == {records[0]["audit_id"]}
    assert [record["last"] for record in records[1:]] == [
        record["audit_id"] for record in records[:-1]
    ]


def test_what_is_accepted_is_the_new_baseline(nights: Nights) -> None:
    nights.audit()
    with nights.database.owner() as owner:
        owner.execute(f"REVOKE UPDATE ON shop.purchase FROM {logins.APPLICATION}")
    accepted = nights.audit(audit_baseline=True)
    assert accepted.status == 0, accepted.output
    assert "this audit is the new baseline" in accepted.output
    assert (nights.audit().status, nights.changes()) == (0, [])


def test_the_report_has_a_picture_of_each_check(nights: Nights) -> None:
    for _ in range(2):
        outcome = nights.audit()
    pages = sorted(nights.controller.runs_dir.glob("sandbox/audits/*/*/*/audit.html"))
    page = pages[-1].read_text()
    assert page.count("<svg") == len(nights.records()[-1]["checks"])
    assert 'aria-label="2, 2"' in page
    assert "<script" not in page
    ran = {file.name for file in (pages[-1].parent / "sql").iterdir()}
    assert {"00_before.sql", "02_relations.sql", "03_rights.sql"} <= ran, outcome.output
    # What writes, and what needs a copy, was not asked.
    assert ran & {"05_constraints.sql", "06_data.sql", "00_rows.sql"} == set()


def test_the_runbook_that_ships(nights: Nights) -> None:
    """Its checks that only read; one of the application's rights is lost."""
    first = nights.audit(**SHIPS)
    assert first.status == 0, first.output
    with nights.database.owner() as owner:
        owner.execute(f"REVOKE INSERT ON config_versions FROM {logins.APPLICATION}")
    second = nights.audit(**SHIPS)
    assert second.status == 2, second.output
    kinds = {kind for kind, _, _ in nights.changes()}
    assert kinds == {"new"}, second.output
    phases = {check["phase"] for check in nights.records()[-1]["checks"]}
    assert phases == {"00_preflight", "01_critical_C1_C2", "06_contradictions"}


def test_a_run_at_work_is_left_alone(nights: Nights) -> None:
    database = nights.database
    with database.admin() as admin:
        admin.execute("SET application_name = 'gonogo:20260131T120000Z-0a1b2c:lock'")
        admin.execute(catalog.TRY_LOCK, catalog.LOCK_KEY)
        outcome = nights.audit()
    assert outcome.status == 2
    assert "a run is at work on the database" in outcome.output
    assert "gonogo-audit: audited=0 not_audited=1 " in outcome.output
    assert nights.records() == []


def test_no_session_of_an_audit_is_one_of_a_run(nights: Nights) -> None:
    """A run that begins meanwhile neither waits for it nor ends it."""
    seen: list[Any] = []
    names: list[Any] = []
    with nights.database.admin() as admin, nights.database.admin() as locking:
        locking.execute("BEGIN; LOCK TABLE shop.purchase")
        auditing = threading.Thread(
            target=nights.audit, kwargs={"gonogo_timeouts": {"lock": "20s"}}
        )
        auditing.start()
        waiting = (
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        while auditing.is_alive() and not names:
            names = admin.execute(waiting).fetchall()
        seen = admin.execute(catalog.BACKENDS).fetchall()
        locking.execute("ROLLBACK")
        auditing.join()
    assert names, "it never came to the locked table"
    assert seen == []
    assert nights.records()[-1]["problems"] == []


def test_what_cannot_be_asked_fails(nights: Nights) -> None:
    nights.audit()
    with nights.database.admin() as locking:
        locking.execute("BEGIN; LOCK TABLE shop.purchase")
        outcome = nights.audit(gonogo_timeouts={"lock": "100ms"})
        locking.execute("ROLLBACK")
    assert outcome.status == 2, outcome.output
    assert "worse" in {kind for kind, _, _ in nights.changes()}, outcome.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({**SHIPS, "gonogo_profile": "other"}, "there is no such profile"),
        ({"gonogo_environment": "../x"}, "not a name for an environment"),
        ({"audit_fail_on": ["all"]}, "audit_fail_on"),
        ({"audit_baselin": True}, "unknown variable 'audit_baselin'"),
        ({"gonogo_runbook": "nowhere"}, "there is no runbook folder"),
    ],
)
def test_bad_input_is_one_error(nights: Nights, change: dict[str, Any], message: str) -> None:
    outcome = nights.audit(**change)
    assert outcome.status == 2
    assert message in outcome.output
    assert "Traceback" not in outcome.output
    assert not list(Path(nights.controller.runs_dir).glob("*/audits"))
