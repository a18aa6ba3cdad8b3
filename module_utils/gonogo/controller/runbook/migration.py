"""A runbook's migration and its undo, as the target host gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.errors import InputError
from ...contract.records.migration import (
    BY_PATH,
    Column,
    ForeignKey,
    HistoryPlan,
    Plan,
    Recorded,
    SchemaObject,
    Statement,
    Step,
)
from ...host.migrate import history
from ..declared.manifest import Manifest
from ..declared.runbook import TOOL_KEYS, RecordedAs, SqlFile, read_runbook
from ..reading import schema, yamlfile
from ..reading.faults import Faults
from ..render.rendering import MigrationWords
from ..sql import effects, statements
from ..sql.demands import demands
from ..sql.footprint import footprint
from ..sql.writes import names, writes

if TYPE_CHECKING:
    from .book import Runbook

__all__ = [
    "asked_by_phase",
    "expected",
    "faults",
    "history_faults",
    "history_of",
    "names",
    "plan",
    "statement",
    "steps",
    "untold",
    "words",
    "written",
]

# A table by this name is that of the session, wherever its name stands without a schema.
_TEMPORARY = re.compile(
    r"CREATE\s+(?:(?:GLOBAL|LOCAL)\s+)?TEMP(?:ORARY)?\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?:pg_temp\.)?("
    r'"(?:[^"]|"")+"|[A-Za-z_\x80-\U0010ffff][\w$]*)',
    re.IGNORECASE,
)

# A migration may have statements of their own; an undo is tried as a whole before it is approved.
_OUTSIDE = {
    "migration": "Move it to a file of its own, with `transaction: none` beside its name in "
    "runbook.yml. What runs there stays when a later statement fails.",
    "undo": "An undo is one transaction, which is tried before it is approved. Write it so that it "
    "can be part of one: DROP INDEX, for example, without CONCURRENTLY.",
}


def faults(document: yamlfile.Document, directory: Path) -> Iterator[InputError]:
    """All that cannot be applied as it is declared, of the files that are there."""
    runbook = read_runbook(document.data)
    for key in ("migration", "undo"):
        for number, entry in enumerate(runbook.sql_files(key)):
            file = directory / entry.file
            if not file.is_file() or not file.stat().st_size:
                continue
            try:
                found = _statements(file)
            except InputError as error:
                yield from error.faults
                continue
            for statement in found:
                if statement.outside and entry.transaction != "none":
                    place = document.place((key, number))
                    yield InputError(
                        f"{place}: {entry.file}:{statement.line}: {statement.outside} "
                        "cannot run inside a transaction",
                        file=str(document.path),
                        hint=_OUTSIDE[key],
                    )


def history_faults(document: yamlfile.Document) -> Iterator[InputError]:
    """The file that a tool knows belongs to the migration, and to its transaction."""
    named = [tool for tool in TOOL_KEYS if tool in document.data]
    for tool in named[1:]:
        problem = f"is a second migration tool beside '{named[0]}'"
        yield schema.fault(document, (tool,), None, problem, "A migration is one tool's.")
    entries = {entry["file"]: entry for entry in document.data.get("migration", [])}
    for tool in named:
        file, path = document.data[tool]["file"], (tool, "file")
        if file not in entries:
            yield schema.fault(document, path, file, "is no file of the migration")
        elif entries[file].get("transaction") == "none":
            problem = "runs outside a transaction: its record could not be written together with it"
            yield schema.fault(document, path, file, problem)


def steps(directory: Path, entries: Sequence[SqlFile]) -> tuple[Step, ...]:
    """The files of a migration or an undo, cut. Raises InputError for one that cannot be."""
    return tuple(
        Step(
            entry.file,
            transaction=entry.transaction != "none",
            statements=_statements(directory / entry.file),
        )
        for entry in entries
    )


def expected(
    steps_of_migration: Sequence[Step], manifest: Manifest, *, some: bool = True
) -> tuple[SchemaObject, ...]:
    """The objects by which the migration is recognised, with what the manifest says of them.

    Names come from the SQL, which is what is going to be applied; columns and foreign keys that the
    manifest describes are independent of it. Raises InputError where no object is conclusive and
    there has to be `some`.
    """
    made = [statement for step in steps_of_migration for statement in step.statements]
    temporary = _temporary(made)
    found = effects.net(
        effect
        for statement in made
        for effect in statement.effects
        if not temporary.intersection((effect.table, effect.name)) or effect.schema != BY_PATH
    )
    if some and not any(effect.conclusive for effect in found):
        raise InputError(
            "nothing tells whether this migration has been applied",
            detail="None of its statements makes or drops a named object.",
            hint="A deployment needs one: a table, column, constraint, index, trigger or function.",
        )
    listed: dict[tuple[str | None, str | None], dict[str, Column]] = {}
    for effect in found:
        if effect.listed:
            own = listed.setdefault((effect.schema, effect.table), {})
            own[effect.name] = effect.column or Column()
    described = _Described(manifest)
    return tuple(
        described.of(effect, listed.get((effect.schema, effect.name), {}))
        for effect in found
        if not effect.listed
    )


def _temporary(made: Sequence[Statement]) -> set[str | None]:
    """The tables that end with their session, with all that stands on them."""
    found = (_TEMPORARY.match(statement.opening) for statement in made)
    return {next(names(match[1])) for match in found if match}


class _Described:
    """What a manifest says of objects."""

    def __init__(self, manifest: Manifest) -> None:
        self._schema = manifest.schema
        self._keys = {key.name: key for key in manifest.foreign_keys}
        self._tables = {table.name: table for table in manifest.tables}
        self._functions = {function.name for function in manifest.functions}
        self._spelled = {
            (found.table, name) for found in manifest.found_columns for name in found.any_of
        }

    def of(self, effect: SchemaObject, listed: Mapping[str, Column]) -> SchemaObject:
        """The object with what is to be compared; `listed` are the columns of its CREATE TABLE."""
        if effect.kind == "column" and effect.table in self._tables:
            # What it may be besides is for the checks, which know other spellings.
            return replace(effect, column=None)
        if not effect.expected:
            return effect
        if effect.kind == "function" and effect.name in self._functions:
            # Whether its text means the same is for the checks, which know what is accepted.
            return replace(effect, body=None)
        if effect.kind == "constraint":
            return replace(effect, foreign_key=self._foreign_key(effect))
        if effect.kind == "table":
            known = self._columns(effect.name)
            return replace(effect, columns=listed if known is None else known)
        return effect

    def _foreign_key(self, effect: SchemaObject) -> ForeignKey | None:
        key = self._keys.get(effect.name)
        if key is None or key.table != effect.table:
            return None
        return ForeignKey(
            tuple(key.columns),
            self._schema,
            key.references.table,
            tuple(key.references.columns),
            key.on_delete,
            key.on_update,
        )

    def _columns(self, table: str) -> dict[str, Column] | None:
        """Those whose names the manifest does not leave open; None for a table it does not know."""
        if table not in self._tables:
            return None
        names = [column.name for column in self._tables[table].columns]
        return {name: Column() for name in names if (table, name) not in self._spelled}


def untold(runbook: Runbook) -> tuple[Statement, ...]:
    """The statements of the migration of which no object tells whether they have been applied.

    Those that set what the others are run under are among them, in order.
    """
    return tuple(
        statement
        for step in steps(runbook.directory, runbook.sql_files("migration"))
        for statement in step.statements
        if not statement.read or statement.verb in {"SET", "RESET"}
    )


def history_of(
    directory: Path, name: str, recorded: Mapping[str, RecordedAs], *, schema_name: str
) -> HistoryPlan:
    """The migration tool, and what is to be in its record.

    `name` is that of the runbook, `schema_name` that of the manifest, where `recorded` (tool → as
    it records the migration) says no other.
    """
    for tool, said in recorded.items():
        own = said.schema or history.schema_of(tool, schema_name)
        found = history.find(tool, schema=own).named(directory, said.file, said.name or name)
        kept = Recorded(found.name, found.file, found.checksums, found.details or None)
        return HistoryPlan(tool, own, (kept,))
    return HistoryPlan(history.PLAIN, schema_name, ())


def words(runbook: Runbook) -> MigrationWords:
    """What templates know of the migration."""
    if runbook.source is None:
        texts = [file.read_text(encoding="utf-8") for file in runbook.migration_files]
        found = _history(runbook)
        tables = history.find(found.tool, schema=found.schema).tables
    else:
        texts = [one.text or "" for one in runbook.pending_migrations]
        tables = runbook.source.tool.tables
    return MigrationWords(
        names=sorted({name for text in texts for name in names(text)}),
        own_tables=[".".join(map(_quoted, table)) for table in tables],
        writes=written(texts),
        queries=runbook.queries,
        own_checks=asked_by_phase(runbook),
    )


def asked_by_phase(runbook: Runbook) -> list[dict[str, object]]:
    """A person's own checks, each with the phase that it is asked in."""
    return [{**vars(one), "phase": runbook.checks[one.id].phase} for one in runbook.own_checks]


