"""A run that loses what it stands on: no GO, no row lost, and the next run is right.

A run is stopped at a place of its own first (`cut/gate.py`), then something happens to it, and it
goes on. What ends a run from outside is in test_cut.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.cut.attempt import Attempt
from tests.integration.support.cut.audit import decided, read_rows, sessions
from tests.integration.support.cut.gate import until
from tests.integration.support.cut.scene import Scene
from tests.integration.support.harness import Controller, Database

pytestmark = [
    pytest.mark.skipif(OpenSsh.find() is None, reason="there is no sshd (Debian: openssh-server)"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc"),
]

RUN = ("-i", "inventories/sandbox", "validate_staging.yml")

# Where a run can be stopped: the stages that have a module on the target host.
STAGES = ("target", "backup", "files", "preflight", "phases")
PLACES = [f"{stage} {when}" for stage in STAGES for when in ("before", "after")]
# With the phases done everything is judged, and nobody asks the database again.
ASKING = PLACES[:-1]


def places(among: list[str], *sample: str) -> list[Any]:
    """The places; those that are no part of the sample are for `make faults`."""
    return [
        pytest.param(place, marks=() if place in sample else pytest.mark.attack) for place in among
    ]


class Faults(Scene):
    """Its runs keep nothing, and do not wait for long."""

    def start(self) -> Attempt:
        more = {
            "ansible_python_interpreter": str(self.gate.python),
            "gonogo_residue": "rollback",
            "gonogo_timeouts": {"lock": "200ms"},
            # Whatever room there is, it is tried.
            "target_space_factor": 0.0,
        }
        return Attempt(self.controller, self.output(), *RUN, "-e", json.dumps(more))

    def goes_wrong(self, place: str, happens: Callable[[], object]) -> str:
        """The output of a run to which something happens at a place."""
        self.gate.hold(place)
        with self.start() as attempt:
            held = self.gate.held()
            happens()
            self.gate.release(held)
            status = attempt.wait()
        assert status != 0, attempt.output
        assert "Traceback" not in attempt.output
        assert "GO  15/15" not in attempt.output
        assert "HOLD" in attempt.output, attempt.output
        return attempt.output

    def next_is_right(self) -> None:
        """A run to which nothing happens is a GO, and the database is as before all of them."""
        with self.start() as attempt:
            status = attempt.wait()
        assert status == 0, attempt.output
        assert decided(attempt.evidence) == "GO", attempt.output
        assert read_rows(self.database) == self.before
        until(lambda: not sessions(self.database))
        until(lambda: not self.gate.processes())


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh.start(tmp_path_factory.mktemp("sshd")) as started:
        yield started


@pytest.fixture
def scene(
    database: Database, controller: Controller, sshd: OpenSsh, tmp_path: Path
) -> Iterator[Faults]:
    found = Faults(database, controller, sshd, tmp_path)
    yield found
    found.end()


# --- The server ---------------------------------------------------------------------------------


class Server:
    """A server of this test alone, which is stopped at once and started again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        process = Path(f"/proc/{cluster.pid}")
        self._command = process.joinpath("cmdline").read_bytes().decode().split("\0")[:-1]
        self._directory = process.joinpath("cwd").readlink()
        self._owner = process.stat()
        self._again: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        os.kill(self._cluster.pid, signal.SIGQUIT)
        until(lambda: not self._cluster.is_running())

    def start(self) -> None:
        lent: dict[str, Any] = {}
        if self._owner.st_uid != os.geteuid():
            lent = {"user": self._owner.st_uid, "group": self._owner.st_gid, "extra_groups": []}
        self._again = subprocess.Popen(
            self._command,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **lent,
        )
        until(self._answers)

    def end(self) -> None:
        if self._again:
            self._again.send_signal(signal.SIGQUIT)
            self._again.wait()

    def _answers(self) -> bool:
        try:
            self._cluster.connect().close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.mark.parametrize("place", places(ASKING, "backup before"))
