"""C1 and C2: the objects of the migration, compared by meaning."""

from __future__ import annotations

from tests.runbooks.master_tables.preflight import SAME_UUID
from tests.runbooks.master_tables.records import BYSTANDER, GROUP, Green, Red, superuser

NOTHING = """
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NEW; END $$;
"""


def _login_starts_with(setting: str) -> str:
    return f"""
    DO $$
    BEGIN
        EXECUTE format('ALTER ROLE apms_app IN DATABASE %I SET {setting}', current_database());
    END $$
    """


def _check(table: str, name: str, condition: str) -> str:
    return f"""
    ALTER TABLE public.{table} DROP CONSTRAINT {name};
    ALTER TABLE public.{table} ADD CONSTRAINT {name} CHECK ({condition})
    """


def _key(table: str, name: str, definition: str) -> str:
    return f"""
    ALTER TABLE public.{table}
        DROP CONSTRAINT {name},
        ADD CONSTRAINT {name} FOREIGN KEY {definition}
    """


def _one_active(definition: str) -> str:
    return f"""
    DROP INDEX public.ux_config_versions_one_active_per_workspace;
    CREATE {definition}
    """


_ACTIONS = "ON DELETE RESTRICT ON UPDATE CASCADE"
_ACTIVE = "UNIQUE INDEX ux_config_versions_one_active_per_workspace ON public.config_versions"

TABLES = [
    Red(
        "C1.1",
        "generator always gives the same uuid",
        admin=SAME_UUID,
        between=True,
        words="1 different uuids",
    ),
    Red(
        "C1.2",
        "a table is missing",
        "DROP TABLE public.workflow_stage_actions",
        words="workflow_stage_actions is missing",
    ),
    Red(
        "C1.2",
        "a table is in another schema",
        """
        CREATE SCHEMA apms;
        ALTER TABLE public.workflow_stage_actions SET SCHEMA apms
        """,
        words="workflow_stage_actions is missing, but there is apms.workflow_stage_actions",
    ),
    Red(
        "C1.2",
        "a table has nearly the name",
        'ALTER TABLE public.workflow_stage_actions RENAME TO "Workflow_Stage_Actions"',
        words='workflow_stage_actions is missing, but there is public."Workflow_Stage_Actions"',
    ),
    Red(
        "C1.2",
        "a view in the place of a table",
        """
        ALTER TABLE public.workflow_stage_actions RENAME TO actions;
        CREATE VIEW public.workflow_stage_actions AS SELECT * FROM public.actions
        """,
        words="workflow_stage_actions is a view",
    ),
    Red(
        "C1.2",
        "a table is empty after a crash",
        "ALTER TABLE public.workflow_stage_actions SET UNLOGGED",
        words="workflow_stage_actions is unlogged",
    ),
    # "$user" comes first on the search path: the application would write into it.
    Red(
        "C1.2",
        "another table comes first for the application",
        admin="CREATE SCHEMA apms_app; CREATE TABLE apms_app.punchlists (id text)",
        words="punchlists stands behind apms_app.punchlists",
    ),
    Red(
        "C1.2",
        "another table comes first by a setting",
        admin="CREATE SCHEMA archive; CREATE TABLE archive.punchlists (id text);"
        + _login_starts_with("search_path = archive, public"),
        words="punchlists stands behind archive.punchlists",
    ),
    Red(
        "C1.2",
        "the search path does not lead to the tables",
        admin=_login_starts_with("search_path = archive"),
        words="login apms_app starts with search_path = archive, where schema public is not",
    ),
]

FOREIGN_KEYS = [
    Red(
        "C1.3",
        "a key is missing",
        "ALTER TABLE public.punchlists DROP CONSTRAINT fk_punchlists_workflow_stage",
        words="punchlists.workflow_stage_id has no foreign key to workflow_stages",
    ),
    Red(
        "C1.3",
        "deleting cascades",
        _key(
            "workflow_instances",
            "fk_workflow_instances_config_version",
            "(config_version_id) REFERENCES public.config_versions (id)"
            " ON DELETE CASCADE ON UPDATE CASCADE",
        ),
        words="workflow_instances.config_version_id (fk_workflow_instances_config_version)"
        " is ON DELETE CASCADE, not RESTRICT",
    ),
    Red(
        "C1.3",
        "deleting does nothing instead of cascading",
        _key(
            "punchlist_items",
            "fk_punchlist_items_punchlist",
            "(punchlist_id) REFERENCES public.punchlists (id) ON UPDATE CASCADE",
        ),
        words="is ON DELETE NO ACTION, not CASCADE",
    ),
    Red(
        "C1.3",
        "updating does not cascade",
        _key(
            "punchlist_items",
            "fk_punchlist_items_punchlist",
            "(punchlist_id) REFERENCES public.punchlists (id) ON DELETE CASCADE",
        ),
        words="is ON UPDATE NO ACTION, not CASCADE",
    ),
    Red(
        "C1.3",
        "a key is not validated",
        _key(
            "punchlists",
            "fk_punchlists_workflow_stage",
            f"(workflow_stage_id) REFERENCES public.workflow_stages (id) {_ACTIONS} NOT VALID",
        ),
        words="punchlists.workflow_stage_id (fk_punchlists_workflow_stage) is NOT VALID",
    ),
    Red(
        "C1.3",
        "a key is checked at the end only",
        _key(
            "punchlists",
            "fk_punchlists_workflow_stage",
            f"(workflow_stage_id) REFERENCES public.workflow_stages (id) {_ACTIONS} DEFERRABLE",
        ),
        words="is DEFERRABLE",
    ),
    Red(
        "C1.3",
        "the triggers behind the keys are disabled",
        admin="ALTER TABLE public.punchlist_items DISABLE TRIGGER ALL",
        words="punchlist_items.punchlist_id (fk_punchlist_items_punchlist) has disabled triggers",
    ),
    Red(
        "C1.3",
        "a key leads to another table",
        _key(
            "approver_overrides",
            "fk_approver_overrides_cluster",
            f"(cluster_id) REFERENCES public.vendor_master (id) {_ACTIONS} NOT VALID",
        ),
        words="approver_overrides.cluster_id has no foreign key to cluster_master",
    ),
    Red(
        "C1.3",
        "a key leads to a table of that name elsewhere",
        "CREATE SCHEMA archive; CREATE TABLE archive.users (id text PRIMARY KEY);"
        + _key(
            "approver_overrides",
            "fk_approver_overrides_from_user",
            f"(from_user_id) REFERENCES archive.users (id) {_ACTIONS} NOT VALID",
        ),
        words="approver_overrides.from_user_id has no foreign key to users",
    ),
    Red(
        "C1.3",
        "a key nobody asked for",
        "ALTER TABLE public.punchlists ADD CONSTRAINT issuer"
        " FOREIGN KEY (issued_by) REFERENCES public.users (id) NOT VALID",
        words="punchlists.issued_by has an unexpected foreign key issuer to public.users",
    ),
    # The triggers behind a foreign key read both tables as their owners.
    Red(
        "C1.3",
        "an owner who may not use the schema",
        admin=f"""
        ALTER TABLE public.cluster_master OWNER TO {BYSTANDER};
        GRANT ALL ON public.cluster_master TO apms_sandbox;
        GRANT USAGE ON SCHEMA public TO apms_sandbox, apms_app;
        REVOKE ALL ON SCHEMA public FROM PUBLIC
        """,
        words=f"public.cluster_master belongs to {BYSTANDER}, who may not use the schema",
    ),
]

