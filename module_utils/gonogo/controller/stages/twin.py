"""Records in the evidence whether the backup, restored, equals its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...contract.errors import GonogoError
from ...contract.options.twin import TWIN
from .base import Stage

_OFF = "the twin is switched off (twin_enabled)"
_SHOWN = 5
_NAMED = 3


__all__ = ["Twin"]


class Twin(Stage):
    """The stage `twin`, see library/gonogo_twin.py."""

    stage = "twin"
    spec: ClassVar[Mapping[str, Any]] = TWIN.task

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return {"changed": True, "msg": "would restore the backup into a twin"}
        run = self.open_run()
        self.same_login(run, arguments)
        backup = run.read_json("backup.json")
        answer: dict[str, Any] = {"proven": None, "reason": _OFF}
        if arguments["enabled"]:
            answer = self.call_with_database(
                "twin",
                {
                    **TWIN.passed(arguments),
                    "run_id": run.run_id,
                    "file": backup["file"],
                    "sha256": backup["sha256"],
                    # The next stage ends it.
                    "keep": "rehearsal" in run.read_json("plan.json")["stages"],
                },
            )
        kept = ("proven", "reason", "hint", "method", "proof", "seconds", "confinement")
        # Only where there was a second.
        first = {key: answer[key] for key in ("first_attempt",) if key in answer}
        record = {
            **{key: answer.get(key) for key in kept},
            **first,
            "run_id": run.run_id,
            "required": arguments["required"] or self.is_protected(run),
            "backup_sha256": backup["sha256"],
            "kept": answer.get("twin"),
        }
        run.write_json("twin.json", record, stage=self.stage)
        if record["proven"] is False:
            raise GonogoError(
                f"the backup is not what it should be: {record['reason']}",
                detail="\n".join(_differing(record["proof"] or {})) or None,
                hint=record["hint"] or _hint(record["proof"] or {}),
            )
        run.append(self.stage, "stage_passed")
        return {"changed": arguments["enabled"], "twin": record, "lines": _lines(record)}


def _hint(proof: Mapping[str, Any]) -> str:
    """What helps, by what differs: content, or definitions only, or neither where it failed."""
    content = [name for name, table in proof.get("tables", {}).items() if not table["equal"]]
    content += proof.get("sequences", {}).get("different", [])
    content += [] if proof.get("large_objects", {"equal": True})["equal"] else ["large objects"]
    if content:
        return (
            "Nothing was changed. Run again: where the same differs once more, it is the dump that "
            "does not carry it, else look at the memory and the disk of the host (dmesg)."
        )
    if proof.get("schema", {}).get("differences"):
        return (
            "Nothing was changed. twin.json has both definitions of each (proof.schema). Where "
            "they mean the same, this project should have known: report it. Else pg_dump does "
            "not carry the object: write down how to make it."
        )
    return "Nothing was changed. Correct what the message names in the database, then run again."


def _lines(record: Mapping[str, Any]) -> list[str]:
    """For the terminal."""
    if not record["proven"]:
        return [f"The backup is unproven: {record['reason']}"]
    confined = record["confinement"]
    open_ = confined is not None and not confined["files"]
    tables = record["proof"]["tables"]
    rows = sum(table["rows"][0] for table in tables.values())
    lost = record["proof"]["schema"]["not_carried"]
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    return [
        f"The restored backup equals its source: {len(tables)} tables, {rows} rows; the restore "
        f"took {record['seconds']['restore']:.1f} s",
        *([f"The way back does not bring: {'; '.join(lost[:_NAMED])}{more}"] if lost else []),
        *(
            ["It was restored in the second attempt, in a row: report.md says why."]
            if record.get("first_attempt")
            else []
        ),
        *([f"Its server could reach what its account can: {confined['reason']}"] if open_ else []),
    ]


def _differing(proof: Mapping[str, Any]) -> list[str]:
    """The first differences, one a line."""
    found = [
        f"{name}: {table['rows'][0]} rows at the source, {table['rows'][1]} restored"
        if table["rows"][0] != table["rows"][1]
        else f"{name}: {table['rows'][0]} rows, with other content"
        for name, table in proof.get("tables", {}).items()
        if not table["equal"]
    ]
    found += [f"sequence {name}" for name in proof.get("sequences", {}).get("different", [])]
    if not proof.get("large_objects", {"equal": True})["equal"]:
        found.append("large objects")
    found += [
        f"{difference['name']}: {difference['kind']}"
        for difference in proof.get("schema", {}).get("differences", [])
    ]
    more = len(found) - _SHOWN
    return [*found[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
