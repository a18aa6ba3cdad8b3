"""What runs on the target host can be read by Python 3.9, and imported without psycopg."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "module_utils" / "gonogo"
# All but the controller's part.
SHARED = sorted({*PACKAGE.rglob("*.py")} - {*(PACKAGE / "controller").rglob("*.py")})
FILES = [*SHARED, *sorted((ROOT / "library").glob("*.py"))]
# A race is always run after a stage that has said whether psycopg is there.
NEED_PSYCOPG = {"race", "phases"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_syntax(file: Path) -> None:
    ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 9))


def test_imports() -> None:
    python = shutil.which("python3.9")
    works = python and subprocess.run([python, "-c", ""], check=False, capture_output=True)
    if not python or not works or works.returncode:
        pytest.skip("no Python 3.9 here")
    names = [
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        for file in SHARED
        if file.stem not in NEED_PSYCOPG
    ]
    lines = [f"import {name.removesuffix('.__init__')}" for name in names]
    outcome = subprocess.run(
        [python, "-I", "-c", "\n".join(["import sys; sys.path[:0] = ['module_utils']", *lines])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stderr == ""
