"""A network of its own: a controller and hosts that are namespaces, and nothing of the machine's.

Every host has a line to the controller and none to any other host. Addresses are those kept for
documentation (RFC 5737), so that none of them is anybody's. Needs root.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import process
from sandbox.errors import SandboxError

__all__ = ["Network", "obstacle"]

# Host → its line to the controller, the first three numbers of both addresses.
_LINES = {"staging": "198.51.100", "production": "203.0.113"}
_CONTROLLER = "controller"
_END_SECONDS = 15


@dataclass(frozen=True)
class Network:
    """The namespaces `gonogo-NAME-controller`, `gonogo-NAME-staging`, `gonogo-NAME-production`."""

    name: str
    lines: Mapping[str, str]

    @classmethod
    def called(cls, name: str) -> Network:
        """The network of that name, which may or may not exist."""
        return cls(name, _LINES)

    def namespace(self, host: str = _CONTROLLER) -> str:
        return f"gonogo-{self.name}-{host}"

    def address(self, host: str) -> str:
        """Where the controller reaches a host."""
        return f"{self.lines[host]}.2"

    def inside(self, host: str = _CONTROLLER) -> list[str]:
        """Words that make the command behind them run there."""
        return ["ip", "netns", "exec", self.namespace(host)]

    def create(self) -> None:
        """Raises: SandboxError; what was made until then is left for `remove`."""
        controller = self.namespace()
        _ip("netns", "add", controller)
        for host, line in self.lines.items():
            namespace = self.namespace(host)
            _ip("netns", "add", namespace)
            # Both ends are made where they belong; the machine's own network never has them.
            _ip("-n", controller, "link", "add", host, "type", "veth")
            _ip("-n", controller, "link", "set", "veth0", "netns", namespace, "name", "eth0")
            for end, device, number in ((controller, host, 1), (namespace, "eth0", 2)):
                _ip("-n", end, "address", "add", f"{line}.{number}/24", "dev", device)
                _ip("-n", end, "link", "set", device, "up")
            _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", controller, "link", "set", "lo", "up")

    def remove(self) -> None:
        """End what still runs in the namespaces and remove them; nothing where there are none."""
        for host in (*self.lines, _CONTROLLER):
            namespace = self.namespace(host)
            if Path("/run/netns", namespace).exists():
                _end_all(namespace)
                _ip("netns", "delete", namespace)


def obstacle() -> str | None:
    """Why no network can be made here, or None: asked by making one."""
    if shutil.which("ip") is None:
        return "there is no program ip (Debian: iproute2)"
    probe = Network.called(f"probe-{secrets.token_hex(3)}")
    try:
        probe.create()
    except SandboxError as error:
        return error.detail or error.message
    finally:
        probe.remove()
    return None


def _end_all(namespace: str) -> None:
    for pid in _ip("netns", "pids", namespace).split():
        one = process.find(int(pid))
        if one is not None:
            one.send(signal.SIGKILL)
            if not one.wait(_END_SECONDS):
                raise SandboxError(f"process {pid} in {namespace} does not end")


def _ip(*words: str) -> str:
    done = subprocess.run(
        ["ip", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SandboxError(f"ip {' '.join(words)} failed", detail=done.stderr.strip())
    return done.stdout
