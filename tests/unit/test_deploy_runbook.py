"""What a runbook says of its migration is right before the first connection, or refused."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.budgets import Tolerance, budgets_of, seconds, tolerance_of
from gonogo.contract.errors import InputError
from gonogo.contract.records.deployment import Deployment
from gonogo.contract.records.migration import HistoryPlan
from gonogo.contract.records.reading import plain
from gonogo.controller import runbook
from gonogo.controller.declared.manifest import Manifest
from gonogo.controller.declared.runbook import SqlFile
from gonogo.controller.invocation.commands import Caller
from gonogo.controller.outcome import deployment
from gonogo.controller.reading import yamlfile
from gonogo.controller.request import requested
from gonogo.controller.runbook import migration
from tests.unit.deployments import deployment as record
from tests.unit.deployments import failure, inspection, object_state

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
FIRST = next(RUNBOOKS.glob("20251229010228_*"))
SECOND = next(RUNBOOKS.glob("20260115093000_*"))

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for original in (FIRST, SECOND):
        shutil.copytree(original, tmp_path / original.name)
    return tmp_path


@pytest.fixture(params=[FIRST.name, SECOND.name])
def folder(folders: Path, request: pytest.FixtureRequest) -> Path:
    return folders / str(request.param)


def load(folder: Path, profile: str = "target") -> runbook.Runbook:
    return runbook.load(folder, profile=profile, parameters={})


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    return caught.value.render()


def edit(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text, old
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- migration, undo, prisma -------------------------------------------------------------------


def test_a_file_that_is_no_sql_is_refused_with_its_line(folder: Path) -> None:
    edit(folder, "migration.sql", ";\n", ";\n\\i other.sql\n")
    assert "a backslash outside of quotes" in refusal(folder)


def test_an_undo_is_one_transaction_and_is_not_told_otherwise(folder: Path) -> None:
    """Its shape has no `transaction`."""
    with (folder / "undo.sql").open("a") as file:
        file.write("\nDROP INDEX CONCURRENTLY public.i;\n")
    said = refusal(folder)
    assert "cannot run inside a transaction" in said
    assert "transaction: none" not in said
    assert "DROP INDEX, for example, without CONCURRENTLY" in said


def test_what_needs_no_transaction_must_be_declared(folder: Path) -> None:
    (folder / "extra.sql").write_text("\nCREATE INDEX CONCURRENTLY i ON public.sites (id);\n")
    edit(folder, "runbook.yml", "migration:\n", "migration:\n  - {file: extra.sql}\n")
    said = refusal(folder)
    assert "extra.sql:2: CREATE … CONCURRENTLY cannot run inside a transaction" in said
    assert "transaction: none" in said
    edit(folder, "runbook.yml", "{file: extra.sql}", "{file: extra.sql, transaction: none}")
    assert load(folder)


def test_a_file_without_statements_is_refused(folder: Path) -> None:
    (folder / "extra.sql").write_text("-- later\n")
    edit(folder, "runbook.yml", "migration:\n", "migration:\n  - {file: extra.sql}\n")
    assert "extra.sql holds no statement" in refusal(folder)


def test_an_unqualified_name_is_refused_with_its_line(folder: Path) -> None:
    (folder / "extra.sql").write_text("\n\nCREATE TABLE sites2 (id int);\n")
    edit(folder, "runbook.yml", "migration:\n", "migration:\n  - {file: extra.sql}\n")
    assert "extra.sql:3: 'sites2' is not schema.name" in refusal(folder)


def test_an_undo_is_one_transaction(folder: Path) -> None:
    edit(folder, "runbook.yml", "{file: undo.sql}", "{file: undo.sql, transaction: none}")
    assert "'undo[0].transaction' is not a known key" in refusal(folder)


def test_an_undo_must_be_there(folder: Path) -> None:
    (folder / "undo.sql").unlink()
    assert "file undo.sql does not exist" in refusal(folder)


def test_prisma_knows_a_file_of_the_migration(folder: Path) -> None:
    edit(folder, "runbook.yml", "prisma: {file: migration.sql}", "prisma: {file: undo.sql}")
    assert "'prisma.file' is no file of the migration" in refusal(folder)


def test_prisma_knows_a_file_whose_record_goes_with_it(folders: Path) -> None:
    folder = folders / SECOND.name
    edit(folder, "runbook.yml", "prisma: {file: migration.sql}", "prisma: {file: validate.sql}")
    assert "runs outside a transaction" in refusal(folder)


def test_after_deploy_is_for_preflight(folders: Path) -> None:
    folder = folders / SECOND.name
    edit(folder, "runbook.yml", "transaction: trial}", "transaction: trial, after: deploy}")
    assert "is for preflight phases" in refusal(folder)


def test_the_checksum_is_that_of_the_file() -> None:
    plan = migration.plan(load(FIRST), "migration")
    raw = (FIRST / "migration.sql").read_bytes()
    assert plan.history.tool == "prisma"
    (known,) = plan.history.migrations
    assert known.checksums[0] == hashlib.sha256(raw).hexdigest()
    assert known.name == FIRST.name
    crlf = hashlib.sha256(raw.replace(b"\n", b"\r\n")).hexdigest()
    assert known.checksums[1:] == (crlf,)


def test_without_prisma_there_is_no_record(folders: Path) -> None:
    folder = folders / FIRST.name
    edit(folder, "runbook.yml", "prisma: {file: migration.sql}\n", "")
    told = migration.plan(load(folder), "migration").history
    assert told == HistoryPlan("plain", "public", ())


def test_a_migration_is_one_tool_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tools the engine will know."""
    monkeypatch.setattr(migration, "TOOL_KEYS", ("prisma", "other"))
    document = yamlfile.load(folder / "runbook.yml")
    document.data["other"] = {"file": "migration.sql"}
    (told,) = migration.history_faults(document)
    assert "'other' is a second migration tool beside 'prisma'" in told.primary


