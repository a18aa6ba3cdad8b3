"""``python -m tools.defects run`` tries the defects on an application, ``page`` writes
`docs/defects.md`.

Exit status: 0 done, 1 an error.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from gonogo.contract.errors import GonogoError
from gonogo.controller.runbook import source
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.logins import OWNER
from tools import cli
from tools.cli import Parser, say
from tools.corpus.histories import record_tables
from tools.corpus.judge import Gate, Lab
from tools.defects import page
from tools.defects.kinds import KINDS
from tools.defects.lab import Bench, Outcome
from tools.defects.page import Tried
from tools.project import DOCS

_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "jit": "off"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    try:
        outcomes = _outcomes(asked)
    except GonogoError as error:
        raise SandboxError(error.primary, detail=error.detail, hint=error.hint) from error
    kept = {
        "name": asked.name,
        "source": asked.source,
        "outcomes": [asdict(one) for one in outcomes],
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    target = asked.results / f"{asked.name}.json"
    target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def _outcomes(asked: argparse.Namespace) -> list[Outcome]:
    folder = source.read(asked.folder.resolve(), tool=asked.tool, schema="public")
    checks = {kind.id: kind.checks for kind in KINDS}
    outcomes: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory(prefix="gonogo-defects-") as name,
        Cluster.start(Path(name), settings=_SETTINGS) as cluster,
    ):
        lab = Lab(cluster, folder, OWNER, Path(name), "", Gate(folder))
        lab.prepare(record_tables(folder.key, folder.tool.schema))
        for migration in folder.migrations[: -asked.last]:
            lab.advance(migration)
        lab.renew()
        for one in Bench(lab, asked.last, Path(name)).outcomes():
            outcomes.append(one)
            word = page.word(one.id, checks.get(one.id, ()), Tried("", "", outcomes))
            say(f"{word}: {one.id} {one.refused or dict(one.failed)}")
    return outcomes


def _page(asked: argparse.Namespace) -> int:
    files = sorted(asked.results.glob("*.json"))
    if not files:
        raise SandboxError(
            f'"{asked.results}" holds no measurement', hint="Measure an application first: run."
        )
    asked.output.write_text(page.render([_tried(file) for file in files]), encoding="utf-8")
    say(f"Written: {asked.output}")
    return 0


def _tried(file: Path) -> Tried:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Tried(kept["name"], kept["source"], [Outcome(**one) for one in kept["outcomes"]])
    except (ValueError, TypeError, KeyError) as error:
        raise SandboxError(f'"{file}" is no measurement', hint="Measure it again: run.") from error


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.defects",
        description="Put defects into the migrations of an application; see what is noticed.",
    )
    commands = parser.add_subparsers(required=True, parser_class=Parser)
    run = commands.add_parser("run", help="try the defects on one application")
    run.set_defaults(command=_run)
    run.add_argument("name", help="what the page calls it")
    run.add_argument("folder", type=Path, help="its folder of migrations")
    run.add_argument("--last", type=int, default=5, help="into how many migrations (%(default)s)")
    run.add_argument("--tool", default=source.AUTO, help="its migration tool (%(default)s)")
    run.add_argument("--results", type=Path, required=True, help="folder of the measurements")
    run.add_argument("--source", default="", help="repository and commit")
    show = commands.add_parser("page", help="write docs/defects.md from what was measured")
    show.set_defaults(command=_page)
    show.add_argument("--results", type=Path, required=True, help="folder of the measurements")
    show.add_argument("--output", type=Path, default=DOCS / "defects.md", help="the page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
