"""A runbook's migration and its undo, as data for the target host.

A *step* is one file: `{"file", "transaction": true or false, "statements": [...]}`, a statement
`{"file", "line", "text", "verb", "opening", "lock", "tables", "effects", "read", "outside"}`; see
effects and footprint. `read` is false where the statement does something to the schema that its
effects do not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.errors import InputError
from ...host.migrate import history
from ..reading import schema, yamlfile
from ..reading.faults import Faults
from ..sql import effects, statements
from ..sql.footprint import footprint

if TYPE_CHECKING:
    from .book import Runbook

__all__ = [
    "TOOL_KEYS",
    "expected",
    "faults",
    "history_faults",
    "history_of",
    "history_on_record",
    "plan",
    "steps",
    "untold",
]

# Keys of runbook.yml by which a migration is a tool's.
TOOL_KEYS = tuple(tool for tool in history.TOOLS if tool != history.PLAIN)

# A migration may have statements of their own; an undo is tried as a whole before it is approved.
_OUTSIDE = {
    "migration": "Move it to a file of its own, with `transaction: none` beside its name in "
    "runbook.yml. What runs there stays when a later statement fails.",
    "undo": "An undo is one transaction, which is tried before it is approved. Write it so that it "
    "can be part of one: DROP INDEX, for example, without CONCURRENTLY.",
}


def faults(document: yamlfile.Document, directory: Path) -> Iterator[InputError]:
    """All that cannot be applied as it is declared, of the files that are there."""
    for key in ("migration", "undo"):
        for number, entry in enumerate(document.data.get(key, [])):
            file = directory / entry["file"]
            if not file.is_file() or not file.stat().st_size:
                continue
            try:
                found = _statements(file)
            except InputError as error:
                yield from error.faults
                continue
            for statement in found:
                if statement["outside"] and entry.get("transaction") != "none":
                    place = document.place((key, number))
                    yield InputError(
                        f"{place}: {entry['file']}:{statement['line']}: {statement['outside']} "
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
    entries = {entry["file"]: entry for entry in document.data["migration"]}
    for tool in named:
        file, path = document.data[tool]["file"], (tool, "file")
        if file not in entries:
            yield schema.fault(document, path, file, "is no file of the migration")
        elif entries[file].get("transaction") == "none":
            problem = "runs outside a transaction: its record could not be written together with it"
            yield schema.fault(document, path, file, problem)


def steps(directory: Path, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The files of a migration or an undo, cut. Raises InputError for one that cannot be."""
    return [
        {
            "file": entry["file"],
            "transaction": entry.get("transaction") != "none",
            "statements": _statements(directory / entry["file"]),
        }
        for entry in entries
    ]


def expected(
    steps_of_migration: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any],
    *,
    some: bool = True,
) -> list[dict[str, Any]]:
    """The objects by which the migration is recognised, with what the manifest says of them.

    Names come from the SQL, which is what is going to be applied; `definition`, where the
    manifest knows one, is independent of it. Raises InputError where there is no such object and
    there has to be `some`.
    """
    found = effects.net(
        effect
        for step in steps_of_migration
        for statement in step["statements"]
        for effect in statement["effects"]
    )
    if some and not any(effect["sure"] for effect in found):
        raise InputError(
            "nothing tells whether this migration has been applied",
            detail="None of its statements makes or drops a named object.",
            hint="A deployment needs one: a table, column, constraint, index, trigger or function.",
        )
    keys = {key["name"]: key for key in manifest.get("foreign_keys", [])}
    tables = {table["name"]: table for table in manifest.get("tables", [])}
    spelled = {
        (c["table"], name) for c in manifest.get("found_columns", []) for name in c["any_of"]
    }
    functions = {function["name"] for function in manifest.get("functions", [])}
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for effect in found:
        if effect.get("listed"):
            own = listed.setdefault((effect["schema"], effect["table"]), {})
            own[effect["name"]] = effect["column"]
    found = [effect for effect in found if not effect.get("listed")]
    for effect in found:
        if effect["kind"] == "column" and effect["table"] in tables:
            # What it may be besides is for the checks, which know other spellings.
            effect.pop("column", None)
        if not effect["made"]:
            continue
        if effect["kind"] == "function" and effect["name"] in functions:
            # Whether its text means the same is for the checks, which know what is accepted.
            effect.pop("body", None)
        if effect["kind"] == "constraint" and effect["name"] in keys:
            key = keys[effect["name"]]
            if key["table"] == effect["table"]:
                effect["definition"] = {
                    "columns": list(key["columns"]),
                    "parent": [manifest["schema"], key["references"]["table"]],
                    "parent_columns": list(key["references"]["columns"]),
                    "on_delete": key["on_delete"],
                    "on_update": key["on_update"],
                }
        elif effect["kind"] == "table" and effect["name"] in tables:
            columns = [column["name"] for column in tables[effect["name"]]["columns"]]
            kept = [name for name in columns if (effect["name"], name) not in spelled]
            effect["definition"] = {"columns": kept}
        elif effect["kind"] == "table":
            own = listed.get((effect["schema"], effect["name"]), {})
            effect["definition"] = {"columns": list(own), "details": own}
    return found


