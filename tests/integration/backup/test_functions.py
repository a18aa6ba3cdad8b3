"""Code that depends on what no probe varies is not proven, whatever the probes say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support import scripts
from tests.integration.support.harness import Database
from tests.runbooks.master_tables import make_roles

Make = Callable[..., Database]

# Where a guard lets through what it should refuse.
_CONDITIONS = {
    "login": "session_user <> 'apms_sandbox'",
    "role": "current_user = 'apms_app'",
    "setting": "current_setting('app.maintenance', true) = 'on'",
    "name of the session": "current_setting('application_name') NOT LIKE 'gonogo:%'",
    "session as others see it": "EXISTS (SELECT FROM pg_stat_activity AS a"
    " WHERE a.pid = pg_backend_pid() AND a.application_name NOT LIKE 'gonogo:%')",
    "age of the row": "OLD.created_at < now() - interval '1 day'",
    "another column": "OLD.notes = 'old'",
    "another table's row": "EXISTS (SELECT FROM public.users WHERE email = 'x')",
    "date": "current_date > '2030-01-01'",
    "time of day": "extract(hour FROM clock_timestamp()) = 3",
    "depth": "pg_trigger_depth() > 1",
    "chance": "random() < 0.01",
    "client": "inet_client_addr() = '10.0.0.1'",
    "transaction": "txid_current() % 100 = 0",
    "path": "current_setting('search_path') <> ''",
    "lock of a run": "NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')",
    "version of the id": "substr(OLD.id::text, 15, 1) <> '5'",
    "text in EXECUTE": "(SELECT true FROM (SELECT current_setting('a.b', true)) AS x LIMIT 0)",
}
_REFUSAL = """RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'ACTIVE',
    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;"""


def _guard(condition: str, setting: str = "SET search_path = ''") -> str:
    return f"""
    CREATE OR REPLACE FUNCTION public.config_versions_active_guard() RETURNS trigger
        LANGUAGE plpgsql {setting} AS $$
    BEGIN
        IF {condition} THEN RETURN OLD; END IF;
        {_REFUSAL}
    END $$
    """


def _touch(effect: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION public.trg_touch_updated_at() RETURNS trigger
        LANGUAGE plpgsql SET search_path = '' AS $$
    BEGIN
        NEW.updated_at := now();
        {effect}
        RETURN NEW;
    END $$
    """


def _outside(event: str, body: str) -> str:
    return f"""
    CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN {body} RETURN NULL; END $$;
    CREATE TRIGGER meddle AFTER {event} ON public.users
        FOR EACH ROW EXECUTE FUNCTION public.meddle()
    """


def _when(condition: str) -> str:
    return f"""
    CREATE OR REPLACE TRIGGER config_versions_active_guard BEFORE DELETE ON public.config_versions
        FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION public.config_versions_active_guard()
    """


def _frozen_when(condition: str) -> str:
    return f"""
    CREATE OR REPLACE TRIGGER workflow_instances_frozen_guard
        BEFORE UPDATE ON public.workflow_instances
        FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION public.frozen_config_version_guard()
    """


_CHECK = "ALTER TABLE public.punchlists ADD CONSTRAINT odd CHECK ({});"
_DIFFER = "OLD.config_version_id IS DISTINCT FROM NEW.config_version_id"

