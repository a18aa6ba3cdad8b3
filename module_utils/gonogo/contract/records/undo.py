"""What taking a migration back would do, or has done: undo.json.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .trace import StatementTrace

__all__ = ["Undo"]


@dataclass(frozen=True)
class Undo:
    """What the undo scripts do.

    `state` is that of the migration, before. `content` is the digest of `holds`: name → rows, and a
    digest of what is in them. `changes` are the names of what the scripts change in the schema,
    `removed` those of them that do not exist afterwards, `became` the definitions of the others
    before and after. `lost` is the table, or the column of a table that stays → rows with a value
    in it; `compared` are the tables whose rows were compared before and after, `locked` those that
    nobody else could use meanwhile. `altered` is the table that stays → its rows before and after,
    where the files of a migration tool change what they hold. `immaterial` are the names of what of
    the schema is not as it was before the migration, and has no meaning for rows, constraints and
    rights.
    """

    state: str
    content: str = ""
    holds: Mapping[str, tuple[int | None, str | None]] = field(default_factory=dict)
    changes: Sequence[str] = ()
    removed: Sequence[str] = ()
    became: Mapping[str, tuple[str | None, str | None]] | None = None
    lost: Mapping[str, int] = field(default_factory=dict)
    compared: Sequence[str] = ()
    altered: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    immaterial: Sequence[str] = ()
    locked: Sequence[str] = ()
    locked_seconds: float = 0.0
    committed: bool = False
    statements: Sequence[StatementTrace] = ()
    seconds: float = 0.0