CHECKS = [
    Red(
        "C1.4",
        "a CHECK is missing",
        "ALTER TABLE public.vendor_master DROP CONSTRAINT ck_vendor_master_vendor_type",
        words="vendor_master.vendor_type has no CHECK",
    ),
    Red(
        "C1.4",
        "a value is missing",
        _check(
            "atp_scope_master",
            "ck_atp_scope_master_scope_group",
            "scope_group IN ('MICROWAVE', 'RAN', 'PLN')",
        ),
        words="atp_scope_master.scope_group refuses 'CME'",
    ),
    Red(
        "C1.4",
        "a value too many",
        _check(
            "atp_scope_master",
            "ck_atp_scope_master_scope_group",
            "scope_group IN ('MICROWAVE', 'RAN', 'CME', 'PLN', 'FIBRE')",
        ),
        words="atp_scope_master.scope_group accepts 'FIBRE'",
    ),
    Red(
        "C1.4",
        "capitals do not matter",
        _check(
            "punchlists",
            "ck_punchlists_status",
            "upper(status) IN ('OPEN', 'IN_PROGRESS', 'CLEARED')",
        ),
        words="punchlists.status accepts",
    ),
    Red(
        "C1.4",
        "a pattern instead of a list",
        _check("punchlists", "ck_punchlists_status", "status ~ '^(OPEN|IN_PROGRESS|CLEARED)'"),
        words="punchlists.status accepts",
    ),
    # The column may be empty, and a CHECK that says nothing to null lets it be.
    Red(
        "C1.4",
        "empty is refused",
        _check(
            "config_versions",
            "ck_config_versions_validation_status",
            "coalesce(validation_status, '') IN ('PENDING', 'VALID', 'INVALID', 'WARNINGS')",
        ),
        words="config_versions.validation_status refuses NULL",
    ),
    Red(
        "C1.4",
        "the limit is off by one",
        _check(
            "approval_policy_stages",
            "ck_approval_policy_stages_sequence_order",
            "sequence_order >= 0",
        ),
        words='approval_policy_stages.sequence_order accepts {"sequence_order": 0}',
    ),
    Red(
        "C1.4",
        "evidence is wanted in one state only",
        _check(
            "punchlist_items",
            "ck_punchlist_items_evidence",
            "status <> 'CLEARED' OR evidence_doc_id IS NOT NULL",
        ),
        words='"status": "RECTIFIED"',
    ),
    Red(
        "C1.4",
        "a CHECK is not validated",
        """
        ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;
        ALTER TABLE public.punchlists ADD CONSTRAINT ck_punchlists_status
            CHECK (status IN ('OPEN', 'IN_PROGRESS', 'CLEARED')) NOT VALID
        """,
        words="punchlists.ck_punchlists_status is NOT VALID",
    ),
    Red(
        "C1.4",
        "a value too many, in a function",
        """
        CREATE FUNCTION public.is_group(word text) RETURNS boolean IMMUTABLE LANGUAGE sql
            AS $$ SELECT word IN ('MICROWAVE', 'RAN', 'CME', 'PLN', 'FIBRE') $$;
        """
        + _check(
            "atp_scope_master", "ck_atp_scope_master_scope_group", "public.is_group(scope_group)"
        ),
        words="atp_scope_master.scope_group accepts 'FIBRE'",
    ),
    Red(
        "C1.4",
        "a row breaks a CHECK that says it is valid",
        admin="""
        ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;
        UPDATE public.punchlists SET status = 'LOST'
        WHERE id = (SELECT min(id) FROM public.punchlists);
        ALTER TABLE public.punchlists ADD CONSTRAINT ck_punchlists_status
            CHECK (status IN ('OPEN', 'IN_PROGRESS', 'CLEARED')) NOT VALID;
        UPDATE pg_constraint SET convalidated = true WHERE conname = 'ck_punchlists_status'
        """,
        words="punchlists.ck_punchlists_status is broken by 1 row(s)",
    ),
    Red(
        "C1.4",
        "a second CHECK narrows the list",
        "ALTER TABLE public.atp_scope_master ADD CONSTRAINT narrow CHECK (scope_group <> 'CME')",
        words="atp_scope_master.scope_group refuses 'CME'",
    ),
    Red(
        "C1.4",
        "a CHECK nobody asked for",
        "ALTER TABLE public.config_versions ADD CONSTRAINT short_notes CHECK (length(notes) < 500)",
        words="config_versions.short_notes is an unexpected CHECK",
    ),
    # The application does not know the column and leaves it empty.
    Red(
        "C1.4",
        "a CHECK demands an unknown column",
        """
        ALTER TABLE public.config_versions ADD COLUMN reviewer text;
        ALTER TABLE public.config_versions
            ADD CONSTRAINT reviewed CHECK (reviewer IS NOT NULL) NOT VALID
        """,
        words="config_versions.reviewed refuses rows without reviewer",
    ),
]

