"""The schema of a database as name → definition, and what differs between two of them.

Names are stable and readable: `table public.sites`, `column public.sites.id`,
`constraint public.sites.sites_pkey`, `index public.sites_pkey`, `trigger public.sites.guard`,
`function public.f(integer)`, `owner of table public.sites`, `privileges of table public.sites`,
`comment on column public.sites.id`.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .schema_queries import queries

__all__ = ["Difference", "compare", "read"]


@dataclass(frozen=True)
class Difference:
    """`kind` is `missing` (in the first only), `extra` (in the second only) or `different`."""

    kind: str
    name: str
    first: str | None
    second: str | None


def read(connection: Any) -> dict[str, str]:
    """Every object a user has made in this database: name → definition.

    `connection` must have the search_path of all sessions of this project; inside of a transaction
    the answer is that of its snapshot.
    """
    catalog: dict[str, str] = {}
    with connection.cursor() as cursor:
        for query in queries(connection.info.server_version):
            cursor.execute(query)
            found = cursor.fetchone()[0]
            if found is not None:
                catalog.update(json.loads(found))
    return catalog


def compare(first: Mapping[str, str], second: Mapping[str, str]) -> list[Difference]:
    """What differs, sorted by name; nothing where both mean the same."""
    found = []
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if one == other:
            continue
        if one is None:
            found.append(Difference("extra", name, None, other))
        elif other is None:
            found.append(Difference("missing", name, one, None))
        elif _settled(one) != _settled(other):
            found.append(Difference("different", name, one, other))
    return found


# (ARRAY['a'::character varying, ...])::text[] is what the server prints of a list when it is
# created, and ARRAY[('a'::character varying)::text, ...] when it has read its own text again.
_CAST_LIST = re.compile(
    r"\(ARRAY\[(?P<items>(?:[^][()']|'(?:[^']|'')*')*)\]\)::(?P<type>[a-z][a-z ]*)\[\]"
)
_ITEM = re.compile(r"(?:[^,']|'(?:[^']|'')*')+")


def _settled(definition: str) -> str:
    """The definition as the server prints it after it was dumped and restored."""

    def cast_each(found: re.Match[str]) -> str:
        items = [f"({item.strip()})::{found['type']}" for item in _ITEM.findall(found["items"])]
        return f"ARRAY[{', '.join(items)}]"

    return _CAST_LIST.sub(cast_each, definition)
