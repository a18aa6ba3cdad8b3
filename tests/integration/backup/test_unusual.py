"""What is legal and hardly ever seen is proven as anything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
