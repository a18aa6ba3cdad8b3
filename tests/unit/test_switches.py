"""Which entries only say whether a partition's trigger fires, and their order."""

from __future__ import annotations

from gonogo.host.archive.toc import POST_DATA, PRE_DATA, Entry
from gonogo.host.restore.switches import in_order

CREATE = "CREATE TRIGGER g AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();\n"


def entry(number: int, kind: str, definition: str) -> Entry:
    section = PRE_DATA if kind == "TABLE ATTACH" else POST_DATA
    return Entry(number, kind, "x", "public", "ann", section, definition, ())


def test_a_switch_of_a_partition_comes_behind_that_of_its_parent() -> None:
    found = in_order(
        [
            entry(
                1, "TABLE ATTACH", 'ALTER TABLE ONLY public.t ATTACH PARTITION "My".m DEFAULT;\n'
            ),
            entry(
                2, "TABLE ATTACH", 'ALTER TABLE ONLY "My".m ATTACH PARTITION public."a b" DEFAULT;'
            ),
            entry(3, "TRIGGER", '\nALTER TABLE public."a b" ENABLE ALWAYS TRIGGER g;\n'),
            entry(4, "TRIGGER", '\nALTER TABLE "My".m DISABLE TRIGGER g;\n'),
            entry(5, "TRIGGER", CREATE),
            # Made and switched in one: it needs nothing else.
            entry(6, "TRIGGER", f"{CREATE}\nALTER TABLE public.t DISABLE TRIGGER g;\n"),
            entry(7, "RULE", "ALTER TABLE public.t DISABLE RULE r;"),
        ]
    )
    assert [one.id for one in found] == [4, 3]


def test_partitions_in_a_circle_end_it() -> None:
    """An archive says what somebody has written into it."""
    circle = [
        entry(1, "TABLE ATTACH", "ALTER TABLE ONLY a.b ATTACH PARTITION a.c DEFAULT;"),
        entry(2, "TABLE ATTACH", "ALTER TABLE ONLY a.c ATTACH PARTITION a.b DEFAULT;"),
        entry(3, "TRIGGER", "ALTER TABLE a.b DISABLE TRIGGER g;"),
    ]
    assert [one.id for one in in_order(circle)] == [3]
