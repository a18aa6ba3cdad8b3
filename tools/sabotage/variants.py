"""Benign variants: what real databases differ in, and nobody minds."""

from __future__ import annotations

from collections.abc import Iterator

from tests.runbooks.master_tables import BYSTANDER, GREENS
from tests.runbooks.master_tables.variants import VARIANTS
from tools.sabotage.change import OLDEST, Variant
from tools.sabotage.harmless import harmless
from tools.sabotage.mutations.text import database_starts_with, login_starts_with, with_database

__all__ = ["UNCHANGED", "variants"]

UNCHANGED = Variant(id="benign: nothing is changed", words="nothing is changed")

# Of what a single check does not mind, that which no other check minds either.
_GREENS = {
    "0.1.1": {"another function of that name"},
    "0.1.2": {"in another schema"},
    "0.3": {"more workspaces, and ours is retired", "another workspace is asked for"},
    "0.4": {"only one of the two columns for active", "just enough"},
    "0.5": {"a constraint of another name instead of an index"},
    "0.9": {"another role owns the tables"},
    "C1.2": {
        "tables of those names where nobody looks",
        "a schema behind ours on the search path",
        "an empty search path, for an application that names the schema",
    },
    "C1.3": {
        "a key has another name and was validated later",
        "keys of a new column and of a new table",
    },
    "C1.4": {
        "a list in another order and another name",
        "a list written with OR and as text",
        "a list as a pattern that means the same",
        "a list in a function",
        "two CHECKs for one",
        "a new column with its own CHECK, not validated",
        "a CHECK that repeats NOT NULL",
    },
    "C1.5": {
        "another name and another spelling",
        "columns in another order",
        "a plain partial index beside it",
    },
    "C1.6": {"a code without a site and a maker who is not there"},
    "C1.7": {"new columns, and a gap", "defaults written otherwise", "two spellings of one type"},
    "C1.8": {
        "a constraint of another name with the columns in another order",
        "keys that refuse nothing more",
        "rows alike but for what is empty",
    },
    "C1.9": {"renamed"},
    "C1.10": {
        "rights by way of a group",
        "the run's own login",
        "a setting makes another role of the login, which may do everything",
    },
    "C1.11": {"things that do not act on rows", "an unknown trigger that is switched off"},
    "C1.12": {"the site's id instead of its code"},
    "C2.A": {"varchar without a length"},
    "C2.C": {"a column of that name in another table"},
    "C3.6": {"chains of other shapes"},
    "C4.1": {"a newer version of another type"},
    "C4.3": {"finished workflows of an archived version"},
    "C6.8": {"the evidence rule in other words"},
    "I1.1": {"another name, no condition, read backwards"},
    "I1.2": {"another name and a wider condition"},
    "I1.3": {"another name, more in it, and one beside it"},
    "I1.4": {"other names, and the table in the order of one", "an index to be read backwards"},
    "I2.1": {"new columns"},
    "I3.1": {"an importer who has left"},
    "I3.2": {"more was done to a decided stage"},
    "I3.3": {"a stage that was skipped, and one that waits"},
    "N1.1": {"nothing waits"},
    "V3.4": {"a workflow without stages, and stages of an old version"},
}

# Settings that older servers do not know.
_SINCE = {"a planner with other habits": 16, "transactions of the login": 17}

_IF_AVAILABLE = """
DO $ask$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = '{0}') THEN
        CREATE EXTENSION {0};
        {1}
    END IF;
END $ask$
"""

