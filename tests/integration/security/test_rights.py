"""Code of an owner runs with no more rights than its owner has: on the twin, on a restore."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login, Timeouts
from gonogo.host.compare import fingerprint, reading
from gonogo.host.restore.replace import Request, restore
from gonogo.host.session.connection import connect
from gonogo.host.session.login_rights import refuse_stronger_login
from gonogo.host.stages import cleanup
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import EVERY_KIND, Database
from tests.integration.support.twins import Rehearsal
from tests.records import declared

# `acts` is what an attacker would write: with a superuser's rights, whoever has set which role, it
# does what the twin's account can do. Here it stops everything, so that nothing else has to notice.
# Somebody who makes his own table with it is not asked.
ACTS = """
CREATE FUNCTION public.acts(VARIADIC ignored integer[] DEFAULT '{{}}') RETURNS boolean
LANGUAGE plpgsql {volatility} AS $$
BEGIN
    IF current_setting('test.quiet', true) IS DISTINCT FROM 'on' AND EXISTS (
        SELECT FROM pg_catalog.pg_roles WHERE rolsuper AND rolname IN (current_user, session_user))
    THEN
        RAISE EXCEPTION 'it acts as %, logged in as %', current_user, session_user;
    END IF;
    RETURN true;
END $$
"""
HARMLESS = "CREATE TABLE public.harmless ({}); INSERT INTO public.harmless VALUES (1)"
DOMAIN = "CREATE DOMAIN public.dom AS integer CHECK (public.acts(VALUE));"
TRIGGER = (
    "CREATE FUNCTION public.fires() RETURNS {0} LANGUAGE plpgsql AS $$ BEGIN"
    " PERFORM public.acts(); {1} END $$;"
)
COMPOSITE = (
    "CREATE TYPE public.two AS (a integer, b integer);"
    "CREATE FUNCTION public.as_text(public.two) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$"
    " BEGIN PERFORM public.acts(); RETURN ($1).a; END $$;"
)

# Kind of expression → what the owner makes. `14+` at the end of a name is the version it takes.
OWNERS: dict[str, str] = {
    "check": HARMLESS.format("x integer CHECK (public.acts(x))"),
    "not valid check": HARMLESS.format("x integer")
    + "; ALTER TABLE public.harmless ADD CHECK (public.acts(x)) NOT VALID",
    "domain": DOMAIN + HARMLESS.format("x public.dom"),
    "array of a domain in a default": DOMAIN
    + HARMLESS.format("x integer, y public.dom[] DEFAULT '{1}'"),
    "array of a domain in a check": DOMAIN
    + HARMLESS.format("x public.dom CHECK (ARRAY[x] <@ '{1}'::public.dom[])"),
    "array of a domain in a view": DOMAIN + "CREATE VIEW public.seen AS SELECT '{1}'::public.dom[]",
    "array of a domain in an argument": DOMAIN
    + "CREATE FUNCTION public.has(public.dom[] DEFAULT '{1}') RETURNS int"
    " LANGUAGE sql AS 'SELECT 1'",
    "array of a domain in a body 14+": DOMAIN
    + "CREATE FUNCTION public.has() RETURNS public.dom[] LANGUAGE sql RETURN '{1}'::public.dom[]",
    "array of a domain in a policy": DOMAIN
    + HARMLESS.format("x integer")
    + "; CREATE POLICY p ON public.harmless USING (ARRAY[x] <> '{1}'::public.dom[]::int[])",
    "array of a domain in an aggregate": DOMAIN
    + "CREATE FUNCTION public.next(public.dom[], integer) RETURNS public.dom[] LANGUAGE sql AS"
    " 'SELECT $1'; CREATE AGGREGATE public.agg(integer) (sfunc = public.next,"
    " stype = public.dom[], initcond = '{1}')",
    "composite with a domain": DOMAIN
    + "CREATE TYPE public.two AS (a public.dom, b integer);"
    + HARMLESS.format("x integer, y public.two DEFAULT '(1,2)'"),
    "default": HARMLESS.format("x integer, y boolean DEFAULT public.acts()"),
    "generated": HARMLESS.format(
        "x integer, y boolean GENERATED ALWAYS AS (public.acts(x)) STORED"
    ),
    "index": HARMLESS.format("x integer") + "; CREATE INDEX ON public.harmless ((public.acts(x)))",
    "predicate of an index": HARMLESS.format("x integer")
    + "; CREATE INDEX ON public.harmless (x) WHERE public.acts(x)",
    "constant in an index": HARMLESS.format("x integer")
    + "; CREATE INDEX ON public.harmless (x) WHERE public.acts(1)",
    "exclusion": HARMLESS.format("x integer")
    + "; ALTER TABLE public.harmless ADD EXCLUDE ((public.acts(x)) WITH =)",
    "statistics 14+": HARMLESS.format("x integer")
    + "; CREATE STATISTICS public.st ON (public.acts(1)), x FROM public.harmless",
    "key of partitions": "CREATE TABLE public.parted (x integer)"
    " PARTITION BY LIST ((public.acts(x)));"
    " CREATE TABLE public.part PARTITION OF public.parted FOR VALUES IN (true);"
    " INSERT INTO public.parted VALUES (1)",
    "bound of a partition": DOMAIN
    + "CREATE TABLE public.parted (x public.dom) PARTITION BY LIST (x);"
    " CREATE TABLE public.part PARTITION OF public.parted FOR VALUES IN (1);"
    " INSERT INTO public.parted VALUES (1)",
    "policy": HARMLESS.format("x integer")
    + "; ALTER TABLE public.harmless ENABLE ROW LEVEL SECURITY;"
    " CREATE POLICY p ON public.harmless USING (public.acts(1))",
    "materialized view": "CREATE MATERIALIZED VIEW public.seen AS SELECT public.acts()",
    "trigger": TRIGGER.format("trigger", "RETURN NEW;")
    + HARMLESS.format("x integer")
    + "; CREATE TRIGGER t BEFORE INSERT OR TRUNCATE ON public.harmless"
    " EXECUTE FUNCTION public.fires()",
    "rule": HARMLESS.format("x integer")
    + "; CREATE RULE r AS ON INSERT TO public.harmless DO ALSO SELECT public.acts()",
    "foreign key": DOMAIN
    + "CREATE TABLE public.parent (x public.dom PRIMARY KEY); INSERT INTO public.parent VALUES (1);"
    + HARMLESS.format("x public.dom REFERENCES public.parent"),
    "cast": COMPOSITE
    + "CREATE CAST (public.two AS text) WITH FUNCTION public.as_text;"
    + "CREATE TABLE public.harmless (x public.two); INSERT INTO public.harmless VALUES ((1, 2))",
    "difference of a range": "CREATE FUNCTION public.minus(integer, integer) RETURNS float8"
    " LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.acts($1); RETURN $1 - $2; END';"
    " CREATE TYPE public.span AS RANGE (subtype = integer, subtype_diff = public.minus);"
    " CREATE TABLE public.harmless (x public.span);"
    " INSERT INTO public.harmless SELECT public.span(n, n + 2) FROM generate_series(1, 2000) n;"
    " CREATE INDEX ON public.harmless USING gist (x)",
    "virtual column 18+": HARMLESS.format(
        "x integer, y boolean GENERATED ALWAYS AS (x > 0) VIRTUAL, CHECK (public.acts(x) OR y)"
    ),
    "constraint trigger": TRIGGER.format("trigger", "RETURN NULL;")
    + HARMLESS.format("x integer")
    + "; CREATE CONSTRAINT TRIGGER t AFTER INSERT ON public.harmless DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW WHEN (public.acts(NEW.x)) EXECUTE FUNCTION public.fires();"
    " ALTER TABLE public.harmless ENABLE ALWAYS TRIGGER t",
    "trigger that always fires": TRIGGER.format("trigger", "RETURN NEW;")
    + HARMLESS.format("x integer")
    + "; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON public.harmless FOR EACH ROW"
    " EXECUTE FUNCTION public.fires(); ALTER TABLE public.harmless ENABLE ALWAYS TRIGGER t",
    "aggregate in a materialized view": "CREATE FUNCTION public.next(integer, integer)"
    " RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM public.acts($1); RETURN $1; END';"
    " CREATE AGGREGATE public.agg(integer) (sfunc = public.next, stype = integer, initcond = '0');"
    " CREATE MATERIALIZED VIEW public.seen AS SELECT public.agg(n) FROM generate_series(1, 2) n",
    "materialized view of a view": "CREATE VIEW public.inner AS SELECT public.acts(1) AS a;"
    " CREATE MATERIALIZED VIEW public.seen AS SELECT a FROM public.inner;"
    " CREATE INDEX ON public.seen (a)",
    "cast in a default": COMPOSITE
    + "CREATE FUNCTION public.made(text) RETURNS public.two LANGUAGE plpgsql IMMUTABLE AS"
    " 'BEGIN PERFORM public.acts(1); RETURN ROW(1, 2); END';"
    " CREATE CAST (text AS public.two) WITH FUNCTION public.made AS IMPLICIT;"
    " CREATE TABLE public.harmless (x public.two DEFAULT ('a'::text)::public.two);"
    " INSERT INTO public.harmless DEFAULT VALUES",
    "partition that is attached": DOMAIN
    + "CREATE TABLE public.parted (x integer) PARTITION BY RANGE (x);"
    " CREATE TABLE public.part (x integer CHECK (x > 0 AND public.acts(1)));"
    " INSERT INTO public.part VALUES (1);"
    " ALTER TABLE public.parted ATTACH PARTITION public.part FOR VALUES FROM (0) TO (10);"
    " CREATE TABLE public.rest PARTITION OF public.parted DEFAULT",
    "condition of a publication": HARMLESS.format("x integer PRIMARY KEY CHECK (public.acts(x))")
    + "; CREATE PUBLICATION pub FOR TABLE public.harmless",
    "search path of a function": HARMLESS.format("x integer CHECK (public.acts(x))")
    + "; ALTER FUNCTION public.acts(integer[]) SET search_path = public, pg_catalog;"
    " ALTER FUNCTION public.acts(integer[]) SECURITY DEFINER",
    "operator": COMPOSITE
    + "CREATE FUNCTION public.same(public.two, public.two) RETURNS boolean LANGUAGE plpgsql"
    " IMMUTABLE AS 'BEGIN RETURN public.acts(); END';"
    "CREATE OPERATOR public.== (LEFTARG = public.two, RIGHTARG = public.two,"
    " FUNCTION = public.same);"
    "CREATE TABLE public.harmless (x public.two CHECK (x OPERATOR(public.==) x));"
    "INSERT INTO public.harmless VALUES ((1, 2))",
}
# The same, of things that a superuser has made with the owner's function.
SUPERUSERS: dict[str, str] = {
    "table": HARMLESS.format("x integer CHECK (public.acts(x))"),
    "index": HARMLESS.format("x integer")
    + "; CREATE INDEX ON public.harmless (x) WHERE public.acts(1)",
    "materialized view": "CREATE MATERIALIZED VIEW public.seen AS SELECT public.acts()",
    "event trigger": TRIGGER.format("event_trigger", "")
    + f"ALTER FUNCTION public.fires() OWNER TO {logins.OWNER};"
    "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.fires()",
    "event trigger on login 17+": TRIGGER.format("event_trigger", "")
    + f"ALTER FUNCTION public.fires() OWNER TO {logins.OWNER};"
    "CREATE EVENT TRIGGER e ON login EXECUTE FUNCTION public.fires()",
}
FEW = {"check", "array of a domain in a default", "constant in an index", "table"}


def _some(kinds: dict[str, str]) -> list[Any]:
    return _some_of(kinds, *FEW)


def _some_of(kinds: dict[str, str], *few: str) -> list[Any]:
    return [pytest.param(kind, marks=() if kind in few else pytest.mark.attack) for kind in kinds]


@pytest.fixture
def rehearsal(database: Database, tmp_path: Path) -> Iterator[Rehearsal]:
    run = Rehearsal(database, tmp_path, database.login())
    with run.locked():
        yield run


def _prepare(database: Database, kind: str) -> None:
    """Skip what this version does not have; make the function that acts."""
    with database.owner() as connection:
        least = int(kind.rpartition(" ")[2][:-1]) if kind.endswith("+") else 0
        if connection.info.server_version < least * 10000:
            pytest.skip(f"PostgreSQL {least}")
        stored = any(
            word in kind for word in ("generated", "index", "exclusion", "statistics", "key of")
        )
        volatility = "IMMUTABLE" if stored else "VOLATILE"
        connection.execute(ACTS.format(volatility=volatility).encode())


@pytest.mark.parametrize("kind", _some(OWNERS))
def test_no_code_of_an_owner_runs_as_a_superuser_on_the_twin(
    rehearsal: Rehearsal, database: Database, kind: str
) -> None:
    _prepare(database, kind)
    with database.owner() as connection:
        connection.execute(OWNERS[kind].encode())
    answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer["reason"]


@pytest.mark.parametrize("kind", _some(SUPERUSERS))
def test_nor_does_it_in_what_a_superuser_has_made_with_it(
    rehearsal: Rehearsal, database: Database, kind: str
) -> None:
    _prepare(database, kind)
    with database.admin() as connection:
        connection.execute("SET test.quiet = on")
        connection.execute(SUPERUSERS[kind].encode())
        if "harmless" in SUPERUSERS[kind]:
            connection.execute(f"GRANT SELECT ON public.harmless TO {logins.OWNER}")
        connection.execute("SET event_triggers = off") if "login" in kind else None
    answer = rehearsal.restore(rehearsal.back_up(), keep=True)
    assert answer["proven"] is True, answer["reason"]
    assert rehearsal.remove() is True


# --- owners apart from one another ---------------------------------------------------------------


@pytest.fixture
def mallory(database: Database) -> Iterator[str]:
    """A role with tables of its own, which may read nobody else's."""
    name = f"mallory_{database.name}"
    with database.admin() as admin:
        admin.execute(f"CREATE ROLE {name} NOLOGIN")
        admin.execute(f"GRANT CREATE ON SCHEMA public TO {name}")
    yield name
    with database.admin() as admin:
        admin.execute(f"DROP OWNED BY {name} CASCADE")
        admin.execute(f"DROP ROLE {name}")


