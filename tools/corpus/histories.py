"""The migrations of an application, as its tool reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonogo.contract.errors import GonogoError
from gonogo.host.migrate import history
from sandbox.errors import SandboxError
from tools.record_tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from gonogo.host.migrate.history import History, Migration

__all__ = ["Read", "read", "record_tables"]

_SCHEMA = "public"


@dataclass(frozen=True)
class Read:
    """A history as it was read. `key` is the tool's in the registry, `tables` makes what the tool
    keeps its record in."""

    key: str
    tool: History
    migrations: list[Migration]
    tables: str


def read(folder: Path, key: str | None = None) -> Read:
    """The history of a tool, which is found where its `key` is not said. Raises SandboxError for a
    folder that is no tool's."""
    try:
        key = key or history.detect(folder)
        own = history.schema_of(key, _SCHEMA)
        tool = history.find(key, schema=own)
        migrations = tool.files(folder)
    except GonogoError as error:
        raise SandboxError(error.primary, detail=error.detail, hint=error.hint) from error
    return Read(key, tool, migrations, record_tables(key, own))


def record_tables(key: str, schema: str) -> str:
    """The SQL that makes what a tool keeps its record in; empty where it keeps none."""
    made = f"CREATE SCHEMA IF NOT EXISTS {schema}; {TABLES[key]}" if key in TABLES else ""
    return made.replace("{s}", schema).replace("{{}}", "{}")
