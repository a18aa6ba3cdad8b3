"""What a deployment's record means for people: lines for the terminal, and the error of a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...contract.errors import GonogoError
from ...contract.records.run import RunRecord
from ..evidence import Run
from ..invocation.commands import Caller
from ..runbook.book import Runbook
from . import intents

__all__ = [
    "contradictions",
    "lines",
    "own_record",
    "problem",
    "waits",
]

_SHOWN = 20


def own_record(runs_dir: Path, run: Run) -> dict[str, Any] | None:
    """What an earlier run of ours says it has done with this migration on this database.

    Returns `run_id`, `sha256` (file → digest of the migration then) and `undone`; None where no
    run has applied it. What cannot be read says nothing: the schema is asked anyway.
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
            if same and done["action"] == "applied":
                files = {step["file"] for step in done["bill"]} or {*done["files"]}
                digests = theirs.digests.runbook
                return {
                    "run_id": path.name,
                    "sha256": {name: digests[name] for name in sorted(files)},
                    "undone": (path / "undo.json").is_file(),
                }
        except GonogoError:
            continue
    return None


def contradictions(
    state: str, own: Mapping[str, Any] | None, runbook: Runbook
) -> list[dict[str, Any]]:
    """In what our own record and the schema do not agree. It is never in the way."""
    if own is None:
        return []
    run_id, found = own["run_id"], []
    if state == "absent" and not own["undone"]:
        text = f"run {run_id} has applied the migration, but none of its objects is there"
        hint = "Was the database restored from an older state, or replaced?"
        found.append({"text": text, "hint": hint, "blocks": False})
    if state == "applied" and own["undone"]:
        text = f"the migration of run {run_id} was taken back, but its objects are there"
        found.append({"text": text, "hint": "Somebody else has applied it.", "blocks": False})
    changed = [
        name for name, digest in own["sha256"].items() if runbook.digests.get(name) != digest
    ]
    if changed and not own["undone"]:
        text = f"run {run_id} has applied other files than these: {', '.join(changed)}"
        hint = "Compare them with those in its evidence, sql/deploy_*."
        found.append({"text": text, "hint": hint, "blocks": False})
    return found


def lines(done: Mapping[str, Any]) -> list[str]:
    """What was done, for the terminal."""
    said = []
    if done["action"] == "none":
        objects = sum(item["made"] for item in done["after"]["objects"])
        said.append(f"The migration is there already: {objects} of {objects} objects.")
    else:
        seconds = sum(line["seconds"] for line in done["bill"])
        said.append(f"Applied {len(done['bill'])} statements in {seconds:.1f} s.")
        for relation, blocks, longest in waits(done["bill"])[:_SHOWN]:
            said.append(f"  {blocks} of {relation} could wait for {longest:.2f} s")
        if done["attempts"]:
            said.append(f"  {len(done['attempts'])} attempt(s) before did not get their locks.")
    settled = {c["text"] for c in done["after"]["contradictions"]}
    seen = [c for c in done["before"]["contradictions"] if c["text"] not in settled]
    for contradiction in [*seen, *done["after"]["contradictions"]]:
        said += [f"{contradiction['text']}.", f"  {contradiction['hint']}"]
    return said


def waits(bill: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, float]]:
    """Table, what of it had to wait, and for how long at most; reads first, then the longest."""
    longest: dict[tuple[str, str], float] = {}
    for line in bill:
        for wait in line["waits"]:
            key = (wait["relation"], wait["blocks"])
            longest[key] = max(longest.get(key, 0.0), wait["seconds"])
    found = [(relation, blocks, seconds) for (relation, blocks), seconds in longest.items()]
    return sorted(found, key=lambda wait: ("reads" not in wait[1], -wait[2], wait[0]))


def problem(done: Mapping[str, Any], *, caller: Caller) -> GonogoError | None:
    """Why the stage did not do its work, and the next command; None if it did."""
    if done["action"] == "refused":
        return _refused(done, caller)
    if done["action"] == "failed":
        return _failed(done, caller)
    if done.get("unlike_rehearsal"):
        return GonogoError(
            "after the deployment the schema is not what the rehearsal has shown",
            detail=", ".join(done["unlike_rehearsal"][:_SHOWN]),
            hint="Somebody else changes the schema; find out who, and what.",
        )
    return None


def _refused(done: Mapping[str, Any], caller: Caller) -> GonogoError:
    before = done["before"]
    blocking = [c for c in before["contradictions"] if c["blocks"]]
    if blocking:
        return GonogoError(blocking[0]["text"], hint=blocking[0]["hint"])
    detail = "\n".join(_state(before["objects"]))
    if before["state"] == "unfinished":
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


def _state(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every object, what is missing first; the record has all of them."""
    wrong = [item for item in objects if not item["done"]]
    right = [item for item in objects if item["done"] and item["made"]]
    said = []
    for item in wrong:
        words = item["but"] or ("is missing" if item["made"] else "is still there")
        said.append(f"{item['object']} {words} ({item['file']}:{item['line']})")
    shown = said[:_SHOWN]
    if len(said) > _SHOWN:
        shown.append(f"and {len(said) - _SHOWN} more, all in deploy.json")
    return [f"{len(right)} objects are there as they should be, {len(wrong)} are not:", *shown]


def _failed(done: Mapping[str, Any], caller: Caller) -> GonogoError:
    error = done["error"]
    again = caller.again()
    if error is None:
        return GonogoError(
            "every statement ran, but the migration is not there as it should be",
            detail="\n".join(_state(done["after"]["objects"])) if done["after"] else None,
            hint="The files of the migration and its manifest contradict each other: correct "
            f"them. See what taking it back would remove: {caller.playbook('undo')}",
        )
    where = f"{error['file']}:{error['line']}"
    state = f"{error['sqlstate']}: " if error["sqlstate"] else ""
    details = [error["detail"]] if error["detail"] else []
    details += [
        f"held by process {h['pid']} ({h['application_name'] or 'without a name'}, {h['state']}, "
        f"in a transaction for {h['transaction_seconds']:.0f} s)"
        for h in error["holders"]
    ]
    hints = [error["hint"]] if error["hint"] else []
    if done["after"] is None:
        details.append("What is there now is not known: the server cannot be asked.")
        hints.append(f"Start again, the stage looks first: {again}")
    elif not done["changed"]:
        details.append("Everything is as it was: the schema before and after is the same.")
        hints.append(f"Correct the cause, then: {again}")
    else:
        details += [f"done: {file}" for file in done["files"]]
        details += _state(done["after"]["objects"])
        if done["after"]["state"] == "unfinished":
            finish = caller.again("deploy_continue=true")
            hints.append(f"Correct the cause, then finish it: {finish}")
        else:
            undo = caller.playbook("undo")
            hints.append(f"See what taking it back would remove: {undo}")
    hints += [f"Remove the unfinished index: {left['command']}" for left in done["leftovers"]]
    attempts = f" after {error['attempts']} attempts" if error["attempts"] > 1 else ""
    return GonogoError(
        f"{where} failed{attempts}: {state}{error['message']}",
        detail="\n".join(details) or None,
        hint="\n".join(reversed(hints)) or None,
    )
