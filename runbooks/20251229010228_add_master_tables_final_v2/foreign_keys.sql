-- The 55 foreign keys of profile target.
--
-- Replaces the one key the migration brings. Rules for deleting:
--   * RESTRICT towards workspaces, users, versions and masters, and wherever history would go:
--     a workspace in use, a version that was ever used, an approver who ever decided stay.
--   * CASCADE only for rows that are part of their parent: a policy's stages, a cluster's
--     approvers, a workflow's stages with their overrides and actions, a submission's documents,
--     a punchlist's items.
--   * SET NULL once: a workflow outlives the vendor, which it only mentions.
-- Updating a key cascades everywhere, as the ORM has it; ids are never updated in practice, and
-- guards.sql stops the one cascade that would rewrite history.
--
-- Names: fk_<table>_<column without _id>, with one exception taken over from the published plan:
-- fk_workflow_stage_actions_stage. site_id has no key: workflows and submissions keep the
-- business code sites.site_id, not the id.
--
-- On a database with rows in use, add each key NOT VALID and VALIDATE it later; here one
-- statement per table takes its locks once.

ALTER TABLE public.config_versions
    DROP CONSTRAINT config_versions_workspace_id_fkey,
    ADD CONSTRAINT fk_config_versions_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_config_versions_imported_by
        FOREIGN KEY (imported_by) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_config_versions_previous_version
        FOREIGN KEY (previous_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_config_versions_superseded_by
        FOREIGN KEY (superseded_by_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.atp_scope_master
    ADD CONSTRAINT fk_atp_scope_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_atp_scope_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.vendor_master
    ADD CONSTRAINT fk_vendor_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_vendor_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.approval_role_master
    ADD CONSTRAINT fk_approval_role_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_role_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.approval_policy_master
    ADD CONSTRAINT fk_approval_policy_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_policy_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_policy_master_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_policy_master_vendor
        FOREIGN KEY (vendor_id) REFERENCES public.vendor_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_policy_master_parent_policy
        FOREIGN KEY (parent_policy_id) REFERENCES public.approval_policy_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.approval_policy_stages
    ADD CONSTRAINT fk_approval_policy_stages_policy
        FOREIGN KEY (policy_id) REFERENCES public.approval_policy_master (id)
        ON DELETE CASCADE ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_policy_stages_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approval_policy_stages_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.cluster_master
    ADD CONSTRAINT fk_cluster_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_master_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.cluster_approver_master
    ADD CONSTRAINT fk_cluster_approver_master_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_approver_master_cluster
        FOREIGN KEY (cluster_id) REFERENCES public.cluster_master (id)
        ON DELETE CASCADE ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_approver_master_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_approver_master_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_approver_master_primary_user
        FOREIGN KEY (primary_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_cluster_approver_master_backup_user
        FOREIGN KEY (backup_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.workflow_instances
    ADD CONSTRAINT fk_workflow_instances_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_instances_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_instances_approval_policy
        FOREIGN KEY (approval_policy_id) REFERENCES public.approval_policy_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_instances_vendor
        FOREIGN KEY (vendor_id) REFERENCES public.vendor_master (id)
        ON DELETE SET NULL ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_instances_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.workflow_stages
    ADD CONSTRAINT fk_workflow_stages_workflow_instance
        FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)
        ON DELETE CASCADE ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_stages_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_stages_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_stages_approver_user
        FOREIGN KEY (approver_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_stages_decided_by
        FOREIGN KEY (decided_by) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_workflow_stages_policy_stage
        FOREIGN KEY (policy_stage_id) REFERENCES public.approval_policy_stages (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.approver_overrides
    ADD CONSTRAINT fk_approver_overrides_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approver_overrides_workflow_stage
        FOREIGN KEY (workflow_stage_id) REFERENCES public.workflow_stages (id)
        ON DELETE CASCADE ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approver_overrides_submission
        FOREIGN KEY (submission_id) REFERENCES public.atp_submissions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approver_overrides_cluster
        FOREIGN KEY (cluster_id) REFERENCES public.cluster_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approver_overrides_approval_role
        FOREIGN KEY (approval_role_id) REFERENCES public.approval_role_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approver_overrides_from_user
        FOREIGN KEY (from_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_approver_overrides_to_user
        FOREIGN KEY (to_user_id) REFERENCES public.users (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.atp_submissions
    ADD CONSTRAINT fk_atp_submissions_workspace
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_atp_submissions_config_version
        FOREIGN KEY (config_version_id) REFERENCES public.config_versions (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_atp_submissions_scope
        FOREIGN KEY (scope_id) REFERENCES public.atp_scope_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_atp_submissions_vendor
        FOREIGN KEY (vendor_id) REFERENCES public.vendor_master (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_atp_submissions_workflow_instance
        FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.atp_submission_documents
    ADD CONSTRAINT fk_atp_submission_documents_submission
        FOREIGN KEY (submission_id) REFERENCES public.atp_submissions (id)
        ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE public.punchlists
    ADD CONSTRAINT fk_punchlists_workflow_instance
        FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT fk_punchlists_workflow_stage
        FOREIGN KEY (workflow_stage_id) REFERENCES public.workflow_stages (id)
        ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE public.punchlist_items
    ADD CONSTRAINT fk_punchlist_items_punchlist
        FOREIGN KEY (punchlist_id) REFERENCES public.punchlists (id)
        ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE public.workflow_stage_actions
    ADD CONSTRAINT fk_workflow_stage_actions_stage
        FOREIGN KEY (workflow_stage_id) REFERENCES public.workflow_stages (id)
        ON DELETE CASCADE ON UPDATE CASCADE;
