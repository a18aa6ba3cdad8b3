"""Hear what a migration tool's command says to two copies of the database."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Callable, TypeVar

from ...contract.canonical import sha256
from ...contract.errors import GonogoError
from ...contract.login import Timeouts, application_name
from ...contract.options.twin import CaptureRequest
from ...contract.records.answers import CaptureAnswer
from ...contract.records.captured import CommandRun, RecordTable, Said
from ...contract.records.drift import Drift
from ...contract.session_settings import SEARCH_PATH
from ..capture import folder
from ..capture.command import Command, account_of
from ..capture.command import run as run_command
from ..capture.confined import Prepared
from ..capture.protocol import Conversation
from ..capture.relay import Relay, listening
from ..capture.values import Values
from ..compare import schema_catalog
from ..migrate.history.captured import RECORDS, record_tables, rows_of
from ..migrate.replay import Replay, Sessions
from ..restore.errors import UnprovenError
from ..session import link, lock
from ..session.connection import connect
from ..twin.supervisor import Kept
from . import twin
from .common import login_of

__all__ = ["run"]

_STAGE = "capture"
_PATIENT = Timeouts(statement="0", idle_in_transaction="0")
# A relative path of a socket can be this long.
_LONGEST = 90
# Functions that may change something: those that are not the server's own, and of its own those
# that are volatile, but for these.
_ACTING = """
SELECT DISTINCT pg_catalog.lower(p.proname::pg_catalog.text)
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
WHERE pg_catalog.lower(p.proname::pg_catalog.text)
        OPERATOR(pg_catalog.=) ANY (%s::pg_catalog.text[])
    AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
    AND (n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'
        OR p.provolatile OPERATOR(pg_catalog.=) 'v'
            AND p.proname::pg_catalog.text OPERATOR(pg_catalog.<>) ALL (%s::pg_catalog.text[])
            AND p.proname OPERATOR(pg_catalog.!~) '^pg_(try_)?advisory_'
            AND p.proname OPERATOR(pg_catalog.!~) '^pg_.*size$')
ORDER BY 1
"""
_HARMLESS = (
    *("clock_timestamp", "timeofday", "random", "gen_random_uuid", "currval", "lastval"),
    *("pg_is_in_recovery", "pg_sleep", "pg_lock_status", "pg_sequence_last_value"),
)
# The digest of a record without rows.
_NO_ROWS = sha256(b"")
_T = TypeVar("_T")
_WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w$]*")


def run(asked: CaptureRequest, *, check_mode: bool) -> CaptureAnswer:
    """Changes nothing that stays. Raises GonogoError where nothing can be heard."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    directory = _folder(asked)
    command = Command(asked.command, directory, asked.environment, asked.seconds)
    with lock.session(
        login_of(asked.login), run_id=asked.run_id, stage=_STAGE, timeouts=_PATIENT
    ) as alive:
        drift: Drift | None = None
        runs: tuple[CommandRun, ...] = ()
        if asked.history:
            drift = _on_a_copy(asked, alive, lambda kept: _compared(kept, asked, alive, command))
        else:
            runs = tuple(
                _on_a_copy(asked, alive, lambda kept: _said_to(kept, asked, command))
                for _ in range(2)
            )
        link.require()
        lock.prove(alive, run_id=asked.run_id)
    return CaptureAnswer(changed=True, runs=runs, drift=drift)


def _folder(asked: CaptureRequest) -> Path:
    """Where the command runs. Raises GonogoError where it is not what the controller has read."""
    directory = Path(asked.folder)
    if not directory.is_dir():
        raise GonogoError(
            "the folder of the migration tool's command is not on the target host",
            detail=f"There is no directory {directory}.",
            hint="The command runs where the copy is. Bring the application to the same path on "
            "the target host.",
        )
    if folder.sha256(folder.digests(directory, without=folder.INSTALLED)) != asked.folder_sha256:
        raise GonogoError(
            "the folder of the migration tool's command on the target host is another one than "
            "on the controller",
            detail=f"The files of {directory} differ.",
            hint="Bring the same version of the application to the target host.",
        )
    return directory


def _on_a_copy(asked: CaptureRequest, alive: Any, work: Callable[[Kept], _T]) -> _T:
    try:
        with twin.restored(asked.copy, alive) as kept:
            return work(kept)
    except UnprovenError as error:
        raise GonogoError(
            "the migration tool's command needs a cluster of its own to run on",
            detail=f"{error.primary}: {error.detail}" if error.detail else error.primary,
            hint=error.hint,
        ) from error


def _said_to(kept: Kept, asked: CaptureRequest, command: Command) -> CommandRun:
    started = time.monotonic()
    names = sorted({*RECORDS, *asked.records})
    with _session(kept, asked) as own:
        before, schema = _rows(own, names), schema_catalog.read(own)
        relay, taken = _obeyed(kept, kept.database, command)
        after = _rows(own, names)
        texts = [one.statement.text for talk in relay.sessions for one in talk.heard]
        return CommandRun(
            said=tuple(_said(relay.sessions, Values(own))),
            settings=tuple(_settings(talk) for talk in relay.sessions),
            acting=_acting(own, texts),
            tables=tuple(
                RecordTable(*key, before.get(key), after.get(key))
                for key in sorted({*before, *after})
            ),
            changed=_changed(schema, schema_catalog.read(own)),
            confined=taken.confined,
            unconfined=taken.reason,
            seconds=round(time.monotonic() - started, 3),
        )


