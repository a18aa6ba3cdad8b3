"""A name that is misspelt in a manifest would be an object nobody looks for: it is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import InputError
from gonogo.controller.reading import schema, yamlfile
from gonogo.controller.runbook.manifest import MANIFEST, check_references

MANIFEST_DATA: dict[str, Any] = {
    "format": 1,
    "schema": "public",
    "extensions": [],
    "privileges": ["SELECT"],
    "existing_tables": [{"name": "users", "primary_key": ["id"], "privileges": ["SELECT"]}],
    "found_columns": [{"fact": "status_column", "table": "orders", "any_of": ["status", "state"]}],
    "functions": [{"name": "touch", "purpose": "touch", "tables": ["orders"]}],
    "tables": [
        {
            "name": "orders",
            "columns": [
                {"name": "id", "type": "uuid", "nullable": False, "default": {"function": "now"}},
                {"name": "status", "type": "character varying(20)", "nullable": False},
                {"name": "user_id", "type": "text", "nullable": True},
            ],
            "primary_key": ["id"],
            "unique": [
                {
                    "name": "ux",
                    "columns": ["status"],
                    "where": {"column": "status", "holds": ["OPEN"]},
                }
            ],
            "checks": [
                {
                    "name": "ck",
                    "columns": ["status"],
                    "accepts": ["OPEN"],
                    "given": {"user_id": "x"},
                },
                {
                    "name": "ck2",
                    "columns": ["status"],
                    "accepted_rows": [{"status": "OPEN"}],
                    "rejected_rows": [{"status": None}],
                },
            ],
            "indexes": [
                {"name": "ix", "class": "orm", "columns": ["status"], "descending": ["status"]}
            ],
            "triggers": [
                {
                    "name": "tg",
                    "purpose": "touch",
                    "function": "touch",
                    "timing": "BEFORE",
                    "events": ["UPDATE"],
                    "level": "ROW",
                    "profiles": ["target"],
                }
            ],
        }
    ],
    "foreign_keys": [
        {
            "name": "fk",
            "table": "orders",
            "columns": ["user_id"],
            "references": {"table": "users", "columns": ["id"]},
            "on_delete": "RESTRICT",
            "on_update": "CASCADE",
        }
    ],
    "relations": [
        {
            "name": "fk",
            "table": "orders",
            "columns": ["user_id"],
            "references": {"table": "users", "columns": ["id"]},
        }
    ],
    "loose_relations": [
        {
            "name": "loose",
            "table": "orders",
            "columns": ["user_id"],
            "references": {"table": "users", "any_of": ["email", "id"]},
        }
    ],
}

Change = Callable[[dict[str, Any]], None]


def check(change: Change | None = None) -> None:
    data = copy.deepcopy(MANIFEST_DATA)
    if change:
        change(data)
    document = yamlfile.parse(json.dumps(data), Path("manifest.yml"))
    schema.check(document, MANIFEST)
    check_references(document, profiles=["target"], facts=["status_column"])


def put(value: object, *path: str | int) -> Change:
    """A change that puts a value at a place."""

    def change(data: Any) -> None:
        for part in path[:-1]:
            data = data[part]
        data[path[-1]] = value

    return change


TABLE = ("tables", 0)
TRIGGER = (*TABLE, "triggers", 0)


def test_right() -> None:
    check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # unknown keys and bad names
        (put(1, "tabels"), "'tabels' is not a known key"),
        (put(1, *TABLE, "column"), "'tables[0].column' is not a known key"),
        (put("x", *TABLE, "columns", 0, "typ"), "'tables[0].columns[0].typ' is not a known key"),
        (put("x" * 64, *TABLE, "name"), "'tables[0].name' must match [A-Za-z_][A-Za-z0-9_$]{0,62}"),
        (put("a b", "schema"), "'schema' must match [A-Za-z_][A-Za-z0-9_$]{0,62}"),
        (put("NUMBER", *TABLE, "columns", 0, "type"), "'tables[0].columns[0].type' must match "),
        (put("no", *TABLE, "columns", 0, "nullable"), "'tables[0].columns[0].nullable' must be true or false"),
        (put(["READ"], "privileges"), "'privileges[0]' must be one of SELECT, "),
        (put("DELETE", "foreign_keys", 0, "on_delete"), "'foreign_keys[0].on_delete' must be one of NO ACTION, "),
        # names that are there twice
        (lambda d: d["tables"].append(d["tables"][0]), "'tables[1].name' is there twice, "),
        (lambda d: d["tables"][0]["columns"].append({"name": "ID", "type": "text", "nullable": True}), "'tables[0].columns[3].name' is there twice, "),
        (put(["id", "id"], *TABLE, "primary_key"), "'tables[0].primary_key[1]' is there twice, "),
        (lambda d: d["relations"].append(d["relations"][0]), "'relations[1].name' is there twice, "),
        (put("users", *TABLE, "name"), "'found_columns[0].table' names no table of the manifest"),
        # references
        (put(["taget"], *TRIGGER, "profiles"), "'tables[0].triggers[0].profiles[0]' names no profile of the runbook"),
        (put("status_colum", "found_columns", 0, "fact"), "'found_columns[0].fact' names no fact of the runbook"),
        (put("order", "found_columns", 0, "table"), "'found_columns[0].table' names no table of the manifest"),
        (put(["order"], "functions", 0, "tables"), "'functions[0].tables[0]' names no table of the manifest"),
        (put(["idd"], *TABLE, "primary_key"), "'tables[0].primary_key' names no column of orders"),
        (put(["workspace"], *TABLE, "tenant"), "'tables[0].tenant' names no column of orders"),
        (put(["x"], *TABLE, "unique", 0, "columns"), "'tables[0].unique[0].columns' names no column of orders"),
        (put("x", *TABLE, "unique", 0, "where", "column"), "'tables[0].unique[0].where' names no column of orders"),
        (put(["x"], *TABLE, "checks", 0, "columns"), "'tables[0].checks[0].columns' names no column of orders"),
        (put({"x": 1}, *TABLE, "checks", 0, "given"), "'tables[0].checks[0].given' names no column of orders"),
        (put([{"x": 1}], *TABLE, "checks", 1, "rejected_rows"), "'tables[0].checks[1].rejected_rows' names no column of orders"),
        (put(["x"], *TABLE, "indexes", 0, "columns"), "'tables[0].indexes[0].columns' names no column of orders"),
        (put("x", *TRIGGER, "function"), "'tables[0].triggers[0].function' names no function of the manifest"),
        (put("users", "foreign_keys", 0, "table"), "'foreign_keys[0].table' names no table of the manifest"),
        (put(["x"], "foreign_keys", 0, "columns"), "'foreign_keys[0].columns' names no column of orders"),
        (put("user", "foreign_keys", 0, "references", "table"), "'foreign_keys[0].references.table' names no table of the manifest"),
        (put(["idd"], "foreign_keys", 0, "references", "columns"), "'foreign_keys[0].references.columns' names no column of users"),
        (put("orders", "loose_relations", 0, "references", "table"), "'loose_relations[0].references.any_of' names no column of orders"),
        # contradictions
        (put(["id", "status"], "relations", 0, "columns"), "'relations[0]' has not as many columns as it references"),
        (put({}, *TABLE, "columns", 0, "default"), "'tables[0].columns[0].default' needs either value or function"),
        (put({"value": 1, "function": "now"}, *TABLE, "columns", 0, "default"), "'tables[0].columns[0].default' needs either value or function"),
        (put(["id"], *TABLE, "indexes", 0, "descending"), "'tables[0].indexes[0].descending' names a column that is not in the index"),
        (lambda d: d["tables"][0]["checks"][1].pop("rejected_rows"), "'tables[0].checks[1]' needs either accepts, or accepted_rows and rejected_rows"),
        (put(["id", "status"], *TABLE, "checks", 0, "columns"), "'tables[0].checks[0]' accepts values of one column, but names several"),
        (put({"status": 1}, *TABLE, "checks", 1, "given"), "'tables[0].checks[1]' has given, which goes with accepts only"),
        (put("guard", *TRIGGER, "purpose"), "'tables[0].triggers[0]' is a guard, but its function is a touch"),
        (put({"sqlstate": "23001", "constraint": "x"}, *TRIGGER, "refusal"), "'tables[0].triggers[0]' needs a refusal if it is a guard, and none otherwise"),
        (lambda d: d["existing_tables"].append({**d["existing_tables"][0], "name": "orders"}), "'tables[0].name' is in existing_tables too"),
    ],
)  # fmt: skip
def test_wrong(change: Change, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check(change)
    assert caught.value.primary.startswith(f"manifest.yml:1: {message}")


def test_did_you_mean() -> None:
    with pytest.raises(InputError) as caught:
        check(put("order", "foreign_keys", 0, "table"))
    assert caught.value.render() == (
        "manifest.yml:1: 'foreign_keys[0].table' names no table of the manifest\n"
        'DETAIL:  manifest.yml: foreign_keys[0].table is "order"\n'
        "HINT:  Did you mean 'orders'?"
    )
