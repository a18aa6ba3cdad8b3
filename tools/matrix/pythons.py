"""Which interpreters this machine has."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.matrix import commands
from tools.matrix.errors import MatrixError, UnavailableError

_QUESTION = "import platform, sys; print(platform.python_version(), sys.executable)"


@dataclass(frozen=True)
class Interpreter:
    """One Python: ``version`` is exact, ``program`` what it says its own path is."""

    program: Path
    version: str

    @property
    def minor(self) -> str:
        """``3.11`` of ``3.11.7``."""
        return ".".join(self.version.split(".")[:2])


class Pythons:
    """The interpreters of this machine, looked for when they are asked for."""

    def __init__(self, given: Iterable[Path] = ()):
        """``given`` come before all others. Raises: MatrixError for one that does not run."""
        self._found: dict[str, Interpreter | None] = {}
        for program in given:
            interpreter = _ask(program.expanduser().absolute())
            if interpreter is None:
                raise MatrixError(f'"{program}" is no Python that runs')
            self._found.setdefault(interpreter.minor, interpreter)

    def get(self, minor: str) -> Interpreter:
        """The interpreter of a version like 3.12. Raises: UnavailableError."""
        if minor not in self._found:
            self._found[minor] = _find(minor)
        interpreter = self._found[minor]
        if interpreter is None:
            raise UnavailableError(f"no python{minor} found")
        return interpreter


def _find(minor: str) -> Interpreter | None:
    # A program of this name may be another one, or none: pyenv puts a script there for every
    # version that it could run if it were told to.
    for program in _candidates(minor):
        interpreter = _ask(program)
        if interpreter is not None and interpreter.minor == minor:
            return interpreter
    return None


def _candidates(minor: str) -> Iterator[Path]:
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.executable)
    name = f"python{minor}"
    for directory in os.get_exec_path():
        if (Path(directory) / name).is_file():
            yield Path(directory).absolute() / name
    versions = _pyenv_versions()
    if versions is not None:
        yield from sorted(versions.glob(f"{minor}.*/bin/{name}"), key=_patch_level, reverse=True)


def _patch_level(program: Path) -> list[int]:
    """By number: 3.12.10 is newer than 3.12.9; a name like 3.12-dev comes last."""
    parts = program.parents[1].name.split(".")
    return [int(part) for part in parts] if all(part.isdigit() for part in parts) else []


def _pyenv_versions() -> Path | None:
    root = os.environ.get("PYENV_ROOT")
    if not root:
        program = shutil.which("pyenv")
        done = commands.run([program, "root"]) if program else None
        root = done.last_line() if done and done.status == 0 else None
    return Path(root) / "versions" if root else None


def _ask(program: Path) -> Interpreter | None:
    done = commands.run([program, "-I", "-c", _QUESTION])
    version, _, path = done.last_line().partition(" ")
    return Interpreter(Path(path), version) if done.status == 0 else None
