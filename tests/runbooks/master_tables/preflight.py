"""Section 0: what preflight finds, and the trial deletion."""

from __future__ import annotations

from tests.runbooks.master_tables.records import BYSTANDER, Green, Red

# The generator itself, in pg_catalog: an extension's function of that name does not matter.
SAME_UUID = """
CREATE OR REPLACE FUNCTION pg_catalog.gen_random_uuid() RETURNS uuid LANGUAGE sql
    AS $$ SELECT '11111111-1111-4111-8111-111111111111'::uuid $$
"""

# As it would be on a server that is too old: no generator, and no right to create one.
NO_GENERATOR = """
DROP EXTENSION pgcrypto;
ALTER FUNCTION pg_catalog.gen_random_uuid() RENAME TO random_uuid;
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM PUBLIC, apms_sandbox', current_database());
END $$
"""

GUARD_DROPPED = "DROP TRIGGER config_versions_active_guard ON public.config_versions"

REDS = [
    Red(
        "0.1.1",
        "generator always gives the same uuid",
        admin=SAME_UUID,
        words="1 different uuids",
    ),
    Red(
        "0.1.1",
        "login may not use the generator",
        admin="REVOKE EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() FROM PUBLIC",
        words="permission denied for function gen_random_uuid",
    ),
    Red(
        "0.1.2",
        "neither there nor possible",
        admin=NO_GENERATOR,
        words="the login has no CREATE on the database",
    ),
    Red(
        "0.1.2",
        "wanted by the inventory and not there",
        admin="DROP EXTENSION pgcrypto",
        parameters={"strict_pgcrypto": True},
        words="not installed",
    ),
    Red(
        "0.2",
        "status column has an unknown name",
        "ALTER TABLE public.workflow_stages RENAME COLUMN status TO state",
        words="workflow_stages has none of status, stage_status",
    ),
    Red(
        "0.2",
        "status column has an upper-case letter",
        'ALTER TABLE public.config_versions RENAME COLUMN status TO "Status"',
        words="config_versions has none of status, import_status",
    ),
    Red(
        "0.2",
        "two status columns",
        "ALTER TABLE public.workflow_instances ADD COLUMN workflow_status text",
        words="workflow_instances has status and workflow_status",
    ),
    Red(
        "0.3",
        "workspace is not there",
        "UPDATE public.workspaces SET code = 'XLSMART' WHERE code = 'XLSMART-AVIAT'",
        words="0 found",
    ),
    Red(
        "0.3",
        "two workspaces with the code",
        """
        DROP INDEX public.workspaces_code_key;
        UPDATE public.workspaces SET code = 'XLSMART-AVIAT' WHERE code = 'H3I-ERICS'
        """,
        words="2 found",
    ),
    Red(
        "0.4",
        "all but one are suspended",
        "UPDATE public.users SET status = 'SUSPENDED' WHERE id <> 'admin-001'",
        words="1 of 48 users",
    ),
    Red(
        "0.4",
        "all but one are switched off by the other column",
        """UPDATE public.users SET "isActive" = false WHERE id <> 'admin-001'""",
        words="1 of 48 users",
    ),
    Red(
        "0.4",
        "no status column",
        "ALTER TABLE public.users DROP COLUMN status",
        words="0 of 48 users",
        status="inconclusive",
        why="without the column nobody is known to be usable, and nobody known not to be",
    ),
    Red("0.5", "key dropped", "DROP INDEX public.workspaces_code_key", words="none"),
    Red(
        "0.5",
        "key for some rows only",
        """
        DROP INDEX public.workspaces_code_key;
        CREATE UNIQUE INDEX workspaces_code_key ON public.workspaces (code) WHERE is_active
        """,
        words="none",
    ),
    Red(
        "0.5",
        "key with another column",
        """
        DROP INDEX public.workspaces_code_key;
        CREATE UNIQUE INDEX workspaces_code_key ON public.workspaces (code, name)
        """,
        words="none",
    ),
    # ON CONFLICT (code) cannot use it.
    Red(
        "0.5",
        "key is deferrable",
        """
        DROP INDEX public.workspaces_code_key;
        ALTER TABLE public.workspaces ADD CONSTRAINT workspaces_code_key UNIQUE (code) DEFERRABLE
        """,
        words="none",
    ),
    Red(
        "0.6",
        "tables are nowhere to be found",
        admin="ALTER SCHEMA public RENAME TO apms",
        words="no foreign key",
        status="inconclusive",
        why="no delete rule is wrong in itself; only where there is no table, none is known",
    ),
    Red(
        "0.7",
        "a reference has another type",
        """
        ALTER TABLE public.atp_submissions
            DROP CONSTRAINT fk_atp_submissions_config_version,
            ALTER COLUMN config_version_id TYPE uuid USING config_version_id::uuid
        """,
        words="atp_submissions.config_version_id is uuid",
    ),
    Red(
        "0.7",
        "the key is missing",
        "ALTER TABLE public.config_versions DROP COLUMN id CASCADE",
        words="cluster_master.config_version_id is text",
        status="inconclusive",
        why="without the key there is no type to compare with",
    ),
    Red("0.8", "guard dropped", GUARD_DROPPED, words="accepted, 1 row"),
    Red(
        "0.8",
        "guard disabled",
        "ALTER TABLE public.config_versions DISABLE TRIGGER config_versions_active_guard",
        words="accepted, 1 row",
    ),
    Red(
        "0.8",
        "guard looks for another word",
        f"""
        {GUARD_DROPPED};
        CREATE TRIGGER config_versions_active_guard BEFORE DELETE ON public.config_versions
            FOR EACH ROW WHEN (OLD.status = 'active')
            EXECUTE FUNCTION public.config_versions_active_guard()
        """,
        words="accepted, 1 row",
    ),
    Red(
        "0.8",
        "guard swallows the deletion",
        """
        CREATE OR REPLACE FUNCTION public.config_versions_active_guard() RETURNS trigger
            LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$
        """,
        words="accepted, 0 row",
        status="inconclusive",
        why="the row is still there, but nobody refused anything",
    ),
    Red(
        "0.8",
        "no version can be made",
        "ALTER TABLE public.config_versions ADD COLUMN reviewer text NOT NULL DEFAULT '';"
        "ALTER TABLE public.config_versions ALTER COLUMN reviewer DROP DEFAULT",
        words="no ACTIVE version can be made: refused with 23502",
        status="inconclusive",
        why="there is nothing whose deletion could be tried",
    ),
    Red(
        "0.9",
        "a privilege is missing on a table of the migration",
        "REVOKE INSERT ON public.punchlists FROM apms_sandbox",
        words="punchlists no INSERT",
    ),
    Red(
        "0.9",
        "a privilege is missing on an older table",
        "REVOKE DELETE ON public.workspaces FROM apms_sandbox",
        words="workspaces no DELETE",
    ),
    Red(
        "0.9",
        "policies apply to the owner too",
        """
        ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY;
        ALTER TABLE public.punchlists FORCE ROW LEVEL SECURITY
        """,
        words="punchlists row-level security applies to the login",
    ),
    Red(
        "0.9",
        "schema may not be used",
        admin="REVOKE ALL ON SCHEMA public FROM PUBLIC, pg_database_owner, apms_sandbox",
        words="schema public no USAGE",
    ),
    Red(
        "0.9",
        "no temporary tables",
        """
        DO $$
        BEGIN
            EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, apms_sandbox',
                           current_database());
        END $$
        """,
        words="database no TEMPORARY",
    ),
]

