"""What a person asked for: refused as a whole or taken as a whole."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.run_id import is_run_id
from gonogo.controller import request, runbook
from gonogo.controller.invocation import project
from gonogo.controller.reading import yamlfile
from gonogo.controller.request import host_request, waivers
from gonogo.controller.request.protection import Protection
from gonogo.controller.request.remembered import Remembered
from gonogo.controller.runbook import book
from gonogo.controller.runbook.derived import DERIVED

RUNBOOK = str(next((Path(__file__).parents[2] / "runbooks").glob("20251229010228_*")))
WAIVER = {"check": "I1.1", "owner": "Dewi", "reason": "later", "expires": "2026-03-31"}


@pytest.fixture(autouse=True)
def _templates_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the subject of test_runbook.py, and take time."""
    monkeypatch.setattr(book, "check_templates", lambda *_folders, **_declared: None)


OPEN = Protection(False, "", None, None)
PROTECTED = Protection(True, "this is a test", None, None)


def arguments(**given: Any) -> dict[str, Any]:
    return {
        "runbook": RUNBOOK,
        "environment": "staging",
        "profile": "target",
        "residue": "keep",
        "login": {"db": "x"},
        "runs_dir": "runs",
        "parameters": {},
        "waivers": [],
        "refused_databases": [],
        **given,
    }


@pytest.mark.parametrize(
    ("task_vars", "option"),
    [
        ({"ansible_run_tags": ["phases"]}, "--tags phases"),
        ({"ansible_run_tags": ["a", "b"]}, "--tags a,b"),
        ({"ansible_run_tags": ["all", "never"]}, "--tags all,never"),
        ({"ansible_skip_tags": ["backup"]}, "--skip-tags backup"),
        ({"ansible_run_tags": ["all"], "ansible_skip_tags": ["x"]}, "--skip-tags x"),
    ],
)
def test_a_part_is_no_run(task_vars: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        request.check_command_line(task_vars, extra={})
    assert caught.value.render() == (
        "a run cannot be limited to some of its tasks\n"
        f'DETAIL:  command line is "{option}"\n         A verdict needs every stage.\n'
        "HINT:  Run the playbook without --tags and --skip-tags."
    )


@pytest.mark.parametrize("task_vars", [{}, {"ansible_run_tags": ["all"], "ansible_skip_tags": []}])
def test_the_whole_is_one(task_vars: dict[str, Any]) -> None:
    request.check_command_line(task_vars, extra={"gonogo_profile": "target", "my_score": 1})


@pytest.mark.parametrize("name", ["groups", "hostvars", "inventory_hostname"])
def test_no_variable_sets_what_ansible_says(name: str) -> None:
    with pytest.raises(InputError, match="cannot set what Ansible itself says") as caught:
        request.check_command_line({}, extra={name: {}})
    assert name in caught.value.render()


@pytest.mark.parametrize(
    "name",
    [
        *["verdict", "decision", "score", "approved", "result", "results", "checks"],
        *["gonogo_verdict", "gonogo_decision", "gonogo_score"],
    ],
)
def test_no_variable_sets_a_result(name: str) -> None:
    with pytest.raises(InputError) as caught:
        request.check_command_line({}, extra={name: "GO"})
    assert caught.value.render() == (
        "extra variables cannot set a result\n"
        f"DETAIL:  {name}\n"
        "HINT:  The verdict is computed from the evidence alone. Leave the variable out."
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["gonogo_profil"],
            "unknown variable 'gonogo_profil'\nHINT:  Did you mean 'gonogo_profile'?",
        ),
        (["gonogo_zzzz"], "unknown variable 'gonogo_zzzz'\nHINT:  See docs/variables.md."),
        (
            ["target_lock_lese"],
            "unknown variable 'target_lock_lese'\nHINT:  Did you mean 'target_lock_lease'?",
        ),
        (["gongo_profile"], "unknown variable 'gongo_profile'\nHINT:  Did you mean 'gonogo_profile'?"),
        (
            ["gonogo_zzzz", "gonogo_profil"],
            "unknown variable 'gonogo_profil'\n"
            "DETAIL:  This is wrong as well:\n"
            "         unknown variable 'gonogo_zzzz' (See docs/variables.md.)\n"
            "HINT:  Did you mean 'gonogo_profile'?",
        ),
    ],
)  # fmt: skip
def test_misspelt_variables(names: list[str], message: str) -> None:
    known = frozenset({"gonogo_profile", "gonogo_runbook", "target_lock_lease"})
    with pytest.raises(InputError) as caught:
        request.check_variables(names, known=known, prefixes=("gonogo_", "target_"))
    assert caught.value.render() == message


