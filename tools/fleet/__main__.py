"""``python -m tools.fleet``, what ``make fleet`` runs: judges a fleet and writes docs/fleet.md.

Exit status: 0 every verdict is right, 1 an error or a verdict that is not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sandbox import database as content
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from tools import cli
from tools.cli import Parser, say
from tools.fleet import page
from tools.fleet.breakages import BREAKAGES
from tools.fleet.lab import Fleet, host_name
from tools.fleet.memory import Memory
from tools.fleet.page import Measured
from tools.project import DOCS

_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE = "fleet_template"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    return cli.run(_parser(), arguments)


def _judge(asked: argparse.Namespace) -> int:
    # Far from each other: both servers have some, and the first forks do not have them all.
    step = max(1, asked.size // (len(BREAKAGES) + 1))
    if asked.size <= len(BREAKAGES):
        raise SandboxError(
            f"a fleet of {asked.size} has no room for {len(BREAKAGES)} kinds of breakage",
            hint=f"Choose a --size of {len(BREAKAGES) + 1} or more.",
        )
    broken = {host_name(number * step): kind for number, kind in enumerate(BREAKAGES)}
    with tempfile.TemporaryDirectory(prefix="gonogo-fleet-") as made, ExitStack() as stack:
        found = _measured(Path(made), stack, broken, asked)
        mistakes = page.wrong(found)
        for line in mistakes:
            say(line)
        if mistakes:
            asked.log.write_text(found.played.output, encoding="utf-8")
            say(f"The output of the run: {asked.log}")
    asked.output.write_text(page.render(found), encoding="utf-8")
    say(f"Written: {asked.output}")
    return 1 if mistakes else 0


def _measured(
    directory: Path, stack: ExitStack, broken: dict[str, str], asked: argparse.Namespace
) -> Measured:
    clusters = []
    for number in range(asked.servers):
        place = directory / f"cluster{number + 1}"
        place.mkdir()
        cluster = stack.enter_context(Cluster.start(place, settings=_SETTINGS))
        content.create(
            cluster, database=_TEMPLATE, profile="target", scale=1, environment="staging"
        )
        clusters.append(cluster)
    fleet = Fleet.make(directory, clusters, [_TEMPLATE] * len(clusters), size=asked.size)
    stack.callback(fleet.drop)
    for host, kind in broken.items():
        BREAKAGES[kind].made(fleet, host)
    memory = Memory([directory / f"server{number + 1}" for number in range(asked.servers)])
    say(f"Judging {asked.size} databases, {asked.forks} at a time")
    twins = not asked.without_twins
    played = fleet.play(forks=asked.forks, watch=memory.look, twin_enabled=twins)
    return Measured(played, memory, broken, asked.forks, asked.servers, twins)


def _parser() -> Parser:
    parser = Parser(
        "python -m tools.fleet", "Judge many databases in one run, some of them broken."
    )
    parser.add_argument("--size", type=int, default=50, help="databases (50)")
    parser.add_argument("--servers", type=int, default=2, help="servers they are on (2)")
    parser.add_argument("--forks", type=int, default=5, help="forks of ansible-playbook (5)")
    parser.add_argument("--without-twins", action="store_true", help="restore no backup")
    parser.add_argument("--output", type=Path, default=DOCS / "fleet.md", help="the page")
    parser.add_argument("--log", type=Path, default=Path("fleet.log"), help="output, on a mistake")
    parser.set_defaults(command=_judge)
    return parser


if __name__ == "__main__":
    sys.exit(main())