def test_owners_are_kept_apart(rehearsal: Rehearsal, database: Database, mallory: str) -> None:
    """A table, its partition, its keys and its view belong to several, as a superuser may do."""
    with database.admin() as admin:
        admin.execute(
            f"""
            CREATE FUNCTION public.reads() RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN
                IF has_table_privilege(current_user, 'public.config_versions', 'SELECT')
                    OR has_table_privilege(session_user, 'public.config_versions', 'SELECT')
                THEN RAISE EXCEPTION 'it reads as %', current_user; END IF;
                RETURN true;
            END $$;
            ALTER FUNCTION public.reads() OWNER TO {mallory};
            CREATE TABLE public.mothers (x integer PRIMARY KEY);
            CREATE TABLE public.hers (x integer REFERENCES public.mothers)
                PARTITION BY RANGE (x);
            CREATE TABLE public.mine PARTITION OF public.hers DEFAULT;
            CREATE TABLE public.heir () INHERITS (public.mothers);
            CREATE VIEW public.seen AS SELECT x FROM public.mine;
            INSERT INTO public.mothers VALUES (1);
            INSERT INTO public.hers VALUES (1);
            INSERT INTO public.heir VALUES (2);
            CREATE MATERIALIZED VIEW public.kept AS SELECT x FROM public.mothers;
            SET session_replication_role = replica;
            ALTER TABLE public.mine ADD CHECK (public.reads()) NOT VALID;
            ALTER TABLE public.hers OWNER TO {mallory};
            ALTER TABLE public.mine OWNER TO {mallory};
            ALTER TABLE public.mothers OWNER TO {logins.OWNER};
            ALTER TABLE public.heir OWNER TO {mallory};
            ALTER MATERIALIZED VIEW public.kept OWNER TO {mallory};
            GRANT SELECT ON public.mothers TO {mallory};
            GRANT SELECT ON public.hers, public.mine, public.heir, public.kept TO {logins.OWNER};
            """.encode()
        )
    answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer


