"""Whoever changes a database is interrupted: nothing is committed for a controller that is gone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.phase import PhaseScript
from gonogo.controller import evidence
from gonogo.host.checks.phases import run_phases
from gonogo.host.compare import schema_catalog
from gonogo.host.session.connection import connect
from sandbox import process
from sandbox.ssh.background import Background
from sandbox.ssh.builtin import Builtin
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.cut.attempt import Attempt
from tests.integration.support.cut.audit import decided, sessions
from tests.integration.support.cut.gate import until
from tests.integration.support.cut.halt import halting
from tests.integration.support.cut.scene import Scene
from tests.integration.support.harness import Controller, Database
from tests.integration.support.migrations import before
from tests.integration.support.verifier import assert_confirmed

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")

DEPLOY = ("-i", "inventories/sandbox", "validate_staging.yml")
PATIENT = {"lock": "1h", "statement": "1h", "idle_in_transaction": "1h"}
DEPLOYING = {
    "deploy_enabled": True,
    "deploy_lock_timeout": "1h",
    "deploy_hold_timeout": "1h",
    "gonogo_residue": "rollback",
    "gonogo_timeouts": PATIENT,
}
UNDO = ("-i", "inventories/sandbox", "playbooks/undo.yml")
# Statements of the migration's transaction.
MIDDLE = 20


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    """The server of this machine, or else the sandbox's own."""
    kind = OpenSsh if OpenSsh.find() else Builtin
    with kind.start(tmp_path_factory.mktemp("sshd")) as started:
        yield started


@pytest.fixture
def scene(database: Database, controller: Controller, tmp_path: Path) -> Iterator[Scene]:
    """The controller is the target host as well."""
    found = Scene(database, controller, None, tmp_path)
    yield found
    found.end()


@pytest.fixture
def remote(
    database: Database, controller: Controller, sshd: Background, tmp_path: Path
) -> Iterator[Scene]:
    """The target host is reached over SSH."""
    found = Scene(database, controller, sshd, tmp_path)
    yield found
    found.end()


def start(scene: Scene, *playbook: str, **variables: Any) -> Attempt:
    return Attempt(scene.controller, scene.output(), *playbook, "-e", json.dumps(variables))


def tables(database: Database) -> set[str]:
    return set(database.rows())


def _told(number: signal.Signals) -> Callable[[Scene, Attempt], None]:
    def send(scene: Scene, attempt: Attempt) -> None:
        del scene
        attempt.send(number)

    return send


def _group(scene: Scene, attempt: Attempt) -> None:
    del scene
    os.killpg(attempt.pid, signal.SIGKILL)


def _ansible(scene: Scene, attempt: Attempt) -> None:
    """ansible-playbook and its workers at once, as by their name; what they have started lives."""
    del attempt
    for one in scene.gate.processes():
        if "ansible-playbook" in process.command(one.pid):
            one.send(signal.SIGKILL)


def _line(scene: Scene, attempt: Attempt) -> None:
    del attempt
    for one in scene.gate.processes():
        if process.command(one.pid).split(" ")[0].endswith("ssh"):
            one.send(signal.SIGKILL)


INTERRUPTIONS = {
    "SIGINT": _told(signal.SIGINT),
    "SIGTERM": _told(signal.SIGTERM),
    "SIGHUP": _told(signal.SIGHUP),
    "SIGKILL": _told(signal.SIGKILL),
    "SIGKILL of the group": _group,
    "SIGKILL of ansible-playbook and its workers": _ansible,
    "SIGKILL of ssh": _line,
}


# The others are for `make faults`.
SAMPLE = ("SIGTERM", "SIGKILL of ansible-playbook and its workers")


def sealed(run: Path) -> set[str]:
    """The files that the chain of a run knows."""
    events = evidence.load(run).events
    return {str(event.data["file"]) for event in events if event.event == "wrote"}


def schema(database: Database) -> dict[str, str]:
    with database.owner() as owner:
        owner.execute("SET search_path TO ''")
        return schema_catalog.read(owner)


def _interrupted(scene: Scene, what: str) -> Attempt:
    """A deployment that is interrupted in the middle of its transaction; nobody stops that."""
    with before(scene.database), halting(scene.database) as halt:
        there = tables(scene.database)
        halt.behind(MIDDLE)
        with start(scene, *DEPLOY, **DEPLOYING) as attempt:
            until(lambda: halt.reached() or attempt.has_ended())
            assert not attempt.has_ended(), attempt.output
            INTERRUPTIONS[what](scene, attempt)
            attempt.wait()
        # It ends by itself, and not only before it would commit.
        until(lambda: not [name for name in sessions(scene.database) if ":deploy" in name])
        halt.let_go()
        assert tables(scene.database) == there, attempt.output
    return attempt


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(what, marks=() if what in SAMPLE else pytest.mark.attack)
        for what in INTERRUPTIONS
    ],
)
def test_nothing_is_committed_for_a_controller_that_is_gone(what: str, remote: Scene) -> None:
    attempt = _interrupted(remote, what)
    assert sealed(attempt.evidence) >= {"deploy_intent.json", "schema_before.json"}
    if what in ("SIGINT", "SIGTERM", "SIGHUP"):
        assert "nothing was judged" not in attempt.output
        words = f"HOLD  sandbox  interrupted ({what}): the migration may have been applied."
        assert words in attempt.output


