"""One object changed: the statement that does it, for each object there is. Nothing is hand-picked.

`drop`, `comment`, `own` and `grant` give SQL for an object of `universe.objects`, or None where its
kind has no such thing.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.support.universe import Object

__all__ = ["GRANTED", "OWNED", "WITHOUT_COMMENT", "comment", "drop", "grant", "own"]

# The name of a kind in SQL, where it differs from pg_identify_object's.
_WORDS = {
    # That of all routines: an aggregate without arguments is written otherwise than it is called.
    "aggregate": "ROUTINE",
    "composite type": "TYPE",
    "statistics object": "STATISTICS",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
}
# Parts of a table or a view: `name on schema.table`.
_OF_TABLE = {"trigger", "rule", "policy"}
# Rows of a catalog that no command takes away by itself.
_BY_ROW = {
    "operator of access method",
    "function of access method",
    "default acl",
    "default value",
    # The server does not quote the names of all of them.
    "user mapping",
    "publication namespace",
    "publication relation",
}

WITHOUT_COMMENT = {
    *_BY_ROW,
    "composite type",
}
OWNED = frozenset(
    {
        "aggregate",
        "collation",
        "conversion",
        "event trigger",
        "foreign table",
        "foreign-data wrapper",
        "function",
        "language",
        "materialized view",
        "operator",
        "operator class",
        "operator family",
        "procedure",
        "publication",
        "schema",
        "server",
        "statistics object",
        "table",
        "text search configuration",
        "text search dictionary",
        "type",
        "view",
    }
)
# Nobody can be let use a language that is not trusted.
_UNTRUSTED = {"another_plpgsql", "plain_language"}
GRANTED = {
    "aggregate": "EXECUTE ON FUNCTION",
    "foreign table": "TRUNCATE ON",
    "foreign-data wrapper": "USAGE ON FOREIGN DATA WRAPPER",
    "function": "EXECUTE ON FUNCTION",
    "language": "USAGE ON LANGUAGE",
    "materialized view": "TRUNCATE ON",
    "procedure": "EXECUTE ON PROCEDURE",
    "schema": "USAGE ON SCHEMA",
    "sequence": "UPDATE ON SEQUENCE",
    "server": "USAGE ON FOREIGN SERVER",
    "table": "TRUNCATE ON",
    "type": "USAGE ON TYPE",
    "view": "TRUNCATE ON",
}


def drop(one: Object) -> str:
    """Take it away, with all that needs it."""
    name, _, rest = one.identity.rpartition(" on ")
    if one.kind in _BY_ROW:
        return f"DELETE FROM {one.catalog} WHERE oid = {one.oid}"
    if one.kind in _OF_TABLE:
        return f"DROP {one.kind} {one.identity} CASCADE"
    special: dict[str, Callable[[], str]] = {
        "table constraint": lambda: f"ALTER TABLE {rest} DROP CONSTRAINT {name} CASCADE",
        "domain constraint": lambda: f"ALTER DOMAIN {rest} DROP CONSTRAINT {name} CASCADE",
        "transform": lambda: f"DROP TRANSFORM {_transform(one)} CASCADE",
    }
    if one.kind in special:
        return special[one.kind]()
    return f"DROP {_word(one)} {one.identity} CASCADE"


def comment(one: Object) -> str | None:
    """Say something else of it."""
    if one.kind in WITHOUT_COMMENT:
        return None
    kind, name = _word(one), one.identity
    if one.kind == "transform":
        name = _transform(one)
    if one.kind.endswith(" constraint"):
        kind, name = "CONSTRAINT", name.replace(" on ", " on DOMAIN ", 1)
        if one.kind == "table constraint":
            name = one.identity
    return f"COMMENT ON {kind} {name} IS 'another comment'"


def own(one: Object, role: str) -> str | None:
    """Give it to somebody else."""
    if one.kind not in OWNED:
        return None
    return f"ALTER {_word(one)} {one.identity} OWNER TO {role}"


def grant(one: Object, role: str) -> str | None:
    """Let somebody else use it."""
    if one.kind not in GRANTED or one.identity in _UNTRUSTED:
        return None
    return f"GRANT {GRANTED[one.kind]} {one.identity} TO {role}"


def _transform(one: Object) -> str:
    # Versions before 16 write it otherwise than it is read.
    return one.identity.replace(" on language ", " language ")


def _word(one: Object) -> str:
    return _WORDS.get(one.kind, one.kind.upper())
