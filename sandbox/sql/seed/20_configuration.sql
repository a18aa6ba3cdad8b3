-- Config versions and the masters below them.
--
-- Per workspace and source type three versions: 1 SUPERSEDED, 2 ACTIVE, 3 DRAFT. Every workbook
-- writes what it contains under its own version, and every reference stays within it: an
-- approval matrix brings all seven masters, a cluster mapping its clusters with the scopes they
-- hang on, a scope configuration its scopes. Workflows look everything up under the approval
-- matrix.

CREATE TEMP TABLE version ON COMMIT DROP AS
SELECT w, t, v,
       pg_temp.version_number(w, t, v) AS number,
       pg_temp.make_id('version', pg_temp.version_number(w, t, v)) AS id,
       pg_temp.workspace_id(w) AS workspace_id,
       (ARRAY['APPROVAL_MATRIX', 'CLUSTER_MAPPING', 'SCOPE_CONFIG'])[t] AS source_type,
       (ARRAY['SUPERSEDED', 'ACTIVE', 'DRAFT'])[v] AS status,
       imported_at + make_interval(hours => w, mins => t * 10) AS imported_at,
       imported_at + make_interval(days => 1, hours => w, mins => t * 10) AS activated_at
FROM generate_series(1, 4) AS w, generate_series(1, 3) AS t,
     (VALUES (1, timestamp '2025-08-04 09:00'),
             (2, timestamp '2025-11-17 09:00'),
             (3, timestamp '2026-01-12 09:00')) AS import (v, imported_at);

INSERT INTO public.config_versions
    (id, workspace_id, source_file_name, source_type, source_checksum, version_number, status,
     row_count, validation_status, validation_errors, validation_warnings, imported_by,
     imported_at, activated_at, archived_at, effective_date, expire_date, previous_version_id,
     superseded_by_id, notes, created_at, updated_at)
SELECT version.id, version.workspace_id,
       CASE WHEN version.w = 1 AND version.t = 3 AND version.v = 2 THEN 'atp_scopes_v1.xlsx'
            ELSE lower(version.source_type) || to_char(version.imported_at, '_YYYY-MM')
                 || '.xlsx' END,
       version.source_type,
       encode(sha256(convert_to('workbook:' || version.number, 'UTF8')), 'hex'),
       version.v, version.status,
       -- Version 1 has three clusters, seventeen stages and twelve approvers less.
       (ARRAY[265, 27, 11])[version.t]
           - CASE WHEN version.v = 1 THEN (ARRAY[32, 3, 0])[version.t] ELSE 0 END,
       CASE WHEN version.v = 3 AND version.t = 3 THEN 'INVALID'
            WHEN version.v = 3 THEN 'PENDING'
            WHEN version.t = 2 THEN 'WARNINGS'
            ELSE 'VALID' END,
       CASE WHEN version.v = 3 AND version.t = 3
            THEN '[{"sheet": "Scopes", "row": 7, "error": "scope_group TX is unknown"}]' END,
       CASE WHEN version.v < 3 AND version.t = 2
            THEN '[{"sheet": "Clusters", "row": 12, "warning": "no row for M8"}]' END,
       pg_temp.user_id(version.w, 1), version.imported_at,
       CASE WHEN version.v < 3 THEN version.activated_at END,
       following.activated_at,
       CASE WHEN version.v < 3 THEN version.activated_at ELSE version.imported_at END::date,
       following.activated_at::date,
       previous.id, following.id,
       (ARRAY['First import', 'Surabaya split, PMO stage added', 'Proposed names'])[version.v],
       version.imported_at,
       coalesce(following.activated_at,
                CASE WHEN version.v < 3 THEN version.activated_at END,
                version.imported_at)
FROM version
LEFT JOIN version AS previous
    ON (previous.w, previous.t, previous.v) = (version.w, version.t, version.v - 1)
-- Only an ACTIVE version supersedes; a DRAFT only points back.
LEFT JOIN version AS following
    ON (following.w, following.t, following.v) = (version.w, version.t, version.v + 1)
    AND following.status = 'ACTIVE';

-- Scopes, vendors, roles -----------------------------------------------------------------------

