"""The measurements as a page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.corpus.replay import Row

__all__ = ["Measured", "render"]

_INTRODUCTION = """\
# Migrations of public applications

Which migrations of public applications can be deployed as they stand, with no line written. \
`python -m tools.corpus run NAME FOLDER --results RESULTS` measures the history of an \
application, `python -m tools.corpus page --results RESULTS` writes this page.

The history is replayed on an embedded server, from an empty database to its newest migration. \
Each migration is planned as a run plans it, and deployed by the code that deploys in a run: it is \
looked for, applied, and looked for again. It counts where it was recognised as absent before and \
as applied afterwards, and all of its statements ran. The databases have no rows: what a migration \
does to them is not tried here. Where an application applies its migrations by a runner of its \
own, and its files ask for that, the column *applied by* has what that does first in its session.
"""
_NONE = "Every one of them can be deployed as it stands."
_REST = """\
## The rest

What stands against each. *By itself* is what the server says where the file is sent to it without \
this project: what it refuses there, no tool can apply to this database.
"""


@dataclass(frozen=True)
class Measured:
    """An application: `source` is repository and commit, `role` who applies its migrations."""

    name: str
    tool: str
    source: str
    role: str
    rows: Sequence[Row]

    @property
    def deployable(self) -> int:
        return sum(row.problem is None for row in self.rows)


def render(found: Sequence[Measured]) -> str:
    """The page."""
    lines = [
        _INTRODUCTION,
        "| Application | Files of | Applied by | Migrations | Deployable | Share | Median |",
        "|---|---|---|---:|---:|---:|---:|",
        *(_line(one) for one in found),
    ]
    every = [row for one in found for row in one.rows]
    deployable = sum(one.deployable for one in found)
    lines += [f"| **All** | | | {len(every)} | {deployable} | {_share(deployable, len(every))} | |"]
    rest = [(one, row) for one in found for row in one.rows if row.problem is not None]
    lines += ["", *([_REST, *_table(rest)] if rest else [_NONE])]
    return "\n".join(lines) + "\n"


def _line(one: Measured) -> str:
    seconds = median(row.seconds for row in one.rows) if one.rows else 0.0
    share = _share(one.deployable, len(one.rows))
    return (
        f"| {one.name} ({one.source}) | {one.tool} | {one.role} | {len(one.rows)} "
        f"| {one.deployable} | {share} | {seconds:.2f} s |"
    )


def _share(part: int, whole: int) -> str:
    """Rounded down: what is not all of it is no 100 %."""
    return f"{part * 1000 // whole / 10:.1f} %" if whole else "none"


def _table(rest: Sequence[tuple[Measured, Row]]) -> list[str]:
    return [
        "| Application | Migration | Problem |",
        "|---|---|---|",
        *(
            f"| {one.name} | `{row.file}` | {(row.problem or '').replace('|', chr(92) + '|')} |"
            for one, row in rest
        ),
    ]
