"""The migrations of an application, in the order of its tool."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gonogo.host.migrate import history
from gonogo.host.migrate.history import History, Migration
from gonogo.host.migrate.history.interface import PER_FILE
from gonogo.host.migrate.history.tools.prisma import Prisma
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "Read", "read"]


@dataclass(frozen=True)
class Read:
    """A history as it was read: who keeps the record, how the files are sent, and the files."""

    name: str
    tool: History
    migrations: list[Migration]


class _Diesel(Prisma):
    name = "Diesel"
    transaction = PER_FILE


class _Flyway(Prisma):
    name = "Flyway"
    transaction = PER_FILE


class _Goose(Prisma):
    name = "goose"
    transaction = PER_FILE


def read(kind: str, folder: Path) -> Read:
    """Raises SandboxError for a kind that is not known."""
    if kind not in KINDS:
        raise SandboxError(f'no migration tool "{kind}"', hint=f"There is: {', '.join(KINDS)}.")
    return KINDS[kind](folder)


def _registered(name: str) -> Callable[[Path], Read]:
    def found(folder: Path) -> Read:
        tool = history.find(name, schema="public")
        return Read(name, tool, tool.files(folder))

    return found


def _diesel(folder: Path) -> Read:
    tool = _Diesel("public")
    found = [path for path in folder.iterdir() if (path / "up.sql").is_file()]
    migrations = []
    for path in sorted(found, key=lambda one: one.name.split("_")[0].replace("-", "")):
        said = path / "metadata.toml"
        alone = said.is_file() and re.search(r"run_in_transaction\s*=\s*false", said.read_text())
        file = path / "up.sql"
        migrations.append(_of(tool, path.name, f"{path.name}/up.sql", file, alone=bool(alone)))
    return Read("prisma", tool, migrations)


def _flyway(folder: Path) -> Read:
    tool = _Flyway("public")

    def version(path: Path) -> list[int]:
        return [int(part) for part in re.split(r"[._]", path.name[1:].partition("__")[0])]

    migrations = []
    for path in sorted(folder.glob("V*__*.sql"), key=version):
        said = path.with_suffix(".sql.conf")
        alone = said.is_file() and "executeInTransaction=false" in said.read_text()
        # Flyway finds out by itself what cannot be in a transaction.
        alone = alone or "concurrently" in path.read_text(encoding="utf-8").lower()
        migrations.append(_of(tool, path.name, path.name, path, alone=alone))
    return Read("prisma", tool, migrations)


def _goose(folder: Path) -> Read:
    tool = _Goose("public")
    migrations = []
    for path in sorted(folder.glob("*.sql"), key=lambda one: int(one.name.partition("_")[0])):
        text = path.read_text(encoding="utf-8")
        alone = re.search(r"(?im)^--\s*\+goose\s+no\s+transaction\b", text) is not None
        up = re.split(r"(?im)^--\s*\+goose\s+down\b.*$", text)[0]
        one = _of(tool, path.name, path.name, path, alone=alone)
        migrations.append(one._replace(text=up))
    return Read("prisma", tool, migrations)


def _of(tool: Prisma, name: str, place: str, path: Path, *, alone: bool) -> Migration:
    content = path.read_bytes()
    sums = tool.checksums(content)
    return Migration(name, place, content.decode("utf-8"), sums, transaction=not alone)


KINDS: dict[str, Callable[[Path], Read]] = {
    "prisma": _registered("prisma"),
    "plain": _registered("plain"),
    "diesel": _diesel,
    "flyway": _flyway,
    "goose": _goose,
}