CREATE TEMP TABLE scope (n, code, name, scope_group, category, atp_type, template, clustered)
ON COMMIT DROP AS VALUES
    (1, 'MW', 'Microwave', 'MICROWAVE', NULL, 'BOTH', 'ATP_COMBINED', true),
    (2, 'RAN', 'Radio Access Network', 'RAN', NULL, 'BOTH', 'ATP_COMBINED', true),
    (3, 'PLN', 'Power Connection', 'PLN', NULL, 'HARDWARE', 'ATP_HARDWARE', true),
    (4, 'MW_UPGRADE', 'Microwave Upgrade', 'MICROWAVE', 'UPGRADE', 'BOTH', 'ATP_COMBINED', true),
    (5, 'RAN_UPGRADE', 'RAN Upgrade', 'RAN', 'UPGRADE', 'BOTH', 'ATP_COMBINED', true),
    (6, 'MW_NEW', 'Microwave New Link', 'MICROWAVE', 'NEW', 'BOTH', 'ATP_COMBINED', true),
    (7, 'RAN_NEW', 'RAN New Site', 'RAN', 'NEW', 'BOTH', 'ATP_COMBINED', true),
    (8, 'MW_DISMANTLE', 'Microwave Dismantle', 'MICROWAVE', 'DISMANTLE', 'HARDWARE',
        'ATP_HARDWARE', true),
    (9, 'VLAN_TAGGING', 'VLAN Tagging', 'MICROWAVE', NULL, 'SOFTWARE', 'ATP_SOFTWARE', false),
    (10, 'PLN_UPGRADE', 'Power Upgrade', 'PLN', 'UPGRADE', 'BOTH', 'ATP_COMBINED', true),
    (11, 'PLN_NEW', 'Power New Connection', 'PLN', 'NEW', 'BOTH', 'ATP_COMBINED', true);

INSERT INTO public.atp_scope_master
    (id, workspace_id, config_version_id, scope_code, scope_name, scope_group, category_code,
     atp_type, default_template_code, requires_cluster, effective_date, created_at, updated_at,
     created_by, updated_by)
SELECT pg_temp.make_id('scope', version.number * 100 + n), workspace_id, version.id, code, name,
       scope_group, category, atp_type, template, clustered, activated_at::date, imported_at,
       imported_at, pg_temp.user_id(w, 1), pg_temp.user_id(w, 1)
FROM version, scope
-- A cluster mapping brings only the three scopes its clusters hang on.
WHERE version.t <> 2 OR scope.n <= 3;

INSERT INTO public.vendor_master
    (id, workspace_id, config_version_id, vendor_code, vendor_name, vendor_type, contact_person,
     contact_email, contact_phone, effective_date, created_at, updated_at)
SELECT pg_temp.make_id('vendor', version.number * 100 + n), workspace_id, version.id, code, name,
       vendor_type, name || ' Project Office', lower(code) || '@apms.invalid',
       '+62 21 5550 ' || lpad((w * 10 + n)::text, 4, '0'), activated_at::date, imported_at,
       imported_at
FROM version, (VALUES
    (1, 'ZTE', 'ZTE Indonesia', 'VENDOR'),
    (2, 'HUAWEI', 'Huawei Tech Investment', 'VENDOR'),
    (3, 'ERICSSON', 'Ericsson Indonesia', 'VENDOR'),
    (4, 'NOKIA', 'Nokia Solutions and Networks', 'VENDOR'),
    (5, 'AVIAT', 'Aviat Networks', 'PLATFORM_OWNER')
) AS vendor (n, code, name, vendor_type)
WHERE version.t = 1;

INSERT INTO public.approval_role_master
    (id, workspace_id, config_version_id, role_code, role_name, hierarchy_order, stage_group,
     is_final_approver, can_approve_parallel, effective_date, created_at, updated_at)
SELECT pg_temp.make_id('role:' || code, version.number), workspace_id, version.id, code, name,
       position, stage_group, code = 'RTH_HEAD', code IN ('NOC_HEAD', 'RTS_FOP'), activated_at,
       imported_at, imported_at
FROM version, (VALUES
    ('BO', 'Back Office', 1, 'REVIEW'),
    ('DOC_CONTROL', 'Document Control', 1, 'REVIEW'),
    ('SME', 'Subject Matter Expert', 2, 'VALIDATION'),
    ('SME_TEAM', 'Subject Matter Expert Team', 3, 'VALIDATION'),
    ('NOC_HEAD', 'Head of Network Operation Centre', 4, 'SIGN'),
    ('RTS_FOP', 'Regional Technical Support and Field Operation', 5, 'SIGN'),
    ('REGION_TEAM', 'Regional Team', 6, 'SIGN'),
    ('RTH_HEAD', 'Regional Technical Head', 7, 'FINAL'),
    ('PMO', 'Project Management Office', 8, 'FINAL'),
    ('XLS_CONFIG_TEAM', 'Configuration Team', 9, 'VALIDATION')
) AS role (code, name, position, stage_group)
WHERE version.t = 1;

