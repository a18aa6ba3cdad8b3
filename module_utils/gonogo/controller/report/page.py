"""What a report says, whatever it is written in: both templates and junit.xml print this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from ...contract.records.verdict import VerdictRecord
from ...verdict import COPY_ONLY
from .parts import Command, Score, Table
from .values import Row, in_lines

__all__ = [
    "CheckLine",
    "Costs",
    "Files",
    "Finding",
    "Group",
    "Labelled",
    "Log",
    "Page",
    "Proof",
    "Sentence",
    "SqlText",
    "TimeLine",
]


@dataclass(frozen=True)
class CheckLine:
    """A check with its result; `counts` is false where its failure decides nothing. `anchor` is
    where the report tells of it. `file` is the script that has asked, and `on_copy` whether the
    result is that of the rehearsal: nobody has asked the database itself. `word` says the status to
    people, and of a check that had nothing to look at why it does not apply; `applies` is false
    then."""

    id: str
    title: str
    criterion: str
    phase: str
    status: str
    examined: str
    seconds: str
    expected: str
    observed: str
    samples: Sequence[str]
    remedy: str
    counts: bool
    notes: Sequence[str]
    anchor: str
    on_copy: bool
    word: str = ""
    applies: bool = True

    @property
    def is_tried(self) -> bool:
        """Whether the copy alone was asked, and has answered."""
        return self.on_copy and self.status == "not_run" and self.word.startswith(COPY_ONLY)

    @property
    def passed(self) -> bool:
        """Whether it has looked at something, and that is as it should be."""
        return self.status == "pass" and self.applies


@dataclass(frozen=True)
class Sentence:
    """Why, in a sentence: about what, what is wrong with it, what was `found`, and `which` rows or
    objects; `statements` are those that have done it, `query` shows the rows. `word` is the verdict
    it stands for, `asked` whether a check has found it."""

    text: str
    word: str = ""
    tone: str = ""
    subject: str = ""
    link: str = ""
    found: str = ""
    which: Sequence[str] = ()
    statements: Sequence[str] = ()
    query: str = ""
    asked: bool = False


@dataclass(frozen=True)
class SqlText:
    """What a script has asked for one check."""

    file: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """What stands against a GO, or was noted beside it; `anchor` is empty where nothing leads to
    it."""

    subject: str
    title: str
    word: str
    tone: str
    effect: str
    anchor: str = ""
    expected: str = ""
    observed: str = ""
    examined: str = ""
    samples: Sequence[str] = ()
    statements: Sequence[str] = ()
    query: str = ""
    remedy: str = ""
    notes: Sequence[str] = ()
    sql: SqlText | None = None

    @property
    def sides(self) -> Sequence[tuple[str, Sequence[str]]]:
        """What was expected and what was observed; a long list an item a line."""
        both = (("expected", self.expected), ("observed", self.observed))
        return [(label, in_lines(said)) for label, said in both if said]


@dataclass(frozen=True)
class TimeLine:
    """The stages of the run, and in `words` how long all of it took."""

    words: str
    table: Table


@dataclass(frozen=True)
class Proof:
    """What became of the backup when it was restored; `more` says how many tables are not listed,
    `differs` whether any is not equal."""

    words: str
    head: Sequence[Row] = ()
    tables: Table | None = None
    more: str = ""
    differs: bool = False


@dataclass(frozen=True)
class Costs:
    """What a deployment has found and done, and what each statement has cost."""

    heading: str
    head: Sequence[Row]
    table: Table | None


@dataclass(frozen=True)
class Labelled:
    """Facts that have labels of the runbook, under its heading."""

    heading: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Group:
    """Criteria of one class."""

    heading: str
    table: Table


@dataclass(frozen=True)
class Log:
    """The execution log of a runbook that a person would have filled in."""

    head: Sequence[Row]
    labelled: Labelled
    groups: Sequence[Group]
    justification: Sequence[str]


@dataclass(frozen=True)
class Files:
    """What lies beside the report; `ledger` is a number of rows."""

    sql: Sequence[str]
    ledger: int


@dataclass(frozen=True)
class Page:
    """`about` says which database, which migration and what the verdict rests on; `outlook` what
    would change it, what is to be mended apart from the rest; `decided` which criteria decide."""

    title: str
    subject: str
    verdict: VerdictRecord
    tone: str
    score: str
    percent: int
    about: Sequence[Row]
    why: Sequence[Sentence]
    cells: Sequence[Score]
    decided: str
    outlook: tuple[Sequence[str], Sequence[str]]
    next_steps: Sequence[Command]
    time_line: TimeLine | None
    proof: Proof
    costs: Sequence[Costs]
    findings: Sequence[Finding]
    checks: Sequence[CheckLine]
    all_checks: Table
    log: Log
    backup: Sequence[Row]
    facts: Sequence[Row]
    files: Files

    def names(self) -> dict[str, object]:
        """What a template may name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
