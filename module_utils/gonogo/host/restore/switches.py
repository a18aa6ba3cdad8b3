"""Which entries of an archive only say whether a partition's trigger fires. Pure functions.

Such a trigger is made with that of the partitioned table, on which pg_dump notes no dependency, and
which it may write behind it: triggers are written in the order of the names of their tables. And a
switch of a partitioned table is one of all its partitions. So they are restored behind all other
triggers, one after the other, that of a partition behind that of its parent.

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