-- Clusters and their approvers -----------------------------------------------------------------

CREATE TEMP TABLE cluster ON COMMIT DROP AS
SELECT version.number, version.id AS config_version_id, workspace_id, w, t, v, g, root, m,
       pg_temp.make_id('cluster', (version.number * 10 + root) * 10 + g) AS id,
       scope_group, region, province, province_code, city, city_code, imported_at, activated_at,
       (ARRAY['MW', 'RAN', 'PLN'])[root] || '-' || upper(replace(region || '-' || city, ' ', '_'))
           AS code
FROM version, (VALUES (1, 'MICROWAVE'), (2, 'RAN'), (3, 'PLN')) AS kind (root, scope_group),
(VALUES
    (1, 'East Java', 'Jawa Timur', 'JI', 'Surabaya', 'SBY', 'M1'),
    (2, 'East Java', 'Jawa Timur', 'JI', 'Kangean', 'KGN', 'M2'),
    (3, 'East Java', 'Jawa Timur', 'JI', 'Sumenep', 'SMP', 'M3'),
    (4, 'West Java', 'Jawa Barat', 'JB', 'Bandung', 'BDG', 'M4'),
    (5, 'West Java', 'Jawa Barat', 'JB', 'Bekasi', 'BKS', 'M5'),
    (6, 'Central Java', 'Jawa Tengah', 'JT', 'Semarang', 'SMG', 'M6'),
    (7, 'Jakarta', 'DKI Jakarta', 'JK', 'Jakarta CBD', 'CBD', 'M7'),
    (8, 'East Java', 'Jawa Timur', 'JI', 'Surabaya North', 'SBN', 'M9'),
    (9, 'East Java', 'Jawa Timur', 'JI', 'Surabaya South', 'SBS', 'M10')
) AS place (g, region, province, province_code, city, city_code, m)
WHERE version.t IN (1, 2)
  -- Version 2 splits Surabaya into north and south.
  AND CASE WHEN g = 1 THEN v = 1 WHEN g IN (8, 9) THEN v > 1 ELSE true END;

INSERT INTO public.cluster_master
    (id, workspace_id, config_version_id, scope_id, island_code, region_code, region_name,
     province_name, city_code, city_name, cluster_code, m_sequence, site_count, source_sheet,
     source_row_number, created_at, updated_at)
SELECT id, workspace_id, config_version_id, pg_temp.make_id('scope', number * 100 + root),
       'JAW', province_code, region, province, city_code, city, code, m, 10 + g, 'Clusters',
       1 + root * 10 + g, imported_at, imported_at
FROM cluster;

INSERT INTO public.cluster_approver_master
    (id, workspace_id, cluster_id, config_version_id, approval_role_id, primary_user_id,
     backup_user_id, source_reference, effective_from, created_at, updated_at)
SELECT pg_temp.make_id('approver:' || role.code, (number * 10 + root) * 10 + g), workspace_id,
       cluster.id, config_version_id, pg_temp.make_id('role:' || role.code, number),
       pg_temp.user_id(w, pg_temp.approver(g, position, v)),
       pg_temp.user_id(w, pg_temp.deputy(pg_temp.approver(g, position, v))),
       'Approvers!' || 1 + root * 100 + g * 10 + position, activated_at::date, imported_at,
       imported_at
FROM cluster, (VALUES ('SME', 2), ('NOC_HEAD', 4), ('RTS_FOP', 5), ('RTH_HEAD', 7))
    AS role (code, position)
WHERE t = 1;

-- Policies and their stages --------------------------------------------------------------------

