"""What an option is, and what follows from it.

Runs on the controller and on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = [
    "BOTH",
    "ENTRY",
    "TASK",
    "ArgumentSpec",
    "Documented",
    "EntryOptions",
    "Option",
    "Range",
    "Returned",
    "StageOptions",
    "Variable",
    "all_options",
    "spec_of",
]

# Where an option is used: in the task, on the controller, and in the entry, on the target host.
TASK, ENTRY = "task", "entry"
BOTH = (TASK, ENTRY)

# Of a task or an entry, or of one option of either: in Ansible's own form, for Ansible's checker.
ArgumentSpec = Mapping[str, Any]

# Ansible's markup in descriptions, `V(auto)`.
_MARKUP = re.compile(r"\b[A-Z]\(([^)]*)\)")
# Variables that roles have in common have no default in any of them.
_COMMON = "gonogo_"


@dataclass(frozen=True)
class Range:
    """From where to where a number may go, and what it is counted in."""

    least: float
    most: float
    counted_in: str


@dataclass(frozen=True)
class Variable:
    """A variable of the inventory, as a role says it.

    One that an option comes from has of the option what it does not say itself. `comment` stands
    above its default: by default `text`; where it is empty, the variable belongs to the group of
    the one before it. `example` is its value where there is no default to show.
    """

    name: str
    text: str = ""
    type: str = ""
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    elements: str = ""
    range: Range | None = None
    comment: str | None = None
    example: str = ""
    # Of the role; named after the file of its tasks.
    entry_point: str = "main"

    @property
    def said_above(self) -> str:
        return self.text if self.comment is None else self.comment

    @property
    def value(self) -> str:
        """How a task takes it."""
        if self.default is None and not self.required:
            return f"{{{{ {self.name} | default(omit) }}}}"
        return f"{{{{ {self.name} }}}}"


@dataclass(frozen=True)
class Option:
    """An option of a task, of an entry, or of both; or a key of one.

    `default` None is none. `text` is its description, in Ansible's markup; of what a task does not
    have, for the reader of this file. `value` is how the tasks of the roles set it, by default the
    `variable`; where there is neither, they say it themselves. A path is the target host's, unless
    it is `on_controller`.
    """

    name: str
    type: str = "str"
    text: str | tuple[str, ...] = ""
    used: str | tuple[str, ...] = BOTH
    default: Any = None
    required: bool | str = False  # a place, where it is required there only
    choices: tuple[str, ...] = ()
    elements: str = ""
    options: tuple[Option, ...] = ()
    range: Range | None = None
    no_log: bool | None = None
    on_controller: bool = False
    variable: Variable | None = None
    value: str = ""

    def used_in(self, place: str) -> bool:
        return place in ((self.used,) if isinstance(self.used, str) else self.used)

    def required_in(self, place: str) -> bool:
        return self.required is True or self.required == place

    def spec(self, place: str) -> ArgumentSpec:
        """Its line of an argument spec.

        In the spec of a task, paths of the target host are left as they were written: `~` and
        variables would become the controller's.
        """
        here = self.type != "path" or place == ENTRY or self.on_controller
        spec: dict[str, object] = {"type": self.type if here else "str"}
        if self.required_in(place):
            spec["required"] = True
        if self.default is not None:
            # Ansible writes into one.
            spec["default"] = copy.deepcopy(self.default)
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.elements:
            spec["elements"] = self.elements
        if self.options:
            spec["options"] = spec_of(self.options, place)
        if self.no_log is not None:
            spec["no_log"] = self.no_log
        return spec

    def default_of(self, key: str) -> Any:
        """The default of one of its keys."""
        return next(option.default for option in self.options if option.name == key)

    @property
    def said(self) -> Variable | None:
        """Its variable, with all that the role says of it."""
        if self.variable is None:
            return None
        common = self.variable.name.startswith(_COMMON)
        sentences = (self.text,) if isinstance(self.text, str) else self.text
        return replace(
            self.variable,
            text=self.variable.text or _MARKUP.sub(r"\1", " ".join(sentences)),
            type=self.variable.type or self.type,
            default=None if common else self.default,
            required=self.variable.required or self.required_in(TASK),
            choices=self.variable.choices or self.choices,
            elements=self.variable.elements or self.elements,
            range=self.variable.range or self.range,
        )


def spec_of(options: Iterable[Option], place: str) -> ArgumentSpec:
    """Argument spec of the options that are used in a place."""
    return {option.name: option.spec(place) for option in options if option.used_in(place)}


def all_options(options: Iterable[Option], within: str = "") -> Iterator[tuple[str, Option]]:
    """Every option and every key of one, as `login` and `login.host`."""
    for option in options:
        yield f"{within}{option.name}", option
        yield from all_options(option.options, f"{within}{option.name}.")


@dataclass(frozen=True)
class EntryOptions:
    """The options of what else a stage asks of the target host."""

    options: tuple[Option, ...]
    leaves_process: bool = False

    @property
    def entry(self) -> ArgumentSpec:
        """Argument spec."""
        return spec_of(self.options, ENTRY)


@dataclass(frozen=True)
class Returned:
    """A value that a task returns, or a key of one."""

    name: str
    type: str
    text: str
    returned: str = "always"
    elements: str = ""
    sample: Any = None
    contains: tuple[Returned, ...] = ()


@dataclass(frozen=True)
class Documented:
    """What the documentation of a module says beside its options.

    `description` has one text a paragraph, `check_mode` what the task does in check mode where it
    is not the same as ever, `examples` tasks in YAML.
    """

    title: str
    description: tuple[str, ...]
    examples: str
    returns: tuple[Returned, ...]
    check_mode: str = ""


@dataclass(frozen=True)
class StageOptions:
    """A stage as it is declared: the options of its task and of the entry of the same name, and
    what its role and its module say.

    Among the options are variables that are none of them: the stage reads them by itself, or the
    role decides by them. `says` is the short description of each entry point of the role.
    `asked_for_by` are the variables that are all true where the stage takes part in a run, and
    `called` is the name of its play's task where that is not the role's. An entry `leaves_process`
    where a process of its own stays behind on the target host.
    """

    role: str
    says: Mapping[str, str]
    documented: Documented
    declared: tuple[Option | Variable, ...]
    module: str = ""
    asked_for_by: tuple[str, ...] = ()
    called: str = ""
    leaves_process: bool = False

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(one for one in self.declared if isinstance(one, Option))

    @property
    def task(self) -> ArgumentSpec:
        """Argument spec of the task."""
        return spec_of(self.options, TASK)

    @property
    def entry(self) -> ArgumentSpec:
        """Argument spec of the entry."""
        return spec_of(self.options, ENTRY)

    def passed(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Of the task's arguments those that its entry has, too: what Ansible has checked."""
        both = (one.name for one in self.options if one.used_in(TASK) and one.used_in(ENTRY))
        return {name: arguments[name] for name in both}

    def default_of(self, name: str) -> Any:
        """The default of one of its options."""
        return next(option.default for option in self.options if option.name == name)

    @property
    def module_name(self) -> str:
        return f"gonogo_{self.module or self.role}"

    @property
    def variables(self) -> list[Variable]:
        """The variables of the role, those that are common to all roles first."""
        found = []
        for one in self.declared:
            if isinstance(one, Variable):
                found.append(one)
            else:
                found += [key.said for _, key in all_options([one]) if key.said is not None]
        return sorted(found, key=lambda variable: not variable.name.startswith(_COMMON))
