-- Migration 20251229010228_add_master_tables_final_v2
--
-- The 16 master and runtime tables of approval, their 9 unique keys, 48 indexes and the one
-- foreign key that arrived with them. The CHECKs and the one-ACTIVE rule are in
-- constraints.sql, the indexes for the hot queries in performance_indexes.sql, the other
-- foreign keys in foreign_keys.sql, the triggers in guards.sql.
--
-- How to run it: as the owner of the database, in ONE transaction, stopping at the first error
-- (psql -X -1 -v ON_ERROR_STOP=1 -f migration.sql). It holds no transaction control of its own,
-- so the caller decides what else belongs to the transaction, and half of it can never stay.
--
-- Conventions, all as the ORM model has them:
--   * Every id is text that holds a uuid. A uuid value does not compare with it (42883); cast.
--   * Times are timestamp(6) without time zone: they mean the server's time zone.
--   * Unique keys are unique indexes, not constraints: that is what the ORM emits, and a
--     restored or renamed key may be either. Whoever compares looks at pg_index.
--   * Every name is qualified, so that no search_path can send a table to another schema.

-- Core ---------------------------------------------------------------------------------------

-- One row per import of a configuration workbook. Masters hang off a version and are never
-- edited after; a workflow keeps the id of its version for life (freeze by reference).
CREATE TABLE public.config_versions (
    id                   text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id         uuid         NOT NULL,
    source_file_name     varchar(255) NOT NULL,
    source_type          varchar(50)  NOT NULL,
    -- SHA-256 of the workbook in hex: how a second import of the same file is noticed.
    source_checksum      varchar(64),
    -- 1, 2, 3... per workspace and source type. Not unique in the database.
    version_number       integer      NOT NULL,
    status               varchar(20)  NOT NULL DEFAULT 'DRAFT',
    row_count            integer,
    validation_status    varchar(20)           DEFAULT 'PENDING',
    -- JSON arrays kept as text.
    validation_errors    text,
    validation_warnings  text,
    imported_by          text         NOT NULL,
    imported_at          timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- Set when the version becomes ACTIVE, and when it leaves ACTIVE.
    activated_at         timestamp(6),
    archived_at          timestamp(6),
    effective_date       date                  DEFAULT CURRENT_DATE,
    -- Empty: no end. The other tables spell it expiry_date.
    expire_date          date,
    previous_version_id  text,
    superseded_by_id     text,
    notes                text,
    is_rollback          boolean               DEFAULT false,
    created_at           timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at           timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT config_versions_pkey PRIMARY KEY (id)
);

-- Masters: what one version of the configuration says -----------------------------------------

-- What kind of work an acceptance test procedure covers.
CREATE TABLE public.atp_scope_master (
    id                      text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id            uuid         NOT NULL,
    config_version_id       text         NOT NULL,
    scope_code              varchar(50)  NOT NULL,
    scope_name              varchar(150) NOT NULL,
    scope_group             varchar(50)  NOT NULL,
    category_code           varchar(50),
    atp_type                varchar(20)  NOT NULL DEFAULT 'BOTH',
    default_template_code   varchar(50),
    -- Whether looking up an approver needs a cluster.
    requires_cluster        boolean               DEFAULT true,
    default_workflow_stage  varchar(50)           DEFAULT 'REGISTERED',
    -- Names a table that was never built.
    sla_policy_id           text,
    is_active               boolean               DEFAULT true,
    effective_date          date                  DEFAULT CURRENT_DATE,
    expiry_date             date,
    description             text,
    created_at              timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at              timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    created_by              text,
    updated_by              text,

    CONSTRAINT atp_scope_master_pkey PRIMARY KEY (id)
);

CREATE TABLE public.vendor_master (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id       uuid         NOT NULL,
    config_version_id  text         NOT NULL,
    vendor_code        varchar(50)  NOT NULL,
    vendor_name        varchar(150) NOT NULL,
    vendor_type        varchar(50)  NOT NULL,
    contact_person     varchar(255),
    contact_email      varchar(255),
    contact_phone      varchar(50),
    is_active          boolean               DEFAULT true,
    effective_date     date                  DEFAULT CURRENT_DATE,
    expiry_date        date,
    created_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT vendor_master_pkey PRIMARY KEY (id)
);