GREENS = [
    Green("0.1.1", "pgcrypto absent", admin="DROP EXTENSION pgcrypto"),
    Green(
        "0.1.1",
        "another function of that name",
        """
        CREATE SCHEMA tools;
        CREATE FUNCTION tools.gen_random_uuid() RETURNS uuid LANGUAGE sql
            AS $$ SELECT '11111111-1111-4111-8111-111111111111'::uuid $$
        """,
    ),
    Green("0.1.2", "absent where the server has the generator", admin="DROP EXTENSION pgcrypto"),
    Green(
        "0.1.2",
        "in another schema",
        admin="CREATE SCHEMA extensions; ALTER EXTENSION pgcrypto SET SCHEMA extensions",
        parameters={"strict_pgcrypto": True},
    ),
    Green(
        "0.2",
        "each column under its other name",
        """
        ALTER TABLE public.config_versions RENAME COLUMN status TO import_status;
        ALTER TABLE public.workflow_instances RENAME COLUMN status TO workflow_status;
        ALTER TABLE public.workflow_instances RENAME COLUMN current_stage_number TO current_stage;
        ALTER TABLE public.workflow_stages RENAME COLUMN status TO stage_status
        """,
    ),
    Green(
        "0.3",
        "more workspaces, and ours is retired",
        """
        UPDATE public.workspaces SET is_active = false, name = 'Other' WHERE code = 'XLSMART-AVIAT';
        INSERT INTO public.workspaces (code, name, customer_group_id, vendor_owner_id)
        VALUES ('xlsmart-aviat', 'Lower case', 'c', 'v'), ('XLSMART-AVIAT-2', 'Second', 'c', 'v')
        """,
    ),
    Green(
        "0.3",
        "another workspace is asked for",
        parameters={"workspace_code": "TSEL-NOKIA"},
    ),
    Green(
        "0.4",
        "only one of the two columns for active",
        'ALTER TABLE public.users DROP COLUMN "isActive"',
    ),
    Green(
        "0.4",
        "just enough",
        "UPDATE public.users SET status = 'INACTIVE' WHERE id NOT IN ('admin-001', 'admin-002')",
    ),
    Green(
        "0.5",
        "a constraint of another name instead of an index",
        """
        DROP INDEX public.workspaces_code_key;
        ALTER TABLE public.workspaces ADD CONSTRAINT one_code UNIQUE (code)
        """,
    ),
    Green(
        "0.6",
        "one foreign key has another name and another rule",
        """
        ALTER TABLE public.punchlists
            DROP CONSTRAINT fk_punchlists_workflow_stage,
            ADD CONSTRAINT other FOREIGN KEY (workflow_stage_id)
                REFERENCES public.workflow_stages (id) ON DELETE SET NULL
        """,
    ),
    Green("0.6", "hardly any foreign key", profile="as_deployed"),
    Green(
        "0.7",
        "varchar without a length",
        """
        ALTER TABLE public.atp_submissions ALTER COLUMN config_version_id TYPE character varying;
        ALTER TABLE public.cluster_master ALTER COLUMN config_version_id TYPE character varying
        """,
    ),
    # The other checks then say that it is missing.
    Green(
        "0.7",
        "a reference is missing",
        "ALTER TABLE public.cluster_master DROP COLUMN config_version_id CASCADE",
    ),
    Green(
        "0.8",
        "another guard that raises in its own way",
        f"""
        {GUARD_DROPPED};
        CREATE FUNCTION public.keep_active() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'keep it'; END $$;
        CREATE TRIGGER keep_active BEFORE DELETE ON public.config_versions
            FOR EACH ROW WHEN (OLD.status = 'ACTIVE') EXECUTE FUNCTION public.keep_active()
        """,
    ),
    Green(
        "0.9",
        "another role owns the tables",
        admin=f"""
        ALTER TABLE public.punchlists OWNER TO {BYSTANDER};
        ALTER TABLE public.config_versions OWNER TO {BYSTANDER};
        ALTER TABLE public.workspaces OWNER TO {BYSTANDER};
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON public.punchlists, public.config_versions, public.workspaces TO apms_sandbox
        """,
    ),
    Green(
        "0.9",
        "policies that spare the owner",
        """
        ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON public.punchlists USING (issued_by = current_user)
        """,
    ),
]
