"""Unfinished backups: what somebody works on stays, what nobody will ever finish goes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gonogo.contract.records.swept import Swept
from gonogo.host.files.unfinished import made, sweep

NAME = "apms-20260131T120000Z-0a1b2c"
MODULES = Path(__file__).resolve().parents[2] / "module_utils"
# Makes an unfinished backup, says so, and waits for its end.
WORKER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(MODULES)!r})
from gonogo.host.files.unfinished import made
with made(Path(sys.argv[1]), sys.argv[2]) as partial:
    (partial / "toc.dat").write_bytes(bytes(1000))
    print(flush=True)
    sys.stdin.read()
"""


def test_it_is_private_and_hidden(tmp_path: Path) -> None:
    with made(tmp_path, NAME) as partial:
        assert partial == tmp_path / f".{NAME}.partial"
        assert stat.S_IMODE(partial.stat().st_mode) == 0o700
    # It is whoever made it that gives it its name, or removes it.
    assert partial.is_dir()


def test_it_stays_while_somebody_works_on_it_and_goes_with_a_kill(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path), NAME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        partial = tmp_path / f".{NAME}.partial"
        assert sweep(tmp_path) == []
        assert partial.is_dir()
        worker.kill()
        worker.wait()
    assert sweep(tmp_path) == [Swept(str(partial), 1000)]
    assert list(tmp_path.iterdir()) == []


def test_it_stays_while_it_is_worked_on_in_this_process(tmp_path: Path) -> None:
    with made(tmp_path, NAME) as partial:
        assert sweep(tmp_path) == []
        # The mark goes along with the name.
        done = partial.rename(tmp_path / f"{NAME}.dump")
        assert sweep(tmp_path) == []
    assert sweep(tmp_path) == []
    assert done.is_dir()


def test_the_record_of_one_that_never_got_its_name_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.partial").mkdir()
    (tmp_path / f"{NAME}.json").write_text("{}")
    other = tmp_path / f"other-{NAME}.json"
    other.write_text("{}")
    assert len(sweep(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.parametrize("name", [".mine.partial", f"{NAME}.partial", f".{NAME}.partial~", NAME])
def test_what_no_run_has_made_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert sweep(tmp_path) == []
    assert (tmp_path / name).is_dir()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    backups = tmp_path / "backups"
    backups.mkdir()
    (backups / f".{NAME}.partial").symlink_to(elsewhere)
    assert sweep(backups) == []
    assert elsewhere.is_dir()


def test_nothing_to_sweep_is_no_error(tmp_path: Path) -> None:
    assert sweep(tmp_path / "nowhere") == []
    (tmp_path / "file").write_text("")
    assert sweep(tmp_path / "file") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_what_cannot_be_removed_is_left_and_not_told_as_removed(tmp_path: Path) -> None:
    partial = tmp_path / f".{NAME}.partial"
    partial.mkdir()
    tmp_path.chmod(0o500)
    try:
        assert sweep(tmp_path) == []
        assert partial.is_dir()
    finally:
        tmp_path.chmod(0o700)
