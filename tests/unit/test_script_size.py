"""A person can read what ran: what differs by table is a list, and helpers stand there once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller import runbook
from gonogo.controller.render.libraries import included
from gonogo.controller.runbook.phase_scripts import Prepared, prepare

_RUNBOOK = Path(__file__).parents[2] / "runbooks" / "20251229010228_add_master_tables_final_v2"
_ID = "00000000-0000-4000-8000-000000000000"
_TIMEOUTS = {"lock": "5s", "statement": "2min", "idle_in_transaction": "1min"}
# In bytes: of all scripts together, and of the longest.
_TOGETHER = 465_000
_LONGEST = 70_000


@cache
def _prepared(residue: str) -> Prepared:
    book = runbook.load(
        _RUNBOOK,
        profile="target",
        parameters={"application_role": "application"},
        templates=False,
    )
    named = [
        item.name
        for table in book.manifest.tables
        for group in (table.checks, table.unique, table.triggers)
        for item in group
    ]
    facts: dict[str, Any] = {
        "workspace": {"id": _ID, "code": "CODE", "name": "Name"},
        "users": [_ID, _ID],
        "names": {name: [name] for name in named},
        "config_versions_id_type": "text",
        "delete_rules": [],
        "isolation": [],
        "ledger_tables": [],
        **{entry.fact: entry.any_of[0] for entry in book.manifest.found_columns},
    }
    record = {
        "run_id": "20260131T120000Z-0a1b2c",
        "token": "0123456789",
        "residue": residue,
        "profile": "target",
    }
    phases = [*book.phases("preflight"), *book.phases("phases")]
    return prepare(book, phases, record=record, facts=facts, timeouts=_TIMEOUTS)


def _scripts(residue: str) -> dict[str, str]:
    """The scripts of the phases and what they include; a race and the cleanup are others."""
    files = _prepared(residue).files
    return {n: text for n, text in files.items() if "_race_" not in n and n != "99_cleanup"}


def test_the_cleanup_is_for_people() -> None:
    """It is approved by a person: each row's id stands where it is listed and where it goes."""
    cleanup = _prepared("keep").files["99_cleanup"]
    assert len(cleanup.encode()) <= _LONGEST
    assert all(cleanup.count(str(row.key["id"])) <= 5 for row in _prepared("keep").rows)


@pytest.mark.parametrize("residue", ["keep", "rollback"])
def test_scripts_are_for_people(residue: str) -> None:
    sizes = {name: len(text.encode()) for name, text in _scripts(residue).items()}
    assert sum(sizes.values()) <= _TOGETHER, sizes
    assert max(sizes.values()) <= _LONGEST, sizes


def test_what_each_block_begins_with_is_short() -> None:
    for name, text in _scripts("keep").items():
        begun = re.findall(
            r"^DO \$\$BEGIN PERFORM pg_catalog.*?END\$\$;$", text, re.MULTILINE | re.DOTALL
        )
        plain = [statement for statement in begun if "set_config('gonogo.guard'" not in statement]
        assert max(map(len, plain), default=0) <= 260, name


def test_what_several_scripts_need_is_kept_once() -> None:
    files = _scripts("keep")
    together = "".join(files.values())
    helpers = re.findall(r"^CREATE FUNCTION pg_temp\.([a-z_0-9]+)", together, re.MULTILINE)
    assert len(helpers) == len(set(helpers))
    assert together.count("SET gonogo.guard = ") == 1
    for name, text in files.items():
        included = re.findall(r"^\\ir ([a-z_0-9]+)\.sql$", text, re.MULTILINE)
        assert not included or included[0].startswith("session_"), name
        assert set(included) <= set(files), name


def test_what_runs_is_what_is_kept() -> None:
    prepared = _prepared("keep")
    for script in prepared.scripts:
        assert included(prepared.files[script.name], prepared.files) == script.text


@pytest.mark.parametrize("folder", [_RUNBOOK, *sorted(_RUNBOOK.parent.glob("2026*"))])
def test_every_check_is_found_in_the_templates(folder: Path) -> None:
    """By whatever macro it is asked: of one that nobody asks a run would be refused."""
    book = runbook.load(folder, profile="target", parameters={"application_role": "application"})
    assert book.checks
