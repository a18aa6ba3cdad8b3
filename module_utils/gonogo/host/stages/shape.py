"""Measure the shape of a database, without being a run."""

from __future__ import annotations

from ...contract.options.shape import ShapeAnswer, ShapeRequest
from ..compare.source import measured
from ..session.connection import connect
from ..session.identity import observe
from .common import login_of

__all__ = ["run"]

# Not as the sessions of a run are called: no run waits for it, and none ends it.
_NAME = "gonogo-shape:"


def run(asked: ShapeRequest, *, check_mode: bool) -> ShapeAnswer:
    del check_mode  # Nothing is begun in check mode, see the stage.
    name = f"{_NAME}{asked.run_id}"
    with connect(
        login_of(asked.login), name=name, timeouts=asked.timeouts, read_only=True
    ) as connection:
        size = observe(connection).database_bytes
        found = measured(connection, run_id=asked.run_id, size=size)
    return ShapeAnswer(changed=False, sha256=found.sha256, size=found.size)
