"""The next command can be pasted as it is printed: it is about this host, and as this run was."""

from __future__ import annotations

import ast
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible.cli.playbook import PlaybookCLI

from gonogo.contract.records.approval import ApprovalPlan
from gonogo.contract.records.reading import read
from gonogo.contract.records.twin import TwinRecord
from gonogo.controller.invocation import project
from gonogo.controller.invocation.commands import Caller, spelled
from gonogo.controller.outcome import deployment, ways_back
from gonogo.controller.request import deploy_approval
from tests.records import TWIN
from tests.unit.deployments import deployment as record
from tests.unit.deployments import inspection

RUN_ID = "20260131T120000Z-0a1b2c"
GIVEN = {
    "gonogo_login": {"db": "apms", "service": "admin of it"},
    "deploy_enabled": True,
    "gonogo_runbook": "runbooks/x",
    "gonogo_profile": "two words",
    "restore_run_id": RUN_ID,
    "restore_token": "0123456789",
    "restore_approved_by": "Dewi",
    "undo_token": "0123456789",
    "undo_statement_timeout": "5min",
    "target_take_over": RUN_ID,
    "ansible_user": "x",
    "deploy_continue": True,
}


def _parsed(line: str) -> Mapping[str, Any]:
    """What Ansible itself understands of a command line."""
    program, *words = shlex.split(line)
    assert Path(program).name == "ansible-playbook"
    cli = PlaybookCLI(["ansible-playbook", *words])
    cli.init_parser()
    return dict(vars(cli.post_process_args(cli.parser.parse_args(words))))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Of two hosts, with options that it takes to reach them."""
    line = (
        "ansible-playbook -i inventories/production -i 'a,b,' --user ada --private-key 'my key' "
        "--ask-become-pass --become --ssh-common-args '-o ProxyJump=j' "
        "--vault-password-file pyproject.toml rollout_production.yml"
    )
    monkeypatch.setattr(context, "CLIARGS", _parsed(line))
    monkeypatch.setattr(project, "variables", lambda: (frozenset(GIVEN) - {"ansible_user"}, ()))
    variables = {
        "inventory_hostname": "host 1",
        "ansible_play_hosts_all": ["host 1", "h2"],
        "ansible_inventory_sources": [str(Path("inventories/production").absolute()), "a,b,"],
    }
    return Caller.of(variables, GIVEN)


def test_it_is_as_this_run_was_started(started: Caller) -> None:
    again = _parsed(started.again("deploy_token=t"))
    assert again["args"] == ["rollout_production.yml"]
    assert again["subset"] == "host 1"
    assert [Path(str(s)).name for s in again["inventory"]] == ["production", "a,b,"]
    assert (again["remote_user"], again["become"]) == ("ada", True)
    assert again["private_key_file"].endswith("/my key")
    assert again["become_ask_pass"] is True
    assert again["ssh_common_args"] == "-o ProxyJump=j"
    assert [Path(name).name for name in again["vault_password_files"]] == ["pyproject.toml"]
    assert [str(word) for word in again["extra_vars"]] == [
        "deploy_token=t",
        '{"deploy_continue": true}',
        '{"deploy_enabled": true}',
        json.dumps({"gonogo_login": GIVEN["gonogo_login"]}),
        '{"gonogo_profile": "two words"}',
        "gonogo_runbook=runbooks/x",
        "undo_statement_timeout=5min",
        "ansible_user=x",
    ]


def _of_line(monkeypatch: pytest.MonkeyPatch, extra: Mapping[str, Any], *words: str) -> Caller:
    line = shlex.join(["ansible-playbook", *words, "x.yml"])
    monkeypatch.setattr(context, "CLIARGS", _parsed(line))
    return Caller.of({"inventory_hostname": "h"}, extra)


def test_what_the_inventory_asks_for_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of somebody else's: an inventory may be about another database without them."""
    extra = {"customer": "acme 7", "ansible_ssh_private_key_file": "/k", "count": 3}
    caller = _of_line(monkeypatch, extra, "-e", json.dumps(extra))
    said = _parsed(caller.playbook("cleanup", f"cleanup_run_id={RUN_ID}"))["extra_vars"]
    assert [str(word) for word in said] == [
        f"cleanup_run_id={RUN_ID}",
        "ansible_ssh_private_key_file=/k",
        '{"count": 3}',
        '{"customer": "acme 7"}',
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ansible_password", "hunter2"),
        ("ansible_become_pass", "hunter2"),
        ("vault_token", "hunter2"),
        ("api_key", "hunter2"),
        ("url", "postgres://me:hunter2@db/x"),
        ("more", {"deeper": "password=hunter2"}),
        ("more", {"deeper": [{"password": "hunter2"}]}),
        ("gonogo_login", {"db": "postgres://me:hunter2@db/x"}),
        ("gonogo_login", {"db": "x", "password": "hunter2"}),
    ],
)
def test_no_secret_is_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    caller = _of_line(monkeypatch, {name: value}, "-e", json.dumps({name: value}))
    for line in (caller.again(), caller.playbook("undo"), caller.ping()):
        assert "hunter2" not in line


