"""What a server says of the shape of its databases: copies are of one, whatever rows they hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gonogo.contract.records.shape import Shape
from gonogo.host.compare.shape import differences
from gonogo.host.compare.source import measured
from gonogo.host.session.connection import connect
from sandbox import logins
from tests.integration.support.harness import Database


def shape_of(database: Database) -> Shape:
    with connect(database.login(), name="gonogo:test:shape") as session:
        return measured(session, run_id="test", size=1)


def test_copies_are_of_one_shape_whatever_rows_they_hold(
    make_database: Callable[..., Database],
) -> None:
    one, other = make_database(), make_database()
    with other.owner() as owner:
        owner.execute("SELECT lo_create(0)")
    with one.owner() as owner:
        owner.execute("SELECT lo_create(0), lo_create(0)")
    assert differences(shape_of(one).parts, shape_of(other).parts) == []
    assert shape_of(one).sha256 == shape_of(other).sha256


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("CREATE TABLE public.one_more (id integer)", "table public.one_more"),
        ("ALTER TABLE public.users ADD COLUMN one_more integer", "column public.users.one_more"),
        (
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 7000', "
            "current_database()); END $$",
            "setting statement_timeout of the database",
        ),
        (
            f"DO $$ BEGIN EXECUTE format('ALTER ROLE {logins.OWNER} IN DATABASE %I SET "
            "search_path = nowhere', current_database()); END $$",
            "setting search_path of the login in this database",
        ),
    ],
)
def test_what_is_another_shape_is_named(
    make_database: Callable[..., Database], change: str, named: str
) -> None:
    one, other = make_database(), make_database()
    with other.admin() as admin:
        admin.execute(change)
    found = [part.name for part in differences(shape_of(one).parts, shape_of(other).parts)]
    assert named in found
