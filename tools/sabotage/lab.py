"""A server with one good database, and one change after the other on copies of it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from gonogo.contract.login import Login
from sandbox import database as content
from sandbox import logins
from sandbox.cluster import Cluster
from tests.runbooks.master_tables import make_roles
from tools.sabotage.change import Change
from tools.sabotage.gate import Gate, Judged

__all__ = ["Lab", "Outcome"]

_TEMPLATE = "template_target"
_PROFILE = "target"
# Compiling the queries takes longer than they do on so few rows.
_SETTINGS = {"jit": "off"}
# A change that changes nothing would prove nothing.
_NOTHING = {"UPDATE 0", "DELETE 0", "INSERT 0 0"}


@dataclass(frozen=True)
class Outcome:
    """What became of a change: `refused` says why the server did not take it, else `judged`."""

    id: str
    refused: str | None = None
    judged: Judged | None = None

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Outcome:
        judged = record["judged"]
        return cls(record["id"], record["refused"], Judged(**judged) if judged else None)


@dataclass
class Lab:
    """A context: the server runs inside it. `server_bin`: None for the embedded server."""

    server_bin: Path | None = None
    _cluster: Cluster | None = None
    _home: Path | None = None
    _gates: dict[str, Gate] = field(default_factory=dict)
    _numbers: Any = field(default_factory=count)

    def __enter__(self) -> Lab:
        self._home = Path(tempfile.mkdtemp(prefix="gonogo-sabotage-"))
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    @property
    def cluster(self) -> Cluster:
        assert self._cluster is not None, "outside of the context"
        return self._cluster

    @property
    def home(self) -> Path:
        """The directory of all that belongs to it."""
        assert self._home is not None, "outside of the context"
        return self._home

    @property
    def major(self) -> int:
        """The server's major version."""
        with self.cluster.connect() as connection:
            return connection.info.server_version // 10000

    def version(self) -> str:
        with self.cluster.connect() as connection:
            row = connection.execute("SHOW server_version").fetchone()
            assert row is not None
            return str(row[0])

    def try_out(self, change: Change) -> Outcome:
        """Do it to a copy of the good database, and have the gate judge the copy."""
        name = ""
        try:
            name = self.made(change.options) if change.options else self.copy()
            if not change.between:
                self.apply(change, name)
            judged = self._gate(change).judge(
                self.login(name),
                self._next("evidence"),
                between=lambda: self.apply(change, name) if change.between else None,
            )
        except _RefusedError as error:
            return Outcome(change.id, refused=str(error))
        finally:
            if change.whole_server:
                self._stop()
                self._start()
            elif name:
                content.drop(self.cluster, name)
        return Outcome(change.id, judged=judged)

    def copy(self) -> str:
        """A new copy of the good database; returns its name."""
        name = f"copy_{next(self._numbers)}"
        content.clone(self.cluster, _TEMPLATE, name)
        return name

    def made(self, options: str) -> str:
        """A good database of another kind; returns its name. Raises _RefusedError."""
        name = f"made_{next(self._numbers)}"
        try:
            content.create(
                self.cluster,
                database=name,
                profile=_PROFILE,
                scale=1,
                environment="sandbox",
                options=options,
            )
        except psycopg.Error as error:
            raise _RefusedError(f"{error.sqlstate}: {error.diag.message_primary}") from error
        return name

    def apply(self, change: Change, database: str) -> None:
        """Raises _RefusedError when the server does not take it or nothing is changed by it."""
        try:
            self._run(change, database)
        except psycopg.Error as error:
            raise _RefusedError(f"{error.sqlstate}: {error.diag.message_primary}") from error

    def _run(self, change: Change, database: str) -> None:
        if change.alone:
            with self.cluster.connect(database) as connection:
                for command in change.alone:
                    connection.execute(command.encode())
        for user, text in ((logins.SUPERUSER, change.admin), (logins.OWNER, change.sql)):
            if not text:
                continue
            with self.cluster.connect(database, user) as connection, connection.cursor() as cursor:
                cursor.execute(text.encode())
                tags = [cursor.statusmessage]
                while cursor.nextset():
                    tags.append(cursor.statusmessage)
            if _NOTHING.intersection(tags):
                raise _RefusedError(f"it changed nothing: {', '.join(map(str, tags))}")

    def login(self, database: str) -> Login:
        """As the engine takes it."""
        return Login(**self.cluster.login(database, logins.OWNER))

    def _gate(self, change: Change) -> Gate:
        parameters = {"application_role": logins.APPLICATION, **change.parameters}
        key = repr((sorted(parameters.items()), sorted(change.declares.items())))
        if key not in self._gates:
            self._gates[key] = Gate(
                profile=_PROFILE, parameters=parameters, declares=change.declares
            )
        return self._gates[key]

    def _start(self) -> None:
        directory = self._next("cluster")
        directory.mkdir()
        self._cluster = Cluster.start(directory, self.server_bin, _SETTINGS)
        make_roles(self._cluster)
        content.create(
            self._cluster, database=_TEMPLATE, profile=_PROFILE, scale=1, environment="sandbox"
        )

    def _stop(self) -> None:
        if self._cluster is not None:
            self._cluster.stop()
            self._cluster = None

    def _next(self, word: str) -> Path:
        return self.home / f"{word}_{next(self._numbers)}"


class _RefusedError(Exception):
    """The server did not take a change."""
