"""Differences that are nobody's fault: none of them may turn a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import logins
from tests.integration import scripts
from tests.integration.harness import Database

Make = Callable[..., Database]


def _each(query: str, command: str) -> str:
    """A DO block that runs `command` (a format string) for every row of `query`."""
    return (
        f"DO $do$ DECLARE r record; BEGIN FOR r IN {query} LOOP EXECUTE format({command}); "
        "END LOOP; END $do$"
    )


_RENAMED_CONSTRAINTS = _each(
    "SELECT conrelid::regclass AS t, conname AS n, row_number() OVER () AS i FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u')",
    "'ALTER TABLE %s RENAME CONSTRAINT %I TO %I', r.t, r.n, 'renamed_' || r.i",
)
_RENAMED_INDEXES = _each(
    "SELECT i.indexrelid::regclass AS n, row_number() OVER () AS i FROM pg_index AS i"
    " JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace",
    "'ALTER INDEX %s RENAME TO %I', r.n, 'Index ' || r.i",
)
_RENAMED_TRIGGERS = _each(
    "SELECT tgrelid::regclass AS t, tgname AS n, row_number() OVER () AS i FROM pg_trigger"
    " WHERE NOT tgisinternal",
    "'ALTER TRIGGER %I ON %s RENAME TO %I', r.n, r.t, 'trigger_' || r.i",
)
_REORDERED_CHECK = """
ALTER TABLE public.config_versions DROP CONSTRAINT ck_config_versions_status;
ALTER TABLE public.config_versions ADD CONSTRAINT ck_config_versions_status
    CHECK (status = 'SUPERSEDED' OR status IN ('ACTIVE', 'ARCHIVED', 'DRAFT'))
"""
_WORKSPACE = """
INSERT INTO public.workspaces (id, code, name, customer_group_id, vendor_owner_id)
VALUES ('00000000-0000-4000-8000-000000000001', 'ANOTHER', 'Another', 'group', 'owner');
INSERT INTO public.config_versions (
    id, workspace_id, source_file_name, source_type, version_number, status, imported_by
)
SELECT 'another-1', w.id, 'another.xlsx', 'SCOPE_CONFIG', 1, 'ACTIVE', u.id
FROM public.workspaces AS w, public.users AS u
WHERE w.code = 'ANOTHER'
LIMIT 1
"""


@dataclass(frozen=True)
class Variant:
    """`sql` is run by the tables' owner, `admin` by a superuser, before everything."""

    name: str
    sql: str = ""
    admin: str = ""

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


VARIANTS = [
    Variant("constraints renamed", sql=_RENAMED_CONSTRAINTS),
    Variant("indexes renamed", sql=_RENAMED_INDEXES),
    Variant("triggers renamed", sql=_RENAMED_TRIGGERS),
    Variant("nullable column", sql="ALTER TABLE public.config_versions ADD note text"),
    Variant(
        "column with a default",
        sql="ALTER TABLE public.workflow_instances ADD tier text NOT NULL DEFAULT 'a'",
    ),
    Variant("other table", sql='CREATE TABLE public."Order Lines" (id int PRIMARY KEY)'),
    Variant("other schema", admin="CREATE SCHEMA legacy; CREATE TABLE legacy.users (id int)"),
    Variant("comments", sql="COMMENT ON TABLE public.punchlists IS 'defects; -- @check C1.2'"),
    Variant("plain index", sql="CREATE INDEX ON public.config_versions (imported_at)"),
    Variant("workspace with rows", sql=_WORKSPACE),
    Variant("check written otherwise", sql=_REORDERED_CHECK),
    Variant(
        "statistics",
        sql="ALTER TABLE public.users ALTER email SET STATISTICS 500;"
        "CREATE STATISTICS public.s ON status, source_type FROM public.config_versions; ANALYZE",
    ),
    Variant("fill factor", sql="ALTER TABLE public.workflow_stages SET (fillfactor = 70)"),
    Variant(
        "attribute gap",
        sql="ALTER TABLE public.vendor_master ADD gap text;"
        "ALTER TABLE public.vendor_master DROP gap",
    ),
    Variant(
        "settings of the login",
        admin=f"ALTER ROLE {logins.OWNER} IN DATABASE {{database}} SET search_path = 'nowhere';"
        f"ALTER ROLE {logins.OWNER} IN DATABASE {{database}} SET timezone = 'Asia/Jakarta';"
        f"ALTER ROLE {logins.OWNER} IN DATABASE {{database}} SET datestyle = 'German'",
    ),
    Variant(
        "extension elsewhere", admin="CREATE SCHEMA ext; ALTER EXTENSION pgcrypto SET SCHEMA ext"
    ),
    Variant("no extension", admin="DROP EXTENSION pgcrypto"),
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_variant_is_no_alarm(variant: Variant, make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    for session, sql in ((database.admin, variant.admin), (database.owner, variant.sql)):
        if sql:
            with session() as connection:
                connection.execute(sql.replace("{database}", f'"{database.name}"').encode())
    found = scripts.answers(database, scripts.PHASES, tmp_path)
    assert not found.errors
    alarms = {
        check: result["observed"]
        for check, result in found.checks.items()
        if result["status"] != "pass" and scripts.declared()[check]["effect"] != "none"
    }
    assert not alarms


def test_rows_that_another_run_has_kept_are_no_alarm(database: Database, tmp_path: Path) -> None:
    for token in ("aaaaaaaaaa", "bbbbbbbbbb"):
        suite = scripts.Suite(residue="keep", token=token)
        found = scripts.answers(database, scripts.PHASES, tmp_path, suite=suite)
        assert not found.errors
        assert {result["status"] for result in found.checks.values()} == {"pass"}
