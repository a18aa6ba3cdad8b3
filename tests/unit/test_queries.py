"""A file of an application's queries: how it is read, and what is refused of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.errors import InputError
from gonogo.contract.records.queries import QueriesRecord, RecordedQuery
from gonogo.controller.runbook import queries
from gonogo.controller.sql.placeholders import numbered


@pytest.mark.parametrize(
    ("query", "server_s"),
    [
        ("SELECT 1", "SELECT 1"),
        ("a = $1 AND b = ?", "a = $1 AND b = ?"),
        ("a = ? AND b IN (?, ?)", "a = $1 AND b IN ($2, $3)"),
        ("a = :id OR b = :id OR c = :name", "a = $1 OR b = $1 OR c = $2"),
        ("a = %s AND b = %s", "a = $1 AND b = $2"),
        ("a = %(id)s AND b = %(id)s", "a = $1 AND b = $1"),
        ("a::text = ':no' -- :no\n", "a::text = ':no' -- :no\n"),
        ("a ? 'key' AND b = ?", "a ? 'key' AND b = $1"),
        ("a ?| ? AND b ?& c", "a ?| $1 AND b ?& c"),
        ("? || name", "$1 || name"),
        ("a = ?::int", "a = $1::int"),
        ("a[1:2] % 3", "a[1:2] % 3"),
        ("a %some b", "a %some b"),
        ("a = ? LIMIT ?", "a = $1 LIMIT $2"),
    ],
)
def test_placeholders_are_numbered(query: str, server_s: str) -> None:
    assert numbered(query) == server_s


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "queries.sql"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_a_file_is_cut_into_its_queries(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "-- the first\nSELECT id\nFROM a WHERE b = 'a;b' AND c = :c;\n\n"
        "DELETE FROM a /* all */ WHERE x = ?; (SELECT 1)\n",
    )
    found = queries.read(file)
    assert [(one.id, one.words) for one in found.queries] == [
        ("queries.sql:2", "SELECT id FROM a WHERE b = '...' AND c = :c"),
        ("queries.sql:5", "DELETE FROM a WHERE x = ?"),
        ("queries.sql:5 (2)", "(SELECT 1)"),
    ]
    assert found.queries[0].text == "SELECT id\nFROM a WHERE b = 'a;b' AND c = $1"
    assert {one.source for one in found.queries} == {queries.NAMED}
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no query"),
        ("-- nothing", "has no query"),
        ("SELECT 1;\nDROP TABLE a;", "queries.sql:2: is no query: DROP"),
        ("BEGIN; SELECT 1", "queries.sql:1: is no query: BEGIN"),
        ("EXPLAIN ANALYZE DELETE FROM a", "queries.sql:1: is no query: EXPLAIN"),
        ("SELECT 'a", "queries.sql:1: a quoted text begins here and does not end"),
        ("SELECT 1\n\\gset", "queries.sql:2: a backslash outside of quotes"),
        (b"SELECT 1;\nSELECT '\xff'", "queries.sql:2: is not UTF-8"),
        (b"SELECT '\0'", "queries.sql:1: a NUL character"),
        (
            "SELECT dblink('host=a password=hunter2')",
            "queries.sql:1: a query holds what looks like a password",
        ),
    ],
)
def test_what_is_no_file_of_queries(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        queries.read(written(tmp_path, text))
    assert caught.value.primary.startswith(message)
    assert "hunter2" not in caught.value.render()


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        queries.read(written(tmp_path, "VACUUM;\nSELECT 1;\nTRUNCATE a;\n"))
    assert "queries.sql:3: is no query: TRUNCATE" in caught.value.render()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file of queries"):
        queries.read(tmp_path / "nowhere.sql")


def test_what_the_server_has_counted_is_kept_without_values_and_comments() -> None:
    said = QueriesRecord(
        queries=tuple(
            RecordedQuery(str(number), text)
            for number, text in enumerate(
                [
                    "SELECT a FROM b WHERE c = $1 /* route='/secret' */",
                    "SELECT 'a value'",
                    "SELECT 1; DROP TABLE a",
                    "VACUUM",
                    "SELECT 'open",
                ]
            )
        ),
        hidden=2,
        reason=None,
    )
    kept = queries.cleaned(said)
    assert kept.queries == (RecordedQuery("0", "SELECT a FROM b WHERE c = $1"),)
    assert kept.hidden == 2
    (found,) = queries.recorded(kept)
    assert (found.source, found.id) == (queries.SERVED, "queryid 0")
    assert found.words == "SELECT a FROM b WHERE c = $1"
