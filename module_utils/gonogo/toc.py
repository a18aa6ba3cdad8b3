"""The table of contents of an archive in pg_dump's directory format: what is in it, and whose.

`pg_restore --list` prints the same as lines of words. Names may have spaces in them, so such a line
can be read in several ways, and whoever names a table could choose one. The file itself says for
each string how long it is.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from .errors import GonogoError

__all__ = ["DATA", "NONE", "POST_DATA", "PRE_DATA", "Entry", "read"]

NONE, PRE_DATA, DATA, POST_DATA = 1, 2, 3, 4

_FILE = "toc.dat"
_MAGIC = b"PGDMP"
# Versions of the format in which a field came: pg_dump 10 and 13 write 1.13 and 1.14.
_OLDEST, _NEWEST = (1, 13), (1, 16)
_TABLE_ACCESS_METHOD = (1, 14)
_COMPRESSION_ALGORITHM = (1, 15)
_KIND_OF_RELATION = (1, 16)


@dataclass(frozen=True)
class Entry:
    """One object or its data. `kind` is pg_dump's word for it (`TABLE DATA`), `definition` SQL.

    `needs` are the ids of entries that have to be restored before it.
    """

    id: int
    kind: str
    tag: str
    namespace: str
    owner: str
    section: int
    definition: str
    needs: Sequence[int]

    @property
    def name(self) -> str:
        """For people: kind and qualified name."""
        return " ".join(filter(None, (self.kind, self.namespace, self.tag)))


def read(archive: Path) -> list[Entry]:
    """The entries in pg_dump's order. Raises GonogoError for what is no such file."""
    try:
        return _entries(_Reader((archive / _FILE).read_bytes()))
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
        length = self.integer()
        if length < 0:
            return None
        return self.take(length).decode("utf-8", "surrogateescape")


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
    reader.text()  # OID in it
    tag, kind = reader.text(), reader.text()
    section = reader.integer()
    definition = reader.text()
    reader.text()  # DROP
    reader.text()  # COPY
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
    )
