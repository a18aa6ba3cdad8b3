"""The way to what the target host writes down while its module works: the connection, once more.

Ansible has a connection plugin do one thing at a time, and gives nothing of what a module prints
before that has ended. So a short command is run beside it, on a copy of the connection and of what
escalates privileges: each run of a command has its state in these two. That holds where a
connection starts a program for each command, as `ssh` and `local` do; no other is asked. `ssh` goes
through the connection that the module has, where it is shared (ControlPersist); where it is not,
each time is a login, and there are few.
"""

from __future__ import annotations

import copy
import re
import secrets
import shlex
from typing import Any

from ...contract.options.shared import PROGRESS, PROGRESS_SECONDS
from ...contract.records.progress import MAX_BYTES

__all__ = ["Way", "every", "place", "way"]

_TRANSPORTS = frozenset({"local", "ssh"})
_SSH_OPTIONS = ("ssh_args", "ssh_common_args", "ssh_extra_args")
_SHARED = re.compile(r"controlpersist[= ]+(?!no\b)", re.IGNORECASE)
# Between two logins.
_LOGIN_SECONDS = 60.0
# What of a path the shell has to see: a home. Another one that holds a variable is not asked for.
_HOME = re.compile(r"~[A-Za-z0-9_.-]*/")


def every(value: object) -> int:
    """The seconds between two lines that the inventory asks for, 0 for none."""
    assert PROGRESS.range is not None
    try:
        seconds = PROGRESS_SECONDS if value is None else int(str(value))
    except ValueError:
        # The stage input has said so.
        return PROGRESS_SECONDS
    return seconds if PROGRESS.range.least < seconds <= PROGRESS.range.most else 0


def place(remote_dir: str) -> str:
    """The file of one call, on the target host."""
    return f"{remote_dir}/progress/{secrets.token_hex(16)}.json"


class Way:
    """To a file of the target host; `seconds` is how often it may be gone at most."""

    def __init__(self, plugin: Any, command: str, seconds: float) -> None:
        self._plugin = plugin
        self._command = command
        self.seconds = seconds

    def ask(self) -> str:
        """What is in the file, empty where there is none."""
        # Something to read keeps the SSH client from asking for a terminal.
        answer = self._plugin._low_level_execute_command(  # noqa: SLF001 - Ansible's own name for it
            self._command, sudoable=True, in_data=b"\n"
        )
        return str(answer.get("stdout") or "") if answer.get("rc") == 0 else ""


def way(plugin: Any, file: str, seconds: float) -> Way | None:
    """The way that this action plugin's connection leaves, None where there is none."""
    connection: Any = getattr(plugin, "_connection", None)
    transport = str(getattr(connection, "transport", "")).rpartition(".")[2]
    path = _quoted(file)
    if transport not in _TRANSPORTS or path is None:
        return None
    if transport == "ssh" and not _is_shared(connection):
        seconds = max(seconds, _LOGIN_SECONDS)
    other, its_connection = copy.copy(plugin), copy.copy(connection)
    its_connection.become = copy.copy(its_connection.become)
    other._connection = its_connection  # noqa: SLF001 - as above
    return Way(other, f"test ! -f {path} || head -c {MAX_BYTES + 1} {path}", seconds)


def _is_shared(connection: Any) -> bool:
    return any(_SHARED.search(str(connection.get_option(name) or "")) for name in _SSH_OPTIONS)


def _quoted(path: str) -> str | None:
    home = _HOME.match(path)
    begins = home.group() if home else ""
    rest = path[len(begins) :]
    if "$" in rest or not (begins or rest.startswith("/")):
        return None
    return begins + shlex.quote(rest)