def written(texts: Sequence[str]) -> list[dict[str, object]]:
    """What the statements of texts may write, as templates take it."""
    pieces = (piece for text in texts for piece in statements.readable(text))
    return [asdict(found) for found in map(writes, pieces) if found]


def _quoted(name: str) -> str:
    """As the server's format() does with %I, but for its own words."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def plan(runbook: Runbook, key: str) -> Plan:
    """What the target host needs of the `migration` or the `undo` of a runbook."""
    own = steps(runbook.directory, runbook.sql_files("migration"))
    return Plan(
        steps=own if key == "migration" else steps(runbook.directory, runbook.sql_files(key)),
        objects=expected(own, runbook.manifest),
        history=_history(runbook),
    )


def _history(runbook: Runbook) -> HistoryPlan:
    return history_of(
        runbook.directory,
        runbook.name,
        runbook.declared.recorded,
        schema_name=runbook.manifest.schema,
    )


def _statements(file: Path) -> tuple[Statement, ...]:
    found = []
    unreadable = Faults()
    for piece in statements.read(file):
        try:
            found.append(statement(piece, file.name))
        except InputError as error:
            unreadable.note(
                InputError(
                    f"{file.name}:{error.primary.removeprefix('line ')}",
                    file=str(file),
                    hint=error.hint,
                )
            )
    unreadable.refuse()
    if not found:
        raise InputError(f"{file.name} holds no statement", file=str(file))
    return tuple(found)


def statement(piece: statements.Piece, file: str, *, qualified: bool = True) -> Statement:
    """A piece of a file, read. Raises InputError for a name without its schema where names have to
    be `qualified`."""
    left = effects.effects(piece, file, qualified=qualified)
    read = footprint(piece, qualified=qualified)
    return Statement(
        file=file,
        line=piece.line,
        first_line=piece.first_line,
        text=piece.text,
        verb=piece.verb,
        opening=piece.opening,
        lock=read.lock,
        tables=read.tables,
        effects=tuple(effect for effect in left if effect.kind != effects.UNREAD),
        read=all(effect.kind != effects.UNREAD for effect in left),
        outside=effects.outside_transaction(piece),
        demands=demands(piece),
    )
