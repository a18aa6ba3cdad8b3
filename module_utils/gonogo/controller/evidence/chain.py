"""The chain of events: each line holds the hash of the one before, so none changes unseen."""

from __future__ import annotations

from functools import lru_cache

from ...contract import canonical
from ...contract.errors import GonogoError
from ...contract.records.event import Event
from ...contract.records.reading import RecordError, plain, read
from .names import CHAIN
from .parsing import lines_of, parse

EVENTS = ("opened", "wrote", "stage_passed", "stage_failed", "checks", "closed")

_START = "0" * 64


def event_hash(event: Event) -> str:
    """Return the SHA-256 of an event, its hash left out."""
    bare = {key: value for key, value in plain(event).items() if key != "hash"}
    return canonical.sha256(canonical.line(bare))


def tail(chain: bytes) -> tuple[int, str]:
    """Return number and hash of the last event; refuse to build on a chain that ends torn."""
    if not chain:
        return 0, _START
    try:
        # The last line with its end: a torn one does not parse.
        text, end = chain[:-1].rpartition(b"\n")[2], chain[-1:]
        last = read(Event, parse(text if end == b"\n" else b""), file=CHAIN)
    except (ValueError, RecordError):
        raise GonogoError(
            f"the last line of {CHAIN} is damaged",
            hint="This run cannot go on; start a new one.",
        ) from None
    return last.seq, last.hash


def verified(raw: bytes) -> tuple[list[Event], list[str]]:
    """Return the events up to the first that is not what was written there, and what is wrong."""
    events: list[Event] = []
    problems: list[str] = []
    prev = _START
    for number, text in enumerate(lines_of(raw), start=1):
        try:
            event = read(Event, parse(text), file=CHAIN)
            flaw = _flaw(event, text, number, prev)
        except (ValueError, RecordError, RecursionError):
            flaw = "not an event" if text.endswith(b"\n") else "cut off"
        if flaw:
            problems.append(f"{CHAIN} line {number}: {flaw}; nothing from there on is believed")
            return events, problems
        events.append(event)
        prev = event.hash
    if not events:
        problems.append(f"{CHAIN} is empty")
    elif events[0].event != "opened":
        problems.append(f"{CHAIN} line 1: the chain does not begin with opened")
    for number, event in enumerate(events[1:], start=2):
        if event.event == "opened":
            problems.append(f"{CHAIN} line {number}: the run is opened a second time")
    return events, problems


def _flaw(event: Event, text: bytes, number: int, prev: str) -> str:
    """Say what is wrong with one line of the chain, if anything is."""
    if not text.endswith(b"\n"):
        return "cut off"
    if event.seq != number or event.prev != prev:
        return "does not follow the line before"
    # The spelling counts too: the same line again, not one that means the same.
    if event.hash != event_hash(event) or canonical.line(plain(event)).encode() != text[:-1]:
        return "changed after it was written"
    return ""


@lru_cache(maxsize=1)
def sealed(chain: bytes) -> dict[str, str]:
    """Name → SHA-256 of every file as a chain has it last; a stage asks for several of them."""
    events, _ = verified(chain)
    written = [event.data for event in events if event.event == "wrote"]
    return {str(data.get("file")): str(data.get("sha256")) for data in written}
