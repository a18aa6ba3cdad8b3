"""The bookkeeping of migration tools, one tool a file.

`interface` says what is asked of each, `contradictions` in what a record and the schema do not
agree. A tool is found by its name, which is also its key in runbook.yml; only its file is read.

Python 3.9, standard library only: the controller asks about files as well.
"""

from __future__ import annotations

import importlib

from ....contract.errors import GonogoError, shown
from ....contract.records.migration import HistoryPlan
from .interface import Entry, History, Migration

__all__ = ["PLAIN", "TOOLS", "Entry", "History", "Migration", "find", "of"]

# SQL files and no tool; a runbook that names none is of this kind.
PLAIN = "plain"
# Name → file and class.
TOOLS = {
    PLAIN: "plain.Plain",
    "prisma": "prisma.Prisma",
}


def find(tool: str, *, schema: str) -> History:
    """The bookkeeping of a tool, in this schema. Raises GonogoError for one that is not known."""
    if tool not in TOOLS:
        raise GonogoError(
            f"there is no migration tool {shown(tool)}", detail=f"There is: {', '.join(TOOLS)}."
        )
    file, name = TOOLS[tool].split(".")
    found: type[History] = getattr(importlib.import_module(f".{file}", __name__), name)
    return found(schema)


def of(plan: HistoryPlan) -> tuple[History, list[Migration]]:
    """The tool of a plan, and the migrations that it is to record."""
    tool = find(plan.tool, schema=plan.schema)
    return tool, [
        Migration(one.name, one.file, checksums=tuple(one.checksums)) for one in plan.migrations
    ]
