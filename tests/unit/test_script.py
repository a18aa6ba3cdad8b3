"""A rendered script is cut where psql sees a comment, and nowhere else."""

from __future__ import annotations

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.script import Block, blocks

SCRIPT = """\
-- 01_critical: title

-- @setup session
SET search_path = '';
-- a remark
-- @facts
SELECT 1;

-- @check C1.1
SELECT 2
FROM t;
-- @setup end
ROLLBACK;
"""


def test_blocks() -> None:
    assert blocks(SCRIPT) == [
        Block("setup", "session", "-- @setup session\nSET search_path = '';\n-- a remark", line=3),
        Block("facts", "", "-- @facts\nSELECT 1;", line=6),
        Block("check", "C1.1", "-- @check C1.1\nSELECT 2\nFROM t;", line=9),
        Block("setup", "end", "-- @setup end\nROLLBACK;", line=12),
    ]


def test_nothing_is_no_block() -> None:
    assert blocks("-- only a comment\n\n") == []


@pytest.mark.parametrize(
    "line",
    [
        " -- @check C1.1",
        "--@check C1.1",
        "--  @check C1.1",
        "-- @checks C1.1",
        "-- @Check C1.1",
        "/* -- @check C1.1 */",
        "'-- @check C1.1'",
        "E'\\u000a-- @check C1.1'",
    ],
)
def test_what_starts_no_block(line: str) -> None:
    assert len(blocks(f"-- @setup x\nSELECT\n{line}\n1;\n")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SELECT 1;\n-- @setup x\nSELECT 1;",
            "the script has statements before its first -- @ line",
        ),
        ("SELECT 1;", "the script has statements before its first -- @ line"),
        ("-- @check C1.1\n-- nothing\n\n", "line 1: the block 'check C1.1' has no statement"),
        ("-- @setup x\n-- @facts\nSELECT 1;", "line 1: the block 'setup x' has no statement"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(GonogoError) as caught:
        blocks(text)
    assert caught.value.primary == message
