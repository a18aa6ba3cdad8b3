"""A run under a number that passwd does not know, as containers have it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.support.harness import PROJECT, Controller, Database, Outcome

# Of a user namespace of its own: files, sockets and processes stay this account's.
_NAMELESS = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
_STAGING = ("-i", "inventories/sandbox", "validate_staging.yml")


def _is_possible() -> bool:
    try:
        return (
            subprocess.run([*_NAMELESS, "true"], check=False, capture_output=True).returncode == 0
        )
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not _is_possible(), reason="no user namespaces here")


class Nameless(Controller):
    """As in an image without an entry for whoever it is started as."""

    def command(self, *arguments: str) -> list[str]:
        unset = [word for name in ("HOME", "USER", "LOGNAME") for word in ("-u", name)]
        settings = [f"{key}={value}" for key, value in self.environment.items()]
        return [*_NAMELESS, "env", *unset, *settings, *super().command(*arguments)]


@pytest.fixture
def nameless(tmp_path: Path, database: Database) -> Controller:
    directory = tmp_path / "sandbox"
    directory.mkdir()
    made = Nameless(directory, tmp_path / "runs")
    made.aim(database)
    return made


@pytest.fixture
def _clean() -> Iterator[None]:
    yield
    # Ansible's own, made before anybody of this project is asked.
    for path in sorted((PROJECT / "~").rglob("*"), reverse=True):
        path.rmdir()
    (PROJECT / "~").rmdir()


def _operator(outcome: Outcome) -> str:
    return str(json.loads((outcome.evidence / "run.json").read_text())["operator"])


def test_with_a_home_it_is_a_go(nameless: Controller, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    nameless.environment["HOME"] = str(tmp_path / "home")
    nameless.twin = True
    outcome = nameless.play(*_STAGING)
    assert outcome.status == 0, outcome.output
    assert outcome.verdict["decision"] == "GO"
    assert _operator(outcome) == "uid 12345"
    assert "no server can be made by user 12345, who has no entry in passwd" in outcome.output


@pytest.mark.usefixtures("_clean")
def test_without_one_it_is_refused_before_anything(nameless: Controller) -> None:
    outcome = nameless.play(*_STAGING)
    assert outcome.status != 0
    assert "the home directory of this account is not known on the controller" in outcome.output
    assert "Set HOME to a directory of this user" in outcome.output
    assert not any(outcome.runs_dir.glob("*/*"))
