"""docs/tools.md: the migration tools, as each says itself."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from gonogo.host.migrate import history

__all__ = ["page"]

_COLUMNS = (
    *("Key", "Tool", "What it is", "Transaction of a file", "A file that comes late"),
    *("Checksum", "Its tables", "Its lock"),
)
_WORDS = (
    "The bookkeeping that is kept for a migration. A runbook names its tool by the key, as in "
    "`{example}: {{file, name, schema}}`; one that names none is `plain`. Each tool is one file in "
    "`module_utils/gonogo/host/migrate/history/tools/`, and `python -m tests.generated` writes "
    "this page from them."
)
_NOTHING = "\N{EN DASH}"


def page(text: str) -> str:
    """The page, whatever it is now."""
    del text
    example = next(tool for tool in history.TOOLS if tool != history.PLAIN)
    heads = (_line(_COLUMNS), _line(["---"] * len(_COLUMNS)))
    table = "\n".join([*heads, *map(_row, history.TOOLS)])
    return f"# Migration tools\n\n{_WORDS.format(example=example)}\n\n{table}\n"


def _row(key: str) -> str:
    tool = history.find(key, schema="public")
    what = (inspect.getdoc(tool) or "").partition("\n\n")[0].replace("\n", " ")
    schema = f"{tool.own_schema}." if tool.own_schema else ""
    tables = ", ".join(f"`{schema}{name}`" for _, name in tool.tables)
    lock = f"{tool.lock_name}, for the {tool.lock_scope}" if tool.lock_scope else ""
    cells = (f"`{key}`", tool.name, what, tool.transaction, tool.late, tool.digest, tables, lock)
    return _line([cell or _NOTHING for cell in cells])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
