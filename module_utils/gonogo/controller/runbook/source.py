"""A folder of migrations as an application has it, and what of it is to be judged.

Nothing is copied, and nothing of the folder is executed: its files are read as their tool would
read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...contract import canonical
from ...contract.errors import GonogoError, InputError
from ...contract.records.captured import CapturedRecord
from ...contract.records.deployment import HistoryEntry
from ...contract.records.history import HistoryRecord, MigrationFile
from ...contract.records.migration import Recorded
from ...contract.records.reading import plain
from ...host.capture import folder
from ...host.migrate import history
from ...host.migrate.history import Entry, History, Migration
from ...host.migrate.history.interface import APPLIED, FAILED

__all__ = ["AUTO", "CAPTURED", "Baseline", "Source", "heard", "problem", "read", "record"]
__all__ += ["expected", "record_heard"]

# The tool is found by what only its folder has.
AUTO = "auto"

# What a command has said is one migration of this name.
CAPTURED = "captured"

_COMMAND = "gonogo_migrate_command"
_SHOWN = 20


@dataclass(frozen=True)
class Baseline:
    """What a history begins with that does not begin with nothing: a `file` of SQL, the schema with
    all migrations up to the one called `version`, or before the first where none is. Without a file
    the schema is taken as it is."""

    file: Path | None
    version: str | None


@dataclass(frozen=True)
class Source:
    """The migrations of a folder in the order of their tool, whose name in the registry is `key`.

    `digests` has every file of the folder, the baseline's, and the words of a command: path
    → SHA-256. `irreversible` are
    the names of those that somebody has declared to be taken back by nothing but the backup.
    """

    directory: Path
    key: str
    tool: History
    migrations: tuple[Migration, ...]
    digests: dict[str, str]
    irreversible: tuple[str, ...] = ()
    baseline: Baseline | None = None

    @property
    def sha256(self) -> str:
        """One digest for the whole folder."""
        return canonical.sha256(canonical.line(self.digests))

    def pending(self, entries: Sequence[Entry] | None) -> list[Migration]:
        """What the tool would apply next, in order."""
        return self.tool.pending(self.migrations, entries or ())

    def named(self, names: Sequence[str]) -> list[Migration]:
        """The migrations of these names, in the tool's order."""
        return [migration for migration in self.migrations if migration.name in names]

    def declared_irreversible(self, names: Sequence[str]) -> list[str]:
        """The files of those of these migrations that are declared irreversible."""
        return [one.file for one in self.named(names) if one.name in self.irreversible]


def read(
    directory: Path,
    *,
    tool: str,
    schema: str,
    irreversible: Sequence[str] = (),
    baseline: Baseline | None = None,
    command: Sequence[str] = (),
) -> Source:
    """Read the migrations of a folder; `tool` is its name in the registry or `auto`, `schema` that
    of the application; `irreversible` are those that nobody takes back, by name or file. Where a
    `command` is to be heard, there are none until that has been done.

    Raises InputError for a folder that the tool would not take, for one that holds none, and where
    it has no migration that is called irreversible.
    """
    if not directory.is_dir():
        raise InputError(
            "there is no such folder of migrations on the controller",
            key="gonogo_migrations",
            value=str(directory),
            hint="Name the folder in which the migration tool keeps its files.",
        )
    if command:
        found = history.find(history.COMMAND, schema=schema)
        digests = folder.digests(directory, without=folder.INSTALLED)
        said = canonical.sha256(canonical.line([*command]))
        return Source(directory, history.COMMAND, found, (), {**digests, _COMMAND: said})
    tool = history.detect(directory) if tool == AUTO else tool
    if tool not in history.TOOLS:
        raise InputError(
            "there is no such migration tool",
            key="gonogo_migration_tool",
            value=tool,
            hint=f"Known: {', '.join(history.TOOLS)}; or leave it out.",
        )
    found = history.find(tool, schema=history.schema_of(tool, schema))
    migrations = tuple(found.files(directory))
    if not migrations:
        raise InputError(
            f"there is no migration in {directory.name}",
            file=str(directory),
            hint=f"Name the folder in which {found.name} keeps its files: gonogo_migrations.",
        )
    declared = _named_or_filed(migrations, irreversible)
    digests = folder.digests(directory)
    if baseline is not None:
        digests = {**digests, **_digests_of(baseline, migrations)}
    return Source(directory, tool, found, migrations, digests, declared, baseline)


