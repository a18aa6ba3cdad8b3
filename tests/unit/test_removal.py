"""What is removed or ended on the target host is known by what it is, not by what a file says."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.home import account_name
from gonogo.contract.login import Login
from gonogo.host.files.unfinished import sweep
from gonogo.host.twin import account, directories, server, sharedmemory, supervisor

RUN_ID = "20260131T120000Z-0a1b2c"
OTHER_ID = "20260131T120000Z-0a1b2d"
BACKUP = f"apms-{RUN_ID}"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A directory that is nobody's to remove."""
    directory = tmp_path / "precious"
    directory.mkdir()
    (directory / "file").write_text("keep")
    return directory


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where twins have what needs a short path: what loses its note here goes with the test."""
    with tempfile.TemporaryDirectory(prefix="gonogo-", dir="/var/tmp") as name:
        monkeypatch.setattr(directories, "_SHARED", (name,))
        yield Path(name)


@pytest.fixture
def beside(shared: Path) -> Path:
    """One of the caller's own, where twins have theirs, under a name like theirs."""
    named = shared / f"gonogo-twin-{os.urandom(6).hex()}"
    named.mkdir()
    (named / "file").write_text("keep")
    return named


def _home(directory: Path, run_id: str = RUN_ID) -> Path:
    """A twin's directory that was begun, and nobody keeps."""
    who = account.Account(account_name(os.geteuid()) or "", os.geteuid(), os.getegid(), False)
    made, mark = directories.make(directory / "twins", run_id, who)
    os.close(mark)
    return made.home


def _names(home: Path, *names: Path | str) -> None:
    directories.note(home / "directories.json", json.dumps([str(name) for name in names]))


# --- directories of twins -----------------------------------------------------------------------


def test_a_twin_that_nobody_keeps_is_removed(tmp_path: Path) -> None:
    home = _home(tmp_path)
    (home / "data" / "base").mkdir()
    (home / "data" / "base" / "1").write_text("x" * 1000)
    (swept,) = directories.sweep(tmp_path / "twins")
    assert swept.file == str(home)
    assert swept.size >= 1000
    assert not home.exists()


def test_a_note_leads_to_nothing_that_is_not_the_twins(
    tmp_path: Path, precious: Path, beside: Path
) -> None:
    link = beside.with_name(f"gonogo-twin-{os.urandom(6).hex()}")
    link.symlink_to(precious)
    try:
        for name in (precious, tmp_path, beside, link, f"{beside}/../{beside.name}", "/", "", "."):
            home = _home(tmp_path)
            _names(home, name)
            directories.sweep(tmp_path / "twins")
            assert (precious / "file").read_text() == "keep", name
            assert (beside / "file").read_text() == "keep", name
            assert not home.exists()
            home = _home(tmp_path)
            _names(home, name)
            directories.remove(home)
            assert (precious / "file").read_text() == "keep", name
            assert (beside / "file").read_text() == "keep", name
    finally:
        link.unlink()


def test_a_note_does_not_lead_to_another_twin(tmp_path: Path, beside: Path) -> None:
    """Each has a mark of its own."""
    home, other = _home(tmp_path), _home(tmp_path, OTHER_ID)
    (mark,) = other.glob(".gonogo-twin-*")
    (beside / mark.name).touch(mode=0o600)
    try:
        _names(home, beside)
        directories.remove(home)
        assert (beside / "file").exists()
        assert other.is_dir()
    finally:
        (beside / mark.name).unlink()


