"""What a statement costs: seconds, locks, rewritten files, WAL, size, and who would wait.

Everything is read by the session that runs the statement, about itself; the owner of the tables
may do so without further rights. WAL is counted by the server as a whole, so what others write
meanwhile is in it: on a database in use it is an upper bound.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BLOCKS", "Meter"]

# Modes of table locks that make an application wait, and for what.
BLOCKS = {
    "AccessExclusiveLock": "reads and writes",
    "ExclusiveLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ShareLock": "writes",
}
# The weakest that keeps writers and other migrations away.
_AHEAD = "ShareRowExclusiveLock"
# What cannot be seen afterwards, because the server ends the transaction itself.
_OUTSIDE = "ShareUpdateExclusiveLock"
_TABLES = ("r", "p", "m")
_READING = ("AccessShareLock", "RowShareLock")

_RELATIONS = """
SELECT c.oid::bigint, n.nspname || '.' || c.relname, c.relkind::text, c.relfilenode::bigint
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
"""

# In one answer: what is asked between two statements lengthens the time others wait.
_LOCKS = """
SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::text,
    (SELECT coalesce(json_agg(json_build_array(l.relation::bigint, l.mode)), '[]')::text
     FROM pg_catalog.pg_locks AS l
     WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
         AND l.database = (
             SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
         AND l.relation >= 16384)
"""

# The relations that are locked, and the indexes of the tables among them, as they are now.
_STATE = """
SELECT c.oid::bigint, n.nspname || '.' || c.relname, c.relkind::text, c.relfilenode::bigint,
    CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_total_relation_size(c.oid) END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname <> 'pg_toast' AND (c.oid = ANY (%(oids)s::oid[]) OR c.oid IN (
    SELECT i.indexrelid FROM pg_catalog.pg_index AS i WHERE i.indrelid = ANY (%(oids)s::oid[])))
"""

_SIZES = """
SELECT c.oid::bigint, pg_catalog.pg_total_relation_size(c.oid)
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
WHERE c.relkind IN ('r', 'm')
"""


@dataclass
class _Known:
    name: str
    kind: str
    filenode: int


@dataclass
class Meter:
    """Measures the statements of one transaction. `begin` first, `end` when it is over."""

    connection: Any
    existing: dict[int, _Known] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, tables: Sequence[Sequence[str]]) -> None:
        """Look at what is there; `tables` are those whose size may change."""
        rows = self.connection.execute(_RELATIONS).fetchall()
        self.existing = {oid: _Known(name, kind, node) for oid, name, kind, node in rows}
        self._nodes = {oid: known.filenode for oid, known in self.existing.items()}
        self._oids = {known.name: oid for oid, known in self.existing.items()}
        self._sizes: dict[int, int] = {}
        self._held: set[tuple[int, str]] = set()
        # Table and what has to wait for it → moment of the lock, the line of the bill.
        self._blocking: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        # Tables that were locked before their statements: name → moment.
        self._ahead: dict[str, float] = {}
        self._written, _ = self._locks()
        if tables:
            wanted = [[t[0] for t in tables], [t[1] for t in tables]]
            self._sizes = dict(self.connection.execute(_SIZES, wanted).fetchall())

    @property
    def blocking_since(self) -> float | None:
        """When the first lock was taken for which the application would wait, if any was."""
        taken = (moment for moment, _ in self._blocking.values())
        return min((*taken, *self._ahead.values()), default=None)

    def knows(self, table: Sequence[str]) -> bool:
        """Whether the table was there before the transaction."""
        name = ".".join(table)
        return any(known.name == name for known in self.existing.values())

    def lock_ahead(self, tables: Sequence[tuple[str, str, str]]) -> None:
        """Lock tables against writers before the statements that need it: schema, name, SQL.

        In the bill each lock stands with its statement. Database errors pass through.
        """
        started = time.monotonic()
        names = ", ".join(f"ONLY {name}" for *_, name in tables)
        self.connection.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE".encode())
        self._ahead = {f"{schema}.{name}": started for schema, name, _ in tables}

    def run(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        """Run one statement and return its line of the bill. Database errors pass through."""
        started = time.monotonic()
        rows = self.connection.execute(statement["text"].encode()).rowcount
        seconds = time.monotonic() - started
        line = {
            "file": statement["file"],
            "line": statement["line"],
            "statement": statement["opening"],
            "seconds": round(seconds, 4),
            "rows": rows if statement["verb"] in {"INSERT", "UPDATE", "DELETE"} else None,
            "wal_bytes": 0,
            "locks": [],
            "rewritten": [],
            "size_bytes": 0,
            "waits": [],
        }
        written, held = self._locks()
        line["wal_bytes"], self._written = written - self._written, written
        if statement["outside"]:
            line["locks"] = [
                {"relation": ".".join(table), "mode": _OUTSIDE, "existing": True}
                for table in statement["tables"]
            ]
        else:
            named = {".".join(table) for table in statement["tables"]}
            self._look(line, held, started, early=self._ahead.keys() - named)
        self.lines.append(line)
        return line

    def end(self) -> None:
        """The transaction is over: whoever had to wait until then need not any more."""
        ended = time.monotonic()
        for (relation, blocks), (moment, line) in self._blocking.items():
            line["waits"].append(
                {"relation": relation, "blocks": blocks, "seconds": round(ended - moment, 4)}
            )
        self._blocking, self._ahead = {}, {}

    def _look(
        self, line: dict[str, Any], held: set[tuple[int, str]], started: float, *, early: set[str]
    ) -> None:
        # Locked already, and not for this statement.
        held = {
            (oid, mode)
            for oid, mode in held
            if mode != _AHEAD or oid not in self.existing or self.existing[oid].name not in early
        } | self._held
        # What is only read keeps its file and its size.
        oids = sorted({oid for oid, mode in held if mode not in _READING} | self._unnamed(held))
        state = {
            oid: (name, kind, node, size)
            for oid, name, kind, node, size in self.connection.execute(
                _STATE, {"oids": oids}
            ).fetchall()
        }
        for oid, mode in sorted(held - self._held):
            known = self.existing.get(oid)
            name, kind = (known.name, known.kind) if known else state.get(oid, (None, None))[:2]
            if name is None or kind not in _TABLES:
                continue
            existing = known is not None
            line["locks"].append({"relation": name, "mode": mode, "existing": existing})
            if existing and mode in BLOCKS:
                moment = self._ahead.get(name, started) if mode == _AHEAD else started
                self._blocking.setdefault((name, BLOCKS[mode]), (moment, line))
        self._held |= held
        for oid, (name, _kind, node, size) in sorted(state.items(), key=lambda item: item[1][0]):
            # An index of a column whose type changes is made anew under its name.
            anew = self._oids.get(name, oid) != oid
            if anew or (oid in self._nodes and node and self._nodes[oid] != node):
                line["rewritten"].append(name)
            self._nodes[oid], self._oids[name] = node, oid
            if size is not None:
                before = self._sizes.get(oid, size if oid in self.existing else 0)
                line["size_bytes"] += int(size - before)
                self._sizes[oid] = size

    def _unnamed(self, held: set[tuple[int, str]]) -> set[int]:
        """What is locked and was not there before: only the catalog knows its name."""
        return {oid for oid, _ in held - self._held if oid not in self.existing}

    def _locks(self) -> tuple[int, set[tuple[int, str]]]:
        """WAL the server has written so far, and the locks of this session."""
        written, locks = self.connection.execute(_LOCKS).fetchone()
        return int(written), {(oid, mode) for oid, mode in json.loads(locks)}
