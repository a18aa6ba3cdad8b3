"""C5, C6 and E3: workspaces apart, and a workflow from start to end."""

from __future__ import annotations

from tests.runbooks.master_tables.lifecycle import narrowed, trigger
from tests.runbooks.master_tables.records import Green, Red, superuser

ISOLATION = [
    # Preflight would stop at it: it happens in the middle of a run.
    Red(
        "C5.1",
        "the workspace gets another code",
        "UPDATE public.workspaces SET code = 'OTHER' WHERE code = 'XLSMART-AVIAT'",
        between=True,
        words="0 found",
    ),
    Red(
        "C5.1",
        "another workspace takes over the code",
        """
        UPDATE public.workspaces SET code = 'OTHER' WHERE code = 'XLSMART-AVIAT';
        UPDATE public.workspaces SET code = 'XLSMART-AVIAT' WHERE code = 'ISAT-ZTE'
        """,
        between=True,
        words="1 found, not the one preflight found",
    ),
    Red(
        "C5.2",
        "rows slip into another workspace",
        trigger(
            "vendor_master",
            "BEFORE INSERT",
            """
            NEW.workspace_id := (
                SELECT w.id FROM public.workspaces AS w WHERE w.code = 'XLSMART-AVIAT');
            """,
        ),
        words="a sees 0 instead of 1 in vendor_master",
    ),
    Red(
        "C5.2",
        "rows of one workspace appear in the other",
        trigger(
            "cluster_master",
            "AFTER INSERT",
            """
            INSERT INTO public.cluster_master
                (workspace_id, config_version_id, scope_id, region_name, cluster_code)
            SELECT w.id, NEW.config_version_id, NEW.scope_id, 'copy', NEW.cluster_code || '+'
            FROM public.workspaces AS w
            WHERE w.code ~ '^[A-Z2-7]{8}-[0-9A-F]{8}$' AND w.id <> NEW.workspace_id;
            """,
            when="pg_trigger_depth() = 0",
        ),
        words="a sees 3 instead of 1 in cluster_master",
    ),
    Red(
        "C5.3",
        "a foreign key is missing",
        """
        ALTER TABLE public.atp_scope_master
            DROP CONSTRAINT fk_atp_scope_master_config_version
        """,
        words="references left pointing at nothing: 1",
    ),
    Red(
        "C5.3",
        "parts are not taken along",
        """
        ALTER TABLE public.punchlist_items
            DROP CONSTRAINT fk_punchlist_items_punchlist,
            ADD CONSTRAINT fk_punchlist_items_punchlist FOREIGN KEY (punchlist_id)
                REFERENCES public.punchlists (id) ON DELETE RESTRICT
        """,
        words="parts left or parent kept: punchlists (23503, fk_punchlist_items_punchlist",
    ),
    Red(
        "C5.3",
        "the workspace goes alone",
        profile="as_deployed",
        words="in atp_scope_master",
    ),
    Red(
        "C5.3",
        "a deletion does nothing",
        "CREATE RULE keep AS ON DELETE TO public.cluster_master DO INSTEAD NOTHING",
        words="from cluster_master (accepted, but the row is still there)",
        status="inconclusive",
        why="nothing was deleted and nothing refused it, so nothing is known of the keys",
    ),
    Red(
        "C5.4",
        "a workflow with a vendor of another workspace",
        """
        UPDATE public.workflow_instances AS w SET vendor_id = (
            SELECT v.id FROM public.vendor_master AS v
            WHERE v.workspace_id <> w.workspace_id ORDER BY v.id LIMIT 1)
        WHERE w.id = (SELECT min(id) FROM public.workflow_instances WHERE vendor_id IS NOT NULL)
        """,
        words="1 in workflow_instances.vendor_id",
    ),
    # Two steps up on either side.
    Red(
        "C5.4",
        "a punchlist of a stage of another workspace",
        """
        UPDATE public.punchlists AS p SET workflow_stage_id = (
            SELECT s.id
            FROM public.workflow_stages AS s
            JOIN public.workflow_instances AS o ON o.id = s.workflow_instance_id
            JOIN public.workflow_instances AS w ON w.id = p.workflow_instance_id
            WHERE o.workspace_id <> w.workspace_id ORDER BY s.id LIMIT 1)
        WHERE p.id = (SELECT min(id) FROM public.punchlists)
        """,
        words="1 in punchlists.workflow_stage_id",
    ),
    Red(
        "C5.4",
        "a row whose workspace cannot be found",
        admin=superuser("""
        UPDATE public.workflow_stages SET workflow_instance_id = 'none'
        WHERE id = (SELECT min(id) FROM public.workflow_stages)
        """),
        words="workspace not found: ",
        status="inconclusive",
        why="a row that leads nowhere crosses nothing; that it leads nowhere is for C1.6 to say",
    ),
    Red(
        "C5.5",
        "a table without its foreign key",
        "ALTER TABLE public.vendor_master DROP CONSTRAINT fk_vendor_master_workspace",
        words="Not enforced: vendor_master",
    ),
    Red(
        "C5.5",
        "a foreign key that was never validated",
        """
        ALTER TABLE public.vendor_master
            DROP CONSTRAINT fk_vendor_master_workspace,
            ADD CONSTRAINT fk_vendor_master_workspace FOREIGN KEY (workspace_id)
                REFERENCES public.workspaces (id) NOT VALID
        """,
        words="Not enforced: vendor_master",
    ),
]