# Words → how. The rest of this file says what real databases have beside what was declared.
_BESIDE: dict[str, dict[str, str]] = {
    "a record of migrations": {
        "sql": """
        CREATE TABLE public._prisma_migrations (
            id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
            migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
            started_at timestamptz NOT NULL DEFAULT now(),
            applied_steps_count integer NOT NULL DEFAULT 0);
        INSERT INTO public._prisma_migrations (id, checksum, migration_name)
        VALUES ('1', '2', '20251229010228_add_master_tables_final_v2')
        """
    },
    "partitions elsewhere": {
        "sql": """
        CREATE TABLE public.measurements (at date NOT NULL, value numeric) PARTITION BY RANGE (at);
        CREATE TABLE public.measurements_2026 PARTITION OF public.measurements
            FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        CREATE TABLE public.measurements_others PARTITION OF public.measurements DEFAULT
        """
    },
    "inheritance elsewhere": {
        "sql": "CREATE TABLE public.parents (id text);"
        "CREATE TABLE public.children () INHERITS (public.parents)"
    },
    "tables without a log elsewhere": {"sql": "CREATE UNLOGGED TABLE public.cache (id text)"},
    "invalid keys and CHECKs elsewhere": {
        "sql": """
        CREATE TABLE public.notes (id text CHECK (id <> ''), user_id text);
        INSERT INTO public.notes VALUES ('1', 'nobody');
        ALTER TABLE public.notes ADD FOREIGN KEY (user_id) REFERENCES public.users (id) NOT VALID;
        ALTER TABLE public.notes ADD CHECK (user_id <> 'nobody') NOT VALID
        """
    },
    "row-level security elsewhere": {
        "sql": """
        CREATE TABLE public.notes (id text);
        ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
        ALTER TABLE public.notes FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON public.notes USING (false)
        """
    },
    "triggers and rules elsewhere": {
        "sql": """
        CREATE TABLE public.notes (id text, updated_at timestamp);
        CREATE TRIGGER touch BEFORE UPDATE ON public.notes
            FOR EACH ROW EXECUTE FUNCTION public.trg_touch_updated_at();
        CREATE RULE keep AS ON DELETE TO public.notes DO INSTEAD NOTHING
        """
    },
    "everybody may read other tables": {
        "sql": "CREATE TABLE public.notes (id text); GRANT ALL ON public.notes TO PUBLIC;"
        "GRANT SELECT ON public.sites TO PUBLIC"
    },
    "rows that refer to ours": {
        "sql": """
        CREATE TABLE public.photos (
            id text PRIMARY KEY,
            punchlist_id text NOT NULL REFERENCES public.punchlists (id) ON DELETE CASCADE,
            version_id text REFERENCES public.config_versions (id) ON DELETE SET NULL,
            workspace_id uuid NOT NULL REFERENCES public.workspaces (id) ON DELETE RESTRICT);
        INSERT INTO public.photos
        SELECT p.id, p.id, w.config_version_id, w.workspace_id
        FROM public.punchlists AS p JOIN public.workflow_instances AS w
            ON w.id = p.workflow_instance_id
        """
    },
    "views upon views": {
        "sql": """
        CREATE VIEW public.open_work AS SELECT * FROM public.workflow_stages WHERE status <> 'X';
        CREATE VIEW public.open_work_count WITH (security_barrier) AS
            SELECT count(*) AS number FROM public.open_work;
        CREATE VIEW public.writable AS SELECT id, notes FROM public.punchlists
            WITH CHECK OPTION
        """
    },
    "functions over our tables": {
        "sql": """
        CREATE FUNCTION public.active_version(workspace uuid) RETURNS text LANGUAGE sql STABLE
            AS $$ SELECT id FROM public.config_versions
                  WHERE workspace_id = workspace AND status = 'ACTIVE' LIMIT 1 $$;
        CREATE FUNCTION public.trg_touch_updated_at(text) RETURNS text LANGUAGE sql
            AS $$ SELECT $1 $$;
        CREATE PROCEDURE public.nothing() LANGUAGE sql AS $$ SELECT 1 $$
        """
    },
    "functions of the same names in another schema": {
        "sql": """
        CREATE SCHEMA tools;
        CREATE FUNCTION tools.trg_touch_updated_at() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RETURN NULL; END $$;
        CREATE FUNCTION tools.now() RETURNS timestamptz LANGUAGE sql
            AS $$ SELECT '2000-01-01'::timestamptz $$
        """
    },
    "types, domains and sequences": {
        "sql": """
        CREATE TYPE public.mood AS ENUM ('good', 'bad');
        CREATE DOMAIN public.code AS text CHECK (VALUE <> '');
        CREATE SEQUENCE public.numbers;
        CREATE TYPE public.pair AS (a integer, b integer);
        SELECT nextval('public.numbers')
        """
    },
    "names that need quotes": {
        "sql": 'CREATE SCHEMA "Old ""Data""";'
        'CREATE TABLE "Old ""Data"""."Config Versions" ("Id" text, "select" text);'
        'CREATE TABLE public."; DROP TABLE users; --" (id text);'
        'CREATE TABLE public."{{ 7 * 7 }}" (id text)'
    },
    "names of other alphabets": {
        "sql": 'CREATE TABLE public."\u30b5\u30a4\u30c8" ("\u540d\u524d" text);'
        'CREATE SCHEMA "\u0441\u0445\u0435\u043c\u0430"'
    },
    "a table more with the name of each schema": {
        "sql": "CREATE SCHEMA archive; CREATE TABLE archive.punchlists (LIKE public.punchlists);"
        "CREATE TABLE archive.config_versions (id text); CREATE TABLE public.archive (id text)"
    },
    "an audit of the older tables": {
        "sql": """
        CREATE TABLE public.audit (at timestamp DEFAULT now(), tbl text, row_id text);
        CREATE FUNCTION public.audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.audit (tbl, row_id) VALUES (TG_TABLE_NAME, (coalesce(NEW, OLD)).id);
            RETURN coalesce(NEW, OLD);
        END $$;
        CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON public.workspaces
            FOR EACH ROW EXECUTE FUNCTION public.audit_row();
        CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON public.users
            FOR EACH ROW EXECUTE FUNCTION public.audit_row()
        """
    },
    "trigrams": {
        "admin": _IF_AVAILABLE.format(
            "pg_trgm",
            "CREATE INDEX ON public.vendor_master USING gin (vendor_name public.gin_trgm_ops);",
        )
    },
    "text without case": {
        "admin": _IF_AVAILABLE.format("citext", "CREATE TABLE public.words (word public.citext);")
    },
    "more operators for indexes": {"admin": _IF_AVAILABLE.format("btree_gist", "")},
    "a login's own schema": {
        "admin": "CREATE SCHEMA apms_app AUTHORIZATION apms_app;"
        "CREATE TABLE apms_app.scratch (id text)"
    },
}

