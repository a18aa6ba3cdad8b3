"""Two databases change names, and nobody is ever without one.

The database that loses its name is read-only from then on. The change is one transaction: after an
interruption it was made as a whole, or not at all.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, Callable

from psycopg import sql

from ...contract.errors import GonogoError
from ..session import link, server_names
from ..session.connection import DatabaseError, described

__all__ = ["Names", "change_names"]

_SECONDS = 60.0
_POLL_SECONDS = 0.02
_IN_USE = "55006"

# By its oid: once the names have changed, no session of the new database is ended.
_END_SESSIONS = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE datid = %s AND pid <> pg_catalog.pg_backend_pid()
"""


@dataclass(frozen=True)
class Names:
    """Of the three databases, as they are sent (`server_names`): `new` becomes `live`, and what is
    `live` now becomes `old`.
    """

    live: str
    new: str
    old: str


def change_names(
    connection: Any, connect: Callable[[], Any], names: Names, *, oid: int, comment: str | None
) -> None:
    """Change the names, in one transaction: there is a database of the live name at any time.

    Renaming keeps new sessions out and waits for the old ones to end; a second session, opened by
    `connect`, ends them meanwhile. `oid` is that of the present database, which becomes read-only;
    `comment` becomes that of the new one. Raises GonogoError, with nothing changed.
    """
    read = Names(
        **{key: server_names.as_read(connection, name) for key, name in asdict(names).items()}
    )
    over = threading.Event()
    refused: list[str] = []

    def end_sessions() -> None:
        with connect() as other:
            while not over.is_set():
                try:
                    other.execute(_END_SESSIONS, [oid])
                except DatabaseError as error:
                    refused.append(str(described(error)["message"]))
                    return
                over.wait(_POLL_SECONDS)

    ending = threading.Thread(target=end_sessions)
    ending.start()
    deadline = time.monotonic() + _SECONDS

    def patient() -> bool:
        return time.monotonic() < deadline and not refused

    try:
        while not _changed(connection, read, comment, patient=patient):
            pass
    except DatabaseError as error:
        raise GonogoError(
            "the databases cannot change names; nothing was changed",
            detail="\n".join([str(described(error)["message"]), *refused[:1]]),
            hint="Stop the application and whatever else is connected, then run again; or log in "
            "as a role that may end their sessions.",
        ) from error
    finally:
        over.set()
        ending.join()


def _changed(
    connection: Any, names: Names, comment: str | None, *, patient: Callable[[], bool]
) -> bool:
    """Try to change the names. False while a session is in the way, and there is still time."""
    live, old = sql.Identifier(names.live), sql.Identifier(names.old)
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    close = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only TO on")
    try:
        with connection.transaction():
            connection.execute(rename.format(live, old))
            connection.execute(close.format(old))
            connection.execute(rename.format(sql.Identifier(names.new), live))
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(live, sql.Literal(comment))
            )
            link.require()
    except DatabaseError as error:
        if error.sqlstate == _IN_USE and patient():
            return False
        raise
    return True
