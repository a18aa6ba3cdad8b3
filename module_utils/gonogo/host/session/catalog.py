# ruff: noqa: S608 - whatever is put into a query is a constant of this file
"""The engine's own catalog queries: identity, sessions, locks, fingerprints. No psycopg here."""

from __future__ import annotations

from ...contract import run_id as run_ids
from ...contract.schemas import OF_USERS
from . import copied

__all__ = [
    "BACKENDS",
    "CALLING",
    "FINGERPRINT",
    "HAS_LOCK",
    "IDENTITY",
    "LARGE_OBJECTS",
    "LOCK_HOLDER",
    "LOCK_KEY",
    "MARK",
    "READABLE",
    "TABLES",
    "TERMINATE",
    "TRY_LOCK",
    "WRITTEN",
    "mark_of",
]

# Two-part advisory lock key ("gono", "go"); advisory locks are per database by themselves.
LOCK_KEY = (0x676F6E6F, 0x676F)

# One row that says where this session is. The environment marker is read from the catalog and
# not with current_setting, which any session, role or connection string could override. It is a
# setting of the database or a line of its comment; more than one such line is no word at all.
IDENTITY = """
SELECT
    current_database()::text AS database,
    coalesce(marker.setting, marker.comment) AS environment,
    marker.setting AS marker_setting,
    marker.comment AS marker_comment,
    d.oid::bigint AS database_oid,
    pg_catalog.pg_get_userbyid(d.datdba)::text AS database_owner,
    session_user::text AS login,
    current_user::text AS "current_user",
    r.rolsuper AS superuser,
    current_setting('server_version') AS server_version,
    current_setting('server_version_num')::int AS server_version_num,
    (
        SELECT c.system_identifier::text FROM pg_catalog.pg_control_system() AS c
    ) AS system_identifier,
    pg_catalog.pg_is_in_recovery() AS in_recovery,
    pg_catalog.pg_backend_pid() AS backend_pid,
    host(pg_catalog.inet_server_addr()) AS server_address,
    pg_catalog.inet_server_port() AS server_port,
    current_setting('server_encoding') AS server_encoding,
    pg_catalog.pg_database_size(d.oid) AS database_bytes,
    coalesce((
        SELECT array_agg(DISTINCT lower(setting) ORDER BY lower(setting))
        FROM pg_catalog.pg_db_role_setting AS s
        CROSS JOIN LATERAL unnest(s.setconfig) AS setting
        WHERE s.setdatabase IN (0, d.oid) AND s.setrole IN (0, r.oid)
            -- Each as somebody has spelt it: on, true, yes, 1.
            AND CASE lower(split_part(setting, '=', 1))
                WHEN 'session_replication_role' THEN lower(split_part(setting, '=', 2)) <> 'origin'
                WHEN 'default_transaction_read_only' THEN split_part(setting, '=', 2)::boolean
                ELSE false
            END
    ), '{}') AS blinding_settings,
    current_setting('session_replication_role') AS session_replication_role
FROM pg_catalog.pg_database AS d
JOIN pg_catalog.pg_roles AS r ON r.rolname = session_user
CROSS JOIN LATERAL (
    SELECT
        (
            SELECT substr(word, strpos(word, '=') + 1)
            FROM pg_catalog.pg_db_role_setting AS s
            CROSS JOIN LATERAL unnest(s.setconfig) AS word
            WHERE s.setdatabase = d.oid AND s.setrole = 0
                AND split_part(word, '=', 1) = 'gonogo.environment'
        ) AS setting,
        (
            SELECT string_agg(DISTINCT btrim(line[1], ' ' || chr(9) || chr(13)), ', ')
            FROM pg_catalog.regexp_matches(
                pg_catalog.shobj_description(d.oid, 'pg_database'),
                '^[[:blank:]]*gonogo[.]environment[[:blank:]]*=(.*)$', 'gn'
            ) AS line
        ) AS comment
) AS marker
WHERE d.datname = current_database()
"""

TRY_LOCK = "SELECT pg_catalog.pg_try_advisory_lock(%s, %s)"

LOCK_HOLDER = """
SELECT a.application_name, a.backend_start, host(a.client_addr) AS client
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND l.classid = %s::bigint::oid AND l.objid = %s::bigint::oid
"""

HAS_LOCK = f"SELECT EXISTS ({LOCK_HOLDER.strip()} AND a.application_name = %s)"

# The mark of a run's session that is not called like one: an advisory lock, shared, on a number
# that is made of the run id. Its first byte is ours, then come the seconds since 1970 and the six
# hexadecimal digits. pg_locks shows it to everybody, as pg_stat_activity does the name.
_MARK = 0x67

MARK = "SELECT pg_catalog.pg_advisory_lock_shared(%s)"

