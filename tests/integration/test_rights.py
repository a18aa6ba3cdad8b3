"""Code of an owner runs with no more rights than its owner has: on the twin, on a restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import logins
from tests.integration.harness import Database
from tests.integration.twins import Rehearsal

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
    return [pytest.param(kind, marks=() if kind in FEW else pytest.mark.attack) for kind in kinds]


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
