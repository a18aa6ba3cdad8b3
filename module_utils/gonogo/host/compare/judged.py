"""What the checks have judged, as it is now: to be compared with what it was when they began.

A verdict is about what is there when it is given. Objects of the runbook's tables, the functions
that act on them, event triggers, and what the roles begin with are read twice with this, each time
by one statement. Triggers and functions have their row's identity with them: one that was dropped
and made again in between is another.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["differences", "read"]

_QUERY = """
WITH ours AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl, c.relpersistence, c.relrowsecurity,
        c.relforcerowsecurity,
        format('%%I.%%I', n.nspname, c.relname) AS name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY (%(tables)s::text[]) AND c.relkind IN ('r',
        'p', 'v', 'm', 'f')
), trigger AS (
    SELECT o.name AS table_name, g.*, g.xmin AS row_version
    FROM ours AS o JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = o.oid AND NOT g.tgisinternal
), constraints AS (
    SELECT o.name AS table_name, k.*, to_jsonb(k) ->> 'conenforced' AS enforced
    FROM ours AS o JOIN pg_catalog.pg_constraint AS k ON k.conrelid = o.oid AND k.contype <> 't'
), routine AS (
    SELECT g.tgfoid AS oid FROM trigger AS g
    UNION SELECT e.evtfoid FROM pg_catalog.pg_event_trigger AS e
    UNION SELECT p.oid FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n
        ON n.oid = p.pronamespace
        WHERE n.nspname = %(schema)s AND p.proname = ANY (%(functions)s::text[])
    UNION SELECT d.refobjid FROM constraints AS k JOIN pg_catalog.pg_depend AS d
        ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = k.oid
            AND d.refclassid = 'pg_catalog.pg_proc'::regclass
)
SELECT 'schema ' || n.nspname, concat_ws(' ', n.nspowner::regrole, n.nspacl)
FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %(schema)s
UNION ALL
SELECT 'table ' || o.name, concat_ws(' ', o.relkind, o.relowner::regrole, o.relacl,
    o.relpersistence, o.relrowsecurity,
    o.relforcerowsecurity, (SELECT string_agg(i.inhparent::regclass::text, ','
        ORDER BY i.inhparent) FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = o.oid),
    -- Its rows are among ours; a partition is its own.
    (SELECT string_agg(i.inhrelid::regclass::text, ',' ORDER BY i.inhrelid)
        FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = o.oid AND o.relkind = 'r'))
FROM ours AS o
UNION ALL
SELECT format('column %%s.%%I', o.name, a.attname), concat_ws(' ', format_type(a.atttypid,
    a.atttypmod), a.attnotnull, a.attidentity,
    a.attgenerated, a.attcollation, pg_get_expr(d.adbin, d.adrelid), a.attacl)
FROM ours AS o
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
UNION ALL
SELECT format('constraint %%s.%%I', k.table_name, k.conname), concat_ws(' ',
    pg_get_constraintdef(k.oid), k.convalidated, k.enforced, (
    SELECT string_agg(concat_ws(' ', g.tgrelid::regclass, g.tgtype, g.tgfoid::regproc,
        g.tgenabled), ',' ORDER BY g.tgrelid, g.tgtype)
    FROM pg_catalog.pg_trigger AS g WHERE g.tgconstraint = k.oid AND g.tgisinternal))
FROM constraints AS k
UNION ALL
SELECT CASE WHEN x.indisunique THEN 'unique index ' ELSE 'index ' END || x.indexrelid::regclass,
    concat_ws(' ', pg_get_indexdef(x.indexrelid), x.indisvalid, x.indisready, x.indisunique,
        x.indimmediate)
FROM ours AS o JOIN pg_catalog.pg_index AS x ON x.indrelid = o.oid
UNION ALL
SELECT format('trigger %%s.%%I', g.table_name, g.tgname), concat_ws(' ',
    pg_get_triggerdef(g.oid), g.tgenabled, g.oid, g.row_version)
FROM trigger AS g
UNION ALL
SELECT format('rule %%s.%%I', o.name, r.rulename), concat_ws(' ', pg_get_ruledef(r.oid),
    r.ev_enabled)
FROM ours AS o JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = o.oid
UNION ALL
SELECT format('policy %%s.%%I', o.name, p.polname), concat_ws(' ', p.polcmd, p.polpermissive,
    p.polroles,
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM ours AS o JOIN pg_catalog.pg_policy AS p ON p.polrelid = o.oid
UNION ALL
SELECT 'function ' || p.oid::regprocedure, concat_ws(' ', p.prosrc, p.prolang, p.proconfig,
    p.prosecdef, p.provolatile, p.proowner::regrole,
    p.proacl, p.oid, p.xmin)
FROM routine AS r JOIN pg_catalog.pg_proc AS p ON p.oid = r.oid
UNION ALL
SELECT 'event trigger ' || quote_ident(e.evtname), concat_ws(' ', e.evtevent, e.evtenabled,
    e.evttags, e.evtfoid::regprocedure)
FROM pg_catalog.pg_event_trigger AS e
UNION ALL
SELECT concat_ws(' ', 'settings of', 'role ' || nullif(s.setrole, 0)::regrole,
    CASE WHEN s.setdatabase <> 0 THEN 'in this database' END), s.setconfig::text
FROM pg_catalog.pg_db_role_setting AS s
WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname = current_database()))
    AND s.setrole IN (SELECT 0 UNION ALL SELECT r.oid FROM pg_catalog.pg_roles AS r
        WHERE r.rolname IN (session_user, %(role)s))
UNION ALL
SELECT 'role ' || quote_ident(r.rolname), concat_ws(' ', r.rolcanlogin, r.rolsuper,
    r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil)
FROM pg_catalog.pg_roles AS r WHERE r.rolname = %(role)s
"""


def read(
    connection: Any,
    *,
    schema: str,
    tables: Sequence[str],
    functions: Sequence[str],
    role: str | None,
) -> dict[str, str]:
    """Object → SHA-256 of what it is,
    of one moment. `role` is the application's, if it is known."""
    given = {
        "schema": schema,
        "tables": list(tables),
        "functions": list(functions),
        "role": role or None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, given)
        return {
            name: hashlib.sha256(definition.encode()).hexdigest()
            for name, definition in cursor.fetchall()
        }


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """`trigger public.t.x is gone`, one for each object; an index more is nobody's fault."""
    found = []
    for name in sorted({*before, *after}):
        if name not in after:
            found.append(f"{name} is gone")
        elif name not in before:
            if not name.startswith("index "):
                found.append(f"{name} is new")
        elif before[name] != after[name]:
            found.append(f"{name} was changed")
    return found
