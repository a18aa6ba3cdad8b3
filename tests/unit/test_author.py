"""Whoever writes a runbook is told all that is wrong with it, each with its place, before anything
is touched; and no check is lost."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.records.plan import LabelledFact
from gonogo.controller import request, runbook
from gonogo.controller.ansible.plugin import given
from gonogo.controller.request.protection import Protection
from tests.unit.mutilated import Damage, damages, outcome

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
FIRST = next(RUNBOOKS.glob("20251229010228_*"))
SECOND = next(RUNBOOKS.glob("20260115093000_*"))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for original in (FIRST, SECOND):
        shutil.copytree(original, tmp_path / original.name)
    return tmp_path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The least that is a runbook: one table, one check, nothing looked up before."""
    folder = tmp_path / "notes"
    (folder / "phases").mkdir(parents=True)
    for name, text in SMALL.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


SMALL = {
    "runbook.yml": """\
format: 1
name: notes
title: Notes
profiles: [target]
migration:
  - {file: migration.sql}
phases:
  - {name: 01_notes, title: Notes, transaction: read_only}
criteria:
  - {id: C1, class: critical, title: Notes}
scoring: [C1]
checks:
  - {id: C1.1, title: The table is there, criterion: C1, phase: 01_notes, remedy: Apply it.}
  - {id: C1.2, title: It is empty, criterion: C1, phase: 01_notes, remedy: Empty it.}
""",
    "manifest.yml": """\
format: 1
schema: public
extensions: []
privileges: [SELECT]
existing_tables: []
found_columns: []
functions: []
tables:
  - name: notes
    columns:
      - {name: id, type: integer, nullable: false}
    primary_key: [id]
    unique: []
    checks: []
    indexes: []
    triggers: []
foreign_keys: []
relations: []
loose_relations: []
""",
    "migration.sql": "CREATE TABLE public.notes (id integer PRIMARY KEY);\n",
    "phases/01_notes.sql.j2": """\
{% import 'gonogo.sql.j2' as gonogo %}
{% call gonogo.check('C1.1') %}
    SELECT to_regclass('public.notes') IS NOT NULL AS ok, 1 AS examined, 'there' AS expected,
        'there' AS observed, NULL::text[] AS samples
{% endcall %}
{% call gonogo.check('C1.2') %}
    SELECT count(*) = 0 AS ok, 1 AS examined, '0' AS expected, count(*)::text AS observed,
        NULL::text[] AS samples
    FROM public.notes
{% endcall %}
""",
}


def edit(folder: Path, name: str, *changes: tuple[str, str]) -> None:
    file = folder / name
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def load(folder: Path) -> runbook.Runbook:
    """As the first stage does."""
    asked = request.Asked(
        runbook=str(folder), environment="staging", profile="target", residue="keep"
    )
    unprotected = Protection(
        protected=False, promotion_from=None, promotion_max_age_hours=168, reason="a test"
    )
    return request.load_runbook(asked, protection=unprotected)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    return caught.value.render()


def test_the_least_that_is_a_runbook(small: Path) -> None:
    """No empty line between two calls, no prisma, nothing that is looked up."""
    assert [phase.name for phase in load(small).phases("phases")] == ["01_notes"]
    assert outcome(small) == ("right", {"C1.1", "C1.2"})


# --- all of it at once -------------------------------------------------------------------------


def test_every_fault_of_every_file_is_told(folders: Path) -> None:
    folder = folders / FIRST.name
    edit(
        folder,
        "runbook.yml",
        ("criterion: C1\n", "criterion: C11\n"),
        ("    stop: true\n", "    stop: true\n    stop: false\n"),
    )
    edit(folder, "manifest.yml", ("nullable: false", "nullable: no way"), ("format: 1\n", ""))
    said = refusal(folder)
    assert re.match(r"runbook\.yml:\d+: key 'stop' is there twice", said)
    assert re.search(
        r"manifest\.yml:\d+: the file lacks the key 'format' \('format' is a whole", said
    )
    assert re.search(r"manifest\.yml:\d+: '\S+\.nullable' must be true or false", said)


