"""What went wrong when the migration was done by hand, done again: decision and message."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonogo.contract.errors import InputError
from gonogo.contract.records.reading import plain
from gonogo.controller import runbook
from gonogo.host.session import identity
from gonogo.host.session.connection import connect
from gonogo.host.session.identity import observe
from tests.integration.support import scripts
from tests.integration.support.harness import RUNBOOK, Database
from tests.pages.incidents import REPLAYED, Incident
from tests.records import BACKUP, RUN, TWIN, declared, judged, result

Make = Callable[..., Database]

_STAGES = ("target", "backup", "twin", "copy_sql", "preflight", "phases")
_CHECKED = {number: one for number, one in enumerate(REPLAYED, start=1) if one.check}


def _verdict(checks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a run would have come to in which nothing else was wrong."""
    book = scripts.Suite().runbook
    told = {"data": {}, "at": "2026-01-31T12:00:00.000000Z", "prev": "", "hash": "known"}
    events = [
        {"seq": number, "event": "stage_passed", "stage": stage, **told}
        for number, stage in enumerate(_STAGES, start=1)
    ]
    return judged(
        run=RUN,
        plan=plain(book.plan(stages=_STAGES)),
        checks=[*checks],
        events=[*events, {**events[-1], "event": "closed", "stage": "verdict"}],
        backup=BACKUP,
        twin=TWIN,
    )


def _passed(check_id: str) -> dict[str, Any]:
    return result(check_id)


@pytest.mark.parametrize("number", _CHECKED)
def test_the_day_it_went_wrong(number: int, make_database: Make, tmp_path: Path) -> None:
    incident = _CHECKED[number]
    database = make_database(incident.loaded)
    if not incident.between:
        _happen(incident, database)
    suite = scripts.Suite(parameters=(*scripts.Suite.parameters, *incident.parameters.items()))
    result = scripts.answer(
        database,
        incident.check,
        tmp_path,
        suite=suite,
        between=lambda: _happen(incident, database) if incident.between else None,
    )
    others = [_passed(check) for check in scripts.declared() if check != incident.check]
    verdict = _verdict([*others, result])
    assert verdict["decision"] == incident.decision, result
    if incident.decision == "GO":
        return
    (reason,) = verdict["reasons"]
    assert reason["subject"] == incident.check
    assert incident.says in f"{reason['expected']}; found: {reason['observed']}"
    assert reason["hint"].endswith(scripts.declared()[incident.check].remedy)


def _happen(incident: Incident, database: Database) -> None:
    for session, statement in ((database.admin, incident.admin), (database.owner, incident.sql)):
        if statement:
            with session() as connection:
                connection.execute(statement.encode())


def test_production_behind_the_name_of_staging(database: Database) -> None:
    """Both ways to know it: the name is another environment's, and so is the marker."""
    with database.admin() as admin:
        admin.execute(f"ALTER DATABASE {database.name} SET gonogo.environment = 'production'")
    with connect(database.login(), name="test") as connection:
        observed = observe(connection)
    known = declared(
        environment="staging", database="apms_staging", refused_databases=[database.name]
    )
    problems = identity.problems(known, observed)
    assert [problem.primary for problem in problems] == [
        f"database {database.name!r} is refused as staging target",
        "this is another database than the inventory declares",
        f"database {database.name!r} is production, not staging",
    ]
    assert f"as '{database.login().user}'" in (problems[1].detail or "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RUNBOOK, tmp_path / RUNBOOK.name))


def _refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        runbook.load(folder, profile="target", parameters={})
    return caught.value.render()


def test_a_plan_over_columns_that_do_not_exist(folder: Path) -> None:
    file = folder / "manifest.yml"
    manifest = yaml.safe_load(file.read_text())
    table = manifest["foreign_keys"][0]["table"]
    manifest["foreign_keys"][0]["columns"] = ["planned_id"]
    file.write_text(yaml.safe_dump(manifest))
    assert f"'foreign_keys[0].columns' names no column of {table}" in _refusal(folder)


def test_a_runbook_without_its_files(folder: Path) -> None:
    for file in folder.glob("*.sql"):
        file.unlink()
    assert "file migration.sql does not exist" in _refusal(folder)


def test_what_is_open_cannot_be_ticked() -> None:
    """Three criteria were never asked: whatever else has passed, this is no 15 of 15."""
    declared = scripts.declared()
    open_still = ("C3", "C5", "C6")
    answered = [
        _passed(name) for name, check in declared.items() if check.criterion not in open_still
    ]
    verdict = _verdict(answered)
    assert verdict["decision"] == "HOLD"
    assert verdict["score"] == {"passed": 10, "of": 15}
    assert {reason["text"].rpartition(": ")[2] for reason in verdict["reasons"]} == {"did not run"}
    assert verdict["criteria"]["C3"] == "not_run"


def test_nothing_rests_on_tables_nobody_declared(database: Database, tmp_path: Path) -> None:
    with database.owner() as connection:
        row = connection.execute("SELECT to_regclass('public.workspace_members')").fetchone()
    assert row == (None,)
    found = scripts.answers(database, scripts.PHASES, tmp_path)
    assert not found.errors
    assert _verdict(list(found.checks.values()))["decision"] == "GO"


def test_there_are_twenty_five() -> None:
    assert len(REPLAYED) == 25
    assert all(bool(one.check) != bool(one.test) for one in REPLAYED)
