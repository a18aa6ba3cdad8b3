"""The last word of a run where this project itself fails: no silence, and no zero."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context

from gonogo.controller.ansible.waves import AtWork
from gonogo.controller.invocation import project
from gonogo.controller.request.requested import check_variables
from gonogo.controller.request.waves import Waves

PLUGIN = Path(__file__).parents[2] / "callback_plugins" / "gonogo.py"


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(context, "CLIARGS", {})
    spec = importlib.util.spec_from_file_location("callback_gonogo", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.CallbackModule()
    made._judging = True
    return made


def test_a_fault_in_it_is_told_and_ends_with_an_error(
    plugin: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ansible would warn of a callback that fails, and end as if all were well."""
    said: list[str] = []
    plugin._evidence = {"sandbox": str(tmp_path)}
    nothing: dict[str, str] = {}
    monkeypatch.setattr(plugin, "_say", lambda _directory: nothing["decision"])
    plugin._display = SimpleNamespace(error=lambda text, **_: said.append(text), display=print)
    with pytest.raises(SystemExit) as ended:
        plugin.v2_playbook_on_stats(SimpleNamespace(failures={}, dark={}))
    assert ended.value.code == 2
    assert "the last word has failed through a fault of this project (KeyError)" in said[0]


def _failed(host: str, message: str, action: str = "gonogo_target") -> Any:
    task = SimpleNamespace(action=action, _uuid=action)
    named = SimpleNamespace(get_name=lambda: host)
    return SimpleNamespace(task=task, host=named, result={"msg": message})


def test_each_host_without_a_verdict_has_its_name_and_its_cause(plugin: Any) -> None:
    said: list[str] = []
    plugin._display = SimpleNamespace(display=lambda text, **_: said.append(text))
    plugin._hosts = {"db1", "db2", "db3", "db4"}
    looked = _failed("localhost", "", "gonogo_input")
    looked.result["faulty"] = {"db4": "it is misspelt\nHINT:  spell it"}
    plugin.v2_runner_on_ok(looked)
    plugin.v2_runner_on_failed(_failed("db4", "another word for it"))
    plugin.v2_runner_on_failed(_failed("db1", "it is wrong\nDETAIL:  so and so\nHINT:  mend it"))
    # What comes of it is no other cause.
    plugin.v2_runner_on_failed(_failed("db1", "nothing was judged", "gonogo_verdict"))
    plugin.v2_runner_on_unreachable(_failed("db2", "nobody\x1b[2J is there"))
    with pytest.raises(SystemExit):
        plugin.v2_playbook_on_stats(SimpleNamespace(failures={}, dark={}))
    assert [line for line in said if line] == [
        "HOLD  db1  nothing was judged: it is wrong",
        "HOLD  db2  nothing was judged: unreachable: nobody\\x1b[2J is there",
        "HOLD  db3  nothing was judged: no verdict was reached",
        "HOLD  db4  nothing was judged: it is misspelt",
    ]


def _play(hosts: list[str], batch: list[str]) -> Any:
    known = {"ansible_play_hosts_all": hosts, "ansible_play_batch": batch}
    manager = SimpleNamespace(get_vars=lambda **_: known)
    task = SimpleNamespace(action="gonogo_target")
    return SimpleNamespace(compile=lambda: [task], get_variable_manager=lambda: manager)


