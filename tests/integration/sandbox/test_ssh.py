"""Access to the sandbox, with the real programs ssh, scp and sftp, at both SSH servers."""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox import process
from sandbox.process import Process
from sandbox.ssh.background import Background
from sandbox.ssh.builtin import Builtin
from sandbox.ssh.endpoint import Endpoint
from sandbox.ssh.faults import Cut
from sandbox.ssh.keys import Keys
from sandbox.ssh.openssh import OpenSsh
from tests.integration.support.harness import PROJECT, Controller, Database

SECONDS = 240
LOST = 255

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no program ssh")
needs_sshd = pytest.mark.skipif(OpenSsh.find() is None, reason="there is no sshd")

BOTH = [Builtin, pytest.param(OpenSsh, marks=needs_sshd)]


def until(happened: Callable[[], object]) -> None:
    """Wait for a state."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, "the awaited state was never seen"
        time.sleep(0.02)


@dataclass(frozen=True)
class Client:
    """Runs the OpenSSH programs against one endpoint; ``extra`` are more options."""

    endpoint: Endpoint
    extra: tuple[str, ...] = ()

    def arguments(self, program: str, *words: str) -> list[str]:
        return [program, *self.endpoint.options(), *self.extra, *words]

    def popen(self, command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.arguments("ssh", self.endpoint.host, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, command: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self.program("ssh", self.endpoint.host, command, data=data)

    def program(
        self, program: str, *words: str, data: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.arguments(program, *words),
            input=data,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )

    def do(self, command: str, data: bytes = b"") -> bytes:
        done = self.run(command, data)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def sharing(self, directory: Path) -> Client:
        """The same, with all commands on one connection."""
        return replace(
            self,
            extra=(
                *("-o", "ControlMaster=auto", "-o", "ControlPersist=60"),
                *("-o", f"ControlPath={directory / 'master'}"),
            ),
        )


@pytest.fixture(scope="module", params=BOTH)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Background]:
    """Either server, with a directory whose name asks for care."""
    directory = tmp_path_factory.mktemp("server") / '100% a directory\'s "name"'
    directory.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        # What its starter has in his environment is no matter of the commands.
        patch.setenv("GONOGO_LEAK", "leaked")
        started = request.param.start(directory)
    with started:
        yield started
    assert list(directory.iterdir()) == []


@pytest.fixture
def client(server: Background) -> Client:
    return Client(server.endpoint)


@pytest.fixture
def builtin(tmp_path: Path) -> Iterator[Builtin]:
    """A builtin server of the test's own."""
    directory = tmp_path / "builtin"
    directory.mkdir()
    with Builtin.start(directory) as started:
        yield started


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a name short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="gonogo-", dir="/tmp") as name:
        yield Path(name)


