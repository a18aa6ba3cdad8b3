"""The second runbook: from what the first deployment left behind to what was meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import scripts
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome
from tests.integration.support.migrations import PRISMA_TABLE, prisma_rows

Make = Callable[..., Database]

NAME = "20260115093000_add_master_table_foreign_keys"
FIRST = ("-i", "inventories/sandbox", "validate_staging.yml", "-e", "gonogo_profile=target")
SECOND = (*FIRST, "-e", f"gonogo_runbook={PROJECT / 'runbooks' / NAME}")
DEPLOY = (*SECOND, "-e", "deploy_enabled=true")


def record(outcome: Outcome) -> dict[str, Any]:
    return dict(json.loads((outcome.evidence / "deploy.json").read_text()))


def reasons(outcome: Outcome) -> dict[str, Any]:
    return {reason["subject"]: reason for reason in outcome.verdict["reasons"]}


@pytest.mark.parametrize(
    ("environment", "residue"),
    [pytest.param("staging", "keep", marks=pytest.mark.attack), ("live", "rollback")],
)
def test_from_as_deployed_to_target(
    make_database: Make, controller: Controller, environment: str, residue: str
) -> None:
    database = make_database("as_deployed")
    with database.admin() as admin:
        admin.execute(
            f"ALTER DATABASE \"{database.name}\" SET gonogo.environment = '{environment}'"
        )
    controller.aim(database)
    said = controller.inventory(gonogo_environment=environment, gonogo_protected=False)
    there = (*said, "-e", f"gonogo_residue={residue}")
    before = database.rows()
    with database.owner() as owner:
        owner.execute(PRISMA_TABLE)
        outcome = controller.play(*DEPLOY, *there)
        assert outcome.has_verdict(), outcome.output
        assert outcome.verdict["decision"] == "GO", outcome.output
        (row,) = prisma_rows(owner)
    assert outcome.verdict["score"] == {"passed": 4, "of": 4}
    assert row["migration_name"] == NAME
    done = record(outcome)
    assert done["action"] == "applied"
    # Validating makes nobody wait, adding does for a moment.
    waiting = {line["file"] for line in done["statements"] if line["waits"]}
    assert waiting == {"migration.sql"}
    assert not [line for line in done["statements"] if line["rewritten"]]
    assert database.rows() == {**before, "_prisma_migrations": 1}
    again = controller.play(*DEPLOY, *there)
    assert again.verdict["decision"] == "GO", again.output
    assert record(again)["action"] == "none", again.output
    first = controller.play(*FIRST, *there)
    assert first.verdict["decision"] == "GO", first.output
    assert first.verdict["score"] == {"passed": 15, "of": 15}


def test_an_orphan_is_a_no_go_before_anything_is_changed(
    make_database: Make, controller: Controller
) -> None:
    database = make_database("as_deployed")
    controller.aim(database)
    with database.owner() as owner:
        owner.execute(
            "UPDATE public.punchlists SET workflow_instance_id = 'nowhere'"
            " WHERE id = (SELECT min(id) FROM public.punchlists)"
        )
        outcome = controller.play(*DEPLOY)
        keys = owner.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conname LIKE 'fk_%'"
        ).fetchone()
    assert outcome.verdict["decision"] == "NO-GO", outcome.output
    found = reasons(outcome)["A1.1"]
    assert "punchlists.workflow_instance_id: 1 of " in found["observed"]
    assert "not in workflow_instances" in found["observed"]
    assert '; to see the rows: SELECT c.* FROM "public".punchlists AS c ' in found["observed"]
    assert keys == (0,)
    assert not (outcome.evidence / "deploy.json").exists()


SUITE = scripts.Suite(directory=PROJECT / "runbooks" / NAME)
PHASES = ("01_audit", "02_foreign_keys", "03_refusals")


def statuses(found: scripts.Answers) -> dict[str, str]:
    return {check: result["status"] for check, result in found.checks.items()}


@pytest.mark.parametrize("run", [scripts.by_module, scripts.by_psql], ids=["module", "psql"])
def test_all_is_there(database: Database, tmp_path: Path, run: scripts.Run) -> None:
    found = scripts.answers(database, PHASES, tmp_path, suite=SUITE, run=run)
    assert not found.errors
    assert statuses(found) == dict.fromkeys(SUITE.runbook.checks, "pass"), found.checks


@pytest.mark.parametrize("run", [scripts.by_module, scripts.by_psql], ids=["module", "psql"])
def test_what_is_missing_is_not_a_go(make_database: Make, tmp_path: Path, run: scripts.Run) -> None:
    database = make_database("as_deployed")
    found = scripts.answers(database, PHASES, tmp_path, suite=SUITE, run=run)
    assert not found.errors
    said = statuses(found)
    assert {check for check, status in said.items() if status == "fail"} >= {
        *("K1.1", "K1.3", "K1.5", "K2.1", "K3.1", "K3.2", "K3.3", "K3.4")
    }
    # None of them is there, so nothing can be said of their state.
    assert said["K1.2"] == "inconclusive"
    assert (said["A1.1"], said["A1.2"], said["K1.4"]) == ("pass", "pass", "pass")
    assert "config_versions_workspace_id_fkey" in found.checks["K1.3"]["observed"]
    assert "accepted" in found.checks["K2.1"]["observed"]


@pytest.mark.parametrize(
    ("harm", "check", "word"),
    [
        (
            "ALTER TABLE public.punchlist_items DROP CONSTRAINT fk_punchlist_items_punchlist",
            "K1.1",
            "punchlist_items.punchlist_id has no foreign key",
        ),
        (
            "ALTER TABLE public.punchlist_items DROP CONSTRAINT fk_punchlist_items_punchlist,"
            " ADD CONSTRAINT fk_punchlist_items_punchlist FOREIGN KEY (punchlist_id)"
            " REFERENCES public.punchlists (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID",
            "K1.2",
            "is not validated",
        ),
        (
            "ALTER TABLE public.punchlist_items ADD CONSTRAINT another FOREIGN KEY (punchlist_id)"
            " REFERENCES public.punchlists (id) ON DELETE CASCADE ON UPDATE CASCADE",
            "K1.3",
            "another",
        ),
        (
            "ALTER TABLE public.approval_policy_stages"
            " DROP CONSTRAINT ck_approval_policy_stages_stage_group",
            "K1.5",
            "has no CHECK",
        ),
        (
            "ALTER TABLE public.vendor_master DISABLE TRIGGER trg_vendor_master_touch",
            "K3.1",
            "is disabled",
        ),
        (
            "DROP TRIGGER config_versions_active_guard ON public.config_versions",
            "K3.2",
            "accepted",
        ),
        (
            "DROP TRIGGER workflow_stages_frozen_guard ON public.workflow_stages",
            "K3.4",
            "accepted",
        ),
    ],
)
def test_each_check_is_seen_to_fail(
    database: Database, tmp_path: Path, harm: str, check: str, word: str
) -> None:
    with database.owner() as owner:
        owner.execute(harm)
    found = scripts.answers(database, PHASES, tmp_path, suite=SUITE)
    assert found.checks[check]["status"] == "fail", found.checks[check]
    assert word in found.checks[check]["observed"]


def test_a_renamed_key_is_the_same_key(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute(
            "ALTER TABLE public.punchlist_items"
            " RENAME CONSTRAINT fk_punchlist_items_punchlist TO other"
        )
    found = scripts.answers(database, PHASES, tmp_path, suite=SUITE)
    assert set(statuses(found).values()) == {"pass"}, found.checks


def test_an_orphan_behind_a_key_is_found(database: Database, tmp_path: Path) -> None:
    with database.admin() as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE public.punchlists SET workflow_stage_id = 'nowhere'")
    found = scripts.answers(database, PHASES, tmp_path, suite=SUITE)
    for check in ("A1.1", "K1.4"):
        assert found.checks[check]["status"] == "fail"
        assert "punchlists.workflow_stage_id" in found.checks[check]["observed"]


def test_a_missing_table_is_no_pass(database: Database, tmp_path: Path) -> None:
    with database.owner() as owner:
        owner.execute("DROP TABLE public.punchlist_items")
    found = scripts.answers(database, ("01_audit",), tmp_path, suite=SUITE)
    assert found.checks["A1.1"]["status"] == "inconclusive"
    assert "punchlist_items.punchlist_id: cannot be examined" in found.checks["A1.1"]["observed"]
    assert found.checks["A1.2"]["status"] == "fail"


def test_a_login_without_the_rights_is_told(make_database: Make, controller: Controller) -> None:
    database = make_database("as_deployed")
    controller.aim(database)
    with database.admin() as admin:
        admin.execute("ALTER TABLE public.users OWNER TO CURRENT_USER")
        admin.execute("GRANT SELECT ON public.users TO PUBLIC")
    outcome = controller.play(*DEPLOY)
    assert outcome.verdict["decision"] == "NO-GO", outcome.output
    assert "users may not be referenced" in reasons(outcome)["A1.2"]["observed"]