def test_a_removal_that_is_ended_in_the_middle_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its mark it is known, so that goes last."""
    home = _home(tmp_path)
    for number in range(3):
        (home / "data" / f"{number}").touch()
    unlink, left = os.unlink, 0

    def ends(name: str, *, dir_fd: int) -> None:
        nonlocal left
        if left == 0:
            raise PermissionError("ended here")
        left -= 1
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(directories, "_REMOVE_SECONDS", 0.0)
    files = sum(path.is_file() for path in home.rglob("*"))
    for turn in range(files):
        left = 1
        with monkeypatch.context() as patched:
            patched.setattr(os, "unlink", ends)
            assert directories.sweep(tmp_path / "twins") == []
        assert home.is_dir(), turn
        if turn < files - 1:
            assert list(home.glob(".gonogo-twin-*")), turn
    directories.sweep(tmp_path / "twins")
    assert not home.exists()


def test_what_lies_elsewhere_is_found_again_by_the_next(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes into it longer than anybody waits: the note of it stays as long."""
    home = _home(tmp_path)
    (mark,) = home.glob(".gonogo-twin-*")
    outside = shared / f"gonogo-twin-{os.urandom(6).hex()}"
    outside.mkdir(mode=0o700)
    (outside / "data").mkdir()
    (outside / mark.name).touch(mode=0o600)
    _names(home, outside)
    rmdir = os.rmdir

    def written(name: str, *, dir_fd: int) -> None:
        if name == "data" and (outside / "data").is_dir():
            (outside / "data" / "file").touch()
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(directories, "_REMOVE_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", written)
        directories.sweep(tmp_path / "twins")
        assert outside.is_dir()
    (swept,) = directories.sweep(tmp_path / "twins")
    assert swept.file == str(home)
    assert not outside.exists()
    assert not home.exists()


@pytest.mark.parametrize("what", ["no mark", "a mark with a content", "two marks", "not private"])
def test_a_directory_that_only_has_the_name_of_a_twin_stays(tmp_path: Path, what: str) -> None:
    home = tmp_path / "twins" / RUN_ID
    home.mkdir(parents=True)
    (home / "file").write_text("keep")
    mark = home / f".gonogo-twin-{'0' * 32}"
    if what != "no mark":
        mark.touch(mode=0o600)
    if what == "a mark with a content":
        mark.write_text("x")
    if what == "two marks":
        (home / f".gonogo-twin-{'1' * 32}").touch(mode=0o600)
    if what == "not private":
        home.chmod(0o777)
    assert directories.sweep(tmp_path / "twins") == []
    assert (home / "file").read_text() == "keep"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_stays(tmp_path: Path) -> None:
    home = _home(tmp_path)
    os.chown(home, 65534, 65534)
    assert directories.sweep(tmp_path / "twins") == []
    assert home.is_dir()


def test_what_is_linked_into_a_twin_stays(tmp_path: Path, precious: Path) -> None:
    home = _home(tmp_path)
    (home / "data" / "link").symlink_to(precious)
    os.link(precious / "file", home / "data" / "file")
    directories.remove(home)
    assert not home.exists()
    assert (precious / "file").read_text() == "keep"


# --- processes ----------------------------------------------------------------------------------


def _server_like(data: Path, *, cwd: Path, name: str = "postgres") -> subprocess.Popen[bytes]:
    """A process that has the words of a server in its command line."""
    code = "import sys; print(flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [name, "-c", code, "-D", str(data)],
        executable=sys.executable,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child


def test_no_process_is_ended_that_only_names_the_directory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for where in (tmp_path, data):
        with _server_like(data, cwd=where) as child:
            (data / "postmaster.pid").write_text(f"{child.pid}\n{data}\n")
            server.end_orphan(data)
            assert child.poll() is None
            child.kill()


@pytest.mark.parametrize("words", ["", "0", "1", "-1", "x", "9" * 400, "\0"])
def test_a_file_without_the_pid_of_a_server_ends_nothing(tmp_path: Path, words: str) -> None:
    (tmp_path / "postmaster.pid").write_text(words)
    server.end_orphan(tmp_path)
    sharedmemory.release(tmp_path)


def test_a_file_that_would_never_be_read_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "postmaster.pid")
    server.end_orphan(tmp_path)
    sharedmemory.release(tmp_path)


