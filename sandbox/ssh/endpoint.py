"""What an SSH client has to be told to log in, and nothing of what its user configured."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    """A place to log in: ``private_key`` and ``known_hosts`` are absolute paths of files.

    The host key is always checked, and against ``known_hosts`` alone.
    """

    host: str
    port: int
    user: str
    private_key: str
    known_hosts: str

    def options(self) -> list[str]:
        """Arguments that ssh, scp and sftp all take; ``host`` alone follows them."""
        return [
            *_without_configuration(),
            *_option("Port", str(self.port)),
            *_option("User", self.user),
            *_option("IdentityFile", _quoted(self.private_key)),
            *self._checks(),
        ]

    def inventory(self) -> dict[str, object]:
        """The variables with which Ansible's connection ``ssh`` logs in."""
        return {
            "ansible_host": self.host,
            "ansible_port": self.port,
            "ansible_user": self.user,
            # Neither the builtin server nor an sshd of an ordinary user has terminals to give.
            "ansible_ssh_usetty": False,
            # Ansible puts the quotation marks around it.
            "ansible_ssh_private_key_file": _escaped(self.private_key),
            "ansible_ssh_common_args": shlex.join([*_without_configuration(), *self._checks()]),
        }

    def command(self, *words: str) -> str:
        """A shell command that logs in without a terminal, or runs ``words`` there."""
        return shlex.join(["ssh", "-T", *self.options(), self.host, *words])

    def _checks(self) -> list[str]:
        return [
            *_option("StrictHostKeyChecking", "yes"),
            *_option("UserKnownHostsFile", _quoted(self.known_hosts)),
            *_option("GlobalKnownHostsFile", "/dev/null"),
            *_option("UpdateHostKeys", "no"),
            # This key and no other: neither one of an agent nor a password.
            *_option("IdentitiesOnly", "yes"),
            *_option("IdentityAgent", "none"),
            *_option("PreferredAuthentications", "publickey"),
            *_option("BatchMode", "yes"),
        ]


def _without_configuration() -> list[str]:
    return ["-F", "/dev/null"]


def _option(name: str, value: str) -> list[str]:
    return ["-o", f"{name}={value}"]


def _quoted(path: str) -> str:
    return f'"{_escaped(path)}"'


def _escaped(path: str) -> str:
    """A path between quotation marks, as ssh reads options; a per cent sign begins a token."""
    return path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
