"""The options in the documentation of the modules, and the fragments that several of them share."""

from __future__ import annotations

import re

from gonogo.contract.options.option import ENTRY, TASK, Option, StageOptions
from gonogo.contract.options.shared import (
    APPROVAL,
    BUDGETS,
    ENVIRONMENT,
    LOGIN,
    PLAN_HOURS,
    TIMEOUTS,
)
from tests.generated import flow, replaced

__all__ = ["fragments", "module"]

FRAGMENTS = {
    "login": (LOGIN,),
    "timeouts": (TIMEOUTS,),
    "approval": (ENVIRONMENT, APPROVAL, PLAN_HOURS),
    "budgets": (BUDGETS,),
}
_OPTIONS = re.compile(
    r"(?:^extends_documentation_fragment: [^\n]*\n)?^options:.*?(?=^attributes:)",
    re.MULTILINE | re.DOTALL,
)


def module(text: str, stage: StageOptions) -> str:
    """The file of a module with the options of its stage."""
    options = [option for option in stage.options if option.used_in(TASK)]
    said = {option.name: _documented(option) for option in options}
    shared = {
        name: {option.name: _documented(option) for option in fragment}
        for name, fragment in FRAGMENTS.items()
    }
    extended = [name for name, fragment in shared.items() if fragment.items() <= said.items()]
    covered = {option for name in extended for option in shared[name]}
    own = [line for name, lines in said.items() if name not in covered for line in lines]
    lines = ["options:", *own] if own else ["options: {}"]
    if any(option.used_in(ENTRY) for option in stage.options):
        # Only what works on the target host needs anything there.
        names = ", ".join(["gonogo", *(f"gonogo.{name}" for name in extended)])
        lines.insert(0, f"extends_documentation_fragment: [{names}]")
    return replaced(_OPTIONS, text, "\n".join(lines) + "\n")


def fragments(text: str) -> str:
    """The file of the fragments."""
    for name, fragment in FRAGMENTS.items():
        pattern = re.compile(
            rf'(?<=^    {name.upper()} = r"""\n)options:\n.*?(?=^""")', re.MULTILINE | re.DOTALL
        )
        lines = [line for option in fragment for line in _documented(option)]
        text = replaced(pattern, text, "\n".join(["options:", *lines]) + "\n")
    return text


def _documented(option: Option, indent: str = "  ") -> list[str]:
    inner = f"{indent}  "
    if isinstance(option.text, str):
        lines = [f"{inner}description: {flow(option.text)}"]
    else:
        sentences = [f"{inner}  - {flow(sentence)}" for sentence in option.text]
        lines = [f"{inner}description:", *sentences]
    lines.append(f"{inner}type: {option.type}")
    if option.elements:
        lines.append(f"{inner}elements: {option.elements}")
    if option.choices:
        lines.append(f"{inner}choices: {flow(list(option.choices))}")
    if option.required_in(TASK):
        lines.append(f"{inner}required: true")
    if option.default is not None:
        lines.append(f"{inner}default: {flow(option.default)}")
    if option.options:
        lines.append(f"{inner}suboptions:")
        for key in option.options:
            lines += _documented(key, f"{inner}  ")
    return [f"{indent}{option.name}:", *lines]