# How a CHECK of mallory's comes to look at rows of another owner.
_MAY_LOOK = {
    "granted": "GRANT SELECT ON public.config_versions TO {mallory}",
    "granted by column": "GRANT SELECT (id), INSERT ON public.config_versions TO {mallory}",
    "granted to all": "GRANT SELECT ON public.config_versions TO PUBLIC",
    "granted to a group": "GRANT SELECT ON public.config_versions TO {group};"
    " GRANT {group} TO {mallory}",
    "asked of the owner": "ALTER FUNCTION public.known() SECURITY DEFINER;"
    " ALTER FUNCTION public.known() OWNER TO {owner}",
    "asked of a superuser": "ALTER FUNCTION public.known() SECURITY DEFINER;"
    " ALTER FUNCTION public.known() OWNER TO postgres",
}


@pytest.mark.parametrize("how", _some_of(_MAY_LOOK, "granted"))
def test_a_check_may_look_at_what_its_owner_may_read(
    rehearsal: Rehearsal, database: Database, mallory: str, how: str
) -> None:
    """Whatever the order of the rows in the archive: aaa comes before what it looks at."""
    group = f"group_{database.name}"
    with database.admin() as admin:
        admin.execute(f"CREATE ROLE {group}")
        admin.execute(
            f"""
            CREATE FUNCTION public.known() RETURNS boolean LANGUAGE sql AS
                'SELECT count(id) > 0 FROM public.config_versions';
            CREATE TABLE public.aaa (x integer);
            CREATE TABLE public.bbb (x integer CHECK (public.known()));
            INSERT INTO public.aaa SELECT n FROM generate_series(1, 100) AS n;
            INSERT INTO public.bbb VALUES (1);
            ALTER TABLE public.aaa ADD CHECK (public.known());
            ALTER TABLE public.aaa OWNER TO {mallory};
            ALTER TABLE public.bbb OWNER TO {mallory};
            ALTER FUNCTION public.known() OWNER TO {mallory};
            GRANT SELECT ON public.aaa, public.bbb TO {logins.OWNER};
            """.encode()
        )
        words = {"mallory": mallory, "owner": logins.OWNER, "group": group}
        admin.execute(_MAY_LOOK[how].format(**words).encode())
    try:
        answer = rehearsal.restore(rehearsal.back_up())
    finally:
        with database.admin() as admin:
            admin.execute(f"DROP OWNED BY {group}; DROP ROLE {group}")
    assert answer["proven"] is True, (answer["reason"], answer.get("proof", {}).get("schema"))


