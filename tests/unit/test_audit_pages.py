"""The report of an audit: inert whatever the database says; the lines and the last one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from gonogo.contract.records.audit import AuditRecord, AuditWaiver, Change
from gonogo.contract.records.reading import read
from gonogo.controller import audit
from gonogo.controller.audit import Shelf
from tests.unit.test_audit_changes import check
from tests.unit.test_report import EVIL, Tags

AUDIT_ID = "20260131T020000Z-0a1b2c"


def record(text: str = "fine", audit_id: str = AUDIT_ID) -> AuditRecord:
    waiver = AuditWaiver(
        subject="D5", owner=text, reason=text, expires="2026-02-10", days_left=10, failed=("D5.1",)
    )
    return AuditRecord(
        format=1,
        audit_id=audit_id,
        environment="staging",
        host=text,
        database=text,
        system_identifier="7",
        database_oid=1,
        runbook="derived",
        runbook_sha256="ab" * 32,
        profile="target",
        started_at="2026-01-31T02:00:00Z",
        finished_at="2026-01-31T02:00:01Z",
        last=None,
        baseline=audit_id,
        facts={},
        checks=(check("fail", text, observed=text), check("inconclusive", check_id="D7.1")),
        changes=(Change("new", "D5.1", text, text), Change("worse", "D7.1", None, text)),
        waivers=(waiver, replace(waiver, subject="D7", days_left=-1, failed=())),
        notes=(text,),
        problems=(text,),
    )


def test_nothing_in_the_pages_acts(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "staging", "db1", "derived", "target")
    written = audit.write(record(EVIL), shelf, titles={"D5.1": (EVIL, EVIL)}, sql={"01": "SELECT"})
    page, text = ((written / name).read_text() for name in ("audit.html", "audit.md"))
    tags = Tags()
    tags.feed(page)
    assert {"script", "img"} & {*tags.tags} == set()
    assert {"svg", "circle"} <= {*tags.tags}
    assert [name for name, _ in tags.attributes if name.startswith("on") or name == "style"] == []
    assert "default-src 'none'; style-src 'sha256-" in tags.policy
    assert "\x1b" not in page + text


def test_changes_come_first_by_their_kind_and_lead_to_the_check(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "staging", "db1", "derived", "target")
    gone = Change("gone", "D9.9", "a key", "the check is not asked any more")
    changed = replace(record(), changes=(*record().changes, gone))
    titles = {"D5.1": ("Title of D5.1", "Mend it.")}
    page = (audit.write(changed, shelf, titles=titles, sql={}) / "audit.html").read_text()
    places = [page.index(f' id="{name}"') for name in ("new", "worse", "gone", "checks", "waivers")]
    assert places == sorted(places)
    assert 'id="better"' not in page
    assert page.count('href="#check-D5.1"') == page.count('id="check-D5.1"') == 1
    # Nothing is known of what is not asked any more.
    assert "#check-D9.9" not in page
    assert page.count("Title of D5.1") == 2
    assert page.count("Mend it.") == 1


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "staging", "db1", "derived", "target")
    first, second = record(), record(audit_id="20260201T020000Z-0a1b2c")
    for one in (first, second):
        written = audit.write(one, shelf, titles={}, sql={})
    said = json.loads((written / "audit.json").read_text())
    assert read(AuditRecord, said, file="audit.json") == second == audit.record(written)
    again = Shelf(tmp_path, "staging", "db1", "derived", "target")
    assert list(again.newest) == [second, first]
    assert again.find(AUDIT_ID) == first
    # One that was changed into something else is none.
    (written / "audit.json").write_text("{}")
    assert list(replace(again).newest) == [first]


def test_a_line_a_change() -> None:
    said = audit.lines(record())
    assert said[:2] == [
        "new     fine  fine  D5.1  fine",
        "worse   fine  fine  D7.1  fine",
    ]
    assert said[2:] == [
        "fine",
        "not asked: fine",
        "waiver expires on 2026-02-10: D5 (fine)",
        "waiver expired on 2026-02-10: D7 (fine)",
        "waiver matches nothing that fails: D7 (fine)",
    ]
    titles = {"D5.1": "No row refers to what is not there", "D9.9": "Another"}
    assert audit.lines(record(), titles)[2] == "D5.1 asks: No row refers to what is not there"
    assert all(len(line) <= 300 and "\x1b" not in line for line in audit.lines(record(EVIL)))


def test_the_last_line_counts_all_hosts() -> None:
    assert audit.last_line([record(), record()], not_audited=1) == (
        "gonogo-audit: audited=2 not_audited=1 new=2 worse=2 better=0 gone=0 failing=2 unknown=2"
    )
