"""Every column of every catalog: what it says of a user's object, or why nothing compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from psycopg import sql

from tests.integration.support.universe.comparing import Comparison
from tests.integration.support.universe.exemptions import NOT_COMPARED, OTHER_CATALOGS

__all__ = ["SINCE", "Property", "exempt", "fits", "properties"]

# Of the rows of a catalog: what divides them into kinds whose columns mean different things.
_KIND = {
    "pg_class": "t.relkind",
    "pg_proc": "t.prokind",
    "pg_type": "t.typtype",
    "pg_constraint": "t.contype",
    "pg_am": "t.amtype",
    "pg_attribute": "(SELECT c.relkind FROM pg_class AS c WHERE c.oid = t.attrelid)",
}
_ROWS = {
    "pg_class": "t.relkind <> 't' AND t.relnamespace <> 'pg_toast'::regnamespace",
    "pg_attribute": "t.attnum > 0 AND NOT t.attisdropped AND EXISTS (SELECT FROM pg_class AS c"
    " WHERE c.oid = t.attrelid AND c.relkind <> 't'"
    " AND c.relnamespace <> 'pg_toast'::regnamespace)",
    "pg_index": "EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.indrelid"
    " AND c.relnamespace <> 'pg_toast'::regnamespace)",
    "pg_type": "t.typcategory <> 'A' AND (t.typtype <> 'c' OR EXISTS ("
    "SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c'))",
    "pg_amop": "NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.objid = t.amopfamily"
    " AND e.deptype = 'e')",
    "pg_amproc": "NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.objid = t.amprocfamily"
    " AND e.deptype = 'e')",
    "pg_trigger": "NOT t.tgisinternal",
    "pg_rewrite": "t.rulename <> '_RETURN'",
}
# The first version in which anything can be in a column, or in a pattern's.
SINCE = {
    "pg_class[p].relam": 170000,
    "pg_constraint[cx].conperiod": 180000,
    "pg_constraint[n]..+": 170000,
    "pg_inherits.inhdetachpending": 140000,
    "pg_range.rng(multitypid|typid)": 140000,
    "pg_type[m]..+": 140000,
}
# Rows of which a column says anything.
_MEANT = {"pg_trigger.tgargs": "t.tgnargs > 0"}


@dataclass(frozen=True, order=True)
class Property:
    """A column of a catalog, for the rows of one kind (a letter, or nothing)."""

    catalog: str
    kind: str
    column: str
    type: str
    # SQL: which rows are a user's.
    rows: str

    @property
    def name(self) -> str:
        kind = f"[{self.kind}]" if self.kind else ""
        return f"{self.catalog}{kind}.{self.column}"


def exempt(one: Property) -> str | None:
    """Why nothing compares it, or None."""
    for reason, patterns in NOT_COMPARED.items():
        if any(fits(pattern, one) for pattern in patterns):
            return reason
    return None


def fits(pattern: str, one: Property) -> bool:
    catalog, _, column = pattern.partition(".")
    name, _, kinds = catalog.partition("[")
    of_kind = not kinds or (bool(one.kind) and one.kind in kinds)
    return name == one.catalog and of_kind and re.fullmatch(column, one.column) is not None


def properties(comparison: Comparison) -> Iterator[Property]:
    """Of every catalog of one database that has rows of a user."""
    version = comparison.connection.info.server_version
    catalogs = comparison.ask(
        "SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum),"
        " array_agg(a.atttypid::regtype::text ORDER BY a.attnum)"
        " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'"
        " AND NOT c.relisshared GROUP BY c.relname ORDER BY c.relname"
    )
    for catalog, columns, types in catalogs:
        if catalog in OTHER_CATALOGS:
            continue
        # What has no OID of its own belongs to what it names first.
        key = "oid" if "oid" in columns else columns[types.index("oid")] if "oid" in types else None
        if key is None:
            key = columns[types.index("regproc")]
        users = (
            f"t.{key}::oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend AS e"
            f" WHERE e.deptype = 'e' AND e.objid = t.{key}::oid) AND ({_ROWS.get(catalog, 'true')})"
        )
        of_kind = _KIND.get(catalog, "''")
        for (kind,) in comparison.ask(
            f"SELECT DISTINCT ({of_kind})::text FROM pg_catalog.{catalog} AS t WHERE {users}"
        ):
            rows = f"{users} AND ({of_kind})::text = {sql.Literal(kind).as_string(None)}"
            for column, type_name in zip(columns, types, strict=True):
                one = Property(catalog, kind, column, type_name, rows)
                if one.name in _MEANT:
                    one = replace(one, rows=f"{rows} AND {_MEANT[one.name]}")
                if column not in {"oid", key} and version >= SINCE.get(one.name, 0):
                    yield one
