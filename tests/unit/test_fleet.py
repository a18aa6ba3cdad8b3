"""One summary of many hosts: complete, worst first, inert, and never longer than a screen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gonogo.contract.records.fleet import FleetRecord
from gonogo.contract.records.reading import read
from gonogo.controller import fleet
from gonogo.controller.fleet import Member, Place
from gonogo.controller.request import waivers
from tests.unit.test_report import EVIL, Tags, write_run

NOW = datetime(2026, 1, 31, 13, tzinfo=UTC)
FLEET_ID = "20260131T115900Z-fedcba"
WAIVER = {
    "check": "C1.1",
    "owner": "Dewi",
    "reason": "until the index is there",
    "expires": "2026-02-10",
    "hosts": ["db*"],
}


def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "sandbox", FLEET_ID)


def run_id(number: int) -> str:
    return f"20260131T120000Z-{number:06x}"


def member(tmp_path: Path, number: int, *, status: str = "pass", text: str = "fine") -> Member:
    host = f"db{number}"
    run = write_run(tmp_path, run_id=run_id(number), host=host, status=status, text=text)
    return Member(host, run)


def summary(tmp_path: Path, *members: Member) -> FleetRecord:
    return fleet.collected(members, place(tmp_path), started_at=NOW, now=NOW)


def test_the_worst_comes_first_and_every_host_is_told(tmp_path: Path) -> None:
    record = summary(
        tmp_path,
        member(tmp_path, 1),
        Member("db2", cause="unreachable: no route to host", database="app"),
        member(tmp_path, 3, status="inconclusive"),
        member(tmp_path, 4, status="fail"),
    )
    told = [(host.host, host.verdict) for host in record.hosts]
    assert told == [("db4", "NO-GO"), ("db3", "HOLD"), ("db2", "not judged"), ("db1", "GO")]
    assert (record.verdict, vars(record.counts)) == (
        "NO-GO",
        {"go": 1, "up_to_date": 0, "hold": 1, "no_go": 1, "not_judged": 1},
    )
    worst, unknown = record.hosts[0], record.hosts[2]
    assert worst.reason is not None
    assert worst.reason.startswith("C1.1: ")
    assert (worst.directory, worst.run_id) == (f"../../{run_id(4)}", run_id(4))
    assert re.fullmatch("[0-9a-f]{64}", worst.evidence_head or "")
    assert (worst.score, worst.database, worst.environment) == (
        read(type(worst.score), {"passed": 0, "of": 2}, file="score"),
        "fine",
        "sandbox",
    )
    assert (unknown.reason, unknown.database) == ("unreachable: no route to host", "app")
    # From the start of the run to its verdict.
    assert record.hosts[3].seconds == 60.0


def test_a_host_that_was_done_before_says_by_which_run(tmp_path: Path) -> None:
    earlier = member(tmp_path, 1)
    record = summary(tmp_path, replace(earlier, done=True), member(tmp_path, 2))
    done, judged = record.hosts
    assert (done.verdict, done.run_id) == ("GO", run_id(1))
    assert done.reason == f"done before, by run {run_id(1)}"
    assert judged.reason is None
    assert record.counts.go == 2


@pytest.mark.parametrize(
    ("status", "verdict"), [("fail", "NO-GO"), ("inconclusive", "HOLD"), ("pass", "GO")]
)
def test_the_verdict_is_the_worst(tmp_path: Path, status: str, verdict: str) -> None:
    both = (member(tmp_path, 1), member(tmp_path, 2, status=status))
    assert summary(tmp_path, *both).verdict == verdict


def test_a_host_that_was_not_judged_is_no_go_of_all(tmp_path: Path) -> None:
    record = summary(tmp_path, member(tmp_path, 1), Member("db2"))
    assert record.verdict == "HOLD"
    assert record.hosts[0].reason == "no verdict was reached"


def test_what_is_written_is_the_record(tmp_path: Path) -> None:
    record = summary(tmp_path, member(tmp_path, 1, status="fail"), member(tmp_path, 2))
    directory = place(tmp_path).path
    fleet.write(record, directory)
    assert sorted(path.name for path in directory.iterdir()) == [
        *("fleet.html", "fleet.json", "fleet.md", "junit.xml")
    ]
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700
    said = json.loads((directory / "fleet.json").read_text())
    assert said["format"] == 1
    assert read(FleetRecord, said, file="fleet.json") == record
    page = (directory / "fleet.html").read_text()
    for host in record.hosts:
        (link,) = re.findall(f'<a href="([^"]+)/report.html">{host.host}</a>', page)
        assert (directory / link).resolve() == (tmp_path / "sandbox" / str(host.run_id)).resolve()


def test_the_counts_lead_to_the_first_host_of_each_verdict(tmp_path: Path) -> None:
    record = summary(
        tmp_path,
        *(member(tmp_path, number, status="fail") for number in (1, 2)),
        Member("db3", cause="unreachable: no route to host"),
        member(tmp_path, 4),
    )
    fleet.write(record, place(tmp_path).path)
    page = (place(tmp_path).path / "fleet.html").read_text()
    told = re.findall(r'href="#([a-z-]+)" title="([^"]+)"', page)
    assert told == [
        ("no-go", "2 of 4 hosts: NO-GO"),
        ("not-judged", "1 of 4 hosts: not judged"),
        ("go", "1 of 4 hosts: GO"),
    ]
    rows = re.findall(r'<th scope="row" role="rowheader"(?: id="([a-z-]+)")?>(.*?)</th>', page)
    hosts = [(anchor, re.sub("<.*?>", "", text)) for anchor, text in rows]
    assert hosts == [("no-go", "db1"), ("", "db2"), ("not-judged", "db3"), ("go", "db4")]
    assert "unreachable: no route to host" in page


def test_suites_and_classes_name_host_and_database(tmp_path: Path) -> None:
    one = write_run(tmp_path, run_id=run_id(1), host="db1.example", text="app", status="fail")
    record = summary(tmp_path, Member("db1.example", one), Member("db2", cause="unreachable"))
    fleet.write(record, place(tmp_path).path)
    root = ElementTree.fromstring((place(tmp_path).path / "junit.xml").read_text())
    assert [suite.get("name") for suite in root] == ["db1.example app", "db2"]
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["C1.1 app"].get("classname") == "db1_example.app.C1"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "2", "1")
    (error,) = root.findall("testsuite[2]/testcase/error")
    assert error.get("message") == "not judged: unreachable"


@pytest.mark.parametrize("number", [2, 34, 35, 300])
def test_the_terminal_has_room_for_any_number_of_hosts(tmp_path: Path, number: int) -> None:
    known = waivers.listed([{**WAIVER, "reason": f"reason {n}"} for n in range(200)], None)
    members = [
        Member(f"db{n:03}", cause="x" * 500, database=EVIL, waivers=known) for n in range(number)
    ]
    record = summary(tmp_path, *members)
    lines = [
        *fleet.table(record, summary="fleet.md"),
        fleet.last_line(record, file="fleet.json"),
    ]
    assert len(lines) <= 40
    assert max(map(len, lines[:-2])) <= 160
    # No column of the table is the word of a run.
    assert not [line for line in lines if re.match("(GO|HOLD|NO-GO)", line)]
    rows = sum("not judged" in line and "more" not in line for line in lines[:-1])
    left = re.search(r"and (\d+) more not judged", "\n".join(lines))
    assert rows + int(left[1] if left else 0) == number


def test_the_last_line_is_for_programs(tmp_path: Path) -> None:
    record = summary(tmp_path, member(tmp_path, 1), Member("db2"))
    line = fleet.last_line(record, file="runs/a b/fleet.json")
    assert line == (
        f"gonogo: fleet={FLEET_ID} verdict=HOLD go=1 up_to_date=0 hold=0 nogo=0 not_judged=1 "
        "summary=runs/a b/fleet.json"
    )


def test_nobody_knows_what_a_waiver_matches_on_a_host_that_was_not_judged(tmp_path: Path) -> None:
    known = waivers.listed([WAIVER, {**WAIVER, "hosts": ["web1"], "owner": "Rian"}], None)
    record = summary(tmp_path, Member("db1", waivers=known), Member("db2", waivers=known))
    assert [(one.owner, one.unknown, one.matches_nothing) for one in record.waivers] == [
        ("Dewi", ("db1", "db2"), False),
        ("Rian", (), True),
    ]


def test_nothing_in_the_pages_acts(tmp_path: Path) -> None:
    known = waivers.listed([{**WAIVER, "reason": EVIL.replace("\ud800", "")}], None)
    evil = Member(f"h{EVIL}", cause=EVIL, database=EVIL, environment=EVIL, waivers=known)
    record = summary(tmp_path, evil, member(tmp_path, 2, text=EVIL, status="fail"))
    fleet.write(record, place(tmp_path).path)
    text = (place(tmp_path).path / "fleet.html").read_text()
    tags = Tags()
    tags.feed(text)
    assert {"script", "img"} & {*tags.tags} == set()
    assert [name for name, _ in tags.attributes if name.startswith("on")] == []
    page = (place(tmp_path).path / "fleet.md").read_text()
    assert "<script" not in page
    assert "\x1b" not in text + page
    ElementTree.fromstring((place(tmp_path).path / "junit.xml").read_text())


def waived(tmp_path: Path, *given: Mapping[str, object]) -> FleetRecord:
    known = waivers.listed(given, None)
    members = []
    for number, status in ((1, "fail"), (2, "pass")):
        host = f"db{number}"
        words = [one.words for one in waivers.of_host(known, host, ["east"])]
        run = write_run(
            tmp_path, run_id=run_id(number), host=host, status=status, waivers=words, text="fine"
        )
        members.append(Member(host, run, waivers=known, groups=["east"]))
    return summary(tmp_path, *members)


def test_a_waiver_says_where_it_counts(tmp_path: Path) -> None:
    """C1 counts for the score, so a waiver of it is refused where it failed."""
    (of_c1,) = waived(tmp_path, WAIVER).waivers
    assert (of_c1.refused, of_c1.not_needed, of_c1.applied) == (("db1",), ("db2",), ())
    assert (of_c1.days_left, of_c1.matches_nothing) == (10, False)


def test_a_waiver_that_matches_nothing_is_named(tmp_path: Path) -> None:
    elsewhere = {**WAIVER, "hosts": ["web*"], "owner": "Rian", "expires": "2027-01-01"}
    unneeded = {**WAIVER, "check": "C1.2", "hosts": ["east"]}
    record = waived(tmp_path, elsewhere, unneeded)
    by_owner = {one.owner: one for one in record.waivers}
    assert [one.matches_nothing for one in record.waivers] == [True, True]
    assert by_owner["Dewi"].not_needed == ("db1", "db2")
    assert by_owner["Rian"].not_needed == ()
    said = "\n".join(fleet.table(record, summary="x"))
    assert "waivers that match nothing: C1.2 (Dewi), C1.1 (Rian)" in said
    assert "waivers that expire within 14 days: C1.2 2026-02-10 (Dewi)" in said
    fleet.write(record, place(tmp_path).path)
    page = (place(tmp_path).path / "fleet.md").read_text()
    assert "Within 14 days these expire" in page
    assert "These match nothing" in page
