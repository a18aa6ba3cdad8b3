"""Which columns of which tables a statement may write, by its text."""

from __future__ import annotations

import pytest

from gonogo.controller.sql import statements
from gonogo.controller.sql.writes import Write, names, writes


def read(text: str) -> Write | None:
    (piece,) = statements.pieces(text)
    return writes(piece)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UPDATE s.t SET a = b", Write(["t"], ["a"])),
        (
            'UPDATE ONLY "T" AS x SET a = (SELECT c, d FROM e), ("B", c) = (1, 2), d[1] = 3 '
            "FROM f WHERE g = 1 RETURNING h",
            Write(["T"], ["a", "B", "c", "d"]),
        ),
        ("UPDATE t SET a = b IS DISTINCT FROM c, d = 1 WHERE e = 1", Write(["t"], ["a", "d"])),
        ("INSERT INTO s.t (a, b) SELECT c, d FROM e", Write(["t"], rows=True)),
        (
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE c",
            Write(["t"], ["b"], rows=True),
        ),
        ("DELETE FROM ONLY s.t USING u WHERE a = 1", Write(["t"], rows=True)),
        ("TRUNCATE t, u", Write(["t", "truncate", "u"], rows=True)),
        (
            "ALTER TABLE IF EXISTS ONLY s.t ALTER a TYPE int USING b::int",
            Write(
                ["t"],
                sorted({*names("alter table if exists only s.t a type int using b")}),
                retyped=True,
            ),
        ),
        ("ALTER TABLE t ADD COLUMN a int", None),
        ("ALTER TYPE t ADD VALUE 'a'", None),
        ("CREATE INDEX ON t (a)", None),
        ("COMMENT ON TABLE t IS 'UPDATE t SET a = 1'", None),
        ("GRANT SELECT ON t TO a", None),
        (
            "DO $$ BEGIN UPDATE t SET a = 1; END $$",
            Write(["a", "begin", "do", "end", "set", "t", "update"], None, rows=True),
        ),
        ("SELECT f()", Write(["f", "select"], None, rows=True)),
        (
            "WITH x AS (DELETE FROM t) SELECT /* u */ 1",
            Write(["as", "delete", "from", "select", "t", "with", "x"], None, rows=True),
        ),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE sql AS 'a'",
            Write(
                sorted({*names("create or replace function f returns trigger language sql as a")}),
                None,
                rows=True,
            ),
        ),
        ("UPDATE", Write([""], [])),
    ],
)
def test_a_statement_says_what_it_writes(text: str, expected: Write | None) -> None:
    assert read(text) == expected
