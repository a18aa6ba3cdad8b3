"""Command line: ``python -m tools.matrix run|list|table|servers``.

Exit status of ``run``: 0 when every cell that ran is as expected and one ran, 1 otherwise or on an
error, 130 and 143 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import cli
from tools.cli import Parser, say
from tools.matrix import axes, results, servers, table
from tools.matrix.axes import Cell
from tools.matrix.cache import DEFAULT, Cache
from tools.matrix.errors import MatrixError, UnavailableError
from tools.matrix.pythons import Pythons
from tools.matrix.work import Workshop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    workshop = Workshop(Cache(asked.cache), Pythons(asked.python))
    cells = _cells(asked)
    say(f"{len(cells)} cells; downloads and environments go to {workshop.cache.directory}")
    workshop.get_ready(cells)
    outcomes = []
    for cell in cells:
        result = workshop.run(cell)
        outcomes.append(result.outcome)
        say(f"{result.line()} ({result.seconds} s)")
        if result.outcome == results.FAILED:
            say(f"    what the commands said: {workshop.evidence(cell) / 'log.txt'}")
    counts = [f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)]
    say(", ".join(counts))
    if asked.cells:
        say("docs/versions.md is written when no --cells are given")
    else:
        _table(asked)
    wrong = {results.FAILED, results.UNAVAILABLE} if asked.strict else {results.FAILED}
    return 1 if wrong & set(outcomes) or results.PASSED not in outcomes else 0


def _list(asked: argparse.Namespace) -> int:
    cache, pythons = Cache(asked.cache), Pythons(asked.python)
    for cell in _cells(asked):
        say(f"{cell.name:32}  {_readiness(cell, cache, pythons)}")
    return 0


def _readiness(cell: Cell, cache: Cache, pythons: Pythons) -> str:
    """What can be said without downloading anything."""
    reason = cell.impossible()
    if reason:
        return reason
    try:
        for minor in filter(None, (cell.python, cell.target)):
            pythons.get(minor)
    except UnavailableError as error:
        return str(error)
    server = servers.find(cell.postgresql, cache)
    return f"server in {server}" if server else "server to be downloaded"


def _table(asked: argparse.Namespace) -> int:
    cache, cells = Cache(asked.cache), _cells(asked)
    table.write(table.FILE, table.render(cells, [results.load(cache, cell) for cell in cells]))
    say("docs/versions.md is written")
    return 0


def _servers(asked: argparse.Namespace) -> int:
    cache = Cache(asked.cache)
    status = 0
    for major in asked.majors or servers.TESTED:
        try:
            say(f"PostgreSQL {major}: {servers.obtain(major, cache)}")
        except (UnavailableError, MatrixError) as error:
            say(f"PostgreSQL {major}: {error}")
            status = 0 if asked.optional else 1
    return status


def _cells(asked: argparse.Namespace) -> list[Cell]:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    default = running if running in axes.PYTHONS else axes.PYTHONS[0]
    cells = axes.every() if asked.all else axes.chosen(default)
    return axes.select(cells, asked.cells) if asked.cells else cells


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.matrix",
        description="The whole job on many versions of PostgreSQL, ansible-core and Python.",
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    where = Parser(add_help=False)
    where.add_argument(
        "--cache", type=Path, default=DEFAULT, help="where servers, environments, results are kept"
    )
    which = Parser(add_help=False)
    which.add_argument(
        "--cells",
        action="append",
        default=[],
        metavar="TERMS",
        help="only these: pg13,pg18,core2.21,py3.13,target3.9; can be repeated",
    )
    which.add_argument("--all", action="store_true", help="the whole cross, not a sensible part")
    which.add_argument(
        "--python",
        action="append",
        default=[],
        type=Path,
        metavar="PROGRAM",
        help="an interpreter, before those found; can be repeated",
    )
    run = commands.add_parser("run", parents=[where, which], help="run cells, write the table")
    run.set_defaults(command=_run)
    run.add_argument(
        "--strict", action="store_true", help="a cell that cannot run is an error as well"
    )
    which_can = commands.add_parser("list", parents=[where, which], help="cells, and which can run")
    which_can.set_defaults(command=_list)
    again = commands.add_parser(
        "table", parents=[where, which], help="write docs/versions.md again"
    )
    again.set_defaults(command=_table)
    some = commands.add_parser("servers", parents=[where], help="only download servers")
    some.set_defaults(command=_servers)
    some.add_argument("majors", nargs="*", type=_major, metavar="MAJOR")
    some.add_argument("--optional", action="store_true", help="what cannot be had is no error")
    return parser


def _major(word: str) -> int:
    if word not in map(str, axes.POSTGRESQL):
        known = ", ".join(map(str, axes.POSTGRESQL))
        raise argparse.ArgumentTypeError(f'no PostgreSQL "{word}" here, only {known}')
    return int(word)


if __name__ == "__main__":
    sys.exit(main())
