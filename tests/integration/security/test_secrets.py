"""The password of a login is read by libpq from the passfile, and is nowhere else."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.ssh.builtin import Builtin
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.harness import PROJECT, Controller, Database, Outcome

RUN = ("-i", "inventories/sandbox", "validate_staging.yml", "-vvvv")
CLEANUP = ("-i", "inventories/sandbox", "playbooks/cleanup.yml", "-vvvv")
# A table lock holds the dump up for as long as it takes to look at it.
PATIENT = ("-e", "backup_lock_wait=600000")
_SECONDS = 120


class Watch(threading.Thread):
    """Looks at the arguments and the environment of every process, again and again.

    `found` says where one of `secrets` was. `await_arguments` waits until a process with certain
    words among its arguments has been looked at. Of processes of other users an ordinary user
    sees the arguments only; those of a run are the user's own.
    """

    def __init__(self, secrets: set[str]) -> None:
        super().__init__()
        self._secrets = [secret.encode() for secret in secrets]
        self._over = threading.Event()
        self._changed = threading.Condition()
        self._arguments: set[bytes] = set()
        self.found: set[str] = set()

    def run(self) -> None:
        while not self._over.wait(0.005):
            for process in Path("/proc").glob("[0-9]*"):
                self._look(process)

    def stop(self) -> None:
        self._over.set()
        self.join()

    def await_arguments(self, *words: str) -> None:
        wanted = [word.encode() for word in words]
        with self._changed:
            assert self._changed.wait_for(
                lambda: any(all(w in given for w in wanted) for given in self._arguments),
                timeout=_SECONDS,
            ), f"no process with {words} was ever seen"

    def _look(self, process: Path) -> None:
        texts = {}
        for name in ("cmdline", "environ"):
            try:
                texts[name] = (process / name).read_bytes()
            except OSError:
                # It has ended, or it is somebody else's.
                continue
        with self._changed:
            # Both have been read: who waits for a process may let it go on.
            if len(texts) == 2 and texts["cmdline"] not in self._arguments:
                self._arguments.add(texts["cmdline"])
                self._changed.notify_all()
        for name, text in texts.items():
            if any(secret in text for secret in self._secrets):
                program = texts.get("cmdline", b"").replace(b"\0", b" ").decode(errors="replace")
                self.found.add(f"{name} of {program}")


@pytest.fixture
def passwords(database: Database) -> set[str]:
    lines = database.cluster.passfile.read_text().splitlines()
    found = {line.rsplit(":", 1)[1] for line in lines if line.count(":") >= 4}
    assert len(found) > 1
    return found


@pytest.fixture
def watch(passwords: set[str]) -> Iterator[Watch]:
    watching = Watch(passwords)
    watching.start()
    yield watching
    watching.stop()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
def test_the_watch_sees_a_secret(watch: Watch, passwords: set[str]) -> None:
    """Otherwise the test below would prove nothing."""
    secret = min(passwords)
    for given, environment in (([secret], {}), ([], {"SECRET": secret})):
        sleeper = subprocess.Popen(
            ["/bin/sh", "-c", "read line", "watched", str(bool(given)), *given],
            stdin=subprocess.PIPE,
            env=environment,
        )
        try:
            watch.await_arguments("read line", "watched", str(bool(given)))
        finally:
            sleeper.communicate()
    watch.stop()
    assert {place.split()[0] for place in watch.found} == {"cmdline", "environ"}


def _files(*directories: Path) -> list[Path]:
    return [path for top in directories for path in top.rglob("*") if path.is_file()]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
def test_the_password_is_nowhere(
    database: Database, controller: Controller, watch: Watch, passwords: set[str]
) -> None:
    controller.aim(database)
    _assert_nowhere(database, controller, watch, passwords)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no program ssh")
def test_the_password_is_nowhere_over_ssh(
    database: Database, controller: Controller, watch: Watch, passwords: set[str], tmp_path: Path
) -> None:
    (tmp_path / "ssh").mkdir()
    kind = OpenSsh if OpenSsh.find() else Builtin
    with kind.start(tmp_path / "ssh") as server, tempfile.TemporaryDirectory() as sockets:
        # The path of a socket must be short.
        controller.environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = sockets
        controller.aim(database, endpoint=server.endpoint)
        _assert_nowhere(database, controller, watch, passwords)


def _assert_nowhere(
    database: Database, controller: Controller, watch: Watch, passwords: set[str]
) -> None:
    """A whole run and the plan of its cleanup, wherever the controller aims."""
    with database.admin() as blocker:
        blocker.execute("BEGIN")
        # pg_dump reads it; the tables themselves are locked before it is started. Not the one of
        # all databases: whoever logs in may have to read that.
        blocker.execute("LOCK TABLE pg_catalog.pg_seclabel IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            controller.command(*RUN, *PATIENT),
            cwd=PROJECT,
            env=controller.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            watch.await_arguments("pg_dump", f"dbname='{database.name}'")
            blocker.execute("ROLLBACK")
            output, _ = process.communicate()
        finally:
            process.kill()
            process.wait()
    outcome = Outcome(process.returncode, output, controller.runs_dir)
    assert outcome.verdict["decision"] == "GO", output
    cleanup = controller.play(*CLEANUP)
    watch.stop()
    assert not watch.found
    written = _files(controller.runs_dir, controller.directory / "target")
    assert any(path.name == "run.json" for path in written)
    assert any("backups" in path.parts for path in written)
    for password in passwords:
        assert password not in outcome.output
        assert password not in cleanup.output
        assert not [path for path in written if password.encode() in path.read_bytes()]


SECRET = "S3cr3t-Pa55word"
# The variables as somebody might set them who has a connection string at hand.
MISPLACED = {
    "validate_staging.yml": {
        "gonogo_login": {"db": f"postgresql://apms:{SECRET}@127.0.0.1/apms"},
    },
    "playbooks/validate.yml": {"gonogo_login": {"db": "apms", "port": SECRET}},
    "playbooks/cleanup.yml": {
        "gonogo_login": {"db": "apms", "host": f"host=127.0.0.1 password={SECRET}"}
    },
    "playbooks/restore.yml": {"gonogo_login": {"db": "apms", "ssl_mode": SECRET}},
}


@pytest.mark.parametrize("playbook", MISPLACED)
def test_a_secret_in_the_wrong_place_is_nowhere(
    database: Database, controller: Controller, playbook: str
) -> None:
    controller.aim(database)
    given = json.dumps(MISPLACED[playbook])
    # Three v: at four, Ansible prints the options it was called with, before anything of ours.
    outcome = controller.play("-i", "inventories/sandbox", playbook, "-vvv", "-e", given)
    assert outcome.status != 0
    assert "gonogo_login" in outcome.output or "login." in outcome.output
    told = outcome.output.replace(given, "")
    assert SECRET not in told, [line for line in told.splitlines() if SECRET in line]
    written = _files(controller.runs_dir, controller.directory)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]


def test_a_login_that_is_refused_is_not_kept(database: Database, controller: Controller) -> None:
    """No form of a password, but no name of a database or a path either."""
    controller.aim(database)
    login = {"db": f"postgresql://127.0.0.1/{SECRET}", "passfile": SECRET}
    given = json.dumps({"gonogo_login": login})
    outcome = controller.play("-i", "inventories/sandbox", "validate_staging.yml", "-e", given)
    assert "login.db is not a database name: a text of" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    assert SECRET not in outcome.output.replace(given, "")
    written = _files(controller.runs_dir, controller.directory)
    assert any(path.name == "run.json" for path in written)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
