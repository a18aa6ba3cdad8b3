"""What the files of a migration say of trigger functions and triggers, for the checks to compare.

A function that a probe has tried is known on the rows of the probe; one whose text is the
runbook's is known on all. So a manifest gets the statements that make its functions, and the
conditions under which its triggers fire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..declared.manifest import Manifest, Table, Trigger
from . import statements

__all__ = ["completed"]

_NAME = r'(?:"(?P<{0}>[^"]+)"|(?P<{0}_>[A-Za-z_][A-Za-z0-9_$]*))'
_FUNCTION = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(?P<whole>(?:"
    + _NAME.format("schema")
    + r"\s*\.\s*)?"
    + _NAME.format("name")
    + r")\s*\(\s*\)",
    re.IGNORECASE,
)
_TRIGGER = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?TRIGGER\s.*?\sON\s+(?:[^\s.]+\s*\.\s*)?"
    + _NAME.format("table")
    + r"\s.*?(?:\sWHEN\s*\((?P<when>.*)\)\s*)?EXECUTE\s+(?:FUNCTION|PROCEDURE)\s+"
    r"(?:[^\s.]+\s*\.\s*)?" + _NAME.format("function") + r"\s*\(",
    re.IGNORECASE | re.DOTALL,
)
# Cutting a file into its statements takes longer than looking whether it has one of these.
_WORTH = re.compile(r"\b(?:FUNCTION|TRIGGER)\b", re.IGNORECASE)


def completed(manifest: Manifest, files: Iterable[Path]) -> Manifest:
    """The manifest; each function has `shipped`, a list of statements that make it under the name
    `pg_temp.shipped`, and each trigger `conditions`, a list of texts: those of its WHEN in the
    files, and those it declares itself. None stands for a trigger without one."""
    functions: dict[str, list[str]] = {}
    conditions: dict[tuple[str, str], list[str | None]] = {}
    for file in files:
        if not _WORTH.search(file.read_text(encoding="utf-8", errors="replace")):
            continue
        for piece in statements.read(file):
            _note(piece.bare, manifest.schema, functions, conditions)
    return replace(
        manifest,
        functions=[replace(one, shipped=functions.get(one.name, [])) for one in manifest.functions],
        tables=[_with_conditions(table, conditions) for table in manifest.tables],
    )


def _with_conditions(table: Table, found: Mapping[tuple[str, str], Sequence[str | None]]) -> Table:
    def of(trigger: Trigger) -> list[str | None]:
        shipped = found.get((table.name, trigger.function), [])
        return [*shipped, *(when or None for when in trigger.when or ())]

    return replace(table, triggers=[replace(one, conditions=of(one)) for one in table.triggers])


def _note(
    code: str,
    schema: str,
    functions: dict[str, list[str]],
    conditions: dict[tuple[str, str], list[str | None]],
) -> None:
    function = _FUNCTION.match(code)
    if function and _named(function, "schema") in (None, schema):
        start, end = function.span("whole")
        text = f"{code[:start]}pg_temp.shipped{code[end:]}".rstrip().rstrip(";")
        functions.setdefault(str(_named(function, "name")), []).append(text)
    trigger = _TRIGGER.match(code)
    if trigger:
        key = str(_named(trigger, "table")), str(_named(trigger, "function"))
        conditions.setdefault(key, []).append(trigger["when"])


def _named(match: re.Match[str], group: str) -> str | None:
    """The identifier as the server knows it."""
    plain = match[f"{group}_"]
    return match[group] or (plain.lower() if plain else None)
