"""Roles, memberships, settings and the empty database, as the source has them.

A dump names roles and does not bring them; nor does it bring settings of the database, its
encoding and its order of text. What a role may do is told by the catalog, so they have all that the
source's have; the server lets nobody in but who runs this (`supervisor`).

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from ...contract.records.source import Surroundings
from ...contract.session_settings import restoring
from ..session.connection import DatabaseError, described
from ..session.quoting import ident, literal
from .errors import UnprovenError

__all__ = [
    "LISTS",
    "database_options",
    "make_database",
    "make_roles",
    "names_in",
    "owner_of",
    "session_settings",
    "settings_of_database",
    "settle",
    "settle_money",
]

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
# Libraries that a session loads when it begins, and the directory that is looked in.
_LIBRARIES = {"session_preload_libraries": "", "local_preload_libraries": "$libdir/plugins/"}
# Libraries among them, whoever may set them.
_FOR_SUPERUSERS = """
SELECT lower(name) FROM pg_catalog.pg_settings
WHERE context <> 'user' OR name = 'local_preload_libraries'
"""
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


def make_roles(connection: Any, around: Surroundings) -> None:
    """Create the roles and memberships of the source. Nobody gets a password."""
    for role in around.roles:
        name = ident(str(role["rolname"]))
        if role["rolname"] == around.superuser:
            continue
        words = [word if role[key] else f"NO{word}" for key, word in _ATTRIBUTES.items()]
        _execute(connection, f"CREATE ROLE {name} {' '.join(words)}")
    for member in around.members or ():
        options = [
            f"{word} {'TRUE' if given else 'FALSE'}"
            for given, word in (
                (member.admin, "ADMIN"),
                (member.inherit, "INHERIT"),
                (member.set, "SET"),
            )
            if given is not None
        ]
        if connection.info.server_version < 160000:
            options = ["ADMIN OPTION"] if member.admin else []
        granted = f" WITH {', '.join(options)}" if options else ""
        _execute(connection, f"GRANT {ident(member.role)} TO {ident(member.member)}{granted}")


def make_database(connection: Any, name: str, around: Surroundings, *, owner: str | None) -> None:
    """Create an empty database that stores and sorts text as the source does.

    `name` and `owner`, where it is not the login, are as this session reads them.

    Raises UnprovenError when this server knows no such locale.
    """
    options = " ".join(database_options(around))
    belongs = f" OWNER {ident(owner)}" if owner else ""
    try:
        _execute(connection, f"CREATE DATABASE {ident(name)} TEMPLATE template0 {options}{belongs}")
    except DatabaseError as error:
        raise UnprovenError(
            "a database like the source cannot be made",
            detail=described(error)["message"],
            hint="Install its locale on the host."
            if _OF_A_LOCALE.search(str(error))
            else described(error)["hint"],
        ) from error


def database_options(around: Surroundings) -> Iterator[str]:
    """The options of CREATE DATABASE that say how text is stored and sorted."""
    database = around.database
    yield f"ENCODING {literal(around.encoding)}"
    collate, ctype = str(database["datcollate"]), str(database["datctype"])
    yield f"LC_COLLATE {literal(collate)} LC_CTYPE {literal(ctype)}"
    provider = str(database.get("datlocprovider", "c"))
    # As the versions have called it.
    locale = database.get("datlocale") or database.get("daticulocale")
    if provider != "c":
        yield f"LOCALE_PROVIDER {_PROVIDERS[provider]}"
        if locale:
            word = "ICU_LOCALE" if provider == "i" else "BUILTIN_LOCALE"
            yield f"{word} {literal(str(locale))}"
        if database.get("daticurules"):
            yield f"ICU_RULES {literal(str(database['daticurules']))}"


def session_settings(around: Surroundings, server_version: int) -> dict[str, str]:
    """What a session begins with that restores (`session_settings.restoring`)."""
    return restoring(server_version, monetary=around.monetary if around.money else None)


def settings_of_database(connection: Any, around: Surroundings) -> dict[str, str]:
    """What the source's database sets and every session can be given, but for its marker."""
    late = _late(connection)
    return {
        key: value
        for entry in around.settings or ()
        if entry.database and not entry.role
        for key, _, value in (setting.partition("=") for setting in entry.settings)
        if key.lower() not in late and not key.lower().startswith("gonogo.")
    }


def settle(connection: Any, name: str, around: Surroundings, *, restored: bool) -> None:
    """Settings of the database and of roles in it, its marker among them: those that have to be
    there before its rows, or once it is `restored` the others.

    Code of the database may read what anybody can set, and a session that restores can set it, too.
    What only a superuser can set holds for every session, and may stand in the way of a restore.
    One that this server does not take stays out: it changes nothing that is in the database.
    """
    late = _late(connection)
    for entry in around.settings or ():
        role = entry.role
        for setting in entry.settings:
            key, _, value = setting.partition("=")
            if (key.lower() in late) is not restored:
                continue
            where = f"ROLE {ident(role)}" if role else f"DATABASE {ident(name)}"
            if role and entry.database:
                where += f" IN DATABASE {ident(name)}"
            quoted = ".".join(ident(part) for part in key.split("."))
            with contextlib.suppress(DatabaseError):
                _refuse_missing(connection, key.lower(), value)
                _execute(connection, f"ALTER {where} SET {quoted} TO {_value(key, value)}")


def _late(connection: Any) -> set[str]:
    return {"role", *(row[0] for row in connection.execute(_FOR_SUPERUSERS).fetchall())}


def settle_money(connection: Any, name: str, around: Surroundings) -> None:
    """The locale that amounts of money are written in. Raises UnprovenError where this host does
    not have it and there are any.
    """
    locale = around.monetary
    try:
        _execute(connection, f"ALTER DATABASE {ident(name)} SET lc_monetary TO {literal(locale)}")
    except DatabaseError as error:
        if around.money:
            raise UnprovenError(
                f"this host has no locale {locale}, which amounts of money are written in",
                detail=described(error)["message"],
                hint="Install its locale on the host.",
            ) from error


def _refuse_missing(connection: Any, key: str, value: str) -> None:
    """Nobody could log in any more where a library that is loaded then is not there."""
    if key in _LIBRARIES:
        for library in names_in(value):
            _execute(connection, f"LOAD {literal(_LIBRARIES[key] + library)}")


def names_in(text: str) -> list[str]:
    """The elements of a setting that is a list of names or paths."""
    found = re.findall(r'\s*(?:"((?:[^"]|"")*)"|([^,]*?))\s*(?:,|$)', text)
    return [quoted.replace('""', '"') or plain for quoted, plain in found if quoted or plain]


def owner_of(around: Surroundings) -> str:
    """Who owns the source, as it reads the name."""
    owner = around.database["datdba"]
    named = {role["oid"]: role["rolname"] for role in around.roles}
    return str(named.get(owner, around.superuser))


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
    return value or "''" if key in LISTS else literal(value)


def _execute(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