ONE_ACTIVE = [
    Red(
        "C1.5",
        "the index is missing",
        "DROP INDEX public.ux_config_versions_one_active_per_workspace",
        words="has no such index",
    ),
    Red(
        "C1.5",
        "the index is not unique",
        _one_active(
            _ACTIVE.removeprefix("UNIQUE ") + " (workspace_id, source_type) WHERE status = 'ACTIVE'"
        ),
        words="is not unique",
    ),
    Red(
        "C1.5",
        "the condition has another spelling",
        _one_active(_ACTIVE + " (workspace_id, source_type) WHERE status = 'active'"),
        words="its condition leaves out 'ACTIVE' and takes in 'active'",
    ),
    Red(
        "C1.5",
        "the condition is turned round",
        _one_active(
            _ACTIVE + " (workspace_id, source_type, version_number) WHERE status <> 'ACTIVE'"
        ),
        words="is on (workspace_id, source_type, version_number)",
    ),
    Red(
        "C1.5",
        "the condition asks for more",
        _one_active(
            _ACTIVE + " (workspace_id, source_type) WHERE status = 'ACTIVE' AND NOT is_rollback"
        ),
        words="its condition depends on is_rollback",
    ),
    Red(
        "C1.5",
        "the condition takes in another state",
        _one_active(
            _ACTIVE + " (workspace_id, source_type) WHERE status IN ('ACTIVE', 'SUSPENDED')"
        ),
        words="its condition takes in 'SUSPENDED'",
    ),
    # One ACTIVE per workspace, whatever the source type: that is what the name says.
    Red(
        "C1.5",
        "a column is missing",
        "UPDATE public.config_versions SET status = 'ARCHIVED' WHERE source_type <> 'SCOPE_CONFIG';"
        + _one_active(_ACTIVE + " (workspace_id) WHERE status = 'ACTIVE'"),
        words="is on (workspace_id), not (workspace_id, source_type)",
    ),
    Red(
        "C1.5",
        "an interrupted build left it invalid",
        admin="""
        UPDATE pg_index SET indisvalid = false
        WHERE indexrelid = 'public.ux_config_versions_one_active_per_workspace'::regclass
        """,
        words="is invalid",
    ),
]

# No foreign key is trusted here: a restore or a replication goes past them.
ORPHANS = [
    Red(
        "C1.6",
        "a stage's approver does not exist",
        admin=superuser("""
        UPDATE public.workflow_stages SET approver_user_id = 'nobody'
        WHERE id = (SELECT min(id) FROM public.workflow_stages WHERE approver_user_id IS NOT NULL)
        """),
        words="workflow_stages.approver_user_id 1 of ",
    ),
    Red(
        "C1.6",
        "a workspace is gone",
        admin=superuser("DELETE FROM public.workspaces WHERE code = 'H3I-ERICS'"),
        words="config_versions.workspace_id 9 of 36 not in workspaces",
    ),
    Red(
        "C1.6",
        "a version is gone",
        admin=superuser("""
        DELETE FROM public.config_versions WHERE id = (
            SELECT config_version_id FROM public.workflow_instances ORDER BY id LIMIT 1)
        """),
        words="not in config_versions",
    ),
    Red(
        "C1.6",
        "no foreign key to find them by",
        "UPDATE public.punchlist_items SET punchlist_id = 'none'",
        profile="as_deployed",
        words="punchlist_items.punchlist_id ",
    ),
]

