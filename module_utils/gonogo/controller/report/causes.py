"""Which statements of the migration have done what a check has found, as the copy has shown.

What a statement has locked, made and named is on record. Where that leads to none of them, or a
check is about what was so before, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ...contract.records.deployment import Deployment
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.trace import StatementTrace
from ...contract.records.verdict import Reason
from .page import CheckLine

__all__ = ["Causes", "split_query"]

_MOST = 2
# A statement that writes rows has this lock, and one that changes a table the strongest.
_WRITES, _CHANGES = "RowExclusiveLock", "AccessExclusiveLock"
_VERBS = {_WRITES: "UPDATE|INSERT|DELETE|MERGE|TRUNCATE", _CHANGES: "ALTER|DROP"}
_KIND = re.compile(
    r"(?:(?:owner of|privileges of|comment on) )?(?:table|column|constraint|(?:unique )?index|"
    r"trigger|rule|policy|sequence|(?:materialized )?view) "
)
# What PostgreSQL says of a name that is none any more.
_MISSING = re.compile(
    r'\b42(?:P01|703|704|883) (?:column|relation|function|type) "?(?P<name>[\w$.]+)"?'
)
_SHOWS = re.compile(
    r"(?P<rest>.*); to see the rows: (?P<query>SELECT [^;]+)(?P<more>; \d+ cannot be told)?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Causes:
    """What is on record of the migration's statements."""

    rehearsal: Rehearsal | None = None
    deployment: Deployment | None = None

    def of(self, check: CheckLine) -> list[str]:
        """`migration.sql:14 ALTER TABLE ...`, at most two and how many more there are."""
        return _causes(check, self.rehearsal, self.deployment)

    def query(self, reason: Reason) -> str:
        """What shows the rows that a statement has refused on the copy."""
        tried = self.rehearsal.deployment if self.rehearsal else None
        error = tried.error if tried else None
        if reason.code != "rehearsal_failed" or error is None or error.in_the_way is None:
            return ""
        return error.in_the_way.query


def _causes(
    check: CheckLine, rehearsal: Rehearsal | None, deployment: Deployment | None
) -> list[str]:
    tried = rehearsal.deployment if rehearsal else None
    done = next((one for one in (tried, deployment) if one and one.statements), None)
    if done is None:
        return []
    found = [one for one in done.statements if _place(one) in set(_places(check, done, rehearsal))]
    said = list(dict.fromkeys(f"{_place(one)} {one.statement}" for one in found))
    more = [f"{len(said) - _MOST} more"] if len(said) > _MOST else []
    return [*said[:_MOST], *more]


def split_query(said: str) -> tuple[str, str]:
    """What was found, and the query behind it that shows the rows; the second may be empty."""
    found = _SHOWS.fullmatch(said)
    return (found["rest"] + (found["more"] or ""), found["query"]) if found else (said, "")


def _place(one: StatementTrace) -> str:
    return f"{one.file}:{one.line}"


def _places(check: CheckLine, done: Deployment, rehearsal: Rehearsal | None) -> Iterator[str]:
    before = _before(rehearsal)
    for sample in check.samples:
        if sample not in before:
            yield from _made(sample, done) or _touched(sample, done.statements)
    for missing in _MISSING.finditer(check.observed):
        yield from _naming(missing["name"].rpartition(".")[2], done.statements)


def _before(rehearsal: Rehearsal | None) -> Collection[str]:
    """What was so before the migration: it is none of its."""
    drift = rehearsal.drift if rehearsal else None
    return {one.name for one in (*drift.before, *drift.beside)} if drift else set()


def _made(sample: str, done: Deployment) -> list[str]:
    """Where the migration makes the object that a sample is about: `fk on public.t: id=7`."""
    objects = done.after.objects if done.after else ()
    return [
        f"{one.file}:{one.line}"
        for one in objects
        if one.expected
        and _is_of(_plain(sample), _KIND.sub("", _plain(one.object), count=1))
        and " on " in one.object
    ]


def _touched(sample: str, statements: Sequence[StatementTrace]) -> list[str]:
    """Where what was there before is written or changed: of a table rows first, then itself."""
    plain = _plain(sample)
    if kind := _KIND.match(plain):
        return [*_holding(plain[kind.end() :], _CHANGES, statements)]
    part, on, table = plain.rpartition(" on ")
    if on:
        return [] if _KIND.match(table) else [*_naming(part, statements)]
    return [*_holding(plain, _WRITES, statements)] or [*_holding(plain, _CHANGES, statements)]


def _holding(subject: str, mode: str, statements: Sequence[StatementTrace]) -> Iterator[str]:
    """Where this lock is taken, and behind that in the file, where a trace shows it only once, what
    writes or changes the table by its name or does not say what it does."""
    held: dict[str, re.Pattern[str]] = {}
    for one in statements:
        taken = [
            lock.relation
            for lock in one.locks
            if lock.existing and lock.mode == mode and _is_of(subject, _plain(lock.relation))
        ]
        if taken:
            held[one.file] = _may_again(_plain(taken[0]).rpartition(".")[2], mode)
            yield _place(one)
        elif one.file in held and held[one.file].match(one.statement):
            yield _place(one)


def _may_again(table: str, mode: str) -> re.Pattern[str]:
    named = rf".*(?<![\w$]){re.escape(table)}(?![\w$])"
    return re.compile(rf"(?:DO|CALL|SELECT|WITH)\b|(?:{_VERBS[mode]})\b{named}", re.IGNORECASE)


def _naming(name: str, statements: Sequence[StatementTrace]) -> Iterator[str]:
    """Where something is changed, and this name stands in the text."""
    word = re.compile(rf"(?:ALTER|DROP)\b.*(?<![\w$]){re.escape(name)}(?![\w$])", re.IGNORECASE)
    for one in statements:
        if word.match(one.statement):
            yield _place(one)


def _is_of(subject: str, name: str) -> bool:
    """Whether it is that object, or a part of it: a column, or a row by its key."""
    return subject == name or subject.startswith((f"{name}.", f"{name}:"))


def _plain(name: str) -> str:
    """As a trace has names: without quotes."""
    return name.replace('"', "")
