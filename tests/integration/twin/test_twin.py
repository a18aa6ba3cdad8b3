"""The backup, restored: equal to its source, or caught."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.login import Login
from gonogo.host.compare.source import surroundings
from gonogo.host.session import lock
from gonogo.host.session.connection import connect
from gonogo.host.twin import scratch
from sandbox import logins
from tests.integration.support.harness import Database
from tests.integration.support.twins import RUN_ID, Rehearsal, copied, member, wrapped

TABLE = "public.config_versions"
# The same rows, and no other table that would miss them.
ALONE = "public.alone"
# Its member of the archive is a perfect one, of a table without rows.
EMPTY = "public.nothing_in_it"


@pytest.fixture
def rehearsal(database: Database, tmp_path: Path) -> Iterator[Rehearsal]:
    with database.owner() as connection:
        connection.execute(f"CREATE TABLE {EMPTY} (LIKE {TABLE})")
        connection.execute(f"CREATE TABLE {ALONE} AS TABLE {TABLE}")
    run = Rehearsal(database, tmp_path, database.login())
    with run.locked():
        yield run


def test_it_equals_its_source_and_nothing_stays(rehearsal: Rehearsal) -> None:
    record = rehearsal.back_up()
    answer = rehearsal.restore(record)
    assert answer["proven"] is True
    proof = answer["proof"]
    assert set(proof["tables"]) == set(record["tables"])
    rows = rehearsal.database.rows()
    assert {name: table["rows"] for name, table in proof["tables"].items()} == {
        f"public.{name}": [count, count] for name, count in rows.items()
    }
    assert proof["schema"]["objects"] > 500
    assert set(answer["seconds"]) == {"start", "restore", "compare"}
    assert list((rehearsal.directory / "twins").iterdir()) == []


def test_kept_it_is_a_target_like_its_source(rehearsal: Rehearsal) -> None:
    answer = rehearsal.restore(rehearsal.back_up(), keep=True)
    login = Login(**answer["twin"]["login"])
    with lock.session(login, run_id=RUN_ID, stage="rehearsal") as connection:
        asked = connection.execute(
            "SELECT session_user::text, current_database()::text, current_setting('fsync'),"
            " current_setting('listen_addresses'), current_setting('gonogo.environment', true)"
        ).fetchone()
        connection.execute(f"DELETE FROM {EMPTY}")
    assert asked == (logins.OWNER, rehearsal.database.name, "off", "", "sandbox")
    assert rehearsal.remove() is True
    assert list((rehearsal.directory / "twins").iterdir()) == []
    assert rehearsal.remove() is False


# --- after it was sealed -------------------------------------------------------------------------


def _emptied(file: Path, empty: Path) -> None:
    file.write_bytes(empty.read_bytes())


def _truncated(file: Path, _empty: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _flipped(file: Path, _empty: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    file.write_bytes(content)


def _missing(file: Path, _empty: Path) -> None:
    file.unlink()


DAMAGES = {"emptied": _emptied, "truncated": _truncated, "flipped": _flipped, "missing": _missing}
Damage = Callable[[Path, Path], None]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("what", ["member", "toc"])
def test_damage_after_the_seal(rehearsal: Rehearsal, what: str, damage: Damage) -> None:
    record = rehearsal.back_up()
    archive, programs = Path(record["file"]), rehearsal.database.cluster.bin
    file = member(archive, TABLE, programs) if what == "member" else archive / "toc.dat"
    damage(file, member(archive, EMPTY, programs))
    answer = rehearsal.restore(record)
    assert answer["proven"] is False
    assert "the archive is not the one that was sealed" in answer["reason"]
    assert list((rehearsal.directory / "twins").iterdir()) == []


def test_archive_of_another_day(rehearsal: Rehearsal) -> None:
    yesterday = rehearsal.back_up()
    kept = rehearsal.directory / "yesterday"
    Path(yesterday["file"]).rename(kept)
    Path(yesterday["file"]).with_suffix(".json").unlink()
    with rehearsal.database.owner() as connection:
        connection.execute("UPDATE public.sites SET site_name = site_name || '!'")
    record = rehearsal.back_up()
    copied(kept, Path(record["file"]))
    answer = rehearsal.restore(record)
    assert answer["proven"] is False
    assert "the archive is not the one that was sealed" in answer["reason"]


# --- before it was sealed: the digests are those of the damage -----------------------------------


def _damaged_by_pg_dump(rehearsal: Rehearsal, after: str, options: str = "") -> Any:
    """What came of it: an error, or the answer of the twin."""
    programs = rehearsal.database.cluster.bin
    rehearsal.pg_bin = wrapped(rehearsal.directory / "bin", programs, after=after, options=options)
    try:
        return rehearsal.restore(rehearsal.back_up())
    except GonogoError as error:
        return error


def _file_of(table: str) -> str:
    """Shell commands that set `$file` to the member of a table, `$empty` to one without rows."""
    commands = []
    for name, wanted in {"file": table, "empty": EMPTY}.items():
        words = wanted.replace(".", " ")
        commands += [
            'list=$("$(dirname "$0")/pg_restore" --list "$archive") || exit',
            f'number=$(echo "$list" | sed -n "s/^\\([0-9]*\\);.* TABLE DATA {words} .*/\\1/p")',
            f'{name}=$(echo "$archive/$number".dat*)',
        ]
    return "\n".join(commands)


def test_member_that_was_emptied_before_the_seal(rehearsal: Rehearsal) -> None:
    found = _damaged_by_pg_dump(rehearsal, f'{_file_of(ALONE)}\ncp "$empty" "$file"')
    assert not isinstance(found, GonogoError), found.render()
    assert found["proven"] is False
    assert found["reason"] == "the twin does not equal its source"
    different = {
        name: table["rows"]
        for name, table in found["proof"]["tables"].items()
        if not table["equal"]
    }
    assert different == {ALONE: [rehearsal.database.rows()["config_versions"], 0]}


def test_backup_that_cannot_be_restored(rehearsal: Rehearsal) -> None:
    """Other tables refer to the rows that are not there."""
    found = _damaged_by_pg_dump(rehearsal, f'{_file_of(TABLE)}\ncp "$empty" "$file"')
    assert not isinstance(found, GonogoError), found.render()
    assert found["proven"] is False
    assert "the backup cannot be restored" in found["reason"]
    assert "violates foreign key constraint" in found["reason"]


def test_archive_of_another_day_before_the_seal(rehearsal: Rehearsal) -> None:
    yesterday = rehearsal.back_up()
    kept = rehearsal.directory / "yesterday"
    Path(yesterday["file"]).rename(kept)
    (kept / "source.json").unlink()
    Path(yesterday["file"]).with_suffix(".json").unlink()
    with rehearsal.database.owner() as connection:
        # As many rows, and in every column the same values: two rows have exchanged them.
        connection.execute(
            "UPDATE public.sites AS s SET site_name = other.site_name FROM public.sites AS other"
            " WHERE (s.id, other.id) IN (SELECT least_id, most_id FROM"
            " (SELECT min(id) AS least_id, max(id) AS most_id FROM public.sites) AS ends"
            " UNION ALL SELECT max(id), min(id) FROM public.sites)"
        )
    found = _damaged_by_pg_dump(rehearsal, f'rm -r "$archive"/*; cp "{kept}"/* "$archive"/')
    assert not isinstance(found, GonogoError), found.render()
    assert found["proven"] is False
    unequal = [name for name, table in found["proof"]["tables"].items() if not table["equal"]]
    assert unequal == ["public.sites"]
    assert found["proof"]["tables"]["public.sites"]["rows"][0] > 1


@pytest.mark.parametrize(
    "after",
    [
        'head -c 100 "$file" > "$file.x"; mv "$file.x" "$file"',
        'rm "$file"',
        'printf "\\377\\377" | dd of="$file" bs=1 seek=60 conv=notrunc 2>/dev/null',
        # Wide enough for what a restore reads, wherever that stands in this version's.
        'head -c 600 /dev/zero | tr "\\0" "\\377"'
        ' | dd of="$archive/toc.dat" bs=1 seek=4000 conv=notrunc 2>/dev/null',
    ],
    ids=["truncated", "missing", "flipped", "table of contents"],
)
def test_damage_before_the_seal(rehearsal: Rehearsal, after: str) -> None:
    found = _damaged_by_pg_dump(rehearsal, f"{_file_of(TABLE)}\n{after}")
    assert isinstance(found, GonogoError) or found["proven"] is False, found
    assert not any(rehearsal.directory.glob("twins/*"))


def test_schema_that_was_left_out(rehearsal: Rehearsal) -> None:
    """The rows are all there, and what guards them is not."""
    found = _damaged_by_pg_dump(rehearsal, "true", options="--section=pre-data --section=data")
    assert not isinstance(found, GonogoError), found.render()
    assert found["proven"] is False
    assert all(table["equal"] for table in found["proof"]["tables"].values())
    differences = found["proof"]["schema"]["differences"]
    assert {difference["kind"] for difference in differences} == {"missing"}
    assert "constraint public.config_versions.config_versions_pkey" in {
        difference["name"] for difference in differences
    }
    # So many are written down of those that there are.
    assert found["proof"]["schema"]["different"] > len(differences) == 50


@pytest.mark.parametrize("options", ["", "--enable-row-security"])
def test_rows_hidden_from_the_login(rehearsal: Rehearsal, options: str) -> None:
    with rehearsal.database.owner() as connection:
        connection.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
        connection.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
        connection.execute(f"CREATE POLICY few ON {TABLE} USING (version_number = 1)")
    found = _damaged_by_pg_dump(rehearsal, "true", options=options)
    assert isinstance(found, GonogoError)
    assert "row-level security" in found.render()
    assert not any(rehearsal.directory.glob("backups/*"))


# --- where there can be no cluster ---------------------------------------------------------------

# More than any host has.
NO_ROOM = {"space_factor": 1e9, "scratch": True}


def _scratch(database: Database) -> list[str]:
    with database.admin() as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'gonogo%'"
        ).fetchall()
    return [row[0] for row in rows]


def test_a_role_that_may_create_no_database_proves_nothing(rehearsal: Rehearsal) -> None:
    answer = rehearsal.restore(rehearsal.back_up(), **NO_ROOM)
    assert answer["proven"] is None
    assert "not enough room for the twin" in answer["reason"]
    assert "may not create a database" in answer["reason"]
    assert not any(rehearsal.directory.glob("twins/*"))


@pytest.mark.parametrize("superuser", [False, True])
def test_a_database_beside_the_source(
    rehearsal: Rehearsal, database: Database, superuser: bool
) -> None:
    """What a killed run has left is swept; what only has such a name is somebody else's."""
    killed, others = "20260131T110000Z-0a1b2c", "gonogo_twin_20260131T110000Z-0a1b2d"
    attribute = "SUPERUSER" if superuser else "CREATEDB"
    with database.admin() as connection:
        connection.execute(f"ALTER ROLE {logins.OWNER} {attribute}")
        connection.execute(f'CREATE DATABASE "{others}" OWNER {logins.OWNER}')
    try:
        with connect(database.login(), name="test") as connection:
            scratch.make(connection, killed, surroundings(connection))
        assert sorted(_scratch(database)) == [f"gonogo_twin_{killed}", others]
        answer = rehearsal.restore(rehearsal.back_up(), **NO_ROOM)
        assert answer["proven"] is True, answer
        assert answer["method"] == "database"
        assert answer["proof"]["tables"][TABLE]["equal"] is True
        assert _scratch(database) == [others]
        record = rehearsal.back_up(directory=str(rehearsal.directory / "more"))
        file = member(Path(record["file"]), ALONE, database.cluster.bin)
        _truncated(file, file)
        assert rehearsal.restore(record, **NO_ROOM)["proven"] is False
        assert _scratch(database) == [others]
    finally:
        with database.admin() as connection:
            connection.execute(f"ALTER ROLE {logins.OWNER} NOSUPERUSER NOCREATEDB")
            for name in (f"gonogo_twin_{killed}", others):
                connection.execute(f'DROP DATABASE IF EXISTS "{name}"')


