"""Other runs that work on the database: those that are known to be gone are ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ...contract.errors import GonogoError
from ...contract.records.answers import Held, Occupied
from ...contract.records.run import Process
from ...contract.run_id import is_run_id
from .. import evidence

__all__ = ["by_hand", "fence_dead_runs"]

_Answer = TypeVar("_Answer", bound=Occupied)


def by_hand(run_id: str) -> str:
    """What ends the sessions of a run, for psql."""
    sessions = f"pg_stat_activity WHERE application_name LIKE 'gonogo:{run_id}:%'"
    return f"SELECT pg_terminate_backend(pid) FROM {sessions};"  # noqa: S608 - an id, and to read


def fence_dead_runs(
    probe: Callable[[Sequence[str]], _Answer],
    result: _Answer,
    *,
    runs_dir: Path,
    identity: Process,
    end: Callable[[str], str],
) -> _Answer:
    """End the sessions of runs that are gone, and return what the module answers then.

    `result` is its first answer. `probe` calls it again with the ids of runs whose sessions it is
    to end. `identity` is the calling process. `end` gives the command that ends a run that may be
    alive.
    Raises GonogoError when a run that is in the way is not known to be gone.
    """
    held = result.held
    if not held and not result.others:
        return result
    found = sorted({*result.others, *([held.run_id] if held and held.run_id else [])})
    alive = [other for other in found if not _is_dead(runs_dir, other, identity)]
    if not found or alive:
        raise _refusal(alive, held, end)
    again = probe(found)
    if again.held or again.others:
        raise _refusal(again.others, again.held, end)
    return again


def _is_dead(runs_dir: Path, run_id: str, identity: Process) -> bool:
    # Anybody can name a session like a run; what is no id would be a pattern here.
    paths = runs_dir.glob(f"*/{run_id}") if is_run_id(run_id) else ()
    return any(evidence.is_abandoned(runs_dir, path, besides=identity) for path in paths)


def _refusal(alive: Sequence[str], held: Held | None, end: Callable[[str], str]) -> GonogoError:
    who = f"run {alive[0]}" if alive else f"session {held.application_name if held else None!r}"
    since = f" since {held.since}" if held and held.since else ""
    client = f" from {held.client}" if held and held.client else ""
    # The name of a session is anybody's to choose, so it is in no command.
    command = end(alive[0]) if alive else "pg_terminate_backend, by its process in pg_stat_activity"
    return GonogoError(
        f"another run works on this database: {who}",
        detail=f"It {'holds the run lock' if held else 'has sessions'}{since}{client}. "
        "Nothing was done.",
        hint=f"Wait for it. If you know that it is dead, end it: {command}",
    )
