"""A runbook: loaded, validated against the shape every runbook has, narrowed to one profile.

Nothing here touches a server: whatever is wrong with what a person wrote is said before the
first connection.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import canonical
from ..errors import InputError
from . import extension, migration, schema, shipped, yamlfile
from .manifest import MANIFEST, check_references
from .schema import Flag, Items, Keys, Number, Table, Text
from .template_check import check_templates

__all__ = ["Runbook", "load"]

_TRANSACTIONS = ("read_only", "snapshot", "trial", "writes")
_CLASSES = ("preflight", "critical", "important", "nice", "invariant", "indicator")
_EFFECTS = ("no_go", "hold", "important", "none")
_TYPES = {"str": str, "int": int, "bool": bool}
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

RUNBOOK = Keys(
    {
        "format": Number(minimum=1),
        "name": Text(pattern=_NAME),
        "title": Text(),
        "extends": Text(pattern=_FILE, optional=True),
        "profiles": Items(Text(pattern=_NAME), distinct=True),
        "parameters": Table(
            Keys(
                {
                    "description": Text(),
                    "type": Text(choices=tuple(_TYPES)),
                    "default": schema.Any_(),
                    "minimum": Number(optional=True),
                }
            ),
            empty=True,
            names=_NAME,
            optional=True,
        ),
        "facts": Items(Text(pattern=_NAME), distinct=True, optional=True),
        "migration": Items(_SQL_FILE, unique="file"),
        "undo": Items(_UNDO_FILE, unique="file", optional=True),
        "prisma": Keys(
            {
                "file": Text(pattern=_FILE),
                "name": Text(pattern=_NAME, optional=True),
                "schema": Text(optional=True),
            },
            optional=True,
        ),
        "phases": Items(
            Keys(
                {
                    "name": Text(pattern=_NAME),
                    "title": Text(),
                    "stage": Text(choices=("preflight", "phases"), optional=True),
                    "after": Text(choices=("deploy",), optional=True),
                    "transaction": Text(choices=_TRANSACTIONS),
                    "races": Items(Text(pattern=_ID), distinct=True, optional=True),
                }
            ),
            unique="name",
        ),
        "cleanup": Text(pattern=_NAME, optional=True),
        "documents": Items(Text(pattern=_FILE), distinct=True, empty=True),
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
                    "remedy": Text(),
                }
            ),
            unique="id",
        ),
    }
)


@dataclass(frozen=True)
class Runbook:
    """A validated runbook. `manifest` holds only what belongs to `profile`; `base` is the folder
    of the runbook it extends."""

    directory: Path
    profile: str
    data: Mapping[str, Any]
    manifest: Mapping[str, Any]
    parameters: Mapping[str, Any]
    base: Path | None = None

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def templates(self) -> Path:
        return self.directory / "phases"

    @property
    def template_folders(self) -> list[Path]:
        """Where templates are looked for; what stands in the first comes before the others."""
        folders = [self.directory] if self.base is None else [self.directory, self.base]
        return [folder / name for folder in folders for name in ("phases", "races")]

    @cached_property
    def checks(self) -> dict[str, dict[str, Any]]:
        """Check id → check with every key filled in."""
        defaults = {"effect": None, "stop": False, "empty_ok": False}
        return {check["id"]: {**defaults, **check} for check in self.data["checks"]}

    def phases(self, stage: str) -> list[dict[str, Any]]:
        """Phases of the stage `preflight` or `phases`, in order."""
        defaults: dict[str, Any] = {"stage": "phases", "after": None, "races": []}
        filled = [{**defaults, **phase} for phase in self.data["phases"]]
        return [phase for phase in filled if phase["stage"] == stage]

    @property
    def migration_files(self) -> list[Path]:
        """The migration's SQL files of this profile, in the order they are applied."""
        return [self.directory / entry["file"] for entry in self.sql_files("migration")]

    def sql_files(self, key: str) -> list[dict[str, Any]]:
        """Entries of `migration` or `undo` of this profile, in the order they are applied."""
        entries = self.data.get(key, [])
        return [dict(e) for e in entries if self.profile in e.get("profiles", [self.profile])]

    @cached_property
    def digests(self) -> dict[str, str]:
        """Path below the runbook → SHA-256, of every file in it, and in the one it extends."""
        folders = {"": self.directory}
        if self.base is not None:
            folders[f"../{self.base.name}/"] = self.base
        return {
            prefix + path.relative_to(folder).as_posix(): canonical.sha256(path.read_bytes())
            for prefix, folder in folders.items()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    @property
    def sha256(self) -> str:
        """One digest for the whole folder."""
        return canonical.sha256(canonical.line(self.digests))

    def documents(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "present": (self.directory / name).is_file()}
            for name in self.data["documents"]
        ]

    def plan(self, *, stages: list[str]) -> dict[str, Any]:
        """What has to be there for a GO; becomes plan.json."""
        keys = ("id", "title", "criterion", "phase", "effect", "empty_ok", "remedy")
        return {
            "title": self.data["title"],
            "stages": stages,
            "criteria": [dict(criterion) for criterion in self.data["criteria"]],
            "checks": [{key: check[key] for key in keys} for check in self.checks.values()],
            "scoring": list(self.data["scoring"]),
        }


