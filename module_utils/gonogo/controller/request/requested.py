"""What a person asked for: the inventory's variables and the command line, checked together.

Everything here is refused before the first connection.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it

from ...contract import budgets
from ...contract.errors import GonogoError, InputError
from ...contract.options.every import STAGES
from ...contract.options.option import ArgumentSpec, Option
from ...contract.options.shared import BUDGETS, TIMEOUTS
from ...contract.options.target import TARGET
from ...contract.run_id import is_run_id
from .. import runbook
from ..invocation.native import Variables
from ..invocation.paths import path_of
from ..invocation.request_form import misfits, suiting
from ..reading import ranges
from ..reading.faults import Faults
from ..runbook import phase_scripts, source
from ..runbook.criteria import WAIVABLE
from ..runbook.derived import DERIVED, DERIVED_PROFILE, about, beside, has_migration
from . import waivers
from .protection import Protection, check_extra
from .remembered import Remembered

__all__ = [
    "Asked",
    "Folder",
    "check_budgets",
    "check_command_line",
    "check_environment",
    "check_options",
    "check_run_id",
    "check_timeouts",
    "check_variables",
    "load_runbook",
    "refuse_no_hosts",
    "require_options",
    "unknown_run",
]

_OURS = "gonogo_"
# How alike a name has to be to one of ours, behind the prefix that both have. With that of the
# project it is refused in any case; without any it is nearly the same, letter by letter.
_LIKENESS = {_OURS: 0.6, "": 0.92}
_NEAR = 0.75
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")

_RESIDUES: tuple[str, ...] = tuple(TARGET.task["residue"]["choices"])
_TIMEOUTS = tuple(key.name for key in TIMEOUTS.options)
_DURATION = re.compile(r"[1-9]\d{0,8}(ms|s|min|h)")

# What is asked of every run → what it is where it is not said.
_DEFAULTS: dict[str, object] = {
    "runbook": None,
    "environment": None,
    "profile": TARGET.default_of("profile"),
    "residue": TARGET.default_of("residue"),
    "runs_dir": None,
    "login": None,
    "parameters": {},
    "timeouts": {},
    "waivers": [],
    "waivers_file": None,
    "refused_databases": [],
}
_KINDS: dict[str, type] = {
    name: str if default is None else type(default) for name, default in _DEFAULTS.items()
} | {"login": dict}
_OPTIONAL = ("runbook", "waivers_file")
_FOLDER: dict[str, str | None] = {
    "migrations": None,
    "migration_tool": TARGET.default_of("migration_tool"),
    "migration_schema": TARGET.default_of("migration_schema"),
}
# What may be beside a folder of migrations, and says nothing without one.
_BESIDE: dict[str, type] = {
    **dict.fromkeys(("baseline", "baseline_version", "queries", "own_checks"), str),
    "criteria": dict,
}
_COMMAND = "gonogo_migrate_command"
_WORDS: dict[type, str] = {str: "text", dict: "a mapping", list: "a list"}

# Results of this project have no variables. A name like these in the extra variables is an
# attempt to set one, or a misunderstanding; both deserve a word.
_RESULT_NAMES = re.compile(r"^(gonogo_)?(decision|verdict|score|approved|result|results|checks)$")

# What a run takes from Ansible, and an extra variable would replace.
_ANSIBLES = {"groups", "hostvars", "inventory_hostname"}


@dataclass(frozen=True)
class Folder:
    """A folder of migrations that is to be judged in the place of a runbook's own."""

    directory: str
    tool: str
    schema: str
    irreversible: Sequence[str] = ()
    baseline: str | None = None
    baseline_version: str | None = None
    queries: str | None = None
    checks: str | None = None
    criteria: Mapping[str, object] = field(default_factory=dict)
    command: Sequence[str] = ()


