"""What nobody but the inventory can take away from a target, seen in whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.support.harness import PROJECT, Controller, Database, Outcome

SANDBOX = ("-i", "inventories/sandbox")
VALIDATE = PROJECT / "validate_staging.yml"
PROD = {"gonogo_environment": "prod"}


def _refused(outcome: Outcome, message: str) -> None:
    assert message in " ".join(outcome.output.split()), outcome.output
    assert not list(outcome.runs_dir.glob("*/*Z-*"))


def _playbook(directory: Path, *plays: object) -> str:
    file = directory / "mine.yml"
    file.write_text(yaml.safe_dump(list(plays), sort_keys=False))
    return str(file)


def _imported(playbook: Path = VALIDATE, /, **variables: object) -> dict[str, object]:
    return {"import_playbook": str(playbook), "vars": variables}


def _before(**task: object) -> dict[str, object]:
    return {"hosts": "gonogo", "gather_facts": False, "tasks": [task]}


def test_an_environment_of_any_name_is_protected(
    database: Database, controller: Controller
) -> None:
    """Nothing is connected to: the database is not even marked."""
    controller.aim(database)
    said = controller.inventory(**PROD, gonogo_protected=None)
    outcome = controller.play(*SANDBOX, *said, str(VALIDATE))
    _refused(outcome, "on a protected target nothing a run writes may ever be visible")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("gonogo_protected=false", "only the inventory may say"),
        ('{"gonogo_promotion_from": "sandbox"}', "only the inventory may say"),
        ("gonogo_environment=prod", "gonogo_protected: false of sandbox, not of prod"),
    ],
)
def test_the_command_line_takes_nothing_away(
    database: Database, controller: Controller, extra: str, message: str
) -> None:
    controller.aim(database)
    _refused(controller.play(*SANDBOX, str(VALIDATE), "-e", extra), message)


@pytest.mark.parametrize("way", ["set_fact", "add_host", "play", "include_vars"])
def test_a_playbook_takes_nothing_away(
    database: Database, controller: Controller, tmp_path: Path, way: str
) -> None:
    controller.aim(database)
    said = controller.inventory(**PROD, gonogo_protected=None, gonogo_residue="rollback")
    (tmp_path / "more.yml").write_text("gonogo_protected: false\n")
    free: dict[str, object] = {"gonogo_protected": False}
    plays: dict[str, list[object]] = {
        "set_fact": [_before(**{"ansible.builtin.set_fact": free}), _imported()],
        "include_vars": [
            _before(**{"ansible.builtin.include_vars": str(tmp_path / "more.yml")}),
            _imported(),
        ],
        "add_host": [
            _before(**{"ansible.builtin.add_host": {"name": "sandbox", **free}}),
            _imported(),
        ],
        "play": [_imported(**free)],
    }
    outcome = controller.play(*SANDBOX, *said, _playbook(tmp_path, *plays[way]))
    message = {"play": "a playbook can only switch the protection of its targets on"}
    _refused(outcome, message.get(way, "another value than the inventory's"))


def test_the_rollout_protects_whatever_the_inventory_says(
    database: Database, controller: Controller, tmp_path: Path
) -> None:
    controller.aim(database)
    rollout = PROJECT / "rollout_production.yml"
    kept = controller.inventory(gonogo_residue="rollback")
    asked = controller.play(*SANDBOX, *kept, str(rollout))
    _refused(asked, "a protected target asks for the evidence of another environment")
    mine = _playbook(tmp_path, _imported(rollout, gonogo_protected=False))
    _refused(controller.play(*SANDBOX, *kept, mine), "can only switch the protection")
