"""Who was at work on the server right before a deployment: in words, and as conditions.

Names are what somebody else has chosen: each is one quoted line without anything that a terminal
would obey. What the login could not see is said to be unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ..contract.errors import shown
from ..contract.records.activity import Activity, Backend, Conflict, Occupant
from ..contract.records.deployment import Deployment
from ..contract.records.readable import readable
from ..contract.records.verdict import Condition

__all__ = ["activity_conditions", "holding", "next_step", "quoted", "sentence", "summary"]

_NAME_LIMIT = 64
_TABLES = 5
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_WHAT = {
    "transaction": "a transaction",
    "dump": "a dump",
    "prepared": "the prepared transaction",
    "wraparound": "an autovacuum to prevent wraparound",
    "autovacuum": "an autovacuum",
    "index_build": "an index build",
    "base_backup": "a base backup",
}
_DUMPS = ("pg_dump", "pg_dumpall")
# An identifier that is the same in SQL, on a terminal and in a report.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]+")
_STEPS = {
    "dump": "Wait for it to end, or apply the migration at another time.",
    "wraparound": "It does not give way, and begins again where it is cancelled: wait for it to "
    "end (pg_stat_progress_vacuum says how far it is).",
    "autovacuum": "It gives way to who waits for deadlock_timeout: a migration that locks several "
    "tables at once needs a second attempt for that (deploy_attempts).",
    "freeze": "VACUUM (FREEZE) the table first, at a quiet time.",
    "index_build": "Wait for it to end (pg_stat_progress_create_index says how far it is).",
    "base_backup": "It takes the server's disk and network: wait for it to end, or accept that the "
    "migration is slower.",
    "replica": "Wait until it has caught up: what the migration writes comes on top.",
    "connections": "End sessions that are idle, or raise the limit: what follows the deployment "
    "has to connect.",
    "hidden": "Let the login see it: GRANT pg_read_all_stats to it. Or ask somebody who may.",
    "unknown": "Ask somebody who may look at it.",
}


def holding(activity: Activity | None) -> list[Occupant]:
    """What makes the deployment wait in vain."""
    return [one for one in activity.occupants if one.effect == "hold"] if activity else []


def activity_conditions(deploy: Mapping[str, object] | None) -> list[Condition]:
    """What may only have made the deployment slow, or was not seen; the rest is why it failed."""
    record = readable(Deployment, deploy, file=Deployment.FILE)
    activity = record.activity if record else None
    if activity is None:
        return []
    said = [
        f"right before the deployment: {sentence(one)}"
        for one in activity.occupants
        if one.effect != "hold"
    ]
    if activity.more:
        said.append(f"right before the deployment: {activity.more} more, which were not kept")
    return [Condition("activity", "deploy", text) for text in said]


def summary(activity: Activity) -> str:
    """What was looked at, in a sentence without a full stop."""
    by = "the locks of the rehearsal" if activity.rehearsed else "the tables that statements name"
    found = len(activity.occupants) + activity.more
    if not found:
        said = "nobody was found to wait for"
    else:
        said = f"{found} {'thing was' if found == 1 else 'things were'} found"
    tables = len(activity.tables)
    noun = "table" if tables == 1 else "tables"
    return (
        f"{said} on the server right before the deployment, judged by {by} "
        f"({tables} {noun}), in {activity.seconds:.2f} s"
    )


def sentence(one: Occupant) -> str:
    """What it is, whose, since when, and what it has locked; without a full stop."""
    return _SENTENCES.get(one.kind, _of_a_holder)(one)


def next_step(one: Occupant) -> str:
    """What a person does about it."""
    pid = one.backend.pid if one.backend else None
    if one.kind == "transaction":
        if not (one.conflicts or one.snapshot):
            return "Ask whose it is: it may take more locks, and keeps VACUUM from its work."
        return f"Have it end, or end it: SELECT pg_catalog.pg_terminate_backend({pid});"
    if one.kind == "prepared":
        name = one.name or ""
        if not _PLAIN.fullmatch(name):
            return "COMMIT PREPARED or ROLLBACK PREPARED it: pg_prepared_xacts has its name."
        return f"Its owner ends it: COMMIT PREPARED '{name}'; or ROLLBACK PREPARED '{name}';"
    if one.kind == "slot":
        name = one.name or ""
        drop = f": SELECT pg_catalog.pg_drop_replication_slot('{name}');"
        return (
            "Have its consumer connect again, or drop it"
            f"{drop if _PLAIN.fullmatch(name) else ', see pg_replication_slots.'}"
        )
    return _STEPS.get(one.kind, _STEPS["unknown"])


def quoted(text: str | None) -> str:
    """A name that somebody else has chosen, as one safe line between quotation marks."""
    escaped = (text or "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown(escaped, limit=_NAME_LIMIT)}"'


def _of_a_holder(one: Occupant) -> str:
    backend = one.backend
    name = f" {quoted(one.name)}" if one.kind == "prepared" else ""
    if one.name and one.kind in ("wraparound", "autovacuum", "index_build"):
        name = f" of the table {quoted(one.name)}"
    if one.kind == "base_backup" and "total" in one.numbers:
        sent, total = _size(one.numbers.get("sent", 0)), _size(one.numbers["total"])
        name = f", {sent} of {total} sent,"
    said = f"{_WHAT.get(one.kind, 'something')}{name} ({_who(backend)}; {_when(backend)})"
    if one.conflicts:
        said = f"{said} has {_locked(one.conflicts)}"
    if one.snapshot:
        said = f"{said}{' and' if one.conflicts else ' has'} a snapshot that CONCURRENTLY waits for"
    if one.kind == "transaction" and backend and backend.application_name in _DUMPS:
        said = f"{said}; it calls itself a dump, and its locks are those of none"
    return said


def _who(backend: Backend | None) -> str:
    if backend is None:
        return "whose is not seen"
    parts = [f"process {backend.pid}"] if backend.pid is not None else []
    if backend.role is not None:
        parts.append(f"role {quoted(backend.role)}")
    if backend.application_name:
        parts.append(f"application_name {quoted(backend.application_name)}")
    if backend.client:
        parts.append(f"client {shown(backend.client)}")
    return ", ".join(parts) or "whose is not seen"


def _when(backend: Backend | None) -> str:
    if backend is None or (backend.state is None and backend.seconds is None):
        return "what it does, and since when, is not seen by this login"
    parts = [shown(backend.state)] if backend.state else []
    if backend.since and backend.seconds is not None:
        parts.append(f"since {shown(backend.since)}, {_time(backend.seconds)} ago")
    if backend.idle_seconds is not None:
        parts.append(f"idle for {_time(backend.idle_seconds)}")
    return ", ".join(parts) or "since when is not seen"


def _locked(conflicts: Sequence[Conflict]) -> str:
    """The locks table by table, and what the migration needs there."""
    parts = []
    for one in conflicts[:_TABLES]:
        need = "needs" if one.certain else "may need"
        modes = " and ".join(map(_mode, one.wanted))
        parts.append(
            f"{_mode(one.mode)} on {quoted(one.table)}, where the migration {need} {modes}"
        )
    more = len(conflicts) - _TABLES
    return "; ".join([*parts, *([f"{more} more such locks"] if more > 0 else [])])


def _mode(mode: str) -> str:
    """As LOCK TABLE has it: `ACCESS SHARE`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock"))
    return shown(words.upper())


