"""Who was at work on a server right before a deployment, see host/migrate/activity.py.

Names are those of other roles: whoever shows one makes it safe first.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Activity", "Backend", "Conflict", "Occupant"]


@dataclass(frozen=True)
class Backend:
    """A session, a process of the server, or a prepared transaction, which has no `pid`.

    `since` is when its transaction began (of a walsender: when it connected), `seconds` how long
    ago that is, `idle_seconds` since when it has waited for its client. What the login may not see
    is None.
    """

    pid: int | None
    role: str | None
    application_name: str
    client: str | None
    state: str | None
    since: str | None
    seconds: float | None
    idle_seconds: float | None


@dataclass(frozen=True)
class Conflict:
    """A lock on a table that the deployment will lock: its mode, and the modes of the deployment
    that conflict with it. `certain` is false where only the text of a statement says that it may
    need one of these."""

    table: str
    mode: str
    wanted: Sequence[str]
    certain: bool


@dataclass(frozen=True)
class Occupant:
    """Something that is at work, or that is missing.

    ==============  ==============================================================================
    `transaction`   an open transaction
    `dump`          a transaction whose locks are those of a dump
    `prepared`      a prepared transaction; `name` is its identifier
    `wraparound`    an autovacuum to prevent wraparound of the table `name`
    `autovacuum`    any other autovacuum of a table that will be locked, or one that is not seen
    `freeze`        the table `name` is about to get an autovacuum to prevent wraparound
    `index_build`   an index of the table `name` is built
    `base_backup`   a base backup is sent
    `slot`          nobody uses the replication slot `name`, which keeps WAL
    `replica`       the replica `name` is behind
    `connections`   the limit `name` of connections is near
    `hidden`        the login may not see what `numbers["sessions"]` sessions do: of the database,
                    or walsenders, as `name` says
    `unknown`       the question `name` was not answered; `text` is why
    ==============  ==============================================================================

    `effect` is `hold` where the deployment would try in vain, `slow` where it may take longer or
    fail, `unknown` where the login cannot see which. `snapshot` is whether a statement
    CONCURRENTLY waits for its snapshot.
    """

    kind: str
    effect: Literal["hold", "slow", "unknown"]
    backend: Backend | None = None
    conflicts: Sequence[Conflict] = ()
    name: str | None = None
    text: str | None = None
    snapshot: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Activity:
    """What was found, the worst first, `more` of them left out. `seconds` is what asking has cost.

    `rehearsed` is whether the locks of every statement were measured on a copy; `tables` are those
    that the deployment will lock: name → modes.
    """

    seconds: float
    rehearsed: bool
    tables: Mapping[str, Sequence[str]]
    occupants: Sequence[Occupant] = ()
    more: int = 0
