# ruff: noqa: S608 - what is put together is the server's own text, for a role without rights
"""Whether two printed definitions mean the same: a server has read both, as often as the other.

Of a difference in text, the expressions are put through the server of this session, each until its
text does not change any more, and compared then. A view is made of each and not kept; it is never
executed, and no row is read. Making one converts its constants, which can run an owner's code: so
the session is that of a role which may do nothing else, or whose code that is.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...contract.errors import GonogoError
from ..session.connection import DatabaseError, described
from .definition_parts import Query, Rule, View, body_of, cut, rule_of
from .schema_catalog import Difference, compare

__all__ = ["differences", "same"]

# Each reading takes one layer away; nothing is known that needs more than three.
_READINGS = 6
# The session, or the server, is in trouble; not the text.
_TROUBLE = ("08", "40", "53", "55", "57", "58", "XX")


class _UnreadableError(Exception):
    """The server does not take this text."""


def differences(
    session: Any, first: Mapping[str, str], second: Mapping[str, str]
) -> list[Difference]:
    """As `schema_catalog.compare`, without what is only printed in another way (see `same`)."""
    found = compare(first, second)
    equal = same(session, found)
    return [one for one in found if one.name not in equal]


def same(session: Any, found: Iterable[Difference]) -> dict[str, list[str]]:
    """Those of the differences that are none: name → both texts, the first and the second.

    The session is one in the database that one of the texts is from, outside of any transaction;
    what else they name is there. Raises GonogoError where the session ends.
    """
    return {
        one.name: [one.first or "", one.second or ""]
        for one in found
        if one.kind == "different" and _same(session, one)
    }


def _same(session: Any, difference: Difference) -> bool:
    first = cut(difference.name, difference.first or "")
    second = cut(difference.name, difference.second or "")
    if first.frame != second.frame or len(first.queries) != len(second.queries):
        return False
    try:
        return all(_mean_the_same(session, pair) for pair in zip(first.queries, second.queries))
    except _UnreadableError:
        return False


def _mean_the_same(session: Any, pair: tuple[Query, Query]) -> bool:
    one, other = pair
    for _ in range(_READINGS):
        if one == other:
            return True
        if type(one) is not type(other):
            return False
        read, other_read = _again(session, one), _again(session, other)
        if (read, other_read) == (one, other):
            return False
        one, other = read, other_read
    return False


def _again(session: Any, query: Query) -> Query:
    """The same, as the server prints it when it has read it."""
    if isinstance(query, View):
        printed = _printed(
            session,
            [f"CREATE TEMPORARY VIEW gonogo_printed AS {query.text}"],
            "SELECT pg_get_viewdef('pg_temp.gonogo_printed'::regclass)",
        )
        return View(printed.strip().rstrip(";"))
    if isinstance(query, Rule):
        printed = _printed(
            session,
            [
                "CREATE TEMPORARY TABLE gonogo_printed AS"
                f" SELECT * FROM {query.relation} WITH NO DATA",
                f"CREATE RULE r AS ON {query.event} TO pg_temp.gonogo_printed {query.text}",
            ],
            "SELECT pg_get_ruledef(r.oid) FROM pg_rewrite AS r"
            " WHERE r.ev_class = 'pg_temp.gonogo_printed'::regclass",
        )
        read = rule_of(printed)
        return Rule(query.event, query.relation, read.text)
    printed = _printed(
        session,
        [f"CREATE {query.kind} pg_temp.{query.name}{query.text}"],
        "SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p"
        " WHERE p.pronamespace = pg_my_temp_schema()",
    )
    return body_of(printed)


def _printed(session: Any, made: Sequence[str], question: str) -> str:
    """Make something, have it printed, and take it back."""
    try:
        with session.transaction(force_rollback=True), session.cursor() as cursor:
            for statement in made:
                # In the extended protocol, which takes one statement and no second one.
                cursor.execute(statement.encode(), binary=True)
            cursor.execute(question)
            return str(cursor.fetchone()[0])
    except DatabaseError as error:
        if session.closed or (error.sqlstate or "XX").startswith(_TROUBLE):
            told = described(error)
            raise GonogoError(
                f"the definitions cannot be compared: {told['message']}", detail=told["detail"]
            ) from error
        raise _UnreadableError from error