def test_a_wave_that_failed_is_said_of_every_host_behind_it(
    plugin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were refused, and those that Ansible has not even come to."""
    at_work = AtWork(Waves(sizes=("1",)))
    monkeypatch.setitem(plugin.v2_playbook_on_play_start.__globals__, "AT_WORK", at_work)
    said: list[str] = []
    plugin._display = SimpleNamespace(display=lambda text, **_: said.append(text))
    hosts = ["db1", "db2", "db3", "db4"]
    plugin.v2_playbook_on_play_start(_play(hosts, ["db1"]))
    plugin.v2_runner_on_failed(_failed("db1", "it is wrong"))
    plugin.v2_playbook_on_play_start(_play(hosts, ["db2", "db3"]))
    for host in ("db2", "db3"):
        refused = at_work.refusal(host, at_work.said)
        assert refused is not None
        plugin.v2_runner_on_failed(_failed(host, refused.render()))
    with pytest.raises(SystemExit) as ended:
        plugin.v2_playbook_on_stats(SimpleNamespace(failures={}, dark={}))
    assert ended.value.code == 2
    why = "nothing was judged: not begun: the wave before had no verdict on db1"
    assert [line for line in said if line] == [
        "HOLD  db1  nothing was judged: it is wrong",
        *(f"HOLD  {host}  {why}" for host in ("db2", "db3", "db4")),
    ]


def test_a_dry_run_looks_at_every_wave(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hosts come to no verdict."""
    at_work = AtWork(Waves(sizes=("1",)))
    monkeypatch.setitem(plugin.v2_playbook_on_play_start.__globals__, "AT_WORK", at_work)
    plugin._checking = True
    for host in ("db1", "db2"):
        plugin.v2_playbook_on_play_start(_play(["db1", "db2"], [host]))
        assert at_work.refusal(host, at_work.said) is None


def test_a_host_that_is_done_has_the_verdict_of_the_run_that_did_it(
    plugin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has opened that run: the stage says it, and nothing else does. Later jobs
    are told of it as well."""
    custom: dict[str, Any] = {}
    stats = SimpleNamespace(update_custom_stats=custom.__setitem__)
    plugin._workers._manager = SimpleNamespace(_stats=stats)
    verdict = SimpleNamespace(run_id="one", decision="GO", evidence_head="h")
    monkeypatch.setattr(plugin._say_audits.__globals__["judgement"], "decided", lambda _: verdict)
    opened = _failed("db1", "")
    opened.result = {"done": True, "evidence": "/runs/one"}
    plugin.v2_runner_on_ok(opened)
    other = _failed("db2", "", "gonogo_backup")
    other.result = {"done": True, "evidence": "/runs/two"}
    plugin.v2_runner_on_ok(other)
    assert (plugin._evidence, plugin._done) == ({"db1": "/runs/one"}, {"db1"})
    told = {"run_id": "one", "decision": "GO", "evidence_head": "h"}
    assert custom == {"pg_gonogo": {"db1": {**told, "evidence": "/runs/one", "stored": None}}}


def test_a_playbook_that_explains_a_run_ends_with_json(plugin: Any) -> None:
    said: list[str] = []
    plugin._judging = False
    plugin._display = SimpleNamespace(display=lambda text, **_: said.append(text))
    result = _failed("localhost", "", "gonogo_explain")
    result.result["explanation"] = {"format": 1, "decision": "GO", "database": "a\u202eb"}
    plugin.v2_runner_on_ok(result)
    plugin.v2_playbook_on_stats(SimpleNamespace(failures={}, dark={}))
    assert said[-1] == '{"database":"a\\u202eb","decision":"GO","format":1}'


def test_so_it_does_where_the_evidence_is_broken(plugin: Any) -> None:
    said: list[str] = []
    plugin._judging = False
    plugin._display = SimpleNamespace(display=lambda text, **_: said.append(text))
    plugin.v2_runner_on_failed(_failed("localhost", "it was changed", "gonogo_explain"))
    plugin.v2_playbook_on_stats(SimpleNamespace(failures={"localhost": 1}, dark={}))
    assert json.loads(said[-1]) == {"error": "it was changed", "format": 1}


def test_later_jobs_are_told_by_the_evidence(
    plugin: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also of a verdict that fails its task, which set_stats would not be asked for; and under a
    name that no variable of the project has."""
    custom: dict[str, Any] = {}
    stats = SimpleNamespace(update_custom_stats=custom.__setitem__)
    plugin._workers._manager = SimpleNamespace(_stats=stats)
    verdict = SimpleNamespace(run_id="r", decision="NO-GO", evidence_head="h")
    monkeypatch.setattr(plugin._say_audits.__globals__["judgement"], "decided", lambda _: verdict)
    plugin._opened = {"db1": str(tmp_path)}
    judged = _failed("db1", "NO-GO", "gonogo_verdict")
    judged.result |= {"evidence": str(tmp_path), "decision": "GO", "token": "t", "stored": "s"}
    plugin.v2_runner_on_failed(judged)
    told = {"run_id": "r", "decision": "NO-GO", "evidence_head": "h"}
    assert custom == {"pg_gonogo": {"db1": {**told, "evidence": str(tmp_path), "stored": "s"}}}
    known, prefixes = project.variables()
    assert not {*custom} & known
    check_variables(custom, known=known, prefixes=prefixes)
