"""What is one tool's own in its files and its record, without a database."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError, InputError
from gonogo.contract.records.migration import HistoryPlan
from gonogo.contract.records.reading import plain, read
from gonogo.controller.runbook.pending import plan as pending_plan
from gonogo.host.migrate import history
from gonogo.host.migrate.history import Entry, History, Migration
from gonogo.host.migrate.history.interface import APPLIED, FAILED, UNDONE
from tests.folders import DOWN, UP, atlas_sum, migrations


def tool(key: str) -> History:
    return history.find(key, schema="public")


def write(path: Path, name: str, text: str) -> Path:
    file = path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def told(files: Sequence[Migration]) -> list[str]:
    return [file.name for file in files]


def pending(key: str, path: Path, *entries: Entry) -> list[str]:
    return told(tool(key).pending(tool(key).files(path), entries))


# --- goose -------------------------------------------------------------------------------------

BLOCK = """
-- A comment.
-- +goose Up
CREATE TABLE t (n int);

-- +goose StatementBegin
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN 1;
END;
$$
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION f;
DROP TABLE t; -- at last
"""


def test_goose_has_both_ways_in_a_file(tmp_path: Path) -> None:
    write(tmp_path, "00012_t.sql", BLOCK)
    write(tmp_path, "2_first.sql", "-- +goose up\n-- +goose no transaction\nVACUUM;\n")
    first, second = tool("goose").files(tmp_path)
    assert (first.name, first.file, first.transaction, first.down) == (
        "2",
        "2_first.sql",
        False,
        None,
    )
    assert second.name == "12"
    assert second.transaction
    lines = BLOCK.split("\n")
    down = lines.index("-- +goose Down")
    assert (second.text or "").split("\n")[3:down] == lines[3:down]
    assert "DROP" not in (second.text or "")
    assert (second.down or "").split("\n")[down + 1 :] == lines[down + 1 :]
    assert "CREATE" not in (second.down or "")


def test_goose_s_programs_are_named_and_not_read(tmp_path: Path) -> None:
    write(tmp_path, "1_a.sql", "-- +goose Up\nSELECT 1;\n")
    write(tmp_path, "2_b.go", "package migrations\n")
    write(tmp_path, "3_b_test.go", "package migrations\n")
    write(tmp_path, "helpers.go", "package migrations\n")
    write(tmp_path, "4_c.sql", "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${X}';\n")
    known = [(one.name, one.text is None) for one in tool("goose").files(tmp_path)]
    assert known == [("1", False), ("2", True), ("4", True)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("1_a.sql", "SELECT 1;\n-- +goose Up\n", r"1_a\.sql:1: a file begins with"),
        ("1_a.sql", "-- nothing\n", r"1_a\.sql:1: there is no -- \+goose Up"),
        ("1_a.sql", "-- +goose Upwards\n", r"-- \+goose Upwards is no annotation"),
        ("1_a.sql", " -- +goose Up\n", "is no annotation"),
        ("1_a.sql", "-- +goose Up\n-- +goose Up\n", r":2: there is a second"),
        ("1_a.sql", "-- +goose Down\n", "Down is not after"),
        ("1_a.sql", "-- +goose Up\n\nSELECT 1\n-- +goose Down\n", r":3: the statement has no semi"),
        ("1_a.sql", "-- +goose Up\nSELECT 1\n", "has no semicolon"),
        ("1_a.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1\n", "has no StatementEnd"),
        ("1_a.sql", "-- +goose Up\n-- +goose StatementEnd\n", "are no pair"),
        ("a.sql", "-- +goose Up\n", "does not begin with a version"),
        ("0_a.sql", "-- +goose Up\n", "does not begin with a version"),
    ],
)
def test_goose_refuses_a_file(tmp_path: Path, name: str, text: str, said: str) -> None:
    write(tmp_path, name, text)
    with pytest.raises(InputError, match=said):
        tool("goose").files(tmp_path)


def test_two_files_of_one_version_are_one_error(tmp_path: Path) -> None:
    for name in ("1_a.sql", "01_b.sql"):
        write(tmp_path, name, "-- +goose Up\nSELECT 1;\n")
    with pytest.raises(InputError, match=r"01_b\.sql and 1_a\.sql are both recorded as 1"):
        tool("goose").files(tmp_path)


# --- dbmate ------------------------------------------------------------------------------------


def test_dbmate_has_both_ways_in_a_file(tmp_path: Path) -> None:
    text = "-- words\n\n-- migrate:up transaction:false\nCREATE INDEX;\n\n--migrate:down\nDROP;\n"
    write(tmp_path, "20260101_x.sql", text)
    write(tmp_path, "x_20260101.sql", "no migration")
    (one,) = tool("dbmate").files(tmp_path)
    assert (one.name, one.transaction) == ("20260101", False)
    assert (one.text or "").split("\n") == [
        "",
        "",
        "-- migrate:up transaction:false",
        "CREATE INDEX;",
        "",
        "",
    ]
    assert (one.down or "").strip() == "--migrate:down\nDROP;"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1;\n", "has no -- migrate:up"),
        ("SELECT 1;\n-- migrate:up\n-- migrate:down\n", "has statements before"),
        ("-- migrate:up\nSELECT 1;\n", "needs one -- migrate:down"),
        ("-- migrate:up\n-- migrate:down\n-- migrate:down\n", "needs one -- migrate:down"),
        ("-- migrate:up\n-- migrate:down\n-- migrate:up\n-- migrate:down\n", "twice"),
    ],
)
def test_dbmate_refuses_a_file(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "1_a.sql", text)
    with pytest.raises(InputError, match=said):
        tool("dbmate").files(tmp_path)


# --- golang-migrate ----------------------------------------------------------------------------


@pytest.fixture
def golang(tmp_path: Path) -> Path:
    for number in (2, 10, 1):
        write(tmp_path, f"{number:06}_x.up.sql", f"SELECT {number};")
    write(tmp_path, "000002_x.down.sql", "SELECT -2;")
    write(tmp_path, "notes.sql", "")
    return tmp_path


def test_golang_migrate_has_a_file_for_each_way(golang: Path) -> None:
    files = tool("golang_migrate").files(golang)
    assert told(files) == ["1", "2", "10"]
    assert [one.file for one in files] == [f"{n:06}_x.up.sql" for n in (1, 2, 10)]
    assert [one.down for one in files] == [None, "SELECT -2;", None]
    assert [one.details["before"] for one in files] == [None, "1", "2"]


def test_golang_migrate_knows_its_newest_version_alone(golang: Path) -> None:
    migrate = tool("golang_migrate")
    files = migrate.files(golang)
    assert migrate.applied(files, []) == []
    assert told(migrate.pending(files, [])) == ["1", "2", "10"]
    assert migrate.applied(files, [Entry("2", APPLIED)]) == ["1", "2"]
    assert told(migrate.pending(files, [Entry("2", APPLIED)])) == ["10"]
    # A file that comes late counts as applied, and never is.
    write(golang, "000005_late.up.sql", "SELECT 5;")
    files = migrate.files(golang)
    assert told(migrate.pending(files, [Entry("10", APPLIED)])) == []
    assert migrate.out_of_order(files, [Entry("10", APPLIED)]) == []
    # Begun and not finished.
    dirty = [Entry("5", FAILED)]
    assert migrate.applied(files, dirty) == ["1", "2"]
    assert migrate.failed(dirty) == ["5"]
    assert told(migrate.pending(files, dirty)) == ["10"]
    ahead = [Entry("11", APPLIED)]
    assert migrate.missing(files, ahead) == migrate.ahead(files, ahead) == ["11"]


def test_what_only_a_tool_records_comes_to_the_target_host(golang: Path) -> None:
    migrate = tool("golang_migrate")
    recorded = pending_plan("golang_migrate", migrate, migrate.files(golang)[1:2]).history
    found = read(HistoryPlan, plain(recorded), file="plan")
    _, (one,) = history.of(found)
    assert (one.name, one.details) == ("2", {"before": "1"})


def test_golang_migrate_is_not_set_back_to_nowhere(golang: Path) -> None:
    """A folder with one of its files does not say what was before it."""
    migrate = tool("golang_migrate")
    one = migrate.named(golang, "000002_x.up.sql", "called")
    assert one.name == "2"
    with pytest.raises(GonogoError, match="which version was there before 2 is not known"):
        migrate.unrecord(None, one)


# --- Diesel ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "transaction"),
    [
        (None, True),
        ("run_in_transaction = false\n", False),
        ("# why\nrun_in_transaction=true # really\n", True),
        # What a file does not say is false.
        ("", False),
    ],
)
def test_diesel_s_metadata_says_whether_there_is_a_transaction(
    tmp_path: Path, metadata: str | None, transaction: bool
) -> None:
    write(tmp_path, "2026-01-01-000000_a/up.sql", UP)
    if metadata is not None:
        write(tmp_path, "2026-01-01-000000_a/metadata.toml", metadata)
    (one,) = tool("diesel").files(tmp_path)
    assert one == Migration(
        "20260101000000", "2026-01-01-000000_a/up.sql", UP, transaction=transaction
    )


def test_diesel_refuses_a_folder_without_its_file(tmp_path: Path) -> None:
    migrations("diesel", tmp_path)
    (tmp_path / "empty").mkdir()
    write(tmp_path, ".hidden/x", "")
    assert len(tool("diesel").files(tmp_path)) == 3
    write(tmp_path, "20260104000000_d/down.sql", DOWN)
    with pytest.raises(InputError, match=r"20260104000000_d has no up\.sql"):
        tool("diesel").files(tmp_path)


# --- sqlx --------------------------------------------------------------------------------------


def test_sqlx_compares_sha_384_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, "0002_add_a_table.sql", UP)
    write(tmp_path, "1_index.up.sql", "-- no-transaction\nCREATE INDEX;")
    write(tmp_path, "1_index.down.sql", "DROP INDEX;")
    first, second = tool("sqlx").files(tmp_path)
    assert (first.name, first.transaction, first.down) == ("1", False, "DROP INDEX;")
    assert (second.name, second.transaction, second.down) == ("2", True, None)
    # As `printf 'CREATE TABLE t (n int);\n' | sha384sum` says.
    assert second.checksums == (
        "5f88b770fdb39c2a3993a30a9e58c2c4e9288f06d47ca2ca3a43ca7e21b1d8e5"
        "a3b666c28340cd2d5bf90cad0c0afdef",
    )


def test_sqlx_refuses_a_name_without_a_version(tmp_path: Path) -> None:
    write(tmp_path, "add_table.sql", UP)
    with pytest.raises(InputError, match=r"add_table\.sql does not begin with a version"):
        tool("sqlx").files(tmp_path)


# --- Supabase ----------------------------------------------------------------------------------


def test_supabase_passes_over_what_it_passes_over(tmp_path: Path) -> None:
    write(tmp_path, "20211208000000_init.sql", UP)
    write(tmp_path, "20260101000000_a.sql", "SELECT 1;\n\n")
    write(tmp_path, "seed.sql", UP)
    (one,) = tool("supabase").files(tmp_path)
    assert (one.name, one.details) == ("20260101000000", {"statements": ["SELECT 1"]})


# --- node-pg-migrate ---------------------------------------------------------------------------


def test_node_pg_migrate_orders_by_moments(tmp_path: Path) -> None:
    write(tmp_path, "20200513070724505_utc.sql", UP)
    write(tmp_path, "1589353644504_earlier.sql", UP)
    write(tmp_path, "1589353644506_later.js", "exports.up = () => {}")
    write(tmp_path, "0009_first.sql", UP)
    write(tmp_path, "README.md", "")
    files = tool("node_pg_migrate").files(tmp_path)
    assert told(files) == [
        "0009_first",
        "1589353644504_earlier",
        "20200513070724505_utc",
        "1589353644506_later",
    ]
    assert [one.text is None for one in files] == [False, False, False, True]


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("SELECT 1;", "SELECT 1;", None),
        ("-- Up Migration\nA;\n-- Down Migration\nB;", "-- Up Migration\nA;", "B;"),
        ("-- Down Migration\nB;\n--- up migration\nA;", "A;", "-- Down Migration\nB;"),
        # Without the first mark, all of it applies.
        ("A;\n-- Down Migration\nB;", "A;\n-- Down Migration\nB;", "B;"),
    ],
)
def test_node_pg_migrate_cuts_a_file_at_its_marks(
    tmp_path: Path, text: str, up: str, down: str | None
) -> None:
    write(tmp_path, "1_a.sql", text)
    (one,) = tool("node_pg_migrate").files(tmp_path)
    assert (one.text or "").strip().endswith(up)
    assert one.down is None if down is None else (one.down or "").strip().endswith(down)


def test_node_pg_migrate_refuses_a_name_without_a_number(tmp_path: Path) -> None:
    write(tmp_path, "helpers.js", "")
    with pytest.raises(InputError, match=r"helpers\.js does not begin with a number"):
        tool("node_pg_migrate").files(tmp_path)


# --- Drizzle -----------------------------------------------------------------------------------


def test_drizzle_passes_over_a_file_whose_moment_is_late(tmp_path: Path) -> None:
    """Its place in the journal says nothing; the newest moment on record does."""
    entries = [{"when": when, "tag": tag} for when, tag in ((10, "a"), (30, "b"), (20, "c"))]
    write(tmp_path, "meta/_journal.json", json.dumps({"entries": entries}))
    for tag in "abc":
        write(tmp_path, f"{tag}.sql", f"SELECT '{tag}';")
    drizzle = tool("drizzle")
    files = drizzle.files(tmp_path)
    assert told(files) == ["10", "30", "20"]
    assert told(drizzle.pending(files, [])) == ["10", "30", "20"]
    record = [Entry("10", APPLIED), Entry("30", APPLIED)]
    assert told(drizzle.out_of_order(files, record)) == ["20"]
    assert drizzle.pending(files, record) == []


def test_drizzle_sends_what_is_between_two_breakpoints(tmp_path: Path) -> None:
    text = "CREATE TABLE a (n int)--> statement-breakpoint\nSELECT ';' -- x;\n--> statement-breakpoint\n;\n"
    write(tmp_path, "meta/_journal.json", '{"entries": [{"when": 1, "tag": "a"}]}')
    write(tmp_path, "a.sql", text)
    (one,) = tool("drizzle").files(tmp_path)
    assert one.text == "CREATE TABLE a (n int);\nSELECT ';' -- x;\n;\n;\n"
    assert one.checksums == (hashlib.sha256(text.encode()).hexdigest(),)


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        (None, r"there is no meta/_journal\.json"),
        ("{", "is no journal of Drizzle's"),
        ("[]", "is no journal of Drizzle's"),
        ("[" * 100_000, "is no journal of Drizzle's"),
        ('{"entries": [{"when": "1", "tag": "a"}]}', "is no journal of Drizzle's"),
        ('{"entries": [{"when": true, "tag": "a"}]}', "is no journal of Drizzle's"),
        ('{"entries": [{"when": 1, "tag": "gone"}]}', r"there is no file gone\.sql"),
        ('{"entries": [{"when": 1, "tag": "../a"}]}', r"\.\./a\.sql is no file of this folder"),
        ('{"entries": [{"when": 1, "tag": "/etc/x"}]}', "is no file of this folder"),
        ('{"entries": [{"when": 1, "tag": "a\\u0000"}]}', "is no file of this folder"),
        (
            '{"entries": [{"when": 1, "tag": "a"}, {"when": 1, "tag": "b"}]}',
            r"a\.sql and b\.sql are both recorded as 1",
        ),
    ],
)
def test_drizzle_refuses_a_journal(tmp_path: Path, journal: str | None, said: str) -> None:
    inner = tmp_path / "inner"
    for name in ("a", "inner/a", "inner/b"):
        write(tmp_path, f"{name}.sql", "SELECT 1;")
    if journal is not None:
        write(inner, "meta/_journal.json", journal)
    with pytest.raises(InputError, match=said):
        tool("drizzle").files(inner)


# --- Atlas -------------------------------------------------------------------------------------


def atlas(path: Path, **files: str) -> Path:
    named = {f"{name}.sql": text for name, text in files.items()}
    for name, text in {**named, "atlas.sum": atlas_sum(named)}.items():
        write(path, name, text)
    return path


def test_atlas_digests_all_files_so_far(tmp_path: Path) -> None:
    """As its own documentation reads them: names and contents, one after the other."""
    path = atlas(tmp_path, **{"1_a": "SELECT 1;\n", "2": "SELECT 2;\n"})
    first, second = tool("atlas").files(path)
    far = hashlib.sha256(b"1_a.sqlSELECT 1;\n2.sqlSELECT 2;\n").digest()
    assert (first.name, second.name) == ("1", "2")
    assert second.checksums == (base64.b64encode(far).decode(),)


def test_atlas_refuses_a_folder_that_its_digests_are_not_of(tmp_path: Path) -> None:
    path = atlas(tmp_path, **{"1_a": "SELECT 1;\n", "2_b": "SELECT 2;\n"})
    write(path, "2_b.sql", "SELECT 3;\n")
    with pytest.raises(InputError, match=r"atlas\.sum is not that of the files") as caught:
        tool("atlas").files(path)
    assert "2_b.sql is the first that differs." in caught.value.render()
    (path / "atlas.sum").unlink()
    with pytest.raises(InputError, match=r"there is no atlas\.sum"):
        tool("atlas").files(path)


def test_atlas_reads_directives_at_the_top(tmp_path: Path) -> None:
    path = atlas(
        tmp_path,
        **{
            "1_alone": "-- atlas:txmode none\n\nVACUUM;\n",
            "2_said_to_a_statement": "-- atlas:txmode none\nVACUUM;\n",
            "3_other": "-- atlas:delimiter \\n\\n\n\nSELECT 1\n\n",
            "4_check": "-- atlas:checkpoint v4\n\nSELECT 1;\n",
            "5_after": "SELECT 1;\n",
        },
    )
    files = tool("atlas").files(path)
    assert [one.transaction for one in files] == [False, True, True, True, True]
    assert [one.text is None for one in files] == [False, False, True, False, False]
    # A checkpoint stands for what is before it.
    assert pending("atlas", path) == ["4", "5"]
    assert pending("atlas", path, Entry("1", APPLIED)) == ["2", "3", "5"]
    write(path, "6_wrong.sql", "-- atlas:txmode all\n\nSELECT 1;\n")
    texts = {file.name: file.read_text() for file in path.glob("*.sql")}
    write(path, "atlas.sum", atlas_sum(texts))
    with pytest.raises(InputError, match="a transaction mode that Atlas refuses"):
        tool("atlas").files(path)


def test_atlas_names_the_first_file_that_was_changed(tmp_path: Path) -> None:
    """Every digest after it differs as well; and all do after a file that came late."""
    entries = [
        Entry(one.name, APPLIED, one.checksums[0])
        for one in tool("atlas").files(migrations("atlas", tmp_path / "a"))
    ]
    changed = tool("atlas").files(migrations("atlas", tmp_path / "b", up="SELECT '{}';\n"))
    assert told(tool("atlas").changed(changed, entries)) == ["20260101000000"]
    names = ("20260101000000_a", "20260101000001_late", "20260102000000_b", "20260103000000_c")
    late = tool("atlas").files(migrations("atlas", tmp_path / "c", names))
    assert tool("atlas").changed(late, entries) == []
    assert told(tool("atlas").out_of_order(late, entries)) == ["20260101000001"]


# --- Flyway ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "checksum"),
    [
        # As Java's CRC32 says of each line that its BufferedReader gives.
        (b"CREATE TABLE t (n int);\n", "110277464"),
        (b"CREATE TABLE t (n int);\r\n", "110277464"),
        (b"\xef\xbb\xbfCREATE TABLE t (n int);", "110277464"),
        ("SELECT 'ä';\rSELECT 2;\n\n".encode(), "2013008670"),
        (b"", "0"),
    ],
)
def test_flyway_sums_up_the_lines(content: bytes, checksum: str) -> None:
    assert tool("flyway").checksums(content) == (checksum,)


def test_flyway_has_four_kinds_of_files(tmp_path: Path) -> None:
    for name in (
        "V1__first_table.sql",
        "V1_10.0__ten.sql",
        "sub/V1.2__two.SQL",
        "U1_2__two.sql",
        "B2__all.sql",
        "R__a_view.sql",
        "afterMigrate.sql",
        "Vx__no.sql",
    ):
        write(tmp_path, name, f"-- {name}\n")
    files = tool("flyway").files(tmp_path)
    assert told(files) == ["1", "1.2", "1.10", "B2", "R__a view"]
    assert files[1].file == "sub/V1.2__two.SQL"
    assert [one.down for one in files] == [None, "-- U1_2__two.sql\n", None, None, None]
    # Into an empty database goes the newest baseline, and what comes after it.
    assert pending("flyway", tmp_path) == ["B2", "R__a view"]
    one = Entry("1", APPLIED, files[0].checksums[0], {"type": "SQL"})
    assert pending("flyway", tmp_path, one) == ["1.2", "1.10", "R__a view"]


def test_flyway_s_baseline_stands_for_what_is_before_it(tmp_path: Path) -> None:
    for name in ("V1__a", "V2__b", "V3__c"):
        write(tmp_path, f"{name}.sql", UP)
    flyway = tool("flyway")
    files = flyway.files(tmp_path)
    base = [Entry("2.1", APPLIED, None, {"type": "BASELINE"})]
    assert told(flyway.pending(files, base)) == ["3"]
    assert flyway.missing(files, base) == []
    assert flyway.out_of_order(files, base) == []


def test_flyway_applies_a_repeatable_again_when_it_was_edited(tmp_path: Path) -> None:
    write(tmp_path, "V1__a.sql", UP)
    write(tmp_path, "R__view.sql", "SELECT 1;")
    flyway = tool("flyway")
    files = flyway.files(tmp_path)
    record = [Entry(one.name, APPLIED, one.checksums[0]) for one in files]
    assert flyway.pending(files, record) == flyway.changed(files, record) == []
    write(tmp_path, "R__view.sql", "SELECT 2;")
    write(tmp_path, "V1__a.sql", "SELECT 2;")
    files = flyway.files(tmp_path)
    assert told(flyway.pending(files, record)) == ["R__view"]
    assert told(flyway.changed(files, record)) == ["1"]


@pytest.mark.parametrize(
    ("text", "settings", "transaction", "known"),
    [
        ("SELECT 1;", None, True, True),
        ("SELECT 1;", "executeInTransaction=false\n", False, True),
        ("SELECT 1; create  unique index concurrently i ON t (n);", None, False, True),
        ("-- VACUUM;\nSELECT 'x; VACUUM';", None, True, True),
        ("CREATE FUNCTION f() AS $x$ VACUUM; $x$;", None, True, True),
        ("VACUUM t;", "# said\nflyway.executeInTransaction = true\n", True, True),
        ("SELECT ${value};", None, True, False),
        ("SELECT '${value}';", "placeholderReplacement=false", True, True),
    ],
)
def test_flyway_says_which_file_is_in_a_transaction(
    tmp_path: Path, text: str, settings: str | None, transaction: bool, known: bool
) -> None:
    write(tmp_path, "V1__a.sql", text)
    write(tmp_path, "R__a.sql", text)
    if settings is not None:
        for name in ("V1__a", "R__a"):
            write(tmp_path, f"{name}.sql.conf", settings)
    one, repeated = tool("flyway").files(tmp_path)
    assert one.transaction == transaction
    assert one.text == (text if known else None)
    assert one.checksums
    # What a repeatable one is with the values in it is not known.
    assert bool(repeated.checksums) == known


@pytest.mark.parametrize("settings", ["other=1\n", "executeInTransaction=perhaps\n"])
def test_flyway_refuses_settings(tmp_path: Path, settings: str) -> None:
    write(tmp_path, "V1__a.sql", UP)
    write(tmp_path, "V1__a.sql.conf", settings)
    with pytest.raises(InputError, match=r"V1__a\.sql\.conf"):
        tool("flyway").files(tmp_path)


def test_a_version_on_record_may_be_anything(tmp_path: Path) -> None:
    """Others write there as well; Flyway's column is text."""
    write(tmp_path, "V1__a.sql", UP)
    flyway = tool("flyway")
    files = flyway.files(tmp_path)
    for name in ("\u00b2", "1.\u00b2", "x", "", "9" * 50):
        entries = [Entry(name, APPLIED, None, {"type": "SQL"})]
        assert flyway.missing(files, entries) == [name]
        assert set(flyway.ahead(files, entries)) <= {name}
        assert told(flyway.pending(files, entries)) == ["1"]


