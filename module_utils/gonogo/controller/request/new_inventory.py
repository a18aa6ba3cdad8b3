"""An inventory that is written for somebody: its files, and what has to be right for them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...contract.errors import InputError

__all__ = ["NewInventory", "write"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}")
# A connection string may have a password in it.
_CONNECTION_STRING = re.compile(r"://|=")
# Ansible would take it for something to be put in.
_TEMPLATE = re.compile(r"\{[{%#]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PORTS = 65_535
_BEFORE = "staging"


@dataclass(frozen=True)
class NewInventory:
    """What is said of a database. An empty `host` is the controller; `runs` is as the inventory
    writes it."""

    name: str
    environment: str
    database: str
    host: str = ""
    ssh_user: str = ""
    db_user: str = ""
    db_host: str = ""
    db_port: str = ""
    passfile: str = ""
    pg_bin: str = ""
    migrations: str = ""
    runs: str = "{{ inventory_dir }}/../../runs"

    @property
    def production(self) -> bool:
        return self.environment == "production"

    def check(self) -> None:
        """Raises InputError for the first thing that is not right."""
        for key, pattern, hint in (
            ("name", _NAME, "Use lower-case letters, digits, - and _."),
            ("environment", _ENVIRONMENT, "Use lower-case letters, digits, - and _."),
            ("host", _HOST, "Name the host as ssh knows it, or leave it out."),
            ("ssh_user", _USER, "Name the user of the host."),
        ):
            value = getattr(self, key)
            if value and not pattern.fullmatch(value):
                raise InputError(
                    f"not a name for {_WORDS[key]}", key=f"init_{key}", value=value, hint=hint
                )
        if _CONNECTION_STRING.search(self.database):
            raise InputError(
                "a connection string is no name of a database; nothing was written",
                key="init_database",
                hint="Say host, port and role by themselves: init_db_host, init_db_port, "
                "init_db_user. The password is read from init_passfile.",
            )
        for key in ("database", "db_user", "db_host", "passfile", "pg_bin", "migrations"):
            value = getattr(self, key)
            if _TEMPLATE.search(value) or _CONTROL.search(value):
                raise InputError("cannot stand in an inventory", key=f"init_{key}", value=value)
        for key in ("passfile", "pg_bin"):
            value = getattr(self, key)
            if value and not value.startswith(("/", "~/")):
                raise InputError(
                    "a path of the target host begins with / or ~/", key=f"init_{key}", value=value
                )
        port = self.db_port
        if port and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= _PORTS):
            raise InputError(f"a port is from 1 to {_PORTS}", key="init_db_port", value=port)

    @property
    def markers(self) -> tuple[str, str]:
        """What marks the database: as a superuser, and as its owner."""
        name = '"' + self.database.replace('"', '""') + '"'
        return (
            f"ALTER DATABASE {name} SET gonogo.environment = '{self.environment}';",
            f"COMMENT ON DATABASE {name} IS 'gonogo.environment={self.environment}';",
        )


_WORDS = {
    "name": "an inventory",
    "environment": "an environment",
    "host": "a host",
    "ssh_user": "a user",
}


def _files(said: NewInventory) -> dict[str, str]:
    """Path below the folder of the inventory → text."""
    return {
        "hosts.yml": "".join(f"{line}\n" for line in _hosts(said)),
        "group_vars/gonogo.yml": "".join(f"{line}\n" for line in _variables(said)),
    }


def _hosts(said: NewInventory) -> Iterator[str]:
    if not said.host:
        yield "# There is no host to log in to: the stages run here, on the controller. The host is"
        yield "# only a name for the database, which they reach as gonogo_login says."
    yield from ("gonogo:", "  hosts:")
    if not said.host:
        yield f"    {_text(said.name)}:"
        yield "      ansible_connection: local"
        yield '      ansible_python_interpreter: "{{ ansible_playbook_python }}"'
        return
    yield f"    {_text(said.host)}:"
    if said.ssh_user:
        yield f"      ansible_user: {_text(said.ssh_user)}"
    yield "      ansible_python_interpreter: /usr/bin/python3"


def _variables(said: NewInventory) -> Iterator[str]:
    yield f"gonogo_environment: {said.environment}"
    yield from _protection(said)
    yield ""
    place = "host" if said.host else "controller"
    yield f"# As seen from the {place}. A password is in the passfile there, mode 0600."
    yield "gonogo_login:"
    for key, value in (
        ("db", said.database),
        ("user", said.db_user),
        ("host", said.db_host),
        ("port", said.db_port and int(said.db_port)),
        ("passfile", said.passfile),
    ):
        if value:
            yield f"  {key}: {_text(value)}"
    yield ""
    yield "# Names that belong to another environment although they live on the same server."
    yield "# gonogo_refused_databases: []"
    yield ""
    yield "# pg_dump and pg_restore of the server's version or newer, where PATH has none."
    yield (
        f"gonogo_pg_bin: {_text(said.pg_bin)}"
        if said.pg_bin
        else "# gonogo_pg_bin: /usr/lib/postgresql/17/bin"
    )
    yield ""
    yield from _migrations(said)
    yield ""
    yield f'gonogo_runs_dir: "{said.runs}"'
    yield "# Backups and SQL lie here, on the target host: mind the room."
    yield "gonogo_remote_dir: ~/.gonogo" + ("" if said.host else f"/{said.name}")


def _protection(said: NewInventory) -> Iterator[str]:
    if said.environment == _BEFORE:
        yield "# Anybody may write to it: no promotion and no approval."
        yield "gonogo_protected: false"
        return
    yield "# A target is protected unless its inventory says otherwise: this is a reminder."
    yield "gonogo_protected: true"
    yield ""
    yield "# No run without the evidence of a GO there, of these very migrations:"
    yield "# -e gonogo_promotion_evidence=runs/staging/RUN_ID"
    yield f"gonogo_promotion_from: {_BEFORE}"
    yield "gonogo_promotion_max_age_hours: 168"
    yield ""
    yield "# No GO unless the backup has been restored there and equals its source; never into a"
    yield "# second database on the server itself, whose disk is everybody's."
    yield "twin_required: true"
    yield "twin_scratch: false"


def _migrations(said: NewInventory) -> Iterator[str]:
    yield "# The folder in which the application's migration tool keeps its files."
    if said.migrations:
        yield f"gonogo_migrations: {_text(said.migrations)}"
    else:
        yield "# gonogo_migrations: ../app/migrations"
    yield "# What of it is pending is applied here, once it was rehearsed on a copy."
    yield "deploy_enabled: true"


def _text(value: str | int) -> str:
    """As YAML has it, quoted where it has to be."""
    plain = isinstance(value, int) or re.fullmatch(r"[A-Za-z~/][A-Za-z0-9_./~-]*", value)
    words = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"}
    if plain and str(value).lower() not in words:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def write(directory: Path, said: NewInventory) -> None:
    """Write the files. Raises InputError where there is something of that name already."""
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        raise InputError(
            f"there is {directory} already; nothing was written",
            key="init_name",
            value=said.name,
            hint="Choose another name, edit what is there, or remove it.",
        ) from None
    try:
        for name, text in _files(said).items():
            file = directory / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except BaseException:
        # Half of an inventory would be taken for one. Why it cannot be whole is what is told,
        # whether or not its begin can be removed.
        shutil.rmtree(directory, ignore_errors=True)
        raise
