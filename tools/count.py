"""How many files are edited by hand for one thing more of a kind: ``python -m tools.count``.

An existing one of each kind is named, and the files of the project that know it are counted: the
code and the pages that somebody has to edit, and the tests apart. Nobody edits what `python -m
tests.pages` writes, a file that `python -m tests.generated` writes as a whole, or what it writes of
an option or a stage in other files. What only uses the thing (runbooks, inventories, scenarios, the
sandbox) needs no edit for another one of its kind.

Exit status: 0 counted, 1 an error.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.generated import WRITTEN
from tests.generated.all import FILES as GENERATED
from tests.pages.all import PAGES
from tools import cli
from tools.cli import Parser, say
from tools.project import PROJECT

__all__ = ["SUBJECTS", "Subject", "main", "standing"]

# What a part of the project is, and its folders and files.
PARTS = {
    "code": (
        "action_plugins",
        "callback_plugins",
        "lookup_plugins",
        "doc_fragments",
        "library",
        "module_utils",
        "playbooks",
        "roles",
        "verify",
    ),
    "tests": ("tests",),
    "docs": ("README.md", "docs"),
}
# Pages that other programs write whole.
_MEASURED = {"docs/corpus.md"}
_NEVER = r"(?!)"
_TEXT = {".py", ".yml", ".j2", ".sql", ".md"}


@dataclass(frozen=True)
class Subject:
    """A kind of thing, and the example that is counted.

    A file knows it when its text has `words`, or its path from the project's root `path`; but not
    when its path has `others`: it knows another thing of the same name.
    """

    kind: str
    example: str
    words: str
    path: str = _NEVER
    others: str = _NEVER
    # Whether the parts that `python -m tests.generated` writes have it from its declaration.
    declared: bool = False


SUBJECTS = (
    Subject(
        "an option of a stage",
        "space_factor of the stage twin",
        r"\b(twin_)?space_factor\b",
        others=r"target",
        declared=True,
    ),
    Subject(
        "a stage",
        "twin",
        r"\bgonogo_twin\b|[\"']twin[\"']|stages[./]twin\b|\bTWIN\b|\bname: twin\b",
        path=r"(^|/)(gonogo_)?twin(/(defaults|meta|tasks)/\w+\.yml|\.py)$",
        declared=True,
    ),
    Subject("an evidence file that counts", "twin.json", r"\btwin\.json\b"),
    Subject("a migration tool", "prisma", r"(?i)\bprisma\b", path=r"(^|/)prisma\.py$"),
)


def standing(subject: Subject, root: Path = PROJECT) -> dict[str, list[str]]:
    """Part of the project → paths of the files in it that know the example; what a program writes
    is the part `written`."""
    found: dict[str, list[str]] = {part: [] for part in (*PARTS, "written")}
    pages = {f"docs/{page.name}" for page in PAGES} | _MEASURED
    generated = {file.as_posix() for file in GENERATED}
    for part, places in PARTS.items():
        for file in _files(root, places):
            path = file.relative_to(root).as_posix()
            if not _knows(subject, path, file):
                continue
            whole = path in pages or (path in generated and WRITTEN in _text(file))
            written = whole or (subject.declared and path in generated)
            found["written" if written else part].append(path)
    return found


def _knows(subject: Subject, path: str, file: Path) -> bool:
    if re.search(subject.others, path):
        return False
    if re.search(subject.path, path):
        return True
    return re.search(subject.words, _text(file)) is not None


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _files(root: Path, places: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    for place in places:
        start = root / place
        inside = [start] if start.is_file() else sorted(start.rglob("*"))
        files += [
            file
            for file in inside
            if file.suffix in _TEXT and file.is_file() and not file.is_symlink()
        ]
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and print; returns the exit status."""
    return cli.run(_parser(), arguments)


def _count(asked: argparse.Namespace) -> int:
    for subject in SUBJECTS:
        found = standing(subject)
        code, tests, docs = (len(found[part]) for part in PARTS)
        say(
            f"{subject.kind} ({subject.example}): {code + docs} {_noun(code + docs)} by hand "
            f"({code} of code, {docs} of docs), and {tests} of tests"
        )
        for part in (*PARTS, "written") if asked.files else ():
            for path in found[part]:
                say(f"  {part:8}{path}")
    return 0


def _noun(number: int) -> str:
    return "file" if number == 1 else "files"


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.count",
        description="How many files are edited by hand for one thing more of a kind.",
    )
    parser.set_defaults(command=_count)
    parser.add_argument("--files", action="store_true", help="name the files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