@pytest.mark.parametrize("original", [FIRST, SECOND], ids=lambda folder: folder.name)
def test_a_migration_is_known_by_what_its_manifest_names(original: Path) -> None:
    """Two sources that know nothing of each other: the SQL, and the manifest."""
    loaded = load(original)
    plan = migration.plan(loaded, "migration")
    expected = {(o.kind, o.name) for o in plan.objects if o.expected}
    keys = {("constraint", key.name) for key in loaded.manifest.foreign_keys}
    assert keys <= expected
    described = [o for o in plan.objects if o.foreign_key]
    assert len(described) == len(keys) == 55
    gone = [o.name for o in plan.objects if not o.expected]
    assert gone == ["config_versions_workspace_id_fkey"]


def test_both_migrations_lead_to_the_same_keys() -> None:
    """What the second adds step by step is what the first has at once."""

    def keys(folder: Path) -> set[tuple[Any, ...]]:
        objects = migration.plan(load(folder), "migration").objects
        kinds = {"trigger", "function"}
        return {
            (o.kind, o.table, o.name, o.expected)
            for o in objects
            if o.kind in kinds or o.name.startswith(("fk_", "config_versions_workspace"))
            if o.kind != "validated"
        }

    assert keys(FIRST) == keys(SECOND)


def test_what_leaves_no_object_cannot_be_recognised(tmp_path: Path) -> None:
    (tmp_path / "data.sql").write_text("UPDATE public.sites SET id = id;")
    steps = migration.steps(tmp_path, [SqlFile("data.sql")])
    with pytest.raises(InputError, match="nothing tells whether"):
        migration.expected(steps, Manifest("public"))


# --- extends -----------------------------------------------------------------------------------


