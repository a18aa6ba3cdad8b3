"""``python -m tools.corpus run`` measures an application, ``page`` writes `docs/corpus.md`.

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

from gonogo.controller.runbook import source
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.logins import OWNER, SUPERUSER
from tools import cli
from tools.cli import Parser, say
from tools.corpus import page
from tools.corpus.histories import read, record_tables
from tools.corpus.judge import Finding, Verdict, judge
from tools.corpus.page import Judged, Measured
from tools.corpus.replay import Row, replay
from tools.project import PROJECT

_JUDGED = ".judged.json"
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    history = read(asked.folder)
    role = SUPERUSER if asked.superuser else OWNER
    rows = []
    with (
        tempfile.TemporaryDirectory() as directory,
        Cluster.start(Path(directory), settings=_SETTINGS) as cluster,
    ):
        for row in replay(cluster, history, role=role, before=asked.before):
            rows.append(row)
            if row.problem is not None:
                say(f"{row.file}: {row.problem}")
    deployable = sum(row.problem is None for row in rows)
    say(f"{asked.name}: {deployable} of {len(rows)} migrations can be deployed as they stand")
    kept = {
        "name": asked.name,
        "tool": history.tool.name,
        "source": asked.source,
        "role": ("superuser" if asked.superuser else "owner of the database")
        + (f", after `{asked.before}`" if asked.before else ""),
        "rows": [asdict(row) for row in rows],
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    target = asked.results / f"{asked.name}.json"
    target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def _judge(asked: argparse.Namespace) -> int:
    folder = source.read(asked.folder.resolve(), tool=asked.tool, schema="public")
    if asked.last < 1:
        raise SandboxError("--last is a number from 1 on", hint="Leave it out: 30.")
    last = min(asked.last, len(folder.migrations))
    verdicts = []
    with (
        tempfile.TemporaryDirectory(prefix="gonogo-corpus-") as name,
        Cluster.start(Path(name), settings=_SETTINGS) as cluster,
    ):
        for one in judge(
            cluster,
            folder,
            role=SUPERUSER if asked.superuser else OWNER,
            last=last,
            tables=record_tables(folder.key, folder.tool.schema),
            directory=Path(name),
            before=asked.before,
        ):
            verdicts.append(one)
            say(f"{one.file}: {one.decision} {one.passed}/{one.of}, {one.seconds:.1f} s")
            for found in one.findings:
                say(f"    {found.subject}: {found.text}")
    kept = {
        "name": asked.name,
        "tool": folder.tool.name,
        "source": asked.source,
        "verdicts": [asdict(one) for one in verdicts],
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    target = asked.results / f"{asked.name}{_JUDGED}"
    target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def _page(asked: argparse.Namespace) -> int:
    every = sorted(asked.results.glob("*.json"))
    files = [file for file in every if not file.name.endswith(_JUDGED)]
    judged = [_verdicts(file) for file in every if file.name.endswith(_JUDGED)]
    if not every:
        raise SandboxError(
            f'"{asked.results}" holds no measurement', hint="Measure an application first: run."
        )
    asked.output.write_text(
        page.render([_measured(file) for file in files], judged), encoding="utf-8"
    )
    say(f"Written: {asked.output}")
    return 0


def _measured(file: Path) -> Measured:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        rows = [Row(**row) for row in kept.pop("rows")]
        return Measured(**kept, rows=rows)
    except (ValueError, TypeError, KeyError) as error:
        raise SandboxError(f'"{file}" is no measurement', hint="Measure it again: run.") from error


def _verdicts(file: Path) -> Judged:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        rows = [
            Verdict(**{**row, "findings": [Finding(**one) for one in row["findings"]]})
            for row in kept.pop("verdicts")
        ]
        return Judged(**kept, verdicts=rows)
    except (ValueError, TypeError, KeyError) as error:
        raise SandboxError(
            f'"{file}" is no measurement', hint="Measure it again: judge."
        ) from error


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.corpus",
        description="Which migrations of public applications can be deployed as they stand.",
    )
    commands = parser.add_subparsers(required=True, parser_class=Parser)
    run = commands.add_parser("run", help="measure the migrations of one application")
    run.set_defaults(command=_run)
    run.add_argument("name", help="what the page calls it")
    run.add_argument("folder", type=Path, help="its folder of migrations")
    run.add_argument("--results", type=Path, required=True, help="folder of the measurements")
    run.add_argument("--source", default="", help="repository and commit")
    run.add_argument(
        "--before", default="", help="SQL that the application's own runner begins its session with"
    )
    run.add_argument("--superuser", action="store_true", help="the application needs one")
    judging = commands.add_parser("judge", help="judge the last migrations of one application")
    judging.set_defaults(command=_judge)
    judging.add_argument("name", help="what the page calls it")
    judging.add_argument("folder", type=Path, help="its folder of migrations")
    judging.add_argument("--last", type=int, default=30, help="how many (%(default)s)")
    judging.add_argument("--tool", default=source.AUTO, help="its migration tool (%(default)s)")
    judging.add_argument("--results", type=Path, required=True, help="folder of the measurements")
    judging.add_argument("--source", default="", help="repository and commit")
    judging.add_argument(
        "--before", default="", help="SQL that the application's own runner begins its session with"
    )
    judging.add_argument("--superuser", action="store_true", help="the application needs one")
    show = commands.add_parser("page", help="write docs/corpus.md from what was measured")
    show.set_defaults(command=_page)
    show.add_argument("--results", type=Path, required=True, help="folder of the measurements")
    show.add_argument(
        "--output", type=Path, default=PROJECT / "docs" / "corpus.md", help="the page"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
