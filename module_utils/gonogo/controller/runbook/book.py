"""A runbook: loaded, validated against the shape every runbook has, narrowed to one profile.

Nothing here touches a server: whatever is wrong with what a person wrote is said before the
first connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ...contract import canonical
from ...contract.errors import InputError
from ...contract.records.plan import (
    PlannedCheck,
    PlannedCriterion,
    PlannedWaiver,
    PlanRecord,
    ReportWords,
)
from ...contract.records.reading import read
from ...host.migrate.history import Migration
from ..declared.manifest import NO_MANIFEST, Manifest, read_manifest
from ..declared.runbook import (
    TOOL_KEYS,
    Declaration,
    DeclaredCheck,
    Parameter,
    Phase,
    ShippedDocument,
    SqlFile,
    read_runbook,
)
from ..reading import schema, yamlfile
from ..reading.faults import Faults
from ..reading.schema import Flag, Items, Keys, Number, Table, Text
from ..render.rendering import template_environment
from ..sql import shipped
from . import extension, migration, rules
from .asked import Modules
from .manifest import MANIFEST, check_references
from .own_checks import OwnCheck
from .queries import Query
from .source import Source
from .template_check import check_templates

__all__ = ["Runbook", "load"]

_READING = ("read_only", "snapshot")
_TRANSACTIONS = (*_READING, "trial", "writes")
_CLASSES = ("preflight", "critical", "important", "nice", "invariant", "indicator")
_EFFECTS = ("no_go", "hold", "important", "none")
_NAME = r"[A-Za-z0-9][A-Za-z0-9_]*"
_ID = r"[A-Za-z0-9][A-Za-z0-9.]*"
_FILE = r"[A-Za-z0-9][A-Za-z0-9_.-]*"

# `transaction: none`: what stands in the file must not run inside a transaction with the rest.
_SQL_FILE = Keys(
    {
        "file": Text(pattern=_FILE),
        "transaction": Text(choices=("none",), optional=True),
        "profiles": Items(Text(pattern=_NAME), distinct=True, optional=True),
    }
)
# An undo is one transaction, so that it can be tried before it is approved.
_UNDO_FILE = Keys({key: shape for key, shape in _SQL_FILE.keys.items() if key != "transaction"})
# By which file and name, and in which schema, a migration tool knows the migration.
_RECORDED = Keys(
    {
        "file": Text(pattern=_FILE),
        "name": Text(pattern=_NAME, optional=True),
        "schema": Text(optional=True),
    },
    optional=True,
)

RUNBOOK = Keys(
    {
        "format": Number(minimum=1),
        "name": Text(pattern=_NAME),
        "title": Text(),
        "extends": Text(pattern=_FILE, optional=True),
        "adds_to": Text(pattern=_FILE, optional=True),
        "profiles": Items(Text(pattern=_NAME), distinct=True),
        "parameters": Table(
            Keys(
                {
                    "description": Text(),
                    "type": Text(choices=tuple(rules.TYPES)),
                    "default": schema.Any_(),
                    "minimum": Number(optional=True),
                }
            ),
            empty=True,
            names=_NAME,
            optional=True,
        ),
        "facts": Items(Text(pattern=_NAME), distinct=True, empty=True, optional=True),
        "report": Keys(
            {
                "headings": Keys({name: Text(optional=True) for name in _CLASSES}, optional=True),
                "facts": Keys(
                    {
                        "heading": Text(),
                        "labels": Items(
                            Keys({"fact": Text(pattern=_NAME), "label": Text()}), unique="fact"
                        ),
                    },
                    optional=True,
                ),
            },
            optional=True,
        ),
        "audit": Keys(
            {
                "baseline": Items(Text(pattern=_NAME), distinct=True, optional=True),
                "whole": Items(Text(pattern=_NAME), distinct=True, optional=True),
                "left_out": Items(Text(pattern=_NAME), distinct=True, optional=True),
            },
            optional=True,
        ),
        "migration": Items(_SQL_FILE, unique="file", optional=True),
        "undo": Items(_UNDO_FILE, unique="file", optional=True),
        **dict.fromkeys(TOOL_KEYS, _RECORDED),
        "phases": Items(
            Keys(
                {
                    "name": Text(pattern=_NAME),
                    "title": Text(),
                    "stage": Text(choices=("preflight", "phases"), optional=True),
                    "after": Text(choices=("deploy",), optional=True),
                    "only": Text(choices=("twin", "rehearsal"), optional=True),
                    "transaction": Text(choices=_TRANSACTIONS),
                    "races": Items(Text(pattern=_ID), distinct=True, optional=True),
                }
            ),
            unique="name",
        ),
        "cleanup": Text(pattern=_NAME, optional=True),
        "documents": Items(Text(pattern=_FILE), distinct=True, empty=True, optional=True),
        "criteria": Items(
            Keys(
                {
                    "id": Text(pattern=_ID),
                    "class": Text(choices=_CLASSES),
                    "title": Text(),
                    "of": Items(Text(), distinct=True, optional=True),
                }
            ),
            unique="id",
        ),
        "scoring": Items(Text(), distinct=True),
        "checks": Items(
            Keys(
                {
                    "id": Text(pattern=_ID),
                    "title": Text(),
                    "criterion": Text(),
                    "phase": Text(),
                    "effect": Text(choices=_EFFECTS, optional=True),
                    "stop": Flag(optional=True),
                    "empty_ok": Flag(optional=True),
                    "empty": Text(optional=True),
                    "remedy": Text(),
                }
            ),
            unique="id",
        ),
    }
)


# One that adds to another says what it adds.
_ADDING = Keys(
    {
        key: shape if key in ("format", "name", "title") else replace(shape, optional=True)
        for key, shape in RUNBOOK.keys.items()
        if key != "extends"
    }
)


@dataclass(frozen=True)
class Runbook:
    """A validated runbook. `manifest` holds only what belongs to `profile`; `base` is the folder
    of the runbook it extends. One without a manifest has an empty one."""

    directory: Path
    profile: str
    declared: Declaration
    manifest: Manifest
    parameters: Mapping[str, object]
    base: Path | None = None
    # A folder of migrations in the place of files of its own, and the names of those of them that
    # are to be applied.
    source: Source | None = None
    pending: tuple[str, ...] = ()
    # What is judged beside them: the queries of the application, and checks that a person has put
    # there; and path → SHA-256 of the files that say so.
    queries: tuple[Query, ...] = ()
    own_checks: tuple[OwnCheck, ...] = ()
    set_criteria: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def templates(self) -> Path:
        return self.directory / "phases"

    @property
    def template_folders(self) -> list[Path]:
        """Where templates are looked for; what stands in the first comes before the others."""
        return _folders(self.directory, self.base)

    @cached_property
    def checks(self) -> dict[str, DeclaredCheck]:
        """Check id → check."""
        return {check.id: check for check in self.declared.checks}

    def phases(self, stage: str, *, twin: bool = False) -> list[Phase]:
        """Phases of the stage `preflight` or `phases`, in order; on the `twin`, those too that are
        asked there only."""
        own = [phase for phase in self.declared.phases if phase.stage == stage]
        return [phase for phase in own if twin or phase.only is None]

    def asked_of_audit(self, stage: str) -> list[Phase]:
        """The phases of a stage that only read and need no copy of the database, in order."""
        return [
            phase
            for phase in self.phases(stage)
            if phase.transaction in _READING
            and not phase.races
            and phase.name not in self.declared.left_out_of_audits
        ]

    @property
    def pending_migrations(self) -> list[Migration]:
        """Those of the folder's migrations that are to be applied, in the order of its tool."""
        return self.source.named(self.pending) if self.source else []

    @property
    def migration_files(self) -> list[Path]:
        """The migration's SQL files of this profile, in the order they are applied."""
        return [self.directory / entry.file for entry in self.sql_files("migration")]

    def sql_files(self, key: str) -> list[SqlFile]:
        """Entries of `migration` or `undo` of this profile, in the order they are applied."""
        entries = self.declared.sql_files(key)
        return [one for one in entries if one.profiles is None or self.profile in one.profiles]

    @cached_property
    def digests(self) -> dict[str, str]:
        """Path below the runbook → SHA-256, of every file in it, in the one it extends, in the
        folder of migrations, and of what is judged beside that."""
        folders = {"": self.directory}
        if self.base is not None and self.base.parent != self.directory:
            folders[f"../{self.base.name}/"] = self.base
        own = {
            prefix + path.relative_to(folder).as_posix(): canonical.sha256(path.read_bytes())
            for prefix, folder in folders.items()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        theirs = self.source.digests if self.source else {}
        return {
            **own,
            **{f"migrations/{path}": digest for path, digest in theirs.items()},
            **self.beside,
        }

    @property
    def sha256(self) -> str:
        """One digest for the whole folder."""
        return canonical.sha256(canonical.line(self.digests))

    def documents(self) -> list[ShippedDocument]:
        return [
            ShippedDocument(name, (self.directory / name).is_file())
            for name in self.declared.documents
        ]

    def plan(
        self, *, stages: Sequence[str], waivers: Sequence[Mapping[str, str]] = ()
    ) -> PlanRecord:
        """What has to be there for a GO."""
        declared = self.declared
        return PlanRecord(
            title=declared.title,
            stages=tuple(stages),
            criteria=tuple(
                PlannedCriterion(one.id, one.title, one.class_, one.of) for one in declared.criteria
            ),
            checks=tuple(
                PlannedCheck(
                    id=one.id,
                    title=one.title,
                    criterion=one.criterion,
                    phase=one.phase,
                    effect=one.effect,
                    empty_ok=one.empty_ok,
                    remedy=one.remedy,
                    empty=one.empty,
                )
                for one in declared.checks
            ),
            scoring=declared.scoring,
            waivers=tuple(read(PlannedWaiver, one, file="the plan") for one in waivers),
            report=declared.report or ReportWords(),
            set_criteria=self.set_criteria or None,
        )


def load(
    directory: Path, *, profile: str, parameters: Mapping[str, object], templates: bool = True
) -> Runbook:
    """Load a runbook folder. Raises one InputError for all that is wrong with its files.

    What one file says about another is looked at where the shape of both is right. `templates` and
    SQL can be left unchecked where that has been done before: parsing them all costs more than
    everything else.
    """
    if not directory.is_dir():
        raise InputError(
            f"there is no runbook folder {directory}",
            hint="Set gonogo_runbook to a folder below runbooks/.",
        )
    faults = Faults()
    files = _Files(directory, faults)
    if templates:
        _check_texts(files, faults)
    faults.refuse()
    document, theirs = files.own, files.theirs
    assert document is not None
    assert theirs is not None
    declared = read_runbook(document.data)
    if profile not in declared.profiles:
        raise InputError(
            "there is no such profile",
            key="gonogo_profile",
            value=profile,
            hint=f"{declared.name} knows: {', '.join(declared.profiles)}.",
        )
    runbook = Runbook(
        directory=directory,
        profile=profile,
        declared=declared,
        manifest=_manifest(files.manifest, profile),
        parameters=_parameters(declared.parameters, parameters),
        base=files.base,
    )
    sql = [directory / entry.file for entry in declared.migration]
    if files.base is not None:
        sql = [*(files.base / entry.file for entry in read_runbook(theirs.data).migration), *sql]
    present = [file for file in sql if file.is_file()]
    return replace(runbook, manifest=shipped.completed(runbook.manifest, present))


def _manifest(document: yamlfile.Document | None, profile: str) -> Manifest:
    return NO_MANIFEST if document is None else read_manifest(_narrowed(document.data, profile))


class _Files:
    """The YAML files of a runbook, read and compared with each other.

    Each is None where it is not right; what is wrong with it is among the faults. `own` is complete
    with what it takes over from `theirs`, the runbook in `base`; without one, both are the same.
    `manifest` is None, too, where there is none: nothing but a template needs one.
    """

    def __init__(self, directory: Path, faults: Faults) -> None:
        self.directory = directory
        self.base: Path | None = None
        self.own = self.theirs = _read(directory / "runbook.yml", RUNBOOK, faults, adding=_ADDING)
        if self.own is not None:
            self._extend(self.own, faults)
        else:
            self.base = _named_base(directory)
        of, file = self.theirs, (self.base or directory) / "manifest.yml"
        if not os.path.lexists(file):
            of, file = self.own, directory / "manifest.yml"
        self.has_manifest = os.path.lexists(file)
        self.manifest = _read(file, MANIFEST, faults) if self.has_manifest else None
        if self.own is not None:
            for found in (
                rules.references(self.own),
                rules.parameters(self.own),
                rules.files(self.own, self.folders[::2]),
                migration.history_faults(self.own),
            ):
                faults.note_all(found)
        outside = self.base if self.base and self.base.parent != directory else None
        for folder in (directory, *([outside] if outside else [])):
            faults.note_all(rules.links(folder))
        if of is not None and self.manifest is not None:
            known = read_runbook(of.data)
            with faults.collected():
                check_references(
                    self.manifest,
                    profiles=known.profiles,
                    facts=known.facts,
                    checks=[check.id for check in known.checks],
                )

    @property
    def folders(self) -> list[Path]:
        return _folders(self.directory, self.base)

    def _extend(self, own: yamlfile.Document, faults: Faults) -> None:
        """Completes the runbook, where it can be."""
        self.own = self.theirs = None
        with faults.collected():
            self.base = extension.base_folder(own)
            if self.base is None:
                self.own = self.theirs = own
                return
            theirs = _read(self.base / "runbook.yml", RUNBOOK, faults)
            if theirs is not None:
                self.own, self.theirs = extension.completed(own, theirs), theirs


def _named_base(directory: Path) -> Path | None:
    """The folder that a runbook.yml which is not right seems to extend: what else is wrong is not
    to be told of files that are there."""
    file = directory / "runbook.yml"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    named = re.search(rf"^(extends|adds_to):[ \t]*['\"]?({_FILE})", text, re.MULTILINE)
    base = None
    if named:
        base = (directory if named[1] == "adds_to" else directory.parent) / named[2]
    return base if base is not None and (base / "runbook.yml").is_file() else None


def _read(
    file: Path, shape: Keys, faults: Faults, *, adding: Keys | None = None
) -> yamlfile.Document | None:
    """A file of that shape, or of another where it is `adding` to another; None for one that is
    not, which is noted."""
    before = len(faults.found)
    with faults.collected():
        document = yamlfile.load(file)
        _check_format(document)
        if adding is not None and isinstance(document.data, dict) and "adds_to" in document.data:
            shape = adding
        faults.note_all(shape.faults(document, (), document.data))
        return document if len(faults.found) == before else None
    return None


def _check_texts(files: _Files, faults: Faults) -> None:
    """Note what is wrong with SQL and templates. Without runbook.yml nobody knows which SQL counts,
    and which facts there are."""
    own = read_runbook(files.own.data) if files.own else None
    if files.own is not None:
        faults.note_all(migration.faults(files.own, files.directory))
    modules = Modules(template_environment(files.folders))
    before = len(faults.found)
    with faults.collected():
        check_templates(
            files.folders,
            facts=own.facts if own else None,
            parameters=own.parameters if own else None,
            modules=modules,
            manifest=files.has_manifest,
        )
    if files.own is not None and len(faults.found) == before:
        faults.note_all(rules.questions(files.own, files.manifest, modules))


def _folders(directory: Path, base: Path | None) -> list[Path]:
    folders = [directory] if base is None else [directory, base]
    return [folder / name for folder in folders for name in ("phases", "races")]


def _narrowed(value: object, profile: str) -> object:
    """Drop the list items that say they belong to other profiles."""
    if isinstance(value, list):
        kept = (
            item
            for item in value
            if not isinstance(item, dict) or profile in item.get("profiles", [profile])
        )
        return [_narrowed(item, profile) for item in kept]
    if isinstance(value, dict):
        return {key: _narrowed(item, profile) for key, item in value.items()}
    return value


def _check_format(document: yamlfile.Document) -> None:
    """First of all: what another format allows would only be called a mistake."""
    data = document.data
    if isinstance(data, dict) and data.get("format", 1) != 1:
        hint = "This version reads format 1."
        raise schema.fault(document, ("format",), data["format"], "is unknown", hint)


def _parameters(
    declared: Mapping[str, Parameter], given: Mapping[str, object]
) -> dict[str, object]:
    for name, value in given.items():
        key = f"gonogo_parameters.{name}"
        if name not in declared:
            raise InputError(
                f"the runbook has no parameter '{name}'",
                key=key,
                hint=rules.suggestion(name, declared),
            )
        problem = rules.misfit(declared[name], value)
        if problem:
            raise InputError(f"parameter '{name}' {problem}", key=key, value=value)
    return {name: given.get(name, spec.default) for name, spec in declared.items()}
