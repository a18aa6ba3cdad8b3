"""The measurements as a page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.corpus.judge import Verdict
    from tools.corpus.replay import Row

__all__ = ["Judged", "Measured", "render"]

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


_JUDGED = """\
## Judged

What a run about the folder says to each of the last migrations, with no line written: \
`python -m tools.corpus judge NAME FOLDER --results RESULTS`. The database has what the migrations \
before it leave, and rows that are made up to fit (`sandbox/rows.py`): any that keys and CHECKs \
allow, which is more than an application would write. The rehearsal on a copy, preflight, the \
deployment and the phases are those of a run; the copy is made by the server, not from a dump.
"""
_AGAINST = """\
What stands against a GO. What fails on a copy fails on rows that the schema before it allows; \
where a database has no such rows, the migration is a GO. A script that makes a table or a column \
anew without what was in it is no way back (D9.1): *N values before, 0 now*. In a table without \
rows nothing is lost by it, and that a column comes back behind the others is no fault.
"""
_WITHOUT = "Tables for which no rows could be made, before the last of the migrations:"
_LONGEST = 300


@dataclass(frozen=True)
class Judged:
    """An application's last migrations, and what the gate says to each."""

    name: str
    tool: str
    source: str
    verdicts: Sequence[Verdict]

    def count(self, decision: str) -> int:
        return sum(one.decision == decision for one in self.verdicts)


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


def render(found: Sequence[Measured], judged: Sequence[Judged] = ()) -> str:
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
    if judged:
        lines += ["", _JUDGED, *_verdicts(judged)]
    return "\n".join(lines) + "\n"


def _verdicts(judged: Sequence[Judged]) -> list[str]:
    against = [(one, row) for one in judged for row in one.verdicts if row.decision != "GO"]
    rows = [
        f"| {one.name} ({one.source}) | {one.tool} | {len(one.verdicts)} | {one.count('GO')} "
        f"| {one.count('HOLD')} | {one.count('NO-GO')} "
        f"| {median(row.seconds for row in one.verdicts) if one.verdicts else 0.0:.1f} s |"
        for one in judged
    ]
    every = [row for one in judged for row in one.verdicts]
    counts = " | ".join(
        str(sum(row.decision == word for row in every)) for word in ("GO", "HOLD", "NO-GO")
    )
    lines = [
        "| Application | Files of | Judged | GO | HOLD | NO-GO | Median |",
        "|---|---|---:|---:|---:|---:|---:|",
        *rows,
        f"| **All** | | {len(every)} | {counts} | |",
    ]
    empty = [
        f"* {one.name}: {', '.join(f'`{name}`' for name in one.verdicts[-1].unfilled)}"
        for one in judged
        if one.verdicts and one.verdicts[-1].unfilled
    ]
    if empty:
        lines += ["", _WITHOUT, "", *empty]
    if against:
        lines += ["", _AGAINST, "| Application | Migration | Verdict | Why |", "|---|---|---|---|"]
        lines += [
            f"| {one.name} | `{row.file}` | {row.decision} | {_why(row)} |" for one, row in against
        ]
    return lines


def _why(row: Verdict) -> str:
    """The first finding tells; what follows from it does not."""
    text = "; ".join(dict.fromkeys(f"{one.subject}: {one.text}" for one in row.findings[:2]))
    text = text.replace(f"{row.file}:", "line ")
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
    return " ".join(shown.replace("|", "\\|").split())


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
