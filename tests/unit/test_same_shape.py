"""Whose rehearsal a run may go by: what both have sealed is compared when it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.answers import DeployAnswer
from gonogo.contract.records.deployment import Limits
from gonogo.contract.records.migration import HistoryPlan, Plan, Step
from gonogo.contract.records.reading import plain
from gonogo.contract.records.rehearsal import Reapplied, Rehearsal, RehearsedOn, Reverted
from gonogo.contract.records.shape import Shape
from gonogo.controller.declared.runbook import SqlFile
from gonogo.controller.evidence import Run, load
from gonogo.controller.outcome import same_shape
from gonogo.controller.outcome.rehearsal import lines, trace_lines
from gonogo.controller.outcome.same_shape import Other, Work
from gonogo.controller.runbook import migration
from gonogo.controller.stages.deploy import Deploy
from tests.records import PLAN, RUN, TWIN, check, result
from tests.unit.deployments import deployment

OWN, ITS = "20260131T120000Z-00000a", "20260131T115900Z-00000b"
SCHEMA = {"table public.a": "", "column public.a.id": "1 integer not null"}
SHAPE = {"size": 8 << 20, "settings": {"encoding": "UTF8"}, "schema": SCHEMA}
LIMITS = Limits(hold=10.0, statement=60.0)
HISTORY = {
    "tool": "prisma",
    "schema": "public",
    "directory": "migrations",
    "sha256": "ab" * 32,
    "files": [],
    "entries": [{"name": "1", "state": "applied", "checksum": "x", "details": {"id": "own"}}],
    "pending": ["2"],
}
QUERIES = {"queries": [{"queryid": "1", "text": "SELECT 1"}], "hidden": 0, "reason": None}
RESULT = result("C1.1", phase="07", observed="took 1 s")
SQL = "CREATE UNIQUE INDEX a_id ON public.a (id);\nGRANT SELECT ON public.a TO ro;\n"

# File → what stands in it otherwise; None where it is not there. In `run.json` a host among it.
Changes = Mapping[str, Mapping[str, Any] | None]


def rehearsal(run_id: str) -> dict[str, Any]:
    record = Rehearsal(
        run_id=run_id,
        promoted=False,
        done=True,
        required=True,
        reason=None,
        hint=None,
        backup_sha256=TWIN["backup_sha256"],
        state="absent",
        deployment=deployment(budgets=LIMITS),
        undone=Reverted(1.0, (), 0.0, {}, ()),
        again=Reapplied(1.0),
        unlike_promotion=["table public.a differs"],
        scripts={"01": "ab" * 32},
    )
    return {**plain(record), "checks": [RESULT]}


def written(
    runs: Path, run_id: str, host: str, changes: Changes | None = None, *, passed: bool = True
) -> Run:
    """The evidence of a run up to its rehearsal."""
    target = {**RUN["target"], "inventory_host": host}
    plan = {**PLAN, "stages": ["rehearsal", "deploy"], "checks": [check("C1.1", phase="07")]}
    files: dict[str, dict[str, Any]] = {
        "run.json": {**RUN, "run_id": run_id, "target": target},
        "plan.json": plan,
        "history.json": HISTORY,
        "queries.json": QUERIES,
        "shape.json": {"run_id": run_id, **SHAPE},
        "twin.json": {**TWIN, "run_id": run_id},
        "rehearsal.json": rehearsal(run_id),
        "schema.json": {**SCHEMA, "index public.a_id": "unique"},
    }
    run = Run.create(runs, "sandbox", run_id)
    for name, values in files.items():
        change = (changes or {}).get(name, {})
        if change is not None:
            run.write_json(name, {**values, **change}, stage="rehearsal")
    run.append_lines("checks.jsonl", [RESULT], stage="rehearsal")
    failed = {"message": "the undo leaves a.b", "detail": None, "hint": None}
    if passed:
        run.append("rehearsal", "stage_passed")
    else:
        run.append("rehearsal", "stage_failed", failed)
    return run


def plan_of(folder: Path, text: str = SQL) -> Plan:
    folder.mkdir(exist_ok=True)
    (folder / "m.sql").write_text(text)
    steps: tuple[Step, ...] = migration.steps(folder, [SqlFile("m.sql", None)])
    return Plan(steps, (), HistoryPlan("plain", "public", ()))


def asked(tmp_path: Path, changes: Changes | None = None, **more: Any) -> Other | str:
    own = written(tmp_path, OWN, "db1", more.pop("own", None))
    its = written(tmp_path, ITS, "db2", changes, passed=more.pop("passed", True))
    plan = plan_of(tmp_path)
    undo = more.pop("undo", plan)
    return same_shape.other(Work(own, plan, undo, LIMITS), "db2", its)


def test_what_is_the_same_is_gone_by(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert isinstance(found, Other), found
    by = found.record.by
    assert by is not None
    assert (by.host, by.run_id, by.database) == ("db2", ITS, RUN["target"]["observed"]["database"])
    assert by.shape_sha256 == Run.open(tmp_path / "sandbox" / OWN).read(Shape).sha256
    # An index is unique or is not made; who may read is for no row to say.
    assert by.unproven == ["m.sql:1"]
    assert by.evidence_head == load(tmp_path / "sandbox" / ITS).head
    assert (found.record.run_id, dict(found.record.scripts)) == (OWN, {})
    assert found.schema == {**SCHEMA, "index public.a_id": "unique"}
    (told,) = found.only["07"]
    assert told.observed == "on db2 (same shape): took 1 s"


def test_who_is_asked_to_approve_is_told_whose_rehearsal_it_is(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert isinstance(found, Other)
    told = f"Rehearsed on db2 (same shape), run {ITS}, and on no copy of this database."
    assert lines(found.record) == [told]
    assert trace_lines(found.record)[0] == told


def test_without_an_undo_none_need_have_been_tried(tmp_path: Path) -> None:
    none = {"rehearsal.json": {"undone": None, "again": None}}
    assert isinstance(asked(tmp_path, none, undo=None), Other)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"shape.json": None}, "the shape of db2 was not measured"),
        (
            {"shape.json": {"schema": {**SCHEMA, "table public.b": ""}}},
            "not of the shape of db2: table public.b is missing here",
        ),
        (
            {"shape.json": {"schema": {**SCHEMA, "column public.a.id": "1 bigint"}}},
            "not of the shape of db2: column public.a.id differs",
        ),
        (
            {"shape.json": {"settings": {"encoding": "LATIN1"}}},
            "not of the shape of db2: setting encoding differs",
        ),
        ({"run.json": {"controller": {**RUN["controller"], "pid": 7}}}, "the playbook"),
        ({"run.json": {"runbook_sha256": "cd" * 32}}, "the runbook"),
        ({"run.json": {"profile": "as_deployed"}}, "the profile"),
        ({"run.json": {"parameters": {"a": 1}}}, "the parameters"),
        ({"run.json": {"digests": {**RUN["digests"], "project": {"a": "b"}}}}, "this project"),
        ({"run.json": {"target": RUN["target"]}}, "the run of db2 is another one"),
        ({"plan.json": {"scoring": []}}, "what is asked"),
        ({"history.json": {"pending": ["2", "3"]}}, "the record of the migration tool"),
        ({"history.json": {"entries": []}}, "the record of the migration tool"),
        ({"queries.json": {"queries": []}}, "the application's queries"),
        ({"queries.json": None}, "the application's queries"),
        ({"rehearsal.json": None}, "db2 has no rehearsal to go by"),
        (
            {"rehearsal.json": {"done": None, "reason": "no room"}},
            "db2 could not rehearse: no room",
        ),
        ({"twin.json": {"proven": None}}, "the backup of db2 is not proven"),
        ({"twin.json": {"backup_sha256": "ef" * 32}}, "the backup of db2 is not proven"),
        ({"rehearsal.json": {"state": "applied"}}, "was not applied to the copy of db2"),
        ({"rehearsal.json": {"deployment": None}}, "was not applied to the copy of db2"),
        ({"rehearsal.json": {"undone": None}}, "was not taken back on the copy of db2"),
        ({"rehearsal.json": {"again": None}}, "was not taken back on the copy of db2"),
        ({"rehearsal.json": {"rows_changed": {"public.a": [1, 1]}}}, "has changed rows"),
        ({"rehearsal.json": {"rows_removed": {"public.a": [1, "5"]}}}, "has changed rows"),
        (
            {"rehearsal.json": {"deployment": plain(deployment(budgets=Limits(1.0, 60.0)))}},
            "other budgets",
        ),
        (
            {
                "rehearsal.json": {
                    "by": plain(RehearsedOn("db3", "x", 1, ITS, "a", "b", "c", unproven=()))
                }
            },
            "db2 has gone by another rehearsal itself",
        ),
    ],
)
def test_who_is_not_the_same_rehearses_by_itself(
    tmp_path: Path, changes: Changes, why: str
) -> None:
    found = asked(tmp_path, changes)
    assert isinstance(found, str)
    assert why in found


@pytest.mark.parametrize("file", ["rehearsal.json", "shape.json", "run.json", "schema.json"])
def test_evidence_that_was_changed_is_not_gone_by(tmp_path: Path, file: str) -> None:
    own, its = written(tmp_path, OWN, "db1"), written(tmp_path, ITS, "db2")
    path = its.path / file
    path.write_text(path.read_text().replace("public.a", "public.b").replace("sandbox", "other"))
    plan = plan_of(tmp_path)
    found = same_shape.other(Work(own, plan, plan, LIMITS), "db2", its)
    assert isinstance(found, str)
    assert "damaged" in found


@pytest.mark.parametrize(
    ("changes", "passed", "why"),
    [
        (
            {"rehearsal.json": {"problem": {"step": "undo", "severity": "no_go", "message": "x"}}},
            False,
            "rehearsal: tried on a copy: x",
        ),
        ({"rehearsal.json": {"checks": [result("C1.1", "fail")]}}, False, "C1.1: tried on a copy"),
        ({}, False, "the undo leaves a.b"),
    ],
)
def test_behind_a_rehearsal_that_has_failed_nobody_goes_on(
    tmp_path: Path, changes: Changes, why: str, *, passed: bool
) -> None:
    with pytest.raises(GonogoError) as caught:
        asked(tmp_path, changes, passed=passed)
    assert f"the rehearsal on db2 (same shape), run {ITS}, is none to go by" in str(caught.value)
    assert why in caught.value.render()


def test_what_a_waiver_of_this_host_accepts_has_not_failed(tmp_path: Path) -> None:
    waiver = {"check": "C1.1", "owner": "Ada", "reason": "known", "expires": "2999-01-01"}
    own = {"plan.json": {"waivers": [waiver], "checks": [check("C1.1", phase="07", effect="hold")]}}
    its = {
        "plan.json": {"checks": [check("C1.1", phase="07", effect="hold")]},
        "rehearsal.json": {"checks": [result("C1.1", "fail")]},
    }
    with pytest.raises(GonogoError):
        asked(tmp_path / "counts", its, own=own)
    own["plan.json"]["scoring"], its["plan.json"]["scoring"] = [], []
    assert isinstance(asked(tmp_path / "accepted", its, own=own), Other)


@pytest.mark.parametrize(
    ("text", "changes", "why"),
    [
        (SQL, {}, None),
        ("GRANT SELECT ON public.a TO ro;\nDELETE FROM public.a;\n", {}, "m.sql:2 may change rows"),
        (SQL, {"shape.json": None}, "its shape was not measured"),
        (
            SQL,
            {"shape.json": {"schema": {"event trigger audit": "ddl_command_end f() O"}}},
            "it has event triggers",
        ),
        (
            SQL,
            {
                "run.json": {
                    "migrations": {
                        "directory": "m",
                        "tool": "command",
                        "schema": "public",
                        "command": ["npm", "run", "migrate"],
                    }
                }
            },
            "the migration tool's own command",
        ),
    ],
)
def test_what_only_the_database_itself_can_show(
    tmp_path: Path, text: str, changes: Changes, why: str | None
) -> None:
    run = written(tmp_path, OWN, "db1", changes)
    found = same_shape.only_by_itself(run, plan_of(tmp_path, text))
    assert (found or "").startswith(why or "")
    assert (found is None) is (why is None)


def test_the_digest_is_that_of_all_statements(tmp_path: Path) -> None:
    one, other = plan_of(tmp_path), plan_of(tmp_path, SQL + "COMMENT ON TABLE a IS 'x';")
    digest = same_shape.statements_sha256
    assert len({digest(one, None), digest(one, one), digest(other, None), digest(one, other)}) == 4
    assert digest(one, other) == digest(plan_of(tmp_path), other)


# --- at the deployment ----------------------------------------------------------------------------

Require = Callable[[Run, DeployAnswer], None]


def gone_by(tmp_path: Path, now: Mapping[str, str]) -> None:
    by = RehearsedOn("db2", "x", 1, ITS, "a", "b", "c", unproven=())
    run = written(tmp_path, OWN, "db1", {"rehearsal.json": {"by": plain(by)}})
    require: Require = Deploy._require_rehearsed
    require(
        run,
        DeployAnswer(
            changed=False, deployment=deployment(), catalog_before=now, catalog_after=None
        ),
    )


def test_the_schema_is_still_the_one_that_was_rehearsed(tmp_path: Path) -> None:
    gone_by(tmp_path, SCHEMA)


def test_a_schema_that_was_changed_since_is_not_deployed_to(tmp_path: Path) -> None:
    with pytest.raises(GonogoError) as caught:
        gone_by(tmp_path, {**SCHEMA, "column public.a.more": "2 text"})
    assert "not the one any more that was rehearsed on db2" in caught.value.primary
    assert caught.value.detail == "column public.a.more is here only"