def test_a_file_of_variables_is_named_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What stands in it may be secret; what is typed beside it is repeated."""
    file = tmp_path / "vars.yml"
    extra = {"mine": "hunter2", "gonogo_profile": "target", "region": "east"}
    caller = _of_line(
        monkeypatch, extra, "-e", f"@{file}", "-e", "region=east gonogo_profile=target"
    )
    line = caller.again("deploy_token=t")
    assert "hunter2" not in line
    assert [str(word) for word in _parsed(line)["extra_vars"]] == [
        f"@{file}",
        "deploy_token=t",
        "gonogo_profile=target",
        "region=east",
    ]


def test_another_playbook_gets_what_all_take(started: Caller) -> None:
    undo = _parsed(started.playbook("undo", f"undo_run_id={RUN_ID}"))
    assert (Path.cwd() / undo["args"][0]).resolve() == project.ROOT / "playbooks" / "undo.yml"
    assert undo["subset"] == "host 1"
    assert [str(word) for word in undo["extra_vars"]] == [
        f"undo_run_id={RUN_ID}",
        json.dumps({"gonogo_login": GIVEN["gonogo_login"]}),
        '{"gonogo_profile": "two words"}',
        "gonogo_runbook=runbooks/x",
        "undo_statement_timeout=5min",
        "ansible_user=x",
    ]


def test_nothing_is_said_that_was_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """One host, no options: nothing but what it takes."""
    plain = _parsed("ansible-playbook -i inventories/sandbox x.yml")
    monkeypatch.setattr(context, "CLIARGS", plain)
    variables = {
        "inventory_hostname": "sandbox",
        "ansible_play_hosts_all": ["sandbox"],
        "ansible_inventory_sources": [str(Path("inventories/sandbox").absolute())],
    }
    caller = Caller.of(variables, {})
    assert caller.again() == "ansible-playbook -i inventories/sandbox x.yml"
    assert caller.ping() == "ansible sandbox -i inventories/sandbox -m ping"


def test_a_limit_that_was_given_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The play has one host then, the inventory more."""
    limited = _parsed("ansible-playbook --limit h1 x.yml")
    monkeypatch.setattr(context, "CLIARGS", limited)
    known = {"inventory_hostname": "h1", "ansible_play_hosts_all": ["h1"]}
    assert "--limit h1" in Caller.of(known, {}).again()


def test_it_is_found_from_where_it_is_pasted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From another directory, and where the program is not in PATH."""
    monkeypatch.setattr(context, "CLIARGS", {"args": ("site.yml",)})
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "venv" / "bin" / "ansible-playbook"
    monkeypatch.setattr(sys, "argv", [str(program)])
    line = Caller.of({"inventory_hostname": "h"}, {}).playbook("restore")
    words = shlex.split(line)
    assert words[0] == "venv/bin/ansible-playbook"
    assert (tmp_path / words[-1]).resolve() == project.ROOT / "playbooks" / "restore.yml"


@pytest.mark.parametrize(
    "value", ["two words", "a=b", "", "ü x", "{{ x }}", "'", '"', "$HOME", "#"]
)
def test_a_value_comes_back_as_it_was(value: str) -> None:
    (word,) = shlex.split(shlex.quote(spelled("x", value)))
    assert json.loads(word) == {"x": value}


def test_the_command_starts_the_playbook_of_this_run(started: Caller) -> None:
    """What is protected by its playbook is protected in the run that is approved."""
    plan = ApprovalPlan("", {}, planned_at="", expires_at="", token="t")
    said = deploy_approval.next_command(RUN_ID, plan, caller=started)
    assert " rollout_production.yml --limit 'host 1' -e deploy_run_id=" in said


def test_the_ways_back_are_of_this_host(started: Caller) -> None:
    said = ways_back.ways_back(
        RUN_ID,
        deployment=record("applied", changed=["x"]),
        rehearsal=None,
        twin=read(TwinRecord, TWIN, file="twin.json"),
        caller=started,
    )
    commands = [line.strip() for line in said if "ansible-playbook" in line]
    assert len(commands) == 2
    assert all("--limit 'host 1'" in line and "--user ada" in line for line in commands)


def test_a_partial_migration_names_this_host(started: Caller) -> None:
    refused = record("refused", before=inspection("partial"))
    problem = deployment.problem(refused, caller=started)
    assert problem is not None
    assert "--limit 'host 1'" in str(problem.hint)


def test_no_command_is_put_together_elsewhere() -> None:
    """A word `ansible-playbook` in a string with an option or a playbook is a command of its own."""
    found = []
    for folder in ("module_utils", "action_plugins", "callback_plugins", "lookup_plugins"):
        for file in sorted((project.ROOT / folder).rglob("*.py")):
            if file.name == "commands.py":
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    text = node.value
                    if "ansible-playbook -" in text or "ansible-playbook playbooks" in text:
                        found.append(f"{file.name}:{node.lineno}")
    assert found == []