# Name → (check, SQL of the owner).
_OWNERS = {
    **{
        f"a guard and {name}": ("C1.9", _guard(condition))
        for name, condition in _CONDITIONS.items()
    },
    "a touch that depends on another column": (
        "C1.9",
        _touch("IF NEW.id = 'x' THEN RETURN OLD; END IF;"),
    ),
    "a touch that changes another column": ("C1.9", _touch("NEW.created_at := now();")),
    "a touch that writes elsewhere": (
        "C1.9",
        _touch("UPDATE public.sites SET site_name = site_name WHERE false;"),
    ),
    "a touch inside another update": (
        "C1.9",
        _touch(
            "IF pg_catalog.pg_trigger_depth() > 1 THEN NEW.updated_at := OLD.updated_at; END IF;"
        ),
    ),
    "code hidden behind a comment that ends": (
        "C1.9",
        _touch("-- nothing \r NEW.created_at := now();"),
    ),
    "code hidden behind a comment in a comment": (
        "C1.9",
        _touch("/* /* */ NEW.created_at := now(); */ NEW.notes := '*/';"),
    ),
    "a function without its search path": (
        "C1.9",
        "ALTER FUNCTION public.trg_touch_updated_at() RESET search_path",
    ),
    "a function with another search path": (
        "C1.9",
        "ALTER FUNCTION public.trg_touch_updated_at() SET search_path = public, pg_catalog",
    ),
    "a function with a setting": (
        "C1.9",
        "ALTER FUNCTION public.frozen_config_version_guard() SET statement_timeout = '1ms'",
    ),
    "a function of another volatility": (
        "C1.9",
        "ALTER FUNCTION public.frozen_config_version_guard() STABLE",
    ),
    "a condition and chance": ("C1.9", _when("OLD.status = 'ACTIVE' AND random() < 0.9")),
    "a condition and the login": ("C1.9", _when("OLD.status = 'ACTIVE' AND current_user <> 'x'")),
    "a condition and the depth": (
        "C1.9",
        _when("OLD.status = 'ACTIVE' AND pg_trigger_depth() = 0"),
    ),
    "a condition on the whole row": (
        "C1.9",
        _frozen_when("OLD.* IS DISTINCT FROM NEW.* AND NEW::text NOT LIKE '%zzz%'"),
    ),
    "a condition on the row as a value": (
        "C1.9",
        _frozen_when(f"{_DIFFER} AND to_jsonb(NEW) ->> 'site_id' <> 'x'"),
    ),
    "a CHECK and the login": ("C1.11", _CHECK.format("id <> '' OR current_user = 'x'")),
    "a CHECK and a setting": (
        "C1.11",
        _CHECK.format("id <> '' OR current_setting('a.b', true) IS NULL"),
    ),
    "a CHECK and another table": (
        "C1.11",
        "CREATE FUNCTION public.known() RETURNS boolean LANGUAGE sql IMMUTABLE AS"
        " 'SELECT count(*) > 0 FROM public.users';" + _CHECK.format("public.known()"),
    ),
    "a CHECK and a day": (
        "C1.11",
        "CREATE FUNCTION public.day() RETURNS boolean LANGUAGE sql IMMUTABLE AS"
        " 'SELECT now() < ''2100-01-01''';" + _CHECK.format("public.day()"),
    ),
    "a trigger of another table that writes": (
        "C1.11",
        _outside("UPDATE", "UPDATE public.workflow_stages SET approver_user_id = NEW.id;"),
    ),
    "a trigger that writes by another function": (
        "C1.11",
        "CREATE FUNCTION public.close_all() RETURNS void LANGUAGE sql AS"
        " 'DELETE FROM public.punchlists';" + _outside("DELETE", "PERFORM public.close_all();"),
    ),
    "a trigger that writes what it is told": (
        "C1.11",
        """
        CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN EXECUTE 'DELETE FROM ' || TG_ARGV[0]; RETURN NULL; END $$;
        CREATE TRIGGER meddle AFTER UPDATE ON public.users
            FOR EACH ROW EXECUTE FUNCTION public.meddle('public.punchlists')
        """,
    ),
    "a rule of another table": (
        "C1.11",
        "CREATE RULE meddle AS ON DELETE TO public.sites DO ALSO DELETE FROM public.punchlists",
    ),
}

