"""I1 to I3, N1 and N2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.runbooks.master_tables.records import Green, Red, superuser

_OLDEST_DECISION = """(
    SELECT min(s.id) FROM public.workflow_stages AS s WHERE s.status = 'APPROVED')
"""


def _slow(table: str, seconds: float) -> str:
    """Make every query of a table take a while to plan: the planner works out this CHECK."""
    return f"""
    CREATE FUNCTION public.slowly() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_catalog.pg_sleep({seconds});
        RETURN true;
    END $$;
    ALTER TABLE public.{table} ADD CONSTRAINT slow CHECK (public.slowly());
    DO $$
    BEGIN
        EXECUTE format('ALTER DATABASE %I SET constraint_exclusion = on', current_database());
    END $$;
    """


def _remove(name: str) -> Callable[[Path], None]:
    def remove(home: Path) -> None:
        (home / name).unlink()

    return remove


def _more_beside(home: Path) -> None:
    (home / "notes").mkdir()
    (home / "CHANGES.md").write_text("One more.\n", encoding="utf-8")


REDS = [
    Red(
        "I1.1",
        "the index is missing",
        "DROP INDEX public.idx_workflow_stages_pending_by_user",
        words="workflow_stages (approver_user_id, created_at) has no index",
    ),
    Red(
        "I1.1",
        "the index is for another state",
        """
        DROP INDEX public.idx_workflow_stages_pending_by_user;
        CREATE INDEX idx_workflow_stages_pending_by_user
            ON public.workflow_stages (approver_user_id, created_at DESC) WHERE status = 'APPROVED'
        """,
        words="its condition leaves out 'PENDING'",
    ),
    Red(
        "I1.1",
        "the index is sorted by one column only",
        """
        DROP INDEX public.idx_workflow_stages_pending_by_user;
        CREATE INDEX idx_workflow_stages_pending_by_user
            ON public.workflow_stages (approver_user_id) WHERE status = 'PENDING'
        """,
        words="workflow_stages (approver_user_id, created_at) has no index",
    ),
    Red(
        "I1.2",
        "the index is missing",
        "DROP INDEX public.idx_workflow_stages_overdue",
        words="workflow_stages (sla_due_at) has no index",
    ),
    Red(
        "I1.2",
        "the index leaves out a state",
        """
        DROP INDEX public.idx_workflow_stages_overdue;
        CREATE INDEX idx_workflow_stages_overdue
            ON public.workflow_stages (sla_due_at) WHERE status = 'PENDING'
        """,
        words="its condition leaves out 'IN_REVIEW'",
    ),
    Red(
        "I1.2",
        "an interrupted build left it invalid",
        admin="""
        UPDATE pg_index SET indisvalid = false
        WHERE indexrelid = 'public.idx_workflow_stages_overdue'::regclass
        """,
        words="idx_workflow_stages_overdue is invalid",
    ),
    Red(
        "I1.3",
        "the index is missing",
        "DROP INDEX public.idx_workflow_instances_status",
        words="workflow_instances (workspace_id, status) has no index",
    ),
    Red(
        "I1.3",
        "the columns are in another order",
        """
        DROP INDEX public.idx_workflow_instances_status;
        CREATE INDEX idx_workflow_instances_status
            ON public.workflow_instances (status, workspace_id)
        """,
        words="workflow_instances (workspace_id, status) has no index",
    ),
    Red(
        "I1.4",
        "an index is missing",
        "DROP INDEX public.idx_punchlists_stage",
        words="punchlists (workflow_stage_id) has no index",
    ),
    Red(
        "I1.4",
        "an index that knows equality only",
        """
        DROP INDEX public.idx_punchlists_stage;
        CREATE INDEX idx_punchlists_stage ON public.punchlists USING hash (workflow_stage_id)
        """,
        words="idx_punchlists_stage is of method hash",
    ),
    Red(
        "I1.4",
        "an index that is sorted otherwise",
        """
        DROP INDEX public.idx_config_versions_effective;
        CREATE INDEX idx_config_versions_effective
            ON public.config_versions (workspace_id, effective_date)
        """,
        words="idx_config_versions_effective is sorted otherwise",
    ),
    Red(
        "I1.4",
        "an index with its empty values at the other end",
        """
        DROP INDEX public.idx_config_versions_effective;
        CREATE INDEX idx_config_versions_effective
            ON public.config_versions (workspace_id, effective_date DESC NULLS LAST)
        """,
        words="idx_config_versions_effective has empty values at the other end",
    ),
    Red(
        "I2.1",
        "a CHECK is missing",
        "ALTER TABLE public.vendor_master DROP CONSTRAINT ck_vendor_master_vendor_type",
        words="vendor_master.vendor_type GONOGO_OTHER: ",
    ),
    Red(
        "I2.1",
        "capitals do not matter",
        """
        ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;
        ALTER TABLE public.punchlists ADD CONSTRAINT ck_punchlists_status
            CHECK (upper(status) IN ('OPEN', 'IN_PROGRESS', 'CLEARED'))
        """,
        words="punchlists.status open: ",
    ),
    Red(
        "I2.2",
        "the rule is missing",
        "ALTER TABLE public.punchlist_items DROP CONSTRAINT ck_punchlist_items_evidence",
        words='{"evidence_doc_id": null, "status": "CLEARED"}: ',
    ),
    Red(
        "I2.2",
        "the rule is for one state only",
        """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT ck_punchlist_items_evidence;
        ALTER TABLE public.punchlist_items ADD CONSTRAINT ck_punchlist_items_evidence
            CHECK (status <> 'CLEARED' OR evidence_doc_id IS NOT NULL)
        """,
        words='{"evidence_doc_id": null, "status": "RECTIFIED"}: ',
    ),
    Red(
        "I3.1",
        "an importer does not exist",
        admin=superuser("""
        UPDATE public.config_versions SET imported_by = 'nobody'
        WHERE id = (SELECT min(id) FROM public.config_versions)
        """),
        words="1 with an importer who does not exist",
    ),
    Red(
        "I3.1",
        "a time of import is empty",
        """
        ALTER TABLE public.config_versions ALTER COLUMN imported_at DROP NOT NULL;
        UPDATE public.config_versions SET imported_at = NULL
        WHERE id = (SELECT min(id) FROM public.config_versions)
        """,
        words="1 without time",
    ),
    Red(
        "I3.2",
        "a decision was not logged",
        f"""
        DELETE FROM public.workflow_stage_actions WHERE workflow_stage_id = {_OLDEST_DECISION}
        """,
        words="1 APPROVED without such an action",
    ),
    Red(
        "I3.2",
        "a decision was logged as its contrary",
        f"""
        UPDATE public.workflow_stage_actions SET action_type = 'REJECT'
        WHERE workflow_stage_id = {_OLDEST_DECISION}
        """,
        words="1 APPROVED without such an action",
    ),
    Red(
        "I3.3",
        "nobody decided",
        f"UPDATE public.workflow_stages SET decided_by = NULL WHERE id = {_OLDEST_DECISION}",
        words="1 without decided_by",
    ),
    Red(
        "I3.3",
        "decided at no time",
        f"UPDATE public.workflow_stages SET decided_at = NULL WHERE id = {_OLDEST_DECISION}",
        words="1 without decided_at",
    ),
    Red(
        "I3.3",
        "somebody who does not exist decided",
        admin=superuser(f"""
        UPDATE public.workflow_stages SET decided_by = 'nobody' WHERE id = {_OLDEST_DECISION}
        """),
        words="1 decided by a user who does not exist",
    ),
    Red("N1.1", "slow", _slow("workflow_stages", 0.11), words=" ms, "),
    Red("N1.2", "slow", _slow("workflow_stages", 0.21), words=" ms, "),
    Red("N1.3", "slow", _slow("config_versions", 0.06), words=" ms, "),
    Red(
        "N1.1",
        "a column of the query is missing",
        "ALTER TABLE public.workflow_stages RENAME COLUMN stage_number TO number",
        words="cannot be run: column s.stage_number does not exist",
        status="inconclusive",
        why="a query that cannot be run has no time",
    ),
    Red("N2.1", "a document is missing", runbook=_remove("README.md"), words="missing: README.md"),
]

GREENS = [
    Green(
        "I1.1",
        "another name, no condition, read backwards",
        """
        DROP INDEX public.idx_workflow_stages_pending_by_user;
        CREATE INDEX pending ON public.workflow_stages (approver_user_id DESC, created_at)
        """,
    ),
    Green(
        "I1.2",
        "another name and a wider condition",
        """
        DROP INDEX public.idx_workflow_stages_overdue;
        CREATE INDEX overdue ON public.workflow_stages (sla_due_at)
            WHERE status::text = ANY (ARRAY['IN_REVIEW'::text, 'PENDING'::text])
        """,
    ),
    Green(
        "I1.3",
        "another name, more in it, and one beside it",
        """
        DROP INDEX public.idx_workflow_instances_status;
        CREATE INDEX by_status ON public.workflow_instances (workspace_id, status)
            INCLUDE (completed_at) WITH (fillfactor = 70);
        CREATE INDEX finished ON public.workflow_instances (completed_at) WHERE status = 'COMPLETED'
        """,
    ),
    Green(
        "I1.4",
        "other names, and the table in the order of one",
        """
        ALTER INDEX public.idx_punchlists_stage RENAME TO stages;
        ALTER INDEX public.idx_config_versions_effective RENAME TO effective;
        ALTER TABLE public.punchlists CLUSTER ON stages
        """,
    ),
    Green(
        "I1.4",
        "an index to be read backwards",
        """
        DROP INDEX public.idx_config_versions_effective;
        CREATE INDEX ON public.config_versions (workspace_id DESC, effective_date)
        """,
    ),
    Green(
        "I2.1",
        "lists of other names in another order",
        """
        ALTER TABLE public.vendor_master RENAME CONSTRAINT ck_vendor_master_vendor_type TO kinds;
        ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;
        ALTER TABLE public.punchlists ADD CONSTRAINT states
            CHECK (status = 'CLEARED' OR status = 'OPEN' OR status = 'IN_PROGRESS')
        """,
    ),
    Green(
        "I2.1",
        "new columns",
        """
        ALTER TABLE public.vendor_master ADD COLUMN rank integer NOT NULL DEFAULT 1;
        ALTER TABLE public.punchlists ADD COLUMN severity text CHECK (severity <> '')
        """,
    ),
    Green(
        "I2.2",
        "the rule in other words and under another name",
        """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT ck_punchlist_items_evidence;
        ALTER TABLE public.punchlist_items ADD CONSTRAINT evidence
            CHECK (NOT (status <> 'OPEN' AND evidence_doc_id IS NULL))
        """,
    ),
    Green(
        "I3.1",
        "an importer who has left",
        "UPDATE public.users SET status = 'INACTIVE' WHERE id = 'admin-003'",
    ),
    Green(
        "I3.2",
        "more was done to a decided stage",
        """
        INSERT INTO public.workflow_stage_actions (workflow_stage_id, action_type, actor_user_id)
        SELECT s.id, 'COMMENT', NULL FROM public.workflow_stages AS s WHERE s.status <> 'PENDING'
        """,
    ),
    Green(
        "I3.3",
        "a stage that was skipped, and one that waits",
        """
        UPDATE public.workflow_stages SET approver_user_id = NULL
        WHERE status IN ('SKIPPED', 'PENDING')
        """,
    ),
    # What counts is the time, not the way.
    Green("N1.1", "no index", "DROP INDEX public.idx_workflow_stages_pending_by_user"),
    Green("N1.2", "no index", "DROP INDEX public.idx_workflow_stages_overdue"),
    Green("N1.3", "no index", "DROP INDEX public.ux_config_versions_one_active_per_workspace"),
    Green(
        "N1.1",
        "nothing waits",
        "UPDATE public.workflow_stages SET status = 'SKIPPED' WHERE status = 'PENDING'",
    ),
    Green("N2.1", "more than was asked for", runbook=_more_beside),
]
