-- Workflows and all that hangs on them: the part that grows with the scale, 80 workflows each.

-- Twenty lives of a workflow: under which version it was started, how it stands, how many
-- stages are approved, what happened on the way.
CREATE TEMP TABLE life (r, v, status, done, reviewing, overridden, punchlist) ON COMMIT DROP AS
VALUES
    (0,  1, 'COMPLETED',   5, false, false, 'CLEARED'),
    (1,  1, 'COMPLETED',   5, false, false, NULL),
    (2,  2, 'IN_PROGRESS', 0, false, false, NULL),
    (3,  2, 'COMPLETED',   6, false, false, NULL),
    (4,  2, 'IN_PROGRESS', 2, false, true,  'OPEN'),
    (5,  1, 'REJECTED',    1, false, false, NULL),
    (6,  1, 'COMPLETED',   5, false, false, NULL),
    -- Started before the second import and still running: they stay at five stages.
    (7,  1, 'IN_PROGRESS', 4, false, false, NULL),
    (8,  2, 'CANCELLED',   2, false, false, NULL),
    (9,  2, 'COMPLETED',   6, false, false, NULL),
    (10, 2, 'IN_PROGRESS', 5, true,  false, 'IN_PROGRESS'),
    (11, 1, 'COMPLETED',   5, false, false, NULL),
    (12, 2, 'REJECTED',    3, false, false, 'OPEN'),
    (13, 2, 'IN_PROGRESS', 1, true,  false, NULL),
    (14, 2, 'ON_HOLD',     3, false, false, NULL),
    (15, 1, 'COMPLETED',   5, false, false, 'CLEARED'),
    (16, 1, 'IN_PROGRESS', 2, false, false, NULL),
    (17, 2, 'COMPLETED',   6, false, false, NULL),
    (18, 1, 'CANCELLED',   0, false, false, NULL),
    (19, 2, 'IN_PROGRESS', 0, true,  false, NULL);

