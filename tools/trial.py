"""``python -m tools.trial FOLDER``: the last migrations of a folder, judged with no database.

An embedded server gets the history up to them, as their tool would apply it, and rows: of a file of
SQL, or made to fit the constraints. Or it gets a dump, which says by its tool's record what is
applied, and has rows of its own. Then the whole run judges what is left. Exit status: 0 where there
is a verdict, 1 an error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from gonogo.contract.budgets import budgets_of
from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.controller.reading import yamlfile
from gonogo.controller.runbook import pending
from gonogo.host.migrate import history
from gonogo.host.migrate.deployment import deploy
from gonogo.host.migrate.history import Migration
from gonogo.host.session.connection import connect
from sandbox import rows
from sandbox.cluster import Cluster
from sandbox.database import MARKER
from sandbox.errors import SandboxError
from sandbox.logins import OWNER
from tools import cli, dump, playbook
from tools.cli import Parser, say
from tools.corpus.histories import Read, read
from tools.project import PROJECT

__all__ = ["main"]

# Where the evidence goes.
RUNS = PROJECT / "runs"

_DATABASE = "application"
_ENVIRONMENT = "trial"
_MOST_ROWS = 10_000

# What a trial says of its server and its folder, whatever a file of variables says.
_OWN = {
    "ansible_connection",
    "ansible_python_interpreter",
    "gonogo_environment",
    "gonogo_protected",
    "gonogo_login",
    "gonogo_pg_bin",
    "gonogo_migrations",
    "gonogo_migration_tool",
    "gonogo_runbook",
    "gonogo_runs_dir",
    "gonogo_remote_dir",
    "deploy_enabled",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    return cli.run(_parser(), arguments)


def _run(asked: argparse.Namespace) -> int:
    found = _read(asked)
    _check(asked, found)
    with tempfile.TemporaryDirectory(prefix="gonogo-trial-") as name:
        directory = Path(name)
        with Cluster.start(directory) as cluster:
            _prepare(cluster, found, asked)
            return _judge(cluster, asked, directory)


def _read(asked: argparse.Namespace) -> Read:
    try:
        return read(asked.folder.resolve(), asked.tool)
    except SandboxError as error:
        # There it is a variable, and here an option.
        hint = (error.hint or "").replace("-e gonogo_migration_tool=", "--tool (TOOL=) ")
        raise SandboxError(error.message, detail=error.detail, hint=hint or None) from error


def _check(asked: argparse.Namespace, found: Read) -> None:
    if asked.rows and not asked.rows.is_file():
        raise SandboxError(f'there is no file "{asked.rows}"', hint="Name a file of SQL.")
    if asked.dump and not asked.dump.exists():
        raise SandboxError(f'there is no file "{asked.dump}"', hint="Name a dump of pg_dump.")
    if asked.dump and asked.last is not None:
        raise SandboxError(
            "the dump says which migrations are applied; all the others are judged",
            hint="Leave out --last, or --dump.",
        )
    if asked.make_rows is not None and not 0 <= asked.make_rows <= _MOST_ROWS:
        raise SandboxError(
            f"--make-rows is {asked.make_rows}", hint=f"Make from 0 to {_MOST_ROWS} in each table."
        )
    _variables(asked)
    last = _last(asked)
    if not 0 < last <= len(found.migrations):
        raise SandboxError(
            f"the folder has {len(found.migrations)} migrations",
            hint="LAST (--last) is the number of those that are judged, at least 1.",
        )


def _last(asked: argparse.Namespace) -> int:
    return 1 if asked.last is None else int(asked.last)


def _prepare(cluster: Cluster, found: Read, asked: argparse.Namespace) -> None:
    """The database as it is before the migrations that are judged, which are named."""
    _create(cluster)
    judged = _restore(cluster, found, asked) if asked.dump else _replay(cluster, found, asked)
    for line in _rows(cluster, found, asked):
        say(line)
    say(f"Judging: {', '.join(one.name for one in judged)}")


def _create(cluster: Cluster) -> None:
    with cluster.connect() as admin:
        name = sql.Identifier(_DATABASE)
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER)))
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                name, sql.Identifier(*MARKER.split(".")), sql.Literal(_ENVIRONMENT)
            )
        )


def _restore(cluster: Cluster, found: Read, asked: argparse.Namespace) -> Sequence[Migration]:
    say(f"Restoring {asked.dump} ...")
    for line in dump.restore(cluster, _DATABASE, asked.dump.resolve()).lines():
        say(line)
    with cluster.connect(_DATABASE, OWNER) as owner:
        entries = found.tool.entries(owner)
    if entries is None:
        raise SandboxError(
            f"the dump has no record of {found.tool.name}: nothing says what is applied",
            hint="Dump the whole database, with the tool's own tables.",
        )
    pending = found.tool.pending(found.migrations, entries)
    if not pending:
        raise SandboxError(
            "every migration of the folder is applied in the dump: there is nothing to judge",
            hint="Take an older dump, or leave it out: --last 1 judges the last one.",
        )
    return pending


def _replay(cluster: Cluster, found: Read, asked: argparse.Namespace) -> Sequence[Migration]:
    last = _last(asked)
    before = found.migrations[:-last]
    with cluster.connect(_DATABASE, OWNER) as owner:
        owner.execute(found.tables.encode())
    say(f"Applying {len(before)} migrations of {found.tool.name} to an empty database ...")
    login = Login(**cluster.login(_DATABASE, OWNER))
    for migration in before:
        _apply(login, found, migration)
    return found.migrations[-last:]


def _rows(cluster: Cluster, found: Read, asked: argparse.Namespace) -> Iterator[str]:
    """Fill the tables; says with what."""
    if asked.rows:
        _fill(cluster, asked.rows)
        yield f"Rows: as {asked.rows} makes them."
    elif asked.dump:
        yield "Rows: those of the dump."
    number = asked.make_rows
    if number is None:
        number = 0 if asked.rows or asked.dump else rows.ROWS
    if number:
        yield from _made(cluster, found, number)
    elif not asked.rows and not asked.dump:
        yield "No rows: what a check asks of rows sees none."


def _made(cluster: Cluster, found: Read, number: int) -> Iterator[str]:
    own = [".".join(one) for one in found.tool.tables]
    with cluster.connect(_DATABASE, OWNER) as owner:
        made = rows.fill(owner, rows=number, besides=own)
    yield (
        f"Rows: made up to fit the constraints, {sum(made.rows.values())} in {len(made.rows)} "
        "tables. They are not like yours; a dump has those: --dump."
    )
    for table, why in sorted(made.unfilled.items()):
        yield f"  No rows in {table}: {why}"


def _apply(login: Login, found: Read, migration: Migration) -> None:
    """As a run deploys it. Raises SandboxError where it cannot be applied."""
    try:
        plan = pending.plan(found.key, found.tool, [migration])
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
    variables = {**_variables(asked), **_own_variables(cluster, asked, directory)}
    hosts = {"gonogo": {"hosts": {"trial": variables}}}
    inventory.write_text(json.dumps(hosts), encoding="utf-8")
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


def _variables(asked: argparse.Namespace) -> dict[str, Any]:
    """What an inventory would say beside it. Raises SandboxError for a file that is no mapping, or
    says what is the trial's own."""
    if not asked.vars:
        return {}
    try:
        found = yamlfile.load(asked.vars).data
    except GonogoError as error:
        raise SandboxError(error.primary, detail=error.detail, hint=error.hint) from error
    example = "As in an inventory: gonogo_queries: ../app/queries.sql"
    if not isinstance(found, dict):
        raise SandboxError(f'"{asked.vars}" is no mapping of variables', hint=example)
    own = sorted(_OWN & found.keys())
    if own:
        raise SandboxError(
            f'"{asked.vars}" sets what the trial sets itself: {", ".join(own)}',
            hint="Leave it out; what an option of this program says is not a variable here.",
        )
    return found


