"""Libraries that a server has to load when it starts, as far as this host has them.

Only a server that has loaded them can make, restore and read such an extension. The source tells
what it has loaded to those who may see it; for others each extension's own library is tried.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...contract.records.source import Surroundings
from ..restore.cluster_globals import names_in
from ..session.connection import DatabaseError

__all__ = ["settings", "wanted"]

_NOT_THERE = "58P01"  # undefined_file


def wanted(connection: Any, around: Surroundings) -> list[str]:
    """Libraries that the twin has to be started with, in their order; loads each to try it.

    `connection` is a superuser's, to a server that has loaded none of them.
    """
    told = around.preloaded
    if told is None:
        return list(_of_extensions(connection, around.extension_libraries or {}))
    return [name for name in names_in(told) if _refusal(connection, name) != _NOT_THERE]


def settings(libraries: list[str], around: Surroundings) -> dict[str, str]:
    """The settings that the server is started with to load them.

    None of the libraries' processes may run: they would do in the twin what they do in the source
    (scheduled jobs, for instance) while the twin is compared.
    """
    if not libraries:
        return {}
    return {
        # Only one database of a server can have it: here the copy of the source.
        "cron.database_name": around.sent.name,
        **(around.preloaded_settings or {}),
        "shared_preload_libraries": ", ".join(f'"{name}"' for name in libraries),
        "max_worker_processes": "0",
    }


def _of_extensions(connection: Any, extensions: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Libraries that refuse to be loaded in a session."""
    for name, libraries in sorted(extensions.items()):
        for library in (name, *(one.rpartition("/")[2] for one in libraries)):
            refusal = _refusal(connection, library)
            if refusal is None:
                break
            if refusal != _NOT_THERE:
                yield library
                break


def _refusal(connection: Any, library: str) -> str | None:
    """SQLSTATE with which it is not loaded, None where it is."""
    try:
        connection.execute(b"LOAD '%s'" % library.replace("'", "''").encode())
    except DatabaseError as error:
        return error.sqlstate or ""
    return None
