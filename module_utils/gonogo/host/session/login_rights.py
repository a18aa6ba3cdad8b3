# ruff: noqa: S608 - whatever is put into the query is a constant of this file
"""Whose code a session would run, and with which rights.

Reading a table, writing to it or restoring it runs code of its owner: what its indexes, CHECKs,
policies and triggers call. PostgreSQL runs that code with the rights of the session's role. So a
role that can read the server's files, run its programs or become a superuser must not log in to a
database that holds code of a role that cannot.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...contract.errors import GonogoError

__all__ = ["refuse_stronger_login", "stronger_login"]

# Rights that lead out of the database. Until version 15, CREATEROLE could grant any of them.
_POWERS = """ARRAY(
        SELECT p.rolname::text FROM pg_catalog.pg_roles AS p
        WHERE (p.rolsuper OR p.rolname IN ('pg_execute_server_program', 'pg_read_server_files',
                'pg_write_server_files'))
            AND pg_catalog.pg_has_role({0}.oid, p.oid, 'MEMBER')
        UNION ALL
        SELECT 'CREATEROLE' WHERE ({0}.rolcreaterole OR {0}.rolsuper)
            AND current_setting('server_version_num')::integer < 160000
        ORDER BY 1)"""
# These are volatile, and change nothing and read nothing of the server all the same.
_HARMLESS = (
    "'random', 'gen_random_uuid', 'clock_timestamp', 'timeofday', 'nextval', 'currval', 'lastval'"
)

# One row: what the login can do (`powers`), and, if there is one, an object with code of an owner
# who cannot do all of that (`object`, `owner`). A function is code. So is an expression that calls
# a volatile function of the system: some of those read files or end sessions. Objects of an
# extension count too: the owner of an extension can add objects of his own to it.
_FOREIGN_CODE = f"""
WITH login AS (
    SELECT {_POWERS.format("r")} AS powers FROM pg_catalog.pg_roles AS r
    WHERE r.rolname = session_user
), weaker AS (
    SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r, login
    WHERE NOT r.rolsuper AND r.oid >= 16384 AND r.rolname <> session_user
        AND NOT login.powers <@ {_POWERS.format("r")}
), expression (classid, objid, owner, tree) AS (
    SELECT 'pg_catalog.pg_class'::regclass, c.oid, c.relowner, x.tree
    FROM pg_catalog.pg_class AS c
    CROSS JOIN LATERAL (
        SELECT d.adbin::text FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = c.oid
        UNION ALL
        SELECT k.conbin::text FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid
        UNION ALL
        SELECT concat(i.indexprs::text, i.indpred::text) FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = c.oid
        UNION ALL
        SELECT concat(p.polqual::text, p.polwithcheck::text) FROM pg_catalog.pg_policy AS p
        WHERE p.polrelid = c.oid
        UNION ALL
        SELECT t.tgqual::text FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid
        UNION ALL
        SELECT concat(w.ev_qual::text, w.ev_action::text) FROM pg_catalog.pg_rewrite AS w
        WHERE w.ev_class = c.oid AND w.ev_type <> '1'
        UNION ALL
        SELECT q.partexprs::text FROM pg_catalog.pg_partitioned_table AS q
        WHERE q.partrelid = c.oid
        UNION ALL
        SELECT to_jsonb(s) ->> 'stxexprs' FROM pg_catalog.pg_statistic_ext AS s
        WHERE s.stxrelid = c.oid
    ) AS x (tree)
    WHERE c.relowner IN (SELECT oid FROM weaker)
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typowner,
        concat(t.typdefaultbin::text, (SELECT string_agg(k.conbin::text, ' ')
            FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid))
    FROM pg_catalog.pg_type AS t
    WHERE t.typtype = 'd' AND t.typowner IN (SELECT oid FROM weaker)
), code (classid, objid, owner) AS (
    SELECT 'pg_catalog.pg_proc'::regclass, p.oid, p.proowner
    FROM pg_catalog.pg_proc AS p WHERE p.proowner IN (SELECT oid FROM weaker)
    UNION ALL
    SELECT x.classid, x.objid, x.owner FROM expression AS x
    WHERE EXISTS (
        SELECT FROM pg_catalog.regexp_matches(
            x.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS called
        JOIN pg_catalog.pg_proc AS p ON p.oid = called[1]::oid
        WHERE p.provolatile = 'v' AND p.oid < 16384 AND p.proname NOT IN ({_HARMLESS}))
)
SELECT login.powers,
    (SELECT o.type || ' ' || o.identity
        FROM pg_catalog.pg_identify_object(code.classid, code.objid, 0) AS o) AS object,
    weaker.rolname::text AS owner
FROM login
LEFT JOIN (code JOIN weaker ON weaker.oid = code.owner) ON login.powers <> '{{}}'
ORDER BY 2 LIMIT 1
"""

_HINT = (
    "Log in as the owner of the tables, or as gonogo_validate or gonogo_deploy: "
    "see docs/security.md."
)


def refuse_stronger_login(connection: Any) -> None:
    """Raise GonogoError where the session would run code with rights that its owner lacks."""
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN_CODE)
        powers, code, owner = cursor.fetchone()
    if code is not None:
        raise stronger_login(connection.info.user, powers=powers, code=code, owner=owner)


def stronger_login(login: str, *, powers: Sequence[str], code: str, owner: str) -> GonogoError:
    """The error of a login with more rights than the owner of code that it would run."""
    return GonogoError(
        f"the login {login!r} would run code of {owner!r} with rights that role does not have",
        detail=f"{code} belongs to {owner!r}. The login has the rights of: {', '.join(powers)}.",
        hint=_HINT,
    )
