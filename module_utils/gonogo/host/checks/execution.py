"""Runs rendered phase scripts block by block and collects what they answer.

The same text run by psql answers the same: a block is one query string, nothing is added to it,
and the first error ends the script as ON_ERROR_STOP does.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Union

import psycopg

from ...contract.errors import GonogoError
from ...contract.limits import set_by
from ...contract.records.check_result import CheckResult
from ...contract.records.phase import PhaseOutcome, ScriptError
from ...contract.records.progress import Touched
from ...contract.records.reading import RecordError, read
from ...contract.script import Block, blocks
from ..progress import step
from ..session.connection import DatabaseError, described

__all__ = ["Answered", "Beside", "answered", "leave_transaction", "run_script"]

_CHECK_COLUMNS = ["check_id", "status", "examined", "expected", "observed", "samples"]
_FACT_COLUMNS = ["fact", "value"]
_FILLED = re.compile(r"^INSERT\s+INTO\s+(pg_temp\.[a-z_0-9]+)\s", re.MULTILINE | re.IGNORECASE)
_FILL = "INSERT INTO {0} SELECT * FROM json_populate_recordset(NULL::{0}, %s::json)"

# Names of columns, and rows.
_Result = tuple[list[str], list[Any]]


@dataclass(frozen=True)
class Answered:
    """What another session was answered: the results, of an INSERT its rows as JSON."""

    results: list[_Result]
    seconds: float


# Block of a script → its answer in another session, or the error that ends the script there.
Beside = Mapping[int, Union[Answered, DatabaseError]]


@dataclass
class _Answers:
    """What a script has answered so far."""

    name: str
    committed: bool | None = False
    error: ScriptError | None = None
    checks: list[CheckResult] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)


def run_script(
    connection: psycopg.Connection[Any],
    *,
    name: str,
    text: str,
    confirm: Callable[[], None] = lambda: None,
    beside: Beside | None = None,
) -> PhaseOutcome:
    """Run one script on an autocommit connection; the script opens and ends its transaction.

    `confirm` is called before it ends it, and raises GonogoError when nothing may be committed.
    What other sessions have answered is taken from `beside`.

    Never raises for what the script or the server does: the outcome says it.
    """
    outcome = _Answers(name=name)
    started = time.monotonic()
    block: Block | None = None
    try:
        every = blocks(text)
        with step(name) as told:
            told.count("checks", 0, sum(one.kind == "check" for one in every))
            for number, block in enumerate(every):
                if block.is_end:
                    confirm()
                told.touch([Touched(block.words)] if block.kind == "check" else [])
                _run_block(connection, block, outcome, (beside or {}).get(number))
                told.add("checks", block.kind == "check")
    except DatabaseError as error:
        outcome.error = _error(block, **described(error))
        if block is not None and block.is_end:
            # An error at COMMIT with the connection alive is a refusal; without it, unknown.
            outcome.committed = None if connection.broken else False
    except GonogoError as error:
        outcome.error = _error(block, message=error.primary, detail=error.detail)
    leave_transaction(connection)
    _name_limit(connection, outcome)
    return PhaseOutcome(
        name=name,
        seconds=round(time.monotonic() - started, 3),
        committed=outcome.committed,
        error=outcome.error,
        checks=outcome.checks,
        facts=outcome.facts,
        races=(),
        ran=True,
        why=None,
    )


def _run_block(
    connection: psycopg.Connection[Any],
    block: Block,
    outcome: _Answers,
    there: Answered | DatabaseError | None,
) -> None:
    started = time.monotonic()
    if there is None:
        results, last_tag = answered(connection, block.sql)
        seconds = round(time.monotonic() - started, 3)
    else:
        results, last_tag = _taken(connection, block, there), None
        seconds = 0.0 if isinstance(there, DatabaseError) else there.seconds
    if block.kind == "check":
        if any(check.check_id == block.words for check in outcome.checks):
            raise GonogoError(f"check {block.words} is asked twice")
        outcome.checks.append(_answer(block, results, seconds=seconds, phase=outcome.name))
    elif block.kind == "facts":
        outcome.facts.update(_facts(results))
    elif block.is_end:
        outcome.committed = last_tag == "COMMIT"
        if "COMMIT" in block.sql.splitlines()[-1] and not outcome.committed:
            raise GonogoError(
                "the transaction was rolled back at COMMIT", detail=f"Server said {last_tag}."
            )


def answered(connection: psycopg.Connection[Any], sql: str) -> tuple[list[_Result], str | None]:
    """The results of a query string, and the tag of its last command."""
    results = []
    with connection.cursor() as cursor:
        cursor.execute(sql.encode())
        while True:
            if cursor.description:
                results.append(_rows(cursor))
            last_tag = cursor.statusmessage
            if not cursor.nextset():
                return results, last_tag


def _taken(
    connection: psycopg.Connection[Any], block: Block, there: Answered | DatabaseError
) -> list[_Result]:
    """What another session was answered, or the error it was given. The session is made sure of as
    the block does, and what it would have put into a table is put there."""
    if isinstance(there, DatabaseError):
        raise there
    if block.guard:
        connection.execute(block.guard.encode())
    if block.kind != "setup":
        return there.results
    filled = _FILLED.search(block.body)
    assert filled is not None
    table = filled[1]
    rows = there.results[0][1][0][0]
    connection.execute(_FILL.format(table).encode(), [rows])
    return []


def _rows(cursor: psycopg.Cursor[Any]) -> _Result:
    assert cursor.description is not None
    return [column.name for column in cursor.description], cursor.fetchall()


def _answer(
    block: Block,
    answered: list[_Result],
    *,
    seconds: float,
    phase: str,
) -> CheckResult:
    if len(answered) != 1 or answered[0][0] != _CHECK_COLUMNS or len(answered[0][1]) != 1:
        shape = [f"{len(rows)} row(s) of ({', '.join(columns)})" for columns, rows in answered]
        raise GonogoError(
            f"check {block.words} did not answer with exactly one result row",
            detail=f"It gave {'; '.join(shape) or 'no result'}.",
        )
    row = dict(zip(_CHECK_COLUMNS, answered[0][1][0]))
    if row["check_id"] != block.words:
        raise GonogoError(f"the block of check {block.words} answered for {row['check_id']!r}")
    said = {**row, "seconds": seconds, "phase": phase}
    try:
        return read(CheckResult, said, file="the answer")
    except RecordError as error:
        raise GonogoError(
            f"check {block.words} answered with a value of another type", detail=error.detail
        ) from None


def _facts(answered: list[_Result]) -> dict[str, object]:
    facts: dict[str, object] = {}
    for columns, rows in answered:
        if columns != _FACT_COLUMNS:
            raise GonogoError(f"facts have the columns fact and value, not {', '.join(columns)}")
        facts.update(rows)
    return facts


def _error(
    block: Block | None,
    *,
    message: str | None,
    detail: str | None,
    hint: str | None = None,
    sqlstate: str | None = None,
) -> ScriptError:
    """With the place of the block that has ended the script."""
    return ScriptError(
        message=message or "",
        detail=detail,
        hint=hint,
        sqlstate=sqlstate,
        block=f"{block.kind} {block.words}".strip() if block else None,
        line=block.line if block else None,
    )


def _name_limit(connection: psycopg.Connection[Any], outcome: _Answers) -> None:
    if outcome.error is None or connection.closed:
        return
    limit = set_by(connection, outcome.error.sqlstate)
    if limit:
        detail = " ".join(filter(None, (outcome.error.detail, limit)))
        outcome.error = replace(outcome.error, detail=detail)


def leave_transaction(connection: psycopg.Connection[Any]) -> None:
    """End what a script that stopped early left open, and drop the helpers a COMMIT has kept."""
    if connection.closed:
        return
    try:
        connection.execute("ROLLBACK")
        connection.execute("DISCARD TEMP")
    except DatabaseError:
        connection.close()
