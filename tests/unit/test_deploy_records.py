"""What a deployment puts on record, and what travels to the target host, comes back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.records.deployment import Deployment, Failure
from gonogo.contract.records.migration import Plan
from gonogo.contract.records.readable import readable
from gonogo.contract.records.reading import RecordError, plain, read
from gonogo.controller import runbook
from gonogo.controller.runbook import migration
from tests.unit.deployments import deployment, failure, inspection, object_state, trace

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


def travelled(value: object) -> Any:
    return json.loads(json.dumps(plain(value), sort_keys=True))


@pytest.mark.parametrize("folder", sorted(RUNBOOKS.glob("2*")), ids=lambda folder: folder.name)
@pytest.mark.parametrize("key", ["migration", "undo"])
def test_a_plan_is_the_same_on_the_target_host(folder: Path, key: str) -> None:
    loaded = runbook.load(folder, profile="target", parameters={}, templates=False)
    plan = migration.plan(loaded, key)
    assert len(plan.objects) > 50
    assert read(Plan, travelled(plan), file="the plan") == plan


def test_a_deployment_is_read_as_it_was_written() -> None:
    done = deployment(
        "failed",
        before=inspection("partial", object_state(exists=True, difference="is disabled")),
        after=None,
        changed=None,
        error=failure(committed=None, lost=True, sqlstate="08006"),
        failed_attempts=[failure(file="m.sql", line=7, statement="x")],
        statements=[trace()],
    )
    assert read(Deployment, travelled(done), file="deploy.json") == done
    # That nobody knows is no word that is left out: it would be read as a no.
    assert travelled(done)["error"]["committed"] is None
    assert travelled(done)["changed"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bill": []}, 'has "bill", which no run writes'),
        ({"action": None}, "is not as a run writes it"),
        ({"error": {"message": "x"}}, "lacks"),
    ],
)
def test_another_record_is_one_error_and_says_nothing(change: dict[str, Any], said: str) -> None:
    value = {**travelled(deployment()), **change}
    with pytest.raises(RecordError, match=r"deploy\.json") as caught:
        read(Deployment, value, file="deploy.json")
    assert said in caught.value.render()
    assert readable(Deployment, value, file="deploy.json") is None


def test_a_failure_keeps_who_had_the_lock() -> None:
    holder = {
        "pid": 7,
        "application_name": "app",
        "state": "idle in transaction",
        "transaction_seconds": 1.5,
    }
    found = read(Failure, failure(holders=[holder]), file="a failure")
    assert found.holders[0].pid == 7
    assert replace(found, attempts=3).attempts == 3
