"""Columns that documents spell in several ways, by the name that preflight has found.

A manifest declares such a column once, under one of its names (`found_columns` has them all). Where
the database has another of them, everything that the manifest says of the column is about that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["as_found", "columns_found"]

# What stands in a table's own entry: lists of columns, and mappings from columns.
_LISTS = ("columns", "descending")
_ROWS = ("accepted_rows", "rejected_rows")


def columns_found(
    manifest: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[tuple[str, str], str]:
    """Table and declared name → name in this database, of the columns that preflight has found."""
    found = {}
    for entry in manifest.get("found_columns", []):
        actual = facts.get(entry["fact"])
        for name in entry["any_of"] if actual else []:
            found[entry["table"], name] = str(actual)
    return found


def as_found(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The manifest with these columns called as they are in this database.

    Without such facts (preflight has not run yet) it is the manifest as it was written. Its rules
    about rows keep the declared names, which their SQL translates (`row_rule_sql`).
    """
    found = columns_found(manifest, facts)
    renamed = {key: name for key, name in found.items() if key[1] != name}
    if not renamed:
        return manifest
    groups = ("foreign_keys", "relations", "loose_relations")
    return {
        **manifest,
        "tables": [_table(table, _of(renamed, table["name"])) for table in manifest["tables"]],
        **{
            group: [
                {**item, "columns": _names(item["columns"], _of(renamed, item["table"]))}
                for item in manifest[group]
            ]
            for group in groups
        },
    }


def _of(renamed: Mapping[tuple[str, str], str], table: str) -> dict[str, str]:
    return {name: actual for (owner, name), actual in renamed.items() if owner == table}


def _names(columns: list[str], names: Mapping[str, str]) -> list[str]:
    return [names.get(column, column) for column in columns]


def _table(table: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    if not names:
        return table
    columns = [{**item, "name": names.get(item["name"], item["name"])} for item in table["columns"]]
    groups = {
        group: [_object(item, names) for item in table[group]]
        for group in ("unique", "checks", "indexes")
    }
    return {
        **table,
        "columns": columns,
        "primary_key": _names(table["primary_key"], names),
        **groups,
    }


def _object(item: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A key, CHECK or index."""
    changed = dict(item)
    for key in _LISTS:
        if key in item:
            changed[key] = _names(item[key], names)
    if "where" in item:
        where = item["where"]
        changed["where"] = {**where, "column": names.get(where["column"], where["column"])}
    if "given" in item:
        changed["given"] = _keys(item["given"], names)
    for key in _ROWS:
        if key in item:
            changed[key] = [_keys(row, names) for row in item[key]]
    return changed


def _keys(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(column, column): value for column, value in row.items()}
