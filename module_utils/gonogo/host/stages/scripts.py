"""Run the scripts of the stages preflight and phases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...contract.records.phase import PhaseOutcome, PhaseScript
from ...contract.records.reading import plain, read
from ...contract.records.standing import Required, Standing
from ..checks.phases import run_phases
from ..migrate.standing import standing
from ..session.lock import Witness, release, session
from .common import login_of, timeouts_of
from .judged import run as again

__all__ = ["phases", "preflight"]


def preflight(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`phases`: what each script answered; `ansible_facts`: the facts among it."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    results = _run(params, stage="preflight", release_lock=False)
    facts = {key: value for phase in results for key, value in phase.facts.items()}
    return {"changed": False, "phases": plain(results), "ansible_facts": {"gonogo": facts}}


def phases(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`phases`: what each script answered; `judged`: what was there when they began; `standing`:
    what is missing at the end, None where nobody could look."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    judged = None
    if params["objects"]:
        judged = again(params, check_mode=False)["judged"]
    seen: list[Standing] = []
    results = _run(params, stage="phases", release_lock=not params["keep_lock"], seen=seen)
    committed = any(phase.committed is not False for phase in results)
    return {
        "changed": committed,
        "phases": plain(results),
        "judged": judged,
        "standing": plain(seen[0]) if seen else None,
    }


def _run(
    params: Mapping[str, Any],
    *,
    stage: str,
    release_lock: bool,
    seen: list[Standing] | None = None,
) -> list[PhaseOutcome]:
    """As `run_phases`, for the run that has the lock; at the end a look goes to `seen`."""
    login, run_id = login_of(params), params["run_id"]
    timeouts = timeouts_of(params)
    required = [
        read(Required, one, file=f"expected[{number}]")
        for number, one in enumerate(params["expected"])
    ]
    # Preflight only reads; it is called what it is.
    called = None if stage == "preflight" else params["application_name"]

    def end(connection: Any) -> None:
        try:
            if seen is not None:
                # Nothing that the application has set in the session of the phases counts here.
                with session(login, run_id=run_id, stage=stage, timeouts=timeouts) as looking:
                    seen.append(standing(looking, required))
        finally:
            if release_lock:
                release(connection, run_id=run_id)

    with Witness(login, run_id=run_id, stage=stage) as confirm:
        return run_phases(
            lambda name: session(
                login, run_id=run_id, stage=name, timeouts=timeouts, called=called
            ),
            stage=stage,
            scripts=[
                read(PhaseScript, one, file=f"scripts[{number}]")
                for number, one in enumerate(params["scripts"])
            ],
            directory=Path(params["directory"]).expanduser(),
            confirm=confirm,
            at_end=end,
        )