EXECUTION = [
    Red(
        "C6.1",
        "a scope group is not on the list",
        narrowed(
            "atp_scope_master",
            "ck_atp_scope_master_scope_group",
            "scope_group IN ('MICROWAVE', 'CME', 'PLN')",
        ),
        words="refused with 23514, constraint ck_atp_scope_master_scope_group",
    ),
    Red(
        "C6.1",
        "every scope is for both",
        trigger("atp_scope_master", "BEFORE INSERT", "NEW.atp_type := 'BOTH';"),
        words="MICROWAVE BOTH, RAN BOTH",
    ),
    Red(
        "C6.2",
        "a stage group is not on the list",
        narrowed(
            "approval_policy_stages",
            "ck_approval_policy_stages_stage_group",
            "stage_group IN ('REVIEW', 'VALIDATION', 'FINAL')",
        ),
        words="refused with 23514, constraint ck_approval_policy_stages_stage_group",
    ),
    Red(
        "C6.2",
        "every stage has one day",
        trigger("approval_policy_stages", "BEFORE INSERT", "NEW.sla_hours := 24;"),
        words="stage 1 (24 h), stage 2 (24 h)",
    ),
    Red(
        "C6.3",
        "a workflow has one stage at most",
        "ALTER TABLE public.workflow_instances"
        " ADD CONSTRAINT one_stage CHECK (total_stages <= 1) NOT VALID",
        words="refused with 23514, constraint one_stage",
    ),
    Red(
        "C6.3",
        "a workflow does not know when it began",
        "ALTER TABLE public.workflow_instances ALTER COLUMN started_at DROP DEFAULT",
        words="started_at empty",
    ),
    Red(
        "C6.3",
        "a workflow begins on hold",
        trigger("workflow_instances", "BEFORE INSERT", "NEW.status := 'ON_HOLD';"),
        words="ON_HOLD at stage 1 of 2",
    ),
    Red(
        "C6.4",
        "a stage has a day more",
        trigger(
            "workflow_stages",
            "BEFORE INSERT",
            "NEW.sla_due_at := NEW.sla_due_at + interval '1 day';",
        ),
        words="stage 1 PENDING, due after 48 h",
    ),
    Red(
        "C6.4",
        "a workflow has one stage at most",
        """
        ALTER TABLE public.workflow_stages
            ADD CONSTRAINT one_stage CHECK (stage_number = 1) NOT VALID
        """,
        profile="as_deployed",
        words="refused with 23514, constraint one_stage",
    ),
    Red(
        "C6.5",
        "APPROVED is not on the list",
        narrowed(
            "workflow_stages",
            "ck_workflow_stages_status",
            "status IN ('PENDING', 'IN_REVIEW', 'REJECTED', 'SKIPPED')",
        ),
        words="refused with 23514, constraint ck_workflow_stages_status",
    ),
    Red(
        "C6.5",
        "one approval approves all stages",
        trigger(
            "workflow_stages",
            "AFTER UPDATE",
            """
            UPDATE public.workflow_stages SET status = 'APPROVED'
            WHERE workflow_instance_id = NEW.workflow_instance_id AND status = 'PENDING';
            """,
            when="NEW.status = 'APPROVED'",
        ),
        words="stage 2 APPROVED",
    ),
    Red(
        "C6.6",
        "APPROVE is not on the list",
        narrowed(
            "workflow_stage_actions",
            "ck_workflow_stage_actions_action_type",
            "action_type IN ('REJECT', 'COMMENT')",
        ),
        words="refused with 23514, constraint ck_workflow_stage_actions_action_type",
    ),
    Red(
        "C6.6",
        "actions are logged in another's name",
        trigger("workflow_stage_actions", "BEFORE INSERT", "NEW.actor_user_id := 'admin-004';"),
        words="APPROVE by another",
    ),
    Red(
        "C6.7",
        "a kind of document is not on the list",
        narrowed(
            "atp_submission_documents",
            "ck_atp_submission_documents_document_type",
            "document_type IN ('ATP_HARDWARE', 'ATP_COMBINED')",
        ),
        words="refused with 23514, constraint ck_atp_submission_documents_document_type",
    ),
    Red(
        "C6.7",
        "only one document stays",
        trigger(
            "atp_submission_documents",
            "BEFORE INSERT",
            "DELETE FROM public.atp_submission_documents WHERE submission_id = NEW.submission_id;",
        ),
        words="SUBMITTED with 1 document",
    ),
    Red(
        "C6.8",
        "an item begins the work",
        trigger(
            "punchlist_items",
            "AFTER INSERT",
            "UPDATE public.punchlists SET status = 'IN_PROGRESS' WHERE id = NEW.punchlist_id;",
        ),
        words="IN_PROGRESS with 2 items",
    ),
    Red(
        "C6.9",
        "the touch function does nothing",
        """
        CREATE OR REPLACE FUNCTION public.trg_touch_updated_at() RETURNS trigger
            LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$
        """,
        words="moved in 0 of 13 tables",
    ),
    Red(
        "C6.9",
        "one table is left out",
        "ALTER TABLE public.punchlist_items DISABLE TRIGGER trg_punchlist_items_touch",
        words="not moved: punchlist_items",
    ),
    Red(
        "E3.1",
        "a workflow does not move on",
        trigger(
            "workflow_instances",
            "BEFORE UPDATE",
            "NEW.current_stage_number := OLD.current_stage_number;",
        ),
        words="IN_PROGRESS at stage 1",
    ),
    Red(
        "E3.1",
        "a stage too far is refused",
        """
        ALTER TABLE public.workflow_instances
            ADD CONSTRAINT at_the_start CHECK (current_stage_number <= 1) NOT VALID
        """,
        words="refused with 23514, constraint at_the_start",
    ),
    Red(
        "E3.2",
        "COMPLETED is not on the list",
        narrowed(
            "workflow_instances",
            "ck_workflow_instances_status",
            "status IN ('IN_PROGRESS', 'CANCELLED', 'ON_HOLD', 'REJECTED')",
        ),
        words="refused with 23514, constraint ck_workflow_instances_status",
    ),
    Red(
        "E3.2",
        "a completed workflow comes back",
        trigger(
            "workflow_instances",
            "BEFORE UPDATE",
            "NEW.status := 'IN_PROGRESS';",
            when="NEW.status = 'COMPLETED'",
        ),
        words="IN_PROGRESS; stage 1 APPROVED, stage 2 APPROVED",
    ),
]

