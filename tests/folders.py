"""Folders of migrations as each tool keeps them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["DOWN", "MAKERS", "NAMES", "UP", "atlas_sum", "migrations"]

# Each a moment and a word.
NAMES = ("20260101000000_a", "20260102000000_b", "20260103000000_c")
UP = "CREATE TABLE t (n int);\n"
DOWN = "DROP TABLE t;\n"


def migrations(
    tool: str, folder: Path, names: Sequence[str] = NAMES, up: str = UP, down: str = DOWN
) -> Path:
    """Write migrations of these names, which all do the same; `{}` in the SQL is the word."""
    folder.mkdir(parents=True, exist_ok=True)
    words = {name: name.split("_", 1)[1] for name in names}
    ways = {
        name: (up.replace("{}", word), down.replace("{}", word)) for name, word in words.items()
    }
    for file, text in MAKERS[tool](ways).items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


_Ways = Mapping[str, tuple[str, str]]


def _plain(ways: _Ways) -> dict[str, str]:
    return {f"{name}.sql": up for name, (up, _) in ways.items()}


def _prisma(ways: _Ways) -> dict[str, str]:
    return {f"{name}/migration.sql": up for name, (up, _) in ways.items()}


def _atlas(ways: _Ways) -> dict[str, str]:
    files = _plain(ways)
    return {**files, "atlas.sum": atlas_sum(files)}


def atlas_sum(files: Mapping[str, str]) -> str:
    """The list of digests that Atlas keeps of these files."""
    far = hashlib.sha256()
    lines = []
    for name, text in sorted(files.items()):
        far.update(name.encode() + text.encode())
        lines.append((name, base64.b64encode(far.digest()).decode()))
    whole = hashlib.sha256("".join(name + digest for name, digest in lines).encode()).digest()
    said = [f"h1:{base64.b64encode(whole).decode()}", *(f"{n} h1:{d}" for n, d in lines)]
    return "\n".join(said) + "\n"


def _dbmate(ways: _Ways) -> dict[str, str]:
    return {
        f"{name}.sql": f"-- migrate:up\n{up}\n-- migrate:down\n{down}"
        for name, (up, down) in ways.items()
    }


def _diesel(ways: _Ways) -> dict[str, str]:
    up = {f"{name}/up.sql": text for name, (text, _) in ways.items()}
    return {**up, **{f"{name}/down.sql": text for name, (_, text) in ways.items()}}


def _drizzle(ways: _Ways) -> dict[str, str]:
    entries = [
        {"idx": n, "version": "7", "when": int(name[:14]), "tag": name, "breakpoints": True}
        for n, name in enumerate(sorted(ways))
    ]
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    return {**_plain(ways), "meta/_journal.json": json.dumps(journal)}


def _flyway(ways: _Ways) -> dict[str, str]:
    return {f"V{name.replace('_', '__', 1)}.sql": up for name, (up, _) in ways.items()}


def _pairs(ways: _Ways) -> dict[str, str]:
    up = {f"{name}.up.sql": text for name, (text, _) in ways.items()}
    return {**up, **{f"{name}.down.sql": text for name, (_, text) in ways.items()}}


def _goose(ways: _Ways) -> dict[str, str]:
    return {
        f"{name}.sql": f"-- +goose Up\n{up}\n-- +goose Down\n{down}"
        for name, (up, down) in ways.items()
    }


def _node_pg_migrate(ways: _Ways) -> dict[str, str]:
    return {
        f"{name}.sql": f"-- Up Migration\n{up}\n-- Down Migration\n{down}"
        for name, (up, down) in ways.items()
    }


def _sqitch(ways: _Ways) -> dict[str, str]:
    # Sqitch keeps the digest of a script for one change only.
    up = {f"deploy/{name[15:]}.sql": f"-- {name}\n{text}" for name, (text, _) in ways.items()}
    down = {f"revert/{name[15:]}.sql": text for name, (_, text) in ways.items()}
    lines = [
        f"{name[15:]} 2026-01-01T00:00:00Z A Person <person@example.org> # the note"
        for name in sorted(ways)
    ]
    head = ["%syntax-version=1.0.0", "%project=sites", "%uri=https://example.org/sites/", ""]
    return {**up, **down, "sqitch.plan": "\n".join([*head, *lines]) + "\n"}


def _supabase(ways: _Ways) -> dict[str, str]:
    return _plain(ways)


MAKERS: dict[str, Callable[[_Ways], dict[str, str]]] = {
    "atlas": _atlas,
    "dbmate": _dbmate,
    "diesel": _diesel,
    "drizzle": _drizzle,
    "flyway": _flyway,
    "golang_migrate": _pairs,
    "goose": _goose,
    "node_pg_migrate": _node_pg_migrate,
    "plain": _plain,
    "prisma": _prisma,
    "sqitch": _sqitch,
    "sqlx": _pairs,
    "supabase": _supabase,
}
