"""Rules about rows: what is wrong with one is said before anything is touched; the rest is SQL."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller import runbook
from gonogo.controller.declared.manifest import read_manifest
from gonogo.controller.reading import schema, yamlfile
from gonogo.controller.render.row_rule_sql import rule_sql
from gonogo.controller.runbook.manifest import MANIFEST, check_references
from tests.integration.support.harness import RUNBOOK

_TABLE: dict[str, Any] = {"unique": [], "checks": [], "indexes": [], "triggers": []}


def _table(name: str, *columns: str) -> dict[str, Any]:
    listed = [{"name": column, "type": "text", "nullable": True} for column in ("id", *columns)]
    return {"name": name, "columns": listed, "primary_key": ["id"], **_TABLE}


def _relation(table: str, column: str, parent: str) -> dict[str, Any]:
    return {
        "name": f"{table}_{column}",
        "table": table,
        "columns": [column],
        "references": {"table": parent, "columns": ["id"]},
    }


_DATA: dict[str, Any] = {
    "format": 1,
    "schema": "public",
    "extensions": [],
    "privileges": ["SELECT"],
    "existing_tables": [],
    "found_columns": [{"fact": "state", "table": "orders", "any_of": ["status", "state"]}],
    "functions": [],
    "tables": [_table("orders", "status", "at"), _table("lines", "order_id", "status", "at")],
    "foreign_keys": [],
    "relations": [_relation("lines", "order_id", "orders")],
    "loose_relations": [],
}
_RULE = {"name": "rule", "check": "C1", "table": "lines", "words": "a line is wrong"}
_NEVER = [{"path": ["status"], "holds": ["OPEN"]}, {"path": ["order_id", "status"], "empty": True}]


def _manifest(**rule: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_DATA), "row_rules": [{**_RULE, **rule}]}


def _check(**rule: Any) -> None:
    document = yamlfile.parse(json.dumps(_manifest(**rule), indent=1), Path("manifest.yml"))
    schema.check(document, MANIFEST)
    check_references(document, profiles=["target"], facts=["state"], checks=["C1"])


@pytest.mark.parametrize(
    "rule",
    [
        {"agree": [["status"], ["order_id", "status"]]},
        {"order": [["at"], ["order_id", "at"]]},
        {"past": [["at"]]},
        {"never": _NEVER},
        {
            "table": "orders",
            "given": [{"path": ["status"], "lacks": ["OPEN"]}],
            "some": {
                "table": "lines",
                "by": "order_id",
                "where": [{"path": ["at"], "above": ["order_id", "at"]}],
                "same": {"path": ["status"], "as": ["status"]},
            },
        },
    ],
    ids=lambda rule: next(iter(set(rule) & {"agree", "order", "past", "never", "some"})),
)
def test_right(rule: dict[str, Any]) -> None:
    _check(**rule)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "'row_rules[0]' needs exactly one of agree, order, past, never, some"),
        (
            {"past": [["at"]], "never": _NEVER},
            "'row_rules[0]' needs exactly one of agree, order, past, never, some",
        ),
        ({"agree": [["status"]]}, "'row_rules[0].agree' needs two paths"),
        (
            {"past": [["when"]]},
            "'row_rules[0].past[0]' ends at 'when', which is no column of lines",
        ),
        (
            {"past": [["order_id", "when"]]},
            "'row_rules[0].past[0]' ends at 'when', which is no column of orders",
        ),
        (
            {"past": [["status", "at"]]},
            "'row_rules[0].past[0]' follows 'status', which is no declared relation there",
        ),
        (
            {"never": [{"path": ["status"]}]},
            "'row_rules[0].never[0]' needs exactly one of holds, lacks, empty, above, below, equals",
        ),
        (
            {"never": [{"path": ["status"], "holds": ["A"], "empty": True}]},
            "'row_rules[0].never[0]' needs exactly one of holds, lacks, empty, above, below, equals",
        ),
        (
            {"never": [{"path": ["status"], "hold": ["A"]}]},
            "'row_rules[0].never[0].hold' is not a known key",
        ),
        ({"past": [["at"]], "check": "C2"}, "'row_rules[0].check' names no check of the runbook"),
        (
            {"past": [["at"]], "table": "rows"},
            "'row_rules[0].table' names no table of the manifest",
        ),
        (
            {"some": {"table": "rows", "by": "order_id", "where": _NEVER}},
            "'row_rules[0]' names no table of the manifest: rows",
        ),
        (
            {"some": {"table": "lines", "by": "order", "where": _NEVER}},
            "'row_rules[0].some.by' ends at 'order', which is no column of lines",
        ),
        ({"past": []}, "'row_rules[0].past' must not be empty"),
    ],
)
def test_wrong(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        _check(**rule)
    place, _, words = caught.value.primary.partition(": ")
    assert place.startswith("manifest.yml:")
    assert words == message


def _sql(facts: dict[str, Any] | None = None, **rule: Any) -> str:
    manifest = read_manifest(_manifest(**rule))
    return str(rule_sql(manifest.rules[0], manifest, facts or {}))


def test_a_path_is_joined_once() -> None:
    text = _sql(agree=[["order_id", "status"], ["order_id", "at"]])
    assert text.count("LEFT JOIN") == 1


def test_the_column_is_called_as_preflight_has_found_it() -> None:
    text = _sql({"state": "state"}, never=[{"path": ["order_id", "status"], "holds": ["A"]}])
    assert 'r1."state"::text' in text
    assert '"status"' not in text


def test_values_are_quoted() -> None:
    text = _sql(never=[{"path": ["status"], "holds": ["O'Brien $gonogo_query$", True, 1]}])
    assert "E'O''Brien \\u0024gonogo_query\\u0024', 'true', '1'" in text


def test_the_rules_of_the_runbook_are_about_its_checks() -> None:
    book = runbook.load(RUNBOOK, profile="target", parameters={}, templates=False)
    asked = {check.id for check in book.checks.values() if check.phase == "06_contradictions"}
    assert {rule.check for rule in book.manifest.rules} == asked
