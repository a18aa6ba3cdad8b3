"""One server for all tests of a worker process, and a database of its own for every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from sandbox import database as content
from sandbox.cluster import Cluster
from tests.integration.support.harness import Controller, Database
from tests.integration.support.watcher import watching
from tools.matrix import servers
from tools.matrix.cache import Cache

_numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is started in the directories of this pytest ends with it, however it ends."""
    with watching(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def server_bin(request: pytest.FixtureRequest) -> Path | None:
    """Where the programs of the server under test are, if they are not the embedded ones."""
    major: int | None = request.config.getoption("--postgres")
    return servers.obtain(major, Cache()) if major else None


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None) -> Iterator[Cluster]:
    with Cluster.start(tmp_path_factory.mktemp("cluster"), server_bin) as started:
        yield started


@pytest.fixture(scope="session")
def templates(cluster: Cluster) -> Callable[[str], str]:
    """Profile → name of a loaded database that nobody is connected to."""
    loaded: dict[str, str] = {}

    def template(profile: str) -> str:
        if profile not in loaded:
            name = f"template_{profile}"
            content.create(cluster, database=name, profile=profile, scale=1, environment="sandbox")
            loaded[profile] = name
        return loaded[profile]

    return template


@pytest.fixture
def make_database(
    cluster: Cluster, templates: Callable[[str], str]
) -> Iterator[Callable[..., Database]]:
    made: list[str] = []

    def make(profile: str = "target") -> Database:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        content.clone(cluster, templates(profile), name)
        made.append(name)
        return Database(cluster, name, profile)

    yield make
    for name in made:
        content.drop(cluster, name)


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    return make_database()


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    directory = tmp_path / "sandbox"
    directory.mkdir()
    return Controller(directory, tmp_path / "runs")


@pytest.fixture
def with_twin(controller: Controller) -> None:
    """Runs restore the backup they take, as they do by default."""
    controller.twin = True
