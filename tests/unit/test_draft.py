"""The derived runbook, written down: what is derived and what is by hand stay apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from gonogo.contract.errors import InputError
from gonogo.controller import runbook
from gonogo.controller.runbook import draft, source
from gonogo.controller.runbook.derived import DERIVED, about

OWN = """
criteria:
  - {id: A1, class: critical, title: Application}
scoring: [A1]
phases:
  - {name: 20_own, title: Our own, transaction: snapshot}
checks:
  - {id: A1.1, title: No note is empty, criterion: A1, phase: 20_own, remedy: Mend it.}
  - id: D7.3
    title: Who uses the tables beside it can use a new one
    criterion: D7
    phase: 03_rights
    effect: none
    empty_ok: true
    remedy: Our roles get their rights elsewhere.
"""
ASKED = """{% import 'gonogo.sql.j2' as gonogo %}
{% call gonogo.check('A1.1') %}
    SELECT true AS ok, 1 AS examined, '' AS expected, '' AS observed, NULL::text[] AS samples
{% endcall %}
"""


@pytest.fixture
def folder(tmp_path: Path) -> source.Source:
    migrations = tmp_path / "app" / "migrations"
    for number, text in enumerate(("CREATE TABLE t (id int);", "DROP TABLE t;"), 1):
        step = migrations / f"2026010{number}000000_step"
        step.mkdir(parents=True)
        (step / "migration.sql").write_text(text + "\n")
    (migrations / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return source.read(migrations, tool="prisma", schema="public")


@pytest.fixture
def begun(folder: source.Source, tmp_path: Path) -> draft.Draft:
    found = draft.Draft(tmp_path / "gonogo", draft.derived(folder))
    assert not found.exists()
    found.begin("app")
    return found


def load(directory: Path) -> runbook.Runbook:
    return runbook.load(directory, profile="target", parameters={})


def test_it_asks_what_the_derived_runbook_asks(begun: draft.Draft) -> None:
    own, theirs = load(begun.directory), load(DERIVED)
    assert begun.exists()
    assert own.checks == theirs.checks
    assert own.declared.phases == theirs.declared.phases
    assert own.declared.scoring == theirs.declared.scoring
    assert own.parameters == theirs.parameters
    assert own.name == "gonogo"
    assert "derived/runbook.yml" in own.digests
    assert not any(path.startswith("..") for path in own.digests)


def test_it_counts_as_the_derived_runbook(begun: draft.Draft, folder: source.Source) -> None:
    own, theirs = (about(load(place), folder).declared for place in (begun.directory, DERIVED))
    assert own.criteria == theirs.criteria
    assert own.scoring == theirs.scoring
    assert "D4.waivable" in {one.id for one in own.criteria}


def test_what_each_migration_does_is_written_down(begun: draft.Draft) -> None:
    said = yaml.safe_load((begun.directory / "derived" / "migrations.yml").read_text())
    assert said["tool"] == "prisma"
    first, second = said["migrations"]
    assert first["statements"][0]["makes"] == ["table t"]
    assert second["statements"][0]["removes"] == ["table t"]


def test_what_is_by_hand_is_added(begun: draft.Draft) -> None:
    file = begun.directory / "runbook.yml"
    file.write_text(file.read_text() + OWN)
    (begun.directory / "phases").mkdir()
    with pytest.raises(InputError, match=r"runbook\.yml:\d+: file phases/20_own") as caught:
        load(begun.directory)
    lines = file.read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("  - {name: 20"))
    assert f"runbook.yml:{line}: file phases/20_own.sql.j2" in caught.value.render()
    (begun.directory / "phases" / "20_own.sql.j2").write_text(ASKED)
    own, theirs = load(begun.directory), load(DERIVED)
    assert set(own.checks) == {*theirs.checks, "A1.1"}
    assert own.checks["D7.3"].effect == "none"
    assert own.declared.phases[-1].name == "20_own"
    assert own.declared.scoring[-1] == "A1"
    assert not begun.differing()


def test_a_script_of_ones_own_comes_first(begun: draft.Draft) -> None:
    (begun.directory / "phases").mkdir()
    text = (DERIVED / "phases" / "01_objects.sql.j2").read_text()
    (begun.directory / "phases" / "01_objects.sql.j2").write_text(text.replace("'D2.1'", "'D2.x'"))
    with pytest.raises(InputError, match=r"no template asks check 'D2\.1'|declares no check"):
        load(begun.directory)


def test_a_later_draft_shows_what_would_change(begun: draft.Draft, folder: source.Source) -> None:
    step = folder.directory / "20260103000000_third"
    step.mkdir()
    (step / "migration.sql").write_text("CREATE TABLE u (id int);\n")
    now = draft.derived(source.read(folder.directory, tool="prisma", schema="public"))
    later = draft.Draft(begun.directory, now)
    assert later.differing() == ["derived/migrations.yml"]
    assert not later.changed_by_hand()
    assert "+- name: 20260103000000_third" in [*later.difference()]
    (begun.directory / "runbook.yml").write_text("mine")
    later.update()
    assert not later.differing()
    assert (begun.directory / "runbook.yml").read_text() == "mine"


def test_what_is_derived_no_more_goes(begun: draft.Draft) -> None:
    name = "derived/phases/01_objects.sql.j2"
    less = {path: text for path, text in begun.new.items() if path != name}
    later = draft.Draft(begun.directory, less)
    assert later.differing() == [name]
    later.update()
    assert not (begun.directory / name).exists()


def test_what_was_changed_by_hand_is_known(begun: draft.Draft) -> None:
    file = begun.directory / "derived" / "phases" / "01_objects.sql.j2"
    file.write_bytes(file.read_bytes() + b"\xff")
    assert begun.changed_by_hand() == ["derived/phases/01_objects.sql.j2"]
    assert [*begun.difference()]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    found = draft.Draft(tmp_path / "other", {})
    with pytest.raises(InputError, match="is no draft, and not empty"):
        found.exists()


@pytest.mark.parametrize(
    "text", ["[]", '{"../x": "y"}', '{"derived/../../x": "y"}', '{"derived/x": 1}']
)
def test_digests_that_are_none(begun: draft.Draft, text: str) -> None:
    (begun.directory / "derived" / "digests.json").write_text(text)
    with pytest.raises(InputError, match="changed by hand"):
        begun.differing()


def test_nothing_to_add_to(begun: draft.Draft) -> None:
    shutil.rmtree(begun.directory / "derived")
    with pytest.raises(InputError, match="'adds_to' is no runbook in this folder"):
        load(begun.directory)