COLUMNS = [
    Red(
        "C1.7",
        "a column is missing",
        "ALTER TABLE public.cluster_master DROP COLUMN m_sequence",
        words="cluster_master.m_sequence is missing",
    ),
    Red(
        "C1.7",
        "a column has nearly the name",
        'ALTER TABLE public.cluster_master RENAME COLUMN region_code TO "regionCode"',
        words="cluster_master.region_code is missing, but there is regionCode",
    ),
    Red(
        "C1.7",
        "a column is shorter",
        "ALTER TABLE public.cluster_master ALTER COLUMN cluster_code TYPE varchar(60)",
        words="cluster_master.cluster_code is character varying(60), not character varying(120)",
    ),
    Red(
        "C1.7",
        "a time has a zone",
        "ALTER TABLE public.workflow_stages ALTER COLUMN sla_breached_at TYPE timestamptz",
        words="workflow_stages.sla_breached_at is timestamp with time zone",
    ),
    Red(
        "C1.7",
        "a time without fractions",
        "ALTER TABLE public.workflow_stages ALTER COLUMN sla_breached_at TYPE timestamp(0)",
        words="workflow_stages.sla_breached_at is timestamp(0) without time zone",
    ),
    Red(
        "C1.7",
        "a date is text",
        "ALTER TABLE public.config_versions ALTER COLUMN expire_date TYPE text",
        words="config_versions.expire_date is text, not date",
    ),
    Red(
        "C1.7",
        "may be empty",
        "ALTER TABLE public.config_versions ALTER COLUMN source_file_name DROP NOT NULL",
        words="config_versions.source_file_name is nullable",
    ),
    # Between the two stands a CHECK, which is not the same to a query planner or a migration.
    Red(
        "C1.7",
        "a CHECK in the place of NOT NULL",
        """
        ALTER TABLE public.config_versions ALTER COLUMN source_file_name DROP NOT NULL;
        ALTER TABLE public.config_versions ADD CHECK (source_file_name IS NOT NULL)
        """,
        words="config_versions.source_file_name is nullable",
    ),
    Red(
        "C1.7",
        "may not be empty",
        """
        UPDATE public.punchlists SET notes = '';
        ALTER TABLE public.punchlists ALTER COLUMN notes SET NOT NULL
        """,
        words="punchlists.notes is NOT NULL",
    ),
    Red(
        "C1.7",
        "a mandatory column nobody knows",
        "ALTER TABLE public.punchlist_items ADD COLUMN severity text NOT NULL DEFAULT 'LOW';"
        "ALTER TABLE public.punchlist_items ALTER COLUMN severity DROP DEFAULT",
        words="punchlist_items.severity is unexpected, mandatory and has no default",
    ),
    Red(
        "C1.7",
        "a default is missing",
        "ALTER TABLE public.approver_overrides ALTER COLUMN approval_status DROP DEFAULT",
        words="approver_overrides.approval_status has no default, wanted PENDING",
    ),
    Red(
        "C1.7",
        "a default has another value",
        "ALTER TABLE public.approver_overrides ALTER COLUMN approval_status SET DEFAULT 'APPROVED'",
        words="approver_overrides.approval_status has the default 'APPROVED'",
    ),
    Red(
        "C1.7",
        "a default means another time",
        "ALTER TABLE public.punchlists ALTER COLUMN issued_at SET DEFAULT '2026-01-01'",
        words="punchlists.issued_at has the default",
    ),
    Red(
        "C1.7",
        "a default nobody asked for",
        "ALTER TABLE public.workflow_stages ALTER COLUMN decided_by SET DEFAULT 'admin-001'",
        words="workflow_stages.decided_by has the default 'admin-001'",
    ),
    Red(
        "C1.7",
        "an id comes from another generator",
        """
        CREATE FUNCTION public.gen_random_uuid_v1() RETURNS uuid LANGUAGE sql
            AS $$ SELECT gen_random_uuid() $$;
        ALTER TABLE public.punchlists ALTER COLUMN id
            SET DEFAULT public.gen_random_uuid_v1()::text
        """,
        words="punchlists.id has the default",
    ),
    Red(
        "C1.7",
        "a column is computed",
        """
        ALTER TABLE public.cluster_master DROP COLUMN m_sequence;
        ALTER TABLE public.cluster_master
            ADD COLUMN m_sequence varchar(10) GENERATED ALWAYS AS (left(cluster_code, 2)) STORED
        """,
        words="cluster_master.m_sequence is generated",
    ),
    Red(
        "C1.7",
        "a column is sorted otherwise",
        'ALTER TABLE public.vendor_master ALTER COLUMN vendor_name TYPE varchar(150) COLLATE "C"',
        words="vendor_master.vendor_name has a collation of its own",
    ),
]

_LOOSER = {
    "by a wildcard": "status IN ('IN_PROGRESS', 'CLEARED') OR status LIKE 'OPE_'",
    "by a pattern without ends": "status ~ 'OPEN|IN_PROGRESS|CLEARED'",
    "by a pattern that ends at a line": "status ~ '(?n)^(OPEN|IN_PROGRESS|CLEARED)$'",
    "without blanks around it": "btrim(status) IN ('OPEN', 'IN_PROGRESS', 'CLEARED')",
    "as a part of a text": "'OPEN,IN_PROGRESS,CLEARED' LIKE '%' || status || '%'",
}
_DEPENDENT = {
    "by a setting": "current_setting('apms.maintenance', true) = 'on'",
    "by a login": "current_user = 'apms_import'",
    "by chance": "random() > 0.9999",
}


def _punchlists(condition: str) -> str:
    return (
        "ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;"
        f"ALTER TABLE public.punchlists ADD CHECK ({condition})"
    )


LOOSER = [
    *(
        Red(
            "C1.4",
            f"more than the list {words}",
            _punchlists(condition),
            words="punchlists.status accepts '",
        )
        for words, condition in _LOOSER.items()
    ),
    *(
        Red(
            "C1.4",
            f"more than the list {words}",
            _punchlists(f"status IN ('OPEN', 'IN_PROGRESS', 'CLEARED') OR {condition}"),
            words="depends on more than the row: ",
        )
        for words, condition in _DEPENDENT.items()
    ),
    Red(
        "C1.4",
        "more than the list where a column that nobody knows says so",
        """
        ALTER TABLE public.punchlists ADD COLUMN legacy boolean;
        """
        + _punchlists("status IN ('OPEN', 'IN_PROGRESS', 'CLEARED') OR coalesce(legacy, false)"),
        words="punchlists.status accepts '",
    ),
]

REFUSING = [
    Red(
        "C1.8",
        "one DRAFT a source type",
        """
        CREATE UNIQUE INDEX one_draft ON public.config_versions (workspace_id, source_type)
            WHERE status = 'DRAFT'
        """,
        words="config_versions (workspace_id, source_type) has an unexpected unique key one_draft",
    ),
    Red(
        "C1.8",
        "a key with a column that is the same in every row",
        """
        ALTER TABLE public.punchlists ADD COLUMN slot integer NOT NULL DEFAULT 0;
        CREATE UNIQUE INDEX one_list ON public.punchlists (workflow_stage_id, slot)
        """,
        words="punchlists (workflow_stage_id, slot) has an unexpected unique key one_list",
    ),
]

