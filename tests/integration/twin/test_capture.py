"""A migration tool's command is run on copies of the database, and all that it says is heard."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gonogo.contract.errors import GonogoError
from gonogo.contract.records.answers import CaptureAnswer
from gonogo.contract.records.drift import ReplayPlan
from gonogo.contract.records.reading import plain, read
from gonogo.controller.runbook.captured import Script, script, settled
from gonogo.host.capture import folder as folders
from tests import migration_tools
from tests.integration.support import applications
from tests.integration.support.harness import Database
from tests.integration.support.twins import Rehearsal

_SQLALCHEMY = "postgresql+{}://{{address}}"


class Heard:
    """A run in which commands of an application are heard."""

    def __init__(self, run: Rehearsal, folder: Path) -> None:
        self.run = run
        self.folder = folder
        folder.mkdir()
        self.record = run.back_up()

    def say(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, **more: Any
    ) -> CaptureAnswer:
        files = folders.digests(self.folder, without=folders.INSTALLED)
        place = str(self.run.directory / "captures")
        copy = self.run.restore_arguments(self.record, directory=place)
        del copy["driver"]
        given = {
            "copy": copy,
            "command": [*command],
            "folder": str(self.folder),
            "folder_sha256": folders.sha256(files),
            "environment": {"PYTHONPATH": _packages(), **(environment or {})},
            "seconds": 60.0,
            "records": [],
        }
        return read(CaptureAnswer, self.run.ask("capture", **{**given, **more}), file="the answer")

    def program(self, text: str, **more: Any) -> CaptureAnswer:
        """What a program says that has the driver, a session of it and its environment."""
        (self.folder / "program.py").write_text(f"import os, psycopg\n{text}\n")
        return self.say([sys.executable, "program.py"], **more)


def _packages() -> str:
    found = migration_tools.programs()
    if found is None:
        pytest.skip("Alembic and Django are not here: python -m tests.migration_tools")
    return str(found)


def _settled(answer: CaptureAnswer) -> tuple[Script, list[str]]:
    first, second = map(script, answer.runs)
    return settled(first, second)


def _texts(answer: CaptureAnswer) -> Script:
    found, own = _settled(answer)
    assert all("django_migrations" in one for one in own)
    return found


@pytest.fixture
def heard(database: Database, tmp_path: Path) -> Iterator[Heard]:
    run = Rehearsal(database, tmp_path, database.login())
    with run.locked():
        yield Heard(run, tmp_path / "application")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_alembic(heard: Heard, driver: str) -> None:
    applications.alembic(heard.folder)
    url = {"APP_DATABASE": _SQLALCHEMY.format(driver)}
    answer = heard.say(applications.ALEMBIC, url)
    lines = [" ".join(line.text.split()) for line in _texts(answer).lines]
    assert [line[:25] for line in lines] == [
        "BEGIN",
        "CREATE TABLE alembic_vers",
        "CREATE TABLE parcel ( id ",
        "INSERT INTO alembic_versi",
        "COMMIT",
    ]
    assert answer.runs[0].confined
    (table,) = answer.runs[0].tables
    assert (table.name, table.before) == ("alembic_version", None)
    assert table == answer.runs[1].tables[0]
    assert list((heard.run.directory / "captures").iterdir()) == []


@pytest.mark.parametrize("binding", ["0", "1"], ids=["in the client", "in the server"])
def test_django(heard: Heard, binding: str) -> None:
    applications.django(heard.folder)
    answer = heard.say(applications.DJANGO, {"SERVER_SIDE": binding})
    assert bool([one for one in answer.runs[0].said if one.values]) is (binding == "1")
    lines = [line.text for line in _texts(answer).lines]
    text = "\n".join(lines)
    assert lines.count("BEGIN") == lines.count("COMMIT") == 3
    assert "now()" in text
    assert "$2" not in text


def _node(path: str) -> list[str]:
    """A program of npm's packages."""
    found = migration_tools.packages()
    if found is None or shutil.which("node") is None or not (found / path).is_file():
        pytest.skip("the packages of npm are not here: python -m tests.migration_tools")
    return ["node", str(found / path)]


def _makes_a_crate(answer: CaptureAnswer, records: set[str]) -> None:
    found, own = _settled(answer)
    text = found.text.replace('"', "").lower()
    assert {one.name for one in answer.runs[0].tables} >= records
    assert {one.name for one in answer.runs[0].tables if one.before != one.after} >= records
    assert text.count("create table crate") == 1
    assert "'it''s'" in text
    assert "$1" not in text
    assert all(any(name in one for name in records) for one in own)


