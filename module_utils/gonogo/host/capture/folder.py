"""The files of a folder, by their digests.

Python 3.9, standard library only: the controller asks as well.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from ...contract import canonical
from ...contract.errors import InputError

__all__ = ["INSTALLED", "digests", "sha256"]

# What is no part of an application's own text: what was installed beside it, and what is made of
# it when it runs.
INSTALLED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "vendor", "target"}
)


def digests(directory: Path, *, without: Collection[str] = ()) -> dict[str, str]:
    """Path below the folder → SHA-256; not of what is below directories of these names.

    Raises InputError for a link that leads out of the folder: what lies there could change.
    """
    root = directory.resolve()
    found = {}
    for path in sorted(_walked(directory, without)):
        if path.is_symlink() and root not in (path.resolve(), *path.resolve().parents):
            relative = path.relative_to(directory)
            raise InputError(f"file {relative} leads out of the folder", file=str(path))
        if path.is_file():
            content = path.read_bytes()
            found[path.relative_to(directory).as_posix()] = canonical.sha256(content)
    return found


def sha256(found: dict[str, str]) -> str:
    """One digest for all of them."""
    return canonical.sha256(canonical.line(found))


def _walked(directory: Path, without: Collection[str]) -> Iterator[Path]:
    for above, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in without]
        linked = [name for name in folders if (Path(above) / name).is_symlink()]
        yield from (Path(above) / name for name in [*files, *linked])
