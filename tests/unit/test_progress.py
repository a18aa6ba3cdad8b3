"""How far a stage is: the words, the file of the host, and the way to it. Nothing depends on it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gonogo.contract.options.shared import PROGRESS_SECONDS
from gonogo.contract.records.progress import MAX_BYTES, Progress, Touched
from gonogo.contract.records.reading import read
from gonogo.controller.ansible import progress as ways
from gonogo.controller.ansible.plugin import Plugin
from gonogo.controller.progress import Watch, Words, took, watched
from gonogo.host import progress
from gonogo.host.progress.dumping import Dumping, Rows
from gonogo.host.progress.restoring import Archived, Restoring
from gonogo.host.progress.server import Copy

# Long enough for a thread of a busy machine.
PATIENCE = 60.0


def written(number: int, *steps: dict[str, Any]) -> str:
    return json.dumps({"written": number, "steps": list(steps)})


def at(
    seconds: float, done: int, of: int | None = None, *, unit: str = "rows", number: int = 1
) -> dict[str, Any]:
    """A step that has done so much of one thing."""
    count = {"unit": unit, "done": done, "about": False, **({} if of is None else {"of": of})}
    return {"number": number, "name": "dump", "seconds": seconds, "counts": [count], "now": []}


def said(*looks: dict[str, Any]) -> str:
    """The last of the lines about these looks, one after the other."""
    words, line = Words("db1", "backup"), None
    for number, look in enumerate(looks):
        line = words.line(written(number, look), seconds=look["seconds"])
    assert line is not None
    return line


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "line"),
    [
        ([at(2, 10, 100)], "db1 backup, 2 s: dump: 10 of 100 rows (10 %)"),
        ([at(9, 0, 100)], "db1 backup, 9 s: dump: 0 of 100 rows (0 %)"),
        ([at(9, 100, 100)], "db1 backup, 9 s: dump: 100 of 100 rows (100 %)"),
        (
            [at(10, 1000, 5000)],
            "db1 backup, 10 s: dump: 1,000 of 5,000 rows (20 %), 100 rows/s, about 40 s left for rows",
        ),
        (
            [at(10, 100, 864_000)],
            "db1 backup, 10 s: dump: 100 of 864,000 rows (0 %), 10 rows/s, about 24.0 h left for rows",
        ),
        (
            [at(10, 3, 6, unit="statements")],
            # The next one may take an hour.
            "db1 backup, 10 s: dump: 3 of 6 statements",
        ),
        (
            [{**at(70, 0), "counts": [], "now": [{"name": "public.t", "percent": 4}]}],
            "db1 backup, 1 min 10 s: dump: at work for 1 min 10 s; now public.t 4 %",
        ),
        ([at(10, 7)], "db1 backup, 10 s: dump: 7 rows"),
        (
            [at(100, 5 << 20, 100 << 20, unit="bytes")],
            "db1 backup, 1 min 40 s: dump: 5.0 MB of 100 MB (5 %), 51 kB/s, about 32 min left",
        ),
    ],
)
def test_a_line(looks: list[dict[str, Any]], line: str) -> None:
    assert said(*looks) == line


def test_no_time_is_left_where_nothing_moves() -> None:
    looks = [at(10 * n, 1000, 5000) for n in range(1, 20)]
    assert said(*looks) == "db1 backup, 3 min 10 s: dump: 1,000 of 5,000 rows (20 %)"


def test_the_rate_is_that_of_the_last_looks() -> None:
    slow = [at(10 * n, n, 1_000_000) for n in range(1, 20)]
    fast = [at(190 + 10 * n, 10_000 * n, 1_000_000) for n in range(1, 13)]
    assert ", 1,000 rows/s, about 15 min left for rows" in said(*slow, *fast)


@pytest.mark.parametrize(("of", "more"), [(100, True), (2000, False), (None, False)])
def test_what_there_is_to_do_may_turn_out_to_be_less(of: int | None, more: bool) -> None:
    line = said(at(10, 500, 1000), at(20, 1000, of))
    assert ("%" in line) is (of == 2000)
    assert ("more than expected" in line) is more
    assert ("left" in line) is (of == 2000)


def test_a_step_that_is_begun_anew_has_no_rate_of_the_first() -> None:
    assert "/s" not in said(at(100, 900, 1000), at(1, 0, 1000), at(3, 20, 1000))
    # Another attempt.
    assert "/s" not in said(at(100, 900, 1000), at(3, 20, 1000, number=2))


def test_estimates_are_called_so() -> None:
    step = at(2, 10, 100)
    step["counts"][0]["about"] = True
    assert "10 of about 100 rows" in said(step)


def test_names_are_inert() -> None:
    step = at(2, 10, 100)
    step["now"] = [{"name": "public.\x1b[31m\r\n\u202eevil" + "x" * 500, "percent": 5}]
    line = said({**step, "name": "dump\x07"})
    assert line.isprintable()
    assert "\\x1b[31m\\r\\n\\u202eevilx" in line
    assert "dump\\x07" in line
    assert len(line) < 240
    assert Words("a\nb", "c").line(written(0, step), seconds=1).startswith("a\\nb c, ")  # type: ignore[union-attr]
    assert took("a\nb", "backup", 3.25) == "a\\nb backup took 3.2 s"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "{}",
        "null",
        "[" * 5000,
        '{"written": 1, "steps": [{"number": NaN}]}',
        '{"written": 0, "steps": []}',
        written(0, at(1, -5)),
        written(0, at(1, 10**18)),
        written(0, at(-1, 5)),
        written(0, at(1, 5, unit="x" * MAX_BYTES)),
        written(0, {**at(1, 5), "password": "secret"}),
        written(0, {**at(1, 5), "now": [{"name": "t", "percent": 10**18}]}),
    ],
)
def test_what_nobody_understands_is_not_told(text: str) -> None:
    assert Words("db1", "backup").line(text, seconds=1) is None


def test_the_same_is_told_once() -> None:
    words, text = Words("db1", "backup"), written(3, at(1, 5))
    assert words.line(text, seconds=1)
    assert words.line(text, seconds=11) is None


def test_several_steps_are_one_line() -> None:
    other = {**at(3, 2, 4, unit="tables", number=2), "name": "fingerprint"}
    line = Words("db1", "backup").line(written(0, at(2, 1, 10), other), seconds=5)
    assert line == "db1 backup, 5 s: dump: 1 of 10 rows (10 %); fingerprint: 2 of 4 tables"


# --- the host's file -----------------------------------------------------------------------------


def wait_for(seen: Callable[[], Any]) -> Any:
    """What it sees at last."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if found := seen():
                return found
        time.sleep(0.005)
    pytest.fail("nothing was seen")


