"""Tools whose deployments hold an advisory lock.

Python 3.9, standard library only.
"""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

from .interface import SESSION, History

__all__ = ["Advisory", "crc32_of_database"]


class Advisory(History):
    """A tool that locks by a number, in the session or in a transaction of its own.

    Both kinds of advisory locks shut each other out, so ours is the session's for either.
    """

    lock_scope = SESSION
    key: ClassVar[int] = 0

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self.lock_name = self.lock_name or str(self.key)

    def keys(self, connection: Any) -> tuple[int, ...]:
        del connection
        return (self.key,)

    def take(self, connection: Any) -> bool:
        keys = self.keys(connection)
        for place, key in enumerate(keys):
            asked = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", (key,))
            if not asked.fetchone()[0]:
                _let_go(connection, keys[:place])
                return False
        return True

    def release(self, connection: Any) -> None:
        _let_go(connection, self.keys(connection))


def crc32_of_database(connection: Any, form: str = "{}") -> int:
    """CRC-32 of the name of the database that the session is in, written in this form."""
    name = connection.execute("SELECT pg_catalog.current_database()").fetchone()[0]
    return zlib.crc32(form.replace("{}", name).encode())


def _let_go(connection: Any, keys: tuple[int, ...]) -> None:
    for key in keys:
        connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", (key,))