def loaded(**given: Any) -> runbook.Runbook:
    variables = {f"gonogo_{name}": value for name, value in arguments(**given).items()}
    return request.load_runbook(request.Asked.of(variables), protection=OPEN)


def test_variables_of_others() -> None:
    names = ["ansible_host", "gonogo_profile", "gonogo", "my_gonogo_x"]
    request.check_variables(names, known=frozenset({"gonogo_profile"}), prefixes=("gonogo_",))
    # What other playbooks and an inventory of the house call theirs.
    theirs = [
        *("backup_schedule", "backup_host", "backup_hosts", "backup_retention_days", "deploy_user"),
        *("deploy_env", "deploy_path", "target_group", "target_host", "twin_city", "restore_point"),
        *("verdict", "phases_of_moon", "input_file", "deploy_timeout"),
    ]
    known, prefixes = project.variables()
    request.check_variables(theirs, known=known, prefixes=prefixes)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"residue": "rollback"},
        {"environment": "staging-2", "waivers": [WAIVER]},
        {
            "waivers": [
                {**{k: WAIVER[k] for k in ("owner", "reason", "expires")}, "criterion": "I1"}
            ]
        },
        {"timeouts": {"lock": "500ms", "statement": "1h", "idle_in_transaction": "2min"}},
    ],
)
def test_right(given: dict[str, Any]) -> None:
    assert loaded(**given).profile == "target"


LEAST = {
    "gonogo_environment": "staging",
    "gonogo_login": {"db": "x"},
    "gonogo_runs_dir": "runs",
}