-- Roles of the approval chain. They are not the login roles in users.role.
CREATE TABLE public.approval_role_master (
    id                    text         NOT NULL DEFAULT gen_random_uuid()::text,
    -- The only workspace_id that may be empty.
    workspace_id          uuid,
    config_version_id     text         NOT NULL,
    role_code             varchar(50)  NOT NULL,
    role_name             varchar(150) NOT NULL,
    role_description      text,
    -- 1: first in the chain.
    hierarchy_order       integer      NOT NULL,
    stage_group           varchar(50),
    is_final_approver     boolean               DEFAULT false,
    can_approve_parallel  boolean               DEFAULT false,
    is_active             boolean               DEFAULT true,
    -- A timestamp here, a date in every sibling table.
    effective_date        timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    expiry_date           date,
    created_at            timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at            timestamp(6)          DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT approval_role_master_pkey PRIMARY KEY (id)
);

-- Scope, vendor and category decide which policy applies.
CREATE TABLE public.approval_policy_master (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id       uuid         NOT NULL,
    config_version_id  text         NOT NULL,
    scope_id           text         NOT NULL,
    -- Empty: every vendor.
    vendor_id          text,
    atp_category       varchar(20)  NOT NULL,
    -- 0: exact match; 1 and up: fallbacks, tried in this order.
    fallback_priority  integer               DEFAULT 0,
    parent_policy_id   text,
    policy_version     varchar(20)  NOT NULL,
    policy_name        varchar(255),
    description        text,
    is_active          boolean               DEFAULT true,
    effective_date     date                  DEFAULT CURRENT_DATE,
    expiry_date        date,
    created_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT approval_policy_master_pkey PRIMARY KEY (id)
);

CREATE TABLE public.approval_policy_stages (
    id                      text         NOT NULL DEFAULT gen_random_uuid()::text,
    policy_id               text         NOT NULL,
    config_version_id       text         NOT NULL,
    stage_number            integer      NOT NULL,
    stage_name              varchar(100) NOT NULL,
    stage_group             varchar(50),
    approval_role_id        text         NOT NULL,
    is_required             boolean               DEFAULT true,
    is_parallel             boolean               DEFAULT false,
    parallel_group          varchar(10),
    sla_hours               integer               DEFAULT 24,
    sla_days                integer               DEFAULT 1,
    -- How the approver is found. STATIC_USER reads the user from auto_assign_rule, which is
    -- JSON kept as text.
    assignment_mode         varchar(20)  NOT NULL,
    auto_assign_rule        text,
    notification_on_assign  boolean               DEFAULT true,
    notification_on_approve boolean               DEFAULT true,
    notification_on_reject  boolean               DEFAULT true,
    sequence_order          integer      NOT NULL,
    is_active               boolean               DEFAULT true,
    created_at              timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at              timestamp(6)          DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT approval_policy_stages_pkey PRIMARY KEY (id)
);

-- Geography that routes an approval: island, region, city.
CREATE TABLE public.cluster_master (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id       uuid         NOT NULL,
    config_version_id  text         NOT NULL,
    scope_id           text         NOT NULL,
    island_code        varchar(10),
    region_code        varchar(10),
    region_name        varchar(100) NOT NULL,
    province_name      varchar(100),
    city_code          varchar(10),
    city_name          varchar(100),
    cluster_code       varchar(120) NOT NULL,
    -- M1 ... M10. Text, so M10 sorts before M2.
    m_sequence         varchar(10),
    site_count         integer               DEFAULT 0,
    source_sheet       varchar(100),
    source_row_number  integer,
    is_active          boolean               DEFAULT true,
    created_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT cluster_master_pkey PRIMARY KEY (id)
);

CREATE TABLE public.cluster_approver_master (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id       uuid         NOT NULL,
    cluster_id         text         NOT NULL,
    config_version_id  text         NOT NULL,
    approval_role_id   text         NOT NULL,
    primary_user_id    text         NOT NULL,
    backup_user_id     text,
    assignment_notes   text,
    -- Sheet and row the assignment came from.
    source_reference   varchar(255),
    is_active          boolean               DEFAULT true,
    effective_from     date                  DEFAULT CURRENT_DATE,
    effective_to       date,
    created_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    updated_at         timestamp(6)          DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT cluster_approver_master_pkey PRIMARY KEY (id)
);

-- Runtime: what people do with it --------------------------------------------------------------

