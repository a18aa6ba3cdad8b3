"""Which entries of an archive only say whether a partition's trigger fires. Pure functions.

The trigger of a partition is made with the trigger of the partitioned table. pg_dump notes no
dependency between the two, and may write the partition's first: it writes triggers in the order of
the names of their tables. Whether the trigger of a partitioned table fires is also set for all its
partitions. So these entries are restored after all other triggers, one by one, and those of a
partition after those of its parent.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..archive.toc import Entry

__all__ = ["in_order", "is_switch"]

_NAME = r'(?:"(?:[^"]|"")*"|[^\s".]+)(?:\.(?:"(?:[^"]|"")*"|[^\s".]+))?'
_SWITCH = re.compile(rf"\s*ALTER TABLE (?:ONLY )?(?P<table>{_NAME}) (?:EN|DIS)ABLE ")
_ATTACH = re.compile(
    rf"\s*ALTER TABLE (?:ONLY )?(?P<parent>{_NAME}) ATTACH PARTITION (?P<child>{_NAME}) "
)


def is_switch(entry: Entry) -> bool:
    return entry.kind == "TRIGGER" and _SWITCH.match(entry.definition) is not None


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The switches among these, as they are to be restored."""
    known = list(entries)
    attached = [_ATTACH.match(one.definition) for one in known if one.kind == "TABLE ATTACH"]
    parents = {found["child"]: found["parent"] for found in attached if found}
    return sorted(filter(is_switch, known), key=lambda one: _depth(one, parents))


def _depth(switch: Entry, parents: Mapping[str, str]) -> int:
    found = _SWITCH.match(switch.definition)
    above: Sequence[str] = [found["table"]] if found else []
    while above and above[-1] in parents and len(above) <= len(parents):
        above = [*above, parents[above[-1]]]
    return len(above)
