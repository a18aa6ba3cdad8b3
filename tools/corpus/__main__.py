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

from sandbox.cluster import Cluster
from sandbox.logins import OWNER, SUPERUSER
from tools import cli
from tools.cli import Parser, say
from tools.corpus.histories import KINDS, read
from tools.corpus.replay import replay

_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    history = read(asked.tool, asked.folder)
    role = SUPERUSER if asked.superuser else OWNER
    rows = []
    with (
        tempfile.TemporaryDirectory() as directory,
        Cluster.start(Path(directory), settings=_SETTINGS) as cluster,
    ):
        for row in replay(cluster, history, role=role):
            rows.append(row)
            if row.problem is not None:
                say(f"{row.file}: {row.problem}")
    deployable = sum(row.problem is None for row in rows)
    say(f"{asked.name}: {deployable} of {len(rows)} migrations can be deployed as they stand")
    kept = {
        "name": asked.name,
        "tool": asked.tool,
        "source": asked.source,
        "role": "superuser" if asked.superuser else "owner of the database",
        "rows": [asdict(row) for row in rows],
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    target = asked.results / f"{asked.name}.json"
    target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.corpus",
        description="Which migrations of public applications can be deployed as they stand.",
    )
    commands = parser.add_subparsers(required=True, parser_class=Parser)
    run = commands.add_parser("run", help="measure the migrations of one application")
    run.set_defaults(command=_run)
    run.add_argument("name", help="what the page calls it")
    run.add_argument("tool", choices=KINDS, help="the migration tool")
    run.add_argument("folder", type=Path, help="its folder of migrations")
    run.add_argument("--results", type=Path, required=True, help="folder of the measurements")
    run.add_argument("--source", default="", help="repository and commit")
    run.add_argument("--superuser", action="store_true", help="the application needs one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
