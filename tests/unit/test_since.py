"""What was judged and is another at the end of the run is told with its time and its command."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.event import Event
from gonogo.controller.outcome import since

_TRIGGER = "CREATE TRIGGER guard BEFORE DELETE ON public.t FOR EACH ROW EXECUTE FUNCTION public.f()"
_KEPT = {
    "trigger public.t.guard": _TRIGGER,
    "constraint public.t.t_pkey": "PRIMARY KEY (id)",
    "index public.t_key": "CREATE UNIQUE INDEX t_key ON public.t USING btree (a)",
    "function public.f()": "CREATE OR REPLACE FUNCTION public.f()\n RETURNS trigger",
    "column public.t.a": "2 text",
}


def told(*changed: str, kept: Mapping[str, object] = _KEPT) -> GonogoError:
    events = [
        Event(seq=1, at=f"2026-01-31T12:00:0{n}.000000Z", stage="phases", event="wrote",
              data={"file": name}, prev="", hash="")
        for n, name in enumerate(("sql/01.sql", "judged.json", "checks.jsonl"))
    ]  # fmt: skip
    return since.problem(changed, events=events, kept=kept, now="2026-01-31T12:00:09Z")


def test_a_trigger_that_is_gone_has_its_moments_and_its_definition() -> None:
    problem = told("trigger public.t.guard is gone")
    # Nobody has read it later than what is on record before it.
    assert problem.primary == "what was judged has changed since 2026-01-31 12:00:00 UTC"
    assert problem.detail == "trigger public.t.guard is gone; seen at 2026-01-31 12:00:09 UTC"
    assert problem.hint is not None
    assert problem.hint.endswith(f"make it again, and start a new run:\n{_TRIGGER};")


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (
            "constraint public.t.t_pkey is gone",
            "ALTER TABLE public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);",
        ),
        ("unique index public.t_key is gone", f"{_KEPT['index public.t_key']};"),
        ("trigger public.t.guard was changed", f"-- trigger public.t.guard was: {_TRIGGER};"),
        (
            "function public.f() is gone",
            "-- the definition of function public.f() is in schema.json",
        ),
    ],
)
def test_what_makes_it_again(said: str, command: str) -> None:
    assert str(told(said).hint).splitlines()[1:] == [command]


@pytest.mark.parametrize(
    "said", ["column public.t.a is gone", "table public.x is new", "role app was changed"]
)
def test_what_has_no_command_is_told_without(said: str) -> None:
    assert told(said).hint == "Find out who has changed it, then start a new run."


def test_a_name_of_several_lines_is_no_command() -> None:
    name = 'trigger public.t."x\nDROP TABLE public.t; --"'
    assert "DROP" not in str(told(f"{name} is gone", kept={name: _TRIGGER}).hint)


def test_without_a_schema_or_a_time() -> None:
    problem = since.problem(["a is gone"] * 12, events=[], kept={}, now="2026-01-31T12:00:09Z")
    assert problem.primary == "what was judged has changed since the checks began"
    assert "; and 2 more; seen at" in str(problem.detail)
