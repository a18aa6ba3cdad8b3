"""The ledger's rows can be deleted in its order: children before their parents."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.controller.render.ledger import by_table, children_first, refuse_others, row_id


def manifest(*relations: tuple[str, str]) -> dict[str, Any]:
    return {
        "schema": "public",
        "relations": [
            {"table": child, "references": {"table": parent}} for child, parent in relations
        ],
    }


def records(*tables: str) -> list[dict[str, Any]]:
    return [
        {"table": f"public.{table}", "key": {"id": f"{number}"}, "label": "x", "phase": "02"}
        for number, table in enumerate(tables)
    ]


def order(tables: list[str], *relations: tuple[str, str]) -> list[str]:
    found = children_first(records(*tables), manifest(*relations))
    return [record["table"].removeprefix("public.") for record in found]


@pytest.mark.parametrize(
    ("tables", "relations", "expected"),
    [
        ([], [], []),
        (["parent", "child"], [("child", "parent")], ["child", "parent"]),
        (["a", "b", "c"], [("b", "a"), ("c", "b")], ["c", "b", "a"]),
        (["a", "c"], [("b", "a"), ("c", "b")], ["a", "c"]),
        (["a", "a"], [("a", "a")], ["a", "a"]),
        (["parent", "child", "parent"], [("child", "parent")], ["child", "parent", "parent"]),
    ],
)
def test_children_first(
    tables: list[str], relations: list[tuple[str, str]], expected: list[str]
) -> None:
    assert order(tables, *relations) == expected


def test_records_stay_whole() -> None:
    given = records("a", "b")
    assert sorted(children_first(given, manifest()), key=str) == sorted(given, key=str)


def test_tables_that_refer_to_each_other() -> None:
    with pytest.raises(GonogoError) as caught:
        order(["a", "b"], ("a", "b"), ("b", "a"))
    assert caught.value.primary == "the run's rows cannot be deleted one table after the other"
    assert "public.a" in str(caught.value.detail)


def test_by_table() -> None:
    rows = [
        {"table": "public.b", "key": {"id": "2"}},
        {"table": "public.a", "key": {"id": "9"}},
        {"table": "public.b", "key": {"id": "1"}},
        {"table": "public.b", "key": {"id": "2"}},
    ]
    assert by_table(rows) == [
        {"table": ["public", "b"], "ids": ["1", "2"]},
        {"table": ["public", "a"], "ids": ["9"]},
    ]


def test_a_row_that_no_run_has_made_is_in_no_ledger() -> None:
    made = row_id("0a1b2c3d4e", phase="02_runtime", table="sites", label="one")
    own = {"table": "public.sites", "key": {"id": made}, "label": "one", "phase": "02_runtime"}
    refuse_others([own], "0a1b2c3d4e")
    for change in (
        {"key": {"id": "of the application"}},
        {"key": {"id": made, "other": "x"}},
        {"key": {"code": made}},
        {"table": "public.users"},
        {"table": "sites"},
        {"label": "two"},
        {"phase": "03_variants"},
    ):
        with pytest.raises(GonogoError, match="line 2 names a row that is not the run's"):
            refuse_others([own, {**own, **change}], "0a1b2c3d4e")
    with pytest.raises(GonogoError):
        refuse_others([own], "another run")
