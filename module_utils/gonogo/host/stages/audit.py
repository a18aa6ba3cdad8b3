"""Ask the checks that only read, in one snapshot, without being a run."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ...contract.errors import GonogoError, together
from ...contract.options.audit import AuditRequest
from ...contract.records.audit import AuditAnswer
from ...contract.records.phase import PhaseOutcome, PhaseScript
from ..checks.execution import run_script
from ..session import catalog, identity, snapshot
from ..session.connection import connect
from ..session.identity import observe
from ..session.login_rights import refuse_stronger_login
from .common import login_of

__all__ = ["run"]

# Not as the sessions of a run are called: no run waits for an audit, and none ends it.
_NAME = "gonogo-audit:"
# As every script begins that only reads, see script.sql.j2.
_BEGIN = re.compile(
    r"^BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ (?:ONLY|WRITE);$", re.MULTILINE
)
# The session whose snapshot it is has nothing to do while the others work.
_IDLE = "12h"


def run(asked: AuditRequest, *, check_mode: bool) -> AuditAnswer:
    del check_mode  # Nothing is begun in check mode, see the stage.
    login, name = login_of(asked.login), f"{_NAME}{asked.run_id}"
    waiting = replace(asked.timeouts, idle_in_transaction=_IDLE)
    with connect(login, name=name, timeouts=waiting, read_only=True) as connection:
        observed = observe(connection)
        found = identity.problems(asked.declared, observed)
        if found:
            raise together(found)
        refuse_stronger_login(connection)
        _refuse_a_run(connection)
        outcomes = []
        with (
            snapshot.exported(connection, lock=False) as moment,
            connect(login, name=name, timeouts=asked.timeouts) as asking,
        ):
            outcomes = [_answers(asking, script, moment) for script in asked.scripts]
    return AuditAnswer(changed=False, observed=observed, phases=outcomes)


def _answers(connection: Any, script: PhaseScript, moment: str) -> PhaseOutcome:
    text, number = _BEGIN.subn(rf"\g<0>\nSET TRANSACTION SNAPSHOT '{moment}';", script.text)
    if number != 1:
        raise GonogoError(f"script {script.name} is none that only reads")
    return run_script(connection, name=script.name, text=text)


def _refuse_a_run(connection: Any) -> None:
    """What a run is changing is neither as it was nor as it will be."""
    with connection.cursor() as cursor:
        cursor.execute(catalog.LOCK_HOLDER, catalog.LOCK_KEY)
        row = cursor.fetchone()
    if row is not None:
        name, since, _ = row
        # When a session of another role began, the server does not say to everybody.
        began = f", since {since.isoformat()}" if since else ""
        raise GonogoError(
            "a run is at work on the database",
            detail=f"Its lock is held by {name}{began}.",
            hint="Audit again when it has ended.",
        )
