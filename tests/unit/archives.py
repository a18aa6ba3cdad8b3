"""The table of contents of an archive, written as pg_dump writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Written", "table_of_contents"]


@dataclass(frozen=True)
class Written:
    """An entry; `owner` and the like are text in the encoding of the archive."""

    kind: str
    namespace: str = "public"
    tag: str = "x"
    owner: str = "ann"
    oid: int = 0
    definition: str = ""
    copy: str = ""


def table_of_contents(
    entries: Sequence[Written], *, encoding: str = "UTF8", codec: str = "utf-8"
) -> bytes:
    """`toc.dat` in the format of PostgreSQL 13."""

    def integer(value: int) -> bytes:
        return bytes([value < 0]) + abs(value).to_bytes(4, "little")

    def text(value: str | None) -> bytes:
        if value is None:
            return integer(-1)
        return integer(len(value.encode(codec))) + value.encode(codec)

    def entry(number: int, one: Written) -> bytes:
        return b"".join(
            (
                integer(number),
                integer(0),
                text("0"),
                text(str(one.oid)),
                text(one.tag),
                text(one.kind),
                integer(2),
                text(one.definition),
                text(""),
                text(one.copy),
                text(one.namespace),
                text(""),
                text(""),
                text(one.owner),
                text("false"),
                text(None),
                text(f"{number}.dat"),
            )
        )

    told = Written("ENCODING", "", "ENCODING", "", 0, f"SET client_encoding = '{encoding}';\n")
    head = b"PGDMP\x01\x0e\x00\x04\x08\x05" + integer(-1) + integer(0) * 7
    words = text("db") + text("13.0") + text("13.0")
    every = [*entries, told]
    return (
        head
        + words
        + integer(len(every))
        + b"".join(entry(n, one) for n, one in enumerate(every, 1))
    )
