-- Migration 20260115093000_add_master_table_foreign_keys
--
-- The 55 foreign keys of the 16 master and runtime tables, the 22nd CHECK, the triggers that keep
-- updated_at, and two guards: what the first deployment left out. It replaces the one key that
-- had arrived.
--
-- Everything is added NOT VALID: new rows are checked from now on, those that are there by
-- validate.sql, which makes nobody wait. So a table is locked only for the moment its catalog
-- entries take, however many rows it has. All of it is one transaction; it holds no transaction
-- control of its own.
--
-- Rules for deleting: RESTRICT towards workspaces, users, versions and masters, and wherever
-- history would go; CASCADE only for rows that are part of their parent; SET NULL once, for the
-- vendor a workflow merely mentions.

ALTER TABLE public.config_versions
    DROP CONSTRAINT config_versions_workspace_id_fkey,
    ADD CONSTRAINT fk_config_versions_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_config_versions_imported_by
        FOREIGN KEY (imported_by) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_config_versions_previous_version
        FOREIGN KEY (previous_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_config_versions_superseded_by
        FOREIGN KEY (superseded_by_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.atp_scope_master
    ADD CONSTRAINT fk_atp_scope_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_atp_scope_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.vendor_master
    ADD CONSTRAINT fk_vendor_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_vendor_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.approval_role_master
    ADD CONSTRAINT fk_approval_role_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_role_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.approval_policy_master
    ADD CONSTRAINT fk_approval_policy_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_policy_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_policy_master_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_policy_master_vendor
        FOREIGN KEY (vendor_id) REFERENCES public.vendor_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_policy_master_parent_policy
        FOREIGN KEY (parent_policy_id) REFERENCES public.approval_policy_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.approval_policy_stages
    ADD CONSTRAINT fk_approval_policy_stages_policy
        FOREIGN KEY (policy_id) REFERENCES public.approval_policy_master (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_policy_stages_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approval_policy_stages_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.cluster_master
    ADD CONSTRAINT fk_cluster_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_master_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.cluster_approver_master
    ADD CONSTRAINT fk_cluster_approver_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_approver_master_cluster
        FOREIGN KEY (cluster_id) REFERENCES public.cluster_master (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_approver_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_approver_master_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_approver_master_primary_user
        FOREIGN KEY (primary_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_cluster_approver_master_backup_user
        FOREIGN KEY (backup_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.workflow_instances
    ADD CONSTRAINT fk_workflow_instances_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_instances_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_instances_approval_policy
        FOREIGN KEY (approval_policy_id) REFERENCES public.approval_policy_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_instances_vendor
        FOREIGN KEY (vendor_id) REFERENCES public.vendor_master (id)
        ON DELETE SET NULL ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_instances_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.workflow_stages
    ADD CONSTRAINT fk_workflow_stages_workflow_instance
        FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_stages_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_stages_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_stages_approver_user
        FOREIGN KEY (approver_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_stages_decided_by
        FOREIGN KEY (decided_by) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_workflow_stages_policy_stage
        FOREIGN KEY (policy_stage_id) REFERENCES public.approval_policy_stages (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.approver_overrides
    ADD CONSTRAINT fk_approver_overrides_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approver_overrides_workflow_stage
        FOREIGN KEY (workflow_stage_id) REFERENCES public.workflow_stages (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approver_overrides_submission
        FOREIGN KEY (submission_id) REFERENCES public.atp_submissions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approver_overrides_cluster
        FOREIGN KEY (cluster_id) REFERENCES public.cluster_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approver_overrides_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approver_overrides_from_user
        FOREIGN KEY (from_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_approver_overrides_to_user
        FOREIGN KEY (to_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.atp_submissions
    ADD CONSTRAINT fk_atp_submissions_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_atp_submissions_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_atp_submissions_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_atp_submissions_vendor
        FOREIGN KEY (vendor_id) REFERENCES public.vendor_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_atp_submissions_workflow_instance
        FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.atp_submission_documents
    ADD CONSTRAINT fk_atp_submission_documents_submission
        FOREIGN KEY (submission_id) REFERENCES public.atp_submissions (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.punchlists
    ADD CONSTRAINT fk_punchlists_workflow_instance
        FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT fk_punchlists_workflow_stage
        FOREIGN KEY (workflow_stage_id) REFERENCES public.workflow_stages (id)
        ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.punchlist_items
    ADD CONSTRAINT fk_punchlist_items_punchlist
        FOREIGN KEY (punchlist_id) REFERENCES public.punchlists (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;

ALTER TABLE public.workflow_stage_actions
    ADD CONSTRAINT fk_workflow_stage_actions_stage
        FOREIGN KEY (workflow_stage_id) REFERENCES public.workflow_stages (id)
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;

-- Guards and true times ---------------------------------------------------------------------

ALTER TABLE public.approval_policy_stages
    ADD CONSTRAINT ck_approval_policy_stages_stage_group
    CHECK (stage_group IN ('REVIEW', 'VALIDATION', 'SIGN', 'FINAL')) NOT VALID;

-- updated_at -----------------------------------------------------------------------------------
-- On the 13 tables that have the column. On the other three (approver_overrides,
-- atp_submission_documents, workflow_stage_actions) every UPDATE would fail with
-- 'record "new" has no field "updated_at"'.

CREATE FUNCTION public.trg_touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER trg_config_versions_touch
    BEFORE UPDATE ON public.config_versions
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_atp_scope_master_touch
    BEFORE UPDATE ON public.atp_scope_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_vendor_master_touch
    BEFORE UPDATE ON public.vendor_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_approval_role_master_touch
    BEFORE UPDATE ON public.approval_role_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_approval_policy_master_touch
    BEFORE UPDATE ON public.approval_policy_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_approval_policy_stages_touch
    BEFORE UPDATE ON public.approval_policy_stages
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_cluster_master_touch
    BEFORE UPDATE ON public.cluster_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_cluster_approver_master_touch
    BEFORE UPDATE ON public.cluster_approver_master
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_workflow_instances_touch
    BEFORE UPDATE ON public.workflow_instances
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_workflow_stages_touch
    BEFORE UPDATE ON public.workflow_stages
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_atp_submissions_touch
    BEFORE UPDATE ON public.atp_submissions
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_punchlists_touch
    BEFORE UPDATE ON public.punchlists
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
CREATE TRIGGER trg_punchlist_items_touch
    BEFORE UPDATE ON public.punchlist_items
    FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();

-- Guards ---------------------------------------------------------------------------------------
-- Both refuse with SQLSTATE 23001 (restrict_violation) and their own name as the constraint, so
-- that a caller can tell a guard from a foreign key (23503) and from any other error.

-- An ACTIVE version cannot be deleted, referenced or not: foreign keys only protect versions
-- that something names.
CREATE FUNCTION public.config_versions_active_guard() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = format('config version "%s" is ACTIVE and cannot be deleted', OLD.id),
        HINT = 'Activate another version first, or set this one to ARCHIVED.',
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME,
        CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER config_versions_active_guard
    BEFORE DELETE ON public.config_versions
    FOR EACH ROW WHEN (OLD.status = 'ACTIVE')
    EXECUTE FUNCTION public.config_versions_active_guard();

-- A workflow and its stages keep the configuration they were started with: the answer to "why
-- this approver?" is in that version. Also stops an updated version id from cascading.
CREATE FUNCTION public.frozen_config_version_guard() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = format('config_version_id of %s "%s" is frozen and cannot be changed',
                         TG_TABLE_NAME, OLD.id),
        DETAIL = format('It is "%s"; the new value would be "%s".',
                        OLD.config_version_id, NEW.config_version_id),
        HINT = 'Start a new workflow to use another configuration.',
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME,
        COLUMN = 'config_version_id',
        CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER workflow_instances_frozen_guard
    BEFORE UPDATE ON public.workflow_instances
    FOR EACH ROW WHEN (OLD.config_version_id IS DISTINCT FROM NEW.config_version_id)
    EXECUTE FUNCTION public.frozen_config_version_guard();

CREATE TRIGGER workflow_stages_frozen_guard
    BEFORE UPDATE ON public.workflow_stages
    FOR EACH ROW WHEN (OLD.config_version_id IS DISTINCT FROM NEW.config_version_id)
    EXECUTE FUNCTION public.frozen_config_version_guard();