@dataclass(frozen=True)
class Asked:
    """What is asked of a run: each of the kind that it has to be, and not looked into yet.

    `host` and its `groups` are those of the inventory.
    """

    runbook: str | None
    environment: str
    profile: str = TARGET.default_of("profile")
    residue: str = TARGET.default_of("residue")
    parameters: Mapping[str, object] = field(default_factory=dict)
    waivers: Sequence[object] = ()
    waivers_file: str | None = None
    host: str = ""
    groups: Sequence[str] = ()
    timeouts: Mapping[str, object] = field(default_factory=dict)
    migrations: Folder | None = None

    @classmethod
    def of(cls, values: Variables) -> Asked:
        """From the variables of a host. Raises InputError for one of another kind."""
        given = {name: _said(values, name) for name in _KINDS}
        return cls(
            runbook=given["runbook"],
            environment=given["environment"],
            profile=given["profile"],
            residue=given["residue"],
            parameters=given["parameters"],
            waivers=given["waivers"],
            waivers_file=given["waivers_file"],
            host=str(values.get("inventory_hostname") or ""),
            groups=[str(group) for group in values.get("group_names") or ()],
            timeouts=given["timeouts"],
            migrations=_folder(values),
        )


def _said(values: Variables, name: str) -> Any:
    """What a variable says, of the kind that it has to be. Raises InputError."""
    key, kind = f"gonogo_{name}", _KINDS[name]
    value = values.get(key)
    if value is None:
        value = _DEFAULTS[name]
    if value is None and name in _OPTIONAL:
        return None
    if not isinstance(value, kind):
        raise InputError(f"must be {_WORDS[kind]}", key=key, value=value)
    return value


def _folder(values: Variables) -> Folder | None:
    command = _command(values.get(_COMMAND))
    given = {name: values.get(f"gonogo_{name}") for name in _BESIDE}
    if values.get("gonogo_migrations") is None:
        if command:
            raise InputError(
                "the command of a migration tool needs the folder in which it runs",
                key=_COMMAND,
                hint="Set gonogo_migrations to the folder of the application.",
            )
        for name, value in given.items():
            if value is not None:
                raise InputError(
                    "is about a folder of migrations, and none is named",
                    key=f"gonogo_{name}",
                    hint="Name the folder: gonogo_migrations; or leave it out.",
                )
        return None
    said = {name: values.get(f"gonogo_{name}", default) for name, default in _FOLDER.items()}
    irreversible = values.get("gonogo_irreversible") or []
    if not isinstance(irreversible, list) or not all(isinstance(one, str) for one in irreversible):
        raise InputError(
            "must be a list of names", key="gonogo_irreversible", value=str(irreversible)
        )
    kinds = {
        **dict.fromkeys(said, str),
        **{k: v for k, v in _BESIDE.items() if given[k] is not None},
    }
    for name, kind in kinds.items():
        value = said[name] if name in said else given[name]
        if not isinstance(value, kind) or value == "":
            raise InputError(f"must be {_WORDS[kind]}", key=f"gonogo_{name}", value=value)
    if command and (irreversible or given["baseline"] or given["baseline_version"]):
        raise InputError(
            "a command has no history of files: gonogo_irreversible, gonogo_baseline and "
            "gonogo_baseline_version are about files",
            key=_COMMAND,
            hint="Leave them out.",
        )
    return Folder(
        said["migrations"],
        said["migration_tool"],
        said["migration_schema"],
        irreversible,
        queries=given["queries"],
        checks=given["own_checks"],
        criteria=given["criteria"] or {},
        baseline=given["baseline"],
        baseline_version=given["baseline_version"],
        command=command,
    )


def _command(value: Any) -> tuple[str, ...]:
    """The words of a command. Raises InputError for what is no list of words."""
    words = [] if value is None else value
    is_list = isinstance(words, Sequence) and not isinstance(words, str)
    if not is_list or not all(isinstance(one, str) and one and "\0" not in one for one in words):
        raise InputError(
            "must be a list of words",
            key=_COMMAND,
            value=value,
            hint="Write it like [alembic, upgrade, head]. No shell reads it.",
        )
    return tuple(words)