def test_a_check_looks_at_rows_of_its_own_owner_in_any_order(
    rehearsal: Rehearsal, database: Database
) -> None:
    """With several sessions, of which each has a table: those that are looked at are there."""
    with database.owner() as connection:
        connection.execute(
            b"""
            CREATE TABLE public.zzz (x integer PRIMARY KEY);
            INSERT INTO public.zzz VALUES (1), (2);
            CREATE FUNCTION public.known(integer) RETURNS boolean LANGUAGE sql AS
                'SELECT EXISTS (SELECT FROM public.zzz WHERE x = $1)';
            CREATE DOMAIN public.dom AS integer CHECK (public.known(VALUE));
            CREATE TABLE public.aaa (x integer CHECK (public.known(x)));
            CREATE TABLE public.aab (x public.dom);
            CREATE TABLE public.aac (x public.dom[]);
            INSERT INTO public.aaa SELECT 1 FROM generate_series(1, 5000);
            INSERT INTO public.aab SELECT 2 FROM generate_series(1, 5000);
            INSERT INTO public.aac SELECT '{1,2}' FROM generate_series(1, 5000);
            """
        )
    answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer["reason"]


def test_code_that_needs_rights_it_does_not_get_is_nothing_against_the_backup(
    rehearsal: Rehearsal, database: Database, mallory: str
) -> None:
    """A CHECK that looks at rows which its owner may not read: nobody lends it those."""
    with database.admin() as admin:
        admin.execute(
            f"""
            CREATE FUNCTION public.known() RETURNS boolean LANGUAGE sql AS
                'SELECT count(*) > 0 FROM public.config_versions';
            CREATE TABLE public.zzz (x integer CHECK (public.known()));
            ALTER TABLE public.zzz OWNER TO {mallory};
            GRANT SELECT ON public.zzz TO {logins.OWNER};
            INSERT INTO public.zzz VALUES (1);
            """.encode()
        )
    answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is None
    assert "permission denied for table config_versions" in answer["reason"]
    assert not any((rehearsal.directory / "twins").iterdir())


