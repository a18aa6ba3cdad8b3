"""A target is protected unless its inventory says otherwise; nothing else can take that away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from gonogo import verdict
from gonogo.contract.errors import InputError
from gonogo.controller import request, runbook
from gonogo.controller.ansible.inventory import Inventory
from gonogo.controller.invocation.native import native
from gonogo.controller.request import promotion
from gonogo.controller.request.protection import ONLY_INVENTORY, Protection, protection
from tests.records import run_record

HOST = "db"
OPEN = {"gonogo_environment": "staging", "gonogo_protected": False}
ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "runbooks" / "20251229010228_add_master_tables_final_v2"


def said(directory: Path, host: str = HOST, *sources: str) -> dict[str, Any]:
    inventory = Inventory(DataLoader(), [str(directory), *sources])
    found = native(inventory.variables(host))
    return {name: value for name, value in found.items() if name.startswith("gonogo_")}


def seen(inventory: dict[str, Any], play: dict[str, Any] | None = None, **more: Any) -> Protection:
    return protection(inventory, play=play or {}, effective={**inventory, **more})


def write(directory: Path, place: str, values: dict[str, Any]) -> None:
    file = directory / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(values))


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    directory = tmp_path / "inventory"
    write(directory, "hosts.yml", {"gonogo": {"hosts": {HOST: None}}})
    return directory


# --- what an inventory is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "group_vars/gonogo.yml",
        "group_vars/gonogo/any.yml",
        "group_vars/all.yml",
        "host_vars/db.yml",
        "host_vars/db/any.yaml",
    ],
)
def test_a_file_of_the_inventory_may_say_it(inventory: Path, place: str) -> None:
    assert said(inventory) == {}
    write(inventory, place, OPEN)
    assert said(inventory) == OPEN
    assert not seen(said(inventory)).protected


def test_the_source_itself_may_say_it(tmp_path: Path) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text(
        "[gonogo]\ndb\n[gonogo:vars]\ngonogo_environment=staging\ngonogo_protected=no\n"
    )
    assert not seen(said(file)).protected


def test_precedence_is_that_of_ansible(inventory: Path) -> None:
    write(inventory, "group_vars/all.yml", OPEN)
    write(inventory, "group_vars/gonogo.yml", {"gonogo_protected": True})
    assert seen(said(inventory)).protected
    write(inventory, "host_vars/db.yml", {"gonogo_protected": False})
    assert not seen(said(inventory)).protected


def test_what_is_beside_a_playbook_is_no_inventory(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the directory of a playbook nor the one a person stands in."""
    for place in ("group_vars/all.yml", "host_vars/db.yml", "playbooks/group_vars/all.yml"):
        write(tmp_path, place, OPEN)
    monkeypatch.chdir(tmp_path)
    assert said(inventory) == {}


def test_a_host_that_a_play_has_added_has_no_inventory(inventory: Path) -> None:
    write(inventory, "group_vars/gonogo.yml", OPEN)
    assert said(inventory, "added") == {}
    assert seen({}, gonogo_environment="staging").protected


# --- the rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inventory", "play", "more"),
    [
        ({"gonogo_environment": "prod"}, {}, {}),
        ({**OPEN, "gonogo_protected": True}, {}, {}),
        ({**OPEN, "gonogo_protected": "true"}, {}, {}),
        # Production, whatever its inventory says.
        ({**OPEN, "gonogo_environment": "production"}, {}, {}),
        # rollout_production.yml, whatever the inventory says.
        (OPEN, {"gonogo_protected": True}, {}),
        (OPEN, {"gonogo_protected": True}, {"gonogo_protected": True}),
        # The inventory has said it of another environment.
        (OPEN, {}, {"gonogo_environment": "prod"}),
        ({"gonogo_protected": False}, {}, {"gonogo_environment": "prod"}),
        ({**OPEN, "gonogo_environment": "{{ stage }}"}, {}, {"gonogo_environment": "staging"}),
    ],
)
def test_protected(inventory: dict[str, Any], play: dict[str, Any], more: dict[str, Any]) -> None:
    found = seen(inventory, play, **more)
    assert found.protected
    assert found.reason


