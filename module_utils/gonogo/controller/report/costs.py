"""A deployment, on the copy or for real: what each statement has cost, and who had to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ...contract.records.deployment import Deployment, Limits, Watched
from ...contract.records.rehearsal import Rehearsal
from ...contract.records.trace import Lock, StatementTrace, Wait
from ...contract.records.twin import TwinRecord
from ...verdict import next_step, sentence, summary
from .page import Costs
from .parts import Bar, Cell, Column, Mark, Segment, Table
from .values import Row, count, pairs, rows, seconds, size, value

__all__ = ["active", "deployed", "rehearsed", "table_rows"]

# Weakest first, as PostgreSQL's documentation has them.
_STRENGTH = (
    "AccessShare",
    "RowShare",
    "RowExclusive",
    "ShareUpdateExclusive",
    "Share",
    "ShareRowExclusive",
    "Exclusive",
    "AccessExclusive",
)
_READS = "reads and writes"
# What is too short to be seen is drawn all the same.
_LEAST = 0.5
# What a replica is behind in seconds without anybody having to know.
_A_LAG = 1.0
_COLUMNS = (
    Column("Place", head=True),
    Column("Statement"),
    Column("Time", only="html"),
    Column("Seconds", number=True, only="markdown"),
    Column("Locks on what was there"),
    Column("Waits", only="markdown"),
    Column("Rewritten"),
    Column("Size", number=True),
    Column("WAL", number=True),
)
_EFFECTS = {"hold": ("HOLD", "bad"), "slow": ("may be slower or fail", "open")}
_AT_WORK = (Column("Means"), Column("What", head=True), Column("Next step"))


def table_rows(twin: TwinRecord | None) -> Mapping[str, int]:
    """How many rows each table had when the backup was made, by its name as a trace has it."""
    tables = twin.proof.tables if twin and twin.proof else {}
    counted = {name: found.rows[0] for name, found in tables.items()}
    # A trace does not quote; where two names are one then, neither is told.
    plain = Counter(map(_unquoted, counted))
    return {
        _unquoted(name): number
        for name, number in counted.items()
        if number is not None and plain[_unquoted(name)] == 1
    }


def _unquoted(name: str) -> str:
    return name.replace('"', "")


def active(record: Deployment | None) -> Costs | None:
    """Who was at work on the server right before a deployment; None where nobody has looked."""
    activity = record.activity if record else None
    if activity is None:
        return None
    needs = [f"{name} {', '.join(modes)}" for name, modes in activity.tables.items()]
    head = {
        "found": summary(activity),
        "what the deployment locks": needs,
        "not kept": activity.more or None,
    }
    lines = [
        [
            Cell(*_EFFECTS.get(one.effect, ("unknown", "open"))),
            Cell(sentence(one)),
            Cell(next_step(one)),
        ]
        for one in activity.occupants
    ]
    caption = "Sessions, locks and whatever else takes the server, as it was right before"
    table = Table(caption, _AT_WORK, lines) if lines else None
    return Costs("The server right before the deployment", rows(head), table)


def deployed(record: Deployment | None, held: Mapping[str, int]) -> Costs | None:
    """Of the run's own deployment; None where it has deployed nothing."""
    if record is None:
        return None
    return Costs("Deployment", _head(record), _table(record, held))


def rehearsed(record: Rehearsal | None, held: Mapping[str, int]) -> Costs | None:
    """What was tried on the twin: what it came to, and what each statement cost."""
    if record is None:
        return None
    undone, again, back, problem = record.undone, record.again, record.back, record.problem
    by = record.by
    head = {
        "rehearsed": record.done is True,
        "on the copy of another database of the same shape": f"{by.database} on {by.host}, "
        f"{size(by.size)}, run {by.run_id}"
        if by
        else None,
        "digest of that shape": by.shape_sha256 if by else None,
        "digest of the statements": by.statements_sha256 if by else None,
        "statements that rows here may stand in the way of": by.unproven if by else None,
        "why not by the rehearsal of another host": record.itself,
        "why not": record.reason,
        "what went wrong": problem.message if problem else None,
        "why": problem.detail if problem else None,
        "tables whose rows the migration changes": sorted(record.rows_changed),
        "time to take it back": f"{undone.seconds} s" if undone else None,
        "not as before it, without a meaning": undone.immaterial if undone else None,
        "tables locked meanwhile": undone.locked if undone else None,
        "time to apply it again": f"{again.seconds} s" if again else None,
        "lost by taking it back after the phases": pairs(
            back.undone.lost if back and back.undone else None
        ),
        "why that would not work": back.problem.message if back and back.problem else None,
        "over a budget": [
            f"{one.file}:{one.line} took {value(one.seconds)} s, allowed are {one.allowed:g} s"
            for one in record.slow
        ],
        "not as it was validated": record.unlike_promotion,
        "checks passed": sum(check.status == "pass" and check.applies for check in record.checks),
        "checks that do not apply": [
            check.check_id for check in record.checks if not check.applies
        ],
        "checks that did not pass": [
            check.check_id for check in record.checks if check.status != "pass"
        ],
    }
    tried = record.deployment
    return Costs(
        "Rehearsal on the twin of another host" if by else "Rehearsal on the twin",
        [*rows(head), *(_head(tried) if tried else ())],
        _table(tried, held) if tried else None,
    )