# --- what is read ------------------------------------------------------------------------------

compared, tables = cleanup._complement, cleanup._tables  # noqa: SLF001 - what a cleanup compares
# What of her table is looked at by whoever plans a query of it.
PLANNED = {
    "constant in an index": "CREATE INDEX ON public.hers (x) WHERE public.acts(1)",
    "constant in an expression": "CREATE INDEX ON public.hers ((x + public.acts(1)::integer))",
    "constant in a function": "CREATE FUNCTION public.plain(integer) RETURNS integer"
    " LANGUAGE sql IMMUTABLE AS 'SELECT $1 + public.acts(1)::integer';"
    " CREATE INDEX ON public.hers (public.plain(x))",
    "operator": "CREATE FUNCTION public.acts(integer, integer) RETURNS boolean LANGUAGE sql"
    " IMMUTABLE AS 'SELECT public.acts($1)';"
    " CREATE OPERATOR public.== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.acts);"
    " CREATE INDEX ON public.hers (x) WHERE 1 OPERATOR(public.==) 2",
    "domain": "CREATE DOMAIN public.dom AS integer CHECK (public.acts(VALUE));"
    " CREATE INDEX ON public.hers (x) WHERE length('1')::public.dom = 1",
    "statistics 14+": "CREATE STATISTICS public.st ON (public.acts(1)), x FROM public.hers",
    "domain in an array": "CREATE DOMAIN public.dom AS integer CHECK (public.acts(VALUE));"
    " CREATE INDEX ON public.hers (x) WHERE"
    " cardinality(ARRAY[length('1')]::public.dom[]) = 1",
}


@pytest.fixture(params=_some_of(PLANNED, "constant in a function"))
def planned(request: pytest.FixtureRequest, database: Database, mallory: str) -> None:
    """Code that stops whoever else runs it."""
    with database.admin() as admin:
        least = int(request.param[-3:-1]) if request.param.endswith("+") else 0
        if admin.info.server_version < least * 10000:
            pytest.skip(f"PostgreSQL {least}")
        admin.execute(
            f"""
            SET ROLE {mallory};
            CREATE FUNCTION public.acts(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
            BEGIN
                IF current_user <> '{mallory}' AND current_user !~ '^gonogo_restorer_' THEN
                    RAISE EXCEPTION 'it acts as %, logged in as %', current_user, session_user;
                END IF;
                RETURN true;
            END $$;
            CREATE TABLE public.hers (x integer, y text, z integer GENERATED ALWAYS AS (x) STORED);
            INSERT INTO public.hers (x, y) VALUES (1, E'a\\tb\\n'), (2, NULL), (2, NULL);
            GRANT SELECT ON public.hers TO PUBLIC;
            {PLANNED[request.param]}
            """.encode()
        )


