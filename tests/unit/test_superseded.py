"""Backups that newer proven ones have taken the place of: which they are, and what is removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.options.backup import Superseded
from gonogo.contract.records.reading import plain
from gonogo.controller.evidence import Run
from gonogo.controller.outcome.superseded import superseded
from gonogo.host.files import superseded as host
from tests.records import BACKUP, IDENTITY, PLAN, RUN, TWIN
from tests.unit.deployments import deployment

SHA = "a" * 64
OLD = "20260131T120000Z-000001"


def run_id(number: int) -> str:
    return f"20260131T12{number:02}00Z-00000{number}"


# --- which they are -------------------------------------------------------------------------------


def keep(
    runs: Path,
    number: int,
    *,
    closed: bool = True,
    proven: bool | None = True,
    host_name: str = "db1",
    **observed: Any,
) -> Run:
    one = run_id(number)
    run = Run.create(runs, "production", one)
    target = {**RUN["target"], "inventory_host": host_name, "observed": {**IDENTITY, **observed}}
    about = {"run_id": one, "environment": "production", "target": target}
    run.write_json("run.json", {**RUN, **about}, stage="target")
    run.write_json("plan.json", PLAN, stage="target")
    file = f"/backups/apms-{one}.dump"
    run.write_json("backup.json", {**BACKUP, "run_id": one, "file": file}, stage="backup")
    twin = {**TWIN, "run_id": one, "proven": proven, "backup_sha256": BACKUP["sha256"]}
    run.write_json("twin.json", twin, stage="twin")
    if closed:
        run.append("verdict", "closed", {"fenced": []})
    return run


def named(runs: Path, run: Run, *, keeping: int) -> list[str]:
    return [one.run_id for one in superseded(runs, run, keep=keeping)]


@pytest.mark.parametrize(("keeping", "gone"), [(1, [3, 2, 1]), (2, [2, 1]), (4, []), (9, [])])
def test_the_newest_stay(tmp_path: Path, keeping: int, gone: list[int]) -> None:
    for number in (1, 2, 3):
        keep(tmp_path, number)
    now = keep(tmp_path, 4, closed=False)
    assert named(tmp_path, now, keeping=keeping) == [run_id(number) for number in gone]


Change = Callable[[Path], object]


def write(name: str, content: dict[str, Any]) -> Change:
    return lambda runs: Run.open(runs / "production" / run_id(1)).write_json(
        name, content, stage="x"
    )


def altered(runs: Path) -> None:
    file = runs / "production" / run_id(1) / "backup.json"
    file.write_text(file.read_text().replace("/backups/", "/etc/"))


@pytest.mark.parametrize(
    "about",
    [
        *({"closed": False}, {"proven": None}, {"proven": False}, {"host_name": "db2"}),
        {"database_oid": IDENTITY["database_oid"] + 1},
        {"system_identifier": "1"},
    ],
)
def test_what_is_open_unproven_or_anothers_stays(tmp_path: Path, about: dict[str, Any]) -> None:
    keep(tmp_path, 1, **about)
    keep(tmp_path, 2)
    assert named(tmp_path, keep(tmp_path, 3, closed=False), keeping=1) == [run_id(2)]


PLAN_SHOWN = {
    "content": "a",
    "holds": {},
    "planned_at": "2026-01-31T11:00:00.000000+00:00",
    "token": "0123456789",
    "earlier": [],
    "expires_at": "2999-01-01T00:00:00+00:00",
}


@pytest.mark.parametrize(
    "change",
    [
        altered,
        write("restore_plan.json", PLAN_SHOWN),
        write("undo_plan.json", PLAN_SHOWN),
        write("restore_plan.json", {"not": "a plan"}),
        write("deploy_intent.json", {}),
    ],
)
def test_what_may_be_needed_stays(tmp_path: Path, change: Change) -> None:
    keep(tmp_path, 1)
    keep(tmp_path, 2)
    change(tmp_path)
    assert named(tmp_path, keep(tmp_path, 3, closed=False), keeping=1) == [run_id(2)]


def test_the_way_back_from_the_last_deployment_stays(tmp_path: Path) -> None:
    """What an older one has deployed, the newer backups have in them."""
    for number in (1, 2, 3):
        run = keep(tmp_path, number)
        if number < 3:
            run.write_json("deploy.json", plain(deployment()), stage="deploy")
    now = keep(tmp_path, 4, closed=False)
    assert named(tmp_path, now, keeping=1) == [run_id(3), run_id(1)]
    # Taken back, it is no way back any more; the one before it is.
    write("undo.json", {})(tmp_path)
    Run.open(tmp_path / "production" / run_id(2)).write_json("undo.json", {}, stage="undo")
    assert named(tmp_path, now, keeping=1) == [run_id(3), run_id(2), run_id(1)]


@pytest.mark.parametrize(
    ("action", "gone"), [("refused", [3, 2]), ("moved", [3, 2]), ("failed", [3])]
)
def test_a_later_deployment_that_came_to_nothing_is_not_the_last(
    tmp_path: Path, action: str, gone: list[int]
) -> None:
    """One that has failed may have left something."""
    for number, done in ((1, "applied"), (2, action), (3, "none")):
        record = plain(deployment(done))
        keep(tmp_path, number).write_json("deploy.json", record, stage="deploy")
    now = keep(tmp_path, 4, closed=False)
    assert named(tmp_path, now, keeping=1) == [run_id(number) for number in gone]


def test_a_deployment_that_nobody_can_read_keeps_its_way_back(tmp_path: Path) -> None:
    run = keep(tmp_path, 1)
    run.write_json("deploy.json", plain(deployment()), stage="deploy")
    (run.path / "deploy.json").write_text("{")
    keep(tmp_path, 2)
    assert named(tmp_path, keep(tmp_path, 3, closed=False), keeping=1) == [run_id(2)]


def test_a_plan_that_nobody_can_approve_any_more_keeps_nothing(tmp_path: Path) -> None:
    keep(tmp_path, 1)
    write("restore_plan.json", {**PLAN_SHOWN, "expires_at": "2026-01-31T12:00:00+00:00"})(tmp_path)
    assert named(tmp_path, keep(tmp_path, 3, closed=False), keeping=1) == [run_id(1)]
    assert datetime.now(UTC).year >= 2026


# --- what is removed ------------------------------------------------------------------------------


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir(mode=0o700)
    return made


def make(directory: Path, one: str = OLD) -> Superseded:
    archive = directory / f"apms-{one}.dump"
    archive.mkdir(mode=0o700)
    (archive / "toc.dat").write_text("toc")
    (archive / "1.dat.gz").write_text("rows")
    files = {"toc.dat": {"size": 3, "sha256": SHA}, "1.dat.gz": {"size": 4, "sha256": SHA}}
    record = {
        "run_id": one,
        "database": "apms",
        "file": str(archive),
        "sha256": SHA,
        "files": files,
    }
    (directory / f"apms-{one}.json").write_text(json.dumps(record))
    return Superseded(one, "apms", str(archive), SHA)


def test_archive_and_record_go(directory: Path) -> None:
    other = make(directory, "20260131T130000Z-000002")
    assert host.remove(directory, make(directory)) == (7, "")
    assert sorted(path.name for path in directory.iterdir()) == [
        Path(other.file).stem + ".dump",
        Path(other.file).stem + ".json",
    ]
    # Gone before: nobody is told again.
    assert host.remove(directory, make(directory)) == (7, "")
    assert host.remove(
        directory, Superseded(OLD, "apms", str(directory / f"apms-{OLD}.dump"), SHA)
    ) == (None, "")


def link(directory: Path, archive: Path) -> None:
    elsewhere = directory.parent / "elsewhere"
    archive.rename(elsewhere)
    archive.symlink_to(elsewhere)


def more(_directory: Path, archive: Path) -> None:
    (archive / "mine.txt").write_text("keep me")


def another_size(_directory: Path, archive: Path) -> None:
    (archive / "toc.dat").write_text("something else")


def linked_file(_directory: Path, archive: Path) -> None:
    (archive / "toc.dat").unlink()
    (archive / "toc.dat").symlink_to("/etc/passwd")


def folder(_directory: Path, archive: Path) -> None:
    (archive / "toc.dat").unlink()
    (archive / "toc.dat").mkdir()


def open_to_others(_directory: Path, archive: Path) -> None:
    archive.chmod(0o777)


def no_record(_directory: Path, archive: Path) -> None:
    archive.with_suffix(".json").unlink()


def other_record(_directory: Path, archive: Path) -> None:
    file = archive.with_suffix(".json")
    file.write_text(file.read_text().replace(SHA, "b" * 64, 1))


def record_linked(directory: Path, archive: Path) -> None:
    file = archive.with_suffix(".json")
    file.rename(directory.parent / "record")
    file.symlink_to(directory.parent / "record")


def list_record(_directory: Path, archive: Path) -> None:
    archive.with_suffix(".json").write_text("[]")


@pytest.mark.parametrize(
    "change",
    [
        *(link, more, another_size, linked_file, folder, open_to_others, no_record),
        *(other_record, record_linked, list_record),
    ],
)
def test_what_is_not_as_it_was_proven_stays(
    directory: Path, change: Callable[[Path, Path], None]
) -> None:
    backup = make(directory)
    change(directory, Path(backup.file))
    before = sorted(path.name for path in directory.rglob("*"))
    removed, why = host.remove(directory, backup)
    assert removed is None
    assert why
    assert sorted(path.name for path in directory.rglob("*")) == before


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd",
        "{directory}/../elsewhere/apms-{run}.dump",
        "{directory}",
        "{directory}/x.dump",
    ],
)
def test_a_name_leads_nowhere_else(directory: Path, file: str) -> None:
    path = file.format(directory=directory, run=OLD)
    assert host.remove(directory, Superseded(OLD, "apms", path, SHA))[0] is None
    assert Path("/etc/passwd").is_file()
