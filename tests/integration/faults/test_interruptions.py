"""Whole runs and all that follows an approval, interrupted at random moments.

A moment is a change of a file, counted in all processes of a run together (`cut/mishap`), or a
statement of a migration, counted in the database (`cut/halt`): what it hits is stopped there first.
Of a restore it is also a state that the server shows; what it hits goes on meanwhile.

Each interruption has a number; the seed and the number say all of it, so `--interruption-seed S
--interruptions N` does the same again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonogo.controller import evidence
from gonogo.controller.outcome import intents, unheard
from sandbox import database as content
from sandbox import logins, process
from sandbox.ssh.background import Background
from sandbox.ssh.builtin import Builtin
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.cut.attempt import Attempt
from tests.integration.support.cut.audit import decided, sessions
from tests.integration.support.cut.gate import CUT, until
from tests.integration.support.cut.halt import Halt, halting
from tests.integration.support.cut.scene import Scene
from tests.integration.support.harness import Controller, Database
from tests.integration.support.verifier import assert_confirmed

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")

INJECTION = CUT / "mishap"
INVENTORY = ("-i", "inventories/sandbox")
RUN = (*INVENTORY, "validate_staging.yml")
VARIABLES = {
    "deploy_lock_timeout": "1h",
    "deploy_hold_timeout": "1h",
    "undo_lock_timeout": "1h",
    "gonogo_timeouts": {"lock": "1h", "statement": "1h", "idle_in_transaction": "1h"},
    "target_space_factor": 0.0,
}
# Statements that change the schema in one transaction of the migration, or fewer.
STATEMENTS = 60
# Changes of files in one playbook that follows an approval, or fewer.
CHANGES = {"judge": 140, "deploy": 160, "cleanup": 30, "undo": 30, "restore": 30}
MIGRATION = (
    "migration.sql",
    "constraints.sql",
    "performance_indexes.sql",
    "foreign_keys.sql",
    "guards.sql",
)
OPERATIONS = (
    *("restore", "restore", "restore", "judge", "judge", "cleanup", "cleanup"),
    *("undo", "undo", "deploy", "deploy", "deploy"),
)
# Operations whose migration is halted behind a statement.
HALTED = ("deploy", "undo")
# What the server shows of a restore, in turn: its database, its roles, rows that arrive, settings
# of the database, and the names that have changed. `{}` is the name of the database.
STATES = (
    "SELECT count(*) FROM pg_database WHERE datname LIKE '{}_new_%'",
    "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'gonogo_restorer_%_1'",
    "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{}_new_%'",
    "SELECT count(*) FROM pg_database AS d JOIN pg_db_role_setting AS s ON s.setdatabase = d.oid"
    " WHERE d.datname LIKE '{}_new_%'",
    "SELECT count(*) FROM pg_database WHERE datname LIKE '{}_old_%'",
)
HOLDER = "SIGKILL of what holds the lock or the twin"


# --- What interrupts ------------------------------------------------------------------------------


def _signal(number: signal.Signals) -> Callable[[Chaos, Attempt], None]:
    return lambda _chaos, attempt: attempt.send(number)


def _group(number: signal.Signals) -> Callable[[Chaos, Attempt], None]:
    return lambda _chaos, attempt: os.killpg(attempt.pid, number)


def _those(wanted: Callable[[str], bool]) -> Callable[[Chaos, Attempt], None]:
    """SIGKILL for all processes of the run whose command is such a one."""

    def kill(chaos: Chaos, attempt: Attempt) -> None:
        del attempt
        for one in chaos.gate.processes():
            if wanted(process.command(one.pid)):
                one.send(signal.SIGKILL)

    return kill


def _holders(chaos: Chaos, attempt: Attempt) -> None:
    """SIGKILL for what outlives its module on the target host: who has led its session is gone."""
    del attempt
    for one in chaos.gate.processes():
        with suppress(ProcessLookupError):
            if process.find(os.getsid(one.pid)) is None:
                one.send(signal.SIGKILL)


def _backends(pattern: str) -> Callable[[Chaos, Attempt], None]:
    def end(chaos: Chaos, attempt: Attempt) -> None:
        del attempt
        with chaos.database.admin() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE %s",
                [pattern],
            )

    return end


INTERRUPTIONS: dict[str, Callable[[Chaos, Attempt], None]] = {
    "SIGINT": _signal(signal.SIGINT),
    "SIGTERM": _signal(signal.SIGTERM),
    "SIGHUP": _signal(signal.SIGHUP),
    "SIGKILL": _signal(signal.SIGKILL),
    "SIGINT of the group": _group(signal.SIGINT),
    "SIGTERM of the group": _group(signal.SIGTERM),
    "SIGKILL of the group": _group(signal.SIGKILL),
    "SIGKILL of ansible-playbook and its workers": _those(
        lambda command: "ansible-playbook" in command
    ),
    "SIGKILL of the module": _those(
        lambda command: "python" in command and "ansible-playbook" not in command
    ),
    HOLDER: _holders,
    "SIGKILL of ssh": _those(lambda command: command.split(" ")[0].endswith("ssh")),
    "the end of all sessions": _backends("gonogo:%"),
    "the end of the session that has the lock": _backends("gonogo:%:lock"),
}


@dataclass
class Chaos(Scene):
    """A database whose runs are interrupted."""

    halt: Halt | None = None
    number: int = 0
    proven: Path | None = None
    hits: dict[str, int] = field(default_factory=dict)

    def once(self, seed: int, number: int) -> str:
        """One interruption and the run after it; returns what it was."""
        chosen = random.Random(f"{seed}.{number}")  # noqa: S311 - a seed that is printed
        operation = chosen.choice(OPERATIONS)
        what = chosen.choice(sorted(INTERRUPTIONS))
        schema = operation in (*HALTED, "restore") and chosen.random() < 0.5
        highest = STATEMENTS if operation in HALTED else len(STATES)
        at = chosen.randint(1, highest if schema else CHANGES[operation])
        behind = "behind statement" if operation in HALTED else "at state"
        case = f"{number}: {operation}, {what} {behind if schema else 'at change'} {at}"
        sys.stderr.write(f"seed {seed}, {case}\n")
        with halting(self.database) if operation in HALTED else nullcontext() as self.halt:
            playbook, variables = self._prepared(operation, what)
            known = set(self.runs)
            was = self._state(operation)
            attempt, hit = self._interrupted(playbook, variables, what, at, schema=schema)
            self.hits[what] = self.hits.get(what, 0) + hit
            self._is_honest(attempt, known, case)
            self._is_explained(operation, attempt, was, case)
            self._leaves_nothing(case)
        return case

    # --- before ---

    def _prepared(self, operation: str, what: str) -> tuple[tuple[str, ...], dict[str, Any]]:
        if operation == "judge":
            self.migrate(there=True)
            # Where these are killed, the supervisor of a twin is one of them.
            twin = {"twin_enabled": what == HOLDER, "rehearsal_enabled": False}
            return RUN, {"gonogo_residue": "keep", **twin}
        if operation == "deploy":
            self.migrate(there=False)
            return RUN, {"gonogo_residue": "rollback", "deploy_enabled": True}
        if operation == "undo" and not self._deployed():
            self.migrate(there=False)
            self.play(*RUN, gonogo_residue="rollback", deploy_enabled=True)
        if operation == "cleanup":
            self.migrate(there=True)
            self.play(*RUN, gonogo_residue="keep")
        if operation == "restore":
            return self._planned(operation, restore_run_id=self._backed_up().name)
        return self._planned(operation)

    def _planned(self, operation: str, **variables: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
        """A playbook and the approval of its plan."""
        playbook = (*INVENTORY, f"playbooks/{operation}.yml")
        shown = self.play(*playbook, **variables)
        (run_id, token) = (
            shown.output.split(f"{operation}_{key}=")[1].split()[0] for key in ("run_id", "token")
        )
        return playbook, {
            f"{operation}_run_id": run_id,
            f"{operation}_token": token,
            f"{operation}_approved_by": "Dewi",
        }

    def _backed_up(self) -> Path:
        """A run with a proven backup; something was written since."""
        if self.proven is None:
            self.migrate(there=True)
            self.play(*RUN, gonogo_residue="rollback", twin_enabled=True, rehearsal_enabled=False)
            self.proven = self.runs[-1]
        with self.database.owner() as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS public.later (id int)")
            owner.execute("INSERT INTO public.later VALUES (1)")
        return self.proven

    def _deployed(self) -> bool:
        """Whether the migration is there, and a run has applied it that no undo has followed."""
        found = [
            run
            for run in self.runs
            if getattr(intents.deployment(run), "action", None) == "applied"
            and not (run / "undo.json").is_file()
        ]
        return bool(found) and self.has_migration()

    def has_migration(self) -> bool:
        """Whether any of it is there."""
        return "config_versions" in self.database.rows()

    def _state(self, operation: str) -> object:
        """What the operation changes for good."""
        if operation != "restore":
            return self.has_migration()
        with self.database.admin() as admin:
            return admin.execute(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).fetchone()

    def migrate(self, *, there: bool) -> None:
        """Make the migration be there or not, as somebody else would."""
        with self.database.owner() as owner:
            if there and not self.has_migration():
                for name in MIGRATION:
                    owner.execute((content.MIGRATION / name).read_bytes())
            if not there and self.has_migration():
                owner.execute((content.MIGRATION / "undo.sql").read_bytes())

    def play(self, *playbook: str, **variables: Any) -> Attempt:
        """What nobody interrupts."""
        self.controller.environment.pop("GONOGO_MISHAP", None)
        given = json.dumps({**VARIABLES, **variables})
        with (
            self._login_for(playbook),
            Attempt(self.controller, self.output(), *playbook, "-e", given) as attempt,
        ):
            attempt.wait()
        return attempt

    @contextmanager
    def _login_for(self, playbook: tuple[str, ...]) -> Iterator[None]:
        """A superuser restores; all else is done by the owner of the database."""
        service = self.controller.directory / "pg_service.conf"
        text = service.read_text()
        if any("restore" in word for word in playbook):
            words = self.database.cluster.conninfo(self.database.name, logins.SUPERUSER)
            keys = ("host", "port", "dbname", "user", "passfile")
            service.write_text("\n".join(["[test]", *(f"{key}={words[key]}" for key in keys), ""]))
        yield
        service.write_text(text)

    # --- it happens ---

    def _interrupted(
        self,
        playbook: tuple[str, ...],
        variables: dict[str, Any],
        what: str,
        at: int,
        *,
        schema: bool,
    ) -> tuple[Attempt, bool]:
        """The attempt, and whether it came to the moment at all."""
        self.number += 1
        log = self.directory / f"changes.{self.number}"
        watched = [f"{self.controller.runs_dir}/", f"{self.host_directory}/"]
        wanted = {"watched": watched, "log": str(log), "what": "hold", "at": 0 if schema else at}
        self.controller.environment.update(
            PYTHONPATH=str(INJECTION), GONOGO_MISHAP=json.dumps(wanted)
        )
        held = Path(f"{log}.held")
        if schema and self.halt:
            self.halt.behind(at)
        # Over SSH, too, what runs on the target host is known to be of this run.
        python = {"ansible_python_interpreter": str(self.gate.python)} if self.sshd else {}
        given = json.dumps({**VARIABLES, **variables, **python})
        with (
            self._login_for(playbook),
            self.database.cluster.connect("postgres") as server,
            Attempt(self.controller, self.output(), *playbook, "-e", given) as attempt,
        ):

            def comes() -> bool:
                if not schema:
                    return held.exists()
                if self.halt:
                    return self.halt.reached()
                row = server.execute(STATES[at - 1].format(self.database.name).encode()).fetchone()
                return bool(row and row[0])

            until(lambda: comes() or attempt.has_ended())
            hit = not attempt.has_ended()
            if hit:
                INTERRUPTIONS[what](self, attempt)
            # What it was stopped by is free: should it still be able to commit, it does now.
            Path(f"{log}.go").touch()
            if self.halt:
                self.halt.let_go()
            attempt.wait()
        return attempt, hit

    # --- after ---

    def _is_honest(self, attempt: Attempt, known: set[Path], case: str) -> None:
        """No GO that was not earned, and no traceback."""
        told = f"{case}\n{attempt.output}"
        assert "Traceback" not in attempt.output, told
        decisions = set()
        for run in set(self.runs) - known:
            verdict = run / "verdict.json"
            if verdict.exists():
                assert_confirmed(verdict)
                decisions.add(json.loads(verdict.read_text())["decision"])
        judged = "validate_staging.yml" in " ".join(attempt.arguments)
        if judged:
            assert ("\nGO  " in attempt.output) <= ("GO" in decisions), told
            assert (attempt.wait() == 0) <= ("GO" in decisions), told

    def _is_explained(self, operation: str, attempt: Attempt, was: object, case: str) -> None:
        """What has changed for good is sealed as an intent, and the next one says what it was."""
        until(lambda: not self._at_work())
        now = self._state(operation)
        told = f"{case}\n{attempt.output}"
        if operation == "deploy":
            run = next(iter(sorted(attempt.runs())), None)
            if now != was:
                assert run is not None, told
                assert (run / intents.DEPLOY).is_file(), told
            was_open = run is not None and intents.is_open(run)
            following = self.play(*RUN, gonogo_residue="rollback", deploy_enabled=True)
            if was_open:
                assert run is not None
                words = "there in full" if now else "nothing of its migration"
                assert f"Run {run.name} began to deploy" in following.output, (
                    told,
                    following.output,
                )
                assert words in following.output, (told, following.output)
            if run is not None and now != was:
                assert getattr(intents.deployment(run), "action", None) == "applied", told
            assert self.has_migration(), following.output
        elif operation == "undo":
            self._undo_is_explained(told, done=now != was)
        elif operation == "cleanup":
            self.play(*INVENTORY, "playbooks/cleanup.yml")
            assert not [run for run in self.runs if unheard.is_open(run, "cleanup")], told
            self.play(*RUN, gonogo_residue="rollback")
        elif operation == "restore":
            self._restore_is_explained(told, done=now != was)
        else:
            self.play(*RUN, gonogo_residue="rollback")

    def _undo_is_explained(self, told: str, *, done: bool) -> None:
        # Each of the two finds it out.
        if len(self.runs) % 2:
            following = self.play(*INVENTORY, "playbooks/undo.yml")
            assert not done or "nothing to take back" in following.output, (told, following.output)
        else:
            following = self.play(*RUN, gonogo_residue="rollback", deploy_enabled=True)
        told = f"{told}\n{following.output}"
        assert not [run for run in self.runs if unheard.is_open(run, "undo")], told
        assert not done or any((run / "undo.json").is_file() for run in self.runs), told
        if not self.has_migration():
            self.play(*RUN, gonogo_residue="rollback", deploy_enabled=True)

    def _restore_is_explained(self, told: str, *, done: bool) -> None:
        run = self._backed_up_run()
        was_open = unheard.is_open(run, "restore")
        following = self.play(*RUN, gonogo_residue="rollback")
        told = f"{told}\n{following.output}"
        assert not unheard.is_open(run, "restore"), told
        if was_open:
            words = "was interrupted: it was done." if done else "is the database that was there."
            assert words in following.output, told
        record = run / "restore.json"
        if done:
            # Of this very approval: the one before was dropped with its database.
            assert json.loads(record.read_text())["committed"] is True, told
            record_of = json.loads((run / "restore_plan.json").read_text())["token"]
            assert json.loads(record.read_text())["token"] == record_of, told
        if self._made_by_restores():
            playbook, approval = self._planned("restore", restore_run_id=run.name)
            self.play(*playbook, **approval)
        assert not self._made_by_restores(), told
        with self.database.cluster.connect("postgres") as admin:
            names = admin.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s",
                [f"{self.database.name}_old_%"],
            ).fetchall()
            for (name,) in names:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def _backed_up_run(self) -> Path:
        assert self.proven is not None
        return self.proven

    def _made_by_restores(self) -> list[str]:
        """Databases and roles that a restore makes for itself."""
        with self.database.cluster.connect("postgres") as admin:
            rows = admin.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s"
                " UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'gonogo_restorer_%%'",
                [f"{self.database.name}_new_%"],
            ).fetchall()
        return [row[0] for row in rows]

    def _at_work(self) -> bool:
        """Whether anything of a run is about to change something, in whatever database."""
        with self.database.cluster.connect("postgres") as admin:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name LIKE 'gonogo:%:restore'"
            ).fetchone()
        assert row is not None
        return bool(row[0]) or any(name[-5:] in _AT_WORK for name in sessions(self.database))

    def _leaves_nothing(self, case: str) -> None:
        """No process or session, no note, no unfinished file."""
        until(lambda: not self.gate.processes())
        assert not [name for name in sessions(self.database) if name.startswith("gonogo")], case
        assert not list((self.controller.runs_dir / ".open").iterdir()), case
        names = {run.name for run in self.runs}
        for directory in (self.controller.runs_dir, self.host_directory):
            for file in directory.rglob(".*"):
                inside = set(file.relative_to(directory).parts[:-1])
                assert inside & names or file.name == ".open", (case, file)
        # Its evidence is whole, and gives the verdict that is written there.
        assert decided(self.runs[-1]), case
        for run in self.runs:
            assert not evidence.load(run).problems_with("run.json"), (case, run)


_AT_WORK = ("eploy", ":undo", "eanup", "hases")


@pytest.fixture(params=[pytest.param("local", marks=pytest.mark.attack), "ssh"])
def chaos(
    request: pytest.FixtureRequest,
    database: Database,
    controller: Controller,
    tmp_path: Path,
) -> Iterator[Chaos]:
    sshd: Background | None = None
    if request.param == "ssh":
        directory = tmp_path / "sshd"
        directory.mkdir()
        sshd = (OpenSsh if OpenSsh.find() else Builtin).start(directory)
    found = Chaos(database, controller, sshd, tmp_path)
    try:
        yield found
        found.end()
    finally:
        if sshd:
            sshd.stop()


def test_some_interruptions(chaos: Chaos, pytestconfig: pytest.Config) -> None:
    """As many as `--interruptions` says, each with the seed that is printed."""
    seed = pytestconfig.getoption("--interruption-seed")
    number = pytestconfig.getoption("--interruptions")
    first = pytestconfig.getoption("--first-interruption")
    for turn in range(first, first + number):
        chaos.once(seed, turn)