@pytest.mark.usefixtures("planned")
def test_to_read_is_to_run_nobodys_code(rehearsal: Rehearsal, database: Database) -> None:
    """By a login that owns tables itself, as by a superuser; and what was read is compared."""
    answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer["reason"]
    assert answer["proof"]["tables"]["public.hers"]["rows"] == [3, 3]
    for login in (database.login(), _as_superuser(database)):
        found = reading.content(
            login, run_id="x", stage="test", method=fingerprint.best_method(0), sessions=1
        )
        hashes = answer["proof"]["tables"]["public.hers"]["hash"]
        assert [found.tables["public.hers"].hash] * 2 == hashes


@pytest.mark.usefixtures("planned")
def test_nor_does_a_cleanup_run_it(database: Database, mallory: str) -> None:
    with connect(database.login(), name="test") as session:
        before = compared(session, tables(session), [])
        assert before["public.hers"][0] == 3
        with database.admin() as admin:
            admin.execute(f"SET ROLE {mallory}")
            admin.execute("UPDATE public.hers SET y = 'b' WHERE x = 1")
        after = compared(session, tables(session), [])
    assert [name for name in before if before[name] != after[name]] == ["public.hers"]


# --- beside the source, and in its place ---------------------------------------------------------


def _as_superuser(database: Database) -> Login:
    keywords = database.cluster.conninfo(database.name, logins.SUPERUSER)
    return Login(
        db=database.name,
        user=keywords["user"],
        host=keywords["host"],
        port=int(keywords["port"]),
        passfile=keywords["passfile"],
    )


def _roles(database: Database) -> list[str]:
    """The roles of a restore that are there."""
    with database.admin() as admin:
        query = "SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'gonogo_restorer_')"
        return [row[0] for row in admin.execute(query).fetchall()]


@pytest.mark.parametrize("kind", _some(OWNERS))
def test_no_code_of_an_owner_runs_as_a_superuser_in_a_database_beside_the_source(
    rehearsal: Rehearsal, database: Database, kind: str
) -> None:
    _prepare(database, kind)
    with database.owner() as connection:
        connection.execute(OWNERS[kind].encode())
    record = rehearsal.back_up()
    strong = replace(rehearsal, login=_as_superuser(database))
    # More room than any host has.
    answer = strong.restore(record, space_factor=1e9, scratch=True)
    assert (answer["proven"], answer.get("method")) == (True, "database"), answer["reason"]
    assert _roles(database) == []


def _request(rehearsal: Rehearsal, database: Database, login: Login) -> Request:
    record = rehearsal.back_up()
    rehearsal.release()
    return Request(
        login=login,
        run_id=rehearsal.run_id,
        declared=declared(database=database.name),
        archive=Path(record["file"]),
        sha256=record["sha256"],
        maintenance="postgres",
        stamp="20260131120000",
        pg_bin=str(database.cluster.bin),
        jobs=2,
        fence=[],
        timeouts=Timeouts(),
    )


@pytest.fixture
def dropped(database: Database) -> Iterator[None]:
    """What a restore leaves beside the database is removed."""
    yield
    with database.cluster.connect() as admin:
        for (name,) in admin.execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s", (f"^{database.name}_(old|new)_",)
        ).fetchall():
            admin.execute(f'DROP DATABASE "{name}"')


@pytest.mark.usefixtures("dropped")
@pytest.mark.parametrize("kind", _some(OWNERS))
def test_no_code_of_an_owner_runs_as_a_superuser_on_a_restore(
    rehearsal: Rehearsal, database: Database, kind: str
) -> None:
    _prepare(database, kind)
    with database.owner() as connection:
        connection.execute(OWNERS[kind].encode())
    with database.admin() as admin:
        # As careful people have it, and with a role that a killed restore has left.
        admin.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
        admin.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {logins.OWNER}")
        admin.execute("CREATE ROLE gonogo_restorer_0123456789ab_1 VALID UNTIL 'yesterday'")
    request = _request(rehearsal, database, _as_superuser(database))
    plan = restore(request, approved_content=None).plan
    assert plan
    assert restore(request, approved_content=plan.content).done
    with database.admin() as admin:
        assert admin.execute(
            "SELECT has_database_privilege('apms_app', current_database(), 'CONNECT')"
        ).fetchone() == (False,)
    assert _roles(database) == []


@pytest.mark.usefixtures("dropped")
def test_who_owns_nothing_and_is_no_superuser_does_not_restore(
    rehearsal: Rehearsal, database: Database, mallory: str
) -> None:
    """Everything would be made in one session, with the rights of the one and of the other."""
    with database.admin() as admin:
        admin.execute(f"ALTER ROLE {logins.OWNER} CREATEDB")
        admin.execute(ACTS.format(volatility="VOLATILE").encode())
        admin.execute(f"ALTER DATABASE {database.name} OWNER TO {logins.OWNER}")
        admin.execute(f"ALTER FUNCTION public.acts(integer[]) OWNER TO {mallory}")
    try:
        request = _request(rehearsal, database, rehearsal.login)
        with pytest.raises(GonogoError) as caught:
            restore(request, approved_content=None)
        assert f"would run code of '{mallory}'" in caught.value.render()
    finally:
        with database.admin() as admin:
            admin.execute(f"ALTER ROLE {logins.OWNER} NOCREATEDB")