def _own_variables(cluster: Cluster, asked: argparse.Namespace, directory: Path) -> dict[str, Any]:
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
    if asked.tool:
        variables["gonogo_migration_tool"] = asked.tool
    if asked.runbook:
        variables["gonogo_runbook"] = str(asked.runbook.resolve())
    return variables


def _parser() -> Parser:
    parser = Parser(
        prog="python -m tools.trial",
        description="Judge the last migrations of a folder on an embedded server.",
    )
    parser.set_defaults(command=_run)
    parser.add_argument("folder", type=Path, help="the folder of the application's migrations")
    parser.add_argument(
        "--tool",
        choices=[name for name in history.TOOLS if name != history.PLAIN],
        help="the migration tool, where the folder may be of several",
    )
    parser.add_argument("--last", type=int, help="how many are judged (1)")
    parser.add_argument(
        "--dump", type=Path, help="a dump of pg_dump, in the place of the migrations before them"
    )
    parser.add_argument(
        "--runbook", type=Path, help="a runbook with checks of your own (playbooks/draft.yml)"
    )
    parser.add_argument(
        "--vars",
        type=Path,
        help="a YAML file of variables that an inventory would have, such as gonogo_queries",
    )
    parser.add_argument("--rows", type=Path, help="a file of SQL that makes rows before them")
    parser.add_argument(
        "--make-rows",
        type=int,
        metavar="N",
        help=f"make so many rows in each table that has none ({rows.ROWS} unless there is another "
        "way to rows)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
