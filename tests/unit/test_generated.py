"""Options of the stages: declared once, and said the same wherever Ansible and people read them."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from gonogo.contract.budgets import budgets_of
from gonogo.contract.options.every import STAGES
from gonogo.contract.options.option import (
    ENTRY,
    TASK,
    Documented,
    Option,
    Range,
    Returned,
    StageOptions,
    Variable,
    all_options,
)
from gonogo.contract.options.shared import BUDGETS
from gonogo.controller.stages.base import Stage
from gonogo.controller.stages.reported import Reported
from gonogo.host.stages import find, request_of
from tests.generated import ROOT, documentation, playbook, plugins, replaced, roles, variables
from tests.generated.all import FILES
from tests.unit import entries

EVERY = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.role)


def of(role: str) -> StageOptions:
    return next(stage for stage in STAGES if stage.role == role)


# --- what is written ----------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_is_as_it_is_declared(file: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text == FILES[file](text), "write it again: python -m tests.generated"


def test_a_role_has_no_defaults_but_those_that_are_declared() -> None:
    there = {file.relative_to(ROOT) for file in (ROOT / "roles").glob("*/defaults/main.yml")}
    assert there <= set(FILES)


def test_a_default_that_somebody_changes_is_noticed() -> None:
    file = Path("roles/twin/defaults/main.yml")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert FILES[file](text.replace("1.2", "1.3")) == text


def test_an_option_that_somebody_documents_is_noticed() -> None:
    text = (ROOT / "library/gonogo_twin.py").read_text(encoding="utf-8")
    more = text.replace("options:\n", "options:\n  run_id:\n    type: str\n", 1)
    assert more != text
    assert FILES[Path("library/gonogo_twin.py")](more) == text


def test_a_task_has_no_option_that_is_not_declared() -> None:
    text = (ROOT / "roles/twin/tasks/main.yml").read_text(encoding="utf-8")
    assert roles.tasks(text + '    run_id: "x"\n', "main") == text


def test_a_variable_that_is_not_on_the_page_is_noticed() -> None:
    text = (ROOT / "docs/variables.md").read_text(encoding="utf-8")
    less = re.sub(r"^(\| |\* )`twin_jobs`.*\n", "", text, flags=re.MULTILINE)
    assert len(less.splitlines()) == len(text.splitlines()) - 2
    assert variables.page(less) == text


def test_a_place_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="0 places"):
        replaced(re.compile("x"), "a", "b")


def test_a_new_option_is_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ansible reads follows from its declaration; in the same file it has a field."""
    pace = Option(
        "pace",
        "int",
        default=3,
        range=Range(1, 9, "steps"),
        text="Steps at a time, V(3) by default.",
        variable=Variable("twin_pace"),
    )
    twin = of("twin")
    twin = replace(twin, declared=(*twin.declared, pace))
    monkeypatch.setitem(roles._BY_MODULE, "gonogo_twin", twin)
    monkeypatch.setattr(
        variables, "STAGES", [twin if stage.role == "twin" else stage for stage in STAGES]
    )

    def text(file: str) -> str:
        return (ROOT / file).read_text(encoding="utf-8")

    assert twin.task["pace"] == twin.entry["pace"] == {"type": "int", "default": 3}
    assert twin.passed(dict.fromkeys(twin.task, 5))["pace"] == 5
    documented = documentation.module(twin)
    assert "  pace:\n    description: Steps at a time, V(3) by default.\n" in documented
    assert "\n# Steps at a time, 3 by default.\ntwin_pace: 3\n" in roles.defaults(twin)
    assert yaml.safe_load(roles.specs(twin))["argument_specs"]["main"]["options"]["twin_pace"] == {
        "type": "int",
        "default": 3,
        "description": "Steps at a time, 3 by default.",
    }
    passed = roles.tasks(text("roles/twin/tasks/main.yml"), "main")
    assert '    pace: "{{ twin_pace }}"\n' in passed
    page = variables.page(text("docs/variables.md"))
    assert "| `twin_pace` | int | `3` | twin | Steps at a time, 3 by default. |\n" in page
    assert "* `twin_pace`: 1 to 9 steps\n" in page


class Wait(Stage[None]):
    """A stage that nobody has."""

    stage = "wait"

    def act(self, task: None) -> Reported:
        del task
        return Reported()


