"""A run that is cut: in every stage, by everything that can end one.

Each test cuts one run after the other at one stage, every next one on what the last has left,
and ends with a run that nobody touches. Nothing waits for a time: a run is stopped at its place
first (`cut/gate.py`, or a lock on a table), and cut there.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller import evidence
from sandbox import process
from sandbox.process import Process
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.cut.attempt import Attempt
from tests.integration.support.cut.audit import decided, kept, read_rows, sessions, unexplained
from tests.integration.support.cut.gate import CUT, until
from tests.integration.support.cut.scene import Scene
from tests.integration.support.harness import PROJECT, RUN_SESSIONS, Controller, Database, Outcome

pytestmark = [
    pytest.mark.usefixtures("with_twin"),
    pytest.mark.skipif(OpenSsh.find() is None, reason="there is no sshd (Debian: openssh-server)"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc"),
]

RUN = ("-i", "inventories/sandbox", "validate_staging.yml")
CLEANUP = ("-i", "inventories/sandbox", "playbooks/cleanup.yml")

# --- What is cut, and how it ends then ----------------------------------------------------------

LINK = "the SSH connection"
MODULE = "the module"
DUMP = "pg_dump"
BACKEND = "the session"
KILL, TERM, INT = "SIGKILL", "SIGTERM", "SIGINT"

# The controller lives on and has the last word; by itself it gives no GO and leaves no session.
JUDGED = {LINK, MODULE, DUMP, BACKEND}
# It is told, and says that there is no verdict.
TOLD = {TERM, INT}

BEFORE, DURING, AFTER = "before", "during", "after"

# Stage → where its module is, and what is cut there. `before`: on the target host, not begun.
# `during`: waiting for a lock in the database. `after`: done, and nobody has heard it yet.
CUTS = {
    "target": [
        (BEFORE, LINK),
        (BEFORE, MODULE),
        (AFTER, KILL),
        (BEFORE, TERM),
        (AFTER, INT),
        (AFTER, BACKEND),
        (AFTER, LINK),
    ],
    "backup": [
        (DURING, LINK),
        (DURING, DUMP),
        (BEFORE, KILL),
        (DURING, TERM),
        (AFTER, INT),
        (DURING, BACKEND),
        (DURING, MODULE),
    ],
    "twin": [
        (BEFORE, LINK),
        (AFTER, MODULE),
        (BEFORE, KILL),
        (AFTER, INT),
        (AFTER, BACKEND),
    ],
    "rehearsal": [
        (BEFORE, LINK),
        (AFTER, MODULE),
        (BEFORE, KILL),
        (AFTER, TERM),
        (AFTER, BACKEND),
    ],
    "files": [
        (AFTER, LINK),
        (BEFORE, MODULE),
        (AFTER, BACKEND),
        (BEFORE, KILL),
        (AFTER, TERM),
        (BEFORE, INT),
    ],
    "preflight": [
        (BEFORE, LINK),
        (DURING, MODULE),
        (BEFORE, TERM),
        (AFTER, INT),
        (DURING, BACKEND),
        (DURING, KILL),
    ],
    "phases": [
        (BEFORE, LINK),
        (DURING, MODULE),
        (BEFORE, KILL),
        (AFTER, INT),
        (DURING, BACKEND),
        (AFTER, KILL),
        (DURING, LINK),
        (DURING, TERM),
    ],
}

NO_CUTS = {
    # There is no session yet, or the stage has ended it.
    ("target", BEFORE, BACKEND),
    ("phases", AFTER, BACKEND),
    # What is begun late may find its line open, and take the lock until a later run ends it.
    ("target", BEFORE, INT),
    ("target", BEFORE, KILL),
}
# All others.
OTHER_CUTS = {
    stage: [
        (place, what)
        for place in (BEFORE, DURING, AFTER)
        for what in (LINK, MODULE, BACKEND, TERM, INT, KILL)
        if (place, what) not in cuts
        and (place != DURING or stage in ("backup", "preflight", "phases"))
        and (stage, place, what) not in NO_CUTS
    ]
    for stage, cuts in CUTS.items()
}

# What a stage waits for: the phases in their third script, after the second has committed.
LOCKS = {
    "backup": "LOCK TABLE public.sites IN ACCESS EXCLUSIVE MODE",
    # Of all sessions of a stage, pg_dump's alone reads it.
    "dump": "LOCK TABLE pg_catalog.pg_shseclabel IN ACCESS EXCLUSIVE MODE",
    "preflight": "LOCK TABLE public.workspaces IN ACCESS EXCLUSIVE MODE",
    "phases": "LOCK TABLE public.punchlists IN SHARE ROW EXCLUSIVE MODE",
    "cleanup": "LOCK TABLE public.punchlists IN SHARE ROW EXCLUSIVE MODE",
}
PATIENT = {"lock": "1h", "statement": "1h", "idle_in_transaction": "1h"}
# In seconds. A run that stands at a gate has no session, and on a busy host it may stand there for
# longer than its lock is kept by default: it would stop for that, and never come to what is cut.
LEASE = 3600


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh.start(tmp_path_factory.mktemp("sshd")) as started:
        yield started


@dataclass
class Cuts(Scene):
    """With a server for SSH, and what was cut there."""

    sshd: OpenSsh
    # Locks that a cut run waits for.
    blockers: ExitStack = field(default_factory=ExitStack)
    # Modules that stand before their beginning or after their end, and nobody waits for them.
    asleep: list[Process] = field(default_factory=list)

    @property
    def backups(self) -> Path:
        return self.host_directory / "backups"

    def arguments(self, *playbook: str, **variables: Any) -> tuple[str, ...]:
        more = {
            "ansible_python_interpreter": str(self.gate.python),
            "gonogo_timeouts": PATIENT,
            "backup_lock_wait": 3_600_000,
            "target_lock_lease": LEASE,
            **variables,
        }
        return (*playbook, "-e", json.dumps(more))

    def start(self, *playbook: str, **variables: Any) -> Attempt:
        return Attempt(self.controller, self.output(), *self.arguments(*playbook, **variables))

    def play(self, *playbook: str, **variables: Any) -> Outcome:
        return self.controller.play(*self.arguments(*playbook, **variables))

    def recompute(self, run: Path) -> Outcome:
        return self.play("playbooks/recompute.yml", verdict_recompute=str(run))

    def block(self, stage: str) -> None:
        """Lock what a stage needs."""
        blocker = self.blockers.enter_context(self.database.admin())
        blocker.execute("BEGIN")
        blocker.execute(LOCKS[stage])

    def waiting(self) -> set[int]:
        """Sessions of runs that wait for a lock, by their process."""
        with self.database.admin() as connection:
            found = connection.execute(
                f"SELECT pid FROM {RUN_SESSIONS} WHERE wait_event_type = 'Lock'".encode()
            ).fetchall()
        return {row[0] for row in found}

    def others_wait(self, earlier: set[int]) -> bool:
        """Whether sessions wait for a lock, and none of the earlier ones."""
        waiting = self.waiting()
        return bool(waiting) and not waiting & earlier

    def interfere(self, what: str, attempt: Attempt, place: str) -> None:
        """Cut a run that is at its place."""
        if what == LINK:
            for one in self.sshd.sessions():
                one.send(signal.SIGKILL)
        elif what == MODULE:
            self.gate.module().send(signal.SIGKILL)
        elif what == DUMP:
            for one in self.gate.processes():
                if _is_dump(one):
                    one.send(signal.SIGKILL)
        elif what == BACKEND:
            self._terminate(holder=place != DURING)
        else:
            attempt.send(signal.Signals[what])

    def _terminate(self, *, holder: bool) -> None:
        """End the session that has the run lock; or all others, which are those of a stage."""
        with self.database.admin() as connection:
            ended = connection.execute(
                (
                    f"SELECT pg_terminate_backend(pid) FROM {RUN_SESSIONS}"
                    " WHERE (application_name LIKE '%%:lock') = %s"
                ).encode(),
                (holder,),
            ).fetchall()
        assert ended, "there is no such session"

    def last_run(self) -> Outcome:
        """A run that nobody touches is a GO; then nothing is left of the others, or wakes up."""
        left = sessions(self.database)
        self.gate.hold("backup before")
        with self.start(*RUN) as attempt:
            held = self.gate.held()
            names = [name for name in sessions(self.database) if name.startswith("gonogo:")]
            assert all(f":{attempt.evidence.name}:" in name for name in names), names
            # From here on, what the cut runs have waited for is free.
            self.blockers.close()
            self.gate.release(held)
            status = attempt.wait()
        assert decided(attempt.evidence) == "GO", attempt.output
        assert status == 0, attempt.output
        # What a cut run has left may end by itself before anybody looks.
        assert left or "Ended what a cut run had left" not in attempt.output, attempt.output
        self.let_sleep_end()
        return Outcome(status, attempt.output, self.controller.runs_dir)

    def let_sleep_end(self) -> None:
        """Let those go on whom nobody waits for: they write nothing, and leave nothing."""
        rows, files = read_rows(self.database), sorted(self.backups.iterdir())
        for one in self.asleep:
            # One after the other: two at once would get in each other's way.
            self.gate.release(one)
            until(partial(_has_ended, one))
            assert not [name for name in sessions(self.database) if name.endswith(":lock")]
        until(lambda: not self.gate.processes())
        assert read_rows(self.database) == rows
        assert sorted(self.backups.iterdir()) == files
        assert not sessions(self.database)
        self.explained()


@pytest.fixture
def scene(
    database: Database, controller: Controller, sshd: OpenSsh, tmp_path: Path
) -> Iterator[Cuts]:
    found = Cuts(database, controller, sshd, tmp_path)
    with found.blockers:
        yield found
    found.end()


def _has_ended(one: Process) -> bool:
    return not one.is_alive()


def _is_dump(one: Process) -> bool:
    return process.command(one.pid).split(" ")[0].endswith("/pg_dump")


# --- The stages on the target host --------------------------------------------------------------


# The others are for `make faults`.
_SAMPLE = {"backup"}


@pytest.mark.parametrize(
    "stage",
    [pytest.param(one, marks=[] if one in _SAMPLE else [pytest.mark.attack]) for one in CUTS],
)
def test_run_that_is_cut_is_a_hold_and_the_next_one_a_go(stage: str, scene: Cuts) -> None:
    _cut_one_after_the_other(scene, stage, CUTS[stage])


@pytest.mark.attack
@pytest.mark.parametrize("stage", OTHER_CUTS)
def test_every_cut(stage: str, scene: Cuts) -> None:
    _cut_one_after_the_other(scene, stage, OTHER_CUTS[stage])


def _cut_one_after_the_other(scene: Cuts, stage: str, cuts: list[tuple[str, str]]) -> None:
    for place, what in cuts:
        _cut(scene, stage, place, what)
    cut = scene.runs
    scene.last_run()
    for run in _one_of_each(cut):
        written = (run / "verdict.json").is_file()
        word = "HOLD" if written else "The evidence gives HOLD"
        assert word in scene.recompute(run).output
    _assert_backups(scene)
    if stage == "phases":
        _assert_removable(scene, cut)


def _cut(scene: Cuts, stage: str, place: str, what: str) -> None:
    case = f"{stage}, {place}: {what}"
    # With a session in its way, the first call only finds out who that is.
    module = "fence" if stage == "target" and sessions(scene.database) else stage
    wanted = f"{module} {AFTER if place == AFTER else BEFORE}"
    # The stage before it has the lock, and has ended who waits for what is blocked.
    scene.gate.hold(wanted if stage == "target" else "backup before")
    with scene.start(*RUN) as attempt:
        held = scene.gate.held(attempt)
        if stage != "target":
            scene.blockers.close()
            scene.explained()
            if wanted != "backup before":
                scene.gate.hold(wanted)
                scene.gate.release(held)
                held = scene.gate.held(attempt)
        if place == DURING:
            scene.block("dump" if what == DUMP else stage)
            scene.gate.release(held)
            until(scene.waiting, attempt)
        elif what not in {MODULE, BACKEND}:
            scene.asleep.append(held)
        scene.interfere(what, attempt, place)
        if what == BACKEND and place != DURING:
            scene.gate.release(held)
        status = attempt.wait()
    _assert_no_go(attempt, what, status, case)
    if what in JUDGED:
        assert not sessions(scene.database), (case, attempt.output)


def _assert_no_go(attempt: Attempt, what: str, status: int, case: str) -> None:
    run, output = attempt.evidence, attempt.output
    assert status != 0, case
    assert "GO  15/15" not in output, case
    assert "Traceback" not in output, (case, output)
    assert decided(run) == "HOLD", case
    assert (run / "verdict.json").is_file() == (what in JUDGED), (case, output)
    if what in JUDGED:
        assert "\nHOLD  " in output, (case, output)
    if what in TOLD:
        words = f"\nHOLD  nothing was judged: the run was interrupted ({what})\n"
        assert words in output, (case, output)
    if what == LINK:
        assert "the connection to the host was lost" in output, (case, output)


def _one_of_each(runs: list[Path]) -> list[Path]:
    """A run with a verdict, and one without."""
    judged = {(run / "verdict.json").is_file(): run for run in runs}
    return list(judged.values())


def _assert_backups(scene: Cuts) -> None:
    """What looks like a backup is one, and nothing else is left."""
    names = {path.name for path in scene.backups.iterdir()}
    dumps = {name for name in names if name.endswith(".dump")}
    assert names == dumps | {name.replace(".dump", ".json") for name in dumps}


def _assert_removable(scene: Cuts, cut: list[Path]) -> None:
    """The rows of a run that was cut can be removed by its name."""
    run = next(run for run in cut if kept(read_rows(scene.database), run))
    others = [one for one in scene.runs if one != run]
    shown = scene.play(*CLEANUP, cleanup_run_id=run.name)
    token = shown.output.split("cleanup_token=")[1].split()[0]
    approval = {"cleanup_run_id": run.name, "cleanup_token": token, "cleanup_approved_by": "Dewi"}
    done = scene.play(*CLEANUP, **approval)
    assert done.status == 0, done.output
    rows = read_rows(scene.database)
    assert kept(rows, run) == 0
    assert not unexplained(scene.before, rows, others)


# --- Waking up late -----------------------------------------------------------------------------


@pytest.mark.attack
def test_module_of_a_fenced_run_writes_nothing(scene: Cuts) -> None:
    """Its connection is whole and its controller's worker would read its answer: only the lock
    it has lost can stop it."""
    scene.gate.hold("phases before")
    with scene.start(*RUN) as attempt:
        held = scene.gate.held()
        attempt.send(signal.SIGKILL)
        attempt.wait()
    scene.asleep.append(held)
    scene.last_run()
    assert not kept(read_rows(scene.database), attempt.evidence)
    assert (attempt.evidence / "ledger.jsonl").is_file()


def test_worker_whose_controller_was_killed_says_so_and_ends(scene: Cuts) -> None:
    """It takes the connection along, so nothing is begun or committed for somebody who is gone."""
    scene.gate.hold("phases after")
    with scene.start(*RUN) as attempt:
        held = scene.gate.held()
        attempt.send(signal.SIGKILL)
        attempt.wait()
    # Before there is an answer.
    until(lambda: evidence.load(attempt.evidence).events[-1].event == "stage_failed")
    scene.gate.release(held)
    until(lambda: not scene.gate.processes())
    found = evidence.load(attempt.evidence)
    assert {check.phase for check in found.checks} == {"00_preflight"}
    assert found.events[-1].data["unanswered"]
    assert decided(attempt.evidence) == "HOLD"
    scene.last_run()


@pytest.mark.attack
def test_backup_of_a_fenced_run_is_not_sealed(scene: Cuts) -> None:
    """Its dump is done and is being read back, which needs no session to be ended."""
    scene.gate.hold("pg_restore before")
    pg_bin = scene.gate.client_programs(scene.database.cluster.bin)
    with scene.start(*RUN, gonogo_pg_bin=str(pg_bin)) as attempt:
        held = scene.gate.held()
        (partial,) = scene.backups.glob(".*.partial")
        attempt.send(signal.SIGKILL)
        attempt.wait()
    cut = attempt.evidence.name
    last = scene.play(*RUN)
    assert f"gonogo:{cut}:backup" in last.output
    # Somebody works on it: not for this run to remove.
    assert partial.is_dir()
    scene.gate.release(held)
    until(lambda: not scene.gate.processes())
    assert not [path for path in scene.backups.iterdir() if cut in path.name]
    assert last.verdict["decision"] == "GO"


def test_rows_of_a_run_are_not_removed_while_it_makes_them(scene: Cuts) -> None:
    scene.gate.hold("phases before")
    with scene.start(*RUN) as attempt:
        held = scene.gate.held()
        scene.block("phases")
        scene.gate.release(held)
        until(scene.waiting)
        refused = scene.play(*CLEANUP, gonogo_timeouts={})
        assert f"another run works on this database: run {attempt.evidence.name}" in refused.output
        assert refused.status != 0
        # As soon as it is known to be dead, it is ended first.
        attempt.send(signal.SIGKILL)
        attempt.wait()
    assert kept(read_rows(scene.database), attempt.evidence)
    with scene.start(*CLEANUP) as planning:
        until(lambda: scene.waiting() and {":99_cleanup"} == _endings(sessions(scene.database)))
        scene.blockers.close()
        planning.wait()
    token = planning.output.split("cleanup_token=")[1].split()[0]
    approval = {"cleanup_token": token, "cleanup_approved_by": "Dewi"}
    done = scene.play(*CLEANUP, cleanup_run_id=attempt.evidence.name, **approval)
    assert done.status == 0, done.output
    until(lambda: not scene.gate.processes())
    assert read_rows(scene.database) == scene.before
    assert not sessions(scene.database)


def _endings(names: list[str]) -> set[str]:
    return {name[name.rindex(":") :] for name in names if name.startswith("gonogo:")}


# --- The verdict --------------------------------------------------------------------------------


@pytest.mark.attack
def test_verdict_of_a_failed_run_whose_last_call_is_cut_is_a_hold(scene: Cuts) -> None:
    """Where a run has failed, the verdict begins by ending what the run has at work."""
    for what in (LINK, MODULE, BACKEND, KILL, TERM, INT):
        scene.gate.hold("backup before")
        with scene.start(*RUN, backup_lock_wait=1) as attempt:
            held = scene.gate.held()
            scene.block("backup")
            scene.gate.hold("release before")
            scene.gate.release(held)
            held = scene.gate.held()
            scene.blockers.close()
            if what not in {MODULE, BACKEND}:
                scene.asleep.append(held)
            scene.interfere(what, attempt, BEFORE)
            if what == BACKEND:
                scene.gate.release(held)
            status = attempt.wait()
        _assert_no_go(attempt, what if what != LINK else BACKEND, status, what)
        warned = "the run lock could not be released" in attempt.output
        assert warned == (what in {LINK, MODULE}), attempt.output
        scene.explained()
    scene.last_run()


@pytest.mark.attack
def test_run_that_is_cut_before_its_verdict_has_none(scene: Cuts) -> None:
    """All checks have passed, the lock is given back, and nobody has decided yet."""
    plugins = CUT / "callbacks"
    scene.controller.environment.update(
        ANSIBLE_CALLBACK_PLUGINS=f"{PROJECT / 'callback_plugins'}:{plugins}",
        ANSIBLE_CALLBACKS_ENABLED="gonogo,cut",
    )
    for what in (KILL, TERM, INT):
        scene.gate.hold("verdict before")
        with scene.start(*RUN) as attempt:
            scene.gate.held()
            scene.interfere(what, attempt, BEFORE)
            status = attempt.wait()
        _assert_no_go(attempt, what, status, what)
        assert not sessions(scene.database)
        scene.explained()
    # In the middle of it: the decision waits for its turn at the chain of events.
    scene.gate.hold("verdict before")
    with scene.start(*RUN) as attempt:
        held = scene.gate.held()
        with (attempt.evidence / "events.jsonl").open() as chain:
            fcntl.flock(chain, fcntl.LOCK_EX)
            scene.gate.release(held)
            until(lambda: _waits_for_lock(chain.fileno()))
            attempt.send(signal.SIGKILL)
            attempt.wait()
        until(lambda: not scene.gate.processes())
    assert not [name for name in evidence.DERIVED if (attempt.evidence / name).exists()]
    assert "holds no verdict" in scene.recompute(attempt.evidence).output
    scene.last_run()


def _waits_for_lock(descriptor: int) -> bool:
    """Whether somebody waits for the lock on an open file."""
    inode = f":{os.fstat(descriptor).st_ino} "
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and inode in line for line in lines)


# --- The cleanup --------------------------------------------------------------------------------

# Where the approved removal is, and what is cut there.
REMOVALS = [
    (DURING, LINK),
    (DURING, MODULE),
    (DURING, BACKEND),
    (DURING, TERM),
    (BEFORE, LINK),
    (BEFORE, KILL),
    (DURING, KILL),
    (AFTER, INT),
]


def test_cleanup_that_is_cut_removes_all_rows_or_none(scene: Cuts) -> None:
    outcome = scene.play(*RUN)
    run = outcome.evidence
    rows = read_rows(scene.database)
    assert kept(rows, run)
    shown = scene.play(*CLEANUP)
    token = shown.output.split("cleanup_token=")[1].split()[0]
    approval = {"cleanup_run_id": run.name, "cleanup_token": token, "cleanup_approved_by": "Dewi"}
    blocked: set[int] = set()
    for place, what in REMOVALS:
        case = f"{place}: {what}"
        scene.gate.hold(f"removal {AFTER if place == AFTER else BEFORE}")
        with scene.start(*CLEANUP, **approval) as attempt:
            if blocked:
                # The rehearsal waits for the same lock, and first it ends who did before.
                until(partial(scene.others_wait, blocked))
                scene.blockers.close()
            held = scene.gate.held()
            assert read_rows(scene.database) == (scene.before if place == AFTER else rows), case
            blocked = set()
            if place == DURING:
                scene.block("cleanup")
                scene.gate.release(held)
                until(scene.waiting)
                blocked = scene.waiting()
            else:
                scene.asleep.append(held)
            scene.interfere(what, attempt, place)
            assert attempt.wait() != 0, case
        assert "Removed" not in attempt.output, case
        assert "Traceback" not in attempt.output, attempt.output
    # Whoever looks next is told what became of it, and who wanted it.
    assert "Nothing of this run is left." in scene.play(*CLEANUP).output
    record = json.loads((run / "cleanup.json").read_text())
    assert record["approved_by"] == "Dewi"
    assert record["remaining"] == 0
    assert read_rows(scene.database) == scene.before
    assert decided(run) == "GO"
    scene.let_sleep_end()
    scene.last_run()
