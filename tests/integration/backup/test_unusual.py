"""What is legal and hardly ever seen is proven as anything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import logins
from sandbox.cluster import Cluster
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import Rehearsal
from tests.integration.support.universe import loading

NAME = "unusual"
SCRIPT = Path(__file__).with_name("unusual.sql")


@pytest.fixture(scope="module")
def unusual(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with cluster.connect() as session:
        version = session.info.server_version // 10_000
    script = tmp_path_factory.mktemp("unusual") / "script.sql"
    known = "".join(f"\\set since_{one} {version >= one}\n" for one in range(14, 19))
    script.write_text(known.lower() + SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    with loading.loaded(cluster, NAME, script) as database:
        yield database


@pytest.mark.parametrize("scratch", [False, True], ids=["cluster", "beside"])
def test_it_is_proven(
    unusual: Database, tmp_path: Path, server_bin: Path | None, scratch: bool
) -> None:
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    login = login_of(unusual.cluster, unusual.name)
    run = Rehearsal(unusual, tmp_path, login, options=programs)
    with run.locked():
        answer = run.restore(run.back_up(), scratch=scratch, space_factor=1e9 if scratch else 1.2)
    assert answer["proven"] is True, answer
    assert answer["proof"]["schema"]["not_carried"] == []


# By their names they come in an order in which none but the last can be filled.
VIEWS = """
CREATE TABLE public.things AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW public.c_views AS SELECT id FROM public.things;
CREATE FUNCTION public.of_c() RETURNS int LANGUAGE plpgsql AS
    'BEGIN RETURN (SELECT id FROM public.c_views); END';
CREATE MATERIALIZED VIEW public.b_views AS SELECT public.of_c() AS id;
CREATE FUNCTION public.of_b() RETURNS int LANGUAGE plpgsql AS
    'BEGIN RETURN (SELECT id FROM public.b_views); END';
CREATE MATERIALIZED VIEW public.a_views AS SELECT public.of_b() AS id;
"""


@pytest.fixture
def owned(cluster: Cluster) -> Iterator[Database]:
    """A database of a login that may make others and is no superuser."""
    with cluster.connect() as admin:
        admin.execute(f"ALTER ROLE {logins.OWNER} CREATEDB")
        admin.execute(f"CREATE DATABASE owned OWNER {logins.OWNER}")
    with cluster.connect("owned") as admin:
        admin.execute(f"GRANT CREATE ON SCHEMA public TO {logins.OWNER}")
    database = Database(cluster, "owned", "target")
    with database.owner() as owner:
        owner.execute(VIEWS.encode())
    yield database
    with cluster.connect() as admin:
        admin.execute("DROP DATABASE owned WITH (FORCE)")
        admin.execute(f"ALTER ROLE {logins.OWNER} NOCREATEDB")


@pytest.mark.parametrize("scratch", [False, True], ids=["cluster", "beside"])
def test_views_that_read_one_another(
    owned: Database, tmp_path: Path, server_bin: Path | None, scratch: bool
) -> None:
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    run = Rehearsal(owned, tmp_path, owned.login(), options=programs)
    with run.locked():
        answer = run.restore(run.back_up(), scratch=scratch, space_factor=1e9 if scratch else 1.2)
    assert answer["proven"] is True, answer


def test_a_view_that_cannot_be_filled(
    owned: Database, tmp_path: Path, server_bin: Path | None
) -> None:
    """Where nothing more can be filled, the first that could not be is named."""
    with owned.owner() as owner:
        owner.execute(
            "CREATE FUNCTION public.later() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"
        )
        owner.execute("CREATE MATERIALIZED VIEW public.z AS SELECT public.later() AS id")
        owner.execute(
            "CREATE OR REPLACE FUNCTION public.later() RETURNS int LANGUAGE plpgsql AS"
            " 'BEGIN RAISE EXCEPTION $$not today$$; END'"
        )
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    run = Rehearsal(owned, tmp_path, owned.login(), options=programs)
    with run.locked():
        answer = run.restore(run.back_up())
    assert answer["proven"] is False
    assert "MATERIALIZED VIEW DATA public z: not today" in answer["reason"]