KEYS = [
    Red(
        "C1.8",
        "a primary key is missing",
        "ALTER TABLE public.punchlist_items DROP CONSTRAINT punchlist_items_pkey",
        words="punchlist_items (id) has no primary key on these columns",
    ),
    Red(
        "C1.8",
        "a unique key in its place",
        """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT punchlist_items_pkey;
        ALTER TABLE public.punchlist_items ADD CONSTRAINT punchlist_items_pkey UNIQUE (id)
        """,
        words="punchlist_items (id) punchlist_items_pkey is no primary key",
    ),
    Red(
        "C1.8",
        "a primary key with another column",
        """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT punchlist_items_pkey;
        ALTER TABLE public.punchlist_items ADD CONSTRAINT punchlist_items_pkey
            PRIMARY KEY (id, punchlist_id)
        """,
        words="punchlist_items (id) has no primary key on these columns",
    ),
    Red(
        "C1.8",
        "a primary key that is checked later",
        """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT punchlist_items_pkey;
        ALTER TABLE public.punchlist_items ADD CONSTRAINT punchlist_items_pkey
            PRIMARY KEY (id) DEFERRABLE
        """,
        words="punchlist_items_pkey is DEFERRABLE",
    ),
    Red(
        "C1.8",
        "a unique key is missing",
        "DROP INDEX public.vendor_master_unique",
        words="vendor_master (workspace_id, vendor_code, config_version_id) has no unique key",
    ),
    Red(
        "C1.8",
        "an index that is not unique",
        """
        DROP INDEX public.vendor_master_unique;
        CREATE INDEX vendor_master_unique
            ON public.vendor_master (workspace_id, vendor_code, config_version_id)
        """,
        words="vendor_master (workspace_id, vendor_code, config_version_id) has no unique key",
    ),
    Red(
        "C1.8",
        "a unique key for some rows only",
        """
        DROP INDEX public.vendor_master_unique;
        CREATE UNIQUE INDEX vendor_master_unique
            ON public.vendor_master (workspace_id, vendor_code, config_version_id) WHERE is_active
        """,
        words="vendor_master (workspace_id, vendor_code, config_version_id) has no unique key",
    ),
    Red(
        "C1.8",
        "a column too many: too weak",
        """
        DROP INDEX public.vendor_master_unique;
        CREATE UNIQUE INDEX vendor_master_unique
            ON public.vendor_master (workspace_id, vendor_code, config_version_id, vendor_name)
        """,
        words="vendor_master (workspace_id, vendor_code, config_version_id) has no unique key",
    ),
    Red(
        "C1.8",
        "empty counts as equal",
        """
        DROP INDEX public.workflow_stages_unique;
        CREATE UNIQUE INDEX workflow_stages_unique ON public.workflow_stages
            (workflow_instance_id, stage_number, approval_role_id, parallel_group)
            NULLS NOT DISTINCT
        """,
        words="workflow_stages_unique is NULLS NOT DISTINCT",
    ),
    # As a collation that has changed leaves it behind, or a careless change of the catalog.
    Red(
        "C1.8",
        "two rows alike in a key that says it is valid",
        admin=superuser("""
        UPDATE pg_index SET indisready = false, indisvalid = false
        WHERE indexrelid = 'public.vendor_master_unique'::regclass;
        INSERT INTO public.vendor_master
            (id, workspace_id, config_version_id, vendor_code, vendor_name, vendor_type)
        SELECT 'twice', workspace_id, config_version_id, vendor_code, vendor_name, vendor_type
        FROM public.vendor_master ORDER BY id LIMIT 1;
        UPDATE pg_index SET indisready = true, indisvalid = true
        WHERE indexrelid = 'public.vendor_master_unique'::regclass
        """),
        words="is the same in several rows, for 1 value(s)",
    ),
    Red(
        "C1.8",
        "a key that refuses legitimate rows",
        "CREATE UNIQUE INDEX one_code ON public.config_versions (source_checksum)",
        words="config_versions (source_checksum) has an unexpected unique key one_code",
    ),
]

TRIGGERS = [
    Red(
        "C1.9",
        "a trigger is missing",
        "DROP TRIGGER trg_punchlists_touch ON public.punchlists",
        words="punchlists.trg_punchlists_touch is missing",
    ),
    Red(
        "C1.9",
        "a trigger is disabled",
        "ALTER TABLE public.workflow_instances DISABLE TRIGGER workflow_instances_frozen_guard",
        words="workflow_instances.workflow_instances_frozen_guard is disabled",
    ),
    Red(
        "C1.9",
        "a trigger fires on a replica only",
        "ALTER TABLE public.punchlists ENABLE REPLICA TRIGGER trg_punchlists_touch",
        words="punchlists.trg_punchlists_touch fires on a replica only",
    ),
    Red(
        "C1.9",
        "a trigger comes too late",
        """
        CREATE OR REPLACE TRIGGER trg_punchlists_touch AFTER UPDATE ON public.punchlists
            FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at()
        """,
        words="is not BEFORE UPDATE FOR EACH ROW",
    ),
    Red(
        "C1.9",
        "a trigger does not see every column",
        """
        CREATE OR REPLACE TRIGGER trg_punchlists_touch
            BEFORE UPDATE OF status ON public.punchlists
            FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at()
        """,
        words="fires for some columns only",
    ),
    Red(
        "C1.9",
        "a trigger has a condition",
        """
        CREATE OR REPLACE TRIGGER trg_punchlists_touch BEFORE UPDATE ON public.punchlists
            FOR EACH ROW WHEN (NEW.status = 'CLEARED')
            EXECUTE FUNCTION public.trg_touch_updated_at()
        """,
        words="fires under a condition only",
    ),
    Red(
        "C1.9",
        "a trigger calls another function",
        NOTHING
        + """
        CREATE OR REPLACE TRIGGER trg_punchlists_touch BEFORE UPDATE ON public.punchlists
            FOR EACH ROW EXECUTE FUNCTION public.nothing()
        """,
        words="punchlists.trg_punchlists_touch is missing",
    ),
    Red(
        "C1.9",
        "a function of that name in another schema",
        """
        CREATE SCHEMA tools;
        CREATE FUNCTION tools.trg_touch_updated_at() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER trg_punchlists_touch BEFORE UPDATE ON public.punchlists
            FOR EACH ROW EXECUTE FUNCTION tools.trg_touch_updated_at()
        """,
        words="punchlists.trg_punchlists_touch is missing",
    ),
    Red(
        "C1.9",
        "the application switches triggers off",
        admin=_login_starts_with("session_replication_role = replica"),
        words="login apms_app starts with session_replication_role replica",
    ),
    Red(
        "C1.9",
        "the whole database switches triggers off",
        admin="""
        DO $$
        BEGIN
            EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica',
                           current_database());
        END $$
        """,
        words="session has session_replication_role replica",
    ),
]

