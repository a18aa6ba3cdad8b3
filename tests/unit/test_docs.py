"""Documentation that is read by machines: modules and roles say what they take."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from doc_fragments.gonogo import ModuleDocFragment
from gonogo.contract.options.every import STAGES
from gonogo.contract.options.option import TASK
from gonogo.contract.options.shared import LOGIN
from gonogo.controller.request.protection import ONLY_INVENTORY

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "library").glob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
# A role's variables are named after it; what all have in common, after the project.
VARIABLE = re.compile(r"\b((?:gonogo|{role})_[a-z_]+)\b")
# Where a task has an expression: in braces, or in `when`.
# What a stage reads by itself: what only the inventory may say, where the evidence, the host's files and the client programs are.
READ_BY_STAGES = {
    "gonogo_progress_interval",
    "gonogo_runs_dir",
    "gonogo_remote_dir",
    "gonogo_pg_bin",
    *ONLY_INVENTORY,
}
# What the play itself is given.
READ_BY_STAGES |= {"gonogo_waves", "gonogo_waves_stop", "gonogo_waves_max_fail"}
INCLUDED = re.compile(r"include_tasks:\s+(?:file: )?(\w+)\.yml")
EXPRESSION = re.compile(r"\{\{.*?\}\}|^ +when: .*$|^ +- [^{\n]+$", re.MULTILINE)


def constants(file: Path) -> dict[str, str]:
    """The texts a module's file assigns at its top."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def shared_options(documentation: dict[str, Any]) -> set[str]:
    """The options a module has from the project's fragments."""
    names: set[str] = set()
    for fragment in documentation.get("extends_documentation_fragment") or []:
        text = getattr(ModuleDocFragment, (fragment.partition(".")[2] or "documentation").upper())
        names.update(yaml.safe_load(text).get("options") or {})
    return names


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def load(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None


# --- modules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_a_module_is_documented(file: Path) -> None:
    found = constants(file)
    documentation = yaml.safe_load(found["DOCUMENTATION"])
    assert documentation["module"] == file.stem
    assert documentation["short_description"]
    assert documentation["attributes"]["check_mode"]["support"] == "full"
    tasks = yaml.safe_load(found["EXAMPLES"])
    used = [task for task in tasks if file.stem in task]
    assert used
    options = {*documentation["options"], *shared_options(documentation)}
    for task in used:
        assert set(task[file.stem]) <= options
    for name, value in yaml.safe_load(found["RETURN"]).items():
        assert {"description", "returned", "type"} <= set(value), name


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_every_module_has_its_half_on_the_controller(file: Path) -> None:
    if file.stem == "gonogo_remote":
        # Not a stage: the parts of all stages call it.
        return
    plugin = ROOT / "action_plugins" / file.name
    assert "class ActionModule(" in plugin.read_text(encoding="utf-8")


def test_ansible_doc_shows_them() -> None:
    outcome = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "--json"]
        + [file.stem for file in MODULES],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "WARNING" not in outcome.stderr
    shown = json.loads(outcome.stdout)
    assert sorted(shown) == [file.stem for file in MODULES]
    for stage in STAGES:
        options = shown[stage.module_name]["doc"]["options"]
        assert {name: _kind(option) for name, option in options.items()} == {
            option.name: (option.type, option.required_in(TASK), option.default)
            for option in stage.options
            if option.used_in(TASK)
        }
    login = shown["gonogo_target"]["doc"]["options"]["login"]["suboptions"]
    assert set(login) == {key.name for key in LOGIN.options}


def _kind(option: dict[str, Any]) -> tuple[str, bool, Any]:
    return option["type"], option.get("required", False), option.get("default")


# --- roles -------------------------------------------------------------------------------------


def test_one_role_a_stage() -> None:
    stages = (
        "audit backup cleanup copy_sql deploy draft explain init input phases preflight rehearsal"
        " restore shape target twin undo verdict"
    )
    assert [role.name for role in ROLES] == stages.split()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_takes_what_it_says(role: Path) -> None:
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    files = {file.stem: read(file) for file in (role / "tasks").glob("*.yml")}
    included = {
        name: files.pop(file) for name, text in [*files.items()] for file in INCLUDED.findall(text)
    }
    assert set(specs) == set(files)
    pattern = re.compile(VARIABLE.pattern.replace("{role}", role.name))
    for name, spec in specs.items():
        assert spec["short_description"]
        constants = role / "vars" / f"{name}.yml"
        text = files[name] + included.get(name, "")
        text += read(constants) if constants.is_file() else ""
        values = " ".join(match[0] for match in EXPRESSION.finditer(text))
        used = {found for found in pattern.findall(values) if not found.startswith("__")}
        declared = set(spec.get("options") or {})
        assert used - READ_BY_STAGES == declared - READ_BY_STAGES, name
        assert used <= declared
        for option, value in (spec.get("options") or {}).items():
            assert value["description"], option


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_have_one_value(role: Path) -> None:
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    declared = {
        name: value["default"]
        for spec in specs.values()
        for name, value in (spec.get("options") or {}).items()
        if "default" in value
    }
    assert (load(role / "defaults" / "main.yml") or {}) == declared


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_is_short_and_says_what_it_does(role: Path) -> None:
    for file in (role / "tasks").glob("*.yml"):
        tasks = load(file)
        assert len(tasks) <= 10
        for task in tasks:
            # Ansible puts the role's name before it.
            assert re.fullmatch(r"[A-Z].*[^.]", task["name"])
            assert not {"shell", "ignore_errors", "set_fact", "debug"} & set(task)
