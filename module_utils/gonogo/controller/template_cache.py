"""What compiling and checking templates has come to, kept from run to run.

As Python keeps its compiled modules: below the project, in a directory that nobody but its owner
can write to, for templates that lie in the project. Code is found by the text it was made from
and by the code that made it. Where there can be no such directory, nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2
from jinja2.bccache import BytecodeCache, FileSystemBytecodeCache

from .. import canonical
from . import project

__all__ = ["Checked", "compiled"]

# Of the digest that names a folder of one version.
_DIGITS = 16


def compiled(folders: Sequence[Path]) -> BytecodeCache | None:
    """The code of the templates in these folders; None where it cannot be kept."""
    place = _directory() if _are_ours(folders) else None
    return FileSystemBytecodeCache(str(place), "%s") if place else None


class Checked:
    """Whether the templates in the folders, being what `about` says, were found good."""

    def __init__(self, folders: Sequence[Path], about: object) -> None:
        place = _directory() if _are_ours(folders) else None
        where = canonical.sha256(canonical.line([str(folder) for folder in folders]))[:16]
        self._file = place and place / f"checked-{where}"
        self._content = canonical.sha256(canonical.line(about))

    def __bool__(self) -> bool:
        try:
            return self._file is not None and self._file.read_text("utf-8") == self._content
        except (OSError, UnicodeDecodeError):
            return False

    def note(self) -> None:
        """They were. What cannot be written down is checked again the next time."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.write_text(self._content, "utf-8")


def _are_ours(folders: Sequence[Path]) -> bool:
    return all(folder.resolve().is_relative_to(project.ROOT) for folder in folders)


@cache
def _directory() -> Path | None:
    """What lies there gets executed."""
    above = project.ROOT / ".cache" / "templates"
    place = above / _version()
    try:
        above.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(above):
            return None
        if not place.is_dir():
            for old in above.glob("[0-9a-f]" * _DIGITS):
                shutil.rmtree(old, ignore_errors=True)  # a run that has just begun may need it
            place.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return place if _is_private(place) else None


def _is_private(place: Path) -> bool:
    found = place.lstat()
    writable = stat.S_IMODE(found.st_mode) & 0o022
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable


@cache
def _version() -> str:
    """Of everything that makes code from a template, or checks one."""
    here = Path(__file__).parent
    makers = [here / name for name in ("render.py", "quoting.py", "template_check.py")]
    about = [jinja2.__version__, sys.version, *(canonical.sha256(f.read_bytes()) for f in makers)]
    return canonical.sha256(canonical.line(about))[:_DIGITS]
