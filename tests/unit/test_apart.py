"""Which blocks of a script another session can ask, and which scripts go together."""

from __future__ import annotations

import pytest

from gonogo.contract.records.phase import PhaseScript
from gonogo.contract.script import blocks, readings
from gonogo.controller.render.apart import asked_apart
from gonogo.controller.render.session_guard import guarded
from gonogo.host.checks.beside import together

_HEAD = """-- @setup name
SET application_name = '';
-- @setup transaction
BEGIN TRANSACTION ISOLATION LEVEL {0};
-- @setup helpers
CREATE FUNCTION pg_temp.judged(query text) RETURNS text LANGUAGE plpgsql AS $gonogo_helper$
BEGIN PERFORM pg_catalog.set_config('search_path', '', false); RETURN query; END
$gonogo_helper$;
CREATE FUNCTION pg_temp.fills() RETURNS bigint LANGUAGE sql AS $gonogo_helper$
INSERT INTO pg_temp.found VALUES (1) RETURNING 1
$gonogo_helper$;
CREATE FUNCTION pg_temp.reads() RETURNS bigint LANGUAGE sql AS $gonogo_helper$
SELECT count(*) FROM pg_temp.found
$gonogo_helper$;
CREATE FUNCTION pg_temp.by_another() RETURNS bigint LANGUAGE sql AS $gonogo_helper$
SELECT pg_temp.reads()
$gonogo_helper$;
CREATE TEMPORARY TABLE found (n bigint) ON COMMIT DROP;
"""
_READING = """-- @setup nothing is written from here on
SAVEPOINT gonogo_reading;
{0}
-- @setup to here
RELEASE SAVEPOINT gonogo_reading;
"""
_END = "-- @setup end\nROLLBACK;\n"
_CHECK = "-- @check {0}\nSELECT pg_temp.judged($x$; SELECT 1 FROM public.notes $x$);\n"
_FILL = "-- @setup rows\n-- As they are.\nINSERT INTO pg_temp.{0}\nSELECT 1;\n"
_NEEDS = "-- @check {0}\nSELECT pg_temp.by_another();\n"


def _script(*parts: str, mode: str = "READ COMMITTED, READ WRITE") -> str:
    return guarded(_HEAD.format(mode) + "".join(parts) + _END, guard="DO $$BEGIN END$$ --: ")


def _asked(text: str) -> list[str]:
    found = blocks(text)
    return [found[number].words for number in asked_apart(text)]


@pytest.mark.parametrize(
    ("parts", "apart"),
    [
        ([_READING.format(_CHECK.format("A") + _CHECK.format("B"))], ["A", "B"]),
        ([_READING.format(_FILL.format("found") + _CHECK.format("A"))], ["rows", "A"]),
        # Each puts rows of its own there.
        ([_READING.format(_FILL.format("found") * 2)], ["rows", "rows"]),
        # Outside of such a part, code of the database may have run.
        ([_CHECK.format("A"), _READING.format(_CHECK.format("B")), _CHECK.format("C")], ["B"]),
        ([_CHECK.format("A")], []),
        # What another block finds, by way of whatever helper.
        ([_READING.format(_FILL.format("found") + _NEEDS.format("A"))], ["rows"]),
        ([_READING.format(_NEEDS.format("A") + _FILL.format("found"))], ["A", "rows"]),
        (
            [
                _READING.format(_FILL.format("found") + _CHECK.format("A")),
                "-- @setup made of it\nCREATE TEMPORARY TABLE more AS SELECT * FROM found;\n",
                _READING.format(_CHECK.format("B")),
            ],
            ["rows", "A"],
        ),
        ([_READING.format("-- @check A\nSELECT pg_temp.fills();\n" + _CHECK.format("B"))], []),
        # What is left in the session, nobody else has.
        ([_READING.format("-- @setup x\nSET LOCAL work_mem = 64;\n" + _CHECK.format("A"))], []),
        ([_READING.format("-- @check A\nSET a.b = 1; SELECT 1;\n" + _CHECK.format("B"))], []),
        ([_READING.format("-- @check A\nSELECT pg_advisory_lock(1);\n")], []),
        ([_READING.format("-- @setup x\nINSERT INTO pg_temp.found SELECT 1 RETURNING n;\n")], []),
        ([_READING.format("-- @setup x\nDO $$BEGIN END$$;\n" + _CHECK.format("A"))], []),
        # Nothing could be put behind its end.
        ([_READING.format("-- @setup x\nINSERT INTO pg_temp.found SELECT 1; -- end\n")], []),
    ],
)
def test_what_stands_alone(parts: list[str], apart: list[str]) -> None:
    assert _asked(_script(*parts)) == apart


def test_a_script_that_only_reads() -> None:
    text = _script(
        _CHECK.format("A"),
        "-- @facts\nSELECT 'a' AS fact, to_jsonb(1) AS value;\n",
        _CHECK.format("B"),
        mode="REPEATABLE READ, READ ONLY",
    )
    assert _asked(text) == ["A", "", "B"]


def test_what_a_block_does_without_its_guard() -> None:
    text = _script(_READING.format(_FILL.format("found") + _CHECK.format("A")))
    found = blocks(text)
    ((first, second),) = readings(found)
    assert found[first].body == _FILL.format("found").split("\n", 1)[1].strip()
    assert found[second].body == _CHECK.format("A").split("\n", 1)[1].strip()
    for number in (first, second):
        block = found[number]
        assert block.guard is not None
        assert "END; END$$;" in block.guard
        assert f"{block.guard}\n{block.body}" in block.sql
    # The frame has none.
    assert found[0].guard is None
    assert found[0].body == found[0].sql


_RACE = {"check": "A"}


@pytest.mark.parametrize(
    ("scripts", "number"),
    [
        (["ROLLBACK;", "ROLLBACK;"], 2),
        (["ROLLBACK;", "COMMIT;", "ROLLBACK;"], 2),
        (["COMMIT;", "ROLLBACK;"], 1),
        (["race", "ROLLBACK;"], 1),
        (["", "ROLLBACK;"], 1),
    ],
)
def test_no_script_is_asked_for_before_rows_may_be_left(scripts: list[str], number: int) -> None:
    found = [
        PhaseScript(
            str(place),
            f"-- @setup name\nSET a.b = 1;\n-- @setup end\n{end}" if end.endswith(";") else "",
            stop=[],
            races=[_RACE] if end == "race" else [],
            apart=[],
        )
        for place, end in enumerate(scripts)
    ]
    assert together(found) == number
