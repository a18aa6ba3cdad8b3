"""Pages of docs/ that tests stand behind: every line names the test that shows it.

The rows are data, and where a test has cases, the same data are its cases. `python -m tests.pages`
writes the pages; tests/unit/test_pages.py fails where one is not as it would be written, or names
a test that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Page", "Row", "Table"]


@cache
def _folders() -> dict[str, str]:
    """File of integration tests → folder; no two files have one name."""
    files = sorted((Path(__file__).parents[1] / "integration").glob("*/test_*.py"))
    folders = {file.name: file.parent.name for file in files}
    assert len(folders) == len(files)
    return folders


@dataclass(frozen=True)
class Row:
    """What is said, a cell a column but for the last, and the test: `test_run.py::test_x`.

    The file of the test is in a folder of tests/integration, or in tests/unit with `unit/` before
    it.
    """

    cells: tuple[str, ...]
    test: str

    @property
    def path(self) -> str:
        """File of the test, from the project's root."""
        file = self.test.partition("::")[0]
        return f"tests/{file}" if "/" in file else f"tests/integration/{_folders()[file]}/{file}"

    @property
    def shown(self) -> str:
        """The test with the folder of its file."""
        file, _, name = self.test.partition("::")
        folder = "" if "/" in file else f"{_folders()[file]}/"
        return f"{folder}{file}::{name}" if name else f"{folder}{file}"


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: Sequence[Row]
    heading: str = ""
    words: str = ""

    def markdown(self) -> str:
        lines = [f"## {self.heading}", ""] if self.heading else []
        lines += [self.words, ""] if self.words else []
        lines += [_line([*self.columns, "Shown by"]), _line(["---"] * (len(self.columns) + 1))]
        lines += [_line([*row.cells, f"`{row.shown}`"]) for row in self.rows]
        return "\n".join(lines)


@dataclass(frozen=True)
class Page:
    """`name` is that of the file in docs/; `parts` are tables and paragraphs of Markdown."""

    name: str
    title: str
    parts: Sequence[Table | str]

    def markdown(self) -> str:
        texts = [part if isinstance(part, str) else part.markdown() for part in self.parts]
        return "\n\n".join([f"# {self.title}", *texts]) + "\n"

    def rows(self) -> list[Row]:
        return [row for part in self.parts if isinstance(part, Table) for row in part.rows]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