def _obeyed(kept: Kept, database: str, command: Command) -> tuple[Relay, Prepared]:
    """Run the command, with a database of the copy's cluster before it."""
    account = account_of(command.directory)
    with tempfile.TemporaryDirectory(prefix="gonogo-") as place:
        sockets, home = Path(place) / "s", Path(place) / "home"
        for path in (sockets, home):
            path.mkdir(mode=0o700)
            account.own(path)
        # Who enters this one enters only what is the account's.
        Path(place).chmod(0o711)
        relay = Relay(sockets, Path(kept.host) / f".s.PGSQL.{kept.port}", database, kept.user)
        with listening(relay):
            account.own(relay.path)
            taken = run_command(command, relay, home, account)
        _refuse_strangers(relay)
        return relay, taken


def _compared(kept: Kept, asked: CaptureRequest, alive: Any, command: Command) -> Drift:
    """The copy against what the command makes of an empty database: all that it has applied."""
    assert asked.history is not None
    name, names = application_name(asked.run_id, _STAGE), sorted({*RECORDS, *asked.records})
    sessions = Sessions(
        login=partial(connect, kept.login(), name=name, timeouts=_PATIENT),
        superuser=partial(kept.session, name),
    )

    def apply(database: str) -> None:
        _obeyed(kept, database, command)
        with sessions.login(database=database) as made:
            # One that only asks would find all of nothing in the copy.
            if {*_rows(made, names).values()} <= {_NO_ROWS}:
                raise GonogoError("the command of the migration tool makes no record of its own")

    replay = Replay(
        asked.history,
        sessions,
        lambda: lock.prove(alive, run_id=asked.run_id),
        name=f"gonogo_replay_{asked.run_id}",
        command=apply,
    )
    with sessions.login() as twins:
        schema = schema_catalog.read(twins)
    replay.applied(schema)
    return replay.result


@contextmanager
def _session(kept: Kept, asked: CaptureRequest) -> Iterator[Any]:
    """One of ours on the copy, under our search path."""
    name = application_name(asked.run_id, _STAGE)
    with connect(kept.login(), name=name, timeouts=_PATIENT) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [SEARCH_PATH])
        yield connection


def _refuse_strangers(relay: Relay) -> None:
    if relay.refused:
        raise GonogoError(
            "the command of the migration tool asks for another database than it was given",
            detail="\n".join(sorted(set(relay.refused))[:5]),
            hint="Have it take the address from its environment: gonogo_migrate_environment.",
        )
    if not relay.sessions:
        raise GonogoError(
            "the command of the migration tool has not spoken to the database it was given",
            detail="It has ended without a session, so it was about another database, or none.",
            hint="Have it take the address from DATABASE_URL or PGHOST and the like, or say in "
            "gonogo_migrate_environment by which variables it takes it.",
        )


def _said(sessions: Sequence[Conversation], values: Values) -> Iterator[Said]:
    found = [(one.number, talk, one) for talk in sessions for one in talk.heard]
    for number, talk, one in sorted(found, key=lambda each: each[0]):
        if talk.encoding not in {"UTF8", "SQL_ASCII"}:
            raise GonogoError(
                "the command of the migration tool does not speak UTF-8",
                detail=f"Its session has client_encoding {talk.encoding}.",
                hint="Set PGCLIENTENCODING: UTF8 in gonogo_migrate_environment.",
            )
        yield Said(
            session=talk.number,
            number=number,
            group=one.group,
            inside=one.inside,
            text=_text(one.statement.text),
            values=values.of(one),
            tags=tuple(one.tags),
            failed=one.failed,
            copied=one.copied,
            call=one.call,
        )


def _text(sent: bytes) -> str:
    try:
        return sent.decode("utf-8")
    except UnicodeDecodeError:
        raise GonogoError(
            "the command of the migration tool has sent a text that is not UTF-8",
            hint="Set PGCLIENTENCODING: UTF8 in gonogo_migrate_environment.",
        ) from None


def _settings(talk: Conversation) -> dict[str, str]:
    """What a session began with, but for what says who it is."""
    apart = {"user", "database", "application_name", "client_encoding"}
    return {name: value for name, value in talk.settings.items() if name not in apart}


def _rows(connection: Any, names: Sequence[str]) -> dict[tuple[str, str], str | None]:
    return {
        (schema, name): rows_of(connection, schema, name)
        for schema, name in record_tables(connection, names)
    }


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    return {one.name: after.get(one.name) for one in schema_catalog.compare(before, after)}


def _acting(connection: Any, texts: Sequence[bytes]) -> tuple[str, ...]:
    words = {
        word.lower() for text in texts for word in _WORD.findall(text.decode("utf-8", "replace"))
    }
    rows = connection.execute(_ACTING, [sorted(words), list(_HARMLESS)]).fetchall()
    return tuple(row[0] for row in rows)
