-- The roles a run can log in with, and no more than they need:
--
--   psql -X -v ON_ERROR_STOP=1 -v owner=apms_staging -d apms_staging -f roles.sql
--
-- As a superuser, in each database; a second time changes nothing. `owner` is the role that owns
-- the tables. Then give each a password (\password gonogo_validate) or another way to log in.
--
--   gonogo_validate  validates: reads every row, makes rows of its own and removes them
--   gonogo_deploy    also deploys and takes back: it is the owner from its first statement on
--
-- Neither is a superuser, makes roles or databases, or gets round row-level security. Nothing is
-- granted to PUBLIC.

\set ON_ERROR_STOP on
\if :{?owner}
\else
    \warn 'error: name the role that owns the tables: -v owner=NAME'
    DO $$ BEGIN RAISE 'no owner'; END $$;
\endif

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN NOINHERIT', name)
FROM unnest(ARRAY['gonogo_validate', 'gonogo_deploy']) AS name
WHERE to_regrole(name) IS NULL
\gexec
ALTER ROLE gonogo_validate
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 16;
ALTER ROLE gonogo_deploy
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 16;

-- Both: to come in, and to have helper functions of their own (pg_temp).
SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO gonogo_validate, gonogo_deploy',
              current_database())
\gexec

-- gonogo_validate reads whatever a backup has to hold, in every schema of this database ...
SELECT format('GRANT USAGE ON SCHEMA %I TO gonogo_validate', nspname),
    format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO gonogo_validate', nspname),
    format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO gonogo_validate', nspname),
    -- and what the owner makes there later, a migration's tables above all.
    format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO'
           ' gonogo_validate', :'owner', nspname),
    format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON SEQUENCES TO'
           ' gonogo_validate', :'owner', nspname)
FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
\gexec

-- ... and writes rows of its own into the tables of the migration, where they are there already.
SELECT format('GRANT INSERT, UPDATE, DELETE ON %s TO gonogo_validate', relation)
FROM unnest(ARRAY[
    'config_versions', 'atp_scope_master', 'vendor_master', 'approval_role_master',
    'approval_policy_master', 'approval_policy_stages', 'cluster_master',
    'cluster_approver_master', 'workflow_instances', 'workflow_stages', 'approver_overrides',
    'atp_submissions', 'atp_submission_documents', 'punchlists', 'punchlist_items',
    'workflow_stage_actions'
]) AS name, to_regclass('public.' || name) AS relation
WHERE relation IS NOT NULL
\gexec
-- A workspace of its own is copied, and removed with everything in it.
GRANT INSERT, DELETE ON public.workspaces TO gonogo_validate;

-- gonogo_deploy: what it makes belongs to the owner, as if the owner had made it.
GRANT :"owner" TO gonogo_deploy;
SELECT format('ALTER ROLE gonogo_deploy IN DATABASE %I SET role = %L', current_database(), :'owner')
\gexec

COMMIT;