def all_bytes(size: int) -> bytes:
    """Data in which every byte occurs, and no two pieces of 64 KB are the same."""
    return b"".join(
        bytes(range(256)) + number.to_bytes(4, "big") for number in range(size // 260 + 1)
    )[:size]


# Commands -------------------------------------------------------------------------------------


def test_input_output_error_output_and_status_arrive(client: Client) -> None:
    data = all_bytes(1000)
    done = client.run("cat; echo to the other >&2; exit 7", data)
    assert (done.returncode, done.stdout, done.stderr) == (7, data, b"to the other\n")


def test_ten_megabytes_go_both_ways(client: Client) -> None:
    data = all_bytes(10_000_000)
    assert client.do("cat", data) == data


def test_command_that_does_not_want_its_input_ends(client: Client) -> None:
    assert client.do("exec <&-; echo done", all_bytes(10_000_000)) == b"done\n"


def test_command_that_closes_its_output_early_is_waited_for(client: Client) -> None:
    done = client.run("exec >&- 2>&-; cat > /dev/null; exit 3", all_bytes(100_000))
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


def test_death_by_a_signal_is_no_success(client: Client) -> None:
    assert client.run("kill -KILL $$").returncode == LOST
    assert client.run("sh -c 'kill -TERM $$'; exit 0").returncode == 0


def test_output_of_what_stays_in_the_background_is_waited_for(client: Client) -> None:
    done = client.run("(read line; echo $line) <&0 & exit 5", b"late\n")
    assert done.returncode == 5


def test_command_gets_the_environment_of_its_account(client: Client) -> None:
    account = pwd.getpwuid(os.geteuid())
    values = client.do('printf "%s\\n" "$USER" "$LOGNAME" "$HOME" "$SHELL" "<${GONOGO_LEAK-}>"')
    assert values.decode().splitlines() == [
        *(account.pw_name, account.pw_name, account.pw_dir, account.pw_shell),
        "<>",
    ]


def test_variables_of_the_client_stay_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONOGO_LEAK", "leaked")
    sending = replace(client, extra=("-o", "SendEnv=GONOGO_LEAK"))
    assert sending.do('echo "<${GONOGO_LEAK-}>"') == b"<>\n"


def test_command_knows_the_connection(client: Client) -> None:
    here = client.endpoint
    words = client.do("echo $SSH_CONNECTION").decode().split()
    assert (words[0], words[2:]) == (here.host, [here.host, str(here.port)])


def test_command_begins_at_home(client: Client) -> None:
    home = pwd.getpwuid(os.geteuid()).pw_dir
    assert client.do("pwd -P").decode().strip() == str(Path(home).resolve())


def test_shell_reads_commands(client: Client) -> None:
    done = client.program("ssh", "-T", client.endpoint.host, data=b"echo one\nexit 4\n")
    assert done.returncode == 4
    assert b"one\n" in done.stdout


def test_builtin_server_gives_no_terminal(builtin: Builtin) -> None:
    client = Client(builtin.endpoint)
    assert client.run("tty").stdout == b"not a tty\n"
    insisting = replace(client, extra=("-tt",)).run("tty")
    assert insisting.returncode == LOST
    assert b"PTY allocation request failed" in insisting.stderr


def test_nothing_is_forwarded(server: Background, client: Client) -> None:
    through = f"127.0.0.1:{server.endpoint.port}"
    done = client.program("ssh", "-W", through, client.endpoint.host)
    assert done.returncode == LOST
    assert b"prohibited" in done.stderr


# One connection, many commands ------------------------------------------------------------------


def test_commands_share_a_connection_side_by_side(client: Client, short: Path) -> None:
    sharing = client.sharing(short)
    sharing.do("true")
    started = [sharing.popen("cat; exit 3") for _ in range(8)]
    pieces = [all_bytes(300_000 + number) for number in range(8)]
    for running, piece in zip(started, pieces, strict=True):
        output, errors = running.communicate(piece, timeout=SECONDS)
        assert (running.returncode, output == piece) == (3, True)
        # Whatever the account's shell says when eight of it begin at once, ssh has nothing to say.
        assert b"mux" not in errors
    sharing.program("ssh", "-O", "exit", client.endpoint.host)


def test_quick_commands_in_a_row_all_say_how_they_ended(client: Client, short: Path) -> None:
    sharing = client.sharing(short)
    for number in range(30):
        done = sharing.run(f"exit {number}", b"unread")
        assert (done.returncode, done.stderr) == (number, b"")
    sharing.program("ssh", "-O", "exit", client.endpoint.host)


def test_many_commands_leave_nothing_in_the_server(builtin: Builtin, short: Path) -> None:
    def load() -> tuple[int, int]:
        place = Path(f"/proc/{builtin.process.pid}")
        if not place.exists():
            pytest.skip("the system has no /proc")
        return len(list((place / "fd").iterdir())), len(list((place / "task").iterdir()))

    client = Client(builtin.endpoint)
    client.do("true")
    until(lambda: load()[1] == 1)
    before = load()
    sharing = client.sharing(short)
    for _ in range(50):
        sharing.do("cat", b"data")
    sharing.program("ssh", "-O", "exit", builtin.endpoint.host)
    for _ in range(10):
        client.do("true")
        with socket.create_connection((builtin.endpoint.host, builtin.endpoint.port)) as rude:
            rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
    until(lambda: load() == before)
    assert client.do("echo still there") == b"still there\n"


# Files ------------------------------------------------------------------------------------------


def test_sftp_puts_and_gets(client: Client, tmp_path: Path) -> None:
    data = all_bytes(1_000_000)
    source, far, back = tmp_path / "source", tmp_path / "far away", tmp_path / "back"
    source.write_bytes(data)
    source.chmod(0o640)
    batch = f"""
        mkdir "{far}"
        put -p "{source}" "{far}/one"
        rename "{far}/one" "{far}/two"
        chmod 600 "{far}/two"
        ln -s two "{far}/link"
        get -p "{far}/link" "{back}"
        ls -l "{far}"
        rm "{far}/two"
        rm "{far}/link"
        rmdir "{far}"
    """
    done = client.program("sftp", "-b", "-", client.endpoint.host, data=batch.encode())
    assert done.returncode == 0, done.stderr
    assert back.read_bytes() == data
    assert back.stat().st_mode & 0o777 == 0o600
    assert int(back.stat().st_mtime) == int(source.stat().st_mtime)
    assert not far.exists()


def test_sftp_says_what_is_refused(client: Client, tmp_path: Path) -> None:
    present = tmp_path / "present"
    present.write_text("keep me")
    present.with_name("other").touch()
    for batch, words in (
        (f"get {tmp_path}/absent {tmp_path}/x", b"not found"),
        (f"rename {tmp_path}/other {present}/below", b""),
        (f"rmdir {tmp_path}", b""),
        (f"mkdir {present}", b""),
    ):
        done = client.program("sftp", "-b", "-", client.endpoint.host, data=batch.encode())
        assert done.returncode != 0, batch
        assert words in done.stderr
    assert present.read_text() == "keep me"


def test_new_files_have_the_usual_modes(client: Client, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    source.chmod(0o666)
    client.do(f"touch {shlex.quote(str(tmp_path / 'touched'))}")
    client.program("scp", str(source), f"{client.endpoint.host}:{tmp_path}/copied")
    for name in ("touched", "copied"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("protocol", ["-s", "-O"])
def test_scp_copies_a_tree_there_and_back(client: Client, tmp_path: Path, protocol: str) -> None:
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "data").write_bytes(all_bytes(200_000))
    (tree / "empty").touch()
    host = client.endpoint.host
    for source, target in (
        (str(tree), f"{host}:{tmp_path}/there"),
        (f"{host}:{tmp_path}/there", str(tmp_path / "back")),
    ):
        done = client.program("scp", protocol, "-r", source, target)
        if b"unknown option" in done.stderr or b"illegal option" in done.stderr:
            pytest.skip(f"this scp has no option {protocol}")
        assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "back/below/data").read_bytes() == all_bytes(200_000)
    assert (tmp_path / "back/empty").read_bytes() == b""


# Who gets in, and where ---------------------------------------------------------------------------


def test_another_key_is_refused(client: Client, tmp_path: Path) -> None:
    stranger = Keys.generate(tmp_path).client_key
    done = replace(client, endpoint=replace(client.endpoint, private_key=str(stranger))).run("true")
    assert done.returncode == LOST
    assert b"Permission denied (publickey)" in done.stderr


def test_another_account_is_refused(client: Client) -> None:
    done = replace(client, endpoint=replace(client.endpoint, user="nobody-else")).run("true")
    assert done.returncode == LOST
    assert b"Permission denied (publickey)" in done.stderr


def test_changed_host_key_is_refused(client: Client, tmp_path: Path) -> None:
    other = Keys.generate(tmp_path)
    other.make_known(client.endpoint.host, client.endpoint.port)
    elsewhere = replace(client.endpoint, known_hosts=str(other.known_hosts))
    done = replace(client, endpoint=elsewhere).run("true")
    assert done.returncode == LOST
    assert b"REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_unknown_host_is_refused(client: Client, tmp_path: Path) -> None:
    unknown = replace(client.endpoint, known_hosts=str(tmp_path / "nothing"))
    done = replace(client, endpoint=unknown).run("true")
    assert done.returncode == LOST
    assert b"Host key verification failed" in done.stderr


# Lost connections -------------------------------------------------------------------------------


def test_command_goes_on_when_its_client_is_gone(client: Client, tmp_path: Path) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    command = f"echo begun; while ! test -e '{go}'; do sleep 0.05; done; touch '{done}'"
    with client.popen(command) as lost:
        assert lost.stdout is not None
        assert lost.stdout.readline() == b"begun\n"
        lost.kill()
        lost.wait()
    client.do("true")
    assert not done.exists()
    go.touch()
    until(done.exists)


def test_input_of_a_lost_connection_is_at_its_end(client: Client, tmp_path: Path) -> None:
    kept, done = tmp_path / "kept", tmp_path / "done"
    with client.popen(f"echo begun; cat > '{kept}'; touch '{done}'") as lost:
        assert lost.stdout is not None
        assert lost.stdin is not None
        assert lost.stdout.readline() == b"begun\n"
        lost.stdin.write(b"some of it")
        lost.stdin.flush()
        until(lambda: kept.exists() and kept.read_bytes() == b"some of it")
        lost.kill()
        lost.wait()
    until(done.exists)
    assert kept.read_bytes() == b"some of it"


def test_output_of_a_lost_connection_is_refused(client: Client, tmp_path: Path) -> None:
    go, status = tmp_path / "go", tmp_path / "status"
    command = (
        f"echo begun; while ! test -e '{go}'; do sleep 0.05; done;"
        f" (while :; do echo more || exit 9; done); echo $? > '{status}.new';"
        f" mv '{status}.new' '{status}'"
    )
    with client.popen(command) as lost:
        assert lost.stdout is not None
        assert lost.stdout.readline() == b"begun\n"
        lost.kill()
        lost.wait()
    go.touch()
    until(status.exists)
    assert int(status.read_text()) in {9, 128 + signal.SIGPIPE}


def test_line_is_cut_before_a_command(builtin: Builtin, tmp_path: Path) -> None:
    client, mark = Client(builtin.endpoint), tmp_path / "mark"
    builtin.cut(Cut(2, "request"))
    client.do("true")
    assert client.run(f"touch '{mark}'").returncode == LOST
    client.do("true")
    assert not mark.exists()


@pytest.mark.parametrize("after", [0, 1, 40_000])
def test_line_is_cut_in_the_input(builtin: Builtin, tmp_path: Path, after: int) -> None:
    client, kept, done = Client(builtin.endpoint), tmp_path / "kept", tmp_path / "done"
    builtin.cut(Cut(1, "input", after))
    data = all_bytes(3_000_000)
    assert client.run(f"cat > '{kept}'; touch '{done}'", data).returncode == LOST
    until(done.exists)
    assert kept.read_bytes() == data[:after]
    client.do("true")


@pytest.mark.parametrize("after", [0, 1, 40_000])
def test_line_is_cut_in_the_output(builtin: Builtin, tmp_path: Path, after: int) -> None:
    client, done = Client(builtin.endpoint), tmp_path / "done"
    source = tmp_path / "source"
    source.write_bytes(all_bytes(3_000_000))
    builtin.cut(Cut(1, "output", after))
    lost = client.run(f"cat '{source}'; touch '{done}'")
    assert lost.returncode == LOST
    # The client may drop the last of what it got.
    assert len(lost.stdout) <= after
    assert source.read_bytes().startswith(lost.stdout)
    until(done.exists)


def test_line_is_cut_instead_of_the_status(builtin: Builtin, tmp_path: Path) -> None:
    client, mark = Client(builtin.endpoint), tmp_path / "mark"
    builtin.cut(Cut(1, "exit"))
    assert client.run(f"touch '{mark}'").returncode == LOST
    assert mark.exists()
    builtin.heal()
    client.do("true")


def test_cut_takes_all_commands_of_the_connection(builtin: Builtin, short: Path) -> None:
    sharing = Client(builtin.endpoint).sharing(short)
    sharing.do("true")
    with sharing.popen("echo begun; cat") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"begun\n"
        builtin.cut(Cut(1, "output"))
        assert sharing.run("echo lost").returncode == LOST
        assert other.wait(SECONDS) == LOST
    until(lambda: not (short / "master").exists())


def test_line_is_cut_in_a_file_transfer(builtin: Builtin, tmp_path: Path) -> None:
    client, source = Client(builtin.endpoint), tmp_path / "source"
    source.write_bytes(all_bytes(3_000_000))
    builtin.cut(Cut(1, "input", 1_000_000))
    batch = f"put {source} {tmp_path}/copy".encode()
    lost = client.program("sftp", "-b", "-", client.endpoint.host, data=batch)
    # sftp reads that its ssh has ended, or else writes to it: the end of a pipe is a signal.
    assert lost.returncode in (LOST, -signal.SIGPIPE)
    assert (tmp_path / "copy").stat().st_size < 1_000_000
    assert client.program("sftp", "-b", "-", client.endpoint.host, data=batch).returncode == 0
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


# The end ------------------------------------------------------------------------------------------


@contextmanager
def occupied(started: Background, directory: Path) -> Iterator[list[Process]]:
    """A server with a command at work and one that detached itself; yields their processes."""
    files = [directory / name for name in ("working", "detached")]
    client = Client(started.endpoint)
    detached = f"setsid sh -c 'echo $$ > \"{files[1]}\"; exec sleep 1000' > /dev/null 2>&1 &"
    client.do(f"trap '' HUP; {detached}")
    with client.popen(f"echo $$ > '{files[0]}'; trap '' HUP; sleep 1000") as working:
        until(lambda: all(file.exists() and file.read_text().strip() for file in files))
        found = [process.find(int(file.read_text())) for file in files]
        yield [one for one in found if one is not None]
        assert working.wait(SECONDS) == LOST


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("how", ["stop", "stop elsewhere", "stop after a kill"])
def test_stop_leaves_nothing(kind: type[Builtin | OpenSsh], how: str, tmp_path: Path) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    started = kind.start(directory)
    with occupied(started, tmp_path) as commands:
        assert len(commands) == 2
        if how == "stop after a kill":
            started.process.send(signal.SIGKILL)
        known = kind.find_in(directory) if how == "stop elsewhere" else started
        assert known is not None
        known.stop()
    # Once more is no harm.
    started.stop()
    assert not any(one.is_alive() for one in (*commands, started.process))
    assert list(directory.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((started.endpoint.host, started.endpoint.port))


def test_server_ends_when_its_directory_is_gone(tmp_path: Path) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    started = Builtin.start(directory)
    with occupied(started, tmp_path) as commands:
        shutil.rmtree(directory)
        assert started.process.wait(SECONDS)
    assert not any(one.is_alive() for one in commands)
    started.stop()


def test_server_ends_when_another_directory_takes_the_place(tmp_path: Path) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    started = Builtin.start(directory)
    directory.rename(tmp_path / "moved")
    directory.mkdir()
    assert started.process.wait(SECONDS)
    started.stop()


@needs_sshd
def test_sessions_are_the_connections_and_nothing_else(tmp_path: Path) -> None:
    with OpenSsh.start(tmp_path) as started:
        assert started.sessions() == []
        with Client(started.endpoint).popen("echo begun; exec cat") as working:
            assert working.stdout is not None
            assert working.stdout.readline() == b"begun\n"
            held = started.sessions()
            assert held
            assert started.process not in held
            for one in held:
                one.send(signal.SIGKILL)
            assert working.wait(SECONDS) == LOST
        until(lambda: not started.sessions())
        assert started.is_running()


@needs_sshd
def test_login_needs_root_or_the_own_account(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may name any account")
    from sandbox.errors import SandboxError  # noqa: PLC0415 - one test's matter

    with pytest.raises(SandboxError, match="cannot let in"):
        OpenSsh.start(tmp_path, login="root")


# A run --------------------------------------------------------------------------------------------

RUN = ("-i", "inventories/sandbox", "validate_staging.yml")
PATIENT = (*RUN, "-e", "backup_lock_wait=600000")


def masters(directory: Path) -> list[int]:
    """The processes of ssh that keep a connection open in this directory of sockets."""
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if f"ssh: {directory}" in process.command(int(entry.name))
    ]


@pytest.fixture
def over_ssh(controller: Controller, short: Path) -> Controller:
    """A controller whose shared connections can be told from all others."""
    controller.environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = str(short)
    return controller


def commands_in(log: Path) -> int:
    return len(re.findall(r"command \d+: '|command \d+: \"", log.read_text()))


@pytest.mark.parametrize("kind", BOTH)
def test_run_over_ssh_is_a_go_with_evidence(
    kind: type[Builtin | OpenSsh],
    database: Database,
    over_ssh: Controller,
    tmp_path: Path,
    short: Path,
) -> None:
    with kind.start(tmp_path) as started:
        over_ssh.aim(database, endpoint=started.endpoint)
        outcome = over_ssh.play(*RUN)
        assert outcome.verdict["decision"] == "GO", outcome.output
        assert outcome.verdict["score"] == {"passed": 15, "of": 15}
        assert (outcome.evidence / "backup.json").exists()
        assert len(masters(short)) == 1
    until(lambda: not masters(short))
    assert list(short.iterdir()) == []


@pytest.mark.parametrize("kind", BOTH)
def test_run_whose_server_is_killed_is_no_go_ahead(
    kind: type[Builtin | OpenSsh],
    database: Database,
    over_ssh: Controller,
    tmp_path: Path,
    short: Path,
) -> None:
    with kind.start(tmp_path) as started, database.owner() as blocker:
        over_ssh.aim(database, endpoint=started.endpoint)
        # The dump waits for this lock, in the middle of the run.
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE public.sites IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(
            over_ssh.command(*PATIENT),
            cwd=PROJECT,
            env=over_ssh.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            until(lambda: _sessions(database, ":backup"))
            held = started.sessions() if isinstance(started, OpenSsh) else []
            for one in (started.process, *held):
                one.send(signal.SIGKILL)
            output, _ = running.communicate(timeout=SECONDS)
        blocker.execute("ROLLBACK")
    assert running.returncode != 0, output
    assert "the connection to the host was lost" in output
    assert "GO  15/15" not in output
    assert [json.loads(file.read_text())["decision"] for file in _verdicts(over_ssh)] == ["HOLD"]
    until(lambda: not masters(short))


def _sessions(database: Database, ending: str) -> bool:
    with database.admin() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE %s",
            (f"gonogo:%{ending}",),
        ).fetchone()
    return row is not None and row[0] > 0


def _verdicts(controller: Controller) -> list[Path]:
    return list(controller.runs_dir.glob("*/*/verdict.json"))


@pytest.mark.parametrize(
    "later",
    [pytest.param(0, marks=pytest.mark.attack, id="last look"), pytest.param(1, id="phases")],
)
def test_run_whose_last_answer_is_lost_is_no_go_ahead(
    database: Database, over_ssh: Controller, builtin: Builtin, later: int
) -> None:
    over_ssh.aim(database, endpoint=builtin.endpoint)
    assert over_ssh.play(*RUN).verdict["decision"] == "GO"
    # The first run has brought what the others find.
    before = commands_in(builtin.log)
    assert over_ssh.play(*RUN).verdict["decision"] == "GO"
    # The phases have committed when they begin to answer. The verdict looks once more after them.
    builtin.cut(Cut(commands_in(builtin.log) - before - later, "output", 1))
    cut = over_ssh.play(*RUN)
    assert "the line is cut" in builtin.log.read_text()
    assert cut.status != 0
    assert "the connection to the host was lost" in cut.output
    assert "GO  15/15" not in cut.output
    assert cut.verdict["decision"] == "HOLD"


def test_run_at_a_server_with_another_key_judges_nothing(
    database: Database, over_ssh: Controller, builtin: Builtin, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    other = Keys.generate(keys)
    other.make_known(builtin.endpoint.host, builtin.endpoint.port)
    over_ssh.aim(database, endpoint=replace(builtin.endpoint, known_hosts=str(other.known_hosts)))
    outcome = over_ssh.play(*RUN)
    assert outcome.status != 0
    assert "Host key verification failed" in outcome.output
    assert outcome.verdict["decision"] == "HOLD"
    assert outcome.verdict["score"]["passed"] == 0


# The command line ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class CommandLine:
    """``python -m sandbox`` for one directory."""

    directory: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=PROJECT,
            env={
                **os.environ,
                "GONOGO_SANDBOX_DIR": str(self.directory),
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def do(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture
def line(tmp_path: Path, short: Path) -> Iterator[CommandLine]:
    made = CommandLine(tmp_path / "sandbox", {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(short)})
    yield made
    with suppress(FileNotFoundError):
        made.run("stop")


def test_sandbox_can_be_logged_in_to(line: CommandLine) -> None:
    output = line.do("start")
    assert output == line.do("status")
    (command,) = re.findall(r"^log in: +(.+)$", output, re.MULTILINE)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} 'echo $HOME'"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == pwd.getpwuid(os.geteuid()).pw_dir
    state = json.loads((line.directory / "sandbox.json").read_text())
    assert state["ssh"]["server"] == "builtin"
    different = line.run("start", "--ssh", "none")
    assert different.returncode == 1
    assert "SSH server: have builtin, want none" in different.stderr
    # With a part of its servers it does not run, and the next start makes it whole.
    server = Builtin.find_in(line.directory / "ssh")
    assert server is not None
    server.process.send(signal.SIGKILL)
    until(lambda: not server.is_running())
    assert line.run("status").returncode == 3
    line.do("start")
    line.do("stop")
    assert not line.directory.exists()


def test_sandbox_without_a_client_says_so(line: CommandLine, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    bare = replace(line, environment={**line.environment, "PATH": str(tools)})
    assert "no SSH server: Ansible's connection is local" in bare.do("start")
    state = json.loads((line.directory / "sandbox.json").read_text())
    assert state["ssh"] is None
    bare.do("stop")
    refused = bare.run("start", "--ssh", "builtin")
    assert refused.returncode == 1
    assert "There is no program ssh on the PATH" in refused.stderr


@pytest.mark.parametrize(
    "kind",
    [
        "builtin",
        pytest.param("openssh", marks=[needs_sshd, pytest.mark.attack]),
        pytest.param("none", marks=pytest.mark.attack),
    ],
)
def test_demo_leaves_no_process(kind: str, line: CommandLine, short: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    demo = replace(line, environment={**line.environment, "TMPDIR": str(temporary)})
    done = demo.run("demo", "--ssh", kind)
    assert "GO  15/15  sandbox" in done.stdout, done.stdout + done.stderr
    until(lambda: not masters(short))
    assert list(temporary.iterdir()) == []
    assert list(short.iterdir()) == []