def test_the_shared_memory_of_another_directory_stays(tmp_path: Path) -> None:
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    libc = ctypes.CDLL(None)
    identifier = libc.shmget(0x676F6E6F, 4096, 0o1600)
    if identifier < 0:
        pytest.skip(f"no shared memory to be had ({len(rows)} segments)")
    try:
        text = "\n".join([str(os.getpid()), "", "", "", "", "", f"{0x676F6E6F} {identifier}"])
        (tmp_path / "postmaster.pid").write_text(text)
        sharedmemory.release(tmp_path)
        now = Path("/proc/sysvipc/shm").read_text()
        assert any(line.split()[1] == str(identifier) for line in now.splitlines()[1:])
    finally:
        libc.shmctl(identifier, 0, None)


def test_a_note_does_not_say_where_sessions_are_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of a twin is at a socket of the twin."""
    asked: list[str | None] = []

    def connect(login: Login, **_: object) -> None:
        asked.append(login.host)
        raise GonogoError("not there")

    monkeypatch.setattr(supervisor, "connect", connect)
    monkeypatch.setattr(supervisor, "_GONE_SECONDS", 0.0)
    home = _home(tmp_path)
    mark = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX)
        for host in ("/var/run/postgresql", f"{home}/socket,/tmp", str(home / "socket")):
            kept = {"home": str(home), "host": host, "port": 5432, "database": "postgres"}
            kept |= {"superuser": "postgres", "user": "postgres", "version": 170000}
            kept |= {"standins": "gonogo", "confinement": {}}
            directories.note(home / "kept.json", json.dumps(kept))
            with pytest.raises(GonogoError, match="does not end"):
                supervisor.end(tmp_path / "twins", run_id=RUN_ID)
    finally:
        os.close(mark)
    assert set(asked) == {str(home / "socket")}
    assert home.is_dir()


def test_files_that_still_go_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a database with many tables take a while."""
    monkeypatch.setattr(supervisor, "_GONE_SECONDS", 0.0)
    home = _home(tmp_path)
    mark = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(mark, fcntl.LOCK_EX)
    left = [40_000, 20_000, 10]

    def files_of(_home: Path) -> int:
        if len(left) == 1:
            fcntl.flock(mark, fcntl.LOCK_UN)
        return left.pop(0)

    monkeypatch.setattr(directories, "files_of", files_of)
    try:
        assert supervisor.end(tmp_path / "twins", run_id=RUN_ID)
    finally:
        os.close(mark)
    assert not left
    assert not home.exists()


# --- backups ------------------------------------------------------------------------------------


def test_only_what_pg_dump_has_written_is_removed(tmp_path: Path) -> None:
    partial = tmp_path / f".{BACKUP}.partial"
    for name in ("thesis.txt", "toc.dat/x", ".hidden"):
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("keep")
        assert sweep(tmp_path) == []
        assert target.read_text() == "keep"
        target.unlink()
        if target.parent != partial:
            target.parent.rmdir()
    for name in ("toc.dat", "3012.dat", "3013.dat.gz", "blobs.toc", "blob_7.dat.lz4"):
        (partial / name).write_text("x")
    (swept,) = sweep(tmp_path)
    assert swept.size == 5
    assert not partial.exists()


def test_the_record_of_another_backup_stays(tmp_path: Path) -> None:
    (tmp_path / f".{BACKUP}.partial").mkdir()
    record = tmp_path / f"{BACKUP}.json"
    record.write_text(json.dumps({"file": str(tmp_path / "other.dump")}))
    assert len(sweep(tmp_path)) == 1
    assert record.is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_the_unfinished_backup_of_somebody_else_stays(tmp_path: Path) -> None:
    partial = tmp_path / f".{BACKUP}.partial"
    partial.mkdir()
    os.chown(partial, 65534, 65534)
    assert sweep(tmp_path) == []
    assert partial.is_dir()
