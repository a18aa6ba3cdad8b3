"""A runbook is refused before the first connection, with file, line and the name in question."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller import runbook

ORIGINAL = next((Path(__file__).parents[2] / "runbooks").glob("20251229010228_*"))
CHECK = "  - {id: C9.9, title: x, criterion: C1, phase: 01_critical_C1_C2, remedy: x}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(ORIGINAL, tmp_path / ORIGINAL.name)


def load(folder: Path, **more: Any) -> runbook.Runbook:
    return runbook.load(folder, **{"profile": "target", "parameters": {}, **more})


def refusal(folder: Path, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(folder, **more)
    return caught.value.render()


def edit(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first occurrence; return its line."""
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text, old
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("profile", ["target", "as_deployed"])
def test_the_shipped_runbook_is_right(profile: str) -> None:
    loaded = load(ORIGINAL, profile=profile)
    assert loaded.name == ORIGINAL.name
    assert [phase.name for phase in loaded.phases("preflight")] == ["00_preflight"]
    assert set(loaded.digests) == {
        path.relative_to(ORIGINAL).as_posix() for path in ORIGINAL.rglob("*") if path.is_file()
    }
    plan = loaded.plan(stages=["target"])
    assert len(plan.scoring) == 15
    assert {check.id for check in plan.checks} == set(loaded.checks)


def test_profiles_narrow_the_manifest() -> None:
    target, deployed = load(ORIGINAL), load(ORIGINAL, profile="as_deployed")
    assert [key.name for key in deployed.manifest.foreign_keys] == [
        "config_versions_workspace_id_fkey"
    ]
    assert len(target.manifest.foreign_keys) > 50
    assert "guards.sql" not in [file.name for file in deployed.migration_files]
    assert "guards.sql" in [file.name for file in target.migration_files]


def test_one_digest_for_the_folder(folder: Path) -> None:
    before = load(folder).sha256
    assert before == load(ORIGINAL).sha256
    edit(folder, "migration.sql", "\n", "\n\n")
    assert load(folder).sha256 != before


def test_parameters() -> None:
    assert load(ORIGINAL).parameters["minimum_active_users"] == 2
    given = {"minimum_active_users": 5, "application_role": "app"}
    assert load(ORIGINAL, parameters=given).parameters == {
        "workspace_code": "XLSMART-AVIAT",
        "minimum_active_users": 5,
        "application_role": "app",
        "application_name": "",
        "strict_pgcrypto": False,
    }


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"workspace_cod": "x"},
            "the runbook has no parameter 'workspace_cod'\n"
            "DETAIL:  gonogo_parameters.workspace_cod\nHINT:  Did you mean 'workspace_code'?",
        ),
        (
            {"minimum_active_users": "5"},
            "parameter 'minimum_active_users' must be of type int\n"
            'DETAIL:  gonogo_parameters.minimum_active_users is "5"',
        ),
        (
            {"minimum_active_users": True},
            "parameter 'minimum_active_users' must be of type int\n"
            'DETAIL:  gonogo_parameters.minimum_active_users is "True"',
        ),
        (
            {"minimum_active_users": 0},
            "parameter 'minimum_active_users' must be 2 or more\n"
            'DETAIL:  gonogo_parameters.minimum_active_users is "0"',
        ),
        (
            {"strict_pgcrypto": "no"},
            "parameter 'strict_pgcrypto' must be of type bool\n"
            'DETAIL:  gonogo_parameters.strict_pgcrypto is "no"',
        ),
        (
            {"workspace_code": 5},
            "parameter 'workspace_code' must be of type str\n"
            'DETAIL:  gonogo_parameters.workspace_code is "5"',
        ),
    ],
)
def test_parameter_refused(parameters: dict[str, Any], message: str) -> None:
    assert refusal(ORIGINAL, parameters=parameters) == message


def test_profile_refused() -> None:
    assert refusal(ORIGINAL, profile="as_deploied") == (
        "there is no such profile\n"
        'DETAIL:  gonogo_profile is "as_deploied"\n'
        f"HINT:  {ORIGINAL.name} knows: target, as_deployed."
    )


def test_a_bare_password_in_the_place_of_a_profile_is_not_shown() -> None:
    assert "Hunter2Zebra9" not in refusal(ORIGINAL, profile="Hunter2Zebra9")


def test_folder_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no") == (
        f"there is no runbook folder {tmp_path}/no\n"
        "HINT:  Set gonogo_runbook to a folder below runbooks/."
    )


