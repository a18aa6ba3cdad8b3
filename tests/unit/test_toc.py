"""The table of contents of an archive: names as they are, in the encoding of the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.contract.records.source import Content, LargeObjects
from gonogo.host.archive import toc
from gonogo.host.compare import proof
from gonogo.host.restore import restoring
from tests.unit.archives import Written, table_of_contents

ODD = 'odd one\n"x"; 1 2 TABLE DATA a.b (c)'


def read(directory: Path, content: bytes) -> list[toc.Entry]:
    (directory / "toc.dat").write_bytes(content)
    return toc.read(directory)[:-1]


@pytest.mark.parametrize(
    ("encoding", "codec", "name"),
    [
        ("UTF8", "utf-8", "käse_Ω"),
        ("LATIN1", "latin-1", "käse"),
        ("LATIN9", "iso8859-15", "käse_€"),
        ("WIN1251", "cp1251", "сыр"),
        ("KOI8R", "koi8-r", "сыр"),
        ("EUC_JP", "euc-jp", "表"),
    ],
)
def test_names_are_in_the_encoding_of_the_database(
    tmp_path: Path, encoding: str, codec: str, name: str
) -> None:
    given = Written("TABLE", name, name, name, definition=f"-- {name}")
    content = table_of_contents([given], encoding=encoding, codec=codec)
    (entry,) = read(tmp_path, content)
    found = (entry.namespace, entry.tag, entry.owner, entry.definition)
    assert found == (name, name, name, f"-- {name}")


def test_bytes_in_no_encoding_are_characters_of_their_own(tmp_path: Path) -> None:
    given = Written("TABLE", tag="k\xe4se")
    content = table_of_contents([given], encoding="SQL_ASCII", codec="latin-1")
    assert [entry.tag for entry in read(tmp_path, content)] == ["k\xe4se"]


@pytest.mark.parametrize(
    ("copy", "table"),
    [
        ("COPY public.users (id) FROM stdin;\n", "public.users"),
        ('COPY public."order"  FROM stdin;\n', 'public."order"'),
        ('COPY "a ""b"". (c"."d.e" (id) FROM stdin;\n', '"a ""b"". (c"."d.e"'),
        ("COPY k\xe4se.\u8868 (id) FROM stdin;\n", "k\xe4se.\u8868"),
    ],
)
def test_a_table_is_named_as_sql_names_it(tmp_path: Path, copy: str, table: str) -> None:
    (entry,) = read(tmp_path, table_of_contents([Written("TABLE DATA", copy=copy)]))
    assert entry.table == table


def test_whoever_names_an_object_hides_none(tmp_path: Path) -> None:
    """Lines of words could be read as if another sequence were the one that was compared."""
    content = table_of_contents(
        [
            Written("TABLE DATA", oid=7, copy="COPY public.users (id) FROM stdin;\n"),
            Written(
                "TABLE DATA", oid=8, tag=ODD, owner=ODD, copy='COPY public."o" (id) FROM stdin;'
            ),
            Written("SEQUENCE SET", namespace="a b", tag="c"),
            Written("SEQUENCE SET", namespace="a", tag="b c"),
            Written("SEQUENCE SET", namespace="a", tag="s\nq"),
            Written("SEQUENCE SET", namespace=ODD, tag=ODD, owner=ODD),
        ]
    )
    read(tmp_path, content)
    archived = restoring.data_of(tmp_path)
    covered = [("a b", "c"), ("a", "s\nq"), (ODD, ODD)]
    nothing = LargeObjects(None, None)
    source = Content({}, [7], covered, nothing)
    assert proof.uncompared(source, archived) == ["a.b c", 'public."o"']
    whole = Content({}, [7, 8], [*covered, ("a", "b c")], nothing)
    assert proof.uncompared(whole, archived) == []


def test_a_sequence_that_begins_anew_has_its_position_in_the_archive() -> None:
    """Whatever it is in the twin may be right, so it is not compared there."""
    texts = {
        '"a b"."c.""d"': "integer, start 1, cycle",
        "public.ticket": "integer, start 1, cycle, owned by public.tickets.a",
        "public.plain": 'integer, start 1, owned by public."t, cycle".a',
    }
    schema = {f"sequence {name}": text for name, text in texts.items()}
    whole = proof.Archived({}, [("a b", 'c."d'), ("public", "ticket")])
    assert proof.without_position(texts, schema, whole) == []
    archived = proof.Archived({}, [("a b.c", '"d'), ("public", "plain")])
    assert proof.without_position(texts, schema, archived) == ['"a b"."c.""d"', "public.ticket"]