REDS = [*ISOLATION, *EXECUTION]

# A workspace that came after the migration, with rows of its own.
ANOTHER_WORKSPACE = """
INSERT INTO public.workspaces (code, name, customer_group_id, vendor_owner_id)
VALUES ('NEW-CUSTOMER', 'New', 'c', 'v');
INSERT INTO public.config_versions
    (workspace_id, source_file_name, source_type, version_number, status, imported_by, activated_at)
SELECT id, 'new.xlsx', 'SCOPE_CONFIG', 1, 'ACTIVE', 'admin-001', now()
FROM public.workspaces WHERE code = 'NEW-CUSTOMER';
INSERT INTO public.atp_scope_master
    (workspace_id, config_version_id, scope_code, scope_name, scope_group)
SELECT v.workspace_id, v.id, 'MW', 'Microwave', 'MICROWAVE'
FROM public.config_versions AS v WHERE v.source_file_name = 'new.xlsx';
"""

_COUNTED = """
CREATE TABLE public.counts (name text, number bigint);
CREATE FUNCTION public.count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.counts VALUES (TG_TABLE_NAME, 1);
    RETURN NULL;
END $$;
"""

GREENS = [
    Green("C5.1", "a workspace more", ANOTHER_WORKSPACE),
    Green("C5.2", "a workspace more", ANOTHER_WORKSPACE),
    Green(
        "C5.2",
        "inserts are counted elsewhere",
        _COUNTED
        + """
        CREATE TRIGGER counted AFTER INSERT ON public.vendor_master
            FOR EACH ROW EXECUTE FUNCTION public.count_rows()
        """,
    ),
    Green(
        "C5.3",
        "a key has another name and refuses at the end of the statement",
        """
        ALTER TABLE public.atp_scope_master
            DROP CONSTRAINT fk_atp_scope_master_config_version,
            ADD CONSTRAINT other FOREIGN KEY (config_version_id)
                REFERENCES public.config_versions (id)
        """,
    ),
    Green(
        "C5.3",
        "deletions are counted elsewhere",
        _COUNTED
        + """
        CREATE TRIGGER counted AFTER DELETE ON public.punchlists
            FOR EACH ROW EXECUTE FUNCTION public.count_rows()
        """,
    ),
    # A role without a workspace belongs to all of them.
    Green(
        "C5.4",
        "shared roles",
        "UPDATE public.approval_role_master SET workspace_id = NULL WHERE role_code = 'BO'",
    ),
    Green("C5.4", "a workspace more", ANOTHER_WORKSPACE),
    Green(
        "C5.5",
        "a key of another name and rule",
        """
        ALTER TABLE public.vendor_master
            DROP CONSTRAINT fk_vendor_master_workspace,
            ADD CONSTRAINT other FOREIGN KEY (workspace_id)
                REFERENCES public.workspaces (id) ON DELETE CASCADE
        """,
    ),
    Green(
        "C6.1",
        "scopes have a new column and the list another order",
        """
        ALTER TABLE public.atp_scope_master ADD COLUMN colour text NOT NULL DEFAULT 'blue';
        ALTER TABLE public.atp_scope_master DROP CONSTRAINT ck_atp_scope_master_scope_group;
        ALTER TABLE public.atp_scope_master ADD CONSTRAINT groups
            CHECK (scope_group IN ('PLN', 'CME', 'RAN', 'MICROWAVE'))
        """,
    ),
    Green(
        "C6.2",
        "the foreign keys have other names",
        """
        ALTER TABLE public.approval_policy_stages
            RENAME CONSTRAINT fk_approval_policy_stages_policy TO a;
        ALTER TABLE public.approval_policy_master
            RENAME CONSTRAINT fk_approval_policy_master_scope TO b
        """,
    ),
    Green(
        "C6.3",
        "the columns have their other names",
        """
        ALTER TABLE public.workflow_instances RENAME COLUMN status TO workflow_status;
        ALTER TABLE public.workflow_instances RENAME COLUMN current_stage_number TO current_stage
        """,
    ),
    Green(
        "C6.4",
        "the status column has its other name",
        "ALTER TABLE public.workflow_stages RENAME COLUMN status TO stage_status",
    ),
    Green(
        "C6.5",
        "approvals are counted elsewhere",
        _COUNTED
        + """
        CREATE TRIGGER counted AFTER UPDATE ON public.workflow_stages
            FOR EACH ROW EXECUTE FUNCTION public.count_rows()
        """,
    ),
    Green(
        "C6.6",
        "the list has a value more",
        """
        ALTER TABLE public.workflow_stage_actions
            DROP CONSTRAINT ck_workflow_stage_actions_action_type;
        ALTER TABLE public.workflow_stage_actions ADD CONSTRAINT actions CHECK (action_type IN (
            'REMIND', 'ESCALATE', 'COMMENT', 'REASSIGN', 'ASSIGN', 'APPROVE_WITH_PUNCHLIST',
            'REJECT', 'APPROVE'))
        """,
    ),
    Green(
        "C6.7",
        "the unique key is a constraint",
        """
        DROP INDEX public.ux_atp_submissions_unique;
        ALTER TABLE public.atp_submissions ADD CONSTRAINT one_submission
            UNIQUE (site_id, workspace_id, scope_id, atp_category)
        """,
    ),
    Green(
        "C6.8",
        "the evidence rule in other words",
        """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT ck_punchlist_items_evidence;
        ALTER TABLE public.punchlist_items ADD CONSTRAINT evidence
            CHECK (NOT (status <> 'OPEN' AND evidence_doc_id IS NULL))
        """,
    ),
    # A touch trigger may leave alone what stays as it is.
    Green(
        "C6.9",
        "only what changes is touched",
        """
        CREATE OR REPLACE FUNCTION public.trg_touch_updated_at() RETURNS trigger
            LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW IS DISTINCT FROM OLD THEN
                NEW.updated_at := clock_timestamp();
            END IF;
            RETURN NEW;
        END $$
        """,
    ),
    Green("C6.9", "no touch triggers where none are wanted", profile="as_deployed"),
    Green(
        "E3.1",
        "times are counted in another zone",
        """
        DO $$
        BEGIN
            EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Jakarta''', current_database());
        END $$
        """,
    ),
    Green(
        "E3.2",
        "a completed workflow may not be touched again",
        trigger(
            "workflow_instances",
            "BEFORE UPDATE",
            "RAISE EXCEPTION 'it is completed';",
            when="OLD.status = 'COMPLETED'",
        ),
    ),
]
