"""What the engine asks of a migration tool's bookkeeping, and has it do.

A tool knows files in an order, and keeps a record in the database of those that it has applied. How
each of them does it is a class of its own, in a file of its own; nothing else knows a tool.

Python 3.9, standard library only: the controller asks about files as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ....contract.errors import InputError
from .folder import Claim, Folder
from .reading import text_of

__all__ = [
    "APPLIED",
    "FAILED",
    "IGNORED",
    "IMPLICIT",
    "IN_SCRIPT",
    "PER_FILE",
    "REFUSED",
    "SESSION",
    "TRANSACTION",
    "UNDONE",
    "WHOLE_RUN",
    "Entry",
    "History",
    "Migration",
]

# States of an entry of the record.
APPLIED = "applied"
FAILED = "failed"  # begun and not finished: what tools call dirty
UNDONE = "undone"

# How long a lock is held.
SESSION = "session"
TRANSACTION = "transaction"

# The transaction in which a tool runs a file that says nothing else.
PER_FILE = "one for each file"
IMPLICIT = "the server's own, of a file that is sent as one query"
WHOLE_RUN = "one for all that is pending"
IN_SCRIPT = "what the file itself says"

# What a tool does with a file that is older than what it has applied; APPLIED is one of them.
IGNORED = "ignored"
REFUSED = "refused"


class Migration(NamedTuple):
    """One migration as its tool knows it.

    `name` is what the tool records it by, `file` its path below the folder of migrations, and
    `text` the SQL that applies it: None where that is not known here, or a program. `down` is the
    SQL that takes it back, where the tool keeps it, in `down_file` where that is another file. Both
    have the lines of their file: what belongs to neither is left blank. `checksums` are all that
    the tool takes for this file's, the one it records first; none where it compares none.
    `transaction` is false where the file itself says that it runs outside of one. `details` is what
    only this tool knows and records beside these: values of JSON.
    """

    name: str
    file: str
    text: str | None = None
    checksums: tuple[str, ...] = ()
    transaction: bool = True
    down: str | None = None
    details: Mapping[str, object] = {}
    down_file: str | None = None

    def with_down(self, found: tuple[str, str] | None) -> Migration:
        """The same with the text that takes it back, and its file, where there is one."""
        return self._replace(down=found[0], down_file=found[1]) if found else self


class Entry(NamedTuple):
    """What the record says of one migration; there may be several of one name, the oldest first.

    `details` is what only this tool knows, for the evidence.
    """

    name: str
    state: str
    checksum: str | None = None
    details: Mapping[str, object] = {}


class History(ABC):
    """A tool's bookkeeping in one schema of one database.

    What is asked about files and entries follows from both, and is the same for most tools; a tool
    with another rule has a method of its own. `applied` is the one that the others stand on: a tool
    that records only its newest version answers there for the files before it.
    """

    # As people write it.
    name: ClassVar[str]
    transaction: ClassVar[str]
    late: ClassVar[str]
    # What `checksums` are: MD5, SHA-256.
    digest: ClassVar[str] = ""
    # What one that has failed means, after "the record calls it begun and not finished".
    failed_means: ClassVar[str] = "every later deployment stops there"
    # For how long the tool's lock is held, and what messages call it.
    lock_scope: ClassVar[str | None] = None
    lock_name: str = ""
    # Whether what is recorded as the name is read from the file's.
    names_itself: ClassVar[bool] = False
    # The schema of the record where it is not the application's.
    own_schema: ClassVar[str | None] = None

    # Whether a file that cannot be one transaction is run in several: there is no tool that would
    # refuse it.
    divides: ClassVar[bool] = False

    def __init__(self, schema: str) -> None:
        self.schema = schema

    @property
    def settings(self) -> Mapping[str, str]:
        """What the tool sets in its session, beside what the login has in this database."""
        return {}

    def expect(self, migrations: Sequence[Migration]) -> None:
        """Told to one whose record names no migration: these are the ones it is asked about."""
        del migrations

    # --- files -------------------------------------------------------------------------------

    @abstractmethod
    def files(self, folder: Path) -> list[Migration]:
        """The migrations of a folder, in the order in which the tool applies them.

        Raises InputError for a folder that the tool would not take.
        """

    def checksums(self, content: bytes) -> tuple[str, ...]:
        """All that the tool takes for the checksum of a file, the one it records first."""
        del content
        return ()

    def named(self, folder: Path, file: str, name: str) -> Migration:
        """One file of a runbook as the tool is to record it; `name` is what the runbook calls it.

        Raises InputError for a file that the tool would not take for a migration.
        """
        if not self.names_itself:
            return Migration(name, file, checksums=self.checksums((folder / file).read_bytes()))
        found = next((one for one in self.files(folder) if one.file == file), None)
        if found is None:
            raise InputError(
                f"{file} is no migration of {self.name}'s",
                file=str(folder / file),
                hint=f"Name the file as {self.name} would.",
            )
        if found.text != text_of(folder / file):
            raise InputError(
                f"{file} has more in it than what applies the migration",
                file=str(folder / file),
                hint=f"A runbook runs the whole file. Deploy the folder of {self.name}'s instead.",
            )
        return found

    @classmethod
    def claims(cls, folder: Folder) -> Claim | None:
        """Why a folder is this tool's, or may be; None where nothing says so."""
        del folder
        return None

    # --- the record --------------------------------------------------------------------------

    @property
    @abstractmethod
    def tables(self) -> tuple[tuple[str, str], ...]:
        """Schema and name of the tool's own tables, whose rows are none of the application's."""

    @abstractmethod
    def entries(self, connection: Any) -> list[Entry] | None:
        """What the record says; None where the tool keeps none in this database."""

    def applied(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """Names that count as applied, in the order of the record."""
        del files  # The record has them all.
        return list(dict.fromkeys(e.name for e in entries if e.state == APPLIED))

    def failed(self, entries: Sequence[Entry]) -> list[str]:
        """Names that were begun and not finished."""
        return list(dict.fromkeys(e.name for e in entries if e.state == FAILED))

    def pending(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """What the tool would apply next, or refuse to; not what it passes over."""
        left = self._left(files, entries)
        if self.late != IGNORED:
            return left
        late = self.out_of_order(files, entries)
        return [file for file in left if file not in late]

    def changed(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """Applied ones whose file is another than the one on record."""
        known: dict[str, list[str]] = {}
        for entry in entries:
            if entry.state == APPLIED and entry.checksum is not None:
                known.setdefault(entry.name, []).append(entry.checksum)
        return [
            file
            for file in files
            if file.checksums
            and file.name in known
            and not set(file.checksums).intersection(known[file.name])
        ]

    def missing(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """Names on record without a file."""
        names = {file.name for file in files}
        found = [*self.applied(files, entries), *self.failed(entries)]
        return [name for name in dict.fromkeys(found) if name not in names]

    def out_of_order(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        """Those that are not applied, although a later one is."""
        applied = {*self.applied(files, entries)}
        places = [place for place, file in enumerate(files) if file.name in applied]
        left = self._left(files, entries)
        return [file for file in left if files.index(file) < max(places, default=-1)]

    def rank(self, name: str) -> Any:
        """The place of a name in the tool's order; names are compared by it."""
        return name

    def ahead(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """Names on record that come after all the folder has: it is older than the database."""
        newest = max((self.rank(file.name) for file in files), default=None)
        missing = self.missing(files, entries)
        return [name for name in missing if newest is None or self.rank(name) > newest]

    def later(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[str]:
        """Names that were applied after all of these files."""
        applied = [entry.name for entry in entries if entry.state == APPLIED]
        own = [place for place, name in enumerate(applied) if name in {one.name for one in files}]
        return applied[max(own) + 1 :] if own else []

    @abstractmethod
    def record(self, connection: Any, migration: Migration) -> None:
        """Record a migration as applied, in the transaction at hand."""

    @abstractmethod
    def unrecord(self, connection: Any, migration: Migration) -> None:
        """Record a migration as taken back, in the transaction at hand."""

    @abstractmethod
    def stamp(self, name: str) -> str | None:
        """The command with which a person records it as applied; None where there is no record."""

    @abstractmethod
    def unstamp(self, entry: Entry) -> str | None:
        """The command with which a person has it no more count as applied, or as failed."""

    # --- the lock ----------------------------------------------------------------------------

    def keys(self, connection: Any) -> tuple[int, ...]:
        """The numbers of all advisory locks by which the tool may lock."""
        del connection
        return ()

    def take(self, connection: Any) -> bool:
        """Take the tool's lock, in the session or the transaction at hand.

        Waits for nobody: false where somebody has it."""
        del connection
        return True

    def release(self, connection: Any) -> None:
        """Let go of a lock of the session. The end of a transaction does it for the other kind."""
        del connection

    def _left(self, files: Sequence[Migration], entries: Sequence[Entry]) -> list[Migration]:
        told = {*self.applied(files, entries), *self.failed(entries)}
        return [file for file in files if file.name not in told]
