"""What a deployment's record means for people: lines for the terminal, and the error of a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...contract.budgets import budgets_of
from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.records.deployment import (
    Contradiction,
    Deployment,
    Failure,
    Inspection,
    Limits,
    ObjectState,
    OwnRecord,
)
from ...contract.records.run import RunRecord
from ...contract.records.trace import StatementTrace
from ..evidence import Run
from ..invocation.commands import Caller
from ..runbook.book import Runbook
from . import activity, intents

__all__ = [
    "contradictions",
    "limits",
    "lines",
    "not_watched",
    "own_record",
    "problem",
    "read_record",
    "waits",
]

_SHOWN = 20


def read_record(run: Run) -> Deployment | None:
    """What a run has deployed, None where it has no record. Raises RecordError."""
    return run.read(Deployment) if run.has(Deployment) else None


def limits(given: Mapping[str, str | int | None]) -> Limits:
    """What a statement is measured by, of the budgets that a task was given."""
    budgets = budgets_of(given)
    return Limits(hold=budgets.hold, statement=budgets.statement)


def own_record(runs_dir: Path, run: Run) -> OwnRecord | None:
    """What an earlier run of ours says it has done with this migration on this database.

    None where no run has applied it. What cannot be read says nothing: the schema is asked anyway.
    """
    about = run.read(RunRecord)
    for path in sorted((runs_dir / about.environment).glob("*Z-*"), reverse=True):
        done = intents.deployment(path)
        if path == run.path or not done:
            continue
        try:
            theirs = Run.open(path).read(RunRecord)
            same = theirs.runbook == about.runbook
            same = same and theirs.target.login == about.target.login
            if same and done.action == "applied":
                files = {one.file for one in done.statements} or {*done.files}
                digests = theirs.digests.runbook
                return OwnRecord(
                    path.name,
                    {name: digests[name] for name in sorted(files)},
                    undone=(path / "undo.json").is_file(),
                )
        except GonogoError:
            continue
    return None


def contradictions(
    state: str, own: OwnRecord | None, runbook: Runbook
) -> tuple[Contradiction, ...]:
    """In what our own record and the schema do not agree. It is never in the way."""
    if own is None:
        return ()
    run_id, found = own.run_id, []
    if state == "absent" and not own.undone:
        text = f"run {run_id} has applied the migration, but none of its objects is there"
        hint = "Was the database restored from an older state, or replaced?"
        found.append(Contradiction(text, hint, blocks=False))
    if state == "applied" and own.undone:
        text = f"the migration of run {run_id} was taken back, but its objects are there"
        found.append(Contradiction(text, "Somebody else has applied it.", blocks=False))
    changed = [name for name, digest in own.sha256.items() if runbook.digests.get(name) != digest]
    if changed and not own.undone:
        text = f"run {run_id} has applied other files than these: {', '.join(changed)}"
        hint = "Compare them with those in its evidence, sql/deploy_*."
        found.append(Contradiction(text, hint, blocks=False))
    return tuple(found)


def lines(done: Deployment) -> list[str]:
    """What was done, for the terminal."""
    said = []
    before, after = _required(done.before), _required(done.after)
    if done.action == "none":
        objects = sum(item.expected for item in after.objects)
        said.append(f"The migration is there already: {objects} of {objects} objects.")
    else:
        seconds = sum(one.seconds for one in done.statements)
        said.append(f"Applied {len(done.statements)} statements in {seconds:.1f} s.")
        waiting = waits(done.statements)
        for relation, blocks, longest in waiting[:_SHOWN]:
            said.append(f"  {blocks} of {relation} could wait for {longest:.2f} s")
        if len(waiting) > _SHOWN:
            said.append(f"  and {len(waiting) - _SHOWN} more could wait")
        said += _attempts(done.failed_attempts)
        said += [f"  {words}." for words in not_watched(done)]
    settled = {c.text for c in after.contradictions}
    seen = [c for c in before.contradictions if c.text not in settled]
    for contradiction in [*seen, *after.contradictions]:
        said += [f"{contradiction.text}.", f"  {contradiction.hint}"]
    return [*said, *activity.lines(done.activity)]


def _attempts(failed: Sequence[Failure]) -> list[str]:
    """Those before the one that has applied it."""
    let_go = [one for one in failed if one.let_go]
    said = []
    if len(failed) > len(let_go):
        number = len(failed) - len(let_go)
        said.append(f"  {number} failed attempt(s): the locks were not free.")
    said += [f"  {one.file}:{one.line} was {one.message}." for one in let_go[:_SHOWN]]
    if len(let_go) > _SHOWN:
        said.append(f"  And {len(let_go) - _SHOWN} times more.")
    return said


def not_watched(done: Deployment) -> list[str]:
    """What of others nobody has watched while the statements ran, and why."""
    return [f"Not watched: {words}" for words in (done.watched.unseen if done.watched else ())]


def _required(look: Inspection | None) -> Inspection:
    assert look is not None  # where a deployment has not failed
    return look


def waits(trace: Sequence[StatementTrace]) -> list[tuple[str, str, float]]:
    """Table, what of it had to wait, and for how long at most; reads first, then the longest."""
    longest: dict[tuple[str, str], float] = {}
    for one in trace:
        for wait in one.waits:
            key = (wait.relation, wait.blocks)
            longest[key] = max(longest.get(key, 0.0), wait.seconds)
    found = [(relation, blocks, seconds) for (relation, blocks), seconds in longest.items()]
    return sorted(found, key=lambda wait: ("reads" not in wait[1], -wait[2], wait[0]))


def problem(done: Deployment, *, caller: Caller) -> GonogoError | None:
    """Why the stage did not do its work, and the next command; None if it did."""
    if done.action == "refused":
        return _refused(_required(done.before), caller)
    if done.action == "blocked" and done.activity is not None:
        return activity.blocked(done.activity, caller=caller)
    if done.action == "failed" and done.error is None:
        return _contradicted(done, caller)
    if done.action == "failed" and done.error is not None:
        return _failed(done, done.error, caller)
    if done.unlike_rehearsal:
        return GonogoError(
            "after the deployment the schema is not what the rehearsal has shown",
            detail=listed(done.unlike_rehearsal),
            hint="Somebody else changes the schema; find out who, and what.",
        )
    return None


def _refused(before: Inspection, caller: Caller) -> GonogoError:
    blocking = [c for c in before.contradictions if c.blocks]
    if blocking:
        return GonogoError(blocking[0].text, hint=blocking[0].hint)
    detail = "\n".join(_state(before.objects))
    if before.state == "unfinished":
        again = caller.again("deploy_continue=true")
        return GonogoError(
            "the deployment is not finished: statements outside of its transaction are missing",
            detail=detail,
            hint=f"To finish it: {again}",
        )
    undo = caller.playbook("undo")
    return GonogoError(
        "the migration is there in part; nothing was applied",
        detail=detail,
        hint=f"See what taking it back would remove: {undo}\n"
        "Or apply what is missing with a migration of its own.",
    )


def _state(objects: Sequence[ObjectState]) -> list[str]:
    """Every object, what is missing first; the record has all of them."""
    wrong = [item for item in objects if not item.matches]
    right = [item for item in objects if item.matches and item.expected]
    said = []
    for item in wrong:
        words = item.difference or ("is missing" if item.expected else "is still there")
        said.append(f"{item.object} {words} ({item.file}:{item.line})")
    shown = said[:_SHOWN]
    if len(said) > _SHOWN:
        shown.append(f"and {len(said) - _SHOWN} more, all in deploy.json")
    return [f"{len(right)} objects are there as they should be, {len(wrong)} are not:", *shown]


def _contradicted(done: Deployment, caller: Caller) -> GonogoError:
    return GonogoError(
        "every statement ran, but the migration is not there as it should be",
        detail="\n".join(_state(done.after.objects)) if done.after else None,
        hint="The files of the migration and its manifest contradict each other: correct "
        f"them. See what taking it back would remove: {caller.playbook('undo')}",
    )


def _failed(done: Deployment, error: Failure, caller: Caller) -> GonogoError:
    state = f"{error.sqlstate}: " if error.sqlstate else ""
    details = [error.detail] if error.detail else []
    details += [
        f"held by process {h.pid} ({h.application_name or 'without a name'}, {h.state}, "
        f"in a transaction for {h.transaction_seconds:.0f} s)"
        for h in error.holders
    ]
    details += [f"{words}." for words in not_watched(done)]
    said, hint = _left(done, caller)
    hints = [*([error.hint] if error.hint else []), hint]
    hints += [f"Remove the unfinished index: {left.command}" for left in done.leftovers]
    attempts = f" after {error.attempts} attempts" if error.attempts > 1 else ""
    return GonogoError(
        f"{error.file}:{error.line} failed{attempts}: {state}{error.message}",
        detail="\n".join([*details, *said]) or None,
        hint="\n".join(reversed(hints)) or None,
    )


def _left(done: Deployment, caller: Caller) -> tuple[list[str], str]:
    """What exists after a failure, and what to do next."""
    if done.after is None:
        return (
            ["What is there now is not known: the server cannot be asked."],
            f"Start again, the stage looks first: {caller.again()}",
        )
    if not done.changed:
        return (
            ["Everything is as it was: the schema before and after is the same."],
            f"Correct the cause, then: {caller.again()}",
        )
    said = [*(f"done: {file}" for file in done.files), *_state(done.after.objects)]
    if done.after.state == "unfinished":
        finish = caller.again("deploy_continue=true")
        return said, f"Correct the cause, then finish it: {finish}"
    return said, f"See what taking it back would remove: {caller.playbook('undo')}"