-- Where a workflow can go: the policies of a version in its clusters. scope 1 to 3 are the roots
-- that clusters hang on; each scope goes by the clusters of its group.
CREATE FUNCTION pg_temp.route_number(workspace bigint, version bigint, policy bigint, place bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ((workspace * 10 + version) * 100 + policy) * 10 + place
$$;

CREATE TEMP TABLE route ON COMMIT DROP AS
SELECT pg_temp.route_number(cluster.w, cluster.v, p, g) AS route,
       cluster.w, cluster.workspace_id, cluster.config_version_id,
       cluster.id AS cluster_id,
       pg_temp.make_id('policy', number * 100 + p) AS policy_id,
       pg_temp.make_id('scope', number * 100 + policy.scope) AS scope_id,
       policy.category, vendor,
       ARRAY(SELECT pg_temp.make_id('vendor', number * 100 + i)
             FROM generate_series(1, 4) AS i) AS vendors
FROM cluster
JOIN scope USING (scope_group)
JOIN policy ON policy.scope = scope.n
WHERE cluster.t = 1 AND cluster.v < 3;

-- What it goes through there, and who decides: the approver the configuration appoints, and the
-- deputy who stands in.
CREATE TEMP TABLE step ON COMMIT DROP AS
SELECT policy_id, cluster_id, policy_stage.id AS policy_stage_id, stage_number,
       policy_stage.approval_role_id, is_parallel, parallel_group, sla_hours AS hours,
       sum(sla_hours) OVER (PARTITION BY policy_id, cluster_id ORDER BY stage_number)
           - sla_hours AS before,
       CASE assignment_mode
           WHEN 'CLUSTER' THEN primary_user_id
           WHEN 'STATIC_USER' THEN auto_assign_rule::jsonb ->> 'user_id'
           ELSE pg_temp.user_id(w, 2) END AS approver,
       CASE assignment_mode
           WHEN 'CLUSTER' THEN backup_user_id
           ELSE pg_temp.user_id(w, 3) END AS deputy
FROM route
JOIN public.approval_policy_stages AS policy_stage USING (policy_id)
LEFT JOIN public.cluster_approver_master AS chosen USING (cluster_id, approval_role_id);

-- When a stage is decided: after three quarters of its time, now and then a quarter late, and
-- always before the next one.
CREATE FUNCTION pg_temp.decided_at(workflow bigint, stage_number bigint, started_at timestamp,
                                   before bigint, hours bigint)
RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT started_at + interval '1 minute' * (
        before * 60 + hours * CASE WHEN (workflow * 3 + stage_number) % 7 = 0 THEN 75 ELSE 45 END)
$$;

-- Fresh temporary tables have no statistics, and nobody else will make them.
ANALYZE life;
ANALYZE stage;
ANALYZE route;
ANALYZE step;

-- One row per workflow. n numbers them over all workspaces, whatever the scale.
CREATE TEMP TABLE plan ON COMMIT DROP AS
WITH numbered AS MATERIALIZED (
    SELECT k, k * 4 + w AS n, life.*, site,
           pg_temp.route_number(
               w, life.v, 1 + (k - 1 + w * 3) % 17,
               -- Where version 1 has Surabaya, version 2 has two clusters.
               CASE WHEN life.v = 2 AND site % 7 = 1 THEN 8 + site / 7 % 2
                    ELSE (site - 1) % 7 + 1 END) AS route,
           length.total,
           coalesce(approved.before + approved.hours, 0) AS spent
    FROM generate_series(1, 4) AS w
    CROSS JOIN generate_series(1, pg_temp.scale() * 20) AS k
    CROSS JOIN LATERAL (SELECT 1 + (k - 1) / 2 AS site) AS place
    JOIN life ON life.r = k % 20
    JOIN (SELECT v, count(*) AS total FROM stage GROUP BY v) AS length USING (v)
    LEFT JOIN stage AS approved ON (approved.v, approved.s) = (life.v, life.done)
), begun AS (
    SELECT numbered.*,
           CASE WHEN v = 1
                THEN timestamp '2025-08-06 08:00' + interval '1 day' * (n * 37 % 95)
                     + interval '1 minute' * (n * 17 % 540)
                WHEN status IN ('IN_PROGRESS', 'ON_HOLD')
                -- As long ago as the approved stages took, and up to 100 hours more.
                THEN pg_temp.today() - interval '1 hour' * (spent + 18 + n * 11 % 100)
                ELSE timestamp '2025-11-19 08:00' + interval '1 day' * (n * 29 % 58)
                     + interval '1 minute' * (n * 17 % 540)
           END AS started_at
    FROM numbered
)
SELECT n, w, status, done, total, spent, reviewing, overridden, punchlist, started_at,
       pg_temp.make_id('workflow', n) AS id,
       workspace_id, config_version_id, policy_id, cluster_id, scope_id, category,
       vendors[coalesce(vendor, 1 + k % 4)] AS vendor_id,
       pg_temp.site_code(w, site) AS site_code,
       CASE WHEN status = 'CANCELLED' THEN started_at + interval '1 hour' * (spent + 30)
            WHEN status IN ('COMPLETED', 'REJECTED')
            THEN pg_temp.decided_at(n, closing.s, started_at, closing.before, closing.hours)
       END AS completed_at
FROM begun
JOIN route USING (route)
LEFT JOIN stage AS closing
    ON (closing.v, closing.s) = (begun.v, done + (status = 'REJECTED')::int);

ANALYZE plan;

INSERT INTO public.workflow_instances
    (id, workspace_id, config_version_id, approval_policy_id, site_id, vendor_id, scope_id,
     atp_category, status, current_stage_number, total_stages, started_at, completed_at,
     created_by, routing_snapshot, created_at, updated_at)
SELECT id, workspace_id, config_version_id, policy_id, site_code, vendor_id, scope_id, category,
       status, least(done + 1, total), total, started_at, completed_at, pg_temp.user_id(w, 8),
       jsonb_build_object('cluster_id', cluster_id, 'site', site_code),
       started_at, coalesce(completed_at, started_at)
FROM plan;

-- Stages ---------------------------------------------------------------------------------------

INSERT INTO public.workflow_stages
    (id, workflow_instance_id, config_version_id, stage_number, approval_role_id, is_parallel,
     parallel_group, approver_user_id, status, decided_by, decided_at, decision_comments,
     sla_due_at, sla_breached_at, policy_stage_id, created_at, updated_at)
SELECT pg_temp.make_id('stage', n * 10 + stage_number), id, config_version_id, stage_number,
       approval_role_id, is_parallel, parallel_group, approver_id, state,
       CASE WHEN decided_at IS NOT NULL THEN approver_id END, decided_at,
       CASE WHEN state = 'REJECTED' THEN 'Link budget does not match the design' END,
       due_at,
       CASE WHEN decided_at > due_at
              OR state IN ('PENDING', 'IN_REVIEW') AND due_at < pg_temp.today() THEN due_at END,
       policy_stage_id, started_at, coalesce(decided_at, completed_at, started_at)
FROM plan
JOIN step USING (policy_id, cluster_id)
CROSS JOIN LATERAL (SELECT
    CASE WHEN stage_number <= done THEN 'APPROVED'
         WHEN stage_number = done + 1 AND status = 'REJECTED' THEN 'REJECTED'
         WHEN status IN ('REJECTED', 'CANCELLED') THEN 'SKIPPED'
         WHEN stage_number = done + 1 AND reviewing THEN 'IN_REVIEW'
         ELSE 'PENDING' END AS state,
    CASE WHEN stage_number <= done + (status = 'REJECTED')::int
         THEN pg_temp.decided_at(n, stage_number, started_at, before, hours) END AS decided_at,
    CASE WHEN overridden AND stage_number = done + 1 THEN deputy ELSE approver END AS approver_id,
    started_at + interval '1 hour' * (before + hours) AS due_at
) AS outcome;
ANALYZE public.workflow_stages;

-- What was done to a stage. Every decision is there, by the one who decided, at that time.
INSERT INTO public.workflow_stage_actions
    (id, workflow_stage_id, action_type, actor_user_id, action_at, payload, notes, created_at)
SELECT pg_temp.make_id('decision', n * 10 + stage_number), stages.id,
       CASE WHEN stages.status = 'REJECTED' THEN 'REJECT'
            WHEN punchlist IS NOT NULL AND stage_number = 2 THEN 'APPROVE_WITH_PUNCHLIST'
            ELSE 'APPROVE' END,
       decided_by, decided_at,
       jsonb_build_object('previous_status', 'PENDING', 'new_status', stages.status),
       decision_comments, decided_at
FROM public.workflow_stages AS stages
JOIN plan ON plan.id = workflow_instance_id
WHERE decided_at IS NOT NULL;

-- The stage a running workflow waits at was assigned, and more may have happened since.
INSERT INTO public.workflow_stage_actions
    (id, workflow_stage_id, action_type, actor_user_id, action_at, payload, notes, created_at)
SELECT pg_temp.make_id(action_type, n), stages.id, action_type, actor, action_at, payload, notes,
       action_at
FROM plan
JOIN public.workflow_stages AS stages
    ON workflow_instance_id = plan.id AND stage_number = done + 1
CROSS JOIN LATERAL (SELECT pg_temp.user_id(w, 1) AS admin, interval '1 hour' AS hour) AS constants
CROSS JOIN LATERAL (VALUES
    ('ASSIGN', true, admin, started_at + hour * spent,
        jsonb_build_object('approver_user_id', approver_user_id), NULL),
    ('REASSIGN', overridden, admin, started_at + hour * (spent + 1),
        jsonb_build_object('approver_user_id', approver_user_id), 'Approver on leave'),
    ('COMMENT', reviewing, approver_user_id, started_at + hour * (spent + 2),
        NULL, 'Photos of the far end requested'),
    ('ESCALATE', sla_breached_at IS NOT NULL, admin, sla_breached_at,
        NULL, 'Past its due time')
) AS action (action_type, happened, actor, action_at, payload, notes)
WHERE plan.status IN ('IN_PROGRESS', 'ON_HOLD') AND happened;

-- Submissions ----------------------------------------------------------------------------------

-- One per workflow, and drafts on sites of their own that wait for one.
CREATE TEMP TABLE submission ON COMMIT DROP AS
SELECT pg_temp.make_id('submission', n) AS id, n, w, workspace_id, config_version_id, site_code,
       scope_id, vendor_id, category, id AS workflow_instance_id,
       CASE WHEN status = 'COMPLETED' THEN 'APPROVED'
            WHEN status IN ('REJECTED', 'CANCELLED') THEN 'REJECTED'
            WHEN done = 0 THEN 'SUBMITTED'
            ELSE 'IN_REVIEW' END AS status,
       least(done + 1, total) AS current_stage_number,
       2 + (status = 'COMPLETED')::int AS document_count,
       started_at AS created_at, completed_at
FROM plan
UNION ALL
SELECT pg_temp.make_id('draft', k * 4 + w), -(k * 4 + w), w, pg_temp.workspace_id(w),
       pg_temp.make_id('version', pg_temp.version_number(w, 1, 2)),
       pg_temp.site_code(w, pg_temp.scale() * 10 + k),
       pg_temp.make_id('scope', pg_temp.version_number(w, 1, 2) * 100 + policy.scope), NULL,
       policy.category, NULL, 'DRAFT', 0, 1,
       pg_temp.today() - interval '1 hour' * (k % 200), NULL
FROM generate_series(1, 4) AS w
CROSS JOIN generate_series(1, pg_temp.scale() * 4) AS k
JOIN policy ON policy.p = 1 + k % 13;

INSERT INTO public.atp_submissions
    (id, workspace_id, config_version_id, site_id, scope_id, vendor_id, atp_category,
     workflow_instance_id, primary_document_id, document_count, status, current_stage_number,
     last_action_at, submitted_at, approved_at, rejected_at, created_by, created_at, updated_at)
SELECT id, workspace_id, config_version_id, site_code, scope_id, vendor_id, category,
       workflow_instance_id, pg_temp.make_id('document', n * 10 + 1), document_count, status,
       current_stage_number, coalesce(completed_at, created_at),
       CASE WHEN status <> 'DRAFT' THEN created_at END,
       CASE WHEN status = 'APPROVED' THEN completed_at END,
       CASE WHEN status = 'REJECTED' THEN completed_at END,
       pg_temp.user_id(w, 8), created_at, coalesce(completed_at, created_at)
FROM submission;

INSERT INTO public.atp_submission_documents
    (id, workspace_id, submission_id, document_id, document_type, uploaded_by, uploaded_at,
     source_batch_id, created_at)
SELECT pg_temp.make_id('submission_document', n * 10 + d), workspace_id, id,
       pg_temp.make_id('document', n * 10 + d),
       CASE WHEN d = 3 THEN 'COMPLETION_CERT'
            WHEN d = 2 THEN 'INSTALLATION_PHOTO'
            WHEN category = 'BOTH' THEN 'ATP_COMBINED'
            ELSE 'ATP_' || category END,
       pg_temp.user_id(w, 8), CASE WHEN d = 3 THEN completed_at ELSE created_at END,
       CASE WHEN d < 3 AND n % 3 = 0 THEN pg_temp.make_id('batch', n / 3) END,
       CASE WHEN d = 3 THEN completed_at ELSE created_at END
FROM submission
CROSS JOIN LATERAL generate_series(1, document_count) AS d;

-- Punchlists and overrides ---------------------------------------------------------------------

INSERT INTO public.punchlists
    (id, workflow_instance_id, workflow_stage_id, status, issued_by, issued_at, cleared_by,
     cleared_at, created_at, updated_at)
SELECT pg_temp.make_id('punchlist', n), plan.id, stages.id, punchlist, decided_by, decided_at,
       CASE WHEN punchlist = 'CLEARED' THEN decided_by END,
       CASE WHEN punchlist = 'CLEARED' THEN completed_at END,
       decided_at, coalesce(completed_at, decided_at)
FROM plan
JOIN public.workflow_stages AS stages
    ON workflow_instance_id = plan.id AND stage_number = 2
WHERE punchlist IS NOT NULL;

INSERT INTO public.punchlist_items
    (id, punchlist_id, item_code, description, status, evidence_doc_id, created_at, updated_at)
SELECT pg_temp.make_id('punchlist_item', n * 10 + i), punchlists.id, 'PL-0' || i, description,
       item.status,
       CASE WHEN item.status <> 'OPEN' THEN pg_temp.make_id('evidence', n * 10 + i) END,
       issued_at, punchlists.updated_at
FROM plan
JOIN public.punchlists AS punchlists ON punchlists.workflow_instance_id = plan.id
CROSS JOIN (VALUES (1, 'Grounding cable not labelled'),
                   (2, 'Antenna azimuth off by three degrees'),
                   (3, 'Photo of the power meter missing')) AS defect (i, description)
CROSS JOIN LATERAL (SELECT CASE punchlist
    WHEN 'CLEARED' THEN 'CLEARED'
    WHEN 'OPEN' THEN 'OPEN'
    ELSE (ARRAY['CLEARED', 'RECTIFIED', 'OPEN'])[i] END AS status) AS item;

-- One stage in twenty was given to the deputy; for another the request waits.
INSERT INTO public.approver_overrides
    (id, workspace_id, override_type, workflow_stage_id, submission_id, approval_role_id,
     from_user_id, to_user_id, override_reason, requestor_user_id, approval_status, approved_by,
     approved_at, effective_date, created_at, created_by)
SELECT pg_temp.make_id('override', n), workspace_id,
       CASE WHEN overridden THEN 'STAGE' ELSE 'SUBMISSION' END,
       CASE WHEN overridden THEN pg_temp.make_id('stage', n * 10 + stage_number) END,
       CASE WHEN NOT overridden THEN pg_temp.make_id('submission', n) END,
       approval_role_id, approver, deputy, 'Approver on leave', pg_temp.user_id(w, 2),
       CASE WHEN overridden THEN 'APPROVED' ELSE 'PENDING' END,
       CASE WHEN overridden THEN pg_temp.user_id(w, 1) END,
       CASE WHEN overridden THEN requested_at + interval '1 hour' END,
       requested_at::date, requested_at, pg_temp.user_id(w, 2)
FROM plan
JOIN step USING (policy_id, cluster_id)
CROSS JOIN LATERAL (SELECT started_at + interval '1 hour' * spent AS requested_at) AS request
WHERE stage_number = done + 1 AND (overridden OR status = 'ON_HOLD');

-- Standing exceptions for a cluster, in force, and for a region, refused.
INSERT INTO public.approver_overrides
    (id, workspace_id, override_type, cluster_id, region, approval_role_id, from_user_id,
     to_user_id, override_reason, requestor_user_id, approval_status, approved_by, approved_at,
     effective_date, expiry_date, created_at, created_by)
SELECT pg_temp.make_id('override:' || override_type, w), workspace_id, override_type,
       CASE override_type WHEN 'CLUSTER' THEN cluster.id END,
       CASE override_type WHEN 'REGION' THEN cluster.region END,
       pg_temp.make_id('role:RTS_FOP', number),
       pg_temp.user_id(w, pg_temp.approver(g, 5, v)),
       pg_temp.user_id(w, pg_temp.deputy(pg_temp.approver(g, 5, v))),
       'Field work in another province', pg_temp.user_id(w, 2), verdict, pg_temp.user_id(w, 1),
       pg_temp.today() - interval '1 day', date '2026-02-01', date '2026-02-28',
       pg_temp.today() - interval '2 days', pg_temp.user_id(w, 2)
FROM cluster, (VALUES ('CLUSTER', 'APPROVED'), ('REGION', 'REJECTED'))
    AS standing (override_type, verdict)
WHERE (t, v, root, g) = (1, 2, 1, 3);
