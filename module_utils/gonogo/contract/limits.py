"""Limits that a statement has come to: which it was, and who has set it.

What a session can lift, every session of this project does, see session_settings.py. Left are its
own, and those that only a superuser changes.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from typing import Any

__all__ = ["set_by"]

# SQLSTATE → the setting, and what of this project sets it.
_SETTINGS = {
    "57014": ("statement_timeout", "gonogo_timeouts.statement"),
    "55P03": ("lock_timeout", "gonogo_timeouts.lock"),
    "53400": ("temp_file_limit", None),
    "54001": ("max_stack_depth", None),
}

# Without pg_settings: its rows may need a temporary file.
_ORIGIN = """
SELECT pg_catalog.current_setting(%(name)s), (
    SELECT pg_catalog.concat_ws(' ', CASE WHEN s.setrole <> 0 THEN 'ALTER ROLE '
            || pg_catalog.quote_ident(session_user::text)
        WHEN s.setdatabase = 0 THEN 'ALTER ROLE ALL' END,
        CASE WHEN s.setdatabase <> 0 THEN
            CASE WHEN s.setrole <> 0 THEN 'IN DATABASE ' ELSE 'ALTER DATABASE ' END
            || pg_catalog.quote_ident(pg_catalog.current_database()::text) END)
    FROM pg_catalog.pg_db_role_setting AS s
    WHERE s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles AS r
            WHERE r.rolname = session_user))
        AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d
            WHERE d.datname = pg_catalog.current_database()))
        AND EXISTS (SELECT FROM unnest(s.setconfig) AS line
            WHERE pg_catalog.starts_with(line, %(name)s || '='))
    ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1)
"""


def set_by(connection: Any, sqlstate: str | None) -> str | None:
    """For an error of this kind in this session: the limit, its value and who has set it.

    None where it is no such error. The session is in no transaction that has failed.
    """
    name, ours = _SETTINGS.get(sqlstate or "", ("", None))
    if not name:
        return None
    value, theirs = connection.execute(_ORIGIN, {"name": name}).fetchone()
    return f"{name} is {value} here, set by {ours or theirs or 'the server itself'}."
