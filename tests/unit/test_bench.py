"""Ratios of what was measured, and how they are shown. Nothing is measured here."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from tools.bench import __main__ as command
from tools.bench import byhand, page, plot, product
from tools.bench.figures import (
    Bar,
    Catalog,
    Comparison,
    Cost,
    Figures,
    Observation,
    Pair,
    Proof,
    bars,
    catalog_bar,
    medians,
    shares,
)

PROOF = Proof(
    name="text",
    database_bytes=1_000_000_000,
    limited=True,
    parts=[{"dump": 4.0, "restore": 5.0}, {"dump": 5.0, "restore": 7.0}],
    start=[0.6, 1.8],
    custom=[12.0, 16.0],
    plain=[3.0, 3.0],
)
HAND = Cost(wall=2.0, controller=0.2, target=0.3, server=0.5)
CATALOGS = [
    Catalog(tables=100, rows=16_000, seconds=0.5, reading=0.1),
    Catalog(tables=1_000, rows=90_000, seconds=0.6, reading=0.5),
    Catalog(tables=10_000, rows=900_000, seconds=1.2, reading=4.0),
]
SEEN = Observation(
    wall=6.0,
    modules=3.0,
    calls=5,
    log_in=0.2,
    round_trip=0.02,
    database=1.0,
    sessions=6,
    connect=0.01,
    reading_back=0.3,
)


def product_cost(wall: float, cpu: float = 3.0) -> Cost:
    return Cost(wall=wall, controller=cpu - 1.0, target=0.6, server=0.4)


def comparison(*walls: float, limit: float = 4.0, name: str = "tiny") -> Comparison:
    return Comparison(
        name=name,
        database_bytes=13_000_000,
        pairs=[Pair(product_cost(wall), HAND) for wall in walls],
        stages={"input": 0.2, "backup": 1.0, "copy_sql": 0.3, "phases": 2.0, product.AROUND: 1.0},
        steps=dict(zip(byhand.STEPS, (0.5, 0.1, 1.4), strict=True)),
        limit=limit,
    )


def figures() -> Figures:
    return Figures(
        comparisons=[comparison(6, 7, 8), comparison(3, limit=1.25, name="big")],
        shares={"tiny": shares(SEEN)},
        catalogs=CATALOGS,
        machine={"Processor": "2 x something"},
        proofs=[PROOF, replace(PROOF, name="big", limited=False)],
    )


def test_proof_is_held_against_both_dumps() -> None:
    custom, plain = PROOF.bars
    assert (custom.measured, custom.limit, custom.holds) == (0.75, 1.0, True)
    assert (plain.measured, plain.limit, plain.holds) == (3.5, 3.0, False)


def test_proof_without_limits_is_told_all_the_same() -> None:
    assert not replace(PROOF, limited=False).bars
    assert page.render(figures()).count("| 3.00 to 3.00 | 3.50x | 3.90x |") == 2


def test_ratio_is_the_median_of_neighbours() -> None:
    # A machine that is three times as slow for a while slows both sides of a pair.
    slow = Pair(product_cost(24), Cost(wall=6, controller=1, target=1, server=1))
    found = Comparison("tiny", 0, [*comparison(6, 10).pairs, slow], {}, {}, 4.0)
    assert found.ratio == 4.0
    assert found.product.wall == 10
    assert found.hand.wall == 2.0


def test_ratio_of_cpu_time() -> None:
    pairs = [Pair(product_cost(9, cpu), HAND) for cpu in (4.0, 2.0, 3.0)]
    assert Comparison("tiny", 0, pairs, {}, {}, 4.0).cpu_ratio == pytest.approx(3.0)


def test_median_is_taken_place_by_place() -> None:
    costs = [Cost(1, 9, 2, 8), Cost(2, 8, 3, 9), Cost(3, 7, 1, 7)]
    found = Comparison("x", 0, [Pair(cost, cost) for cost in costs], {}, {}, 1.0)
    assert found.product == Cost(2, 8, 2, 8)


@pytest.mark.parametrize(("wall", "holds"), [(7.9, True), (8.0, True), (8.1, False)])
def test_limit_may_be_reached(wall: float, holds: bool) -> None:
    assert comparison(wall).bar.holds is holds


def test_catalog_may_take_three_times_as_long_and_be_read_once() -> None:
    found = catalog_bar(CATALOGS)
    assert found.measured == pytest.approx(1.2 / 0.5)
    assert found.limit == pytest.approx((3 * 0.5 + 4.0) / 0.5)
    assert found.what == "catalog of 10,000 tables, to 100"


def test_catalog_bar_does_not_ask_for_an_order() -> None:
    assert catalog_bar(CATALOGS[::-1]) == catalog_bar(CATALOGS)


def test_bars_are_those_of_what_was_measured() -> None:
    assert [bar.limit for bar in bars(figures())][:2] == [4.0, 1.25]
    assert len(bars(figures())) == 5
    assert bars(Figures([], {}, CATALOGS[:1], {})) == []


def test_shares_add_up_to_the_whole() -> None:
    found = shares(SEEN)
    assert sum(found.values()) == pytest.approx(SEEN.wall)
    assert found["SSH"] == pytest.approx(0.2 + 5 * 0.02)
    assert found["PostgreSQL"] == pytest.approx(1.0 + 6 * 0.01)
    assert found["Ansible on the controller"] == pytest.approx(6.0 - 3.0 - 0.3)


def test_medians_part_by_part() -> None:
    assert medians([{"a": 1, "b": 9}, {"a": 3, "b": 7}, {"a": 2, "b": 8}]) == {"a": 2, "b": 8}


def test_table_is_markdown() -> None:
    assert page.table(["", "s"], [["a", "1"], ["b", "2"]]).splitlines() == [
        "|  | s |",
        "| --- | ---: |",
        "| a | 1 |",
        "| b | 2 |",
    ]


def test_limits_on_the_terminal() -> None:
    assert page.bar_lines([Bar("one", 1.5, 4.0), Bar("two", 12.0, 9.6)]) == [
        "ok      1.50x, limit 4.00x: one",
        "OVER   12.00x, limit 9.60x: two",
    ]


def test_page_shows_every_part() -> None:
    text = page.render(figures())
    assert "| whole run, tiny database, to by hand | 3.50x | 4.00x | ok |" in text
    assert "| whole run, big database, to by hand | 1.50x | 1.25x | **over** |" in text
    assert "| **tiny, ratio** | **3.50x** | 3.00 to 4.00 | **3.00x** |" in text
    assert "| by hand: pg_dump | 0.50 | 0.50 |" in text
    assert "| SSH | 0.30 | 5% |" in text
    assert "| restore | 6.00 |  |" in text
    assert "| **together** | 10.50 | 9.00 to 12.00 |" in text
    assert "| **with the empty cluster** | 11.70 | 9.60 to 13.80 |" in text
    assert "| proven backup, text database, to pg_dump | 3.50x | 3.00x | **over** |" in text
    assert "| 10,000 | 900,000 | 1.200 | 2.40x | 4.000 |" in text
    assert "| Processor | 2 x something |" in text


def test_tables_of_the_page_have_no_ragged_rows() -> None:
    widths: list[int] = []
    for line in [*page.render(figures()).splitlines(), ""]:
        if line.startswith("|"):
            widths.append(line.count("|"))
        else:
            assert len(set(widths)) <= 1, line
            widths = []


@pytest.mark.parametrize(
    "part",
    [
        Figures([comparison(6)], {"tiny": shares(SEEN)}, [], {}),
        Figures([], {}, CATALOGS, {}),
        Figures([], {}, [], {}, [PROOF]),
        Figures([], {}, CATALOGS[:1], {}),
    ],
)
def test_one_part_can_stand_alone(part: Figures) -> None:
    assert "## Measured on" in page.render(part)
    assert ET.fromstring(plot.draw(part)).tag.endswith("svg")


def test_plot_is_as_wide_as_the_ratios() -> None:
    drawn = ET.fromstring(plot.draw(figures()))
    space = "{http://www.w3.org/2000/svg}"
    boxes = {
        (box.findtext(f"{space}title") or ""): float(box.attrib["width"])
        for box in drawn.iter(f"{space}rect")
    }
    # The titles are those of the last group, whose run takes 1.5 times as long.
    steps = sum(
        boxes[f"{step}: {figures().comparisons[1].steps[step]:.2f} s"] for step in byhand.STEPS
    )
    assert boxes["phases: 2.00 s"] == pytest.approx(2 * boxes["backup: 1.00 s"], abs=0.2)
    assert boxes["phases: 2.00 s"] == pytest.approx(1.5 * steps * 2.0 / 4.5, abs=0.5)
    assert boxes["1.200 s"] == pytest.approx(2 * boxes["0.600 s"], abs=0.2)
    assert all(
        float(box.attrib.get("x", 0)) + float(box.attrib["width"]) <= float(drawn.attrib["width"])
        for box in drawn.iter(f"{space}rect")
    )


def test_plot_escapes_words() -> None:
    drawn = plot.draw(Figures([comparison(6, name="<&'")], {}, [], {}))
    assert "<&', run" in "".join(ET.fromstring(drawn).itertext())


def test_stages_last_from_the_first_task_to_the_last(tmp_path: Path) -> None:
    notes = [
        (100.0, "begin", "backup"),
        (100.2, "end", "backup"),
        (100.3, "begin", "backup"),
        (102.0, "end", "backup"),
        (102.5, "begin", "verdict"),
        (103.0, "end", "verdict"),
    ]
    clock = tmp_path / "clock"
    clock.write_text(
        "".join(
            json.dumps({"at": at, "event": event, "role": role}) + "\n" for at, event, role in notes
        )
    )
    assert product.stages(clock, 4.0) == pytest.approx(
        {"backup": 2.0, "verdict": 0.5, product.AROUND: 1.5}
    )


def test_scripts_of_a_person(tmp_path: Path) -> None:
    sql = tmp_path / "sql"
    sql.mkdir()
    for name in ("00_preflight", "04_invariants", "04_invariants_race_V2.3_a", "99_cleanup"):
        (sql / f"{name}.sql").write_text("")
    (tmp_path / "run.json").write_text('{"cleanup": "99_cleanup"}')
    run = product.Run(HAND, {}, tmp_path)
    assert [file.stem for file in run.scripts()] == ["00_preflight", "04_invariants"]


@pytest.mark.parametrize("arguments", [["--only", "all"], ["--on", "tiny"], ["tiny"]])
def test_unknown_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert hint == 'HINT:  Try "python -m tools.bench --help".'


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without the measuring."""
    monkeypatch.setattr(command, "_measure", lambda _plan, _parts: figures())


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("more", "status"), [([], 0), (["--check"], 1)])
def test_only_a_check_fails(more: list[str], status: int, tmp_path: Path) -> None:
    assert command.main(["--output", str(tmp_path / "docs"), *more]) == status
    names = sorted(file.name for file in (tmp_path / "docs").iterdir())
    assert names == ["benchmarks.md", "benchmarks.svg"]


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("part", [["--quick"], ["--only", "tiny"], ["--only=tiny", "--only=big"]])
def test_a_part_writes_no_file(
    part: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--output", str(tmp_path / "docs"), *part]) == 0
    assert not (tmp_path / "docs").exists()
    assert "OVER" in capsys.readouterr().out.splitlines()[-2]
