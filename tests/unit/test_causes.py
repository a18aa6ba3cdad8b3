"""Why a run is no GO names the statement that did it, as far as the copy has shown it."""

from __future__ import annotations

from typing import Any

import pytest

from gonogo.contract.records.drift import Deviation, Drift
from gonogo.contract.records.rehearsal import Rehearsal
from gonogo.controller.report.causes import Causes, split_query
from tests.unit.deployments import deployment, inspection, object_state, trace
from tests.unit.test_report_view import line


def lock(relation: str, mode: str, *, existing: bool = True) -> dict[str, Any]:
    return {"relation": relation, "mode": f"{mode}Lock", "existing": existing}


def statement(number: int, text: str, *locks: dict[str, Any], file: str = "m.sql") -> Any:
    return trace(file=file, line=number, statement=text, locks=[*locks], rewritten=[])


STATEMENTS = [
    statement(1, "CREATE TABLE public.n (id int)", lock("public.n", "AccessExclusive", existing=False)),
    statement(2, "ALTER TABLE public.t ADD b int", lock("public.t", "AccessExclusive")),
    statement(3, "UPDATE public.t SET b = 1", lock("public.t", "RowExclusive")),
    statement(4, "CREATE INDEX ON public.t (b)", lock("public.t", "Share")),
    statement(5, "ALTER TABLE public.o RENAME a TO c", lock("public.o", "AccessExclusive")),
    statement(6, "ALTER TABLE public.o ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES public.t NOT VALID"),
    statement(7, "ALTER TABLE public.q DISABLE TRIGGER guard", lock("public.q", "ShareRowExclusive")),
    statement(8, "DROP TABLE public.x CASCADE", lock("public.x", "AccessExclusive"),
              lock("public.v", "AccessExclusive")),
]  # fmt: skip


def rehearsal(**changes: Any) -> Rehearsal:
    made = object_state(object="constraint fk on public.o", line=6, exists=True, matches=True)
    done = deployment(statements=changes.pop("statements", STATEMENTS))
    values: dict[str, Any] = {
        "run_id": "r",
        "promoted": False,
        "done": True,
        "required": False,
        "reason": None,
        "hint": None,
        "backup_sha256": None,
        "deployment": type(done)(**{**vars(done), "after": inspection("applied", made)}),
    }
    return Rehearsal(**{**values, **changes})


def told(*samples: str, observed: str = "", tried: Rehearsal | None = None) -> list[str]:
    found = line("D4.1", samples=samples, observed=observed)
    return [one.partition(" ")[0] for one in Causes(tried or rehearsal()).of(found)]


@pytest.mark.parametrize(
    ("sample", "places"),
    [
        # Rows: what has written them, not what has only changed the table.
        ("public.t", ["m.sql:3"]),
        ("public.t.a", ["m.sql:3"]),
        # Nobody has written rows there.
        ("public.o", ["m.sql:5", "m.sql:6"]),
        # The migration makes it, whoever's rows do not fit.
        ("fk on public.o: id=17", ["m.sql:6"]),
        ("guard on public.q", ["m.sql:7"]),
        # An object that went along with another.
        ("view public.v", ["m.sql:8"]),
        ("public.elsewhere", []),
        ("punchlists.site_id=3", []),
        ("UPDATE on table public.t for app", []),
        ("", []),
    ],
)
def test_a_sample_leads_to_its_statement(sample: str, places: list[str]) -> None:
    assert told(sample) == places


def test_the_text_stands_beside_the_place() -> None:
    assert Causes(rehearsal()).of(line("D4.1", samples=["public.t"])) == [
        "m.sql:3 UPDATE public.t SET b = 1"
    ]


def test_a_query_is_broken_by_what_names_the_missing_column() -> None:
    observed = (
        '1 of 3 queries are not understood any more; q1 (SELECT a): 42703 column "a" does not exist'
    )
    assert told("q1", observed=observed) == ["m.sql:5"]
    assert told("q1", observed=observed.replace('"a"', "o.a")) == ["m.sql:5"]
    assert told("q1", observed=observed.replace("42703", "42501")) == []


def test_what_comes_later_may_have_done_it_too() -> None:
    """A lock that is held already is not in the trace again."""
    later = [*STATEMENTS, statement(9, "DO $$ BEGIN PERFORM f(); END $$"),
             statement(9, "DO $$ BEGIN PERFORM f(); END $$", file="n.sql")]  # fmt: skip
    assert told("public.t", tried=rehearsal(statements=later)) == ["m.sql:3", "m.sql:9"]


def test_three_are_too_many() -> None:
    many = [
        statement(n, "UPDATE public.t SET b = 1", lock("public.t", "RowExclusive"))
        for n in range(1, 5)
    ]
    found = Causes(rehearsal(statements=many)).of(line("D4.1", samples=["public.t"]))
    assert found[2:] == ["2 more"]


def test_what_was_so_before_is_not_the_migrations() -> None:
    view = Deviation("different", "view public.v", "a", "b")
    assert told("view public.v", tried=rehearsal(drift=Drift(before=[view]))) == []


def test_without_a_trace_nothing_is_said() -> None:
    assert Causes().of(line("D4.1", samples=["public.t"])) == []
    tried = rehearsal(deployment=None)
    done = deployment(statements=STATEMENTS)
    assert Causes(tried, done).of(line("D4.1", samples=["public.t"])) != []


def test_the_query_behind_what_was_found() -> None:
    query = "SELECT c.* FROM public.o AS c WHERE c.t IS NOT NULL"
    assert split_query(f"2 of 9 rows; to see the rows: {query}") == ("2 of 9 rows", query)
    assert split_query(f"2 of 9 rows; to see the rows: {query}; 3 cannot be told") == (
        "2 of 9 rows; 3 cannot be told",
        query,
    )
    for other in (
        "2 of 9 rows",
        "x; to see the rows: DROP TABLE t",
        f"x; to see the rows: {query}; DROP TABLE t",
    ):
        assert split_query(other) == (other, "")
