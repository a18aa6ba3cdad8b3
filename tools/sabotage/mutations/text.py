"""Pieces of SQL that several kinds of mutation need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.sabotage.shape import Shape, ident

__all__ = ["GUARDED", "add_key", "database_starts_with", "login_starts_with", "with_database"]

# Function of a guard → the condition its triggers fire under, and the column that names.
GUARDED = {
    "config_versions_active_guard": ("OLD.status = 'ACTIVE'", "status"),
    "frozen_config_version_guard": (
        "OLD.config_version_id IS DISTINCT FROM NEW.config_version_id",
        "config_version_id",
    ),
}


def with_database(command: str) -> str:
    """A command that names the database at hand: %I in it."""
    return (
        "DO $named$ BEGIN"
        f" EXECUTE format($command${command}$command$, current_database());"
        " END $named$;\n"
    )


def login_starts_with(setting: str, login: str = "apms_app") -> str:
    """As a superuser: what a login finds set in this database."""
    return with_database(f"ALTER ROLE {login} IN DATABASE %I SET {setting}")


def database_starts_with(setting: str) -> str:
    """As a superuser: what everybody finds set in this database."""
    return with_database(f"ALTER DATABASE %I SET {setting}")


def add_key(shape: Shape, key: Mapping[str, Any], **changes: Any) -> str:
    """The foreign key anew, as it is declared but for the changes; `more` comes at its end."""
    changed = {"more": "", "parent": None, **key, **changes}
    parent = changed["parent"] or shape.name(key["references"]["table"])
    columns = ", ".join(map(ident, changed["columns"]))
    referenced = ", ".join(map(ident, key["references"]["columns"]))
    return (
        f"ALTER TABLE {shape.name(key['table'])} ADD CONSTRAINT {ident(changed['name'])}"
        f" FOREIGN KEY ({columns}) REFERENCES {parent} ({referenced})"
        f" ON DELETE {changed['on_delete']} ON UPDATE {changed['on_update']} {changed['more']};\n"
    )
