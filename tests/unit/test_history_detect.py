"""Whose a folder of migrations is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.host.migrate import history
from tests.folders import MAKERS, UP, migrations

# By what only its own folder has.
ALONE = sorted({*MAKERS} - {"plain", "sqlx", "supabase"})


def write(path: Path, *names: str, text: str = "") -> Path:
    for name in names:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        history.detect(path)
    return caught.value.render()


@pytest.mark.parametrize("tool", ALONE)
def test_a_folder_is_a_tool_s(tool: str, tmp_path: Path) -> None:
    names = ("000001_a", "000002_b") if tool == "golang_migrate" else ("20260101000000_a",)
    assert history.detect(migrations(tool, tmp_path / "migrations", names)) == tool


def test_every_tool_has_a_folder() -> None:
    assert {*MAKERS} == {*history.TOOLS}


@pytest.mark.parametrize(
    ("tool", "names", "found"),
    [
        ("prisma", ("migration_lock.toml",), "prisma"),
        ("diesel", ("a/up.sql",), "diesel"),
        ("flyway", ("sub/R__view.sql",), "flyway"),
        (
            "drizzle",
            ("20260101000000_a/migration.sql", "20260101000000_a/snapshot.json"),
            "drizzle",
        ),
        ("plain", ("words.sql",), "plain"),
    ],
)
def test_one_mark_is_enough(tool: str, names: tuple[str, ...], found: str, tmp_path: Path) -> None:
    assert tool == found
    assert history.detect(write(tmp_path / "m", *names)) == found


# --- the project around it ----------------------------------------------------------------------


def test_a_folder_of_supabase_s_is_known_by_where_it_is(tmp_path: Path) -> None:
    path = migrations("supabase", tmp_path / "supabase" / "migrations")
    assert history.detect(path) == "supabase"


@pytest.mark.parametrize(
    ("beside", "found"),
    [
        # A project that is not of Rust has no sqlx, and one whose folder is elsewhere no Supabase.
        (("package.json",), "plain"),
        (("Cargo.toml", ".sqlx/query-1.json"), "sqlx"),
    ],
)
def test_the_project_says_more(beside: tuple[str, ...], found: str, tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD", *beside)
    path = tmp_path / "db" / "migrations"
    assert history.detect(migrations("plain", path)) == found


@pytest.mark.parametrize(
    ("beside", "found"), [("go.mod", "golang_migrate"), ("package.json", "golang_migrate")]
)
def test_pairs_of_another_language_are_golang_migrate_s(
    beside: str, found: str, tmp_path: Path
) -> None:
    write(tmp_path, ".git/HEAD", beside)
    assert history.detect(migrations("sqlx", tmp_path / "m")) == found


def test_what_cannot_be_read_around_it_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ".git/HEAD", "package.json")
    path = migrations("plain", tmp_path / "m")
    assert history.detect(path) == "plain"
    whole = Path.iterdir

    def refuse(asked: Path) -> object:
        if asked == tmp_path:
            raise PermissionError
        return whole(asked)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "may be of several migration tools" in refused(path)


# --- one clear error ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "candidates"),
    [
        ("sqlx", "golang_migrate or sqlx"),
        ("supabase", "plain or sqlx or supabase"),
    ],
)
def test_a_folder_that_fits_several_asks(tool: str, candidates: str, tmp_path: Path) -> None:
    said = refused(migrations(tool, tmp_path / "m"))
    assert said.startswith("the folder m may be of several migration tools")
    assert f"-e gonogo_migration_tool={candidates}." in said
    assert "20260101000000_a" in said


def test_two_tools_in_one_folder_are_one_error(tmp_path: Path) -> None:
    migrations("goose", tmp_path / "m", ("1_a",))
    migrations("dbmate", tmp_path / "m", ("2_b",))
    said = refused(tmp_path / "m")
    assert "the folder m has files of several migration tools" in said
    assert "dbmate: 2_b.sql has -- migrate:up" in said
    assert "goose: 1_a.sql has -- +goose" in said
    assert "gonogo_migration_tool=dbmate or goose." in said


def test_an_empty_folder_is_one_error(tmp_path: Path) -> None:
    write(tmp_path / "m", ".gitkeep")
    assert "the folder m is empty" in refused(tmp_path / "m")
    assert "there is no folder of migrations nowhere" in refused(tmp_path / "nowhere")


def test_a_file_that_is_no_text_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_bytes(b"-- \xff")
    assert "1_a.sql is not UTF-8 text" in refused(tmp_path)


def test_a_folder_of_nobody_s_is_one_error(tmp_path: Path) -> None:
    said = refused(write(tmp_path / "m", "README.md"))
    assert "the folder m is of no migration tool that is known here" in said


@pytest.mark.parametrize(
    ("name", "text", "tool"),
    [
        ("env.py", "", "Alembic"),
        ("1975ea83b712_add.py", "down_revision = None", "Alembic"),
        ("0001_initial.py", "class Migration(migrations.Migration):", "Django"),
        ("20260101000000_create_users.rb", "", "Rails"),
        ("20260101000000_users.js", "exports.up = (knex) => knex", "Knex"),
        ("1700000000000-Users.ts", "implements MigrationInterface", "TypeORM"),
        ("20260101000000_Users.Designer.cs", "", "Entity Framework Core"),
        ("changelog.xml", "<databaseChangeLog>", "Liquibase"),
        ("001.sql", "--liquibase formatted sql\n", "Liquibase"),
        ("1700000000000_users.js", "exports.up = (pgm) => {}", "node-pg-migrate"),
        ("20260101000000_users.exs", "", "Ecto"),
        ("2026_01_01_000000_users.php", "", "Laravel"),
        ("001-users.ts", "", "a JavaScript or TypeScript tool"),
    ],
)
def test_programs_are_named_and_not_read(name: str, text: str, tool: str, tmp_path: Path) -> None:
    said = refused(write(tmp_path / "m", name, text=text))
    assert f"the migrations of the folder m are programs of {tool}" in said
    assert f"{name} says so." in said


def test_programs_beside_a_tool_s_sql_are_its_own_matter(tmp_path: Path) -> None:
    path = migrations("node_pg_migrate", tmp_path, ("1_a",), up=UP)
    write(path, "1700000000000_users.js", text="exports.up = (pgm) => {}")
    assert history.detect(path) == "node_pg_migrate"
