"""An account that passwd does not know, as in a container, and one without a home directory."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.home import account_name, expanded
from gonogo.controller.invocation import person
from gonogo.controller.invocation.paths import path_of
from gonogo.host.answer import answer
from gonogo.host.restore.errors import UnprovenError
from gonogo.host.stages import Entry
from gonogo.host.twin import account

UID = 12345
PACKAGE = {"file": "/nowhere/lib/gonogo.json", "sha256": ""}


@pytest.fixture(autouse=True)
def nobody_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    del tmp_path  # It is made by who is known.

    def unknown(uid: int) -> Any:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "getuid", lambda: UID)
    monkeypatch.setattr(os, "geteuid", lambda: UID)
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)


def test_the_account_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert person.account() == f"uid {UID}"
    assert account_name(UID) is None
    monkeypatch.setenv("LOGNAME", "ada")
    assert person.account() == "ada"


@pytest.mark.parametrize("path", ["~", "~/x", "~nobody_of_this_name/x"])
def test_a_home_that_nobody_knows_is_no_directory_called_tilde(path: str) -> None:
    with pytest.raises(
        GonogoError, match="the home directory that a path begins with is not known"
    ) as caught:
        expanded(path)
    assert caught.value.hint
    with pytest.raises(
        InputError, match="the home directory that a path begins with is not known"
    ) as refused:
        path_of(path, key="gonogo_runs_dir")
    assert refused.value.key == "gonogo_runs_dir"


@pytest.mark.parametrize("path", ["9" * 300, f"/{'x' * 300}", "/" + "x/" * 3000])
def test_what_no_file_system_takes_is_no_path(path: str) -> None:
    with pytest.raises(InputError, match="cannot be a path: File name too long") as refused:
        path_of(path, key="gonogo_runbook")
    assert refused.value.key == "gonogo_runbook"


def test_home_counts_before_passwd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"
    assert expanded("$HOME/x") == tmp_path / "x"
    assert path_of("~/x", key="gonogo_runs_dir") == (tmp_path / "x").resolve()


@pytest.mark.parametrize("name", ["directory", "pg_bin", "passfile"])
def test_no_path_of_the_target_host_begins_with_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"login": {"type": "dict", "options": {name: {"type": "path"}}}, name: {"type": "path"}}
    monkeypatch.setattr("gonogo.host.answer.find", lambda _: Entry(spec, lambda *_, **__: {}))
    for given, called in (({name: "~/x"}, name), ({"login": {name: "~/x"}}, f"login.{name}")):
        told = answer("files", given, check_mode=True, package=PACKAGE, search_path=[])
        assert (
            told["error"]["primary"] == f"the home directory that {called} begins with is not known"
        )
        assert str(UID) in told["error"]["detail"]


def test_no_server_is_made_where_initdb_would_refuse() -> None:
    """It says nothing about the backup."""
    with pytest.raises(UnprovenError, match=f"user {UID}, who has no entry in passwd"):
        account.choose()
