-- Takes 20260115093000_add_master_table_foreign_keys back: the tables are as the first deployment
-- left them, with its one foreign key. No row is touched.

DROP TRIGGER trg_config_versions_touch ON public.config_versions;
DROP TRIGGER trg_atp_scope_master_touch ON public.atp_scope_master;
DROP TRIGGER trg_vendor_master_touch ON public.vendor_master;
DROP TRIGGER trg_approval_role_master_touch ON public.approval_role_master;
DROP TRIGGER trg_approval_policy_master_touch ON public.approval_policy_master;
DROP TRIGGER trg_approval_policy_stages_touch ON public.approval_policy_stages;
DROP TRIGGER trg_cluster_master_touch ON public.cluster_master;
DROP TRIGGER trg_cluster_approver_master_touch ON public.cluster_approver_master;
DROP TRIGGER trg_workflow_instances_touch ON public.workflow_instances;
DROP TRIGGER trg_workflow_stages_touch ON public.workflow_stages;
DROP TRIGGER trg_atp_submissions_touch ON public.atp_submissions;
DROP TRIGGER trg_punchlists_touch ON public.punchlists;
DROP TRIGGER trg_punchlist_items_touch ON public.punchlist_items;
DROP TRIGGER config_versions_active_guard ON public.config_versions;
DROP TRIGGER workflow_instances_frozen_guard ON public.workflow_instances;
DROP TRIGGER workflow_stages_frozen_guard ON public.workflow_stages;

DROP FUNCTION
    public.trg_touch_updated_at(),
    public.config_versions_active_guard(),
    public.frozen_config_version_guard();

ALTER TABLE public.approval_policy_stages
    DROP CONSTRAINT ck_approval_policy_stages_stage_group;

ALTER TABLE public.workflow_stage_actions
    DROP CONSTRAINT fk_workflow_stage_actions_stage;

ALTER TABLE public.punchlist_items
    DROP CONSTRAINT fk_punchlist_items_punchlist;

ALTER TABLE public.punchlists
    DROP CONSTRAINT fk_punchlists_workflow_instance,
    DROP CONSTRAINT fk_punchlists_workflow_stage;

ALTER TABLE public.atp_submission_documents
    DROP CONSTRAINT fk_atp_submission_documents_submission;

ALTER TABLE public.atp_submissions
    DROP CONSTRAINT fk_atp_submissions_workspace,
    DROP CONSTRAINT fk_atp_submissions_config_version,
    DROP CONSTRAINT fk_atp_submissions_scope,
    DROP CONSTRAINT fk_atp_submissions_vendor,
    DROP CONSTRAINT fk_atp_submissions_workflow_instance;

ALTER TABLE public.approver_overrides
    DROP CONSTRAINT fk_approver_overrides_workspace,
    DROP CONSTRAINT fk_approver_overrides_workflow_stage,
    DROP CONSTRAINT fk_approver_overrides_submission,
    DROP CONSTRAINT fk_approver_overrides_cluster,
    DROP CONSTRAINT fk_approver_overrides_approval_role,
    DROP CONSTRAINT fk_approver_overrides_from_user,
    DROP CONSTRAINT fk_approver_overrides_to_user;

ALTER TABLE public.workflow_stages
    DROP CONSTRAINT fk_workflow_stages_workflow_instance,
    DROP CONSTRAINT fk_workflow_stages_config_version,
    DROP CONSTRAINT fk_workflow_stages_approval_role,
    DROP CONSTRAINT fk_workflow_stages_approver_user,
    DROP CONSTRAINT fk_workflow_stages_decided_by,
    DROP CONSTRAINT fk_workflow_stages_policy_stage;

ALTER TABLE public.workflow_instances
    DROP CONSTRAINT fk_workflow_instances_workspace,
    DROP CONSTRAINT fk_workflow_instances_config_version,
    DROP CONSTRAINT fk_workflow_instances_approval_policy,
    DROP CONSTRAINT fk_workflow_instances_vendor,
    DROP CONSTRAINT fk_workflow_instances_scope;

ALTER TABLE public.cluster_approver_master
    DROP CONSTRAINT fk_cluster_approver_master_workspace,
    DROP CONSTRAINT fk_cluster_approver_master_cluster,
    DROP CONSTRAINT fk_cluster_approver_master_config_version,
    DROP CONSTRAINT fk_cluster_approver_master_approval_role,
    DROP CONSTRAINT fk_cluster_approver_master_primary_user,
    DROP CONSTRAINT fk_cluster_approver_master_backup_user;

ALTER TABLE public.cluster_master
    DROP CONSTRAINT fk_cluster_master_workspace,
    DROP CONSTRAINT fk_cluster_master_config_version,
    DROP CONSTRAINT fk_cluster_master_scope;

ALTER TABLE public.approval_policy_stages
    DROP CONSTRAINT fk_approval_policy_stages_policy,
    DROP CONSTRAINT fk_approval_policy_stages_config_version,
    DROP CONSTRAINT fk_approval_policy_stages_approval_role;

ALTER TABLE public.approval_policy_master
    DROP CONSTRAINT fk_approval_policy_master_workspace,
    DROP CONSTRAINT fk_approval_policy_master_config_version,
    DROP CONSTRAINT fk_approval_policy_master_scope,
    DROP CONSTRAINT fk_approval_policy_master_vendor,
    DROP CONSTRAINT fk_approval_policy_master_parent_policy;

ALTER TABLE public.approval_role_master
    DROP CONSTRAINT fk_approval_role_master_workspace,
    DROP CONSTRAINT fk_approval_role_master_config_version;

ALTER TABLE public.vendor_master
    DROP CONSTRAINT fk_vendor_master_workspace,
    DROP CONSTRAINT fk_vendor_master_config_version;

ALTER TABLE public.atp_scope_master
    DROP CONSTRAINT fk_atp_scope_master_workspace,
    DROP CONSTRAINT fk_atp_scope_master_config_version;

ALTER TABLE public.config_versions
    DROP CONSTRAINT fk_config_versions_workspace,
    DROP CONSTRAINT fk_config_versions_imported_by,
    DROP CONSTRAINT fk_config_versions_previous_version,
    DROP CONSTRAINT fk_config_versions_superseded_by,
    ADD CONSTRAINT config_versions_workspace_id_fkey
        FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
        ON DELETE CASCADE ON UPDATE CASCADE;
