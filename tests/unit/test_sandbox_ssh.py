"""What an SSH client is told, and which faults meet which command."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.errors import SandboxError
from sandbox.files import write_private
from sandbox.options import Options
from sandbox.ssh import faults, servers, sessions
from sandbox.ssh.endpoint import Endpoint
from sandbox.ssh.faults import Cut, Faults
from sandbox.ssh.keys import Keys
from sandbox.state import Ssh

ODD = '/srv/a "directory\'s" \\ name, 100% odd'
ENDPOINT = Endpoint("127.0.0.1", 2222, "apms", f"{ODD}/key", f"{ODD}/known_hosts")

needs_client = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no program ssh")


def understood(arguments: list[str]) -> dict[str, str]:
    """Option → value, as the client itself reads the arguments."""
    done = subprocess.run(["ssh", "-G", *arguments], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@needs_client
def test_client_understands_the_options() -> None:
    options = understood([*ENDPOINT.options(), ENDPOINT.host])
    assert options["port"] == "2222"
    assert options["user"] == "apms"
    assert options["stricthostkeychecking"] in {"true", "yes"}
    assert options["globalknownhostsfile"] == "/dev/null"
    assert options["batchmode"] == "yes"
    # It shows some paths before it resolves their tokens, others after.
    assert options["userknownhostsfile"].replace("%%", "%") == f"{ODD}/known_hosts"
    assert options["identityfile"].replace("%%", "%") == f"{ODD}/key"


@needs_client
def test_ansible_gives_the_same_options() -> None:
    variables = ENDPOINT.inventory()
    as_ansible_does = [
        *shlex.split(str(variables["ansible_ssh_common_args"])),
        "-o",
        f"Port={variables['ansible_port']}",
        "-o",
        f'IdentityFile="{variables["ansible_ssh_private_key_file"]}"',
        "-o",
        f'User="{variables["ansible_user"]}"',
        str(variables["ansible_host"]),
    ]
    assert understood(as_ansible_does) == understood([*ENDPOINT.options(), ENDPOINT.host])


def test_printed_command_is_one_a_shell_understands() -> None:
    words = shlex.split(ENDPOINT.command("ls", "a b"))
    assert words == ["ssh", "-T", *ENDPOINT.options(), "127.0.0.1", "ls", "a b"]


def test_state_keeps_the_endpoint() -> None:
    ssh = Ssh.of("builtin", ENDPOINT)
    assert ssh.options() == ENDPOINT.options()
    assert ssh.variables == ENDPOINT.inventory()


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("127.0.0.1", 2222, "[127.0.0.1]:2222"),
        ("10.77.1.2", 22, "10.77.1.2"),
        ("::1", 2222, "[::1]:2222"),
    ],
)
def test_client_finds_the_server_by_this_name(
    tmp_path: Path, host: str, port: int, name: str
) -> None:
    keys = Keys.generate(tmp_path)
    keys.make_known(host, port)
    kind, public = keys.host_public.read_text().split()
    assert keys.known_hosts.read_text() == f"{name} {kind} {public}\n"


def test_keys_are_new_private_and_removed(tmp_path: Path) -> None:
    first = Keys.generate(tmp_path).client_key.read_text()
    keys = Keys.generate(tmp_path)
    assert keys.client_key.read_text() != first
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    keys.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("127.0.0.1", "0100007F:08AE"),
        ("::1", "00000000000000000000000001000000:08AE"),
    ],
)
def test_address_is_written_as_the_kernel_lists_it(
    host: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.byteorder", "little")
    assert sessions._place(Endpoint(host, 2222, "", "", "")) == place


# Faults ---------------------------------------------------------------------------------------


def test_cut_meets_the_command_it_was_ordered_for(tmp_path: Path) -> None:
    cut = Cut(2, "output", 100)
    server = Faults(tmp_path)
    assert server.next() == (1, None)
    faults.order(tmp_path, cut)
    assert [server.next() for _ in range(3)] == [(1, None), (2, cut), (3, None)]


def test_new_order_counts_from_its_own_beginning(tmp_path: Path) -> None:
    server = Faults(tmp_path)
    first, second = Cut(2, "exit"), Cut(1, "request")
    faults.order(tmp_path, first)
    assert server.next() == (1, None)
    faults.order(tmp_path, second)
    assert server.next() == (1, second)
    faults.order(tmp_path, second)
    assert server.next() == (1, second)


def test_cancelled_order_meets_nobody(tmp_path: Path) -> None:
    server = Faults(tmp_path)
    faults.order(tmp_path, Cut(1, "input"))
    faults.cancel(tmp_path)
    assert server.next() == (1, None)


# Which server ---------------------------------------------------------------------------------


def test_without_a_client_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert Options().ssh_server == "none"
    Options().check()
    with pytest.raises(SandboxError, match="nobody could log in over SSH") as refused:
        Options(ssh="builtin").check()
    assert "no program ssh" in str(refused.value)


def test_demo_without_a_client_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("sandbox.demo.run", lambda _options: 0)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["demo"]) == 0
    assert capsys.readouterr().out == "no SSH server: Ansible's connection is local\n"


def test_unknown_server_is_refused() -> None:
    with pytest.raises(SandboxError, match='unknown SSH server "telnet"') as refused:
        Options(ssh="telnet").check()
    assert "builtin, openssh, none" in str(refused.value)


def test_server_is_found_by_its_record(tmp_path: Path) -> None:
    assert servers.find_in(tmp_path) is None
    write_private(
        tmp_path / "sshd.json", '{"program": "/usr/sbin/sshd", "process": null, "endpoint": null}'
    )
    found = servers.find_in(tmp_path)
    assert found is not None
    assert found.kind == "openssh"
    assert not found.is_running()