def check_command_line(task_vars: Variables, *, extra: Variables) -> None:
    """Refuse command lines that would judge a part and look like the whole."""
    _require_home()
    tags = [str(tag) for tag in task_vars.get("ansible_run_tags") or ["all"]]
    skipped = [str(tag) for tag in task_vars.get("ansible_skip_tags") or []]
    if tags != ["all"] or skipped:
        option = f"--skip-tags {','.join(skipped)}" if skipped else f"--tags {','.join(tags)}"
        raise InputError(
            "a run cannot be limited to some of its tasks",
            key="command line",
            value=option,
            detail="A verdict needs every stage.",
            hint="Run the playbook without --tags and --skip-tags.",
        )
    for name in extra:
        if name in _ANSIBLES:
            raise InputError(
                "extra variables cannot set what Ansible itself says",
                key=name,
                hint="Leave the variable out.",
            )
        if _RESULT_NAMES.match(name):
            raise InputError(
                "extra variables cannot set a result",
                key=name,
                hint="The verdict is computed from the evidence alone. Leave the variable out.",
            )
    check_extra(extra)


def _require_home() -> None:
    """Where nobody knows the home directory, Ansible makes one that is called ~ where it is."""
    place = Path(C.DEFAULT_LOCAL_TMP)
    literal = [number for number, part in enumerate(place.parts) if part.startswith("~")]
    if literal:
        made = Path(*place.parts[: literal[0] + 1])
        raise GonogoError(
            "the home directory of this account is not known on the controller",
            detail=f"HOME is not set, and user {os.getuid()} has no entry in passwd. Ansible keeps "
            f"its files in {made} instead.",
            hint=f"Set HOME to a directory of this user, and remove {made}.",
        )


def check_variables(
    names: Iterable[str], *, known: frozenset[str], prefixes: tuple[str, ...]
) -> None:
    """Refuse misspelt variables, all at once: a name of ours that nothing reads has no effect.

    All that begins with `gonogo_` is ours. What begins with another of `prefixes` may be somebody
    else's, unless it is nearly one of those that are `known`.
    """
    faults = Faults()
    for name in sorted({*names} - known):
        near = _nearest(name, known, prefixes)
        if near or name.startswith(_OURS):
            hint = f"Did you mean '{near}'?" if near else "See docs/variables.md."
            faults.note(InputError(f"unknown variable '{name}'", hint=hint))
    faults.refuse()


# Hosts have their variables' names in common.
@lru_cache(maxsize=4096)
def _nearest(name: str, known: frozenset[str], prefixes: tuple[str, ...]) -> str | None:
    """The variable of ours that this may have been meant to be.

    Names that begin alike are compared by what comes behind: the prefix says nothing.
    """
    prefix = next((one for one in prefixes if name.startswith(one)), "")
    ends = sorted(one[len(prefix) :] for one in known if one.startswith(prefix))
    wanted = _LIKENESS.get(prefix, _NEAR)
    near = difflib.get_close_matches(name[len(prefix) :], ends, n=1, cutoff=wanted)
    return f"{prefix}{near[0]}" if near else None


def require_options(host: str, values: Variables, options: ArgumentSpec) -> None:
    """Refuse a host without the variables that a role cannot do without.

    `values` are the host's variables, `options` the specs of the roles by variable.
    """
    faults = Faults()
    for name, option in sorted(options.items()):
        if option["required"] and values.get(name) is None:
            faults.note(
                InputError(
                    f"host {host} has no {name}",
                    hint="Set it in the inventory's group_vars; see docs/variables.md.",
                )
            )
    faults.refuse()


def check_options(values: Variables, options: ArgumentSpec) -> None:
    """Refuse what a role's argument spec refuses, before the first role has touched anything."""
    faults = Faults()
    for name, option in sorted(options.items()):
        if values.get(name) is not None:
            with faults.collected():
                _check_option(name, option, values[name])
    faults.refuse()


