"""A dump of somebody's database, restored into an embedded server: all that pg_dump writes."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.logins import OWNER
from tests.integration.support.migrations import PRISMA_TABLE
from tools import dump, trial

FIRST = 'CREATE TABLE "Note" ("id" SERIAL NOT NULL PRIMARY KEY, "text" TEXT);\n'
SECOND = 'ALTER TABLE "Note" ADD COLUMN "done" BOOLEAN NOT NULL DEFAULT false;\n'
# With what a dump of an application has beside its tables.
MORE = """
CREATE EXTENSION pgcrypto;
CREATE ROLE dump_reader;
GRANT SELECT ON "Note" TO dump_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO dump_reader;
CREATE FUNCTION public.one() RETURNS int LANGUAGE sql AS $f$
    SELECT 1;
$f$;
INSERT INTO "Note" ("text") VALUES (E'a\\\\b\\tc\\n\\\\.'), (NULL), ('COPY x FROM stdin;');
CREATE VIEW public.seen AS SELECT count(*) AS number FROM "Note";
"""
FORMATS = ["plain", "custom", "tar", "directory"]
Dump = Callable[..., Path]


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Callable[[str], str]]:
    """Makes an empty one that is an ordinary owner's."""
    made: list[str] = []

    def make(name: str) -> str:
        with cluster.connect() as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(OWNER)
                )
            )
        made.append(name)
        return name

    yield make
    with cluster.connect() as admin:
        for name in made:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(name)))
        admin.execute("DROP ROLE IF EXISTS dump_reader")


@pytest.fixture
def dumped(cluster: Cluster, database: Callable[[str], str], tmp_path: Path) -> Dump:
    def make(form: str, *more: str) -> Path:
        source = database("dump_source")
        with cluster.connect(source) as admin:
            admin.execute(PRISMA_TABLE)
            admin.execute(FIRST + MORE)
        file = tmp_path / f"dump.{form}"
        subprocess.run(
            [
                str(cluster.bin / "pg_dump"),
                *(f"--format={form}", f"--file={file}", *more),
                " ".join(f"{key}={value}" for key, value in cluster.conninfo(source).items()),
            ],
            check=True,
        )
        with cluster.connect() as admin:
            admin.execute("DROP DATABASE dump_source WITH (FORCE)")
            admin.execute("DROP ROLE dump_reader")
        return file

    return make


@pytest.mark.parametrize("form", FORMATS)
def test_each_format(
    form: str, cluster: Cluster, database: Callable[[str], str], dumped: Dump
) -> None:
    file = dumped(form)
    name = database("dump_target")
    done = dump.restore(cluster, name, file)
    assert done.roles == {"dump_reader"}
    assert done.extensions == {"pgcrypto"}
    assert "dump_reader" in "\n".join(done.lines())
    with cluster.connect(name, OWNER) as owner:
        rows = owner.execute('SELECT "text" FROM public."Note" ORDER BY "id"').fetchall()
        owners = owner.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
        read = owner.execute(
            "SELECT has_table_privilege('dump_reader', 'public.\"Note\"', 'SELECT')"
        ).fetchone()
        seen = owner.execute("SELECT number, public.one() FROM public.seen").fetchone()
    assert [text for (text,) in rows] == ["a\\b\tc\n\\.", None, "COPY x FROM stdin;"]
    assert owners == [(OWNER,)]
    assert read == (True,)
    assert seen == (3, 1)


def test_what_psql_would_do_on_this_machine_is_not_done(
    cluster: Cluster, database: Callable[[str], str], tmp_path: Path
) -> None:
    file, touched = tmp_path / "dump.sql", tmp_path / "touched"
    file.write_text(f"SELECT 1;\n\\! touch {touched}\n")
    with pytest.raises(SandboxError, match="has a command of psql"):
        dump.restore(cluster, database("dump_target"), file)
    assert not touched.exists()


BAD: dict[str, tuple[bytes, str]] = {
    "an error": (b"SELECT 1;\nCREATE TABLE x (y nothing);\n", 'type "nothing" does not exist'),
    "a superuser's": (b"COPY pg_class TO PROGRAM 'true';\n", "permission denied"),
    "cut": (b"CREATE TABLE x (y text);\nCOPY x (y) FROM stdin;\na\n", "in the middle of a table"),
    "no dump": (b"\0\1\2", "is no dump"),
    "compressed": (b"\x1f\x8b\x08", "is compressed"),
    "an archive that is none": (b"PGDMP\1\2", "cannot be read"),
    "an extension that is not there": (b"CREATE EXTENSION nobody;\n", "no extension"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_dump_is_one_error(
    name: str, cluster: Cluster, database: Callable[[str], str], tmp_path: Path
) -> None:
    file = tmp_path / "dump"
    file.write_bytes(BAD[name][0])
    with pytest.raises(SandboxError, match=BAD[name][1]):
        dump.restore(cluster, database("dump_target"), file)


def test_the_record_in_a_dump_says_what_is_judged(
    dumped: Dump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "RUNS", tmp_path / "runs")
    folder = tmp_path / "migrations"
    for name, text in (("20260101000000_first", FIRST), ("20260102000000_second", SECOND)):
        (folder / name).mkdir(parents=True)
        (folder / name / "migration.sql").write_text(text)
    (folder / "migration_lock.toml").write_text('provider = "postgresql"\n')
    file = dumped("custom", "--exclude-table=_prisma_migrations")
    assert trial.main([str(folder), "--dump", str(file)]) == 1
    assert "the dump has no record of Prisma" in capfd.readouterr().err
    recorded = tmp_path / "recorded.sql"
    plain = dumped("plain").read_text()
    recorded.write_text(plain + _record(folder / "20260101000000_first" / "migration.sql"))
    assert trial.main([str(folder), "--dump", str(recorded)]) == 0
    said = capfd.readouterr().out
    assert "Rows: those of the dump." in said
    assert "Judging: 20260102000000_second\n" in said
    (verdict,) = (tmp_path / "runs").glob("*/*/verdict.json")
    assert json.loads(verdict.read_text())["decision"] == "GO", said


def _record(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return (
        "INSERT INTO public._prisma_migrations (id, checksum, finished_at, migration_name,"
        f" applied_steps_count) VALUES ('1', '{digest}', now(), '{file.parent.name}', 1);\n"
    )
