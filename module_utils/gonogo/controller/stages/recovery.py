"""Finds out what has become of a deployment, an undo or a restore that was interrupted, and puts it
on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ...contract.errors import GonogoError
from ...contract.login import Timeouts
from ...contract.options.deploy import FoundRequest
from ...contract.options.restore import RestoredRequest
from ...contract.records.answers import FoundAnswer, Occupied, RestoredAnswer
from ...contract.records.approval import ApprovalPlan
from ...contract.records.backup import BackupRecord
from ...contract.records.deployment import Deployment
from ...contract.records.reading import plain
from ...contract.records.restore import RestoreFound, RestoreIntent
from ...contract.records.run import RunRecord
from ..evidence import Run, load
from ..outcome import intents, unheard
from ..request import approval
from . import concurrent_runs
from .base import Stage

__all__ = ["Asking", "came_lines", "find_out", "find_out_restore", "find_out_restores"]
__all__ += ["find_out_undos"]

_Request = TypeVar("_Request", FoundRequest, RestoredRequest)
_Answer = TypeVar("_Answer", bound=Occupied)

_SHOWN = 20
# What of a restore, and of an undo, nobody knows any more who was not told.
_UNTOLD = dict.fromkeys(("tables", "proof", "seconds"))
_OF_AN_UNDO = ("changes", "lost", "compared", "locked", "locked_seconds", "statements", "seconds")


@dataclass(frozen=True)
class Asking:
    """Who asks, and how the database is reached: `by` is the run, None where it is each run
    itself."""

    login: Mapping[str, str | int | None]
    timeouts: Timeouts
    by: str | None = None

    def run_id(self, run: Run) -> str:
        return self.by or run.run_id


def find_out(
    stage: Stage[Any], run: Run, asking: Asking, *, fence: Sequence[str] = ()
) -> list[str]:
    """Ask the database what became of the open deployment of `run`; returns it for the terminal.

    `fence` are the runs whose sessions are ended first. Nothing is written in check mode. Raises
    GonogoError where it cannot be found out, and where the run that deploys may be alive.
    """
    found = _deployment(stage, run, asking, fence=fence)
    if stage.checking:
        return intents.found_lines(run, found)
    return intents.found_lines(run, intents.keep_found(run, found, by=asking.run_id(run)))


def find_out_undos(stage: Stage[Any], environment: str, asking: Asking) -> list[str]:
    """Ask the database whether migrations were taken back by undos that were interrupted; returns
    it for the terminal. What cannot be found out is left to `undo.yml`.
    """
    return [
        line
        for run in unheard.undos(stage.runs_dir, environment, login=asking.login)
        if (run.path / intents.DEPLOY).is_file()
        for line in _find_out_undo(stage, run, asking)
    ]


def _find_out_undo(stage: Stage[Any], run: Run, asking: Asking) -> list[str]:
    by = asking.run_id(run)
    try:
        after = _deployment(stage, run, asking).after
        assert after is not None  # the host has looked
        state = after.state
        plan = approval.plan_of(run, "undo_plan.json")
        if state == "absent":
            record = {"state": state, "content": plan.content, "committed": True}
            unheard.keep_done(run, "undo", {**dict.fromkeys(_OF_AN_UNDO), **record}, by=by)
        else:
            unheard.keep_nothing(run, "undo", by=by)
    except GonogoError as error:
        return [
            f"The migration of run {run.run_id} may have been taken back; whether it was cannot be "
            f"found out: {error.primary}"
        ]
    return [
        f"The undo of run {run.run_id} that {plan.approved_by} approved at "
        f"{plan.approved_at} was interrupted: the migration "
        f"{'was taken back' if state == 'absent' else 'is there'}.",
        _head_line(run),
    ]


def _head_line(run: Run) -> str:
    """What was added to the evidence is proven by this head, kept elsewhere."""
    return f"  Evidence of run {run.run_id}: {load(run.path).head}"


def find_out_restores(
    stage: Stage[Any], environment: str, asking: Asking, *, required: str | None = None
) -> list[str]:
    """Ask the server what became of every open restore of this host's database; returns it for the
    terminal.

    What cannot be found out is said, and is no error but for the run whose id is `required`.
    """
    open_ones = unheard.restores(
        stage.runs_dir, environment, host=stage.host, login=asking.login, also=required
    )

    def told(run: Run) -> list[str]:
        try:
            return find_out_restore(stage, run, asking)
        except GonogoError as error:
            if run.run_id == required:
                raise
            return [
                f"The backup of run {run.run_id} may have been restored; whether it was cannot be "
                f"found out: {error.primary}"
            ]

    return [line for run in open_ones for line in told(run)]


def find_out_restore(stage: Stage[Any], run: Run, asking: Asking) -> list[str]:
    """Ask the server what became of the open restore of `run`; returns it for the terminal.

    Errors are those of `find_out`.
    """
    plan, by = approval.plan_of(run, "restore_plan.json"), asking.run_id(run)
    # Without it the restore would not be open.
    assert plan.intent is not None
    request = RestoredRequest(
        login=asking.login,
        run_id=by,
        restored_run_id=run.run_id,
        declared=run.read(RunRecord).proven,
        intent=plan.intent,
        holds=plan.holds,
        file=run.read(BackupRecord).file,
        timeouts=asking.timeouts,
    )
    found = _alone(stage, "restored", request, RestoredAnswer).found
    assert found is not None  # nobody else is at work
    said = _restore_lines(run, plan, plan.intent, found)
    if stage.checking:
        return said
    if found.state == "unchanged":
        unheard.keep_nothing(run, "restore", by=by)
    else:
        record = {
            **_UNTOLD,
            "content": plan.content,
            "database": plan.intent.database,
            "left": [],
            "kept_as": found.kept_as,
            "came": plain(found.came),
            # None: the database is another one now, and nobody knows by whose doing.
            "committed": True if found.state == "restored" else None,
        }
        unheard.keep_done(run, "restore", record, by=by)
    return [*said, _head_line(run)]


def _deployment(
    stage: Stage[Any], run: Run, asking: Asking, *, fence: Sequence[str] = ()
) -> Deployment:
    """What the database of a run says of its deployment."""
    plan, schema_before = intents.plan_of(run)
    request = FoundRequest(
        login=asking.login,
        run_id=asking.run_id(run),
        declared=run.read(RunRecord).proven,
        plan=plan,
        schema_before=schema_before,
        timeouts=asking.timeouts,
        fence=fence,
    )
    found = _alone(stage, "found", request, FoundAnswer).found
    assert found is not None  # nobody else is at work
    return found


def _alone(stage: Stage[Any], entry: str, request: _Request, answer: type[_Answer]) -> _Answer:
    """What an entry answers once nobody else works on the database."""

    def call(more: Sequence[str]) -> _Answer:
        asked = replace(request, fence=[*request.fence, *more])
        return stage.call_with_database(entry, asked, answer)

    return concurrent_runs.fence_dead_runs(
        call,
        call([]),
        runs_dir=stage.runs_dir,
        identity=stage.identity,
        end=concurrent_runs.by_hand,
    )


def _restore_lines(
    run: Run, plan: ApprovalPlan, intent: RestoreIntent, found: RestoreFound
) -> list[str]:
    database, kept_as = intent.database, found.kept_as
    began = (
        f"The restore of run {run.run_id} that {plan.approved_by} approved at "
        f"{plan.approved_at} was interrupted"
    )
    left = [
        f"  It has left {name}: the plan of the next restore names it, and its approval removes it."
        for name in found.left
    ]
    if found.state == "unchanged":
        return [f"{began}: {database} is the database that was there.", *left]
    if found.state == "replaced":
        where = f"is {kept_as} now" if kept_as else "is gone"
        return [
            f"{began}: {database} is another database than it was then, and whether the restore "
            f"has put it there is not known.",
            f"  The database that was there {where}.",
            *left,
        ]
    said = [f"{began}: it was done.", f"  The database that was there is {kept_as} now, read-only."]
    return [*said, *came_lines(found.came), *left]


def came_lines(came: Mapping[str, tuple[int | None, int | None]] | None) -> list[str]:
    """What was written to the database that is kept, after its plan was shown."""
    if came is None:
        return ["Whether it was written to in the last moment is not known."]
    if not came:
        return []
    return [
        "It was written to while the names were changed; this is only there:",
        *(
            f"  {name}: {_rows(then)} in the plan, {_rows(now)} there"
            for name, (then, now) in list(came.items())[:_SHOWN]
        ),
    ]


def _rows(number: int | None) -> str:
    return "not there" if number is None else f"{number} rows"