def _freeze(one: Occupant) -> str:
    part = 100 * one.numbers.get("part", 0)
    return (
        f"the table {quoted(one.name)} is at {part:.0f} % of the age at which autovacuum has to "
        "prevent wraparound: one that begins does not give way"
    )


def _slot(one: Occupant) -> str:
    size = one.numbers.get("bytes")
    kept = "keeps no WAL" if size is None else f"keeps {_size(size)} of WAL"
    status = shown(one.text or "unknown")
    return f"nobody uses the replication slot {quoted(one.name)}, which {kept} ({status})"


def _replica(one: Occupant) -> str:
    size, seconds = one.numbers.get("bytes"), one.numbers.get("seconds")
    parts = [] if size is None else [_size(size)]
    parts += [] if seconds is None else [_time(seconds)]
    state = shown((one.backend.state if one.backend else None) or "what it does is not seen")
    far = f"{' and '.join(parts)} " if parts else ""
    return f"the replica {quoted(one.name)} is {far}behind ({_who(one.backend)}; {state})"


def _connections(one: Occupant) -> str:
    left, limit = one.numbers.get("left", 0), f"{one.numbers.get('limit', 0):.0f}"
    of = "" if one.name == "max_connections" else f" {shown(one.name or '')}"
    if not left:
        word = "may be" if one.effect == "unknown" else "is"
        return f"none of the {limit} connections{of} {word} left to this login"
    noun = "connection is" if left == 1 else "connections are"
    return (
        f"{left:.0f} of the {limit} {noun} left to this login (the limit{of or ' of the server'})"
    )


def _hidden(one: Occupant) -> str:
    number = one.numbers.get("sessions", 0)
    sessions = f"{number:.0f} {'session' if number == 1 else 'sessions'}"
    if one.name == "walsenders":
        return f"how far {sessions} of replicas or base backups are is not seen by this login"
    return (
        f"what {sessions} of other roles in this database do, and since when, is not seen by this "
        "login"
    )


def _unknown(one: Occupant) -> str:
    why = shown(one.text or "no reason given", limit=200)
    return f"nobody knows of the {shown(one.name or 'server')}: {why}"


def _size(found: float) -> str:
    for unit, name in _UNITS:
        if found >= unit:
            return f"{found / unit:.1f} {name}"
    return f"{found:.0f} B"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds // 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes // 60:.0f} h"


_SENTENCES: Mapping[str, Callable[[Occupant], str]] = {
    "freeze": _freeze,
    "slot": _slot,
    "replica": _replica,
    "connections": _connections,
    "hidden": _hidden,
    "unknown": _unknown,
}
