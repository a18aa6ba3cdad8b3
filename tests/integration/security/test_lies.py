"""An owner of a table, without any other right, who wants a GO for a database that is wrong: its
code says one thing to a run, and another one to the application."""

from __future__ import annotations

import pytest

from tests.integration.support.harness import Controller, Database

SANDBOX = ("-i", "inventories/sandbox", "validate_staging.yml")

# A CHECK that refuses what it should where the session has helpers of a run, and nothing else.
_CHECK = """
DO $$ DECLARE name text; definition text; BEGIN
    SELECT conname, pg_get_expr(conbin, conrelid) INTO STRICT name, definition
    FROM pg_constraint AS c WHERE conrelid = 'public.punchlists'::regclass AND contype = 'c'
        AND conkey = ARRAY[(SELECT attnum FROM pg_attribute
            WHERE attrelid = c.conrelid AND attname = 'status')];
    EXECUTE format('CREATE FUNCTION public.holds(status text) RETURNS boolean LANGUAGE sql'
        ' IMMUTABLE AS %L', 'SELECT to_regprocedure(''pg_temp.attempt(text, text, text)'') IS NULL'
        ' OR ' || definition);
    EXECUTE format('ALTER TABLE public.punchlists DROP CONSTRAINT %1$I,'
        ' ADD CONSTRAINT %1$I CHECK (public.holds(status))', name);
END $$;
"""
# An index that holds the ACTIVE versions of sessions with the search path of a run.
_INDEX = """
CREATE FUNCTION public.is_active(status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT status = 'ACTIVE' AND current_setting('search_path') LIKE 'pg_catalog, pg_temp%'
$$;
DROP INDEX public.ux_config_versions_one_active_per_workspace;
CREATE UNIQUE INDEX ux_config_versions_one_active_per_workspace
    ON public.config_versions (workspace_id, source_type) WHERE public.is_active(status);
"""
# A row that crosses, and answers of code that runs where a query of its table is planned.
_ANSWERS = """
UPDATE public.cluster_approver_master AS c SET approval_role_id = (
    SELECT r.id FROM public.approval_role_master AS r
    WHERE r.workspace_id <> c.workspace_id ORDER BY r.id LIMIT 1)
WHERE c.id = (SELECT id FROM public.cluster_approver_master ORDER BY id LIMIT 1);
CREATE FUNCTION public.answers() RETURNS boolean LANGUAGE plpgsql AS $answers$
BEGIN
    IF to_regclass('pg_temp.rows_first') IS NOT NULL THEN
        UPDATE pg_temp.rows_first SET ok = true;
        INSERT INTO pg_temp.rows_first VALUES ('C5.4', true, 1, '', '', '{}'),
            ('V4.1', true, 1, '', '', '{}'), ('V3.5', true, 1, '', '', '{}');
    END IF;
    RETURN true;
END
$answers$;
CREATE FUNCTION public.planned(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
    AS $planned$ BEGIN PERFORM public.answers(); RETURN true; END $planned$;
CREATE INDEX ON public.cluster_approver_master (id) WHERE public.planned(1);
"""
LIES = {"a CHECK": _CHECK, "an index": _INDEX, "answers": _ANSWERS}


@pytest.mark.parametrize("what", LIES)
def test_what_says_one_thing_to_a_run_is_no_go(
    what: str, database: Database, controller: Controller
) -> None:
    with database.owner() as owner:
        owner.execute(LIES[what].encode())
    controller.aim(database)
    outcome = controller.play(*SANDBOX)
    assert outcome.verdict["decision"] in ("HOLD", "NO-GO"), outcome.output
