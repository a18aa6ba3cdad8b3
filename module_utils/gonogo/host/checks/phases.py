"""Runs the phases of a stage one after the other over one connection.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable

from ...contract.errors import GonogoError
from ...contract.records.phase import PhaseOutcome, PhaseScript
from ..files.private import place
from ..race.run import run as run_race
from ..session import link
from ..session.connection import DatabaseError
from . import beside
from .execution import Beside, run_script

__all__ = ["run_phases"]


# Opens a session of the stage or of the part of it that is named.
Connect = Callable[[str], Any]


def run_phases(
    connect: Connect,
    *,
    stage: str,
    scripts: Sequence[PhaseScript],
    directory: Path,
    confirm: Callable[[], None] = lambda: None,
    at_end: Callable[[Any], None] | None = None,
    jobs: int = 1,
    told: Callable[[str], None] = lambda _: None,
) -> list[PhaseOutcome]:
    """Run scripts in order and return what each answered.

    So many `jobs` ask beforehand what can be asked before anything is tried; 0 is one for each
    processor, where the database is large enough for it. `told` is given why they could not.

    After a script that died, or a failed stop check, the rest does not run:
    their premises are gone. A failed check that stops nothing lets the next phase run, so that one
    run tells everything that is wrong. `confirm` is called before each transaction ends, and raises
    GonogoError when nothing may be committed any more. `at_end` is called with the session at the
    end.
    """
    place(directory, {f"sql/{script.name}.sql": script.text for script in scripts})
    results: list[PhaseOutcome] = []
    with connect(stage) as connection:
        stopped: str | None = None
        ahead = _Ahead(connection, lambda: connect(stage), scripts, jobs, told)
        for script in scripts:
            if link.is_cut():
                # Nobody will read the answers: whatever else is written would only be left.
                stopped = stopped or "the connection to the controller was lost"
            if stopped:
                results.append(_not_run(script.name, stopped))
                continue
            outcome = run_script(
                connection,
                name=script.name,
                text=script.text,
                confirm=confirm,
                beside=ahead.of(script),
            )
            if outcome.error is None:
                races = [
                    run_race(
                        spec,
                        phase=outcome.name,
                        connect=lambda: connect("race"),
                        confirm=confirm,
                    )
                    for spec in script.races
                ]
                outcome = replace(outcome, races=races)
            results.append(outcome)
            stopped = _why_stop(outcome, script.stop)
            if connection.broken or connection.closed:
                break
        if at_end and not connection.closed:
            # The lock ends by its lease all the same; the answers must not be lost for it.
            with suppress(DatabaseError, GonogoError):
                at_end(connection)
    return results


@dataclass
class _Ahead:
    """What other sessions are asked before a script, and those behind it up to one that may leave
    rows."""

    connection: Any
    connect: Callable[[], Any]
    scripts: Sequence[PhaseScript]
    jobs: int
    told: Callable[[str], None]
    known: dict[str, Beside] = field(default_factory=dict)
    # Scripts for which it has been asked.
    reached: int = 0

    def of(self, script: PhaseScript) -> Beside:
        number = self.scripts.index(script)
        if number >= self.reached:
            following = self.scripts[number:]
            together = beside.together(following)
            self.reached = number + together
            self.known = beside.asked(
                self.connection,
                self.connect,
                following[:together],
                jobs=self.jobs,
                told=self.told,
            )
        return self.known.get(script.name, {})


def _not_run(name: str, why: str) -> PhaseOutcome:
    return PhaseOutcome(
        name=name,
        seconds=0.0,
        committed=False,
        error=None,
        checks=(),
        facts={},
        races=(),
        ran=False,
        why=why,
    )


def _why_stop(outcome: PhaseOutcome, stop: Sequence[str]) -> str | None:
    if outcome.error is not None:
        return f"script {outcome.name} ended early"
    failed = [check.check_id for check in outcome.checks if check.status != "pass"]
    stopping = [check_id for check_id in failed if check_id in stop]
    return f"check {stopping[0]} did not pass" if stopping else None
