"""What a statement asks of the rows that are there, by its text."""

from __future__ import annotations

from typing import Any

import pytest
from pglast import parse_sql
from pglast.stream import RawStream

from gonogo.contract.records.migration import Demand
from gonogo.controller.sql import statements
from gonogo.controller.sql.demands import demands


def read(text: str) -> tuple[Demand, ...]:
    (piece,) = statements.pieces(text)
    return demands(piece)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ALTER TABLE s.t ADD CONSTRAINT c CHECK (a >= 1 /* b */ AND (b <> ')')) NO INHERIT;",
            [Demand("check", "s.t", "c", condition="a >= 1 AND (b <> ')')")],
        ),
        ("ALTER TABLE t ADD CHECK (a::int > 1)", [Demand("check", "t", None, condition="a::int > 1")]),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT VALID", []),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT ENFORCED", []),
        (
            'ALTER TABLE IF EXISTS ONLY "S"."T" ADD COLUMN x int, ADD UNIQUE NULLS NOT DISTINCT (a, "B")',
            [Demand("unique", '"S"."T"', None, keys=("a", '"B"'), nulls_alike=True)],
        ),
        ("ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a)", [Demand("unique", "t", "k", keys=("a",))]),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i", []),
        (
            "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES s.p MATCH FULL ON DELETE CASCADE, "
            "ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES p (id)",
            [
                Demand("foreign key", "t", None, keys=("a", "b"), parent="s.p", full=True),
                Demand("foreign key", "t", "f", keys=("c",), parent="p", parent_keys=("id",)),
            ],
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING btree "
            "(lower(a) COLLATE \"C\" DESC NULLS LAST, (b || '-' || c), d) INCLUDE (e) "
            "WITH (fillfactor = 70) WHERE d IN (1, 2) AND e IS NULL;",
            [
                Demand(
                    "unique",
                    "s.t",
                    "i",
                    condition="d IN (1, 2) AND e IS NULL",
                    keys=('lower(a) COLLATE "C"', "(b || '-' || c)", "d"),
                )
            ],
        ),
        ("CREATE UNIQUE INDEX ON t (a text_pattern_ops)", []),
        ("CREATE INDEX ON t (a)", []),
        ("ALTER TABLE t ALTER a TYPE varchar(10)", [Demand("type", "t", None, keys=("a",), type="varchar(10)")]),
        (
            "ALTER TABLE t ALTER COLUMN a SET DATA TYPE double precision USING (a::double precision), "
            "ALTER b TYPE s.e USING CAST(trim(b) AS s.e), ALTER c TYPE int USING (trim(c))::int",
            [
                Demand("type", "t", None, keys=("a",), type="double precision"),
                Demand("type", "t", None, keys=("trim(b)",), type="s.e"),
                Demand("type", "t", None, keys=("(trim(c))",), type="int"),
            ],
        ),
        ("ALTER TABLE t ALTER a TYPE int USING length(a)", []),
        ("ALTER TABLE t ALTER a TYPE int USING a::numeric::int", []),
        ("ALTER TABLE t ALTER a SET NOT NULL, ALTER b SET DEFAULT 1, DROP COLUMN c", []),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (U&\"d!0061t\" UESCAPE '!' > 1)", []),
        ("CREATE UNIQUE INDEX", []),
        ("ALTER TABLE", []),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (", []),
        ("UPDATE t SET a = 1", []),
    ],
)  # fmt: skip
def test_what_a_statement_asks(text: str, expected: list[Demand]) -> None:
    assert list(read(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE s.t ADD CONSTRAINT c CHECK (a >= 1 /* b */ AND (b <> ')') -- c\n OR E'\\'' = x)",
        "ALTER TABLE ONLY \"T\" ADD CHECK (a BETWEEN 1 AND 2), ADD CHECK (b @> '{}'::jsonb)",
    ],
)
def test_a_condition_is_that_of_the_grammar(text: str) -> None:
    (statement,) = parse_sql(text)
    tree: Any = statement.stmt
    theirs = [RawStream()(action.def_.raw_expr) for action in tree.cmds]
    ours = [_expression(str(one.condition)) for one in read(text)]
    assert ours == theirs


def _expression(text: str) -> str:
    """An expression as the grammar prints it."""
    query: Any = parse_sql(f"SELECT {text}")[0].stmt
    return str(RawStream()(query.targetList[0].val))
