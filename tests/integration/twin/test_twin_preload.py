"""Extensions whose library the server has to load when it starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.contract.login import Login
from gonogo.host.session.connection import connect
from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database
from tests.integration.support.twins import Rehearsal

LIBRARY = "pg_stat_statements"
DEBIAN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="module")
def preloading(
    tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None
) -> Iterator[Cluster]:
    settings = {"shared_preload_libraries": f"auto_explain, {LIBRARY}"}
    with Cluster.start(tmp_path_factory.mktemp("preloading"), server_bin, settings) as started:
        yield started


def made(
    cluster: Cluster, directory: Path, *statements: str, user: str = logins.SUPERUSER
) -> Rehearsal:
    """A database of its own, with these statements run in it by a superuser."""
    with cluster.connect() as session:
        session.execute("DROP DATABASE IF EXISTS extended WITH (FORCE)")
        session.execute("CREATE DATABASE extended")
    with cluster.connect("extended") as session:
        for statement in statements:
            session.execute(statement.encode())
    words = cluster.conninfo("extended", user)
    login = Login(
        db="extended",
        user=words["user"],
        host=words["host"],
        port=int(words["port"]),
        passfile=words["passfile"],
    )
    options = {"server_bin": str(cluster.bin)}
    return Rehearsal(Database(cluster, "extended", "target"), directory, login, options=options)


# A view of it can only be read where its library was loaded.
STATEMENTS = (
    f"CREATE EXTENSION {LIBRARY}",
    f"CREATE MATERIALIZED VIEW public.seen AS SELECT count(*) FROM {LIBRARY}",
    "CREATE TABLE public.things AS SELECT 1 AS id",
)


def test_the_twin_loads_what_its_source_has_loaded(preloading: Cluster, tmp_path: Path) -> None:
    rehearsal = made(preloading, tmp_path, *STATEMENTS)
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer
    assert "first_attempt" not in answer
    assert answer["confinement"]["files"] is (answer["confinement"]["reason"] is None)


def test_a_host_without_the_library_has_not_tried(preloading: Cluster, tmp_path: Path) -> None:
    """That says nothing about the backup."""
    rehearsal = made(preloading, tmp_path, *STATEMENTS)
    # The account of the server must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="gonogo-test-"))
    folder.chmod(0o755)
    try:
        server = folder / "server"
        shutil.copytree(preloading.bin.parent, server, symlinks=True)
        libraries = [found for found in server.rglob(f"{LIBRARY}.*") if found.suffix != ".control"]
        libraries = [found for found in libraries if found.suffix in {".so", ".dylib"}]
        if not libraries:
            pytest.skip("this server cannot be copied")
        for library in libraries:
            library.unlink()
        with rehearsal.locked():
            answer = rehearsal.restore(rehearsal.back_up(), server_bin=str(server / "bin"))
    finally:
        shutil.rmtree(folder)
    assert answer["proven"] is None
    assert f"EXTENSION {LIBRARY}: could not access file" in answer["reason"]
    assert "cannot be restored" not in answer["reason"]
    assert "Install the packages" in answer["hint"]


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    missing = [
        name
        for name in ("pg_cron", "pgaudit", "pg_qualstats")
        if not Path(f"/usr/share/postgresql/15/extension/{name}.control").exists()
    ]
    if missing or not os.access(DEBIAN / "postgres", os.X_OK):
        pytest.skip(f"Debian's PostgreSQL 15 is not here with {', '.join(missing) or 'it'}")
    settings = {
        "shared_preload_libraries": "pg_cron, pgaudit, pg_qualstats",
        "cron.database_name": "extended",
    }
    with Cluster.start(tmp_path_factory.mktemp("scheduled"), DEBIAN, settings) as started:
        yield started


WORKERS = "SELECT backend_type FROM pg_stat_activity WHERE backend_type LIKE 'pg_cron%'"
EXTENSIONS = ("CREATE EXTENSION pgaudit", "CREATE EXTENSION pg_qualstats")


@pytest.mark.attack
def test_a_schedule_is_proven_and_runs_nothing_in_the_twin(
    scheduled: Cluster, tmp_path: Path
) -> None:
    rehearsal = made(
        scheduled,
        tmp_path,
        *EXTENSIONS,
        "CREATE EXTENSION pg_cron",
        "CREATE TABLE public.things AS SELECT 1 AS id",
        "SELECT cron.schedule('empty', '* * * * *', 'SELECT 1')",
    )
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up(), keep=True)
        assert answer["proven"] is True, answer
        assert answer["proof"]["tables"]["cron.job"]["rows"] == [1, 1]
        twin = Login(**{**answer["twin"]["login"], "user": logins.SUPERUSER})
        with connect(twin, name="test") as session:
            loaded = session.execute("SHOW shared_preload_libraries").fetchone()
            processes = session.execute(WORKERS).fetchall()
    assert loaded == ('"pg_cron", "pgaudit", "pg_qualstats"',)
    assert processes == []


@pytest.mark.attack
def test_who_may_not_see_the_setting_has_them_loaded_all_the_same(
    scheduled: Cluster, tmp_path: Path
) -> None:
    owner = logins.OWNER
    rehearsal = made(
        scheduled,
        tmp_path,
        *EXTENSIONS,
        f"GRANT ALL ON SCHEMA public TO {owner}",
        f"SET ROLE {owner}",
        "CREATE TABLE public.things AS SELECT 1 AS id",
        user=owner,
    )
    with rehearsal.locked():
        answer = rehearsal.restore(rehearsal.back_up())
    assert answer["proven"] is True, answer