def threads() -> int:
    return threading.active_count()


def test_a_step_at_work_is_in_the_file(tmp_path: Path) -> None:
    file, before = tmp_path / "progress" / "a.json", threads()
    with progress.telling(str(file), 0.001):
        assert not file.exists()
        with progress.step("outer") as outer, progress.step("inner") as inner:
            outer.count("rows", 5, 10)
            outer.add("rows", 2)
            inner.touch([Touched("t", 4)])

            def seen() -> Any:
                found = read(Progress, json.loads(file.read_text()), file="it")
                return [one for one in found.steps if one.counts] and found

            found = wait_for(seen)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            assert [one.name for one in found.steps] == ["outer", "inner"]
            assert found.steps[0].counts[0].done == 7
        # Whoever forks behind it has one thread.
        assert threads() == before
    assert not list(file.parent.iterdir())


def test_of_many_short_steps_one_is_written(tmp_path: Path) -> None:
    file = tmp_path / "progress" / "a.json"
    with progress.telling(str(file), 0.2):

        def seen() -> bool:
            with progress.step("short"):
                time.sleep(0.05)
            return file.exists()

        wait_for(seen)
    assert not file.exists()


def test_without_a_file_there_is_no_thread() -> None:
    before = threads()
    with progress.telling(None), progress.step("work") as step:
        step.count("rows", 1)
        assert threads() == before


def test_a_short_step_writes_nothing(tmp_path: Path) -> None:
    with progress.telling(str(tmp_path / "progress" / "a.json"), 3600), progress.step("work"):
        pass
    assert not list(tmp_path.iterdir())


def _nothing(_: Path) -> None: ...


def _a_file_in_the_way(directory: Path) -> None:
    directory.write_text("")