def load(
    directory: Path, *, profile: str, parameters: Mapping[str, Any], templates: bool = True
) -> Runbook:
    """Load a runbook folder. Raises InputError for the first thing that is wrong with it.

    `templates` can be left unchecked where that has been done before: parsing them all costs more
    than everything else.
    """
    if not directory.is_dir():
        raise InputError(
            f"there is no runbook folder {directory}",
            hint="Set gonogo_runbook to a folder below runbooks/.",
        )
    document = yamlfile.load(directory / "runbook.yml")
    _check_format(document)
    schema.check(document, RUNBOOK)
    base = extension.base_folder(document)
    theirs = document
    if base is not None:
        theirs = yamlfile.load(base / "runbook.yml")
        _check_format(theirs)
        schema.check(theirs, RUNBOOK)
        document = extension.completed(document, theirs)
    data = document.data
    _check_references(document)
    _check_parameters(document)
    if profile not in data["profiles"]:
        raise InputError(
            "there is no such profile",
            key="gonogo_profile",
            value=profile,
            hint=f"{data['name']} knows: {', '.join(data['profiles'])}.",
        )
    manifest = yamlfile.load((base or directory) / "manifest.yml")
    _check_format(manifest)
    schema.check(manifest, MANIFEST)
    check_references(
        manifest,
        profiles=theirs.data["profiles"],
        facts=theirs.data["facts"],
        checks=[check["id"] for check in theirs.data["checks"]],
    )
    runbook = Runbook(
        directory=directory,
        profile=profile,
        data=data,
        manifest=_narrowed(manifest.data, profile),
        parameters=_parameters(data["parameters"], parameters),
        base=base,
    )
    _check_links(directory)
    if base is not None:
        _check_links(base)
    _check_files(document, runbook)
    files = [(directory / entry["file"]) for entry in data["migration"]]
    if base is not None:
        files = [*(base / entry["file"] for entry in theirs.data["migration"]), *files]
    present = [file for file in files if file.is_file()]
    runbook = replace(runbook, manifest=shipped.completed(runbook.manifest, present))
    if templates:
        migration.check(document, directory)
        check_templates(
            runbook.template_folders, facts=data["facts"], parameters=data["parameters"]
        )
    return runbook


def _narrowed(value: Any, profile: str) -> Any:
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
        schema.refuse(
            document, ("format",), data["format"], "is unknown", hint="This version reads format 1."
        )


def _check_references(document: yamlfile.Document) -> None:
    """Names that one part of the runbook uses must exist in another."""
    data = document.data
    criteria = [criterion["id"] for criterion in data["criteria"]]
    phases = [phase["name"] for phase in data["phases"]]
    checks = [check["id"] for check in data["checks"]]
    known = {
        "criterion": criteria,
        "phase": phases,
        "profile": data["profiles"],
        "check": checks,
    }
    for path, kind, name in _references(data):
        if name not in known[kind]:
            raise InputError(
                f"{document.place(path)}: no {kind} is called '{name}'",
                file=str(document.path),
                key=schema.spelled(path),
                value=name,
                hint=_suggestion(name, known[kind]),
            )
    answered = {check["criterion"] for check in data["checks"]}
    for number, criterion in enumerate(data["criteria"]):
        if criterion["id"] not in answered and not criterion.get("of"):
            place = document.place(("criteria", number))
            raise InputError(
                f"{place}: criterion '{criterion['id']}' has no check", file=str(document.path)
            )
    asked = {check["phase"] for check in data["checks"]}
    for number, name in enumerate(phases):
        if name not in asked:
            place = document.place(("phases", number))
            raise InputError(f"{place}: phase '{name}' has no check", file=str(document.path))
    for number, phase in enumerate(data["phases"]):
        if "after" in phase and phase.get("stage") != "preflight":
            schema.refuse(
                document, ("phases", number, "after"), phase["after"], "is for preflight phases"
            )
    of_phase = {check["id"]: check["phase"] for check in data["checks"]}
    for number, phase in enumerate(data["phases"]):
        for position, name in enumerate(phase.get("races", [])):
            if of_phase[name] != phase["name"]:
                schema.refuse(
                    document,
                    ("phases", number, "races", position),
                    name,
                    f"is a check of phase {of_phase[name]}",
                )


