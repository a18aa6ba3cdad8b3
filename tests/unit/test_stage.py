"""The controller's half of a stage: paths stay the target's, and no traceback is shown."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.controller.package import GONOGO
from gonogo.controller.stage import LOGIN, Stage, native, on_target
from gonogo.errors import GonogoError
from gonogo.login import LOGIN_SPEC

FILES = {"directory": "/d", "files": {"a": "b"}}


class Example(Stage):
    """A stage without Ansible around it."""

    stage = "example"

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome
        self._vars: dict[str, Any] = {"gonogo_remote_dir": "~/.gonogo"}
        self._templar = SimpleNamespace(template=lambda value: value)
        self._task = SimpleNamespace(check_mode=False)
        # What the module was given, call by call.
        self.given: list[dict[str, Any]] = []
        self._controller = os.getppid()
        self._display = SimpleNamespace(warning=print)

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return dict(arguments)

    def validate_argument_spec(self, argument_spec: dict[str, Any]) -> tuple[None, dict[str, Any]]:
        return None, argument_spec

    def _execute_module(self, *, module_args: dict[str, Any], **_given: Any) -> Any:
        self.given.append(module_args)
        return self._outcome


def test_paths_of_the_target_are_not_expanded_here() -> None:
    types = {key: option["type"] for key, option in LOGIN["options"].items()}
    assert "path" not in types.values()
    assert types == {
        key: "str" if option["type"] == "path" else option["type"]
        for key, option in LOGIN_SPEC.items()
    }
    assert LOGIN_SPEC["passfile"]["type"] == "path"
    assert on_target({"type": "list", "elements": "str"}) == {"type": "list", "elements": "str"}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GonogoError("bad", hint="do"), "bad\nHINT:  do"),
        (OSError(13, "Permission denied", "/x"), "Permission denied: /x"),
        (KeyError("run_id"), "the evidence lacks 'run_id'\nHINT:  Start a new run."),
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            "a file is not UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: "
            "invalid start byte",
        ),
    ],
)
def test_errors_are_messages(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr(Stage.__mro__[1], "run", lambda *_: {})
    assert Example(error).run() == {"failed": True, "msg": message}


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
        Example(result).call("files", FILES)
    assert caught.value.render() == message


def test_a_wrong_call_is_not_made() -> None:
    with pytest.raises(GonogoError, match="missing required arguments: directory"):
        Example({"failed": False}).call("files", {"files": {}})


def test_what_is_missing_is_sent_once() -> None:
    example = Example({"failed": True, "msg": "no gonogo", "missing": "gonogo"})
    with pytest.raises(GonogoError, match="no gonogo"):
        example.call("files", FILES)
    sent = [[one["directory"] for one in given["archives"]] for given in example.given]
    assert sent == [[], [f"~/.gonogo/lib/{GONOGO.folder_name}"]]
    assert all("directory" in given["arguments"] for given in example.given)


def test_native() -> None:
    class Tagged(str):
        """Ansible's strings are of a class of its own."""

        __slots__ = ()

    value = native({Tagged("a"): [Tagged("b"), 1, True, None, 1.5, (Tagged("c"),)]})
    assert value == {"a": ["b", 1, True, None, 1.5, ["c"]]}
    assert type(next(iter(value))) is str
    assert type(value["a"][0]) is str
    assert type(value["a"][2]) is bool
