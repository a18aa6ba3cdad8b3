"""The options of the stage shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..login import Timeouts
from .option import Documented, Returned, StageOptions
from .shared import PG_BIN, REMOTE_DIR, SESSIONS

__all__ = ["SHAPE", "ShapeAnswer", "ShapeRequest", "ShapeTask"]

_EXAMPLES = """\
- name: Measure the shape of the database
  gonogo_shape:
    login: {db: orders, user: orders, host: localhost, passfile: ~/.pgpass}
"""

SHAPE = StageOptions(
    role="shape",
    says={"main": "Measure the shape of the database"},
    documented=Documented(
        title="Measure which databases are of one shape",
        description=(
            "Reads the schema and the settings that a migration would see. Of the databases of one "
            "shape the largest is begun first, and the migration is rehearsed for all of them on "
            "its copy.",
            "It decides the order alone: whether a run may go by the rehearsal of another one is "
            "found out later, from what both have measured for their backups.",
            "Writes nothing, and takes no lock that a run would wait for. Where it cannot be "
            "measured the task says so, and the database is rehearsed by itself.",
        ),
        check_mode="The stage is skipped.",
        examples=_EXAMPLES,
        returns=(
            Returned("shape", "str", "Digest of the shape; null where it is not known."),
            Returned("size", "int", "Bytes of the database.", returned="where it was measured"),
        ),
    ),
    declared=(*SESSIONS, REMOTE_DIR, PG_BIN),
)


@dataclass(frozen=True)
class ShapeTask:
    """What Ansible gives the task."""

    login: Mapping[str, str | int | None]
    timeouts: Mapping[str, str | None]


@dataclass(frozen=True)
class ShapeRequest:
    """What the entry is asked; `run_id` tells its session from others."""

    login: Mapping[str, str | int | None]
    run_id: str
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True)
class ShapeAnswer:
    changed: bool
    sha256: str
    size: int
