"""A database against the replay of its history, and what a migration changes beside what it names:
each of these checks is seen to pass, and to fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from gonogo.contract.records.drift import Episode, ReplayPlan
from gonogo.controller.runbook import pending as tools
from gonogo.controller.runbook.migration import names
from gonogo.host.compare import schema_catalog
from gonogo.host.migrate import history
from gonogo.host.migrate.history import Migration
from gonogo.host.migrate.replay import Replay, Sessions, changes_of
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.support import scripts
from tests.integration.support.harness import PROJECT, Database, login_of

DERIVED = scripts.Suite(parameters=(), directory=PROJECT / "runbooks" / "derived")
PHASE = "01_drift"
TOOL = history.find("prisma", schema="public")

HISTORY = (
    """
CREATE TYPE "Mood" AS ENUM ('good', 'bad');
CREATE TABLE customer (
    id serial PRIMARY KEY, name varchar(20) NOT NULL UNIQUE, mood "Mood" NOT NULL DEFAULT 'good',
    status varchar(10) CHECK (status IN ('new', 'old'))
);
CREATE FUNCTION twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * $1';
CREATE FUNCTION twice(text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $1';
""",
    """
CREATE TABLE purchase (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer REFERENCES customer,
    amount numeric(8, 2) NOT NULL, note text
) PARTITION BY RANGE (id);
CREATE TABLE purchase_1 PARTITION OF purchase FOR VALUES FROM (1) TO (1000);
CREATE INDEX IF NOT EXISTS purchase_note ON purchase (note);
ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON customer USING (name = current_user);
CREATE VIEW big AS SELECT id, amount FROM purchase WHERE amount > 10 AND note IN ('a', 'b');
CREATE OR REPLACE VIEW names AS SELECT name, status FROM customer;
CREATE PUBLICATION changes FOR TABLE customer;
DO $$ BEGIN EXECUTE 'CREATE TABLE made (id integer PRIMARY KEY, "at" timestamptz DEFAULT now())';
END $$;
""",
    # As Prisma swaps an enum.
    """
BEGIN;
CREATE TYPE "Mood_new" AS ENUM ('good', 'bad', 'so so');
ALTER TABLE customer ALTER COLUMN mood DROP DEFAULT;
ALTER TABLE customer ALTER COLUMN mood TYPE "Mood_new" USING (mood::text::"Mood_new");
ALTER TYPE "Mood" RENAME TO "Mood_old";
ALTER TYPE "Mood_new" RENAME TO "Mood";
DROP TYPE "Mood_old";
ALTER TABLE customer ALTER COLUMN mood SET DEFAULT 'good';
COMMIT;
ALTER TABLE made RENAME TO kept;
ALTER TABLE kept RENAME COLUMN "at" TO since;
INSERT INTO purchase (customer, amount) VALUES (4711, 1);
""",
)
PENDING = """
ALTER TABLE customer ADD COLUMN email text, ADD UNIQUE (email);
CREATE TABLE item (id serial PRIMARY KEY, purchase bigint NOT NULL);
CREATE INDEX ON item (purchase);
"""


@dataclasses.dataclass
class Application:
    """An empty database, and what becomes of it."""

    database: Database
    directory: Path

    def login(self, database: str | None = None) -> Any:
        return connect(self.database.login(), name="test", database=database)

    def superuser(self, database: str | None = None) -> Any:
        cluster, name = self.database.cluster, database or self.database.name
        login = login_of(cluster, name, logins.SUPERUSER)
        return connect(login, name="test")

    def execute(self, *texts: str) -> None:
        with self.database.owner() as owner:
            for text in texts:
                owner.execute(text)

    def judged(
        self, history: Sequence[str], pending: str = PENDING, **plan: Any
    ) -> dict[str, dict[str, Any]]:
        """What the checks say, once what is pending is applied, too."""
        given = {
            "applied": [episode(number, text) for number, text in enumerate(history, 1)],
            "pending": [episode(99, pending)],
            "names": sorted(names(pending)),
            **plan,
        }
        asked = ReplayPlan(home="", schema="public", tables=TOOL.tables, **given)
        sessions = Sessions(self.login, self.superuser)
        replay = Replay(asked, sessions, lambda: None, name=f"{self.database.name}_replay")
        before = self._schema()
        replay.applied(before)
        self.execute(pending)
        after = self._schema()
        replay.pending(after)
        with self.login() as connection:
            changes = changes_of(connection, asked, before, after)
        suite = dataclasses.replace(DERIVED, drift=replay.result, schema_changes=changes)
        answers = scripts.by_module(self.database, suite.scripts([PHASE], {}), self.directory)
        assert not answers.errors
        assert set(answers.checks) == {"D1.0", "D1.1", "D1.2", "D1.3", "D2.4"}
        return answers.checks

    def _schema(self) -> dict[str, str]:
        with self.login() as connection:
            return schema_catalog.read(connection)


def episode(number: int, text: str) -> Episode:
    file = f"{number}/migration.sql"
    return Episode(file, tools.steps(TOOL, Migration(str(number), file, text)))


@pytest.fixture
def application(database: Database, tmp_path: Path) -> Iterator[Application]:
    name = f"{database.name}_history"
    made, gone = (
        sql.SQL(words).format(sql.Identifier(name), sql.Identifier(logins.OWNER))
        for words in ("CREATE DATABASE {} OWNER {}", "DROP DATABASE {} WITH (FORCE)")
    )
    replayed = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
        sql.Identifier(f"{name}_replay")
    )
    with database.cluster.connect() as admin:
        admin.execute(made)
        try:
            yield Application(Database(database.cluster, name, "target"), tmp_path)
        finally:
            admin.execute(gone)
            admin.execute(replayed)


def applied(application: Application) -> None:
    """The history, where its rows were."""
    application.execute(*HISTORY[:2])
    application.execute("INSERT INTO customer (id, name) VALUES (4711, 'first')")
    application.execute(HISTORY[2])


def wrong(checks: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return {
        name: [result["status"], *result["samples"]]
        for name, result in checks.items()
        if result["status"] != "pass"
    }


def test_a_database_that_is_what_its_history_says(application: Application) -> None:
    applied(application)
    checks = application.judged(HISTORY)
    assert wrong(checks) == {}, checks
    assert checks["D1.0"]["examined"] == 4
    assert checks["D1.0"]["samples"] == [
        "3/migration.sql:13: INSERT INTO purchase (customer, amount) VALUES (4711, 1)"
    ]
    assert checks["D1.1"]["examined"] > 30
    assert checks["D2.4"]["examined"] > 5


HARMLESS = {
    "what is only called otherwise": (
        "ALTER TABLE customer RENAME CONSTRAINT customer_pkey TO old_pkey;"
        "ALTER INDEX purchase_note RENAME TO other; ALTER SEQUENCE customer_id_seq RENAME TO seq",
        {},
    ),
    "other rights": (f"GRANT SELECT ON customer TO {logins.APPLICATION}", {}),
    "comments": ("COMMENT ON TABLE customer IS 'all'", {}),
    "an index of a person's": (
        "CREATE INDEX mine ON customer (status)",
        {"D1.3": ["fail", "index public.mine"]},
    ),
    "a table of a person's": (
        "CREATE TABLE mine (id integer PRIMARY KEY)",
        {"D1.3": ["fail", "table public.mine"]},
    ),
    "what is tuned": (
        "ALTER TABLE customer SET (autovacuum_enabled = off, fillfactor = 70),"
        " ALTER COLUMN name SET STATISTICS 500; ALTER TABLE customer REPLICA IDENTITY FULL",
        {"D1.3": ["fail", "column public.customer.name", "table public.customer"]},
    ),
    "the order of columns": (
        "ALTER TABLE kept DROP COLUMN since, ADD COLUMN since timestamptz DEFAULT now();"
        "DROP TABLE kept; CREATE TABLE kept (since timestamptz DEFAULT now(), id integer"
        " PRIMARY KEY)",
        {},
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_drift(application: Application, name: str) -> None:
    change, expected = HARMLESS[name]
    applied(application)
    application.execute(change)
    checks = application.judged(HISTORY)
    assert wrong(checks) == expected, checks


DRIFT = {
    "a column that is missing": (
        "ALTER TABLE kept DROP COLUMN since",
        {"D1.1": ["fail", "column public.kept.since"]},
        "is missing, should be timestamp with time zone default now() (3/migration.sql)",
    ),
    "another type": (
        "DROP VIEW big; ALTER TABLE purchase ALTER COLUMN amount TYPE numeric(9, 2)",
        {
            "D1.1": [
                "fail",
                "column public.purchase.amount",
                "column public.purchase_1.amount",
                "view public.big",
            ]
        },
        "should be numeric(8,2) not null, is numeric(9,2) not null (2/migration.sql)",
    ),
    "a table that is missing, told once": (
        "DROP TABLE kept",
        {"D1.1": ["fail", "table public.kept"]},
        "is missing",
    ),
    "an overload": (
        "DROP FUNCTION twice(text)",
        {"D1.1": ["fail", "function public.twice(text)"]},
        "is missing",
    ),
    "a policy": (
        "ALTER POLICY own ON customer USING (true)",
        {"D1.1": ["fail", "policy public.customer.own"]},
        "is permissive for * to PUBLIC using (true)",
    ),
    "a label": (
        "ALTER TYPE \"Mood\" ADD VALUE 'other'",
        {"D1.1": ["fail", 'type public."Mood"']},
        "is enum ('good', 'bad', 'so so', 'other')",
    ),
    "a constraint": (
        "ALTER TABLE customer DROP CONSTRAINT customer_status_check",
        {"D1.1": ["fail", "constraint public.customer.customer_status_check"]},
        "(1/migration.sql)",
    ),
    "an index": (
        "DROP INDEX purchase_note",
        {"D1.1": ["fail", "index public.purchase_1_note_idx", "index public.purchase_note"]},
        "(2/migration.sql)",
    ),
    "a view": (
        "CREATE OR REPLACE VIEW names AS SELECT name, status FROM customer WHERE id > 1",
        {"D1.1": ["fail", "view public.names"]},
        "(2/migration.sql)",
    ),
    "a partition": (
        "DROP TABLE purchase_1",
        {"D1.1": ["fail", "table public.purchase_1"]},
        "(2/migration.sql)",
    ),
    "a publication": (
        "ALTER PUBLICATION changes ADD TABLE kept",
        {"D1.1": ["fail", "publication changes"]},
        "(2/migration.sql)",
    ),
}


@pytest.mark.parametrize("name", DRIFT)
def test_drift(application: Application, name: str) -> None:
    change, expected, words = DRIFT[name]
    applied(application)
    application.execute(change)
    checks = application.judged(HISTORY)
    assert wrong(checks) == expected, checks
    assert words.rpartition(" (")[0] in checks["D1.1"]["observed"], checks["D1.1"]["observed"]


def test_what_was_in_the_way_of_the_migration(application: Application) -> None:
    applied(application)
    application.execute("CREATE TABLE item (id integer PRIMARY KEY, purchase bigint)")
    checks = application.judged(
        HISTORY, "CREATE TABLE IF NOT EXISTS item (id serial PRIMARY KEY, purchase bigint NOT NULL)"
    )
    found = wrong(checks)
    assert found["D1.2"] == [
        "fail",
        "column public.item.id",
        "column public.item.purchase",
        "sequence public.item_id_seq",
    ]
    # Before, it was somebody's table.
    assert set(found) == {"D1.2"}, found


NOT_REPLAYED = {
    "what was there before": (("ALTER TABLE older ADD COLUMN more text",), "1/migration.sql:1"),
    "a right": (
        ("\nCREATE TABLE a (id integer);\nCREATE ROLE other;\nCOPY a FROM '/etc/passwd';\n",),
        "1/migration.sql:4",
    ),
}


@pytest.mark.parametrize("name", NOT_REPLAYED)
def test_a_history_that_does_not_replay(application: Application, name: str) -> None:
    past, place = NOT_REPLAYED[name]
    application.execute("CREATE TABLE older (id integer, more text)")
    application.execute("CREATE TABLE customer (id integer)")
    checks = application.judged(past)
    assert wrong(checks) == {"D1.0": ["inconclusive", *checks["D1.0"]["samples"]]}
    assert f"does not replay on an empty database: {place}: " in checks["D1.0"]["observed"]
    assert checks["D1.1"]["examined"] == checks["D1.2"]["examined"] == 0


def test_a_baseline_is_what_the_history_begins_with(application: Application) -> None:
    application.execute("CREATE TABLE customer (id integer)", "ALTER TABLE customer ADD more text")
    start = episode(0, "CREATE TABLE customer (id integer)").steps
    checks = application.judged(["ALTER TABLE customer ADD more text"], baseline=start)
    assert wrong(checks) == {}


EXPLAINED = {
    "a column with its own index": "ALTER TABLE kept DROP COLUMN since",
    "a table with its parts": "DROP TABLE kept",
    "a renamed table": "ALTER TABLE kept RENAME TO held; ALTER TABLE held RENAME COLUMN id TO key",
    "a renamed column of a view and a policy": "ALTER TABLE customer RENAME COLUMN name TO called",
    "another type, with the index that is made again": (
        "ALTER TABLE kept ALTER COLUMN id TYPE bigint"
    ),
    "a column of a partitioned table": "ALTER TABLE purchase ADD place text, DROP COLUMN customer",
    "a view that is named": "DROP VIEW big; ALTER TABLE purchase DROP COLUMN amount",
    "a long name": f"CREATE TABLE {'long' * 20} (id integer PRIMARY KEY)",
    "default privileges that are named": (
        f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {logins.APPLICATION};"
        "CREATE TABLE new (id integer)"
    ),
    "a column with its sequence": "ALTER TABLE customer DROP COLUMN id CASCADE;"
    "ALTER TABLE purchase ADD CONSTRAINT purchase_customer_fkey CHECK (true)",
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_a_statement_accounts_for(application: Application, name: str) -> None:
    applied(application)
    checks = application.judged(HISTORY, EXPLAINED[name])
    assert "D2.4" not in wrong(checks), checks["D2.4"]
    assert checks["D2.4"]["examined"] > 0


UNEXPLAINED = {
    "a view that goes along": (
        "ALTER TABLE purchase DROP COLUMN amount CASCADE",
        ["view public.big"],
    ),
    "a foreign key of another table": (
        "DROP TABLE customer CASCADE",
        ["constraint public.purchase.purchase_customer_fkey", "view public.names"],
    ),
    "an index with a column that stays": (
        "ALTER TABLE kept DROP COLUMN since",
        ["index public.two"],
    ),
    "a default that goes along": (
        "DROP SEQUENCE customer_id_seq CASCADE",
        ["column public.customer.id"],
    ),
    "what is made under a name that nobody reads": (
        "DO $$ BEGIN EXECUTE concat('CREATE TABLE sec', 'ret (id integer)'); END $$",
        ["table public.secret"],
    ),
    "rights of what it does not name": (
        "DO $$ BEGIN EXECUTE concat('GRANT SELECT ON cust', 'omer TO "
        f"{logins.APPLICATION}'); END $$",
        ["privileges of table public.customer"],
    ),
    "two names that become one": (
        f"CREATE TABLE {'long' * 15}abc1 (id integer);"
        f"CREATE TABLE IF NOT EXISTS {'long' * 15}abc2 (id integer)",
        [f"table public.{'long' * 15}abc"],
    ),
}


@pytest.mark.parametrize("name", UNEXPLAINED)
def test_what_no_statement_accounts_for(application: Application, name: str) -> None:
    pending, expected = UNEXPLAINED[name]
    applied(application)
    application.execute("CREATE INDEX two ON kept (id, since)")
    checks = application.judged(HISTORY, pending)
    assert checks["D2.4"]["status"] == "fail", checks["D2.4"]
    assert checks["D2.4"]["samples"] == expected, checks["D2.4"]
