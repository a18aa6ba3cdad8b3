"""C3 and C4: a version's life, and the workflow that keeps its version."""

from __future__ import annotations

from tests.runbooks.master_tables.records import Green, Red, superuser


def trigger(table: str, moment: str, body: str, *, when: str = "") -> str:
    """A row trigger, with its function, that does something on its own account."""
    return f"""
    CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS $meddle$
    BEGIN
        {body}
        RETURN NEW;
    END
    $meddle$;
    CREATE TRIGGER meddle {moment} ON public.{table}
        FOR EACH ROW {f"WHEN ({when})" if when else ""} EXECUTE FUNCTION public.meddle();
    """


def narrowed(table: str, constraint: str, condition: str) -> str:
    """A CHECK with a value less. Not validated, because the rows there are hold that value."""
    return f"""
    ALTER TABLE public.{table} DROP CONSTRAINT {constraint};
    ALTER TABLE public.{table} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID;
    """


INDEX_DROPPED = "DROP INDEX public.ux_config_versions_one_active_per_workspace;"
FROZEN_GUARD_DROPPED = "DROP TRIGGER workflow_instances_frozen_guard ON public.workflow_instances;"
# Every import rewrites what runs: what freezing is there to prevent.
WORKFLOWS_FOLLOW = trigger(
    "config_versions",
    "AFTER INSERT OR UPDATE",
    """
    UPDATE public.workflow_instances SET config_version_id = NEW.id
    WHERE workspace_id = NEW.workspace_id AND config_version_id <> NEW.id;
    """,
    when="NEW.version_number = 2",
)

