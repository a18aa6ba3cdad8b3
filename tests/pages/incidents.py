"""What has really gone wrong with this migration, and what the gate says to it today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.pages import Page, Row, Table

__all__ = ["INCIDENTS", "REPLAYED", "Incident"]


@dataclass(frozen=True)
class Incident:
    """What happened; the decision today and words of what is said.

    Where `check` is given, it is replayed as a change of a good database: `sql` runs as the owner
    of the tables, `admin` as a superuser, and that check answers. `test` names the test otherwise.
    """

    story: str
    decision: str
    says: str
    check: str = ""
    sql: str = ""
    admin: str = ""
    loaded: str = "target"
    between: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    test: str = ""


REPLAYED = (
    Incident(
        "Nothing could be inserted: the ids' generator was not to be had, and somebody added an "
        "extension to the preflight without knowing whether it was that",
        "NO-GO",
        "permission denied for function gen_random_uuid",
        check="0.1.1",
        admin="REVOKE EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() FROM PUBLIC",
    ),
    Incident(
        "The tests looked for a workspace by a name that had never existed, among others that did",
        "HOLD",
        "exactly one workspace has the code XLSMART-AVIAT; found: 0 found",
        check="0.3",
        sql="UPDATE public.workspaces SET code = 'ANOTHER' WHERE code = 'XLSMART-AVIAT'",
    ),
    Incident(
        "Documents spelt a column in three ways; the scripts were patched until one fitted",
        "HOLD",
        "workflow_instances has status and workflow_status",
        check="0.2",
        sql="ALTER TABLE public.workflow_instances ADD COLUMN workflow_status text",
    ),
    Incident(
        "Documents said that keys are uuid; staging had text, and one reference was made as told",
        "NO-GO",
        "atp_submissions.config_version_id is uuid, but config_versions.id is text",
        check="C2.B",
        sql="""
        ALTER TABLE public.atp_submissions DROP CONSTRAINT fk_atp_submissions_config_version,
            ALTER COLUMN config_version_id TYPE uuid USING config_version_id::uuid
        """,
        between=True,
    ),
    Incident(
        "Inserts with ON CONFLICT failed: the key they named was not unique",
        "NO-GO",
        "found: none",
        check="0.5",
        sql="DROP INDEX public.workspaces_code_key",
    ),
    Incident(
        "The rules demanded uuid keys and text references to them at once",
        "NO-GO",
        "atp_submissions.config_version_id is uuid",
        check="0.7",
        sql="""
        ALTER TABLE public.atp_submissions DROP CONSTRAINT fk_atp_submissions_config_version,
            ALTER COLUMN config_version_id TYPE uuid USING config_version_id::uuid
        """,
    ),
    Incident(
        "The test that an ACTIVE version cannot be deleted was no valid SQL, so it failed as it "
        "should: a refusal for another reason",
        "HOLD",
        "refused with P0001, no deletions today",
        check="V1.1",
        sql="""
        CREATE FUNCTION public.no_deletions() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'no deletions today'; END $$;
        CREATE TRIGGER a_first BEFORE DELETE ON public.config_versions
            FOR EACH ROW EXECUTE FUNCTION public.no_deletions()
        """,
        between=True,
    ),
    Incident(
        "The staging run went into production's database, whose name somebody had in the service",
        "HOLD",
        "is refused as staging target",
        test="test_incidents.py::test_production_behind_the_name_of_staging",
    ),
    Incident(
        "The login did not own what it was to change; the run broke off in the middle",
        "HOLD",
        "workspaces no DELETE",
        check="0.9",
        sql="REVOKE DELETE ON public.workspaces FROM apms_sandbox",
    ),
    Incident(
        "Tables were made by another login; the application answered 500 until it got its rights",
        "NO-GO",
        "config_versions apms_app has no",
        check="C1.10",
        sql="REVOKE ALL ON public.config_versions FROM apms_app",
    ),
    Incident(
        "Failed migrations were marked as applied by hand",
        "HOLD",
        "none of its objects is there",
        test="test_deploy.py::test_recorded_as_applied_but_not_there_is_a_contradiction",
    ),
    Incident(
        "One foreign key of 55 arrived, and nobody saw it",
        "NO-GO",
        "has no foreign key to",
        check="C1.3",
        loaded="as_deployed",
    ),
    Incident(
        "Statements failed because columns were there already, and were called harmless",
        "HOLD",
        "the migration is there in part; nothing was applied",
        test="test_deploy_run.py::test_a_partial_migration_is_named_and_nothing_is_judged",
    ),
    Incident(
        "There were 21 CHECKs instead of 22, and nobody found out which one was missing",
        "NO-GO",
        "vendor_master.vendor_type has no CHECK",
        check="C1.4",
        sql="ALTER TABLE public.vendor_master DROP CONSTRAINT ck_vendor_master_vendor_type",
    ),
    Incident(
        "The tables were empty after the deployment, and everything about them was fine",
        "HOLD",
        "0 of 0 references",
        check="C1.6",
        sql="TRUNCATE public.config_versions CASCADE",
    ),
    Incident(
        "A fresh database had no users; what referred to users failed for that",
        "HOLD",
        "0 of 48 users",
        check="0.4",
        sql="UPDATE public.users SET status = 'SUSPENDED'",
    ),
    Incident(
        "Foreign keys were planned over columns that did not exist, and skipped without a word",
        "refused",
        "'foreign_keys[0].columns' names no column of config_versions",
        test="test_incidents.py::test_a_plan_over_columns_that_do_not_exist",
    ),
    Incident(
        "Counts of foreign keys were compared that had been counted in different ways, 1 and 57",
        "GO",
        "",
        check="C1.3",
        sql="""
        CREATE TABLE public.notes (id int PRIMARY KEY,
            vendor text REFERENCES public.vendor_master,
            punchlist text REFERENCES public.punchlists)
        """,
    ),
    Incident(
        "The SQL files were excluded from version control; servers had no migration to apply",
        "refused",
        "file migration.sql does not exist",
        test="test_incidents.py::test_a_runbook_without_its_files",
    ),
    Incident(
        "An intermediate model made a user's column a uuid, and staging answered 502",
        "NO-GO",
        "atp_scope_master.updated_by is uuid, but users.id is text",
        check="C2.D",
        sql="""
        ALTER TABLE public.atp_scope_master
            DROP CONSTRAINT IF EXISTS fk_atp_scope_master_updated_by,
            ALTER COLUMN updated_by TYPE uuid USING NULL
        """,
    ),
    Incident(
        "The runbook said to edit a script by hand and run it, and it was the unpatched one",
        "refused",
        "the runbook has changed since",
        test="test_promotion.py::test_another_file_of_the_runbook_is_another_runbook",
    ),
    Incident(
        "GO was ticked with 15 of 15 while three criteria were open",
        "HOLD",
        "did not run",
        test="test_incidents.py::test_what_is_open_cannot_be_ticked",
    ),
    Incident(
        "A table that somebody had made by hand was missing, and tests broke that had used it",
        "GO",
        "",
        test="test_incidents.py::test_nothing_rests_on_tables_nobody_declared",
    ),
    Incident(
        "Documents named services and paths differently, and scripts had one of them in them",
        "GO",
        "",
        test="test_login.py::test_managed_database_is_judged_from_the_controller",
    ),
    Incident(
        "The backup was of another database than the run had changed",
        "HOLD",
        "name two databases",
        test="test_login.py::test_refusal_is_one_clear_error[service-of-another]",
    ),
)


def _row(incident: Incident) -> Row:
    number = REPLAYED.index(incident) + 1
    test = incident.test or f"test_incidents.py::test_the_day_it_went_wrong[{number}]"
    return Row((str(number), incident.story, incident.decision, incident.says or "nothing"), test)


INCIDENTS = Page(
    "incidents.md",
    "What went wrong, and what is said to it today",
    (
        "Twenty-five things that went wrong with this migration when it was done by hand. Each is "
        "replayed by a test, with the decision and the words that a person would have needed that "
        "day. *refused* is before the first connection.",
        Table(
            ("", "What happened", "Today", "What is said"),
            [_row(incident) for incident in REPLAYED],
        ),
    ),
)
