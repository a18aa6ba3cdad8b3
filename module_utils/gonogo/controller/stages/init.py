"""Writes the inventory of a database that somebody describes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...contract.errors import InputError
from ...contract.options.init import INIT, InitTask
from .. import request
from ..invocation import project
from ..invocation.paths import path_of
from ..request.new_inventory import NewInventory, write
from ..runbook import source
from .base import Stage
from .reported import Reported

__all__ = ["Init"]

_NEEDED = ("name", "environment", "database")
_FOLDER = "inventories"


class Init(Stage[InitTask]):
    """The stage `init`, see library/gonogo_init.py."""

    stage = "init"
    declared = INIT
    task = InitTask

    def act(self, task: InitTask) -> Reported:
        known, prefixes = project.variables()
        request.check_variables(self.site.extra, known=known, prefixes=prefixes)
        self._require(task)
        folder = _folder(task)
        directory = folder / (task.name or "")
        said = _said(task, folder)
        said.check()
        if os.path.lexists(directory) or not self.checking:
            write(directory, said)
        told = {"inventory": str(directory), "marker": said.markers[0]}
        return Reported(told=told, changed=True, lines=[*self._lines(directory, said)])

    def _require(self, task: InitTask) -> None:
        missing = [f"init_{name}" for name in _NEEDED if not getattr(task, name)]
        if missing:
            example = self.caller.again(*(f"{name}=..." for name in missing))
            raise InputError(
                "not all is said that an inventory needs",
                detail=f"Not set: {', '.join(missing)}.",
                hint="On a terminal the playbook asks; docs/variables.md has all that can be said. "
                f"Elsewhere: {example}",
            )

    def _lines(self, directory: Path, said: NewInventory) -> Iterator[str]:
        shown = directory
        if directory.is_relative_to(project.workplace()):
            shown = directory.relative_to(project.workplace())
        yield f"Wrote {shown}/hosts.yml and {shown}/group_vars/gonogo.yml. No password is in them."
        superuser, owner = said.markers
        yield "Mark the database once, as a superuser:"
        yield f"  {superuser}"
        yield "or as its owner, one line beside what its comment says already:"
        yield f"  {owner}"
        yield "Then:"
        playbook = "rollout_production" if said.production else "validate_staging"
        more = [] if said.migrations else ["gonogo_migrations=FOLDER"]
        if said.production:
            more.append("gonogo_promotion_evidence=runs/staging/RUN_ID")
        yield f"  {self.caller.with_inventory(os.path.relpath(directory), playbook, *more)}"


def _folder(task: InitTask) -> Path:
    if not task.directory:
        return project.workplace() / _FOLDER
    return path_of(task.directory, key="init_directory")


def _said(task: InitTask, folder: Path) -> NewInventory:
    values = {
        name: value
        for name, value in vars(task).items()
        if value not in (None, "") and name not in ("migrations", "directory")
    }
    if task.migrations:
        directory = path_of(task.migrations, key="init_migrations")
        source.read(directory, tool=source.AUTO, schema="public")
        values["migrations"] = str(directory)
    if folder != project.workplace() / _FOLDER:
        values["runs"] = str(project.workplace() / "runs")
    return NewInventory(**values)