_EVENT = """
CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql
    AS $$ BEGIN UPDATE public.config_versions SET notes = notes WHERE false; END $$;
CREATE EVENT TRIGGER meddle ON ddl_command_end EXECUTE FUNCTION public.on_ddl()
"""
_LOGIN = """
CREATE FUNCTION public.on_login() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
    AS $$ BEGIN
        IF session_user = 'apms_app' THEN
            PERFORM set_config('session_replication_role', 'replica', false);
        END IF;
    END $$;
CREATE EVENT TRIGGER meddle ON login EXECUTE FUNCTION public.on_login()
"""
_FOREIGN = """
UPDATE pg_trigger SET tgfoid = '{function}'::regproc
WHERE tgconstraint = (SELECT oid FROM pg_constraint WHERE conname = 'fk_punchlists_workflow_stage')
    AND tgtype = {type} AND tgrelid = 'public.{table}'::regclass
"""
# The same of a superuser.
_ADMINS = {
    "an event trigger": ("C1.11", _EVENT),
    "a key that lets through what is inserted": (
        "C1.3",
        _FOREIGN.format(function="suppress_redundant_updates_trigger", type=17, table="punchlists"),
    ),
    "a key that cascades without saying so": (
        "C1.3",
        _FOREIGN.format(function='"RI_FKey_cascade_del"', type=9, table="workflow_stages"),
    ),
    "a key that does nothing on an update": (
        "C1.3",
        _FOREIGN.format(function='"RI_FKey_noaction_upd"', type=17, table="workflow_stages"),
    ),
}

_SETTINGS = [
    *(("C1.9", f"session_replication_role = {value}") for value in ("'REPLICA'", "Replica")),
    *(("C1.9", f"session_replication_role = {value}") for value in ("'LOCAL'",)),
    *(
        ("C1.10", f"default_transaction_read_only = {v}")
        for v in ("'ON'", "'t'", "'tr'", "'Yes'", "1")
    ),
    *(("C1.10", f"row_security = {v}") for v in ("'OFF'", "'f'", "'no'", "0", "'fal'")),
]


@pytest.fixture(scope="module", autouse=True)
def _roles(cluster: Cluster) -> None:
    make_roles(cluster)


def _answer(database: Database, check: str, directory: Path) -> dict[str, Any]:
    return scripts.answer(database, check, directory, suite=scripts.Suite())


_FEW = {"a guard and name of the session", "a trigger of another table that writes"}


@pytest.mark.parametrize(
    "name",
    [name if name in _FEW else pytest.param(name, marks=pytest.mark.attack) for name in _OWNERS],
)
def test_code_that_no_probe_can_prove(name: str, make_database: Make, tmp_path: Path) -> None:
    check, sql = _OWNERS[name]
    database = make_database()
    with database.owner() as owner:
        owner.execute(sql.encode())
    found = _answer(database, check, tmp_path)
    assert found["status"] != "pass", found["observed"]
    assert "not proven" in found["observed"] or found["status"] == "fail"


@pytest.mark.parametrize(
    "name",
    [
        name if "insert" in name else pytest.param(name, marks=pytest.mark.attack)
        for name in _ADMINS
    ],
)
def test_code_that_a_superuser_has_put_there(
    name: str, make_database: Make, tmp_path: Path
) -> None:
    check, sql = _ADMINS[name]
    database = make_database()
    with database.admin() as admin:
        admin.execute(sql.encode())
    found = _answer(database, check, tmp_path)
    assert found["status"] != "pass", found["observed"]


