"""How the criteria of a run about a folder of migrations count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller import request, runbook
from gonogo.controller.declared.runbook import Criterion, Declaration, DeclaredCheck
from gonogo.controller.runbook import source
from gonogo.controller.runbook.criteria import counted
from gonogo.controller.runbook.derived import DERIVED, DERIVED_PROFILE, about, beside
from gonogo.verdict import read_plan


def check(name: str, effect: str | None = None) -> DeclaredCheck:
    return DeclaredCheck(
        id=name,
        title=name,
        criterion=name.split(".", maxsplit=1)[0],
        phase="p",
        remedy="r",
        effect=effect,
    )


BOOK = Declaration(
    format=1,
    name="a",
    title="a",
    profiles=["target"],
    migration=[],
    phases=[],
    cleanup="c",
    documents=[],
    criteria=[Criterion("D4", "critical", "Data"), Criterion("D8", "important", "Cost")],
    scoring=["D4", "D8"],
    checks=[check("D4.1"), check("D4.2", "hold"), check("D4.3", "none"), check("D8.1")],
)


def told(levels: dict[str, object]) -> tuple[dict[str, tuple[str, str | None]], list[str]]:
    found = counted(BOOK, levels)
    assert {one.criterion for one in found.checks} == {one.id for one in found.criteria}
    return {one.id: (one.criterion, one.effect) for one in found.checks}, list(found.scoring)


def test_what_a_person_may_accept_does_not_count_for_the_score() -> None:
    checks, scoring = told({})
    assert checks == {
        "D4.1": ("D4", "no_go"),
        "D4.2": ("D4.waivable", "hold"),
        "D4.3": ("D4", "none"),
        "D8.1": ("D8", "important"),
    }
    assert scoring == ["D4"]


@pytest.mark.parametrize(
    ("levels", "effects", "scoring"),
    [
        ({"D8": "none"}, ("no_go", "hold", "none", "none"), ["D4"]),
        ({"D8": "critical"}, ("no_go", "hold", "none", "no_go"), ["D4", "D8"]),
        ({"D8": "hold"}, ("no_go", "hold", "none", "hold"), ["D4"]),
        ({"D4": "critical"}, ("no_go", "hold", "none", "important"), ["D4"]),
        ({"D4": "important"}, ("important", "hold", "none", "important"), []),
        ({"D4": "hold", "D8": "critical"}, ("hold", "hold", "none", "no_go"), ["D8"]),
        ({"D4": "none"}, ("none", "none", "none", "important"), []),
    ],
)
def test_a_level_changes_what_a_failure_means(
    levels: dict[str, object], effects: tuple[str, ...], scoring: list[str]
) -> None:
    checks, units = told(levels)
    assert tuple(effect for _, effect in checks.values()) == effects
    assert units == scoring


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"D9": "none"}, "there is no criterion of this id"),
        ({"D8": "fatal"}, "a criterion cannot count so"),
        ({"D8": None}, "a criterion cannot count so"),
        ({"D8": ["none"]}, "a criterion cannot count so"),
    ],
)
def test_what_is_no_level(levels: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        counted(BOOK, levels)


def test_the_plan_of_a_derived_run_can_carry_a_go(tmp_path: Path) -> None:
    migrations, checks = tmp_path / "migrations", tmp_path / "checks"
    migrations.mkdir()
    checks.mkdir()
    (migrations / "0001_a.sql").write_text("CREATE TABLE a (id int);")
    (checks / "a.sql").write_text("-- check: a\n-- empty: ok\n-- severity: none\nSELECT 1 LIMIT 0")
    found = about(
        runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False),
        source.read(migrations, tool="plain", schema="public"),
        beside=beside(queries_file=None, checks=checks, criteria={"D8": "none"}),
    )
    record = found.plan(stages=["target"])
    assert record.set_criteria == {"D8": "none"}
    plan = read_plan(record)
    assert plan.problems == ()
    assert plan.checks["D11.a"].effect == "none"
    assert "D11" not in plan.scoring
    assert "checks/a.sql" in found.digests


ASKED: dict[str, object] = {
    "gonogo_environment": "sandbox",
    "gonogo_runbook": "a",
    "gonogo_profile": "target",
    "gonogo_residue": "keep",
    "gonogo_runs_dir": "runs",
    "gonogo_login": {"db": "a"},
}


@pytest.mark.parametrize("name", ["queries", "own_checks", "criteria"])
def test_what_is_beside_no_folder_is_refused(name: str) -> None:
    """Nothing would be asked of it, and the verdict would look as if it had been."""
    given = {**ASKED, f"gonogo_{name}": {"a": "b"}}
    with pytest.raises(InputError, match="about a folder of migrations, and none is named"):
        request.Asked.of(given)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("queries", ["a"], "must be text"), ("criteria", ["D8"], "must be a mapping")],
)
def test_what_is_of_another_kind_is_refused(name: str, value: object, words: str) -> None:
    given = {**ASKED, "gonogo_migrations": "a", f"gonogo_{name}": value}
    with pytest.raises(InputError, match=words):
        request.Asked.of(given)


def test_a_runbook_of_one_s_own_counts_as_it_says(tmp_path: Path) -> None:
    migrations, checks = tmp_path / "migrations", tmp_path / "checks"
    migrations.mkdir()
    checks.mkdir()
    (migrations / "0001_a.sql").write_text("CREATE TABLE a (id int);")
    (checks / "a.sql").write_text("-- check: a\n-- empty: ok\nSELECT 1 LIMIT 0")
    loaded = runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False)
    own = replace(loaded, directory=tmp_path, base=DERIVED)
    found = source.read(migrations, tool="plain", schema="public")

    def told(levels: dict[str, object]) -> runbook.Runbook:
        return about(own, found, beside=beside(queries_file=None, checks=checks, criteria=levels))

    with pytest.raises(InputError, match="says itself how its criteria count"):
        told({"D8": "none"})
    declared = told({}).declared
    assert "D11" in declared.scoring
    assert "D4.waivable" not in {one.id for one in declared.criteria}
    own = replace(own, base=None)
    with pytest.raises(InputError, match="asked by the templates of the derived checks"):
        told({})