def test_what_the_files_say_of_each_other_is_told_at_once(folders: Path) -> None:
    folder = folders / FIRST.name
    edit(
        folder,
        "runbook.yml",
        ("criterion: C1\n", "criterion: C11\n"),
        ("scoring: [S0, C1", "scoring: [S0, C0, C1"),
        ("cleanup: 99_cleanup", "cleanup: 98_cleanup"),
        ("prisma: {file: migration.sql", "prisma: {file: undo.sql"),
    )
    edit(folder, "manifest.yml", ("\n    primary_key: [", "\n    primary_key: [x_"))
    (folder / "guards.sql").write_text("BEGIN;\nCREATE TABLE x (y int);\nSELECT 'a;\n")
    edit(folder, "phases/04_invariants.sql.j2", ("facts.", "facts.x_"), ("| ident", "| idnt"))
    said = refusal(folder)
    for place in (
        r"runbook\.yml:\d+: no criterion is called 'C11'",
        r"runbook\.yml:\d+: no criterion is called 'C0'",
        r"runbook\.yml:\d+: file phases/98_cleanup\.sql\.j2 does not exist",
        r"runbook\.yml:\d+: 'prisma\.file' is no file of the migration",
        r"manifest\.yml:\d+: '\S+\.primary_key' names no column of ",
        r"guards\.sql:1: BEGIN: the file decides over its transaction",
        r"guards\.sql:3: a quoted text begins here and does not end",
        r"04_invariants\.sql\.j2:\d+: the runbook declares no fact 'x_",
        r"04_invariants\.sql\.j2:\d+: there is no filter 'idnt'",
    ):
        assert re.search(place, said), place


def test_every_missing_key_is_told_with_what_it_is(small: Path) -> None:
    (small / "runbook.yml").write_text("format: 1\nname: notes\nfacts: []\n")
    said = refusal(small)
    for key in ("title", "profiles", "phases", "criteria", "checks"):
        assert f"runbook.yml:1: the file lacks the key '{key}'" in said
    assert "('checks' is a list that is not empty.)" in said


def test_what_nothing_uses_need_not_be_there(small: Path) -> None:
    (small / "manifest.yml").unlink()
    loaded = load(small)
    assert not loaded.manifest.tables
    assert loaded.declared.cleanup is None
    assert not loaded.documents()
    assert outcome(small) == ("right", {"C1.1", "C1.2"})


@pytest.mark.parametrize(
    "text",
    ["{{ manifest.schema }}", "{% for one in manifest['tables'] %}{% endfor %}", "{{ manifest }}"],
)
def test_who_uses_a_manifest_needs_one(small: Path, text: str) -> None:
    load(small)
    (small / "manifest.yml").unlink()
    edit(small, "phases/01_notes.sql.j2", ("{% call", f"{text}\n{{% call"))
    assert [fault.primary for fault in faults_of(small)] == [
        "01_notes.sql.j2:2: the runbook has no manifest.yml"
    ]


@pytest.mark.parametrize("text", ["format: 1\n", "[]", ""])
def test_a_manifest_that_is_there_is_right(small: Path, text: str) -> None:
    (small / "manifest.yml").write_text(text)
    assert "manifest.yml" in refusal(small)


def test_what_leaves_rows_has_a_cleanup(small: Path) -> None:
    edit(small, "runbook.yml", ("transaction: read_only", "transaction: writes"))
    assert [(fault.primary, fault.hint) for fault in faults_of(small)] == [
        (
            "runbook.yml:8: 'phases[0].name' leaves rows that no script removes",
            "Name the script that does: `cleanup`.",
        )
    ]


def test_a_runbook_is_about_a_migration(small: Path) -> None:
    edit(small, "runbook.yml", ("migration:\n  - {file: migration.sql}\n", ""))
    assert "the runbook has no migration\n" in refusal(small)