-- In an order in which no two neighbours, the last and the first included, share a scope: two
-- neighbouring workflows are on the same site, which takes a scope and category only once.
CREATE TEMP TABLE policy (p, scope, category, vendor, parent) ON COMMIT DROP AS VALUES
    (1, 1, 'BOTH', NULL::int, NULL::int),
    (2, 2, 'BOTH', NULL, NULL),
    (3, 3, 'HARDWARE', NULL, NULL),
    (4, 4, 'BOTH', NULL, NULL),
    (5, 5, 'BOTH', NULL, NULL),
    (6, 6, 'BOTH', NULL, NULL),
    (7, 7, 'BOTH', NULL, NULL),
    (8, 8, 'HARDWARE', NULL, NULL),
    (9, 9, 'SOFTWARE', NULL, NULL),
    (10, 10, 'BOTH', NULL, NULL),
    (11, 11, 'BOTH', NULL, NULL),
    (12, 1, 'HARDWARE', NULL, NULL),
    (13, 2, 'SOFTWARE', NULL, NULL),
    (14, 1, 'BOTH', 1, 1),
    (15, 2, 'BOTH', 1, 2),
    (16, 1, 'BOTH', 2, 1),
    (17, 2, 'BOTH', 2, 2);

INSERT INTO public.approval_policy_master
    (id, workspace_id, config_version_id, scope_id, vendor_id, atp_category, fallback_priority,
     parent_policy_id, policy_version, policy_name, effective_date, created_at, updated_at)
SELECT pg_temp.make_id('policy', number * 100 + p), workspace_id, version.id,
       pg_temp.make_id('scope', number * 100 + policy.scope),
       pg_temp.make_id('vendor', number * 100 + policy.vendor),
       policy.category, CASE WHEN policy.vendor IS NULL THEN 1 ELSE 0 END,
       pg_temp.make_id('policy', number * 100 + policy.parent),
       'v' || v || '.0', scope.name || ' ' || lower(policy.category), activated_at::date,
       imported_at, imported_at
FROM version
CROSS JOIN policy
JOIN scope ON scope.n = policy.scope
WHERE version.t = 1;

-- Five stages; version 2 puts a sixth before the last. "before": hours until the stage begins.
CREATE TEMP TABLE stage ON COMMIT DROP AS
SELECT v, row_number() OVER chain AS s,
       role, role_order, name, stage_group, hours, mode,
       sum(hours) OVER chain - hours AS before
FROM generate_series(1, 3) AS v, (VALUES
    (1, 'BO', 1, 'BO Review', 'REVIEW', 8, 'AUTO'),
    (2, 'SME', 2, 'SME Technical Review', 'VALIDATION', 24, 'CLUSTER'),
    (3, 'NOC_HEAD', 4, 'NOC Head Approval', 'SIGN', 48, 'CLUSTER'),
    (4, 'RTS_FOP', 5, 'RTS/FOP Approval', 'SIGN', 48, 'CLUSTER'),
    (5, 'PMO', 8, 'PMO Review', 'SIGN', 24, 'AUTO'),
    (6, 'RTH_HEAD', 7, 'RTH Final Approval', 'FINAL', 72, 'CLUSTER')
) AS list (position, role, role_order, name, stage_group, hours, mode)
WHERE v > 1 OR role <> 'PMO'
WINDOW chain AS (PARTITION BY v ORDER BY position);

-- Two stages of the one policy side by side, and one policy without clusters.
CREATE TEMP TABLE policy_stage ON COMMIT DROP AS
SELECT p, stage.*,
       CASE WHEN p = 12 AND role IN ('NOC_HEAD', 'RTS_FOP') THEN 'A' END AS parallel_group,
       CASE WHEN p = 9 AND mode = 'CLUSTER' THEN 'STATIC_USER' ELSE mode END AS assignment_mode
FROM policy, stage;

INSERT INTO public.approval_policy_stages
    (id, policy_id, config_version_id, stage_number, stage_name, stage_group, approval_role_id,
     is_parallel, parallel_group, sla_hours, sla_days, assignment_mode, auto_assign_rule,
     sequence_order, created_at, updated_at)
SELECT pg_temp.make_id('policy_stage', (number * 100 + p) * 10 + s),
       pg_temp.make_id('policy', number * 100 + p), version.id, s, name, stage_group,
       pg_temp.make_id('role:' || role, number), parallel_group IS NOT NULL, parallel_group,
       hours, greatest(hours / 24, 1), assignment_mode,
       CASE WHEN assignment_mode = 'STATIC_USER'
            THEN jsonb_build_object('user_id', pg_temp.user_id(w, 7))::text END,
       s, imported_at, imported_at
FROM version JOIN policy_stage USING (v)
WHERE version.t = 1;
