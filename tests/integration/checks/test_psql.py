"""A phase script answers the same whether the module runs it or a person with psql."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import scripts
from tests.integration.support.harness import Database

Make = Callable[[str], Database]

_COLUMNS = ("check_id", "status", "examined", "expected", "observed", "samples")
# What N1 measures is never the same twice: `0.31 ms, 8 rows, by index`.
_MEASURED = re.compile(r"\d+(\.\d+)? ms")


def _comparable(found: scripts.Answers) -> dict[str, dict[str, Any]]:
    """Every answer of a script, without what only the module adds and without times."""
    return {
        check: {
            column: _MEASURED.sub("n ms", result[column])
            if check.startswith("N1.") and column == "observed"
            else result[column]
            for column in _COLUMNS
        }
        for check, result in found.checks.items()
    }


def _alone(
    database: Database, phases: Sequence[scripts.Script], directory: Path
) -> scripts.Answers:
    """The scripts by the module, without races: they take two sessions, and so two windows.

    What a race keeps is seen by the scripts after it, and no script that psql runs sees it.
    """
    return scripts.by_module(database, [replace(phase, races=[]) for phase in phases], directory)


def _both(
    make_database: Make, profile: str, residue: str, directory: Path, damage: str = ""
) -> tuple[scripts.Answers, scripts.Answers]:
    """The answers of the module and of psql, each on a database of its own."""
    suite = scripts.Suite(profile=profile, residue=residue)
    found = []
    for run in (_alone, scripts.by_psql):
        database = make_database(profile)
        if damage:
            with database.owner() as connection:
                connection.execute(damage.encode())
        found.append(scripts.answers(database, scripts.PHASES, directory, suite=suite, run=run))
    return found[0], found[1]


@pytest.mark.parametrize("residue", ["keep", "rollback"])
@pytest.mark.parametrize("profile", ["target", "as_deployed"])
def test_psql_answers_the_same(
    profile: str, residue: str, make_database: Make, tmp_path: Path
) -> None:
    module, psql = _both(make_database, profile, residue, tmp_path)
    assert not module.errors
    assert not psql.errors
    assert _comparable(module) == _comparable(psql)
    assert module.facts == psql.facts
    assert set(psql.checks) == set(scripts.declared()) - {"V2.3"}


def test_both_keep_what_a_script_answered_before_it_died(
    make_database: Make, tmp_path: Path
) -> None:
    # C3.2 is refused; the ACTIVE version that C4 starts from cannot even be made.
    damage = """
    ALTER TABLE public.config_versions DROP CONSTRAINT ck_config_versions_status;
    ALTER TABLE public.config_versions ADD CONSTRAINT ck_config_versions_status
        CHECK (status IN ('DRAFT', 'ARCHIVED', 'SUPERSEDED')) NOT VALID
    """
    module, psql = _both(make_database, "target", "keep", tmp_path, damage)
    assert _comparable(module) == _comparable(psql)
    assert set(module.errors) == set(psql.errors)
    name = "02_lifecycle_C3_C4"
    answered = {check for check in psql.checks if scripts.phase_of(check) == name}
    assert answered == {"C3.1", "C3.2", "C3.3", "C3.4", "C3.5", "C3.6"}
    assert "ck_config_versions_status" in module.errors[name]
    assert "ck_config_versions_status" in psql.errors[name]


def test_neither_leaves_rows_of_a_script_that_died(make_database: Make, tmp_path: Path) -> None:
    damage = (
        "ALTER TABLE public.approval_policy_master ADD CONSTRAINT never CHECK (false) NOT VALID"
    )
    before = make_database("target").rows()
    suite = scripts.Suite(residue="keep")
    for run in (scripts.by_module, scripts.by_psql):
        database = make_database("target")
        with database.owner() as connection:
            connection.execute(damage.encode())
        found = scripts.answers(database, ["02_lifecycle_C3_C4"], tmp_path, suite=suite, run=run)
        assert found.errors
        assert found.checks["C3.4"]["status"] == "pass"
        assert database.rows() == before
