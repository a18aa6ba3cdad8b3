"""Client programs and the backup made with them; small shell scripts stand in for PostgreSQL's."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.reading import plain
from gonogo.host.archive import clients
from gonogo.host.archive import dump as archive_dump
from tests.records import identity
from tests.unit.archives import Written, table_of_contents

Make = Callable[[str, str], str]
# Names that lines of words would say in two ways.
TOC = table_of_contents(
    [
        Written("TABLE DATA", copy="COPY public.users (id) FROM stdin;\n"),
        Written("TABLE DATA", copy='COPY "odd one"."Two words" (id) FROM stdin;\n'),
        Written("TABLE DATA", copy='COPY public."a""b.c (d)"  FROM stdin;\n'),
        Written("TABLE", tag="users"),
    ]
)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a program of a shell script."""
    (tmp_path / "bin").mkdir()

    def make(name: str, script: str) -> str:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_find(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("pg_dump", "")
    assert clients.find("pg_dump", bin_dir=str(tmp_path / "bin")) == path
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert clients.find("pg_dump", bin_dir=None) == path
    with pytest.raises(GonogoError) as caught:
        clients.find("pg_restore", bin_dir=None)
    assert caught.value.render() == (
        "pg_restore was not found on this host\nDETAIL:  Looked in PATH.\n"
        "HINT:  Install PostgreSQL's client programs, or set gonogo_pg_bin to their directory."
    )


@pytest.mark.parametrize(
    ("said", "version", "major"),
    [
        ("pg_dump (PostgreSQL) 17.10", "17.10", 17),
        ("pg_dump (PostgreSQL) 13.22 (Debian 13.22-1.pgdg12+1)", "13.22", 13),
        ("pg_dump (PostgreSQL) 18beta1", "18beta1", 18),
        ("pg_restore (EnterpriseDB) 16.4.1", "16.4.1", 16),
    ],
)
def test_version(make: Make, said: str, version: str, major: int) -> None:
    assert clients.version(make("pg_dump", f"echo '{said}'")) == version
    assert clients.major(version) == major


_HINT = "\nHINT:  Let gonogo_pg_bin name the directory of PostgreSQL's own client programs."


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo hello", "{path} does not say its version\nDETAIL:  It says: hello" + _HINT),
        (
            "printf '\\377\\033[31m'",
            "{path} does not say its version\nDETAIL:  It says: \\xff\\x1b[31m" + _HINT,
        ),
        (
            "echo 'libpq.so.5: not found' >&2; exit 127",
            "{path} --version failed (exit status 127)\nDETAIL:  libpq.so.5: not found",
        ),
        ("kill -9 $$", "{path} --version failed (signal 9)"),
    ],
)
def test_no_version(make: Make, script: str, message: str) -> None:
    path = make("pg_dump", script)
    with pytest.raises(GonogoError) as caught:
        clients.version(path)
    assert caught.value.render() == message.format(path=path)


def test_the_end_of_what_a_program_said(make: Make) -> None:
    path = make("pg_dump", "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 1")
    with pytest.raises(GonogoError) as caught:
        clients.run([path], environment={}, what="pg_dump")
    assert caught.value.primary == "pg_dump failed (exit status 1)"
    assert caught.value.detail == "line 3\nline 4\nline 5\nline 6\nline 7"


def test_only_the_given_environment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    path = make("pg_dump", 'echo "$PGHOST $PGDATABASE"')
    assert clients.run([path], environment={"PGDATABASE": "x"}, what="") == " x\n"


# --- the backup --------------------------------------------------------------------------------

# Says its version, or writes two files into the directory it is given.
WRITE = 'for a; do case $a in --file=*) d="${a#--file=}"; echo rows > "$d/1.dat"; cp "$0.toc" "$d/toc.dat";; esac; done'
VERSION = "case $1 in --version) echo 'pg_dump (PostgreSQL) 17.10'; exit;; esac"
GOOD_DUMP = f"{VERSION}; {WRITE}"
GOOD_RESTORE = "true"


def take(
    make: Make,
    directory: Path,
    *,
    dump: str = GOOD_DUMP,
    restore: str = GOOD_RESTORE,
    contents: bytes = TOC,
) -> dict[str, Any]:
    program = make("pg_dump", dump)
    Path(f"{program}.toc").write_bytes(contents)
    record = archive_dump.take(
        directory=directory,
        name="db-1",
        pg_dump=program,
        pg_restore=make("pg_restore", restore),
        conninfo="dbname='db'",
        environment={"PATH": os.environ["PATH"]},
        lock_wait_ms=1000,
        compress="auto",
        jobs=2,
        run_id="20260131T120000Z-0a1b2c",
        observed=identity(database="db"),
        confirm=lambda: None,
    )
    return dict(plain(record))