def test_what_nobody_says_is_the_default() -> None:
    asked = request.Asked.of({**LEAST, "gonogo_runbook": RUNBOOK})
    assert (asked.profile, asked.residue) == ("target", "rollback")
    assert request.load_runbook(asked, protection=PROTECTED).profile == "target"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    step = tmp_path / "migrations" / "20260101000000_first"
    step.mkdir(parents=True)
    (step / "migration.sql").write_text("CREATE TABLE t ();\n")
    (tmp_path / "migrations" / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return str(tmp_path / "migrations")


def test_a_folder_of_migrations_needs_no_runbook(folder: str) -> None:
    asked = request.Asked.of({**LEAST, "gonogo_migrations": folder})
    found = request.load_runbook(asked, protection=OPEN)
    assert found.directory == DERIVED
    assert found.pending == ("20260101000000_first",)


def test_a_runbook_with_a_migration_is_not_about_a_folder(folder: str) -> None:
    found = loaded(migrations=folder, parameters={"application_role": "x"})
    assert found.directory == DERIVED
    assert found.source


def test_one_without_is_what_judges_a_folder(folder: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(DERIVED, own)
    found = loaded(runbook=str(own), migrations=folder)
    assert found.directory == own
    assert found.source
    with pytest.raises(InputError, match="there is no runbook folder"):
        loaded(runbook=str(tmp_path / "nowhere"), migrations=folder)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"environment": "Staging"}, 'not a name for an environment\nDETAIL:  gonogo_environment is "Staging"\nHINT:  Use lower-case letters, digits, - and _.'),
        ({"environment": "../x"}, 'not a name for an environment\nDETAIL:  gonogo_environment is "../x"\nHINT:  Use lower-case letters, digits, - and _.'),
        ({"environment": 5}, 'must be text\nDETAIL:  gonogo_environment is "5"'),
        ({"profile": 5}, "must be text\nDETAIL:  gonogo_profile"),
        (
            {"runbook": None},
            "there is neither gonogo_runbook nor gonogo_migrations\nHINT:  Name the folder of the "
            "application's migrations, or that of a runbook.",
        ),
        ({"runbook": str(DERIVED)}, "the runbook has no migration\nDETAIL:  gonogo_runbook is "),
        (
            {"login": "postgresql://x"},
            "must be a mapping\nDETAIL:  gonogo_login is a text of 14 characters, which is not shown",
        ),
        ({"parameters": ["a"]}, "must be a mapping\nDETAIL:  gonogo_parameters is \"['a']\""),
        ({"waivers": WAIVER}, "must be a list\nDETAIL:  gonogo_waivers is "),
        ({"refused_databases": "apms_db"}, 'must be a list\nDETAIL:  gonogo_refused_databases is "apms_db"'),
        ({"residue": "kep"}, "test rows are kept or rolled back, nothing else\nDETAIL:  gonogo_residue is \"kep\"\nHINT:  Did you mean 'keep'?"),
        ({"timeouts": {"locks": "5s"}}, "there is no timeout 'locks'\nDETAIL:  gonogo_timeouts\nHINT:  Did you mean 'lock'?"),
        ({"timeouts": {"lock": 5}}, 'not a duration\nDETAIL:  gonogo_timeouts.lock is "5"\nHINT:  Write it like 500ms, 5s or 10min. Without a limit nothing is run.'),
        ({"timeouts": {"lock": "0"}}, 'not a duration\nDETAIL:  gonogo_timeouts.lock is "0"\nHINT:  Write it like 500ms, 5s or 10min. Without a limit nothing is run.'),
    ],
)  # fmt: skip
def test_wrong(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        loaded(**given)
    assert caught.value.render().startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chek": "x"}, "a waiver has no key 'chek'\nDETAIL:  gonogo_waivers[0]\nHINT:  Known: check, criterion, expires, hosts, owner, reason."),
        ({"criterion": "I1"}, "a waiver names either a check or a criterion\nDETAIL:  gonogo_waivers[0]"),
        ({"check": None}, "must be text\nDETAIL:  gonogo_waivers[0].check"),
        ({"owner": " "}, 'must be text\nDETAIL:  gonogo_waivers[0].owner is " "'),
        ({"expires": "31.03.2026"}, 'the day a waiver expires is written as 2026-01-31\nDETAIL:  gonogo_waivers[0].expires is "31.03.2026"'),
        ({"expires": "20260331"}, 'the day a waiver expires is written as 2026-01-31\nDETAIL:  gonogo_waivers[0].expires is "20260331"'),
        ({"expires": "2026-02-30"}, 'the day a waiver expires is written as 2026-01-31\nDETAIL:  gonogo_waivers[0].expires is "2026-02-30"'),
        ({"check": "I1.11"}, "the runbook has no check of this id\nDETAIL:  gonogo_waivers[0].check is \"I1.11\"\nHINT:  Did you mean 'I1.1'?"),
    ],
)  # fmt: skip
def test_waiver_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        loaded(waivers=[{**WAIVER, **change}])
    assert caught.value.render() == message


@pytest.mark.parametrize("missing", ["check", "owner", "reason", "expires"])
def test_an_incomplete_waiver(missing: str) -> None:
    waiver = {key: value for key, value in WAIVER.items() if key != missing}
    words = {"check": "a waiver names either a check or a criterion"}
    with pytest.raises(InputError) as caught:
        loaded(waivers=[waiver])
    assert caught.value.primary == words.get(missing, f"a waiver must say its {missing}")


