"""Whether anybody hears a module: asked of a process whose standard output is cut."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MODULES = Path(__file__).resolve().parents[2] / "module_utils"
# Answers on its error output, before and after it is told to go on.
MODULE = f"""
import sys
sys.path.insert(0, {str(MODULES)!r})
from gonogo.host.session import link
print(link.is_cut(), file=sys.stderr, flush=True)
sys.stdin.readline()
print(link.is_cut(), file=sys.stderr, flush=True)
try:
    link.require()
except link.GonogoError as error:
    print(error.render(), file=sys.stderr, flush=True)
"""
LOST = "the connection to the controller was lost"


def _pipe() -> tuple[int, int]:
    return os.pipe()


def _socket_pair() -> tuple[int, int]:
    # What sshd gives to a command without a terminal.
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def _terminal() -> tuple[int, int]:
    return os.openpty()


@pytest.mark.parametrize("make", [_pipe, _socket_pair, _terminal])
def test_a_link_whose_other_end_is_closed_is_cut(make: Callable[[], tuple[int, int]]) -> None:
    ours, theirs = make()
    with subprocess.Popen(
        [sys.executable, "-c", MODULE],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    ) as module:
        os.close(theirs)
        assert module.stderr is not None
        assert module.stderr.readline() == "False\n"
        os.close(ours)
        _, said = module.communicate("\n")
    assert said.splitlines() == ["True", LOST]


def test_what_cannot_be_cut_is_not(tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as output:
        said = subprocess.run(
            [sys.executable, "-c", MODULE],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        ).stderr
    assert said.split() == ["False", "False"]


WATCHED = f"""
import sys, threading
sys.path.insert(0, {str(MODULES)!r})
from gonogo.host.session import link
cancelled = threading.Event()
with link.watched(cancelled.set):
    print("begun", file=sys.stderr, flush=True)
    cancelled.wait()
print(link.is_cut(), file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("make", [_pipe, _socket_pair])
def test_what_a_watched_module_does_is_cancelled(make: Callable[[], tuple[int, int]]) -> None:
    ours, theirs = make()
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED], stdout=theirs, stderr=subprocess.PIPE, text=True
    ) as module:
        os.close(theirs)
        assert module.stderr is not None
        assert module.stderr.readline() == "begun\n"
        # What Ansible passes over: somebody who has gone without closing the line is noticed.
        assert os.read(ours, 1) == b"\n"
        os.close(ours)
        _, said = module.communicate()
    assert said == "True\n"


def test_what_is_undone_is_let_be() -> None:
    ours, theirs = _pipe()
    program = f"""
import sys, time
sys.path.insert(0, {str(MODULES)!r})
from gonogo.host.session import link
cancelled = []
with link.watched(lambda: cancelled.append(1)):
    link.let_be()
    print("begun", file=sys.stderr, flush=True)
    while not link.is_cut():
        time.sleep(0.01)
    time.sleep(0.5)
print(len(cancelled), file=sys.stderr)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=theirs, stderr=subprocess.PIPE, text=True
    ) as module:
        os.close(theirs)
        assert module.stderr is not None
        assert module.stderr.readline() == "begun\n"
        os.close(ours)
        _, said = module.communicate()
    assert said == "0\n"
