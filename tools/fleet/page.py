"""The measurement as a page of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gonogo.contract.errors import shown
from tools.fleet.breakages import BREAKAGES, Breakage
from tools.fleet.lab import Played
from tools.fleet.memory import Memory

__all__ = ["Measured", "render", "wrong"]

_WHY_LENGTH = 110

_INTRODUCTION = """\
# A fleet

What happens to one host of a run, and what the others lose by it: nothing. `make fleet` writes \
this page.

{size} databases on {servers} servers of one machine were judged in one run, `forks: {forks}`, \
each with a backup{twins}. Some of them were broken beforehand, each in another way, and all of \
these ways were there at once. {size} hosts in, {verdicts} verdicts out; of the {sound} hosts \
that nothing was done to, {right} were a GO. The tests `hosts/test_fleet.py` and \
`hosts/test_hosts.py` stand behind it with fewer databases.

| What is wrong with one host | Its verdict | What is said of it | The others |
|---|---|---|---|
"""
_COSTS = """
## What it costs the controller

| | |
|---|---|
| From start to end | {seconds:.0f} s, {each:.1f} s a database |
| Processor, ansible-playbook and its workers | {processor:.1f} s a database |
| Memory that a worker has for itself, at most | {worker:.0f} MB |
| Memory of ansible-playbook itself, at most | {main:.0f} MB |
| Workers at once, at most | {workers} |
| Twins at once on a host, at most | {at_once} |

Memory is what Linux calls private (`smaps_rollup`): what a worker shares with the process it was \
forked from is there once, however many there are. Modules, `pg_dump` and servers run on the same \
machine here and are not counted; they take its processors, which is why a database takes as long.
"""


@dataclass(frozen=True)
class Measured:
    """`broken` says which host was broken how; the others were as they should be."""

    played: Played
    memory: Memory
    broken: Mapping[str, str]
    forks: int
    servers: int
    twins: bool


def wrong(found: Measured) -> list[str]:
    """Each host of which something else was said than is right, in words."""
    lines = []
    for host, verdicts in found.played.verdicts.items():
        breakage = BREAKAGES.get(found.broken.get(host, ""))
        said = [verdict.decision for verdict in verdicts]
        if said != [breakage.decision if breakage else "GO"]:
            lines.append(f"{host} ({breakage.what if breakage else 'sound'}): {said}")
        elif breakage and breakage.cause not in verdicts[0].why:
            lines.append(f"{host} ({breakage.what}): {verdicts[0].why}")
    return lines


def render(found: Measured) -> str:
    """The page."""
    verdicts = found.played.verdicts
    sound = [host for host in verdicts if host not in found.broken]
    right = Counter(_decision(found, host) for host in sound)
    others = ", ".join(f"{number} of {len(sound)} {word}" for word, number in right.items())
    introduction = _INTRODUCTION.format(
        size=len(verdicts),
        servers=found.servers,
        forks=found.forks,
        twins=", a twin and the phases" if found.twins else " and the phases",
        verdicts=sum(map(len, verdicts.values())),
        sound=len(sound),
        right=right["GO"],
    )
    rows = [_row(found, host, BREAKAGES[kind], others) for host, kind in found.broken.items()]
    return introduction + "\n".join(rows) + "\n" + _costs(found)


def _costs(found: Measured) -> str:
    size, memory = len(found.played.verdicts), found.memory
    return _COSTS.format(
        seconds=found.played.seconds,
        each=found.played.seconds / size,
        processor=memory.processor_seconds / size,
        worker=memory.worker_bytes / 1e6,
        main=memory.main_bytes / 1e6,
        workers=memory.workers,
        at_once=memory.twins if found.twins else "none",
    )


def _row(found: Measured, host: str, breakage: Breakage, others: str) -> str:
    said = found.played.verdicts[host]
    why = shown(said[0].why if said else "", limit=_WHY_LENGTH).replace("|", r"\|")
    return f"| {breakage.what} | {_decision(found, host)} | {why} | {others} |"


def _decision(found: Measured, host: str) -> str:
    said: Sequence[str] = [verdict.decision for verdict in found.played.verdicts[host]]
    return " and ".join(said) or "none"
