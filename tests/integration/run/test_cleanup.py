"""The removal of a run's rows says nothing of what it has not seen, and touches nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Timeouts
from gonogo.contract.records.answers import CleanupDone
from gonogo.contract.records.ledger import LedgerTable
from gonogo.host.stages import cleanup
from sandbox import logins
from tests.integration.support.harness import Database
from tests.records import declared

RUN_ID = "20260131T120000Z-0a1b2c"
RUNS_OWN = ["r1", "r2"]
LEDGER = [LedgerTable(("public", "gonogo_rows"), RUNS_OWN)]
SCRIPT = """
-- @setup transaction
BEGIN ISOLATION LEVEL REPEATABLE READ;
-- @setup rows
DELETE FROM public.gonogo_rows WHERE id LIKE 'r%';
"""
HIDDEN = "CREATE TABLE public.hidden (id text REFERENCES public.gonogo_rows {action})"


@pytest.fixture
def database(database: Database) -> Database:
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.gonogo_rows (id text PRIMARY KEY, note text)")
        owner.execute("INSERT INTO public.gonogo_rows VALUES ('r1', 'a'), ('r2', 'b'), ('x', 'c')")
    return database


def carried_out(database: Database, **more: Any) -> CleanupDone:
    given: dict[str, Any] = {"approved_content": None, **more}
    answer = cleanup.carry_out(
        database.login(),
        run_id=RUN_ID,
        declared=declared(database=database.name),
        ledger=LEDGER,
        script=SCRIPT,
        fence=[],
        timeouts=Timeouts(),
        **given,
    )
    assert answer.done
    assert answer.changed == answer.done.committed
    return answer.done


def own(database: Database) -> list[str]:
    with database.admin() as admin:
        rows = admin.execute("SELECT id FROM public.gonogo_rows ORDER BY id").fetchall()
    return [row[0] for row in rows]


def by_admin(database: Database, *statements: str) -> None:
    with database.admin() as admin:
        for statement in statements:
            admin.execute(statement)


def refused(database: Database, *words: str) -> None:
    """Nothing is removed, planned or approved, and the error says these words."""
    with pytest.raises(GonogoError) as caught:
        carried_out(database)
    assert "nothing has changed" in caught.value.primary
    for word in words:
        assert word in caught.value.render()
    assert own(database) == ["r1", "r2", "x"]


def test_what_it_has_read_is_said(database: Database) -> None:
    planned = carried_out(database)
    assert planned.rows == {"public.gonogo_rows": 2}
    assert planned.unseen == []
    with database.admin() as admin:
        number = admin.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN"
            " ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
        ).fetchone()
    assert number == (planned.compared,)
    done = carried_out(database, approved_content=planned.content)
    assert done.committed
    assert own(database) == ["x"]


@pytest.mark.parametrize("action", ["ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_a_cascade_into_a_table_that_cannot_be_read_stops_it(
    database: Database, action: str
) -> None:
    planned = carried_out(database)
    by_admin(
        database,
        HIDDEN.format(action=action),
        "INSERT INTO public.hidden VALUES ('r1'), ('r2')",
        "REVOKE ALL ON public.hidden FROM PUBLIC",
    )
    refused(database, "public.hidden", "missing: SELECT")
    with pytest.raises(GonogoError):
        carried_out(database, approved_content=planned.content)
    with database.admin() as admin:
        rows = admin.execute("SELECT id FROM public.hidden ORDER BY 1").fetchall()
    assert rows == [("r1",), ("r2",)]


def _in_another_schema(database: Database) -> str:
    by_admin(
        database,
        "CREATE SCHEMA elsewhere",
        HIDDEN.format(action="ON DELETE CASCADE").replace("public.hidden", "elsewhere.hidden"),
        "INSERT INTO elsewhere.hidden VALUES ('r1')",
        "GRANT ALL ON elsewhere.hidden TO PUBLIC",
    )
    return "elsewhere.hidden (missing: USAGE of schema elsewhere)"


def _behind_a_policy(database: Database) -> str:
    by_admin(
        database,
        HIDDEN.format(action="ON DELETE CASCADE"),
        "INSERT INTO public.hidden VALUES ('r1')",
        "GRANT ALL ON public.hidden TO PUBLIC",
        "ALTER TABLE public.hidden ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY nobody ON public.hidden USING (false)",
    )
    return "public.hidden (missing: a role that its row-level security does not apply to)"


def _in_a_partition(database: Database) -> str:
    by_admin(
        database,
        HIDDEN.format(action="ON DELETE CASCADE") + " PARTITION BY LIST (id)",
        "CREATE TABLE public.hidden_r1 PARTITION OF public.hidden FOR VALUES IN ('r1')",
        "INSERT INTO public.hidden VALUES ('r1')",
    )
    return "public.hidden_r1 (missing: SELECT)"


def _behind_another_cascade(database: Database) -> str:
    by_admin(
        database,
        "CREATE TABLE public.between (id text PRIMARY KEY REFERENCES public.gonogo_rows"
        " ON DELETE CASCADE, twin text UNIQUE)",
        "CREATE TABLE public.hidden (id text REFERENCES public.between ON DELETE CASCADE)",
        "INSERT INTO public.between VALUES ('r1')",
        "INSERT INTO public.hidden VALUES ('r1')",
    )
    return "public.hidden (missing: SELECT)"


def _by_a_trigger(database: Database) -> str:
    by_admin(
        database,
        "CREATE TABLE public.hidden (id text)",
        "INSERT INTO public.hidden VALUES ('mine')",
        "CREATE FUNCTION public.elsewhere() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS 'BEGIN DELETE FROM public.hidden; RETURN NULL; END'",
        "CREATE TRIGGER t AFTER DELETE ON public.gonogo_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION public.elsewhere()",
    )
    return "public.hidden (missing: SELECT)"


def _by_a_trigger_at_commit(database: Database) -> str:
    by_admin(
        database,
        "CREATE TABLE public.hidden (id text)",
        "INSERT INTO public.hidden VALUES ('mine')",
        "CREATE FUNCTION public.elsewhere() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS 'BEGIN DELETE FROM public.hidden; RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON public.gonogo_rows"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.elsewhere()",
    )
    return "public.hidden (missing: SELECT)"


def _by_a_rule(database: Database) -> str:
    by_admin(
        database,
        "CREATE TABLE public.hidden (id text)",
        "INSERT INTO public.hidden VALUES ('r1')",
        "CREATE RULE r AS ON DELETE TO public.gonogo_rows DO ALSO"
        " DELETE FROM public.hidden WHERE id = OLD.id",
        # A rule acts as the owner of its table.
        f"ALTER TABLE public.gonogo_rows OWNER TO {logins.SUPERUSER}",
        f"GRANT ALL ON public.gonogo_rows TO {logins.OWNER}",
    )
    return "public.hidden (missing: SELECT)"


@pytest.mark.parametrize(
    "hide",
    [
        _in_another_schema,
        _by_a_trigger_at_commit,
        *(
            pytest.param(one, marks=pytest.mark.attack)
            for one in (
                _behind_a_policy,
                _in_a_partition,
                _behind_another_cascade,
                _by_a_trigger,
                _by_a_rule,
            )
        ),
    ],
)
def test_whatever_it_reaches_and_cannot_see_stops_it(database: Database, hide: Any) -> None:
    refused(database, "cannot read", hide(database))


def test_a_trigger_at_commit_is_seen_before(database: Database) -> None:
    """In a table that the login can read."""
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.notes (id text)")
        owner.execute("INSERT INTO public.notes VALUES ('mine')")
        owner.execute(
            "CREATE FUNCTION public.elsewhere() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN DELETE FROM public.notes; RETURN NULL; END'"
        )
        owner.execute(
            "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON public.gonogo_rows"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.elsewhere()"
        )
    refused(database, "public.notes: 1 rows before, 0 after")


def test_a_cast_of_the_tables_owner_hides_no_change(database: Database) -> None:
    with database.owner() as owner:
        owner.execute("CREATE TABLE public.notes (note text)")
        owner.execute("INSERT INTO public.notes VALUES ('mine')")
        owner.execute(
            "CREATE FUNCTION public.always(public.notes) RETURNS text LANGUAGE sql IMMUTABLE"
            " AS $$SELECT 'same'$$"
        )
        owner.execute(
            "CREATE CAST (public.notes AS text) WITH FUNCTION public.always(public.notes)"
        )
        owner.execute(
            "CREATE FUNCTION public.elsewhere() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN UPDATE public.notes SET note = ''theirs''; RETURN NULL; END'"
        )
        owner.execute(
            "CREATE TRIGGER t AFTER DELETE ON public.gonogo_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.elsewhere()"
        )
    refused(database, "public.notes: 1 rows before, 1 after")


def test_large_objects_that_a_trigger_takes_along_are_seen(database: Database) -> None:
    with database.owner() as owner:
        owner.execute("SELECT lo_create(4711)")
        owner.execute(
            "CREATE FUNCTION public.elsewhere() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN PERFORM lo_unlink(4711); RETURN NULL; END'"
        )
        owner.execute(
            "CREATE TRIGGER t AFTER DELETE ON public.gonogo_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.elsewhere()"
        )
    refused(database, "large objects: 1 rows before, 0 after")


def test_what_it_cannot_read_and_does_not_reach_is_named(database: Database) -> None:
    by_admin(
        database,
        "CREATE TABLE public.hidden (id text)",
        "CREATE SCHEMA elsewhere",
        "CREATE TABLE elsewhere.hidden (id text)",
        "CREATE TABLE public.policed (id text)",
        "GRANT SELECT ON public.policed TO PUBLIC",
        "ALTER TABLE public.policed ENABLE ROW LEVEL SECURITY",
    )
    planned = carried_out(database)
    assert planned.unseen == ["elsewhere.hidden", "public.hidden", "public.policed"]
    assert carried_out(database, approved_content=planned.content).committed
    assert own(database) == ["x"]


def test_a_partition_that_is_read_through_its_table_is_compared(database: Database) -> None:
    by_admin(
        database,
        "CREATE TABLE public.parted (id text REFERENCES public.gonogo_rows ON DELETE CASCADE)"
        " PARTITION BY LIST (id)",
        "CREATE TABLE public.part PARTITION OF public.parted DEFAULT",
        f"GRANT SELECT ON public.parted TO {logins.OWNER}",
    )
    planned = carried_out(database)
    assert planned.unseen == []
    by_admin(database, "INSERT INTO public.parted VALUES ('r1')")
    refused(database, "public.parted: 1 rows before, 0 after")


def test_an_approval_is_for_the_rows_it_was_shown(database: Database) -> None:
    planned = carried_out(database)
    with database.owner() as owner:
        owner.execute("UPDATE public.gonogo_rows SET note = 'later' WHERE id = 'r1'")
    later = carried_out(database, approved_content=planned.content)
    assert not later.committed
    assert later.holds != planned.holds
    assert own(database) == ["r1", "r2", "x"]