CREATE TABLE public.workflow_instances (
    id                    text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id          uuid         NOT NULL,
    -- Frozen when the workflow starts; must never change.
    config_version_id     text         NOT NULL,
    approval_policy_id    text         NOT NULL,
    -- The business code sites.site_id, not the key sites.id.
    site_id               varchar(100) NOT NULL,
    vendor_id             text,
    scope_id              text         NOT NULL,
    atp_category          varchar(20)  NOT NULL,
    status                varchar(30)  NOT NULL DEFAULT 'IN_PROGRESS',
    current_stage_number  integer               DEFAULT 1,
    total_stages          integer               DEFAULT 0,
    started_at            timestamp(6)          DEFAULT CURRENT_TIMESTAMP,
    completed_at          timestamp(6),
    created_by            text,
    routing_snapshot      jsonb,
    created_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT workflow_instances_pkey PRIMARY KEY (id)
);

-- Steps of a workflow with the approver frozen in. There is no decision column: the status
-- itself carries APPROVED or REJECTED.
CREATE TABLE public.workflow_stages (
    id                    text         NOT NULL DEFAULT gen_random_uuid()::text,
    workflow_instance_id  text         NOT NULL,
    -- Frozen copy of the instance's value.
    config_version_id     text         NOT NULL,
    stage_number          integer      NOT NULL,
    approval_role_id      text         NOT NULL,
    is_parallel           boolean               DEFAULT false,
    parallel_group        varchar(10),
    approver_user_id      text,
    status                varchar(30)  NOT NULL DEFAULT 'PENDING',
    decided_by            text,
    decided_at            timestamp(6),
    decision_comments     text,
    sla_due_at            timestamp(6),
    sla_breached_at       timestamp(6),
    policy_stage_id       text,
    created_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT workflow_stages_pkey PRIMARY KEY (id)
);

-- Exceptions: another approver for a stage, a submission, a cluster or a region, without
-- touching the configuration. override_type says which of the four columns is meant.
CREATE TABLE public.approver_overrides (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id       uuid         NOT NULL,
    override_type      varchar(20)  NOT NULL,
    workflow_stage_id  text,
    submission_id      text,
    cluster_id         text,
    region             varchar(100),
    approval_role_id   text         NOT NULL,
    from_user_id       text         NOT NULL,
    to_user_id         text         NOT NULL,
    override_reason    text         NOT NULL,
    requestor_user_id  text,
    approval_status    varchar(20)           DEFAULT 'PENDING',
    approved_by        text,
    approved_at        timestamp(6),
    is_active          boolean               DEFAULT true,
    effective_date     date                  DEFAULT CURRENT_DATE,
    expiry_date        date,
    created_at         timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    created_by         text,
    notes              text,

    CONSTRAINT approver_overrides_pkey PRIMARY KEY (id)
);

-- The documents handed in for a site, scope and category, and their way through approval.
CREATE TABLE public.atp_submissions (
    id                    text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id          uuid         NOT NULL,
    config_version_id     text         NOT NULL,
    -- The business code sites.site_id, as in workflow_instances.
    site_id               varchar(100) NOT NULL,
    scope_id              text         NOT NULL,
    vendor_id             text,
    atp_category          varchar(20)  NOT NULL,
    -- Empty while DRAFT.
    workflow_instance_id  text,
    primary_document_id   text,
    document_count        integer               DEFAULT 0,
    status                varchar(30)  NOT NULL DEFAULT 'DRAFT',
    current_stage_number  integer               DEFAULT 0,
    last_action_at        timestamp(6),
    submitted_at          timestamp(6),
    approved_at           timestamp(6),
    rejected_at           timestamp(6),
    created_by            text,
    created_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT atp_submissions_pkey PRIMARY KEY (id)
);

CREATE TABLE public.atp_submission_documents (
    id               text         NOT NULL DEFAULT gen_random_uuid()::text,
    workspace_id     uuid         NOT NULL,
    submission_id    text         NOT NULL,
    -- Id in the document store; no table of this database holds it.
    document_id      text         NOT NULL,
    document_type    varchar(30)  NOT NULL,
    uploaded_by      text,
    uploaded_at      timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- Groups a bulk upload.
    source_batch_id  text,
    notes            text,
    created_at       timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT atp_submission_documents_pkey PRIMARY KEY (id)
);

