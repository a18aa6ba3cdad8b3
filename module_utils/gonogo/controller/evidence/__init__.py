"""The evidence of a run: a directory that only grows, and a chain of events that seals it.

`Run` writes, `load` reads back and tells every irregularity, and the pointer functions let the
later stages of one `ansible-playbook` process find the run its first stage opened.

Whoever calls this decides what is evidence; secrets and row contents are never part of it. The
parts, from the bottom up:

===========  ===================================================================
`names`      what runs, their directories and their files are called
`disk`       private files, replaced as a whole, still there after a crash
`parsing`    JSON read strictly
`record`     what a file says, and the error where it does not say what is asked of it
`chain`      the events: how a line is sealed, and what is wrong with one
`writing`    `Run`
`reading`    `Evidence`, `load`: files against the chain, and all of one run
`pointer`    which run a process has open, and whether the process still lives
===========  ===================================================================
"""

from __future__ import annotations

from ...contract.records.reading import RecordError
from ...contract.run_id import new_run_id
from .chain import EVENTS
from .names import DERIVED, ENVIRONMENT, new_token
from .pointer import close_pointer, controller_identity, find_open, is_abandoned, is_alive, point_to
from .reading import Evidence, load, peek, read_derived, read_object
from .record import Record
from .writing import Run

__all__ = [
    "DERIVED",
    "ENVIRONMENT",
    "EVENTS",
    "Evidence",
    "Record",
    "RecordError",
    "Run",
    "close_pointer",
    "controller_identity",
    "find_open",
    "is_abandoned",
    "is_alive",
    "load",
    "new_run_id",
    "new_token",
    "peek",
    "point_to",
    "read_derived",
    "read_object",
]