def test_a_new_stage_is_its_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plugin, its module, its role and its place in the run are written from it."""
    pause = Option("pause", "int", default=3, text="Seconds.", variable=Variable("wait_pause"))
    wait = StageOptions(
        role="wait",
        says={"main": "Wait: a little"},
        asked_for_by=("wait_enabled",),
        documented=Documented(
            title="Wait",
            description=("Waits: a little.",),
            examples="- name: Wait\n  gonogo_wait:\n    pause: 3\n",
            returns=(Returned("waited", "float", "For how long: seconds.", sample=3.1),),
        ),
        declared=(pause,),
    )
    monkeypatch.setattr(plugins, "classes", lambda: [Wait])
    monkeypatch.setattr(playbook, "RUN", (wait, of("copy_sql")))
    plugin = plugins.plugin(wait)
    compile(plugin, "gonogo_wait.py", "exec")
    assert "import Wait\n" in plugin
    assert "    logic = Wait\n" in plugin
    names: dict[str, Any] = {}
    exec(documentation.module(wait).partition("from ansible")[0], names)  # noqa: S102 - our own
    documented = yaml.safe_load(names["DOCUMENTATION"])
    assert documented["module"] == "gonogo_wait"
    assert documented["description"] == ["Waits: a little."]
    assert documented["options"]["pause"]["default"] == 3
    assert yaml.safe_load(names["RETURN"])["waited"]["sample"] == 3.1
    (task,) = yaml.safe_load(roles.whole(wait))
    assert task == {
        "name": "Wait: a little",
        "gonogo_wait": {"pause": "{{ wait_pause }}"},
        "when": ["wait_enabled | bool"],
    }
    assert yaml.safe_load(roles.galaxy(wait))["galaxy_info"]["description"] == "Stage wait of a run"
    *_, judge = yaml.safe_load(playbook.run((ROOT / "playbooks/validate.yml").read_text()))
    stages = judge["tasks"][0]["block"]
    assert [one["name"] for one in stages] == ["Wait", "Copy SQL"]
    assert stages[0]["ansible.builtin.import_role"]["name"] == "wait"


def test_what_a_role_does_by_hand_stays_there() -> None:
    written = FILES[Path("roles/cleanup/tasks/main.yml")]
    text = (ROOT / "roles/cleanup/tasks/main.yml").read_text(encoding="utf-8")
    more = text + "\n- name: One more\n  ansible.builtin.debug:\n    msg: one more\n"
    assert written(more) == more
    assert written("") == roles.whole(of("cleanup"))


# --- what is declared ---------------------------------------------------------------------------


@EVERY
def test_every_stage_is_declared(stage: StageOptions) -> None:
    assert plugins.class_of(stage).declared is stage


def test_every_stage_has_a_declaration() -> None:
    assert {cls.stage for cls in plugins.classes()} == {stage.role for stage in STAGES}


@EVERY
def test_the_record_of_a_task_has_its_options(stage: StageOptions) -> None:
    assert {one.name for one in fields(plugins.class_of(stage).task)} == set(stage.task)


@pytest.mark.parametrize("entry", entries.EVERY)
def test_the_record_of_a_request_has_its_options(entry: str) -> None:
    """But for how psycopg is found: nobody asks for that once it is there."""
    assert {one.name for one in fields(request_of(entry))} == set(find(entry).spec) - {"driver"}


@EVERY
def test_an_option_is_declared_once(stage: StageOptions) -> None:
    for place in (TASK, ENTRY):
        names = [option.name for option in stage.options if option.used_in(place)]
        assert len(names) == len(set(names))


@EVERY
def test_a_task_is_documented_as_it_is(stage: StageOptions) -> None:
    for name, option in all_options(stage.options):
        assert option.text, name
        if option.choices and isinstance(option.default, str):
            assert option.default in option.choices
        if option.range and option.default is not None:
            assert option.range.least <= option.default <= option.range.most


@EVERY
def test_a_variable_is_its_roles(stage: StageOptions) -> None:
    for variable in stage.variables:
        assert variable.name.startswith(("gonogo_", f"{stage.role}_"))
        assert variable.text
        assert variable.type
        assert variable.entry_point in stage.says


@EVERY
def test_a_task_says_by_hand_what_is_not_declared(stage: StageOptions) -> None:
    """What no variable and no value is declared for would never be set."""
    files = (ROOT / "roles").glob("*/tasks/*.yml")
    said = {
        name
        for file in files
        for task in yaml.safe_load(file.read_text(encoding="utf-8"))
        for name in task.get(stage.module_name) or ()
    }
    assert said == set(stage.task)


@EVERY
def test_what_is_passed_on_is_taken(stage: StageOptions) -> None:
    passed = stage.passed(dict.fromkeys(stage.task))
    assert set(passed) <= set(stage.entry)


@pytest.mark.parametrize("entry", entries.EVERY)
def test_an_entry_takes_its_defaults(entry: str) -> None:
    found = find(entry)
    assert found.needs_psycopg == ("login" in found.spec)
    required = {name for name, option in found.spec.items() if option.get("required")}
    refused = ArgumentSpecValidator(found.spec).validate({}).error_messages
    assert refused
    assert all(name in refused[0] for name in required)


def test_paths_are_those_of_where_they_are_used() -> None:
    path = Option("p", "path", options=(Option("q", "path"),))
    assert path.spec(TASK) == {"type": "str", "options": {"q": {"type": "str"}}}
    assert path.spec(ENTRY) == {"type": "path", "options": {"q": {"type": "path"}}}
    assert Option("p", "path", on_controller=True).spec(TASK) == {"type": "path"}


def test_what_ansible_writes_into_a_default_stays_there() -> None:
    ArgumentSpecValidator({"budgets": BUDGETS.spec(TASK)}).validate({})
    assert BUDGETS.default == {}


def test_budgets_have_the_defaults_of_their_options() -> None:
    given = budgets_of({})
    assert given.attempts == BUDGETS.default_of("attempts")
    assert given == budgets_of({key.name: key.default for key in BUDGETS.options})
