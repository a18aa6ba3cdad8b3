"""Finds out what has become of a deployment that was interrupted, and puts it on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import intents, others
from .evidence import Run
from .stage import Stage

__all__ = ["find_out"]


def find_out(
    stage: Stage,
    run: Run,
    *,
    by: str,
    login: Mapping[str, Any],
    timeouts: Mapping[str, str],
    fence: tuple[str, ...] = (),
) -> list[str]:
    """Ask the database what became of the open deployment of `run`; returns it for the terminal.

    `by` is the run that asks, `fence` the runs whose sessions are ended first. Nothing is written
    in check mode. Raises GonogoError where it cannot be found out, and where the run that deploys
    may be alive.
    """
    target = run.read_json("run.json")["target"]
    identifier = target["observed"]["system_identifier"]
    asked = {
        **intents.plan_of(run),
        "login": login,
        "run_id": by,
        "declared": {**target["declared"], "system_identifier": identifier},
        "timeouts": timeouts,
    }

    def call(more: list[str]) -> dict[str, Any]:
        return stage.call_with_database("found", {**asked, "fence": [*fence, *more]})

    answer = others.after_the_dead(
        call,
        call([]),
        runs_dir=stage.runs_dir,
        identity=stage.identity,
        hint="pg_terminate_backend",
    )
    if stage.checking:
        return intents.found_lines(run, answer["found"])
    return intents.found_lines(run, intents.keep_found(run, answer["found"], by=by))