# --- while applications write --------------------------------------------------------------------


def test_it_equals_the_moment_while_others_write(rehearsal: Rehearsal, database: Database) -> None:
    with database.owner() as connection:
        connection.execute("CREATE SEQUENCE public.ticket")
        connection.execute(
            "CREATE TABLE public.busy AS SELECT n AS id, n AS amount, md5(n::text) AS note"
            " FROM generate_series(1, 20000) AS n"
        )
        connection.execute("ALTER TABLE public.busy ADD PRIMARY KEY (id)")
    stop, written = threading.Event(), threading.Semaphore(0)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with database.owner() as connection:
                while not stop.is_set():
                    with connection.transaction():
                        connection.execute(
                            "UPDATE public.busy SET amount = amount + 1 WHERE mod(id, 97) = %s",
                            (number,),
                        )
                        connection.execute(
                            "INSERT INTO public.busy SELECT max(id) + 1 + %s, 0, 'new'"
                            " FROM public.busy ON CONFLICT DO NOTHING",
                            (number,),
                        )
                        connection.execute("DELETE FROM public.busy WHERE id = %s", (number * 7,))
                        connection.execute("SELECT nextval('public.ticket')")
                    written.release()
        except psycopg.Error as error:
            failures.append(error)
            written.release()

    writers = [threading.Thread(target=write, args=(number,)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    try:
        written.acquire()
        record = rehearsal.back_up()
        written.acquire()
        answer = rehearsal.restore(record)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failures == []
    assert answer["proven"] is True, answer["reason"]
    with database.owner() as connection:
        now = connection.execute("SELECT sum(amount) FROM public.busy").fetchone()
    assert now is not None
    assert answer["proof"]["tables"]["public.busy"]["rows"][0] >= 19_990
