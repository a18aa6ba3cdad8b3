"""The derived runbook of a folder of migrations, written down beside what is added by hand."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ...contract import canonical
from ...contract.errors import InputError
from ...contract.records.migration import SchemaObject, Statement
from ...host.migrate.history import Migration
from ..reading import yamlfile
from . import pending
from .derived import DERIVED
from .source import Source

__all__ = ["Draft", "derived"]

_DERIVED = "derived"
# Of the files that were derived, so that one that was changed by hand is known.
_DIGESTS = f"{_DERIVED}/digests.json"
_MIGRATIONS = f"{_DERIVED}/migrations.yml"
_ABOUT = """\
# What each migration of the folder does, as it was read. Written by playbooks/draft.yml; a later
# draft shows what has changed. Nothing reads this file.
"""
_OWN = """\
# Written once by playbooks/draft.yml, and yours from then on. derived/ is written by it alone: what
# is there and should be another thing is said here, under the same name or id, or lies in phases/
# as a file of the same name.
format: 1
name: {name}
title: Migrations of {title}
adds_to: derived

# A check of your own: a phase, whose script is phases/20_own.sql.j2, and what it asks.
#
# criteria:
#   - {{id: A1, class: critical, title: Application}}
# scoring: [A1]
# phases:
#   - {{name: 20_own, title: Our own, transaction: snapshot}}
# checks:
#   - {{id: A1.1, title: No order is empty, criterion: A1, phase: 20_own, remedy: Mend it.}}
#
# A derived check that means less here:
#
# checks:
#   - id: D7.3
#     title: Who uses the tables beside it can use a new one
#     criterion: D7
#     phase: 03_rights
#     effect: none
#     empty_ok: true
#     remedy: Our roles get their rights elsewhere.
"""


def derived(source: Source) -> dict[str, str]:
    """Path below the runbook → text, of all that is derived."""
    found = {
        f"{_DERIVED}/{path.relative_to(DERIVED).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(DERIVED.rglob("*"))
        if path.is_file()
    }
    said = {
        "tool": source.key,
        "migrations": [_of_migration(source, one) for one in source.migrations],
    }
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)
    return {**found, _MIGRATIONS: _ABOUT + text}


def _of_migration(source: Source, migration: Migration) -> dict[str, object]:
    said: dict[str, object] = {"name": migration.name, "file": migration.file}
    if migration.text is None:
        return {**said, "program": True}
    try:
        steps = pending.steps(source.tool, migration)
    except InputError as error:
        return {**said, "unreadable": error.primary}
    return {
        **said,
        "sha256": canonical.sha256(migration.text.encode()),
        "statements": [_of_statement(one) for step in steps for one in step.statements if one.verb],
    }


def _of_statement(statement: Statement) -> dict[str, object]:
    said: dict[str, object] = {"line": statement.line, "statement": statement.opening}
    made = [_named(one) for one in statement.effects if one.expected and not one.listed]
    gone = [_named(one) for one in statement.effects if not one.expected]
    lock = "" if statement.lock == "none" else statement.lock
    more = {"makes": made, "removes": gone, "outside": statement.outside, "lock": lock}
    return {**said, **{key: value for key, value in more.items() if value}}


def _named(one: SchemaObject) -> str:
    return f"{one.kind} {f'{one.table}.' if one.table else ''}{one.name}"


@dataclass(frozen=True)
class Draft:
    """A runbook's folder, and all that is `new`: what would be derived now."""

    directory: Path
    new: Mapping[str, str]

    def exists(self) -> bool:
        """Raises InputError for a folder in which something else is."""
        if (self.directory / _DIGESTS).is_file():
            return True
        if os.path.lexists(self.directory) and (
            not self.directory.is_dir() or any(self.directory.iterdir())
        ):
            raise InputError(
                f"{self.directory} is no draft, and not empty; nothing was written",
                key="draft_directory",
                hint="Name a folder that is not there yet.",
            )
        return False

    def begin(self, title: str) -> None:
        """Write all of it."""
        name = re.sub(r"\W", "_", self.directory.name, flags=re.ASCII).lstrip("_") or "migrations"
        self._write(self.new)
        own = self.directory / "runbook.yml"
        own.write_text(_OWN.format(name=name, title=json.dumps(title)[1:-1]), encoding="utf-8")

    def differing(self) -> list[str]:
        """Derived files that are not, or not any more, what is derived now."""
        names = sorted({*self.new, *self._digests()})
        return [name for name in names if self._text(name) != self.new.get(name)]

    def changed_by_hand(self) -> list[str]:
        """Those of them that nobody but a person can have changed."""
        known = self._digests()
        found = []
        for name in self.differing():
            text = self._text(name)
            if text is not None and canonical.sha256(
                text.encode("utf-8", "surrogateescape")
            ) != known.get(name):
                found.append(name)
        return found

    def difference(self) -> Iterator[str]:
        """From what is there to what is derived now, line by line."""
        for name in self.differing():
            yield from difflib.unified_diff(
                (self._text(name) or "").splitlines(),
                self.new.get(name, "").splitlines(),
                fromfile=f"{name} (is there)",
                tofile=f"{name} (derived now)",
                lineterm="",
            )

    def update(self) -> None:
        """Write what is derived now in the place of what was."""
        for name in self._digests():
            if name not in self.new:
                (self.directory / name).unlink(missing_ok=True)
        self._write(self.new)

    def _write(self, files: Mapping[str, str]) -> None:
        digests = {name: canonical.sha256(text.encode()) for name, text in files.items()}
        kept = json.dumps(digests, indent=2, sort_keys=True) + "\n"
        for name, text in {**files, _DIGESTS: kept}.items():
            file = self.directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def _digests(self) -> dict[str, str]:
        """Raises InputError for a file that is not what a draft has written."""
        file = self.directory / _DIGESTS
        if not file.is_file():
            return {}
        data = yamlfile.load(file).data
        names = data if isinstance(data, dict) else {"": None}
        for name, digest in names.items():
            inside = str(name).startswith(f"{_DERIVED}/") and ".." not in Path(str(name)).parts
            if not inside or not isinstance(digest, str):
                raise InputError(
                    "this file was changed by hand",
                    file=str(file),
                    hint=f"Remove {_DERIVED}/ and draft again.",
                )
        return dict(names)

    def _text(self, name: str) -> str | None:
        file = self.directory / name
        if not file.is_file():
            return None
        return file.read_bytes().decode("utf-8", errors="surrogateescape")
