"""Find out, on the twin, which checks can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contract.records.phase import PhaseScript
from ...contract.records.reading import plain, read
from ..checks.sabotage import tried
from ..session.lock import session
from .common import login_of, timeouts_of

__all__ = ["run"]


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """`sabotage`: the record of it. `login` is the twin's."""
    del check_mode  # Nothing is begun in check mode, see the stage.
    login, run_id = login_of(params), params["run_id"]
    result = tried(
        lambda: session(login, run_id=run_id, stage="rehearsal", timeouts=timeouts_of(params)),
        [
            read(PhaseScript, one, file=f"scripts[{number}]")
            for number, one in enumerate(params["scripts"])
        ],
        schema=params["schema"],
        tables=params["tables"],
    )
    return {"changed": False, "sabotage": plain(result)}
