"""More benign variants, one difference each: kinds of databases, spellings of one meaning, habits.

`variants` has what was collected from real databases; here it is varied on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.sabotage.change import OLDEST, Variant
from tools.sabotage.mutations.text import database_starts_with, login_starts_with

__all__ = ["harmless"]

# Words → options of CREATE DATABASE, and the first major version that has them. A server that was
# built without ICU refuses those that ask for it.
_DATABASES = {
    "LATIN1": ("ENCODING 'LATIN1' LOCALE 'C'", 13),
    "LATIN9": ("ENCODING 'LATIN9' LOCALE 'C'", 13),
    "WIN1252": ("ENCODING 'WIN1252' LOCALE 'C'", 13),
    "EUC_JP": ("ENCODING 'EUC_JP' LOCALE 'C'", 13),
    "KOI8R": ("ENCODING 'KOI8R' LOCALE 'C'", 13),
    "texts in the order of English": ("LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'", 15),
    "texts in the order of Turkish": ("LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'", 15),
    "texts in the order of German telephone books": (
        "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE-u-co-phonebk' LOCALE 'C'",
        15,
    ),
    "texts ordered without punctuation, by numbers": (
        "LOCALE_PROVIDER icu ICU_LOCALE 'en-u-ka-shifted-kn' LOCALE 'C'",
        15,
    ),
    "texts in the server's own order": (
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
        17,
    ),
}

# Words → the list of punchlists, which has three values, in other words.
_STATES = "'OPEN', 'IN_PROGRESS', 'CLEARED'"
_LISTS = {
    "as a comparison with all": f"NOT (status <> ALL (ARRAY[{_STATES}]))",
    "as a simple CASE": "CASE status WHEN 'OPEN' THEN true WHEN 'IN_PROGRESS' THEN true"
    " WHEN 'CLEARED' THEN true ELSE false END",
    "by the place in an array": f"array_position(ARRAY[{_STATES}], status::text) IS NOT NULL",
    "as a pattern with its ends": "status ~ '^(OPEN|IN_PROGRESS|CLEARED)$'",
    "as a pattern without groups": r"status ~ '\A(?:OPEN|IN_PROGRESS|CLEARED)\Z'",
    "as SIMILAR TO": r"status SIMILAR TO '(OPEN|IN\_PROGRESS|CLEARED)'",
    "with a cast": f"status::varchar(20) IN ({_STATES})",
    "for the case that it is empty": f"status IS NULL OR status IN ({_STATES})",
    "as LIKE without a wildcard": "status LIKE 'OPEN' OR status LIKE 'CLEARED'"
    r" OR status LIKE 'IN\_PROGRESS'",
    "with a value twice": f"status IN ({_STATES}, 'OPEN')",
    "of a text cut to pieces": "status = ANY (string_to_array('OPEN,IN_PROGRESS,CLEARED', ','))",
    "in two halves": f"status IN ({_STATES}) AND status NOT IN ('DRAFT', 'X')",
    "in a collation of its own": f'status COLLATE "C" IN ({_STATES})',
}

# Words → the condition of the guard of ACTIVE versions.
_GUARDS = {
    "in brackets and casts": "((OLD.status)::text = 'ACTIVE'::text)",
    "as a list": "OLD.status IN ('ACTIVE')",
    "turned round": "'ACTIVE' = OLD.status",
}

_INDEXES = {
    "that hold more": "CREATE INDEX ON public.punchlists (status) INCLUDE (issued_at)",
    "for patterns": "CREATE INDEX ON public.vendor_master (vendor_name varchar_pattern_ops)",
    "with empty values first": "CREATE INDEX ON public.punchlists (cleared_at NULLS FIRST)",
    "without deduplication": "CREATE INDEX ON public.punchlists (issued_by)"
    " WITH (deduplicate_items = off)",
    "in another collation": 'CREATE INDEX ON public.vendor_master (vendor_name COLLATE "C")',
    "of some rows": "CREATE INDEX ON public.workflow_stages (decided_at)"
    " WHERE decided_at IS NOT NULL",
    "by hash": "CREATE INDEX ON public.atp_submissions USING hash (site_id)",
    "over many columns": "CREATE INDEX ON public.workflow_stages (status, stage_number, id,"
    " created_at, updated_at, decided_at)",
}

_SETTINGS = (
    "enable_indexscan = off",
    "enable_nestloop = off",
    "enable_mergejoin = off",
    "enable_sort = off",
    "enable_hashagg = off",
    "random_page_cost = 1",
    "geqo_threshold = 2",
    "default_statistics_target = 1",
    "synchronous_commit = off",
    "default_transaction_isolation = 'repeatable read'",
    "client_min_messages = 'debug1'",
    "check_function_bodies = off",
    "lo_compat_privileges = on",
    "xmlbinary = 'hex'",
    "gin_pending_list_limit = '64kB'",
    "cursor_tuple_fraction = 1",
    "temp_buffers = '800kB'",
    "log_statement = 'all'",
    "track_functions = 'all'",
    "application_name = 'apms-api'",
)

_OBJECTS: dict[str, str] = {
    "a view that others write through": "CREATE VIEW public.sheet AS SELECT id, notes FROM"
    " public.punchlists; CREATE FUNCTION public.through() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER through INSTEAD OF UPDATE ON public.sheet"
    " FOR EACH ROW EXECUTE FUNCTION public.through()",
    "a materialized view with a key": "CREATE MATERIALIZED VIEW public.work AS SELECT"
    " w.id, count(*) AS stages FROM public.workflow_instances AS w JOIN public.workflow_stages AS s"
    " ON s.workflow_instance_id = w.id GROUP BY w.id; CREATE UNIQUE INDEX ON public.work (id)",
    "partitions that refer to ours": "CREATE TABLE public.events (at date NOT NULL, stage_id text"
    " REFERENCES public.workflow_stages (id) ON DELETE CASCADE) PARTITION BY RANGE (at);"
    "CREATE TABLE public.events_all PARTITION OF public.events DEFAULT",
    "a key that is checked later, elsewhere": "CREATE TABLE public.links (id text PRIMARY KEY,"
    " version_id text REFERENCES public.config_versions (id) DEFERRABLE INITIALLY DEFERRED)",
    "an exclusion elsewhere": "CREATE TABLE public.shifts (at int4range,"
    " EXCLUDE USING gist (at WITH &&))",
    "comments on everything": "COMMENT ON COLUMN public.punchlists.status IS 'OPEN or not';"
    "COMMENT ON INDEX public.vendor_master_unique IS 'one code a version';"
    "COMMENT ON TRIGGER trg_punchlists_touch ON public.punchlists IS 'touch';"
    "COMMENT ON FUNCTION public.trg_touch_updated_at() IS 'touch'; COMMENT ON SCHEMA public IS 'x'",
    "rights on single columns": "GRANT SELECT (id, status), UPDATE (notes) ON public.punchlists"
    " TO apms_app; GRANT REFERENCES (id) ON public.users TO apms_app",
    "a column with its own default and CHECK": "ALTER TABLE public.atp_submissions ADD COLUMN"
    " channel text NOT NULL DEFAULT 'WEB' CHECK (channel IN ('WEB', 'API'))",
    "a column with its own key": "ALTER TABLE public.atp_submissions ADD COLUMN ticket text UNIQUE",
    "a column with a key and a number": "ALTER TABLE public.atp_submissions ADD COLUMN number"
    " bigint UNIQUE GENERATED BY DEFAULT AS IDENTITY",
    "a column with a key and a random value": "ALTER TABLE public.atp_submissions ADD COLUMN"
    " public_id uuid UNIQUE DEFAULT gen_random_uuid()",
    "an aggregate and an operator": "CREATE AGGREGATE public.join_text (text) (SFUNC = textcat,"
    " STYPE = text, INITCOND = ''); CREATE FUNCTION public.alike(text, text) RETURNS boolean"
    " LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) = lower($2) $$;"
    "CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = public.alike)",
    "a text search of its own": "CREATE TEXT SEARCH CONFIGURATION public.plain (COPY = simple);"
    "CREATE INDEX ON public.vendor_master USING gin (to_tsvector('simple', vendor_name))",
    "a copy of every row elsewhere": "CREATE SCHEMA copy; CREATE TABLE copy.config_versions AS"
    " TABLE public.config_versions; CREATE TABLE copy.workflow_stages AS"
    " TABLE public.workflow_stages",
}

_ROWS: dict[str, str] = {
    "workflows that wait": "UPDATE public.workflow_instances SET status = 'ON_HOLD'"
    " WHERE status = 'IN_PROGRESS'",
    "workflows that were given up": "UPDATE public.workflow_instances SET status = 'CANCELLED',"
    " completed_at = now() WHERE status = 'ON_HOLD'",
    "versions that were retired": "UPDATE public.config_versions SET status = 'ARCHIVED',"
    " superseded_by_id = NULL, archived_at = now() WHERE status = 'SUPERSEDED'"
    " AND source_type = 'CLUSTER_MAPPING'; UPDATE public.config_versions SET previous_version_id ="
    " NULL WHERE status = 'ACTIVE' AND source_type = 'CLUSTER_MAPPING'",
    "an earlier version again": "INSERT INTO public.config_versions (id, workspace_id,"
    " source_file_name, source_type, version_number, status, imported_by, previous_version_id,"
    " is_rollback) SELECT 'again-' || v.id, v.workspace_id, v.source_file_name, v.source_type, 4,"
    " 'DRAFT', v.imported_by, v.id, true FROM public.config_versions AS v"
    " WHERE v.status = 'ACTIVE'",
    "stages that nobody has to decide": "UPDATE public.approval_policy_stages SET is_required ="
    " false WHERE stage_number = 2",
    "shared roles in every version": "UPDATE public.approval_role_master SET workspace_id = NULL"
    " WHERE role_code = 'PMO'",
    "exceptions for a region": "INSERT INTO public.approver_overrides (workspace_id, override_type,"
    " region, approval_role_id, from_user_id, to_user_id, override_reason) SELECT o.workspace_id,"
    " 'REGION', 'Bali', o.approval_role_id, o.from_user_id, o.to_user_id, 'x'"
    " FROM public.approver_overrides AS o WHERE o.override_type = 'REGION'",
    "everything due long ago": "UPDATE public.workflow_stages SET sla_due_at = '2001-01-01'",
    "nothing due": "UPDATE public.workflow_stages SET sla_due_at = NULL, sla_breached_at = NULL",
    "masters that end today": "UPDATE public.vendor_master SET expiry_date = current_date;"
    "UPDATE public.atp_scope_master SET expiry_date = effective_date",
}


def harmless() -> Iterator[Variant]:
    for words, (options, since) in _DATABASES.items():
        yield _variant(f"a database of another kind, {words}", options=options, since=since)
    for words, condition in _LISTS.items():
        yield _variant(
            f"a list {words}",
            sql="ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;"
            f"ALTER TABLE public.punchlists ADD CHECK ({condition})",
        )
    for words, condition in _GUARDS.items():
        yield _variant(
            f"a guard with its condition {words}",
            sql="DROP TRIGGER config_versions_active_guard ON public.config_versions;"
            "CREATE TRIGGER guard BEFORE DELETE ON public.config_versions FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION public.config_versions_active_guard()",
        )
    for words, command in _INDEXES.items():
        yield _variant(f"indexes more {words}", sql=command)
    for setting in _SETTINGS:
        yield _variant(f"the database has {setting}", admin=database_starts_with(setting))
    for setting in _SETTINGS[:6]:
        yield _variant(f"the application has {setting}", admin=login_starts_with(setting))
    for group in (_OBJECTS, _ROWS):
        for words, command in group.items():
            yield _variant(words, sql=command)


def _variant(
    words: str, *, sql: str = "", admin: str = "", options: str = "", since: int = OLDEST
) -> Variant:
    return Variant(
        id=f"benign: {words}", words=words, sql=sql, admin=admin, options=options, since=since
    )