def test_a_base_is_looked_into_where_the_runbook_itself_is_not_right(folders: Path) -> None:
    """What it has is not told as missing."""
    edit(folders / SECOND.name, "runbook.yml", ("title: ", "titel: "))
    assert len(faults_of(folders / SECOND.name)) == 2
    edit(folders / SECOND.name, "runbook.yml", ("titel: ", "title: "))
    edit(folders / FIRST.name, "runbook.yml", ("cleanup: 99_cleanup\n", "cleanup: 98_cleanup\n"))
    assert "98_cleanup.sql.j2 does not exist" in refusal(folders / FIRST.name)


def faults_of(folder: Path) -> tuple[InputError, ...]:
    with pytest.raises(InputError) as caught:
        load(folder)
    return caught.value.faults


def test_many_faults_are_counted(small: Path) -> None:
    checks = "".join(
        f"  - {{id: X{n}, title: x, criterion: C{n}, phase: 01_notes, remedy: x}}\n"
        for n in range(2, 60)
    )
    edit(small, "runbook.yml", ("checks:\n", f"checks:\n{checks}"))
    said = refusal(small)
    assert re.search(r"and \d\d+ more\n", said)
    assert len(said) < 4000


# --- checks and the templates that ask them ----------------------------------------------------


CHECK = """{% call gonogo.check('C1.1') %}
    SELECT true AS ok, 1 AS examined, '' AS expected, '' AS observed, NULL::text[] AS samples
{% endcall %}
"""


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("phases/01_notes.sql.j2", "'C1.2'", "'C1.3'", "01_notes.sql.j2:6: runbook.yml declares no check 'C1.3'"),
        ("phases/01_notes.sql.j2", "'C1.2'", "'C1.3'", "runbook.yml:14: no template asks check 'C1.2'"),
        ("phases/01_notes.sql.j2", "'C1.2'", "'C1.1'", "01_notes.sql.j2:6: check 'C1.1' is asked twice, first in line 2"),
        ("runbook.yml", "  - {id: C1.2", "  - {id: C1.4", "01_notes.sql.j2:6: runbook.yml declares no check 'C1.2'"),
        ("phases/01_notes.sql.j2", "gonogo.check('C1.2')", "gonogo.chek('C1.2')", "01_notes.sql.j2:6: gonogo.sql.j2 has no macro 'chek' (Did you mean 'check'?)"),
        ("phases/01_notes.sql.j2", "gonogo.check('C1.2')", "gonogo.check()", "01_notes.sql.j2:6: macro 'check' lacks the argument 'id'"),
        ("phases/01_notes.sql.j2", "gonogo.check('C1.2')", "gonogo.check('C1.2', 'x')", "01_notes.sql.j2:6: macro 'check' takes 1 arguments, not 2"),
        ("phases/01_notes.sql.j2", "gonogo.check('C1.2')", "gonogo.check(ident='C1.2')", "01_notes.sql.j2:6: macro 'check' has no argument 'ident'"),
        ("phases/01_notes.sql.j2", "FROM public.notes", "FROM {{ manifest.tabels[0].name | ident }}", "01_notes.sql.j2:9: there is no key of the manifest 'tabels' (Did you mean 'tables'?)"),
        ("runbook.yml", "transaction: read_only}", "transaction: read_only, races: [C1.2]}", "runbook.yml:8: file races/C1.2.yml.j2 does not exist"),
        ("manifest.yml", "loose_relations: []\n", "loose_relations: []\nrow_rules:\n  - {name: r, check: C1.2, table: notes, words: x, past: [[id]]}\n", "manifest.yml:21: 'row_rules[0].check' is a check that asks for no rules"),
    ],
)  # fmt: skip
def test_a_check_that_is_lost_is_told_before_anything(
    small: Path, name: str, old: str, new: str, said: str
) -> None:
    edit(small, name, (old, new))
    told = refusal(small)
    first = told.splitlines()[0]
    problem, _, hint = said.removesuffix(")").partition(" (")
    assert problem in told
    assert not hint or hint in told
    assert re.match(r"\S+:\d+: ", first)


