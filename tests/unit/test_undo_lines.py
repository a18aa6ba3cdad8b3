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
        "drops trigger public.stays.guard",
        "drops function public.guard()",
        "drops column public.stays.extra",
        "drops table public.child, with 2 columns, 1 constraint",
        'drops table public."Mixed Case", with 1 column',
        "drops table public.parent, with 2 columns, 1 constraint",
        # Named by no statement: of something that was removed.
        "drops index public.child_pkey",
        "changes table public.parent_of_all",
    ]


def test_a_table_that_stays_takes_nothing_along() -> None:
    changes = ["column public.t.a", "table public.t"]
    assert change_lines(changes, ["column public.t.a"], []) == [
        "drops column public.t.a",
        "changes table public.t",
    ]


def test_what_stays_is_told_with_what_becomes_of_it() -> None:
    """A column whose NOT NULL is taken back is not dropped."""
    became = {
        "column public.t.a": ("2 text not null", "2 text"),
        "column public.t.b": (None, "3 integer"),
        "constraint public.t.c": ("check (a)", "check (b)"),
        "function public.f()": ("x" * 500, "y"),
    }
    assert change_lines(sorted(became), [], [], became) == [
        "changes column public.t.a: text not null becomes text",
        "makes column public.t.b again: integer",
        "changes constraint public.t.c: check (a) becomes check (b)",
        "changes function public.f()",
    ]


def test_what_has_no_meaning_is_named_and_not_without_end() -> None:
    said = "not as before, without a meaning for rows, constraints and rights: "
    assert (
        without_meaning(["order of columns of public.t"]) == f"{said}order of columns of public.t"
    )
    assert without_meaning([f"{n}" for n in range(25)]).endswith("18, 19, and 5 more")
