"""The program that verifies evidence on its own, run in this process: tests run it often."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import pytest

from tests.schemas import assert_suits

__all__ = ["PROGRAM", "assert_confirmed", "verify"]

PROGRAM = Path(__file__).parents[3] / "verify" / "verify_evidence.py"


def verify(path: Path, *options: str) -> tuple[int, str]:
    """Exit status and output for a directory of evidence."""
    output = io.StringIO()
    arguments, sys.argv = sys.argv, [str(PROGRAM), str(path), *options]
    try:
        with contextlib.redirect_stdout(output), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(PROGRAM), run_name="__main__")
    finally:
        sys.argv = arguments
    return int(ended.value.code or 0), output.getvalue()


def assert_confirmed(verdict: Path) -> None:
    """The program comes to the same as the project, which has just written this verdict.json.

    Evidence that somebody has altered in the middle of a run is a reason of the verdict by itself.
    """
    said = json.loads(verdict.read_text())
    assert_suits(said)
    codes = {reason["code"] for reason in said["reasons"]}
    status, output = verify(verdict.parent)
    assert status == 0 or "evidence" in codes, output
