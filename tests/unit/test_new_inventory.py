"""An inventory that is written for somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gonogo.contract.errors import InputError
from gonogo.controller.invocation import project
from gonogo.controller.request.new_inventory import NewInventory, write

LEAST = {"name": "mine", "environment": "staging", "database": "orders"}


def written(directory: Path, **said: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the two files say."""
    one = NewInventory(**{**LEAST, **said})
    one.check()
    write(directory / one.name, one)
    hosts, variables = (
        yaml.safe_load((directory / one.name / file).read_text())
        for file in ("hosts.yml", "group_vars/gonogo.yml")
    )
    return hosts["gonogo"]["hosts"], variables


def test_the_least(tmp_path: Path) -> None:
    hosts, variables = written(tmp_path)
    assert hosts["mine"]["ansible_connection"] == "local"
    assert variables["gonogo_login"] == {"db": "orders"}
    assert variables["gonogo_protected"] is False
    assert variables["deploy_enabled"] is True
    assert "gonogo_migrations" not in variables


def test_all_of_it(tmp_path: Path) -> None:
    hosts, variables = written(
        tmp_path,
        environment="production",
        database='or"ders',
        host="db.example.com",
        ssh_user="deploy",
        db_user="yes",
        db_host="localhost",
        db_port="5433",
        passfile="~/.pgpass",
        pg_bin="/usr/lib/postgresql/17/bin",
        migrations="/srv/app: one/migrations",
    )
    assert hosts["db.example.com"]["ansible_user"] == "deploy"
    assert variables["gonogo_login"] == {
        "db": 'or"ders',
        "user": "yes",
        "host": "localhost",
        "port": 5433,
        "passfile": "~/.pgpass",
    }
    assert variables["gonogo_protected"] is True
    assert variables["gonogo_promotion_from"] == "staging"
    assert variables["gonogo_migrations"] == "/srv/app: one/migrations"
    assert set(variables) <= set(project.options())


def test_the_marker_is_quoted() -> None:
    for command in NewInventory(**{**LEAST, "database": 'or"ders'}).markers:
        assert ' DATABASE "or""ders" ' in command


def test_nothing_is_written_over(tmp_path: Path) -> None:
    written(tmp_path)
    file = tmp_path / "mine" / "hosts.yml"
    file.write_text("by hand")
    with pytest.raises(InputError, match="nothing was written"):
        written(tmp_path)
    assert file.read_text() == "by hand"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": "../x"}, "not a name for an inventory"),
        ({"name": "Mine"}, "not a name for an inventory"),
        ({"environment": "a b"}, "not a name for an environment"),
        ({"host": "-oProxyCommand=x"}, "not a name for a host"),
        ({"host": "{{ x }}"}, "not a name for a host"),
        ({"ssh_user": "a b"}, "not a name for a user"),
        ({"database": "{{ lookup('pipe', 'id') }}"}, "cannot stand in an inventory"),
        ({"db_user": "a\nb: c"}, "cannot stand in an inventory"),
        ({"passfile": ".pgpass"}, "begins with / or ~/"),
        ({"db_port": "0"}, "a port is from 1 to 65535"),
        ({"db_port": "x"}, "a port is from 1 to 65535"),
    ],
)
def test_what_cannot_be_said(said: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        NewInventory(**{**LEAST, **said}).check()


@pytest.mark.parametrize("text", ["postgresql://u:secret@h/d", "host=h password=secret"])
def test_no_password_is_repeated(text: str) -> None:
    with pytest.raises(InputError) as caught:
        NewInventory(**{**LEAST, "database": text}).check()
    assert "secret" not in caught.value.render()