# What stands in the file, what is put in its place, and what is said about line {line}. The line
# is where the old text began, or `after` lines below.
@pytest.mark.parametrize(
    ("name", "old", "new", "after", "message"),
    [
        ("runbook.yml", "scoring:", "scorring:", 0, "'scorring' is not a known key"),
        ("runbook.yml", "format: 1", "format: 2", 0, "'format' is unknown"),
        ("manifest.yml", "format: 1", "format: 7", 0, "'format' is unknown"),
        ("runbook.yml", "criterion: C1\n", "criterion: C11\n", 0, "no criterion is called 'C11'"),
        (
            "runbook.yml",
            "phase: 01_critical_C1_C2\n",
            "phase: 01_critical\n",
            0,
            "no phase is called '01_critical'",
        ),
        ("runbook.yml", "races: [V2.3]", "races: [V2.4]", 0, "no check is called 'V2.4'"),
        (
            "runbook.yml",
            "races: [V2.3]",
            "races: [C1.1]",
            0,
            "'phases[5].races[0]' is a check of phase 01_critical_C1_C2",
        ),
        ("runbook.yml", "of: [C4, V3]", "of: [C4, V33]", 0, "no criterion is called 'V33'"),
        ("runbook.yml", "scoring: [S0, C1", "scoring: [S0, C0", 0, "no criterion is called 'C0'"),
        (
            "runbook.yml",
            "scoring: [S0, C1",
            "scoring: [S0, S0",
            0,
            "'scoring[1]' is there twice, first in runbook.yml:{line}",
        ),
        (
            "runbook.yml",
            "foreign_keys.sql, profiles: [target]",
            "foreign_keys.sql, profiles: [taget]",
            0,
            "no profile is called 'taget'",
        ),
        ("runbook.yml", "checks:\n", "checks:\n" + CHECK + CHECK, 2, "'checks[1].id' is there twice, first in runbook.yml:{before}"),
        (
            "runbook.yml",
            "checks:\n",
            "checks:\n" + CHECK + CHECK.replace("C9.9", "c9.9"),
            2,
            "'checks[1].id' is there twice, first in runbook.yml:{before}",
        ),
        ("runbook.yml", "title: APMS", "title: x\ntitle: APMS", 1, "key 'title' is there twice"),
        (
            "runbook.yml",
            "  - {id: N2,",
            "  - {id: N9, class: nice, title: x}\n  - {id: N2,",
            0,
            "criterion 'N9' has no check",
        ),
        (
            "runbook.yml",
            "  - {name: 04_invariants,",
            "  - {name: 09_none, title: x, transaction: trial}\n  - {name: 04_invariants,",
            0,
            "phase '09_none' has no check",
        ),
        ("runbook.yml", "transaction: read_only", "transaction: readonly", 0, "'phases[0].transaction' must be one of read_only, snapshot, trial, writes"),
        ("runbook.yml", "effect: hold", "effect: holdd", 0, "'checks[2].effect' must be one of no_go, hold, important, none"),
        ("runbook.yml", "stop: true", "stop: 'yes'", 0, "'checks[0].stop' must be true or false"),
        ("runbook.yml", "id: '0.1.1'", "id: 0.1", 0, "'checks[0].id' must be text"),
        ("runbook.yml", "default: 2\n", "default: two\n", 0, "'parameters.minimum_active_users.default' must be of type int"),
        ("runbook.yml", "default: 2\n", "default: 0\n", 0, "'parameters.minimum_active_users.default' must be 2 or more"),
        ("runbook.yml", "default: XLSMART-AVIAT\n", "default: x\n    minimum: 1\n", 1, "'parameters.workspace_code.minimum' is for parameters of type int"),
        ("runbook.yml", "  - {file: migration.sql}", "  - {file: ../x.sql}", 0, "'migration[0].file' must match [A-Za-z0-9][A-Za-z0-9_.-]*"),
        ("runbook.yml", "  - {file: migration.sql}", "  - {file: none.sql}", 0, "file none.sql does not exist"),
        ("runbook.yml", "cleanup: 99_cleanup", "cleanup: 98_cleanup", 0, "file phases/98_cleanup.sql.j2 does not exist"),
        ("runbook.yml", "  - ledger_tables\n", "", None, None),
    ],
)  # fmt: skip
def test_mistakes(
    folder: Path, name: str, old: str, new: str, after: int | None, message: str | None
) -> None:
    line = edit(folder, name, old, new)
    said = refusal(folder).splitlines()[0]
    if message is None or after is None:
        assert re.fullmatch(r"\S+:\d+: the runbook declares no fact 'ledger_tables'", said)
        return
    line += after
    assert said == f"{name}:{line}: {message.format(line=line, before=line - 1)}"