def untold(runbook: Runbook) -> list[dict[str, Any]]:
    """The statements of the migration of which no object tells whether they have been applied.

    Those that set what the others are run under are among them, in order.
    """
    return [
        statement
        for step in steps(runbook.directory, runbook.sql_files("migration"))
        for statement in step["statements"]
        if not statement["read"] or statement["verb"] in {"SET", "RESET"}
    ]


def history_of(
    directory: Path, data: Mapping[str, Any], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """The `tool` of a migration, the `schema` of its record and the `migrations` that are to be in
    it, each with `name`, `file` and the `checksums` that the tool takes for the file's."""
    tool = next((tool for tool in TOOL_KEYS if tool in data), history.PLAIN)
    said = data.get(tool)
    if said is None:
        return {"tool": tool, "schema": manifest["schema"], "migrations": []}
    schema_name = said.get("schema", manifest["schema"])
    content = (directory / said["file"]).read_bytes()
    one = {
        "name": said.get("name", data["name"]),
        "file": said["file"],
        "checksums": list(history.find(tool, schema=schema_name).checksums(content)),
    }
    return {"tool": tool, "schema": schema_name, "migrations": [one]}


def history_on_record(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as it is kept in the evidence; an older one names its tool by a key of its own."""
    if "history" in kept:
        return dict(kept)
    others = {key: value for key, value in kept.items() if key not in TOOL_KEYS}
    told: dict[str, Any] = {"tool": history.PLAIN, "schema": "", "migrations": []}
    for tool in TOOL_KEYS:
        said = kept.get(tool)
        if isinstance(said, Mapping):
            one = {key: said[key] for key in ("name", "file", "checksums")}
            told = {"tool": tool, "schema": said["schema"], "migrations": [one]}
    return {**others, "history": told}


def plan(runbook: Runbook, key: str) -> dict[str, Any]:
    """What the target host needs of a runbook: `steps` of `migration` or `undo`, and by what the
    migration is recognised (`objects`, `history`)."""
    own = steps(runbook.directory, runbook.sql_files("migration"))
    return {
        "steps": own if key == "migration" else steps(runbook.directory, runbook.sql_files(key)),
        "objects": expected(own, runbook.manifest),
        "history": history_of(runbook.directory, runbook.data, runbook.manifest),
    }


def _statements(file: Path) -> list[dict[str, Any]]:
    found = []
    unreadable = Faults()
    for piece in statements.read(file):
        try:
            left = effects.effects(piece, file.name)
        except InputError as error:
            unreadable.note(
                InputError(
                    f"{file.name}:{error.primary.removeprefix('line ')}",
                    file=str(file),
                    hint=error.hint,
                )
            )
            continue
        read = footprint(piece)
        found.append(
            {
                "file": file.name,
                "line": piece.line,
                "first_line": piece.first_line,
                "text": piece.text,
                "verb": piece.verb,
                "opening": piece.opening,
                "lock": read.lock,
                "tables": read.tables,
                "effects": [effect for effect in left if effect["kind"] != effects.UNREAD],
                "read": all(effect["kind"] != effects.UNREAD for effect in left),
                "outside": effects.outside_transaction(piece),
            }
        )
    unreadable.refuse()
    if not found:
        raise InputError(f"{file.name} holds no statement", file=str(file))
    return found
