"""What a DBA sees who runs the scripts by hand: the same answers as the machine got."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration import scripts
from tests.integration.harness import Database

Make = Callable[..., Database]

# N1 says how many milliseconds a query took; only the words around them are the same.
_TIMED = ("N1.1", "N1.2", "N1.3")
_COMPARED = ("status", "examined", "expected", "observed", "samples")


def _comparable(result: dict[str, Any]) -> dict[str, Any]:
    kept = {key: result[key] for key in _COMPARED}
    if result["check_id"] in _TIMED:
        del kept["observed"]
    return kept


@pytest.mark.parametrize("residue", ["rollback", "keep"])
@pytest.mark.parametrize("profile", ["target", "as_deployed"])
def test_psql_gives_the_same_answers(
    make_database: Make, tmp_path: Path, profile: str, residue: str
) -> None:
    suite = scripts.Suite(profile=profile, residue=residue)
    # Ids follow from the token, so two copies of one database get the same rows.
    machine, person = (
        scripts.answers(make_database(profile), scripts.PHASES, tmp_path, suite=suite, run=run)
        for run in (scripts.by_module, scripts.by_psql)
    )
    assert not person.errors
    assert person.facts == machine.facts
    # Races need two sessions; the evidence has them as two scripts.
    raced = {"V2.3"}
    assert set(person.checks) == set(machine.checks) - raced == set(scripts.declared()) - raced
    for check, result in person.checks.items():
        assert _comparable(result) == _comparable(machine.checks[check]), check


def test_script_that_dies_keeps_its_earlier_answers(make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    facts = scripts.answers(database, (), tmp_path).facts
    (script,) = scripts.Suite().scripts(["02_lifecycle_C3_C4"], facts)
    broken = {
        **script,
        "text": script["text"].replace("-- @check C4.1\n", "-- @check C4.1\nSELECT 1/0;\n"),
    }
    assert broken["text"] != script["text"]
    for run in (scripts.by_module, scripts.by_psql):
        found = run(database, [broken], tmp_path)
        assert sorted(found.checks) == ["C3.1", "C3.2", "C3.3", "C3.4", "C3.5", "C3.6"]
        assert {result["status"] for result in found.checks.values()} == {"pass"}
        assert "division by zero" in found.errors["02_lifecycle_C3_C4"]
    # Its transaction was not committed.
    with database.owner() as connection:
        row = connection.execute(
            "SELECT count(*) FROM public.workspaces WHERE code LIKE 'GONOGO-%'"
        ).fetchone()
    assert row == (0,)
