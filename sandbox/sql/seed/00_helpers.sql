-- Shared by the other files of this folder, which run in this order in one transaction.
--
-- Everything is a function of the row's number: the same scale gives the same rows, ids and times
-- included, and a larger scale gives the same rows and more. Nothing asks the clock or a random
-- generator. The people of this database live on 2026-01-31, 12:00 UTC.
--
-- The functions are written so that the planner can inline them: a bigint is cast before it is
-- concatenated, because text || bigint is only STABLE.

-- How many times the runtime rows of scale 1 to make: set sandbox.scale before.
CREATE FUNCTION pg_temp.scale() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('sandbox.scale', true), ''), '1')::bigint
$$;

CREATE FUNCTION pg_temp.today() RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamp '2026-01-31 12:00'
$$;

-- A uuid of version 4, as random looking as a real one.
CREATE FUNCTION pg_temp.make_uuid(kind text, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(md5(kind || ':' || number::text) PLACING '4' FROM 13)
                   PLACING '8' FROM 17)::uuid
$$;

CREATE FUNCTION pg_temp.make_id(kind text, number bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_temp.make_uuid(kind, number)::text
$$;

CREATE FUNCTION pg_temp.workspace_id(workspace bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_temp.make_uuid('workspace', workspace)
$$;

-- Twelve users per workspace, in three styles of id: 1 the administrator, 2 back office,
-- 3 to 7 approvers, 8 the vendor who hands in, 9 to 12 not usable for one reason or another.
CREATE FUNCTION pg_temp.user_id(workspace bigint, member bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN member = 1 THEN 'admin-' || lpad(workspace::text, 3, '0')
        WHEN member % 2 = 0
        THEN 'cm' || substr(md5('user:' || workspace::text || ':' || member::text), 1, 23)
        ELSE pg_temp.make_id('user:' || workspace::text, member)
    END
$$;

-- Who approves for a cluster and a role; another person in the next version, so that "why this
-- approver?" has a different answer for old and new workflows.
CREATE FUNCTION pg_temp.approver(cluster bigint, role_order bigint, version bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 3 + (cluster + role_order + version) % 5
$$;

CREATE FUNCTION pg_temp.deputy(member bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 3 + (member - 3 + 1) % 5
$$;

-- Number of a config version: source type 1 APPROVAL_MATRIX, 2 CLUSTER_MAPPING, 3 SCOPE_CONFIG.
CREATE FUNCTION pg_temp.version_number(workspace bigint, source bigint, version bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT workspace * 100 + source * 10 + version
$$;

-- The customer's code of a site, like JAW-JI-SMP-4245.
CREATE FUNCTION pg_temp.site_code(workspace bigint, site bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT 'JAW-' || (ARRAY['JI-SBY', 'JI-KGN', 'JI-SMP', 'JB-BDG', 'JB-BKS', 'JT-SMG', 'JK-CBD'])
                     [(site - 1) % 7 + 1]
           || '-' || (4200 + site * 4 + workspace)::text
$$;