def test_the_server_is_stopped_at_once(
    controller: Controller, sshd: OpenSsh, tmp_path: Path, place: str, server_bin: Path | None
) -> None:
    own = tmp_path / "server"
    own.mkdir()
    with Cluster.start(own, server_bin) as cluster, ExitStack() as end:
        content.create(cluster, database="own", profile="target", scale=1, environment="sandbox")
        scene = Faults(Database(cluster, "own", "target"), controller, sshd, tmp_path)
        server = Server(cluster)
        end.callback(server.end)
        said = scene.goes_wrong(place, server.stop)
        assert "nothing was judged" in said or "HOLD  0/15" in said or "HOLD  1/15" in said
        server.start()
        assert decided(scene.runs[-1]) == "HOLD"
        scene.next_is_right()


# --- Room ---------------------------------------------------------------------------------------


@contextmanager
def small(directory: Path, size: str) -> Iterator[Callable[[], Path]]:
    """A file system of its own in a directory; yields what fills it up, with a file to remove."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    directory.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(directory)],
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")

    def fill() -> Path:
        filler = directory / "filler"
        writing = ["dd", "if=/dev/zero", f"of={filler}", "bs=4k"]
        assert subprocess.run(writing, capture_output=True, check=False).returncode != 0
        return filler

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.mark.parametrize("place", places(PLACES, "phases before"))
def test_no_room_for_the_evidence(scene: Faults, place: str) -> None:
    with small(scene.controller.runs_dir, "16m") as fill:
        said = scene.goes_wrong(place, fill)
        assert "No space left on device" in said
        # What is there is believed as far as it goes, and that is no GO.
        run = scene.runs[-1]
        assert not (run / "verdict.json").exists()
        (scene.controller.runs_dir / "filler").unlink()
        assert decided(run) == "HOLD"
        scene.next_is_right()


def test_no_room_for_the_backup(scene: Faults) -> None:
    with small(scene.host_directory, "24m") as fill:
        said = scene.goes_wrong("backup before", fill)
        assert "No space left on device" in said
        (scene.host_directory / "filler").unlink()
        assert decided(scene.runs[-1]) == "HOLD"
        scene.next_is_right()
        # A part of a backup is none.
        assert len([*(scene.host_directory / "backups").glob("*.dump")]) == 1


# --- Rights and locks ---------------------------------------------------------------------------


@pytest.mark.parametrize("place", places(ASKING, "phases before"))
def test_the_login_loses_its_right_to_log_in(scene: Faults, place: str) -> None:
    with scene.database.admin() as admin:
        said = scene.goes_wrong(
            place, lambda: admin.execute(f'ALTER ROLE "{logins.OWNER}" NOLOGIN')
        )
        admin.execute(f'ALTER ROLE "{logins.OWNER}" LOGIN')
    assert "is not permitted to log in" in said
    assert decided(scene.runs[-1]) == "HOLD"
    scene.next_is_right()


@pytest.mark.parametrize(
    ("place", "table", "words"),
    [
        pytest.param(
            "backup before", "sites", "due to statement timeout", marks=pytest.mark.attack
        ),
        pytest.param(
            "preflight before", "workspaces", "due to lock timeout", marks=pytest.mark.attack
        ),
        ("phases before", "punchlists", "55P03"),
    ],
)
def test_somebody_else_holds_a_lock(scene: Faults, place: str, table: str, words: str) -> None:
    with scene.database.admin() as blocker:
        blocker.execute("BEGIN")
        said = scene.goes_wrong(
            place, lambda: blocker.execute(f"LOCK TABLE public.{table} IN ACCESS EXCLUSIVE MODE")
        )
        blocker.execute("ROLLBACK")
    assert words in said, said
    assert decided(scene.runs[-1]) == "HOLD"
    scene.next_is_right()


@pytest.mark.attack
@pytest.mark.parametrize("place", PLACES[1:-1])
def test_a_second_run(scene: Faults, place: str) -> None:
    """At any time between the first stage and the end of the last one."""
    scene.gate.hold(place)
    with scene.start() as first:
        held = scene.gate.held()
        run = first.evidence
        with scene.start() as second:
            assert second.wait() != 0
        assert run.name in second.output
        assert "Traceback" not in second.output
        assert "GO  15/15" not in second.output
        scene.gate.release(held)
        assert first.wait() == 0, first.output
    assert decided(run) == "GO"
    scene.next_is_right()
