"""Stands before a program on the target host and waits where a test says; see gate.py.

Started as `gatekeeper.py CONTROL REAL [argument...]`. CONTROL is the gate's directory, with

* `hold`: the place (`phases before`) where the next one who comes to it waits; it is then removed
* `held`: the process that waits
* `go.PID`: what lets it go on; it is then removed
* `module`: the process of the module that was begun last

REAL is the program to become in the end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CONTROL, _REAL, *_ARGUMENTS = sys.argv[1:]


def _place(name: str, text: str) -> None:
    """Write a file that is there at once and whole."""
    partial = Path(_CONTROL, f"{name}.{os.getpid()}")
    partial.write_text(text)
    partial.rename(partial.with_name(name))


def _is_held(place: str) -> bool:
    try:
        return Path(_CONTROL, "hold").read_text() == f"{place}\n"
    except FileNotFoundError:
        return False


def _stop(place: str) -> None:
    if not _is_held(place):
        return
    Path(_CONTROL, "hold").unlink()
    _place("held", f"{os.getpid()}\n")
    go = Path(_CONTROL, f"go.{os.getpid()}")
    while not go.exists():
        time.sleep(0.02)
    go.unlink()


def _name(module: bytes) -> str:
    """What a module is asked for; the same word means different things to different callers."""
    found = re.search(rb'"entry": "([a-z]+)"', module)
    name = found[1].decode() if found else ""
    if b'"keep_lock": true' in module:
        # Scripts that run on the twin.
        return "rehearsal"
    if name == "target" and b'"state": "released"' in module:
        return "release"
    if name == "target" and b'"fence": ["' in module:
        return "fence"
    if name == "deploy" and b'"plan_only": true' in module:
        return "look"
    if name == "cleanup" and b'"approved_content": "' in module:
        return "removal"
    if name == "restore" and b'"approved_content": "' in module:
        return "exchange"
    if name == "undo" and b'"approved_content": "' in module:
        return "taking back"
    return name


def _python() -> None:
    with tempfile.TemporaryFile() as module:
        module.write(sys.stdin.buffer.read())
        module.flush()
        module.seek(0)
        name = _name(module.read())
        _place("module", f"{os.getpid()}\n")
        _stop(f"{name} before")
        module.seek(0)
        if not _is_held(f"{name} after"):
            os.dup2(module.fileno(), 0)
            os.execv(_REAL, [_REAL, *_ARGUMENTS])  # noqa: S606 - what Ansible asked for
        done = subprocess.run(
            [_REAL, *_ARGUMENTS], stdin=module, stdout=subprocess.PIPE, check=False
        )
    # The answer is a text in JSON, with the quotation marks of its own JSON escaped.
    if rb"\"missing\": \"" not in done.stdout:
        # Else it has done nothing, and is called again with what it needs.
        _stop(f"{name} after")
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.flush()
    sys.exit(done.returncode)


def _pg_restore() -> None:
    if any(argument.startswith("--file=") for argument in _ARGUMENTS):
        _stop("pg_restore before")
    os.execv(_REAL, [_REAL, *_ARGUMENTS])  # noqa: S606 - what the run asked for


if __name__ == "__main__":
    _pg_restore() if Path(_REAL).name == "pg_restore" else _python()