RIGHTS = [
    Red(
        "C1.10",
        "a right is missing",
        "REVOKE UPDATE ON public.punchlists FROM apms_app",
        words="punchlists apms_app has no UPDATE",
    ),
    Red(
        "C1.10",
        "schema may not be used",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC, apms_app",
        words="login apms_app has no USAGE on the schema",
    ),
    Red(
        "C1.10",
        "may not connect",
        """
        DO $$
        BEGIN
            EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
        END $$
        """,
        words="login apms_app has no CONNECT",
    ),
    Red(
        "C1.10",
        "there is no such login",
        parameters={"application_role": "apms_application"},
        words="login apms_application does not exist",
    ),
    Red(
        "C1.10",
        "a role that cannot log in",
        admin=f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {BYSTANDER}",
        parameters={"application_role": BYSTANDER},
        words=f"login {BYSTANDER} cannot log in",
    ),
    Red(
        "C1.10",
        "everybody has a right",
        "GRANT SELECT ON public.workflow_stages TO PUBLIC",
        words="workflow_stages PUBLIC has SELECT",
    ),
    Red(
        "C1.10",
        "everybody has a right on a column",
        "GRANT UPDATE (status) ON public.workflow_stages TO PUBLIC",
        words="workflow_stages PUBLIC has UPDATE",
    ),
    Red(
        "C1.10",
        "a setting makes another role of the login",
        admin=_login_starts_with(f"role = {BYSTANDER}"),
        words=f"approval_role_master {BYSTANDER} has no SELECT, INSERT, UPDATE, DELETE",
    ),
    Red(
        "C1.10",
        "the login can only read",
        admin=_login_starts_with("default_transaction_read_only = on"),
        words="login apms_app starts with default_transaction_read_only = on",
    ),
    Red(
        "C1.10",
        "the generator may not be used",
        admin="REVOKE EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() TO apms_sandbox",
        words="login apms_app may not execute gen_random_uuid()",
    ),
]

OTHERS = [
    Red(
        "C1.11",
        "a rule",
        "CREATE RULE keep AS ON DELETE TO public.punchlists DO INSTEAD NOTHING",
        words="punchlists has the rule keep",
    ),
    Red(
        "C1.11",
        "row-level security",
        """
        CREATE POLICY mine ON public.punchlists USING (issued_by = current_user);
        ALTER TABLE public.punchlists ENABLE ROW LEVEL SECURITY
        """,
        words="punchlists has row-level security with mine",
    ),
    Red(
        "C1.11",
        "a table inherits and brings its rows",
        "CREATE TABLE public.old_punchlists () INHERITS (public.punchlists)",
        words="punchlists is inherited by public.old_punchlists",
    ),
    Red(
        "C1.11",
        "a table is inherited from",
        """
        CREATE TABLE public.dated (created_at timestamp(6) NOT NULL);
        ALTER TABLE public.punchlists INHERIT public.dated
        """,
        words="punchlists inherits from public.dated",
    ),
    Red(
        "C1.11",
        "an exclusion constraint",
        """
        ALTER TABLE public.vendor_master ADD CONSTRAINT one_at_a_time
            EXCLUDE USING gist (daterange(effective_date, expiry_date) WITH &&)
            WHERE (vendor_code = 'none')
        """,
        words="vendor_master has the exclusion constraint one_at_a_time",
    ),
    Red(
        "C1.11",
        "an unknown trigger",
        NOTHING
        + """
        CREATE TRIGGER other BEFORE INSERT ON public.vendor_master
            FOR EACH ROW EXECUTE FUNCTION public.nothing()
        """,
        words="vendor_master has the trigger other, which calls public.nothing()",
    ),
    # Every UPDATE of a table without updated_at fails with it.
    Red(
        "C1.11",
        "a known function on the wrong table",
        """
        CREATE TRIGGER touch BEFORE UPDATE ON public.approver_overrides
            FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at()
        """,
        words="approver_overrides has the trigger touch",
    ),
    Red(
        "C1.12",
        "a workflow's site is not registered",
        """
        UPDATE public.workflow_instances SET site_id = 'NOWHERE'
        WHERE id = (SELECT min(id) FROM public.workflow_instances)
        """,
        words="workflow_instances.site_id 1 of 80 not in sites",
    ),
]

TYPES = [
    Red(
        "C2.A",
        "an id is a uuid",
        """
        ALTER TABLE public.punchlist_items ALTER COLUMN id DROP DEFAULT;
        ALTER TABLE public.punchlist_items ALTER COLUMN id TYPE uuid USING id::uuid;
        ALTER TABLE public.punchlist_items ALTER COLUMN id SET DEFAULT gen_random_uuid()
        """,
        words="punchlist_items.id is uuid, not text",
    ),
    # 0.7 asks the same before it: only a change in the middle of a run comes this far.
    Red(
        "C2.B",
        "a version is named by a uuid",
        """
        ALTER TABLE public.atp_submissions
            DROP CONSTRAINT fk_atp_submissions_config_version,
            ALTER COLUMN config_version_id TYPE uuid USING config_version_id::uuid
        """,
        between=True,
        words="atp_submissions.config_version_id is uuid, but config_versions.id is text",
    ),
    Red(
        "C2.C",
        "a workspace is named by text",
        """
        ALTER TABLE public.cluster_master
            DROP CONSTRAINT fk_cluster_master_workspace,
            ALTER COLUMN workspace_id TYPE text
        """,
        words="cluster_master.workspace_id is text, but workspaces.id is uuid",
    ),
    Red(
        "C2.D",
        "a user is named by a uuid",
        "ALTER TABLE public.punchlists ALTER COLUMN cleared_by TYPE uuid USING NULL",
        words="punchlists.cleared_by is uuid, but users.id is text",
    ),
    Red(
        "C2.D",
        "a user's name may be cut off",
        "ALTER TABLE public.workflow_stages ALTER COLUMN decided_by TYPE varchar(64)",
        words="workflow_stages.decided_by is character varying(64), but users.id is text",
    ),
]