@pytest.mark.attack
def test_a_trigger_on_every_login(make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    with database.admin() as admin:
        if admin.info.server_version < 170000:
            pytest.skip("PostgreSQL 17 has the first of them")
        admin.execute(_LOGIN.encode())
        try:
            found = _answer(database, "C1.11", tmp_path)
        finally:
            admin.execute("ALTER EVENT TRIGGER meddle DISABLE")
    assert found["status"] == "inconclusive", found["observed"]
    assert "event trigger meddle (login)" in found["observed"]


@pytest.mark.parametrize(
    ("check", "setting"),
    [
        setting if number == 0 else pytest.param(*setting, marks=pytest.mark.attack)
        for number, setting in enumerate(_SETTINGS)
    ],
)
def test_settings_however_they_are_spelt(
    check: str, setting: str, make_database: Make, tmp_path: Path
) -> None:
    database = make_database()
    where = f"ROLE {logins.APPLICATION} IN DATABASE {database.name}"
    with database.admin() as admin:
        # Without it, no query can be one that a policy would filter.
        admin.execute("ALTER TABLE public.users ENABLE ROW LEVEL SECURITY")
        admin.execute(f"ALTER {where} SET {setting}".encode())
        try:
            found = _answer(database, check, tmp_path)
        finally:
            admin.execute(f"ALTER {where} RESET ALL".encode())
    assert found["status"] == "fail", found["observed"]


# Legitimate code of an application that is not ours: nobody minds.
_BENIGN = {
    "a trigger that reads": _outside(
        "UPDATE", "PERFORM FROM public.workflow_stages WHERE approver_user_id = NEW.id;"
    ),
    "an audit of users": """
        CREATE TABLE public.audit (at timestamptz, who text);
        CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO public.audit VALUES (now(), current_setting('app.user', true));
            RETURN NULL; END $$;
        CREATE TRIGGER audit AFTER UPDATE ON public.users
            FOR EACH ROW EXECUTE FUNCTION public.audit()
    """,
    "comments, spaces and capitals": """
        CREATE OR REPLACE FUNCTION public.trg_touch_updated_at() RETURNS trigger
            LANGUAGE plpgsql SET search_path = '' AS $$
        begin -- the moment of the transaction
            new.UPDATED_AT:=NOW( ) ; /* as before */ return New;
        end $$
    """,
    "who has made the row": "ALTER TABLE public.punchlists ADD made_by text DEFAULT current_user",
    "a CHECK by a function": """
        CREATE FUNCTION public.listed(text) RETURNS boolean LANGUAGE sql IMMUTABLE
            AS $$ SELECT $1 = ANY ('{OPEN,IN_PROGRESS,CLEARED}'::text[]) $$;
        ALTER TABLE public.punchlists DROP CONSTRAINT ck_punchlists_status;
        ALTER TABLE public.punchlists ADD CHECK (public.listed(status))
    """,
    "a guard of other words for the same": _frozen_when(
        "OLD.config_version_id <> NEW.config_version_id"
    ),
}


@pytest.mark.parametrize("name", _BENIGN)
def test_code_that_is_nobodys_fault(name: str, make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    with database.owner() as owner:
        owner.execute(_BENIGN[name].encode())
    script = scripts.phase_of("C1.9")
    found = scripts.answers(database, [script], tmp_path)
    assert not found.errors
    bad = {name: one["observed"] for name, one in found.checks.items() if one["status"] != "pass"}
    assert bad == {}


def test_guards_are_tried_as_the_applications_role(make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    with database.owner() as owner:
        owner.execute(_guard("current_user = 'apms_app'").encode())
    assert _answer(database, "V1.1", tmp_path)["status"] == "pass"
    with database.admin() as admin:
        admin.execute(f"GRANT {logins.APPLICATION} TO {logins.OWNER}".encode())
        try:
            found = _answer(database, "V1.1", tmp_path)
        finally:
            admin.execute(f"REVOKE {logins.APPLICATION} FROM {logins.OWNER}".encode())
    assert found["status"] == "fail"
    assert found["observed"].startswith("accepted, 1 row(s) for apms_app")


# What a guard could know a run by. Each is tried as the application would be served: the guard lets
# the version go that it refuses to others.
_RECOGNISED = {
    "name": "current_setting('application_name') LIKE 'gonogo:%'",
    "name that others see": "(SELECT a.application_name LIKE 'gonogo:%' FROM pg_stat_activity AS a"
    " WHERE a.pid = pg_backend_pid())",
    "name it began with": "(SELECT s.reset_val LIKE 'gonogo:%' FROM pg_settings AS s"
    " WHERE s.name = 'application_name')",
    "row security": "current_setting('row_security') = 'off'",
    "jit": "current_setting('jit') <> (SELECT s.reset_val FROM pg_settings AS s"
    " WHERE s.name = 'jit')",
    "version of the id": "substr(OLD.id::text, 15, 1) = '5'",
    "name of the file": "OLD.source_file_name LIKE 'GONOGO%'",
}


@pytest.mark.parametrize(
    "name",
    [
        name if name == "name" else pytest.param(name, marks=pytest.mark.attack)
        for name in _RECOGNISED
    ],
)
def test_a_guard_that_knows_the_run(name: str, make_database: Make, tmp_path: Path) -> None:
    database = make_database()
    with database.owner() as owner:
        owner.execute(_guard(f"NOT ({_RECOGNISED[name]})", setting="").encode())
    assert _answer(database, "V1.1", tmp_path)["status"] == "fail"
