"""The bookkeeping of migration tools, one tool a file.

`interface` says what is asked of each, `contradictions` in what a record and the schema do not
agree. A tool is a file in `tools`, found by its name, which is also its key in runbook.yml; only
its file is read. `captured` is for those whose migrations are programs: it keeps no record by
itself.

Python 3.9, standard library only: the controller asks about files as well.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

from ....contract.errors import GonogoError, shown
from ....contract.records.migration import HistoryPlan
from . import detection, tools
from .captured import COMMAND, Captured
from .interface import Entry, History, Migration

__all__ = ["COMMAND", "PLAIN", "TOOLS", "Entry", "History", "Migration", "detect", "find", "of"]
__all__ += ["schema_of"]

# SQL files and no tool; a runbook that names none is of this kind.
PLAIN = "plain"
# The names of all tools. A target host has no folder to read them from: there it is empty, and a
# tool is asked for by the name that the controller says.
TOOLS = tuple(sorted(module.name for module in pkgutil.iter_modules(tools.__path__)))

_NAME = re.compile("[a-z][a-z0-9_]*")


def find(tool: str, *, schema: str) -> History:
    """The bookkeeping of a tool, in this schema. Raises GonogoError for one that is not known."""
    return _class(tool)(schema)


def detect(folder: Path) -> str:
    """The tool that a folder of migrations belongs to.

    Raises InputError for one that is nobody's, that is more than one's, or that has programs.
    """
    return detection.detect(folder, {tool: _class(tool) for tool in TOOLS})


def schema_of(tool: str, schema: str) -> str:
    """The schema of a tool's record, for an application whose own is this one."""
    return _class(tool).own_schema or schema


def _unknown(tool: str) -> GonogoError:
    return GonogoError(
        f"there is no migration tool {shown(tool)}",
        detail=f"There is: {', '.join(TOOLS)}." if TOOLS else None,
    )


def of(plan: HistoryPlan) -> tuple[History, list[Migration]]:
    """The tool of a plan, and the migrations that it is to record."""
    tool = find(plan.tool, schema=plan.schema)
    migrations = [
        Migration(one.name, one.file, checksums=tuple(one.checksums), details=one.details or {})
        for one in plan.migrations
    ]
    tool.expect(migrations)
    return tool, migrations


def _class(tool: str) -> type[History]:
    if tool == COMMAND:
        return Captured
    name = f"{tools.__name__}.{tool}"
    if not _NAME.fullmatch(tool):
        raise _unknown(tool)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise _unknown(tool) from None
    found: type[History]
    (found,) = (
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, History) and one.__module__ == name
    )
    return found
