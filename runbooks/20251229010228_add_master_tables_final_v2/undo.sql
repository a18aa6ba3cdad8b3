-- Takes 20251229010228_add_master_tables_final_v2 back, in either profile.
--
-- Every row of the 16 tables goes with them: nothing else in the database holds those rows. One
-- statement for all tables, so that their keys to one another do not matter, and no CASCADE: a
-- view or key that somebody else has built on them stops it.

DROP TABLE
    public.workflow_stage_actions,
    public.punchlist_items,
    public.punchlists,
    public.atp_submission_documents,
    public.atp_submissions,
    public.approver_overrides,
    public.workflow_stages,
    public.workflow_instances,
    public.cluster_approver_master,
    public.cluster_master,
    public.approval_policy_stages,
    public.approval_policy_master,
    public.approval_role_master,
    public.vendor_master,
    public.atp_scope_master,
    public.config_versions;

-- Without their triggers, which went with the tables.
DROP FUNCTION IF EXISTS
    public.trg_touch_updated_at(),
    public.config_versions_active_guard(),
    public.frozen_config_version_guard();