def _a_link_in_the_way(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    (directory / "a.json.new").symlink_to(directory.parent / "victim")


def _a_folder_in_the_way(directory: Path) -> None:
    (directory / "a.json").mkdir(parents=True, mode=0o700)
    directory.chmod(0o700)


def _everybodys(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)


@pytest.mark.parametrize(
    "hindrance",
    [_nothing, _a_file_in_the_way, _a_link_in_the_way, _a_folder_in_the_way, _everybodys],
)
def test_a_step_does_not_fail_for_its_file(
    hindrance: Callable[[Path], None], tmp_path: Path
) -> None:
    directory = tmp_path / "progress"
    hindrance(directory)
    looks = []

    def look(step: progress.Step) -> None:
        looks.append(step.name)
        raise RuntimeError("the look fails")

    with progress.telling(str(directory / "a.json"), 0.001), progress.step("work", look):
        wait_for(lambda: len(looks) > 3)
    assert not (tmp_path / "victim").exists()
    if hindrance is _everybodys:
        assert not list(directory.iterdir())


@pytest.mark.parametrize("file", ["~nobody-at-all/a.json", "\0", "relative/a.json"])
def test_a_file_that_cannot_be_is_none(file: str) -> None:
    before = threads()
    with progress.telling(file, 0.001), progress.step("work"):
        assert threads() == before


def test_a_file_that_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    """Nothing else is, whatever its age: who has called his directory so has files in it."""
    directory = tmp_path / "progress"
    directory.mkdir(mode=0o700)
    own = "0123456789abcdef" * 2
    stay = {"new.json": 10, "thesis.json": 100_000, f"{own[:-1]}0.json": 10, "notes": 100_000}
    for name, age in ({f"{own}.json": 100_000, f"{own}.json.new": 100_000} | stay).items():
        (directory / name).write_text("")
        os.utime(directory / name, (time.time() - age,) * 2)
    folder = directory / f"{own[:-1]}e.json"
    folder.mkdir()
    os.utime(folder, (0, 0))
    with progress.telling(str(directory / "a.json"), 0.001), progress.step("work"):
        wait_for((directory / "a.json").exists)
    assert {file.name for file in directory.iterdir()} == {*stay, folder.name}


# --- what is counted -----------------------------------------------------------------------------


def test_rows_of_a_dump() -> None:
    rows = Rows({1: 1000, 2: 500, 3: 10, 4: 30})
    assert rows.of == 1540
    rows.saw([Copy(1, "a", 400)])
    assert rows.done(0) == 400
    # The first is finished, and two that nobody has seen.
    rows.saw([Copy(2, "b", 100)])
    assert rows.finished() == 1
    assert rows.done(2) == 1000 + 100 + 40
    # More than was estimated, and one that nobody knew.
    rows.saw([Copy(2, "b", 900), Copy(9, "new", 5)])
    assert rows.done(0) == 1000 + 900 + 5


def test_a_dump_counts_the_files_of_its_archive(tmp_path: Path) -> None:
    for name, size in (("3391.dat.lz4", 100), ("3392.dat", 20), ("toc.dat", 3), ("blobs.toc", 1)):
        (tmp_path / name).write_bytes(b"x" * size)
    with progress.step("dump", Dumping(tmp_path)) as step:
        counts = {count.unit: count.done for count in step.seen().counts}
    assert counts == {"tables begun": 2, "bytes written": 124}


ARCHIVED = Archived(
    rows={11: 100, 12: 50, 13: 7},
    entries={b"public.a": 11, b"public.b": 12, b'Odd "x.c"': 13},
    behind=frozenset({21, 22}),
)


def counted(lines: list[bytes], *, ended: bool = False) -> dict[str, tuple[int, int | None]]:
    restoring = Restoring(lambda: ARCHIVED)
    for line in lines:
        restoring.hear(line)
    if ended:
        restoring.ended()
    with progress.step("restore", restoring) as step:
        return {count.unit: (count.done, count.of) for count in step.seen().counts}


def test_a_restore_by_several_sessions() -> None:
    lines = [
        b"pg_restore: launching item 11 TABLE DATA a\n",
        b"pg_restore: launching item 12 TABLE DATA b\n",
        b"pg_restore: finished item 12 TABLE DATA b\n",
        b"pg_restore: finished item 22 INDEX i\n",
        b"pg_restore: finished item 999 COMMENT c\n",
        b"pg_restore: error: finished item 11 TABLE DATA a\n",
        b"\xff\xfe\n",
    ]
    assert counted(lines) == {
        "rows": (50, 157),
        "tables": (1, 3),
        "indexes and constraints": (1, 2),
    }


def test_a_restore_by_one_session() -> None:
    lines = [
        b'pg_restore: processing data for table "public.a"\n',
        b'pg_restore: processing data for table "public.b"\n',
    ]
    assert counted(lines) == {"rows": (100, 157), "tables": (1, 3)}
    assert counted(lines, ended=True)["rows"] == (150, 157)
    then = [*lines, b'pg_restore: creating INDEX "public.i"\n']
    assert counted(then)["rows"] == (150, 157)


# --- the way to it -------------------------------------------------------------------------------


def watching(ask: Callable[[], str], say: Callable[[str], None], seconds: float = 0.001) -> Watch:
    return Watch(ask, say, Words("db1", "backup"), seconds, time.monotonic())


def test_lines_come_while_it_works_and_no_thread_is_left() -> None:
    lines: list[str] = []
    numbers = iter(range(10**6))
    before = threads()
    with watched(watching(lambda: written(next(numbers), at(1, 5)), lines.append)):
        wait_for(lambda: len(lines) > 2)
    assert threads() == before
    told = len(lines)
    time.sleep(0.02)
    assert len(lines) == told


def _raising(_: str) -> None:
    raise OSError("nobody reads the lines any more")


@pytest.mark.parametrize("text", ["", "garbage", written(1, at(1, -1))])
def test_a_channel_that_says_nothing_is_a_quiet_one(text: str) -> None:
    lines: list[str] = []
    asked = iter(range(10**6))
    with watched(watching(lambda: text * (next(asked) >= 0), lines.append)):
        wait_for(lambda: next(asked) > 10)
    assert lines == []


def test_lines_that_nobody_takes_end_nothing() -> None:
    before = threads()
    with watched(watching(lambda: written(1, at(1, 5)), _raising)):
        wait_for(lambda: threads() == before)


def test_a_way_that_fails_is_given_up() -> None:
    asked = []

    def ask() -> str:
        asked.append(1)
        raise RuntimeError("no way")

    before = threads()
    with watched(watching(ask, _raising)):
        wait_for(lambda: threads() == before)
    assert len(asked) == 3


def test_a_short_call_is_never_asked() -> None:
    def ask() -> str:
        raise AssertionError

    with watched(watching(ask, _raising, seconds=3600)):
        pass


def test_an_answer_that_does_not_come_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that it waits for is ended."""
    monkeypatch.setattr("gonogo.controller.progress.watching._LEAVE_SECONDS", 0.2)
    begun = threading.Event()

    def ask() -> str:
        import subprocess  # noqa: PLC0415 - as the connection does it

        with subprocess.Popen(["/bin/sleep", "3600"]) as process:
            begun.set()
            process.wait()
        return ""

    started = time.monotonic()
    with watched(watching(ask, _raising)):
        assert begun.wait(PATIENCE)
    assert time.monotonic() - started < PATIENCE


def test_an_error_of_the_stage_passes() -> None:
    with pytest.raises(KeyError), watched(watching(lambda: "", _raising)):
        raise KeyError


@dataclass
class Connection:
    """As a connection plugin of Ansible looks from here."""

    transport: str = "local"
    args: str = ""
    become: Any = field(default_factory=SimpleNamespace)

    def get_option(self, name: str) -> str | None:
        return self.args if name == "ssh_args" else None


class Asking:
    """An action plugin whose connection runs the command in a shell right here."""

    def __init__(self, **connection: Any) -> None:
        self._connection = Connection(**connection)
        self.connections: list[Connection] = []

    def _low_level_execute_command(
        self, command: str, *, sudoable: bool, in_data: bytes
    ) -> dict[str, Any]:
        import subprocess  # noqa: PLC0415 - as the connection does it

        assert sudoable
        assert in_data
        self.connections.append(self._connection)
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=False
        )
        return {"rc": done.returncode, "stdout": done.stdout}


def test_the_file_is_read_over_a_copy_of_the_connection(tmp_path: Path) -> None:
    file = tmp_path / "it's a file.json"
    file.write_text("told")
    plugin = Asking()
    way = ways.way(plugin, str(file), 10)
    assert way is not None
    assert way.ask() == "told"
    (used,) = plugin.connections
    assert used is not plugin._connection
    assert used.become is not plugin._connection.become


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    way = ways.way(Asking(), str(tmp_path / "it"), 10)
    assert way is not None
    assert way.ask() == ""
    # A pipe would never be read to its end.
    os.mkfifo(tmp_path / "it")
    assert way.ask() == ""
    (tmp_path / "it").unlink()
    (tmp_path / "it").write_text("x" * 100_000)
    assert len(way.ask()) == MAX_BYTES + 1


def test_a_home_is_found_by_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x y").write_text("told")
    way = ways.way(Asking(), "~/x y", 10)
    assert way is not None
    assert way.ask() == "told"


@pytest.mark.parametrize("file", ["$HOME/x", "relative", "~/$(id)", "~`id`/x"])
def test_another_path_is_not_asked_for(file: str) -> None:
    assert ways.way(Asking(), file, 10) is None


@pytest.mark.parametrize(
    ("transport", "args", "seconds"),
    [
        ("local", "", 10),
        ("ansible.builtin.ssh", "-o ControlMaster=auto -o ControlPersist=60s", 10),
        ("ssh", "-o ControlPersist=no", 60),
        ("ssh", "", 60),
        ("paramiko_ssh", "", None),
        ("community.docker.docker", "", None),
    ],
)
def test_a_login_is_not_made_each_time(transport: str, args: str, seconds: float | None) -> None:
    way = ways.way(Asking(transport=transport, args=args), "/x", 10)
    assert (way.seconds if way else None) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, PROGRESS_SECONDS), (0, 0), ("30", 30), (-1, 0), (9999, 0), ("x", PROGRESS_SECONDS)],
)
def test_how_often(value: object, seconds: int) -> None:
    assert ways.every(value) == seconds


class Placing(Plugin):
    """An action plugin whose module is run by a function."""

    def __init__(self, work: Callable[[dict[str, Any]], dict[str, Any]], **variables: Any) -> None:
        self._vars = {"inventory_hostname": "db1", "gonogo_remote_dir": "/d", **variables}
        self._templar = SimpleNamespace(template=lambda value: value)
        self._task = SimpleNamespace(check_mode=False, action="gonogo_example")
        self._controller = os.getppid()
        self._facts: dict[str, Any] = {}
        self.lines: list[str] = []
        self._display = SimpleNamespace(display=self.lines.append, warning=print)
        self._connection = Connection()
        self.logic = SimpleNamespace(stage="backup")  # type: ignore[assignment]
        self._stage = SimpleNamespace(remote_dir=self._vars["gonogo_remote_dir"], find_run=_no_run)  # type: ignore[assignment]
        self._work = work
        self._began = time.monotonic()

    _low_level_execute_command = Asking._low_level_execute_command
    connections: list[Any] = []  # noqa: RUF012 - nobody looks

    def _execute_module(self, *, module_args: dict[str, Any], **_given: Any) -> Any:
        return self._work(module_args)


def _no_run() -> None:
    return None


def _work_done(given: dict[str, Any]) -> dict[str, Any]:
    """What a module does that fails before it is begun: its words are Ansible's own."""
    return {"failed": True, "msg": "done", "given": given.get("progress")}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, True),
        ({"gonogo_progress_interval": 0}, False),
        ({"gonogo_remote_dir": "$HOME/x"}, False),
    ],
)
def test_the_module_is_told_where_to_write(variables: dict[str, Any], told: bool) -> None:
    given = Placing(_work_done, **variables)._execute({})["given"]
    assert (given is not None) is told
    if told:
        assert given["file"].startswith("/d/progress/")
        assert given["seconds"] == PROGRESS_SECONDS / 2


def test_a_broken_connection_costs_the_lines_alone() -> None:
    placing = Placing(_work_done)
    placing._connection = None  # type: ignore[assignment]
    assert placing._execute({})["given"] is None


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_text("garbage")])
def test_a_stage_shows_how_far_it_is_and_does_not_need_it(
    spoil: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gonogo.controller.ansible.plugin.every", lambda _: 0.02)

    def work(given: dict[str, Any]) -> dict[str, Any]:
        asked = given["progress"]
        with progress.telling(asked["file"], 0.001), progress.step("dump") as step:
            step.count("rows", 5, 10)
            line = wait_for(lambda: [line for line in placing.lines if "5 of 10" in line])[0]
            with contextlib.suppress(OSError):
                spoil(Path(asked["file"]))
        return {"failed": True, "msg": line}

    placing = Placing(work, gonogo_remote_dir=str(tmp_path))
    told = placing._execute({})
    assert told["msg"].startswith("    db1 backup, ")
    assert ": dump: 5 of 10 rows (50 %)" in told["msg"]
    assert not list((tmp_path / "progress").iterdir())