@pytest.mark.parametrize(
    ("inventory", "play", "more", "message"),
    [
        ({}, {}, {"gonogo_protected": False}, "another value than the inventory's"),
        (OPEN, {"gonogo_protected": False}, {}, "can only switch the protection"),
        (OPEN, {"gonogo_protected": "{{ x }}"}, {}, "can only switch the protection"),
        (
            {"gonogo_promotion_from": "staging"},
            {},
            {"gonogo_promotion_from": "sandbox"},
            "another value than the inventory's",
        ),
        ({}, {}, {"gonogo_promotion_from": "sandbox"}, "another value than the inventory's"),
        (
            {"gonogo_promotion_max_age_hours": 24},
            {},
            {"gonogo_promotion_max_age_hours": 9999},
            "another value than the inventory's",
        ),
        (
            {"gonogo_promotion_keys": ["a key"]},
            {},
            {"gonogo_promotion_keys": ["a key", "another"]},
            "another value than the inventory's",
        ),
        # None that the inventory does not have, and none of those that it has is taken away.
        ({}, {}, {"gonogo_promotion_keys": ["a key"]}, "another value than the inventory's"),
        (
            {"gonogo_promotion_keys": ["a key"]},
            {},
            {"gonogo_promotion_keys": None},
            "another value than the inventory's",
        ),
        ({**OPEN, "gonogo_protected": "{{ open }}"}, {}, {}, "must be written out"),
        ({"gonogo_promotion_from": "{{ source }}"}, {}, {}, "must be written out"),
        ({"gonogo_promotion_keys": "{{ keys }}"}, {}, {}, "must be written out"),
        ({**OPEN, "gonogo_protected": "perhaps"}, {}, {}, "must be true or false"),
        ({**OPEN, "gonogo_protected": []}, {}, {}, "must be true or false"),
    ],
)
def test_refused(
    inventory: dict[str, Any], play: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    """Wherever it comes from: a fact, a play, a role, a file that a task includes."""
    with pytest.raises(InputError, match=message):
        seen(inventory, play, **more)


@pytest.mark.parametrize("name", ONLY_INVENTORY)
def test_the_command_line_cannot_say_it(name: str) -> None:
    with pytest.raises(InputError, match="only the inventory may say"):
        request.check_command_line({}, extra={name: "false"})


def test_the_shipped_inventories_say_what_may_be_written_to() -> None:
    protected = {}
    for directory in sorted((ROOT / "inventories").iterdir()):
        (host,) = yaml.safe_load((directory / "hosts.yml").read_text())["gonogo"]["hosts"]
        protected[directory.name] = seen(said(directory, host)).protected
    assert protected == {"managed": False, "production": True, "sandbox": False, "staging": False}


# --- what it asks for ----------------------------------------------------------------------------


def admitted(inventory: dict[str, Any], evidence: str | None = None) -> promotion.Admitted | None:
    found = seen(inventory)
    return promotion.admitted(
        promotion.wanted(found, evidence=evidence),
        protection=found,
        environment=str(inventory["gonogo_environment"]),
        runbook=runbook.load(RUNBOOK, profile="target", parameters={}, templates=False),
        now=datetime.now(UTC),
    )


@pytest.mark.parametrize("environment", ["production", "prod", "live", "sandbox", "staging"])
def test_a_protected_target_asks_for_evidence(environment: str) -> None:
    """It hangs on no word."""
    with pytest.raises(InputError, match="a protected target asks for the evidence of another"):
        admitted({"gonogo_environment": environment})
    with pytest.raises(InputError, match="asks for the evidence of a GO on rehearsal"):
        admitted({"gonogo_environment": environment, "gonogo_promotion_from": "rehearsal"})
    with pytest.raises(InputError, match="cannot be its own rehearsal"):
        admitted({"gonogo_environment": environment, "gonogo_promotion_from": environment})


def test_evidence_that_lets_nobody_in_is_named(tmp_path: Path) -> None:
    """A directory of evidence that is there is no secret."""
    run = tmp_path / "runs" / "20260131T120000Z-0a1b2c"
    run.mkdir(parents=True)
    (run / "events.jsonl").write_text("x\n")
    inventory = {"gonogo_environment": "production", "gonogo_promotion_from": "staging"}
    with pytest.raises(InputError, match="does not admit this run") as caught:
        admitted(inventory, evidence=str(run))
    assert f"gonogo_promotion_evidence is {run}" in caught.value.render()


def test_keys_that_are_none_are_told_before_anything_is_looked_at() -> None:
    inventory = {
        "gonogo_environment": "production",
        "gonogo_promotion_from": "staging",
        "gonogo_promotion_keys": ["keys/gate.pub"],
    }
    with pytest.raises(InputError, match="must be the text of one public key in PEM"):
        admitted(inventory, evidence="none")


def test_a_target_that_anybody_may_write_to_asks_for_none() -> None:
    assert admitted(OPEN) is None


@pytest.mark.parametrize("name", ["twin_enabled", "rehearsal_enabled"])
def test_a_protected_target_deploys_nothing_without_a_rehearsal(name: str) -> None:
    values = {"deploy_enabled": True, name: False}
    with pytest.raises(InputError, match="nothing is deployed that was not rehearsed"):
        promotion.require_rehearsal(values, protection=seen({"gonogo_environment": "prod"}))
    promotion.require_rehearsal(values, protection=seen(OPEN))


@pytest.mark.parametrize(
    ("run", "protected"),
    [
        ({"environment": "prod", "protected": True}, True),
        ({"environment": "production", "protected": False}, True),
        ({"environment": "prod", "protected": False}, False),
    ],
)
def test_evidence_that_does_not_say_it_is_of_a_protected_target(
    run: dict[str, Any], protected: bool
) -> None:
    assert verdict.is_protected(run_record(**run)) is protected
    assert verdict.is_protected(None)