def test_flyway_takes_two_spellings_for_one_version(tmp_path: Path) -> None:
    for name in ("V1.0__a.sql", "V01__b.sql"):
        write(tmp_path, name, UP)
    with pytest.raises(InputError, match="are both recorded as 1"):
        tool("flyway").files(tmp_path)


def test_flyway_s_lock_is_named_by_its_table() -> None:
    """As Java's hashCode() of "public"."flyway_schema_history", and the number of "Flyway"."""
    assert tool("flyway").lock_name == "77433833903597"


# --- Sqitch ------------------------------------------------------------------------------------

PLAN = """\
%syntax-version=1.0.0
%project=flipr
%uri=HTTPS://Example.org

# A comment.
appschema 2026-01-01T00:00:00Z A Person <a@example.org> # The schema.\\nAnd more.
users [appschema !legacy other:thing] 2026-01-02T00:00:00Z A Person <a@example.org>
@v1 2026-01-03T00:00:00Z A Person <a@example.org> # Tagged
users [users@v1] 2026-01-04T00:00:00Z A Person <a@example.org> # Reworked.
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    write(tmp_path, "sqitch.plan", PLAN)
    for name in ("appschema", "users", "users@v1"):
        write(tmp_path, f"deploy/{name}.sql", f"-- {name}\n")
    write(tmp_path, "revert/users.sql", "DROP;")
    write(tmp_path, "sqitch.conf", "[core]\n\tengine = pg\n\t# top_dir = .\n")
    return tmp_path


def test_sqitch_knows_a_change_by_what_the_plan_says_of_it(plan: Path) -> None:
    files = tool("sqitch").files(plan)
    # As `sqitch plan --format 'format:%H'` of Sqitch 1.3.1 prints them.
    assert told(files) == [
        "992b826cbf85f4ac8a720c5dd9813cc35e4638db",
        "200b408aed4e39c454ccb2b4ada71ba1f7f21370",
        "36fcd455bd12b398fc7d16da0d3dafb5b91a8aee",
    ]
    assert [one.file for one in files] == [
        "deploy/appschema.sql",
        "deploy/users@v1.sql",
        "deploy/users.sql",
    ]
    assert [one.down for one in files] == [None, None, "DROP;"]
    assert files[0].checksums == (hashlib.sha1(b"-- appschema\n").hexdigest(),)  # noqa: S324
    needs: Any = files[1].details["needs"]
    assert [(one["type"], one["text"], one["id"]) for one in needs] == [
        ("require", "appschema", files[0].name),
        ("conflict", "legacy", None),
        ("require", "other:thing", None),
    ]
    needs = files[2].details["needs"]
    assert needs[0]["id"] == files[1].name


def test_sqitch_knows_its_own_project_alone(plan: Path) -> None:
    sqitch = tool("sqitch")
    files = sqitch.files(plan)
    own, other = {"project": "flipr"}, {"project": "other"}
    entries = [
        Entry("gone", APPLIED, None, own),
        Entry(files[0].name, APPLIED, None, own),
        Entry("theirs", APPLIED, None, other),
        Entry("later", APPLIED, None, own),
    ]
    assert sqitch.missing(files, entries) == ["gone", "later"]
    assert sqitch.ahead(files, entries) == ["later"]
    assert told(sqitch.pending(files, entries)) == told(files)[1:]
    undone = [Entry(files[0].name, UNDONE, None, own)]
    assert told(sqitch.pending(files, undone)) == told(files)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "says no %project"),
        ("%project=p\n\nusers\n", r"sqitch\.plan:3 is neither a change nor a tag"),
        ("%project=p\n\n@v1 2026-01-03T00:00:00Z A <a@b>\n", "is a tag before any change"),
        ("%project=p\n\na [b] 2026-01-03T00:00:00Z A <a@b>\n", "needs b, which is not before it"),
        ("%project=p\n\na [@@] 2026-01-03T00:00:00Z A <a@b>\n", "needs @@, which is no change"),
        ("%project=p\n\na/../../b 2026-01-03T00:00:00Z A <a@b>\n", "neither a change nor a tag"),
        ("%project=p\n\n/etc/b 2026-01-03T00:00:00Z A <a@b>\n", "neither a change nor a tag"),
        ("%project=p\n\na 2026-01-03T00:00:00Z A <a@b>\n", r"there is no file deploy/a\.sql"),
    ],
)
def test_sqitch_refuses_a_plan(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "sqitch.plan", text)
    with pytest.raises(InputError, match=said):
        tool("sqitch").files(tmp_path)


def test_sqitch_s_other_places_are_not_guessed(plan: Path) -> None:
    write(plan, "sqitch.conf", "[core]\n\ttop_dir = sql\n")
    with pytest.raises(InputError, match="keeps the plan or its scripts elsewhere"):
        tool("sqitch").files(plan)
    with pytest.raises(InputError, match=r"there is no sqitch\.plan"):
        tool("sqitch").files(plan / "deploy")
    with pytest.raises(GonogoError, match=r"what the plan says of deploy/a\.sql is not known"):
        tool("sqitch").record(None, Migration("x", "deploy/a.sql"))
