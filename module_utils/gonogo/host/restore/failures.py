"""What pg_restore says of a failure, read line by line: of which entry, where, in which command.

The words are pg_restore's and libpq's own, in English; what the server says between them may be in
any language. Pure functions; they know neither psycopg nor files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..archive.toc import PRE_DATA, Entry

__all__ = ["Failure", "read"]

_BEGINNING = re.compile(r"pg_restore(?:\.exe)?: (?:(error|warning|detail|hint): )?(.*)", re.DOTALL)
_ENTRY = re.compile(r"from TOC entry (\d+);")
# What libpq and pg_restore put before a part of a message; a part goes on to the next of them.
_PART = re.compile(
    r"(DETAIL|HINT|CONTEXT|QUERY|LINE \d+|LOCATION|Command was): ?\s*(.*)", re.DOTALL
)
_SEVERITY = re.compile(r"(?:could not execute query: )?(?:ERROR|FATAL|PANIC): ")
# This message says that another process has given the reason.
_NOISE = "a worker process died unexpectedly"
# pg_restore sends this setting to every server; those before 17 do not know it.
_NEWER_SETTING = 'unrecognized configuration parameter "transaction_timeout"'

# A message about rows quotes their values, and names behind a word that says of what.
_QUOTED_VALUE = re.compile(r': ".*"$', re.DOTALL)
_QUOTED = re.compile(r'((\w+) )?"[^"]*"')
_OF_A_NAME = frozenset(
    {"column", "constraint", "database", "domain", "encoding", "extension", "function", "index"}
    | {"language", "parameter", "partition", "relation", "role", "schema", "sequence", "table"}
    | {"trigger", "type", "view"}
)
# The place in a context. Much of the rest of a context is values.
_PLACE = re.compile(
    r"PL/\w+ function .*|SQL function .*|COPY .*?, line \d+(?:, column [^:\"]*(?=: |$))?"
)
# What follows may hold a password, or is the text of a function.
_PRIVATE = re.compile(
    r"\s(?:OPTIONS\s*\(|CONNECTION\s+'|AS\s+(?:\$|E?')|BEGIN\s+ATOMIC|RETURN\s).*", re.DOTALL
)
_LONGEST = 300


@dataclass(frozen=True)
class Failure:
    """One error. `entry` is None where pg_restore does not say which it was about.

    Contents of rows and the text of functions are in none of it.
    """

    message: str
    entry: Entry | None = None
    detail: str | None = None
    context: str | None = None
    command: str | None = None

    def __str__(self) -> str:
        about = f"{self.entry.name}: " if self.entry else ""
        parts = {"DETAIL": self.detail, "CONTEXT": self.context, "Command": self.command}
        lines = [f"{label}: {text}" for label, text in parts.items() if text]
        return "\n".join([f"{about}{self.message}", *lines])


def read(said: str, entries: Mapping[int, Entry]) -> list[Failure]:
    """The errors in what pg_restore has written to stderr, without those that say nothing.

    `entries` are those of the archive, by id.
    """
    found: list[Failure] = []
    entry: Entry | None = None
    for kind, text in _messages(said):
        about = _ENTRY.match(text)
        if about:
            entry = entries.get(int(about[1]))
        elif kind == "error" and not (_NEWER_SETTING in text or text.startswith(_NOISE)):
            found.append(_failure(text, entry))
    return found


def _messages(said: str) -> list[tuple[str, str]]:
    """Kind (`error`, or empty) and text, of several lines, of each message."""
    found: list[tuple[str, list[str]]] = []
    for line in said.splitlines():
        beginning = _BEGINNING.match(line)
        if beginning:
            found.append((beginning[1] or "", [beginning[2]]))
        elif found:
            found[-1][1].append(line)
    return [(kind, "\n".join(lines)) for kind, lines in found]


def _failure(text: str, entry: Entry | None) -> Failure:
    parts: dict[str, list[str]] = {}
    name = "message"
    for line in text.splitlines():
        part = _PART.match(line)
        if part:
            name = part[1]
        parts.setdefault(name, []).append(part[2] if part else line)
    # Making an object touches no rows.
    of_rows = entry is None or entry.section != PRE_DATA
    message = _SEVERITY.sub("", _joined(parts.get("message", ())))
    context = [place[0] for place in map(_PLACE.match, parts.get("CONTEXT", ())) if place]
    return Failure(
        message=_without_values(message) if of_rows else message,
        entry=entry,
        detail=None if of_rows else _joined(parts.get("DETAIL", ())) or None,
        context=_joined([f"{place};" for place in context]).rstrip(";") or None,
        command=_PRIVATE.sub(" …", _joined(parts.get("Command was", ()))) or None,
    )


def _without_values(message: str) -> str:
    def shown(quoted: re.Match[str]) -> str:
        return quoted[0] if quoted[2] in _OF_A_NAME else f'{quoted[1] or ""}"…"'

    return _QUOTED.sub(shown, _QUOTED_VALUE.sub(': "…"', message))


def _joined(lines: Sequence[str]) -> str:
    text = " ".join(" ".join(lines).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
