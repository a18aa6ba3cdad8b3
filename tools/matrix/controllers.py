"""A virtual environment with one ansible-core on one Python, and a bare one for the target."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tools.matrix import commands, registry
from tools.matrix.cache import Cache, digest
from tools.matrix.errors import UnavailableError
from tools.matrix.pythons import Interpreter
from tools.project import REQUIREMENTS

_LOCKS = REQUIREMENTS / "controllers"

# Keys as the table names them. psycopg speaks through the libpq that its binary package brings.
_QUESTION = """
import json, platform
from importlib import metadata
import psycopg
libpq = psycopg.pq.version()
print(json.dumps({
    "python": platform.python_version(),
    "ansible_core": metadata.version("ansible-core"),
    "psycopg": psycopg.__version__,
    "libpq": f"{libpq // 10000}.{libpq % 10000}",
}))
"""


@dataclass(frozen=True)
class Controller:
    """An environment that has what a run on the controller needs.

    ``versions`` has the keys python, ansible_core, psycopg and libpq.
    """

    python: Path
    versions: dict[str, str]

    @classmethod
    def of(cls, python: Path) -> Controller:
        """The environment of an interpreter. Raises: UnavailableError when something lacks."""
        done = commands.run([python, "-c", _QUESTION])
        if done.status != 0:
            raise UnavailableError(f'"{python}" is no controller: {done.last_line()}')
        return cls(python, json.loads(done.last_line()))

    @property
    def programs(self) -> Path:
        """Where those of ansible-core are."""
        return self.python.parent


def obtain(core: str, interpreter: Interpreter, cache: Cache) -> Controller:
    """The controller with this ansible-core, as requirements/controllers/ has locked it.

    Raises: UnavailableError when it cannot be installed on this machine, MatrixError when PyPI
    cannot be reached.
    """
    lock = _LOCKS / f"{core}.txt"

    def make(path: Path) -> None:
        _make_environment(interpreter, path)
        registry.pip_install(path / "bin" / "python", lock)

    name = f"controllers/py{interpreter.version}-core{core}-{digest(lock)}"
    return Controller.of(cache.made(name, make) / "bin" / "python")


def obtain_target(interpreter: Interpreter, cache: Cache) -> Path:
    """A Python without a single package, whatever the interpreter itself has.

    Raises: UnavailableError.
    """

    def make(path: Path) -> None:
        _make_environment(interpreter, path, "--without-pip")

    return cache.made(f"targets/py{interpreter.version}", make) / "bin" / "python"


def _make_environment(interpreter: Interpreter, path: Path, *options: str) -> None:
    done = commands.run([interpreter.program, "-m", "venv", *options, path])
    if done.status != 0:
        raise UnavailableError(
            f"Python {interpreter.version} cannot make an environment: {done.last_line()}"
        )
