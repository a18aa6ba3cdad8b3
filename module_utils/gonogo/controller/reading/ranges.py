"""From where to where each number may go.

What is outside would be an error of a program that nobody here has written, in the middle of a run.
"""

from __future__ import annotations

from ...contract.errors import InputError

__all__ = ["RANGES", "check"]

_YEAR_HOURS = 8760
# PostgreSQL counts its limits in milliseconds, in 32 bits with a sign.
_LARGEST_MS = (1 << 31) - 1

# Variable → least, most, and what it is counted in. Every number of a role has a line here.
RANGES: dict[str, tuple[float, float, str]] = {
    "backup_jobs": (0, 256, "sessions; 0 leaves it to the stage"),
    "backup_lock_wait": (1, _LARGEST_MS, "milliseconds"),
    "cleanup_plan_hours": (1, _YEAR_HOURS, "hours"),
    "deploy_attempts": (1, 1000, "attempts"),
    "deploy_plan_hours": (1, _YEAR_HOURS, "hours"),
    "gonogo_promotion_max_age_hours": (1, _YEAR_HOURS, "hours"),
    "restore_jobs": (0, 256, "sessions; 0 leaves it to the stage"),
    "restore_plan_hours": (1, _YEAR_HOURS, "hours"),
    "target_lock_lease": (1, 86_400, "seconds"),
    "target_space_factor": (0, 1e9, "times the size of the database"),
    "twin_jobs": (0, 256, "sessions; 0 leaves it to the stage"),
    "twin_space_factor": (0, 1e9, "times the size of the database"),
    "undo_attempts": (1, 1000, "attempts"),
    "undo_plan_hours": (1, _YEAR_HOURS, "hours"),
}


def check(variable: str, value: float) -> None:
    """Raise InputError for a number that the variable cannot have: too small, too large, none."""
    least, most, counted_in = RANGES[variable]
    # Neither is true of what is no number (NaN).
    if least <= value <= most:
        return
    raise InputError(
        f"must be from {_written(least)} to {_written(most)}",
        key=variable,
        value=value,
        hint=f"It is a number of {counted_in}.",
    )


def _written(number: float) -> str:
    return str(int(number))