_DEFINITIONS: dict[str, dict[str, str]] = {
    "columns in another order": {
        "sql": """
        ALTER TABLE public.punchlists ADD COLUMN other text;
        UPDATE public.punchlists SET other = notes;
        ALTER TABLE public.punchlists DROP COLUMN notes;
        ALTER TABLE public.punchlists RENAME COLUMN other TO notes
        """
    },
    "keys with more in their index": {
        "sql": """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT punchlist_items_pkey;
        ALTER TABLE public.punchlist_items ADD PRIMARY KEY (id) INCLUDE (status);
        DROP INDEX public.vendor_master_unique;
        CREATE UNIQUE INDEX ON public.vendor_master
            (vendor_code, config_version_id, workspace_id) INCLUDE (vendor_name)
        """
    },
    "unique keys that hold the primary key": {
        "sql": "CREATE UNIQUE INDEX ON public.punchlists (id, workflow_instance_id);"
        "CREATE UNIQUE INDEX ON public.config_versions (workspace_id, id)"
    },
    "indexes of other methods": {
        "sql": """
        CREATE INDEX ON public.workflow_stage_actions USING gin (payload);
        CREATE INDEX ON public.workflow_stage_actions USING brin (action_at);
        CREATE INDEX ON public.config_versions ((lower(source_file_name)));
        CREATE INDEX ON public.workflow_instances (workspace_id) WITH (fillfactor = 60)
        """
    },
    "two indexes for one": {
        "sql": "CREATE INDEX ON public.punchlists (workflow_stage_id);"
        "CREATE INDEX ON public.workflow_stages (sla_due_at)"
    },
    "keys that say MATCH FULL": {
        "sql": """
        ALTER TABLE public.punchlist_items
            DROP CONSTRAINT fk_punchlist_items_punchlist,
            ADD FOREIGN KEY (punchlist_id) REFERENCES public.punchlists (id) MATCH FULL
                ON DELETE CASCADE ON UPDATE CASCADE
        """
    },
    "a CHECK that is not inherited": {
        "sql": """
        ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;
        ALTER TABLE public.punchlists ADD CONSTRAINT ck_punchlists_status
            CHECK (status = ANY ('{OPEN,IN_PROGRESS,CLEARED}'::text[])) NO INHERIT
        """
    },
    "a CHECK written as CASE": {
        "sql": """
        ALTER TABLE public.punchlist_items DROP CONSTRAINT ck_punchlist_items_evidence;
        ALTER TABLE public.punchlist_items ADD CHECK (
            CASE WHEN status = 'OPEN' THEN true ELSE evidence_doc_id IS NOT NULL END);
        ALTER TABLE public.approval_policy_stages
            DROP CONSTRAINT ck_approval_policy_stages_sequence_order;
        ALTER TABLE public.approval_policy_stages ADD CHECK (NOT sequence_order < 1)
        """
    },
    "triggers that always fire": {
        "sql": """
        ALTER TABLE public.punchlists ENABLE ALWAYS TRIGGER trg_punchlists_touch;
        ALTER TABLE public.config_versions ENABLE ALWAYS TRIGGER config_versions_active_guard
        """
    },
    "functions with other settings": {
        "sql": """
        ALTER FUNCTION public.trg_touch_updated_at() SET search_path = pg_catalog, pg_temp;
        ALTER FUNCTION public.frozen_config_version_guard() SECURITY DEFINER;
        ALTER FUNCTION public.config_versions_active_guard() COST 10 PARALLEL UNSAFE
        """
    },
    "a touch that uses the clock": {
        "sql": """
        CREATE OR REPLACE FUNCTION public.trg_touch_updated_at() RETURNS trigger
            LANGUAGE plpgsql SET search_path = '' AS $$
        BEGIN
            NEW.updated_at := clock_timestamp();
            RETURN NEW;
        END $$
        """
    },
    "values kept elsewhere and otherwise": {
        "sql": """
        ALTER TABLE public.config_versions ALTER COLUMN validation_errors SET STORAGE EXTERNAL;
        ALTER TABLE public.workflow_stage_actions ALTER COLUMN payload SET STORAGE MAIN;
        ALTER TABLE public.punchlists SET (autovacuum_vacuum_scale_factor = 0.01,
                                           toast.autovacuum_enabled = false);
        ALTER TABLE public.workflow_stages ALTER COLUMN status SET (n_distinct = 5)
        """
    },
}

