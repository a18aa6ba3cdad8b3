"""``python -m tools.trial FOLDER``: the last migrations of a folder, judged with no database.

An embedded server gets the history up to them, as their tool would apply it, and the rows of a file
of SQL where one is named; then the whole run judges what is left. Exit status: 0 where there is a
verdict, 1 an error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.controller.runbook import pending
from gonogo.host.migrate.deployment import deploy
from gonogo.host.migrate.history import Migration
from gonogo.host.session.connection import connect
from sandbox.cluster import Cluster
from sandbox.database import MARKER
from sandbox.errors import SandboxError
from sandbox.logins import OWNER
from tools import cli, playbook
from tools.cli import Parser, say
from tools.corpus.histories import Read, read
from tools.project import PROJECT

__all__ = ["main"]

# Where the evidence goes.
RUNS = PROJECT / "runs"

_DATABASE = "application"
_ENVIRONMENT = "trial"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    history = read(asked.folder.resolve())
    if asked.rows and not asked.rows.is_file():
        raise SandboxError(f'there is no file "{asked.rows}"', hint="Name a file of SQL.")
    if not 0 < asked.last <= len(history.migrations):
        raise SandboxError(
            f"the folder has {len(history.migrations)} migrations", hint="Name fewer: --last 1."
        )
    with tempfile.TemporaryDirectory(prefix="gonogo-trial-") as name:
        directory = Path(name)
        with Cluster.start(directory) as cluster:
            _prepare(cluster, history, asked)
            return _judge(cluster, asked, directory)


def _prepare(cluster: Cluster, history: Read, asked: argparse.Namespace) -> None:
    """The database as it is before the last migrations."""
    before = history.migrations[: -asked.last]
    with cluster.connect() as admin:
        name = sql.Identifier(_DATABASE)
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER)))
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                name, sql.Identifier(*MARKER.split(".")), sql.Literal(_ENVIRONMENT)
            )
        )
    with cluster.connect(_DATABASE, OWNER) as owner:
        owner.execute(history.tables.encode())
    say(f"Applying {len(before)} migrations of {history.tool.name} to an empty database ...")
    login = Login(**cluster.login(_DATABASE, OWNER))
    for migration in before:
        _apply(login, history, migration)
    said = "No rows: what a check asks of rows sees none. Name a file with --rows."
    if asked.rows:
        _fill(cluster, asked.rows)
        said = f"Rows: as {asked.rows} makes them."
    say(said)
    say(f"Judging: {', '.join(one.name for one in history.migrations[-asked.last :])}")


def _apply(login: Login, history: Read, migration: Migration) -> None:
    """As a run deploys it. Raises SandboxError where it cannot be applied."""
    try:
        plan = pending.plan(history.key, history.tool, [migration])
        session = partial(connect, login, name="gonogo:trial:deploy")
        done = deploy(session, plan, budgets=budgets_of({}), confirm=lambda: None).record
    except GonogoError as error:
        raise SandboxError(error.primary, detail=error.detail, hint=error.hint) from error
    if done.action != "applied":
        why = done.error.message if done.error else f"it was {done.action}"
        raise SandboxError(
            f"{migration.file} cannot be applied to what the migrations before it leave: {why}",
            hint="See whether the history can be replayed from nothing.",
        )


def _fill(cluster: Cluster, file: Path) -> None:
    with cluster.connect(_DATABASE, OWNER) as owner:
        try:
            owner.execute(file.read_bytes())
        except psycopg.Error as error:
            problem = str(error).splitlines()[0]
            raise SandboxError(f'"{file}" cannot be applied: {problem}') from error


def _judge(cluster: Cluster, asked: argparse.Namespace, directory: Path) -> int:
    inventory = directory / "hosts.json"
    inventory.write_text(json.dumps(_inventory(cluster, asked, directory)), encoding="utf-8")
    before = _verdicts()
    status = subprocess.run(  # noqa: S603 - a list of ours
        playbook.command(
            f"--inventory={inventory}",
            "--extra-vars={verdict_fail_on: []}",
            "validate_staging.yml",
        ),
        cwd=PROJECT,
        env={**os.environ, **playbook.settings()},
        check=False,
    ).returncode
    # A stage that says NO-GO ends the playbook with an error.
    return 0 if _verdicts() > before else status


def _verdicts() -> int:
    return len([*RUNS.glob(f"{_ENVIRONMENT}/*/verdict.json")])


def _inventory(cluster: Cluster, asked: argparse.Namespace, directory: Path) -> dict[str, Any]:
    variables = {
        "ansible_connection": "ansible.builtin.local",
        "ansible_python_interpreter": sys.executable,
        "gonogo_environment": _ENVIRONMENT,
        "gonogo_protected": False,
        "gonogo_login": cluster.login(_DATABASE, OWNER),
        "gonogo_pg_bin": str(cluster.bin),
        "gonogo_migrations": str(asked.folder.resolve()),
        "gonogo_runs_dir": str(RUNS),
        "gonogo_remote_dir": str(directory / "target"),
        "deploy_enabled": True,
    }
    return {"gonogo": {"hosts": {"trial": variables}}}


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.trial",
        description="Judge the last migrations of a folder on an embedded server.",
    )
    parser.set_defaults(command=_run)
    parser.add_argument("folder", type=Path, help="the folder of the application's migrations")
    parser.add_argument("--last", type=int, default=1, help="how many are judged (%(default)s)")
    parser.add_argument("--rows", type=Path, help="a file of SQL that makes rows before them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
