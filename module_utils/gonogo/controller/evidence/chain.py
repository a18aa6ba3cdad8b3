"""The chain of events: each line holds the hash of the one before, so none changes unseen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ...contract import canonical
from ...contract.errors import GonogoError
from .names import CHAIN
from .parsing import lines_of, parse

EVENTS = ("opened", "wrote", "stage_passed", "stage_failed", "checks", "closed")

_FIELDS = {"seq", "at", "stage", "event", "data", "prev", "hash"}
_START = "0" * 64


def event_hash(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an event, its hash left out."""
    return canonical.sha256(
        canonical.line({key: value for key, value in record.items() if key != "hash"})
    )


def tail(chain: bytes) -> tuple[int, str]:
    """Return number and hash of the last event; refuse to build on a chain that ends torn."""
    if not chain:
        return 0, _START
    try:
        # The last line with its end: a torn one does not parse.
        text, end = chain[:-1].rpartition(b"\n")[2], chain[-1:]
        last = parse(text if end == b"\n" else b"")
        return int(last["seq"]), str(last["hash"])
    except (ValueError, KeyError, TypeError):
        raise GonogoError(
            f"the last line of {CHAIN} is damaged",
            hint="This run cannot go on; start a new one.",
        ) from None


def verified(raw: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the events up to the first that is not what was written there, and what is wrong."""
    events: list[dict[str, Any]] = []
    problems: list[str] = []
    prev = _START
    for number, text in enumerate(lines_of(raw), start=1):
        try:
            event = parse(text)
            flaw = _flaw(event, text, number, prev)
        except (ValueError, RecursionError):
            flaw = "not an event" if text.endswith(b"\n") else "cut off"
        if flaw:
            problems.append(f"{CHAIN} line {number}: {flaw}; nothing from there on is believed")
            return events, problems
        events.append(event)
        prev = event["hash"]
    if not events:
        problems.append(f"{CHAIN} is empty")
    elif events[0]["event"] != "opened":
        problems.append(f"{CHAIN} line 1: the chain does not begin with opened")
    for number, event in enumerate(events[1:], start=2):
        if event["event"] == "opened":
            problems.append(f"{CHAIN} line {number}: the run is opened a second time")
    return events, problems


def _flaw(event: Any, text: bytes, number: int, prev: str) -> str:
    """Say what is wrong with one line of the chain, if anything is."""
    if not text.endswith(b"\n"):
        return "cut off"
    if not isinstance(event, dict) or set(event) != _FIELDS or not isinstance(event["data"], dict):
        return "not an event"
    if event["seq"] != number or event["prev"] != prev:
        return "does not follow the line before"
    # The spelling counts too: the same line again, not one that means the same.
    if event["hash"] != event_hash(event) or canonical.line(event).encode() != text[:-1]:
        return "changed after it was written"
    return ""


@lru_cache(maxsize=1)
def sealed(chain: bytes) -> dict[str, Any]:
    """Name → SHA-256 of every file as a chain has it last; a stage asks for several of them."""
    events, _ = verified(chain)
    written = [event["data"] for event in events if event["event"] == "wrote"]
    return {str(data.get("file")): data.get("sha256") for data in written}
