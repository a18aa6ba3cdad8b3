"""Code of the application runs in the session that judges; no answer is any other for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.script import blocks
from tests.integration.support import scripts
from tests.integration.support.harness import Database

Make = Callable[..., Database]


@dataclass(frozen=True)
class _Hidden:
    """Damage that `check` sees, and code of the application that would hide it."""

    check: str
    damage: str
    code: str
    table: str = "workspaces"
    before: str = ""
    status: str = "fail"

    def sql(self) -> str:
        return f"""
        {self.before}
        CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS $meddle$
        BEGIN
            {self.code}
            RETURN NEW;
        END
        $meddle$;
        CREATE TRIGGER meddle BEFORE INSERT ON public.{self.table}
            FOR EACH ROW EXECUTE FUNCTION public.meddle();
        """


def _evil(operator: str, type_: str) -> str:
    return f"""
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.no(a {type_}, b {type_}) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR evil.{operator} (FUNCTION = evil.no, LEFTARG = {type_}, RIGHTARG = {type_});
    """


_CROSSED = """
UPDATE public.cluster_approver_master AS c SET approval_role_id = (
    SELECT r.id FROM public.approval_role_master AS r
    WHERE r.workspace_id <> c.workspace_id ORDER BY r.id LIMIT 1)
WHERE c.id = (SELECT min(id) FROM public.cluster_approver_master);
"""
_NO_GUARD = """
CREATE OR REPLACE FUNCTION public.config_versions_active_guard() RETURNS trigger
    LANGUAGE plpgsql SET search_path = '' AS $$ BEGIN RETURN OLD; END $$;
"""
_OUTCOME = """OUT state text, OUT constraint_name text, OUT table_name text, OUT message text,
    OUT affected bigint, OUT answer jsonb, OUT own boolean"""
_REFUSED = "'23001'::text, 'config_versions_active_guard'::text, 'config_versions'::text"
_ATTEMPT = f"""
EXECUTE $evil$
    CREATE OR REPLACE FUNCTION pg_temp.attempt({{arguments}}, {_OUTCOME}) LANGUAGE sql
        AS $$ SELECT {_REFUSED}, 'refused'::text, 0::bigint, '{{{{"crossing": 1}}}}'::jsonb,
            true $$
$evil$;
"""
_REPLACED = _ATTEMPT.format(
    arguments="command text, question text DEFAULT NULL, acting text DEFAULT NULL"
).replace("{{", "{")
# What a workflow is, before and after somebody else's draft: the trigger rewrites both.
_FOLLOWED = """
UPDATE public.workflow_instances SET site_id = 'MOVED' WHERE workspace_id = NEW.workspace_id;
"""
_MEMORY = """
BEGIN
UPDATE pg_temp.memory SET value = jsonb_build_object(
    'workflow_instances', (SELECT to_jsonb(w) FROM public.workflow_instances AS w
                           WHERE w.workspace_id = NEW.workspace_id),
    'workflow_stages', value -> 'workflow_stages');