def _head(record: Deployment) -> list[Row]:
    """What was found and done."""
    before, after, allowed = record.before, record.after, record.budgets
    return rows(
        {
            "done": record.action,
            "the migration before": before.state if before else None,
            "the migration after": after.state if after else None,
            "statements": len(record.statements) or None,
            "seconds": record.seconds,
            "allowed": f"{allowed.hold:g} s of waiting, {allowed.statement:g} s for one statement"
            if allowed
            else None,
            "failed attempts": len(record.failed_attempts) or None,
            "let go": _let_go(record),
            "others meanwhile": _others(record.watched),
            "not watched": record.watched.unseen if record.watched else None,
            "contradictions": [c.text for c in after.contradictions] if after else [],
            "unfinished indexes": [left.command for left in record.leftovers],
            "why it ended": record.error.message if record.error else None,
        }
    )


def _let_go(record: Deployment) -> list[str]:
    """Each time that a statement was cancelled for others."""
    tried = [*record.failed_attempts, *([record.error] if record.error else [])]
    return [f"{one.file}:{one.line} was {one.message}" for one in tried if one.let_go]


def _others(seen: Watched | None) -> str | None:
    """What a session has seen that has looked for nothing else."""
    if seen is None or not seen.looks:
        return None
    told = f"{count(seen.most_waiting, 'session')} waited at once at most"
    if seen.most_waiting:
        told += f", {seen.longest_seconds:.1f} s at the longest"
    if seen.longest_lag >= _A_LAG:
        told += f"; a replica was {seen.longest_lag:.1f} s behind"
    return told


def _table(record: Deployment, held: Mapping[str, int]) -> Table | None:
    if not record.statements:
        return None
    scale = _scale(record)
    caption = (
        f"Each line is {seconds(scale)} long. What the application waits for counts to the end of "
        "the transaction. WAL is the whole server's meanwhile."
    )
    if record.budgets:
        caption = f"{caption} The mark is at what is allowed."
    lines = [_line(one, record.budgets, scale, held) for one in record.statements]
    return Table(caption, _COLUMNS, lines)


def _scale(record: Deployment) -> float:
    """How many seconds a picture is long: as many as the application may wait, or was made to."""
    longest = [one.seconds for one in record.statements]
    longest += [wait.seconds for one in record.statements for wait in one.waits]
    allowed = [record.budgets.hold] if record.budgets else []
    return max([*longest, *allowed, 0.001])


def _line(
    one: StatementTrace, allowed: Limits | None, scale: float, held: Mapping[str, int]
) -> list[Cell]:
    own = _bar("runs", one.seconds, allowed.statement if allowed else None, scale)
    waits = [_waiting(wait, allowed.hold if allowed else None, scale) for wait in one.waits]
    locks = sorted((lock for lock in one.locks if lock.existing), key=_strength, reverse=True)
    rewritten = ", ".join(_sized(name, held) for name in one.rewritten)
    return [
        Cell(f"{one.file}:{one.line}"),
        Cell(one.statement, code=True),
        Cell(bars=[own, *waits]),
        Cell(value(one.seconds)),
        Cell(
            ", ".join(f"{_sized(lock.relation, held)} {_mode(lock)}" for lock in locks),
            bars=[*_strongest(locks)],
        ),
        Cell("; ".join(f"{w.relation}: {w.blocks} for {w.seconds} s" for w in one.waits)),
        Cell(rewritten, "bad" if rewritten else ""),
        Cell(size(one.size_bytes)),
        Cell(size(one.wal_bytes)),
    ]


def _waiting(wait: Wait, allowed: float | None, scale: float) -> Bar:
    tone = "bad" if wait.blocks == _READS else "open"
    return _bar(f"{wait.blocks} of {wait.relation} wait", wait.seconds, allowed, scale, tone)


def _bar(caption: str, taken: float, allowed: float | None, scale: float, tone: str = "") -> Bar:
    """A line from 0 on, with a mark at what is allowed where the picture is as long."""
    text = seconds(taken)
    marks = []
    if allowed is not None:
        text += f" of {allowed:g} s"
        if allowed <= scale:
            marks = [Mark(100 * allowed / scale, "bad" if taken > allowed else "")]
    length = max(100 * taken / scale, _LEAST)
    return Bar(f"{caption} {text}", [Segment(0, length, tone)], marks, caption, text)


def _mode(lock: Lock) -> str:
    return lock.mode.removesuffix("Lock")


def _strength(lock: Lock) -> int:
    mode = _mode(lock)
    return _STRENGTH.index(mode) + 1 if mode in _STRENGTH else 0


def _strongest(locks: Sequence[Lock]) -> Iterator[Bar]:
    """How strong the strongest is, of all that there are."""
    level = max(map(_strength, locks), default=0)
    if level:
        tone = "bad" if level == len(_STRENGTH) else "open" if level > 4 else ""
        text = f"strength {level} of {len(_STRENGTH)}"
        share = 100 * level / len(_STRENGTH)
        yield Bar(f"the strongest lock has {text}", [Segment(0, share, tone)], text=text)


def _sized(relation: str, held: Mapping[str, int]) -> str:
    """With its rows, where they were counted."""
    return f"{relation} ({count(held[relation], 'row')})" if relation in held else relation
