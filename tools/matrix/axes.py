"""The versions, which of them are combined, and how a person picks some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.matrix.errors import MatrixError

POSTGRESQL = (13, 14, 15, 16, 17, 18)
OLDEST, NEWEST = POSTGRESQL[0], POSTGRESQL[-1]

# ansible-core → the oldest Python that can be its controller.
CORES = {"2.19": "3.11", "2.21": "3.12"}

PYTHONS = ("3.11", "3.12", "3.13")
# On the target host, where nothing but Python and the client programs is needed.
TARGETS = ("3.9", "3.10", "3.11", "3.12", "3.13")


# The term of a target that runs the controller's own Python.
_SAME = "targetsame"


@dataclass(frozen=True)
class Cell:
    """One combination. ``target`` is the target host's Python, None for the controller's own."""

    postgresql: int
    core: str
    python: str
    target: str | None = None

    @property
    def name(self) -> str:
        """Its terms with dashes, without a target that is not another Python."""
        return "-".join(term for term in self.terms() if term != _SAME)

    def terms(self) -> list[str]:
        """A word for each axis."""
        target = f"target{self.target}" if self.target else _SAME
        return [f"pg{self.postgresql}", f"core{self.core}", f"py{self.python}", target]

    def impossible(self) -> str | None:
        """Why no machine can run it, or None."""
        least = CORES[self.core]
        if _number(self.python) < _number(least):
            return f"ansible-core {self.core} needs Python {least}"
        return None


def newest_core(python: str) -> str:
    """The newest ansible-core for a Python; what requirements/run.txt installs."""
    return [core for core, least in CORES.items() if _number(least) <= _number(python)][-1]


def chosen(default: str) -> list[Cell]:
    """What is worth running: versions of PostgreSQL and of the controller hardly meet.

    Every PostgreSQL with the controller on the Python ``default``; every controller with the
    oldest and the newest PostgreSQL; every target's Python with the newest.
    """
    core = newest_core(default)
    cells = [Cell(postgresql, core, default) for postgresql in POSTGRESQL]
    for postgresql in (OLDEST, NEWEST):
        cells += [Cell(postgresql, core, python) for core in CORES for python in PYTHONS]
    cells += [Cell(NEWEST, core, default, target) for target in TARGETS]
    return list(dict.fromkeys(cells))


def every() -> list[Cell]:
    """The whole cross."""
    return [
        Cell(postgresql, core, python, target)
        for postgresql in POSTGRESQL
        for core in CORES
        for python in PYTHONS
        for target in (None, *TARGETS)
    ]


def select(cells: Sequence[Cell], selectors: Iterable[str]) -> list[Cell]:
    """The cells that any of the selectors means, in their order.

    A selector is the name of a cell, or a list of terms with commas: ``pg13,pg18,core2.21``.
    Terms of one axis are alternatives, the axes it names must all fit.
    Raises: MatrixError for a term that no cell has, and when no cell is left.
    """
    known = {term for cell in cells for term in cell.terms()}
    wanted: list[Cell] = []
    for selector in selectors:
        named = [cell for cell in cells if cell.name == selector]
        if named:
            wanted += named
            continue
        axes: dict[str, set[str]] = {}
        for term in selector.split(","):
            if term not in known:
                raise MatrixError(
                    f'no cell has "{term}"',
                    hint=f"Terms: {', '.join(sorted(known, key=_by_axis))}.",
                )
            axes.setdefault(_axis(term), set()).add(term)
        found = [cell for cell in cells if all(set(cell.terms()) & axes[axis] for axis in axes)]
        if not found:
            raise MatrixError(
                f'no cell is "{selector}"',
                hint="See the cells with list; --all has every combination.",
            )
        wanted += found
    return [cell for cell in cells if cell in wanted]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _axis(term: str) -> str:
    match = re.match("pg|core|py|target", term)
    return match.group() if match else ""


def _by_axis(term: str) -> tuple[str, tuple[int, ...]]:
    axis = _axis(term)
    return axis, () if term == _SAME else _number(term.removeprefix(axis))
