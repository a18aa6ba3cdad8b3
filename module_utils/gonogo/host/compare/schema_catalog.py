"""The schema of a database as name → definition, and what differs between two of them.

Names are stable and readable: `table public.sites`, `column public.sites.id`,
`constraint public.sites.sites_pkey`, `index public.sites_pkey`, `trigger public.sites.guard`,
`function public.f(integer)`, `owner of table public.sites`, `privileges of table public.sites`,
`comment on column public.sites.id`.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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


def compare(
    first: Mapping[str, str],
    second: Mapping[str, str],
    *,
    same: Mapping[str, Sequence[str | None]] | None = None,
) -> list[Difference]:
    """What differs, sorted by name. `same` has pairs of texts, in any order, that are known to mean
    the same of an object (see `reprint.same`).
    """
    known = {name: set(pair) for name, pair in (same or {}).items()}
    found = []
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if one == other:
            continue
        if one is None:
            found.append(Difference("extra", name, None, other))
        elif other is None:
            found.append(Difference("missing", name, one, None))
        elif known.get(name) != {one, other}:
            found.append(Difference("different", name, one, other))
    return found
