"""Roles, memberships, settings and the empty database, as the source has them.

A dump names roles and does not bring them; nor does it bring settings of the database, its
encoding and its order of text. What a role may do is told by the catalog, so they have all that the
source's have; the server lets nobody in but who runs this (`keeper`).

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..connection import DatabaseError, described
from .errors import UnprovenError

__all__ = ["LISTS", "database_options", "make_database", "make_roles", "settle"]

_ATTRIBUTES = {
    "rolsuper": "SUPERUSER",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolinherit": "INHERIT",
    "rolbypassrls": "BYPASSRLS",
    "rolcanlogin": "LOGIN",
    "rolreplication": "REPLICATION",
}
# What the server says of a locale or a collation that it does not have.
_OF_A_LOCALE = re.compile(r"locale|collat|ICU|LC_|encoding", re.IGNORECASE)
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


def make_roles(connection: Any, around: Mapping[str, Any]) -> None:
    """Create the roles and memberships of the source. Nobody gets a password."""
    for role in around["roles"]:
        name = _ident(role["rolname"])
        if role["rolname"] == around["superuser"]:
            continue
        words = [word if role[key] else f"NO{word}" for key, word in _ATTRIBUTES.items()]
        _execute(connection, f"CREATE ROLE {name} {' '.join(words)}")
    for member in around["members"] or []:
        options = [
            f"{word} {'TRUE' if member[key] else 'FALSE'}"
            for key, word in (("admin", "ADMIN"), ("inherit", "INHERIT"), ("set", "SET"))
            if member[key] is not None
        ]
        if connection.info.server_version < 160000:
            options = ["ADMIN OPTION"] if member["admin"] else []
        granted = f" WITH {', '.join(options)}" if options else ""
        _execute(
            connection, f"GRANT {_ident(member['role'])} TO {_ident(member['member'])}{granted}"
        )


def make_database(connection: Any, name: str, around: Mapping[str, Any], *, owner: bool) -> None:
    """Create an empty database that stores and sorts text as the source does.

    Raises UnprovenError when this server knows no such locale.
    """
    options = " ".join(database_options(around))
    belongs = f" OWNER {_ident(_owner(around))}" if owner else ""
    try:
        _execute(
            connection, f"CREATE DATABASE {_ident(name)} TEMPLATE template0 {options}{belongs}"
        )
    except DatabaseError as error:
        raise UnprovenError(
            "a database like the source cannot be made",
            detail=described(error)["message"],
            hint="Install its locale on the host."
            if _OF_A_LOCALE.search(str(error))
            else described(error)["hint"],
        ) from error


def database_options(around: Mapping[str, Any]) -> Iterator[str]:
    """The options of CREATE DATABASE that say how text is stored and sorted."""
    database = around["database"]
    yield f"ENCODING {_literal(around['encoding'])}"
    yield f"LC_COLLATE {_literal(database['datcollate'])} LC_CTYPE {_literal(database['datctype'])}"
    provider = database.get("datlocprovider", "c")
    # As the versions have called it.
    locale = database.get("datlocale") or database.get("daticulocale")
    if provider != "c":
        yield f"LOCALE_PROVIDER {_PROVIDERS[provider]}"
        if locale:
            word = "ICU_LOCALE" if provider == "i" else "BUILTIN_LOCALE"
            yield f"{word} {_literal(locale)}"
        if database.get("daticurules"):
            yield f"ICU_RULES {_literal(database['daticurules'])}"


def settle(connection: Any, name: str, around: Mapping[str, Any]) -> None:
    """Settings of the database and of roles in it, its marker among them.

    One that this server does not take stays out: it changes nothing that is in the database.
    """
    for entry in around["settings"] or []:
        role = entry["role"]
        for setting in entry["settings"]:
            key, _, value = setting.partition("=")
            where = f"ROLE {_ident(role)}" if role else f"DATABASE {_ident(name)}"
            if role and entry["database"]:
                where += f" IN DATABASE {_ident(name)}"
            quoted = ".".join(_ident(part) for part in key.split("."))
            try:
                _execute(connection, f"ALTER {where} SET {quoted} TO {_value(key, value)}")
            except DatabaseError:
                continue


def _owner(around: Mapping[str, Any]) -> str:
    owner = around["database"]["datdba"]
    named = {role["oid"]: role["rolname"] for role in around["roles"]}
    return str(named.get(owner, around["superuser"]))


# Settings that are lists of names; their text is a list already.
LISTS = frozenset(
    {
        "search_path",
        "temp_tablespaces",
        "session_preload_libraries",
        "local_preload_libraries",
        "unix_socket_directories",
    }
)


def _value(key: str, value: str) -> str:
    return value or "''" if key in LISTS else _literal(value)


def _execute(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
