"""Playbooks of others that import ours, and plugins and roles of our names that lie elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.support.harness import PROJECT, Controller, Database, Outcome
from tests.pages.forgery import SHADOWS, Shadow

Make = Callable[..., Database]

INVENTORY = ("-i", str(PROJECT / "inventories" / "sandbox"))
# What a plugin of each kind needs to be one; none of them is this project's.
MODULE = "#!/usr/bin/python\nimport json\nprint(json.dumps({'changed': False}))\n"
ACTION = """from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"changed": False, "decision": "GO"}
"""
CALLBACK = """from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "gonogo"
    def v2_playbook_on_stats(self, stats):
        self._display.display("GO  15/15  sandbox")
"""
TASK = "- name: Nothing\n  ansible.builtin.command: 'true'\n"
KINDS = {"library": MODULE, "action_plugins": ACTION, "callback_plugins": CALLBACK}


def world(directory: Path, shadow: Shadow) -> None:
    """A folder of somebody's own: files of our names, and a playbook that imports ours."""
    directory.mkdir()
    for name in shadow.files:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        kind = file.relative_to(directory).parts[0]
        file.write_text(KINDS.get(kind, TASK))
    for name in shadow.copies:
        shutil.copytree(PROJECT / name, directory / name)
    imported = PROJECT / (shadow.imports or "validate_staging.yml")
    (directory / "site.yml").write_text(f"- import_playbook: {imported}\n")


def played(
    controller: Controller,
    playbook: Path,
    *arguments: str,
    variables: dict[str, str],
    cwd: Path = PROJECT,
) -> Outcome:
    done = subprocess.run(
        controller.command(*INVENTORY, str(playbook), *arguments),
        cwd=cwd,
        env={**controller.variables(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, controller.runs_dir)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if shadow.sample else [pytest.mark.attack])
        for name, shadow in SHADOWS.items()
    ],
)
def test_what_lies_elsewhere_is_refused(
    name: str, make_database: Make, controller: Controller, tmp_path: Path
) -> None:
    shadow = SHADOWS[name]
    there = tmp_path / "there"
    world(there, shadow)
    controller.aim(make_database("as_deployed"))
    variables = {key: value.format(there=there) for key, value in shadow.environment.items()}
    playbook = there / "site.yml" if shadow.imports else PROJECT / "playbooks" / "validate.yml"
    outcome = played(controller, playbook, variables=variables)
    assert outcome.status != 0
    said = " ".join(outcome.output.split())
    assert f"{shadow.refused} would not be this project's" in said
    assert str(there) in said
    assert str(PROJECT) in said
    assert "Traceback" not in said
    # A callback plugin that lies beside somebody's own playbook comes before all others.
    assert ("GO 15/15" in said) == (name == "callback beside")
    assert not list(controller.runs_dir.glob("*/*Z-*"))


# --- a playbook of somebody's own, and no callback plugin of ours ---------------------------------


def test_the_verdict_is_said_by_its_task_and_at_the_end(
    make_database: Make, controller: Controller, tmp_path: Path
) -> None:
    """Whatever the playbook is called, and where the settings know of no callback plugin."""
    world(tmp_path / "there", Shadow("", "", imports="playbooks/validate.yml"))
    controller.aim(make_database("as_deployed"))
    (tmp_path / "none").mkdir()
    outcome = played(
        controller,
        tmp_path / "there" / "site.yml",
        variables={
            "ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "none"),
            "ANSIBLE_CALLBACKS_ENABLED": "x.y.z",
        },
    )
    assert outcome.status != 0
    lines = outcome.output.splitlines()
    assert [line for line in lines if line.startswith("NO-GO  9/15  sandbox")]
    assert [line for line in lines if line.startswith("    NO-GO  9/15  sandbox")]
    assert f"    Evidence: {outcome.verdict['evidence_head']}" in lines


def test_a_playbook_of_another_name_has_the_last_word(
    make_database: Make, controller: Controller, tmp_path: Path
) -> None:
    """With callbacks enabled as automation controllers do it, from another working directory."""
    world(tmp_path / "there", Shadow("", "", imports="validate_staging.yml"))
    controller.aim(make_database())
    variables = {
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_CALLBACKS_ENABLED": "x.y.z",
    }
    outcome = played(
        controller,
        tmp_path / "there" / "site.yml",
        variables=variables,
        cwd=tmp_path / "there",
    )
    assert outcome.status == 0, outcome.output
    assert "\nGO  15/15  sandbox" in outcome.output
    record = json.loads((outcome.evidence / "run.json").read_text())
    assert record["project_directory"] == str(PROJECT)
    assert record["ansible_config"] == str(PROJECT / "ansible.cfg")
    assert str(tmp_path / "there" / "site.yml") in record["digests"]["elsewhere"]
    assert "callback_plugins/gonogo.py" in record["digests"]["project"]


LEFT_OUT: dict[str, tuple[tuple[str, ...], str | None]] = {
    "skipped": (("--skip-tags", "always"), None),
    "condition": ((), "false"),
    "tags": (("--tags", "nosuch", "--skip-tags", "always"), None),
    "all": (("--skip-tags", "all,always"), None),
    "start": (("--start-at-task", "nosuch"), None),
    "limit": (("--limit", "localhost"), None),
}


@pytest.mark.parametrize(
    ("arguments", "when"),
    [
        pytest.param(*given, id=name, marks=[] if name == "skipped" else [pytest.mark.attack])
        for name, given in LEFT_OUT.items()
    ],
)
def test_a_run_that_did_not_happen_is_an_error(
    arguments: tuple[str, ...],
    when: str | None,
    make_database: Make,
    controller: Controller,
    tmp_path: Path,
) -> None:
    there = tmp_path / "there"
    world(there, Shadow("", "", imports="playbooks/validate.yml"))
    if when:
        with (there / "site.yml").open("a") as file:
            file.write(f"  when: {when}\n")
    controller.aim(make_database())
    variables = {
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_CALLBACKS_ENABLED": "x.y.z",
        "ANSIBLE_CALLBACK_PLUGINS": str(there),
    }
    outcome = played(controller, there / "site.yml", *arguments, cwd=there, variables=variables)
    assert outcome.status != 0, outcome.output
    assert "nothing was judged" in outcome.output or "no hosts to target" in outcome.output
    assert not os.path.lexists(controller.runs_dir)
