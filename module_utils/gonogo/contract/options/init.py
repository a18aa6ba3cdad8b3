"""The options of the stage init."""

from __future__ import annotations

from dataclasses import dataclass

from .option import TASK, Documented, Option, Returned, StageOptions, Variable

__all__ = ["INIT", "InitTask"]

_EXAMPLES = """\
- name: Write an inventory
  gonogo_init:
    name: mine
    environment: staging
    host: db.example.com
    ssh_user: deploy
    database: orders_staging
    db_user: orders
    migrations: ../app/migrations
"""


def _said(name: str, text: str) -> Option:
    # Text, the port too: a prompt that nobody answers gives an empty one.
    return Option(name, used=TASK, text=text, variable=Variable(f"init_{name}"))


INIT = StageOptions(
    role="init",
    says={"main": "Write an inventory"},
    documented=Documented(
        title="Write the inventory of a database",
        description=(
            "Writes a folder below C(inventories/) with C(hosts.yml) and C(group_vars/gonogo.yml),"
            " and says how the database is marked and what to run next.",
            "Nothing is connected to, and nothing that is there is written over. No password goes"
            " into an inventory; libpq reads it from O(passfile) on the target host.",
        ),
        check_mode="In check mode nothing is written.",
        examples=_EXAMPLES,
        returns=(
            Returned("inventory", "path", "Folder of the inventory.", returned="success"),
            Returned("marker", "str", "The command that marks the database.", returned="success"),
        ),
    ),
    declared=(
        _said("name", "Name of the inventory, which is that of its folder."),
        _said("environment", "Environment of the database, such as V(staging) or V(production)."),
        _said(
            "host",
            "Host of the database, reached over SSH. Without one the database is reached from the "
            "controller itself.",
        ),
        _said("ssh_user", "User to log in to O(host) as."),
        _said("database", "Name of the database."),
        _said(
            "db_user",
            "Role to log in to the database as, which owns the tables. By default the name of the "
            "user there, as peer authentication wants it.",
        ),
        _said(
            "db_host",
            "Server of the database as seen from O(host). By default its Unix-domain socket.",
        ),
        _said("db_port", "Port of the server; 5432 if unset."),
        _said("passfile", "Password file on O(host), mode 0600, where the login needs a password."),
        _said("pg_bin", "Directory of pg_dump and pg_restore on O(host), where PATH has none."),
        Option(
            "migrations",
            "path",
            used=TASK,
            on_controller=True,
            text="Folder of the application's migrations, on the controller.",
            variable=Variable("init_migrations"),
        ),
        Option(
            "directory",
            "path",
            used=TASK,
            on_controller=True,
            text="Where the folder of the inventory goes; C(inventories/) of the project if unset.",
            variable=Variable("init_directory"),
        ),
    ),
)


@dataclass(frozen=True)
class InitTask:
    """What Ansible gives the task."""

    name: str | None
    environment: str | None
    host: str | None
    ssh_user: str | None
    database: str | None
    db_user: str | None
    db_host: str | None
    db_port: str | None
    passfile: str | None
    pg_bin: str | None
    migrations: str | None
    directory: str | None