def test_knex(heard: Heard) -> None:
    applications.knex(heard.folder)
    command = [*_node("knex/bin/cli.js"), "migrate:latest"]
    # It wants to be installed where it runs.
    (heard.folder / "node_modules").symlink_to(str(migration_tools.packages()))
    answer = heard.say(command)
    _makes_a_crate(answer, {"knex_migrations", "knex_migrations_lock"})


def test_typeorm(heard: Heard) -> None:
    applications.typeorm(heard.folder)
    packages = {"NODE_PATH": str(migration_tools.packages())}
    answer = heard.say(
        [*_node("typeorm/cli.js"), "migration:run", "-d", "data-source.js"], packages
    )
    _makes_a_crate(answer, {"migrations"})


SAYS = """
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as one:
    one.execute("SET statement_timeout = '7s'")
    one.execute("CREATE TABLE t (n int, s text, j jsonb, b bytea, w timestamp)")
    one.execute("INSERT INTO t VALUES (%s, %s, jsonb_build_object('n', %s::int), %b, %s)",
        [1, "it's \\\\ %", 2, b"\\x00'", None])
    one.execute("SELECT 1 /* $1 */ WHERE %s = 1", [1])
    one.execute("CREATE TABLE a (x int); CREATE TABLE b (x int); SELECT count(*) FROM a")
    try:
        one.execute("CREATE TABLE c (x int); SELECT 1/0")
    except psycopg.Error:
        pass
    with one.transaction():
        one.execute("CREATE TABLE d (x int)")
        try:
            with one.transaction():
                one.execute("INSERT INTO d VALUES (1)")
                one.execute("SELECT 1/0")
        except psycopg.Error:
            pass
        one.execute("INSERT INTO d VALUES (2)")
    try:
        with one.transaction():
            one.execute("DROP TABLE d")
            raise KeyError
    except KeyError:
        pass
    one.execute("SELECT pg_catalog.setval(pg_get_serial_sequence('public.sites', 'x'), 1)"
        if False else "SELECT pg_advisory_lock(1)")
    with one.pipeline():
        one.execute("INSERT INTO a VALUES (%s)", [3])
        one.execute("INSERT INTO b VALUES (%s)", [4])
    one.execute("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x")
"""


def test_what_a_session_says_is_told_with_its_transactions(heard: Heard) -> None:
    lines = [line.text for line in _texts(heard.program(SAYS)).lines]
    assert lines == [
        "SET statement_timeout = '7s'",
        "CREATE TABLE t (n int, s text, j jsonb, b bytea, w timestamp)",
        "INSERT INTO t VALUES (('1'::smallint), ('it''s \\ %'), jsonb_build_object('n', "
        "('2'::smallint)::int), ('\\x0027'::bytea), (NULL))",
        *("BEGIN", "CREATE TABLE a (x int)", "CREATE TABLE b (x int)", "COMMIT"),
        *("BEGIN", "CREATE TABLE d (x int)", "INSERT INTO d VALUES (2)", "COMMIT"),
        *("BEGIN", "INSERT INTO a VALUES (('3'::smallint))"),
        *("INSERT INTO b VALUES (('4'::smallint))", "COMMIT"),
        "WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x",
    ]


_CONNECT = "one = psycopg.connect(os.environ['DATABASE_URL'], autocommit=True)\n"
BAD = {
    "failed with status 3": "print('no such thing'); raise SystemExit(3)",
    "did not end in 3 seconds": "import time; time.sleep(600)",
    "failed with status 1": _CONNECT + "input('Really? ')",
    "has not spoken to the database": "print('done')",
    "asks for another database": "psycopg.connect(os.environ['DATABASE_URL'], dbname='postgres')",
}


@pytest.mark.parametrize("words", BAD)
def test_a_command_that_is_of_no_use_is_one_error(heard: Heard, words: str) -> None:
    text = BAD[words]
    if "another" in words:
        text = f"try:\n    {text}\nexcept psycopg.Error:\n    pass"
    with pytest.raises(GonogoError) as caught:
        heard.program(text, seconds=3.0 if "3 seconds" in words else 60.0)
    assert words in caught.value.primary
    assert list((heard.run.directory / "captures").iterdir()) == []


