"""What must hold between rows: the shape of the manifest's `row_rules`.

A foreign key says that a row refers to a row that is there; it does not say that two ways from
one row lead to the same row, nor that the states of two rows go together. A rule says such a thing
as data, and its SQL follows from it (`row_rule_sql`).

A *path* is a list of columns: each but the last is a reference that is followed, the last is the
column whose value is meant. `[order_id, customer_id]` of an invoice is the customer of
its order. What is empty on the way makes the value empty, and an empty value agrees with
everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ..declared.manifest import Relation
from ..declared.row_rule import RowCondition, RowRule
from ..reading.schema import Any_, Flag, Items, Keys, Path, Shape, Text

__all__ = ["KINDS", "OPERATORS", "ROW_RULE", "contradictions", "steps", "uses"]

# Kind → what its rows must not do.
KINDS = ("agree", "order", "past", "never", "some")
# What a condition may say about the value at the end of its path.
OPERATORS = ("holds", "lacks", "empty", "above", "below", "equals")

_NAME = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"


def _path(*, optional: bool = False) -> Items:
    return Items(Text(pattern=_NAME), optional=optional)


_CONDITION = Keys(
    {
        "path": _path(),
        "holds": Items(Any_(), optional=True),
        "lacks": Items(Any_(), optional=True),
        "empty": Flag(optional=True),
        "above": _path(optional=True),
        "below": _path(optional=True),
        "equals": _path(optional=True),
    }
)
_CONDITIONS = Items(_CONDITION, optional=True)

# agree: two paths that must end at the same value. order: the value of the first path must not be
# later, or greater, than that of the second. past: times that must not lie in the future. never:
# conditions that no row may meet together. some: of the rows of `table` that name a row in their
# column `by`, if there are any, at least one has to meet `where`, with the value of `same.path`
# equal to that of `same.as` of the row itself. given: which rows the rule is about.
ROW_RULE: Shape = Keys(
    {
        "name": Text(pattern=_NAME),
        "check": Text(),
        "table": Text(pattern=_NAME),
        "words": Text(),
        "given": _CONDITIONS,
        "agree": Items(_path(), optional=True),
        "order": Items(_path(), optional=True),
        "past": Items(_path(), optional=True),
        "never": _CONDITIONS,
        "some": Keys(
            {
                "table": Text(pattern=_NAME),
                "by": Text(pattern=_NAME),
                "where": Items(_CONDITION),
                "same": Keys({"path": _path(), "as": _path()}, optional=True),
            },
            optional=True,
        ),
        "profiles": Items(Text(pattern=_NAME), distinct=True, optional=True),
    }
)


def steps(table: str, path: Sequence[str], relations: Sequence[Relation]) -> list[Relation]:
    """The relations a path follows, in order. Raises LookupError with the column that is none."""
    found = []
    at = table
    for column in path[:-1]:
        relation = next(
            (item for item in relations if item.table == at and [*item.columns] == [column]), None
        )
        if relation is None:
            raise LookupError(column)
        found.append(relation)
        at = relation.references.table
    return found


def uses(rule: RowRule) -> Iterator[tuple[Path, str, Sequence[str]]]:
    """Every path of a rule: where it stands, the table it starts from, and the path."""
    table = rule.table
    for kind, paths in (("agree", rule.agree), ("order", rule.order), ("past", rule.past)):
        for number, path in enumerate(paths or ()):
            yield (kind, number), table, path
    for kind, conditions in (("given", rule.given), ("never", rule.never)):
        for place, path in _of_conditions(conditions or ()):
            yield (kind, *place), table, path
    some = rule.some
    if some is not None:
        yield ("some", "by"), some.table, [some.by]
        for place, path in _of_conditions(some.where):
            yield ("some", "where", *place), some.table, path
        if some.same is not None:
            yield ("some", "same", "path"), some.table, some.same.path
            yield ("some", "same", "as"), table, some.same.as_


def _of_conditions(conditions: Sequence[RowCondition]) -> Iterator[tuple[Path, Sequence[str]]]:
    for number, condition in enumerate(conditions):
        yield (number, "path"), condition.path
        for operator in ("above", "below", "equals"):
            path = getattr(condition, operator)
            if path is not None:
                yield (number, operator), path


def contradictions(
    rule: RowRule,
    tables: Mapping[str, Collection[str]],
    relations: Sequence[Relation],
) -> Iterator[tuple[Path, str]]:
    """What is wrong with a rule of the right shape: where in it, and what.

    `tables`: table → its columns, those that were there before with their keys.
    """
    kinds = [kind for kind in KINDS if getattr(rule, kind) is not None]
    if len(kinds) != 1:
        yield (), f"needs exactly one of {', '.join(KINDS)}"
        return
    if kinds[0] in {"agree", "order"} and len(getattr(rule, kinds[0])) != 2:
        yield (kinds[0],), "needs two paths"
    known = [rule.table, *([rule.some.table] if rule.some else [])]
    for table in known:
        if table not in tables:
            yield (), f"names no table of the manifest: {table}"
            return
    for place, conditions in _conditions(rule):
        for number, condition in enumerate(conditions):
            if sum(getattr(condition, operator) is not None for operator in OPERATORS) != 1:
                where = (*place, number)
                yield where, f"needs exactly one of {', '.join(OPERATORS)}"
    for place, table, path in uses(rule):
        try:
            followed = steps(table, path, relations)
        except LookupError as error:
            yield place, f"follows '{error.args[0]}', which is no declared relation there"
            continue
        end = followed[-1].references.table if followed else table
        if path[-1] not in tables.get(end, ()):
            yield place, f"ends at '{path[-1]}', which is no column of {end}"


def _conditions(rule: RowRule) -> Iterator[tuple[Path, Sequence[RowCondition]]]:
    yield ("given",), rule.given or ()
    yield ("never",), rule.never or ()
    if rule.some:
        yield ("some", "where"), rule.some.where
