"""Rooms of the package and the arrows between them."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "module_utils" / "gonogo"
FILES = sorted(PACKAGE.rglob("*.py"))
# An object of which nobody has said what is in it. It has its place at a border, where it comes
# from a file of YAML or JSON, from Ansible or from the driver, until it is read into a record, or
# where it goes to one of these. Between them records travel.
LOOSE = re.compile(r"\b(?:dict|Mapping)\[str, Any\]")
# So many there are. Who takes one away lowers it.
LEFT = 12
# Which floor may import which.
FLOORS = {
    "contract": {"contract"},
    "verdict": {"contract", "verdict"},
    "host": {"contract", "host"},
    "controller": {"contract", "controller", "host", "verdict"},
}


def _module(file: Path) -> tuple[str, ...]:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {_module(file) for file in FILES}


def _imports(file: Path) -> set[tuple[str, ...]]:
    """Modules of the package that a file imports, wherever in it."""
    base = file.relative_to(PACKAGE).parent.parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        above = base[: len(base) - node.level + 1]
        named = (*above, *(node.module.split(".") if node.module else ()))
        for alias in node.names:
            inner = (*named, alias.name)
            found.add(inner if inner in MODULES else named)
    return found


def _room(module: tuple[str, ...]) -> str:
    """`host.twin` of `host.twin.server`."""
    return ".".join(module[:2])


def _edges() -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {}
    for file in FILES:
        module = _module(file)
        if len(module) < 2 or module[0] not in {"controller", "host"}:
            continue
        for other in _imports(file):
            if other[0] in {"controller", "host"} and _room(other) != _room(module):
                edges.setdefault(_room(module), set()).add(_room(other))
    return edges


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_floors(file: Path) -> None:
    module = _module(file)
    if module:
        assert {other[0] for other in _imports(file) if other} <= FLOORS[module[0]]


def test_no_room_imports_in_a_circle() -> None:
    try:
        order = list(TopologicalSorter(_edges()).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {error.args[1]}")
    assert len(order) > 15


def test_stages_know_nothing_of_ansible() -> None:
    """What reads the command line and the inventory does, and what runs a stage."""
    knows = {
        ".".join(_module(file))
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.partition(".")[0] == "ansible"
    }
    assert {_room(tuple(name.split("."))) for name in knows} == {
        "controller.ansible",
        "controller.invocation",
        "controller.request",
    }


def test_what_travels_is_a_record() -> None:
    plugins = sorted((PACKAGE.parents[1] / "action_plugins").glob("*.py"))
    found = {
        str(file.relative_to(PACKAGE.parents[1])): len(
            LOOSE.findall(file.read_text(encoding="utf-8"))
        )
        for file in (*FILES, *plugins)
    }
    assert sum(found.values()) == LEFT, {file: uses for file, uses in found.items() if uses}
