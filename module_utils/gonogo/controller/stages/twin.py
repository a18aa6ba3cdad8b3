"""Records in the evidence whether the backup, restored, equals its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...contract.errors import GonogoError
from ...contract.options.backup import SupersededRequest
from ...contract.options.twin import TWIN, CaptureRequest, TwinRequest, TwinTask
from ...contract.records.answers import Removed, SupersededAnswer
from ...contract.records.backup import BackupRecord
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain
from ...contract.records.run import Migrations, RunRecord
from ...contract.records.swept import Swept
from ...contract.records.twin import Proof, TwinAnswer, TwinRecord
from .. import evidence
from ..outcome.superseded import superseded
from ..reading import ranges
from . import capture
from .base import Stage
from .reported import Reported, waited

_OFF = "the twin is switched off (twin_enabled)"
_ON = "Set twin_enabled to true: without a twin no backup is proven, and nothing is rehearsed."
# Of a run that is about no folder of migrations.
_NOTHING = Migrations("", "", "")
_SHOWN = 5
_NAMED = 3


__all__ = ["Twin", "remove"]


class Twin(Stage[TwinTask]):
    """The stage `twin`, see library/gonogo_twin.py."""

    stage = "twin"
    declared = TWIN
    task = TwinTask

    def act(self, task: TwinTask) -> Reported:
        if self.checking:
            return Reported(changed=True, msg="would restore the backup into a twin")
        run = self.open_run()
        self.same_login(run, task.login)
        backup = run.read(BackupRecord)
        answer = TwinAnswer(proven=None, reason=_OFF, hint=_ON)
        asked = TwinRequest(
            **TWIN.passed(vars(task)),
            run_id=run.run_id,
            file=backup.file,
            sha256=backup.sha256,
            # The next stage ends it.
            keep="rehearsal" in run.read(PlanRecord).stages,
        )
        if task.enabled:
            answer = self.call_with_database("twin", asked, TwinAnswer)
        record = TwinRecord(
            run_id=run.run_id,
            proven=answer.proven,
            reason=answer.reason,
            hint=answer.hint,
            method=answer.method,
            proof=answer.proof,
            seconds=answer.seconds,
            confinement=answer.confinement,
            required=bool(task.required) or self.is_protected(run),
            backup_sha256=backup.sha256,
            kept=answer.twin,
            first_attempt=answer.first_attempt,
        )
        run.keep(record, stage=self.stage)
        if record.proven is False:
            raise GonogoError(
                f"the backup is not what it should be: {record.reason}",
                detail="\n".join(_differing(record.proof)) or None,
                hint=record.hint or _hint(record.proof),
            )
        command = (run.read(RunRecord).migrations or _NOTHING).command
        lines = _lines(record)
        if command:
            lines += capture.captured(self, run, record, _hearing(run, task, asked, command))
        removed = self._forget(run, task, lines) if record.proven else []
        told = {"removed": plain(removed)} if removed else {}
        run.append(self.stage, "stage_passed", {"waited": answer.waited, **told})
        lines = [*waited(answer.waited, TWIN), *lines]
        return Reported(changed=bool(task.enabled), told={"twin": plain(record)}, lines=lines)

    def _forget(self, run: evidence.Run, task: TwinTask, lines: list[str]) -> Sequence[Swept]:
        """Have backups removed that this one and others have taken the place of; says so in
        `lines`. What goes wrong with them is nothing against this one."""
        if task.keep_backups is None:
            return ()
        ranges.check("gonogo_keep_backups", task.keep_backups)
        old = superseded(self.runs_dir, run, keep=task.keep_backups)
        if not old:
            return ()
        asked = SupersededRequest(f"{self.remote_dir}/backups", old)
        try:
            answer = self.call("superseded", asked, SupersededAnswer)
        except GonogoError as error:
            lines.append(f"No backup could be removed: {error.primary}")
            return ()
        lines += [f"Removed, as newer ones are proven: {one.file}" for one in answer.removed]
        lines += [f"Left alone: {one.file}: {one.why}" for one in answer.stayed]
        return answer.removed


def _hearing(
    run: evidence.Run, task: TwinTask, asked: TwinRequest, command: Sequence[str]
) -> CaptureRequest:
    """What the command is to be heard with; its folder is not known yet."""
    return CaptureRequest(
        login=task.login,
        run_id=run.run_id,
        # Beside the twin, which stays as it is; with turns of their own, as the twin keeps its.
        copy=replace(asked, directory=f"{task.directory}/captures", keep=False),
        command=command,
        folder="",
        folder_sha256="",
        seconds=task.migrate_timeout,
        environment=capture.environment(task.migrate_environment),
        records=task.migrate_records,
    )


def remove(
    stage: Stage[Any], run_id: str, login: Mapping[str, str | int | None], directory: str
) -> None:
    """Have the target host end and remove a run's twin, below `directory`."""
    asked = TwinRequest(login, run_id, f"{directory}/twins", state="removed")
    stage.call_with_database(Twin.stage, asked, Removed)


def _hint(proof: Proof | None) -> str:
    """What helps, by what differs: content, or definitions only, or neither where it failed."""
    if proof and _differing_content(proof):
        return (
            "Nothing was changed. Run again: where the same differs once more, it is the dump that "
            "does not carry it, else look at the memory and the disk of the host (dmesg)."
        )
    if proof and proof.schema.differences:
        return (
            "Nothing was changed. twin.json has both definitions of each (proof.schema). Where "
            "they mean the same, this project should have known: report it. Else pg_dump does "
            "not carry the object: write down how to make it."
        )
    return "Nothing was changed. Correct what the message names in the database, then run again."


def _lines(record: TwinRecord) -> list[str]:
    """For the terminal."""
    if not record.proven or record.proof is None or record.seconds is None:
        return [f"The backup is unproven: {record.reason}"]
    confined = record.confinement
    tables = record.proof.tables
    rows = sum(table.rows[0] or 0 for table in tables.values())
    lost = record.proof.schema.not_carried
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    return [
        f"The restored backup equals its source: {len(tables)} tables, {rows} rows; the restore "
        f"took {record.seconds.restore or 0:.1f} s",
        *([f"The way back does not bring: {'; '.join(lost[:_NAMED])}{more}"] if lost else []),
        *(
            ["It was restored in the second attempt, in a row: report.md says why."]
            if record.first_attempt
            else []
        ),
        *(
            [f"Its server could reach what its account can: {confined.reason}"]
            if confined and not confined.files
            else []
        ),
    ]


def _differing(proof: Proof | None) -> list[str]:
    """The first differences, one a line."""
    found = []
    if proof:
        found = _differing_content(proof)
        found += [f"{one.name}: {one.kind}" for one in proof.schema.differences]
    more = len(found) - _SHOWN
    return [*found[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _differing_content(proof: Proof) -> list[str]:
    """Tables, sequences and large objects that differ."""
    found = [
        f"{name}: {table.rows[0]} rows at the source, {table.rows[1]} restored"
        if table.rows[0] != table.rows[1]
        else f"{name}: {table.rows[0]} rows, with other content"
        for name, table in proof.tables.items()
        if not table.equal
    ]
    found += [f"sequence {name}" for name in proof.sequences.different]
    return [*found, *([] if proof.large_objects.equal else ["large objects"])]
