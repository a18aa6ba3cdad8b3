"""Measures the shape of a database, before any run of the play is opened."""

from __future__ import annotations

from datetime import UTC, datetime

from ...contract.errors import GonogoError
from ...contract.login import timeouts_of
from ...contract.options.shape import SHAPE, ShapeAnswer, ShapeRequest, ShapeTask
from .. import evidence
from .base import Stage
from .reported import Reported, skipped

__all__ = ["Measure"]


class Measure(Stage[ShapeTask]):
    """The stage `shape`, see library/gonogo_shape.py."""

    stage = "shape"
    declared = SHAPE
    task = ShapeTask

    def act(self, task: ShapeTask) -> Reported:
        if self.checking:
            return skipped("stage shape does not run in check mode")
        asking = evidence.new_run_id(datetime.now(UTC))
        asked = ShapeRequest(task.login, asking, timeouts=timeouts_of(task.timeouts))
        try:
            answer = self.call_with_database("shape", asked, ShapeAnswer)
        except GonogoError as error:
            # Its own run says what is wrong with it.
            line = f"The shape of the database is not known: {error.primary}"
            return Reported(changed=False, lines=[line], told={"shape": None})
        return Reported(changed=False, told={"shape": answer.sha256, "size": answer.size})
