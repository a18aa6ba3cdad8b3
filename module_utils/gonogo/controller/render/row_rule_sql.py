"""The SQL of a rule about rows: one query that counts what it is about and what breaks it.

The manifest is followed and nothing else: tables by their qualified names, references by its
relations, columns that documents spell in several ways by the name that preflight has found.
Values are compared as text where they are only compared for being equal, so that columns of
different types, which are another check's subject, end no script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...contract.errors import GonogoError
from ..declared.manifest import Manifest
from ..declared.row_rule import RowCondition, RowRule, Some
from ..sql.found_columns import columns_found
from .quoting import Sql, ident, literal
from .row_rules import steps

__all__ = ["Rows", "RuleSql", "counted", "rule_parts", "rule_sql"]

# All rows of the table itself: no index answers for a sample, whatever the planner's settings, and
# one that has missed rows would hide them.
_WHOLE = "TABLESAMPLE system (100)"
# What a clock may be ahead of the server's.
_AHEAD = "interval '1 day'"


class Rows:
    """The rows of one table and what can be reached from them: FROM, and an expression a path."""

    def __init__(
        self,
        manifest: Manifest,
        table: str,
        *,
        alias: str = "r",
        found: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._manifest = manifest
        self.table = table
        self._alias = alias
        self._found = found or {}
        self._joins: dict[tuple[str, ...], tuple[str, str]] = {}

    def _name(self, table: str) -> Sql:
        return ident([self._manifest.schema, table])

    def _column(self, alias: str, table: str, column: str) -> str:
        return f"{alias}.{ident(self._found.get((table, column), column))}"

    @property
    def key(self) -> str:
        """The expression of the row's own key, as text."""
        keys = {table.name: table.primary_key for table in self._manifest.existing_tables}
        keys.update((table.name, table.primary_key) for table in self._manifest.tables)
        key = keys[self.table]
        return f"{self._column(self._alias, self.table, key[0])}::text"

    def value(self, path: Sequence[str]) -> str:
        """The expression of a path's value; what has to be joined for it is in `source()`."""
        alias, table = self._alias, self.table
        followed = steps(self.table, path, self._manifest.relations)
        for number, relation in enumerate(followed, 1):
            prefix = tuple(path[:number])
            parent = relation.references.table
            if prefix not in self._joins:
                joined = f"{self._alias}{len(self._joins) + 1}"
                key = self._column(joined, parent, relation.references.columns[0])
                column = self._column(alias, table, path[number - 1])
                text = (
                    f"LEFT JOIN {self._name(parent)} AS {joined} {_WHOLE}"
                    f" ON {key}::text = {column}::text"
                )
                self._joins[prefix] = (joined, text)
            alias, table = self._joins[prefix][0], parent
        return self._column(alias, table, path[-1])

    @property
    def whole(self) -> str:
        """The table as FROM or JOIN names it: all of its rows."""
        return f"{self._name(self.table)} AS {self._alias} {_WHOLE}"

    def rest(self) -> Sql:
        """What is joined to it for the paths that were asked for."""
        return Sql("".join(f"\n{text}" for _, text in self._joins.values()))

    def source(self) -> str:
        """What stands after FROM for the paths that were asked for."""
        return f"{self.whole}{self.rest()}"

    def all_of(self, conditions: Sequence[RowCondition]) -> str:
        """The expression that a row meets the conditions; false where one of them is unknown."""
        return " AND ".join(self._met(condition) for condition in conditions) or "true"

    def _met(self, condition: RowCondition) -> str:
        value = self.value(condition.path)
        if condition.holds is not None:
            return f"({value}::text = ANY ({_texts(condition.holds)})) IS TRUE"
        if condition.lacks is not None:
            return f"({value}::text = ANY ({_texts(condition.lacks)})) IS NOT TRUE"
        if condition.empty is not None:
            return f"{value} IS {'' if condition.empty else 'NOT '}NULL"
        if condition.equals is not None:
            return f"({value}::text = {self.value(condition.equals)}::text) IS TRUE"
        if condition.above is not None:
            return f"({value} > {self.value(condition.above)}) IS TRUE"
        return f"({value} < {self.value(condition.below or ())}) IS TRUE"