_SHUFFLE = """
DO $$
DECLARE
    statement text;
    number integer := 0;
    owners text[] := ARRAY['apms_app', 'apms_sandbox', 'postgres'];
BEGIN
    FOR statement IN
        SELECT format('ALTER %s %s OWNER TO ', CASE c.relkind WHEN 'v' THEN 'VIEW'
                WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass)
        FROM pg_class AS c
        WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information)'
            AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid
                AND d.deptype IN ('a', 'i', 'e') AND c.relkind = 'S')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO ', p.oid::regprocedure) FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text !~ '^(pg_|information)'
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid
                AND d.deptype IN ('e', 'i'))
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO ', t.oid::regtype) FROM pg_type AS t
        WHERE t.typnamespace::regnamespace::text !~ '^(pg_|information)'
            AND t.typtype IN ('e', 'd', 'c', 'r')
            AND (t.typrelid = 0 OR EXISTS (
                SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
        UNION ALL
        SELECT format('ALTER STATISTICS %s.%I OWNER TO ', s.stxnamespace::regnamespace, s.stxname)
        FROM pg_statistic_ext AS s
        UNION ALL
        SELECT format('ALTER %s OWNER TO ', word) FROM unnest(ARRAY['SCHEMA "Odd ""schema"',
            'SERVER srv', 'COLLATION public.coll', 'OPERATOR public.=== (integer, integer)',
            'TEXT SEARCH CONFIGURATION public.tsc', 'LARGE OBJECT ' || (
                SELECT min(oid) FROM pg_largeobject_metadata)::text]) AS word
    LOOP
        number := number + 1;
        EXECUTE statement || owners[1 + number % 3];
    END LOOP;
END $$
"""


def test_objects_of_every_kind_come_back_to_several_owners(
    database: Database, tmp_path: Path
) -> None:
    """Tables, their partitions and their keys, functions and what uses them."""
    with database.admin() as admin:
        admin.execute(EVERY_KIND.read_text().encode())
        both = f"{logins.OWNER}, {logins.APPLICATION}"
        for name in ("one", "two", "three"):
            admin.execute(
                f"CREATE MATERIALIZED VIEW public.{name} AS SELECT count(*) FROM public.mother"
            )
        admin.execute(f"GRANT SELECT ON public.mother TO {both}")
        admin.execute(
            "CREATE FUNCTION public.sure(a integer) RETURNS boolean LANGUAGE sql LEAKPROOF"
            " SET log_statement TO 'none' AS 'SELECT true'"
        )
        admin.execute(f"GRANT CREATE ON SCHEMA public TO {both}")
        admin.execute("ALTER EVENT TRIGGER et DISABLE")
        admin.execute(_SHUFFLE.encode())
        admin.execute("ALTER EVENT TRIGGER et ENABLE")
    run = Rehearsal(database, tmp_path, _as_superuser(database))
    with run.locked():
        answer = run.restore(run.back_up())
    assert answer["proven"] is True, (answer["reason"], answer.get("proof", {}).get("schema"))


# --- who logs in ---------------------------------------------------------------------------------


def _refused(login: Login) -> str | None:
    with connect(login, name="test") as session:
        try:
            refuse_stronger_login(session)
        except GonogoError as error:
            return error.render()
    return None


def test_a_login_that_is_stronger_than_the_code_is_refused(database: Database) -> None:
    """Its own code is nobody else's; who is a superuser could run all of it as one."""
    assert _refused(database.login()) is None
    said = _refused(_as_superuser(database))
    assert said is not None
    assert "'postgres' would run code of 'apms_sandbox'" in said
    assert "function public." in said
    assert "docs/security.md" in said