def test_did_you_mean(folder: Path) -> None:
    edit(folder, "runbook.yml", "phase: 01_critical_C1_C2\n", "phase: 01_critical_C1_C3\n")
    said = refusal(folder)
    assert said.endswith("HINT:  Did you mean '01_critical_C1_C2'?")
    assert f'{folder}/runbook.yml: checks[10].phase is "01_critical_C1_C3"' in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ nothing | literal }}", "'nothing' is undefined"),
        ("{{ facts.user | literal }}", "the runbook declares no fact 'user'"),
        ("{{ facts['user'] | literal }}", "the runbook declares no fact 'user'"),
        ("{{ parameters.workspace | literal }}", "the runbook declares no parameter 'workspace'"),
        ("{{ facts.users | litral }}", "there is no filter 'litral'"),
        ("{% if facts.users is lit %}{% endif %}", "there is no test 'lit'"),
        ("{% import 'gonog.sql.j2' as gonogo %}", "there is no template 'gonog.sql.j2'"),
        ("{% include 'none.sql' %}", "there is no template 'none.sql'"),
        ("{% if %}", "Expected an expression, got 'end of statement block'"),
        ("{{ § }}", "unexpected char '§' at 10"),
        ("{% for x in facts.users %}", None),
    ],
)
@pytest.mark.parametrize("name", ["phases/04_invariants.sql.j2", "races/V2.3.yml.j2"])
def test_template_mistakes(folder: Path, name: str, text: str, message: str | None) -> None:
    for other in (folder / "phases").glob("*.j2"):
        if other.name[0] == "0":  # they would only take time
            other.write_text("-- nothing\n", encoding="utf-8")
    file = folder / name
    old = file.read_text(encoding="utf-8")
    file.write_text(f"-- one\n{text}\n{old if message else ''}", encoding="utf-8")
    said = refusal(folder).splitlines()[0]
    if message is None:
        assert said.startswith(f"{file.name}:2: Unexpected end of template.")
    else:
        assert said.startswith(f"{file.name}:2: {message}")


def test_a_hint_for_a_fact(folder: Path) -> None:
    edit(folder, "phases/99_cleanup.sql.j2", "facts.ledger_tables", "facts.ledger_table")
    assert refusal(folder).endswith("HINT:  Did you mean 'ledger_tables'?")


def _empty(folder: Path) -> None:
    (folder / "phases" / "04_invariants.sql.j2").write_text("")


def _missing(folder: Path) -> None:
    (folder / "phases" / "04_invariants.sql.j2").unlink()


def _no_race(folder: Path) -> None:
    (folder / "races" / "V2.3.yml.j2").unlink()


def _link_out(folder: Path) -> None:
    _missing(folder)
    outside = folder.parent / "outside.sql"
    outside.write_text("SELECT 1;")
    (folder / "phases" / "04_invariants.sql.j2").symlink_to(outside)


def _folder_out(folder: Path) -> None:
    shutil.move(folder / "races", folder.parent / "races")
    (folder / "races").symlink_to(folder.parent / "races")


def _latin(folder: Path) -> None:
    (folder / "phases" / "04_invariants.sql.j2").write_bytes(b"-- \xe9")


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.yml").unlink()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (_empty, r"runbook\.yml:\d+: file phases/04_invariants\.sql\.j2 is empty"),
        (_missing, r"runbook\.yml:\d+: file phases/04_invariants\.sql\.j2 does not exist"),
        (_no_race, r"runbook\.yml:\d+: file races/V2\.3\.yml\.j2 does not exist"),
        (_link_out, r"file phases/04_invariants\.sql\.j2 leads out of the runbook"),
        (_folder_out, r"file races leads out of the runbook"),
        (_latin, r"04_invariants\.sql\.j2:1: not UTF-8 at byte 3"),
        (_no_manifest, r"00_preflight\.sql\.j2:\d+: the runbook has no manifest\.yml"),
    ],
)
def test_files(folder: Path, break_it: Callable[[Path], None], message: str) -> None:
    break_it(folder)
    assert re.fullmatch(message, refusal(folder).splitlines()[0])


def test_a_link_inside_is_fine(folder: Path) -> None:
    file = folder / "phases" / "04_invariants.sql.j2"
    file.rename(file.with_name("other.sql.j2"))
    file.symlink_to("other.sql.j2")
    load(folder)
