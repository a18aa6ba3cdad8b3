"""Commands that make a row contradict another, from the same rules as the checks.

A rule says what must hold; each end of it is turned in one row, past triggers and keys. Whether the
row then contradicts is found out by the rule's own query: a change of rows that does not would be
no mutation. That a check notices is the gate's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gonogo.controller.declared.row_rule import RowCondition, RowRule
from gonogo.controller.render.row_rule_sql import Rows, counted, rule_sql
from gonogo.controller.render.row_rules import steps
from tools.sabotage.change import past_triggers
from tools.sabotage.shape import Shape, ident, literal

__all__ = ["contradicting", "kind_of"]

Path = Sequence[str]


# Where no row of the sandbox can be turned that way: a second ACTIVE version is refused by its
# index (see `history`), and no row is otherwise as the rule asks.
_NO_ROW = frozenset(
    {
        ("active_is_not_superseded", "by status"),
        ("active_is_not_archived", "by status"),
        ("active_is_valid", "by status"),
        ("draft_supersedes_nothing", "by status"),
        ("policy_is_not_its_parent", "by parent_policy_id"),
        ("no_stage_ahead", "by workflow_instance_id.status"),
        ("no_stage_ahead", "by parallel_group 2"),
        ("no_stage_left_behind", "by workflow_instance_id.status"),
        ("no_stage_left_behind", "by parallel_group 2"),
    }
)


def contradicting(shape: Shape, rule: RowRule) -> Iterator[tuple[str, str]]:
    """Words and the SQL of a superuser for each way to break a rule in one row."""
    for how, command in _MAKERS[kind_of(rule)](shape, rule):
        if (rule.name, how) not in _NO_ROW:
            yield how, past_triggers(_first_that_does(shape, rule, command))


def kind_of(rule: RowRule) -> str:
    """What kind of rule it is: agree, order, past, never or some."""
    return next(kind for kind in _MAKERS if getattr(rule, kind) is not None)


def _first_that_does(shape: Shape, rule: RowRule, command: tuple[str, str]) -> str:
    """`command`: a query for commands, and the rule's own question after each of them."""
    candidates, update = command
    question = counted(rule_sql(rule, shape.runbook.manifest, {}))
    return f"""
        DO $contradict$
        DECLARE
            candidate record;
            examined bigint;
            wrong bigint;
            rows text[];
        BEGIN
            FOR candidate IN {candidates} LOOP
                BEGIN
                    {update};
                    {_into(question)}
                    IF wrong > 0 THEN
                        RETURN;
                    END IF;
                    RAISE EXCEPTION USING ERRCODE = 'GN001', MESSAGE = 'nothing wrong with it';
                EXCEPTION WHEN unique_violation OR SQLSTATE 'GN001' THEN
                    NULL;
                END;
            END LOOP;
            RAISE EXCEPTION 'no row can be made to contradict';
        END $contradict$
        """


def _into(question: str) -> str:
    return f"EXECUTE $question${question}$question$ INTO examined, wrong, rows;"


def _end(shape: Shape, table: str, path: Path) -> str:
    """The table a path ends at."""
    followed = steps(table, path, shape.runbook.manifest.relations)
    return followed[-1].references.table if followed else table


def _set(shape: Shape, rule: RowRule, path: Path) -> str:
    """UPDATE of the value a path ends at: to candidate.value, in the row candidate.id."""
    end = _end(shape, rule.table, path)
    return (
        f"UPDATE {shape.name(end)} SET {ident(path[-1])} = candidate.value"
        " WHERE id::text = candidate.id"
    )


def _owner(rows: Rows, path: Path) -> str:
    """The key of the row that has the value a path ends at."""
    return rows.key if len(path) == 1 else f"{rows.value(path[:-1])}::text"


def _candidates(rows: Rows, owner: str, value: str, where: str) -> str:
    return (
        f"SELECT {owner} AS id, {value} AS value FROM {rows.source()} WHERE {where}"
        " ORDER BY 1, 2 LIMIT 60"
    )


def _agree(shape: Shape, rule: RowRule) -> Iterator[tuple[str, tuple[str, str]]]:
    one, other = rule.agree or ()
    for turned, kept in ((one, other), (other, one)):
        rows = Rows(shape.runbook.manifest, rule.table)
        known = rows.value(kept)
        given = rows.all_of(rule.given or ())
        column = turned[0]
        # Of the rows that the first column may name instead, those that lead elsewhere.
        if len(turned) == 1:
            others = f"SELECT DISTINCT {ident(column)} AS value, {ident(column)}::text AS reached"
            others += f" FROM {shape.name(rule.table)}"
        else:
            (parent,) = shape.parents(rule.table, column)
            reached = Rows(shape.runbook.manifest, parent, alias="p")
            value = reached.value(turned[1:])
            others = f"SELECT p.id AS value, {value}::text AS reached FROM {reached.source()}"
        candidates = (
            f"SELECT {rows.key} AS id, other.value FROM {rows.source()}"
            f" CROSS JOIN ({others}) AS other"
            f" WHERE {given} AND {known} IS NOT NULL AND other.reached <> {known}::text"
            " ORDER BY 1, 2 LIMIT 60"
        )
        yield f"by {column}", (candidates, _set(shape, rule, [column]))


