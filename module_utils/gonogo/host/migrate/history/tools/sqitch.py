"""Sqitch's record: the changes that are deployed, and an event for each that ever was.

A change is what its plan says of it: its id is a digest over that and over the change before, so
nothing can be put between two that are deployed.

Python 3.9, standard library only.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .....contract.errors import GonogoError, InputError, shown
from .....contract.records.reading import plain, read
from ..advisory import Advisory
from ..folder import Claim, Folder
from ..interface import APPLIED, FAILED, IN_SCRIPT, REFUSED, UNDONE, Entry, Migration
from ..reading import Table, below, inside, text_of

__all__ = ["Sqitch"]

_PLAN = "sqitch.plan"
_NAME = r"[^\s\[\]@:#\\]+"
_MOMENT = r"(?P<date>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)"
_LINE = re.compile(
    rf"[ \t]*(?:(?P<tag>@)|(?P<way>[+-])?[ \t]*)(?P<name>{_NAME})(?:[ \t]+)?"
    rf"(?:\[(?P<needs>[^\]]+)\][ \t]*)?{_MOMENT}[ \t]*(?P<who>[^<]+)[ \t]<(?P<mail>[^>]+)>"
)
_NEED = re.compile(
    rf"(?P<conflict>!?)(?:(?P<project>{_NAME}):)?"
    rf"(?:(?P<id>[0-9a-f]{{40}})|(?P<change>{_NAME})?(?:@(?P<tag>{_NAME}))?)"
)
_PRAGMA = re.compile(r"[ \t]*%[ \t]*([^\s=]+)[ \t]*(?:=[ \t]*(.+?))?[ \t]*")
_ESCAPED = {r"\n": "\n", r"\r": "\r", "\\\\": "\\"}
# Where its scripts are, unless a setting says otherwise.
_SETTING = re.compile(
    r"^\s*(top_dir|deploy_dir|revert_dir|verify_dir|plan_file|extension)\s*=", re.MULTILINE
)

_DEPLOYED = """
SELECT change_id, script_hash, change, project FROM {table} ORDER BY committed_at
"""
# The last word on each change that is not deployed.
_EVENTS = """
SELECT DISTINCT ON (change_id) change_id, event, change, project FROM {table}
ORDER BY change_id, committed_at DESC
"""
_PROJECT = """
INSERT INTO {table} (project, uri, creator_name, creator_email) VALUES (%s, %s, current_user,
    current_user || '@localhost')
ON CONFLICT (project) DO NOTHING
"""
_CHANGE = """
INSERT INTO {table} (change_id, script_hash, change, project, note, committer_name,
    committer_email, planned_at, planner_name, planner_email)
VALUES (%s, %s, %s, %s, %s, current_user, current_user || '@localhost', %s, %s, %s)
"""
_TAG = """
INSERT INTO {table} (tag_id, tag, project, change_id, note, committer_name, committer_email,
    planned_at, planner_name, planner_email)
VALUES (%s, %s, %s, %s, %s, current_user, current_user || '@localhost', %s, %s, %s)
"""
_NEEDED = """
INSERT INTO {table} (change_id, type, dependency, dependency_id) VALUES (%s, %s, %s, %s)
"""
_NEWEST = """
SELECT change_id FROM {table} WHERE project = %s AND change = %s ORDER BY committed_at DESC LIMIT 1
"""
_EVENT = """
INSERT INTO {table} (event, change_id, change, project, note, requires, conflicts, tags,
    committed_at, committer_name, committer_email, planned_at, planner_name, planner_email)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp(), current_user,
    current_user || '@localhost', %s, %s, %s)
