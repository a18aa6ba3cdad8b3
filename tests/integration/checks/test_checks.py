"""Every check notices what it is there for, and does not mind what is nobody's fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster import Cluster
from tests.integration.support import scripts
from tests.integration.support.harness import RUNBOOK, Database
from tests.runbooks.master_tables import GREENS, REDS, Green, Red, make_roles

Make = Callable[[str], Database]


@pytest.fixture(scope="module", autouse=True)
def _roles(cluster: Cluster) -> None:
    make_roles(cluster)


def _answer(change: Red | Green, make_database: Make, directory: Path) -> dict[str, Any]:
    """What the check says after the change."""
    database = make_database(change.profile)
    home = RUNBOOK
    if change.runbook is not None:
        home = shutil.copytree(RUNBOOK, directory / RUNBOOK.name)
        change.runbook(home)
    suite = scripts.Suite(
        profile=change.profile,
        residue=change.residue,
        parameters=(*scripts.Suite.parameters, *change.parameters.items()),
        directory=home,
    )
    if not change.between:
        _apply(change, database)
    return scripts.answer(
        database,
        change.check,
        directory,
        suite=suite,
        between=lambda: _apply(change, database) if change.between else None,
    )


def _apply(change: Red | Green, database: Database) -> None:
    for session, sql in ((database.admin, change.admin), (database.owner, change.sql)):
        if not sql:
            continue
        with session() as connection, connection.cursor() as cursor:
            cursor.execute(sql.encode())
            tags = [cursor.statusmessage]
            while cursor.nextset():
                tags.append(cursor.statusmessage)
        # A change that changes nothing would prove nothing.
        assert not {"UPDATE 0", "DELETE 0", "INSERT 0 0"}.intersection(tags), tags


@pytest.mark.parametrize("red", REDS, ids=str)
def test_check_notices(red: Red, make_database: Make, tmp_path: Path) -> None:
    result = _answer(red, make_database, tmp_path)
    assert result["status"] == red.status, result["observed"]
    assert red.words in result["observed"]


@pytest.mark.parametrize("green", GREENS, ids=str)
def test_check_does_not_mind(green: Green, make_database: Make, tmp_path: Path) -> None:
    result = _answer(green, make_database, tmp_path)
    assert result["status"] == "pass", result["observed"]


def test_every_check_has_a_pair() -> None:
    declared = set(scripts.declared())
    assert {red.check for red in REDS} == declared
    assert {green.check for green in GREENS} == declared


def test_every_check_can_fail_or_says_why_not() -> None:
    failing = {red.check for red in REDS if red.status == "fail"}
    assert set(scripts.declared()) - failing == {"0.6"}


# Table, column, the type it gets instead.
_OTHER_TYPES = [
    ("approval_policy_stages", "policy_id", "uuid"),
    ("atp_submission_documents", "submission_id", "uuid"),
    ("atp_submission_documents", "workspace_id", "text"),
    ("punchlist_items", "punchlist_id", "uuid"),
    ("workflow_stage_actions", "workflow_stage_id", "uuid"),
    ("workflow_stages", "workflow_instance_id", "uuid"),
]


def test_types_that_differ_end_no_script(make_database: Make, tmp_path: Path) -> None:
    database = make_database("as_deployed")
    with database.owner() as connection:
        for table, column, other in _OTHER_TYPES:
            command = (
                f"ALTER TABLE public.{table} ALTER {column} TYPE {other} USING {column}::{other}"
            )
            connection.execute(command.encode())
    found = scripts.answers(database, scripts.PHASES, tmp_path)
    assert not found.errors
    assert set(found.checks) == set(scripts.declared())
    assert found.checks["V5.1"]["samples"] == [f"{item[0]}.{item[1]}" for item in _OTHER_TYPES]
