"""The derived checks about what a run has seen: each passes, fails, and says what it lacks."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.checks.test_derived import DERIVED, OF_THE_RUN
from tests.integration.support import scripts
from tests.integration.support.harness import Database

BACK = {"files": ["1_a.sql", "2_b.sql"], "by": ["2_b.sql", "1_a.sql"]}
WENT = {**BACK, "seconds": 0.14, "again": 0.26}
NO_FILE = {"files": ["a/migration.sql"], "why": "a/migration.sql: no file takes it back"}
COST = {
    "allowed": {"hold": 10.0, "statement": 600.0},
    "examined": 3,
    "longest": 1.5,
    "held": 0.25,
    "statements": [],
    "slow": [],
}
SLOW = {
    "place": "1_a.sql:4",
    "statement": "ALTER TABLE x",
    "budget": "hold",
    "allowed": 10.0,
    "seconds": 12.5,
}
READ = {
    "place": "1_a.sql:4",
    "statement": "ALTER TABLE x",
    "held": 0.5,
    "rewritten": ["public.x"],
    "scanned": {"public.x": 20_000, "public.y": 30_000, "public.z": 12},
}
RECORD = {
    "tool": "goose",
    "keeps": True,
    "files": 4,
    "before": [],
    "late": [],
    "after": [],
    "keys": [4097083626],
}
UNRECORDED = [{"name": "4_d.sql", "problem": "is not on record"}]
MISSING = [{"name": "9", "problem": "is on record, and not in the folder"}]
LINT = {"program": "squawk 2.70.0", "files": 2, "unread": 0, "findings": []}
FINDING = {"place": "1_a.sql:4", "rule": "require-concurrent-index-creation", "words": "It blocks."}
GOOD: dict[str, Any] = {"back": WENT, "cost": COST, "history": RECORD, "lint": LINT}


def judged(
    database: Database, directory: Path, seen: dict[str, Any], run: scripts.Run = scripts.by_module
) -> dict[str, dict[str, Any]]:
    suite = dataclasses.replace(DERIVED, seen=json.dumps(seen))
    found = run(database, suite.scripts(sorted(OF_THE_RUN), {}), directory)
    assert not found.errors
    assert set(found.checks) == {
        one.id for one in DERIVED.runbook.checks.values() if one.phase in OF_THE_RUN
    }
    return found.checks


@pytest.mark.parametrize("run", [scripts.by_module, scripts.by_psql])
def test_what_went_well(database: Database, tmp_path: Path, run: scripts.Run) -> None:
    checks = judged(database, tmp_path, GOOD, run)
    assert {one["status"] for one in checks.values()} == {"pass"}, checks
    assert checks["D9.1"]["observed"] == (
        "taken back in 0.1 s by 2_b.sql, 1_a.sql, all was as before; applied again in 0.3 s"
    )
    assert checks["D9.1"]["examined"] == 2
    assert checks["D8.2"]["observed"].startswith("at most 1.50 s for a statement, and 0.25 s")
    assert checks["D10.2"]["observed"] == "goose's record is so, of 4 files"


def test_where_nobody_has_looked_nothing_is_said(database: Database, tmp_path: Path) -> None:
    checks = judged(database, tmp_path, {})
    assert checks.pop("D8.4")["observed"].startswith("does not apply: squawk is not installed")
    assert {one["status"] for one in checks.values()} == {"inconclusive"}, checks
    assert checks["D9.1"]["observed"] == "not tried: there was no rehearsal"


# What is said of a run, which checks say of it what, and with which words.
CASES: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "the backup is the way back": (
        {"back": {**NO_FILE, "restore": 12.34}},
        {"D9.1": "pass"},
        "a/migration.sql: no file takes it back; the way back is the backup, which was restored "
        "in 12.3 s and equals its source",
    ),
    "a backup that nobody has restored": (
        {"back": {**NO_FILE, "restore": None}},
        {"D9.1": "inconclusive"},
        "nothing proves that the backup can be restored",
    ),
    "a way back that leads elsewhere": (
        {"back": {**BACK, "problem": {"severity": "no_go", "message": "rows: public.x"}}},
        {"D9.1": "fail"},
        "rows: public.x",
    ),
    "a way back that loses what the backup has": (
        {
            "back": {
                **BACK,
                "problem": {"severity": "no_go", "message": "public.x.a: 5 values before, 0 now"},
                "restore": 12.34,
            }
        },
        {"D9.1": "fail"},
        "public.x.a: 5 values before, 0 now; all of it is in the backup, which was restored in "
        "12.3 s and equals its source",
    ),
    "a column that comes back behind the others": (
        {"back": {**WENT, "immaterial": ["order of columns of public.x", "comment on table y"]}},
        {"D9.1": "pass"},
        "all was as before but, without a meaning for rows, constraints and rights, order of "
        "columns of public.x, comment on table y; applied again in 0.3 s",
    ),
    "a way back that the host has stopped": (
        {"back": {**BACK, "problem": {"severity": "hold", "message": "53100: no room"}}},
        {"D9.1": "inconclusive"},
        "53100: no room",
    ),
    "a way back that was not tried": (
        {"back": {**BACK, "untried": "the migration was partial before"}},
        {"D9.1": "inconclusive"},
        "not tried: the migration was partial before",
    ),
    "over a budget": (
        {"cost": {**COST, "slow": [SLOW]}},
        {"D8.2": "fail"},
        "1_a.sql:4 takes 12.50 s, allowed are 10.0 s: ALTER TABLE x",
    ),
    "large tables read while others wait": (
        {"cost": {**COST, "statements": [READ]}},
        {"D8.3": "fail"},
        "1_a.sql:4 rewrites public.x, 20000 rows, 0.50 s: ALTER TABLE x; "
        "1_a.sql:4 reads all of public.y, 30000 rows, 0.50 s: ALTER TABLE x",
    ),
    "small tables read while others wait": (
        {"cost": {**COST, "statements": [{**READ, "scanned": {"public.x": 9_999}}]}},
        {},
        "",
    ),
    "what squawk finds": (
        {"lint": {**LINT, "unread": 1, "findings": [FINDING]}},
        {"D8.4": "fail"},
        "squawk 2.70.0: 1_a.sql:4 require-concurrent-index-creation: It blocks.; parts of it were",
    ),
    "squawk without an answer": (
        {"lint": {"problem": "squawk gave no answer within 60 s"}},
        {"D8.4": "inconclusive"},
        "squawk gave no answer within 60 s",
    ),
    "no squawk": ({"lint": {}}, {}, ""),
    "an entry without a file": (
        {"history": {**RECORD, "before": MISSING, "after": MISSING}},
        {"D10.1": "fail", "D10.2": "fail"},
        "9 is on record, and not in the folder",
    ),
    "a file without an entry": (
        {"history": {**RECORD, "after": UNRECORDED}},
        {"D10.2": "fail"},
        "4_d.sql is not on record",
    ),
    "nobody has looked afterwards": (
        {"history": {**RECORD, "after": None}},
        {"D10.2": "inconclusive"},
        "nobody has looked",
    ),
    "a file that comes late": (
        {"history": {**RECORD, "late": ["2_b.sql"]}},
        {"D10.3": "fail"},
        "goose applies late, after files that come behind: 2_b.sql",
    ),
    "a runbook's own migration": (
        {
            "history": {
                "keeps": False,
                "files": 0,
                **{key: [] for key in ("before", "late", "after", "keys")},
            }
        },
        {},
        "",
    ),
    "a tool without a lock and a record": (
        {"history": {**RECORD, "tool": "plain SQL", "keeps": False, "keys": []}},
        {},
        "",
    ),
}


@pytest.mark.parametrize("words", CASES)
def test_what_a_run_has_seen_is_said(database: Database, tmp_path: Path, words: str) -> None:
    seen, expected, said = CASES[words]
    checks = judged(database, tmp_path, {**GOOD, **seen})
    found = {name: one["status"] for name, one in checks.items()}
    assert found == {**dict.fromkeys(checks, "pass"), **expected}, checks
    for name in expected:
        assert said in checks[name]["observed"]
        if found[name] == "fail":
            assert checks[name]["samples"]


def test_whoever_has_the_tool_s_lock_is_found(database: Database, tmp_path: Path) -> None:
    # One of more than 32 bits, and the one that has both halves.
    for key in (4097083626, 7241865325823964):
        seen = {**GOOD, "history": {**RECORD, "keys": [key]}}
        with database.owner() as other:
            other.execute("SELECT pg_advisory_lock(%s)", [key])
            found = judged(database, tmp_path, seen)["D10.4"]
            assert found["status"] == "fail", found
            assert found["samples"] == [f"session {other.info.backend_pid}"]
        assert judged(database, tmp_path, seen)["D10.4"]["status"] == "pass"