"""


class Sqitch(Advisory):
    """Sqitch 1: a plan, and for each of its changes a script to deploy, revert and verify.

    A name is the id of a change; what people call it is in the details.
    """

    name = "Sqitch"
    transaction = IN_SCRIPT
    late = REFUSED
    names_itself = True
    digest = "SHA-1"
    failed_means = "Sqitch tries it again with its next deployment"
    key = 75474063
    own_schema = "sqitch"

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self._tables = {
            name: Table(schema, name, column)
            for name, column in (
                ("changes", "change_id"),
                ("events", "event"),
                ("projects", "project"),
                ("tags", "tag_id"),
                ("dependencies", "dependency_id"),
                ("releases", "version"),
            )
        }

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        return Claim(_PLAN) if _PLAN in folder.files else None

    def files(self, folder: Path) -> list[Migration]:
        inside(folder)
        settings = folder / "sqitch.conf"
        if settings.is_file() and _SETTING.search(text_of(settings)):
            raise InputError(
                "sqitch.conf keeps the plan or its scripts elsewhere",
                file=str(settings),
                hint="Only the usual places are read: sqitch.plan, deploy, revert and verify.",
            )
        return [self._migration(folder, change) for change in _plan(folder)]

    def checksums(self, content: bytes) -> tuple[str, ...]:
        return (hashlib.sha1(content).hexdigest(),)  # noqa: S324 - as Sqitch does

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        return tuple(table.key for table in self._tables.values())

    def entries(self, connection: Any) -> list[Entry] | None:
        if not all(table.is_there(connection) for table in self._tables.values()):
            return None
        deployed = self._rows(connection, "changes", _DEPLOYED)
        known = {row[0] for row in deployed}
        entries = [
            Entry(name, APPLIED, checksum, {"change": change, "project": project})
            for name, checksum, change, project in deployed
        ]
        for name, event, change, project in self._rows(connection, "events", _EVENTS):
            if name not in known and event in {"fail", "revert"}:
                state = FAILED if event == "fail" else UNDONE
                details = {"change": change, "project": project}
                entries.append(Entry(name, state, None, details))
        return entries

    def missing(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """Of the same project: a database may have several."""
        own = {one.details["project"] for one in files}
        return super().missing(files, [e for e in entries if e.details.get("project") in own])

    def ahead(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """What was deployed after all that the plan knows."""
        names = {one.name for one in files}
        missing = self.missing(files, entries)
        last = max((n for n, e in enumerate(entries) if e.name in names), default=-1)
        return [entry.name for entry in entries[last + 1 :] if entry.name in missing]

    def record(self, connection: Any, migration: Migration) -> None:
        told = self._told(migration)
        plan = (told.date, told.who, told.mail)
        project, checksum = told.project, [*migration.checksums, None][0]
        self._do(connection, "projects", _PROJECT, (project, told.uri))
        row = (migration.name, checksum, told.change, project, told.note, *plan)
        self._do(connection, "changes", _CHANGE, row)
        for need in told.needs:
            known = need.id or self._newest(connection, need)
            conflict = need.type == "conflict"
            found = (migration.name, need.type, need.text, None if conflict else known)
            self._do(connection, "dependencies", _NEEDED, found)
        for tag in told.tags:
            words = (project, migration.name, tag.note, tag.date, tag.who, tag.mail)
            self._do(connection, "tags", _TAG, (tag.id, tag.tag, *words))
        self._event(connection, "deploy", migration, told)

    def unrecord(self, connection: Any, migration: Migration) -> None:
        told = self._told(migration)
        for table in ("tags", "dependencies", "changes"):
            query = "DELETE FROM {table} WHERE change_id = %s"
            self._do(connection, table, query, (migration.name,))
        self._event(connection, "revert", migration, told)

    def stamp(self, name: str) -> str | None:
        return f"sqitch deploy --log-only --to {shlex.quote(name)}"

    def unstamp(self, entry: Entry) -> str | None:
        if entry.state == FAILED:
            return "sqitch deploy"
        return f"sqitch revert --log-only --to {shlex.quote(entry.name)}^"

    def _event(self, connection: Any, event: str, migration: Migration, told: Told) -> None:
        needs = {
            kind: [need.text for need in told.needs if need.type == kind]
            for kind in ("require", "conflict")
        }
        tags = [tag.tag for tag in told.tags]
        row = (event, migration.name, told.change, told.project, told.note)
        plan = (told.date, told.who, told.mail)
        sides = (needs["require"], needs["conflict"], tags)
        self._do(connection, "events", _EVENT, (*row, *sides, *plan))

    def _migration(self, folder: Path, change: _Change) -> Migration:
        file = below(folder, f"deploy/{change.script}.sql")
        down = folder / "revert" / f"{change.script}.sql"
        found = Migration(
            change.id,
            f"deploy/{change.script}.sql",
            text_of(file),
            self.checksums(file.read_bytes()),
            details=plain(change.told),
        )
        back = f"revert/{change.script}.sql"
        return found.with_down((text_of(down), back) if down.is_file() else None)

    def _told(self, migration: Migration) -> Told:
        if "project" not in migration.details:
            raise GonogoError(
                f"what the plan says of {migration.file} is not known",
                hint=f"Name the folder that has {_PLAN}.",
            )
        return read(Told, dict(migration.details), file=_PLAN)

    def _newest(self, connection: Any, need: Need) -> str | None:
        """The change of another project, by its name."""
        values = (need.project, need.change)
        row = self._tables["changes"].execute(connection, _NEWEST, values).fetchone()
        return None if row is None else str(row[0])

    def _rows(self, connection: Any, table: str, query: str) -> list[Any]:
        return self._tables[table].rows(connection, query)

    def _do(self, connection: Any, table: str, query: str, row: tuple[Any, ...]) -> None:
        self._tables[table].execute(connection, query, row)


@dataclass(frozen=True)
class Need:
    """What a change requires, or conflicts with; `id` is None for a change of another project that
    is known by its name."""

    type: str
    text: str
    project: str
    change: str | None
    id: str | None


@dataclass(frozen=True)
class Tag:
    id: str
    tag: str
    note: str
    date: str
    who: str
    mail: str


@dataclass(frozen=True)
class Told:
    """What a plan says of a change: the `details` of its migration."""

    change: str
    project: str
    uri: str | None
    note: str
    date: str
    who: str
    mail: str
    needs: Sequence[Need]
    tags: Sequence[Tag] = ()


class _Line(NamedTuple):
    """What every line of a plan says beside a name."""

    note: str
    date: str
    who: str
    mail: str


class _Change(NamedTuple):
    id: str
    name: str
    # Name of its scripts, without what ends them.
    script: str
    told: Told


def _plan(folder: Path) -> list[_Change]:
    """The changes, in the order of the plan."""
    file = folder / _PLAN
    if not file.is_file():
        raise InputError(
            f"there is no {_PLAN}", file=str(folder), hint="Name the folder that has the plan."
        )
    lines = text_of(file).splitlines()
    pragmas = _pragmas(lines)
    if not pragmas.get("project"):
        raise InputError(f"{_PLAN} says no %project", file=str(file))
    return _with_scripts(folder, _Reader(file, pragmas).read(lines))


def _pragmas(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        pragma = _PRAGMA.fullmatch(line.split("#", 1)[0])
        if pragma:
            found[pragma[1]] = pragma[2] or ""
    return found


class _Reader:
    """Reads the lines of a plan."""

    def __init__(self, file: Path, pragmas: Mapping[str, str]) -> None:
        self._file = file
        self._project = pragmas["project"]
        self._uri = _canonical(pragmas["uri"]) if pragmas.get("uri") else None
        self._changes: list[_Change] = []

    def read(self, lines: Iterable[str]) -> list[_Change]:
        for number, line in enumerate(lines, 1):
            said, _, note = line.partition("#")
            if not said.strip() or said.lstrip().startswith("%"):
                continue
            found = _LINE.fullmatch(said.rstrip())
            if not found or ".." in found["name"].split("/") or found["name"].startswith("/"):
                raise self._fault(number, "is neither a change nor a tag")
            told = _Line(_unescaped(note.strip()), found["date"], found["who"], found["mail"])
            if found["tag"]:
                self._tag(number, found["name"], told)
            else:
                self._change(number, found["name"], found["needs"] or "", told)
        return self._changes

    def _tag(self, number: int, name: str, told: _Line) -> None:
        if not self._changes:
            raise self._fault(number, "is a tag before any change")
        change = self._changes[-1]
        info = self._info(f"tag @{name}", f"change {change.id}", told=told)
        tags = (*change.told.tags, Tag(_id("tag", info), f"@{name}", *told))
        self._changes[-1] = change._replace(told=replace(change.told, tags=tags))

    def _change(self, number: int, name: str, needs: str, told: _Line) -> None:
        wanted = [self._need(number, text) for text in needs.split()]
        parent = [f"parent {self._changes[-1].id}"] if self._changes else []
        sides = [
            f"{word}\n  {sign} " + f"\n  {sign} ".join(found)
            for word, sign, kind in (("requires", "+", "require"), ("conflicts", "-", "conflict"))
            if (found := [need.text for need in wanted if need.type == kind])
        ]
        info = self._info(f"change {name}", *parent, told=told, after=sides)
        of_it = Told(name, self._project, self._uri, *told, needs=wanted)
        self._changes.append(_Change(_id("change", info), name, name, of_it))

    def _need(self, number: int, text: str) -> Need:
        found = _NEED.fullmatch(text)
        if not found or not (found["id"] or found["change"] or found["tag"]):
            raise self._fault(number, f"needs {shown(text)}, which is no change")
        project = found["project"] or self._project
        own = self._known(found["change"], found["tag"]) if project == self._project else None
        if own is None and project == self._project and not found["id"] and not found["conflict"]:
            raise self._fault(number, f"needs {shown(text)}, which is not before it")
        return Need(
            type="conflict" if found["conflict"] else "require",
            text=text.lstrip("!"),
            project=project,
            change=found["change"],
            id=found["id"] or own,
        )

    def _known(self, name: str | None, tag: str | None) -> str | None:
        """The id of a change so far: the last of this name, up to a tag where one is said."""
        tagged = [any(t.tag == f"@{tag}" for t in one.told.tags) for one in self._changes]
        if tag and True not in tagged:
            return None
        known = self._changes[: tagged.index(True) + 1] if tag else self._changes
        found = [one.id for one in known if name is None or one.name == name]
        return found[-1] if found else None

    def _info(self, *lines: str, told: _Line, after: Iterable[str] = ()) -> str:
        """What an id is the digest of."""
        uri = [f"uri {self._uri}"] if self._uri else []
        planner = f"planner {told.who} <{told.mail}>"
        note = ["", told.note] if told.note else []
        whole = [f"project {self._project}", *uri, *lines, planner, f"date {told.date}"]
        return "\n".join([*whole, *after, *note])

    def _fault(self, number: int, said: str) -> InputError:
        return InputError(
            f"{_PLAN}:{number} {said}",
            file=str(self._file),
            hint="Sqitch refuses the plan: correct it.",
        )


def _with_scripts(folder: Path, changes: Sequence[_Change]) -> list[_Change]:
    """An older form of a change that was reworked has its scripts under a tag's name."""
    return [
        change._replace(script=_script(folder, changes, place))
        for place, change in enumerate(changes)
    ]


def _script(folder: Path, changes: Sequence[_Change], place: int) -> str:
    change = changes[place]
    later = [n for n in range(place + 1, len(changes)) if changes[n].name == change.name]
    if not later:
        return change.name
    tagged = [*reversed(changes[place + 1 : later[0]]), change]
    names = [f"{change.name}{tag.tag}" for one in tagged for tag in one.told.tags]
    there = [name for name in names if (folder / "deploy" / f"{name}.sql").is_file()]
    return [*there, *names, change.name][0]


def _id(kind: str, info: str) -> str:
    content = info.encode()
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()  # noqa: S324 - as Sqitch does


def _unescaped(note: str) -> str:
    return re.sub(r"\\[\\nr]", lambda found: _ESCAPED[found[0]], note)


def _canonical(uri: str) -> str:
    """As the library that Sqitch uses writes it: scheme and host in small letters."""
    parts = urlsplit(uri)
    path = parts.path or ("/" if parts.scheme in {"http", "https"} else "")
    return parts._replace(
        scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=path
    ).geturl()