def test_the_next_run_says_what_became_of_an_interrupted_deployment(scene: Scene) -> None:
    """Nothing did; the next run applies it."""
    with before(scene.database), halting(scene.database) as halt:
        halt.behind(MIDDLE)
        with start(scene, *DEPLOY, **DEPLOYING) as attempt:
            until(lambda: halt.reached() or attempt.has_ended())
            attempt.send(signal.SIGKILL)
            attempt.wait()
        until(lambda: not [name for name in sessions(scene.database) if ":deploy" in name])
        halt.let_go()
        with start(scene, *DEPLOY, **DEPLOYING) as following:
            following.wait()
        words = f"Run {attempt.evidence.name} began to deploy and did not end: nothing of its"
        assert words in following.output, following.output
        record = json.loads((attempt.evidence / "deploy.json").read_text())
        assert record["action"] == "failed"
        assert record["changed"] == []
        assert record["recovered"]["by"] == following.evidence.name
        applied = json.loads((following.evidence / "deploy.json").read_text())
        assert applied["action"] == "applied"
    assert decided(attempt.evidence) == "HOLD"


def test_a_migration_that_nobody_heard_of_is_taken_back(remote: Scene) -> None:
    """It was committed, and ansible-playbook interrupted before the answer came."""
    with before(remote.database):
        there = schema(remote.database)
        remote.gate.hold("deploy after")
        gated = {"ansible_python_interpreter": str(remote.gate.python)}
        with start(remote, *DEPLOY, **DEPLOYING, **gated) as attempt:
            until(lambda: (remote.gate.directory / "held").exists() or attempt.has_ended())
            assert not attempt.has_ended(), attempt.output
            attempt.send(signal.SIGTERM)
            attempt.wait()
        assert "the migration may have been applied" in attempt.output, attempt.output
        assert "nothing was judged" not in attempt.output
        assert schema(remote.database) != there
        remote.end()
        name = attempt.evidence.name
        shown = remote.controller.play(*UNDO)
        assert f"Run {name} began to deploy and did not end: its migration is there in full." in (
            shown.output
        )
        record = json.loads((attempt.evidence / "deploy.json").read_text())
        assert record["action"] == "applied"
        assert record["recovered"]
        token = shown.output.split("undo_token=")[1].split()[0]
        approval = {"undo_run_id": name, "undo_token": token, "undo_approved_by": "Dewi"}
        done = remote.controller.play(*UNDO, "-e", json.dumps(approval))
        assert done.status == 0, done.output
        assert schema(remote.database) == there


@pytest.mark.attack
@pytest.mark.parametrize("place", ["before", "after"])
def test_what_became_of_an_undo_is_found_by_the_next_run(place: str, remote: Scene) -> None:
    with before(remote.database):
        there = schema(remote.database)
        with start(remote, *DEPLOY, **DEPLOYING) as deploying:
            deploying.wait()
        run = deploying.evidence
        token = remote.controller.play(*UNDO).output.split("undo_token=")[1].split()[0]
        remote.gate.hold(f"taking back {place}")
        approval = {"undo_run_id": run.name, "undo_token": token, "undo_approved_by": "Dewi"}
        gated = {"ansible_python_interpreter": str(remote.gate.python)}
        with start(remote, *UNDO, **approval, **gated) as attempt:
            until(lambda: (remote.gate.directory / "held").exists() or attempt.has_ended())
            assert not attempt.has_ended(), attempt.output
            attempt.send(signal.SIGTERM)
            attempt.wait()
        assert f"the migration of run {run.name} may have been taken back" in attempt.output
        assert (schema(remote.database) == there) == (place == "after")
        remote.end()
        following = remote.controller.play(*DEPLOY, "-e", json.dumps(DEPLOYING))
        words = "was taken back." if place == "after" else "is there."
        assert f"was interrupted: the migration {words}" in following.output, following.output
        # Our own record does not contradict the schema.
        assert "none of its objects is there" not in following.output
        if place == "after":
            record = json.loads((run / "undo.json").read_text())
            assert record["committed"] is True
            assert record["recovered"]["by"] == following.evidence.name
        else:
            assert json.loads((run / "undo_plan.json").read_text())["nothing_came_of"]


def test_a_deployment_whose_answer_was_lost_is_found_out_before_the_verdict(remote: Scene) -> None:
    """ansible-playbook lives: its verdict says what is there, and which ways lead back."""
    with before(remote.database):
        there = schema(remote.database)
        remote.gate.hold("deploy after")
        gated = {"ansible_python_interpreter": str(remote.gate.python)}
        with start(remote, *DEPLOY, **DEPLOYING, **gated) as attempt:
            until(lambda: (remote.gate.directory / "held").exists() or attempt.has_ended())
            assert not attempt.has_ended(), attempt.output
            _line(remote, attempt)
            attempt.wait()
        assert schema(remote.database) != there
    name = attempt.evidence.name
    assert f"Run {name} began to deploy and did not end: its migration is there in full." in (
        attempt.output
    )
    assert "Two ways lead back" in attempt.output
    record = json.loads((attempt.evidence / "deploy.json").read_text())
    assert record["action"] == "applied"
    assert record["recovered"]["by"] == name
    assert_confirmed(attempt.evidence / "verdict.json")
    assert decided(attempt.evidence) == "HOLD"


SCRIPT = """\
-- @setup transaction
BEGIN;
-- @setup table
CREATE TABLE public.gonogo_t ();
-- @setup end
COMMIT;
"""


def test_a_phase_commits_nothing_for_a_controller_that_is_gone(
    database: Database, tmp_path: Path
) -> None:
    def gone() -> None:
        raise GonogoError("the connection to the controller was lost")

    for confirm, committed in ((gone, False), (lambda: None, True)):
        (outcome,) = run_phases(
            lambda stage: connect(database.login(), name=f"gonogo:test:{stage}"),
            stage="phases",
            scripts=[PhaseScript("keeps", SCRIPT, stop=[], races=[], apart=[])],
            directory=tmp_path,
            confirm=confirm,
        )
        assert outcome.committed is committed, outcome
        assert ("gonogo_t" in tables(database)) is committed