EXCEPTION WHEN undefined_table THEN NULL; END;
"""

_HIDDEN = {
    "search_path of the transaction": _Hidden(
        "V4.1",
        _CROSSED,
        "PERFORM set_config('search_path', 'evil,pg_catalog', true);",
        before=_evil(">", "numeric"),
    ),
    "search_path of the session": _Hidden(
        "V4.1",
        _CROSSED,
        "PERFORM set_config('search_path', 'evil,pg_catalog', false);",
        before=_evil(">", "numeric"),
    ),
    "an operator of rows": _Hidden(
        "V3.4",
        "ALTER TABLE public.workflow_stages DISABLE TRIGGER USER;"
        " UPDATE public.workflow_stages AS s SET config_version_id = (SELECT v.id"
        " FROM public.config_versions AS v WHERE v.id <> s.config_version_id ORDER BY v.id LIMIT 1)"
        " WHERE s.id = (SELECT min(x.id) FROM public.workflow_stages AS x);"
        " ALTER TABLE public.workflow_stages ENABLE TRIGGER USER;",
        "PERFORM set_config('search_path', 'evil,pg_catalog', true);",
        before=_evil("=", "bigint").replace("SELECT false", "SELECT true"),
    ),
    "a helper replaced": _Hidden(
        "V1.1",
        _NO_GUARD,
        _REPLACED,
    ),
    "a helper beside it": _Hidden(
        "V1.1",
        _NO_GUARD,
        _ATTEMPT.format(arguments="command text").replace("{{", "{")
        + "DROP FUNCTION IF EXISTS pg_temp.attempt(text, text, text);",
    ),
    "the text of the guard": _Hidden(
        "V1.1",
        _NO_GUARD,
        _REPLACED + "PERFORM set_config('gonogo.guard', 'SELECT 1', false);",
    ),
    "what the guard knows": _Hidden(
        "V1.1",
        _NO_GUARD,
        _REPLACED + "PERFORM set_config('gonogo.guard', regexp_replace("
        "current_setting('gonogo.guard'), 'helper attempt [^;]*;', 'helper attempt ' || ("
        "SELECT md5(prosrc) FROM pg_proc WHERE proname = 'attempt') || ';'), false);",
    ),
    "the text that pins the settings": _Hidden(
        "V4.1",
        _CROSSED,
        "PERFORM set_config('gonogo.session', 'SELECT 1', false),"
        " set_config('search_path', 'evil,pg_catalog', false);",
        before=_evil(">", "numeric"),
    ),
    "the text that pins the settings, in a trial": _Hidden(
        "V4.1",
        "",
        "NULL;",
        before=_evil("<>", "text")
        + """
        CREATE FUNCTION public.in_a_trial() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM set_config('gonogo.session', 'SELECT 1', false),
                set_config('search_path', 'evil,pg_catalog', false);
            RETURN NEW;
        END $$;
        CREATE TRIGGER in_a_trial BEFORE UPDATE ON public.atp_scope_master
            FOR EACH ROW EXECUTE FUNCTION public.in_a_trial();
        """,
        # What was planted is not looked for by anybody else's rules.
        status="inconclusive",
    ),
    "a setting of a helper": _Hidden(
        "V1.1",
        _NO_GUARD,
        "EXECUTE 'ALTER FUNCTION pg_temp.attempt SET search_path = evil, pg_catalog';",
        before=_evil(">", "bigint"),
    ),
    "a type before the server's": _Hidden(
        "V4.1",
        _CROSSED,
        "IF to_regtype('pg_temp.jsonb') IS NULL THEN"
        " CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb; END IF;",
    ),
    "what was kept for later": _Hidden(
        "V3.1", "", f"IF NEW.status = 'DRAFT' THEN {_FOLLOWED} {_MEMORY} END IF;", "config_versions"
    ),
    "a guard's error is ours": _Hidden(
        "V1.1",
        "DROP TRIGGER config_versions_active_guard ON public.config_versions;",
        "NULL;",
        before="""
        CREATE FUNCTION public.as_ours() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'x' USING ERRCODE = 'GN000'; END $$;
        CREATE TRIGGER as_ours BEFORE DELETE ON public.config_versions
            FOR EACH ROW EXECUTE FUNCTION public.as_ours();
        """,
        # Refused, but not by the guard.
        status="inconclusive",
    ),
}


# A trigger that runs where a transaction's constraints are asked for, and waits for the next time.
_LATE = """
CREATE TABLE public.late (n integer);
CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $late$
BEGIN
    {0}
    SET CONSTRAINTS ALL DEFERRED;
    INSERT INTO public.late VALUES (1);
    RETURN NULL;
END
$late$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.late DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.late();
CREATE TRIGGER late AFTER INSERT ON public.{1} FOR EACH ROW EXECUTE FUNCTION public.late();
"""


def test_what_is_deferred_changes_no_setting(make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    code = "PERFORM set_config('search_path', 'evil,pg_catalog', false);"
    _apply(database, _CROSSED, _evil(">", "numeric"), _LATE.format(code, "workspaces"))
    found = _answer(database, "V4.1", tmp_path)
    assert found["status"] == "fail", found


_MOVED = """
    IF TG_TABLE_NAME = 'config_versions' AND to_jsonb(NEW) ->> 'status' = 'DRAFT' THEN
        UPDATE public.workflow_instances SET site_id = 'MOVED'
        WHERE workspace_id = (to_jsonb(NEW) ->> 'workspace_id')::uuid;
    ELSIF to_regclass('pg_temp.step') IS NOT NULL THEN
        UPDATE pg_temp.step SET became = was WHERE was IS NOT NULL;
    END IF;