def test_a_check_of_another_phase_is_told_where_it_is_asked(folders: Path) -> None:
    folder = folders / FIRST.name
    template = folder / "phases/04_invariants.sql.j2"
    template.write_text(template.read_text(encoding="utf-8") + CHECK)
    line = template.read_text(encoding="utf-8").count("\n") - 2
    assert f"04_invariants.sql.j2:{line}: check 'C1.1' belongs to phase 01_critical_C1_C2" in (
        refusal(folder)
    )


def test_a_check_may_be_asked_by_a_macro_and_in_either_branch(small: Path) -> None:
    (small / "phases" / "own.sql.j2").write_text(
        "{% import 'gonogo.sql.j2' as gonogo %}\n"
        "{% macro asked(words, name) %}{% call gonogo.check(name) %}SELECT true AS ok, 1 AS examined,"
        " {{ words | literal }} AS expected, '' AS observed, NULL::text[] AS samples{% endcall %}"
        "{% endmacro %}\n"
    )
    (small / "phases" / "01_notes.sql.j2").write_text(
        "{% from 'own.sql.j2' import asked as ask %}\n"
        "{% if manifest.tables %}{{ ask('x', name='C1.1') }}{% else %}{{ ask('y', 'C1.1') }}{% endif %}"
        "{{ ask('z', 'C1.2') }}\n"
    )
    assert outcome(small) == ("right", {"C1.1", "C1.2"})


def test_ids_that_are_put_together_are_not_missed(small: Path) -> None:
    edit(small, "phases/01_notes.sql.j2", ("gonogo.check('C1.2')", "gonogo.check('C1.' ~ 2)"))
    assert outcome(small) == ("right", {"C1.1", "C1.2"})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("SELECT 1; -- @check C1.2\nSELECT 2;\n", "a block begins behind other text"),
        ("SELECT 'a\n-- @check C1.2\n';\n", "a quoted text begins here and does not end before"),
        ("SELECT $x$\n-- @check C1.2\n$x$;\n", "a text in $x$ begins here and does not end before"),
        (
            "/* /* */\n-- @check C1.2\n*/ SELECT 1;\n",
            "a comment begins here and does not end before",
        ),
        ("SELECT 'a\n", "a quoted text begins here and does not end"),
    ],
)
def test_a_block_begins_where_psql_sees_a_comment(small: Path, written: str, said: str) -> None:
    edit(
        small,
        "runbook.yml",
        (
            "  - {id: C1.2, title: It is empty, criterion: C1, phase: 01_notes, remedy: Empty it.}\n",
            "",
        ),
    )
    (small / "phases" / "01_notes.sql.j2").write_text(
        "{% import 'gonogo.sql.j2' as gonogo %}\n"
        + CHECK
        + "-- @setup x\n"
        + written.replace("C1.2", "C1.1")
    )
    told = refusal(small)
    assert said in told
    assert re.match(r"01_notes\.sql:\d+: ", told)


# --- before anything is deployed ---------------------------------------------------------------


def test_phases_that_need_what_nobody_looks_up(small: Path) -> None:
    """Without a preflight phase they can be rendered at once, and are."""
    edit(small, "runbook.yml", ("phases:", "facts: [note]\nphases:"))
    edit(
        small,
        "phases/01_notes.sql.j2",
        ("'0' AS expected", "{{ facts.note | literal }} AS expected"),
    )
    told = refusal(small)
    assert re.match(r"01_notes\.sql\.j2:\d+: .*'note'", told)


def test_a_null_in_data_is_no_option_that_was_not_given() -> None:
    options: dict[str, Any] = {
        "login": {"options": {"db": {}, "port": {}}},
        "plan": {},
        "undo": {},
        "note": {},
    }
    values = {
        "login": {"db": "x", "port": None},
        "plan": {"prisma": None, "inner": {"a": None}},
        "undo": None,
        "note": [None],
    }
    assert given(values, options) == {
        "login": {"db": "x"},
        "plan": {"prisma": None, "inner": {"a": None}},
        "note": [None],
    }


# --- any damage to any place -------------------------------------------------------------------


