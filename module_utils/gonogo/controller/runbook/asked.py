"""Which checks the templates of a runbook ask, found in their text before any of them is rendered.

A template asks a check where it calls the engine's macro `check` with its id, or a macro that hands
its own argument on to it. Ids that are put together while a template runs are not known here; of a
phase with such a call nothing is said to be missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from jinja2 import Environment, TemplateError, nodes

__all__ = ["Asked", "Call", "Modules", "parsed"]

_ENGINE = "gonogo.sql.j2"
# The macros of it that make a block of an id.
_MAKERS = ("check", "sound", "by_helper")
# Where an id goes in: one of these macros, and the function that gives rules about rows.
_CHECK, _RULES = "check", "rules"
_BLOCK = re.compile(r"^-- @check +([^\n]*?)[ \t]*$", re.MULTILINE)
_UNFINISHED = re.compile(r"^-- @check +\Z", re.MULTILINE)


# Of this process: several hosts mostly have one runbook.
_trees: dict[tuple[str, str], nodes.Template] = {}


def parsed(environment: Environment, name: str, source: str) -> nodes.Template:
    """A template's tree. Raises TemplateSyntaxError."""
    if (name, source) not in _trees:
        _trees[name, source] = environment.parse(source, name=name)
    return _trees[name, source]


@dataclass(frozen=True)
class Call:
    """One that asks a check; `always` is false inside of a condition or a loop."""

    id: str
    file: str
    line: int
    always: bool


@dataclass(frozen=True)
class Asked:
    """`calls` that ask a check, `rules`: ids whose rules about rows are asked for; the other two
    tell whether there are more of them, whose ids nobody can read."""

    calls: tuple[Call, ...]
    rules: frozenset[str]
    more_calls: bool
    more_rules: bool