_DATA: dict[str, dict[str, str]] = {
    "many more actions": {
        "sql": """
        INSERT INTO public.workflow_stage_actions (workflow_stage_id, action_type, payload)
        SELECT s.id, 'COMMENT', '{}' FROM public.workflow_stages AS s, generate_series(1, 100)
        """
    },
    "many more users": {
        "sql": """
        INSERT INTO public.users (id, email, username, status, updated_at)
        SELECT 'user-' || n, n || '@example.com', 'user ' || n, 'INACTIVE', now()
        FROM generate_series(1, 5000) AS n
        """
    },
    "many more workspaces": {
        "sql": """
        INSERT INTO public.workspaces (code, name, customer_group_id, vendor_owner_id)
        SELECT 'CUSTOMER-' || n, 'Customer ' || n, 'c', 'v' FROM generate_series(1, 200) AS n
        """
    },
    "a long chain of versions": {
        "sql": """
        INSERT INTO public.workspaces (code, name, customer_group_id, vendor_owner_id)
        VALUES ('LONG', 'Long', 'c', 'v');
        INSERT INTO public.config_versions (id, workspace_id, source_file_name, source_type,
            version_number, status, imported_by, previous_version_id)
        SELECT 'long-' || n, w.id, n || '.xlsx', 'SCOPE_CONFIG', n,
               CASE n WHEN 60 THEN 'ACTIVE' ELSE 'SUPERSEDED' END, 'admin-001',
               CASE WHEN n > 1 THEN 'long-' || n - 1 END
        FROM public.workspaces AS w, generate_series(1, 60) AS n WHERE w.code = 'LONG'
        ORDER BY n;
        UPDATE public.config_versions SET superseded_by_id = 'long-' || version_number + 1
        WHERE id LIKE 'long-%' AND version_number < 60
        """
    },
    "texts that look like code": {
        "sql": """
        UPDATE public.punchlists SET notes = '{{ lookup(''pipe'', ''id'') }} {% raw %} <b>&lt;';
        UPDATE public.config_versions SET notes = E'\\x1b[31mred\\x1b[0m\\r\\n\\t$$ -- ; ''"',
            source_file_name = '../../etc/passwd {{ 7 * 7 }}';
        UPDATE public.vendor_master SET vendor_name = 'Robert''); DROP TABLE users; --'
        """
    },
    "texts of other alphabets": {
        "sql": "UPDATE public.vendor_master SET vendor_name = 'Ångström 株式会社 "
        "\U0001f680 \u202e';"
        "UPDATE public.cluster_master SET city_name = 'Málaga \u200b'"
    },
    "what may be empty is empty": {
        "sql": """
        UPDATE public.config_versions SET notes = NULL, row_count = NULL, effective_date = NULL,
            source_checksum = NULL, is_rollback = NULL, validation_status = NULL;
        UPDATE public.vendor_master SET is_active = NULL, contact_email = NULL,
            created_at = NULL;
        UPDATE public.approval_policy_stages SET stage_group = NULL, sla_hours = NULL,
            is_required = NULL;
        UPDATE public.workflow_instances SET vendor_id = NULL, created_by = NULL,
            routing_snapshot = NULL, total_stages = NULL
        """
    },
    "empty texts": {
        "sql": "UPDATE public.config_versions SET notes = '', source_checksum = '';"
        "UPDATE public.vendor_master SET contact_person = '', contact_phone = ''"
    },
    "workflows in every state": {
        "sql": """
        UPDATE public.workflow_instances SET status = 'ON_HOLD'
        WHERE status = 'IN_PROGRESS' AND current_stage_number = 1;
        UPDATE public.workflow_instances SET status = 'CANCELLED', completed_at = now()
        WHERE status = 'IN_PROGRESS' AND current_stage_number = 2
        """
    },
    "rows of long ago and of the far future": {
        "sql": "UPDATE public.punchlists SET created_at = '1999-12-31 23:59:59.999999';"
        "UPDATE public.vendor_master SET expiry_date = 'infinity', effective_date = '0001-01-01'"
    },
    "rows that were updated often": {
        "sql": "UPDATE public.workflow_stages SET decision_comments = 'x';"
        "UPDATE public.workflow_stages SET decision_comments = NULL;"
        "UPDATE public.workflow_stages SET decision_comments = 'y'"
    },
    "no runtime rows of one kind": {
        "sql": "DELETE FROM public.punchlist_items;"
        "UPDATE public.workflow_stages SET parallel_group = NULL"
    },
    "users with odd ids": {
        "sql": """
        INSERT INTO public.users (id, email, updated_at)
        VALUES (E'o''brien "quoted" {{ x }}', 'odd@example.com', now()), ('', 'e@e', now()),
               (' admin-001', 'blank@example.com', now())
        """
    },
}

