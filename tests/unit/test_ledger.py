"""The ledger's rows can be deleted in its order: children before their parents."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.ledger import LedgerRow, LedgerTable
from gonogo.controller.declared.manifest import Reference, Relation
from gonogo.controller.render.ledger import by_table, children_first, refuse_others, row_id


def row(table: str, number: object) -> LedgerRow:
    return LedgerRow(f"public.{table}", {"id": f"{number}"}, label="x", phase="02")


def rows(*tables: str) -> list[LedgerRow]:
    return [row(table, number) for number, table in enumerate(tables)]


def sorted_by(given: list[LedgerRow], *relations: tuple[str, str]) -> list[LedgerRow]:
    known = [
        Relation(f"{child}_{parent}", child, ["id"], Reference(parent, ["id"]))
        for child, parent in relations
    ]
    return children_first(given, schema="public", relations=known)


def order(tables: list[str], *relations: tuple[str, str]) -> list[str]:
    found = sorted_by(rows(*tables), *relations)
    return [one.table.removeprefix("public.") for one in found]


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


def test_the_order_is_the_same_in_every_process() -> None:
    """A run signs a plan that another process works out again."""
    names = [f"table_{number}" for number in range(12)]
    program = f"""
from tests.unit.test_ledger import order
print(order({["parent", *names]}, *[(name, "parent") for name in {names}]))
"""
    orders = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PYTHONHASHSEED": str(seed),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(3)
    }
    assert len(orders) == 1


def test_records_stay_whole() -> None:
    given = rows("a", "b")
    assert sorted(sorted_by(given), key=str) == sorted(given, key=str)


def test_tables_that_refer_to_each_other() -> None:
    with pytest.raises(GonogoError) as caught:
        order(["a", "b"], ("a", "b"), ("b", "a"))
    assert caught.value.primary == "the run's rows cannot be deleted one table after the other"
    assert "public.a" in str(caught.value.detail)


def test_by_table() -> None:
    given = [row("b", 2), row("a", 9), row("b", 1), row("b", 2)]
    assert by_table(given) == [
        LedgerTable(["public", "b"], ["1", "2"]),
        LedgerTable(["public", "a"], ["9"]),
    ]


def test_a_row_that_no_run_has_made_is_in_no_ledger() -> None:
    made = row_id("0a1b2c3d4e", phase="02_runtime", table="sites", label="one")
    own = LedgerRow("public.sites", {"id": made}, label="one", phase="02_runtime")
    refuse_others([own], "0a1b2c3d4e")
    changes: tuple[dict[str, Any], ...] = (
        {"key": {"id": "of the application"}},
        {"key": {"id": made, "other": "x"}},
        {"key": {"code": made}},
        {"table": "public.users"},
        {"table": "sites"},
        {"label": "two"},
        {"phase": "03_variants"},
    )
    for change in changes:
        with pytest.raises(GonogoError, match="line 2 names a row that is not the run's"):
            refuse_others([own, replace(own, **change)], "0a1b2c3d4e")
    with pytest.raises(GonogoError):
        refuse_others([own], "another run")
