"""The table of contents of an archive in pg_dump's directory format: what is in it, and whose.

`pg_restore --list` prints the same as lines of words. Names may have spaces in them, so such a line
can be read in several ways, and whoever names a table could choose one. The file itself says for
each string how long it is.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from ...contract.errors import GonogoError

__all__ = ["DATA", "NONE", "POST_DATA", "PRE_DATA", "Entry", "read"]

NONE, PRE_DATA, DATA, POST_DATA = 1, 2, 3, 4

_FILE = "toc.dat"
_MAGIC = b"PGDMP"
# Versions of the format in which a field came: pg_dump 10 and 13 write 1.13 and 1.14.
_OLDEST, _NEWEST = (1, 13), (1, 16)
_TABLE_ACCESS_METHOD = (1, 14)
_COMPRESSION_ALGORITHM = (1, 15)
_KIND_OF_RELATION = (1, 16)

# Names are in the encoding of the database, which an entry of its own says.
_ENCODING = re.compile(r"^SET client_encoding = '([^']*)';")
_BYTES = "iso8859-1"
# PostgreSQL's name of an encoding -> Python's, for all that a database can have. What is no text in
# any encoding is read byte by byte, as a session does (`connection`).
_CODECS = {
    "SQL_ASCII": _BYTES,
    "LATIN5": "iso8859-9",
    "LATIN6": "iso8859-10",
    "LATIN7": "iso8859-13",
    "LATIN8": "iso8859-14",
    "LATIN9": "iso8859-15",
    "LATIN10": "iso8859-16",
    **{f"LATIN{number}": f"iso8859-{number}" for number in range(1, 5)},
    **{f"ISO_8859_{number}": f"iso8859-{number}" for number in range(5, 9)},
    **{f"WIN{number}": f"cp{number}" for number in (866, 874, *range(1250, 1259))},
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "EUC_CN": "gb2312",
    "EUC_JP": "euc-jp",
    "EUC_JIS_2004": "euc-jis-2004",
    "EUC_KR": "euc-kr",
}

# One name, and the second where there is one, behind COPY: as pg_dump quotes them.
_COPIED = re.compile(r'COPY ((?:"(?:[^"]|"")*"|[^\s".(])+(?:\.(?:"(?:[^"]|"")*"|[^\s".(])+)?) ')


@dataclass(frozen=True)
class Entry:
    """One object or its data. `kind` is pg_dump's word for it (`TABLE DATA`), `definition` SQL.

    `needs` are the ids of entries that have to be restored before it. `oid` is that of the object
    in the source, of `TABLE DATA` the table's; 0 where pg_dump does not say it. `copy` is the
    statement that the rows are for.
    """

    id: int
    kind: str
    tag: str
    namespace: str
    owner: str
    section: int
    definition: str
    needs: Sequence[int]
    oid: int = 0
    copy: str = ""

    @property
    def name(self) -> str:
        """For people: kind and qualified name."""
        return " ".join(filter(None, (self.kind, self.namespace, self.tag)))

    @property
    def table(self) -> str:
        """Of `TABLE DATA`: the qualified name of the table, quoted as SQL needs it."""
        found = _COPIED.match(self.copy)
        return found[1] if found else f"{self.namespace}.{self.tag}"


def read(archive: Path) -> list[Entry]:
    """The entries in pg_dump's order. Raises GonogoError for what is no such file."""
    try:
        return _readable(_entries(_Reader((archive / _FILE).read_bytes())))
    except (OSError, ValueError) as error:
        raise GonogoError(
            f"the table of contents of the archive cannot be read: {archive / _FILE}",
            detail=str(error),
            hint="Take a new backup with a pg_dump of version 13 to 18.",
        ) from error


class _Reader:
    def __init__(self, content: bytes):
        self._file = BytesIO(content)
        self.integer_bytes = 4

    def take(self, count: int) -> bytes:
        taken = self._file.read(count)
        if len(taken) != count:
            raise ValueError("it ends in the middle of an entry")
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def integer(self) -> int:
        negative = self.byte()
        value = int.from_bytes(self.take(self.integer_bytes), "little")
        return -value if negative else value

    def text(self) -> str | None:
        """Each byte as one character, for the encoding is not known yet."""
        length = self.integer()
        return None if length < 0 else self.take(length).decode(_BYTES)


def _entries(reader: _Reader) -> list[Entry]:
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("it is no archive of pg_dump")
    version = (reader.byte(), reader.byte())
    reader.byte()  # revision
    if not _OLDEST <= version <= _NEWEST:
        raise ValueError(f"its format is {version[0]}.{version[1]}, which is not known here")
    reader.integer_bytes = reader.byte()
    reader.take(2)  # size of an offset; format
    if version >= _COMPRESSION_ALGORITHM:
        reader.byte()
    else:
        reader.integer()
    for _ in range(7):  # when it was made
        reader.integer()
    for _ in range(3):  # database, version of the server, of pg_dump
        reader.text()
    return [_entry(reader, version) for _ in range(reader.integer())]


def _entry(reader: _Reader, version: tuple[int, int]) -> Entry:
    number = reader.integer()
    reader.integer()  # whether it has data
    reader.text()  # OID of the catalog
    oid = reader.text()
    tag, kind = reader.text(), reader.text()
    section = reader.integer()
    definition = reader.text()
    reader.text()  # DROP
    copy = reader.text()
    namespace = reader.text()
    reader.text()  # tablespace
    if version >= _TABLE_ACCESS_METHOD:
        reader.text()
    if version >= _KIND_OF_RELATION:
        reader.integer()
    owner = reader.text()
    reader.text()  # WITH OIDS
    needs = []
    while True:
        need = reader.text()
        if need is None:
            break
        needs.append(int(need))
    reader.text()  # its file
    return Entry(
        id=number,
        kind=kind or "",
        tag=tag or "",
        namespace=namespace or "",
        owner=owner or "",
        section=section,
        definition=definition or "",
        needs=needs,
        oid=int(oid or 0),
        copy=copy or "",
    )


def _readable(entries: Sequence[Entry]) -> list[Entry]:
    """With their words in the encoding of the archive."""
    told = next((entry.definition for entry in entries if entry.kind == "ENCODING"), "")
    found = _ENCODING.search(told)
    codec = _CODECS.get(found[1] if found else "", "utf-8")

    def read_as(text: str) -> str:
        return text if text.isascii() else text.encode(_BYTES).decode(codec, "surrogateescape")

    return [
        replace(
            entry,
            tag=read_as(entry.tag),
            namespace=read_as(entry.namespace),
            owner=read_as(entry.owner),
            definition=read_as(entry.definition),
            copy=read_as(entry.copy),
        )
        for entry in entries
    ]
