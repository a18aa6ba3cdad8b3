"""The scripts that read the catalog, on catalogs of several sizes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from gonogo.controller.render.libraries import included
from sandbox import logins
from tools.bench import contents
from tools.bench.figures import Catalog

if TYPE_CHECKING:
    from sandbox.cluster import Cluster

# Preflight, and the comparison with the manifest. Neither reads more of the tables than a few
# rows.
SCRIPTS = ("00_preflight", "01_critical_C1_C2")

# What is read once to compare with: the parts of the catalog that say how tables are made.
READ = (
    "pg_class",
    "pg_attribute",
    "pg_attrdef",
    "pg_type",
    "pg_index",
    "pg_constraint",
    "pg_trigger",
    "pg_depend",
    "pg_proc",
    "pg_namespace",
)

_DATABASE = "catalog"
_BLOCK = re.compile(r"^(?=-- @)", re.MULTILINE)


def measure(
    cluster: Cluster,
    scripts: Sequence[Path],
    *,
    sizes: Sequence[int],
    repetitions: int,
    say: Callable[[str], None],
) -> list[Catalog]:
    """Let a database grow to each of ``sizes`` (tables beside its own, ascending) and measure.

    ``scripts`` are those of a run on a database of the same kind.
    """
    files = {file.stem: file.read_text(encoding="utf-8") for file in scripts}
    texts = [included(text, files) for name, text in files.items() if name in SCRIPTS]
    assert len(texts) == len(SCRIPTS)
    contents.create(cluster, _DATABASE, scale=1)
    found = []
    there = 0
    for size in sizes:
        contents.add_tables(cluster, _DATABASE, first=there + 1, last=size)
        there = size
        catalog = _measure(cluster, texts, tables=size, repetitions=repetitions)
        say(
            f"catalog of {size:,} tables: scripts {catalog.seconds:.2f} s, "
            f"reading it {catalog.reading:.2f} s"
        )
        found.append(catalog)
    return found


def _measure(cluster: Cluster, texts: Sequence[str], *, tables: int, repetitions: int) -> Catalog:
    """Once to warm up, then in turn; a session of its own for each, as a run has it."""
    scripts, reading, rows = [], [], 0
    for _ in range(1 + repetitions):
        with cluster.connect(_DATABASE, logins.OWNER) as owner:
            started = time.monotonic()
            for text in texts:
                _run(owner, text)
            scripts.append(time.monotonic() - started)
        with cluster.connect(_DATABASE, logins.OWNER) as owner:
            started = time.monotonic()
            rows = sum(_read(owner, name) for name in READ)
            reading.append(time.monotonic() - started)
    return Catalog(
        tables=tables, rows=rows, seconds=median(scripts[1:]), reading=median(reading[1:])
    )


def _run(connection: psycopg.Connection, text: str) -> None:
    """A script as the engine sends it: each block one query string."""
    for block in _BLOCK.split(text):
        connection.execute(block.encode())


def _read(connection: psycopg.Connection, name: str) -> int:
    """Read every row of one part of the catalog, all columns of it; returns how many there are."""
    query = sql.SQL("SELECT count(part::text) FROM pg_catalog.{} AS part")
    row = connection.execute(query.format(sql.Identifier(name))).fetchone()
    assert row is not None
    return int(row[0])
