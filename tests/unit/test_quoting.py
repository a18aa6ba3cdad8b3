"""Quoting: whatever a value holds, in SQL text it is that value and nothing else."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.contract.errors import GonogoError
from gonogo.controller.render.quoting import Sql, array, ident, jsonb, literal

# What PostgreSQL can store: no NUL, no lone surrogate.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NAMES = TEXT.filter(lambda text: 0 < len(text.encode()) <= 63)
ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


def unquoted(sql: str) -> str:
    """Read a string literal as PostgreSQL does with standard_conforming_strings."""
    if sql.startswith("E'"):
        return ESCAPE.sub(lambda match: chr(int(match[1], 16)), sql[2:-1].replace("''", "'"))
    return sql[1:-1].replace("''", "'")


def elements(text: str) -> list[str]:
    """Read the text form of an array as PostgreSQL does; NULL is no text."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,"]+)', text[1:-1], re.DOTALL)
    assert not any(plain.lower() == "null" for _, plain in found)
    return [plain or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) for quoted, plain in found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "'plain'"),
        ("", "''"),
        ("O'Hara", "'O''Hara'"),
        ("'; DROP TABLE t; --", "'''; DROP TABLE t; --'"),
        ("a\\b", "E'a\\u005cb'"),
        ("\\'", "E'\\u005c'''"),
        ("$$", "E'\\u0024\\u0024'"),
        ("$gonogo_command$", "E'\\u0024gonogo_command\\u0024'"),
        ("a\nb\r", "E'a\\u000ab\\u000d'"),
        ("\x01\x7f\x85", "E'\\u0001\\u007f\\u0085'"),
        ("\u2028\u2029", "E'\\u2028\\u2029'"),
        ("a\u202eb\u2066c\u200d\ufeff", "E'a\\u202eb\\u2066c\\u200d\\ufeff'"),
        ("é 漢 😀", "'é 漢 😀'"),
        (0, "0"),
        (42, "42"),
        (-1, "(-1)"),
        (Decimal("-0.5"), "(-0.5)"),
        (True, "true"),
        (False, "false"),
        (None, "NULL"),
        ([], "'{}'::text[]"),
        (["null", "x"], "ARRAY['null', 'x']::text[]"),
        (["", "x"], "ARRAY['', 'x']::text[]"),
        (["x,y"], "ARRAY['x,y']::text[]"),
        (["nullable", "B_2"], "'{nullable,B_2}'::text[]"),
        (["a'b", "c\n"], "ARRAY['a''b', E'c\\u000a']::text[]"),
        (("a",), "'{a}'::text[]"),
    ],
)
def test_literal(value: Any, expected: str) -> None:
    result = literal(value)
    assert result == expected
    assert isinstance(result, Sql)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("users", '"users"'),
        ("Users", '"Users"'),
        ('we"ird', '"we""ird"'),
        ("a b", '"a b"'),
        ("$1", 'U&"\\00241"'),
        ("a\\b", 'U&"a\\005cb"'),
        ("a\nb", 'U&"a\\000ab"'),
        ("\u202e", 'U&"\\202e"'),
        (["public", "users"], '"public"."users"'),
        ("x" * 63, f'"{"x" * 63}"'),
        ("é" * 31, f'"{"é" * 31}"'),
    ],
)
def test_ident(value: Any, expected: str) -> None:
    assert ident(value) == expected


@pytest.mark.parametrize(
    ("quote", "value", "message"),
    [
        (literal, "a\0b", "a value contains a NUL character"),
        (literal, ["a\0"], "a value contains a NUL character"),
        (literal, "\ud800", "a value is not valid UTF-8"),
        (literal, 1.5, "no literal for float 1.5"),
        (literal, float("nan"), "no literal for float nan"),
        (literal, Decimal("NaN"), "no literal for Decimal Decimal('NaN')"),
        (literal, Decimal("Infinity"), "no literal for Decimal Decimal('Infinity')"),
        (literal, {"a": 1}, "no literal for dict {'a': 1}"),
        (literal, [1], "no literal for list [1]"),
        (literal, b"x", "no literal for bytes b'x'"),
        (ident, "", "an identifier is empty"),
        (ident, ["public", ""], "an identifier is empty"),
        (ident, "a\0", "an identifier contains a NUL character"),
        (ident, "\ud800", "an identifier is not valid UTF-8"),
        (ident, "x" * 64, f"identifier '{'x' * 64}' is longer than 63 bytes"),
        (ident, "é" * 32, f"identifier '{'é' * 32}' is longer than 63 bytes"),
        (ident, None, "not an identifier: None"),
        (ident, [], "not an identifier: []"),
        (ident, ["a", 1], "not an identifier: ['a', 1]"),
        (jsonb, {"a": "\0"}, "a value contains a NUL character"),
        (jsonb, "\ud800", "a value is not valid UTF-8"),
    ],
)
def test_refused(quote: Any, value: Any, message: str) -> None:
    with pytest.raises(GonogoError) as caught:
        quote(value)
    assert caught.value.primary == message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": None}, '\'{"a": null, "b": 1}\'::jsonb'),
        ({"a": "it's"}, "'{\"a\": \"it''s\"}'::jsonb"),
        (["\n"], "E'[\"\\u005cn\"]'::jsonb"),
        ("\\u0000 as text", "E'\"\\u005c\\u005cu0000 as text\"'::jsonb"),
        (True, "'true'::jsonb"),
    ],
)
def test_jsonb(value: Any, expected: str) -> None:
    assert jsonb(value) == expected


def test_jsonb_knows_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        jsonb(float("nan"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], "'{}'"),
        (["a", "B_2"], "'{a,B_2}'"),
        (["NULL", "null_", ""], '\'{"NULL",null_,""}\''),
        (["O'Hara", 'a"b,c\\'], 'E\'{"O\'\'Hara","a\\u005c"b,c\\u005c\\u005c"}\''),
    ],
)
def test_array(value: list[str], expected: str) -> None:
    assert array(value) == expected


@given(st.lists(TEXT))
def test_an_array_is_the_list(value: list[str]) -> None:
    text = str(array(value))
    assert elements(unquoted(text)) == value
    assert "\n" not in text


@given(TEXT)
def test_a_literal_is_the_text(text: str) -> None:
    assert unquoted(str(literal(text))) == text


@given(st.one_of(TEXT, st.lists(TEXT), st.integers(), st.booleans(), st.none()))
def test_a_literal_stays_on_its_line(value: Any) -> None:
    sql = literal(value)
    assert "$" not in sql
    assert len(sql.splitlines()) == 1
    assert not re.search(r"^-- @", sql, re.MULTILINE)


@given(NAMES)
def test_an_identifier_is_the_name(name: str) -> None:
    sql = str(ident(name))
    inner = sql.removeprefix("U&")[1:-1].replace('""', '"')
    if sql.startswith("U&"):
        inner = re.sub(r"\\([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), inner)
    assert inner == name
    assert "$" not in sql
    assert len(sql.splitlines()) == 1


@given(st.recursive(TEXT | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=5))
def test_jsonb_is_the_value(value: Any) -> None:
    assert json.loads(unquoted(str(jsonb(value)).removesuffix("::jsonb"))) == value
