"""Code of the application that corrects or damages rows while a run tries something: the rows that
are there are asked for before any of it has run, and where none of it can write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import scripts
from tests.integration.support.harness import Database

Make = Callable[..., Database]


@dataclass(frozen=True)
class _Wrong:
    """Rows of a table that are wrong, and what makes them right again."""

    table: str
    damage: str
    repair: str


_CROSSED = _Wrong(
    "cluster_approver_master",
    """
    UPDATE public.cluster_approver_master AS c SET approval_role_id = (
        SELECT r.id FROM public.approval_role_master AS r
        WHERE r.workspace_id <> c.workspace_id ORDER BY r.id LIMIT 1)
    WHERE c.id = (SELECT id FROM public.cluster_approver_master ORDER BY id LIMIT 1)""",
    "DELETE FROM public.cluster_approver_master"
    " WHERE id = (SELECT id FROM public.cluster_approver_master ORDER BY id LIMIT 1)",
)
_WITHOUT_GUARDS = """
    ALTER TABLE public.{0} DISABLE TRIGGER USER;
    {1};
    ALTER TABLE public.{0} ENABLE TRIGGER USER"""
_OF_ANOTHER_VERSION = _Wrong(
    "workflow_stages",
    _WITHOUT_GUARDS.format(
        "workflow_stages",
        "UPDATE public.workflow_stages AS s SET config_version_id = (SELECT v.id"
        " FROM public.config_versions AS v WHERE v.id <> s.config_version_id ORDER BY v.id LIMIT 1)"
        " WHERE s.id = (SELECT id FROM public.workflow_stages ORDER BY id LIMIT 1)",
    ),
    "DELETE FROM public.workflow_stages"
    " WHERE id = (SELECT id FROM public.workflow_stages ORDER BY id LIMIT 1)",
)
_NOT_DECIDED = _Wrong(
    "workflow_stages",
    "UPDATE public.workflow_stages SET decided_by = NULL WHERE id = ("
    "SELECT id FROM public.workflow_stages WHERE status = 'APPROVED' ORDER BY id LIMIT 1)",
    "UPDATE public.workflow_stages"
    " SET decided_by = (SELECT id FROM public.users ORDER BY id LIMIT 1)"
    " WHERE status = 'APPROVED' AND decided_by IS NULL",
)
_NOT_ENDED = _Wrong(
    "workflow_instances",
    "UPDATE public.workflow_instances SET completed_at = NULL WHERE id = ("
    "SELECT id FROM public.workflow_instances WHERE status = 'COMPLETED' ORDER BY id LIMIT 1)",
    "UPDATE public.workflow_instances SET completed_at = started_at"
    " WHERE status = 'COMPLETED' AND completed_at IS NULL",
)
_WITHOUT_SUCCESSOR = _Wrong(
    "config_versions",
    "UPDATE public.config_versions SET superseded_by_id = NULL WHERE id = ("
    "SELECT id FROM public.config_versions WHERE status = 'SUPERSEDED' ORDER BY id LIMIT 1)",
    "UPDATE public.config_versions AS v SET superseded_by_id = (SELECT o.id"
    " FROM public.config_versions AS o WHERE o.previous_version_id = v.id AND o.status = 'ACTIVE')"
    " WHERE v.status = 'SUPERSEDED' AND v.superseded_by_id IS NULL",
)
_DRAFTED = _Wrong(
    "workflow_instances",
    _WITHOUT_GUARDS.format(
        "workflow_instances",
        "UPDATE public.workflow_instances SET config_version_id = ("
        "SELECT id FROM public.config_versions WHERE status = 'DRAFT' ORDER BY id LIMIT 1)"
        " WHERE id = (SELECT id FROM public.workflow_instances ORDER BY id LIMIT 1)",
    ),
    "UPDATE public.config_versions SET status = 'ARCHIVED' WHERE id = ("
    "SELECT id FROM public.config_versions WHERE status = 'DRAFT' ORDER BY id LIMIT 1)",
)
_TWO_ACTIVE = _Wrong(
    "config_versions",
    "DROP INDEX public.ux_config_versions_one_active_per_workspace;"
    " UPDATE public.config_versions SET status = 'ACTIVE' WHERE id = ("
    "SELECT id FROM public.config_versions WHERE status = 'DRAFT' ORDER BY id LIMIT 1)",
    "UPDATE public.config_versions AS v SET status = 'DRAFT' WHERE status = 'ACTIVE'"
    " AND EXISTS (SELECT FROM public.config_versions AS o WHERE o.status = 'ACTIVE'"
    " AND o.workspace_id = v.workspace_id AND o.source_type = v.source_type"
    " AND o.version_number < v.version_number)",
)
_ORPHAN = _Wrong(
    "vendor_master",
    "ALTER TABLE public.vendor_master DROP CONSTRAINT fk_vendor_master_workspace;"
    " UPDATE public.vendor_master SET workspace_id = gen_random_uuid()"
    " WHERE id = (SELECT id FROM public.vendor_master ORDER BY id LIMIT 1)",
    "UPDATE public.vendor_master AS v SET workspace_id = (SELECT c.workspace_id"
    " FROM public.config_versions AS c WHERE c.id = v.config_version_id)"
    " WHERE NOT EXISTS (SELECT FROM public.workspaces AS w WHERE w.id = v.workspace_id)",
)

# Every check that asks about all rows there are, and rows that it must not pass.
WRONG = {
    "C1.6": _ORPHAN,
    "C3.6": _WITHOUT_SUCCESSOR,
    "C4.3": _DRAFTED,
    "C5.4": _CROSSED,
    "V2.2": _TWO_ACTIVE,
    "V3.4": _OF_ANOTHER_VERSION,
    "V4.1": _CROSSED,
    "I3.3": _NOT_DECIDED,
    "C6.10": _NOT_ENDED,
    "V3.5": _OF_ANOTHER_VERSION,
}

# Both act where they find themselves in the session of a script. On a table that a trial writes to:
_WHEN_WRITTEN = """
CREATE FUNCTION public.corrects() RETURNS trigger LANGUAGE plpgsql AS $corrects$
BEGIN
    IF to_regprocedure('pg_temp.attempt(text, text, text)') IS NOT NULL THEN
        EXECUTE $repair${0}$repair$;
    END IF;
    RETURN NULL;
