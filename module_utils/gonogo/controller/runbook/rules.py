"""What the parts of a runbook say about each other, and about the files beside it.

Each function yields all that is wrong, one InputError each; the shape of the file is right by then.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ...contract.errors import InputError
from ..declared.manifest import read_manifest
from ..declared.runbook import Declaration, Parameter, Phase, read_runbook
from ..reading import schema
from ..reading.schema import fault
from ..reading.yamlfile import Document
from .asked import Asked, Modules

__all__ = ["files", "links", "misfit", "parameters", "questions", "references", "suggestion"]

TYPES = {"str": str, "int": int, "bool": bool}


def references(document: Document) -> Iterator[InputError]:
    """Names that one part of the runbook uses and no other has, and parts that nothing uses."""
    runbook = read_runbook(document.data)
    known: dict[str, Collection[str]] = {
        "criterion": [criterion.id for criterion in runbook.criteria],
        "phase": [phase.name for phase in runbook.phases],
        "profile": runbook.profiles,
        "check": [check.id for check in runbook.checks],
        "fact": runbook.facts,
    }
    for path, kind, name in _references(runbook):
        if name not in known[kind]:
            yield InputError(
                f"{document.place(path)}: no {kind} is called '{name}'",
                file=str(document.path),
                key=schema.spelled(path),
                value=name,
                hint=suggestion(name, known[kind]),
            )
    yield from _unused(document, runbook)
    for number, phase in enumerate(runbook.phases):
        if phase.after is not None and phase.stage != "preflight":
            path = ("phases", number, "after")
            yield fault(document, path, phase.after, "is for preflight phases")
    of_phase = {check.id: check.phase for check in runbook.checks}
    for number, phase in enumerate(runbook.phases):
        for position, name in enumerate(phase.races):
            if of_phase.get(name, phase.name) != phase.name:
                path = ("phases", number, "races", position)
                yield fault(document, path, name, f"is a check of phase {of_phase[name]}")


def _unused(document: Document, runbook: Declaration) -> Iterator[InputError]:
    answered = {check.criterion for check in runbook.checks}
    for number, criterion in enumerate(runbook.criteria):
        if criterion.id not in answered and not criterion.of:
            yield InputError(
                f"{document.place(('criteria', number))}: criterion '{criterion.id}' has no check",
                file=str(document.path),
            )
    asked = {check.phase for check in runbook.checks}
    for number, phase in enumerate(runbook.phases):
        if phase.name not in asked:
            yield InputError(
                f"{document.place(('phases', number))}: phase '{phase.name}' has no check",
                file=str(document.path),
            )


def _references(runbook: Declaration) -> Iterator[tuple[schema.Path, str, str]]:
    for number, check in enumerate(runbook.checks):
        yield ("checks", number, "criterion"), "criterion", check.criterion
        yield ("checks", number, "phase"), "phase", check.phase
    for number, criterion in enumerate(runbook.criteria):
        for position, name in enumerate(criterion.of or ()):
            yield ("criteria", number, "of", position), "criterion", name
    for position, name in enumerate(runbook.scoring):
        yield ("scoring", position), "criterion", name
    for number, phase in enumerate(runbook.phases):
        for position, name in enumerate(phase.races):
            yield ("phases", number, "races", position), "check", name
    of_audits = (
        ("baseline", "fact", runbook.of_baseline),
        ("whole", "phase", runbook.asked_whole),
        ("left_out", "phase", runbook.left_out_of_audits),
    )
    for key, kind, names in of_audits:
        for position, name in enumerate(names):
            yield ("audit", key, position), kind, name
    facts = runbook.report.facts if runbook.report else None
    for number, one in enumerate(facts.labels if facts else ()):
        yield ("report", "facts", "labels", number, "fact"), "fact", one.fact
    for key in ("migration", "undo"):
        for number, entry in enumerate(runbook.sql_files(key)):
            for position, name in enumerate(entry.profiles or ()):
                yield (key, number, "profiles", position), "profile", name


def parameters(document: Document) -> Iterator[InputError]:
    """Defaults obey the same rules as what an inventory gives."""
    for name, spec in read_runbook(document.data).parameters.items():
        where = ("parameters", name)
        if spec.minimum is not None and spec.type != "int":
            path = (*where, "minimum")
            yield fault(document, path, None, "is for parameters of type int")
            continue
        problem = misfit(spec, spec.default)
        if problem:
            yield fault(document, (*where, "default"), spec.default, problem)


def misfit(spec: Parameter, value: object) -> str | None:
    """Why a value cannot be that parameter's. A bool is no int, whatever Python says."""
    if type(value) is not TYPES[spec.type]:
        return f"must be of type {spec.type}"
    if spec.minimum is not None and isinstance(value, int) and value < spec.minimum:
        return f"must be {spec.minimum} or more"
    return None


def files(document: Document, folders: Sequence[Path]) -> Iterator[InputError]:
    """Files that are named and not there. `folders`: where templates of phases are looked for."""
    runbook = read_runbook(document.data)
    directory = document.path.parent
    for number, phase in enumerate(runbook.phases):
        yield from _template(document, ("phases", number, "name"), folders, phase.name)
        for race in phase.races:
            file = directory / "races" / f"{race}.yml.j2"
            yield from _file(document, ("phases", number, "races"), file)
    yield from _cleanup(document, folders, runbook)
    for key in ("migration", "undo"):
        for number, entry in enumerate(runbook.sql_files(key)):
            yield from _file(document, (key, number, "file"), directory / entry.file)


