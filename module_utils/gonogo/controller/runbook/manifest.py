"""The shape of a manifest: the objects a migration must leave behind.

A name that is misspelt in a manifest would be an object nobody looks for. So every key is known,
and what one part of a manifest names must be in another.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..declared.manifest import (
    Check,
    Condition,
    ForeignKey,
    Function,
    LooseRelation,
    Manifest,
    Reference,
    Relation,
    Table,
    Trigger,
    read_manifest,
)
from ..reading import schema
from ..reading.faults import Faults
from ..reading.schema import Any_, Flag, Items, Keys, Number, Path, Shape, Text, fault
from ..reading.yamlfile import Document
from ..render import row_rules

__all__ = ["MANIFEST", "check_references"]

_AnyRelation = ForeignKey | Relation | LooseRelation

# PostgreSQL would cut a longer name, and the check would look for another object.
NAME = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"
_TYPE = r"[a-z][a-z0-9 ]*(\([0-9]+(,[0-9]+)?\))?[a-z ]*(\[\])?"
_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_ACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")
_FUNCTIONS = ("random_uuid", "now", "today")
_PURPOSES = ("touch", "guard")


def _names(*, optional: bool = False, empty: bool = False) -> Items:
    return Items(Text(pattern=NAME), distinct=True, empty=empty, optional=optional)


def _privileges() -> Items:
    return Items(Text(choices=_PRIVILEGES), distinct=True)


_PROFILES = _names(optional=True)
_VALUE = Any_()
_ROWS = Items(schema.Table(_VALUE, names=NAME), optional=True)
_WHERE = Keys({"column": Text(pattern=NAME), "holds": Items(_VALUE)}, optional=True)

_COLUMN = Keys(
    {
        "name": Text(pattern=NAME),
        "type": Text(pattern=_TYPE),
        "nullable": Flag(),
        "default": Keys(
            {"value": Any_(optional=True), "function": Text(choices=_FUNCTIONS, optional=True)},
            optional=True,
        ),
        "profiles": _PROFILES,
    }
)
_UNIQUE = Keys(
    {"name": Text(pattern=NAME), "columns": _names(), "where": _WHERE, "profiles": _PROFILES}
)
_CHECK = Keys(
    {
        "name": Text(pattern=NAME),
        "columns": _names(),
        "accepts": Items(_VALUE, optional=True),
        "given": schema.Table(_VALUE, names=NAME, optional=True),
        "accepted_rows": _ROWS,
        "rejected_rows": _ROWS,
        "profiles": _PROFILES,
    }
)
_INDEX = Keys(
    {
        "name": Text(pattern=NAME),
        "class": Text(choices=("orm", "performance")),
        "columns": _names(),
        "descending": _names(optional=True),
        "where": _WHERE,
        "profiles": _PROFILES,
    }
)
_TRIGGER = Keys(
    {
        "name": Text(pattern=NAME),
        "purpose": Text(choices=_PURPOSES),
        "function": Text(pattern=NAME),
        "timing": Text(choices=("BEFORE", "AFTER", "INSTEAD OF")),
        "events": Items(Text(choices=("INSERT", "UPDATE", "DELETE", "TRUNCATE")), distinct=True),
        "level": Text(choices=("ROW", "STATEMENT")),
        "refusal": Keys(
            {"sqlstate": Text(pattern=r"[0-9A-Z]{5}"), "constraint": Text(pattern=NAME)},
            optional=True,
        ),
        "when": Items(Text(), distinct=True, optional=True),
        "profiles": _PROFILES,
    }
)


def _relation(references: Mapping[str, Shape], **more: Shape) -> Keys:
    return Keys(
        {
            "name": Text(pattern=NAME),
            "table": Text(pattern=NAME),
            "columns": _names(),
            "references": Keys({"table": Text(pattern=NAME), **references}),
            **more,
            "profiles": _PROFILES,
        }
    )


MANIFEST = Keys(
    {
        "format": Number(minimum=1),
        "schema": Text(pattern=NAME),
        "extensions": Items(Text(pattern=r"[A-Za-z0-9_-]{1,63}"), distinct=True, empty=True),
        "privileges": _privileges(),
        "existing_tables": Items(
            Keys(
                {
                    "name": Text(pattern=NAME),
                    "primary_key": _names(),
                    "privileges": _privileges(),
                }
            ),
            unique="name",
            empty=True,
        ),
        "found_columns": Items(
            Keys({"fact": Text(pattern=NAME), "table": Text(pattern=NAME), "any_of": _names()}),
            unique="fact",
            empty=True,
        ),
        "functions": Items(
            Keys(
                {
                    "name": Text(pattern=NAME),
                    "purpose": Text(choices=_PURPOSES),
                    "tables": _names(),
                    "bodies": Items(Text(), distinct=True, optional=True),
                    "settings": Items(Text(), distinct=True, optional=True),
                    "security": Items(
                        Text(choices=("INVOKER", "DEFINER")), distinct=True, optional=True
                    ),
                }
            ),
            unique="name",
            empty=True,
        ),
        "tables": Items(
            Keys(
                {
                    "name": Text(pattern=NAME),
                    "group": Text(pattern=NAME, optional=True),
                    "tenant": _names(optional=True),
                    "columns": Items(_COLUMN, unique="name"),
                    "primary_key": _names(),
                    "unique": Items(_UNIQUE, unique="name", empty=True),
                    "checks": Items(_CHECK, unique="name", empty=True),
                    "indexes": Items(_INDEX, unique="name", empty=True),
                    "triggers": Items(_TRIGGER, unique="name", empty=True),
                }
            ),
            unique="name",
            empty=True,
        ),
        "foreign_keys": Items(
            _relation(
                {"columns": _names()},
                on_delete=Text(choices=_ACTIONS),
                on_update=Text(choices=_ACTIONS),
            ),
            unique="name",
            empty=True,
        ),
        "relations": Items(_relation({"columns": _names()}), unique="name", empty=True),
        "loose_relations": Items(_relation({"any_of": _names()}), unique="name", empty=True),
        "row_rules": Items(row_rules.ROW_RULE, unique="name", optional=True),
    }
)


@dataclass(frozen=True)
class _Reference:
    """At `path` stands `name`, which has to be one of `known`."""

    path: Path
    name: str
    known: Collection[str]
    kind: str


def check_references(
    document: Document,
    *,
    profiles: Sequence[str],
    facts: Collection[str],
    checks: Collection[str] = (),
) -> None:
    """Compare what the parts of a manifest (of the right shape) say about each other.

    `profiles`, `facts` and `checks` (their ids) are those of the runbook. Raises one InputError for
    all names that lead nowhere or, where there are none, for all that contradicts itself.
    """
    manifest = read_manifest(document.data)
    faults = Faults()
    for reference in (
        *_profiles(document.data, profiles),
        *_references(manifest, facts, checks),
    ):
        if reference.name not in reference.known:
            near = difflib.get_close_matches(reference.name, sorted(reference.known), n=1)
            hint = f"Did you mean '{near[0]}'?" if near else None
            problem = f"names no {reference.kind}"
            faults.note(fault(document, reference.path, reference.name, problem, hint))
    faults.refuse()
    for path, problem in _contradictions(manifest):
        faults.note(fault(document, path, None, problem))
    faults.refuse()


def _profiles(data: object, profiles: Collection[str]) -> Iterator[_Reference]:
    """Wherever they are named."""
    for path, value in _walk(data, ()):
        if path[-2:-1] == ("profiles",):
            yield _Reference(path, str(value), profiles, "profile of the runbook")


def _references(
    manifest: Manifest, facts: Collection[str], checks: Collection[str]
) -> Iterator[_Reference]:
    tables = {table.name: _columns(table) for table in manifest.tables}
    # Of a table that was there before, only the key is known.
    existing = {table.name: set(table.primary_key) for table in manifest.existing_tables}
    functions = {function.name for function in manifest.functions}
    for number, found in enumerate(manifest.found_columns):
        where: Path = ("found_columns", number)
        yield _Reference((*where, "table"), found.table, tables, "table of the manifest")
        yield _Reference((*where, "fact"), found.fact, facts, "fact of the runbook")
    for number, function in enumerate(manifest.functions):
        for position, name in enumerate(function.tables):
            where = ("functions", number, "tables", position)
            yield _Reference(where, name, tables, "table of the manifest")
    for number, table in enumerate(manifest.tables):
        yield from _inside(table, ("tables", number), tables[table.name], functions)
    for group, relations in _relations(manifest):
        for number, relation in enumerate(relations):
            yield from _ends(relation, (group, number), tables, existing)
    for number, rule in enumerate(manifest.rules):
        where = ("row_rules", number)
        yield _Reference((*where, "check"), rule.check, checks, "check of the runbook")
        yield _Reference((*where, "table"), rule.table, tables, "table of the manifest")


def _relations(manifest: Manifest) -> Iterator[tuple[str, Sequence[_AnyRelation]]]:
    yield "foreign_keys", manifest.foreign_keys
    yield "relations", manifest.relations
    yield "loose_relations", manifest.loose_relations


def _inside(
    table: Table, where: Path, columns: Collection[str], functions: Collection[str]
) -> Iterator[_Reference]:
    """What a table says about its own columns, and which functions its triggers call."""
    kind = f"column of {table.name}"
    for inner, names in _named(table):
        for name in names:
            yield _Reference((*where, *inner), name, columns, kind)
    for number, trigger in enumerate(table.triggers):
        path = (*where, "triggers", number, "function")
        yield _Reference(path, trigger.function, functions, "function of the manifest")


def _named(table: Table) -> Iterator[tuple[Path, Sequence[str]]]:
    """Where a table names columns of its own, and which."""
    yield ("primary_key",), table.primary_key
    yield ("tenant",), (table.tenant or ())[:1]
    for number, unique in enumerate(table.unique):
        yield ("unique", number, "columns"), unique.columns
        yield from _of_condition(("unique", number), unique.where)
    for number, check in enumerate(table.checks):
        yield ("checks", number, "columns"), check.columns
        yield ("checks", number, "given"), list(check.given or ())
        for key, rows in (
            ("accepted_rows", check.accepted_rows),
            ("rejected_rows", check.rejected_rows),
        ):
            yield ("checks", number, key), [name for row in rows or () for name in row]
    for number, index in enumerate(table.indexes):
        yield ("indexes", number, "columns"), index.columns
        yield ("indexes", number, "descending"), index.descending or ()
        yield from _of_condition(("indexes", number), index.where)


def _of_condition(where: Path, condition: Condition | None) -> Iterator[tuple[Path, Sequence[str]]]:
    if condition:
        yield (*where, "where"), [condition.column]


def _ends(
    relation: _AnyRelation,
    where: Path,
    tables: Mapping[str, Collection[str]],
    existing: Mapping[str, Collection[str]],
) -> Iterator[_Reference]:
    name, target = relation.table, relation.references
    yield _Reference((*where, "table"), name, tables, "table of the manifest")
    for column in relation.columns if name in tables else ():
        yield _Reference((*where, "columns"), column, tables[name], f"column of {name}")
    path = (*where, "references", "table")
    yield _Reference(path, target.table, {*tables, *existing}, "table of the manifest")
    # `any_of` holds candidates, of which a table that was there before may have any.
    known = {**existing, **tables}.get(target.table)
    exact = isinstance(target, Reference)
    if known is not None and (target.table in tables or exact):
        key = "columns" if exact else "any_of"
        for column in target.columns if isinstance(target, Reference) else target.any_of:
            path = (*where, "references", key)
            yield _Reference(path, column, known, f"column of {target.table}")


def _contradictions(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    before = {table.name for table in manifest.existing_tables}
    functions = {function.name: function for function in manifest.functions}
    for number, table in enumerate(manifest.tables):
        where: Path = ("tables", number)
        if table.name in before:
            yield (*where, "name"), "is in existing_tables too"
        for inner, problem in _of_table(table, functions):
            yield (*where, *inner), problem
    yield from _of_lengths("foreign_keys", manifest.foreign_keys)
    yield from _of_lengths("relations", manifest.relations)
    known: dict[str, Collection[str]] = {
        table.name: table.primary_key for table in manifest.existing_tables
    }
    known.update({table.name: _columns(table) for table in manifest.tables})
    for number, rule in enumerate(manifest.rules):
        for inner, problem in row_rules.contradictions(rule, known, manifest.relations):
            yield ("row_rules", number, *inner), problem


def _of_lengths(
    group: str, relations: Sequence[ForeignKey | Relation]
) -> Iterator[tuple[Path, str]]:
    for number, relation in enumerate(relations):
        if len(relation.columns) != len(relation.references.columns):
            yield (group, number), "has not as many columns as it references"


def _of_table(table: Table, functions: Mapping[str, Function]) -> Iterator[tuple[Path, str]]:
    for position, column in enumerate(table.columns):
        if column.default is not None and len(column.default) != 1:
            yield ("columns", position, "default"), "needs either value or function"
    for position, index in enumerate(table.indexes):
        if not set(index.descending or ()) <= set(index.columns):
            path: Path = ("indexes", position, "descending")
            yield path, "names a column that is not in the index"
    for position, check in enumerate(table.checks):
        for problem in _of_check(check):
            yield ("checks", position), problem
    for position, trigger in enumerate(table.triggers):
        for problem in _of_trigger(trigger, table.name, functions[trigger.function]):
            yield ("triggers", position), problem


def _of_check(check: Check) -> Iterator[str]:
    by_value, by_row = check.accepts is not None, check.accepted_rows is not None
    if by_value == by_row or by_row != (check.rejected_rows is not None):
        yield "needs either accepts, or accepted_rows and rejected_rows"
    if by_value and len(check.columns) != 1:
        yield "accepts values of one column, but names several"
    if check.given is not None and not by_value:
        yield "has given, which goes with accepts only"


def _of_trigger(trigger: Trigger, table: str, function: Function) -> Iterator[str]:
    if table not in function.tables:
        yield f"calls {function.name}, which may not act on {table}"
    if trigger.purpose != function.purpose:
        yield f"is a {trigger.purpose}, but its function is a {function.purpose}"
    if (trigger.purpose == "guard") != (trigger.refusal is not None):
        yield "needs a refusal if it is a guard, and none otherwise"


def _columns(table: Table) -> set[str]:
    return {column.name for column in table.columns}


def _walk(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Every scalar with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, (*path, number))
    else:
        yield path, value
