"""A runbook that builds on another: `extends: NAME` of a folder beside it.

It takes over what the other has of these: the manifest, parameters, facts, what the report calls
them, cleanup script and templates, what is said of audits, and the checks of each phase whose
script it does not bring itself. Its criteria, its own phases and its migration are its own.

With `adds_to: NAME`, of a folder inside its own, it takes over all of the other, and what it says
itself is added: parameters, facts, phases, criteria, checks, what counts for the score. What it
calls as the other does stands in the place of the other's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from ..reading.schema import fault
from ..reading.yamlfile import Document

__all__ = ["base_folder", "completed"]


def base_folder(document: Document) -> Path | None:
    """Folder of the runbook this one extends. Raises InputError when there is none of that name."""
    data = document.data
    directory: Path = document.path.parent
    if "adds_to" in data:
        inner = directory / str(data["adds_to"])
        if not (inner / "runbook.yml").is_file():
            raise fault(document, ("adds_to",), data["adds_to"], "is no runbook in this folder")
        return inner
    if "extends" not in data:
        return None
    name = str(data["extends"])
    base = directory.parent / name
    if name == directory.name or not (base / "runbook.yml").is_file():
        raise fault(document, ("extends",), name, "is no other runbook beside this one")
    return base


def completed(document: Document, base: Document) -> Document:
    """The document with what it takes over. Raises InputError when its base extends another."""
    data, theirs = document.data, base.data
    key = "adds_to" if "adds_to" in data else "extends"
    if "extends" in theirs or "adds_to" in theirs:
        raise fault(document, (key,), data[key], "extends another runbook itself")
    if key == "adds_to":
        return _added(document, base)
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
    audit = data.get("audit") or _said_of_audits(
        theirs.get("audit"), [phase["name"] for phase in data["phases"]]
    )
    merged = {
        **data,
        **({"report": report} if report else {}),
        **({"audit": audit} if audit else {}),
        "parameters": {**theirs.get("parameters", {}), **data.get("parameters", {})},
        "facts": list(dict.fromkeys([*theirs.get("facts", []), *data.get("facts", [])])),
        **({"cleanup": cleanup} if cleanup else {}),
        "checks": [*data["checks"], *checks],
    }
    return replace(document, data=merged)


def _added(document: Document, base: Document) -> Document:
    data, theirs = document.data, base.data
    merged = {
        **theirs,
        **data,
        "parameters": {**theirs.get("parameters", {}), **data.get("parameters", {})},
        "report": {**theirs.get("report", {}), **data.get("report", {})},
    }
    for key in ("facts", "scoring"):
        merged[key] = list(dict.fromkeys([*theirs.get(key, []), *data.get(key, [])]))
    lines = document.lines
    for key, name in (("phases", "name"), ("criteria", "id"), ("checks", "id")):
        own = data.get(key, [])
        replaced = {one[name] for one in own}
        kept = [one for one in theirs[key] if one[name] not in replaced]
        merged[key] = [*kept, *own]
        lines = _moved(lines, key, len(kept))
    return replace(document, data=merged, lines=lines)


def _moved(
    lines: dict[tuple[str | int, ...], int], key: str, by: int
) -> dict[tuple[str | int, ...], int]:
    """The lines of a document in whose list `key` so many items have come before its own."""
    return {
        (key, path[1] + by, *path[2:])
        if path[:1] == (key,) and len(path) > 1 and isinstance(path[1], int)
        else path: line
        for path, line in lines.items()
    }


def _said_of_audits(
    audit: Mapping[str, list[str]] | None, phases: Collection[str]
) -> Mapping[str, list[str]]:
    """What the other says of audits, as far as it is about phases that are there."""
    if not audit:
        return {}
    kept = {
        key: [name for name in names if key == "baseline" or name in phases]
        for key, names in audit.items()
    }
    return {key: names for key, names in kept.items() if names}
