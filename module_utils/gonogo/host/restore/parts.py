"""Who restores which entry of an archive. Pure functions; they know neither psycopg nor files.

An archive holds code of everybody who owns something in the database, and a restore evaluates it:
the rows of a table are checked by its CHECKs, domains and generated columns; a definition that is
merely read converts its constants, an array of a domain by the domain's CHECK, a range by its
canonical function. Whoever is logged in meanwhile gives that code all of his rights, for it can
leave any role that was merely set.

So every entry is restored in the session of a role that was made for it and has nothing but what it
makes, one such role for each owner. A superuser's session gets only the kinds of entries that
evaluate nothing (`_INERT`) and that take one. A kind that is not known here is not one of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..archive.toc import DATA, POST_DATA, Entry
from .errors import UnprovenError
from .switches import in_order

__all__ = ["REFRESH", "SUPERUSER", "Division", "Part", "divide"]

# In whose session nothing of an owner is evaluated.
SUPERUSER = None

# Creating them stores names and options, and evaluates no expression. Most take a superuser.
_INERT = frozenset(
    {
        "ACCESS METHOD",
        "BLOB",
        "BLOB COMMENTS",
        "BLOB METADATA",
        "BLOBS",
        "CAST",
        "COLLATION",
        "CONVERSION",
        "DATABASE",
        "DATABASE PROPERTIES",
        "EXTENSION",
        "FOREIGN DATA WRAPPER",
        "OPERATOR",
        "OPERATOR CLASS",
        "OPERATOR FAMILY",
        "PROCEDURAL LANGUAGE",
        "SCHEMA",
        "SHELL TYPE",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TEXT SEARCH PARSER",
        "TEXT SEARCH TEMPLATE",
        "TRANSFORM",
        "TYPE",
    }
)
# They are inert, too, and nothing else needs them: they wait until everything has its real owner.
_AFTER_OWNERS = frozenset(
    {
        "ACL",
        "COMMENT",
        "DEFAULT ACL",
        "PUBLICATION",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "SECURITY LABEL",
    }
)
REFRESH = "MATERIALIZED VIEW DATA"
_ABOUT_OTHERS = frozenset({"COMMENT", "SECURITY LABEL"})
_LEFT_OUT = frozenset({"SUBSCRIPTION", "SUBSCRIPTION TABLE"})
# pg_restore brings them along by itself; they say how the others are to be read.
_ALWAYS = frozenset({"ENCODING", "STDSTRINGS", "SEARCHPATH"})
# Making one calls a function, and what is made with it calls it again.
_CALLING = frozenset({"FOREIGN DATA WRAPPER", "PROCEDURAL LANGUAGE"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE"})
_DATA = frozenset({"TABLE DATA", "SEQUENCE SET"})
_WITH_DATA = frozenset({"TABLE", "SEQUENCE"})
_RELATIONS = frozenset({"TABLE", "FOREIGN TABLE"})
# What a table is made of, by which it comes to a function.
_SHAPES = frozenset({"DOMAIN", "TABLE", "TYPE"})
_PER_ROW = ("CHECK", "GENERATED")
_CHILDREN = _RELATIONS | {"INDEX ATTACH", "STATISTICS", "TABLE ATTACH"}

_TOKEN = re.compile(
    r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|(?P<tag>\$(?:[A-Za-z_\x80-\U0010ffff]'
    r"[\w\x80-\U0010ffff]*)?\$).*?(?P=tag)|\w+|\S",
    re.DOTALL,
)


@dataclass(frozen=True)
class Part:
    """Entries (by id, in order) for one session: that of an owner's stand-in, or `SUPERUSER`.

    `rows`: rows, or what comes behind them, where there are several owners. `in_turn`: one after
    the other, in this order.
    """

    owner: str | None
    ids: Sequence[int]
    rows: bool = False
    in_turn: bool = False


@dataclass(frozen=True)
class Division:
    """An archive in the order in which it is restored.

    `parts` make everything and fill it. `after_owners` and `refreshes` come when everything has its
    real owner, and so do `switches` of triggers; `event_triggers` last: nothing that is made before
    them fires one. `pairs` are two owners of tables each, of which one inherits from the other.
    """

    parts: Sequence[Part]
    after_owners: Part
    switches: Part
    refreshes: Sequence[Entry]
    event_triggers: Part
    pairs: Collection[frozenset[str]]

    @property
    def owners(self) -> list[str]:
        """All whose entries are restored in a session of their own."""
        found = [part.owner for part in self.parts if part.owner is not SUPERUSER]
        return list(dict.fromkeys([*found, *(entry.owner for entry in self.refreshes)]))

    def kin(self, owner: str) -> list[str]:
        """Owners of tables that inherit from his, or that his inherit from."""
        return sorted({other for pair in self.pairs if owner in pair for other in pair - {owner}})


def divide(
    entries: Sequence[Entry], *, trusted_languages: Collection[str], privileged: Collection[str]
) -> Division:
    """Divide the entries. `trusted_languages` are those in which anybody may write functions,
    `privileged` the settings (lower case) that only a superuser can give a function. Raises
    UnprovenError where a superuser's session would call a function of somebody else.
    """
    _refuse_calls(entries)
    left = [entry for entry in entries if entry.kind not in _LEFT_OUT | _ALWAYS]
    after = [entry for entry in left if entry.kind in _AFTER_OWNERS]
    refreshes = [entry for entry in left if entry.kind == REFRESH]
    event_triggers = [entry for entry in left if _of_event_trigger(entry)]
    switches = in_order(left)
    others = {e.id for e in (*after, *refreshes, *event_triggers, *switches)}

    defined = {(e.namespace, e.tag) for e in entries if e.kind in _WITH_DATA}

    def session(entry: Entry) -> str | None:
        # What an extension keeps for users is its own: nothing of it is in the archive but data,
        # and nobody else's code is on it yet.
        kept = entry.kind in _DATA and (entry.namespace, entry.tag) not in defined
        inert = (
            kept or entry.kind in _INERT or _takes_superuser(entry, trusted_languages, privileged)
        )
        return SUPERUSER if inert else entry.owner

    first = [entry for entry in left if entry.id not in others]
    return Division(
        parts=list(_parts(first, {entry.id: session(entry) for entry in first}, _looking(left))),
        after_owners=Part(SUPERUSER, [entry.id for entry in after if not _of_event_trigger(entry)]),
        # What they do is noted in the catalog; nothing is evaluated.
        switches=Part(SUPERUSER, [entry.id for entry in switches], in_turn=True),
        refreshes=refreshes,
        event_triggers=Part(SUPERUSER, [entry.id for entry in event_triggers]),
        pairs=_pairs(first),
    )


def _parts(
    entries: Sequence[Entry], sessions: Mapping[int, str | None], looking: Collection[int]
) -> Iterator[Part]:
    """In the order of the archive, but the rows, and after them objects of one kind, by session.

    So that there are few parts; where there is one owner, pg_restore has it all at once, with as
    many sessions as it may use. Rows that functions look at (`looking`) come behind all others and
    in their order: a function may look for rows of another table.
    """
    ordered: list[Entry] = []
    for stage, group in groupby(entries, key=_stage):
        members = list(group)
        if stage is not None:
            members.sort(
                key=lambda entry: (
                    entry.id in looking,
                    "" if entry.id in looking else sessions[entry.id] or "",
                )
            )
        ordered += members
    first = next((n for n, one in enumerate(ordered) if one.section == DATA), len(ordered))
    several = len({sessions[entry.id] for entry in entries} - {SUPERUSER}) > 1

    def key(item: tuple[int, Entry]) -> tuple[str | None, bool, bool]:
        place, one = item
        # Between definitions and rows something is done, where there are several owners.
        return sessions[one.id], several and place >= first, one.id in looking

    for (owner, rows, in_turn), numbered in groupby(enumerate(ordered), key=key):
        yield Part(owner, [one.id for _, one in numbered], rows, in_turn)


def _looking(entries: Sequence[Entry]) -> set[int]:
    """Rows of tables whose CHECKs, domains or computed columns call functions."""
    by_id = {entry.id: entry for entry in entries}
    known: dict[int, bool] = {}

    def calls(number: int) -> bool:
        if number not in known:
            # Until it is known: nothing needs itself.
            known[number] = False
            shape = by_id.get(number)
            if shape and shape.kind in _SHAPES:
                known[number] = any(
                    calls(need) or (_is_routine(by_id.get(need)) and _evaluates(shape))
                    for need in shape.needs
                )
        return known[number]

    return {e.id for e in entries if e.kind == "TABLE DATA" and any(map(calls, e.needs))}


def _is_routine(entry: Entry | None) -> bool:
    return entry is not None and entry.kind in _ROUTINES


def _evaluates(shape: Entry) -> bool:
    """Whether what it calls is called for a row that is given. The default of a column is not."""
    return shape.kind != "TABLE" or any(word in shape.definition for word in _PER_ROW)


def _refuse_calls(entries: Sequence[Entry]) -> None:
    functions = {entry.id: entry for entry in entries if entry.kind == "FUNCTION"}
    for entry in entries:
        for need in entry.needs if entry.kind in _CALLING else ():
            if need in functions and functions[need].owner != entry.owner:
                raise UnprovenError(
                    f"restoring {entry.name} would run code of {functions[need].owner!r} as a "
                    "superuser",
                    detail=f"Only a superuser can make it, and it calls {functions[need].name}.",
                    hint=f"Give that function to {entry.owner!r}, the owner of the other.",
                )


def _stage(entry: Entry) -> str | None:
    """Within it the order does not matter; None where it does."""
    if entry.section == DATA:
        return "data"
    return entry.kind if entry.section == POST_DATA else None


def _of_event_trigger(entry: Entry) -> bool:
    about = entry.kind in _ABOUT_OTHERS and entry.tag.startswith("EVENT TRIGGER ")
    return about or entry.kind == "EVENT TRIGGER"


def _pairs(entries: Iterable[Entry]) -> set[frozenset[str]]:
    tables = {entry.id: entry.owner for entry in entries if entry.kind in _RELATIONS}
    return {
        frozenset({entry.owner, tables[need]})
        for entry in entries
        if entry.kind in _CHILDREN
        for need in entry.needs
        if need in tables and tables[need] != entry.owner
    }


def _takes_superuser(entry: Entry, trusted: Collection[str], privileged: Collection[str]) -> bool:
    """Whether only a superuser can make this routine, and making it evaluates nothing.

    What is evaluated are defaults of arguments, a body that is SQL and no text, and the initial
    state of an aggregate. Where the text could be read in two ways it is the owner's: the server
    then refuses what he may not do.
    """
    if entry.kind not in _ROUTINES and entry.kind != "AGGREGATE":
        return False
    words = [found.group() for found in _TOKEN.finditer(entry.definition)]
    plain = [word.upper() for word in words]
    if entry.kind == "AGGREGATE":
        return _has_internal_state(plain)
    if not {"DEFAULT", "ATOMIC", "RETURN", "="}.isdisjoint(plain) or "LANGUAGE" not in plain:
        return False
    language = "".join(words[plain.index("LANGUAGE") + 1 :][:1]).strip('"')
    if language not in trusted:
        return True
    settings = {
        words[place + 1].strip("\"'").lower()
        for place, word in enumerate(plain[:-1])
        if word == "SET"
    }
    return not {"LEAKPROOF", "SUPPORT"}.isdisjoint(plain) or not settings.isdisjoint(privileged)


def _has_internal_state(words: Sequence[str]) -> bool:
    """Whether a state of this aggregate is internal, and none is converted from a text."""

    def given(option: str) -> Iterator[str]:
        for place, word in enumerate(words[:-2]):
            if word == option and words[place + 1] == "=":
                yield words[place + 2]

    states = [*given("STYPE"), *given("MSTYPE")]
    return "INTERNAL" in states and not [*given("INITCOND"), *given("MINITCOND")]
