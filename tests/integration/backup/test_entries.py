"""Whatever entry an archive of everything lacks is noticed, or the same is restored without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gonogo.host.archive import toc
from gonogo.host.archive.dump import digests, seal
from gonogo.host.archive.toc import Entry
from gonogo.host.restore.restoring import read_source
from sandbox.cluster import Cluster
from tests.integration.support import universe
from tests.integration.support.harness import Database, login_of
from tests.integration.support.twins import Rehearsal
from tests.integration.support.universe import loading
from tests.integration.support.universe.exemptions import ENTRIES_OF_OTHERS, ENTRIES_WITHOUT_EFFECT

NAME = "entries"

# In the ordinary suite.
_SAMPLE = {"SEQUENCE SET of one that cycles", "TABLE DATA"}
# What begins anew at its end may stand anywhere, see proof.py.
_CYCLING = {"identities_b_seq", "small"}
# By pg_dump of some version, of what is in the universe.
KINDS = (
    "ACCESS METHOD",
    "ACL",
    "ACL of the database",
    "AGGREGATE",
    "BLOB",
    "BLOB METADATA",
    "BLOBS",
    "CAST",
    "CHECK CONSTRAINT",
    "COLLATION",
    "COMMENT",
    "COMMENT of the database",
    "CONSTRAINT",
    "CONVERSION",
    "DATABASE",
    "DATABASE PROPERTIES",
    "DEFAULT",
    "DEFAULT ACL",
    "DOMAIN",
    "ENCODING",
    "EVENT TRIGGER",
    "EXTENSION",
    "FK CONSTRAINT",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "INDEX ATTACH",
    "MATERIALIZED VIEW",
    "MATERIALIZED VIEW DATA",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "POLICY",
    "PROCEDURAL LANGUAGE",
    "PROCEDURE",
    "PUBLICATION",
    "PUBLICATION TABLE",
    "PUBLICATION TABLES IN SCHEMA",
    "ROW SECURITY",
    "RULE",
    "SCHEMA",
    "SEARCHPATH",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "SEQUENCE SET of one that cycles",
    "SERVER",
    "SHELL TYPE",
    "STATISTICS",
    "STDSTRINGS",
    "SUBSCRIPTION",
    "TABLE",
    "TABLE ATTACH",
    "TABLE DATA",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
)


@dataclass(frozen=True)
class Whole:
    """The backup of a universe, before anything is taken from it."""

    run: Rehearsal
    record: dict[str, Any]
    entries: list[Entry]


@pytest.fixture(scope="module")
def whole(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server_bin: Path | None
) -> Iterator[Whole]:
    programs = {"server_bin": str(server_bin), "pg_bin": str(server_bin)} if server_bin else {}
    with loading.loaded(cluster, NAME, universe.HERE / "objects.sql"):
        login = login_of(cluster, NAME)
        directory = tmp_path_factory.mktemp("entries")
        run = Rehearsal(Database(cluster, NAME, "target"), directory, login, options=programs)
        with run.locked():
            record = run.back_up()
        yield Whole(run, record, toc.read(Path(record["file"])))


class _Cursor:
    """As pg_dump writes numbers and texts, of four bytes a number."""

    def __init__(self, content: bytes):
        self.file = BytesIO(content)

    def integer(self) -> int:
        negative, *digits = self.file.read(5)
        value = int.from_bytes(bytes(digits), "little")
        return -value if negative else value

    def text(self) -> bytes | None:
        length = self.integer()
        return None if length < 0 else self.file.read(length)

    def texts(self, number: int) -> None:
        for _ in range(number):
            self.text()

    def entry(self, version: int) -> int:
        """Its number; what is read next is the next one."""
        number = self.integer()
        self.integer()  # whether it has data
        self.texts(4)  # OIDs, name, kind
        self.integer()  # section
        self.texts(6 if version >= 14 else 5)  # statements, schema, tablespace, access method
        if version >= 16:
            self.integer()  # kind of relation
        self.texts(2)  # owner, WITH OIDS
        while self.text() is not None:
            pass
        self.text()  # file
        return number


def without(content: bytes, lost: int) -> bytes:
    """A table of contents without the entry of this number, and else as it was."""
    cursor = _Cursor(content)
    version = cursor.file.read(11)[6]
    if version >= 15:
        cursor.file.read(1)
    else:
        cursor.integer()
    for _ in range(7):  # when it was made
        cursor.integer()
    cursor.texts(3)
    start = cursor.file.tell()
    count = cursor.integer()
    head, kept = content[:start], []
    for _ in range(count):
        begin = cursor.file.tell()
        if cursor.entry(version) != lost:
            kept.append(content[begin : cursor.file.tell()])
    assert cursor.file.read() == b""
    assert len(kept) == count - 1
    return b"".join((head, b"\0", len(kept).to_bytes(4, "little"), *kept))


def kind_of(entry: Entry) -> str:
    """pg_dump's word, and what makes a difference to it."""
    if entry.kind in {"ACL", "COMMENT"} and entry.tag.startswith("DATABASE "):
        return f"{entry.kind} of the database"
    if entry.kind == "SEQUENCE SET" and entry.tag in _CYCLING:
        return f"{entry.kind} of one that cycles"
    return entry.kind


def lost(whole: Whole, kind: str) -> Entry:
    """One of this kind that the fewest others need; of data, one that says anything."""
    needed: dict[int, set[int]] = {entry.id: set() for entry in whole.entries}
    for entry in whole.entries:
        for need in entry.needs:
            if need in needed:
                needed[need].add(entry.id)
    of_kind = [entry for entry in whole.entries if kind_of(entry) == kind]
    if not of_kind:
        pytest.skip(f"pg_dump of this version writes no {kind}")
    rows = {
        name: one.rows
        for name, one in read_source(Path(whole.record["file"])).content.tables.items()
    }

    def says_nothing(entry: Entry) -> bool:
        if entry.kind == "SEQUENCE SET":
            return "', 1, true);" not in entry.definition
        return entry.kind == "TABLE DATA" and not rows.get(entry.table)

    return min(of_kind, key=lambda entry: (says_nothing(entry), len(needed[entry.id]), entry.id))


def restored_without(whole: Whole, entry: Entry, directory: Path) -> dict[str, Any]:
    """What is said of the archive without it, sealed as if it had been made so."""
    archive = shutil.copytree(whole.record["file"], directory / "archive")
    contents = archive / "toc.dat"
    contents.write_bytes(without(contents.read_bytes(), entry.id))
    assert [one.id for one in toc.read(archive)] == [
        one.id for one in whole.entries if one.id != entry.id
    ]
    changed = {**whole.record, "file": str(archive), "sha256": seal(digests(archive))}
    with whole.run.locked():
        return whole.run.restore(changed)


def test_every_kind_of_the_archive_is_known(whole: Whole) -> None:
    assert {kind_of(entry) for entry in whole.entries} <= set(KINDS)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k in _SAMPLE else pytest.mark.attack) for k in KINDS]
)
def test_an_entry_that_is_gone_is_noticed(whole: Whole, tmp_path: Path, kind: str) -> None:
    entry = lost(whole, kind)
    answer = restored_without(whole, entry, tmp_path)
    if kind in ENTRIES_OF_OTHERS:
        told = answer["proof"]["schema"]["not_carried"]
        assert any(one.startswith(ENTRIES_OF_OTHERS[kind]) for one in told), answer
    elif kind not in ENTRIES_WITHOUT_EFFECT:
        assert answer["proven"] is False, entry
        return
    assert answer["proven"] is True, (answer["reason"], answer.get("proof", {}).get("schema"))
