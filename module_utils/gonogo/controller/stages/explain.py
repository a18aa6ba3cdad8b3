"""Says what a run has come to and what may be done next, from its evidence. Asks no host."""

from __future__ import annotations

import os

from ...contract.errors import InputError
from ...contract.options.explain import EXPLAIN, ExplainTask
from ...contract.records.reading import plain
from .. import evidence, explain, request
from ..evidence import judgement
from ..invocation import project
from ..invocation.paths import path_of
from .base import Stage
from .reported import Reported

__all__ = ["Explain"]


class Explain(Stage[ExplainTask]):
    """The stage `explain`, see library/gonogo_explain.py."""

    stage = "explain"
    declared = EXPLAIN
    task = ExplainTask

    def act(self, task: ExplainTask) -> Reported:
        known, prefixes = project.variables()
        request.check_variables(self.site.extra, known=known, prefixes=prefixes)
        if not task.run:
            raise InputError(
                "not said which run is to be explained",
                key="explain_run",
                hint=f"Say it: {self.caller.again('explain_run=runs/ENVIRONMENT/RUN_ID')}",
            )
        path = path_of(task.run, key="explain_run")
        if not (path / "events.jsonl").is_file():
            raise InputError(
                "not an evidence directory",
                key="explain_run",
                value=str(path),
                hint="Name the directory of a run: runs/ENVIRONMENT/RUN_ID.",
            )
        verdict = judgement.confirmed(path)
        later = judgement.unproven(path, task.head or verdict.evidence_head or "")
        told = explain.explain(
            evidence.load(path),
            verdict,
            directory=min(os.path.relpath(path), str(path), key=len),
            later=list(dict.fromkeys(later)),
            caller=self.caller,
        )
        return Reported(explain.lines(told), changed=False, told={"explanation": plain(told)})
