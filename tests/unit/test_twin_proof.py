"""What was restored against what was dumped: every difference turns it, nothing benign does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.source import SourceRecord
from gonogo.host.compare import proof
from gonogo.host.compare.schema_catalog import Difference, compare

Side = dict[str, Any]
Change = Callable[[Side, Side], object]

# As a server prints a list that was made, and one that it has read back from its own text.
CREATED = (
    "CHECK (((status)::text = ANY ((ARRAY['A'::character varying,"
    " 'it''s [b], c'::character varying])::text[])))"
)
READ_BACK = (
    "CHECK (((status)::text = ANY (ARRAY[('A'::character varying)::text,"
    " ('it''s [b], c'::character varying)::text])))"
)
RING = "smallint, start 1, increment 1, from 1, to 100, cache 1, cycle"


def prove(source: Side, twin: Side, *, with_owners: bool = True) -> dict[str, Any]:
    found = proof.prove(_source(source), _restored(twin), with_owners=with_owners)
    return dict(plain(found))


def _source(source: Side) -> SourceRecord:
    around: Side = {
        **dict.fromkeys(("encoding", "monetary", "superuser", "login"), ""),
        **dict.fromkeys(("money", "may_create"), False),
        **dict.fromkeys(("preloaded", "preloaded_settings", "extension_libraries"), None),
        "database": {},
        "roles": [],
        "members": None,
        "settings": None,
        "sent": dict.fromkeys(("name", "superuser", "login"), ""),
    }
    filled = {**source, "content": _content(source), "surroundings": around}
    return read(SourceRecord, {**filled, "server_version_num": 180000}, file="source.json")


def _restored(twin: Side) -> proof.Restored:
    known = {key: twin[key] for key in ("sequences", "schema")}
    filled = {**known, "content": _content(twin), "same": twin.get("same", {})}
    return read(proof.Restored, filled, file="the twin")


def _content(side: Side) -> Side:
    return {"covered": [], "covered_sequences": [], **side["content"]}


def side() -> Side:
    tables = {
        name: {"root": name, "rows": 3, "hash": "-12"} for name in ("public.sites", "public.users")
    }
    tables |= {
        f"public.part_{n}": {"root": "public.parted", "rows": n, "hash": str(n)} for n in (1, 2)
    }
    return {
        "method": "columns",
        "content": {"tables": tables, "large_objects": {"count": 2, "hash": "5"}},
        "sequences": {"public.ticket": [7, True]},
        "schema": {
            "table public.sites": "",
            "constraint public.sites.c": CREATED,
            "owner of table public.sites": "apms",
        },
    }


def both() -> tuple[Side, Side]:
    source, twin = side(), side()
    source["sequences"] = {
        "before": {"public.ticket": [5, True]},
        "after": {"public.ticket": [9, True]},
    }
    return source, twin


def content(name: str, **values: Any) -> Change:
    return lambda _source, twin: twin["content"]["tables"][name].update(values)


def schema(**values: str) -> Change:
    return lambda _source, twin: twin["schema"].update(values)


def printed_again(text: str) -> Change:
    """The server has been asked, and the constraint of the twin means the same."""
    return lambda _source, twin: twin.update(
        schema={**twin["schema"], "constraint public.sites.c": text},
        same={"constraint public.sites.c": [CREATED, text]},
    )


def test_equal() -> None:
    found = prove(*both())
    assert found["equal"] is True
    assert found["tables"]["public.sites"] == {
        "rows": [3, 3],
        "hash": ["-12", "-12"],
        "equal": True,
    }
    assert found["schema"] == {
        "objects": 3,
        "different": 0,
        "differences": [],
        "not_carried": [],
        "printed_again": {},
        "equal": True,
    }


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("tables", content("public.sites", rows=2)),
        ("tables", content("public.sites", hash="12")),
        ("tables", content("public.part_1", rows=0, hash="0")),
        ("tables", lambda _source, twin: twin["content"]["tables"].pop("public.users")),
        ("tables", lambda source, _twin: source["content"]["tables"].pop("public.users")),
        (
            "tables",
            lambda source, twin: [
                s["content"]["tables"]["public.users"].pop("hash") for s in (source, twin)
            ],
        ),
        ("sequences", lambda _source, twin: twin["sequences"].update({"public.ticket": [4, True]})),
        (
            "sequences",
            lambda _source, twin: twin["sequences"].update({"public.ticket": [10, True]}),
        ),
        ("sequences", lambda _source, twin: twin["sequences"].clear()),
        ("sequences", lambda _source, twin: twin["sequences"].update({"public.other": [1, False]})),
        ("large_objects", lambda _source, twin: twin["content"]["large_objects"].update(count=1)),
        ("large_objects", lambda _source, twin: twin["content"]["large_objects"].update(hash="6")),
        (
            "large_objects",
            lambda source, _twin: source["content"]["large_objects"].update(hash=None),
        ),
        ("schema", lambda _source, twin: twin["schema"].pop("constraint public.sites.c")),
        ("schema", schema(**{"table public.sites": "row level security"})),
        ("schema", schema(**{"owner of table public.sites": "postgres"})),
        ("schema", schema(**{"table public.more": ""})),
        ("schema", schema(**{"constraint public.sites.c": READ_BACK})),
        # What was found to mean the same is this text, and not one that came later.
        (
            "schema",
            lambda source, twin: (
                printed_again(READ_BACK)(source, twin),
                twin["schema"].update(
                    {"constraint public.sites.c": READ_BACK.replace("'A'", "'B'")}
                ),
            ),
        ),
    ],
)
def test_a_difference(part: str, change: Change) -> None:
    source, twin = both()
    change(source, twin)
    found = prove(source, twin)
    assert found["equal"] is False
    others = {"sequences", "large_objects", "schema"} - {part}
    assert all(found[other]["equal"] for other in others)
    assert part != "tables" or not all(table["equal"] for table in found["tables"].values())


@pytest.mark.parametrize(
    "change",
    [
        printed_again(READ_BACK),
        schema(**{"version of extension pgcrypto": "1.4"}),
        lambda source, _twin: source["schema"].update(
            {"index public.i": "invalid, CREATE INDEX i"}
        ),
        lambda source, _twin: source["schema"].update({"tablespace of table public.sites": "fast"}),
        # Rows of a partitioned table that have come to lie in another partition.
        lambda _source, twin: twin["content"]["tables"].update(
            {
                "public.part_1": {"root": "public.parted", "rows": 0, "hash": "0"},
                "public.part_2": {"root": "public.parted", "rows": 3, "hash": "3"},
            }
        ),
        # A sequence that may have gone round.
        lambda source, twin: (
            source["schema"].update({"sequence public.ticket": RING}),
            twin["schema"].update({"sequence public.ticket": RING}),
            source["sequences"].update(seconds=1),
            twin["sequences"].update({"public.ticket": [99, True]}),
        ),
    ],
)
def test_what_a_restore_may_change(change: Change) -> None:
    source, twin = both()
    change(source, twin)
    assert prove(source, twin)["equal"] is True


def test_owners_do_not_count_where_they_were_not_restored() -> None:
    source, twin = both()
    twin["schema"]["owner of table public.sites"] = "somebody"
    assert prove(source, twin)["equal"] is False
    assert prove(source, twin, with_owners=False)["equal"] is True


def test_the_source_is_not_changed() -> None:
    source, twin = both()
    before = copy.deepcopy((source, twin))
    prove(source, twin)
    assert (source, twin) == before


def test_differences_are_named() -> None:
    assert compare({"a": "1", "b": "1"}, {"b": "2", "c": "1"}) == [
        Difference("missing", "a", "1", None),
        Difference("different", "b", "1", "2"),
        Difference("extra", "c", None, "1"),
    ]


SEQUENCE = "{0}, start 1, increment 1, from 1, to {1}, cache 1, owned by public.t.id"


def numbered(source: str, twin: str, **column: str) -> Change:
    """A sequence of an identity column, as it was and as it was restored."""
    both_have = {"column public.t.id": column.get("column", "1 integer not null identity")}
    return lambda one, other: (
        one["schema"].update({**both_have, "sequence public.t_id_seq": source}),
        other["schema"].update({**both_have, "sequence public.t_id_seq": twin}),
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            numbered(SEQUENCE.format("bigint", 2**31 - 1), SEQUENCE.format("integer", 2**31 - 1)),
            "sequence public.t_id_seq: bigint, start 1, increment 1, from 1, to 2147483647, cache 1, "
            "owned by public.t.id, restored as integer, start 1, increment 1, from 1, to 2147483647, "
            "cache 1, owned by public.t.id",
        ),
        (
            lambda source, _twin: source["schema"].update(
                {"tablespace of table public.sites": "x"}
            ),
            "tablespace of table public.sites: x",
        ),
        (
            lambda _source, twin: twin["schema"].update({"extension plpgsql": ""}),
            "extension plpgsql: not at the source",
        ),
        (
            lambda source, _twin: source["schema"].update({"comment on derived type x": "a\nb"}),
            "comment on derived type x: a b",
        ),
        (
            lambda source, _twin: source["schema"].update(
                {
                    "index public.i": "invalid, CREATE INDEX i",
                    "comment on index public.i": "of what is not there",
                }
            ),
            "comment on index public.i: of what is not there",
        ),
    ],
)
def test_what_a_dump_does_not_carry_is_named(change: Change, told: str) -> None:
    source, twin = both()
    change(source, twin)
    schema = prove(source, twin)["schema"]
    assert schema["equal"] is True
    assert told in schema["not_carried"]


@pytest.mark.parametrize(
    "change",
    [
        # The limits are others, or it is no identity column.
        numbered(SEQUENCE.format("bigint", 2**63 - 1), SEQUENCE.format("integer", 2**31 - 1)),
        numbered(SEQUENCE.format("bigint", 100), SEQUENCE.format("bigint", 101)),
        numbered(SEQUENCE.format("bigint", 100), SEQUENCE.format("smallint", 100)),
        numbered(
            SEQUENCE.format("bigint", 100),
            SEQUENCE.format("integer", 100),
            column="1 integer not null default nextval('public.t_id_seq'::regclass)",
        ),
        lambda source, _twin: source["schema"].update({"extension hstore": ""}),
        lambda source, _twin: source["schema"].update({"comment on extension hstore": "x"}),
        lambda source, _twin: source["schema"].update({"comment on index public.i": "x"}),
        lambda source, _twin: source["schema"].update({"index public.i": "CREATE INDEX i"}),
        lambda _source, twin: twin["schema"].update({"index public.i": "invalid, CREATE INDEX i"}),
        lambda _source, twin: twin["schema"].update({"comment on derived type x": "a"}),
        lambda source, _twin: source["schema"].update({"comment on schema public": "x"}),
        lambda source, _twin: source["schema"].update({"privileges of schema app": "x=USAGE"}),
        lambda source, _twin: source["schema"].update({"table of extension e: public.t": ""}),
        lambda _source, twin: twin["schema"].update({"triggers of constraint public.t.k": "x"}),
    ],
)
def test_what_is_lost_is_no_gap_of_the_dump(change: Change) -> None:
    source, twin = both()
    change(source, twin)
    assert prove(source, twin)["equal"] is False