@dataclass
class _Module:
    """A parsed template: its macros, and where its names come from."""

    name: str
    tree: nodes.Template
    macros: dict[str, nodes.Macro] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    names: dict[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def exported(self) -> frozenset[str]:
        """What another template gets by importing this one."""
        found = set(self.macros)
        for node in self.tree.body:
            if isinstance(node, (nodes.Assign, nodes.AssignBlock)):
                found.update(name.name for name in node.target.find_all(nodes.Name))
                if isinstance(node.target, nodes.Name):
                    found.add(node.target.name)
        return frozenset(found)

    @cached_property
    def reached(self) -> frozenset[str]:
        """The templates that this one imports or includes by name."""
        found = set()
        for kind in (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends):
            for node in self.tree.find_all(kind):
                template = getattr(node, "template", None)
                if isinstance(template, nodes.Const):
                    found.add(str(template.value))
        return frozenset(found)

    @cached_property
    def written(self) -> tuple[list[Call], bool]:
        """Blocks that are written out, and whether one has an id that is put in."""
        found: list[Call] = []
        unfinished = False
        for data in self.tree.find_all(nodes.TemplateData):
            for match in _BLOCK.finditer(data.data):
                line = data.lineno + data.data.count("\n", 0, match.start())
                found.append(Call(match[1], self.name, line, always=False))
            unfinished = unfinished or bool(_UNFINISHED.search(data.data))
        return found, unfinished


@dataclass(frozen=True)
class _Use:
    """A call of a macro or function, and the macro around it."""

    node: nodes.Call
    macro: nodes.Macro | None
    always: bool


class Modules:
    """The templates of a runbook, those of the engine included, parsed once."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._modules: dict[str, _Module | None] = {}
        self._uses: dict[str, list[_Use]] = {}

    def module(self, name: str) -> _Module | None:
        """A template by its name; None for one that is not there or cannot be parsed."""
        if name not in self._modules:
            self._modules[name] = self._parsed(name)
        return self._modules[name]

    def reach(self, name: str) -> list[str]:
        """A template and all that it imports, and what those import."""
        found: list[str] = []
        waiting = [name]
        while waiting:
            following = waiting.pop()
            module = self.module(following)
            if following not in found and module is not None:
                found.append(following)
                waiting.extend(sorted(module.reached))
        return found

    def asked(self, name: str) -> Asked:
        """What a phase's template asks, and the templates that it reaches."""
        calls: list[Call] = []
        rules: set[str] = set()
        more: set[str] = set()
        for module in map(self.module, self.reach(name)):
            assert module is not None
            if module.name == _ENGINE:
                continue
            for use in self._of(module):
                for kind, argument in self._ids(module, use.node):
                    if isinstance(argument, nodes.Const):
                        known = str(argument.value)
                        rules.update({known} if kind == _RULES else ())
                        if kind == _CHECK:
                            always = use.always and use.macro is None
                            calls.append(Call(known, module.name, use.node.lineno, always))
                    elif not _is_parameter(argument, use.macro):
                        more.add(kind)
            written, unfinished = module.written
            calls += written
            more.update({_CHECK} if unfinished else ())
        return Asked(tuple(calls), frozenset(rules), _CHECK in more, _RULES in more)

    def misused(self, name: str) -> Iterator[tuple[int, str, Collection[str], str]]:
        """Line and problem of each call that no macro fits, the names that were to choose from,
        and the one that was used."""
        module = self.module(name)
        if module is None:
            return
        for access in module.tree.find_all(nodes.Getattr):
            owner = access.node.name if isinstance(access.node, nodes.Name) else ""
            if owner in module.imports:
                yield from self._absent(module.imports[owner], access.attr, access.lineno)
        for taken in module.tree.find_all(nodes.FromImport):
            template = taken.template
            if isinstance(template, nodes.Const):
                for item in taken.names:
                    wanted = item if isinstance(item, str) else item[0]
                    yield from self._absent(str(template.value), wanted, taken.lineno)
        for use in self._of(module):
            found = self._macro(module, use.node)
            problem = _misfit(use.node, found[1]) if found else ""
            if found and problem:
                yield use.node.lineno, f"macro '{found[1].name}' {problem}", (), ""

    def _absent(
        self, name: str, wanted: str, line: int
    ) -> Iterator[tuple[int, str, Collection[str], str]]:
        other = self.module(name)
        if other is not None and wanted not in other.exported:
            yield line, f"{name} has no macro '{wanted}'", other.exported, wanted

    def _parsed(self, name: str) -> _Module | None:
        loader = self._environment.loader
        if loader is None:
            return None
        try:
            source, _, _ = loader.get_source(self._environment, name)
            tree = parsed(self._environment, name, source)
        except (TemplateError, OSError, UnicodeDecodeError):
            # Whatever is wrong with it is said of it by itself.
            return None
        module = _Module(name, tree)
        for macro in tree.find_all(nodes.Macro):
            module.macros[macro.name] = macro
        for node in tree.find_all(nodes.Import):
            if isinstance(node.template, nodes.Const):
                module.imports[node.target] = str(node.template.value)
        for taken in tree.find_all(nodes.FromImport):
            if isinstance(taken.template, nodes.Const):
                for item in taken.names:
                    wanted, called = (item, item) if isinstance(item, str) else item
                    module.names[called] = (str(taken.template.value), wanted)
        return module

    def _of(self, module: _Module) -> list[_Use]:
        if module.name not in self._uses:
            self._uses[module.name] = list(_calls(module.tree, None, always=True))
        return self._uses[module.name]

    def _macro(self, module: _Module, call: nodes.Call) -> tuple[_Module, nodes.Macro] | None:
        """The macro that is called, and where it stands."""
        target = call.node
        if isinstance(target, nodes.Name):
            if target.name in module.macros:
                return module, module.macros[target.name]
            where, wanted = module.names.get(target.name, ("", ""))
        elif isinstance(target, nodes.Getattr) and isinstance(target.node, nodes.Name):
            where, wanted = module.imports.get(target.node.name, ""), target.attr
        else:
            return None
        other = self.module(where) if where else None
        return (other, other.macros[wanted]) if other and wanted in other.macros else None

    def _ids(
        self, module: _Module, call: nodes.Call, depth: int = 0
    ) -> Iterator[tuple[str, nodes.Expr]]:
        """The arguments of a call that become ids of checks, and what for."""
        if isinstance(call.node, nodes.Name) and call.node.name == "row_rules":
            yield from ((_RULES, argument) for argument in call.args[:1])
            return
        found = self._macro(module, call)
        if found is None:
            return
        other, macro = found
        for kind, parameter in self._sinks(other, macro, depth):
            argument = _argument(call, macro, parameter)
            if argument is not None:
                yield kind, argument

    def _sinks(self, module: _Module, macro: nodes.Macro, depth: int) -> set[tuple[str, str]]:
        """The parameters of a macro that become ids of checks."""
        if module.name == _ENGINE and macro.name in _MAKERS:
            return {(_CHECK, macro.args[0].name)}
        found: set[tuple[str, str]] = set()
        # A macro that calls itself leads nowhere new.
        for use in self._of(module) if depth < 8 else ():
            if use.macro is macro:
                for kind, argument in self._ids(module, use.node, depth + 1):
                    if isinstance(argument, nodes.Name) and _is_parameter(argument, macro):
                        found.add((kind, argument.name))
        return found


def _calls(node: nodes.Node, macro: nodes.Macro | None, *, always: bool) -> Iterator[_Use]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call):
            yield _Use(child, macro, always)
        inside = child if isinstance(child, nodes.Macro) else macro
        conditional = isinstance(child, (nodes.If, nodes.CondExpr, nodes.For))
        yield from _calls(child, inside, always=always and not conditional)


def _is_parameter(argument: nodes.Expr, macro: nodes.Macro | None) -> bool:
    return (
        macro is not None
        and isinstance(argument, nodes.Name)
        and argument.name in {parameter.name for parameter in macro.args}
    )


def _argument(call: nodes.Call, macro: nodes.Macro, parameter: str) -> nodes.Expr | None:
    names = [item.name for item in macro.args]
    position = names.index(parameter)
    if position < len(call.args):
        return call.args[position]
    return next((item.value for item in call.kwargs if item.key == parameter), None)


def _misfit(call: nodes.Call, macro: nodes.Macro) -> str:
    """How the arguments of a call are not those of the macro; empty where they are."""
    if call.dyn_args is not None or call.dyn_kwargs is not None:
        return ""
    names = [item.name for item in macro.args]
    used = {name.name for name in macro.find_all(nodes.Name)}
    if len(call.args) > len(names) and "varargs" not in used:
        return f"takes {len(names)} arguments, not {len(call.args)}"
    given = {*names[: len(call.args)], *(item.key for item in call.kwargs)}
    unknown = sorted(given - set(names))
    if unknown and "kwargs" not in used:
        return f"has no argument '{unknown[0]}'"
    needed = names[: len(names) - len(macro.defaults)]
    missing = [name for name in needed if name not in given]
    return f"lacks the argument '{missing[0]}'" if missing else ""
