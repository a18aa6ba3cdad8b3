"""Command line: ``python -m tools.sabotage``, what ``make sabotage`` runs.

Exit status: 0 the gate holds, 1 an error or something went past the gate, 130 and 143 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SandboxError
from tools import cli
from tools.cli import Parser, say
from tools.matrix import servers
from tools.matrix.cache import Cache
from tools.matrix.errors import UnavailableError
from tools.project import DOCS
from tools.sabotage import page
from tools.sabotage.catalogue import mutations, undeclared, variants
from tools.sabotage.explained import EXPLAINED
from tools.sabotage.lab import Outcome
from tools.sabotage.records import Records
from tools.sabotage.score import Score, score
from tools.sabotage.shape import Shape
from tools.sabotage.variants import UNCHANGED
from tools.sabotage.work import Share, Team, chosen, work

# The oldest that is still in wide use, the sandbox's own, and the newest.
_MAJORS = (15, 17, 18)
# On these only the database as it should be.
_OTHERS = (13, 14, 16)
_BAR = 0.99
_EVERY = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    """Try the changes on every server; write the page."""
    majors = asked.majors or _MAJORS
    bins = {major: _server(major) for major in majors}
    whole = not asked.only
    records = [Records(major) if whole else Records.read(major) for major in majors]
    team = Team(asked.jobs, _Progress({m: len(chosen(asked.only, m, asked.every)) for m in majors}))
    try:
        team.run(records, bins, asked.only, asked.every)
    finally:
        for item in records:
            item.write()
    if whole:
        _on_the_others(besides=majors)
    return _page(asked)


def _server(major: int) -> Path:
    """Its programs. Raises SandboxError where it is not to be had."""
    try:
        return servers.obtain(major, Cache())
    except UnavailableError as error:
        raise SandboxError(f"no PostgreSQL {major}: {error}") from error


def _on_the_others(besides: Sequence[int]) -> None:
    """The database as it should be on the versions between, where they are to be had."""
    for major in (major for major in _OTHERS if major not in besides):
        try:
            found = _server(major)
        except SandboxError as error:
            say(str(error))
            continue
        record = Records(major)
        Team(1, lambda _major, _outcome: None).run([record], {major: found}, UNCHANGED.id)
        record.write()


def _page(asked: argparse.Namespace) -> int:
    """Make the page of what is recorded; the exit status says whether the gate holds."""
    scores: dict[str, Score] = {}
    for major in sorted((*_MAJORS, *_OTHERS)):
        record = Records.read(major)
        if record.outcomes:
            known = [item for item in mutations() if item.since <= major]
            quiet = [item for item in variants() if item.since <= major]
            others = [item for item in undeclared() if item.since <= major]
            found = score(known, quiet, others, record.outcomes)
            found.known = len(known)
            scores[record.version] = found
    text = page.render(scores, list(Shape().runbook.checks), EXPLAINED)
    if asked.output is not None:
        (asked.output / "sabotage.md").write_text(text, encoding="utf-8")
        say(f"Written: {asked.output / 'sabotage.md'}")
    for version, found in scores.items():
        say(page.summary(version, found))
    return int(not all(_holds(found) for found in scores.values()))


def _holds(found: Score) -> bool:
    as_designed = all(item.state in {"held", "refused"} for item in found.undeclared)
    quiet = as_designed and not found.alarms
    return quiet and (not found.mutations or found.caught >= _BAR)


def _work(asked: argparse.Namespace) -> int:
    """A share of the work, one line of JSON an outcome: what `run` starts."""
    share = Share(asked.major, asked.server_bin, asked.part, asked.of, asked.only, asked.every)
    for version, outcome in work(share):
        say(json.dumps({"version": version, "outcome": outcome.record()}))
    return 0


class _Progress:
    """Says now and then how far it is, and at once what is of interest."""

    def __init__(self, totals: dict[int, int]) -> None:
        self._totals = totals
        self._done = dict.fromkeys(totals, 0)

    def __call__(self, major: int, outcome: Outcome) -> None:
        self._done[major] += 1
        number, total = self._done[major], self._totals[major]
        found = score(mutations(), variants(), undeclared(), {outcome.id: outcome})
        for item in (*found.missed, *found.alarms, *found.refused):
            say(f"PostgreSQL {major}: {item.state}: {item.id}\n  {item.told}")
        if number % _EVERY == 0 or number == total:
            say(f"PostgreSQL {major}: {number} of {total}")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.sabotage",
        description="Break copies of the database, one way at a time, and see what the gate says.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="try all changes, write docs/sabotage.md")
    run.set_defaults(command=_run)
    run.add_argument(
        "--majors",
        type=lambda text: [int(word) for word in text.split(",")],
        help="major versions of PostgreSQL (default: 15,17,18)",
    )
    run.add_argument(
        "--only",
        default="",
        help="only changes with one of these words (a,b) in their id or kind; the others' "
        "outcomes stay as they were recorded",
    )
    run.add_argument(
        "--every", type=int, default=1, help="of each kind of mutation only every so many"
    )
    run.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    _takes_output(run)
    show = commands.add_parser("page", help="write docs/sabotage.md again from what is recorded")
    show.set_defaults(command=_page)
    _takes_output(show)
    share = commands.add_parser("work", help="a share of the changes, as JSON (started by run)")
    share.set_defaults(command=_work)
    share.add_argument("--major", type=int, required=True)
    share.add_argument("--server-bin", type=Path, required=True)
    share.add_argument("--only", default="")
    share.add_argument("--every", type=int, default=1)
    share.add_argument("--part", type=int, default=0)
    share.add_argument("--of", type=int, default=1)
    return parser


def _takes_output(parser: Parser) -> None:
    parser.add_argument(
        "--output", type=Path, default=DOCS, help="where sabotage.md goes (default: docs)"
    )


if __name__ == "__main__":
    sys.exit(main())
