"""The tables of docs/variables.md."""

from __future__ import annotations

import re

from gonogo.contract.options.every import STAGES
from gonogo.contract.options.option import Variable
from tests.generated import flow, replaced

__all__ = ["page"]

_TABLE = re.compile(r"(?<=^\|---\|---\|---\|---\|---\|\n)(?:\|.*\n)+", re.MULTILINE)
_RANGES = re.compile(r"^(?:\* `\w+`: \S+ to .*\n)+", re.MULTILINE)
# The page has its keys itself.
_ELSEWHERE = ("see the module gonogo_target for its keys", "its keys are below")


def page(text: str) -> str:
    """The page, with every variable and the ranges of the numbers."""
    known: dict[str, Variable] = {}
    read_by: dict[str, list[str]] = {}
    for stage in STAGES:
        for variable in stage.variables:
            known.setdefault(variable.name, variable)
            read_by.setdefault(variable.name, []).append(stage.role)
    names = sorted(known, key=lambda name: (not name.startswith("gonogo_"), name))
    rows = "".join(_row(known[name], read_by[name]) for name in names)
    ranges = "".join(_range(known[name]) for name in sorted(known) if known[name].range)
    for pattern, part in ((_TABLE, rows), (_RANGES, ranges)):
        text = replaced(pattern, text, part)
    return text


def _row(variable: Variable, roles: list[str]) -> str:
    default = "\N{EN DASH}"
    if variable.required:
        default = "**required**"
    elif variable.default is not None:
        default = f"`{flow(variable.default)}`"
    meaning = variable.text.replace(*_ELSEWHERE)
    if variable.choices and variable.type != "list":
        meaning = f"{meaning} One of {', '.join(variable.choices)}."
    cells = (f"`{variable.name}`", variable.type, default, ", ".join(roles), meaning)
    return f"| {' | '.join(cells)} |\n"


def _range(variable: Variable) -> str:
    assert variable.range
    least, most = int(variable.range.least), int(variable.range.most)
    return f"* `{variable.name}`: {least} to {most} {variable.range.counted_in}\n"
