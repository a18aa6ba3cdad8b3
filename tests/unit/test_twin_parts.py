"""Who restores which entry of an archive, and an archive's table of contents."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.host.archive.toc import DATA, NONE, POST_DATA, PRE_DATA, Entry, read
from gonogo.host.restore.errors import UnprovenError
from gonogo.host.restore.lending import PUBLIC, Grant, grants
from gonogo.host.restore.parts import SUPERUSER, Division, divide

_SECTIONS = {
    "TABLE DATA": DATA,
    "MATERIALIZED VIEW DATA": POST_DATA,
    "INDEX": POST_DATA,
    "FK CONSTRAINT": POST_DATA,
    "EVENT TRIGGER": POST_DATA,
    "ACL": NONE,
    "COMMENT": NONE,
}
_TRUSTED = {"sql", "plpgsql"}


def entries(*given: tuple[str, str] | tuple[str, str, str]) -> list[Entry]:
    """Kind, owner and definition (or tag) of each."""
    numbers = count(1)
    return [
        Entry(
            id=next(numbers),
            kind=kind,
            tag=rest[0] if rest else "x",
            namespace="public",
            owner=owner,
            section=_SECTIONS.get(kind, PRE_DATA),
            definition=rest[0] if rest else "",
            needs=(),
        )
        for kind, owner, *rest in given
    ]


def planned(*given: tuple[str, str] | tuple[str, str, str]) -> Division:
    return divide(entries(*given), trusted_languages=_TRUSTED, privileged={"log_statement"})


def owners(*given: tuple[str, str] | tuple[str, str, str]) -> list[str | None]:
    return [part.owner for part in planned(*given).parts]


def test_of_one_owner_pg_restore_gets_everything_at_once() -> None:
    found = planned(
        ("SCHEMA", "ann"),
        ("EXTENSION", ""),
        ("TABLE", "ann"),
        ("TABLE DATA", "ann"),
        ("INDEX", "ann"),
        ("FK CONSTRAINT", "ann"),
        ("COMMENT", "ann"),
        ("ACL", "ann"),
    )
    assert [(part.owner, list(part.ids)) for part in found.parts] == [
        (SUPERUSER, [1, 2]),
        ("ann", [3, 4, 5, 6]),
    ]
    assert found.after_owners.ids == [7, 8]
    assert found.owners == ["ann"]


def test_of_several_the_order_is_kept_where_it_matters() -> None:
    found = planned(
        ("TABLE", "ann"),
        ("TABLE", "bob"),
        ("TABLE", "ann"),
        ("TABLE DATA", "bob"),
        ("TABLE DATA", "ann"),
        ("TABLE DATA", "bob"),
        ("INDEX", "bob"),
        ("INDEX", "ann"),
        ("FK CONSTRAINT", "ann"),
    )
    assert [(part.owner, list(part.ids)) for part in found.parts] == [
        ("ann", [1]),
        ("bob", [2]),
        ("ann", [3]),
        ("ann", [5]),
        ("bob", [4, 6]),
        ("ann", [8]),
        ("bob", [7]),
        ("ann", [9]),
    ]


@pytest.mark.parametrize(
    "kind", ["TABLE", "VIEW", "DOMAIN", "POLICY", "AGGREGATE", "SERVER", "A KIND OF TOMORROW"]
)
def test_what_is_not_known_to_be_inert_is_its_owners(kind: str) -> None:
    assert owners((kind, "ann")) == ["ann"]
    # Nor does it help to have none.
    assert owners((kind, "")) == [""]


FUNCTION = (
    "CREATE FUNCTION public.f({}) RETURNS integer\n    LANGUAGE {} {}\n    AS $$ DEFAULT $$;\n"
)


@pytest.mark.parametrize(
    ("definition", "session"),
    [
        (FUNCTION.format("", "plpgsql", "IMMUTABLE"), "ann"),
        (FUNCTION.format("", "plpython3u", ""), SUPERUSER),
        (FUNCTION.format("", "c", "STRICT"), SUPERUSER),
        (FUNCTION.format("", "sql", "LEAKPROOF"), SUPERUSER),
        (FUNCTION.format("", "sql", "SET log_statement TO 'none'"), SUPERUSER),
        (FUNCTION.format("", "sql", "SET search_path TO ''"), "ann"),
        # What is evaluated is nobody else's, whatever language is named.
        (FUNCTION.format("a public.dom[] DEFAULT '{1}'::public.dom[]", "c", ""), "ann"),
        (FUNCTION.format('a "LANGUAGE c" DEFAULT 1', "sql", "LEAKPROOF"), "ann"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql LEAKPROOF RETURN '{1}'::d[]", "ann"),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql LEAKPROOF BEGIN ATOMIC SELECT 1; END",
            "ann",
        ),
    ],
)
def test_a_function_that_only_a_superuser_can_make(definition: str, session: str | None) -> None:
    assert owners(("FUNCTION", "ann", definition)) == [session]


AGGREGATE = "CREATE AGGREGATE public.a(integer) (\n    SFUNC = public.f,\n    STYPE = {}\n);\n"


@pytest.mark.parametrize(
    ("definition", "session"),
    [
        (AGGREGATE.format("internal"), SUPERUSER),
        (AGGREGATE.format("integer"), "ann"),
        (AGGREGATE.format("integer,\n    MSFUNC = f,\n    MSTYPE = internal"), SUPERUSER),
        # A type of somebody's that has such a name, and a text that becomes a value of one.
        (AGGREGATE.format("public.internal"), "ann"),
        (AGGREGATE.format('"INTERNAL"'), "ann"),
        (AGGREGATE.format("internal,\n    MSTYPE = public.d,\n    MINITCOND = '1'"), "ann"),
        (AGGREGATE.format("public.d,\n    INITCOND = '1',\n    MSTYPE = internal"), "ann"),
        (AGGREGATE.format("public.d,\n    INITCOND = 'STYPE = internal'"), "ann"),
    ],
)
def test_an_aggregate_that_only_a_superuser_can_make(definition: str, session: str | None) -> None:
    assert owners(("AGGREGATE", "ann", definition)) == [session]


def test_rows_that_a_function_looks_at_come_last_and_in_turn() -> None:
    """By way of the table, or of a domain that a column has."""
    found = entries(
        ("FUNCTION", "ann"),
        ("DOMAIN", "ann"),
        ("TABLE", "ann"),
        ("TABLE", "ann", "CREATE TABLE x (a integer, CONSTRAINT c CHECK (public.f(a)))"),
        ("TABLE", "ann", "CREATE TABLE x (a integer DEFAULT public.f())"),
        ("TABLE DATA", "ann"),
        ("TABLE DATA", "ann"),
        ("TABLE DATA", "ann"),
    )
    needs = {2: (1,), 3: (2,), 4: (1,), 5: (1,), 6: (3,), 7: (4,), 8: (5,)}
    found = [Entry(**{**one.__dict__, "needs": needs.get(one.id, ())}) for one in found]
    parts = divide(found, trusted_languages=_TRUSTED, privileged=()).parts
    assert [(list(part.ids), part.in_turn) for part in parts] == [
        ([1, 2, 3, 4, 5, 8], False),
        ([6, 7], True),
    ]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("GRANT SELECT ON TABLE s.t TO ann;", [Grant("GRANT SELECT ON TABLE s.t TO", "ann")]),
        (
            'GRANT INSERT,SELECT(a),UPDATE(a) ON TABLE s."a""; b" TO "Ann ""B" WITH GRANT OPTION;',
            [Grant('GRANT SELECT ( a ) ON TABLE s."a""; b" TO', 'Ann "B')],
        ),
        (
            "GRANT ALL ON SEQUENCE s.q TO PUBLIC;",
            [Grant("GRANT SELECT ON SEQUENCE s.q TO", PUBLIC)],
        ),
        ("REVOKE ALL ON TABLE s.t FROM ann;\nGRANT INSERT ON TABLE s.t TO ann;", []),
        ("SET SESSION AUTHORIZATION ann;\nGRANT ALL ON SCHEMA s TO bob;\n", []),
        (
            'GRANT SELECT ON TABLE s."TO" TO "PUBLIC";',
            [Grant('GRANT SELECT ON TABLE s."TO" TO', "PUBLIC")],
        ),
    ],
)
def test_what_an_owner_may_read(definition: str, expected: list[Grant]) -> None:
    (entry,) = entries(("ACL", "ann", definition))
    assert grants([entry]) == expected


def test_event_triggers_come_last_and_are_known_by_kind() -> None:
    found = planned(
        ("EVENT TRIGGER", "ann"),
        ("COMMENT", "ann", "EVENT TRIGGER x"),
        ("FUNCTION", "ann", "EVENT TRIGGER x()"),
        ("COMMENT", "ann", "TABLE x"),
    )
    assert found.event_triggers.ids == [1, 2]
    assert found.after_owners.ids == [4]
    assert [list(part.ids) for part in found.parts] == [[3]]


def test_a_table_that_inherits_from_anothers() -> None:
    parent, child = entries(("TABLE", "ann"), ("TABLE", "bob"))
    inheriting = Entry(**{**child.__dict__, "needs": (parent.id,)})
    found = divide([parent, inheriting], trusted_languages=_TRUSTED, privileged=())
    assert found.kin("bob") == ["ann"]
    assert found.kin("ann") == ["bob"]
    assert planned(("TABLE", "ann"), ("TABLE", "bob")).kin("ann") == []


def test_a_superuser_calls_nobodys_function() -> None:
    function, wrapper = entries(("FUNCTION", "ann"), ("FOREIGN DATA WRAPPER", "root"))
    calling = Entry(**{**wrapper.__dict__, "needs": (function.id,)})
    with pytest.raises(UnprovenError) as caught:
        divide([function, calling], trusted_languages=_TRUSTED, privileged=())
    assert "would run code of 'ann'" in caught.value.render()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends in the middle"),
        (b"PGDMX\x01\x0e\x00\x04\x08\x05", "no archive of pg_dump"),
        (b"PGDMP\x01\x0e\x00\x04\x08\x05\x00", "ends in the middle"),
        (b"PGDMP\x01\x0c\x00\x04\x08\x05\x00", "1.12, which is not known"),
        (b"PGDMP\x01\x11\x00\x04\x08\x05\x00", "1.17, which is not known"),
        (None, "No such file"),
    ],
)
def test_what_is_no_table_of_contents(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "toc.dat").write_bytes(content)
    with pytest.raises(GonogoError) as caught:
        read(tmp_path)
    assert message in caught.value.render()