-- Head of a list of defects found while reviewing.
CREATE TABLE public.punchlists (
    id                    text         NOT NULL DEFAULT gen_random_uuid()::text,
    workflow_instance_id  text         NOT NULL,
    workflow_stage_id     text,
    status                varchar(20)  NOT NULL DEFAULT 'OPEN',
    issued_by             text,
    issued_at             timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    cleared_by            text,
    cleared_at            timestamp(6),
    notes                 text,
    created_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at            timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT punchlists_pkey PRIMARY KEY (id)
);

CREATE TABLE public.punchlist_items (
    id               text         NOT NULL DEFAULT gen_random_uuid()::text,
    punchlist_id     text         NOT NULL,
    item_code        varchar(50)  NOT NULL,
    description      text         NOT NULL,
    status           varchar(20)  NOT NULL DEFAULT 'OPEN',
    evidence_doc_id  text,
    created_at       timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT punchlist_items_pkey PRIMARY KEY (id)
);

-- Append-only log of what was done to a stage.
CREATE TABLE public.workflow_stage_actions (
    id                 text         NOT NULL DEFAULT gen_random_uuid()::text,
    workflow_stage_id  text         NOT NULL,
    action_type        varchar(30)  NOT NULL,
    actor_user_id      text,
    action_at          timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    payload            jsonb,
    notes              text,
    created_at         timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT workflow_stage_actions_pkey PRIMARY KEY (id)
);

-- Unique keys ----------------------------------------------------------------------------------
-- vendor_id, parallel_group and a role's workspace_id may be empty, and empty values never
-- collide: those three keys let duplicates through where the column is NULL.

CREATE UNIQUE INDEX atp_scope_master_unique
    ON public.atp_scope_master (workspace_id, scope_code, config_version_id);
CREATE UNIQUE INDEX vendor_master_unique
    ON public.vendor_master (workspace_id, vendor_code, config_version_id);
CREATE UNIQUE INDEX approval_role_master_unique
    ON public.approval_role_master (workspace_id, role_code, config_version_id);
CREATE UNIQUE INDEX approval_policy_master_unique
    ON public.approval_policy_master
    (workspace_id, config_version_id, scope_id, vendor_id, atp_category);
CREATE UNIQUE INDEX approval_policy_stages_unique
    ON public.approval_policy_stages
    (policy_id, stage_number, approval_role_id, config_version_id);
CREATE UNIQUE INDEX cluster_master_unique
    ON public.cluster_master (workspace_id, config_version_id, cluster_code);
CREATE UNIQUE INDEX cluster_approver_master_unique
    ON public.cluster_approver_master
    (workspace_id, cluster_id, approval_role_id, config_version_id);
CREATE UNIQUE INDEX workflow_stages_unique
    ON public.workflow_stages
    (workflow_instance_id, stage_number, approval_role_id, parallel_group);
CREATE UNIQUE INDEX ux_atp_submissions_unique
    ON public.atp_submissions (workspace_id, site_id, scope_id, atp_category);

-- Indexes --------------------------------------------------------------------------------------

CREATE INDEX idx_config_versions_workspace
    ON public.config_versions (workspace_id, status);
CREATE INDEX idx_config_versions_version
    ON public.config_versions (workspace_id, source_type, version_number DESC);
CREATE INDEX idx_config_versions_effective
    ON public.config_versions (workspace_id, effective_date DESC);

CREATE INDEX idx_atp_scope_workspace_version
    ON public.atp_scope_master (workspace_id, config_version_id, is_active);
CREATE INDEX idx_atp_scope_group
    ON public.atp_scope_master (workspace_id, scope_group, is_active);
CREATE INDEX idx_atp_scope_template
    ON public.atp_scope_master (default_template_code);

CREATE INDEX idx_vendor_workspace_version
    ON public.vendor_master (workspace_id, config_version_id, is_active);
CREATE INDEX idx_vendor_code
    ON public.vendor_master (vendor_code);

CREATE INDEX idx_approval_role_workspace_version
    ON public.approval_role_master (workspace_id, config_version_id, is_active);
CREATE INDEX idx_approval_role_hierarchy
    ON public.approval_role_master (workspace_id, hierarchy_order, is_active);

CREATE INDEX idx_approval_policy_lookup
    ON public.approval_policy_master (workspace_id, scope_id, is_active, fallback_priority);
