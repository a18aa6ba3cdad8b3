"""What a deployment's record means for people: lines for the terminal, and the error of a stage."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import context

from ..errors import GonogoError
from . import intents
from .evidence import Run
from .runbook import Runbook

__all__ = [
    "command",
    "contradictions",
    "judging_playbook",
    "limit",
    "lines",
    "own_record",
    "problem",
    "repeated",
    "sources",
    "waits",
]

_SHOWN = 20
# What Ansible takes as it is, behind the equals sign of -e.
_PLAIN = re.compile(r"[\w./:+-]+")


def command(
    playbook: str, *variables: str, inventories: Sequence[str], limit: str | None = None
) -> str:
    """A command line ready to be pasted; `limit` is the one host that it is about."""
    words = ["ansible-playbook"]
    for inventory in inventories:
        words += ["-i", inventory]
    words.append(playbook)
    if limit:
        words += ["--limit", limit]
    for variable in variables:
        words += ["-e", variable]
    return shlex.join(words)


def judging_playbook() -> str:
    """The playbook that this run was started with: what it protects, another one may not."""
    given = context.CLIARGS.get("args") or ()
    return str(given[0]) if given else "playbooks/validate.yml"


def repeated(extra: Mapping[str, Any], *, known: frozenset[str], stage: str) -> list[str]:
    """The project's variables of this command line, for the one that approves the plan.

    Not the approval's own (`STAGE_run_id`, `_token`, `_approved_by`), and not what ends another
    run.
    """
    once = {f"{stage}_{name}" for name in ("run_id", "token", "approved_by")}
    return [
        f"{name}={extra[name]}"
        if isinstance(extra[name], str) and _PLAIN.fullmatch(extra[name])
        else json.dumps({name: extra[name]}, ensure_ascii=False)
        for name in sorted(known & extra.keys() - once - {"target_take_over"})
    ]


def sources(variables: Mapping[str, Any]) -> list[str]:
    """The inventories of this ansible-playbook, as they are named from here."""
    return [os.path.relpath(str(s)) for s in variables.get("ansible_inventory_sources") or []]


def limit(variables: Mapping[str, Any]) -> str | None:
    """The host, where the play has others too: a token is one host's. None where it has not."""
    hosts = variables.get("ansible_play_hosts_all") or []
    return str(variables["inventory_hostname"]) if len(hosts) > 1 else None


def own_record(runs_dir: Path, run: Run) -> dict[str, Any] | None:
    """What an earlier run of ours says it has done with this migration on this database.

    Returns `run_id`, `sha256` (file → digest of the migration then) and `undone`; None where no
    run has applied it. What cannot be read says nothing: the schema is asked anyway.
    """
    about = run.read_json("run.json")
    for path in sorted((runs_dir / about["environment"]).glob("*Z-*"), reverse=True):
        done = intents.deployment(path)
        if path == run.path or not done:
            continue
        try:
            theirs = Run.open(path).read_json("run.json")
            same = theirs["runbook"] == about["runbook"]
            same = same and theirs["target"]["login"] == about["target"]["login"]
            if same and done["action"] == "applied":
                files = {step["file"] for step in done["bill"]} or {*done["files"]}
                digests = theirs["digests"]["runbook"]
                return {
                    "run_id": path.name,
                    "sha256": {name: digests[name] for name in sorted(files)},
                    "undone": (path / "undo.json").is_file(),
                }
        except (GonogoError, KeyError, TypeError, ValueError, OSError):
            continue
    return None


def contradictions(
    state: str, own: Mapping[str, Any] | None, runbook: Runbook
) -> list[dict[str, Any]]:
    """In what our own record and the schema do not agree; as Prisma's, never in the way."""
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


def problem(done: Mapping[str, Any], *, inventories: Sequence[str]) -> GonogoError | None:
    """Why the stage did not do its work, and the next command; None if it did."""
    if done["action"] == "refused":
        return _refused(done, inventories)
    if done["action"] == "failed":
        return _failed(done, inventories)
    if done.get("unlike_rehearsal"):
        return GonogoError(
            "after the deployment the schema is not what the rehearsal has shown",
            detail=", ".join(done["unlike_rehearsal"][:_SHOWN]),
            hint="Somebody else changes the schema; find out who, and what.",
        )
    return None


def _refused(done: Mapping[str, Any], inventories: Sequence[str]) -> GonogoError:
    before = done["before"]
    blocking = [c for c in before["contradictions"] if c["blocks"]]
    if blocking:
        return GonogoError(blocking[0]["text"], hint=blocking[0]["hint"])
    detail = "\n".join(_state(before["objects"]))
    if before["state"] == "unfinished":
        again = command(judging_playbook(), "deploy_continue=true", inventories=inventories)
        return GonogoError(
            "the deployment is not finished: statements outside of its transaction are missing",
            detail=detail,
            hint=f"To finish it: {again}",
        )
    undo = command("playbooks/undo.yml", inventories=inventories)
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


def _failed(done: Mapping[str, Any], inventories: Sequence[str]) -> GonogoError:
    error = done["error"]
    again = command(judging_playbook(), inventories=inventories)
    if error is None:
        return GonogoError(
            "every statement ran, but the migration is not there as it should be",
            detail="\n".join(_state(done["after"]["objects"])) if done["after"] else None,
            hint="The files of the migration and its manifest contradict each other.",
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
            finish = command(judging_playbook(), "deploy_continue=true", inventories=inventories)
            hints.append(f"Correct the cause, then finish it: {finish}")
        else:
            undo = command("playbooks/undo.yml", inventories=inventories)
            hints.append(f"See what taking it back would remove: {undo}")
    hints += [f"Remove the unfinished index: {left['command']}" for left in done["leftovers"]]
    attempts = f" after {error['attempts']} attempts" if error["attempts"] > 1 else ""
    return GonogoError(
        f"{where} failed{attempts}: {state}{error['message']}",
        detail="\n".join(details) or None,
        hint="\n".join(reversed(hints)) or None,
    )
