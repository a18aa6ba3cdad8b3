"""What of a schema is different without a meaning: named, and no fault."""

from __future__ import annotations

import pytest

from gonogo.host.compare.immaterial import sifted
from gonogo.host.compare.schema_catalog import compare

BEFORE = {
    "table public.t": "",
    "column public.t.a": "1 text",
    "column public.t.b": "2 text not null default 'storage x' storage e statistics 500",
    "column public.t.c": "3 text",
    "comment on table column public.t.b": "what it is",
}
MADE = {"column public.t.b"}


def told(left: dict[str, str], made: set[str] = MADE) -> tuple[list[str], list[str]]:
    found = sifted(compare(BEFORE, left), left, made=made)
    return [one.name for one in found.real], [*found.told]


def left(definition: str = BEFORE["column public.t.b"]) -> dict[str, str]:
    """As before, but for the column b: it was made anew, at the end."""
    schema = {**BEFORE, "column public.t.c": "2 text"}
    schema["column public.t.b"] = definition.replace("2 ", "3 ", 1)
    return schema


def test_the_order_of_columns() -> None:
    assert told(left()) == ([], ["order of columns of public.t"])
    # Of a table that nothing was made of, it is nobody's work here.
    assert told(left(), set()) == ([], [])


@pytest.mark.parametrize(
    "definition",
    [
        "2 text default 'storage x' storage e statistics 500",
        "2 text not null storage e statistics 500",
        "2 text not null default 'storage y' storage e statistics 500",
        "2 integer not null default 'storage x' storage e statistics 500",
        "2 text collate \"C\" not null default 'storage x' storage e statistics 500",
    ],
)
def test_what_has_a_meaning(definition: str) -> None:
    assert told(left(definition))[0] == ["column public.t.b"]


def test_settings_of_what_was_made_anew_and_of_nothing_else() -> None:
    schema = left("2 text not null default 'storage x'")
    names = ["order of columns of public.t", "settings of column public.t.b"]
    real, others = told(schema)
    assert (real, sorted(others)) == ([], names)
    assert told(schema, set())[0] == ["column public.t.b"]


def test_the_comment_of_what_was_made_anew_and_of_nothing_else() -> None:
    schema = {name: text for name, text in left().items() if not name.startswith("comment")}
    comment = "comment on table column public.t.b"
    assert told(schema) == ([], ["order of columns of public.t", comment])
    assert told(schema, set())[0] == [comment]


def test_a_value_of_a_composite_type_is_written_in_the_order_of_its_columns() -> None:
    schema = left()
    del schema["table public.t"]
    assert told(schema)[0] == ["column public.t.b", "column public.t.c", "table public.t"]
