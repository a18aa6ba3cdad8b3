"""Evidence: what is written, and that every change to it afterwards is named."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract import canonical
from gonogo.contract.errors import GonogoError, InputError, shown, visible
from gonogo.contract.records.reading import plain
from gonogo.contract.records.run import Process
from gonogo.controller.evidence import (
    Run,
    close_pointer,
    controller_identity,
    disk,
    find_open,
    is_abandoned,
    is_alive,
    load,
    new_run_id,
    new_token,
    point_to,
)
from tests.records import PLAN, RUN, check, result

RUN_ID = "20260131T120000Z-0a1b2c"
OTHER_ID = "20260131T130000Z-0a1b2d"


def clock() -> Callable[[], datetime]:
    now = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

    def tick() -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    return tick


def make(runs: Path, run_id: str = RUN_ID) -> Run:
    """Write a small whole run of eight events."""
    run = Run.create(runs, "sandbox", run_id, clock=clock())
    run.write_json("run.json", {**RUN, "run_id": run_id}, stage="target")
    run.write_json("plan.json", {**PLAN, "checks": [check("C1.1"), check("C1.2")]}, stage="target")
    run.append("target", "stage_passed")
    run.write("sql/01.sql", "SELECT 1;\n", stage="phases")
    run.append_lines("checks.jsonl", [result("C1.1")], stage="phases")
    run.append_lines("checks.jsonl", [result("C1.2")], stage="phases")
    run.append("verdict", "closed")
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make(tmp_path / "runs")


def _opened_by(process: Process) -> dict[str, Any]:
    """The run.json of a run that a process has opened."""
    return {**RUN, "controller": plain(process)}


def lines(run: Run) -> list[bytes]:
    return (run.path / "events.jsonl").read_bytes().splitlines(keepends=True)


def put(run: Run, content: list[bytes]) -> None:
    (run.path / "events.jsonl").write_bytes(b"".join(content))


# --- writing ------------------------------------------------------------------------------------


def test_a_whole_run_loads_without_a_problem(run: Run) -> None:
    evidence = load(run.path)
    assert evidence.problems == []
    assert [event.seq for event in evidence.events] == list(range(1, 9))
    assert [one.check_id for one in evidence.checks] == ["C1.1", "C1.2"]
    assert evidence.events[0].prev == "0" * 64
    assert evidence.events[0].at == "2026-01-31T12:00:01.000000Z"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        run = make(tmp_path / "runs")
        run.publish("verdict.json", "{}\n")
    finally:
        os.umask(before)
    for path in [run.path, *run.path.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_an_existing_run_is_refused(run: Run) -> None:
    with pytest.raises(GonogoError, match="exists already"):
        Run.create(run.path.parent.parent, "sandbox", RUN_ID)


@pytest.mark.parametrize("environment", ["", "..", "a/b", ".open", "A", "x" * 64])
def test_an_environment_that_is_no_name_is_refused(tmp_path: Path, environment: str) -> None:
    with pytest.raises(InputError):
        Run.create(tmp_path, environment, RUN_ID)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/b/c", ".x", "", "events.jsonl", "verdict.json", "a\nb"]
)
def test_a_name_that_is_no_evidence_is_refused(run: Run, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        run.write(name, "x", stage="target")


def test_only_what_follows_from_the_evidence_is_published(run: Run) -> None:
    with pytest.raises(ValueError, match="is evidence"):
        run.publish("checks.jsonl", "x")
    run.publish("verdict.json", "{}\n")
    assert load(run.path).problems == []


def test_an_unknown_event_is_refused(run: Run) -> None:
    with pytest.raises(ValueError, match="no event"):
        run.append("target", "stage_pass")


def test_a_replaced_link_is_not_followed(run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (run.path / "facts.json").symlink_to(outside)
    run.write_json("facts.json", {}, stage="preflight")
    assert outside.read_text() == "mine"
    assert not (run.path / "facts.json").is_symlink()


def test_a_failing_write_leaves_the_old_content_and_no_litter(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GonogoError) as caught:
        run.append_lines("checks.jsonl", [{"check_id": "C9.9"}], stage="phases")
    assert "No space left" in caught.value.render()
    with pytest.raises(GonogoError):
        run.append("verdict", "closed")
    monkeypatch.undo()
    assert {p.name: p.read_bytes() for p in run.path.iterdir() if p.is_file()} == before


def test_nothing_is_added_to_a_torn_chain(run: Run) -> None:
    put(run, [*lines(run)[:-1], lines(run)[-1][:-5]])
    with pytest.raises(GonogoError, match="damaged"):
        run.append("verdict", "closed")


def test_writers_in_many_processes_take_turns(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "sandbox", RUN_ID)
    code = (
        "import sys; from pathlib import Path; from gonogo.controller.evidence import Run\n"
        "run = Run.open(Path(sys.argv[1]))\n"
        "row = {'table': 'public.x', 'key': {'id': 'a'}, 'label': 'x', 'phase': '01'}\n"
        "for _ in range(10): run.append_lines('ledger.jsonl', [row], stage='phases')\n"
    )
    command = [sys.executable, "-c", code, str(run.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    evidence = load(run.path)
    assert len(evidence.ledger) == 30
    assert [text for text in evidence.problems if "run.json" not in text] == []


def test_reading(run: Run) -> None:
    assert run.read_json("run.json")["run_id"] == RUN_ID
    assert len(run.read_lines("checks.jsonl")) == 2
    with pytest.raises(GonogoError, match="cannot read"):
        run.read_json("backup.json")
    with pytest.raises(GonogoError, match="no evidence directory"):
        Run.open(run.path / "nowhere")


# --- reading back what was changed --------------------------------------------------------------


def edit_line(run: Run) -> None:
    put(run, [text.replace(b'"stage":"phases"', b'"stage":"phasis"') for text in lines(run)])


def delete_line(run: Run) -> None:
    put(run, [*lines(run)[:4], *lines(run)[5:]])


def swap_lines(run: Run) -> None:
    content = lines(run)
    content[4], content[5] = content[5], content[4]
    put(run, content)


def truncate_line(run: Run) -> None:
    put(run, [*lines(run)[:4], lines(run)[4][:-20]])


def replay_line(run: Run) -> None:
    other = make(run.path.parent.parent.parent / "others", OTHER_ID)
    put(run, [*lines(run)[:4], lines(other)[4], *lines(run)[5:]])


def respell_line(run: Run) -> None:
    content = lines(run)
    content[4] = json.dumps(json.loads(content[4])).encode() + b"\n"
    put(run, content)


def infinite_line(run: Run) -> None:
    content = lines(run)
    content[4] = content[4].replace(b'"seq":5', b'"seq":5e999')
    put(run, content)


def binary_line(run: Run) -> None:
    put(run, [*lines(run)[:4], b"\xff\xfe\n", *lines(run)[5:]])


def nested_line(run: Run) -> None:
    put(run, [*lines(run)[:4], b"[" * 100_000 + b"\n", *lines(run)[5:]])


CHAIN_CHANGES = [
    edit_line,
    delete_line,
    swap_lines,
    truncate_line,
    replay_line,
    respell_line,
    infinite_line,
    binary_line,
    nested_line,
]


@pytest.mark.parametrize("change", CHAIN_CHANGES, ids=lambda change: change.__name__)
def test_a_changed_chain_is_named_by_line(run: Run, change: Callable[[Run], None]) -> None:
    change(run)
    evidence = load(run.path)
    assert [text for text in evidence.problems if text.startswith("events.jsonl line 5: ")]
    assert len(evidence.events) == 4


def rewrite(name: str, content: str) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        (run.path / name).write_text(content)

    return change


def remove(name: str) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        (run.path / name).unlink()

    return change


def link(run: Run) -> None:
    (run.path / "run.json").rename(run.path.parent / "elsewhere")
    (run.path / "run.json").symlink_to(run.path.parent / "elsewhere")


def pipe(run: Run) -> None:
    (run.path / "run.json").unlink()
    os.mkfifo(run.path / "run.json")


def all_of_another_run(run: Run) -> None:
    other = make(run.path.parent.parent.parent / "others", OTHER_ID)
    for path in other.path.iterdir():
        if path.is_file():
            path.rename(run.path / path.name)


def write_late(run: Run) -> None:
    run.write_json("backup.json", {}, stage="backup")


def write_sql_late(run: Run) -> None:
    run.write("sql/01.sql", "SELECT 1;\n", stage="cleanup")


def record_of_another_run(run: Run) -> None:
    row = {"table": "public.x", "key": {"id": "a"}, "label": "x", "phase": "01"}
    run.append_lines("ledger.jsonl", [{**row, "run_id": OTHER_ID}], stage="phases")


def open_again(run: Run) -> None:
    run.append("run", "opened", {"run_id": RUN_ID})


def chain_of_another_run(run: Run) -> None:
    other = make(run.path.parent.parent.parent / "others", OTHER_ID)
    put(run, lines(other))


def other_environment(run: Run) -> None:
    run.write_json("run.json", {**RUN, "environment": "production"}, stage="target")


def answer_twice(run: Run) -> None:
    run.append_lines("checks.jsonl", [result("C1.1")], stage="phases")


def answer_undeclared(run: Run) -> None:
    run.append_lines("checks.jsonl", [result("C7.7")], stage="phases")


def lose_a_result(run: Run) -> None:
    run.append("phases", "checks", {"phase": "01", "ids": ["C1.1", "C1.3"]})


def point_outside(run: Run) -> None:
    run.append("phases", "wrote", {"file": "../../secret", "sha256": "0" * 64})


FILE_CHANGES = [
    (rewrite("checks.jsonl", '{"check_id":"C1.1"}\n'), "checks.jsonl changed"),
    (rewrite("checks.jsonl", '{"check_id":"C1.1"}\n{"check'), "checks.jsonl line 2: cut off"),
    (rewrite("checks.jsonl", "[]\n"), "checks.jsonl line 1: not a record"),
    (rewrite("run.json", "{"), "run.json is not JSON"),
    (rewrite("run.json", '{"run_id": NaN}'), "run.json is not JSON"),
    (rewrite("run.json", "[]"), "run.json is not an object"),
    (rewrite("run.json", json.dumps({**RUN, "run_id": OTHER_ID})), "holds the run"),
    (rewrite("run.json", f'{{"run_id": "{OTHER_ID}"}}'), 'run.json lacks "token"'),
    (rewrite("plan.json", "{}"), "plan.json changed"),
    (rewrite("sql/01.sql", "SELECT 2;\n"), "sql/01.sql changed"),
    (rewrite("sql/02.sql", "SELECT 2;\n"), "sql/02.sql was written by no stage"),
    (rewrite("backup.json", "{}"), "backup.json was written by no stage"),
    (remove("run.json"), "run.json is missing"),
    (remove("sql/01.sql"), "sql/01.sql is missing"),
    (remove("events.jsonl"), "events.jsonl is missing"),
    (rewrite("events.jsonl", ""), "events.jsonl is empty"),
    (link, "run.json cannot be read"),
    (pipe, "run.json cannot be read"),
    (all_of_another_run, "holds the run"),
    (chain_of_another_run, "opened for another run"),
    (other_environment, "another environment"),
    (write_sql_late, "sql/01.sql was written after the run was closed"),
    (write_late, "backup.json was written after the run was closed"),
    (record_of_another_run, 'ledger.jsonl record 1 has "run_id", which no run writes'),
    (open_again, "opened a second time"),
    (answer_twice, "check C1.1 has 2 results"),
    (answer_undeclared, "check C7.7 is not declared"),
    (lose_a_result, "check C1.3 was answered, its result is gone"),
    (point_outside, "wrote no file of evidence"),
]


@pytest.mark.parametrize(("change", "problem"), FILE_CHANGES)
def test_changed_evidence_still_loads_and_says_what_is_wrong(
    run: Run, change: Callable[[Run], None], problem: str
) -> None:
    change(run)
    assert [text for text in load(run.path).problems if problem in text]


@pytest.mark.parametrize("name", ["report.md", "notes.txt", ".DS_Store", "copy.json"])
def test_a_file_that_is_no_evidence_does_no_harm(run: Run, name: str) -> None:
    (run.path / name).write_text("x")
    assert load(run.path).problems == []


def test_a_cleanup_adds_to_a_closed_run_as_often_as_it_likes(run: Run) -> None:
    for content in ("SELECT 1;\n", "SELECT 2;\n"):
        run.write_json("cleanup_plan.json", {"sql": content}, stage="cleanup")
        run.write_json("cleanup.json", {"sql": content}, stage="cleanup")
    run.append("cleanup", "stage_passed")
    assert load(run.path).problems == []


def test_a_file_that_was_cut_off_does_not_spoil_the_others(run: Run) -> None:
    # As a killed run leaves it: the file is replaced, the event that says so was never written.
    (run.path / "checks.jsonl").write_text(canonical.line(result("C1.1")) + "\n")
    (run.path / "sql" / "02.sql").write_text("SELECT 2;\n")
    found = load(run.path)
    assert found.problems == [
        "checks.jsonl changed after it was written",
        "sql/02.sql was written by no stage",
    ]
    assert found.problems_with("run.json", "sql/01.sql") == []
    assert found.problems_with("sql/02.sql") == ["sql/02.sql was written by no stage"]
    put(run, [*lines(run)[:-1], b"x"])
    (problem,) = load(run.path).problems_with("run.json")
    assert problem.startswith("events.jsonl line ")


def _of_format(run: Run, form: object) -> None:
    """Seal the chain anew, with another word about its form in its first event; None for none."""
    prev, sealed = "0" * 64, []
    for text in lines(run):
        event = {**json.loads(text), "prev": prev}
        if event["event"] == "opened":
            data = {key: value for key, value in event["data"].items() if key != "format"}
            event["data"] = data if form is None else {**data, "format": form}
        del event["hash"]
        prev = canonical.sha256(canonical.line(event))
        sealed.append(canonical.line({**event, "hash": prev}).encode() + b"\n")
    put(run, sealed)


@pytest.mark.parametrize("form", [None, 1])
def test_evidence_of_this_format_is_read_whether_or_not_it_says_so(run: Run, form: object) -> None:
    _of_format(run, form)
    evidence = load(run.path)
    assert evidence.problems == []
    assert evidence.run is not None


@pytest.mark.parametrize("form", [2, 0, "1", True, None])
def test_evidence_of_another_format_is_refused_by_its_number(run: Run, form: object) -> None:
    _of_format(run, [form] if form is None else form)
    evidence = load(run.path)
    told = "[None]" if form is None else form
    assert evidence.problems == [
        f"events.jsonl is of format {told}; this version of the project knows 1"
    ]
    # Nothing in it is taken for what it would be here.
    assert evidence.run is None
    assert evidence.checks == []
    assert evidence.problems_with("run.json") == evidence.problems


def test_a_directory_that_is_none_loads(tmp_path: Path) -> None:
    evidence = load(tmp_path / "nowhere")
    assert evidence.problems == ["events.jsonl is missing", "run.json is missing"]
    assert evidence.run is None


# --- names and pointers -------------------------------------------------------------------------


def test_run_ids_and_tokens() -> None:
    zone = datetime.fromisoformat("2026-01-31T14:00:00+02:00")
    first, second = new_run_id(zone), new_run_id(zone)
    assert first.startswith("20260131T120000Z-")
    assert first != second
    assert len(new_token()) == 10
    with pytest.raises(ValueError, match="zone"):
        new_run_id(datetime.fromisoformat("2026-01-31"))


def test_the_pointer_leads_one_process_and_host_to_its_run(run: Run) -> None:
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    assert find_open(runs, identity=me, inventory_host="db1") is None
    point_to(runs, identity=me, inventory_host="db1", run=run.path)
    assert find_open(runs, identity=me, inventory_host="db1") == run.path
    assert find_open(runs, identity=me, inventory_host="db2") is None
    assert find_open(runs, identity=replace(me, start="x"), inventory_host="db1") is None
    close_pointer(runs, identity=me, inventory_host="db1")
    close_pointer(runs, identity=me, inventory_host="db1")
    assert find_open(runs, identity=me, inventory_host="db1") is None


@pytest.mark.parametrize("host", ["../../x", "a/b", "a b\n", "é" * 200])
def test_any_host_name_makes_a_plain_file_name(run: Run, host: str) -> None:
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    point_to(runs, identity=me, inventory_host=host, run=run.path)
    assert find_open(runs, identity=me, inventory_host=host) == run.path
    assert len(list((runs / ".open").iterdir())) == 1


def test_pointers_of_dead_processes_go_and_others_stay(run: Run) -> None:
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    child = subprocess.Popen(["sleep", "60"])
    dead = controller_identity(child.pid)
    assert is_alive(dead) is True
    child.kill()
    child.wait()
    elsewhere = replace(dead, host="elsewhere")
    for identity in (dead, elsewhere, me):
        point_to(runs, identity=identity, inventory_host="db1", run=run.path)
    find_open(runs, identity=me, inventory_host="db1")
    kept = [json.loads(path.read_text())["host"] for path in (runs / ".open").iterdir()]
    assert sorted(kept) == sorted([me.host, "elsewhere"])


def test_half_a_pointer_goes_with_its_process(run: Run) -> None:
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    child = subprocess.Popen(["sleep", "60"])
    dead = controller_identity(child.pid)
    halves: dict[str, Path] = {}
    for name, identity in (("dead", dead), ("elsewhere", replace(dead, host="x")), ("me", me)):
        known = {*(runs / ".open").glob("*")}
        point_to(runs, identity=identity, inventory_host="db1", run=run.path)
        (made,) = {*(runs / ".open").iterdir()} - known - {*halves.values()}
        # As it is left by who is killed before the first byte.
        halves[name] = made.with_name(f".{made.name}.0123abcd")
        halves[name].touch()
    find_open(runs, identity=me, inventory_host="db1")
    assert [name for name, path in halves.items() if path.exists()] == [*halves]
    child.kill()
    child.wait()
    find_open(runs, identity=me, inventory_host="db1")
    assert [name for name, path in halves.items() if path.exists()] == ["elsewhere", "me"]


def test_a_run_is_abandoned_when_nobody_works_on_it(run: Run) -> None:
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    opener, cleaner = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    by = {"besides": me}
    # Nobody knows who has opened it.
    run.write_json("run.json", {"controller": None}, stage="target")
    assert not is_abandoned(runs, run.path, **by)
    run.write_json("run.json", _opened_by(controller_identity(opener.pid)), stage="target")
    point_to(runs, identity=controller_identity(cleaner.pid), inventory_host="db1", run=run.path)
    point_to(runs, identity=me, inventory_host="db1", run=run.path)
    for process in (opener, cleaner):
        assert not is_abandoned(runs, run.path, **by)
        process.kill()
        process.wait()
    assert is_abandoned(runs, run.path, **by)
    other = make(runs, OTHER_ID)
    point_to(runs, identity=replace(me, host="elsewhere"), inventory_host="db1", run=other.path)
    other.write_json("run.json", _opened_by(me), stage="target")
    assert not is_abandoned(runs, other.path, **by)
    assert not is_abandoned(runs, run.path.with_name(new_run_id(datetime.now(UTC))), **by)


def test_a_record_that_was_changed_does_not_say_who_is_gone(run: Run) -> None:
    """By this answer the sessions of the run are ended."""
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    with subprocess.Popen(["sleep", "60"]) as gone:
        gone_by_then = controller_identity(gone.pid)
        gone.kill()
    run.write_json("run.json", _opened_by(replace(me, pid=os.getppid())), stage="target")
    (run.path / "run.json").write_text(json.dumps(_opened_by(gone_by_then)))
    assert not is_abandoned(runs, run.path, besides=me)
    run.write_json("run.json", _opened_by(gone_by_then), stage="target")
    assert is_abandoned(runs, run.path, besides=me)


def test_a_claim_is_made_once(run: Run) -> None:
    first = {"token": "a", "by": "one"}
    assert run.claim("used.json", first, key="token", stage="deploy") is None
    again = run.claim("used.json", {"token": "a", "by": "two"}, key="token", stage="deploy")
    assert again == first
    assert run.claim("used.json", {"token": "b", "by": "two"}, key="token", stage="deploy") is None
    # Not without the chain knowing of it.
    (run.path / "used.json").write_text('{"token": "c"}')
    with pytest.raises(GonogoError, match="changed after it was written"):
        run.claim("used.json", {"token": "a"}, key="token", stage="deploy")


def test_a_dead_process_nobody_collected_is_dead() -> None:
    child = subprocess.Popen(["sleep", "60"])
    identity = controller_identity(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(identity) is False
    child.wait()


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    me = controller_identity(os.getpid())
    assert is_alive(me) is True
    assert is_alive(replace(me, start="other")) is False
    assert is_alive(replace(me, start=None)) is None
    assert is_alive(replace(me, host="elsewhere")) is None
    assert is_alive(replace(me, pid=0)) is None


@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps on this machine")
def test_ps_answers_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(path: Path, **_: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", absent)
    me = controller_identity(os.getpid())
    assert str(me.start)[-4:].isdigit()
    assert is_alive(me) is True


@pytest.mark.parametrize("content", ["", "[]", '{"run": "../.."}', '{"run": 1}', "\x00"])
def test_a_damaged_pointer_is_an_error_for_people(run: Run, content: str) -> None:
    runs = run.path.parent.parent
    me = controller_identity(os.getpid())
    point_to(runs, identity=me, inventory_host="db1", run=run.path)
    next((runs / ".open").iterdir()).write_text(content)
    with pytest.raises(GonogoError, match="damaged"):
        find_open(runs, identity=me, inventory_host="db1")


# --- the small ones everything rests on ---------------------------------------------------------


def test_canonical_json() -> None:
    value = {"b": [1, None], "a": "é\u2028\ud800"}
    assert canonical.line(value) == '{"a":"é\u2028\\ud800","b":[1,null]}'
    assert canonical.dumps({"a": {}}) == '{\n  "a": {}\n}\n'
    assert json.loads(canonical.dumps(value)) == value
    assert canonical.sha256("é") == canonical.sha256("é".encode())
    with pytest.raises(ValueError, match=r"not JSON compliant"):
        canonical.line(float("nan"))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain é 表", "plain é 表"),
        ("a\x1b[31mb\r\n", "a\\x1b[31mb\\r\\n"),
        ("\u202eevil\u200b\ufeff", "\\u202eevil\\u200b\\ufeff"),
        ("\x9b\u2028\ud800\uffff\U000e0041", "\\x9b\\u2028\\ud800\\uffff\\U000e0041"),
    ],
)
def test_text_from_outside_is_safe_for_a_terminal(text: str, safe: str) -> None:
    assert visible(text) == safe


def test_long_values_are_cut_between_escapes() -> None:
    assert shown("x" * 80) == "x" * 80
    assert shown("x" * 81) == "x" * 79 + "…"
    assert shown("x" * 78 + "\x1b\x1b") == "x" * 78 + "…"
    assert shown(b"\xff") == "\\xff"
    assert shown(12) == "12"


def test_errors_read_like_those_of_postgresql() -> None:
    error = GonogoError("wrong database", detail="have a\nHINT:  rm\x07", hint="Look.")
    assert error.render() == (
        "wrong database\nDETAIL:  have a\n         HINT:  rm\\x07\nHINT:  Look."
    )
    refused = InputError("unknown effect", file="runbook.yml", key="checks[3]", value="x\n" * 80)
    assert refused.render().startswith(
        'unknown effect\nDETAIL:  runbook.yml: checks[3] is "x\\nx\\n'
    )
    assert len(refused.render()) < 160
    assert (refused.file, refused.key) == ("runbook.yml", "checks[3]")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, "No stage has written it"),
        (errno.ENOSPC, "Make room"),
        (errno.EDQUOT, "Make room"),
        (errno.EACCES, "can write to"),
        (errno.EROFS, "can write to"),
        (errno.ELOOP, "A link stands in its place"),
        (errno.EIO, "Look at the file system"),
    ],
)
def test_what_the_file_system_says_decides_what_helps(number: int, words: str) -> None:
    with pytest.raises(GonogoError) as caught, disk.explained("read facts.json"):
        raise OSError(number, os.strerror(number), "/runs/facts.json")
    assert words in str(caught.value.hint)
    assert ("room" in str(caught.value.hint)) == (number in (errno.ENOSPC, errno.EDQUOT))


def test_a_file_that_nobody_has_written_is_no_matter_of_space(run: Run) -> None:
    """As of a runbook that has no phase for it."""
    with pytest.raises(GonogoError, match=r"cannot read facts\.json") as caught:
        run.read_json("facts.json")
    assert "No stage has written it" in str(caught.value.hint)
    assert "space" not in str(caught.value.hint)
