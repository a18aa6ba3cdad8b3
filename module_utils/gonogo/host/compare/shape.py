"""The shape of a database: its schema, and the settings that a migration would see.

Two databases of one shape give the same answer to every statement that looks at no row. So whatever
may make another answer is a part of it: what a name stands for, how text is sorted, what a session
begins with, what the login may do. Rows, sizes and the names of database and login are not.

Pure; Python 3.9, standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from ...contract.records.shape import Shape
from ...contract.records.source import Surroundings
from .drift import without_children
from .object_names import subject_of
from .schema_catalog import Difference, compare

__all__ = ["LOGIN", "differences", "schema_of", "shape"]

# In the place of the login's name, where roles are named: databases of one kind may each have a
# login of their own.
LOGIN = "(login)"
_OWNER, _DEFAULTS = "owner of ", "default privileges "
_PRIVILEGES = ("privileges of ", _DEFAULTS)
# Sums over large objects: content.
_CONTENT = ("owner of large objects", "privileges of large objects")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# Columns of pg_database, whose names differ between versions.
_LOCALE = {
    "locale provider": ("datlocprovider",),
    "collation": ("datcollate",),
    "character type": ("datctype",),
    "locale": ("datlocale", "daticulocale"),
    "ICU rules": ("daticurules",),
    "collation version": ("datcollversion",),
}
_ATTRIBUTES = ("rolsuper", "rolinherit", "rolcreaterole", "rolcreatedb", "rolbypassrls")


def shape(
    schema: Mapping[str, str], around: Surroundings, *, run_id: str, size: int, version: int
) -> Shape:
    """Of what `schema_catalog.read` and `source.surroundings` say; `size` is in bytes."""
    return Shape(
        run_id=run_id,
        size=size,
        settings=dict(_settings(around, version)),
        schema=schema_of(schema, around.login),
    )


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> list[Difference]:
    """What is not the same in two shapes, or in their schemas; without the parts, and without what
    is said, of what is there or missing as a whole."""
    found = without_children(compare(first, second))
    whole = {(one.kind, one.name) for one in found}
    return [one for one in found if (one.kind, subject_of(one.name)) not in whole]


def schema_of(schema: Mapping[str, str], login: str) -> dict[str, str]:
    """What of a schema counts, as `schema_catalog.read` has it for this login."""
    return {
        _renamed(name, login) if name.startswith(_DEFAULTS) else name: (
            _without_login(name, text, login)
        )
        for name, text in schema.items()
        if name not in _CONTENT
    }


def _settings(around: Surroundings, version: int) -> Iterator[tuple[str, str]]:
    yield "server version", str(version // 10000)
    yield "encoding", around.encoding
    for word, columns in _LOCALE.items():
        found = next((around.database[name] for name in columns if around.database.get(name)), None)
        if found is not None:
            yield word, str(found)
    yield "monetary locale", around.monetary
    # Who may not see it does not know it: then it is another shape than where it is known.
    preloaded = around.preloaded
    yield "preloaded libraries", "(not visible)" if preloaded is None else preloaded
    for one in around.settings or ():
        if one.role in (None, around.login):
            whose = "the database" if one.role is None else "the login"
            where = " in this database" if one.role is not None and one.database else ""
            for setting in one.settings:
                name, _, value = setting.partition("=")
                yield f"{name} of {whose}{where}", value
    yield "rights of the login", _rights(around)


def _rights(around: Surroundings) -> str:
    own: Mapping[str, object] = next(
        (role for role in around.roles if role.get("rolname") == around.login), {}
    )
    attributes = [name for name in _ATTRIBUTES if own.get(name)]
    roles = sorted(one.role for one in around.members or () if one.member == around.login)
    return json.dumps({"attributes": attributes, "member of": roles}, ensure_ascii=False)


def _without_login(name: str, text: str, login: str) -> str:
    """Of what names roles: the login's own is the same role in each database."""
    if name.startswith(_OWNER):
        return LOGIN if text == login else text
    return _renamed(text, login) if name.startswith(_PRIVILEGES) else text


def _renamed(text: str, login: str) -> str:
    """A login whose name has to be quoted keeps it, and makes a shape of its own."""
    if not _PLAIN.fullmatch(login):
        return text
    return re.sub(rf'(?<![\w$"]){login}(?![\w$"])', LOGIN, text)
