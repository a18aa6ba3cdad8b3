"""What can be wrong with one host of a fleet, and what is to be said of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.fleet.lab import Fleet

__all__ = ["BREAKAGES", "Breakage"]

_LOCK = "SELECT pg_advisory_lock({}, {})"


@dataclass(frozen=True)
class Breakage:
    """`what` is wrong in words, how it is `made` so, the `decision` that is right and a word of
    its cause."""

    what: str
    made: Callable[[Fleet, str], None]
    decision: str = "HOLD"
    cause: str = ""


def _no_marker(fleet: Fleet, host: str) -> None:
    with fleet.admin(host) as admin:
        admin.execute(f'ALTER DATABASE "{fleet.databases[host]}" RESET ALL')


def _unreachable(fleet: Fleet, host: str) -> None:
    fleet.change(host, ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)


def _no_go(fleet: Fleet, host: str) -> None:
    with fleet.owner(host) as owner:
        owner.execute("ALTER TABLE public.config_versions DROP COLUMN notes")


def _killed(fleet: Fleet, host: str) -> None:
    fleet.interpreter(host, "(sleep 1; kill -9 $$) </dev/null >/dev/null 2>&1 &")


def _garbled(fleet: Fleet, host: str) -> None:
    fleet.interpreter(host, """echo '{"changed": false}'; exit 0""")


def _full(fleet: Fleet, host: str) -> None:
    """A file system of its own where that is allowed, else a limit of the size of a file."""
    place = Path(str(fleet.directory / f"{host}.full"))
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(place)]
    if not subprocess.run(words, capture_output=True, check=False).returncode:  # noqa: S603 - ours
        fleet.stack.callback(subprocess.run, ["umount", "-l", str(place)], check=False)
        fleet.change(host, gonogo_remote_dir=str(place))
    else:
        fleet.interpreter(host, "ulimit -f 256")


def _locked(fleet: Fleet, host: str) -> None:
    """By a run of another controller."""
    from gonogo.host.session import catalog  # noqa: PLC0415 - only where it is needed

    holder = fleet.stack.enter_context(fleet.owner(host))
    holder.execute("SET application_name = 'gonogo:20260101T000000Z-0a1b2c:lock'")
    holder.execute(_LOCK.format(*catalog.LOCK_KEY))


def _no_database(fleet: Fleet, host: str) -> None:
    fleet.change(host, gonogo_login={**fleet.hosts[host]["gonogo_login"], "db": "nosuch"})


def _no_server(fleet: Fleet, host: str) -> None:
    login = {**fleet.hosts[host]["gonogo_login"], "port": 1}
    fleet.change(host, gonogo_login=login)


def _dies(fleet: Fleet, host: str) -> None:
    fleet.change(host, ansible_connection="dying")


def _fails(fleet: Fleet, host: str) -> None:
    fleet.change(host, ansible_connection="failing")


def _says(**variables: object) -> Callable[[Fleet, str], None]:
    def made(fleet: Fleet, host: str) -> None:
        fleet.change(host, **variables)

    return made


def _unset(fleet: Fleet, host: str) -> None:
    fleet.change(host, gonogo_profile="{{ nobody_has_set_this }}")


def _secret(fleet: Fleet, host: str) -> None:
    fleet.change(host, gonogo_login={**fleet.hosts[host]["gonogo_login"], "password": "hunter2"})


BREAKAGES: Mapping[str, Breakage] = {
    "marker": Breakage("another database than the inventory says", _no_marker, cause="environment"),
    "unreachable": Breakage("a host that cannot be reached", _unreachable, cause="connect"),
    "no-go": Breakage("a column of the migration is missing", _no_go, "NO-GO"),
    "typo": Breakage(
        "a misspelt variable", _says(gonogo_profil="target"), cause="unknown variable"
    ),
    "near": Breakage(
        "a misspelt variable of a stage", _says(backup_jbos=2), cause="unknown variable"
    ),
    "undefined": Breakage("a variable whose value nobody has set", _unset, cause="nobody_has_set"),
    "secret": Breakage("a password in the inventory", _secret, cause="password"),
    "runbook": Breakage(
        "a runbook that is not there", _says(gonogo_runbook="runbooks/nosuch"), cause="runbook"
    ),
    "programs": Breakage(
        "no pg_dump on the host", _says(gonogo_pg_bin="/nonexistent"), cause="pg_dump"
    ),
    "killed": Breakage("a module that is killed", _killed),
    "garbled": Breakage("a host that answers something else", _garbled, cause="answer"),
    "full": Breakage("a full disk", _full),
    "locked": Breakage("a database whose lock another run has", _locked, cause="run"),
    "database": Breakage("a database that does not exist", _no_database, cause="nosuch"),
    "server": Breakage("a server that does not run", _no_server, cause="connect"),
    "fault": Breakage("a fault of this project", _fails),
    "worker": Breakage("a worker of ansible-playbook that is killed", _dies, cause="was ended"),
    "others": Breakage(
        "variables of somebody else (backup_schedule, target_group)",
        _says(backup_schedule="daily", target_group="erp"),
        "GO",
    ),
}
