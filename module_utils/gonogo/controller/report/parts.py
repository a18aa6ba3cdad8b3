"""What pages are put together from, as data: the macros of `parts.html.j2` lay it out.

A `tone` says what a word means: `good`, `bad`, `open` (nobody knows, or it is to be weighed), or
nothing. The words are always there too: no page is read by its colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Bar",
    "Cell",
    "Column",
    "Command",
    "Mark",
    "Score",
    "Segment",
    "Table",
    "Trend",
    "tone",
    "words",
]

_TONES = {
    "GO": "good",
    "UP-TO-DATE": "good",
    "pass": "good",
    "HOLD": "open",
    "hold": "open",
    "not judged": "open",
    "not_run": "open",
    "inconclusive": "open",
    "NO-GO": "bad",
    "no_go": "bad",
    "fail": "bad",
    # What has changed since the last audit.
    "new": "bad",
    "worse": "bad",
    "better": "good",
    "gone": "good",
}
_WORDS = {"pass": "PASS", "fail": "FAIL", "not_run": "NOT RUN", "inconclusive": "INCONCLUSIVE"}


def tone(word: str) -> str:
    """The tone of a verdict, a severity, a status or a change; of any other word none."""
    return _TONES.get(word, "")


def words(status: str) -> str:
    """The status of a check as a person reads it."""
    return _WORDS.get(status, status)


@dataclass(frozen=True)
class Segment:
    """A part of a bar, in percent of its width; `pattern` tells parts of one tone apart."""

    start: float
    length: float
    tone: str = ""
    pattern: str = ""


@dataclass(frozen=True)
class Mark:
    """A line across a bar, in percent of its width."""

    at: float
    tone: str = ""


@dataclass(frozen=True)
class Bar:
    """A picture of one line. `words` say the same to who does not see it; `caption` stands above
    it, `text` in it."""

    words: str
    segments: Sequence[Segment] = ()
    marks: Sequence[Mark] = ()
    caption: str = ""
    text: str = ""


@dataclass(frozen=True)
class Trend:
    """How a number went, oldest first; where nobody knows it, the line is broken.

    `lines` are the points of its parts, `dots` parts of one point. `words` are the numbers.
    """

    width: int
    height: int
    lines: Sequence[str]
    dots: Sequence[tuple[str, str]]
    words: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: `text`, as a `link` where there is one, `lines` below it, `bars`, a
    `trend`.

    `code` is whether it is a name or a value. `anchor` is what links lead to.
    """

    text: str = ""
    tone: str = ""
    link: str = ""
    code: bool = False
    lines: Sequence[str] = ()
    bars: Sequence[Bar] = ()
    trend: Trend | None = None
    anchor: str = ""


@dataclass(frozen=True)
class Column:
    """`number` columns are aligned by their digits, `word` columns have words that are not broken;
    the `head` names what a row is about. `only` is `html` or `markdown` where the other has no such
    column: pictures and what they say."""

    name: str
    number: bool = False
    word: bool = False
    head: bool = False
    only: str = ""


@dataclass(frozen=True)
class Table:
    """Each row has a cell for each column. On a narrow screen a row becomes a list."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def columns_in(self, page: str) -> Sequence[Column]:
        """The columns that a page of `html` or `markdown` has."""
        return [column for column in self.columns if column.only in ("", page)]

    def rows_in(self, page: str) -> Sequence[Sequence[tuple[Column, Cell]]]:
        """Each cell of these columns with its column."""
        return [
            [
                (column, cell)
                for column, cell in zip(self.columns, row, strict=True)
                if column.only in ("", page)
            ]
            for row in self.rows
        ]


@dataclass(frozen=True)
class Score:
    """A cell of the row of scores: what it is, what it came to, and where that is told.

    In a summary `name` is a number: how many came to that. `said` stands for the status where that
    alone would mislead.
    """

    name: str
    title: str
    status: str
    link: str
    said: str = ""

    @property
    def tone(self) -> str:
        return tone(self.status)

    @property
    def word(self) -> str:
        return self.said or words(self.status)


@dataclass(frozen=True)
class Command:
    """A command to be pasted, and what it does."""

    words: str
    line: str
