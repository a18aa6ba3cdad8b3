"""A stage as Ansible runs it: paths stay the target's, and no traceback is shown."""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.options.files import FilesTask
from gonogo.contract.options.option import ENTRY, TASK, Documented, StageOptions
from gonogo.contract.options.shared import CALL, LOGIN
from gonogo.controller import evidence
from gonogo.controller.ansible.package import GONOGO
from gonogo.controller.ansible.plugin import NoAnswerError, Plugin, on_target
from gonogo.controller.invocation import project
from gonogo.controller.invocation.native import native
from gonogo.controller.stages.base import Stage
from gonogo.controller.stages.reported import Reported
from gonogo.host.stages import Entry
from tests.records import RUN

DRIVER = CALL[1].spec(ENTRY)
FILES = {"directory": "/d", "files": {"a": "b"}}


@dataclass(frozen=True)
class Nothing:
    """A task without options."""


class Work(Stage[Nothing]):
    """A stage that comes to the outcome of its site."""

    stage = "example"
    declared = StageOptions("example", {}, Documented("", (), "", ()), ())
    task = Nothing

    def act(self, task: Nothing) -> Reported:
        del task
        assert isinstance(self.site, Example)
        if isinstance(self.site.outcome, Exception):
            raise self.site.outcome
        return Reported()


class Example(Plugin):
    """An action plugin without Ansible around it."""

    logic = Work

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self._vars: dict[str, Any] = {"gonogo_remote_dir": "~/.gonogo"}
        self._templar = SimpleNamespace(template=lambda value: value)
        self._task = SimpleNamespace(check_mode=False, action="gonogo_example")
        # What the module was given, call by call.
        self.given: list[dict[str, Any]] = []
        self._controller = os.getppid()
        self._display = SimpleNamespace(warning=print)
        self._facts: dict[str, Any] = {}
        self._stage = Work(self)

    def validate_argument_spec(self, argument_spec: dict[str, Any]) -> tuple[None, dict[str, Any]]:
        return None, argument_spec

    def _execute_module(self, *, module_args: dict[str, Any], **_given: Any) -> Any:
        self.given.append(module_args)
        return self.outcome if "raw" in self.outcome else sealed(self.outcome, module_args)


def sealed(outcome: Any, module_args: dict[str, Any], **changes: str) -> dict[str, Any]:
    """As the module answers."""
    answer = json.dumps(outcome)
    key = bytes.fromhex(module_args["key"])
    seal = hmac.new(key, answer.encode(), "sha256").hexdigest()
    return {"changed": False, "answer": answer, "seal": seal, **changes}


