"""What the history of a folder says of a database, and what else of the schema has changed.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .migration import Step

__all__ = ["Deviation", "Drift", "Episode", "ReplayPlan", "SchemaChanges"]


@dataclass(frozen=True)
class Deviation:
    """An object that is not as it should be, with both definitions, cut.

    `kind` is `missing` (not there, and should be), `extra` (there, and nothing makes it) or
    `different`; of a change, `missing` is what is gone and `extra` what is new. `migration` is the
    file that should have made it, as far as a name tells.
    """

    kind: str
    name: str
    expected: str | None
    found: str | None
    migration: str | None = None


@dataclass(frozen=True)
class Drift:
    """A database against the replay of its folder's history on an empty one.

    `problem` says why nothing could be compared, or why that is not asked (`asked` is false then);
    `compared` is how many objects were. `before` and `after` are what is missing or different
    without what is pending and with it; what was so before is not told again. `beside` is what
    else is there: nothing makes it, and it may be somebody's work. `passed_over` are statements of
    the history that the empty database could not take, and that make nothing of its schema.
    """

    asked: bool = True
    problem: str | None = None
    migrations: int = 0
    seconds: float = 0.0
    compared: int = 0
    before: Sequence[Deviation] = ()
    after: Sequence[Deviation] | None = None
    beside: Sequence[Deviation] = ()
    passed_over: Sequence[str] = ()


@dataclass(frozen=True)
class SchemaChanges:
    """What the migration has changed of the schema: how many objects, and those of them that no
    statement of it accounts for."""

    changed: int
    unexplained: Sequence[Deviation]


@dataclass(frozen=True)
class Episode:
    """A migration of the history: its file, and the transactions in which its tool applies it."""

    file: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class ReplayPlan:
    """What the target host needs to replay a history beside a twin, and to look at the changes.

    `home` is the twin's directory, `schema` the application's, `tables` (schema and name) those of
    the tool, which are nobody's drift. `baseline` is the schema before the history, `applied` and
    `pending` the migrations. `problem` is there instead of them where they cannot be replayed, or
    where that is not `asked`. `names` are the words of what is pending.
    """

    home: str
    schema: str
    tables: Sequence[tuple[str, str]] = ()
    session: Mapping[str, str] = field(default_factory=dict)
    baseline: Sequence[Step] = ()
    applied: Sequence[Episode] = ()
    pending: Sequence[Episode] = ()
    names: Sequence[str] = ()
    problem: str | None = None
    asked: bool = True