def test_a_waiver_that_is_none() -> None:
    with pytest.raises(InputError, match=r"^a waiver must be a mapping$"):
        loaded(waivers=["I1.1"])


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("20260131T120000Z-0a1b2c", True),
        ("%", False),
        ("*", False),
        ("../20260131T120000Z-0a1b2c", False),
        ("20260131T120000Z-0a1b2c\n", False),
        ("", False),
    ],
)
def test_run_ids(value: str, right: bool) -> None:
    assert is_run_id(value) is right
    if not right:
        with pytest.raises(InputError, match=r"^not the id of a run$"):
            request.check_run_id("cleanup_run_id", value)


def test_no_hosts() -> None:
    groups = {"all": ["x"], "ungrouped": ["y"], "web": ["x"], "gonogo": []}
    with pytest.raises(GonogoError) as caught:
        request.refuse_no_hosts("gonogo", [], groups)
    assert caught.value.render() == (
        "group 'gonogo' of the inventory has no hosts\n"
        "DETAIL:  Groups with hosts: web.\n"
        "HINT:  Check the inventory (-i) and its group names."
    )
    request.refuse_no_hosts("web", ["x"], groups)


# --- what the roles want ------------------------------------------------------------------------

OPTIONS: dict[str, dict[str, Any]] = {
    "backup_jobs": {"type": "int", "description": "How many.", "required": False},
    "gonogo_runs_dir": {"type": "path", "description": "Where.", "required": True},
    "verdict_fail_on": {
        "type": "list",
        "elements": "str",
        "choices": ["HOLD", "NO-GO"],
        "description": "Which.",
        "required": False,
    },
}


@pytest.mark.parametrize("values", [{}, {"gonogo_runs_dir": None}])
def test_a_variable_that_is_missing(values: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        request.require_options("db1", values, OPTIONS)
    assert caught.value.render().startswith("host db1 has no gonogo_runs_dir\nHINT:")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"backup_jobs": "two"}, 'must be a whole number\nDETAIL:  backup_jobs is "two"\nHINT:  How many.'),
        ({"backup_jobs": []}, "must be a whole number\nDETAIL:  backup_jobs is \"[]\"\nHINT:  How many."),
        ({"verdict_fail_on": ["GO"]}, "must be a list of: HOLD, NO-GO\nDETAIL:  verdict_fail_on is \"['GO']\"\nHINT:  Which."),
        ({"verdict_fail_on": {}}, "must be a list of: HOLD, NO-GO\nDETAIL:  verdict_fail_on is \"{}\"\nHINT:  Which."),
    ],
)  # fmt: skip
def test_a_variable_a_role_cannot_use(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        request.check_options(values, OPTIONS)
    assert caught.value.render() == message


def test_variables_the_roles_can_use() -> None:
    values = {"backup_jobs": "2", "gonogo_runs_dir": "/x", "verdict_fail_on": ["HOLD"], "other": 1}
    request.require_options("db1", values, OPTIONS)
    request.check_options(values, OPTIONS)
    request.check_options({"backup_jobs": None}, OPTIONS)


def test_the_roles_say_what_they_want() -> None:
    options = project.options()
    assert options["gonogo_login"]["required"]
    assert not options["verdict_recompute"]["required"]
    assert set(options) == project.variables()[0]
    for role in project.roles():
        specs = yamlfile.load(role / "meta" / "argument_specs.yml").data["argument_specs"]
        for spec in specs.values():
            for name, option in (spec.get("options") or {}).items():
                same = {**option, "required": options[name]["required"]}
                assert same == options[name], f"{role.name} declares {name} in its own way"


def test_a_waiver_is_for_the_hosts_and_groups_it_names() -> None:
    known = waivers.listed(
        [
            {**WAIVER, "hosts": ["db1"]},
            {**WAIVER, "hosts": ["db?", "west"]},
            {**WAIVER, "hosts": ["east*"]},
            WAIVER,
        ],
        None,
    )
    found = {
        host: [known.index(one) for one in waivers.of_host(known, host, groups)]
        for host, groups in (("db1", ["east1"]), ("db2", []), ("web1", ["west"]), ("x", ["all"]))
    }
    assert found == {"db1": [0, 1, 2, 3], "db2": [1, 3], "web1": [1, 3], "x": [3]}


@pytest.mark.parametrize("hosts", [None, "db1", [], [1], [""], {"db1": 1}])
def test_hosts_of_a_waiver_are_a_list_of_names(hosts: Any) -> None:
    with pytest.raises(InputError, match="must be a list of names of hosts or groups"):
        loaded(waivers=[{**WAIVER, "hosts": hosts}])


def test_waivers_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "waivers.yml"
    file.write_text(yaml.safe_dump([WAIVER, {**WAIVER, "check": "I1.2", "hosts": ["db1"]}]))
    found = waivers.listed([WAIVER], str(file))
    assert [one.subject for one in found] == ["I1.1", "I1.1", "I1.2"]
    assert [one.key for one in found] == ["gonogo_waivers[0]", "[0]", "[1]"]
    loaded(waivers_file=str(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "a file of waivers is a list of them"),
        ("- {check: I1.1, owner: Dewi, reason: later}", "a waiver must say its expires"),
        ("- {check: I1.1, owner: Dewi, reason: later, expires: 2026-03-31}", "timestamp"),
        ("- {check: I9.9, owner: Dewi, reason: later, expires: '2026-03-31'}", "no check of this"),
    ],
)
def test_a_file_of_waivers_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "waivers.yml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        loaded(waivers_file=str(file))
    assert "waivers.yml" in caught.value.render()


