"""Run the scripts of the stages preflight and phases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

from ...contract.options.scripts import ScriptsRequest
from ...contract.records.answers import PhasesAnswer, PreflightAnswer
from ...contract.records.phase import PhaseOutcome
from ...contract.records.standing import Standing
from ..checks.phases import run_phases
from ..migrate.standing import standing
from ..session.lock import Witness, release, session
from .common import login_of
from .judged import found

__all__ = ["phases", "preflight"]


def preflight(asked: ScriptsRequest, *, check_mode: bool) -> PreflightAnswer:
    del check_mode  # Nothing is begun in check mode, see the stage.
    # What is looked up is little, and comes from the catalog.
    results = _run(replace(asked, jobs=1), stage="preflight", release_lock=False)
    facts = {key: value for phase in results for key, value in phase.facts.items()}
    return PreflightAnswer(changed=False, phases=results, ansible_facts={"gonogo": facts})


def phases(asked: ScriptsRequest, *, check_mode: bool) -> PhasesAnswer:
    del check_mode  # Nothing is begun in check mode, see the stage.
    judged = None
    if asked.objects:
        judged = found(login_of(asked.login), asked.objects, run_id=asked.run_id)
    seen: list[Standing] = []
    alone: list[str] = []
    results = _run(
        asked,
        stage="phases",
        release_lock=not asked.keep_lock,
        seen=seen,
        told=alone.append,
    )
    committed = any(phase.committed is not False for phase in results)
    return PhasesAnswer(
        changed=committed,
        phases=results,
        judged=judged,
        standing=seen[0] if seen else None,
        alone=alone[0] if alone else None,
    )


def _run(
    asked: ScriptsRequest,
    *,
    stage: str,
    release_lock: bool,
    seen: list[Standing] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> list[PhaseOutcome]:
    """As `run_phases`, for the run that has the lock; at the end a look goes to `seen`."""
    login, run_id, timeouts = login_of(asked.login), asked.run_id, asked.timeouts
    # Preflight only reads; it is called what it is.
    called = None if stage == "preflight" else asked.application_name

    def end(connection: Any) -> None:
        try:
            if seen is not None:
                # Nothing that the application has set in the session of the phases counts here.
                with session(login, run_id=run_id, stage=stage, timeouts=timeouts) as looking:
                    seen.append(standing(looking, asked.expected))
        finally:
            if release_lock:
                release(connection, run_id=run_id)

    with Witness(login, run_id=run_id, stage=stage) as confirm:
        return run_phases(
            lambda name: session(
                login, run_id=run_id, stage=name, timeouts=timeouts, called=called
            ),
            stage=stage,
            scripts=asked.scripts,
            directory=Path(asked.directory).expanduser(),
            confirm=confirm,
            at_end=end,
            jobs=asked.jobs,
            told=told,
        )