def _order(shape: Shape, rule: RowRule) -> Iterator[tuple[str, tuple[str, str]]]:
    one, other = rule.order or ()
    for turned, kept, by in ((other, one, "-"), (one, other, "+")):
        rows = Rows(shape.runbook.manifest, rule.table)
        value = f"{rows.value(kept)} {by} interval '1 day'"
        where = f"{rows.value(kept)} IS NOT NULL"
        if "expires" in rule.name and turned is one:
            # Few rows expire at all.
            continue
        where += f" AND {_owner(rows, turned)} IS NOT NULL"
        yield (
            f"by {'.'.join(turned)}",
            (_candidates(rows, _owner(rows, turned), value, where), _set(shape, rule, turned)),
        )


def _past(shape: Shape, rule: RowRule) -> Iterator[tuple[str, tuple[str, str]]]:
    for path in rule.past or ():
        rows = Rows(shape.runbook.manifest, rule.table)
        value = "LOCALTIMESTAMP + interval '10 years'"
        where = f"{rows.value(path)} IS NOT NULL"
        yield (
            f"by {'.'.join(path)}",
            (_candidates(rows, _owner(rows, path), value, where), _set(shape, rule, path)),
        )


def _never(shape: Shape, rule: RowRule) -> Iterator[tuple[str, tuple[str, str]]]:
    conditions = rule.never or ()
    for number, condition in enumerate(conditions):
        rest = [item for item in conditions if item is not condition]
        rows = Rows(shape.runbook.manifest, rule.table)
        value = _turned(shape, rule.table, rows, condition)
        if value is None:
            continue
        path = condition.path
        where = f"{rows.all_of(rest)} AND NOT ({rows.all_of([condition])})"
        where += f" AND {_owner(rows, path)} IS NOT NULL"
        yield (
            f"by {'.'.join(path)}{'' if number == 0 else f' {number}'}",
            (_candidates(rows, _owner(rows, path), value, where), _set(shape, rule, path)),
        )


def _turned(shape: Shape, table: str, rows: Rows, condition: RowCondition) -> str | None:
    """A value that meets the condition; none where there is no telling."""
    path = condition.path
    end, column = _end(shape, table, path), path[-1]
    if condition.holds is not None:
        return literal(condition.holds[0])
    if condition.lacks is not None:
        listed = shape.list_of(end, column) or []
        others = [value for value in listed if value not in condition.lacks]
        return literal(others[0]) if others else None
    if condition.empty is not None:
        if condition.empty:
            return (
                None if not shape.column(end, column)["nullable"] else _nothing(shape, end, column)
            )
        return _something(shape, end, column)
    if condition.above is not None:
        return f"{rows.value(condition.above)} + 1"
    if condition.below is not None:
        return f"{rows.value(condition.below)} - 1"
    return rows.value(condition.equals or ())


def _nothing(shape: Shape, table: str, column: str) -> str:
    return f"NULL::{shape.column(table, column)['type']}"


def _something(shape: Shape, table: str, column: str) -> str:
    kind = shape.column(table, column)["type"]
    if kind.startswith("timestamp"):
        return "timestamp '2026-01-15 12:00'"
    (parent,) = shape.parents(table, column) or ("users",)
    return f"(SELECT min(x.id::text) FROM {shape.name(parent)} AS x)"


def _some(shape: Shape, rule: RowRule) -> Iterator[tuple[str, tuple[str, str]]]:
    some = rule.some
    assert some  # it is a rule of this kind
    given = rule.given or ()
    (first, *_) = some.where
    rows = Rows(shape.runbook.manifest, rule.table)
    (column,) = first.path
    listed = shape.list_of(some.table, column) or []
    wanted = first.lacks or [v for v in listed if v not in (first.holds or ())]
    value = literal(wanted[-1])
    update = (
        f"UPDATE {shape.name(some.table)} SET {ident(column)} = candidate.value"
        f" WHERE {ident(some.by)}::text = candidate.id"
    )
    yield (
        f"by {some.table}.{column}",
        (_candidates(rows, rows.key, value, rows.all_of(given)), update),
    )
    if some.same:
        path = some.same.as_
        other = (
            f"(SELECT max(u.id) FROM {shape.name('users')} AS u WHERE u.id <> {rows.value(path)})"
        )
        where = f"{rows.all_of(given)} AND {rows.value(path)} IS NOT NULL"
        yield (
            f"by {'.'.join(path)}",
            (_candidates(rows, rows.key, other, where), _set(shape, rule, path)),
        )


_MAKERS = {"agree": _agree, "order": _order, "past": _past, "never": _never, "some": _some}
