"""V1 to V5."""

from __future__ import annotations

from tests.runbooks.master_tables.lifecycle import (
    FROZEN_GUARD_DROPPED,
    INDEX_DROPPED,
    LOGGED,
    WORKFLOWS_FOLLOW,
)
from tests.runbooks.master_tables.preflight import GUARD_DROPPED
from tests.runbooks.master_tables.records import Green, Red, superuser
from tests.runbooks.master_tables.runtime import ANOTHER_WORKSPACE

_SCOPES_LET_GO = """;
ALTER TABLE public.atp_scope_master DROP CONSTRAINT fk_atp_scope_master_config_version
"""
# The three ACTIVE versions of a workspace would not fit under it.
_TOO_NARROW = (
    "UPDATE public.config_versions SET status = 'ARCHIVED' WHERE source_type <> 'SCOPE_CONFIG';"
    + INDEX_DROPPED
    + """
    CREATE UNIQUE INDEX ux_config_versions_one_active_per_workspace
        ON public.config_versions (workspace_id) WHERE status = 'ACTIVE'
    """
)
_ANOTHER_VERSION = """(
    SELECT v.id FROM public.config_versions AS v
    WHERE v.id <> s.config_version_id ORDER BY v.id LIMIT 1)
"""

REDS = [
    Red("V1.1", "the guard is missing", GUARD_DROPPED, words="accepted, 1 row"),
    Red(
        "V1.1",
        "the guard is disabled",
        "ALTER TABLE public.config_versions DISABLE TRIGGER config_versions_active_guard",
        words="accepted, 1 row",
    ),
    Red(
        "V1.1",
        "the guard minds one source type only",
        """
        CREATE OR REPLACE FUNCTION public.config_versions_active_guard() RETURNS trigger
            LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.source_type = 'APPROVAL_MATRIX' THEN
                RAISE restrict_violation USING MESSAGE = 'ACTIVE', CONSTRAINT = TG_NAME;
            END IF;
            RETURN OLD;
        END $$
        """,
        words="accepted, 1 row(s) where source_type is CLUSTER_MAPPING",
    ),
    Red(
        "V1.1",
        "something else refuses",
        f"""
        {GUARD_DROPPED};
        CREATE FUNCTION public.no_deletion() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'no deletions today'; END $$;
        CREATE TRIGGER no_deletion BEFORE DELETE ON public.config_versions
            FOR EACH ROW EXECUTE FUNCTION public.no_deletion()
        """,
        words="refused with P0001, no deletions today",
        status="inconclusive",
        why="refused, but not because the version is ACTIVE as far as anybody can tell",
    ),
    Red(
        "V1.2",
        "neither guard nor foreign key",
        GUARD_DROPPED + _SCOPES_LET_GO,
        words="accepted, 1 row",
    ),
    # The deletion takes the configuration along, down to the workflows.
    Red(
        "V1.2",
        "no guard, and the foreign key cascades",
        GUARD_DROPPED
        + _SCOPES_LET_GO
        + """;
        ALTER TABLE public.atp_scope_master ADD FOREIGN KEY (config_version_id)
            REFERENCES public.config_versions (id) ON DELETE CASCADE
        """,
        words="accepted, 1 row",
    ),
    Red("V2.1", "the index is missing", INDEX_DROPPED, words="same type accepted, 1 row"),
    Red(
        "V2.1",
        "one ACTIVE for all source types",
        _TOO_NARROW,
        words="another type refused with 23505",
    ),
    Red(
        "V2.2",
        "two ACTIVE versions",
        INDEX_DROPPED
        + """
        UPDATE public.config_versions SET status = 'ACTIVE'
        WHERE id = (SELECT min(id) FROM public.config_versions WHERE status = 'DRAFT')
        """,
        words="1 workspaces and types with more than one",
    ),
    # Not valid any more, so nothing keeps them apart, but it is still there.
    Red(
        "V2.2",
        "two ACTIVE versions beside the index",
        admin="""
        UPDATE pg_index SET indisvalid = false, indisready = false
        WHERE indexrelid = 'public.ux_config_versions_one_active_per_workspace'::regclass
        """,
        sql="""
        UPDATE public.config_versions SET status = 'ACTIVE'
        WHERE id = (SELECT min(id) FROM public.config_versions WHERE status = 'DRAFT')
        """,
        words="1 workspaces and types with more than one",
    ),
    Red("V2.3", "the index is missing", INDEX_DROPPED, words="step 5: expected that b waits for a"),
    Red(
        "V2.3",
        "the index is not unique",
        INDEX_DROPPED
        + """
        CREATE INDEX ux_config_versions_one_active_per_workspace
            ON public.config_versions (workspace_id, source_type) WHERE status = 'ACTIVE'
        """,
        words="step 5: expected that b waits for a",
    ),
    # In the other residue mode both sessions commit.
    Red(
        "V2.3",
        "the index is missing and both commit",
        INDEX_DROPPED,
        residue="keep",
        words="the first commits, step 4: expected that b waits for a, found: is accepted",
    ),
    Red(
        "V2.3",
        "one ACTIVE for all source types",
        _TOO_NARROW,
        residue="keep",
        words="found: is refused with 23505 by ux_config_versions_one_active_per_workspace",
        status="inconclusive",
        why="one of the two is refused, but by an index nobody asked for, as V2.1 says",
    ),
    Red(
        "V3.1",
        "activation rewrites running workflows",
        FROZEN_GUARD_DROPPED + WORKFLOWS_FOLLOW,
        words="changed: workflow_instances.config_version_id",
    ),
    Red(
        "V3.1",
        "activation is refused because of running workflows",
        WORKFLOWS_FOLLOW,
        words="refused with 23001, constraint workflow_instances_frozen_guard",
    ),
    Red("V3.2", "the guard is missing", FROZEN_GUARD_DROPPED, words="accepted, 1 row"),
    Red(
        "V3.2",
        "the guard looks at another column",
        FROZEN_GUARD_DROPPED
        + """
        CREATE TRIGGER workflow_instances_frozen_guard BEFORE UPDATE ON public.workflow_instances
            FOR EACH ROW WHEN (OLD.approval_policy_id IS DISTINCT FROM NEW.approval_policy_id)
            EXECUTE FUNCTION public.frozen_config_version_guard()
        """,
        words="accepted, 1 row",
    ),
    Red(
        "V3.2",
        "the guard minds running workflows only",
        """
        CREATE OR REPLACE FUNCTION public.frozen_config_version_guard() RETURNS trigger
            LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status = 'IN_PROGRESS' THEN
                RAISE restrict_violation USING MESSAGE = 'frozen', CONSTRAINT = TG_NAME;
            END IF;
            RETURN NEW;
        END $$
        """,
        words="accepted, 1 row(s) where status is COMPLETED",
    ),
    Red(
        "V3.2",
        "the guard puts the old value back",
        """
        CREATE OR REPLACE FUNCTION public.frozen_config_version_guard() RETURNS trigger
            LANGUAGE plpgsql AS $$
        BEGIN
            NEW.config_version_id := OLD.config_version_id;
            RETURN NEW;
        END $$
        """,
        words="accepted, 1 row",
    ),
    Red(
        "V3.3",
        "the guard is missing",
        "DROP TRIGGER workflow_stages_frozen_guard ON public.workflow_stages",
        words="accepted, 1 row",
    ),
    Red(
        "V3.3",
        "the guard fires on a replica only",
        "ALTER TABLE public.workflow_stages ENABLE REPLICA TRIGGER workflow_stages_frozen_guard",
        words="accepted, 1 row",
    ),
    Red(
        "V3.4",
        "a stage has another version than its workflow",
        admin=superuser(f"""
        UPDATE public.workflow_stages AS s SET config_version_id = {_ANOTHER_VERSION}
        WHERE s.id = (SELECT min(id) FROM public.workflow_stages)
        """),
        words=": 1 differ, 0 without a workflow",
    ),
    Red(
        "V3.4",
        "a stage has no workflow",
        admin=superuser("""
        UPDATE public.workflow_stages SET workflow_instance_id = 'none'
        WHERE id = (SELECT min(id) FROM public.workflow_stages)
        """),
        words=": 0 differ, 1 without a workflow",
    ),
    # The guard keeps both apart from any change; a restore past it does not.
    Red(
        "V3.4",
        "a workflow and its stages have another version than their policy",
        admin=superuser("""
        UPDATE public.workflow_instances AS w SET config_version_id = (
            SELECT v.id FROM public.config_versions AS v
            WHERE v.workspace_id = w.workspace_id AND v.id <> w.config_version_id
            ORDER BY v.id LIMIT 1)
        WHERE w.id = (SELECT min(id) FROM public.workflow_instances);
        UPDATE public.workflow_stages AS s SET config_version_id = w.config_version_id
        FROM public.workflow_instances AS w WHERE w.id = s.workflow_instance_id
        """),
        words=": 0 differ, 0 without a workflow, 1 of ",
    ),
    Red(
        "V4.1",
        "an approver for a role of another workspace",
        """
        UPDATE public.cluster_approver_master AS c SET approval_role_id = (
            SELECT r.id FROM public.approval_role_master AS r
            WHERE r.workspace_id <> c.workspace_id ORDER BY r.id LIMIT 1)
        WHERE c.id = (SELECT min(id) FROM public.cluster_approver_master)
        """,
        words="1 in cluster_approver_master.approval_role_id",
    ),
    Red(
        "V4.1",
        "a workflow moves to another workspace",
        """
        UPDATE public.workflow_instances SET workspace_id = (
            SELECT id FROM public.workspaces WHERE code = 'TSEL-NOKIA')
        WHERE id = (SELECT min(i.id) FROM public.workflow_instances AS i
                    JOIN public.workspaces AS w ON w.id = i.workspace_id
                    WHERE w.code = 'XLSMART-AVIAT')
        """,
        words="1 in workflow_instances.config_version_id",
    ),
    Red(
        "V5.1",
        "a user is named by a uuid",
        "ALTER TABLE public.punchlists ALTER COLUMN cleared_by TYPE uuid USING NULL",
        words="punchlists.cleared_by is uuid, users.id is text",
    ),
    Red(
        "V5.1",
        "a workspace is named by text",
        "ALTER TABLE public.atp_submission_documents ALTER COLUMN workspace_id TYPE text",
        words="atp_submission_documents.workspace_id is text, workspaces.id is uuid",
    ),
]

