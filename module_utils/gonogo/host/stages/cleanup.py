"""Removes the rows a run has left, by its ledger, and proves that nothing else moved.

Everything happens in one transaction that sees one snapshot. It is undone unless an approval for
exactly these rows is given, and also when anything outside the ledger would change.

What this login can read is compared before and after. What it cannot read must not have been
written to: the transaction's own locks say what was, by whichever key, trigger or rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from ...contract.canonical import line, sha256
from ...contract.errors import GonogoError
from ...contract.login import Login, Timeouts, application_name
from ...contract.options.cleanup import CleanupRequest
from ...contract.records.answers import CleanupAnswer, CleanupDone
from ...contract.records.ledger import LedgerTable
from ...contract.records.run import Declared
from ...contract.script import Block, blocks
from ..session import catalog, copied, exclusive, link
from ..session.connection import DatabaseError, connect, described
from ..session.identity import observe
from .common import login_of

__all__ = ["carry_out", "run"]

_STAGE = "cleanup"

Ledger = Sequence[LedgerTable]
Fingerprints = dict[str, tuple[int, str]]
Table = tuple[str, str]

_LARGE_OBJECTS = "large objects"
_ELSEWHERE = "it is on another server"


@dataclass(frozen=True)
class _Tables:
    """What can be compared, and what cannot.

    `read` is what is fingerprinted, each by itself or, for partitions that may not be read so, the
    one above; `seen` are the tables with rows that this covers; `lacks` says of every other one
    which privilege is missing. `calling` are those that are read by COPY, each with the columns
    that are not computed.
    """

    read: list[tuple[Table, bool]]
    seen: frozenset[Table]
    lacks: dict[Table, str]
    calling: dict[Table, list[str]]


def run(asked: CleanupRequest, *, check_mode: bool) -> CleanupAnswer:
    """As `carry_out`."""
    return carry_out(
        login_of(asked.login),
        run_id=asked.run_id,
        declared=asked.declared,
        ledger=asked.ledger,
        script=asked.script,
        approved_content=None if check_mode else asked.approved_content,
        fence=asked.fence,
        timeouts=asked.timeouts,
    )


def carry_out(
    login: Login,
    *,
    run_id: str,
    declared: Declared,
    ledger: Ledger,
    script: str,
    approved_content: str | None,
    fence: Sequence[str],
    timeouts: Timeouts,
) -> CleanupAnswer:
    """Delete the ledger's rows, compare everything else, then commit or roll back.

    Nobody else of this project works on the database meanwhile: the sessions of the runs in
    `fence` are ended, others are respected. Without that, a run that was cut off could go on
    making rows behind the one that removes them.

    `ledger` has the children first; `script` is the rendered cleanup script, which opens the
    transaction and leaves it open. It is committed only when `approved_content` is the digest of
    the rows as they are now. Raises GonogoError when a row outside the ledger would change, or one
    might that this login cannot see.
    """
    name = application_name(run_id, _STAGE)
    with connect(login, name=name, timeouts=timeouts) as connection:
        # The run's own stages are others too.
        occupants = exclusive.enter(
            connection, observed=observe(connection), declared=declared, fence=fence
        )
        if occupants:
            return _answer(occupants, None)
        try:
            result = _in_transaction(connection, ledger, script, approved_content)
        except DatabaseError as error:
            told = described(error)
            raise GonogoError(
                "the rows could not be removed; nothing has changed",
                detail="\n".join(
                    text
                    for text in (f"{told['sqlstate']}: {told['message']}", told["detail"])
                    if text
                ),
                hint="Something outside the run depends on its rows. "
                "See 99_cleanup.sql in the evidence.",
            ) from error
        with connect(login, name=name, timeouts=timeouts, read_only=True) as second:
            remaining = sum(len(rows) for rows in _existing(second, ledger).values())
    if result.committed and remaining:
        raise GonogoError(
            f"{remaining} row(s) of the ledger are still there after COMMIT",
            hint="Something writes them again. Find out what, then run the playbook again.",
        )
    return _answer(occupants, replace(result, remaining=remaining))


def _answer(occupants: exclusive.Occupants, done: CleanupDone | None) -> CleanupAnswer:
    committed = done is not None and done.committed
    return CleanupAnswer(changed=committed, held=occupants.held, others=occupants.others, done=done)


def _in_transaction(
    connection: psycopg.Connection[Any], ledger: Ledger, script: str, approved: str | None
) -> CleanupDone:
    parts = blocks(script)
    opening = next(i for i, block in enumerate(parts) if block.words == "transaction")
    _send(connection, parts[: opening + 1])
    existing = _existing(connection, ledger)
    content = sha256(line(existing))
    tables = _tables(connection)
    before = _complement(connection, tables, ledger)
    _send(connection, parts[opening + 1 :])
    # What would only be done at COMMIT is done now, and compared.
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    left = sum(len(rows) for rows in _existing(connection, ledger).values())
    tables_after = _tables(connection)
    after = _complement(connection, tables_after, ledger)
    nothing = (0, "")
    moved = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    written = {(schema, name) for schema, name in connection.execute(catalog.WRITTEN).fetchall()}
    blind = sorted(written - tables.seen - tables_after.seen)
    commit = approved is not None and approved == content and not (left or moved or blind)
    if commit:
        link.require()
    connection.execute("COMMIT" if commit else "ROLLBACK")
    if blind:
        words = {table: tables_after.lacks.get(table, _ELSEWHERE) for table in blind}
        raise GonogoError(
            "the cleanup would write to tables that this login cannot read; nothing has changed",
            detail="; ".join(f"{'.'.join(table)} (missing: {words[table]})" for table in blind),
            hint="Look for cascading foreign keys, triggers and rules on the run's tables. Grant "
            "the login what is missing, and see what would go: run the playbook again.",
        )
    if moved:
        counts = [
            f"{name}: {before.get(name, nothing)[0]} rows before, "
            f"{after.get(name, nothing)[0]} after"
            for name in moved
        ]
        raise GonogoError(
            "the cleanup would change rows outside the run's ledger; nothing has changed",
            detail="; ".join(counts),
            hint="Look for cascading foreign keys or triggers on these tables.",
        )
    if left:
        raise GonogoError(
            f"{left} row(s) of the ledger would stay; nothing has changed",
            hint="Look for a trigger or a rule on the run's tables that keeps rows from being "
            "deleted.",
        )
    rows = {name: len(keys) for name, keys in existing.items()}
    return CleanupDone(
        content=content,
        holds={n: (len(keys), sha256(line(keys))) for n, keys in existing.items() if keys},
        rows=rows,
        committed=commit,
        compared=len(tables.seen),
        unseen=sorted(".".join(table) for table in tables.lacks),
        remaining=left,
    )


def _send(connection: psycopg.Connection[Any], parts: list[Block]) -> None:
    for block in parts:
        connection.execute(block.sql.encode())


def _existing(connection: psycopg.Connection[Any], ledger: Ledger) -> dict[str, list[list[str]]]:
    """Table → [id, hash of the row] of the ledger's rows that exist, sorted."""
    found: dict[str, list[list[str]]] = {}
    for entry in ledger:
        # The condition is about what has been read: an index could lack rows that are there.
        query = sql.SQL(
            "SELECT r.id, md5(ROW((r.whole).*)::text)"
            " FROM (SELECT t AS whole, t.id::text AS id FROM {table} AS t OFFSET 0) AS r"
            " WHERE r.id = ANY (%s) ORDER BY 1"
        ).format(table=sql.Identifier(*entry.table))
        rows = connection.execute(query, (list(entry.ids),)).fetchall()
        found[".".join(entry.table)] = [list(row) for row in rows]
    return found