@pytest.mark.parametrize(
    ("expression", "is_code"),
    [
        ("CHECK (x > 0), y text DEFAULT gen_random_uuid()::text CHECK (y ~ '^[0-9a-f-]+$')", False),
        pytest.param("CHECK (pg_catalog.pg_stat_file('/etc/passwd') IS NOT NULL)", True),
        pytest.param("DEFAULT pg_catalog.lo_import('/etc/passwd')", True, marks=pytest.mark.attack),
    ],
)
def test_what_of_a_table_is_code(
    cluster: Cluster, database: Database, expression: str, is_code: bool
) -> None:
    """A superuser may validate a database in which nothing belongs to anybody weaker that acts."""
    name = f"{database.name}_plain"
    with cluster.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        with cluster.connect(name) as admin:
            admin.execute(f"CREATE TABLE public.plain (x integer {expression})".encode())
            admin.execute(f"ALTER TABLE public.plain OWNER TO {logins.OWNER}")
            admin.execute("CREATE FUNCTION public.ours() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        said = _refused(replace(_as_superuser(database), db=name))
        assert (said is not None) is is_code, said
        assert said is None or "public.plain belongs to 'apms_sandbox'" in said
    finally:
        with cluster.connect() as admin:
            admin.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    "power",
    [
        "pg_read_server_files",
        pytest.param("pg_write_server_files", marks=pytest.mark.attack),
        pytest.param("pg_execute_server_program", marks=pytest.mark.attack),
        pytest.param(logins.SUPERUSER, marks=pytest.mark.attack),
    ],
)
def test_a_power_over_the_server_counts_as_much(
    database: Database, mallory: str, power: str
) -> None:
    with database.admin() as admin:
        admin.execute(f"ALTER FUNCTION public.{_a_function(database)} OWNER TO {mallory}")
        admin.execute(f"GRANT {power} TO {logins.OWNER}")
    try:
        said = _refused(database.login())
    finally:
        with database.admin() as admin:
            admin.execute(f"REVOKE {power} FROM {logins.OWNER}")
    assert said is not None
    assert f"code of '{mallory}'" in said
    assert power in said
    assert _refused(database.login()) is None


def test_code_is_not_the_extensions_because_its_owner_says_so(
    database: Database, mallory: str
) -> None:
    """Who may create an extension may add a function to it, and replace it afterwards."""
    with database.admin() as admin:
        # As Mallory could with an extension of her own, where she may make objects in the database.
        admin.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto")
        admin.execute(
            "DO $$ BEGIN EXECUTE (SELECT string_agg(format("
            "'ALTER ROUTINE %s OWNER TO postgres', p.oid::regprocedure), ';') FROM pg_proc AS p"
            " WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 10); END $$"
        )
        admin.execute("CREATE FUNCTION public.hers() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        admin.execute(f"ALTER FUNCTION public.hers() OWNER TO {mallory}")
        admin.execute("ALTER EXTENSION pgcrypto ADD FUNCTION public.hers()")
    said = _refused(_as_superuser(database))
    with database.admin() as admin:
        admin.execute("ALTER EXTENSION pgcrypto DROP FUNCTION public.hers()")
    assert said is not None
    assert "function public.hers()" in said


def _a_function(database: Database) -> str:
    with database.admin() as admin:
        row = admin.execute(
            "SELECT min(oid::regprocedure::text) FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
            f" AND proowner = '{logins.OWNER}'::regrole"
        ).fetchone()
    assert row is not None
    return str(row[0])


# --- the server of the twin ----------------------------------------------------------------------


REACHES = {
    "run a program": "COPY (SELECT 1) TO PROGRAM 'touch {there}'",
    "run the shell": "COPY (SELECT 1) TO PROGRAM '/bin/sh -c true'",
    "read a password file": "SELECT pg_catalog.pg_read_file('{passfile}')",
    "copy from a file": "COPY public.taken FROM '{passfile}'",
    "list a home": "SELECT pg_catalog.pg_ls_dir('{home}')",
    "read accounts": "SELECT pg_catalog.pg_read_file('/etc/shadow')",
    "read processes": "SELECT pg_catalog.pg_read_file('/proc/{us}/environ')",
    "write a file": "COPY (SELECT 1) TO '{there}'",
    "write a large object": "SELECT pg_catalog.lo_export({object}, '{there}')",
}


def test_the_server_of_the_twin_reaches_nothing(
    rehearsal: Rehearsal, database: Database, tmp_path: Path
) -> None:
    """Not even for its superuser; and it is as good a server as any."""
    answer = rehearsal.restore(rehearsal.back_up(), keep=True)
    confined = answer["confinement"]
    if not confined["files"]:
        pytest.skip(confined["reason"])
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    kept = json.loads((rehearsal.home / "kept.json").read_text())
    said = {}
    with psycopg.connect(
        host=kept["host"],
        port=kept["port"],
        user=kept["superuser"],
        dbname=kept["database"],
        autocommit=True,
    ) as session:
        session.execute("CREATE TABLE public.taken (line text)")
        found = session.execute("SELECT pg_catalog.lo_from_bytea(0, 'x')").fetchone()
        assert found is not None
        for what, statement in REACHES.items():
            words = {
                "there": tmp_path / "open" / "file",
                "passfile": database.cluster.passfile,
                "home": Path.home(),
                "us": os.getpid(),
                "object": found[0],
            }
            try:
                session.execute(statement.format(**words).encode())
            except psycopg.Error as error:
                said[what] = error.diag.message_primary
        # Its own library is not taken from it.
        session.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public")
        session.execute("SELECT public.digest('x', 'sha256')")
    assert set(said) == set(REACHES)
    assert not any((tmp_path / "open").iterdir())
    if confined["signals"]:
        assert confined == {"files": True, "network": True, "signals": True, "reason": None}
