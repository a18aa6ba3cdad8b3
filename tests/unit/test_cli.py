"""What the command lines have in common: one clear error, an orderly end, no traceback."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox.errors import SandboxError
from tools import cli
from tools.cli import Parser

ROOT = Path(__file__).parents[2]
PROGRAMS = ("sandbox", "tools.bench", "tools.count", "tools.matrix", "tools.sabotage")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """SIGTERM means the same afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def ended(failure: BaseException | int) -> int:
    def command(_asked: argparse.Namespace) -> int:
        if isinstance(failure, BaseException):
            raise failure
        return failure

    parser = Parser(prog="python -m x")
    parser.set_defaults(command=command)
    return cli.run(parser, [])


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (0, 0, ""),
        (3, 3, ""),
        (KeyboardInterrupt(), 130, ""),
        (SandboxError("no", detail="a", hint="b"), 1, "error: no\nDETAIL:  a\nHINT:  b\n"),
        (psycopg.OperationalError("gone\n"), 1, "error: gone\n"),
        (FileNotFoundError(2, "No such file or directory", "x"), 1, 'error: "x": No such file'),
    ],
)
def test_how_a_command_ends(
    failure: BaseException | int, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(failure) == status
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(said)
    assert bool(told.err) == bool(said)


def test_terminated_is_like_interrupted() -> None:
    """What was begun is taken back on the way."""
    taken_back: list[str] = []

    def command(_asked: argparse.Namespace) -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            taken_back.append("yes")
        return 0

    parser = Parser(prog="python -m x")
    parser.set_defaults(command=command)
    with pytest.raises(SystemExit) as caught:
        cli.run(parser, [])
    assert (caught.value.code, taken_back) == (143, ["yes"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_bad_input_is_one_clear_error(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, "--what"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    error, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert error.startswith("error: ")
    assert hint == f'HINT:  Try "python -m {program} --help".'


def test_a_reader_who_is_gone_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tools.count", "--files"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")