"""


@pytest.mark.parametrize("check", ["C4.2", "V3.1"])
def test_a_step_that_was_just_made_is_not_changed(
    check: str, make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    _apply(database, _LATE.format(_MOVED, "config_versions"))
    found = _answer(database, check, tmp_path)
    assert found["status"] in ("fail", "not_run"), found


# Code that runs where a query of the table is planned, by way of an index that refuses nothing.
_PLANNED = """
CREATE FUNCTION public.acts() RETURNS boolean LANGUAGE plpgsql AS $acts$
BEGIN
    {0}
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RETURN true;
END
$acts$;
CREATE FUNCTION public.planned(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
    AS $planned$ BEGIN PERFORM public.acts(); RETURN true; END $planned$;
CREATE INDEX ON public.vendor_master (id) WHERE public.planned(1);
CREATE INDEX ON public.workflow_instances (id) WHERE public.planned(1);
CREATE INDEX ON public.punchlists (id) WHERE public.planned(1);
"""
_COMPARED = {
    "removed": "DELETE FROM pg_temp.step;",
    "changed": "UPDATE pg_temp.step SET state = '00000';",
    "written again": "CREATE TEMPORARY TABLE aside AS SELECT * FROM pg_temp.step;"
    " DELETE FROM pg_temp.step; INSERT INTO pg_temp.step SELECT * FROM aside;",
    "exchanged": "CREATE TEMPORARY TABLE aside AS SELECT * FROM pg_temp.step;"
    " DROP TABLE pg_temp.step; ALTER TABLE aside RENAME TO step;",
    "emptied": "TRUNCATE pg_temp.step;",
}


@pytest.mark.parametrize(
    "how", [pytest.param(h, marks=() if h == "changed" else pytest.mark.attack) for h in _COMPARED]
)
def test_what_the_checks_compare_with_cannot_be_changed(
    how: str, make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    once = f"IF EXISTS (SELECT FROM pg_temp.step) THEN {_COMPARED[how]} END IF;"
    _apply(database, _PLANNED.format(once))
    found = _answer(database, "C4.3", tmp_path)
    assert found["status"] == "not_run", found["observed"]
    assert "changed the session that judges: tables" in found["observed"]


# A table that is filled once, in a script that has others. The code runs in no subtransaction, so
# what it writes is of the same transaction as what was there.
_MADE = {
    "changed": "UPDATE pg_temp.made SET ids = ids[2:];",
    "one more": "INSERT INTO pg_temp.made SELECT workspace, tbl, '{}' FROM pg_temp.made LIMIT 1;",
    "in the same place": "CREATE TEMPORARY TABLE aside AS SELECT * FROM pg_temp.made;"
    " TRUNCATE pg_temp.made; INSERT INTO pg_temp.made SELECT * FROM aside;",
}


@pytest.mark.parametrize("how", _MADE)
def test_what_was_written_at_once_cannot_be_changed(
    how: str, make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    once = "to_regclass('pg_temp.made') IS NOT NULL AND to_regclass('pg_temp.aside') IS NULL"
    _apply(database, _Hidden("", "", f"IF {once} THEN {_MADE[how]} END IF;", "punchlists").sql())
    found = _answer(database, "C5.2", tmp_path)
    assert found["status"] == "not_run", found["observed"]
    assert "changed the session that judges: tables" in found["observed"]


# The table keeps its rows, and gets another column by the name of one.
_RENAMED = """
    IF EXISTS (SELECT FROM pg_temp.step WHERE NOT unclear AND state <> '00000') THEN
        ALTER TABLE pg_temp.step RENAME COLUMN state TO was_state;
        ALTER TABLE pg_temp.step ADD COLUMN state text DEFAULT '00000';
    END IF;
"""
_REFUSED_LATER = """
CREATE FUNCTION public.refuses() RETURNS trigger LANGUAGE plpgsql AS $refuses$
BEGIN
    IF NEW.status = 'ACTIVE' AND OLD.status = 'DRAFT' AND OLD.version_number = 2 THEN
        RAISE 'no';
    END IF;
    RETURN NEW;
END
$refuses$;
CREATE TRIGGER refuses BEFORE UPDATE ON public.config_versions
    FOR EACH ROW EXECUTE FUNCTION public.refuses();
"""


def test_a_column_of_what_the_checks_compare_with_is_not_exchanged(
    make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    _apply(database, _LATE.format(_RENAMED, "workspaces"), _REFUSED_LATER)
    found = _answer(database, "C3.4", tmp_path)
    assert found["status"] in ("fail", "not_run"), found


# A helper that is another one for a moment: replaced where a query is planned, put back by itself.
_FOR_A_MOMENT = """
    IF to_regclass('pg_temp.step') IS NOT NULL AND EXISTS (SELECT FROM pg_temp.step) THEN
        EXECUTE format($evil$
            CREATE OR REPLACE FUNCTION pg_temp.attempt(command text, question text DEFAULT NULL,
                acting text DEFAULT NULL, OUT state text, OUT constraint_name text,
                OUT table_name text, OUT message text, OUT affected bigint, OUT answer jsonb,
                OUT own boolean)
            LANGUAGE plpgsql AS $body$ BEGIN
                EXECUTE %L;
                state := '23001'; affected := 0;
                constraint_name := 'config_versions_active_guard';
            END $body$ $evil$, (SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p
                WHERE p.pronamespace = pg_my_temp_schema() AND p.proname = 'attempt'));
    END IF;
"""


def test_a_helper_is_not_replaced_for_a_moment(make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    _apply(database, _NO_GUARD, _LATE.format(_FOR_A_MOMENT, "workspaces"))
    found = _answer(database, "V1.1", tmp_path)
    assert found["status"] in ("fail", "not_run"), found


@pytest.mark.attack
def test_locks_and_tables_of_the_application_are_its_own(
    make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    lock = "PERFORM pg_advisory_xact_lock(4711), pg_advisory_lock(hashtext('x'), 1);"
    own = "CREATE TEMPORARY TABLE IF NOT EXISTS its (n integer); INSERT INTO its VALUES (1);"
    _apply(database, _PLANNED.format(lock + own))
    assert _answer(database, "C4.3", tmp_path)["status"] == "pass"


def _answer(database: Database, check: str, directory: Path, **suite: Any) -> dict[str, Any]:
    found = scripts.answers(
        database, [scripts.phase_of(check)], directory, suite=scripts.Suite(**suite)
    )
    return found.checks.get(check, {"status": "not_run", "observed": str(found.errors)})


def _apply(database: Database, *commands: str) -> None:
    with database.owner() as owner:
        for command in commands:
            if command:
                owner.execute(command.encode())


@pytest.mark.parametrize("name", _HIDDEN)
def test_what_runs_before_a_check_changes_no_answer(
    name: str, make_database: Make, tmp_path: Path
) -> None:
    hidden = _HIDDEN[name]
    database = make_database()
    _apply(database, hidden.damage, hidden.sql())
    found = _answer(database, hidden.check, tmp_path)
    if found["status"] == "not_run":
        ended = ("code of the database has changed the session that judges", "guard_was_changed")
        assert any(words in found["observed"] for words in ended), found["observed"]
    else:
        assert found["status"] == hidden.status, found["observed"]


def test_a_block_that_would_be_read_in_another_way_ends_the_script(database: Database) -> None:
    """The whole block is read before its first statement pins anything."""
    text = scripts.Suite().scripts(["00_preflight"], {})[0].text
    found = blocks(text)
    check = next(number for number, block in enumerate(found) if block.kind == "check")
    with database.owner() as session:
        for block in found[:check]:
            session.execute(block.sql.encode())
        session.execute("SET standard_conforming_strings = off")
        with pytest.raises(psycopg.DatabaseError) as ended:
            session.execute(found[check].sql.encode())
        session.rollback()
    assert ended.value.sqlstate == "GN001"
    assert "has changed the session that judges: standard_conforming_strings" in str(ended.value)


def test_rows_that_an_application_makes_leave_the_next_block_as_it_is(
    make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    code = "PERFORM set_config('standard_conforming_strings', 'off', false);"
    _apply(database, _Hidden("V2.2", "", code).sql())
    found = _answer(database, "V2.2", tmp_path)
    assert found["status"] == "pass", found["observed"]
