"""Cuts of the line, ordered in a file that a running builtin server looks at.

A cut drops the TCP connection without a word of SSH, as a lost line does. What runs on the far
side learns of it the way it would behind any sshd: its input ends and nobody takes its output.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sandbox.files import read_json, remove_private, write_json

_FILE = "faults.json"

Point = Literal["request", "input", "output", "exit"]


@dataclass(frozen=True)
class Cut:
    """Where the line breaks, once.

    ``command``: the how many-th, counted from 1 since the cut was ordered; commands and file
    transfers count alike. ``at``:

    * request: it is asked for, and never started;
    * input: it got ``after`` bytes of its standard input;
    * output: ``after`` bytes of its output and error output are out; with 0 before the first;
    * exit: it has ended, and nobody hears how.
    """

    command: int
    at: Point
    after: int = 0


def order(directory: Path, *cuts: Cut) -> None:
    """Make the server in ``directory`` break these lines instead of any ordered before."""
    write_json(directory / _FILE, {"cuts": [asdict(cut) for cut in cuts]})


def cancel(directory: Path) -> None:
    """Leave all lines alone."""
    remove_private(directory / _FILE)


class Faults:
    """The server's side: what happens to the next command."""

    def __init__(self, directory: Path):
        self._file = directory / _FILE
        self._order: tuple[int, int] | None = None
        self._cuts: list[Cut] = []
        self._count = 0

    def next(self) -> tuple[int, Cut | None]:
        """Count one command; returns its number and the cut that meets it, if any."""
        self._look()
        self._count += 1
        return self._count, next((cut for cut in self._cuts if cut.command == self._count), None)

    def _look(self) -> None:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            self._order, self._cuts = None, []
            return
        # The file is always written anew, so another one is another order.
        order = (status.st_ino, status.st_mtime_ns)
        if order != self._order:
            content = read_json(self._file) or {"cuts": []}
            self._order, self._count = order, 0
            self._cuts = [Cut(**cut) for cut in content["cuts"]]