def test_paths_of_the_target_are_not_expanded_here() -> None:
    types = {key: option["type"] for key, option in LOGIN.spec(TASK)["options"].items()}
    assert "path" not in types.values()
    assert types == {
        key: "str" if option["type"] == "path" else option["type"]
        for key, option in LOGIN.spec(ENTRY)["options"].items()
    }
    assert on_target(LOGIN.spec(ENTRY)) == LOGIN.spec(TASK)
    assert on_target({"type": "list", "elements": "str"}) == {"type": "list", "elements": "str"}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GonogoError("bad", hint="do"), "bad\nHINT:  do"),
        (OSError(13, "Permission denied", "/x"), "Permission denied: /x"),
    ],
)
def test_errors_are_messages(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    assert Example(error).run() == {"failed": True, "msg": message}


def test_a_lost_connection_says_how_to_try_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of an account that the SSH client does not know."""
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    monkeypatch.setattr("gonogo.controller.ansible.plugin.load_extra_vars", lambda _: {})
    example = Example(AnsibleConnectionFailure("ssh: No user exists for uid 12345\r\n"))
    example._loader = None
    told = example.run(task_vars={**example._vars, "inventory_hostname": "far away"})
    assert told["failed"] is True
    assert told["msg"].splitlines() == [
        "the connection to the host was lost",
        "DETAIL:  ssh: No user exists for uid 12345",
        "HINT:  Try it by itself: ansible 'far away' -m ping",
    ]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            {"failed": True, "error": {"primary": "a", "detail": "b", "hint": "c"}, "msg": "x"},
            "a\nDETAIL:  b\nHINT:  c",
        ),
        ({"failed": True, "msg": "Unsupported parameters"}, "Unsupported parameters"),
        ({"failed": True}, "files failed"),
        (
            {
                "raw": True,
                "failed": True,
                "msg": "MODULE FAILURE",
                "module_stderr": 'Traceback:\n  File "x", line 1\nImportError: no\n',
            },
            "MODULE FAILURE\nDETAIL:  ImportError: no",
        ),
    ],
)
def test_a_failing_module(result: dict[str, Any], message: str) -> None:
    with pytest.raises(GonogoError) as caught:
        Example(result).ask("files", FILES, database=False)
    assert caught.value.render() == message


def test_a_wrong_call_is_not_made() -> None:
    with pytest.raises(GonogoError, match="missing required arguments: directory"):
        Example({"failed": False}).ask("files", {"files": {}}, database=False)


def test_what_is_missing_is_sent_once() -> None:
    example = Example({"failed": True, "msg": "no gonogo", "missing": "gonogo"})
    with pytest.raises(GonogoError, match="no gonogo"):
        example.ask("files", FILES, database=False)
    packages = [given["package"] for given in example.given]
    assert ["content" in package for package in packages] == [False, True]
    assert {package["file"] for package in packages} == {f"~/.gonogo/lib/{GONOGO.file_name}"}
    assert {package["sha256"] for package in packages} == {GONOGO.sha256}
    assert all("directory" in given["arguments"] for given in example.given)


def test_what_psycopg_needs_is_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that has nothing is asked three times; what it was sent stays with the request."""
    monkeypatch.setattr(
        "gonogo.controller.ansible.plugin.find", lambda _: Entry({"driver": DRIVER}, dict)
    )
    example = Example({"failed": True, "msg": "no", "missing": "gonogo"})
    answers = iter(["gonogo", "psycopg", None])

    def execute(*, module_args: dict[str, Any], **_given: Any) -> dict[str, Any]:
        example.given.append(module_args)
        missing = next(answers)
        outcome = {"failed": True, "missing": missing} if missing else {"changed": False}
        return sealed(outcome, module_args)

    monkeypatch.setattr(example, "_execute_module", execute)
    assert example.ask("target", {}, database=True) == {"changed": False}
    sent = [
        tuple(bool(bundle.get("content")) for bundle in bundles)
        for given in example.given
        for bundles in [(given["package"], given["arguments"]["driver"]["psycopg"])]
    ]
    assert sent == [(False, False), (True, False), (True, True)]


# --- an answer to another question ----------------------------------------------------------------


def _unsealed(outcome: Any, module_args: dict[str, Any]) -> dict[str, Any]:
    del module_args
    return {**outcome, "raw": True}


def _of_another_call(outcome: Any, module_args: dict[str, Any]) -> dict[str, Any]:
    return sealed(outcome, {**module_args, "key": "00" * 32})


def _without_a_seal(outcome: Any, module_args: dict[str, Any]) -> dict[str, Any]:
    return sealed(outcome, module_args, seal="")


def _edited(outcome: Any, module_args: dict[str, Any]) -> dict[str, Any]:
    return sealed(outcome, module_args, answer=json.dumps({**outcome, "rows": 1}))


@pytest.mark.parametrize("given", [_unsealed, _of_another_call, _without_a_seal, _edited])
def test_an_answer_to_another_question_is_none(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    example = Example({})
    monkeypatch.setattr(
        example,
        "_execute_module",
        lambda *, module_args, **_: given({"changed": False, "rows": 0}, module_args),
    )
    with pytest.raises(NoAnswerError, match="something else than what it was asked"):
        example.ask("files", FILES, database=False)


def test_each_call_has_a_key_of_its_own() -> None:
    example = Example({"changed": False})
    example.ask("files", FILES, database=False)
    example.ask("files", FILES, database=False)
    keys = [given["key"] for given in example.given]
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {64}


def test_native() -> None:
    class Tagged(str):
        """Ansible's strings are of a class of its own."""

        __slots__ = ()

    value = native({Tagged("a"): [Tagged("b"), 1, True, None, 1.5, (Tagged("c"),)]})
    assert value == {"a": ["b", 1, True, None, 1.5, ["c"]]}
    assert type(next(iter(value))) is str
    assert type(value["a"][0]) is str
    assert type(value["a"][2]) is bool


def test_a_value_that_ansible_lets_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Null is a value for it. No value is repeated: it may be a password in the wrong place."""
    monkeypatch.setattr(Work, "task", FilesTask)
    read = Example({})._read
    assert read({"directory": "/d"}) == FilesTask("/d")
    with pytest.raises(InputError) as caught:
        read({"directory": None})
    assert caught.value.render() == (
        "the options of gonogo_example cannot be used\n"
        "DETAIL:  directory is null; it should be text.\n"
        "HINT:  Leave out what has no value."
    )
    with pytest.raises(InputError) as caught:
        read({"directory": ["s3cret"]})
    assert "s3cret" not in caught.value.render()


def test_what_a_task_reports() -> None:
    """Nothing that it does not say; and what Ansible itself knows stands before the rest."""
    assert Reported().result == {}
    told = {"changed": False, "rows": {"public.t": 1}}
    reported = Reported(lines=("a", "b"), changed=True, msg="m", told=told)
    assert reported.result == {
        "changed": True,
        "lines": ["a", "b"],
        "msg": "m",
        "rows": {"public.t": 1},
    }


# --- whose code it is -----------------------------------------------------------------------------


def test_a_project_that_changes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "a.py").write_text("a")
    (tmp_path / "site.yml").write_text("[]")
    monkeypatch.setattr(project, "ROOT", tmp_path)
    run = evidence.Run.create(tmp_path / "runs", "sandbox", "20260131T120000Z-0a1b2c")
    record: dict[str, Any] = {**RUN, "digests": {**RUN["digests"], "project": project.digests()}}
    assert sorted(record["digests"]["project"]) == ["library/a.py", "site.yml"]
    run.write_json("run.json", record, stage="target")
    # A file more, such as an editor's, is none of those that took part.
    (tmp_path / "library" / ".a.py.swp").write_text("")
    assert Stage.changed_since(run) == []
    (tmp_path / "library" / "a.py").write_text("b")
    (tmp_path / "site.yml").unlink()
    assert Stage.changed_since(run) == ["library/a.py", "site.yml"]
    example = Example({})
    monkeypatch.setattr(Work, "find_run", lambda _stage: run)
    with pytest.raises(GonogoError, match="this project has changed since the run began"):
        Work(example).open_run()
