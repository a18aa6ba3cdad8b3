"""What the roles say of their variables, their defaults, and what their tasks pass on."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping

from gonogo.contract.options.every import STAGES
from gonogo.contract.options.option import TASK, Option, StageOptions, Variable
from tests.generated import WRITTEN, comment, flow, replaced

__all__ = ["constants", "constants_of", "defaults", "galaxy", "specs", "tasks", "whole"]

_LONGEST = 150
_MODULE = re.compile(r"^  (gonogo_\w+):$")
_OPTION = re.compile(r"^    (\w+):")
_CONSTANT = re.compile(r"\{\{ (__\w+) \}\}")

_GALAXY = """\
{written}
galaxy_info:
  author: pg-gonogo maintainers
  description: Stage {role} of a run
  license: GPL-3.0-or-later
  min_ansible_version: "2.19"
dependencies: []
"""

_BY_MODULE = {stage.module_name: stage for stage in STAGES}


def galaxy(stage: StageOptions) -> str:
    """meta/main.yml."""
    return _GALAXY.format(written=WRITTEN, role=stage.role)


def specs(stage: StageOptions) -> str:
    """meta/argument_specs.yml."""
    lines = [WRITTEN, "argument_specs:"]
    for entry_point, says in stage.says.items():
        lines += [f"  {entry_point}:", f"    short_description: {flow(says)}", "    options:"]
        for variable in stage.variables:
            if variable.entry_point == entry_point:
                lines += _spec(variable)
    return "\n".join(lines) + "\n"


def _spec(variable: Variable) -> Iterator[str]:
    pad = " " * 8
    yield f"      {variable.name}:"
    yield f"{pad}type: {variable.type}"
    if variable.elements:
        yield f"{pad}elements: {variable.elements}"
    if variable.required:
        yield f"{pad}required: true"
    if variable.choices:
        yield f"{pad}choices: {flow(list(variable.choices))}"
    if variable.default is not None:
        yield f"{pad}default: {flow(variable.default)}"
    description = f"{pad}description: {flow(variable.text)}"
    if len(description) <= _LONGEST:
        yield description
        return
    yield f"{pad}description: >-"
    inner = " " * 10
    yield from textwrap.wrap(variable.text, 100, initial_indent=inner, subsequent_indent=inner)


def defaults(stage: StageOptions) -> str:
    """defaults/main.yml; empty where the role has none."""
    lines: list[str] = []
    for variable in stage.variables:
        if variable.default is None and not variable.example:
            continue
        if variable.said_above:
            lines += ["", *comment(variable.said_above)]
        if variable.default is None:
            lines.append(f"# {variable.name}: {variable.example}")
        else:
            lines.append(f"{variable.name}: {flow(variable.default)}")
    return "\n".join([WRITTEN, *lines]) + "\n" if lines else ""


def whole(stage: StageOptions) -> str:
    """tasks/main.yml of a role that has the stage's own task alone."""
    lines = [WRITTEN, f"- name: {flow(stage.says['main'])}", f"  {stage.module_name}:"]
    lines += _parameters(stage, "main", {})
    if stage.asked_for_by:
        lines += ["  when:", *(f"    - {variable} | bool" for variable in stage.asked_for_by)]
    return "\n".join(lines) + "\n"


def tasks(text: str, file: str) -> str:
    """A file of tasks, in which each task of a stage says what the declaration knows.

    What it does not, the task says by hand.
    """
    written: list[str] = []
    lines = text.splitlines()
    while lines:
        line = lines.pop(0)
        written.append(line)
        found = _MODULE.match(line)
        if found and found[1] in _BY_MODULE:
            by_hand = _by_hand(lines)
            written += _parameters(_BY_MODULE[found[1]], file, by_hand)
    return "\n".join(written) + "\n"


def _by_hand(lines: list[str]) -> dict[str, list[str]]:
    """The parameters that begin here, taken off the lines."""
    found: dict[str, list[str]] = {}
    name = ""
    while lines and lines[0].startswith("    "):
        line = lines.pop(0)
        started = _OPTION.match(line)
        name = started[1] if started else name
        found.setdefault(name, []).append(line)
    return found


def _parameters(stage: StageOptions, file: str, by_hand: Mapping[str, list[str]]) -> Iterator[str]:
    entry_point = file if file in stage.says else "main"
    for option in stage.options:
        if not option.used_in(TASK):
            continue
        known = list(_passed(option, "    "))
        if not known:
            yield from by_hand.get(option.name, [])
        elif (option.variable.entry_point if option.variable else "main") == entry_point:
            yield from known


def _passed(option: Option, indent: str) -> Iterator[str]:
    """How a task sets an option; nothing where only the task can know it."""
    if option.value or option.said:
        value = option.value or (option.said.value if option.said else "")
        yield f'{indent}{option.name}: "{value}"'
        return
    keys = [line for key in option.options for line in _passed(key, f"{indent}  ")]
    if keys:
        yield f"{indent}{option.name}:"
        yield from keys


def constants_of(stage: StageOptions) -> list[Option]:
    """Options of which vars/main.yml says the keys, for other roles to take them, too."""
    return [
        option
        for option in stage.options
        if _CONSTANT.fullmatch(option.value) and any(key.variable for key in option.options)
    ]


def constants(text: str, stage: StageOptions) -> str:
    """vars/main.yml, with the keys of those options."""
    for option in constants_of(stage):
        found = _CONSTANT.fullmatch(option.value)
        name = found[1] if found else ""
        keys = [line for key in option.options for line in _passed(key, "  ")]
        part = "\n".join([f"{name}:", *keys]) + "\n"
        text = replaced(re.compile(rf"^{name}:\n(?:  .*\n)+", re.MULTILINE), text, part)
    return text