def _tables(connection: psycopg.Connection[Any]) -> _Tables:
    read: dict[tuple[Table, bool], None] = {}
    seen: set[Table] = set()
    lacks: dict[Table, str] = {}
    for _, schema, name, *through, lacking in connection.execute(catalog.READABLE).fetchall():
        if lacking:
            lacks[schema, name] = lacking
            continue
        top = (through[0], through[1])
        seen.add((schema, name))
        read[top, top == (schema, name)] = None
    calling = {
        (schema, name): given
        for schema, name, given in connection.execute(catalog.CALLING).fetchall()
    }
    return _Tables(list(read), frozenset(seen), lacks, calling)


def _complement(
    connection: psycopg.Connection[Any], tables: _Tables, ledger: Ledger
) -> Fingerprints:
    """Fingerprint of every table's rows without the ledger's, and of the large objects."""
    ids = {entry.table: list(entry.ids) for entry in ledger}
    prints: Fingerprints = {}
    for table, alone in tables.read:
        own = ids.get(table)
        condition = sql.SQL("(t.id::text = ANY (%s)) IS NOT TRUE" if own else "true")
        if alone and not own and table in tables.calling:
            given = tables.calling[table]
            prints[".".join(table)] = copied.rows(
                connection, sql.Identifier(*table).as_string(connection), given
            )
            continue
        named = sql.SQL("ONLY {}" if alone else "{}").format(sql.Identifier(*table))
        query = sql.SQL(catalog.FINGERPRINT).format(table=named, condition=condition)
        row = connection.execute(query, (own,) if own else None).fetchone()
        assert row is not None
        prints[".".join(table)] = (row[0], row[1])
    row = connection.execute(catalog.LARGE_OBJECTS).fetchone()
    assert row is not None
    prints[_LARGE_OBJECTS] = (row[0], row[1])
    return prints