def _texts(values: Sequence[object]) -> Sql:
    words = {True: "true", False: "false"}
    return literal([words[v] if isinstance(v, bool) else str(v) for v in values])


@dataclass(frozen=True)
class RuleSql:
    """What a rule asks of the rows `r` of its table: whether it is `about` one, and whether one is
    `wrong`; `rest` of the query follows the table."""

    table: str
    key: Sql
    about: Sql
    wrong: Sql
    rest: Sql


def rule_sql(rule: RowRule, manifest: Manifest, facts: Mapping[str, object]) -> Sql:
    """A query of the rows: key (text), about (whether the rule is about it) and wrong.

    Raises GonogoError when the rule is of no known kind.
    """
    parts = rule_parts(rule, manifest, facts)
    table = Rows(manifest, parts.table).whole
    return Sql(
        f"""SELECT {parts.key} AS key, {parts.about} AS about, {parts.wrong} AS wrong
FROM {table}{parts.rest}"""  # noqa: S608 - of quoted parts
    )


def rule_parts(rule: RowRule, manifest: Manifest, facts: Mapping[str, object]) -> RuleSql:
    """The parts of that query that differ by rule."""
    found = columns_found(manifest.found_columns, facts)
    rows = Rows(manifest, rule.table, found=found)
    given = rows.all_of(rule.given or ())
    if rule.some:
        return _some(rule.some, manifest, rows, given, found)
    if rule.agree:
        one, other = (rows.value(path) for path in rule.agree)
        about = f"{one} IS NOT NULL AND {other} IS NOT NULL"
        wrong = f"{one}::text <> {other}::text"
    elif rule.order:
        one, other = (rows.value(path) for path in rule.order)
        about = f"{one} IS NOT NULL AND {other} IS NOT NULL"
        wrong = f"{one} > {other}"
    elif rule.past:
        times = [rows.value(path) for path in rule.past]
        about = " OR ".join(f"{time} IS NOT NULL" for time in times)
        limit = f"LOCALTIMESTAMP + {_AHEAD}"
        wrong = " OR ".join(f"({time} > {limit}) IS TRUE" for time in times)
    elif rule.never:
        about = rows.all_of(rule.never[:1])
        wrong = rows.all_of(rule.never[1:])
    else:
        raise GonogoError(f"rule {rule.name} is of no known kind")
    return RuleSql(rule.table, Sql(rows.key), Sql(_both(given, about)), Sql(wrong), rows.rest())


def counted(query: str) -> Sql:
    """What a rule comes to: examined (bigint), wrong (bigint), rows (text[], at most 20 keys)."""
    return Sql(
        f"""SELECT count(*) FILTER (WHERE q.about), count(*) FILTER (WHERE q.about AND q.wrong),
    (array_agg(q.key) FILTER (WHERE q.about AND q.wrong))[1:20]
FROM ({query}) AS q"""  # noqa: S608 - of quoted parts
    )


def _both(given: str, about: str) -> str:
    return f"({about})" if given == "true" else f"({given}) AND ({about})"


def _some(
    some: Some,
    manifest: Manifest,
    rows: Rows,
    given: str,
    found: Mapping[tuple[str, str], str],
) -> RuleSql:
    """Rows to which others belong, of which none is as one of them has to be."""
    others = Rows(manifest, some.table, alias="o", found=found)
    fits = others.all_of(some.where)
    if some.same:
        theirs, own = others.value(some.same.path), rows.value(some.same.as_)
        fits += f" AND ({theirs}::text <> {own}::text) IS NOT TRUE"
    by = others.value([some.by])
    joined = f"\nJOIN {others.whole} ON {rows.key} = {by}::text{others.rest()}"
    return RuleSql(
        rows.table,
        Sql(rows.key),
        Sql("true"),
        Sql(f"NOT bool_or({fits})"),
        Sql(f"{rows.rest()}{joined}\nWHERE {given}\nGROUP BY 1"),
    )