REDS = [
    Red(
        "C3.1",
        "a mandatory column the application does not know",
        "ALTER TABLE public.config_versions ADD COLUMN reviewer text NOT NULL DEFAULT '';"
        "ALTER TABLE public.config_versions ALTER COLUMN reviewer DROP DEFAULT",
        words='refused with 23502, null value in column "reviewer"',
    ),
    Red(
        "C3.1",
        "a draft is not stored as it was given",
        trigger("config_versions", "BEFORE INSERT", "NEW.row_count := 0;"),
        words="DRAFT, version 1, 0 rows",
    ),
    Red(
        "C3.1",
        "a draft is swallowed",
        "CREATE RULE none AS ON INSERT TO public.config_versions DO INSTEAD NOTHING",
        words="no such row is there",
    ),
    Red(
        "C3.2",
        "ACTIVE is not on the list",
        narrowed(
            "config_versions",
            "ck_config_versions_status",
            "status IN ('DRAFT', 'ARCHIVED', 'SUPERSEDED')",
        ),
        words="refused with 23514, constraint ck_config_versions_status",
    ),
    Red(
        "C3.2",
        "the time of activation is lost",
        trigger("config_versions", "BEFORE UPDATE", "NEW.activated_at := NULL;"),
        words="activated_at empty",
    ),
    Red(
        "C3.3",
        "a draft puts the ACTIVE version out of force",
        trigger(
            "config_versions",
            "AFTER INSERT",
            """
            UPDATE public.config_versions SET status = 'ARCHIVED'
            WHERE workspace_id = NEW.workspace_id AND source_type = NEW.source_type
              AND status = 'ACTIVE' AND id <> NEW.id;
            """,
        ),
        words="version 1 is ARCHIVED",
    ),
    Red(
        "C3.3",
        "a draft loses its predecessor",
        trigger("config_versions", "BEFORE INSERT", "NEW.previous_version_id := NULL;"),
        words="version 2 is DRAFT",
    ),
    Red(
        "C3.4",
        "SUPERSEDED is not on the list",
        narrowed(
            "config_versions",
            "ck_config_versions_status",
            "status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')",
        ),
        words="refused with 23514, constraint ck_config_versions_status",
    ),
    Red(
        "C3.4",
        "the successor's name is lost",
        trigger("config_versions", "BEFORE UPDATE", "NEW.superseded_by_id := NULL;"),
        words="version 1 is SUPERSEDED, archived; version 2 is ACTIVE",
    ),
    Red("C3.5", "the index is missing", INDEX_DROPPED, words="accepted, 1 row"),
    Red(
        "C3.5",
        "the index is not unique",
        INDEX_DROPPED
        + """
        CREATE INDEX ux_config_versions_one_active_per_workspace
            ON public.config_versions (workspace_id, source_type) WHERE status = 'ACTIVE'
        """,
        words="accepted, 1 row",
    ),
    Red(
        "C3.5",
        "the index looks for another word",
        INDEX_DROPPED
        + """
        CREATE UNIQUE INDEX ux_config_versions_one_active_per_workspace
            ON public.config_versions (workspace_id, source_type) WHERE status = 'Active'
        """,
        words="accepted, 1 row",
    ),
    Red(
        "C3.5",
        "a trigger refuses instead",
        INDEX_DROPPED
        + trigger(
            "config_versions",
            "BEFORE INSERT",
            "RAISE unique_violation USING MESSAGE = 'one ACTIVE is enough';",
            when="NEW.version_number = 3",
        ),
        words="refused with 23505, one ACTIVE is enough",
        status="inconclusive",
        why="refused, but not by an index: two sessions at once would both be let through",
    ),
    Red(
        "C3.6",
        "a superseded version names no successor",
        """
        UPDATE public.config_versions SET superseded_by_id = NULL
        WHERE id = (SELECT min(id) FROM public.config_versions WHERE status = 'SUPERSEDED')
        """,
        words="1 broken: no successor",
    ),
    Red(
        "C3.6",
        "a successor does not exist",
        admin=superuser("""
        UPDATE public.config_versions SET superseded_by_id = 'none'
        WHERE id = (SELECT min(id) FROM public.config_versions WHERE status = 'SUPERSEDED')
        """),
        words="successor does not exist",
    ),
    Red(
        "C3.6",
        "a successor of another source type",
        """
        UPDATE public.config_versions AS v SET superseded_by_id = o.id
        FROM public.config_versions AS o
        WHERE v.status = 'SUPERSEDED' AND v.source_type = 'CLUSTER_MAPPING'
          AND o.workspace_id = v.workspace_id AND o.source_type = 'SCOPE_CONFIG'
          AND o.status = 'ACTIVE'
        """,
        words="4 broken: successor of another workspace or source type",
    ),
    Red(
        "C3.6",
        "two versions name each other as successor",
        """
        UPDATE public.config_versions AS v SET superseded_by_id = o.id
        FROM public.config_versions AS o
        WHERE v.status = 'ACTIVE' AND o.superseded_by_id = v.id
        """,
        words="successor has the wrong number",
    ),
    Red(
        "C3.6",
        "a successor does not know its predecessor",
        "UPDATE public.config_versions SET previous_version_id = NULL WHERE status = 'ACTIVE'",
        words="12 broken: no predecessor",
    ),
    Red(
        "C4.1",
        "a workflow gets another version than it looked up",
        trigger(
            "workflow_instances",
            "BEFORE INSERT",
            """
            NEW.config_version_id := (
                SELECT v.id FROM public.config_versions AS v
                WHERE v.status = 'SUPERSEDED' ORDER BY v.id LIMIT 1);
            """,
        ),
        words="(SUPERSEDED)",
    ),
    Red(
        "C4.1",
        "a stage gets another version than its workflow",
        trigger(
            "workflow_stages",
            "BEFORE INSERT",
            """
            NEW.config_version_id := (
                SELECT v.id FROM public.config_versions AS v
                WHERE v.status = 'DRAFT' ORDER BY v.id LIMIT 1);
            """,
        ),
        words="(ACTIVE), stage has",
    ),
    Red(
        "C4.2",
        "an import rewrites running workflows",
        FROZEN_GUARD_DROPPED + WORKFLOWS_FOLLOW,
        words="changed: workflow_instances.config_version_id",
    ),
    Red(
        "C4.2",
        "an import is refused because of running workflows",
        WORKFLOWS_FOLLOW,
        words="refused with 23001, constraint workflow_instances_frozen_guard",
    ),
    Red(
        "C4.2",
        "an import lengthens running workflows",
        trigger(
            "approval_policy_stages",
            "AFTER INSERT",
            """
            UPDATE public.workflow_instances AS w SET total_stages = total_stages + 1
            FROM public.approval_policy_master AS p
            WHERE p.id = NEW.policy_id AND w.workspace_id = p.workspace_id;
            """,
        ),
        words="changed: workflow_instances.total_stages",
    ),
    Red(
        "C4.3",
        "workflows stand on a draft",
        "UPDATE public.config_versions SET status = 'DRAFT' WHERE status = 'SUPERSEDED'",
        words="0 without a version",
    ),
    Red(
        "C4.3",
        "a workflow's version is gone",
        admin=superuser("""
        UPDATE public.workflow_instances SET config_version_id = 'none'
        WHERE id = (SELECT min(id) FROM public.workflow_instances)
        """),
        words="81 workflows: 1 without a version, 0 with another status",
    ),
]

