"""The modules, which are documentation, and the fragments that several of them share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gonogo.contract.options.option import ENTRY, TASK, Option, Returned, StageOptions
from gonogo.contract.options.shared import (
    APPROVAL,
    BUDGETS,
    ENVIRONMENT,
    LOGIN,
    PLAN_HOURS,
    TIMEOUTS,
)
from tests.generated import WRITTEN, flow, replaced

__all__ = ["fragments", "module"]

FRAGMENTS = {
    "login": (LOGIN,),
    "timeouts": (TIMEOUTS,),
    "approval": (ENVIRONMENT, APPROVAL, PLAN_HOURS),
    "budgets": (BUDGETS,),
}
_MODULE = '''#!/usr/bin/python
{written}
"""{title}."""

from __future__ import annotations

DOCUMENTATION = r"""
{documentation}
"""

EXAMPLES = r"""
{examples}"""

RETURN = r"""
{returns}
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Entry point; the action plugin of the same name does the work{through}."""
    module = AnsibleModule(argument_spec={{}}, supports_check_mode=True)
    module.fail_json(msg="{name} runs on the controller, through its action plugin")


if __name__ == "__main__":
    main()
'''


def module(stage: StageOptions) -> str:
    """The file of a module."""
    says = stage.documented
    remote = any(option.used_in(ENTRY) for option in stage.options)
    return _MODULE.format(
        written=WRITTEN,
        title=says.title,
        documentation="\n".join(_documentation(stage, remote=remote)),
        examples=says.examples,
        returns="\n".join(line for value in says.returns for line in _returned(value, "")),
        through=", through gonogo_remote" if remote else "",
        name=stage.module_name,
    )


def _documentation(stage: StageOptions, *, remote: bool) -> Iterator[str]:
    says = stage.documented
    yield f"module: {stage.module_name}"
    yield f"short_description: {flow(says.title)}"
    yield "description:"
    yield from (f"  - {flow(paragraph)}" for paragraph in says.description)
    extended, own = _options(stage)
    if remote:
        # Only what works on the target host needs anything there.
        names = ", ".join(["gonogo", *(f"gonogo.{name}" for name in extended)])
        yield f"extends_documentation_fragment: [{names}]"
    yield from ["options:", *own] if own else ["options: {}"]
    yield from ("attributes:", "  check_mode:", "    support: full")
    if says.check_mode:
        yield f"    description: {flow(says.check_mode)}"
    if not remote:
        yield from ("author:", "  - pg-gonogo maintainers")


def _options(stage: StageOptions) -> tuple[list[str], list[str]]:
    """The fragments that a module extends, and the lines of its other options."""
    options = [option for option in stage.options if option.used_in(TASK)]
    said = {option.name: _documented(option) for option in options}
    shared = {
        name: {option.name: _documented(option) for option in fragment}
        for name, fragment in FRAGMENTS.items()
    }
    extended = [name for name, fragment in shared.items() if fragment.items() <= said.items()]
    covered = {option for name in extended for option in shared[name]}
    return extended, [line for name, lines in said.items() if name not in covered for line in lines]


def _returned(value: Returned, indent: str) -> Iterator[str]:
    yield f"{indent}{value.name}:"
    inner = f"{indent}  "
    yield f"{inner}description: {flow(value.text)}"
    yield f"{inner}returned: {value.returned}"
    yield f"{inner}type: {value.type}"
    if value.elements:
        yield f"{inner}elements: {value.elements}"
    if value.sample is not None:
        yield f"{inner}sample: {flow(value.sample)}"
    if value.contains:
        yield f"{inner}contains:"
        for key in value.contains:
            yield from _returned(key, f"{inner}  ")


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