def _check_option(name: str, option: Mapping[str, object], value: object) -> None:
    for key, what, found in misfits("", {name: value}, {name: option}):
        raise InputError(what, key=key, value=found, hint=str(option["description"]))
    if name in ranges.RANGES:
        _, number = suiting(name, option, value)
        ranges.check(name, number)


def check_budgets(values: Variables) -> None:
    """Refuse what `budgets_of` would refuse, under the names an inventory has for it."""
    faults = Faults()
    for stage in STAGES:
        for option in stage.options:
            if option.name != BUDGETS.name:
                continue
            for key in option.options:
                if key.variable and values.get(key.variable.name) is not None:
                    with faults.collected():
                        _check_budget(key.variable.name, key, values[key.variable.name])
    faults.refuse()


def _check_budget(variable: str, key: Option, value: Any) -> None:
    try:
        budgets.budgets_of({key.name: int(value) if key.type == "int" else value})
    except InputError as error:
        raise InputError(
            error.primary.replace(f"'{key.name}'", f"'{variable}'"),
            key=variable,
            value=value,
            hint=error.hint,
        ) from None


def load_runbook(
    asked: Asked,
    *,
    protection: Protection,
    templates: bool = True,
    remembered: Remembered | None = None,
) -> runbook.Runbook:
    """Validate the request and load its runbook; `templates` as for `runbook.load`.

    A runbook that several hosts ask for alike is loaded once where it is `remembered`. Raises
    InputError.
    """
    check_environment(asked.environment)
    _check_residue(asked.residue, protection)
    check_timeouts(asked.timeouts)
    accepted = waivers.listed(asked.waivers, asked.waivers_file)
    question = (
        *("runbook", asked.runbook, asked.profile, repr(asked.parameters)),
        *(repr(asked.migrations), templates),
    )
    loaded = (remembered or Remembered()).of(question, lambda: _tried(asked, templates=templates))
    known = {criterion.id for criterion in loaded.declared.criteria}
    own = waivers.of_host(accepted, asked.host, asked.groups)
    waivers.refuse_unknown(own, checks=loaded.checks, criteria=known)
    waivers.refuse_scored(own, criteria=known, waivable=WAIVABLE)
    return loaded


def _tried(asked: Asked, *, templates: bool) -> runbook.Runbook:
    loaded = _loaded(asked, templates=templates)
    if templates and not loaded.phases("preflight"):
        # Nothing is looked up before them, so the phases are rendered as they will be.
        phase_scripts.tried(loaded, facts={})
    return loaded


def _loaded(asked: Asked, *, templates: bool) -> runbook.Runbook:
    named = None if asked.runbook is None else path_of(asked.runbook, key="gonogo_runbook")
    if asked.migrations is None:
        if named is None:
            raise InputError(
                "there is neither gonogo_runbook nor gonogo_migrations",
                hint="Name the folder of the application's migrations, or that of a runbook.",
            )
        return _own(named, asked, templates=templates)
    folder = asked.migrations
    directory = path_of(folder.directory, key="gonogo_migrations")
    found = source.read(
        directory,
        tool=folder.tool,
        schema=folder.schema,
        irreversible=folder.irreversible,
        baseline=_baseline(folder),
        command=folder.command,
    )
    more = beside(
        queries_file=_path(folder.queries, key="gonogo_queries"),
        checks=_path(folder.checks, key="gonogo_own_checks"),
        criteria=folder.criteria,
    )
    if named is None or has_migration(named):
        return about(_derived(asked, templates=templates), found, beside=more)
    return about(_of(named, asked, templates=templates), found, beside=more)


def _own(directory: Path, asked: Asked, *, templates: bool) -> runbook.Runbook:
    """A runbook that is about a migration of its own."""
    loaded = _of(directory, asked, templates=templates)
    if not loaded.declared.migration:
        raise InputError(
            "the runbook has no migration",
            key="gonogo_runbook",
            value=str(directory),
            hint="Name the folder of the application's migrations, gonogo_migrations, or list the "
            "runbook's own files: `migration`.",
        )
    return loaded


