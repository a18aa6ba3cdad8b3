"""Names and texts as SQL.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from psycopg import sql

__all__ = ["ident", "literal"]


def ident(name: str) -> str:
    """The name as an SQL identifier."""
    return sql.Identifier(name).as_string(None)


def literal(text: str) -> str:
    """The text as an SQL literal, whatever standard_conforming_strings says."""
    return sql.Literal(text).as_string(None).strip()
