"""What the objects of a tool's migration and its record say together."""

from __future__ import annotations

import pytest

from gonogo.contract.records.deployment import ObjectState
from gonogo.host.migrate.history import Entry, Migration
from gonogo.host.migrate.history.interface import APPLIED, FAILED
from gonogo.host.migrate.history.tools.prisma import Prisma
from gonogo.host.migrate.recognise import Recognised
from gonogo.host.migrate.record import with_record
from tests.unit.deployments import object_state

MIGRATION = Migration("m", "m.sql")
THERE, MISSING = {"exists": True, "matches": True}, {"exists": False, "matches": False}


def made(name: str, **more: object) -> ObjectState:
    return object_state(**{"object": name, "expected": True, "conclusive": True, **more})


def state(
    *objects: ObjectState, recorded: str | None = None, kept: bool = True, whole: bool = True
) -> str:
    entries = [Entry("m", recorded)] if recorded else []
    found = Recognised("found", objects)
    migrations = [MIGRATION]
    tool = Prisma("public")
    return with_record(found, tool, migrations, entries if kept else None, whole=whole)


TABLE, GONE = made("table a.b", **THERE), made("table a.b", **MISSING)
COLUMN_GONE = made("column c on a.b", **MISSING)
DROPPED = made("table a.old", expected=False, exists=False, matches=True)
NOT_NULL = made("not null c on a.b", **THERE)
MAYBE = made("index a.i", conclusive=False, **THERE)
REPLACED = made("function a.f()", replaces=True, **THERE)


@pytest.mark.parametrize(
    ("objects", "recorded", "said"),
    [
        # Nothing is made: the record says all.
        ((), None, "absent"),
        ((), APPLIED, "applied"),
        ((DROPPED, NOT_NULL, MAYBE, REPLACED), None, "absent"),
        ((DROPPED,), APPLIED, "applied"),
        # What is made says more than the record.
        ((TABLE,), None, "applied"),
        ((GONE,), APPLIED, "absent"),
        ((TABLE, COLUMN_GONE), APPLIED, "partial"),
        # The server would refuse to make it again.
        ((TABLE, COLUMN_GONE), None, "absent"),
        ((TABLE, COLUMN_GONE), FAILED, "absent"),
    ],
)
def test_objects_and_record(
    objects: tuple[ObjectState, ...], recorded: str | None, said: str
) -> None:
    assert state(*objects, recorded=recorded) == said


def test_what_came_of_several_transactions_may_be_a_part() -> None:
    assert state(TABLE, COLUMN_GONE, whole=False) == "partial"
    assert state(GONE, COLUMN_GONE, whole=False) == "absent"


def test_of_several_the_record_has_all_or_none() -> None:
    found = Recognised("found", ())
    both = [MIGRATION, Migration("n", "n.sql")]
    tool = Prisma("public")
    said = [
        with_record(found, tool, both, [Entry(name, APPLIED) for name in names], whole=True)
        for names in ([], ["m"], ["m", "n"])
    ]
    assert said == ["absent", "partial", "applied"]


def test_without_a_record_only_what_tells_counts() -> None:
    assert state(TABLE, kept=False) == "found"
    assert state(MAYBE, kept=False) == "unknown"
    assert state(kept=False) == "unknown"
