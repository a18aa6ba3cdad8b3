"""From where to where each number may go.

What is outside would be an error of a program that nobody here has written, in the middle of a run.
"""

from __future__ import annotations

from ...contract.errors import InputError
from ...contract.options.every import variables
from ...contract.options.option import Range

__all__ = ["RANGES", "check"]

# Of every variable that is a number.
RANGES: dict[str, Range] = {
    variable.name: variable.range for variable in variables() if variable.range is not None
}


def check(variable: str, value: float) -> None:
    """Raise InputError for a number that the variable cannot have: too small, too large, none."""
    allowed = RANGES[variable]
    # Neither is true of what is no number (NaN).
    if allowed.least <= value <= allowed.most:
        return
    raise InputError(
        f"must be from {_written(allowed.least)} to {_written(allowed.most)}",
        key=variable,
        value=value,
        hint=f"It is a number of {allowed.counted_in}.",
    )


def _written(number: float) -> str:
    return str(int(number))