_ACCESS: dict[str, dict[str, str]] = {
    "nobody else may connect": {
        "sql": with_database("REVOKE ALL ON DATABASE %I FROM PUBLIC")
        + with_database("GRANT CONNECT, TEMPORARY ON DATABASE %I TO apms_sandbox, apms_app")
    },
    "nobody else may use the schema": {
        "admin": "GRANT USAGE ON SCHEMA public TO apms_sandbox, apms_app;"
        "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    },
    "everything is granted to another role": {
        "sql": f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {BYSTANDER} WITH GRANT OPTION;"
        f"GRANT UPDATE (status) ON public.punchlists TO {BYSTANDER};"
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {BYSTANDER}"
    },
    "more rights of the application": {
        "sql": "GRANT REFERENCES, TRIGGER, TRUNCATE ON ALL TABLES IN SCHEMA public TO apms_app"
    },
    "settings of another role": {
        "admin": login_starts_with("session_replication_role = replica", BYSTANDER)
        + login_starts_with("default_transaction_read_only = on", BYSTANDER)
        + login_starts_with("row_security = off", BYSTANDER)
        + login_starts_with("search_path = nowhere", BYSTANDER)
    },
    "times to wait of the login": {
        "admin": login_starts_with("statement_timeout = '10ms'", "apms_sandbox")
        + login_starts_with("lock_timeout = '1ms'", "apms_sandbox")
        + login_starts_with("idle_in_transaction_session_timeout = '1ms'", "apms_sandbox")
    },
    "little memory": {
        "admin": database_starts_with("work_mem = '64kB'")
        + database_starts_with("temp_buffers = '800kB'")
        + database_starts_with("max_parallel_workers_per_gather = 0")
    },
    "the application's own settings": {
        "admin": login_starts_with("search_path = public")
        + login_starts_with("statement_timeout = '5s'")
        + login_starts_with("application_name = 'apms'")
    },
    "text searches and messages of another language": {
        "admin": database_starts_with("default_text_search_config = 'pg_catalog.german'")
        + database_starts_with("lc_messages = 'C'")
    },
}

# Commands that have to stand alone.
_ALONE: dict[str, tuple[str, ...]] = {
    "indexes made anew while in use": (
        "REINDEX TABLE CONCURRENTLY public.config_versions",
        "REINDEX INDEX CONCURRENTLY public.vendor_master_unique",
    ),
    "an index made while in use": (
        "CREATE INDEX CONCURRENTLY ON public.punchlists (notes)",
        "DROP INDEX CONCURRENTLY public.idx_punchlists_stage",
        "CREATE INDEX CONCURRENTLY other ON public.punchlists (workflow_stage_id)",
    ),
    "vacuumed and frozen": ("VACUUM (FREEZE, ANALYZE)",),
}


def variants() -> Iterator[Variant]:
    yield UNCHANGED
    for item in VARIANTS:
        yield Variant(
            id=f"benign: {item.name}",
            words=item.name,
            sql=item.sql,
            admin=item.admin,
            since=_SINCE.get(item.name, OLDEST),
        )
    for green in GREENS:
        if green.profile == "target" and green.name in _GREENS.get(green.check, ()):
            yield Variant(
                id=f"benign: {green.check}, {green.name}",
                words=green.name,
                sql=green.sql,
                admin=green.admin,
                parameters=green.parameters,
            )
    for group in (_BESIDE, _DEFINITIONS, _DATA, _ACCESS):
        for words, how in group.items():
            yield Variant(
                id=f"benign: {words}",
                words=words,
                sql=how.get("sql", ""),
                admin=how.get("admin", ""),
            )
    for words, commands in _ALONE.items():
        yield Variant(id=f"benign: {words}", words=words, alone=commands)
    yield from _others()
    yield from harmless()


def _others() -> Iterator[Variant]:
    yield Variant(
        id="benign: an index more that is invalid",
        words="an index more that an interrupted CREATE INDEX CONCURRENTLY has left",
        alone=("CREATE INDEX left_over ON public.punchlists (issued_at)",),
        admin="UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'public.left_over'::regclass",
    )
    yield Variant(
        id="benign: tables in another tablespace",
        words="tables and indexes in another tablespace",
        alone=(
            "SET allow_in_place_tablespaces = on",
            "CREATE TABLESPACE fast LOCATION ''",
            "GRANT CREATE ON TABLESPACE fast TO PUBLIC",
            "ALTER TABLE public.workflow_stages SET TABLESPACE fast",
            "ALTER INDEX public.vendor_master_unique SET TABLESPACE fast",
        ),
        since=15,
        whole_server=True,
    )
    yield Variant(
        id="benign: more logins",
        words="more logins, and the application in a group that may read everything",
        admin="CREATE ROLE reporting LOGIN; CREATE ROLE replicator REPLICATION LOGIN;"
        "CREATE ROLE admin SUPERUSER; GRANT pg_monitor TO apms_app;"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;"
        "ALTER ROLE reporting SET search_path = archive;"
        "ALTER ROLE reporting VALID UNTIL '2020-01-01'",
        whole_server=True,
    )
    yield Variant(
        id="benign: a login with limits",
        words="the application's login has a limit of connections and a last day",
        admin="ALTER ROLE apms_app CONNECTION LIMIT 50 VALID UNTIL '2100-01-01'",
        whole_server=True,
    )
    yield Variant(
        id="benign: compressed otherwise",
        words="values are compressed otherwise",
        sql="ALTER TABLE public.config_versions ALTER COLUMN notes SET COMPRESSION pglz",
        since=14,
    )
    yield Variant(
        id="benign: NOT NULL under other names",
        words="NOT NULL constraints have other names",
        sql="""
        DO $each$
        DECLARE
            command text;
        BEGIN
            FOR command IN
                SELECT format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', conrelid::regclass,
                              conname, 'n' || oid)
                FROM pg_constraint
                WHERE contype = 'n' AND conrelid IN (
                    SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
            LOOP
                EXECUTE command;
            END LOOP;
        END $each$
        """,
        since=18,
    )
    yield Variant(
        id="benign: virtual columns more",
        words="columns more that are computed when they are read",
        sql="ALTER TABLE public.punchlists ADD COLUMN short text"
        " GENERATED ALWAYS AS (left(id, 8)) VIRTUAL",
        since=18,
    )
