"""Which tool a folder of migrations belongs to, by what only its folder has.

Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ....contract.errors import InputError
from .folder import Claim, Folder
from .interface import History

__all__ = ["PROGRAMS", "detect"]

# Tools whose migrations are programs → whether a folder is one of theirs.
PROGRAMS: dict[str, Callable[[Folder], str | None]] = {}

_ASK = "Say which one it is: -e gonogo_migration_tool={}."


def detect(path: Path, tools: Mapping[str, type[History]]) -> str:
    """The key of the tool in `tools`.

    Raises InputError for a folder that is nobody's, that is more than one's, or whose migrations
    are programs.
    """
    folder = Folder(path)
    if not folder.entries:
        raise InputError(
            f"the folder {path.name} is empty",
            file=str(path),
            hint="Name the folder in which the migration tool keeps its files.",
        )
    claims = {key: claim for key, tool in tools.items() if (claim := tool.claims(folder))}
    certain = {key: claim for key, claim in claims.items() if claim.sure}
    if len(certain) > 1:
        raise _several(path, "has files of several migration tools", certain, tools)
    if not certain and (_programs(folder) or not claims):
        raise _no_sql(folder, path)
    found = certain or claims
    if len(found) > 1:
        raise _several(path, "may be of several migration tools", found, tools)
    return next(iter(found))


def _several(
    path: Path, said: str, found: Mapping[str, Claim], tools: Mapping[str, type[History]]
) -> InputError:
    return InputError(
        f"the folder {path.name} {said}",
        file=str(path),
        detail="\n".join(f"{tools[key].name}: {claim.mark}" for key, claim in found.items()),
        hint=_ASK.format(" or ".join(found)),
    )


def _no_sql(folder: Folder, path: Path) -> InputError:
    for tool, mark in _programs(folder):
        return InputError(
            f"the migrations of the folder {path.name} are programs of {tool}",
            file=str(path),
            detail=f"{mark} says so. Programs are not read here.",
            hint="Say the command with which the tool applies them: gonogo_migrate_command.",
        )
    return InputError(
        f"the folder {path.name} is of no migration tool that is known here",
        file=str(path),
        hint="Name the folder in which the migration tool keeps its files.",
    )


def _programs(folder: Folder) -> list[tuple[str, str]]:
    """Tool and mark of all whose programs are there."""
    return [(tool, mark) for tool, told in PROGRAMS.items() if (mark := told(folder))]


def _named(pattern: str) -> Callable[[Folder], str | None]:
    """Whether a file has such a name."""
    expression = re.compile(pattern)

    def told(folder: Folder) -> str | None:
        return next((name for name in folder.files if expression.fullmatch(name)), None)

    return told


def _alembic(folder: Folder) -> str | None:
    named = {"env.py", "script.py.mako", "alembic.ini"} & {*folder.files}
    return min(named) if named else _with(folder, r"[0-9a-f]{12}_\w+\.py", "down_revision")


def _django(folder: Folder) -> str | None:
    return _with(folder, r"\d{4}_\w+\.py", "migrations.Migration")


def _liquibase(folder: Folder) -> str | None:
    found = folder.with_line("--liquibase formatted sql")
    return found or _with(folder, r".*\.(?:xml|ya?ml|json)", "databaseChangeLog")


def _knex(folder: Folder) -> str | None:
    return _with(folder, r"\d{14}_.*\.[cm]?[jt]s", "knex")


def _typeorm(folder: Folder) -> str | None:
    return _with(folder, r"\d{13}-.*\.[jt]s", "MigrationInterface")


def _with(folder: Folder, pattern: str, word: str) -> str | None:
    """Whether a file of such a name has this word in it."""
    for name in folder.files:
        if re.fullmatch(pattern, name) and word.encode() in (folder.path / name).read_bytes():
            return name
    return None


PROGRAMS.update(
    {
        "Alembic": _alembic,
        "Django": _django,
        "Liquibase": _liquibase,
        "Rails": _named(r"\d{14}_\w+\.rb"),
        "Entity Framework Core": _named(r".*(?:\.Designer|ModelSnapshot)\.cs"),
        "Knex": _knex,
        "TypeORM": _typeorm,
        "node-pg-migrate": lambda folder: _with(folder, r"\d{13,17}_.*\.[cm]?[jt]s", "pgm"),
        "Ecto": _named(r"\d{14}_\w+\.exs"),
        "Laravel": _named(r"\d{4}_\d{2}_\d{2}_\d{6}_\w+\.php"),
        "a JavaScript or TypeScript tool": _named(r"\d+[-_].*\.[cm]?[jt]s"),
    }
)