def _of(directory: Path, asked: Asked, *, templates: bool) -> runbook.Runbook:
    return runbook.load(
        directory, profile=asked.profile, parameters=asked.parameters, templates=templates
    )


def _derived(asked: Asked, *, templates: bool) -> runbook.Runbook:
    """The derived checks. What is said of another runbook in the inventory, its profile and its
    parameters, is not about them."""
    known = runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters={}, templates=False)
    own = {k: v for k, v in asked.parameters.items() if k in known.declared.parameters}
    return runbook.load(DERIVED, profile=DERIVED_PROFILE, parameters=own, templates=templates)


def _baseline(folder: Folder) -> source.Baseline | None:
    if folder.baseline is None and folder.baseline_version is None:
        return None
    file = path_of(folder.baseline, key="gonogo_baseline") if folder.baseline else None
    return source.Baseline(file, folder.baseline_version)


def _path(value: str | None, *, key: str) -> Path | None:
    return None if value is None else path_of(value, key=key)


def check_timeouts(timeouts: Mapping[str, object]) -> None:
    """Refuse what is no limit of a session."""
    for key, value in timeouts.items():
        _check_timeout(key, value)


def check_run_id(key: str, value: str) -> None:
    """Refuse what is no id of a run: it becomes part of a path, or of a pattern."""
    if not is_run_id(value):
        raise InputError(
            "not the id of a run", key=key, value=value, hint="It is like 20260131T120000Z-0a1b2c."
        )


def unknown_run(key: str, run_id: str, environment: str, what: str, folder: Path) -> InputError:
    """The error for an id that is none of a run with what is wanted of it."""
    return InputError(
        f"environment {environment} has no run of that id with {what}",
        key=key,
        value=run_id,
        hint=f"Look into {folder}.",
    )


def check_environment(environment: str) -> None:
    if not _ENVIRONMENT.fullmatch(environment):
        raise InputError(
            "not a name for an environment",
            key="gonogo_environment",
            value=environment,
            hint="Use lower-case letters, digits, - and _.",
        )


def _check_residue(residue: str, protection: Protection) -> None:
    if residue not in _RESIDUES:
        near = difflib.get_close_matches(residue, _RESIDUES, n=1)
        raise InputError(
            "test rows are kept or rolled back, nothing else",
            key="gonogo_residue",
            value=residue,
            hint=f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(_RESIDUES)}.",
        )
    if protection.protected and residue != "rollback":
        raise InputError(
            "on a protected target nothing a run writes may ever be visible",
            key="gonogo_residue",
            value=residue,
            detail=f"The target is protected: {protection.reason}.",
            hint="Set gonogo_residue: rollback.",
        )


def _check_timeout(key: str, value: Any) -> None:
    if key not in _TIMEOUTS:
        near = difflib.get_close_matches(key, _TIMEOUTS, n=1)
        raise InputError(
            f"there is no timeout '{key}'",
            key="gonogo_timeouts",
            hint=f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(_TIMEOUTS)}.",
        )
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise InputError(
            "not a duration",
            key=f"gonogo_timeouts.{key}",
            value=value,
            hint="Write it like 500ms, 5s or 10min. Without a limit nothing is run.",
        )
    budgets.seconds(value, key=f"gonogo_timeouts.{key}")


def refuse_no_hosts(group: str, hosts: list[str], groups: Mapping[str, Sequence[str]]) -> None:
    """Ansible calls a play without hosts a success; a run without a target is none."""
    if hosts:
        return
    known = sorted(name for name in groups if name not in {"all", "ungrouped"} and groups[name])
    raise GonogoError(
        f"group '{group}' of the inventory has no hosts",
        detail=f"Groups with hosts: {', '.join(known) or 'none'}.",
        hint="Check the inventory (-i) and its group names.",
    )