CREATE INDEX idx_approval_policy_vendor
    ON public.approval_policy_master (workspace_id, vendor_id, is_active);

CREATE INDEX idx_approval_policy_stages_policy
    ON public.approval_policy_stages (policy_id, sequence_order);
CREATE INDEX idx_approval_policy_stages_role
    ON public.approval_policy_stages (approval_role_id, is_active);
CREATE INDEX idx_approval_policy_stages_parallel
    ON public.approval_policy_stages (policy_id, parallel_group, is_active);

CREATE INDEX idx_cluster_workspace_version
    ON public.cluster_master (workspace_id, config_version_id, is_active);
CREATE INDEX idx_cluster_region
    ON public.cluster_master (workspace_id, region_code, is_active);
CREATE INDEX idx_cluster_m_sequence
    ON public.cluster_master (workspace_id, m_sequence, is_active);

CREATE INDEX idx_cluster_approver_lookup
    ON public.cluster_approver_master
    (workspace_id, cluster_id, approval_role_id, config_version_id, is_active);
CREATE INDEX idx_cluster_approver_primary
    ON public.cluster_approver_master (primary_user_id, is_active);

CREATE INDEX idx_wf_instances_workspace
    ON public.workflow_instances (workspace_id);
CREATE INDEX idx_wf_instances_site
    ON public.workflow_instances (site_id);
CREATE INDEX idx_wf_instances_status
    ON public.workflow_instances (status);
CREATE INDEX idx_wf_instances_policy
    ON public.workflow_instances (approval_policy_id);
CREATE INDEX idx_wf_instances_config
    ON public.workflow_instances (config_version_id);

CREATE INDEX idx_wf_stages_instance
    ON public.workflow_stages (workflow_instance_id);
CREATE INDEX idx_wf_stages_approver
    ON public.workflow_stages (approver_user_id, status);
CREATE INDEX idx_wf_stages_status
    ON public.workflow_stages (status);
CREATE INDEX idx_wf_stages_stage_number
    ON public.workflow_stages (stage_number);

CREATE INDEX idx_approver_overrides_stage
    ON public.approver_overrides (workflow_stage_id, is_active);
CREATE INDEX idx_approver_overrides_submission
    ON public.approver_overrides (submission_id, is_active);
CREATE INDEX idx_approver_overrides_cluster
    ON public.approver_overrides (cluster_id, approval_role_id, is_active);

CREATE INDEX idx_atp_submissions_workspace
    ON public.atp_submissions (workspace_id);
CREATE INDEX idx_atp_submissions_site
    ON public.atp_submissions (site_id);
CREATE INDEX idx_atp_submissions_status
    ON public.atp_submissions (status);
CREATE INDEX idx_atp_submissions_workflow
    ON public.atp_submissions (workflow_instance_id);
CREATE INDEX idx_atp_submissions_config
    ON public.atp_submissions (config_version_id);

CREATE INDEX idx_atp_docs_submission
    ON public.atp_submission_documents (submission_id);
CREATE INDEX idx_atp_docs_document
    ON public.atp_submission_documents (document_id);
CREATE INDEX idx_atp_docs_workspace
    ON public.atp_submission_documents (workspace_id);

CREATE INDEX idx_punchlists_instance
    ON public.punchlists (workflow_instance_id);
CREATE INDEX idx_punchlists_stage
    ON public.punchlists (workflow_stage_id);
CREATE INDEX idx_punchlists_status
    ON public.punchlists (status);

CREATE INDEX idx_punchlist_items_punchlist
    ON public.punchlist_items (punchlist_id);
CREATE INDEX idx_punchlist_items_status
    ON public.punchlist_items (status);

CREATE INDEX idx_wf_actions_stage
    ON public.workflow_stage_actions (workflow_stage_id);
CREATE INDEX idx_wf_actions_actor
    ON public.workflow_stage_actions (actor_user_id);
CREATE INDEX idx_wf_actions_action_at
    ON public.workflow_stage_actions (action_at DESC);

-- Foreign key ----------------------------------------------------------------------------------
-- The first of the ORM's 56 relations and the only one that arrived. Deleting a workspace takes
-- its versions along and leaves everything that names them behind; foreign_keys.sql replaces it.

ALTER TABLE public.config_versions
    ADD CONSTRAINT config_versions_workspace_id_fkey
    FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
