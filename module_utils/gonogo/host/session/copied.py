"""The rows of a table as COPY writes them: counted and hashed without planning a query.

To plan a query of a table is to run the functions that its indexes and statistics call on
constants, with the rights of the session. COPY plans nothing, evaluates nothing, and writes what a
dump has. So a table whose indexes or statistics call a function of somebody else is read with COPY,
which is slower: the rows travel.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import Any

__all__ = ["CALLING", "rows"]

# Condition on a table `c`: one of its indexes or statistics calls something that is not the
# server's own. An enum calls nothing. For a search path that has pg_catalog in it.
CALLING = """c.oid IN (
        SELECT part.relation FROM (
            SELECT i.indrelid AS relation, 'pg_class'::regclass::oid AS classid,
                i.indexrelid AS objid FROM pg_index AS i
            UNION ALL
            SELECT s.stxrelid, 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext AS s
        ) AS part
        JOIN pg_depend AS d ON d.classid = part.classid AND d.objid = part.objid
        WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
            AND d.refobjid >= 16384
            AND NOT (d.refclassid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type AS t
                LEFT JOIN pg_type AS e ON e.oid = t.typelem
                WHERE t.oid = d.refobjid AND coalesce(e.typtype, t.typtype) = 'e')))"""

_BYTES = 16
_MODULUS = 1 << 8 * _BYTES


def rows(
    connection: Any, table: str, columns: Sequence[str], stop: threading.Event | None = None
) -> tuple[int, str]:
    """The number of rows of the table itself, and an order-independent sum of their hashes.

    `table` and `columns` are SQL; generated columns cannot be among them. Returns what has been
    read so far once `stop` is set.
    """
    listed = f" ({', '.join(columns)})" if columns else ""
    count, total = 0, 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table}{listed} TO STDOUT") as copy:
        for row in copy:
            digest = hashlib.sha256(row).digest()[:_BYTES]
            count, total = count + 1, total + int.from_bytes(digest, "big")
            if stop and stop.is_set():
                break
    return count, str(total % _MODULUS)