LOGGED = """
CREATE TABLE public.audit_log (at timestamp DEFAULT now(), version text);
CREATE FUNCTION public.log_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.audit_log (version) VALUES (NEW.id);
    RETURN NEW;
END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE ON public.config_versions
    FOR EACH ROW EXECUTE FUNCTION public.log_version();
"""

GREENS = [
    Green(
        "C3.1",
        "new columns that need no value",
        """
        ALTER TABLE public.config_versions ADD COLUMN reviewer text;
        ALTER TABLE public.config_versions ADD COLUMN locale text NOT NULL DEFAULT 'id'
        """,
    ),
    Green("C3.2", "versions are logged elsewhere", LOGGED),
    Green(
        "C3.2",
        "the list has a value more",
        """
        ALTER TABLE public.config_versions DROP CONSTRAINT ck_config_versions_status;
        ALTER TABLE public.config_versions ADD CONSTRAINT statuses CHECK (
            status IN ('SUPERSEDED', 'ARCHIVED', 'ACTIVE', 'DRAFT', 'REJECTED'))
        """,
    ),
    Green(
        "C3.3",
        "the number is unique too",
        """
        CREATE UNIQUE INDEX numbers
            ON public.config_versions (workspace_id, source_type, version_number)
        """,
    ),
    Green(
        "C3.4",
        "triggers renamed",
        """
        ALTER TRIGGER trg_config_versions_touch ON public.config_versions RENAME TO touch;
        ALTER TRIGGER config_versions_active_guard ON public.config_versions RENAME TO guard
        """,
    ),
    Green(
        "C3.5",
        "the index has another name and another order",
        INDEX_DROPPED
        + """
        CREATE UNIQUE INDEX one_active
            ON public.config_versions (source_type, workspace_id) WHERE status IN ('ACTIVE')
        """,
    ),
    Green(
        "C3.5",
        "the status column has its other name",
        "ALTER TABLE public.config_versions RENAME COLUMN status TO import_status",
    ),
    # Archived without a successor, a gap in the numbers, a workspace with a chain of its own.
    Green(
        "C3.6",
        "chains of other shapes",
        """
        UPDATE public.config_versions SET status = 'ARCHIVED', superseded_by_id = NULL
        WHERE status = 'SUPERSEDED' AND source_type = 'SCOPE_CONFIG';
        UPDATE public.config_versions SET previous_version_id = NULL
        WHERE status = 'ACTIVE' AND source_type = 'SCOPE_CONFIG';
        UPDATE public.config_versions SET version_number = version_number + 7
        WHERE status <> 'SUPERSEDED'
        """,
    ),
    Green(
        "C4.1",
        "a newer version of another type",
        """
        INSERT INTO public.config_versions
            (workspace_id, source_file_name, source_type, version_number, status, imported_by)
        SELECT w.id, 'newer.xlsx', 'SCOPE_CONFIG', 4, 'DRAFT', 'admin-001'
        FROM public.workspaces AS w
        """,
    ),
    Green("C4.2", "versions are logged elsewhere", LOGGED),
    Green(
        "C4.3",
        "finished workflows of an archived version",
        """
        UPDATE public.config_versions SET status = 'ARCHIVED', archived_at = now()
        WHERE status = 'SUPERSEDED'
        """,
    ),
]
