"""Columns that documents spell in several ways, by the name that preflight has found.

A manifest declares such a column once, under one of its names (`found_columns` has them all). Where
the database has another of them, everything that the manifest says of the column is about that one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..declared.manifest import Check, Condition, FoundColumn, Manifest, Table

__all__ = ["as_found", "columns_found"]


def columns_found(
    declared: Sequence[FoundColumn], facts: Mapping[str, object]
) -> dict[tuple[str, str], str]:
    """Table and declared name → name in this database, of the columns that preflight has found."""
    found = {}
    for entry in declared:
        actual = facts.get(entry.fact)
        for name in entry.any_of if actual else ():
            found[entry.table, name] = str(actual)
    return found


def as_found(manifest: Manifest, facts: Mapping[str, object]) -> Manifest:
    """The manifest with these columns called as they are in this database.

    Without such facts (preflight has not run yet) it is the manifest as it was written. Its rules
    about rows keep the declared names, which their SQL translates (`row_rule_sql`).
    """
    found = columns_found(manifest.found_columns, facts)
    renamed = _Renamed({key: name for key, name in found.items() if key[1] != name})
    if not renamed.names:
        return manifest
    return replace(
        manifest,
        tables=[_table(table, renamed.of(table.name)) for table in manifest.tables],
        foreign_keys=[
            replace(key, columns=_names(key.columns, renamed.of(key.table)))
            for key in manifest.foreign_keys
        ],
        relations=[
            replace(one, columns=_names(one.columns, renamed.of(one.table)))
            for one in manifest.relations
        ],
        loose_relations=[
            replace(one, columns=_names(one.columns, renamed.of(one.table)))
            for one in manifest.loose_relations
        ],
    )


@dataclass(frozen=True)
class _Renamed:
    """Table and declared name → another name."""

    names: Mapping[tuple[str, str], str]

    def of(self, table: str) -> dict[str, str]:
        return {name: actual for (owner, name), actual in self.names.items() if owner == table}


def _names(columns: Sequence[str], names: Mapping[str, str]) -> list[str]:
    return [names.get(column, column) for column in columns]


def _table(table: Table, names: Mapping[str, str]) -> Table:
    if not names:
        return table
    return replace(
        table,
        columns=[replace(one, name=names.get(one.name, one.name)) for one in table.columns],
        primary_key=_names(table.primary_key, names),
        unique=[
            replace(one, columns=_names(one.columns, names), where=_where(one.where, names))
            for one in table.unique
        ],
        checks=[_check(one, names) for one in table.checks],
        indexes=[
            replace(
                one,
                columns=_names(one.columns, names),
                descending=None if one.descending is None else _names(one.descending, names),
                where=_where(one.where, names),
            )
            for one in table.indexes
        ],
    )


def _where(where: Condition | None, names: Mapping[str, str]) -> Condition | None:
    return where and replace(where, column=names.get(where.column, where.column))


def _check(check: Check, names: Mapping[str, str]) -> Check:
    return replace(
        check,
        columns=_names(check.columns, names),
        given=None if check.given is None else _keys(check.given, names),
        accepted_rows=_rows(check.accepted_rows, names),
        rejected_rows=_rows(check.rejected_rows, names),
    )


def _rows(
    rows: Sequence[Mapping[str, object]] | None, names: Mapping[str, str]
) -> Sequence[Mapping[str, object]] | None:
    return None if rows is None else [_keys(row, names) for row in rows]


def _keys(row: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    return {names.get(column, column): value for column, value in row.items()}
