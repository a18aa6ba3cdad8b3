"""A runbook that builds on another: `extends: NAME` of a folder beside it.

It takes over what the other has of these: the manifest, parameters, facts, what the report calls
them, cleanup script and templates, and the checks of each phase whose script it does not bring
itself. Its criteria, its own phases and its migration are its own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..reading.schema import fault
from ..reading.yamlfile import Document

__all__ = ["base_folder", "completed"]


def base_folder(document: Document) -> Path | None:
    """Folder of the runbook this one extends. Raises InputError when there is none of that name."""
    data = document.data
    if "extends" not in data:
        return None
    directory: Path = document.path.parent
    name = str(data["extends"])
    base = directory.parent / name
    if name == directory.name or not (base / "runbook.yml").is_file():
        raise fault(document, ("extends",), name, "is no other runbook beside this one")
    return base


def completed(document: Document, base: Document) -> Document:
    """The document with what it takes over. Raises InputError when its base extends another."""
    data, theirs = document.data, base.data
    if "extends" in theirs:
        raise fault(document, ("extends",), data["extends"], "extends another runbook itself")
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
    cleanup = data.get("cleanup", theirs.get("cleanup"))
    merged = {
        **data,
        **({"report": report} if report else {}),
        "parameters": {**theirs.get("parameters", {}), **data.get("parameters", {})},
        "facts": list(dict.fromkeys([*theirs.get("facts", []), *data.get("facts", [])])),
        **({"cleanup": cleanup} if cleanup else {}),
        "checks": [*data["checks"], *checks],
    }
    return replace(document, data=merged)
