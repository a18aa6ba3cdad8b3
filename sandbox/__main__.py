"""Command line: ``python -m sandbox start|status|stop|demo``.

Exit status: 0 done, 1 an error, 3 no sandbox runs (``status``), 130 and 143 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import demo, lifecycle, state
from sandbox.database import PROFILES
from sandbox.options import Options
from sandbox.ssh import servers
from tools import cli
from tools.cli import Parser, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.state import Ssh, State

_NOT_RUNNING = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # PGHOST, PGPASSWORD and the like speak of other servers.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    return cli.run(_parser(), arguments)


def _start(asked: argparse.Namespace) -> int:
    _describe(asked.directory, lifecycle.start(asked.directory, _options(asked)))
    return 0


def _status(asked: argparse.Namespace) -> int:
    running = lifecycle.status(asked.directory)
    if running is None:
        say(f'no sandbox runs in "{asked.directory}"')
        return _NOT_RUNNING
    _describe(asked.directory, running)
    return 0


def _stop(asked: argparse.Namespace) -> int:
    if lifecycle.stop(asked.directory):
        say("sandbox stopped, its files removed")
    else:
        say(f'no sandbox in "{asked.directory}"')
    return 0


def _demo(asked: argparse.Namespace) -> int:
    options = _options(asked)
    if options.ssh is None and options.ssh_server == servers.NONE:
        say(_describe_ssh(None))
    return demo.run(options)


def _options(asked: argparse.Namespace) -> Options:
    return Options(
        profile=asked.profile,
        scale=asked.scale,
        environment=asked.environment,
        database=asked.database,
        server_bin=asked.server_bin,
        ssh=asked.ssh,
    )


def _describe(directory: Path, running: State) -> None:
    say(
        f"sandbox runs: PostgreSQL {running.server_version}, "
        f"{running.host} port {running.port}, PID {running.pid}\n"
        f"database {running.database}: profile {running.profile}, scale {running.scale}, "
        f"environment {running.environment}\n"
        f"{_describe_ssh(running.ssh)}\n\n"
        f"connect:  {running.psql()}\n"
        f"as admin: {running.psql(running.admin_service)}\n"
        + (f"log in:   {running.ssh.command()}\n" if running.ssh else "")
        + f"stop:     {state.command('stop', directory)}"
    )


def _describe_ssh(ssh: Ssh | None) -> str:
    if ssh is None:
        return "no SSH server: Ansible's connection is local"
    return f"SSH server {ssh.server}: {ssh.user}@{ssh.host} port {ssh.port}"


def _parser() -> Parser:
    parser = Parser(
        prog="python -m sandbox",
        description="A throw-away PostgreSQL server with the schema and rows of APMS.",
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    where = Parser(add_help=False)
    where.add_argument(
        "--directory",
        type=Path,
        default=_default_directory(),
        help="where the sandbox keeps its files; made by start, removed by stop "
        "(default: $GONOGO_SANDBOX_DIR, else .sandbox in the project)",
    )
    what = Parser(add_help=False)
    what.add_argument("--profile", default="target", help=f"{' or '.join(PROFILES)} (%(default)s)")
    what.add_argument("--scale", type=int, default=1, help="1: 80 workflows, 2: 160 (%(default)s)")
    what.add_argument("--environment", default="sandbox", help="the marker (%(default)s)")
    what.add_argument("--database", default="apms_sandbox", help="its name (%(default)s)")
    what.add_argument("--server-bin", type=Path, help="programs of an installed PostgreSQL")
    what.add_argument(
        "--ssh",
        help=f"{', '.join(servers.KINDS)}: the SSH server (builtin if there is a program ssh)",
    )
    for name, command, parents, words in (
        ("start", _start, [where, what], "start it, or find it running"),
        ("status", _status, [where], "whether it runs and how to connect"),
        ("stop", _stop, [where], "stop it and remove all its files"),
        ("demo", _demo, [what], "the whole job on a sandbox of its own"),
    ):
        commands.add_parser(name, parents=parents, help=words).set_defaults(command=command)
    return parser


def _default_directory() -> Path:
    named = os.environ.get("GONOGO_SANDBOX_DIR")
    return Path(named) if named else Path(__file__).resolve().parents[1] / ".sandbox"


if __name__ == "__main__":
    sys.exit(main())
