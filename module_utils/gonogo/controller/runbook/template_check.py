"""The static check of templates: whatever one names exists, before any of them is rendered.

Names, facts, parameters, filters, tests and other templates are looked up in the parsed
template, also where the rendering of one run would never come by.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.defaults import DEFAULT_NAMESPACE

from ...contract import canonical
from ...contract.errors import InputError
from ..reading.faults import Faults
from ..render.rendering import GLOBALS, template_environment
from .asked import Modules, parsed
from .manifest import MANIFEST

__all__ = ["check_templates"]

# What this process has found good: the hosts of a run mostly have one runbook.
_good: set[str] = set()


def check_templates(
    folders: Sequence[Path],
    *,
    facts: Collection[str] | None,
    parameters: Collection[str] | None,
    modules: Modules,
    manifest: bool = True,
) -> None:
    """Check all templates in the folders. Raises one InputError for all that is wrong in them.

    `facts` and `parameters` are the names the runbook declares, None where nobody knows them;
    `modules` are the same templates; without a `manifest` none of them may use one.
    """
    files = [file for folder in folders for file in sorted(folder.glob("*.j2"))]
    digests = [[str(file), canonical.sha256(file.read_bytes())] for file in files]
    known = [names and sorted(names) for names in (facts, parameters)]
    about = canonical.line([digests, *known, manifest])
    if about in _good:
        return
    environment = template_environment(folders)
    declared = {
        owner: (names, kind)
        for owner, names, kind in (
            ("facts", facts, "fact"),
            ("parameters", parameters, "parameter"),
            ("manifest", MANIFEST.keys if manifest else None, "key of the manifest"),
        )
        if names is not None
    }
    faults = Faults()
    for file in files:
        with faults.collected():
            tree = _parsed(file, environment)
            for line, problem, near in _faults(
                list(tree.find_all(nodes.Node)), environment, declared
            ):
                faults.note(_fault(file, line, problem, near))
            for line, problem, names, name in modules.misused(file.name):
                faults.note(_fault(file, line, problem, _near(name, names)))
    faults.refuse()
    _good.add(about)


def _parsed(file: Path, environment: Environment) -> nodes.Template:
    try:
        return parsed(environment, file.name, file.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        raise InputError(f"{file.name}:{error.lineno}: {error.message}", file=str(file)) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file.name}:{line}: not UTF-8 at byte {error.start}", file=str(file)
        ) from error


def _fault(file: Path, line: int, problem: str, near: str | None) -> InputError:
    hint = f"Did you mean '{near}'?" if near else None
    return InputError(f"{file.name}:{line}: {problem}", file=str(file), hint=hint)


def _faults(
    found: Sequence[nodes.Node],
    environment: Environment,
    declared: Mapping[str, tuple[Collection[str], str]],
) -> Iterator[tuple[int, str, str | None]]:
    """Line, what is wrong there, and the name that was probably meant."""
    known = _known(found)
    templates = environment.list_templates()
    for node in found:
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in known:
            yield node.lineno, f"'{node.name}' is undefined", _near(node.name, known)
        elif "manifest" not in declared and _is_manifest(node):
            yield node.lineno, "the runbook has no manifest.yml", None
        elif isinstance(node, (nodes.Getattr, nodes.Getitem)):
            owner, name = _access(node)
            names, kind = declared.get(owner, ((), ""))
            if kind and name is not None and name not in names:
                problem = (
                    f"there is no {kind} '{name}'"
                    if owner == "manifest"
                    else f"the runbook declares no {kind} '{name}'"
                )
                yield node.lineno, problem, _near(name, names)
        elif isinstance(node, nodes.Filter) and node.name not in environment.filters:
            filters = environment.filters
            yield node.lineno, f"there is no filter '{node.name}'", _near(node.name, filters)
        elif isinstance(node, nodes.Test) and node.name not in environment.tests:
            tests = environment.tests
            yield node.lineno, f"there is no test '{node.name}'", _near(node.name, tests)
        elif isinstance(node, (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends)):
            name = getattr(node.template, "value", None)
            if isinstance(name, str) and name not in templates:
                yield node.lineno, f"there is no template '{name}'", _near(name, templates)


def _is_manifest(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.ctx == "load" and node.name == "manifest"


def _known(found: Sequence[nodes.Node]) -> frozenset[str]:
    """Names that mean something in a template, wherever in it they are set."""
    known = {*GLOBALS, *DEFAULT_NAMESPACE, "loop", "varargs", "kwargs"}
    for node in found:
        if (isinstance(node, nodes.Name) and node.ctx != "load") or isinstance(node, nodes.Macro):
            known.add(node.name)
        elif isinstance(node, nodes.Import):
            known.add(node.target)
        elif isinstance(node, nodes.FromImport):
            known.update(name if isinstance(name, str) else name[1] for name in node.names)
    return frozenset(known)


def _access(node: nodes.Getattr | nodes.Getitem) -> tuple[str, str | None]:
    """`facts` and `users` of `facts.users` and `facts['users']`; no name for a computed one."""
    owner = node.node.name if isinstance(node.node, nodes.Name) else ""
    if isinstance(node, nodes.Getattr):
        return owner, node.attr
    return owner, str(node.arg.value) if isinstance(node.arg, nodes.Const) else None


def _near(name: str, names: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, sorted(names), n=1)), None)
