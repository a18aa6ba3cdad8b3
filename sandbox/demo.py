"""The main job, from nothing to a verdict, on a sandbox of its own that is gone afterwards."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import lifecycle
from tools import playbook
from tools.project import PROJECT

if TYPE_CHECKING:
    from sandbox.options import Options


def run(options: Options) -> int:
    """Start a sandbox, judge it, stop it. Returns the exit status: 0 when there is a verdict.

    The verdict itself does not change the status: a demonstration of a NO-GO has worked.
    """
    with tempfile.TemporaryDirectory(prefix="gonogo-demo-") as name:
        directory = Path(name)
        try:
            lifecycle.start(directory, options)
            return subprocess.run(  # noqa: S603 - a list of ours
                playbook.command(
                    "--inventory=inventories/sandbox",
                    "--extra-vars={verdict_fail_on: []}",
                    "validate_staging.yml",
                ),
                cwd=PROJECT,
                env={**os.environ, **playbook.settings(GONOGO_SANDBOX_DIR=str(directory))},
                check=False,
            ).returncode
        finally:
            lifecycle.stop(directory)
