"""Writes the derived runbook of a folder of migrations, or shows what another one would change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...contract.errors import GonogoError, InputError
from ...contract.options.draft import DRAFT, DraftTask
from .. import request
from ..invocation import project
from ..invocation.paths import path_of
from ..runbook import draft, source
from .base import Stage
from .reported import Reported

__all__ = ["Draft"]

_SHOWN = 200


class Draft(Stage[DraftTask]):
    """The stage `draft`, see library/gonogo_draft.py."""

    stage = "draft"
    declared = DRAFT
    task = DraftTask

    def act(self, task: DraftTask) -> Reported:
        known, prefixes = project.variables()
        request.check_variables(self.site.extra, known=known, prefixes=prefixes)
        self._require(task)
        migrations, directory = _named(task)
        folder = source.read(migrations, tool=task.migration_tool, schema=task.migration_schema)
        found = draft.Draft(directory, draft.derived(folder))
        if not found.exists():
            if not self.checking:
                found.begin(migrations.parent.name)
            return _reported(found, [], lines=_begun(directory, migrations))
        differing = found.differing()
        if not differing:
            said = "Nothing has changed: what is there is what is derived now."
            return Reported([said], changed=False, told=_told(found, []))
        lines = [*_clipped(found.difference())]
        by_hand = found.changed_by_hand()
        if task.update and by_hand:
            raise GonogoError(
                "derived files were changed by hand; nothing was written",
                detail="\n".join(by_hand),
                hint=f"Move a script of them to {directory}/phases/, where it counts before the "
                "derived one, and what was changed in derived/runbook.yml to runbook.yml; then "
                "draft again.",
            )
        if task.update:
            if not self.checking:
                found.update()
            return _reported(found, differing, lines=[*lines, "Written."])
        lines += [f"Changed by hand: {name}" for name in by_hand]
        lines.append("Nothing was written. To take it over: -e draft_update=true")
        return Reported(lines, changed=False, told=_told(found, differing))

    def _require(self, task: DraftTask) -> None:
        missing = [key for key, value in _folders(task).items() if not value]
        if missing:
            raise InputError(
                "not all is said that a draft needs",
                detail=f"Not set: {', '.join(missing)}.",
                hint=f"Say it: {self.caller.again(*(f'{key}=FOLDER' for key in missing))}",
            )


def _folders(task: DraftTask) -> dict[str, str | None]:
    return {"gonogo_migrations": task.migrations, "draft_directory": task.directory}


def _named(task: DraftTask) -> tuple[Path, Path]:
    said = _folders(task).items()
    migrations, directory = (path_of(str(value), key=key) for key, value in said)
    if directory.is_relative_to(migrations):
        raise InputError(
            "a runbook among the migrations would be taken for one of them",
            key="draft_directory",
            hint="Name a folder beside them.",
        )
    return migrations, directory


def _begun(directory: Path, migrations: Path) -> list[str]:
    return [
        f"Wrote {directory}: derived/ is what is derived, runbook.yml is yours.",
        "To judge by it, add to the inventory or to the command:",
        f"  -e gonogo_migrations={migrations} -e gonogo_runbook={directory}",
    ]


def _reported(found: draft.Draft, differing: list[str], *, lines: list[str]) -> Reported:
    return Reported(lines, changed=True, told=_told(found, differing))


def _told(found: draft.Draft, differing: list[str]) -> dict[str, object]:
    return {"runbook": str(found.directory), "differing": differing}


def _clipped(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == _SHOWN:
            yield "... and more"
            return
        yield line