# Sessions of runs of this project in this database, by their name or their mark.
_SESSIONS = f"""
SELECT a.pid, a.application_name, coalesce(m.run_id, split_part(a.application_name, ':', 2))
    AS run_id
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN (
    SELECT k.pid, to_char(to_timestamp(k.key >> 24 & 4294967295) AT TIME ZONE 'UTC',
        'YYYYMMDD"T"HH24MISS"Z-"')
        || lpad(to_hex(k.key & 16777215), 6, '0') AS run_id
    FROM (
        SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint AS key
        FROM pg_catalog.pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ShareLock'
            AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
                WHERE d.datname = current_database())
    ) AS k
    WHERE k.key >> 56 = {_MARK}
) AS m ON m.pid = a.pid
WHERE a.datname = current_database() AND a.pid <> pg_catalog.pg_backend_pid()
    AND (a.application_name LIKE 'gonogo:%%:%%' OR m.run_id IS NOT NULL)
"""

# Rows of pid, application_name, run_id.
BACKENDS = f"SELECT s.pid, s.application_name, s.run_id FROM ({_SESSIONS}) AS s"

# Of one run: the session of a name, or all.
TERMINATE = f"""
SELECT count(pg_catalog.pg_terminate_backend(s.pid))
FROM ({_SESSIONS}) AS s
WHERE s.run_id = %s AND (s.application_name = %s OR %s)
"""


def mark_of(run_id: str) -> int | None:
    """The number of a run's mark; None for what is no run id."""
    known = run_ids.parts(run_id)
    if known is None:
        return None
    began, number = known
    return _MARK << 56 | int(began.timestamp()) << 24 | number


# Every table with rows of its own that a delete could reach, whatever its schema.
TABLES = f"""
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND {OF_USERS}
ORDER BY n.nspname, c.relname
"""

# The same, and what of each this role can read: `through` is the table itself or, of a partition
# that may not be read by itself, the next one above it that may. Where that is null, `lacks` says
# why. A policy that applies to this role would hide rows.
READABLE = f"""
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
    readable.schema AS through_schema, readable.name AS through_name,
    CASE
        WHEN readable.name IS NOT NULL THEN NULL
        WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
            THEN pg_catalog.format('USAGE of schema %I', n.nspname)
        WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN 'SELECT'
        ELSE 'a role that its row-level security does not apply to'
    END AS lacks
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
    SELECT s.nspname::text AS schema, a.relname::text AS name
    FROM (
        SELECT c.oid AS relid, 0 AS depth
        UNION ALL
        SELECT u.relid, u.depth FROM pg_catalog.pg_partition_ancestors(c.oid)
            WITH ORDINALITY AS u (relid, depth)
        WHERE c.relispartition AND u.relid <> c.oid
    ) AS above
    JOIN pg_catalog.pg_class AS a ON a.oid = above.relid
    JOIN pg_catalog.pg_namespace AS s ON s.oid = a.relnamespace
    WHERE pg_catalog.has_schema_privilege(s.oid, 'USAGE')
        AND pg_catalog.has_table_privilege(a.oid, 'SELECT')
        AND NOT pg_catalog.row_security_active(a.oid)
    ORDER BY above.depth LIMIT 1
) AS readable ON true
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND {OF_USERS}
ORDER BY n.nspname, c.relname
"""

# Tables of which planning a query calls functions of somebody: schema, name, columns as SQL.
CALLING = f"""
SELECT n.nspname::text, c.relname::text, ARRAY(
    SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ORDER BY a.attname COLLATE "C")
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {copied.CALLING}
"""

# Everything with rows that this transaction has locked so that it could have written to it,
# whoever's rights it had there: a key that cascades acts as the table's owner, a trigger may. The
# rows of a foreign table are elsewhere: what changes its definition writes none of them.
WRITTEN = f"""
SELECT DISTINCT n.nspname::text, c.relname::text
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
    AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
    AND l.database IN (0, (SELECT oid FROM pg_catalog.pg_database
        WHERE datname = pg_catalog.current_database()))
    AND (c.relkind = 'r' OR c.relkind = 'f' AND l.mode = 'RowExclusiveLock')
    AND c.relpersistence <> 't'
    AND {OF_USERS}
ORDER BY 1, 2
"""

# Number of rows and an order-independent hash of what the output functions of their types say:
# a record of no type has no cast of anybody's. {table} and {condition} are composed with
# psycopg.sql; numeric so that the sum cannot overflow.
FINGERPRINT = """
SELECT count(t.ctid),
    coalesce(sum(pg_catalog.hashtextextended(ROW(t.*)::text, 0)::numeric), 0)::text
FROM {table} AS t
WHERE {condition}
"""

LARGE_OBJECTS = """
SELECT count(*), coalesce(sum(pg_catalog.hashoidextended(oid, 0)::numeric), 0)::text
FROM pg_catalog.pg_largeobject_metadata
"""