def _references(data: Mapping[str, Any]) -> Iterator[tuple[schema.Path, str, str]]:
    for number, check in enumerate(data["checks"]):
        yield ("checks", number, "criterion"), "criterion", check["criterion"]
        yield ("checks", number, "phase"), "phase", check["phase"]
    for number, criterion in enumerate(data["criteria"]):
        for position, name in enumerate(criterion.get("of", [])):
            yield ("criteria", number, "of", position), "criterion", name
    for position, name in enumerate(data["scoring"]):
        yield ("scoring", position), "criterion", name
    for number, phase in enumerate(data["phases"]):
        for position, name in enumerate(phase.get("races", [])):
            yield ("phases", number, "races", position), "check", name
    for key in ("migration", "undo"):
        for number, entry in enumerate(data.get(key, [])):
            for position, name in enumerate(entry.get("profiles", [])):
                yield (key, number, "profiles", position), "profile", name


def _check_parameters(document: yamlfile.Document) -> None:
    """The defaults obey the same rules as what an inventory gives."""
    for name, spec in document.data["parameters"].items():
        where = ("parameters", name)
        if "minimum" in spec and spec["type"] != "int":
            schema.refuse(document, (*where, "minimum"), None, "is for parameters of type int")
        problem = _misfit(spec, spec["default"])
        if problem:
            schema.refuse(document, (*where, "default"), spec["default"], problem)


def _parameters(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        key = f"gonogo_parameters.{name}"
        if name not in declared:
            raise InputError(
                f"the runbook has no parameter '{name}'",
                key=key,
                hint=_suggestion(name, declared),
            )
        problem = _misfit(declared[name], value)
        if problem:
            raise InputError(f"parameter '{name}' {problem}", key=key, value=value)
    return {name: given.get(name, spec["default"]) for name, spec in declared.items()}


def _misfit(spec: Mapping[str, Any], value: Any) -> str | None:
    """Why a value cannot be that parameter's. A bool is no int, whatever Python says."""
    if type(value) is not _TYPES[spec["type"]]:
        return f"must be of type {spec['type']}"
    if "minimum" in spec and value < spec["minimum"]:
        return f"must be {spec['minimum']} or more"
    return None


def _check_files(document: yamlfile.Document, runbook: Runbook) -> None:
    data = runbook.data
    for number, phase in enumerate(data["phases"]):
        _must_be_template(document, ("phases", number, "name"), runbook, phase["name"])
        for race in phase.get("races", []):
            file = runbook.directory / "races" / f"{race}.yml.j2"
            _must_be_file(document, ("phases", number, "races"), file)
    _must_be_template(document, ("cleanup",), runbook, data["cleanup"])
    for key in ("migration", "undo"):
        for number, entry in enumerate(data.get(key, [])):
            _must_be_file(document, (key, number, "file"), runbook.directory / entry["file"])
    if "prisma" in data:
        migration.check_prisma(document)


def _must_be_template(
    document: yamlfile.Document, path: schema.Path, runbook: Runbook, name: str
) -> None:
    """The script is in the runbook's own folder, or in that of the one it extends."""
    own, *others = [folder / f"{name}.sql.j2" for folder in runbook.template_folders[::2]]
    if own.exists() or not any(file.is_file() for file in others):
        _must_be_file(document, path, own)


def _must_be_file(document: yamlfile.Document, path: schema.Path, file: Path) -> None:
    problem = None
    if not file.is_file():
        problem = "does not exist"
    elif file.stat().st_size == 0:
        problem = "is empty"
    if problem:
        relative = file.relative_to(document.path.parent)
        raise InputError(
            f"{document.place(path)}: file {relative} {problem}",
            file=str(document.path),
            key=schema.spelled(path),
        )


def _check_links(directory: Path) -> None:
    """What lies outside the folder is not in its digest, and could change unseen."""
    root = directory.resolve()
    for path in sorted(directory.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            relative = path.relative_to(directory)
            raise InputError(f"file {relative} leads out of the runbook", file=str(path))


def _suggestion(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names)}."
