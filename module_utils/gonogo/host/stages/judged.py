"""Read again what the checks have judged."""

from __future__ import annotations

from ...contract.login import Login, application_name
from ...contract.options.verdict import JudgedRequest
from ...contract.records.answers import JudgedAnswer
from ...contract.records.standing import JudgedObjects
from ..compare.judged import read
from ..session.connection import connect
from .common import login_of

__all__ = ["found", "run"]


def run(asked: JudgedRequest, *, check_mode: bool) -> JudgedAnswer:
    del check_mode  # It only reads.
    judged = found(login_of(asked.login), asked.objects, run_id=asked.run_id)
    return JudgedAnswer(changed=False, judged=judged)


def found(login: Login, objects: JudgedObjects, *, run_id: str) -> dict[str, str]:
    """As `judged.read`."""
    name = application_name(run_id, "verdict")
    with connect(login, name=name, read_only=True) as connection:
        return read(
            connection,
            schema=objects.schema,
            tables=objects.tables,
            functions=objects.functions,
            role=objects.role,
        )