def test_the_environment_leads_nowhere_else(heard: Heard, monkeypatch: Any) -> None:
    for name in ("PGPASSWORD", "PGSERVICE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    login = heard.run.database.login()
    text = f"""
known = {{"PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLMODE", "PGHOST", "PGPORT", "PGUSER",
    "PGDATABASE", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "HOME", "TMPDIR",
    "DATABASE_URL", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "DO_NOT_TRACK", "CI"}}
assert not {{*os.environ}} - known, {{*os.environ}} - known
assert os.listdir(os.environ["HOME"]) == []
assert not os.path.exists(os.environ["PGPASSFILE"])
try:
    psycopg.connect(host="127.0.0.1", port={login.port}, dbname={login.db!r}, user="x")
except psycopg.OperationalError as error:
    assert "Permission denied" in str(error), error
else:
    raise KeyError
try:
    open("/dev/tty")
except OSError:
    pass
else:
    raise KeyError
{_CONNECT}
one.execute("CREATE TABLE t (n int)")
"""
    answer = heard.program(text)
    assert answer.runs[0].confined
    assert _texts(answer).statements == 1


def test_it_writes_where_it_may_and_reaches_no_other_process(heard: Heard) -> None:
    place = heard.run.directory / "approvals"
    place.mkdir()
    (place / "used").write_text("x")
    text = f"""
def refused(what, *given):
    try:
        what(*given)
    except PermissionError:
        return
    raise KeyError(given)

place = {str(place)!r}
refused(open, place + "/used", "w")
refused(os.truncate, place + "/used", 0)
refused(os.unlink, place + "/used")
refused(os.rename, place + "/used", "used")
refused(os.mkdir, place + "/new")
refused(os.symlink, "x", place + "/link")
refused(os.kill, os.getppid(), 0)
refused(open, f"/proc/{{os.getppid()}}/mem", "rb")
refused(os.readlink, f"/proc/{{os.getppid()}}/fd/1")
for above in (os.environ["HOME"], os.environ["TMPDIR"], "."):
    os.makedirs(above + "/made/here", exist_ok=True)
    open(above + "/made/x", "w").close()
    os.rename(above + "/made/x", above + "/made/here/x")
open("/dev/null", "w").close()
{_CONNECT}
one.execute("CREATE TABLE t (n int)")
"""
    assert _texts(heard.program(text)).statements == 1
    assert [one.read_text() for one in place.iterdir()] == ["x"]


HISTORY = plain(ReplayPlan("", "public", [("public", "alembic_version")]))


def test_a_copy_is_compared_with_what_the_command_makes_of_an_empty_database(heard: Heard) -> None:
    """The copy has never seen the command."""
    applications.alembic(heard.folder)
    url = {"APP_DATABASE": _SQLALCHEMY.format("psycopg")}
    drift = heard.say(applications.ALEMBIC, url, history=HISTORY).drift
    assert drift is not None
    assert drift.problem is None
    assert [(one.kind, one.name) for one in drift.before] == [("missing", "table public.parcel")]
    # What others have made there is nobody's drift.
    assert "table public.workspaces" in {one.name for one in drift.beside}
    assert "alembic_version" not in str(drift)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        # It would find all of nothing in the copy.
        (["current"], "makes no record of its own"),
        (["upgrade", "0009"], "failed with status"),
    ],
)
def test_what_makes_nothing_of_an_empty_database_proves_nothing(
    heard: Heard, words: list[str], problem: str
) -> None:
    applications.alembic(heard.folder)
    url = {"APP_DATABASE": _SQLALCHEMY.format("psycopg")}
    drift = heard.say([*applications.ALEMBIC[:3], *words], url, history=HISTORY).drift
    assert drift is not None
    assert problem in str(drift.problem)
    assert drift.compared == 0


def test_what_differs_between_the_runs_is_shown(heard: Heard) -> None:
    answer = heard.program(
        _CONNECT + "import uuid\none.execute('CREATE TABLE t (n uuid)')\n"
        "one.execute('INSERT INTO t VALUES (%s)', [uuid.uuid4()])"
    )
    with pytest.raises(GonogoError, match="does not do the same twice") as caught:
        _texts(answer)
    assert "INSERT INTO t" in str(caught.value.detail)


def test_the_folder_on_the_host_is_that_of_the_controller(heard: Heard) -> None:
    with pytest.raises(GonogoError, match="another one than on the controller"):
        heard.program("", folder_sha256="0")
    with pytest.raises(GonogoError, match="is not on the target host"):
        heard.program("", folder=os.devnull)


def test_what_it_leaves_behind_is_ended(heard: Heard) -> None:
    answer = heard.program(
        f"{_CONNECT}import subprocess, sys\n"
        "for known in (dict(os.environ), {}):\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(571)'],"
        " env=known, start_new_session=True)\n"
        "one.execute('CREATE TABLE t (n int)')"
    )
    assert _texts(answer).statements == 1
    left = [
        place
        for place in Path("/proc").glob("[0-9]*/cmdline")
        if b"time.sleep(571)" in _content(place)
    ]
    assert left == []


def _content(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""
