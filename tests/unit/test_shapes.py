"""Which databases are of one shape: what counts, what does not, and how a fleet is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gonogo.contract.records.fleet import FleetRecord
from gonogo.contract.records.reading import plain, read
from gonogo.contract.records.shape import Shape
from gonogo.contract.records.source import Member as Membership
from gonogo.contract.records.source import SentNames, SettingsOf, Surroundings
from gonogo.controller import fleet
from gonogo.controller.fleet import Member, Place
from gonogo.controller.fleet.shapes import shapes
from gonogo.host.compare.shape import LOGIN, differences, shape
from tests.unit.test_report import EVIL, write_run

NOW = datetime(2026, 1, 31, 13, tzinfo=UTC)
SCHEMA = {"table public.a": "", "column public.a.id": "1 integer not null"}
OF_LOGIN: Mapping[str, object] = {"rolname": "shop", "rolsuper": False, "rolinherit": True}
AROUND = Surroundings(
    database={"datname": "shop", "datlocprovider": "c", "datcollate": "C", "datctype": "C"},
    encoding="UTF8",
    monetary="C",
    money=False,
    preloaded="",
    preloaded_settings=None,
    extension_libraries=None,
    superuser="postgres",
    login="shop",
    may_create=False,
    roles=[OF_LOGIN, {"rolname": "other", "rolsuper": True}],
    members=None,
    settings=None,
    sent=SentNames("shop", "postgres", "shop"),
)


def shaped(
    around: Surroundings = AROUND, schema: Mapping[str, str] = SCHEMA, version: int = 170005
) -> Shape:
    return shape(schema, around, run_id="one", size=1, version=version)


def settings(role: str | None, *said: str, database: bool = True) -> SettingsOf:
    return SettingsOf(role, said, database)


@pytest.mark.parametrize(
    "other",
    [
        shaped(version=160009),
        shaped(replace(AROUND, encoding="LATIN1")),
        shaped(replace(AROUND, database={**AROUND.database, "datlocprovider": "i"})),
        shaped(replace(AROUND, database={**AROUND.database, "daticulocale": "sv"})),
        shaped(replace(AROUND, database={**AROUND.database, "datcollate": "sv_SE"})),
        shaped(replace(AROUND, monetary="sv_SE")),
        shaped(replace(AROUND, preloaded="pg_cron")),
        shaped(replace(AROUND, preloaded=None)),
        shaped(replace(AROUND, settings=[settings(None, "search_path=app")])),
        shaped(replace(AROUND, settings=[settings("shop", "search_path=app")])),
        shaped(replace(AROUND, settings=[settings("shop", "search_path=app", database=False)])),
        shaped(replace(AROUND, roles=[{**OF_LOGIN, "rolbypassrls": True}])),
        shaped(replace(AROUND, members=[Membership("owner", "shop", False, True, True)])),
        shaped(schema={**SCHEMA, "column public.a.id": "1 bigint not null"}),
        shaped(schema={**SCHEMA, "version of extension citext": "1.6"}),
        shaped(schema={"table public.a": ""}),
    ],
)
def test_what_is_a_shape_of_its_own(other: Shape) -> None:
    assert other.sha256 != shaped().sha256


@pytest.mark.parametrize(
    "other",
    [
        shaped(version=170009),
        replace(shaped(), size=1 << 40, run_id="another"),
        shaped(replace(AROUND, database={**AROUND.database, "datname": "x", "oid": 7})),
        shaped(replace(AROUND, settings=[settings("other", "search_path=app")])),
        shaped(replace(AROUND, roles=[OF_LOGIN])),
        shaped(replace(AROUND, members=[Membership("owner", "other", True, True, True)])),
        shaped(schema={**SCHEMA, "owner of large objects": "shop 3 77"}),
    ],
)
def test_what_is_no_part_of_a_shape(other: Shape) -> None:
    assert other.sha256 == shaped().sha256


@pytest.mark.parametrize(
    ("name", "of_shop", "of_store", "alike"),
    [
        ("owner of table public.a", "shop", "store", True),
        ("owner of table public.a", "shop", "postgres", False),
        ("privileges of table public.a", "ro=SELECT, shop=INSERT", "ro=SELECT, store=INSERT", True),
        ("privileges of table public.a", "ro=SELECT", "store=SELECT", False),
        ("privileges of table public.a", "shop_ro=SELECT", "store_ro=SELECT", False),
        ('privileges of table public."shop"', "shop=SELECT", "store=SELECT", True),
        ("column public.a.by", "default 'shop'::text", "default 'store'::text", False),
        ("function public.f()", "SELECT 'shop'", "SELECT 'store'", False),
    ],
)
def test_the_login_is_one_role_wherever_roles_are_named(
    name: str, of_shop: str, of_store: str, alike: bool
) -> None:
    store = replace(AROUND, login="store", roles=[{**OF_LOGIN, "rolname": "store"}])
    one = shaped(schema={**SCHEMA, name: of_shop})
    other = shaped(store, schema={**SCHEMA, name: of_store})
    assert (one.sha256 == other.sha256) is alike


def test_default_privileges_name_the_login_too() -> None:
    store = replace(AROUND, login="store", roles=[{**OF_LOGIN, "rolname": "store"}])
    pair = [
        shaped(around, schema={f"default privileges of {around.login} on r": "ro=SELECT"})
        for around in (AROUND, store)
    ]
    assert pair[0].sha256 == pair[1].sha256
    assert list(pair[0].schema) == [f"default privileges of {LOGIN} on r"]


def test_a_login_that_has_to_be_quoted_keeps_its_name() -> None:
    odd = replace(AROUND, login="a.b", roles=[{**OF_LOGIN, "rolname": "a.b"}])
    told = {"privileges of table public.a": '"a.b"=SELECT, axb=SELECT'}
    assert shaped(odd, schema=told).schema == told


def test_the_record_is_read_as_it_was_written() -> None:
    assert read(Shape, plain(shaped()), file="shape.json").sha256 == shaped().sha256


# --- a fleet --------------------------------------------------------------------------------------


def of(**schema: str) -> Shape:
    return Shape(
        "run",
        1,
        {"encoding": "UTF8"},
        {name.replace("__", " "): text for name, text in schema.items()},
    )


def test_the_shape_of_most_databases_comes_first() -> None:
    common, odd = of(table__a="x"), of(table__a="y", table__b="z")
    found = shapes({"db3": common, "db1": odd, "db2": common}, rehearsed_on=["db2"])
    assert [(one.name, one.hosts, one.rehearsed_on) for one in found] == [
        ("A", ["db2", "db3"], ["db2"]),
        ("B", ["db1"], []),
    ]
    assert (found[0].differing, found[0].differences) == (0, [])
    assert [(one.name, one.kind) for one in found[1].differences] == [
        ("table a", "different"),
        ("table b", "extra"),
    ]


def test_the_order_is_that_of_the_hosts_where_there_are_as_many_of_each() -> None:
    many = {f"db{number:02}": of(table__a=str(number)) for number in range(30)}
    found = shapes(many, rehearsed_on=[])
    assert [one.hosts for one in found] == [[host] for host in sorted(many)]
    assert [one.name for one in found][24:28] == ["Y", "Z", "AA", "AB"]


def test_a_setting_is_named_among_the_objects() -> None:
    other = replace(shaped(), settings={**shaped().settings, "encoding": "LATIN1"})
    assert [(one.name, one.kind) for one in differences(shaped().parts, other.parts)] == [
        ("setting encoding", "different")
    ]


def test_parts_of_what_is_missing_as_a_whole_are_not_named() -> None:
    part = {"column public.b.id": "1 integer", "owner of table public.b": "other"}
    whole = shaped(schema={**SCHEMA, "table public.b": "", **part})
    assert [(one.name, one.kind) for one in differences(whole.parts, shaped().parts)] == [
        ("table public.b", "missing")
    ]


def summary(tmp_path: Path, schemas: Sequence[Mapping[str, str] | None]) -> FleetRecord:
    members = [
        Member(
            f"db{number}",
            write_run(
                tmp_path,
                run_id=f"20260131T120000Z-{number:06x}",
                host=f"db{number}",
                schema=schema,
            ),
        )
        for number, schema in enumerate(schemas, 1)
    ]
    place = Place(tmp_path, "sandbox", "20260131T115900Z-fedcba")
    record = fleet.collected(members, place, started_at=NOW, now=NOW)
    fleet.write(record, place.path)
    return record


def test_the_summary_has_the_matrix(tmp_path: Path) -> None:
    other = {**SCHEMA, "table public.b": "", "column public.a.id": "1 bigint not null"}
    record = summary(tmp_path, [other, SCHEMA, None, SCHEMA])
    assert [(one.name, one.hosts) for one in record.shapes] == [
        ("A", ["db2", "db4"]),
        ("B", ["db1"]),
    ]
    assert record.unmeasured == ("db3",)
    assert "  databases are of 2 shapes: A on db2, db4; B on db1" in fleet.table(
        record, summary="x"
    )
    folder = tmp_path / "sandbox" / "fleets" / record.fleet_id
    page = (folder / "fleet.md").read_text()
    assert "| `column public.a.id` |  |  | B |" in page
    assert "| `table public.b` |  | B |  |" in page
    assert "Not measured: db3." in page
    html = (folder / "fleet.html").read_text()
    assert '<h2 id="shapes">Shapes</h2>' in html
    assert "What is not as in shape A." in html


def test_where_all_are_of_one_shape_no_line_says_so(tmp_path: Path) -> None:
    record = summary(tmp_path, [SCHEMA, SCHEMA])
    assert [one.hosts for one in record.shapes] == [["db1", "db2"]]
    assert not [line for line in fleet.table(record, summary="x") if "shapes" in line]


def test_names_of_objects_are_inert(tmp_path: Path) -> None:
    record = summary(tmp_path, [SCHEMA, {f"table {EVIL}": ""}])
    folder = tmp_path / "sandbox" / "fleets" / record.fleet_id
    html, page = ((folder / f"fleet.{kind}").read_text() for kind in ("html", "md"))
    assert "<script" not in html
    # In Markdown between more backticks than the name has.
    (row,) = (line for line in page.splitlines() if "<script" in line)
    assert row.startswith("| ```` table ")
    assert "\x1b" not in html + page


def test_a_record_that_was_changed_says_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path, run_id="20260131T120000Z-000001", schema=SCHEMA)
    file = run / "shape.json"
    file.write_text(file.read_text().replace("integer", "bigint"))
    place = Place(tmp_path, "sandbox", "20260131T115900Z-fedcba")
    record = fleet.collected([Member("db1", run)], place, started_at=NOW, now=NOW)
    assert (record.shapes, record.unmeasured) == ((), ("db1",))
