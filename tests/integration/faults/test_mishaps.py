"""A run to which something happens before any of the changes it makes to files.

On either side, the controller's and the target host's: every file of the evidence, of the backup
and of what lies beside them. `cut/mishap` numbers the changes as they come, so a test needs no
list of them; an undisturbed run says how many there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.support.cut.attempt import Attempt
from tests.integration.support.cut.audit import decided, sessions
from tests.integration.support.cut.gate import CUT, until
from tests.integration.support.cut.scene import Scene
from tests.integration.support.harness import Controller, Database
from tests.integration.support.verifier import assert_confirmed

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")

RUN = ("-i", "inventories/sandbox", "validate_staging.yml")
INJECTION = CUT / "mishap"
DAY = 24 * 3600

# Ended, told to end, and from there on without room, or without rights.
KINDS = ("SIGKILL", "SIGTERM", "ENOSPC", "EACCES")
# Seconds by which the clock is set ahead, or back: further than any time limit of a run.
CLOCKS = tuple(f"clock {days * DAY}" for days in (-400, -1, 1, 400))
# `make test` tries so many of the changes, spread over the run.
SAMPLE = 5
PARTS = 4


@dataclass
class Mishaps(Scene):
    """The controller is the target host as well."""

    number: int = 0

    def changes(self) -> int:
        """How many changes an undisturbed run makes, where it is not the first on its host."""
        for _ in range(2):
            self.is_right()
        return len((self.directory / f"changes.{self.number}").read_text().splitlines())

    def is_right(self) -> None:
        """A run to which nothing happens is a GO, and leaves nothing at work."""
        known = self.runs
        attempt = self._run("nothing", 0)
        (run,) = set(self.runs) - set(known)
        assert decided(run) == "GO", attempt.output
        assert_confirmed(run / "verdict.json")
        until(lambda: not sessions(self.database))

    def goes_wrong(self, what: str, at: int) -> str:
        """A run to which something happens gives no GO that was not earned; returns its output."""
        known = self.runs
        attempt = self._run(what, at)
        case = f"{what} before change {at}\n{attempt.output}"
        assert "Traceback" not in attempt.output, case
        decisions = set()
        for run in set(self.runs) - set(known):
            verdict = run / "verdict.json"
            if verdict.exists():
                assert_confirmed(verdict)
                decisions.add(json.loads(verdict.read_text())["decision"])
        assert len(decisions) <= 1, case
        assert ("GO  15/15" in attempt.output) <= ("GO" in decisions), case
        assert (attempt.wait() == 0) <= ("GO" in decisions), case
        if what in CLOCKS:
            assert decisions == {"GO"}, case
        return attempt.output

    def nothing_is_lost(self) -> None:
        """As `explained`; and every unfinished file is a dead run's own, or gone."""
        self.explained()
        names = {run.name for run in self.runs}
        for directory in (self.controller.runs_dir, self.host_directory):
            for file in directory.rglob(".*"):
                inside = set(file.relative_to(directory).parts[:-1])
                assert inside & names or file.name == ".open", file
        assert not list((self.controller.runs_dir / ".open").iterdir())

    def _run(self, what: str, at: int) -> Attempt:
        """A run that has ended, and to which something has happened before its change `at`."""
        self.number += 1
        log = self.directory / f"changes.{self.number}"
        watched = [f"{self.controller.runs_dir}/", f"{self.host_directory}/"]
        wanted = {"watched": watched, "log": str(log), "what": what, "at": at}
        self.controller.environment.update(
            PYTHONPATH=str(INJECTION), GONOGO_MISHAP=json.dumps(wanted)
        )
        attempt = Attempt(self.controller, Path(f"{log}.out"), *RUN)
        with attempt:
            attempt.wait()
        return attempt


@pytest.fixture
def scene(database: Database, controller: Controller, tmp_path: Path) -> Iterator[Mishaps]:
    found = Mishaps(database, controller, None, tmp_path)
    yield found
    found.end()


def test_some_of_the_changes(scene: Mishaps) -> None:
    changes = scene.changes()
    places = range(1, changes + 1, changes // SAMPLE)
    kinds = (*KINDS, CLOCKS[0])
    _happens(scene, ((kinds[turn % len(kinds)], at) for turn, at in enumerate(places)))


@pytest.mark.attack
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("what", KINDS)
def test_every_change(what: str, part: int, scene: Mishaps) -> None:
    _happens(scene, ((what, at) for at in range(1 + part, scene.changes() + 1, PARTS)))


@pytest.mark.attack
@pytest.mark.parametrize("what", CLOCKS)
def test_a_clock_that_is_changed(what: str, scene: Mishaps) -> None:
    changes = scene.changes()
    _happens(scene, ((what, at) for at in range(1, changes + 1, changes // 16)))


def test_a_worker_that_is_ended_in_a_message(scene: Mishaps) -> None:
    """Nobody gives back the lock that it had, and the run ends all the same, with a word."""
    scene.changes()
    made = (scene.directory / f"changes.{scene.number}").read_text().splitlines()
    (at,) = [number for number, line in enumerate(made, start=1) if line.endswith("/backup.json")]
    output = scene.goes_wrong("SIGTERM in a message", at)
    assert "HOLD  nothing was judged: the run was interrupted (SIGTERM)" in output
    scene.is_right()
    scene.nothing_is_lost()


def _happens(scene: Mishaps, cases: Iterable[tuple[str, int]]) -> None:
    """One run after the other, each on what the last has left, and one to which nothing happens."""
    for what, at in cases:
        scene.goes_wrong(what, at)
    scene.is_right()
    scene.nothing_is_lost()