def _written(value: Any) -> Any:
    """A manifest without what the migration's own files add to it."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in ("shipped", "conditions")}
        return {key: _written(item) for key, item in kept.items()}
    return [_written(item) for item in value] if isinstance(value, list) else value


def test_both_runbooks_ship_functions() -> None:
    first, second = (
        {function.name: function.shipped or () for function in load(folder).manifest.functions}
        for folder in (FIRST, SECOND)
    )
    assert all(len(statements) == 1 for statements in first.values())
    assert all(statements for statements in second.values())
    assert first["trg_touch_updated_at"][0].startswith("CREATE FUNCTION pg_temp.shipped()")
    (table,) = [t for t in load(FIRST).manifest.tables if t.name == "config_versions"]
    (guard,) = [t for t in table.triggers if t.purpose == "guard"]
    assert (guard.conditions or ())[0] == "OLD.status = 'ACTIVE'"


def test_what_is_taken_over() -> None:
    loaded, base = load(SECOND), load(FIRST)
    assert _written(plain(loaded.manifest)) == _written(plain(base.manifest))
    assert set(base.parameters) <= set(loaded.parameters)
    preflight = {check.id for check in base.checks.values() if check.phase == "00_preflight"}
    assert preflight < set(loaded.checks)
    assert not {"C1.1", "V1.1"} & set(loaded.checks)


def test_the_other_runbook_is_in_the_digest(folders: Path) -> None:
    folder = folders / SECOND.name
    before = load(folder)
    assert f"../{FIRST.name}/manifest.yml" in before.digests
    edit(folders / FIRST.name, "manifest.yml", "# One object", "# one object")
    assert load(folder).sha256 != before.sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f"extends: {FIRST.name}", "extends: nowhere", "'extends' is no other runbook"),
        (f"extends: {FIRST.name}", f"extends: {SECOND.name}", "'extends' is no other runbook"),
        (f"extends: {FIRST.name}\n", "", "file phases/00_preflight.sql.j2 does not exist"),
        ("name: 00_preflight,", "name: 00_nowhere,", "has no check|does not exist"),
    ],
)
def test_an_extension_that_cannot_be(folders: Path, old: str, new: str, message: str) -> None:
    folder = folders / SECOND.name
    edit(folder, "runbook.yml", old, new)
    said = refusal(folder)
    assert any(part in said for part in message.split("|")), said


def test_an_extension_of_an_extension_is_refused(folders: Path) -> None:
    third = shutil.copytree(folders / SECOND.name, folders / "third")
    edit(third, "runbook.yml", f"extends: {FIRST.name}", f"extends: {SECOND.name}")
    assert "extends another runbook itself" in refusal(third)


def test_a_mistake_in_the_other_runbook_is_found(folders: Path) -> None:
    edit(folders / FIRST.name, "runbook.yml", "format: 1", "format: 2")
    assert "'format' is unknown" in refusal(folders / SECOND.name)


# --- budgets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"), [("500ms", 0.5), ("5s", 5.0), (" 10 min ", 600.0), ("1h", 3600.0)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text, key="x") == expected


@pytest.mark.parametrize("text", ["", "5", "0s", "-1s", "5 seconds", "1.5s", "s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InputError, match="'x' is no duration"):
        seconds(text, key="x")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("deploy_lock_timeout", "soon"),
        ("deploy_hold_timeout", "0s"),
        ("deploy_statement_timeout", "5"),
        ("deploy_wait", "1 week"),
        ("deploy_attempts", "0"),
        ("undo_lock_timeout", "soon"),
    ],
)
def test_a_variable_is_refused_by_its_name(variable: str, value: str) -> None:
    requested.check_budgets({"deploy_lock_timeout": "1s", "deploy_attempts": 3})
    with pytest.raises(InputError) as caught:
        requested.check_budgets({variable: value})
    assert f'{variable} is "{value}"' in caught.value.render()


@pytest.mark.parametrize("attempts", [0, -1, 1001])
def test_attempts_are_bounded(attempts: int) -> None:
    with pytest.raises(InputError, match="attempts must be"):
        budgets_of({"attempts": attempts})


def test_budgets_have_defaults() -> None:
    budgets = budgets_of({"lock": None})
    assert (budgets.lock, budgets.hold, budgets.statement) == (2.0, 10.0, 600.0)


def test_what_others_may_bear_has_defaults_and_can_be_switched_off() -> None:
    assert tolerance_of({"lag": None}) == Tolerance(waiters=50, seconds=10.0, lag=60.0)
    off = tolerance_of({"waiters": 0, "seconds": 0, "lag": 0})
    assert off == Tolerance()
    assert not off.is_limited
    assert tolerance_of({"waiters": 0, "seconds": 0, "lag": 0.5}).is_limited


@pytest.mark.parametrize(
    "given",
    [{"waiters": -1}, {"waiters": 100_001}, {"seconds": -0.1}, {"lag": float("nan")}],
)
def test_what_others_may_bear_has_a_range(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be from 0 to"):
        tolerance_of(given)


# --- what people are told ----------------------------------------------------------------------


def _record(action: str = "failed", **changes: Any) -> Deployment:
    missing = inspection("absent", object_state())
    error = failure(
        file="m.sql", line=7, sqlstate="42703", message="column does not exist", statement="x"
    )
    return record(action, **{"before": missing, "after": missing, "error": error, **changes})


def told(done: Deployment) -> str:
    problem = deployment.problem(done, caller=Caller(inventories=["inventories/x"]))
    assert problem is not None
    return problem.render()


def test_a_failure_says_that_everything_is_as_it_was() -> None:
    said = told(_record())
    assert "m.sql:7 failed: 42703: column does not exist" in said
    assert "Everything is as it was" in said
    assert "ansible-playbook -i inventories/x playbooks/validate.yml" in said


def test_a_failure_after_which_nobody_could_look() -> None:
    said = told(_record(after=None, changed=None))
    assert "What is there now is not known" in said
    assert "Everything is as it was" not in said


def test_a_failure_that_leaves_something_names_it_and_the_next_command() -> None:
    after = inspection("unfinished", object_state())
    leftovers = [{"index": "a.i", "command": "DROP INDEX CONCURRENTLY a.i;"}]
    said = told(_record(after=after, changed=["x"], files=["m.sql"], leftovers=leftovers))
    assert "done: m.sql" in said
    assert "table a.b is missing (m.sql:3)" in said
    assert "deploy_continue=true" in said
    assert "DROP INDEX CONCURRENTLY a.i;" in said


def test_nothing_wrong_is_no_problem() -> None:
    done = _record("applied", error=None)
    assert deployment.problem(done, caller=Caller()) is None
    assert deployment.lines(done)


LET_GO = {"cause": "waiters", "waiting": 51, "seconds": 2.3, "tables": ["a.b"]}
WATCHED = {
    "waiters": 50,
    "seconds": 10.0,
    "lag": 60.0,
    "looks": 12,
    "most_waiting": 51,
    "longest_seconds": 2.3,
    "longest_lag": 0.0,
    "unseen": ["how far replicas are behind: the login is no member of pg_monitor"],
}


def let_go(message: str = "let go for 51 sessions") -> dict[str, Any]:
    return failure(file="m.sql", line=7, statement="x", message=message, let_go=LET_GO)


def test_a_failure_that_was_let_go_says_for_whom_and_what_was_not_watched() -> None:
    said = told(_record(error=let_go() | {"attempts": 3}, watched=WATCHED))
    assert "m.sql:7 failed after 3 attempts: let go for 51 sessions\n" in said
    assert "Not watched: how far replicas are behind: the login is no member" in said
    assert "Everything is as it was" in said


def test_what_was_let_go_and_then_applied_is_told() -> None:
    locked = failure(file="m.sql", line=7, sqlstate="55P03")
    done = _record("applied", error=None, failed_attempts=[locked, let_go()], watched=WATCHED)
    said = deployment.lines(done)
    assert "  1 failed attempt(s): the locks were not free." in said
    assert "  m.sql:7 was let go for 51 sessions." in said
    assert any(line.startswith("  Not watched: how far replicas") for line in said)


def test_of_many_that_were_let_go_the_first_are_told() -> None:
    done = _record("applied", error=None, failed_attempts=[let_go()] * 23)
    said = deployment.lines(done)
    assert said.count("  m.sql:7 was let go for 51 sessions.") == 20
    assert "  And 3 times more." in said
    assert not any("the locks were not free" in line for line in said)
