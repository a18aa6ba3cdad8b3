"""A migration is recognised by its objects in the real schema, each by what it means."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.contract.budgets import budgets_of
from gonogo.contract.records.deployment import Inspection
from gonogo.contract.records.migration import Plan
from gonogo.controller import runbook
from gonogo.controller.runbook import migration
from gonogo.host.migrate.deployment import inspect
from gonogo.host.migrate.undo import take_back
from gonogo.host.session.connection import connect
from tests.integration.support.harness import PROJECT, RUNBOOK, Database
from tests.integration.support.migrations import before

SECOND = PROJECT / "runbooks" / "20260115093000_add_master_table_foreign_keys"

ITEMS = "ALTER TABLE public.punchlist_items "
KEY = "FOREIGN KEY (punchlist_id) REFERENCES public.punchlists (id)"


def plan(folder: Any = RUNBOOK, key: str = "migration") -> Plan:
    return migration.plan(runbook.load(folder, profile="target", parameters={}), key)


def looked(database: Database, folder: Any = RUNBOOK) -> Inspection:
    with connect(database.login(), name="gonogo:test:look") as connection:
        return inspect(connection, plan(folder))


def wrong(found: Inspection) -> dict[str, str | None]:
    return {o.object: o.difference for o in found.objects if not o.matches}


def test_absent_applied_and_what_the_first_deployment_left(make_database: Any) -> None:
    target, deployed = make_database("target"), make_database("as_deployed")
    assert looked(target).state == "applied"
    assert looked(target, SECOND).state == "applied"
    assert looked(deployed).state == "partial"
    assert looked(deployed, SECOND).state == "absent"
    with before(target):
        assert looked(target).state == "absent"


@pytest.mark.parametrize(
    ("harm", "name", "but"),
    [
        (
            f"{ITEMS} DROP CONSTRAINT fk_punchlist_items_punchlist",
            "constraint fk_punchlist_items_punchlist on public.punchlist_items",
            None,
        ),
        (
            f"{ITEMS} DROP CONSTRAINT fk_punchlist_items_punchlist,"
            f" ADD CONSTRAINT mine {KEY} ON DELETE CASCADE ON UPDATE CASCADE",
            "constraint fk_punchlist_items_punchlist on public.punchlist_items",
            "is there as mine",
        ),
        (
            f"{ITEMS} DROP CONSTRAINT fk_punchlist_items_punchlist,"
            f" ADD CONSTRAINT fk_punchlist_items_punchlist {KEY}",
            "constraint fk_punchlist_items_punchlist on public.punchlist_items",
            "is another key: punchlist_id to public.punchlists (id), "
            "on delete NO ACTION, on update NO ACTION",
        ),
        (
            f"{ITEMS} DROP CONSTRAINT fk_punchlist_items_punchlist,"
            " ADD CONSTRAINT fk_punchlist_items_punchlist CHECK (true)",
            "constraint fk_punchlist_items_punchlist on public.punchlist_items",
            "is no foreign key",
        ),
        (
            "ALTER TABLE public.vendor_master DROP COLUMN vendor_name",
            "table public.vendor_master",
            "lacks the columns vendor_name",
        ),
        (
            "ALTER TABLE public.vendor_master DISABLE TRIGGER trg_vendor_master_touch",
            "trigger trg_vendor_master_touch on public.vendor_master",
            "is disabled",
        ),
        (
            "DROP INDEX public.idx_workflow_stages_overdue",
            "index idx_workflow_stages_overdue on public.workflow_stages",
            None,
        ),
        (
            "DROP FUNCTION public.trg_touch_updated_at CASCADE",
            "function public.trg_touch_updated_at()",
            None,
        ),
    ],
)
def test_a_partial_migration_is_named_with_what_is_wrong(
    database: Database, harm: str, name: str, but: str | None
) -> None:
    with database.owner() as owner:
        owner.execute(harm)
    found = looked(database)
    assert found.state == "partial"
    assert name in wrong(found)
    assert wrong(found)[name] == but


def test_what_is_there_beside_it_does_not_matter(database: Database) -> None:
    with database.owner() as owner:
        owner.execute("ALTER TABLE public.vendor_master ADD COLUMN extra text")
        owner.execute("CREATE INDEX extra ON public.vendor_master (extra)")
    assert looked(database).state == "applied"


def test_a_partial_migration_can_be_taken_back(make_database: Any) -> None:
    """Its plan names every row that would be lost."""
    database = make_database("as_deployed")
    rows = database.rows()
    with connect(database.login(), name="gonogo:test:undo") as connection:
        planned = take_back(
            connection,
            plan(RUNBOOK, "undo"),
            schema_before=None,
            approved_content=None,
            budgets=budgets_of({}),
        )
    assert planned.state == "partial"
    assert not planned.committed
    lost = {name.removeprefix("public."): number for name, number in planned.lost.items()}
    tables = [
        table.name
        for table in runbook.load(RUNBOOK, profile="target", parameters={}).manifest.tables
    ]
    assert lost == {name: rows[name] for name in tables if rows[name]}
    assert database.rows() == rows
