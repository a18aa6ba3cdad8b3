"""What runs on the target host can be read and imported by Python 3.9."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gonogo.controller.ansible.package import PSYCOPG
from sandbox import programs
from tests.unit.remote_module import kept

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "module_utils" / "gonogo"
# All but the controller's part.
SHARED = sorted({*PACKAGE.rglob("*.py")} - {*(PACKAGE / "controller").rglob("*.py")})
FILES = [*SHARED, *sorted((ROOT / "library").glob("*.py"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_syntax(file: Path) -> None:
    ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 9))


def test_imports(tmp_path: Path) -> None:
    """With the psycopg that would be sent to such a host."""
    python = _python39()
    if python is None:
        pytest.skip("no Python 3.9 here")
    psycopg = kept(PSYCOPG, tmp_path)
    names = [".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in SHARED]
    lines = [
        "import sys; sys.path[:0] = ['module_utils']",
        "from gonogo.host.transport import driver",
        f"driver.provide(driver.Bundle(**{psycopg!r}), bin_dir={str(programs.find(None).bin)!r})",
        *(f"import {name.removesuffix('.__init__')}" for name in names),
    ]
    outcome = subprocess.run(
        [python, "-I", "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stderr == ""


def _python39() -> str | None:
    """One on the PATH, or of pyenv, whose own commands may stand for a version that is off."""
    candidates = [shutil.which("python3.9")]
    root = os.environ.get("PYENV_ROOT")
    candidates += [
        str(path) for path in Path(root or "/nonexistent").glob("versions/3.9.*/bin/python")
    ]
    for python in filter(None, candidates):
        if subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:
            return python
    return None
