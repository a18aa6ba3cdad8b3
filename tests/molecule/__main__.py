"""Runs the Molecule scenarios, each with a directory of its own, and says how each went.

    python -m tests.molecule [--jobs N] [SCENARIO ...]

Exit status: 0 when none failed, 1 otherwise, 2 for a scenario that does not exist, 130 and 143
interrupted. What Molecule said is in .ansible/molecule/SCENARIO.log.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.molecule import hosts

_PROJECT = Path(__file__).resolve().parents[2]
_SCENARIOS = _PROJECT / "molecule"
_LOGS = _PROJECT / ".ansible" / "molecule"
_TAIL_LINES = 60

# What a scenario needs beyond an ordinary user; the function says what is missing.
_NEEDS: dict[str, Callable[[], str | None]] = {"two_hosts": hosts.needs}

# A task says so when a scenario is not quite what its name promises.
_NOTE = re.compile(r'"msg": "note: (.*)"')


@dataclass(frozen=True)
class Result:
    """How one scenario went: `word` is passed, failed or skipped; `seconds` is 0 if skipped."""

    scenario: str
    word: str
    seconds: float = 0
    note: str = ""

    def line(self) -> str:
        text = f"{self.scenario:18} {self.word:8} {self.seconds:4.0f} s"
        return f"{text}  {self.note}".rstrip()


class Runner:
    """Runs scenarios below `directory`. `stop` may be called from anywhere, at any time."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopped = False

    def run(self, scenario: str) -> Result:
        lacking = _NEEDS[scenario]() if scenario in _NEEDS else None
        if lacking:
            return Result(scenario, "skipped", note=lacking)
        began = time.monotonic()
        log = _LOGS / f"{scenario}.log"
        with self._lock:
            if self._stopped:
                return Result(scenario, "skipped", note="interrupted")
            process = self._running[scenario] = self._molecule("test", scenario, log)
        status = process.wait()
        with self._lock:
            if not self._stopped:
                del self._running[scenario]
        text = log.read_text(encoding="utf-8", errors="replace")
        note = "; ".join(dict.fromkeys(_NOTE.findall(text)))
        word = "failed" if status else "passed"
        return Result(scenario, word, time.monotonic() - began, note)

    def stop(self) -> None:
        """End what runs and remove what it has made."""
        with self._lock:
            self._stopped = True
        for scenario, process in self._running.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            self._molecule("destroy", scenario, _LOGS / f"{scenario}.destroy.log").wait()

    def _molecule(self, command: str, scenario: str, log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                [
                    Path(sys.executable).parent / "molecule",
                    # Molecule finds it by itself only where there is a repository.
                    "--base-config=.config/molecule/config.yml",
                    command,
                    "--scenario-name",
                    scenario,
                    "--no-command-borders",
                ],
                cwd=_PROJECT,
                env=self._environment(scenario),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, scenario: str) -> dict[str, str]:
        foreign = ("ANSIBLE_", "MOLECULE_", "GONOGO_", "PG")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        programs = str(Path(sys.executable).parent)
        return {
            **kept,
            # Molecule calls Ansible's programs by their names.
            "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(self._directory / scenario),
            "NO_COLOR": "1",
        }


def main() -> int:
    names = sorted(path.parent.name for path in _SCENARIOS.glob("*/molecule.yml"))
    # Those with needs of their own take longest, so they begin.
    known = sorted(names, key=lambda name: name not in _NEEDS)
    parser = argparse.ArgumentParser(prog="python -m tests.molecule", allow_abbrev=False)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(known))
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (%(default)s)")
    asked = parser.parse_args()
    for name in asked.scenarios:
        if name not in known:
            parser.error(f'there is no scenario "{name}"; there are {", ".join(known)}')
    _LOGS.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _terminate)
    with tempfile.TemporaryDirectory(prefix="gonogo-molecule-") as directory:
        runner = Runner(Path(directory))
        with ThreadPoolExecutor(asked.jobs) as pool:
            try:
                futures = [pool.submit(runner.run, name) for name in asked.scenarios or known]
                results = [_say(future.result()) for future in as_completed(futures)]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                runner.stop()
                raise
    counted = Counter(result.word for result in results)
    words = ", ".join(f"{counted[word]} {word}" for word in sorted(counted))
    sys.stdout.write(f"{words}\n")
    return 1 if counted["failed"] else 0


def _say(result: Result) -> Result:
    sys.stdout.write(f"{result.line()}\n")
    if result.word == "failed":
        log = _LOGS / f"{result.scenario}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        sys.stdout.writelines(f"    {line}\n" for line in lines[-_TAIL_LINES:])
        sys.stdout.write(f"    all of it: {log.relative_to(_PROJECT)}\n")
    sys.stdout.flush()
    return result


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
