"""A runbook that builds on another: `extends: NAME` of a folder beside it.

It takes over the other's manifest, parameters, facts, what the report calls them, cleanup script
and templates, and the checks of each phase whose script it does not bring itself. Its criteria, its
own phases and its migration are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..reading.faults import one_of_all
from ..reading.schema import Items, Shape, Table, Text, fault, lacking
from ..reading.yamlfile import Document

__all__ = ["INHERITED", "base_folder", "completed"]

# Keys that a runbook must have unless it extends one that has them.
INHERITED: Mapping[str, Shape] = {
    "parameters": Table(Text(), empty=True),
    "facts": Items(Text(), empty=True),
    "cleanup": Text(),
}


def base_folder(document: Document) -> Path | None:
    """Folder of the runbook this one extends. Raises InputError when there is none of that name,
    or when something is missing and there is nobody to have it from."""
    data = document.data
    if "extends" not in data:
        missing = [key for key in INHERITED if key not in data]
        if missing:
            raise one_of_all([lacking(document, (), key, INHERITED[key]) for key in missing])
        return None
    directory: Path = document.path.parent
    name = str(data["extends"])
    base = directory.parent / name
    if name == directory.name or not (base / "runbook.yml").is_file():
        raise fault(document, ("extends",), name, "is no other runbook beside this one")
    return base


def completed(document: Document, base: Document) -> Document:
    """The document with what it takes over. Raises InputError when its base extends another, or has
    not all that is taken over."""
    data, theirs = document.data, base.data
    if "extends" in theirs:
        raise fault(document, ("extends",), data["extends"], "extends another runbook itself")
    base_folder(base)
    folder = document.path.parent / "phases"
    own = {check["id"] for check in data["checks"]}
    taken_over = {
        phase["name"]
        for phase in data["phases"]
        if not (folder / f"{phase['name']}.sql.j2").is_file()
    }
    checks = [
        check
        for check in theirs["checks"]
        if check["phase"] in taken_over and check["id"] not in own
    ]
    report = {**theirs.get("report", {}), **data.get("report", {})}
    merged = {
        **data,
        **({"report": report} if report else {}),
        "parameters": {**theirs["parameters"], **data.get("parameters", {})},
        "facts": list(dict.fromkeys([*theirs["facts"], *data.get("facts", [])])),
        "cleanup": data.get("cleanup", theirs["cleanup"]),
        "checks": [*data["checks"], *checks],
    }
    return replace(document, data=merged)
