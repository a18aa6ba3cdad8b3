"""Runs the phases of a stage one after the other over one connection.

Runs on the target host: Python 3.9, standard library and psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import lock, race
from .connection import DatabaseError, connect
from .errors import GonogoError
from .execution import PhaseOutcome, run_script
from .files import place
from .login import Login, Timeouts, application_name
from .module import login_of, timeouts_of

__all__ = ["run_phases", "run_stage"]


def run_stage(params: Mapping[str, Any], *, stage: str, release_lock: bool) -> list[dict[str, Any]]:
    """As `run_phases`, from the options in `STAGE_OPTIONS`."""
    return run_phases(
        login_of(params),
        run_id=params["run_id"],
        stage=stage,
        scripts=params["scripts"],
        directory=Path(params["directory"]).expanduser(),
        timeouts=timeouts_of(params),
        release_lock=release_lock,
    )


def run_phases(
    login: Login,
    *,
    run_id: str,
    stage: str,
    scripts: Sequence[Mapping[str, Any]],
    directory: Path,
    timeouts: Timeouts,
    release_lock: bool,
) -> list[dict[str, Any]]:
    """Run scripts in order and return what each answered.

    A script has `name`, `text`, `stop` (ids of checks whose failure ends the stage) and `races`
    (list of race specs). Each result is a `PhaseOutcome` as dict plus `races` (results) and
    `ran`. After a script that died, or a failed stop check, the rest does not run: their
    premises are gone. A failed check that stops nothing lets the next phase run, so that one run
    tells everything that is wrong.
    """
    place(directory, {f"sql/{script['name']}.sql": script["text"] for script in scripts})
    results: list[dict[str, Any]] = []
    with connect(login, name=application_name(run_id, stage), timeouts=timeouts) as connection:
        stopped: str | None = None
        for script in scripts:
            if stopped:
                results.append(
                    {
                        **asdict(PhaseOutcome(name=script["name"])),
                        "races": [],
                        "ran": False,
                        "why": stopped,
                    }
                )
                continue
            outcome = run_script(connection, name=script["name"], text=script["text"])
            races = []
            if outcome.error is None:
                races = [
                    _race(login, spec, run_id=run_id, timeouts=timeouts) for spec in script["races"]
                ]
            results.append({**asdict(outcome), "races": races, "ran": True, "why": None})
            stopped = _why_stop(outcome, script["stop"])
            if connection.broken or connection.closed:
                break
        if release_lock and not connection.closed:
            # The lock ends by its lease all the same; the answers must not be lost for it.
            with suppress(DatabaseError, GonogoError):
                lock.release(connection, run_id=run_id)
    return results


def _why_stop(outcome: PhaseOutcome, stop: Sequence[str]) -> str | None:
    if outcome.error is not None:
        return f"script {outcome.name} ended early"
    failed = [check["check_id"] for check in outcome.checks if check["status"] != "pass"]
    stopping = [check_id for check_id in failed if check_id in stop]
    return f"check {stopping[0]} did not pass" if stopping else None


def _race(
    login: Login, spec: Mapping[str, Any], *, run_id: str, timeouts: Timeouts
) -> dict[str, Any]:
    def opened() -> Any:
        return connect(login, name=application_name(run_id, "race"), timeouts=timeouts)

    return race.run(spec, connect=opened)
