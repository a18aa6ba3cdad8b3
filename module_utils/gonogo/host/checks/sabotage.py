"""What would have to break for a check to fail: found out by breaking it, one thing at a time.

Each change is made inside of the transaction of every script that asks, which takes it back at
its end. A check that no change can make fail is blind, or about something else than the schema.

Runs on the target host, in a twin: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Callable

from ...contract.records.phase import PhaseScript
from ...contract.records.sabotage import Sabotage
from .execution import run_script

__all__ = ["changes", "tried", "with_change"]

# As every script begins, see script.sql.j2.
_BEGIN = re.compile(
    r"^(BEGIN TRANSACTION ISOLATION LEVEL [A-Z ]+), READ (?:ONLY|WRITE);$", re.MULTILINE
)
_BLOCK = "sabotage"

# `what` of which `object`, and the statements that do it. Of each kind of object of the tables:
# that it is gone, and that it is there and does something else.
_CHANGES = r"""
WITH tables AS (
    SELECT c.oid, format('%%I.%%I', n.nspname, c.relname) AS name, c.relowner, c.relacl
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY (%(tables)s) AND c.relkind IN ('r', 'p')
), columns AS (
    SELECT t.name AS table, quote_ident(a.attname) AS name, a.attnotnull, a.atthasdef,
        EXISTS (SELECT FROM pg_catalog.pg_constraint AS p
                WHERE p.conrelid = t.oid AND p.contype = 'p' AND a.attnum = ANY (p.conkey)) AS key
    FROM tables AS t
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
), constraints AS (
    SELECT t.name AS table, quote_ident(c.conname) AS name, c.contype,
        pg_catalog.pg_get_constraintdef(c.oid) AS definition
    FROM tables AS t
    JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
    WHERE c.contype IN ('c', 'f', 'p', 'u', 'x') AND c.conislocal
), triggers AS (
    SELECT t.name AS table, quote_ident(g.tgname) AS name, g.tgfoid
    FROM tables AS t
    JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
    WHERE NOT g.tgisinternal
), indexes AS (
    SELECT format('%%I.%%I', n.nspname, i.relname) AS name
    FROM tables AS t
    JOIN pg_catalog.pg_index AS x ON x.indrelid = t.oid
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS c WHERE c.conindid = i.oid)
), found (kind, object, what, statements) AS (
    SELECT 'table', name, 'is gone', format('ALTER TABLE %%s RENAME TO gonogo_gone', name)
    FROM tables
    UNION ALL
    SELECT 'table', name, 'is empty', format('TRUNCATE %%s CASCADE', name) FROM tables
    UNION ALL
    SELECT 'table', name, 'shows its rows to nobody but its owner',
        format('ALTER TABLE %%s ENABLE ROW LEVEL SECURITY', name) FROM tables
    UNION ALL
    SELECT 'table', t.name, format('is closed to %%s', quote_ident(r.rolname)),
        format('REVOKE ALL ON %%s FROM %%I', t.name, r.rolname)
    FROM tables AS t, LATERAL pg_catalog.aclexplode(t.relacl) AS a
    JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
    WHERE a.grantee <> t.relowner
    UNION
    SELECT 'column', c.table || '.' || c.name, 'may be null',
        format('ALTER TABLE %%s ALTER COLUMN %%s DROP NOT NULL', c.table, c.name)
    FROM columns AS c WHERE c.attnotnull AND NOT c.key
    UNION ALL
    SELECT 'column', c.table || '.' || c.name, 'has no default',
        format('ALTER TABLE %%s ALTER COLUMN %%s DROP DEFAULT', c.table, c.name)
    FROM columns AS c WHERE c.atthasdef
    UNION ALL
    SELECT 'constraint', c.table || '.' || c.name, 'is gone',
        format('ALTER TABLE %%s DROP CONSTRAINT %%s CASCADE', c.table, c.name) FROM constraints AS c
    UNION ALL
    SELECT 'constraint', c.table || '.' || c.name, 'accepts everything',
        format('ALTER TABLE %%1$s DROP CONSTRAINT %%2$s, ADD CONSTRAINT %%2$s CHECK (true)',
            c.table, c.name)
    FROM constraints AS c WHERE c.contype = 'c'
    UNION ALL
    SELECT 'constraint', c.table || '.' || c.name, 'deletes otherwise',
        format('ALTER TABLE %%1$s DROP CONSTRAINT %%2$s, ADD CONSTRAINT %%2$s %%3$s ON DELETE %%4$s'
            ' NOT VALID', c.table, c.name,
            regexp_replace(regexp_replace(c.definition, ' NOT VALID$', ''),
                ' ON DELETE (CASCADE|RESTRICT|SET NULL|SET DEFAULT|NO ACTION)', ''),
            CASE WHEN c.definition LIKE '%% ON DELETE CASCADE%%' THEN 'RESTRICT' ELSE 'CASCADE' END)
    FROM constraints AS c WHERE c.contype = 'f' AND c.definition NOT LIKE '%%DEFERRABLE%%'
    UNION ALL
    SELECT 'index', i.name, 'is gone', format('DROP INDEX %%s', i.name) FROM indexes AS i
    UNION ALL
    SELECT 'trigger', g.table || '.' || g.name, 'is gone',
        format('DROP TRIGGER %%s ON %%s', g.name, g.table) FROM triggers AS g
    UNION ALL
    SELECT 'trigger', g.table || '.' || g.name, 'is disabled',
        format('ALTER TABLE %%s DISABLE TRIGGER %%s', g.table, g.name) FROM triggers AS g
    UNION ALL
    SELECT 'function', g.tgfoid::regprocedure::text, 'does nothing',
        format('CREATE OR REPLACE FUNCTION %%s() RETURNS trigger LANGUAGE plpgsql AS '
            '''BEGIN RETURN coalesce(NEW, OLD); END''', g.tgfoid::regproc::text)
    FROM (SELECT DISTINCT tgfoid FROM triggers) AS g
)
SELECT kind, object, what, statements FROM found ORDER BY kind, object, what
"""


def changes(connection: Any, *, schema: str, tables: Sequence[str]) -> list[dict[str, str]]:
    """Every change to these tables: `kind`, `object`, `what` (is gone, may be null) and `sql`.

    `connection` must have the search_path of all sessions of this project.
    """
    found = connection.execute(_CHANGES, {"schema": schema, "tables": list(tables)}).fetchall()
    return [dict(zip(("kind", "object", "what", "sql"), row)) for row in found]


def with_change(text: str, sql: str) -> str:
    """A script that makes a change first, in the transaction it is going to roll back."""
    return _BEGIN.sub(
        lambda found: f"{found[1]}, READ WRITE;\n\n-- @setup {_BLOCK}\n{sql};", text, count=1
    )


def tried(
    connect: Callable[[], Any],
    scripts: Sequence[PhaseScript],
    *,
    schema: str,
    tables: Sequence[str],
) -> Sabotage:
    """Make one change after the other and ask all scripts each time.

    The `scripts` end in ROLLBACK.
    """
    made = 0
    impossible: list[str] = []
    unnoticed: list[str] = []
    noticed: dict[str, list[str]] = {}
    with connect() as connection:
        usual = {script.name: _asked(connection, script, None)[0] for script in scripts}
        for change in changes(connection, schema=schema, tables=tables):
            words = f"{change['kind']} {change['object']} {change['what']}"
            seen = False
            for script in scripts:
                wanted = usual[script.name]
                if seen and all(check in noticed for check in wanted):
                    # It is known that they can fail, and this change does not go unnoticed.
                    continue
                statuses, refused = _asked(connection, script, change["sql"])
                if refused:
                    impossible.append(f"{words}: {refused}")
                    break
                for check, status in wanted.items():
                    now = statuses.get(check, "not_run")
                    # A script that dies of a change stops the run; it says nothing of a check.
                    seen = seen or now != status
                    if now == "fail" != status:
                        noticed.setdefault(check, []).append(words)
            else:
                made += 1
                if not seen:
                    unnoticed.append(words)
    return Sabotage(made, unnoticed, impossible, noticed)


def _asked(
    connection: Any, script: PhaseScript, sql: str | None
) -> tuple[dict[str, str], str | None]:
    """Check → status, and why the change could not be made."""
    text = with_change(script.text, sql) if sql else script.text
    outcome = run_script(connection, name=script.name, text=text)
    if outcome.error and outcome.error.block == f"setup {_BLOCK}":
        return {}, outcome.error.message
    return {check.check_id: check.status for check in outcome.checks}, None