def _named_or_filed(migrations: Sequence[Migration], wanted: Sequence[str]) -> tuple[str, ...]:
    found = []
    for number, word in enumerate(wanted):
        names = [one.name for one in migrations if word in (one.name, one.file)]
        if not names:
            raise InputError(
                "there is no such migration",
                key=f"gonogo_irreversible[{number}]",
                value=word,
                hint="Name it as its tool records it, or by its file.",
            )
        found += names
    return tuple(found)


def heard(source: Source, captured: CapturedRecord) -> Source:
    """With what was captured as its one migration; none where that is nothing."""
    if not captured.statements:
        return source
    tables = [plain(one) for one in captured.tables]
    migration = Migration(
        CAPTURED, f"{CAPTURED}.sql", captured.text, (captured.sha256,), details={"tables": tables}
    )
    source.tool.expect([migration])
    return replace(source, migrations=(migration,))


def expected(source: Source) -> tuple[Recorded, ...]:
    """What the target host has to know of a command that was heard, to look for it."""
    if source.key != history.COMMAND:
        return ()
    return tuple(
        Recorded(one.name, one.file, one.checksums, one.details) for one in source.migrations
    )


def record_heard(source: Source) -> HistoryRecord:
    """What the evidence keeps of a command that was heard."""
    return HistoryRecord(
        tool=source.key,
        schema=source.tool.schema,
        directory=str(source.directory),
        sha256=source.sha256,
        files=tuple(MigrationFile(one.name, one.file) for one in source.migrations),
        # A tool that has a record has nothing of this on it.
        entries=() if source.tool.tables else None,
        pending=tuple(one.name for one in source.migrations),
    )


def record(source: Source, entries: Sequence[Entry] | None) -> HistoryRecord:
    """What the evidence keeps."""
    kept = None if entries is None else tuple(HistoryEntry(*entry) for entry in entries)
    return HistoryRecord(
        tool=source.key,
        schema=source.tool.schema,
        directory=str(source.directory),
        sha256=source.sha256,
        files=tuple(MigrationFile(one.name, one.file) for one in source.migrations),
        entries=kept,
        pending=tuple(one.name for one in source.pending(entries)),
    )


def problem(source: Source, entries: Sequence[Entry] | None) -> GonogoError | None:
    """Why nothing of the folder can be judged as its tool would apply it, with what to do."""
    return next(_problems(source, entries or ()), None)


def _problems(source: Source, entries: Sequence[Entry]) -> Iterator[GonogoError]:
    tool, files = source.tool, source.migrations
    failed = tool.failed(entries)
    if failed:
        yield GonogoError(
            f"{tool.name}'s record calls a migration begun and not finished; {tool.failed_means}",
            detail=_listed(failed),
            hint="Find out what of it is there. Where nothing is: "
            f"{tool.unstamp(Entry(failed[0], FAILED))}",
        )
    missing = tool.missing(files, entries)
    if missing:
        yield GonogoError(
            f"{tool.name}'s record has migrations that the folder does not have",
            detail=_listed(missing),
            hint="Judge the folder of the version that was deployed last, or a later one.",
        )
    changed = [one.file for one in tool.changed(files, entries)]
    if changed:
        yield GonogoError(
            "files of migrations are not as they were when they were applied",
            detail=_listed(changed),
            hint="Bring them back as they were, and write the change as a migration of its own.",
        )
    late = [one.file for one in tool.out_of_order(files, entries)]
    if late and tool.late != APPLIED:
        yield GonogoError(
            f"{tool.name} would not apply migrations that are older than what is applied: "
            f"they are {tool.late}",
            detail=_listed(late),
            hint="Give them a name that comes behind what is applied.",
        )


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:_SHOWN]]
    if len(names) > _SHOWN:
        shown.append(f"and {len(names) - _SHOWN} more")
    return "\n".join(shown)


def _digests_of(baseline: Baseline, migrations: Sequence[Migration]) -> dict[str, str]:
    """Raises InputError for a baseline that there is not."""
    if baseline.version is not None and baseline.version not in {one.name for one in migrations}:
        raise InputError(
            "the folder has no migration of this name",
            key="gonogo_baseline_version",
            value=baseline.version,
            hint=f"Name one as its tool records it, such as {migrations[0].name}.",
        )
    if baseline.file is None:
        return {}
    if not baseline.file.is_file():
        raise InputError(
            "there is no such file of SQL on the controller",
            key="gonogo_baseline",
            value=str(baseline.file),
            hint="Name the schema before the first migration: pg_dump --schema-only --no-owner.",
        )
    return {f"baseline/{baseline.file.name}": canonical.sha256(baseline.file.read_bytes())}
