"""The table in docs/versions.md, made from what became of the cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.matrix.axes import Cell
from tools.matrix.errors import MatrixError
from tools.matrix.results import PASSED, UNAVAILABLE, Result
from tools.project import DOCS

FILE = DOCS / "versions.md"

_BEGIN = "<!-- Written by python -m tools.matrix; do not edit. -->"
_END = "<!-- End of what it writes. -->"

_COLUMNS = (
    "PostgreSQL",
    "pg_dump",
    "ansible-core",
    "Python",
    "psycopg, libpq",
    "Target's Python",
    "`target`",
    "`as_deployed`",
    "Result",
    "Seconds",
)


def render(cells: Sequence[Cell], found: Sequence[Result | None]) -> str:
    """Markdown: one line for each cell, in order; ``found`` has None for one that never ran."""
    known = [result for result in found if result is not None]
    ran = [result for result in known if result.outcome != UNAVAILABLE]
    passed = sum(result.outcome == PASSED for result in ran)
    days = sorted({result.day for result in ran})
    summary = f"{passed} of {len(ran)} combinations that ran are as expected"
    if days:
        systems = ", ".join(sorted({result.system for result in ran}))
        ways = "/".join(
            sorted({r.versions["connection"] for r in ran if "connection" in r.versions})
        )
        summary += f"; {' to '.join(dict.fromkeys((days[0], days[-1])))}, {systems}"
        summary += f", connection {ways}" if ways else ""
    rows = [_row(cell, result) for cell, result in zip(cells, found, strict=True)]
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
    return "\n".join([f"{summary}.", "", *(f"| {' | '.join(line)} |" for line in lines)])


def write(file: Path, text: str) -> None:
    """Put the table between the two marks of the document.

    Raises: MatrixError when they are not there.
    """
    document = file.read_text(encoding="utf-8") if file.is_file() else ""
    head, begin, rest = document.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise MatrixError(
            f'"{file.name}" has no place for the table',
            hint=f"It goes between two lines: {_BEGIN} and {_END}",
        )
    file.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def _row(cell: Cell, result: Result | None) -> tuple[str, ...]:
    if result is None:
        result = Result(cell.name, UNAVAILABLE, "", "", [cell.impossible() or "has not run yet"])
    versions, verdicts = result.versions, result.verdicts
    driver = [versions[name] for name in ("psycopg", "libpq") if name in versions]
    ran = result.outcome != UNAVAILABLE
    # Of what did not run, the versions that were meant.
    row = (
        versions.get("server") or str(cell.postgresql),
        versions.get("pg_dump", ""),
        versions.get("ansible_core") or cell.core,
        versions.get("python") or cell.python,
        ", ".join(driver),
        (versions.get("target_python") or cell.target or "") if cell.target else "the same",
        verdicts.get("target", ""),
        verdicts.get("as_deployed", ""),
        ": ".join(["as expected" if result.outcome == PASSED else _verb(ran), *result.reasons[:3]]),
        str(result.seconds) if ran else "",
    )
    return tuple(value.replace("|", "\\|").replace("\n", " ") for value in row)


def _verb(ran: bool) -> str:
    return "**wrong**" if ran else "did not run"
