"""Has a migration tool's command heard on two copies, and keeps what it has said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...contract import canonical
from ...contract.errors import GonogoError, InputError
from ...contract.listing import listed
from ...contract.options.twin import CaptureRequest
from ...contract.records.answers import CaptureAnswer
from ...contract.records.captured import CapturedRecord
from ...contract.records.drift import Drift, ReplayPlan
from ...contract.records.plan import PlanRecord
from ...contract.records.reading import plain, read
from ...contract.records.twin import TwinRecord
from ...host.capture import folder
from .. import evidence
from ..runbook import captured as writing
from ..runbook import source
from .base import Stage

__all__ = ["captured", "drift_of", "environment", "require_same"]

# What the command has changed of the first copy's schema.
SCHEMA = "captured_schema.json"
# Where it changes nothing: a copy against what it makes of an empty database.
DRIFT = "captured_drift.json"
# Whose privileges they are beside, a copy may have otherwise than the twin.
_PRIVILEGES = "privileges of "

_KEY = "gonogo_migrate_environment"


def captured(
    stage: Stage[Any], run: evidence.Run, twin: TwinRecord, asked: CaptureRequest
) -> list[str]:
    """Put on record what the command would apply; what is said of it on the terminal.

    Raises GonogoError where it cannot be heard, or does not do the same twice.
    """
    if not twin.proven or twin.method != "cluster":
        raise GonogoError(
            "the migration tool's command has no copy to run on",
            detail=f"There is no twin in a cluster of its own: {twin.reason or twin.method}.",
            hint="Leave twin_enabled on, and install the server's programs on the target host.",
        )
    found = stage.runbook_of(run).source
    assert found is not None  # the run has a command
    digests = folder.digests(found.directory, without=folder.INSTALLED)
    given = replace(asked, folder=str(found.directory), folder_sha256=folder.sha256(digests))
    runs = stage.call_with_database("capture", given, CaptureAnswer).runs
    first, second = (writing.script(one) for one in runs)
    script, own = writing.settled(first, second, asked.records)
    text = script.text if script.statements else ""
    record = CapturedRecord(
        command=tuple(asked.command),
        text=text,
        sha256=canonical.sha256(text.encode()),
        statements=script.statements,
        own=tuple(own),
        tables=runs[0].tables,
        confined=runs[0].confined,
        unconfined=runs[0].unconfined,
        seconds=tuple(one.seconds for one in runs),
    )
    run.keep(record, stage=stage.stage)
    run.write_json(SCHEMA, dict(runs[0].changed), stage=stage.stage)
    run.keep(source.record_heard(source.heard(found, record)), stage=stage.stage)
    if not record.statements:
        return _nothing(stage, run, given, record)
    lines = [
        f"The command has done the same on two copies: {record.statements} statements that "
        f"change something, in {record.seconds[0]:.1f} and {record.seconds[1]:.1f} s"
    ]
    if not record.confined:
        lines.append(f"Network and files were not taken from it: {record.unconfined}")
    return lines


def _nothing(
    stage: Stage[Any], run: evidence.Run, asked: CaptureRequest, captured: CapturedRecord
) -> list[str]:
    """The command says that nothing is pending, and that proves nothing of what is there: so it is
    run once more, on an empty database, and a copy compared with what it makes of that."""
    found = stage.runbook_of(run).source
    assert found is not None  # as above
    own = tuple((one.schema, one.name) for one in captured.tables)
    history = ReplayPlan(home="", schema=found.tool.schema, tables=own)
    answer = stage.call_with_database("capture", replace(asked, history=history), CaptureAnswer)
    run.write_json(DRIFT, plain(answer.drift), stage=stage.stage)
    before = run.read(PlanRecord)
    stages = [one for one in before.stages if one != "deploy"]
    plan = stage.runbook_of(run).plan(stages=stages)
    plan = replace(plan, waivers=before.waivers, nothing_pending=True)
    run.keep(plan, stage=stage.stage)
    return ["The command changes nothing: there is no migration to be deployed and judged."]


def drift_of(run: evidence.Run) -> Drift | None:
    """A copy against what the command makes of an empty database, where it has been asked."""
    if not (run.path / DRIFT).is_file():
        return None
    return read(Drift, run.read_json(DRIFT), file=DRIFT)


def require_same(run: evidence.Run, changed: Sequence[str], schema: Mapping[str, str]) -> None:
    """Raise GonogoError unless what was captured has changed the schema as the command has; what it
    has `changed`, and the `schema` that it has left."""
    if not run.has(CapturedRecord):
        return
    wanted = run.read_json(SCHEMA)
    different = {*wanted}.symmetric_difference(changed)
    different |= {
        name
        for name, definition in wanted.items()
        if definition != schema.get(name) and not name.startswith(_PRIVILEGES)
    }
    if different:
        raise GonogoError(
            "what was captured does not change the schema as the command itself has",
            detail=listed(sorted(different)),
            hint="Nothing was changed. Have the migration tool write the SQL to a file, and name "
            "that file.",
        )


def environment(given: Mapping[str, object]) -> dict[str, str]:
    """The variables of the command's environment. Raises InputError for what cannot be one."""
    found = {}
    for name, value in given.items():
        if not name or "=" in name or "\0" in name:
            raise InputError("not a name for a variable", key=_KEY, value=name)
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise InputError("must be text", key=f"{_KEY}.{name}", hint="Put it into quotes.")
        text = str(value)
        if "\0" in text:
            raise InputError("has a NUL character", key=f"{_KEY}.{name}")
        found[name] = text
    return found