def _cleanup(
    document: Document, folders: Sequence[Path], runbook: Declaration
) -> Iterator[InputError]:
    """Rows that stay are removed by a script, which every runbook has that leaves any."""
    if runbook.cleanup is not None:
        yield from _template(document, ("cleanup",), folders, runbook.cleanup)
        return
    for number, phase in enumerate(runbook.phases):
        if phase.transaction == "writes" or phase.races:
            path = ("phases", number, "name")
            yield fault(
                document,
                path,
                phase.name,
                "leaves rows that no script removes",
                "Name the script that does: `cleanup`.",
            )


def _template(
    document: Document, path: schema.Path, folders: Sequence[Path], name: str
) -> Iterator[InputError]:
    """The script is in the runbook's own folder, or in that of the one it extends."""
    own, *others = [folder / f"{name}.sql.j2" for folder in folders]
    if own.exists() or not any(file.is_file() for file in others):
        yield from _file(document, path, own)


def _file(document: Document, path: schema.Path, file: Path) -> Iterator[InputError]:
    problem = None
    if not file.is_file():
        problem = "does not exist"
    elif file.stat().st_size == 0:
        problem = "is empty"
    if problem:
        yield InputError(
            f"{document.place(path)}: file {file.relative_to(document.path.parent)} {problem}",
            file=str(document.path),
            key=schema.spelled(path),
        )


def links(directory: Path) -> Iterator[InputError]:
    """What lies outside the folder is not in its digest, and could change unseen."""
    root = directory.resolve()
    for path in sorted(directory.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            relative = path.relative_to(directory)
            yield InputError(f"file {relative} leads out of the runbook", file=str(path))


def questions(
    document: Document, manifest: Document | None, modules: Modules
) -> Iterator[InputError]:
    """Checks that no template asks, and templates that ask what nothing declares.

    `manifest`: the rules about rows are looked at, too, where its shape is right.
    """
    runbook = read_runbook(document.data)
    phases = {phase.name for phase in runbook.phases}
    phase_of = {c.id: c.phase if c.phase in phases else "" for c in runbook.checks}
    asked = {phase.name: modules.asked(f"{phase.name}.sql.j2") for phase in runbook.phases}
    told: set[tuple[str, int]] = set()
    for phase in runbook.phases:
        for error, place in _of_template(phase, asked[phase.name], phase_of):
            if place not in told:
                told.add(place)
                yield error
    races = {phase.name: phase.races for phase in runbook.phases}
    for number, check in enumerate(runbook.checks):
        found = asked.get(check.phase)
        if found is None:
            continue
        known = {*(call.id for call in found.calls), *races[check.phase]}
        if check.id not in known and not found.more_calls:
            yield InputError(
                f"{document.place(('checks', number, 'id'))}: no template asks check '{check.id}'",
                file=str(document.path),
                key=f"checks[{number}].id",
                value=check.id,
                hint=f"Ask it in phases/{check.phase}.sql.j2, with the macro check, or take it "
                "out of runbook.yml.",
            )
    if manifest:
        yield from _of_rules(manifest, asked, phase_of)


def _of_rules(
    manifest: Document, asked: Mapping[str, Asked], phase_of: Mapping[str, str]
) -> Iterator[InputError]:
    """Rules about rows for which no template asks."""
    for number, rule in enumerate(read_manifest(manifest.data).rules):
        of_rule = asked.get(phase_of.get(rule.check, ""))
        if of_rule and not of_rule.more_rules and rule.check not in of_rule.rules:
            yield fault(
                manifest,
                ("row_rules", number, "check"),
                rule.check,
                "is a check that asks for no rules",
                f"Use row_rules('{rule.check}') in phases/{phase_of[rule.check]}.sql.j2.",
            )


def _of_template(
    phase: Phase, asked: Asked, phase_of: Mapping[str, str]
) -> Iterator[tuple[InputError, tuple[str, int]]]:
    """What is wrong with the questions of a phase, each with its place."""
    own = f"{phase.name}.sql.j2"
    races = set(phase.races)
    first: dict[str, int] = {}
    for call in asked.calls:
        problem, hint = "", None
        if call.id not in phase_of:
            problem = f"runbook.yml declares no check '{call.id}'"
            hint = suggestion(call.id, phase_of)
        elif call.file == own and phase_of[call.id] not in {phase.name, ""}:
            problem = f"check '{call.id}' belongs to phase {phase_of[call.id]}"
            hint = f"Ask it there, or say `phase: {phase.name}` in runbook.yml."
        elif call.file == own and call.id in races:
            problem = f"check '{call.id}' is answered by a race"
            hint = "Take it out of `races` in runbook.yml, or out of here."
        elif call.always and first.setdefault(call.id, call.line) != call.line:
            problem = f"check '{call.id}' is asked twice, first in line {first[call.id]}"
        if problem:
            error = InputError(f"{call.file}:{call.line}: {problem}", file=call.file, hint=hint)
            yield error, (call.file, call.line)


def suggestion(name: str, names: Collection[str]) -> str:
    """For a name that is none of those."""
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names)}."