END
$corrects$;
CREATE TRIGGER corrects AFTER INSERT OR UPDATE ON public.workspaces
    FOR EACH STATEMENT EXECUTE FUNCTION public.corrects();
"""
# Code that runs where a query of a table is planned, by way of an index that refuses nothing.
_WHEN_READ = """
CREATE FUNCTION public.acts() RETURNS boolean LANGUAGE plpgsql AS $acts$
BEGIN
    IF to_regprocedure('pg_temp.attempt(text, text, text)') IS NOT NULL
        AND coalesce(current_setting('app.acts', true), '') = ''
    THEN
        PERFORM set_config('app.acts', 'yes', true);
        EXECUTE $repair${0}$repair$;
    END IF;
    RETURN true;
EXCEPTION WHEN read_only_sql_transaction THEN
    RETURN true;
END
$acts$;
CREATE FUNCTION public.planned(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
    AS $planned$ BEGIN PERFORM public.acts(); RETURN true; END $planned$;
CREATE INDEX ON public.{1} (id) WHERE public.planned(1);
CREATE INDEX ON public.workspaces (id) WHERE public.planned(1);
"""
_CODE = {"written": _WHEN_WRITTEN, "read": _WHEN_READ}


@pytest.mark.parametrize("when", _CODE)
@pytest.mark.parametrize("check", WRONG)
def test_rows_that_code_of_the_application_corrects_are_wrong(
    check: str, when: str, make_database: Make, tmp_path: Path
) -> None:
    wrong, database = WRONG[check], make_database()
    with database.owner() as owner:
        owner.execute(wrong.damage.encode())
        owner.execute(_CODE[when].format(wrong.repair, wrong.table).encode())
    found = _answer(database, check, tmp_path)
    assert found["status"] == "fail", found


def _answer(database: Database, check: str, directory: Path) -> dict[str, Any]:
    found = scripts.answers(database, [scripts.phase_of(check)], directory)
    return found.checks.get(check, {"status": "not_run", "observed": str(found.errors)})