def _tried(folder: Path, chosen: list[Damage], checks: set[str]) -> None:
    for damage in chosen:
        file = folder / damage.file
        before = file.read_bytes()
        file.write_text(damage.text(), encoding="utf-8")
        try:
            became, asked = outcome(folder)
        except GonogoError as error:
            raise AssertionError(f"{damage.file}, {damage.what}: {error.render()}") from error
        except Exception as error:
            raise AssertionError(f"{damage.file}, {damage.what}") from error
        finally:
            file.write_bytes(before)
        if became == "right":
            assert asked == checks, f"{damage.file}, {damage.what}"


def _chosen(folder: Path, number: int, seed: int, wanted: Callable[[Damage], bool]) -> list[Damage]:
    every = [damage for damage in damages(folder) if wanted(damage)]
    return random.Random(seed).sample(every, number)  # noqa: S311 - a sample


def test_every_damage_to_a_small_runbook_is_told_or_harmless(small: Path) -> None:
    """Each line, each key and each call block; of the sixth part that is tried here."""
    _tried(small, list(damages(small))[::6], {"C1.1", "C1.2"})


def test_some_damages_to_the_shipped_runbooks_are_told_or_harmless(folders: Path) -> None:
    folder = folders / SECOND.name
    (_, checks) = outcome(folder)
    _tried(folder, _chosen(folder, 8, 1, lambda damage: damage.file != "manifest.yml"), checks)


@pytest.mark.attack
def test_every_damage_to_a_small_runbook(small: Path) -> None:
    _tried(small, list(damages(small)), {"C1.1", "C1.2"})


@pytest.mark.attack
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", [FIRST.name, SECOND.name])
def test_many_damages_to_the_shipped_runbooks(folders: Path, name: str, seed: int) -> None:
    folder = folders / name
    (_, checks) = outcome(folder)
    _tried(folder, _chosen(folder, 100, seed, lambda _: True), checks)


@pytest.mark.attack
@pytest.mark.parametrize("name", [FIRST.name, SECOND.name])
def test_every_call_block_of_the_shipped_runbooks(folders: Path, name: str) -> None:
    folder = folders / name
    (_, checks) = outcome(folder)
    _tried(folder, [damage for damage in damages(folder) if "{% call" in damage.what], checks)


def test_the_report_has_words_for_facts_that_there_are(small: Path) -> None:
    words = "report:\n  facts: {heading: Found, labels: [{fact: note, label: A note}]}\n"
    edit(small, "runbook.yml", ("phases:", f"{words}phases:"))
    with pytest.raises(InputError, match="no fact is called 'note'"):
        load(small)
    edit(small, "runbook.yml", ("phases:", "facts: [note]\nphases:"))
    report = load(small).plan(stages=[]).report
    assert report is not None
    assert report.facts is not None
    assert report.facts.labels == (LabelledFact(fact="note", label="A note"),)


def test_the_words_of_the_report_are_taken_over(folders: Path) -> None:
    first, second = (load(folders / original.name) for original in (FIRST, SECOND))
    theirs = first.plan(stages=[]).report
    assert theirs is not None
    assert second.plan(stages=[]).report == theirs
    own = "headings: {critical: Keys}"
    edit(folders / SECOND.name, "runbook.yml", ("documents:", f"report: {{{own}}}\ndocuments:"))
    taken = load(folders / SECOND.name).plan(stages=[]).report
    assert taken == replace(theirs, headings={"critical": "Keys"})


NAMES = re.compile("apms|workspace|config_version|workflow|xlsmart", re.IGNORECASE)
ENGINE = (
    "module_utils",
    "library",
    "action_plugins",
    "callback_plugins",
    "lookup_plugins",
    "roles",
    "playbooks",
    "verify",
)


def test_the_engine_knows_no_application() -> None:
    root = RUNBOOKS.parent
    files = [
        path
        for folder in ENGINE
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len(files) > 200
    known = [path for path in files if NAMES.search(path.read_text(encoding="utf-8"))]
    assert known == []
