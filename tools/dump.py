"""Restores a dump into a database of an embedded server, as an ordinary owner.

Whatever pg_dump writes is taken: plain SQL, custom, tar and directory. It is code of somebody else:
psql does not read it, so none of its commands runs on this machine, and no superuser does what it
says. What it is about other than the database's own objects is left out, and said.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from sandbox.errors import SandboxError
from sandbox.logins import OWNER

if TYPE_CHECKING:
    from sandbox.cluster import Cluster

__all__ = ["Restored", "restore"]

_COPY = re.compile(rb"COPY .* FROM stdin;\r?\n?")
_END = re.compile(rb"\\\.\r?\n?")
# psql's, around a dump, which keeps its data from being read as commands.
_FENCE = re.compile(rb"\\(un)?restrict ")
_LEFT_OUT = re.compile(
    rb"ALTER [A-Z ]+ .* OWNER TO .*;|SET (transaction_timeout|default_table_access_method) = .*;"
    rb"|(CREATE|ALTER) SCHEMA public.*;|COMMENT ON (SCHEMA public|EXTENSION .*) IS .*;"
    rb"|(CREATE|ALTER) EXTENSION .*;"
)
_EXTENSION = re.compile(
    rb'CREATE EXTENSION (?:IF NOT EXISTS )?("(?:[^"]|"")+"|[\w-]+)(?: WITH)?(?: SCHEMA (\S+))?;'
)
_PRIVILEGE = re.compile(rb"(?m)^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|CREATE POLICY)\b[^;]*;")
_ROLE = re.compile(rb'(?:\bTO|\bFROM) ("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)')
# What one role gives away by default is given by the one that has everything now.
_GIVER = re.compile(rb'(?m)^(ALTER DEFAULT PRIVILEGES) FOR ROLE ("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)')
_NOBODY = {"public", "current_user", "session_user", "current_role"}


@dataclass
class Restored:
    """What was made for the dump that it does not have itself."""

    roles: set[str] = field(default_factory=set)
    extensions: set[str] = field(default_factory=set)

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield "Restored the dump. Everything in it belongs to one role, whoever had it before."
        if self.extensions:
            yield f"Extensions of the dump, made anew: {', '.join(sorted(self.extensions))}."
        if self.roles:
            yield (
                "Roles that have privileges there, made without a login: "
                f"{', '.join(sorted(self.roles))}."
            )


def restore(cluster: Cluster, database: str, file: Path) -> Restored:
    """Raises SandboxError for what is no dump, or cannot be restored."""
    with (
        cluster.connect(database) as admin,
        cluster.connect(database, OWNER) as owner,
        _script(cluster, file) as lines,
    ):
        reader = _Reader(admin, owner, file)
        try:
            reader.read(lines)
            # The dump has set both, for its own sake.
            owner.execute("RESET ALL")
        except psycopg.Error as error:
            said = error.diag.message_primary or str(error).splitlines()[0]
            raise SandboxError(
                f'"{file}" cannot be restored: {said}',
                detail=error.diag.context,
                hint="Dump the database of the application alone: pg_dump, without --create.",
            ) from error
        return reader.done


@contextmanager
def _script(cluster: Cluster, file: Path) -> Iterator[Iterable[bytes]]:
    """The lines of the dump as SQL."""
    if not file.exists():
        raise SandboxError(f'there is no file "{file}"', hint="Name a file that pg_dump has made.")
    if not _is_archive(file):
        with file.open("rb") as lines:
            yield lines
        return
    command = [str(cluster.bin / "pg_restore"), "--no-owner", "--no-publications"]
    with subprocess.Popen(  # noqa: S603 - a list of ours
        [*command, "--no-subscriptions", "--no-security-labels", "--file=-", "--", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield _output(process, file)
        finally:
            process.kill()


def _output(process: subprocess.Popen[bytes], file: Path) -> Iterator[bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    yield from process.stdout
    if process.wait():
        said = process.stderr.read().decode(errors="replace").strip().splitlines()
        raise SandboxError(
            f'"{file}" cannot be read: {said[-1] if said else "pg_restore failed"}',
            hint="It has to be of a server of the embedded one's version or older.",
        )


def _is_archive(file: Path) -> bool:
    if file.is_dir():
        if not (file / "toc.dat").is_file():
            raise SandboxError(f'"{file}" is no dump', hint="Name what pg_dump has made.")
        return True
    with file.open("rb") as opened:
        begin = opened.read(512)
    if begin.startswith(b"\x1f\x8b"):
        raise SandboxError(f'"{file}" is compressed', hint="Unpack it first: gunzip.")
    return begin.startswith(b"PGDMP") or _is_tar(file)


def _is_tar(file: Path) -> bool:
    try:
        with tarfile.open(file, "r:") as archive:
            first = archive.next()
    except tarfile.TarError:
        return False
    return first is not None and first.name == "toc.dat"


@dataclass
class _Reader:
    """Runs a script of pg_dump's: statements as they come, rows by COPY."""

    admin: psycopg.Connection
    owner: psycopg.Connection
    file: Path
    done: Restored = field(default_factory=Restored)
    waiting: list[bytes] = field(default_factory=list)

    def read(self, lines: Iterable[bytes]) -> None:
        found = iter(lines)
        for line in found:
            if _COPY.fullmatch(line):
                self._run()
                self._rows(line, found)
            elif line.startswith(b"\\"):
                self._command(line)
            elif _LEFT_OUT.fullmatch(line.rstrip()):
                self._extension(line)
            else:
                self.waiting.append(line)
        self._run()

    def _command(self, line: bytes) -> None:
        if not _FENCE.match(line):
            raise SandboxError(
                f'"{self.file}" has a command of psql: {line.decode(errors="replace").strip()}',
                hint="Dump one database, without --create: pg_dump --format=custom.",
            )

    def _run(self) -> None:
        text = b"".join(self.waiting)
        self.waiting.clear()
        if not text.strip():
            return
        if b"\0" in text:
            raise SandboxError(f'"{self.file}" is no dump', hint="Name what pg_dump has made.")
        text = _GIVER.sub(rb"\1", text)
        self._make_roles(text)
        self.owner.execute(text)

    def _rows(self, statement: bytes, lines: Iterator[bytes]) -> None:
        with self.owner.cursor() as cursor, cursor.copy(statement) as copy:
            for line in lines:
                if _END.fullmatch(line):
                    return
                copy.write(line)
        raise SandboxError(f'"{self.file}" ends in the middle of a table', hint="Dump it again.")

    def _extension(self, line: bytes) -> None:
        """An extension is made by a superuser, where the server has it."""
        match = _EXTENSION.match(line)
        if match is None:
            return
        self._run()
        name = _unquoted(match[1])
        options: sql.Composable = sql.SQL("")
        if match[2]:
            schema = sql.Identifier(_unquoted(match[2]))
            self.admin.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            options = sql.SQL("SCHEMA {}").format(schema)
        made = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} {}")
        try:
            self.admin.execute(made.format(sql.Identifier(name), options))
        except psycopg.Error as error:
            raise SandboxError(
                f'the embedded server has no extension "{name}", and the dump needs it',
                hint="Judge the migrations on your staging: docs/your-own-application.md.",
            ) from error
        if name != "plpgsql":
            self.done.extensions.add(name)

    def _make_roles(self, text: bytes) -> None:
        named = {
            _unquoted(role)
            for statement in _PRIVILEGE.findall(text)
            for role in _ROLE.findall(statement)
        }
        for name in sorted(named - _NOBODY - self.done.roles):
            known = self.admin.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", [name])
            if known.fetchone() is None:
                made = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name))
                self.admin.execute(made)
                self.done.roles.add(name)


def _unquoted(name: bytes) -> str:
    text = name.decode(errors="replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