REDS = [
    *TABLES,
    *FOREIGN_KEYS,
    *CHECKS,
    *LOOSER,
    *ONE_ACTIVE,
    *ORPHANS,
    *COLUMNS,
    *KEYS,
    *REFUSING,
    *TRIGGERS,
    *RIGHTS,
    *OTHERS,
    *TYPES,
]

GREENS = [
    Green("C1.1", "pgcrypto absent", admin="DROP EXTENSION pgcrypto"),
    Green(
        "C1.2",
        "tables of those names where nobody looks",
        """
        CREATE SCHEMA archive;
        CREATE TABLE archive.punchlists (id text);
        CREATE TABLE archive."Vendor_Master" (id text);
        CREATE TABLE public."workflow stages" (id text)
        """,
    ),
    Green(
        "C1.2",
        "a schema behind ours on the search path",
        admin="CREATE SCHEMA archive; CREATE TABLE archive.punchlists (id text);"
        + _login_starts_with("search_path = public, archive"),
    ),
    Green(
        "C1.2",
        "an empty search path, for an application that names the schema",
        admin=_login_starts_with("search_path = ''''"),
    ),
    Green(
        "C1.3",
        "a key has another name and was validated later",
        f"""
        ALTER TABLE public.punchlists
            DROP CONSTRAINT fk_punchlists_workflow_stage,
            ADD CONSTRAINT other FOREIGN KEY (workflow_stage_id)
                REFERENCES public.workflow_stages (id) {_ACTIONS} NOT VALID;
        ALTER TABLE public.punchlists VALIDATE CONSTRAINT other
        """,
    ),
    Green(
        "C1.3",
        "keys of a new column and of a new table",
        """
        ALTER TABLE public.punchlists ADD COLUMN site text REFERENCES public.sites (id);
        CREATE TABLE public.photos (punchlist_id text REFERENCES public.punchlists (id))
        """,
    ),
    Green(
        "C1.4",
        "a list in another order and another name",
        """
        ALTER TABLE public.atp_scope_master DROP CONSTRAINT ck_atp_scope_master_scope_group;
        ALTER TABLE public.atp_scope_master ADD CONSTRAINT groups
            CHECK (scope_group IN ('PLN', 'CME', 'RAN', 'MICROWAVE'))
        """,
    ),
    Green(
        "C1.4",
        "a list written with OR and as text",
        _check(
            "punchlists",
            "ck_punchlists_status",
            "status = 'OPEN' OR (status)::text = 'CLEARED' OR status = 'IN_PROGRESS'",
        ),
    ),
    Green(
        "C1.4",
        "a list as a pattern that means the same",
        _check("punchlists", "ck_punchlists_status", "status ~ '^(OPEN|IN_PROGRESS|CLEARED)$'"),
    ),
    Green(
        "C1.4",
        "a list in a function",
        """
        CREATE FUNCTION public.is_group(word text) RETURNS boolean IMMUTABLE LANGUAGE sql
            AS $$ SELECT word IN ('MICROWAVE', 'RAN', 'CME', 'PLN') $$;
        """
        + _check(
            "atp_scope_master", "ck_atp_scope_master_scope_group", "public.is_group(scope_group)"
        ),
    ),
    Green(
        "C1.4",
        "two CHECKs for one",
        _check(
            "punchlist_items",
            "ck_punchlist_items_evidence",
            "status <> 'RECTIFIED' OR evidence_doc_id IS NOT NULL",
        )
        + "; ALTER TABLE public.punchlist_items"
        " ADD CHECK (status <> 'CLEARED' OR evidence_doc_id IS NOT NULL)",
    ),
    Green(
        "C1.4",
        "a new column with its own CHECK, not validated",
        """
        ALTER TABLE public.punchlists ADD COLUMN severity text;
        ALTER TABLE public.punchlists
            ADD CONSTRAINT severity CHECK (severity IN ('LOW', 'HIGH')) NOT VALID
        """,
    ),
    # What is left of adding NOT NULL without a long lock.
    Green(
        "C1.4",
        "a CHECK that repeats NOT NULL",
        "ALTER TABLE public.punchlists ADD CHECK (workflow_instance_id IS NOT NULL)",
    ),
    Green(
        "C1.5",
        "another name and another spelling",
        """
        DROP INDEX public.ux_config_versions_one_active_per_workspace;
        CREATE UNIQUE INDEX one_active ON public.config_versions (workspace_id, source_type)
            WHERE (status)::text = ANY (ARRAY['ACTIVE'::text])
        """,
    ),
    Green(
        "C1.5",
        "columns in another order",
        _one_active(_ACTIVE + " (source_type, workspace_id) WHERE status = 'ACTIVE'"),
    ),
    Green(
        "C1.5",
        "a plain partial index beside it",
        "CREATE INDEX drafts ON public.config_versions (workspace_id) WHERE status = 'DRAFT'",
    ),
    # References nobody declared, and empty ones.
    Green(
        "C1.6",
        "a code without a site and a maker who is not there",
        """
        UPDATE public.workflow_instances SET site_id = 'NOWHERE', created_by = 'nobody';
        UPDATE public.workflow_instances SET vendor_id = NULL
        """,
    ),
    Green(
        "C1.7",
        "new columns, and a gap",
        """
        ALTER TABLE public.vendor_master ADD COLUMN gone text;
        ALTER TABLE public.vendor_master DROP COLUMN gone;
        ALTER TABLE public.vendor_master ADD COLUMN remark text;
        ALTER TABLE public.vendor_master ADD COLUMN rank integer NOT NULL DEFAULT 1;
        ALTER TABLE public.vendor_master ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY
        """,
    ),
    Green(
        "C1.7",
        "defaults written otherwise",
        """
        ALTER TABLE public.punchlists ALTER COLUMN issued_at SET DEFAULT now();
        ALTER TABLE public.punchlists ALTER COLUMN created_at SET DEFAULT LOCALTIMESTAMP;
        ALTER TABLE public.punchlists ALTER COLUMN status SET DEFAULT 'OPEN'::text;
        ALTER TABLE public.punchlists ALTER COLUMN notes SET DEFAULT NULL;
        ALTER TABLE public.workflow_stages ALTER COLUMN is_parallel SET DEFAULT 'no'
        """,
    ),
    Green(
        "C1.7",
        "two spellings of one type",
        """
        ALTER TABLE public.punchlists ALTER COLUMN notes TYPE character varying;
        ALTER TABLE public.punchlists ALTER COLUMN issued_at TYPE timestamp
        """,
    ),
    Green(
        "C1.8",
        "empty is equal to empty where nothing can be empty",
        """
        DROP INDEX public.vendor_master_unique;
        CREATE UNIQUE INDEX ON public.vendor_master (workspace_id, vendor_code, config_version_id)
            NULLS NOT DISTINCT;
        CREATE UNIQUE INDEX ON public.vendor_master
            (workspace_id, vendor_code, config_version_id, id) NULLS NOT DISTINCT
        """,
    ),
    Green(
        "C1.5",
        "empty is equal to empty where nothing can be empty",
        """
        DROP INDEX public.ux_config_versions_one_active_per_workspace;
        CREATE UNIQUE INDEX one_active ON public.config_versions (workspace_id, source_type)
            NULLS NOT DISTINCT WHERE status = 'ACTIVE'
        """,
    ),
    Green(
        "C1.8",
        "a constraint of another name with the columns in another order",
        """
        DROP INDEX public.vendor_master_unique;
        ALTER TABLE public.vendor_master ADD CONSTRAINT vendors
            UNIQUE (config_version_id, workspace_id, vendor_code);
        ALTER INDEX public.punchlists_pkey RENAME TO punchlists_key
        """,
    ),
    # Empty is not equal to empty.
    Green(
        "C1.8",
        "rows alike but for what is empty",
        """
        INSERT INTO public.workflow_stages (id, workflow_instance_id, config_version_id,
            stage_number, approval_role_id, parallel_group)
        SELECT n.id, s.workflow_instance_id, s.config_version_id, 99, s.approval_role_id, NULL
        FROM (SELECT s.* FROM public.workflow_stages AS s
              JOIN public.workflow_instances AS w ON w.id = s.workflow_instance_id
              WHERE w.status = 'IN_PROGRESS' ORDER BY s.id LIMIT 1) AS s,
             (VALUES ('one'), ('two')) AS n (id)
        """,
    ),
    Green(
        "C1.8",
        "keys that refuse nothing more",
        """
        ALTER TABLE public.vendor_master ADD COLUMN external_code text UNIQUE;
        CREATE UNIQUE INDEX wider
            ON public.vendor_master (workspace_id, vendor_code, config_version_id, id)
        """,
    ),
    Green(
        "C1.9",
        "renamed",
        """
        ALTER TRIGGER trg_punchlists_touch ON public.punchlists RENAME TO touch;
        ALTER TRIGGER workflow_stages_frozen_guard ON public.workflow_stages RENAME TO frozen;
        ALTER TABLE public.vendor_master ENABLE ALWAYS TRIGGER trg_vendor_master_touch
        """,
    ),
    Green("C1.9", "no triggers where none are wanted", profile="as_deployed"),
    Green(
        "C1.10",
        "rights by way of a group",
        admin=f"""
        REVOKE ALL ON ALL TABLES IN SCHEMA public FROM apms_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {GROUP}
        """,
    ),
    Green(
        "C1.10",
        "a setting makes another role of the login, which may do everything",
        admin=_login_starts_with("role = apms_sandbox"),
    ),
    Green("C1.10", "the run's own login", parameters={"application_role": ""}),
    Green(
        "C1.11",
        "things that do not act on rows",
        """
        CREATE STATISTICS public.both_columns ON status, issued_by FROM public.punchlists;
        CREATE VIEW public.open_punchlists AS SELECT * FROM public.punchlists WHERE status = 'OPEN';
        COMMENT ON TABLE public.punchlists IS 'Defects';
        CREATE INDEX plain ON public.punchlists (issued_at);
        CREATE POLICY prepared ON public.punchlists USING (true)
        """,
    ),
    Green(
        "C1.11",
        "an unknown trigger that is switched off",
        NOTHING
        + """
        CREATE TRIGGER other BEFORE INSERT ON public.vendor_master
            FOR EACH ROW EXECUTE FUNCTION public.nothing();
        ALTER TABLE public.vendor_master DISABLE TRIGGER other
        """,
    ),
    Green(
        "C1.12",
        "the site's id instead of its code",
        """
        UPDATE public.workflow_instances AS w SET site_id = s.id
        FROM public.sites AS s WHERE s.site_id = w.site_id
        """,
    ),
    Green(
        "C2.A",
        "varchar without a length",
        "ALTER TABLE public.punchlist_items ALTER COLUMN id TYPE character varying",
    ),
    Green(
        "C2.B",
        "varchar without a length",
        "ALTER TABLE public.atp_submissions ALTER COLUMN config_version_id TYPE character varying",
    ),
    Green(
        "C2.C",
        "a column of that name in another table",
        "CREATE TABLE public.reports (id text PRIMARY KEY, workspace_id text)",
    ),
    Green(
        "C2.D",
        "varchar without a length",
        """
        ALTER TABLE public.workflow_stages ALTER COLUMN decided_by TYPE character varying;
        ALTER TABLE public.punchlists ADD COLUMN seen_by uuid
        """,
    ),
]
