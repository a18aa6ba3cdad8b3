"""A migration as the controller reads it from its files, and as the target host gets it.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .trace import StatementTrace

__all__ = ["BY_PATH", "Column", "Demand", "ForeignKey", "HistoryPlan", "Plan", "Recorded"]
__all__ += ["SchemaObject", "Statement", "Step"]

# In the place of a schema: the name is written without one, so the search path says which.
BY_PATH = ""


@dataclass(frozen=True)
class Column:
    """What a migration says of a column. What is None is not known.

    `default` is the value of a default that is a plain constant, None for any other.
    """

    type: str | None = None
    required: bool | None = None
    has_default: bool | None = None
    default: str | None = None
    identity: bool | None = None
    generated: bool | None = None


@dataclass(frozen=True)
class ForeignKey:
    columns: Sequence[str]
    parent_schema: str
    parent: str
    parent_columns: Sequence[str]
    on_delete: str
    on_update: str


@dataclass(frozen=True)
class SchemaObject:
    """An object by which a migration is recognised: what a statement leaves behind, or removes.

    `kind` is one of host/migrate/recognise.py; `table` only where the object belongs to one.
    `schema` is `BY_PATH` where the statement leaves it to the search path.
    `expected` is whether the object exists after the migration. `conclusive` is false where it may
    have existed before as well (OR REPLACE, IF NOT EXISTS).

    `arguments` are the types that tell a function from others of its name, `body` its source, and
    `replaces` is true where another function of this name may have been there. `column` is what the
    statement says of a column, `listed` whether the column is part of a CREATE TABLE; `columns` are
    those that a table has to have, `foreign_key` what a constraint has to be.
    """

    kind: str
    schema: str | None
    table: str | None
    name: str
    file: str = ""
    line: int = 0
    expected: bool = True
    conclusive: bool = True
    arguments: Sequence[str] | None = None
    body: str | None = None
    replaces: bool = False
    column: Column | None = None
    listed: bool = False
    columns: Mapping[str, Column] | None = None
    foreign_key: ForeignKey | None = None


@dataclass(frozen=True)
class Demand:
    """What a statement asks of the rows that a table has, see controller/sql/demands.py.

    `kind` is check, unique, foreign key or type; `name` that of the constraint or index, None where
    the server finds one. All others are SQL as the statement has it: the `table`, the `condition`
    of a check or of a partial index, the `keys` that differ, refer or are converted, the `parent`
    that they refer to (its own `parent_keys`, empty for its primary key) and the new `type`.
    `nulls_alike` is whether two rows without a value are alike, `full` whether a key that refers
    has all of its values or none.
    """

    kind: str
    table: str
    name: str | None
    condition: str | None = None
    keys: Sequence[str] = ()
    nulls_alike: bool = False
    parent: str | None = None
    parent_keys: Sequence[str] = ()
    full: bool = False
    type: str | None = None


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    `line` is that of its first word, `first_line` that of the first character of `text`. `lock` and
    `tables` (schema or `BY_PATH`, and name) are its footprint, see controller/sql/footprint.py.
    `effects` are the
    objects that it leaves behind or removes; `read` is false where it does something to the schema
    that they do not say. `outside` says why it cannot run inside a transaction, None where it can.
    `demands` are what it asks of the rows that are there.
    """

    file: str
    line: int
    first_line: int
    text: str
    verb: str
    opening: str
    lock: str
    tables: Sequence[tuple[str, str]]
    effects: Sequence[SchemaObject]
    read: bool
    outside: str | None
    demands: Sequence[Demand] = ()


@dataclass(frozen=True)
class Step:
    """One file of a migration or an undo, or a part of one: a file that ends its transaction itself
    is a step for each.

    `transaction` is false where each statement is one of its own, or needs to be outside of any;
    `apart` is whether the transaction is this step's alone, and not also that of the step before,
    `mode` what stands behind its BEGIN.
    """

    file: str
    transaction: bool
    statements: Sequence[Statement] = ()
    apart: bool = False
    mode: str = ""


@dataclass(frozen=True)
class Recorded:
    """A migration as its tool is to record it; `checksums` are all that the tool takes for the
    file's, the one that it records first. `details` is what only this tool records beside them."""

    name: str
    file: str
    checksums: Sequence[str]
    details: Mapping[str, object] | None = None


@dataclass(frozen=True)
class HistoryPlan:
    """The tool that keeps the record, the schema of that record, and what is to be recorded."""

    tool: str
    schema: str
    migrations: Sequence[Recorded]


@dataclass(frozen=True)
class Plan:
    """All that the target host needs: the steps of a migration or of its undo, the objects by which
    the migration is recognised, and the trace of the same statements on a copy, where there is one.

    `session` is there for a migration that runs as its tool would run it: the settings that the
    tool makes in its session, beside those which the login has in this database by itself. Without
    it the statements run under the settings of all sessions of this project.
    """

    steps: Sequence[Step]
    objects: Sequence[SchemaObject]
    history: HistoryPlan
    measured: Sequence[StatementTrace] = ()
    session: Mapping[str, str] | None = None
