"""The plan of an undo tells what goes in the order it goes."""

from __future__ import annotations

from gonogo.contract.records.migration import Statement, Step
from gonogo.controller.outcome.undo_lines import change_lines, without_meaning

CHANGES = sorted(
    [
        "column public.child.id",
        "column public.child.parent_id",
        "comment on column public.child.id",
        "constraint public.child.child_pkey",
        "index public.child_pkey",
        "owner of table public.child",
        "table public.child",
        "column public.parent.id",
        "column public.parent.name",
        "constraint public.parent.parent_pkey",
        "table public.parent",
        "column public.stays.extra",
        "trigger public.stays.guard",
        "function public.guard()",
        'table public."Mixed Case"',
        'column public."Mixed Case".id',
        "table public.parent_of_all",
    ]
)
UNDO = """DROP TRIGGER guard ON public.stays
DROP FUNCTION public.guard()
ALTER TABLE public.stays DROP COLUMN extra
DROP TABLE public.child
DROP TABLE "public"."Mixed Case"
DROP TABLE public.parent CASCADE""".splitlines()
STEPS = [
    Step(
        "undo.sql",
        transaction=True,
        statements=[
            Statement("undo.sql", 1, 1, text, "", "", "none", (), (), read=True, outside=None)
            for text in UNDO
        ],
    )
]


def test_a_table_comes_before_its_columns_and_where_its_statement_does() -> None:
    removed = {change for change in CHANGES if change != "table public.parent_of_all"}
    assert change_lines(CHANGES, removed, STEPS) == [
        "trigger public.stays.guard",
        "function public.guard()",
        "column public.stays.extra",
        "table public.child, with 2 columns, 1 constraint",
        'table public."Mixed Case", with 1 column',
        "table public.parent, with 2 columns, 1 constraint",
        # Named by no statement: of something that was removed.
        "index public.child_pkey",
        "table public.parent_of_all",
    ]


def test_a_table_that_stays_takes_nothing_along() -> None:
    changes = ["column public.t.a", "table public.t"]
    assert change_lines(changes, ["column public.t.a"], []) == changes


def test_what_has_no_meaning_is_named_and_not_without_end() -> None:
    said = "not as before, without a meaning for rows, constraints and rights: "
    assert (
        without_meaning(["order of columns of public.t"]) == f"{said}order of columns of public.t"
    )
    assert without_meaning([f"{n}" for n in range(25)]).endswith("18, 19, and 5 more")
