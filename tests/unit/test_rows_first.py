"""A check of rows that are there is asked before code of the database can have touched them."""

from __future__ import annotations

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.controller.render.rows_first import check_rows

_ID = "5f0a074e-63ac-43ed-ae64-429bdb9c56bf"
_HELPER = """-- @setup helper
CREATE FUNCTION pg_temp.asks_c1() RETURNS bigint LANGUAGE sql AS $gonogo_helper$
SELECT count(*) FROM public.notes TABLESAMPLE pg_catalog.system (100)
$gonogo_helper$;
CREATE TEMPORARY TABLE rows_first (n bigint) ON COMMIT DROP;
"""
_READING = """-- @setup nothing is written from here on
SAVEPOINT gonogo_reading;
SET LOCAL transaction_read_only = on;
{0}-- @setup to here
RELEASE SAVEPOINT gonogo_reading;
"""
_TRIAL = f"-- @setup a trial\nINSERT INTO public.notes VALUES ('{_ID}');\n"
_WHOLE = "-- @check C1\nSELECT count(*) FROM public.notes TABLESAMPLE pg_catalog.system (100);\n"
_PLAIN = "-- @check C1\nSELECT count(*) FROM {0} AS n;\n"
_ASKED = "-- @setup rows\nINSERT INTO pg_temp.rows_first SELECT pg_temp.asks_c1();\n"
_AGAIN = "-- @check C1\nSELECT f.n, pg_temp.asks_c1() FROM x JOIN pg_temp.rows_first AS f;\n"
_COMMAND = f"$gonogo_command$ DELETE FROM public.notes WHERE id = '{_ID}' $gonogo_command$"

RIGHT = {
    "of a reading": _HELPER + _READING.format(_WHOLE) + _TRIAL,
    "asked twice": _HELPER + _READING.format(_ASKED) + _TRIAL + _AGAIN,
    "of a row of the run": _TRIAL + f"-- @check C1\nSELECT 1 FROM public.notes WHERE id = '{_ID}';",
    "of a trial": _TRIAL + f"-- @check C1\nSELECT * FROM pg_temp.attempt({_COMMAND});\n",
    "of the catalog": "-- @check C1\nSELECT to_regclass('public.notes') -- public.notes\n;",
    "of another table": _PLAIN.format("public.others"),
}
_UNTOLD = "s.sql:{0}: check C1 asks about rows that are there"
WRONG = {
    "of whole tables": (_TRIAL + _WHOLE, _UNTOLD.format(3)),
    "of whole tables before a trial": (_WHOLE + _TRIAL, _UNTOLD.format(1)),
    "of a whole table in a trial": (
        _HELPER + _TRIAL + f"-- @check C1\nSELECT pg_temp.asks_c1(), attempt({_COMMAND});\n",
        _UNTOLD.format(8),
    ),
    "of a table": (_PLAIN.format("public.notes"), _UNTOLD.format(1)),
    "of a quoted table": (_PLAIN.format('"public"."notes"'), _UNTOLD.format(1)),
    "kept for later": (
        _HELPER + _ASKED,
        "s.sql:6: 'rows' asks about rows that are there",
    ),
    "behind a trial": (
        _HELPER + _TRIAL + _READING.format(_WHOLE),
        "s.sql:8: what is read first comes behind what may run code of the database",
    ),
    "behind a call": (
        _HELPER + "-- @setup x\nSELECT pg_temp.asks_c1();\n" + _READING.format(_WHOLE),
        "s.sql:6: 'x' asks about rows that are there",
    ),
    "behind it": (_HELPER + _READING.format(_ASKED) + _WHOLE, _UNTOLD.format(13)),
}


def _check(text: str) -> None:
    check_rows(text, "s", schema="public", tables=["notes"], ids=[_ID])


@pytest.mark.parametrize("how", RIGHT)
def test_what_is_asked_in_time(how: str) -> None:
    _check(RIGHT[how])


@pytest.mark.parametrize("how", WRONG)
def test_what_is_asked_too_late(how: str) -> None:
    text, said = WRONG[how]
    with pytest.raises(GonogoError) as refused:
        _check(text)
    assert refused.value.primary.startswith(said)