def test_a_waiver_for_another_host_may_name_what_this_runbook_has_not(tmp_path: Path) -> None:
    file = tmp_path / "waivers.yml"
    file.write_text(yaml.safe_dump([{**WAIVER, "check": "D5.1", "hosts": ["other"]}]))
    asked = request.Asked.of(
        {f"gonogo_{name}": value for name, value in arguments(waivers_file=str(file)).items()}
    )
    request.load_runbook(replace(asked, host="db1"), protection=OPEN)
    with pytest.raises(InputError, match="the runbook has no check of this id"):
        request.load_runbook(replace(asked, host="other"), protection=OPEN)


# --- all of it at once ----------------------------------------------------------------------------


def test_all_that_is_wrong_with_a_host_is_said_at_once() -> None:
    values = {
        **{f"gonogo_{name}": value for name, value in arguments(residue="kept").items()},
        "gonogo_protected": False,
        "gonogo_runs_dir": "runs",
        "gonogo_remote_dir": "~/.gonogo",
        "gonogo_login": {"db": "apms"},
        "gonogo_zzz": 1,
        "backup_jobs": "many",
        "backup_schedule": "daily",
        "undo_approved_by": "De\u200bwi",
    }
    with pytest.raises(InputError) as caught:
        host_request.check("db1", variables=values, extra={}, said=values, play={})
    said = [fault.primary for fault in caught.value.faults]
    assert said[:3] == [
        "unknown variable 'gonogo_zzz'",
        "test rows are kept or rolled back, nothing else",
        "must be a whole number",
    ]
    assert len(said) == 4
    assert "backup_schedule" not in caught.value.render()


def test_what_hosts_have_in_common_is_looked_at_once() -> None:
    remembered, asked = Remembered(), []

    def answer() -> str:
        asked.append(1)
        return "answer"

    def fault() -> str:
        asked.append(1)
        raise InputError("it is wrong")

    assert [remembered.of("one", answer) for _ in range(3)] == ["answer"] * 3
    for _ in range(3):
        with pytest.raises(InputError, match="it is wrong"):
            remembered.of("other", fault)
    assert len(asked) == 2
