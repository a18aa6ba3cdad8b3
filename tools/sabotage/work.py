"""Many changes in several processes: each has a server of its own, as roles belong to a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError
from tools.project import PROJECT
from tools.sabotage.catalogue import mutations, undeclared, variants
from tools.sabotage.change import Change
from tools.sabotage.lab import Lab, Outcome
from tools.sabotage.records import Records

__all__ = ["Share", "Team", "chosen", "work"]


@dataclass(frozen=True)
class Share:
    """What one process does: the changes whose number leaves `part` when divided by `of`."""

    major: int
    server_bin: Path
    part: int
    of: int
    only: str = ""
    every: int = 1


def chosen(only: str, major: int, every: int = 1) -> list[Change]:
    """Changes with one of the words of `only` (separated by commas) in their id or kind, of those
    a server of this version can have.

    Of the mutations every so many of a kind, and the first in any case; of the others all.
    """
    words = only.split(",")
    seen: Counter[str] = Counter()
    found: list[Change] = []
    for mutation in mutations():
        name = f"{mutation.kind} {mutation.id}"
        if mutation.since <= major and any(word in name for word in words):
            if seen[mutation.kind] % every == 0:
                found.append(mutation)
            seen[mutation.kind] += 1
    others = [change for change in (*variants(), *undeclared()) if change.since <= major]
    found += [change for change in others if any(word in change.id for word in words)]
    return found


def work(share: Share) -> Iterator[tuple[str, Outcome]]:
    """Do a share in this process: the server's version, and an outcome, one after the other."""
    with Lab(share.server_bin) as lab:
        version = lab.version()
        for change in chosen(share.only, share.major, share.every)[share.part :: share.of]:
            yield version, lab.try_out(change)


@dataclass
class Team:
    """Processes for all shares, `jobs` of them at a time; `heard` gets each outcome."""

    jobs: int
    heard: Callable[[int, Outcome], None]
    _children: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, records: Sequence[Records], bins: dict[int, Path], only: str, every: int = 1
    ) -> None:
        """Fill the records. Raises SandboxError when a process ends early."""
        each = max(1, self.jobs // len(records))
        shares = [
            (item, Share(item.major, bins[item.major], part, each, only, every))
            for part in range(each)
            for item in records
        ]
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for future in [pool.submit(self._one, *share) for share in shares]:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for child in self._children:
                    child.terminate()
                raise

    def _one(self, record: Records, share: Share) -> None:
        command = [sys.executable, "-m", "tools.sabotage", "work", f"--major={share.major}"]
        command += [f"--server-bin={share.server_bin}", f"--only={share.only}"]
        command += [f"--every={share.every}"]
        command += [f"--part={share.part}", f"--of={share.of}"]
        with subprocess.Popen(  # noqa: S603 - this very program
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as child:
            self._children.append(child)
            assert child.stdout is not None
            for line in child.stdout:
                answer = json.loads(line)
                outcome = Outcome.of(answer["outcome"])
                record.version = answer["version"]
                record.outcomes[outcome.id] = outcome
                self.heard(share.major, outcome)
        if child.returncode != 0:
            raise SandboxError(f"a process for PostgreSQL {share.major} has ended early")