GREENS = [
    Green(
        "V1.1",
        "the guard has another name and other words",
        """
        ALTER TRIGGER config_versions_active_guard ON public.config_versions RENAME TO guard;
        CREATE OR REPLACE FUNCTION public.config_versions_active_guard() RETURNS trigger
            LANGUAGE plpgsql AS $$
        BEGIN
            RAISE restrict_violation USING MESSAGE = 'keep it', CONSTRAINT = TG_NAME;
        END $$
        """,
    ),
    # The foreign key still stands.
    Green("V1.2", "the guard is missing", GUARD_DROPPED),
    Green(
        "V1.2",
        "the foreign key is missing",
        "ALTER TABLE public.atp_scope_master DROP CONSTRAINT fk_atp_scope_master_config_version",
    ),
    Green(
        "V2.1",
        "the index has another name and another order",
        INDEX_DROPPED
        + """
        CREATE UNIQUE INDEX one_active
            ON public.config_versions (source_type, workspace_id) WHERE status = 'ACTIVE'
        """,
    ),
    Green("V2.2", "a workspace more", ANOTHER_WORKSPACE),
    Green(
        "V2.2",
        "any number of drafts",
        "UPDATE public.config_versions SET status = 'DRAFT' WHERE status = 'SUPERSEDED'",
    ),
    Green(
        "V2.3",
        "the index has another name",
        "ALTER INDEX public.ux_config_versions_one_active_per_workspace RENAME TO one_active",
    ),
    Green(
        "V2.3",
        "the columns have another order and both commit",
        INDEX_DROPPED
        + """
        CREATE UNIQUE INDEX one_active
            ON public.config_versions (source_type, workspace_id) WHERE status = 'ACTIVE'
        """,
        residue="keep",
    ),
    Green("V3.1", "versions are logged elsewhere", LOGGED),
    Green(
        "V3.2",
        "the guard has another name",
        """
        ALTER TRIGGER workflow_instances_frozen_guard ON public.workflow_instances RENAME TO a
        """,
    ),
    Green(
        "V3.3",
        "the guard has no condition of its own",
        """
        CREATE OR REPLACE FUNCTION public.frozen_config_version_guard() RETURNS trigger
            LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.config_version_id <> OLD.config_version_id THEN
                RAISE restrict_violation USING MESSAGE = 'frozen', CONSTRAINT = TG_NAME;
            END IF;
            RETURN NEW;
        END $$;
        CREATE OR REPLACE TRIGGER workflow_stages_frozen_guard BEFORE UPDATE
            ON public.workflow_stages FOR EACH ROW
            EXECUTE FUNCTION public.frozen_config_version_guard()
        """,
    ),
    Green(
        "V3.4",
        "a workflow without stages, and stages of an old version",
        """
        DELETE FROM public.workflow_stages WHERE workflow_instance_id = (
            SELECT min(w.id) FROM public.workflow_instances AS w
            WHERE NOT EXISTS (
                SELECT FROM public.punchlists AS p WHERE p.workflow_instance_id = w.id));
        UPDATE public.config_versions SET status = 'ARCHIVED' WHERE status = 'SUPERSEDED'
        """,
    ),
    Green(
        "V4.1",
        "shared roles",
        "UPDATE public.approval_role_master SET workspace_id = NULL WHERE role_code = 'BO'",
    ),
    Green("V4.1", "a workspace more", ANOTHER_WORKSPACE),
    # They hold the same values and compare without a cast.
    Green(
        "V5.1",
        "varchar and a domain for text",
        """
        CREATE DOMAIN public.user_id AS text;
        ALTER TABLE public.punchlists ALTER COLUMN cleared_by TYPE varchar(64);
        ALTER TABLE public.punchlists ALTER COLUMN issued_by TYPE public.user_id
        """,
    ),
]