def test_backup(make: Make, tmp_path: Path) -> None:
    directory = tmp_path / "gonogo" / "backups"
    record = take(make, directory)
    archive = Path(record["file"])
    assert archive == directory / "db-1.dump"
    assert list(record["files"]) == ["1.dat", "toc.dat"]
    for name, said in record["files"].items():
        content = (archive / name).read_bytes()
        assert said == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    listed = "".join(f"{said['sha256']}  {name}\n" for name, said in record["files"].items())
    assert record["sha256"] == hashlib.sha256(listed.encode()).hexdigest()
    assert record["size"] == len(b"rows\n") + len(TOC)
    assert (record["compress"], record["jobs"]) == ("lz4", 2)
    assert record["tables"] == [
        '"odd one"."Two words"',
        'public."a""b.c (d)"',
        "public.users",
    ]
    assert record["database"] == "db"
    assert record["read_back"] is True
    assert json.loads((directory / "db-1.json").read_text()) == record
    assert sorted(path.name for path in directory.iterdir()) == ["db-1.dump", "db-1.json"]
    for path in (*archive.iterdir(), directory / "db-1.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for path in (archive, directory, directory.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("programs", "message"),
    [
        (
            {"dump": f"{VERSION}; echo 'pg_dump: error: no' >&2; exit 1"},
            "pg_dump failed (exit status 1)",
        ),
        ({"dump": f"{GOOD_DUMP}; kill -9 $$"}, "pg_dump failed (signal 9)"),
        ({"restore": "exit 1"}, "reading the archive back (pg_restore) failed (exit status 1)"),
        (
            {"contents": b"PGDMP"},
            "the table of contents of the archive cannot be read: {archive}/toc.dat",
        ),
        (
            {"restore": 'case $2 in *.partial) echo more >> "$2/1.dat";; esac'},
            "the archive changed while it was read back",
        ),
    ],
)
def test_a_failing_backup_leaves_nothing(
    make: Make, tmp_path: Path, programs: dict[str, Any], message: str
) -> None:
    directory = tmp_path / "backups"
    with pytest.raises(GonogoError) as caught:
        take(make, directory, **programs)
    archive = directory / ".db-1.partial"
    assert caught.value.primary == message.format(archive=archive)
    assert list(directory.iterdir()) == []


def test_without_its_record_an_archive_is_no_backup(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive_dump, "_write_new", full)
    with pytest.raises(OSError, match="No space left"):
        take(make, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_an_archive_that_cannot_be_removed_keeps_its_record(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has the name of a backup has a record, also where the disk refuses everything."""

    def broken(path: Path) -> None:
        raise OSError(5, "Input/output error", str(path))

    directory = tmp_path / "backups"
    # The last thing that is done, after the archive has its name.
    real = archive_dump._sync
    monkeypatch.setattr(archive_dump, "_sync", lambda p: broken(p) if p == directory else real(p))
    monkeypatch.setattr(archive_dump, "discard", lambda _folder, _made: None)
    with pytest.raises(OSError, match="Input/output"):
        take(make, directory)
    assert sorted(path.name for path in directory.iterdir()) == ["db-1.dump", "db-1.json"]


def test_an_earlier_backup_is_never_touched(make: Make, tmp_path: Path) -> None:
    directory = tmp_path / "backups"
    first = take(make, directory)
    with pytest.raises(GonogoError) as caught:
        take(make, directory)
    assert caught.value.primary == f"a backup of this name exists already: {first['file']}"
    assert (Path(first["file"]) / "1.dat").read_text() == "rows\n"


@pytest.mark.parametrize(
    ("version", "knows", "chosen"),
    [("17.10", "lz4", "lz4"), ("17.10", "1", "1"), ("15.18", "1", "1")],
)
def test_the_cheapest_compression_it_has(
    make: Make, tmp_path: Path, version: str, knows: str, chosen: str
) -> None:
    refuse = 'echo "pg_dump: error: this build does not support compression with LZ4" >&2; exit 1'
    dump = f"""{VERSION.replace("17.10", version)}
for a; do case $a in --compress={knows}) ok=1;; esac; done
[ "$ok" ] || {{ {refuse}; }}
{WRITE}"""
    assert take(make, tmp_path / "backups", dump=dump)["compress"] == chosen
