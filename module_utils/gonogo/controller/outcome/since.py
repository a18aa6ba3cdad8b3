"""What was judged, and is another by the end of the run: since when, and what it was."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from ...contract.errors import GonogoError
from ...contract.listing import listed
from ...contract.records.event import Event

__all__ = ["JUDGED", "problem"]

JUDGED = "judged.json"
_MOST = 10
_SAID = re.compile(r"(?P<name>.+?) (?:is gone|was changed)", re.DOTALL)
_CONSTRAINT = re.compile(r'constraint (?P<table>.+)\.(?P<name>"(?:[^"]|"")+"|[^".]+)', re.DOTALL)


def problem(
    changed: Sequence[str], *, events: Sequence[Event], kept: Mapping[str, object], now: str
) -> GonogoError:
    """`changed` are the sentences of `judged.differences`, `kept` is the schema that the rehearsal
    has left, and `now` the moment at which it was compared."""
    began = _began(events)
    since = _clock(began) if began else "the checks began"
    again = [*_again(changed, kept)]
    mend = "Find out who has changed it"
    if again:
        mend += f", make it again, and start a new run:\n{listed(again, most=_MOST, joint=chr(10))}"
    else:
        mend += ", then start a new run."
    return GonogoError(
        f"what was judged has changed since {since}",
        detail=f"{listed(changed, most=_MOST, joint='; ')}; seen at {_clock(now)}",
        hint=mend,
    )


def _clock(at: str) -> str:
    """A time of the chain, to the second."""
    return f"{at[:10]} {at[11:19]} UTC"


def _began(events: Sequence[Event]) -> str | None:
    """When what is judged was not read yet: the last that is on record before it."""
    for before, event in itertools.pairwise(events):
        if event.event == "wrote" and event.data.get("file") == JUDGED:
            return before.at
    return None


def _again(changed: Sequence[str], kept: Mapping[str, object]) -> Iterator[str]:
    """The commands that make what is gone, or what was changed, as it was. What takes more than a
    line, such as a function, is in the schema that was kept."""
    for said in changed:
        name = (found := _SAID.fullmatch(said)) and found["name"]
        # A name of several lines would make a command of what it says.
        if not name or not name.isprintable():
            continue
        definition = kept.get(name.removeprefix("unique "))
        command = _command(name, definition) if isinstance(definition, str) else None
        if command is None:
            continue
        if said.endswith("is gone"):
            yield command
        else:
            yield f"-- {name} was: {command}"


def _command(name: str, definition: str) -> str | None:
    if not definition.isprintable():
        return f"-- the definition of {name} is in schema.json"
    if definition.startswith("CREATE "):
        return f"{definition.rstrip(';')};"
    constraint = _CONSTRAINT.fullmatch(name)
    if constraint and definition:
        table, own = constraint["table"], constraint["name"]
        return f"ALTER TABLE {table} ADD CONSTRAINT {own} {definition.rstrip(';')};"
    return None
