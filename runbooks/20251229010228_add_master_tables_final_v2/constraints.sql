-- The 21 CHECKs and the one-ACTIVE rule of 20251229010228_add_master_tables_final_v2.
--
-- A CHECK is satisfied by NULL: where the column may be empty (validation_status,
-- approval_status) an empty value passes. The application owns these lists; a new value needs a
-- migration, which is the point.

-- Configuration --------------------------------------------------------------------------------

ALTER TABLE public.config_versions
    ADD CONSTRAINT ck_config_versions_status
    CHECK (status IN ('DRAFT', 'ACTIVE', 'ARCHIVED', 'SUPERSEDED'));

-- The outcome of validating a workbook is not a state of the version: INVALID stays DRAFT.
ALTER TABLE public.config_versions
    ADD CONSTRAINT ck_config_versions_validation_status
    CHECK (validation_status IN ('PENDING', 'VALID', 'INVALID', 'WARNINGS'));

ALTER TABLE public.config_versions
    ADD CONSTRAINT ck_config_versions_source_type
    CHECK (source_type IN ('APPROVAL_MATRIX', 'CLUSTER_MAPPING', 'SCOPE_CONFIG'));

ALTER TABLE public.atp_scope_master
    ADD CONSTRAINT ck_atp_scope_master_scope_group
    CHECK (scope_group IN ('MICROWAVE', 'RAN', 'CME', 'PLN'));

ALTER TABLE public.atp_scope_master
    ADD CONSTRAINT ck_atp_scope_master_atp_type
    CHECK (atp_type IN ('HARDWARE', 'SOFTWARE', 'BOTH'));

ALTER TABLE public.vendor_master
    ADD CONSTRAINT ck_vendor_master_vendor_type
    CHECK (vendor_type IN ('VENDOR', 'CONTRACTOR', 'TOWER_PROVIDER', 'PLATFORM_OWNER'));

ALTER TABLE public.approval_policy_master
    ADD CONSTRAINT ck_approval_policy_master_atp_category
    CHECK (atp_category IN ('HARDWARE', 'SOFTWARE', 'BOTH'));

ALTER TABLE public.approval_policy_stages
    ADD CONSTRAINT ck_approval_policy_stages_assignment_mode
    CHECK (assignment_mode IN ('CLUSTER', 'STATIC_USER', 'RULE', 'AUTO'));

ALTER TABLE public.approval_policy_stages
    ADD CONSTRAINT ck_approval_policy_stages_sequence_order
    CHECK (sequence_order > 0);

-- Runtime --------------------------------------------------------------------------------------

ALTER TABLE public.workflow_instances
    ADD CONSTRAINT ck_workflow_instances_status
    CHECK (status IN ('IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'ON_HOLD', 'REJECTED'));

ALTER TABLE public.workflow_instances
    ADD CONSTRAINT ck_workflow_instances_atp_category
    CHECK (atp_category IN ('HARDWARE', 'SOFTWARE', 'BOTH'));

ALTER TABLE public.workflow_stages
    ADD CONSTRAINT ck_workflow_stages_status
    CHECK (status IN ('PENDING', 'IN_REVIEW', 'APPROVED', 'REJECTED', 'SKIPPED'));

ALTER TABLE public.approver_overrides
    ADD CONSTRAINT ck_approver_overrides_override_type
    CHECK (override_type IN ('STAGE', 'SUBMISSION', 'CLUSTER', 'REGION'));

ALTER TABLE public.approver_overrides
    ADD CONSTRAINT ck_approver_overrides_approval_status
    CHECK (approval_status IN ('PENDING', 'APPROVED', 'REJECTED'));

ALTER TABLE public.atp_submissions
    ADD CONSTRAINT ck_atp_submissions_status
    CHECK (status IN ('DRAFT', 'SUBMITTED', 'IN_REVIEW', 'APPROVED', 'REJECTED'));

ALTER TABLE public.atp_submissions
    ADD CONSTRAINT ck_atp_submissions_atp_category
    CHECK (atp_category IN ('HARDWARE', 'SOFTWARE', 'BOTH'));

ALTER TABLE public.atp_submission_documents
    ADD CONSTRAINT ck_atp_submission_documents_document_type
    CHECK (document_type IN ('ATP_SOFTWARE', 'ATP_HARDWARE', 'ATP_COMBINED', 'ATP_BULK',
                             'SITE_PHOTO', 'INSTALLATION_PHOTO', 'COMPLETION_CERT',
                             'SUPPORTING'));

ALTER TABLE public.punchlists
    ADD CONSTRAINT ck_punchlists_status
    CHECK (status IN ('OPEN', 'IN_PROGRESS', 'CLEARED'));

ALTER TABLE public.punchlist_items
    ADD CONSTRAINT ck_punchlist_items_status
    CHECK (status IN ('OPEN', 'RECTIFIED', 'CLEARED'));

-- A defect counts as done only with proof: any state other than OPEN needs a document.
ALTER TABLE public.punchlist_items
    ADD CONSTRAINT ck_punchlist_items_evidence
    CHECK (status = 'OPEN' OR evidence_doc_id IS NOT NULL);

ALTER TABLE public.workflow_stage_actions
    ADD CONSTRAINT ck_workflow_stage_actions_action_type
    CHECK (action_type IN ('APPROVE', 'REJECT', 'APPROVE_WITH_PUNCHLIST', 'ASSIGN',
                           'REASSIGN', 'COMMENT', 'ESCALATE'));

-- One ACTIVE version ---------------------------------------------------------------------------
-- Per workspace AND source type, whatever the index's name says; any number of DRAFT, ARCHIVED
-- and SUPERSEDED. It is checked row by row and cannot be deferred: an activation takes the old
-- version out of ACTIVE first, in the same transaction. PostgreSQL has no table constraint with
-- a condition, so it has to be an index.

CREATE UNIQUE INDEX ux_config_versions_one_active_per_workspace
    ON public.config_versions (workspace_id, source_type)
    WHERE status = 'ACTIVE';
