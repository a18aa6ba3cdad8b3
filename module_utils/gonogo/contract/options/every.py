"""All stages, for what goes through all of their options."""

from __future__ import annotations

from collections.abc import Iterator

from .backup import BACKUP
from .cleanup import CLEANUP
from .deploy import DEPLOY
from .files import FILES
from .input import INPUT
from .option import StageOptions, Variable
from .rehearsal import REHEARSAL
from .restore import RESTORE
from .scripts import PHASES, PREFLIGHT
from .target import TARGET
from .twin import TWIN
from .undo import UNDO
from .verdict import VERDICT

__all__ = ["STAGES", "variables"]

# In the order of a run, and what comes after it.
STAGES: tuple[StageOptions, ...] = (
    INPUT,
    TARGET,
    BACKUP,
    TWIN,
    REHEARSAL,
    FILES,
    PREFLIGHT,
    DEPLOY,
    PHASES,
    VERDICT,
    CLEANUP,
    UNDO,
    RESTORE,
)


def variables() -> Iterator[Variable]:
    """Every variable of every stage; those of several stages more than once."""
    for stage in STAGES:
        yield from stage.variables
