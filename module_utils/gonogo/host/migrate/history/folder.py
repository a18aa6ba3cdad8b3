"""A folder of migrations as tools look at it, to say whose it is.

Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from .reading import inside, text_of

__all__ = ["Claim", "Folder"]

# So far up the root of a project is looked for.
_HIGHEST = 6
_ROOT = frozenset({".git", ".hg"})


class Claim(NamedTuple):
    """Why a folder is a tool's: `mark` is what was found in it.

    `sure` is false where others may have made such a folder as well.
    """

    mark: str
    sure: bool = True


class Folder:
    """The names in a folder, the text of its SQL files, and the project around it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries = [one for one in inside(path) if not one.name.startswith(".")]

    @cached_property
    def files(self) -> list[str]:
        return [one.name for one in self.entries if one.is_file()]

    @cached_property
    def folders(self) -> dict[str, frozenset[str]]:
        """Name of a folder in this one → the names in it."""
        return {
            one.name: frozenset(path.name for path in one.iterdir())
            for one in self.entries
            if one.is_dir()
        }

    @cached_property
    def texts(self) -> dict[str, str]:
        """Name of an SQL file → its text. Raises InputError for one that is not UTF-8."""
        return {name: text_of(self.path / name) for name in self.files if name.endswith(".sql")}

    @cached_property
    def in_pairs(self) -> bool:
        """Whether each way has a file of its own."""
        return any(name.endswith((".up.sql", ".down.sql")) for name in self.texts)

    @cached_property
    def nested(self) -> list[str]:
        """Paths of all SQL files, however deep."""
        found = (path.relative_to(self.path) for path in self.path.rglob("*.sql"))
        return sorted(path.as_posix() for path in found)

    def with_line(self, start: str) -> str | None:
        """The first SQL file that has a line of this beginning."""
        return next(
            (
                name
                for name, text in self.texts.items()
                if any(line.startswith(start) for line in text.splitlines())
            ),
            None,
        )

    @cached_property
    def around(self) -> frozenset[str] | None:
        """The names beside the folder, up to the root of its project; None where no root is seen.

        What stands there says in which language the project is.
        """
        found: set[str] = set()
        for parent in self._parents():
            try:
                names = {path.name for path in parent.iterdir()}
            except OSError:
                # What stands there nobody shows us.
                return None
            found |= names
            if names & _ROOT:
                return frozenset(found)
        return None

    def may_be(self, *manifests: str) -> bool:
        """Whether the project may be of a language: one of its files is there, or no root is."""
        return self.around is None or bool(self.around & {*manifests})

    def _parents(self) -> Iterator[Path]:
        whole = self.path.resolve()
        yield whole
        yield from list(whole.parents)[:_HIGHEST]
