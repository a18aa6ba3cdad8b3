"""A person's own checks beside a folder of migrations: each a plain `.sql` file with a head.

    -- check: every order has a customer
    -- examined: SELECT count(*) FROM orders
    SELECT o.id FROM orders AS o LEFT JOIN customers AS c ON c.id = o.customer WHERE c.id IS NULL;

The head is the comments before the query; docs/variables.md has its keys. What the query looked at
cannot be known from its answer, and a check that has looked at nothing proves nothing: so it says
how many rows there were to look at, or that none is fine.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...contract import canonical
from ...contract.errors import InputError
from ...contract.redaction import is_secret
from ..reading.faults import Faults
from ..sql.lexer import LexicalError
from ..sql.statements import Piece, pieces

__all__ = ["AFTER", "BEFORE", "CRITERION", "KEY", "OwnCheck", "OwnChecks", "read"]

KEY = "gonogo_own_checks"
CRITERION = "D11"
BEFORE, AFTER = "before", "after"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,58}")
_LINE = re.compile(r"--[ \t]*(?P<key>[A-Za-z_]+)[ \t]*:(?P<value>.*)")
_VERBS = frozenset({"(", "SELECT", "WITH", "VALUES", "TABLE"})
_NO_ROWS, _ROWS, _VALUE = "no rows", "rows", "value"
# What a head may say of each key, where it is one of these words.
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "severity": ("critical", "important", "hold", "none"),
    "when": (AFTER, BEFORE, "both"),
    "empty": ("ok",),
}
_KEYS = ("check", "expect", "severity", "when", "remedy", "examined", "empty", "key")
_HINT = f"Known: {', '.join(_KEYS)}."
# As a check's effect.
_EFFECTS = {"critical": "no_go", "important": "important", "hold": "hold", "none": "none"}


@dataclass(frozen=True)
class OwnCheck:
    """One question about the rows, as it is asked at one moment (`when`).

    `expect` is no rows, rows or value; `value` what the only row has to be, `examined` the query
    that says how many rows there are to look at, `key` the column by which a report names a row.
    """

    id: str
    file: str
    title: str
    query: str
    when: str
    expect: str
    value: str | None
    effect: str
    examined: str | None
    empty_ok: bool
    key: str | None
    remedy: str


@dataclass(frozen=True)
class OwnChecks:
    """The checks of a folder; `digests`: name → SHA-256 of each file."""

    directory: Path
    checks: tuple[OwnCheck, ...]
    digests: Mapping[str, str]


def read(directory: Path) -> OwnChecks:
    """Read a folder of checks. Raises one InputError for all that is wrong in it."""
    if not directory.is_dir():
        raise InputError(
            "there is no such folder of checks on the controller",
            key=KEY,
            hint="Name a folder of .sql files, each with one check.",
        )
    faults = Faults()
    found: list[OwnCheck] = []
    digests = {}
    for path in sorted(directory.rglob("*.sql")):
        with faults.collected():
            _place(directory, path)
            content = path.read_bytes()
            digests[path.name] = canonical.sha256(content)
            found += _read(path, _text(path, content))
    faults.refuse()
    if not found:
        raise InputError(
            "there is no check in the folder",
            key=KEY,
            file=str(directory),
            hint="Write each check as a file of its own, NAME.sql.",
        )
    return OwnChecks(directory, tuple(found), digests)


def _place(directory: Path, path: Path) -> None:
    if path.parent != directory or not path.is_file():
        raise InputError(
            f"{path.relative_to(directory)} is not read: checks lie in the folder itself",
            file=str(path),
            hint="Move it there, or out of the folder.",
        )
    if not _NAME.fullmatch(path.stem):
        raise InputError(
            f"{path.name} is no name of a check",
            file=str(path),
            hint="The file's name becomes the check's id: up to 59 letters, digits, - and _.",
        )


def _text(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, "is not UTF-8", "Save it as UTF-8.") from None
    if "\0" in text:
        raise _wrong(path, text.count("\n", 0, text.index("\0")) + 1, "a NUL character", None)
    return text


def _wrong(path: Path, line: int, problem: str, hint: str | None) -> InputError:
    return InputError(f"{path.name}:{line}: {problem}", file=str(path), hint=hint)


@dataclass
class _Head:
    """What the comments before the query say: key → line and value."""

    said: dict[str, tuple[int, str]]

    def value(self, key: str, default: str = "") -> str:
        return self.said.get(key, (0, default))[1]

    def line(self, key: str) -> int:
        return self.said[key][0]


def _read(path: Path, text: str) -> list[OwnCheck]:
    """The checks of one file. Raises InputError for all that is wrong with it."""
    faults = Faults()
    head = _Head({})
    query = _one(path, text, 1, faults)
    faults.note_all(_head(path, text, head))
    if not faults.found:
        faults.note_all(_missing(path, head))
    examined = None
    if "examined" in head.said:
        examined = _one(path, head.value("examined"), head.line("examined"), faults)
    faults.refuse()
    assert query is not None
    when = head.value("when", AFTER)
    return [
        OwnCheck(
            id=f"{CRITERION}.{path.stem}" + (".before" if moment == BEFORE else ""),
            file=path.name,
            title=_title(head, moment),
            query=query,
            when=moment,
            expect=_expect(head)[0],
            value=_expect(head)[1],
            effect=_EFFECTS[head.value("severity", "critical")],
            examined=examined,
            empty_ok="empty" in head.said,
            key=head.value("key") or None,
            remedy=head.value("remedy") or f"Look at what the query of {path.name} finds.",
        )
        for moment in ((BEFORE, AFTER) if when == "both" else (when,))
    ]


def _title(head: _Head, moment: str) -> str:
    title = head.value("check")
    words = title[:1].upper() + title[1:]
    return f"{words}, before the migration" if moment == BEFORE else words


def _expect(head: _Head) -> tuple[str, str | None]:
    said = head.value("expect", _NO_ROWS)
    if said in (_NO_ROWS, _ROWS):
        return said, None
    return _VALUE, said.removeprefix(_VALUE).strip()


def _head(path: Path, text: str, head: _Head) -> Iterator[InputError]:
    """Fill the head; what is wrong with its lines."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line and not line.startswith("--"):
            return
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        key, value = found["key"], found["value"].strip()
        if key not in _KEYS:
            near = difflib.get_close_matches(key.lower(), _KEYS, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else _HINT
            yield _wrong(path, number, f"a check's head has no '{key}'", hint)
        elif key in head.said:
            yield _wrong(path, number, f"'{key}' is said twice", None)
        else:
            head.said[key] = (number, value)
            yield from _line_faults(path, number, key, value)


def _line_faults(path: Path, number: int, key: str, value: str) -> Iterator[InputError]:
    if not value:
        yield _wrong(path, number, f"'{key}' says nothing", None)
    elif key in _CHOICES and value not in _CHOICES[key]:
        hint = f"Known: {', '.join(_CHOICES[key])}."
        yield _wrong(path, number, f"'{key}' cannot be '{value[:40]}'", hint)
    elif key == "expect" and not re.fullmatch(rf"{_NO_ROWS}|{_ROWS}|{_VALUE}\s+\S.*", value):
        hint = f"Known: {_NO_ROWS}; {_ROWS}; {_VALUE}, and the value behind it."
        yield _wrong(path, number, f"'{key}' cannot be '{value[:40]}'", hint)


def _missing(path: Path, head: _Head) -> Iterator[InputError]:
    if "check" not in head.said:
        yield _wrong(
            path,
            1,
            "the head does not say what is checked",
            "Begin the file with a line like: -- check: every order has a customer",
        )
    counts = "examined" in head.said or _expect(head)[0] == _ROWS
    if not counts and "empty" not in head.said:
        yield _wrong(
            path,
            1,
            "the head does not say how many rows there are to look at",
            "Without rows such a check would pass and prove nothing. Add a line like: "
            "-- examined: SELECT count(*) FROM orders; or, where nothing to look at is fine: "
            "-- empty: ok",
        )
    if "key" in head.said and _expect(head)[0] == _VALUE:
        yield _wrong(path, head.line("key"), "a value has no key", "Take the line out.")


def _one(path: Path, text: str, line: int, faults: Faults) -> str | None:
    """The only query of a text whose first line is `line`."""
    try:
        found = [piece for piece in pieces(text) if piece.tokens]
    except LexicalError as error:
        faults.note(_wrong(path, line + error.line - 1, error.problem, error.hint))
        return None
    problem = _problem(found)
    if problem:
        at = line + (found[-1].line if found else 1) - 1
        hint = "It is one query: SELECT, WITH, VALUES or TABLE."
        faults.note(_wrong(path, at, problem, hint))
        return None
    return found[0].bare.rstrip("; \t\r\n")


def _problem(found: list[Piece]) -> str:
    if not found:
        return "there is no query"
    if len(found) > 1:
        return "there is more than one statement"
    if found[0].verb not in _VERBS:
        return f"is no query: {found[0].verb}"
    return "the query holds what looks like a password" if is_secret(found[0].text) else ""
