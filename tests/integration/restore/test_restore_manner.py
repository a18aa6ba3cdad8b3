"""What fails only side by side, or by a setting, is no fault of the backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from gonogo.contract.login import Timeouts
from gonogo.host.restore import replace as module
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database
from tests.integration.support.twins import RUN_ID, Rehearsal
from tests.records import declared

# What only a session restores that is not told what stands in the database's settings: an array
# with a null, a comparison with one, a partitioned table, a view that a materialized one reads, an
# index that takes more room than memory, rows whose CHECK reads a setting.
OBJECTS = """
CREATE FUNCTION public.fits(integer) RETURNS boolean LANGUAGE sql
    AS $$ SELECT $1 < pg_catalog.current_setting('app.most')::integer $$;
CREATE TABLE public.things (id integer PRIMARY KEY, list text[], label text,
    CHECK ((id = NULL) IS NULL));
INSERT INTO public.things
    SELECT n, ARRAY['NULL', NULL], md5(n::text) FROM generate_series(1, 30000) AS n;
CREATE INDEX ON public.things (label);
CREATE VIEW public.seen AS SELECT id FROM public.things;
CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.seen;
CREATE TABLE public.parted (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.parted_a PARTITION OF public.parted FOR VALUES FROM (1) TO (9);
CREATE TABLE public.checked (id integer CHECK (public.fits(id)));
SET app.most = '5';
INSERT INTO public.checked VALUES (1);
"""
# Setting, value, first version that has it for certain.
SETTINGS = {
    "read only": ("default_transaction_read_only", "on", 13),
    "array_nulls": ("array_nulls", "off", 13),
    "transform_null_equals": ("transform_null_equals", "on", 13),
    "tablespace": ("default_tablespace", "pg_default", 13),
    "views": ("restrict_nonsystem_relation_kind", "view", 17),
    "of the application": ("app.most", "5", 13),
    "little memory": ("maintenance_work_mem", "1MB", 13),
    "no files": ("temp_file_limit", "0", 13),
    "serializable": ("default_transaction_isolation", "serializable", 13),
    "deferrable": ("default_transaction_deferrable", "on", 13),
    "locks": ("lock_timeout", "1ms", 13),
    "replica": ("session_replication_role", "replica", 13),
    "dates": ("datestyle", "SQL, DMY", 13),
    "intervals": ("intervalstyle", "sql_standard", 13),
    "documents": ("xmloption", "document", 13),
    "encoding": ("client_encoding", "LATIN1", 13),
    "strings": ("standard_conforming_strings", "off", 13),
}
# None of them is in the way of the run itself.
TOGETHER = tuple(SETTINGS)[:8]


def prepared(database: Database, names: Sequence[str]) -> None:
    with database.admin() as session:
        session.execute(f"SET ROLE {logins.OWNER}")
        session.execute(OBJECTS)
        session.execute("RESET ROLE")
        for name in ("of the application", *names):
            setting, value, since = SETTINGS[name]
            if session.info.server_version >= since * 10000:
                session.execute(
                    f"ALTER DATABASE {database.name} SET {setting} = '{value}'".encode()
                )


@dataclass
class Way:
    """Where a backup is restored, and by whom."""

    rehearsal: Rehearsal

    def twin(self, record: dict[str, Any], **options: Any) -> dict[str, Any]:
        with self.rehearsal.locked():
            answer = self.rehearsal.restore(record, **options)
        assert answer["proven"] is True, answer
        return answer

    def in_earnest(self, record: dict[str, Any], user: str) -> dict[str, Any]:
        """In the place of the database; `proof` says what it was compared with."""
        database = self.rehearsal.database
        request = module.Request(
            login=replace(database.login(), user=user),
            run_id=RUN_ID,
            declared=declared(database=database.name),
            archive=Path(record["file"]),
            sha256=record["sha256"],
            maintenance="postgres",
            stamp="20260131120000_0a1b2c",
            pg_bin=str(database.cluster.bin),
            jobs=2,
            fence=[],
            timeouts=Timeouts(),
        )
        plan = module.restore(request, approved_content=None).answer()
        content = str(plan["content"])
        done: dict[str, Any] = module.restore(request, approved_content=content).answer()
        assert done["committed"], done
        assert done["proof"]["equal"] is True
        with database.cluster.connect("postgres") as session:
            session.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(done["kept_as"])))
        return done


@pytest.fixture
def way(database: Database, tmp_path: Path) -> Way:
    return Way(Rehearsal(database, tmp_path, database.login()))


def backed_up(way: Way) -> dict[str, Any]:
    with way.rehearsal.locked():
        return way.rehearsal.back_up()


def settings_of(database: Database) -> Any:
    with database.admin() as session:
        return session.execute(
            "SELECT ARRAY(SELECT unnest(setconfig) ORDER BY 1) FROM pg_db_role_setting AS s"
            " JOIN pg_database AS d ON d.oid = s.setdatabase AND s.setrole = 0"
            " WHERE d.datname = current_database()"
        ).fetchone()


def test_settings_do_not_stand_in_the_way(way: Way) -> None:
    database = way.rehearsal.database
    prepared(database, TOGETHER)
    record = backed_up(way)
    assert "first_attempt" not in way.twin(record, jobs=2)
    # Of this one the stage target says that checks would see nothing.
    with database.cluster.connect() as session:
        session.execute(
            f"ALTER DATABASE {database.name} RESET default_transaction_read_only".encode()
        )
    before = settings_of(database)
    assert way.in_earnest(record, logins.SUPERUSER)["first_attempt"] is None
    assert settings_of(database) == before


@pytest.mark.attack
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("scratch", [False, True], ids=["cluster", "beside"])
def test_no_setting_stands_in_the_way(way: Way, name: str, scratch: bool) -> None:
    database = way.rehearsal.database
    prepared(database, [name])
    if scratch:
        with database.cluster.connect() as session:
            session.execute(f"ALTER ROLE {logins.OWNER} CREATEDB")
    options = {"space_factor": 1e9, "scratch": True} if scratch else {}
    try:
        answer = way.twin(backed_up(way), jobs=2, **options)
    finally:
        with database.cluster.connect() as session:
            session.execute(f"ALTER ROLE {logins.OWNER} NOCREATEDB")
    assert answer["method"] == ("database" if scratch else "cluster")


# A trigger of a partition is there with that of its parent, which pg_dump does not note: side by
# side it is switched off before it is there.
PARTITIONS = 40
DISABLED = f"""
CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE public.p (a integer, b integer) PARTITION BY RANGE (a);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (b);
{
    "".join(
        f"CREATE TABLE public.p1_{n} PARTITION OF public.p1 FOR VALUES FROM ({n}) TO ({n + 1});"
        for n in range(PARTITIONS)
    )
}
INSERT INTO public.p SELECT 1, n FROM generate_series(0, {PARTITIONS - 1}) AS n;
CREATE TRIGGER tr BEFORE INSERT ON public.p FOR EACH ROW EXECUTE FUNCTION public.noted();
{"".join(f"ALTER TABLE public.p1_{n} DISABLE TRIGGER tr;" for n in range(PARTITIONS))}
"""


def test_what_fails_side_by_side_is_tried_in_a_row(way: Way) -> None:
    with way.rehearsal.database.owner() as session:
        session.execute(DISABLED.encode())
    record = backed_up(way)
    answer = way.twin(record, jobs=2)
    if "first_attempt" in answer:
        assert 'trigger "tr" for table' in answer["first_attempt"]
        assert "DISABLE TRIGGER tr" in answer["first_attempt"]
    way.in_earnest(record, logins.SUPERUSER)


# --- encodings -----------------------------------------------------------------------------------


@pytest.fixture
def odd(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[str, str, str], Way]]:
    """Encoding, session's encoding and statements -> a database of it."""
    name = "test_odd"

    def make(encoding: str, spoken: str, statements: str) -> Way:
        with cluster.connect() as session:
            session.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
                " TEMPLATE template0".encode()
            )
        with cluster.connect(name) as session:
            session.execute(f"SET client_encoding = {spoken}".encode())
            session.execute(statements)
        database = Database(cluster, name, "target")
        return Way(Rehearsal(database, tmp_path, replace(database.login(), user=logins.SUPERUSER)))

    yield make
    content.drop(cluster, name)


NAMES = """
CREATE SCHEMA "s\xe9 x";
CREATE TABLE "s\xe9 x"."t\xe9" (id integer PRIMARY KEY, "\xe9" text DEFAULT '\xe9');
COMMENT ON TABLE "s\xe9 x"."t\xe9" IS 'caf\xe9';
INSERT INTO "s\xe9 x"."t\xe9" VALUES (1, 'caf\xe9');
CREATE SEQUENCE "s\xe9 x"."n\xe9";
SELECT nextval('"s\xe9 x"."n\xe9"');
"""


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_names_and_comments_in_another_encoding(
    odd: Callable[[str, str, str], Way], encoding: str
) -> None:
    """In SQL_ASCII they are bytes that are no UTF-8."""
    way = odd(encoding, "LATIN1", NAMES)
    record = backed_up(way)
    assert record["tables"] == ['"s\xe9 x"."t\xe9"']
    answer = way.twin(record)
    assert answer["proof"]["tables"]['"s\xe9 x"."t\xe9"']["rows"] == [1, 1]
    assert answer["proof"]["sequences"]["compared"] == 1
