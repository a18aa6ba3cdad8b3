"""How long a deployment may wait, work, and make others wait.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import InputError
from .options.shared import ATTEMPTS, BUDGETS, LET_GO

__all__ = [
    "LONGEST_SECONDS",
    "Budgets",
    "Tolerance",
    "budgets_of",
    "seconds",
    "tolerance_of",
]

# PostgreSQL counts its limits in milliseconds, in 32 bits with a sign.
LONGEST_SECONDS = ((1 << 31) - 1) / 1000
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Budgets:
    """All but `attempts` in seconds.

    `lock`: waiting for one lock. `hold`: from the first lock that makes the application wait to
    the end of the transaction; others queue behind a lock that is waited for, so nobody waits
    longer than both together. `statement`: one statement. `attempts`: how often a transaction is
    tried that did not get its locks, with `wait` between.
    """

    lock: float
    hold: float
    statement: float
    attempts: int
    wait: float


@dataclass(frozen=True)
class Tolerance:
    """What others may bear while a statement of a deployment runs; 0 is without a limit.

    `waiters`: sessions that wait behind it at once. `seconds`: one of them. `lag`: seconds that a
    replica is behind; where there is such a limit, no replication slot may come near its end.
    """

    waiters: int = 0
    seconds: float = 0.0
    lag: float = 0.0

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self.waiters or self.seconds or self.lag)


def budgets_of(given: Mapping[str, str | int | None]) -> Budgets:
    """Raises InputError for a value that is no duration, or no number of attempts."""
    values = {
        key.name: str(key.default if given.get(key.name) is None else given[key.name])
        for key in BUDGETS.options
    }
    attempts = int(values.pop("attempts"))
    least, most = int(ATTEMPTS.least), int(ATTEMPTS.most)
    if not least <= attempts <= most:
        raise InputError(f"attempts must be from {least} to {most}", key="attempts", value=attempts)
    durations = {name: seconds(value, key=name) for name, value in values.items()}
    return Budgets(attempts=attempts, **durations)


def tolerance_of(given: Mapping[str, float | None]) -> Tolerance:
    """Raises InputError for a number that is out of its range."""
    values: dict[str, float] = {}
    for key in LET_GO.options:
        assert key.range is not None  # of each of them
        value = float(key.default if given.get(key.name) is None else given[key.name])  # type: ignore[arg-type]
        # Neither is true of what is no number (NaN).
        if not key.range.least <= value <= key.range.most:
            least, most = int(key.range.least), int(key.range.most)
            raise InputError(
                f"{key.name} must be from {least} to {most}", key=key.name, value=value
            )
        values[key.name] = value
    return Tolerance(int(values["waiters"]), values["seconds"], values["lag"])


def seconds(text: str, *, key: str) -> float:
    """`500ms`, `5s`, `10min` or `1h` in seconds. Raises InputError for anything else, for 0
    and for more than a server can count.
    """
    # Ansible makes text of a list where an option wants text; this is asked before.
    match = re.fullmatch(r"([0-9]{1,9})\s*(ms|s|min|h)", str(text).strip())
    value = int(match.group(1)) * _UNITS[match.group(2)] if match else 0.0
    if value > LONGEST_SECONDS:
        raise InputError(
            f"'{key}' is longer than PostgreSQL can count",
            key=key,
            value=text,
            hint=f"At most {int(LONGEST_SECONDS // 3600)}h.",
        )
    if not value:
        raise InputError(
            f"'{key}' is no duration", key=key, value=text, hint="Write it like 500ms, 5s or 10min."
        )
    return value
