"""All stages, for what goes through all of their options."""

from __future__ import annotations

from collections.abc import Iterator

from .audit import AUDIT
from .backup import BACKUP
from .cleanup import CLEANUP
from .deploy import DEPLOY
from .draft import DRAFT
from .explain import EXPLAIN
from .files import FILES
from .init import INIT
from .input import INPUT
from .option import StageOptions, Variable
from .rehearsal import REHEARSAL
from .restore import RESTORE
from .scripts import PHASES, PREFLIGHT
from .shape import SHAPE
from .target import TARGET
from .twin import TWIN
from .undo import UNDO
from .verdict import VERDICT

__all__ = ["RUN", "STAGES", "variables"]

# What a run consists of, in its order. All of them have to pass for a GO, but for those that the
# inventory does not ask for.
RUN: tuple[StageOptions, ...] = (
    TARGET,
    BACKUP,
    TWIN,
    REHEARSAL,
    FILES,
    PREFLIGHT,
    DEPLOY,
    PHASES,
)
# With what comes before a run and after it, and what is no part of one.
STAGES: tuple[StageOptions, ...] = (
    INPUT,
    SHAPE,
    *RUN,
    VERDICT,
    CLEANUP,
    UNDO,
    RESTORE,
    INIT,
    DRAFT,
    AUDIT,
    EXPLAIN,
)


def variables() -> Iterator[Variable]:
    """Every variable of every stage; those of several stages more than once."""
    for stage in STAGES:
        yield from stage.variables
