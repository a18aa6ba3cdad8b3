"""manifest.yml as records: the objects a migration must leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...contract.records.reading import read
from .row_rule import RowRule

__all__ = [
    "NO_MANIFEST",
    "Check",
    "Column",
    "Condition",
    "ExistingTable",
    "ForeignKey",
    "FoundColumn",
    "Function",
    "Index",
    "LooseReference",
    "LooseRelation",
    "Manifest",
    "Reference",
    "Refusal",
    "Relation",
    "Table",
    "Trigger",
    "Unique",
    "read_manifest",
]


@dataclass(frozen=True)
class Column:
    """`default` has one key: `value`, which is any constant, null too, or `function`."""

    name: str
    type: str
    nullable: bool
    default: Mapping[str, object] | None = None
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class Condition:
    """Of a partial index: the values of the column that are in it."""

    column: str
    holds: Sequence[object]


@dataclass(frozen=True)
class Unique:
    name: str
    columns: Sequence[str]
    where: Condition | None = None
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class Check:
    """What a CHECK lets in: values of its one column (`given` is what the others hold then), or
    rows and what it refuses."""

    name: str
    columns: Sequence[str]
    accepts: Sequence[object] | None = None
    given: Mapping[str, object] | None = None
    accepted_rows: Sequence[Mapping[str, object]] | None = None
    rejected_rows: Sequence[Mapping[str, object]] | None = None
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class Index:
    name: str
    class_: str
    columns: Sequence[str]
    descending: Sequence[str] | None = None
    where: Condition | None = None
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class Refusal:
    sqlstate: str
    constraint: str


@dataclass(frozen=True)
class Trigger:
    """`conditions` are those of its WHEN in the files of the migration, and those it declares as
    `when`; None stands for a trigger without one. They are filled in by `sql.shipped`."""

    name: str
    purpose: str
    function: str
    timing: str
    events: Sequence[str]
    level: str
    refusal: Refusal | None = None
    when: Sequence[str] | None = None
    profiles: Sequence[str] | None = None
    conditions: Sequence[str | None] | None = None


@dataclass(frozen=True)
class Table:
    """`tenant` is the column by which a row belongs to somebody, and the tables on the way."""

    name: str
    columns: Sequence[Column] = ()
    primary_key: Sequence[str] = ()
    unique: Sequence[Unique] = ()
    checks: Sequence[Check] = ()
    indexes: Sequence[Index] = ()
    triggers: Sequence[Trigger] = ()
    group: str | None = None
    tenant: Sequence[str] | None = None


@dataclass(frozen=True)
class ExistingTable:
    """A table that was there before the migration."""

    name: str
    primary_key: Sequence[str]
    privileges: Sequence[str]


@dataclass(frozen=True)
class FoundColumn:
    """A column that documents spell in several ways, and the fact that says which one is there."""

    fact: str
    table: str
    any_of: Sequence[str]


@dataclass(frozen=True)
class Function:
    """`shipped` are statements that make it under the name `pg_temp.shipped`, from the files of the
    migration (`sql.shipped`)."""

    name: str
    purpose: str
    tables: Sequence[str]
    bodies: Sequence[str] | None = None
    settings: Sequence[str] | None = None
    security: Sequence[str] | None = None
    shipped: Sequence[str] | None = None


@dataclass(frozen=True)
class Reference:
    table: str
    columns: Sequence[str]


@dataclass(frozen=True)
class LooseReference:
    """Nobody knows which of these columns is meant."""

    table: str
    any_of: Sequence[str]


@dataclass(frozen=True)
class ForeignKey:
    name: str
    table: str
    columns: Sequence[str]
    references: Reference
    on_delete: str
    on_update: str
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class Relation:
    """A reference, whether or not a foreign key enforces it."""

    name: str
    table: str
    columns: Sequence[str]
    references: Reference
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class LooseRelation:
    name: str
    table: str
    columns: Sequence[str]
    references: LooseReference
    profiles: Sequence[str] | None = None


@dataclass(frozen=True)
class Manifest:
    """`privileges` are those of the application on every one of `tables`."""

    schema: str
    format: int = 1
    extensions: Sequence[str] = ()
    privileges: Sequence[str] = ()
    existing_tables: Sequence[ExistingTable] = ()
    found_columns: Sequence[FoundColumn] = ()
    functions: Sequence[Function] = ()
    tables: Sequence[Table] = ()
    foreign_keys: Sequence[ForeignKey] = ()
    relations: Sequence[Relation] = ()
    loose_relations: Sequence[LooseRelation] = ()
    row_rules: Sequence[RowRule] | None = None

    @property
    def rules(self) -> Sequence[RowRule]:
        return self.row_rules or ()


# Of a runbook that has none.
NO_MANIFEST = Manifest("public")


def read_manifest(data: object) -> Manifest:
    """The manifest that the data of a file is, whose shape has been looked at."""
    return read(Manifest, data, file="manifest.yml")
